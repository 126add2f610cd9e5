#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_ADMIN_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_ADMIN_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <array>
#include <string>

/**
 * @file
 * What an administrator wants of one client. The tool asks a broker, which sends the same request on to the client, and the
 * client's answer back; after 10 s (5 s of `consumer_status_request`) it has waited long enough.
 */
namespace rocketpush::protocol {

/// How a member is; the answer's body is a `running_info`. @par Source  Java `GetConsumerRunningInfoRequestHeader`.
struct running_info_request {
    static constexpr request_code code = request_code::get_consumer_running_info;

    std::string consumer_group;
    std::string client_id;
    bool with_stacks = false; ///< And what its threads are at.

    static constexpr auto fields() noexcept {
        using self = running_info_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::client_id>("clientId"),
                          optional_field<&self::with_stacks>("jstackEnable")};
    }
};

/**
 * @brief Has a member's listener called with one message, outside of all queues. What a broker sends has that message in its
 *        body, as it is stored; the answer's body is a `direct_result`.
 * @par Source  Java `ConsumeMessageDirectlyResultRequestHeader`.
 */
struct consume_directly_request {
    static constexpr request_code code = request_code::consume_message_directly;

    std::string consumer_group;
    std::string client_id{};
    std::string message_id{};  ///< By its place in the store.
    std::string broker_name{}; ///< Where it is stored.
    std::string topic{};       ///< 5.x

    static constexpr auto fields() noexcept {
        using self = consume_directly_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          optional_field<&self::client_id>("clientId"), optional_field<&self::message_id>("msgId"),
                          optional_field<&self::broker_name>("brokerName"), optional_field<&self::topic>("topic")};
    }
};

/// Where a member is in a topic's queues; the answer's body is a `consumer_status`.
/// @par Source  Java `GetConsumerStatusRequestHeader`.
struct consumer_status_request {
    static constexpr request_code code = request_code::get_consumer_status;

    std::string topic; ///< Blank: all.
    std::string consumer_group;
    std::string client_address{};

    static constexpr auto fields() noexcept {
        using self = consumer_status_request;
        return std::array{required_field<&self::topic>("topic"), required_field<&self::consumer_group>("group"),
                          optional_field<&self::client_address>("clientAddr")};
    }
};

/// Who is in a group, and what it subscribes; the answer's body is a `consumer_connections`. Any client may ask it of a broker.
/// @par Source  Java `GetConsumerConnectionListRequestHeader`.
struct consumer_connections_request {
    static constexpr request_code code = request_code::get_consumer_connections;

    std::string consumer_group;

    static constexpr auto fields() noexcept {
        return std::array{required_field<&consumer_connections_request::consumer_group>("consumerGroup")};
    }
};

} // namespace rocketpush::protocol

#endif
