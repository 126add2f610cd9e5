#ifndef ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/condition_parser.hpp>
#include <rocketpush/embedded/slave_requests.hpp>
#include <rocketpush/embedded/stored_filter.hpp>
#include <rocketpush/protocol/requests_pull.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Messages out.
 * @par Source  Java `PullMessageProcessor`, `PullRequestHoldService`, `QueryMessageProcessor`.
 */
namespace rocketpush::embedded::answering {

/// Why a pull is refused, or nothing and what it wants.
struct pull_check {
    response_code refusal = response_code::success;
    std::string remark{};
    stored_filter filter{};
};

inline pull_check refuse_conditions(std::string_view type) {
    return {response_code::system_error,
            "The broker does not support consumer to filter message by " + std::string(type)};
}

/// A pull's own subscription. A condition that does not compile is no reason to refuse it: then it gets all messages.
inline pull_check own_filter(const broker_state& broker, const protocol::pull_request& pull) {
    if (pull.expression_type.empty() || pull.expression_type == to_string(filter_type::tag)) {
        auto own = make_subscription(pull.topic, tags(pull.subscription), pull.sub_version);
        if (!own)
            return {response_code::subscription_parse_failed, "parse the consumer's subscription failed"};
        return {.filter = {.tag_codes = std::move(own->tag_codes)}};
    }
    if (!broker.options.property_filter)
        return refuse_conditions(pull.expression_type);
    auto made = compile_condition(pull.subscription).made;
    if (!made || pull.expression_type != to_string(filter_type::sql92))
        return {};
    return {.filter = {.wanted = std::make_shared<const condition>(std::move(*made))}};
}

/// The subscription that a pull is filtered by: its own, or the group's from the last heartbeat.
inline pull_check find_filter(const broker_state& broker, connection_id from, const protocol::pull_request& pull) {
    if (pull.sys_flag & protocol::pull_flags::subscription)
        return own_filter(broker, pull);
    const auto* group = groups_at(broker, from).find(pull.consumer_group);
    if (!group)
        return {response_code::subscription_not_exist, "the consumer's group info not exist"};
    const auto known = group->subscriptions.find(pull.topic);
    if (known == group->subscriptions.end())
        return {response_code::subscription_not_exist, "the consumer's subscription not exist"};
    if (known->second.version < pull.sub_version)
        return {response_code::subscription_not_latest, "the consumer's subscription not latest"};
    if (known->second.type == filter_type::tag)
        return {.filter = {.tag_codes = known->second.tag_codes}};

    const auto compiled = group->conditions.find(pull.topic);
    if (compiled == group->conditions.end())
        return {response_code::filter_data_not_exist,
                "The broker's consumer filter data is not exist!Your expression may be wrong!"};
    if (compiled->second.version < pull.sub_version)
        return {response_code::filter_data_not_latest, "the consumer's consumer filter data not latest"};
    if (!broker.options.property_filter)
        return refuse_conditions(to_string(filter_type::sql92));
    return {.filter = {.wanted = compiled->second.wanted}};
}

inline pull_check check_pull(broker_state& broker, connection_id from, const protocol::pull_request& pull) {
    if (!broker.admit_group(pull.consumer_group))
        return {response_code::subscription_group_not_exist,
                "subscription group [" + pull.consumer_group + "] does not exist"};
    const auto* topic = broker.store.find_topic(pull.topic);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + pull.topic + "] not exist, apply first please!"};
    if (!topic->readable())
        return {response_code::no_permission, "the topic[" + pull.topic + "] pulling message is forbidden"};
    if (pull.queue_id < 0 || pull.queue_id >= topic->read_queues)
        return {invalid_parameter(broker),
                "queueId[" + std::to_string(pull.queue_id) + "] is illegal, topic:[" + pull.topic + "]"};
    return find_filter(broker, from, pull);
}

inline response_code code_of(read_status status, queue_offset asked) noexcept {
    switch (status) {
    case read_status::found: return response_code::success;
    case read_status::no_matched_message: return response_code::pull_retry_immediately;
    case read_status::offset_overflow_one: return response_code::pull_not_found;
    // A queue without messages is no surprise, unless somebody believes to have been further already.
    case read_status::no_message_in_queue:
        return asked == 0 ? response_code::pull_not_found : response_code::pull_offset_moved;
    case read_status::offset_overflow_badly:
    case read_status::offset_reset:
    case read_status::offset_too_small: return response_code::pull_offset_moved;
    }
    return response_code::system_error;
}

/// The answer's code, at the master or at the slave.
inline response_code code_at(const broker_state& broker, connection_id to, read_status status, queue_offset asked) {
    const auto code = code_of(status, asked);
    return is_at_slave(broker, to) ? code_at_slave(broker, code) : code;
}

/// Appends the answer of a pull; what it found goes straight from the store into the connection's buffer.
inline void reply_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                       const read_result& read, const std::vector<std::string_view>& records) {
    protocol::pull_response fields{.suggested_broker_id = suggested_broker(broker),
                                   .next_begin_offset   = read.next,
                                   .min_offset          = broker.store.min_offset(pull.topic, pull.queue_id),
                                   .max_offset          = visible_end(broker, address.to, pull.topic, pull.queue_id)};
    if (const auto place = broker.store.place_of(pull.topic, pull.queue_id))
        fields.offset_delta = place->behind;
    if (broker.options.is_version_5()) {
        fields.topic_sys_flag = 0;
        fields.group_sys_flag = 0;
    }
    write_answer(broker, address, [&](std::string& frames) {
        const auto begin = frames.size();
        protocol::append_response(frames, chosen_encoding(broker, address.encoding),
                                  code_at(broker, address.to, read.status, pull.queue_offset), address.opaque,
                                  to_string(read.status), fields, {}, broker.options.version);
        for (const auto record : records)
            frames.append(record);
        // The frame's length was that of a frame without a body.
        rocketpush::detail::store_big(frames.data() + begin, static_cast<std::uint32_t>(frames.size() - begin - 4));
    });
}

