#ifndef ROCKETPUSH_EMBEDDED_GROUP_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_GROUP_REQUESTS_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/condition_parser.hpp>
#include <rocketpush/embedded/route_requests.hpp>
#include <rocketpush/embedded/slave_requests.hpp>
#include <rocketpush/protocol/bodies_group.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>
#include <rocketpush/protocol/requests_group.hpp>

#include <string>
#include <utility>

/**
 * Groups: who is in them, and which queues a member has for itself.
 * @par Source  Java `ClientManageProcessor`, `ConsumerManageProcessor`, `AdminBrokerProcessor`.
 */
namespace rocketpush::embedded::answering {

/// HEART_BEAT (34). A group that is not allowed is passed over in silence: its pulls are told, with 26.
inline void answer_heartbeat(broker_state& broker, const incoming_request& request) {
    const auto heartbeat = protocol::decode_heartbeat(request.body);
    if (!heartbeat)
        return reply(broker, request, response_code::system_error, "the heartbeat is not the JSON it should be");
    for (const auto& consumer : heartbeat->consumers) {
        if (!broker.admit_group(consumer.group_name))
            continue;
        if (broker.options.retry_queues > 0)
            ensure_group_topic(broker, retry_topic(consumer.group_name), broker.options.retry_queues);
        auto& groups = groups_at(broker, request.from);
        if (groups.join(request.from, heartbeat->client_id, request.header.version, consumer, request.now.steady) &&
            &groups == &broker.groups)
            notify_members(broker, consumer.group_name);
    }
    if (broker.options.is_version_5())
        // Not the second version of heartbeats, whose fingerprints save bytes; "changed" makes clients send all.
        reply(broker, request, response_code::success, {},
              protocol::heartbeat_response{.supports_v2 = false, .subscription_change = true});
    else
        reply(broker, request, response_code::success);
}

/// UNREGISTER_CLIENT (35)
inline void answer_unregister(broker_state& broker, const incoming_request& request) {
    const auto leaving = read_request<protocol::unregister_request>(broker, request);
    if (!leaving)
        return;
    auto& groups = groups_at(broker, request.from);
    if (!leaving->consumer_group.empty() && groups.leave(request.from, leaving->consumer_group) &&
        &groups == &broker.groups)
        notify_members(broker, leaving->consumer_group);
    reply(broker, request, response_code::success);
}

/// GET_CONSUMER_LIST_BY_GROUP (38)
inline void answer_consumer_list(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::consumer_list_request>(broker, request);
    if (!wanted)
        return;
    const auto* group = groups_at(broker, request.from).find(wanted->consumer_group);
    if (!group)
        return reply(broker, request, response_code::system_error,
                     "no consumer for this group, " + wanted->consumer_group);
    protocol::consumer_list list;
    for (const auto& member : group->members)
        list.consumer_ids.push_back(member.client_id);
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(list));
}

/// LOCK_BATCH_MQ (41)
inline void answer_lock(broker_state& broker, const incoming_request& request) {
    const auto wanted = protocol::decode_lock(request.body);
    if (!wanted)
        return reply(broker, request, response_code::system_error, "the lock is not the JSON it should be");
    protocol::locked_queues locked;
    for (const auto& queue : wanted->queues)
        if (broker.locks.lock(wanted->consumer_group, queue, wanted->client_id, request.now.steady))
            locked.queues.push_back(queue);
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(locked));
}

/// UNLOCK_BATCH_MQ (42)
inline void answer_unlock(broker_state& broker, const incoming_request& request) {
    const auto given_up = protocol::decode_lock(request.body);
    if (!given_up)
        return reply(broker, request, response_code::system_error, "the unlock is not the JSON it should be");
    for (const auto& queue : given_up->queues)
        broker.locks.unlock(given_up->consumer_group, queue, given_up->client_id);
    reply(broker, request, response_code::success);
}

/// CHECK_CLIENT_CONFIG (46): whether this broker would filter by a subscription.
inline void answer_check_client(broker_state& broker, const incoming_request& request) {
    const auto check = protocol::decode_client_check(request.body);
    if (!check)
        return reply(broker, request, response_code::system_error, "the check is not the JSON it should be");
    if (check->wanted.type != filter_type::tag) {
        if (!broker.options.property_filter)
            return reply(broker, request, response_code::system_error,
                         "The broker does not support consumer to filter message by SQL92");
        if (const auto compiled = compile_condition(check->wanted.expression); !compiled.made)
            return reply(broker, request, response_code::subscription_parse_failed,
                         "Invalid MessageSelector. " + compiled.problem);
    }
    reply(broker, request, response_code::success);
}

} // namespace rocketpush::embedded::answering

#endif
