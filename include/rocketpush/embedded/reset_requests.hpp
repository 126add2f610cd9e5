#ifndef ROCKETPUSH_EMBEDDED_RESET_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_RESET_REQUESTS_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/offset_requests.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/field_table.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/**
 * An administrator moves a group: brokers since 5.2 tell its next pulls, older ones tell its members, who move themselves.
 * @par Source  Java `AdminBrokerProcessor.resetOffset`, `Broker2Client.resetOffset`, `ConsumerOffsetManager`.
 */
namespace rocketpush::embedded::answering {

/// By queue id, the offset that a group shall go on with.
using reset_table = std::map<std::int32_t, queue_offset>;

/// Asks a broker to move a group: to a time (-1: the end), or in one queue to an offset.
struct reset_question {
    static constexpr auto code = static_cast<protocol::request_code>(222);

    std::string topic;
    std::string group;
    std::int64_t timestamp = -1; ///< ms since 1970
    std::optional<std::int32_t> queue_id{};
    std::optional<std::int64_t> offset{};

    static constexpr auto fields() noexcept {
        using self = reset_question;
        return std::array{
            protocol::required_field<&self::topic>("topic"), protocol::required_field<&self::group>("group"),
            protocol::optional_field<&self::timestamp>("timestamp"),
            protocol::optional_field<&self::queue_id>("queueId"), protocol::optional_field<&self::offset>("offset")};
    }
};

/// Pushed to a client, oneway: it shall move itself. The body is the table.
struct reset_notice {
    static constexpr auto code = protocol::request_code::reset_consumer_offset;

    std::string topic;
    std::string group;
    std::int64_t timestamp = -1; ///< ms since 1970
    bool forced            = false;

    static constexpr auto fields() noexcept {
        using self = reset_notice;
        return std::array{protocol::required_field<&self::topic>("topic"),
                          protocol::required_field<&self::group>("group"),
                          protocol::required_field<&self::timestamp>("timestamp"),
                          protocol::required_field<&self::forced>("isForce")};
    }
};

/// `{"offsetTable":{{"brokerName":"b","queueId":2,"topic":"t"}:2}}`: Java's maps have objects as keys.
inline std::string encode_resets(const broker_state& broker, std::string_view topic, const reset_table& resets) {
    protocol::json_writer body;
    body.open('{').key("offsetTable").open('{');
    for (const auto& [queue_id, offset] : resets) {
        protocol::write_value(body, message_queue{std::string(topic), broker.options.name, queue_id});
        body.colon();
        protocol::write_value(body, offset);
    }
    body.close('}').close('}');
    return std::move(body).text();
}

/// Moves a group, in the way of this broker's version. @return Whether anybody could be told.
inline bool reset_offsets(broker_state& broker, std::string_view group, std::string_view topic,
                          const reset_table& resets, std::int64_t timestamp = -1) {
    if (broker.options.server_side_reset && broker.options.is_version_5()) {
        for (const auto& [queue_id, offset] : resets)
            broker.offsets.reset(group, topic, queue_id, offset);
        return true;
    }
    const auto* found = broker.groups.find(group);
    if (!found)
        return false;
    const reset_notice notice{std::string(topic), std::string(group), timestamp};
    const auto body = encode_resets(broker, topic, resets);
    for (const auto& member : found->members)
        protocol::append_request(
            broker.out.frames_to(member.connection), protocol::header_encoding::json, notice,
            {.opaque = broker.next_opaque++, .flag = protocol::oneway_flag, .version = broker.options.version}, body);
    return true;
}

/// Where the queues of a topic, or one of them, were at a time; -1: where they end.
inline reset_table offsets_at(const broker_state& broker, std::string_view topic, std::int64_t timestamp,
                              std::optional<std::int32_t> only = {}) {
    reset_table resets;
    const auto* settings = broker.store.find_topic(topic);
    for (std::int32_t id = 0; settings && id < settings->read_queues; ++id)
        if (!only || *only < 0 || *only == id)
            resets[id] =
                timestamp < 0 ? broker.store.max_offset(topic, id) : find_by_time(broker, topic, id, timestamp);
    return resets;
}

/// INVOKE_BROKER_TO_RESET_OFFSET (222)
inline void answer_reset(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<reset_question>(broker, request);
    if (!wanted)
        return;
    if (!broker.store.find_topic(wanted->topic))
        return reply(broker, request, response_code::topic_not_exist, "Topic " + wanted->topic + " does not exist");
    auto resets = offsets_at(broker, wanted->topic, wanted->timestamp, wanted->queue_id);
    if (wanted->offset && *wanted->offset >= 0 && wanted->queue_id && *wanted->queue_id >= 0)
        resets = {{*wanted->queue_id, *wanted->offset}};
    if (!reset_offsets(broker, wanted->group, wanted->topic, resets, wanted->timestamp))
        return reply(broker, request, response_code::consumer_not_online,
                     "Consumer not online, so can not reset offset, Group: " + wanted->group);
    reply(broker, request, response_code::success, {}, protocol::no_fields{},
          encode_resets(broker, wanted->topic, resets));
}

} // namespace rocketpush::embedded::answering

#endif
