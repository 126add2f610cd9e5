#ifndef ROCKETPUSH_PROTOCOL_BODIES_GROUP_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_GROUP_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// The members of a group, by client id. @par Source  Java `GetConsumerListByGroupResponseBody`.
struct consumer_list {
    std::vector<std::string> consumer_ids{};

    friend bool operator==(const consumer_list&, const consumer_list&) = default;
};

inline std::string encode(const consumer_list& list) {
    json_writer body;
    body.open('{').member("consumerIdList", list.consumer_ids).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<consumer_list> decode_consumer_list(std::string_view text) {
    const auto body = parse_body(text);
    consumer_list list;
    if (!body || !read_json(*body, "consumerIdList", list.consumer_ids))
        return error::body_malformed;
    return list;
}

/// Which queues a member wants to lock or unlock. @par Source  Java `LockBatchRequestBody`, `UnlockBatchRequestBody`.
struct lock_data {
    std::string client_id;
    std::string consumer_group;
    std::vector<message_queue> queues{};
    bool only_this_broker = false; ///< 5.x: do not ask the broker's replicas.

    friend bool operator==(const lock_data&, const lock_data&) = default;
};

/// The queues that are locked for the member now; one that another member has locked is missing.
struct locked_queues {
    std::vector<message_queue> queues{};

    friend bool operator==(const locked_queues&, const locked_queues&) = default;
};

inline std::string encode(const lock_data& lock) {
    json_writer body;
    body.open('{')
        .member("clientId", lock.client_id)
        .member("consumerGroup", lock.consumer_group)
        .member("mqSet", lock.queues)
        .member("onlyThisBroker", lock.only_this_broker)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<lock_data> decode_lock(std::string_view text) {
    const auto body = parse_body(text);
    lock_data lock{.client_id = {}, .consumer_group = {}};
    if (!body || !read_json(*body, "clientId", lock.client_id) ||
        !read_json(*body, "consumerGroup", lock.consumer_group) || !read_json(*body, "mqSet", lock.queues) ||
        !read_json(*body, "onlyThisBroker", lock.only_this_broker))
        return error::body_malformed;
    return lock;
}

inline std::string encode(const locked_queues& locked) {
    json_writer body;
    body.open('{').member("lockOKMQSet", locked.queues).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<locked_queues> decode_locked_queues(std::string_view text) {
    const auto body = parse_body(text);
    locked_queues locked;
    if (!body || !read_json(*body, "lockOKMQSet", locked.queues))
        return error::body_malformed;
    return locked;
}

/**
 * @brief A subscription that a broker shall try.
 * @par Source  Java `CheckClientRequestBody`. Its `namespace` is left out: Java's client never sets it, nor does a broker read it.
 *              A namespace of the first kind is in the names, one of the second kind in the request's fields.
 */
struct client_check {
    std::string client_id;
    std::string group;
    subscription wanted;

    friend bool operator==(const client_check&, const client_check&) = default;
};

inline std::string encode(const client_check& check) {
    json_writer body;
    body.open('{')
        .member("clientId", check.client_id)
        .member("group", check.group)
        .member("subscriptionData", check.wanted)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<client_check> decode_client_check(std::string_view text) {
    const auto body = parse_body(text);
    client_check check;
    if (!body || !read_json(*body, "clientId", check.client_id) || !read_json(*body, "group", check.group))
        return error::body_malformed;
    if (!read_value(find_member(*body, "subscriptionData"), check.wanted))
        return error::body_malformed;
    return check;
}

} // namespace rocketpush::protocol

#endif
