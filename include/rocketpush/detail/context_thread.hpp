#ifndef ROCKETPUSH_DETAIL_CONTEXT_THREAD_HPP
#define ROCKETPUSH_DETAIL_CONTEXT_THREAD_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/process_bound.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace rocketpush::detail {

/// How long an idle thread may take to see that it shall leave, before it is left behind as a hung one.
inline constexpr std::chrono::milliseconds thread_leave_grace{500};

/// The most that a join waits. `milliseconds::max()` would overflow on its way to a point in time.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(24 * 365);

/**
 * @brief An io_context and the one thread that runs it, and an end that always comes.
 *
 * The thread shares the context, so it can be left behind when a handler hangs: whenever that handler returns, it finds
 * all it needs, and the thread ends by itself.
 *
 * @par Thread safety  All from any thread.
 */
class context_thread {
  public:
    context_thread() : shared_(std::make_shared<shared_state>()), work_(shared_->context.get_executor()) {}

    context_thread(const context_thread&)            = delete;
    context_thread& operator=(const context_thread&) = delete;

    /// Drops what has not run yet. In a child of fork() the thread is not there, and the context is the parent's.
    ~context_thread() {
        if (home_.is_here())
            join(std::chrono::milliseconds(0));
        else
            leave_to_parent();
    }

    asio::io_context& context() noexcept { return shared_->context; }

    void start() {
        const std::lock_guard lock(shared_->mutex);
        if (thread_.joinable() || !work_)
            return;
        thread_ = std::thread([shared = shared_] {
            shared->context.run();
            const std::lock_guard ending(shared->mutex);
            shared->ended = true;
            shared->changed.notify_all();
        });
    }

    /// See the law of `runtime`.
    bool join(std::chrono::milliseconds limit) {
        std::unique_lock lock(shared_->mutex);
        work_.reset();
        if (!thread_.joinable())
            return !left_behind_ || shared_->ended;
        if (thread_.get_id() == std::this_thread::get_id()) {
            leave_behind();
            return false;
        }
        const auto ended = [this] { return shared_->ended || left_behind_; };
        if (!shared_->changed.wait_for(lock, std::min(limit, longest_wait), ended)) {
            // A thread that still runs handlers is told to leave. One that hangs in one goes on when it returns: stopped then, it
            // would leave operations in the context that own the context.
            asio::post(shared_->context, [shared = shared_.get()] {
                const std::lock_guard answering(shared->mutex);
                shared->answered = true;
                shared->changed.notify_all();
            });
            shared_->changed.wait_for(lock, thread_leave_grace, [&] { return ended() || shared_->answered; });
            if (shared_->answered && !ended()) {
                shared_->context.stop();
                shared_->changed.wait_for(lock, thread_leave_grace, ended);
            }
        }
        if (!thread_.joinable()) // another caller was quicker
            return shared_->ended;
        if (!shared_->ended) {
            leave_behind();
            return false;
        }
        thread_.join(); // it needs the lock no more
        return true;
    }

  private:
    void leave_to_parent() noexcept {
        new std::shared_ptr<shared_state>(shared_);
        new std::optional(std::move(work_));
        new std::thread(std::move(thread_));
    }

    struct shared_state {
        std::mutex mutex;
        std::condition_variable changed;
        bool ended    = false;
        bool answered = false;
        asio::io_context context{1}; // last, so first to go: handlers that it drops may still look at the rest
    };

    void leave_behind() {
        left_behind_ = true;
        thread_.detach();
        shared_->changed.notify_all();
    }

    process_mark home_;
    std::shared_ptr<shared_state> shared_;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_; // guarded, as are the next two
    std::thread thread_;
    bool left_behind_ = false;
};

} // namespace rocketpush::detail

#endif
