#ifndef ROCKETPUSH_EMBEDDED_POP_REVIVAL_HPP
#define ROCKETPUSH_EMBEDDED_POP_REVIVAL_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/message_intake.hpp>
#include <rocketpush/embedded/pop_requests.hpp>
#include <rocketpush/embedded/route_requests.hpp>
#include <rocketpush/embedded/stored_record.hpp>
#include <rocketpush/protocol/properties.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

/**
 * Messages that nobody acknowledged in time come again.
 * @par Source  Java `PopReviveService`.
 */
namespace rocketpush::embedded::answering {

/// The topic that was popped, by the name under which its messages are stored for a group.
inline std::string popped_topic_of(const checkpoint_key& key, protocol::pop_topic kind) {
    const auto prefix = kind == protocol::pop_topic::normal ? 0 : retry_topic_prefix.size() + key.group.size() + 1;
    return key.topic.substr(std::min(prefix, key.topic.size()));
}

/// Stores a message again, in the group's retry topic. What has been dropped from the log meanwhile, or does not fit, is lost.
inline void revive(broker_state& broker, const pop_checkpoint& point, queue_offset offset, const std::string& topic,
                   const moment& now) {
    const auto entry = broker.store.find_entry(point.key.topic, point.key.queue_id, offset);
    const std::string record(entry ? broker.store.record_at(entry->commit_log_offset) : std::string_view());
    if (record.empty())
        return;
    auto message = read_stored(record);
    std::string properties(message.properties);
    if (message.reconsume_times == 0 || !protocol::find_property(properties, property_names::first_pop_time))
        protocol::set_property(properties, property_names::first_pop_time, std::to_string(point.key.pop_time));
    protocol::set_property(properties, property_names::origin_group, point.key.group);
    if (properties.size() > protocol::most_property_bytes)
        return;
    ensure_group_topic(broker, topic, 1);
    message.topic           = topic;
    message.queue_id        = 0;
    message.properties      = properties;
    message.born_host       = broker.store.store_host();
    message.store_timestamp = now.milliseconds();
    message.reconsume_times =
        point.suspended ? message.reconsume_times : std::min(message.reconsume_times, INT32_MAX - 1) + 1;
    store_now(broker, message);
}

/// Has come again what is due, and gives it to those who wait for it.
inline void revive_due(broker_state& broker, const moment& now) {
    using protocol::pop_topic;
    while (const auto due = broker.checkpoints.take_due(now.steady)) {
        const auto popped = popped_topic_of(due->key, due->kind);
        const auto kind   = broker.options.pop_retry_v2 ? pop_topic::retry_v2 : pop_topic::retry_v1;
        const auto topic =
            due->kind == pop_topic::normal ? protocol::real_topic(kind, due->key.group, popped) : due->key.topic;
        for (const auto offset : due->offsets)
            revive(broker, *due, offset, topic, now);
        wake_pops(broker, popped, now,
                  [&due](const held_pop& pop) { return pop.request.consumer_group == due->key.group; });
    }
}

/// Queues that are popped in order give messages again that nobody acknowledged in time.
inline void free_due_orders(broker_state& broker, const moment& now) {
    for (const auto& queue : broker.orders.take_freed(now.steady))
        wake_freed_orders(broker, queue, now);
}

} // namespace rocketpush::embedded::answering

#endif
