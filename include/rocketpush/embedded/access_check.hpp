#ifndef ROCKETPUSH_EMBEDDED_ACCESS_CHECK_HPP
#define ROCKETPUSH_EMBEDDED_ACCESS_CHECK_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/features.hpp>
#include <rocketpush/embedded/account.hpp>
#include <rocketpush/embedded/admin_requests.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/slave_requests.hpp>
#include <rocketpush/protocol/acl_signature.hpp>
#include <rocketpush/protocol/bodies_group.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Who may ask for what. A broker without accounts answers everybody; its name server does so anyway, as real ones do unless told.
 * @par Source  Java `DefaultAuthenticationHandler`, `DefaultAuthorizationContextBuilder`, `AclAuthorizationHandler` (5.x);
 *              `PlainAccessValidator`, `PlainPermissionManager` (4.9).
 */
namespace rocketpush::embedded::answering {

/// What a request has to do with. A retry topic is its group.
struct wanted_access {
    std::vector<std::string> topics{};
    std::vector<std::string> groups{};
    bool admin = false; ///< It is for administrators.

    void add_topic(std::string topic) {
        if (!is_retry_topic(topic) && !is_dlq_topic(topic) && !topic.empty())
            topics.push_back(std::move(topic));
    }
    /// Somebody sends to it; of a retry topic no group is told but by its name.
    void add_target(const std::string& topic) {
        if (is_retry_topic(topic))
            groups.push_back(topic.substr(retry_topic_prefix.size()));
        else
            add_topic(topic);
    }
};

/// Of these requests a 4.9 looks at the signature alone.
inline bool is_open_at_4_9(protocol::request_code code) noexcept {
    using enum protocol::request_code;
    return code == get_max_offset || code == get_min_offset || code == search_offset_by_timestamp ||
           code == query_consumer_offset || code == lock_batch || code == unlock_batch;
}

inline wanted_access access_for(const incoming_request& request) {
    using code       = protocol::request_code;
    const auto field = [&](std::string_view name) {
        const auto value = request.header.field(name);
        return value ? value->to_string() : std::string();
    };
    wanted_access wanted;
    switch (static_cast<code>(request.header.code)) {
    case code::pull_message:
    case code::pop_message:
    case code::ack_message:
    case code::change_invisible_time:
    case code::query_consumer_offset:
    case code::update_consumer_offset:
        wanted.add_topic(field("topic"));
        wanted.groups.push_back(field("consumerGroup"));
        break;
    case code::get_consumer_list:
    case code::unregister_client: wanted.groups.push_back(field("consumerGroup")); break;
    case code::consumer_send_back: wanted.groups.push_back(field("group")); break;
    case code::get_max_offset:
    case code::get_min_offset:
    case code::search_offset_by_timestamp: wanted.add_topic(field("topic")); break;
    case code::send_message: wanted.add_target(field("topic")); break;
    case code::send_message_v2:
    case code::send_batch_message: wanted.add_target(field("b")); break;
    case code::heart_beat:
        if (const auto heartbeat = protocol::decode_heartbeat(request.body))
            for (const auto& consumer : heartbeat->consumers) {
                wanted.groups.push_back(consumer.group_name);
                for (const auto& each : consumer.subscriptions)
                    wanted.add_topic(each.topic);
            }
        break;
    case code::lock_batch:
    case code::unlock_batch:
        if (const auto lock = protocol::decode_lock(request.body)) {
            wanted.groups.push_back(lock->consumer_group);
            for (const auto& queue : lock->queues)
                wanted.add_topic(queue.topic);
        }
        break;
    case code::query_assignment: // real brokers look at the signature alone
    case code::batch_ack_message:
    case code::check_client_config:
    case code::get_earliest_store_time:
    case code::view_message_by_id: break;
    default: wanted.admin = true;
    }
    return wanted;
}

/// Why a request is not answered, in a real broker's words; empty: it is.
inline std::string find_denial(const broker_state& broker, const incoming_request& request) {
    const bool new_words = broker.options.is_version_5();
    const auto key       = request.header.field(protocol::acl_fields::access_key);
    if (!key || key->raw.empty())
        return new_words ? "username cannot be null." : "No accessKey is configured";
    const auto name  = key->to_string();
    const auto asker = std::ranges::find(broker.accounts, name, &account::access_key);
    if (asker == broker.accounts.end())
        return new_words ? "User:" + name + " is not found." : "No acl config for " + name;
#if ROCKETPUSH_WITH_OPENSSL
    const auto signature = request.header.field(protocol::acl_fields::signature);
    if (!signature || signature->to_string() != protocol::signature_of(request.header, request.body, asker->secret_key))
        return new_words ? "check signature failed." : "Check signature failed for accessKey=" + name;
#endif
    const auto refuse = [&](std::string_view kind, std::string_view resource) {
        const auto quoted = std::string(kind).append(":").append(resource);
        const auto from   = broker.connections.at(request.from).address.to_string(); // with a port
        return new_words ? "User:" + name + " has no permission to access " + quoted + " from " +
                               from.substr(0, from.rfind(':')) + ", no matched policies."
                         : "No default permission for " + quoted;
    };
    if (!new_words && is_open_at_4_9(static_cast<protocol::request_code>(request.header.code)))
        return {};
    const auto wanted = access_for(request);
    const auto topic  = request.header.field("topic");
    if (wanted.admin && !asker->admin)
        return new_words ? topic ? refuse("Topic", topic->to_string()) : refuse("Cluster", broker.options.cluster)
                         : "Need admin permission for request code=" + std::to_string(request.header.code) +
                               ", but accessKey=" + name + " is not";
    for (const auto& each : wanted.topics)
        if (!asker->may_use_topic(each))
            return refuse(new_words ? "Topic" : "topic", each);
    for (const auto& each : wanted.groups)
        if (!asker->may_use_group(each))
            return refuse(new_words ? "Group" : "group", each);
    return {};
}

/// Answers a request that its sender may not make. @return Whether it did.
inline bool refuse_access(broker_state& broker, const incoming_request& request) {
    if (broker.accounts.empty() || is_for_name_server(request.header.code)) [[likely]]
        return false;
    const auto words = find_denial(broker, request);
    if (words.empty())
        return false;
    if (broker.options.is_version_5())
        reply(broker, request, response_code::no_permission, words);
    else // an exception that nobody caught
        reply(broker, request, response_code::system_error,
              "org.apache.rocketmq.acl.common.AclException: " + words +
                  ", org.apache.rocketmq.acl.plain.PlainPermissionManager.validate(PlainPermissionManager.java:683)");
    return true;
}

} // namespace rocketpush::embedded::answering

#endif
