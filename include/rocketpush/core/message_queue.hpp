#ifndef ROCKETPUSH_CORE_MESSAGE_QUEUE_HPP
#define ROCKETPUSH_CORE_MESSAGE_QUEUE_HPP

#include <rocketpush/detail/java_string.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace rocketpush {

/// A place in a message queue: the first message ever stored there has 0, the next 1. Not bytes.
using queue_offset = std::int64_t;

/**
 * @brief One of a topic's queues at one broker: what members of a group share out among them.
 *
 * Sorts by topic, broker name and id as Java does. Every member of a group must sort alike, or two of them take the
 * same queue.
 *
 * @par Source  Java `MessageQueue`.
 */
struct message_queue {
    std::string topic;
    std::string broker_name;
    std::int32_t queue_id = 0;

    friend bool operator==(const message_queue&, const message_queue&) = default;
    friend std::strong_ordering operator<=>(const message_queue& left, const message_queue& right) noexcept {
        if (const auto order = detail::java_compare(left.topic, right.topic); order != 0)
            return order;
        if (const auto order = detail::java_compare(left.broker_name, right.broker_name); order != 0)
            return order;
        return left.queue_id <=> right.queue_id;
    }
};

/// `orders@broker-a:3`, for logs.
inline std::string to_string(const message_queue& queue) {
    return queue.topic + '@' + queue.broker_name + ':' + std::to_string(queue.queue_id);
}

} // namespace rocketpush

template <>
struct std::hash<rocketpush::message_queue> {
    std::size_t operator()(const rocketpush::message_queue& queue) const noexcept {
        const std::hash<std::string_view> text;
        // Queues of one topic differ in the id most of all: spread it over all bits.
        const auto id = static_cast<std::size_t>(static_cast<std::uint32_t>(queue.queue_id)) * 0x9E3779B97F4A7C15u;
        return (text(queue.topic) * 31 + text(queue.broker_name)) ^ id;
    }
};

#endif
