#ifndef ROCKETPUSH_CLIENT_RUNNING_INFO_HPP
#define ROCKETPUSH_CLIENT_RUNNING_INFO_HPP

#include <rocketpush/client/consumer_properties.hpp>
#include <rocketpush/core/version.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/fetch/queue_step.hpp>
#include <rocketpush/observe/log_record.hpp>
#include <rocketpush/observe/statistics.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>
#include <rocketpush/protocol/bodies_running_info.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

/**
 * @file
 * What a consumer tells an administrator of itself, taken from its parts on the strand. `Core` is a consumer_core.
 * @par Source  Java `DefaultMQPushConsumerImpl.consumerRunningInfo`, `ProcessQueue.fillProcessQueueInfo`.
 */
namespace rocketpush {

/// What a snapshot says of each topic, in Java's figures: those of the last minute, but of failures those of the last hour.
inline std::map<std::string, protocol::topic_rates> rates_by_topic(const consumer_statistics& now) {
    std::map<std::string, protocol::topic_rates> found;
    for (const auto& each : now.topics)
        found[each.topic] = {.pull_milliseconds    = each.minute.pull_milliseconds,
                             .pulled_per_second    = each.minute.pulled_per_second,
                             .consume_milliseconds = (each.minute.calls != 0 ? each.minute : each.hour).consume_milliseconds,
                             .consumed_per_second  = each.minute.consumed_per_second,
                             .failed_per_second    = each.minute.failed_per_second,
                             .failed               = static_cast<std::int64_t>(each.hour.failed)};
    return found;
}

/// Turns what the steady clock said into milliseconds since 1970; 0 for a time that has not been.
template <class Core>
std::int64_t wall_milliseconds(Core& core, std::chrono::steady_clock::time_point then) {
    if (then == std::chrono::steady_clock::time_point())
        return 0;
    const auto ago = core.runtime().now() - then;
    return std::chrono::floor<std::chrono::milliseconds>(core.runtime().system_now().time_since_epoch() - ago).count();
}

template <class Core>
protocol::pulled_queue_info pulled_queue_info_of(Core& core, typename Core::queue_type& owned) {
    constexpr std::size_t mebibyte = 1 << 20;
    const auto committable         = owned.cache.committable();
    protocol::pulled_queue_info info;
    info.commit_offset =
        owned.stage == queue_stage::acquiring ? std::max<queue_offset>(owned.committed, 0) : committable;
    info.cached_messages  = static_cast<std::int64_t>(owned.cache.cached_messages());
    info.cached_mebibytes = static_cast<std::int64_t>(owned.cache.cached_bytes() / mebibyte);
    if (info.cached_messages != 0) {
        info.cached_min = committable;
        info.cached_max = owned.cache.next_pull() - 1;
    }
    info.locked       = true;
    info.last_lock    = wall_milliseconds(core, owned.stage_since);
    info.dropped      = owned.dropped;
    info.last_pull    = wall_milliseconds(core, owned.pull_sent);
    info.last_consume = wall_milliseconds(core, std::max(owned.last_settled, owned.stage_since));
    if constexpr (Core::in_order) {
        if (const auto& lock = owned.order.lock; lock.needed()) {
            info.locked    = lock.trusted(core.runtime().now());
            info.last_lock = wall_milliseconds(core, lock.last_confirmed());
        }
        owned.cache.visit([&info](auto& batch) { // what the listener got and has not committed does not wait any more
            for (std::uint32_t i = 0; i < batch.size(); ++i)
                if (batch.progress(i) == message_progress::consumed) {
                    const auto offset    = batch.messages[i].queue_offset;
                    info.uncommitted_min = info.uncommitted++ == 0 ? offset : info.uncommitted_min;
                    info.uncommitted_max = offset;
                }
            return true;
        });
        info.cached_messages = std::max<std::int64_t>(0, info.cached_messages - info.uncommitted);
    }
    return info;
}

/// How long, for people: `12.3 s`.
inline std::string seconds_text(std::chrono::steady_clock::duration time) {
    const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(time).count() / 100;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
}

inline std::string flow_text(flow_state flow) {
    switch (flow) {
    case flow_state::open: return "open";
    case flow_state::too_many_messages: return "its limit of messages is reached";
    case flow_state::too_many_bytes: return "its limit of bytes is reached";
    case flow_state::too_wide_a_span: return "its limit of the span is reached";
    case flow_state::suspended: return "suspended";
    case flow_state::out_of_memory: break;
    }
    return "the consumer's memory is used up";
}

/// In place of a thread dump, which a C++ process has not: what each part of the consumer is at.
template <class Core>
std::string activity_text(Core& core, const consumer_statistics& now) {
    using fields     = std::initializer_list<log_field>;
    const auto clock = core.runtime().now();
    std::string text = "rocketpush " ROCKETPUSH_VERSION_STRING ", C++: no thread dump, but what its parts are at\n";
    const auto add   = [&text](std::string_view sentence, fields about) {
        detail::append_filled(text, sentence, about);
    };
    const auto& with = core.settings();
    add("\ngroup {}, client {}{}\nstrand: {}\n",
        {{"", now.group},
         {"", now.client_id},
         {"", core.suspended() ? ", suspended by its program" : ""},
         {"", core.runtime().owns_thread() ? "a thread of its own" : "the program's executor"}});
    add("listener: {}, at most {} calls at once{}\n",
        {{"", Core::in_order ? "in order" : "concurrent"},
         {"", core.executor().concurrency()},
         {"", Core::consumption_type::concurrent ? ", on the executor's threads" : ", on the strand"}});
    add("duties: heartbeats every {} ms, commits every {} ms, sharing out every {} ms\n",
        {{"", with.heartbeat_interval.count()},
         {"", with.commit_interval.count()},
         {"", with.rebalance_interval.count()}});

    const auto add_head = [&](const message_queue& queue, queue_stage stage, auto since) {
        constexpr std::string_view stages[] = {"being taken over", "ours", "being given up"};
        const auto time                     = seconds_text(since);
        add("\nqueue {}: {} for {}\n", {queue, {"", stages[static_cast<std::size_t>(stage)]}, {"", time}});
    };
    const auto add_step = [&](std::string_view what, const step_mark& mark, flow_state flow) {
        if (mark.since == step_mark::time_point::max())
            return add("  {}: nothing has begun\n", {{"", what}});
        const auto why  = mark.step == queue_step::paused ? " (" + flow_text(flow) + ")" : std::string();
        const auto time = seconds_text(clock - mark.since);
        add("  {}: {}{} for {}\n", {{"", what}, {"", to_string(mark.step)}, {"", why}, {"", time}});
    };
    const auto at_work = [](bool busy) { return busy ? "at work" : "nothing to do"; };
    for (const auto& owned : core.queues().all()) {
        add_head(owned->queue, owned->stage, clock - owned->stage_since);
        add_step("fetching", owned->mark, owned->flow);
        const bool never = owned->last_settled == decltype(owned->last_settled)();
        const auto ended = never ? std::string() : ", a batch ended " + seconds_text(clock - owned->last_settled) + " ago";
        add("  consuming: {} messages ({} bytes) held, {}{}\n",
            {{"", owned->cache.cached_messages()},
             {"", owned->cache.cached_bytes()},
             {"", at_work(owned->busy())},
             {"", ended}});
        if constexpr (Core::in_order)
            add("  lock: {}{}\n", {{"", owned->order.lock.trusted(clock) ? "ours" : "not ours"},
                                   {"", owned->order.suspended() ? "; the listener wanted a pause" : ""}});
        add("  offsets: next pull {}, first unfinished {}, committed {}{}, end {}\n",
            {{"", owned->cache.next_pull()},
             {"", owned->cache.committable()},
             {"", owned->committed},
             {"", owned->writing ? " (being written)" : ""},
             {"", owned->broker_max}});
    }
    if constexpr (Core::pops_queues)
        for (const auto& [queue, owned] : core.pops().all()) {
            add_head(queue, owned->stage, clock - owned->stage_since);
            add_step("popping", owned->mark, owned->flow);
            add("  consuming: {} messages not acknowledged, {}\n",
                {{"", owned->waiting}, {"", at_work(owned->running())}});
        }
    return text;
}

/// @param now  Of this moment.
template <class Core>
protocol::running_info running_info_of(Core& core, const consumer_statistics& now, bool with_stacks) {
    namespace words = protocol::running_info_words;
    protocol::running_info info;
    info.properties = properties_of(core.settings());
    std::string servers;
    for (const auto& each : core.client().name_server_list())
        servers += to_string(each) + ';';
    info.properties[words::name_servers]  = servers;
    info.properties[words::consume_type]  = protocol::heartbeat_words::push;
    info.properties[words::in_order]      = Core::in_order ? "true" : "false";
    info.properties[words::threads]       = std::to_string(core.executor().concurrency());
    info.properties[words::version]       = protocol::client_version_name;
    info.properties[words::started]       = std::to_string(wall_milliseconds(core, core.started_at()));
    info.properties["messageModel"]       = core.describe().message_model;
    info.properties["rocketpush.version"] = ROCKETPUSH_VERSION_STRING;
    info.subscriptions                    = core.describe().subscriptions;
    std::ranges::sort(info.subscriptions, {},
                      [](const subscription& each) { return each.topic + '@' + each.expression; });
    for (const auto& owned : core.queues().all())
        info.queues.emplace_back(owned->queue, pulled_queue_info_of(core, *owned));
    if constexpr (Core::pops_queues)
        for (const auto& [queue, owned] : core.pops().all())
            info.popped.emplace_back(queue, protocol::popped_queue_info{static_cast<std::int64_t>(owned->waiting),
                                                                        owned->dropped,
                                                                        wall_milliseconds(core, owned->polled)});
    info.topics = rates_by_topic(now);
    if (with_stacks)
        info.stacks = activity_text(core, now);
    return info;
}

/// Where the consumer is in the queues that it pulls of a topic; blank: of all.
template <class Core>
protocol::consumer_status consumer_status_of(Core& core, const std::string& topic) {
    protocol::consumer_status status;
    const bool all = topic.find_first_not_of(" \t") == std::string::npos;
    for (const auto& owned : core.queues().all())
        if ((all || owned->queue.topic == topic) && owned->stage != queue_stage::acquiring)
            status.queues.push_back({owned->queue, owned->cache.committable()});
    return status;
}

} // namespace rocketpush

#endif