/// Reads what the pull asks for. @return Nothing if it shall be held: there is no message yet, and it may wait.
inline bool try_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                     const stored_filter& filter, bool may_wait) {
    const read_limits limits{
        std::min(broker.options.pull_messages, static_cast<std::size_t>(std::max(1, pull.max_messages))),
        broker.options.pull_bytes, visible_end(broker, address.to, pull.topic, pull.queue_id)};
    std::vector<std::string_view> records;
    if (const auto reset = broker.offsets.take_reset(pull.consumer_group, pull.topic, pull.queue_id)) {
        reply_pull(broker, address, pull, {read_status::offset_reset, *reset}, records);
        return true;
    }
    records.reserve(limits.messages);
    auto read = read_wanted(broker.store, pull.topic, pull.queue_id, pull.queue_offset, limits, filter, records);
    if (is_at_slave(broker, address.to) && read.status != read_status::found &&
        read.status != read_status::no_matched_message)
        read.next = pull.queue_offset; // the master may know better
    if (may_wait && code_at(broker, address.to, read.status, pull.queue_offset) == response_code::pull_not_found)
        return false;
    reply_pull(broker, address, pull, read, records);
    return true;
}

/// PULL_MESSAGE (11)
inline void answer_pull(broker_state& broker, const incoming_request& request) {
    auto pull = read_request<protocol::pull_request>(broker, request);
    if (!pull)
        return;
    if (refuse_led_elsewhere(broker, request, pull->topic, pull->queue_id))
        return;
    auto check = check_pull(broker, request.from, *pull);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark);

    // A longer wait than this is no wait but a broken client.
    constexpr std::int64_t longest_wait = 3'600'000;
    const auto wait                     = std::clamp<std::int64_t>(pull->suspend_millis, 0, longest_wait);
    const bool may_wait                 = (pull->sys_flag & protocol::pull_flags::suspend) != 0 && wait > 0 &&
                          broker.held.size() < broker.options.held_pulls;
    const auto address  = address_of(request);
    const bool answered = request.header.is_oneway() || try_pull(broker, address, *pull, check.filter, may_wait);
    if ((pull->sys_flag & protocol::pull_flags::commit_offset) && !is_at_slave(broker, request.from)) {
        // Real brokers take it for the place in their own queue.
        const auto place  = broker.store.place_of(pull->topic, pull->queue_id);
        const auto offset = pull->commit_offset + (place ? place->behind : 0);
        broker.offsets.commit(pull->consumer_group, pull->topic, pull->queue_id, offset);
    }
    if (!answered)
        broker.held.hold({request.from, request.header.encoding, request.header.opaque, std::move(*pull),
                          std::move(check.filter), request.now.steady + std::chrono::milliseconds(wait)});
}

/// Answers a pull that has waited, with or without messages.
inline void end_held_pull(broker_state& broker, const held_pull& pull) {
    const reply_address address{pull.connection, pull.opaque, pull.encoding};
    const auto* topic = broker.store.find_topic(pull.request.topic);
    if (!topic)
        return reply(broker, address, response_code::topic_not_exist,
                     "topic[" + pull.request.topic + "] not exist, apply first please!");
    if (!topic->readable())
        return reply(broker, address, response_code::no_permission,
                     "the topic[" + pull.request.topic + "] pulling message is forbidden");
    if (refuse_led_elsewhere(broker, address, pull.request.topic, pull.request.queue_id))
        return;
    try_pull(broker, address, pull.request, pull.filter, false);
}

/// Ends the pulls that waited for messages which have just come. After all of a request's are stored, so that a pull
/// finds them all.
inline void wake_held_pulls(broker_state& broker) {
    for (const auto& each : std::exchange(broker.arrivals, {}))
        for (const auto& pull : broker.held.take_woken(each.topic, each.queue_id, each.tag_hash,
                                                       broker.store.record_at(each.commit_log_offset)))
            end_held_pull(broker, pull);
}

/// Forgets a topic with its messages and what groups have committed in it. Pops that wait for it are refused; a pull is held on
/// until its time is over, or a message comes to a topic of that name, as by a real broker.
inline bool remove_topic(broker_state& broker, std::string_view topic) {
    const bool removed = broker.store.remove_topic(topic);
    broker.offsets.forget_topic(topic);
    broker.checkpoints.forget_topic(topic);
    broker.orders.forget_topic(topic);
    for (const auto& pop : broker.pops.take_topic(topic))
        reply(broker, reply_address{pop.connection, pop.opaque, pop.encoding}, response_code::topic_not_exist,
              "topic[" + pop.request.topic + "] not exist, apply first please!", protocol::pop_response{});
    return removed;
}

/// VIEW_MESSAGE_BY_ID (33)
inline void answer_view_message(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::view_message_request>(broker, request);
    if (!wanted)
        return;
    const auto record = broker.store.record_at(wanted->offset);
    if (record.empty())
        return reply(broker, request, response_code::system_error,
                     "can not find message by the offset, " + std::to_string(wanted->offset));
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, record);
}

} // namespace rocketpush::embedded::answering

#endif
