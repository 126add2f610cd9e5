#ifndef ROCKETPUSH_EXECUTOR_ASIO_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_ASIO_EXECUTOR_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/job_ledger.hpp>
#include <rocketpush/executor/executor_policy.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace rocketpush {

/**
 * @brief Runs listeners on the user's Asio executor: an `asio::thread_pool` that several consumers share, an io_context
 *        that the program runs anyway.
 *
 * How many threads are behind it is the user's matter; the number here is how many jobs of one batch may be out.
 *
 * @par Lifetime  The executor's context has to outlive this, and jobs that hung at a join.
 */
template <class Executor>
    requires detail::asio_executor_type<Executor>
class asio_executor {
  public:
    static constexpr bool concurrent = true;

    /// @param concurrency  0 takes the number from the options, at start().
    explicit asio_executor(const Executor& executor, std::size_t concurrency = 0)
        : state_(std::make_shared<state>(executor, concurrency)), given_(concurrency) {}

    asio_executor(asio_executor&&) noexcept   = default;
    asio_executor& operator=(asio_executor&&) = delete;

    ~asio_executor() {
        if (state_)
            join(std::chrono::milliseconds(0));
    }

    void start(std::size_t threads) {
        if (given_ == 0)
            resize(threads);
    }

    template <executor_job Job>
    void execute(Job job) {
        state_->send(detail::job_copy<Job, std::shared_ptr<state>>(state_, std::move(job)));
    }

    std::size_t concurrency() const noexcept { return state_->concurrency(); }
    void resize(std::size_t count) noexcept { state_->wanted = std::max<std::size_t>(count, 1); }

    /// On a thread of the executor it does not wait: jobs that are queued may need this very thread.
    bool join(std::chrono::milliseconds limit) {
        if constexpr (detail::knows_its_threads<Executor>)
            if (state_->executor.running_in_this_thread())
                limit = std::chrono::milliseconds(0);
        return state_->jobs->join(limit);
    }

    /// Where listeners that are coroutines run.
    Executor get_executor() const noexcept { return state_->executor; }

  private:
    struct state {
        state(const Executor& where, std::size_t concurrency)
            : executor(where), wanted(std::max<std::size_t>(concurrency, 1)) {}

        std::size_t concurrency() const noexcept { return wanted.load(std::memory_order_relaxed); }

        template <class Copy>
        void send(Copy copy) {
            asio::post(executor, std::move(copy));
        }

        Executor executor;
        std::atomic<std::size_t> wanted;
        std::shared_ptr<detail::job_ledger> jobs = std::make_shared<detail::job_ledger>();
    };

    std::shared_ptr<state> state_; // null after a move
    std::size_t given_;
};

} // namespace rocketpush

#endif
