#ifndef ROCKETPUSH_PROTOCOL_BODIES_OFFSETS_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_OFFSETS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// A queue, and an offset in it.
struct queue_position {
    message_queue queue;
    queue_offset offset = 0;

    friend bool operator==(const queue_position&, const queue_position&) = default;
};

inline bool read_value(const json_value& from, queue_position& to) {
    return read_value(from, to.queue) && read_json(from, "offset", to.offset);
}

/**
 * @brief Reads where an administrator wants queues to begin (RESET_CONSUMER_CLIENT_OFFSET, 220), in either of its forms: a map
 *        whose keys are queues, as Java's tools have it written, or a list, as those of C++ do. No table: none.
 *
 * @retval error::body_malformed
 * @par Source  Java `ResetOffsetBody`, `ResetOffsetBodyForC`.
 */
inline result<std::vector<queue_position>> decode_reset(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    const auto table = find_member(*body, "offsetTable");
    std::vector<queue_position> found;
    if (table.is_null())
        return found;
    if (read_value(table, found))
        return found;
    found.clear();
    const bool read = read_members(table, [&found](std::string_view key, const json_value& value) {
        auto& each       = found.emplace_back();
        const auto queue = parse_body(key);
        return queue && read_value(*queue, each.queue) && read_value(value, each.offset);
    });
    if (!read)
        return error::body_malformed;
    return found;
}

/**
 * @brief Where a member is in its queues, for an administrator (GET_CONSUMER_STATUS_FROM_CLIENT, 221).
 * @par Source  Java `GetConsumerStatusBody`.
 */
struct consumer_status {
    std::vector<queue_position> queues{};

    friend bool operator==(const consumer_status&, const consumer_status&) = default;
};

inline std::string encode(const consumer_status& status) {
    json_writer body;
    body.open('{').key("consumerTable").open('{').close('}').key("messageQueueTable").open('{');
    for (const auto& [queue, offset] : status.queues) {
        write_value(body, queue);
        body.colon();
        write_value(body, offset);
    }
    body.close('}').close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<consumer_status> decode_consumer_status(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    const auto table = find_member(*body, "messageQueueTable");
    consumer_status status;
    const bool read =
        table.is_null() || read_members(table, [&status](std::string_view key, const json_value& value) {
            auto& each       = status.queues.emplace_back();
            const auto queue = parse_body(key);
            return queue && read_value(*queue, each.queue) && read_value(value, each.offset);
        });
    if (!read)
        return error::body_malformed;
    return status;
}

} // namespace rocketpush::protocol

#endif
