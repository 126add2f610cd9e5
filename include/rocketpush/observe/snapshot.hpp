#ifndef ROCKETPUSH_OBSERVE_SNAPSHOT_HPP
#define ROCKETPUSH_OBSERVE_SNAPSHOT_HPP

#include <rocketpush/observe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace rocketpush {

// How a consumer's statistics are taken from its parts, on the strand. `Core` is a consumer_core.

template <class Core>
work_counts counts_of(Core& core) {
    auto sums = core.queues().past_counts();
    for (const auto& owned : core.queues().all())
        sums += owned->counts;
    if constexpr (Core::pops_queues) {
        sums += core.pops().past_counts();
        for (const auto& [queue, owned] : core.pops().all())
            sums += owned->counts;
    }
    return sums;
}

template <class Core>
queue_statistics statistics_of(Core& core, typename Core::queue_type& owned) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const auto now = core.runtime().now();
    queue_statistics one{.queue        = owned.queue,
                         .stage        = owned.stage,
                         .in_stage_for = duration_cast<milliseconds>(now - owned.stage_since),
                         .next_pull    = owned.cache.next_pull(),
                         .committable  = owned.cache.committable(),
                         .committed    = owned.committed,
                         .broker_max   = owned.broker_max,
                         .cached       = owned.cache.level(),
                         .running      = owned.busy(),
                         .flow         = core.suspended() || owned.suspended ? flow_state::suspended : owned.flow,
                         .counts       = owned.counts};
    if constexpr (Core::in_order) {
        const auto& lock = owned.order.lock;
        one.lock         = lock.state(now);
        one.suspended    = owned.order.suspended();
        if (lock.needed() && lock.held())
            one.lock_age = duration_cast<milliseconds>(now - lock.last_confirmed());
    }
    one.lag = owned.broker_max < 0 ? 0 : std::max<std::int64_t>(0, owned.broker_max - one.committable);
    return one;
}

template <class Core>
popped_queue_statistics popped_statistics_of(Core& core, const typename Core::pop_queue_type& owned) {
    const auto now   = core.runtime().now();
    const auto since = [now](auto then) { return std::chrono::duration_cast<std::chrono::milliseconds>(now - then); };
    return {.queue          = owned.queue,
            .stage          = owned.stage,
            .in_stage_for   = since(owned.stage_since),
            .waiting        = owned.waiting,
            .held_bytes     = owned.held_bytes(),
            .rest           = owned.rest,
            .since_last_pop = since(owned.polled),
            .running        = owned.running(),
            .flow           = owned.flow,
            .counts         = owned.counts};
}

/// @param sums  Of now; what `rates` are taken to.
inline void add_rates(consumer_statistics& snapshot, const rate_window& rates, rate_window::time_point now,
                      const work_counts& sums) {
    const auto rate              = [&](auto figure) { return rates.per_second(now, sums, figure); };
    snapshot.pulls_per_second    = rate([](const work_counts& c) { return c.pulls; });
    snapshot.pulled_per_second   = rate([](const work_counts& c) { return c.pulled; });
    snapshot.consumed_per_second = rate([](const work_counts& c) { return c.succeeded; });
    snapshot.failed_per_second   = rate([](const work_counts& c) { return c.failed; });
    const auto calls             = rate([](const work_counts& c) { return c.calls; });
    constexpr double milli       = 1e6; // nanoseconds
    if (snapshot.pulls_per_second > 0)
        snapshot.pull_milliseconds =
            rate([](const work_counts& c) { return c.pull_time.count(); }) / milli / snapshot.pulls_per_second;
    if (calls > 0)
        snapshot.consume_milliseconds =
            rate([](const work_counts& c) { return c.consume_time.count(); }) / milli / calls;
}

/// @param rates  Of the last minute.
template <class Core>
consumer_statistics take_snapshot(Core& core, const rate_window& rates) {
    consumer_statistics snapshot{.group = core.settings().group, .client_id = core.client_id()};
    const auto add = [&](std::int64_t lag, std::size_t messages, std::size_t bytes) {
        snapshot.lag += lag;
        snapshot.cached_messages += messages;
        snapshot.cached_bytes += bytes;
    };
    for (const auto& owned : core.queues().all()) {
        auto& one = snapshot.queues.emplace_back(statistics_of(core, *owned));
        add(one.lag, one.cached.messages, one.cached.bytes);
    }
    if constexpr (Core::pops_queues)
        for (const auto& [queue, owned] : core.pops().all()) {
            auto& one = snapshot.popped.emplace_back(popped_statistics_of(core, *owned));
            add(std::max<std::int64_t>(0, one.rest), one.waiting, one.held_bytes);
        }
    snapshot.counts      = counts_of(core);
    snapshot.suspended   = core.suspended();
    snapshot.block_bytes = core.blocks().live_bytes();
    add_rates(snapshot, rates, core.runtime().now(), snapshot.counts);
    return snapshot;
}

} // namespace rocketpush

#endif
