#ifndef ROCKETPUSH_PROTOCOL_BODIES_ASSIGNMENT_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_ASSIGNMENT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// How a member reads a queue. @par Source  Java `MessageRequestMode`.
enum class request_mode : std::uint8_t { pull, pop };

/// As it stands in bodies.
constexpr std::string_view to_string(request_mode mode) noexcept { return mode == request_mode::pull ? "PULL" : "POP"; }

inline void write_value(json_writer& to, request_mode mode) { to.string(to_string(mode)); }

inline bool read_value(const json_value& from, request_mode& mode) {
    mode = from.raw == to_string(request_mode::pop) ? request_mode::pop : request_mode::pull;
    return from.type == json_cursor::kind::string && from.raw == to_string(mode);
}

/// Asks which of a topic's queues, on all brokers, a member shall read. @par Source  Java `QueryAssignmentRequestBody`.
struct assignment_query {
    std::string topic;
    std::string consumer_group;
    std::string client_id;
    std::string strategy_name = "AVG"; ///< Used by the broker where it says PULL.
    std::string message_model{heartbeat_words::clustering};

    friend bool operator==(const assignment_query&, const assignment_query&) = default;
};

/// One queue, and how to read it. @par Source  Java `MessageQueueAssignment`; its `attachments` are not read.
struct queue_assignment {
    message_queue queue{}; ///< To pop, its id may be -1: all queues of that broker.
    request_mode mode = request_mode::pull;

    friend bool operator==(const queue_assignment&, const queue_assignment&) = default;
};

/// @par Source  Java `QueryAssignmentResponseBody`.
struct assignment_answer {
    /// Nothing: the broker cannot say (it knows no such topic or strategy, or has not heard of the group); all stays as it is.
    std::optional<std::vector<queue_assignment>> queues{};

    friend bool operator==(const assignment_answer&, const assignment_answer&) = default;
};

/// How a group shall read a topic. @par Source  Java `SetMessageRequestModeRequestBody`.
struct request_mode_setting {
    std::string topic;
    std::string consumer_group;
    request_mode mode = request_mode::pull;
    /// With POP: beside its own queues a member gets those of so many others. 0 or less: every member gets all queues.
    std::int32_t pop_share_queue_num = 0;

    friend bool operator==(const request_mode_setting&, const request_mode_setting&) = default;
};

inline std::string encode(const assignment_query& query) {
    json_writer body;
    body.open('{')
        .member("clientId", query.client_id)
        .member("consumerGroup", query.consumer_group)
        .member("messageModel", query.message_model)
        .member("strategyName", query.strategy_name)
        .member("topic", query.topic)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<assignment_query> decode_assignment_query(std::string_view text) {
    const auto body = parse_body(text);
    assignment_query query{.topic = {}, .consumer_group = {}, .client_id = {}, .strategy_name = {}};
    if (!body || !read_json(*body, "clientId", query.client_id) ||
        !read_json(*body, "consumerGroup", query.consumer_group) ||
        !read_json(*body, "messageModel", query.message_model) ||
        !read_json(*body, "strategyName", query.strategy_name) || !read_json(*body, "topic", query.topic))
        return error::body_malformed;
    return query;
}

inline void write_value(json_writer& to, const queue_assignment& from) {
    to.open('{').member("messageQueue", from.queue).member("mode", from.mode).close('}');
}

inline bool read_value(const json_value& from, queue_assignment& to) {
    return from.type == json_cursor::kind::object && read_value(find_member(from, "messageQueue"), to.queue) &&
           read_json(from, "mode", to.mode);
}

inline std::string encode(const assignment_answer& answer) {
    json_writer body;
    body.open('{');
    if (answer.queues)
        body.member("messageQueueAssignments", *answer.queues);
    body.close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed  Not JSON, a member of another type, or a mode that this version does not know.
inline result<assignment_answer> decode_assignment_answer(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    assignment_answer answer;
    if (const auto queues = find_member(*body, "messageQueueAssignments"); !queues.is_null())
        if (!read_value(queues, answer.queues.emplace()))
            return error::body_malformed;
    return answer;
}

inline std::string encode(const request_mode_setting& setting) {
    json_writer body;
    body.open('{')
        .member("consumerGroup", setting.consumer_group)
        .member("mode", setting.mode)
        .member("popShareQueueNum", setting.pop_share_queue_num)
        .member("topic", setting.topic)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<request_mode_setting> decode_request_mode_setting(std::string_view text) {
    const auto body = parse_body(text);
    request_mode_setting setting{.topic = {}, .consumer_group = {}};
    if (!body || !read_json(*body, "consumerGroup", setting.consumer_group) ||
        !read_json(*body, "mode", setting.mode) || !read_json(*body, "popShareQueueNum", setting.pop_share_queue_num) ||
        !read_json(*body, "topic", setting.topic))
        return error::body_malformed;
    return setting;
}

} // namespace rocketpush::protocol

#endif
