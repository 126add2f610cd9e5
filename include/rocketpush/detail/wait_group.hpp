#ifndef ROCKETPUSH_DETAIL_WAIT_GROUP_HPP
#define ROCKETPUSH_DETAIL_WAIT_GROUP_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/signal_flag.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Coroutines of one strand that run side by side, and somebody who waits for all of them.
 *
 * `spawn` starts one; `wait` returns when none is left; one that throws has ended. Shared by them all, so it may be dropped
 * before they end.
 */
template <class Runtime>
class wait_group : public std::enable_shared_from_this<wait_group<Runtime>> {
  public:
    using executor_type = typename Runtime::executor_type;

    explicit wait_group(Runtime& runtime) : executor_(runtime.get_executor()), changed_(runtime) {}

    void spawn(awaitable<void, executor_type> work) {
        ++running_;
        try {
            asio::co_spawn(executor_, run(this->shared_from_this(), std::move(work)), asio::detached);
        } catch (...) { // it could not be made
            --running_;
            throw;
        }
    }

    std::size_t running() const noexcept { return running_; }

    awaitable<void, executor_type> wait() {
        while (running_ != 0)
            co_await changed_.wait_until(std::chrono::steady_clock::time_point::max());
    }
    /// Returns at `deadline` at the latest. @return Whether all have ended.
    awaitable<bool, executor_type> wait_until(std::chrono::steady_clock::time_point deadline) {
        bool in_time = true;
        while (running_ != 0 && in_time)
            in_time = co_await changed_.wait_until(deadline);
        co_return running_ == 0;
    }

  private:
    static awaitable<void, executor_type> run(std::shared_ptr<wait_group> self, awaitable<void, executor_type> work) {
        try {
            co_await std::move(work);
        } catch (...) { // it has failed as a whole; who waits shall not wait for ever
        }
        --self->running_;
        self->changed_.wake();
    }

    executor_type executor_;
    wake_up<Runtime> changed_;
    std::size_t running_ = 0;
};

} // namespace rocketpush::detail

#endif
