#ifndef ROCKETPUSH_EMBEDDED_ADMIN_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ADMIN_REQUESTS_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/pull_requests.hpp>
#include <rocketpush/protocol/bodies_connections.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>
#include <rocketpush/protocol/bodies_route.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * What `mqadmin` and tests with Java's `DefaultMQAdminExt` ask, as far as it helps with consumers.
 * @par Source  Java `AdminBrokerProcessor`, `DefaultRequestProcessor` (name server).
 */
namespace rocketpush::embedded::answering {

namespace admin_code {
inline constexpr auto create_group        = static_cast<protocol::request_code>(200);
inline constexpr auto topic_stats         = static_cast<protocol::request_code>(202);
inline constexpr auto consumer_connection = protocol::request_code::get_consumer_connections;
inline constexpr auto cluster_info        = static_cast<protocol::request_code>(106);
inline constexpr auto topic_list          = static_cast<protocol::request_code>(206);
inline constexpr auto consume_stats       = static_cast<protocol::request_code>(208);
inline constexpr auto delete_topic        = static_cast<protocol::request_code>(215);
inline constexpr auto delete_route        = static_cast<protocol::request_code>(216);
inline constexpr auto topic_config        = static_cast<protocol::request_code>(351);
} // namespace admin_code

/// A question about a topic.
struct topic_question {
    std::string topic;
    static constexpr auto fields() noexcept {
        return std::array{protocol::required_field<&topic_question::topic>("topic")};
    }
};

/// A question about a group, perhaps only in one topic.
struct group_question {
    std::string group;
    std::string topic{};
    static constexpr auto fields() noexcept {
        return std::array{protocol::required_field<&group_question::group>("consumerGroup"),
                          protocol::optional_field<&group_question::topic>("topic")};
    }
};

inline void reply_json(broker_state& broker, const incoming_request& request, const protocol::json_writer& body) {
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, body.text());
}

/// The key in a map whose keys are queues: Java writes them as objects, and its tools read nothing else.
inline protocol::json_writer& queue_key(protocol::json_writer& table, const message_queue& queue) {
    protocol::write_value(table, queue);
    return table.colon();
}

/// GET_BROKER_CLUSTER_INFO (106)
inline void answer_cluster_info(broker_state& broker, const incoming_request& request) {
    const auto& [name, cluster] = std::tie(broker.options.name, broker.options.cluster);
    const protocol::broker_data self{cluster, name, {{0, to_string(broker.address)}}, false};
    protocol::json_writer body;
    body.open('{').key("brokerAddrTable").open('{').member(name, self).close('}');
    body.key("clusterAddrTable").open('{').member(cluster, std::vector{name}).close('}').close('}');
    reply_json(broker, request, body);
}

/// GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206)
inline void answer_topic_list(broker_state& broker, const incoming_request& request) {
    protocol::json_writer body;
    body.open('{').member("topicList", broker.store.topic_names()).close('}');
    reply_json(broker, request, body);
}

/// GET_TOPIC_STATS_INFO (202)
inline void answer_topic_stats(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<topic_question>(broker, request);
    if (!wanted)
        return;
    const auto* topic = broker.store.find_topic(wanted->topic);
    if (!topic)
        return reply(broker, request, response_code::topic_not_exist, "topic[" + wanted->topic + "] not exist");
    protocol::json_writer body;
    body.open('{').key("offsetTable").open('{');
    for (std::int32_t id = 0; id < topic->queues(); ++id) {
        const auto largest = broker.store.max_offset(wanted->topic, id);
        const auto newest  = broker.store.find_entry(wanted->topic, id, largest - 1);
        queue_key(body, {wanted->topic, broker.options.name, id})
            .open('{')
            .member("lastUpdateTimestamp", newest ? newest->store_timestamp : 0)
            .member("maxOffset", largest)
            .member("minOffset", broker.store.min_offset(wanted->topic, id))
            .close('}');
    }
    body.close('}').close('}');
    reply_json(broker, request, body);
}

