#ifndef ROCKETPUSH_PROTOCOL_BODIES_HEARTBEAT_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_HEARTBEAT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <cstdint>
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

inline json_value to_json_value(const subscription& from) {
    return {{"classFilterMode", false},     {"codeSet", from.tag_codes},  {"expressionType", to_string(from.type)},
            {"subString", from.expression}, {"subVersion", from.version}, {"tagsSet", from.tags},
            {"topic", from.topic}};
}

inline bool read_json_value(const json_value& from, subscription& to) {
    std::string type;
    to.expression = "*";
    if (!from.is_object() || !read_json(from, "topic", to.topic) || !read_json(from, "expressionType", type) ||
        !read_json(from, "subString", to.expression) || !read_json(from, "subVersion", to.version) ||
        !read_json(from, "tagsSet", to.tags))
        return false;
    to.type = type == to_string(filter_type::sql92) ? filter_type::sql92 : filter_type::tag;
    return read_json_array(from, "codeSet", to.tag_codes, [](const json_value& code, std::int32_t& out) {
        const auto value = code.is_number_integer() ? code.get<std::int64_t>() : INT64_MAX;
        out              = static_cast<std::int32_t>(value);
        return std::in_range<std::int32_t>(value);
    });
}

inline std::string encode(const heartbeat_data& heartbeat) {
    auto consumers = json_value::array(), producers = json_value::array();
    for (const auto& each : heartbeat.consumers) {
        auto subscriptions = json_value::array();
        for (const auto& one : each.subscriptions)
            subscriptions.push_back(to_json_value(one));
        consumers.push_back({{"groupName", each.group_name},
                             {"consumeType", each.consume_type},
                             {"messageModel", each.message_model},
                             {"consumeFromWhere", each.consume_from_where},
                             {"unitMode", each.unit_mode},
                             {"subscriptionDataSet", std::move(subscriptions)}});
    }
    for (const auto& each : heartbeat.producer_groups)
        producers.push_back({{"groupName", each}});
    return dump_body({{"clientID", heartbeat.client_id},
                      {"consumerDataSet", std::move(consumers)},
                      {"producerDataSet", std::move(producers)}});
}

/// @retval error::body_malformed  Not JSON, a member of another type, or no client id.
inline result<heartbeat_data> decode_heartbeat(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    heartbeat_data heartbeat{.client_id = {}, .consumers = {}, .producer_groups = {}};
    const auto read_subscription = [](const json_value& from, subscription& to) { return read_json_value(from, to); };
    const auto read_consumer     = [&read_subscription](const json_value& from, consumer_data& to) {
        return from.is_object() && read_json(from, "groupName", to.group_name) &&
               read_json(from, "consumeType", to.consume_type) && read_json(from, "messageModel", to.message_model) &&
               read_json(from, "consumeFromWhere", to.consume_from_where) &&
               read_json(from, "unitMode", to.unit_mode) &&
               read_json_array(from, "subscriptionDataSet", to.subscriptions, read_subscription);
    };
    const auto read_producer = [](const json_value& from, std::string& group) {
        return from.is_object() && read_json(from, "groupName", group);
    };
    if (!read_json(*body, "clientID", heartbeat.client_id) || heartbeat.client_id.empty() ||
        !read_json_array(*body, "consumerDataSet", heartbeat.consumers, read_consumer) ||
        !read_json_array(*body, "producerDataSet", heartbeat.producer_groups, read_producer))
        return error::body_malformed;
    return heartbeat;
}

} // namespace rocketpush::protocol

#endif
