#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_PULL_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_PULL_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

namespace rocketpush::protocol {

/// The bits of a pull's `sys_flag`. @par Source  Java `PullSysFlag`.
namespace pull_flags {
inline constexpr std::int32_t commit_offset = 0x1; ///< Commit `commit_offset` too; only a master does.
inline constexpr std::int32_t suspend       = 0x2; ///< Hold the request while there is no message.
inline constexpr std::int32_t subscription = 0x4; ///< Filter by this request's subscription, not by the registered one.
inline constexpr std::int32_t class_filter = 0x8; ///< Of filter servers, which are no more.
} // namespace pull_flags

/**
 * @brief Asks for messages of one queue, from an offset on. Keep one for each queue and change its offsets: then a pull
 *        allocates nothing.
 * @par Source  Java `PullMessageRequestHeader`.
 */
struct pull_request {
    static constexpr request_code code = request_code::pull_message;

    std::string consumer_group;
    std::string topic;
    std::int32_t queue_id       = 0;
    std::int64_t queue_offset   = 0; ///< First offset wanted.
    std::int32_t max_messages   = 32;
    std::int32_t sys_flag       = pull_flags::suspend;
    std::int64_t commit_offset  = 0; ///< With `pull_flags::commit_offset`: the next offset to consume.
    std::int64_t suspend_millis = 15000;
    std::int64_t sub_version    = 0; ///< The subscription's version; a broker that knows an older one answers 25.
    std::string subscription{};      ///< With `pull_flags::subscription`: the expression.
    std::string expression_type = "TAG";
    std::optional<std::int32_t> max_bytes{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = pull_request;
        return std::tuple(
            required_field("consumerGroup", &self::consumer_group), required_field("topic", &self::topic),
            required_field("queueId", &self::queue_id), required_field("queueOffset", &self::queue_offset),
            required_field("maxMsgNums", &self::max_messages), required_field("sysFlag", &self::sys_flag),
            required_field("commitOffset", &self::commit_offset),
            required_field("suspendTimeoutMillis", &self::suspend_millis),
            optional_field("subscription", &self::subscription), optional_field("subVersion", &self::sub_version),
            optional_field("expressionType", &self::expression_type), optional_field("maxMsgBytes", &self::max_bytes),
            optional_field("bname", &self::broker_name));
    }
};

/**
 * @brief The answer's header on 0, 19, 20 and 21; on errors none of it is there. Read without allocating.
 * @par Source  Java `PullMessageResponseHeader`.
 */
struct pull_response {
    std::int64_t suggested_broker_id = 0; ///< Which replica to ask next; 0 is the master.
    std::int64_t next_begin_offset   = 0;
    std::int64_t min_offset          = 0;
    std::int64_t max_offset          = 0;       ///< Behind the queue's last message.
    std::optional<std::int64_t> offset_delta{}; ///< 5.x, static topics: to be added to every message's offset.
    std::optional<std::int32_t> topic_sys_flag{};
    std::optional<std::int32_t> group_sys_flag{};

    static constexpr auto fields() noexcept {
        using self = pull_response;
        return std::tuple(
            required_field("suggestWhichBrokerId", &self::suggested_broker_id),
            required_field("nextBeginOffset", &self::next_begin_offset), required_field("minOffset", &self::min_offset),
            required_field("maxOffset", &self::max_offset), optional_field("offsetDelta", &self::offset_delta),
            optional_field("topicSysFlag", &self::topic_sys_flag),
            optional_field("groupSysFlag", &self::group_sys_flag));
    }
};

/// Asks for the one message at a commit log offset; the answer's body is it.
struct view_message_request {
    static constexpr request_code code = request_code::view_message_by_id;

    std::int64_t offset = 0; ///< Bytes: the commit log offset.
    std::string topic{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        return std::tuple(required_field("offset", &view_message_request::offset),
                          optional_field("topic", &view_message_request::topic),
                          optional_field("bname", &view_message_request::broker_name));
    }
};

} // namespace rocketpush::protocol

#endif
