#ifndef ROCKETPUSH_OFFSET_STORE_OFFSET_FILE_HPP
#define ROCKETPUSH_OFFSET_STORE_OFFSET_FILE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <map>
#include <string>
#include <string_view>

namespace rocketpush {

/// The next offset of each queue.
using offset_table = std::map<message_queue, queue_offset>;

/**
 * @brief The text of a local offset file, as Java writes it: tabs, line breaks, and an object for each key, which is not standard JSON.
 * @par Source  Java `OffsetSerializeWrapper`, in fastjson's pretty format.
 */
inline std::string encode_offset_file(const offset_table& table) {
    std::string text = "{\n\t\"offsetTable\":{";
    const char* next = "\n";
    for (const auto& [queue, offset] : table) {
        protocol::json_writer topic, broker;
        topic.string(queue.topic);
        broker.string(queue.broker_name);
        text.append(next).append("\t\t{\n\t\t\t\"brokerName\":").append(broker.text());
        text.append(",\n\t\t\t\"queueId\":").append(std::to_string(queue.queue_id));
        text.append(",\n\t\t\t\"topic\":").append(topic.text());
        text.append("\n\t\t}:").append(std::to_string(offset));
        next = ",\n";
    }
    return text.append(table.empty() ? "}\n}" : "\n\t}\n}");
}

/**
 * @brief Reads a local offset file in any order and spacing; its keys may also be standard JSON, strings that hold the object.
 *
 * A table that is not there is an empty one; an offset below 0 or null is none.
 *
 * @retval error::offset_file_damaged  It is not JSON, or a key is no queue, or an offset no number.
 */
inline result<offset_table> decode_offset_file(std::string_view text) {
    const auto body = protocol::parse_body(text);
    if (!body)
        return error::offset_file_damaged;
    const auto table = protocol::find_member(*body, "offsetTable");
    offset_table found;
    if (table.is_null())
        return found;
    const bool whole = protocol::read_members(table, [&](std::string_view key, const protocol::json_value& value) {
        const auto standard = protocol::parse_body(key);
        message_queue queue;
        queue_offset offset = -1;
        if (!standard || !protocol::read_value(*standard, queue) || queue.topic.empty() || queue.broker_name.empty() ||
            (!value.is_null() && !protocol::read_value(value, offset)))
            return false;
        if (offset >= 0)
            found.insert_or_assign(std::move(queue), offset);
        return true;
    });
    if (!whole)
        return error::offset_file_damaged;
    return found;
}

} // namespace rocketpush

#endif
