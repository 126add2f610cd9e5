#ifndef ROCKETPUSH_DETAIL_ASYNC_EVENT_HPP
#define ROCKETPUSH_DETAIL_ASYNC_EVENT_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <cstddef>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Lets operations of one strand wait until something is signalled.
 *
 * It remembers nothing: a signal with nobody waiting is lost, and a waiter may be woken for a reason that is
 * gone by then. So test the state, wait, test again. All on one strand, or a wake-up falls between.
 *
 * Asio's way to say this is a timer that never expires; no clock is read.
 */
template <class Executor>
class async_event {
  public:
    explicit async_event(const Executor& executor) : timer_(executor, std::chrono::steady_clock::time_point::max()) {}

    Executor get_executor() { return timer_.get_executor(); }

    /**
     * @brief Completes at the next signal().
     * @param token  Completion signature `void(std::error_code)`. The code is always `operation_aborted` and tells
     *               nothing, per-operation cancellation looks the same.
     */
    template <class Token>
    auto async_wait(Token&& token) {
        return timer_.async_wait(std::forward<Token>(token));
    }

    /// Wakes all that wait now; their handlers run later, not inside of this call.
    void signal() { timer_.cancel(); }

  private:
    steady_timer<Executor> timer_;
};

} // namespace rocketpush::detail

#endif
