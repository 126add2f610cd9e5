#ifndef ROCKETPUSH_EMBEDDED_ASSIGNMENT_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ASSIGNMENT_REQUESTS_HPP

#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/java_string.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/protocol/bodies_assignment.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Which queues a member reads and how, when it asks the broker instead of sharing them out by itself.
 * @par Source  Java `QueryAssignmentProcessor`.
 */
namespace rocketpush::embedded::answering {

/// The share of one member by a strategy's name; nothing if the broker does not know the strategy.
inline std::optional<std::vector<message_queue>> share_by(std::string_view strategy,
                                                          const allocation_request& request) {
    if (strategy != average_allocation::name() && strategy != circle_allocation::name())
        return std::nullopt;
    auto share = strategy == average_allocation::name() ? average_allocation{}.allocate(request)
                                                        : circle_allocation{}.allocate(request);
    return share ? std::move(*share) : std::vector<message_queue>(); // a stranger gets nothing, as in Java
}

/**
 * @brief The queues that a member pops.
 *
 * All, named by -1, when every member shares with all others; else its own and those of the members behind it, so that a member
 * which hangs does not keep a queue to itself. With more members than queues each pops one.
 *
 * @par Source  Java `QueryAssignmentProcessor.allocate4Pop`.
 */
inline std::optional<std::vector<message_queue>> share_of_pops(std::string_view strategy,
                                                               const allocation_request& request,
                                                               std::int32_t shared_queues) {
    auto own = share_by(strategy, request);
    if (!own)
        return std::nullopt;
    const auto& members = request.members;
    if (shared_queues <= 0 || static_cast<std::size_t>(shared_queues) + 1 >= members.size()) {
        std::vector<message_queue> any;
        for (const auto& queue : request.queues)
            if (any.empty() || any.back().broker_name != queue.broker_name)
                any.push_back({queue.topic, queue.broker_name, protocol::any_queue});
        return any;
    }
    const auto self = std::ranges::find(members, request.self);
    if (self == members.end())
        return own;
    const auto rank = static_cast<std::size_t>(self - members.begin());
    if (members.size() > request.queues.size()) {
        if (request.queues.empty())
            return own;
        return std::vector{request.queues[rank % request.queues.size()]};
    }
    for (std::size_t i = 1; i <= static_cast<std::size_t>(shared_queues); ++i) {
        auto theirs      = request;
        theirs.self      = members[(rank + i) % members.size()];
        const auto share = share_by(strategy, theirs);
        own->insert(own->end(), share->begin(), share->end());
    }
    return own;
}

/// What a member shall read; no queues where the broker cannot say.
inline protocol::assignment_answer assign(const broker_state& broker, const protocol::assignment_query& query) {
    const auto* topic = broker.store.find_topic(query.topic);
    if (!topic || !topic->readable())
        return {};
    std::vector<message_queue> queues;
    for (std::int32_t id = 0; id < topic->read_queues; ++id)
        queues.push_back({query.topic, broker.options.name, id});

    const auto mode = broker.modes.find(query.topic, query.consumer_group);
    std::optional<std::vector<message_queue>> share;
    if (query.message_model == protocol::heartbeat_words::broadcasting) {
        share = std::move(queues);
    } else if (const auto* group = broker.groups.find(query.consumer_group)) {
        std::vector<std::string> members;
        for (const auto& member : group->members)
            members.push_back(member.client_id);
        std::ranges::sort(members, rocketpush::detail::java_less());
        members.erase(std::ranges::unique(members).begin(), members.end());
        const allocation_request request{query.consumer_group, query.client_id, members, queues};
        share = mode.mode == protocol::request_mode::pop
                    ? share_of_pops(query.strategy_name, request, mode.shared_queues)
                    : share_by(query.strategy_name, request);
    }
    if (!share)
        return {};
    protocol::assignment_answer answer;
    auto& given = answer.queues.emplace();
    for (auto& queue : *share)
        given.push_back({std::move(queue), mode.mode});
    return answer;
}

/// QUERY_ASSIGNMENT (400)
inline void answer_query_assignment(broker_state& broker, const incoming_request& request) {
    const auto query = protocol::decode_assignment_query(request.body);
    if (!query)
        return reply(broker, request, response_code::system_error, "the query is not the JSON it should be");
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(assign(broker, *query)));
}

/// Says how a group reads a topic. @return Success, or the refusal and its reason.
inline std::pair<response_code, std::string> set_request_mode(broker_state& broker, std::string_view topic,
                                                              std::string_view group, reading_mode mode) {
    if (is_retry_topic(topic))
        return {response_code::no_permission, "retry topic is not allowed to set mode"};
    if (!broker.store.find_topic(topic))
        return {response_code::topic_not_exist, "topic[" + std::string(topic) + "] not exist, apply first please!"};
    if (!broker.admit_group(group))
        return {response_code::subscription_group_not_exist,
                "subscription group [" + std::string(group) + "] does not exist"};
    broker.modes.set(std::string(topic), std::string(group), mode);
    return {response_code::success, {}};
}

/// SET_MESSAGE_REQUEST_MODE (401). Members hear of it when they ask again.
inline void answer_set_request_mode(broker_state& broker, const incoming_request& request) {
    const auto setting = protocol::decode_request_mode_setting(request.body);
    if (!setting)
        return reply(broker, request, response_code::system_error, "the mode is not the JSON it should be");
    const auto [code, remark] = set_request_mode(broker, setting->topic, setting->consumer_group,
                                                 {setting->mode, setting->pop_share_queue_num});
    reply(broker, request, code, remark);
}

} // namespace rocketpush::embedded::answering

#endif
