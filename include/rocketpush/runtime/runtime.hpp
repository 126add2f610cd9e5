#ifndef ROCKETPUSH_RUNTIME_RUNTIME_HPP
#define ROCKETPUSH_RUNTIME_RUNTIME_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>

namespace rocketpush {

/// `R::executor_type` is an Asio executor and `get_executor()` gives it.
template <class R>
concept has_runtime_executor = detail::asio_executor_type<typename R::executor_type> && requires(const R& r) {
    { r.get_executor() } noexcept -> std::same_as<typename R::executor_type>;
};

/// `now()` for intervals and `system_now()` for the dates that cross the wire.
template <class R>
concept has_runtime_clocks = requires(const R& r) {
    { r.now() } noexcept -> std::same_as<std::chrono::steady_clock::time_point>;
    { r.system_now() } noexcept -> std::same_as<std::chrono::system_clock::time_point>;
};

/// `R::timer` is made from the runtime, and its wait takes any completion token for `void(std::error_code)`.
template <class R>
concept has_runtime_timer =
    std::constructible_from<typename R::timer, const R&> &&
    requires(typename R::timer& timer, std::chrono::steady_clock::time_point at, detail::probe_token token) {
        timer.expires_at(at);
        timer.async_wait(token);
        timer.cancel();
    };

/// `random()` gives 64 bits.
template <class R>
concept has_runtime_random = requires(const R& r) {
    { r.random() } noexcept -> std::same_as<std::uint64_t>;
};

/// Whether the runtime has a thread of its own, how it begins and ends, and whether the caller is on it.
template <class R>
concept has_runtime_thread = requires(R& r, const R& c, std::chrono::milliseconds limit) {
    { c.owns_thread() } noexcept -> std::same_as<bool>;
    { c.running_in_this_thread() } noexcept -> std::same_as<bool>;
    r.start();
    { r.join(limit) } -> std::same_as<bool>;
};

/**
 * @brief Where a consumer's strand runs, and its only source of time, timers and random numbers.
 *
 * A runtime is a handle: copies are the same runtime. Nothing else in the library reads a clock, sleeps or draws
 * a random number, so that a virtual runtime decides all three.
 *
 * Laws (`tests/support/laws/runtime.hpp` checks them):
 *  - the executor never runs two handlers at once, and never runs one inside of `asio::post`;
 *  - `now()` never goes back; handlers that wait for a time run when `now()` has reached it, never earlier;
 *  - waits of one timer or of several complete in the order of their times;
 *  - `cancel()`, a new `expires_at()` and the timer's destructor complete its waits with
 *    `asio::error::operation_aborted`, and never inside of the call;
 *  - `random()` of two calls differ, as far as chance allows, on copies too;
 *  - `start()` lets an owned thread run handlers, and does nothing without one or a second time;
 *  - `join(limit)` lets the owned thread run until nothing is left to do, and drops what still waits at `limit`:
 *    true when the thread has ended, false when a handler hangs and it was left behind, to end by itself. On that
 *    thread it returns false at once, and the thread ends when nothing is left to do. Without an owned thread it
 *    returns true and does nothing.
 *
 * `running_in_this_thread()` tells whether a blocking call here would wait for itself; a runtime that cannot
 * know answers false.
 *
 * @par Thread safety  All but the timers from any thread; a timer on the executor only.
 * @par Default        asio_runtime
 */
template <class R>
concept runtime = std::copy_constructible<R> && has_runtime_executor<R> && has_runtime_clocks<R> &&
                  has_runtime_timer<R> && has_runtime_random<R> && has_runtime_thread<R>;

} // namespace rocketpush

#endif
