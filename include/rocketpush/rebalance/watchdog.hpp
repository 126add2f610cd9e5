#ifndef ROCKETPUSH_REBALANCE_WATCHDOG_HPP
#define ROCKETPUSH_REBALANCE_WATCHDOG_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/fetch/flow_control.hpp>
#include <rocketpush/fetch/stall_watch.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

/**
 * @file
 * Looks at every queue of a consumer now and then, and has one go on that is stalled. No such thing should ever happen: where it
 * does, a wake-up was lost by a mistake of ours, and no queue may stop for that. `Host` is a consumer_core.
 */
namespace rocketpush {

template <class Host>
step_limits limits_of(const Host& host) {
    using std::chrono::milliseconds;
    const auto& with     = host.settings();
    const auto connect   = with.connect_timeout + with.request_timeout;
    const auto request   = std::max(with.request_timeout, milliseconds(6000));
    constexpr int writes = 4; // the last commits of a queue, and its unlock
    return {.connect = connect,
            .request = request,
            .poll    = std::max(with.pull_timeout, with.suspend_timeout + milliseconds(10000)),
            .release = milliseconds(10000) + writes * (connect + request),
            .grace   = with.stall_timeout};
}

template <class Host>
queue_sight sight_of(Host& host, typename Host::queue_type& owned) {
    queue_sight seen{.mark = owned.mark};
    if (owned.stage == queue_stage::fetching) {
        seen.may_fetch = !owned.suspended && !host.suspended() && host.memory().open(owned) &&
                         flow_control(owned.level(), host.limits()) == flow_state::open;
        if constexpr (Host::in_order) {
            const auto& order = owned.order;
            if (!order.out && !order.held_up && order.may_commit(host.runtime()))
                owned.cache.visit([&seen](auto& batch) {
                    seen.left_over = static_cast<bool>(batch.next_unconsumed(0, 1));
                    return !seen.left_over;
                });
        }
    }
    seen.at_work = owned.busy();
    return seen;
}

template <class Host>
queue_sight sight_of(Host& host, typename Host::pop_queue_type& owned) {
    const auto pace = host.pop_pace();
    return {.mark      = owned.mark,
            .may_fetch = !host.suspended() && !host.queues().is_suspended(owned.queue) && host.memory().open(owned) &&
                         owned.waiting <= pace.max_waiting && owned.held_bytes() <= pace.max_bytes,
            .at_work = owned.running()};
}

/// Has a queue that is pulled go on: by what it missed if that is known, else by an epoch of its own.
template <class Host>
void rearm(Host& host, typename Host::queue_type& owned, const stall& found) {
    if (found.what == stall::kind::paused)
        return owned.wake.wake();
    if constexpr (Host::in_order)
        if (found.what == stall::kind::consuming)
            return host.consume_again(owned);
    host.queues().begin_anew(owned);
}
template <class Host>
void rearm(Host& host, typename Host::pop_queue_type& owned, const stall& found) {
    if (found.what == stall::kind::paused)
        return owned.wake.wake();
    host.pops().release(owned.queue);
    host.rebalance_later();
}

template <class Host, class Queue>
void watch_queue(Host& host, Queue& owned, const step_limits& limits) {
    const auto now   = host.runtime().now();
    const auto found = owned.watch.look(sight_of(host, owned), limits, now);
    if (!found)
        return;
    if (owned.watch.is_news(*found))
        host.observe().on_stalled(owned.queue, to_string(*found),
                                  std::chrono::duration_cast<std::chrono::milliseconds>(now - found->since));
    rearm(host, owned, *found);
}

/// One look at all queues.
template <class Host>
void watch_queues(const std::shared_ptr<Host>& host) {
    const auto limits = limits_of(*host);
    for (const auto& owned : std::vector(host->queues().all().begin(), host->queues().all().end()))
        watch_queue(*host, *owned, limits);
    if constexpr (Host::pops_queues) {
        const auto popped = host->pops().all(); // a copy: to give one up changes the table
        for (const auto& [queue, owned] : popped)
            watch_queue(*host, *owned, limits);
    }
}

} // namespace rocketpush

#endif
