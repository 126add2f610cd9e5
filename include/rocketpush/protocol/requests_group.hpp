#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_GROUP_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_GROUP_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <array>
#include <string>

namespace rocketpush::protocol {

/// Registers a client at a broker; the body is a `heartbeat_data`. Brokers forget a client after 120 s without one.
struct heartbeat_request : no_fields {
    static constexpr request_code code = request_code::heart_beat;
};

/// The answer to a heartbeat; brokers before 5.1.3 and the proxy leave both out.
struct heartbeat_response {
    bool supports_v2         = false;
    bool subscription_change = false;

    static constexpr auto fields() noexcept {
        return std::array{optional_field<&heartbeat_response::supports_v2>("IS_SUPPORT_HEART_BEAT_V2"),
                          optional_field<&heartbeat_response::subscription_change>("IS_SUB_CHANGE")};
    }
};

/**
 * @brief Takes a client out of one group. Java sends one for the consumer group and one for `CLIENT_INNER_PRODUCER`.
 * @par Source  Java `UnregisterClientRequestHeader`.
 */
struct unregister_request {
    static constexpr request_code code = request_code::unregister_client;

    std::string client_id;
    std::string producer_group{};
    std::string consumer_group{};

    static constexpr auto fields() noexcept {
        return std::array{required_field<&unregister_request::client_id>("clientID"),
                          optional_field<&unregister_request::producer_group>("producerGroup"),
                          optional_field<&unregister_request::consumer_group>("consumerGroup")};
    }
};

/// Who is in a group; the answer's body is a `consumer_list`. Code 1: nobody.
struct consumer_list_request {
    static constexpr request_code code = request_code::get_consumer_list;

    std::string consumer_group;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        return std::array{required_field<&consumer_list_request::consumer_group>("consumerGroup"),
                          optional_field<&consumer_list_request::broker_name>("bname")};
    }
};

/// Pushed by a broker, oneway: somebody joined or left the group, or changed a subscription.
struct consumer_ids_changed_notice {
    static constexpr request_code code = request_code::notify_consumer_ids_changed;

    std::string consumer_group;

    static constexpr auto fields() noexcept {
        return std::array{required_field<&consumer_ids_changed_notice::consumer_group>("consumerGroup")};
    }
};

/// Pushed by a broker, oneway: an administrator wants queues to begin elsewhere; the body says where (`decode_reset`).
struct reset_offset_notice {
    static constexpr request_code code = request_code::reset_consumer_offset;

    std::string consumer_group;
    std::string topic;

    static constexpr auto fields() noexcept {
        return std::array{required_field<&reset_offset_notice::consumer_group>("group"),
                          required_field<&reset_offset_notice::topic>("topic")};
    }
};

/// Locks queues for one member, at the master; the body is a `lock_data`, the answer's a `locked_queues`.
struct lock_request : no_fields {
    static constexpr request_code code = request_code::lock_batch;
};

/// Gives locks up; the body is a `lock_data`.
struct unlock_request : no_fields {
    static constexpr request_code code = request_code::unlock_batch;
};

/// Has a broker compile a subscription's expression; the body is a `client_check`. Code 23: it does not parse.
struct check_client_request : no_fields {
    static constexpr request_code code = request_code::check_client_config;
};

/// Asks a 5.x broker which queues this member shall read; the body is an `assignment_query`, the answer's an `assignment_answer`.
struct query_assignment_request : no_fields {
    static constexpr request_code code = request_code::query_assignment;
};

/// Has a 5.x broker say PULL or POP when members of a group ask for a topic's queues; the body is a `request_mode_setting`.
struct set_request_mode_request : no_fields {
    static constexpr request_code code = request_code::set_request_mode;
};

} // namespace rocketpush::protocol

#endif
