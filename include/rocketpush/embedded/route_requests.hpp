#ifndef ROCKETPUSH_EMBEDDED_ROUTE_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ROUTE_REQUESTS_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/protocol/bodies_route.hpp>
#include <rocketpush/protocol/requests_route.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/**
 * Topics: where they are, and how they come to be.
 * @par Source  Java `ClientRequestProcessor` (name server), `TopicConfigManager`, `AdminBrokerProcessor`.
 */
namespace rocketpush::embedded::answering {

/// Of a static topic, the queues that this broker leads.
inline protocol::queue_mapping mapping_of(const broker_state& broker, std::string_view name,
                                          const topic_settings& topic) {
    protocol::queue_mapping mapping{
        .broker_name = broker.options.name, .total_queues = topic.read_queues, .epoch = topic.static_epoch};
    for (std::int32_t id = 0; id < topic.read_queues; ++id)
        if (const auto place = broker.store.place_of(name, id))
            mapping.physical_ids.emplace(id, place->id);
    mapping.topic = name;
    return mapping;
}

inline protocol::route_data route_of(const broker_state& broker, std::string_view name, const topic_settings& topic) {
    protocol::route_data route;
    route.queue_datas.push_back({broker.options.name, topic.read_queues, topic.write_queues, topic.permission});
    if (topic.static_epoch > 0) {
        route.mappings.push_back(mapping_of(broker, name, topic));
        const auto led         = static_cast<std::int32_t>(route.mappings.front().physical_ids.size());
        auto& queues           = route.queue_datas.front();
        queues.read_queue_nums = queues.write_queue_nums = led;
    }
    protocol::broker_data self{broker.options.cluster, broker.options.name, {}};
    if (!broker.slave.master_lost)
        self.broker_addrs.emplace(0, to_string(broker.address));
    if (broker.slave.address)
        self.broker_addrs.emplace(1, to_string(*broker.slave.address));
    route.broker_datas.push_back(std::move(self));
    return route;
}

/// GET_ROUTEINFO_BY_TOPIC (105)
inline void answer_route(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::route_request>(broker, request);
    if (!wanted)
        return;
    const auto* topic = broker.store.find_topic(wanted->topic);
    if (!topic || wanted->topic == schedule_topic)
        return reply(broker, request, response_code::topic_not_exist,
                     "No topic route info in name server for the topic: " + wanted->topic);

    auto body = protocol::encode(route_of(broker, wanted->topic, *topic));
    // Who is older and does not ask for standard JSON gets Java's own: integers as keys.
    constexpr std::int32_t version_4_9_4 = 401;
    const auto standard                  = request.header.field("acceptStandardJsonOnly");
    if (request.header.version < version_4_9_4 && !(standard && standard->to_bool() == true)) {
        for (const auto& [key, plain] : {std::pair(R"({"0":)", "{0:"), {R"(,"1":)", ",1:"}, {R"({"1":)", "{1:"}})
            if (const auto at = body.find(key); at != body.npos)
                body.replace(at, 5, plain);
    }
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, body);
}

/// UPDATE_AND_CREATE_TOPIC (17)
inline void answer_create_topic(broker_state& broker, const incoming_request& request) {
    constexpr std::int32_t most_queues = 65'536;
    const auto wanted                  = read_request<protocol::create_topic_request>(broker, request);
    if (!wanted)
        return;
    if (check_topic(wanted->topic))
        return reply(broker, request, invalid_parameter(broker), "the topic's name is not valid: " + wanted->topic);
    if (is_system_topic(wanted->topic))
        return reply(broker, request, invalid_parameter(broker), "the topic is a system topic: " + wanted->topic);
    const auto fits = [](std::int32_t queues) { return queues >= 0 && queues <= most_queues; };
    if (!fits(wanted->read_queue_nums) || !fits(wanted->write_queue_nums))
        return reply(broker, request, invalid_parameter(broker), "a number of queues is out of range");
    topic_settings settings{wanted->read_queue_nums, wanted->write_queue_nums, wanted->perm};
    settings.inner_batches = wanted->attributes.find("+queue.type=BatchCQ") != std::string::npos;
    broker.store.set_topic(wanted->topic, settings);
    reply(broker, request, response_code::success);
}

/// Makes a topic that belongs to a group, such as its retry topic, if it is not there yet.
inline void ensure_group_topic(broker_state& broker, std::string_view topic, std::int32_t queues) {
    if (!broker.store.find_topic(topic))
        broker.store.set_topic(topic, {queues, queues, 6});
}

/**
 * @brief The topic that a producer sends to; made by the example of another topic where that is allowed.
 * @param example  What the producer names as `defaultTopic`.
 * @param queues   How many it asks for.
 */
inline const topic_settings* find_or_create_topic(broker_state& broker, std::string_view topic,
                                                  std::string_view example, std::int32_t queues) {
    if (const auto* existing = broker.store.find_topic(topic))
        return existing;
    const auto* model      = broker.store.find_topic(example);
    const bool inheritable = model && (model->permission & 1) != 0;
    if (!inheritable || is_system_topic(topic))
        return nullptr;
    const auto made = std::clamp(queues, 1, std::max(1, model->write_queues));
    broker.store.set_topic(topic, {made, made, model->permission & ~1});
    return broker.store.find_topic(topic);
}

} // namespace rocketpush::embedded::answering

#endif
