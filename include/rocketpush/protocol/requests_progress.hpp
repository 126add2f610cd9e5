#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_PROGRESS_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_PROGRESS_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <array>
#include <string>

namespace rocketpush::protocol {

// What is asked about groups and topics from outside, as administrators do. Bodies of the answers: bodies_progress.hpp.

/**
 * @brief How far a group is in the queues of one broker, those of one topic or all that it reads; the answer's body is a
 *        `consume_stats`.
 * @par Source  Java `GetConsumeStatsRequestHeader`.
 */
struct consume_stats_request {
    static constexpr request_code code = request_code::get_consume_stats;

    std::string consumer_group;
    std::string topic{}; ///< Empty: all.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = consume_stats_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"), optional_field<&self::topic>("topic"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/**
 * @brief What a topic holds at one broker; the answer's body is a `topic_stats`. 17: the broker does not have the topic.
 * @par Source  Java `GetTopicStatsInfoRequestHeader`.
 */
struct topic_stats_request {
    static constexpr request_code code = request_code::get_topic_stats;

    std::string topic;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = topic_stats_request;
        return std::array{required_field<&self::topic>("topic"), optional_field<&self::broker_name>("bname")};
    }
};

} // namespace rocketpush::protocol

#endif
