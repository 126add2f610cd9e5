#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_PULL_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_PULL_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>
#include <rocketpush/protocol/repeated_request.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rocketpush::protocol {

/// The bits of a pull's `sys_flag`. @par Source  Java `PullSysFlag`.
namespace pull_flags {
inline constexpr std::int32_t commit_offset = 0x1; ///< Commit `commit_offset` too; only a master does.
inline constexpr std::int32_t suspend       = 0x2; ///< Hold the request while there is no message.
inline constexpr std::int32_t subscription = 0x4; ///< Filter by this request's subscription, not by the registered one.
inline constexpr std::int32_t class_filter = 0x8; ///< Of filter servers, which are no more.
} // namespace pull_flags

/**
 * @brief Asks for messages of one queue, from an offset on. A fetch loop keeps a `repeated_pull` of it.
 * @par Source  Java `PullMessageRequestHeader`.
 */
struct pull_request {
    static constexpr request_code code = request_code::pull_message;

    std::string consumer_group;
    std::string topic{};
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
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::queue_offset>("queueOffset"),
                          required_field<&self::max_messages>("maxMsgNums"),
                          required_field<&self::sys_flag>("sysFlag"),
                          required_field<&self::commit_offset>("commitOffset"),
                          required_field<&self::suspend_millis>("suspendTimeoutMillis"),
                          optional_field<&self::subscription>("subscription"),
                          optional_field<&self::sub_version>("subVersion"),
                          optional_field<&self::expression_type>("expressionType"),
                          optional_field<&self::max_bytes>("maxMsgBytes"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// The fields of a pull_request that change from pull to pull.
struct pull_position {
    std::int64_t queue_offset  = 0;
    std::int32_t sys_flag      = pull_flags::suspend;
    std::int64_t commit_offset = 0;

    static constexpr auto fields() noexcept {
        using self = pull_position;
        return std::array{required_field<&self::queue_offset>("queueOffset"),
                          required_field<&self::sys_flag>("sysFlag"),
                          required_field<&self::commit_offset>("commitOffset")};
    }
};

/// The pulls of one queue. To send one allocates nothing.
using repeated_pull = repeated_request<pull_request, pull_position>;

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
        return std::array{required_field<&self::suggested_broker_id>("suggestWhichBrokerId"), // as 5.5.0 orders them
                          optional_field<&self::group_sys_flag>("groupSysFlag"),
                          required_field<&self::next_begin_offset>("nextBeginOffset"),
                          required_field<&self::max_offset>("maxOffset"),
                          required_field<&self::min_offset>("minOffset"),
                          optional_field<&self::topic_sys_flag>("topicSysFlag"),
                          optional_field<&self::offset_delta>("offsetDelta")};
    }
};

/// Asks for the one message at a commit log offset; the answer's body is it.
struct view_message_request {
    static constexpr request_code code = request_code::view_message_by_id;

    std::int64_t offset = 0; ///< Bytes: the commit log offset.
    std::string topic{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        return std::array{required_field<&view_message_request::offset>("offset"),
                          optional_field<&view_message_request::topic>("topic"),
                          optional_field<&view_message_request::broker_name>("bname")};
    }
};

} // namespace rocketpush::protocol

#endif
