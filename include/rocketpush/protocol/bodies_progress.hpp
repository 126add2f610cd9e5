#ifndef ROCKETPUSH_PROTOCOL_BODIES_PROGRESS_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_PROGRESS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush::protocol {

/// How far a group is in one queue. @par Source  Java `OffsetWrapper`.
struct queue_consumption {
    message_queue queue;
    queue_offset broker_offset   = 0;  ///< Behind the newest message.
    queue_offset consumer_offset = 0;  ///< Committed.
    queue_offset pull_offset     = -1; ///< Asked for last; -1: the broker is older than 5.0 and does not tell.
    std::int64_t last_timestamp  = 0;  ///< When the last consumed message was stored, ms since 1970; 0: not known.

    friend bool operator==(const queue_consumption&, const queue_consumption&) = default;
};

/// @par Source  Java `ConsumeStats`. Not read: `consumeTps`.
struct consume_stats {
    std::vector<queue_consumption> queues{};
};

/// What one queue holds. @par Source  Java `TopicOffset`.
struct queue_extent {
    message_queue queue;
    queue_offset min_offset  = 0;
    queue_offset max_offset  = 0; ///< Behind the newest message.
    std::int64_t last_stored = 0; ///< When the newest message was stored, ms since 1970; 0: there is none.

    friend bool operator==(const queue_extent&, const queue_extent&) = default;
};

/// @par Source  Java `TopicStatsTable`.
struct topic_stats {
    std::vector<queue_extent> queues{};
};

inline bool read_value(const json_value& from, queue_consumption& to) {
    return from.type == json_cursor::kind::object && read_json(from, "brokerOffset", to.broker_offset) &&
           read_json(from, "consumerOffset", to.consumer_offset) && read_json(from, "pullOffset", to.pull_offset) &&
           read_json(from, "lastTimestamp", to.last_timestamp);
}

inline bool read_value(const json_value& from, queue_extent& to) {
    return from.type == json_cursor::kind::object && read_json(from, "minOffset", to.min_offset) &&
           read_json(from, "maxOffset", to.max_offset) && read_json(from, "lastUpdateTimestamp", to.last_stored);
}

/// Reads a map whose keys are queues: `each(queue, value)` for every member; false when a call does. No map: no calls.
template <class Each>
bool read_queue_table(const json_value& object, std::string_view name, Each&& each) {
    const auto table = find_member(object, name);
    return table.is_null() || read_members(table, [&each](std::string_view key, const json_value& value) {
               const auto text = parse_body(key);
               message_queue queue;
               return text && read_value(*text, queue) && each(queue, value);
           });
}

/// @retval error::body_malformed
inline result<consume_stats> decode_consume_stats(std::string_view text) {
    const auto body = parse_body(text);
    consume_stats stats;
    const auto take = [&stats](const message_queue& queue, const json_value& value) {
        return read_value(value, stats.queues.emplace_back(queue_consumption{.queue = queue}));
    };
    if (!body || !read_queue_table(*body, "offsetTable", take))
        return error::body_malformed;
    return stats;
}

/// @retval error::body_malformed
inline result<topic_stats> decode_topic_stats(std::string_view text) {
    const auto body = parse_body(text);
    topic_stats stats;
    const auto take = [&stats](const message_queue& queue, const json_value& value) {
        return read_value(value, stats.queues.emplace_back(queue_extent{.queue = queue}));
    };
    if (!body || !read_queue_table(*body, "offsetTable", take))
        return error::body_malformed;
    return stats;
}

/// The queues that a member holds, pulled and popped ones, of its running info. @retval error::body_malformed
inline result<std::vector<message_queue>> decode_held_queues(std::string_view text) {
    const auto body = parse_body(text);
    std::vector<message_queue> held;
    const auto take = [&held](const message_queue& queue, const json_value&) {
        held.push_back(queue);
        return true;
    };
    if (!body || !read_queue_table(*body, "mqTable", take) || !read_queue_table(*body, "mqPopTable", take))
        return error::body_malformed;
    return held;
}

} // namespace rocketpush::protocol

#endif
