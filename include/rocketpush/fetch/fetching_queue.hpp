#ifndef ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP
#define ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP

#include <rocketpush/core/cache_level.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/fetch/queue_step.hpp>
#include <rocketpush/fetch/stall_watch.hpp>

#include <chrono>
#include <cstddef>

namespace rocketpush {

/**
 * @brief What a queue that is pulled and one that is popped have in common: for those who share the consumer's memory out.
 * @par Thread safety  None; on the strand.
 */
template <class Runtime>
struct fetching_queue {
    explicit fetching_queue(Runtime& runtime) : wake(runtime) {}

    step_mark mark;    ///< What it is at ...
    stall_watch watch; ///< ... and whether for too long.
    detail::wake_up<Runtime> wake; ///< For the fetch loop: there may be room, or the queue was dropped.
    /// Given up: nothing further is fetched; late answers change nothing.
    bool dropped                 = false;
    bool in_memory_line          = false; ///< See memory_budget.
    std::size_t memory_set_aside = 0;     ///< See memory_budget.
    std::size_t counted_bytes    = 0;     ///< Of what is held, as queue_memory counted last ...
    std::size_t counted_inflated = 0;     ///< ... and of them inflated ones.

    flow_state flow = flow_state::open;
    std::chrono::steady_clock::time_point flow_since{}; ///< When that changed last.
    /// @return Whether that is a change.
    bool enter(flow_state state, std::chrono::steady_clock::time_point now) noexcept {
        if (flow == state)
            return false;
        flow       = state;
        flow_since = now;
        return true;
    }

    /// For the fetch loop: lets `delay` pass, or the queue be dropped.
    detail::awaitable<void, typename Runtime::executor_type> sleep(Runtime& runtime, std::chrono::nanoseconds delay) {
        const auto deadline = runtime.now() + delay;
        mark.enter(queue_step::waiting, runtime.now(), deadline);
        while (!dropped && runtime.now() < deadline)
            co_await wake.wait_until(deadline);
    }
};

} // namespace rocketpush

#endif
