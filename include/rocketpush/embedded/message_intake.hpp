#ifndef ROCKETPUSH_EMBEDDED_MESSAGE_INTAKE_HPP
#define ROCKETPUSH_EMBEDDED_MESSAGE_INTAKE_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/route_requests.hpp>
#include <rocketpush/embedded/stored_record.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/message_id.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

/**
 * How messages get into queues: at once, or parked until they are due.
 * @par Source  Java `HookUtils.handleScheduleMessage`, `ScheduleMessageService`.
 */
namespace rocketpush::embedded::answering {

inline std::optional<std::int32_t> to_number(std::string_view text) noexcept {
    std::int32_t number  = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    return ec == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// The message's delay level; 0 when it is to be delivered at once.
inline std::int32_t delay_level_of(std::string_view properties) noexcept {
    const auto level = protocol::find_property(properties, property_names::delay_level);
    return level ? std::max(0, to_number(*level).value_or(0)) : 0;
}

/// Stores a message in the queue that it names, and remembers that pulls may wait for it.
inline stored_place store_now(broker_state& broker, const protocol::stored_message& message, std::size_t count = 1) {
    const auto place = broker.store.append(message, count);
    broker.arrivals.push_back({std::string(message.topic), message.queue_id,
                               message_store::tag_hash(message.properties), place.commit_log_offset});
    return place;
}

/// Whether the properties will still fit when the message is parked.
inline bool properties_fit(std::string_view topic, std::string_view properties) noexcept {
    constexpr std::size_t real_queue_id_size = 24;
    const auto parked =
        delay_level_of(properties) > 0 ? property_names::real_topic.size() + topic.size() + real_queue_id_size : 0;
    return properties.size() + parked <= protocol::most_property_bytes;
}

/// Stores a message, or parks it when it has a delay level. Its topic and queue exist, its properties fit.
inline stored_place store_or_park(broker_state& broker, protocol::stored_message message, const moment& now) {
    message.store_timestamp = now.milliseconds();
    const auto level        = broker.delays.clamp(delay_level_of(message.properties));
    if (level == 0)
        return store_now(broker, message);

    std::string properties(message.properties);
    protocol::set_property(properties, property_names::real_topic, message.topic);
    protocol::set_property(properties, property_names::real_queue_id, std::to_string(message.queue_id));
    const auto queue_id = message.queue_id;
    message.topic       = schedule_topic;
    message.queue_id    = level - 1;
    message.properties  = properties;
    auto place          = broker.store.append(message);
    broker.delays.park(level, now.steady, place.commit_log_offset);
    place.queue_id = queue_id; // producers are told of the queue that they asked for
    return place;
}

/// Moves what is due from its parking place into its topic. What has been dropped from the log meanwhile is lost.
inline void deliver_due(broker_state& broker, const moment& now) {
    while (const auto due = broker.delays.take_due(now.steady)) {
        const std::string record(broker.store.record_at(*due));
        if (record.empty())
            continue;
        auto message       = read_stored(record);
        const auto topic   = protocol::find_property(message.properties, property_names::real_topic);
        const auto queue   = protocol::find_property(message.properties, property_names::real_queue_id);
        const auto* target = topic ? broker.store.find_topic(*topic) : nullptr;
        if (!target || target->queues() == 0)
            continue; // the topic was removed meanwhile
        message.topic           = *topic;
        message.queue_id        = std::clamp(queue ? to_number(*queue).value_or(0) : 0, 0, target->queues() - 1);
        message.store_timestamp = now.milliseconds();
        store_now(broker, message);
    }
}

/// `offsetMsgId` of a message that is stored there.
inline std::string message_id_at(const broker_state& broker, const stored_place& place) {
    return to_string(protocol::offset_message_id{broker.store.store_host(), place.commit_log_offset});
}

} // namespace rocketpush::embedded::answering

#endif