/// GET_CONSUME_STATS (208)
inline void answer_consume_stats(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<group_question>(broker, request);
    if (!wanted)
        return;
    std::set<std::string> topics;
    if (!wanted->topic.empty()) {
        topics.insert(wanted->topic);
    } else {
        topics = broker.offsets.topics(wanted->group);
        if (const auto* group = broker.groups.find(wanted->group))
            for (const auto& [topic, subscribed] : group->subscriptions)
                topics.insert(topic);
    }
    protocol::json_writer body;
    body.open('{').key("consumeTps").raw("0.0");
    body.key("offsetTable").open('{');
    for (const auto& name : topics) {
        const auto* topic = broker.store.find_topic(name);
        for (std::int32_t id = 0; topic && id < topic->read_queues; ++id) {
            const auto consumed = broker.offsets.find(wanted->group, name, id).value_or(0);
            const auto last     = broker.store.find_entry(name, id, consumed - 1);
            queue_key(body, {name, broker.options.name, id})
                .open('{')
                .member("brokerOffset", broker.store.max_offset(name, id))
                .member("consumerOffset", consumed)
                .member("lastTimestamp", last ? last->store_timestamp : 0)
                .member("pullOffset", consumed)
                .close('}');
        }
    }
    body.close('}').close('}');
    reply_json(broker, request, body);
}

/// GET_CONSUMER_CONNECTION_LIST (203). The language is not known here, so all are OTHER.
inline void answer_consumer_connection(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<group_question>(broker, request);
    if (!wanted)
        return;
    const auto* group = broker.groups.find(wanted->group);
    if (!group)
        return reply(broker, request, response_code::consumer_not_online,
                     "the consumer group[" + wanted->group + "] not online");
    protocol::consumer_connections found{.consume_type       = group->consume_type,
                                         .message_model      = group->message_model,
                                         .consume_from_where = group->consume_from_where};
    for (const auto& member : group->members)
        found.members.push_back({broker.connections.at(member.connection).address.to_string(), member.client_id,
                                 "OTHER", member.version});
    for (const auto& [topic, subscribed] : group->subscriptions)
        found.subscriptions.push_back(subscribed);
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(found));
}

/// GET_TOPIC_CONFIG (351), since 5.0
inline void answer_topic_config(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<topic_question>(broker, request);
    if (!wanted)
        return;
    const auto* topic = broker.store.find_topic(wanted->topic);
    if (!topic)
        return reply(broker, request, response_code::topic_not_exist,
                     "No topic in this broker. topic: " + wanted->topic);
    protocol::json_writer body;
    body.open('{')
        .key("attributes")
        .open('{')
        .close('}')
        .member("order", false)
        .member("perm", topic->permission)
        .member("readQueueNums", topic->read_queues)
        .member("topicFilterType", "SINGLE_TAG")
        .member("topicName", wanted->topic)
        .member("topicSysFlag", 0)
        .member("writeQueueNums", topic->write_queues)
        .close('}');
    reply_json(broker, request, body);
}

/// UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200)
inline void answer_create_group(broker_state& broker, const incoming_request& request) {
    const auto body = protocol::parse_body(request.body);
    std::string name;
    if (!body || !protocol::read_json(*body, "groupName", name) || check_group(name))
        return reply(broker, request, response_code::system_error, "the group is not valid");
    broker.known_groups.insert(std::move(name));
    reply(broker, request, response_code::success);
}

/// DELETE_TOPIC_IN_BROKER (215), DELETE_TOPIC_IN_NAMESRV (216): one and the same here.
inline void answer_delete_topic(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<topic_question>(broker, request);
    if (!wanted)
        return;
    if (is_system_topic(wanted->topic))
        return reply(broker, request, invalid_parameter(broker), "the topic is a system topic: " + wanted->topic);
    remove_topic(broker, wanted->topic);
    reply(broker, request, response_code::success);
}

} // namespace rocketpush::embedded::answering

#endif
