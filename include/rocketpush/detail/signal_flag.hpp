#ifndef ROCKETPUSH_DETAIL_SIGNAL_FLAG_HPP
#define ROCKETPUSH_DETAIL_SIGNAL_FLAG_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <chrono>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Something that becomes true once, and coroutines of the same strand that wait for it.
 *
 * A timer that nobody lets expire is Asio's way to wait for an event; it follows virtual time too.
 */
template <class Runtime>
class signal_flag {
  public:
    using executor_type = typename Runtime::executor_type;

    explicit signal_flag(Runtime& runtime) : timer_(runtime) {
        timer_.expires_at(std::chrono::steady_clock::time_point::max());
    }

    bool is_set() const noexcept { return set_; }
    void set() {
        set_ = true;
        timer_.cancel();
    }
    awaitable<void, executor_type> wait() {
        while (!set_)
            co_await timer_.async_wait(await_tuple<executor_type>);
    }

  private:
    typename Runtime::timer timer_;
    bool set_ = false;
};

/**
 * @brief A wake-up that is remembered until it is used: `wake()` before `wait_until()` makes the wait return at once.
 *
 * One coroutine waits at a time: it is the first to be woken that uses the wake-up up.
 */
template <class Runtime>
class wake_up {
  public:
    using executor_type = typename Runtime::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;

    explicit wake_up(Runtime& runtime) : timer_(runtime) {}

    void wake() {
        woken_ = true;
        timer_.cancel();
    }
    /// Returns at `deadline` or when woken, whichever is first. @return Whether it was woken.
    awaitable<bool, executor_type> wait_until(time_point deadline) {
        if (!woken_) {
            timer_.expires_at(deadline);
            co_await timer_.async_wait(await_tuple<executor_type>);
        }
        co_return std::exchange(woken_, false);
    }

  private:
    typename Runtime::timer timer_;
    bool woken_ = false;
};

} // namespace rocketpush::detail

#endif
