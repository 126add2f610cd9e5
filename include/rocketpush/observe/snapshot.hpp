#ifndef ROCKETPUSH_OBSERVE_SNAPSHOT_HPP
#define ROCKETPUSH_OBSERVE_SNAPSHOT_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/observe/consumption_history.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace rocketpush {

// How a consumer's statistics are taken from its parts, on the strand. `Core` is a consumer_core.

/// `tell(topic, counts)` for each queue, and for those that are not here any more.
template <class Core, class Tell>
void tell_counts(Core& core, Tell&& tell) {
    const auto all_of = [&](const auto& past, const auto& here, auto queue_of) {
        for (const auto& [topic, counts] : past.by_topic())
            tell(topic, counts);
        for (const auto& each : here)
            tell(queue_of(each).queue.topic, queue_of(each).counts);
    };
    all_of(core.queues().past(), core.queues().all(), [](const auto& owned) -> const auto& { return *owned; });
    if constexpr (Core::pops_queues)
        all_of(core.pops().past(), core.pops().all(), [](const auto& each) -> const auto& { return *each.second; });
}

/// How long ago that was; 0 when it was not, or a broker's clock is ahead of ours.
inline std::chrono::milliseconds age_of(const std::optional<message_time>& stored,
                                        std::chrono::system_clock::time_point now) noexcept {
    using std::chrono::milliseconds;
    return stored ? std::max(milliseconds(0), std::chrono::floor<milliseconds>(now - *stored)) : milliseconds(0);
}

template <class Core>
queue_statistics statistics_of(Core& core, typename Core::queue_type& owned) {
    const auto now   = core.runtime().now();
    const auto since = [now](auto then) { return std::chrono::duration_cast<std::chrono::milliseconds>(now - then); };
    queue_statistics one{.queue        = owned.queue,
                         .stage        = owned.stage,
                         .in_stage_for = since(owned.stage_since),
                         .next_pull    = owned.cache.next_pull(),
                         .committable  = owned.cache.committable(),
                         .committed    = owned.committed,
                         .broker_max   = owned.broker_max,
                         .cached       = owned.level(),
                         .running      = owned.busy(),
                         .flow         = owned.flow,
                         .flow_for     = since(std::max(owned.flow_since, owned.stage_since)),
                         .counts       = owned.counts};
    if ((core.suspended() || owned.suspended) && owned.flow != flow_state::suspended) {
        one.flow     = flow_state::suspended; // the fetch loop comes upon it when its pull is answered
        one.flow_for = {};
    }
    if constexpr (Core::in_order) {
        const auto& lock = owned.order.lock;
        one.lock         = lock.state(now);
        one.suspended    = owned.order.suspended();
        if (lock.needed() && lock.held())
            one.lock_age = since(lock.last_confirmed());
    }
    if (const auto* oldest = owned.cache.oldest_unfinished())
        one.oldest_stored = message_view(*oldest).store_timestamp();
    one.oldest_age = age_of(one.oldest_stored, core.runtime().system_now());
    one.lag        = owned.broker_max < 0 ? 0 : std::max<std::int64_t>(0, owned.broker_max - one.committable);
    return one;
}

template <class Core>
popped_queue_statistics popped_statistics_of(Core& core, const typename Core::pop_queue_type& owned) {
    const auto now    = core.runtime().now();
    const auto since  = [now](auto then) { return std::chrono::duration_cast<std::chrono::milliseconds>(now - then); };
    const auto oldest = owned.oldest_stored();
    popped_queue_statistics one{.queue          = owned.queue,
                                .stage          = owned.stage,
                                .in_stage_for   = since(owned.stage_since),
                                .waiting        = owned.waiting,
                                .held_bytes     = owned.held_bytes(),
                                .rest           = owned.rest,
                                .since_last_pop = since(owned.polled),
                                .running        = owned.running(),
                                .flow           = owned.flow,
                                .flow_for       = since(std::max(owned.flow_since, owned.stage_since)),
                                .oldest_stored  = oldest,
                                .oldest_age     = age_of(oldest, core.runtime().system_now()),
                                .counts         = owned.counts};
    if ((core.suspended() || core.queues().is_suspended(owned.queue)) && owned.flow != flow_state::suspended) {
        one.flow     = flow_state::suspended;
        one.flow_for = {};
    }
    return one;
}

/// What topics were told of, by their names; of no name those that are counted together.
using topic_table = std::map<std::string, topic_statistics, std::less<>>;

/// @param history  Of this consumer, up to now.
template <class Core>
consumer_statistics take_snapshot(Core& core, const consumption_history& history) {
    consumer_statistics snapshot{.group = core.settings().group, .client_id = core.client_id()};
    topic_table topics;
    tell_counts(core, [&](const std::string& topic, const work_counts& counts) {
        snapshot.counts += counts;
        topics[topic].counts += counts;
    });
    const auto add = [&](const message_queue& queue, std::int64_t lag, std::chrono::milliseconds age,
                         std::size_t messages, std::size_t bytes) {
        snapshot.lag += lag;
        snapshot.cached_messages += messages;
        snapshot.cached_bytes += bytes;
        auto& topic = topics[queue.topic];
        ++topic.queues;
        topic.lag += lag;
        topic.oldest_age = std::max(topic.oldest_age, age);
    };
    for (const auto& owned : core.queues().all()) {
        auto& one = snapshot.queues.emplace_back(statistics_of(core, *owned));
        add(one.queue, one.lag, one.oldest_age, one.cached.messages, one.cached.bytes);
    }
    if constexpr (Core::pops_queues)
        for (const auto& [queue, owned] : core.pops().all()) {
            auto& one = snapshot.popped.emplace_back(popped_statistics_of(core, *owned));
            add(queue, std::max<std::int64_t>(0, one.rest), one.oldest_age, one.waiting, one.held_bytes);
        }
    const auto now = core.runtime().now();
    topics.erase(std::string());
    for (auto& [name, topic] : topics) {
        topic.topic = name;
        history.add_windows(now, topic);
        snapshot.topics.push_back(std::move(topic));
    }
    snapshot.suspended            = core.suspended();
    snapshot.block_bytes          = core.blocks()->live_bytes();
    const auto minute             = history.minute(now, snapshot.counts);
    snapshot.pulls_per_second     = minute.pulls_per_second;
    snapshot.pulled_per_second    = minute.pulled_per_second;
    snapshot.consumed_per_second  = minute.consumed_per_second;
    snapshot.failed_per_second    = minute.failed_per_second;
    snapshot.pull_milliseconds    = minute.pull_milliseconds;
    snapshot.consume_milliseconds = minute.consume_milliseconds;
    return snapshot;
}

} // namespace rocketpush

#endif
