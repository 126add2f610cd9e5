#ifndef ROCKETPUSH_PROTOCOL_BODIES_HEARTBEAT_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_HEARTBEAT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// The words of a heartbeat. @par Source  Java `ConsumeType`, `MessageModel`, `ConsumeFromWhere`.
namespace heartbeat_words {
inline constexpr const char* push         = "CONSUME_PASSIVELY";
inline constexpr const char* pull         = "CONSUME_ACTIVELY";
inline constexpr const char* clustering   = "CLUSTERING";
inline constexpr const char* broadcasting = "BROADCASTING";
inline constexpr const char* from_last    = "CONSUME_FROM_LAST_OFFSET";
inline constexpr const char* from_first   = "CONSUME_FROM_FIRST_OFFSET";
inline constexpr const char* from_time    = "CONSUME_FROM_TIMESTAMP";
} // namespace heartbeat_words

/// One consumer group of a client.
struct consumer_data {
    std::string group_name;
    std::string consume_type       = heartbeat_words::push;
    std::string message_model      = heartbeat_words::clustering;
    std::string consume_from_where = heartbeat_words::from_last;
    bool unit_mode                 = false;
    std::vector<subscription> subscriptions{};

    friend bool operator==(const consumer_data&, const consumer_data&) = default;
};

/**
 * @brief What a client registers at every broker: itself and its groups.
 * @par Source  Java `HeartbeatData`, without the fingerprint of its second version.
 */
struct heartbeat_data {
    std::string client_id;
    std::vector<consumer_data> consumers{};
    std::vector<std::string> producer_groups{std::string(inner_producer_group)};

    friend bool operator==(const heartbeat_data&, const heartbeat_data&) = default;
};

inline void write_value(json_writer& to, const subscription& from) {
    to.open('{')
        .member("classFilterMode", false)
        .member("codeSet", from.tag_codes)
        .member("expressionType", to_string(from.type))
        .member("subString", from.expression)
        .member("subVersion", from.version)
        .member("tagsSet", from.tags)
        .member("topic", from.topic)
        .close('}');
}

inline bool read_value(const json_value& from, subscription& to) {
    std::string type;
    to.expression = "*";
    if (from.type != json_cursor::kind::object || !read_json(from, "topic", to.topic) ||
        !read_json(from, "expressionType", type) || !read_json(from, "subString", to.expression) ||
        !read_json(from, "subVersion", to.version) || !read_json(from, "tagsSet", to.tags))
        return false;
    to.type = type == to_string(filter_type::sql92) ? filter_type::sql92 : filter_type::tag;
    return read_json(from, "codeSet", to.tag_codes);
}

inline void write_value(json_writer& to, const consumer_data& from) {
    to.open('{')
        .member("consumeFromWhere", from.consume_from_where)
        .member("consumeType", from.consume_type)
        .member("groupName", from.group_name)
        .member("messageModel", from.message_model)
        .member("subscriptionDataSet", from.subscriptions)
        .member("unitMode", from.unit_mode)
        .close('}');
}

inline bool read_value(const json_value& from, consumer_data& to) {
    return from.type == json_cursor::kind::object && read_json(from, "groupName", to.group_name) &&
           read_json(from, "consumeType", to.consume_type) && read_json(from, "messageModel", to.message_model) &&
           read_json(from, "consumeFromWhere", to.consume_from_where) && read_json(from, "unitMode", to.unit_mode) &&
           read_json(from, "subscriptionDataSet", to.subscriptions);
}

/// A producer group of a client; nothing but its name is of use.
struct producer_data {
    std::string group_name;
};

inline bool read_value(const json_value& from, producer_data& to) {
    return from.type == json_cursor::kind::object && read_json(from, "groupName", to.group_name);
}

inline std::string encode(const heartbeat_data& heartbeat) {
    json_writer body;
    body.open('{')
        .member("clientID", heartbeat.client_id)
        .member("consumerDataSet", heartbeat.consumers)
        .key("producerDataSet")
        .open('[');
    for (const auto& each : heartbeat.producer_groups)
        body.open('{').member("groupName", each).close('}');
    body.close(']').close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed  Not JSON, a member of another type, or no client id.
inline result<heartbeat_data> decode_heartbeat(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    heartbeat_data heartbeat{.client_id = {}, .consumers = {}, .producer_groups = {}};
    std::vector<producer_data> producers;
    if (!read_json(*body, "clientID", heartbeat.client_id) || heartbeat.client_id.empty() ||
        !read_json(*body, "consumerDataSet", heartbeat.consumers) || !read_json(*body, "producerDataSet", producers))
        return error::body_malformed;
    for (auto& each : producers)
        heartbeat.producer_groups.push_back(std::move(each.group_name));
    return heartbeat;
}

} // namespace rocketpush::protocol

#endif
