#ifndef ROCKETPUSH_PROTOCOL_BODIES_CONNECTIONS_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_CONNECTIONS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// One member of a group by its connection: a client that is connected twice is there twice. @par Source  Java `Connection`.
struct consumer_connection {
    std::string client_address;
    std::string client_id{};
    std::string language{};
    std::int32_t version = 0;

    friend bool operator==(const consumer_connection&, const consumer_connection&) = default;
};

/**
 * @brief Who is in a group, and what it subscribes as its broker sees it: one set for all, of the newest version of each topic.
 * @par Source  Java `ConsumerConnection`.
 */
struct consumer_connections {
    std::vector<consumer_connection> members{};
    std::vector<subscription> subscriptions{};
    std::string consume_type{};
    std::string message_model{};
    std::string consume_from_where{};

    friend bool operator==(const consumer_connections&, const consumer_connections&) = default;
};

inline void write_value(json_writer& to, const consumer_connection& from) {
    to.open('{')
        .member("clientAddr", from.client_address)
        .member("clientId", from.client_id)
        .member("language", from.language)
        .member("version", from.version)
        .close('}');
}
inline bool read_value(const json_value& from, consumer_connection& to) {
    return from.type == json_cursor::kind::object && read_json(from, "clientAddr", to.client_address) &&
           read_json(from, "clientId", to.client_id) && read_json(from, "language", to.language) &&
           read_json(from, "version", to.version);
}

inline std::string encode(const consumer_connections& group) {
    json_writer body;
    body.open('{')
        .member("connectionSet", group.members)
        .member("consumeFromWhere", group.consume_from_where)
        .member("consumeType", group.consume_type)
        .member("messageModel", group.message_model)
        .key("subscriptionTable")
        .open('{');
    for (const auto& each : group.subscriptions)
        body.member(each.topic, each);
    body.close('}').close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<consumer_connections> decode_consumer_connections(std::string_view text) {
    const auto body = parse_body(text);
    consumer_connections group;
    if (!body || !read_json(*body, "connectionSet", group.members) ||
        !read_json(*body, "consumeFromWhere", group.consume_from_where) ||
        !read_json(*body, "consumeType", group.consume_type) || !read_json(*body, "messageModel", group.message_model))
        return error::body_malformed;
    const auto table = find_member(*body, "subscriptionTable");
    const bool read  = table.is_null() || read_members(table, [&group](std::string_view, const json_value& value) {
                          return read_value(value, group.subscriptions.emplace_back());
                      });
    if (!read)
        return error::body_malformed;
    return group;
}

} // namespace rocketpush::protocol

#endif
