#ifndef ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP
#define ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP

#include <rocketpush/core/cache_level.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/block_pool.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/fetch/queue_step.hpp>
#include <rocketpush/fetch/stall_watch.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What a queue that is pulled and one that is popped have in common: for those who share the consumer's memory out.
 * @par Thread safety  None; on the strand.
 */
template <class Runtime>
struct fetching_queue {
    /// @param blocks  Where the frames of its messages are from: a message that is on its way elsewhere may outlive the consumer.
    fetching_queue(Runtime& runtime, std::shared_ptr<detail::block_pool> blocks)
        : frames_from(std::move(blocks)), wake(runtime) {}

    std::shared_ptr<detail::block_pool> frames_from; // first: goes last
    step_mark mark;                                  ///< What it is at ...
    stall_watch watch;                               ///< ... and whether for too long.
    detail::wake_up<Runtime> wake;              ///< For the fetch loop: there may be room, or the queue was dropped.
    std::vector<typename Runtime::timer*> naps; ///< Pauses between attempts at something of the queue.
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

    /// A pause until `deadline`, which `end_naps` ends earlier. The queue is kept by who waits.
    detail::awaitable<void, typename Runtime::executor_type> nap(Runtime& runtime,
                                                                 std::chrono::steady_clock::time_point deadline) {
        typename Runtime::timer timer(runtime);
        timer.expires_at(deadline);
        naps.push_back(&timer);
        const std::unique_ptr<typename Runtime::timer, nap_end> entry(&timer, {&naps}); // waiting may throw
        co_await timer.async_wait(detail::await_tuple<typename Runtime::executor_type>);
    }
    /// For who gives the queue up.
    void end_naps() {
        for (auto* each : naps)
            each->cancel();
    }

  private:
    struct nap_end {
        std::vector<typename Runtime::timer*>* in;
        void operator()(typename Runtime::timer* timer) const noexcept { std::erase(*in, timer); }
    };
};

} // namespace rocketpush

#endif
