#ifndef ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/protocol/requests_pull.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Messages out.
 * @par Source  Java `PullMessageProcessor`, `PullRequestHoldService`, `QueryMessageProcessor`.
 */
namespace rocketpush::embedded::answering {

/// Why a pull is refused, or nothing and the tags that it wants.
struct pull_check {
    response_code refusal = response_code::success;
    std::string remark{};
    std::vector<std::int32_t> tag_codes{};
};

/// The subscription that a pull is filtered by: its own, or the group's from the last heartbeat.
inline pull_check find_tag_codes(const broker_state& broker, const protocol::pull_request& pull) {
    if (pull.sys_flag & protocol::pull_flags::subscription) {
        auto own = make_subscription(pull.topic, tags(pull.subscription), pull.sub_version);
        if (!own)
            return {response_code::subscription_parse_failed, "parse the consumer's subscription failed"};
        return {.tag_codes = std::move(own->tag_codes)};
    }
    const auto* group = broker.groups.find(pull.consumer_group);
    if (!group)
        return {response_code::subscription_not_exist, "the consumer's group info not exist"};
    const auto known = group->subscriptions.find(pull.topic);
    if (known == group->subscriptions.end())
        return {response_code::subscription_not_exist, "the consumer's subscription not exist"};
    if (known->second.version < pull.sub_version)
        return {response_code::subscription_not_latest, "the consumer's subscription not latest"};
    return {.tag_codes = known->second.tag_codes};
}

inline pull_check check_pull(broker_state& broker, const protocol::pull_request& pull) {
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
    if (!pull.expression_type.empty() && pull.expression_type != to_string(filter_type::tag))
        return {response_code::system_error,
                "The broker does not support consumer to filter message by " + pull.expression_type};
    return find_tag_codes(broker, pull);
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
    case read_status::offset_too_small: return response_code::pull_offset_moved;
    }
    return response_code::system_error;
}

/// Appends the answer of a pull; what it found goes straight from the store into the connection's buffer.
inline void reply_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                       const read_result& read, const std::vector<std::string_view>& records) {
    protocol::pull_response fields{.next_begin_offset = read.next,
                                   .min_offset        = broker.store.min_offset(pull.topic, pull.queue_id),
                                   .max_offset        = broker.store.max_offset(pull.topic, pull.queue_id)};
    if (broker.options.is_version_5()) {
        fields.topic_sys_flag = 0;
        fields.group_sys_flag = 0;
    }
    auto& frames     = broker.out.frames_to(address.to);
    const auto begin = frames.size();
    protocol::append_response(frames, chosen_encoding(broker, address.encoding),
                              code_of(read.status, pull.queue_offset), address.opaque, to_string(read.status), fields,
                              {}, broker.options.version);
    for (const auto record : records)
        frames.append(record);
    // The frame's length was that of a frame without a body.
    rocketpush::detail::store_big(frames.data() + begin, static_cast<std::uint32_t>(frames.size() - begin - 4));
}

/// Reads what the pull asks for. @return Nothing if it shall be held: there is no message yet, and it may wait.
inline bool try_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                     const std::vector<std::int32_t>& tag_codes, bool may_wait) {
    const read_limits limits{
        std::min(broker.options.pull_messages, static_cast<std::size_t>(std::max(1, pull.max_messages))),
        broker.options.pull_bytes};
    std::vector<std::string_view> records;
    records.reserve(limits.messages);
    const auto read = broker.store.read(
        pull.topic, pull.queue_id, pull.queue_offset, limits,
        [&tag_codes](std::int32_t hash) { return wants_tag(tag_codes, hash); }, records);
    if (may_wait && code_of(read.status, pull.queue_offset) == response_code::pull_not_found)
        return false;
    reply_pull(broker, address, pull, read, records);
    return true;
}

/// PULL_MESSAGE (11)
inline void answer_pull(broker_state& broker, const incoming_request& request) {
    auto pull = read_request<protocol::pull_request>(broker, request);
    if (!pull)
        return;
    auto check = check_pull(broker, *pull);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark);

    // A longer wait than this is no wait but a broken client.
    constexpr std::int64_t longest_wait = 3'600'000;
    const auto wait                     = std::clamp<std::int64_t>(pull->suspend_millis, 0, longest_wait);
    const bool may_wait                 = (pull->sys_flag & protocol::pull_flags::suspend) != 0 && wait > 0 &&
                          broker.held.size() < broker.options.held_pulls;
    const auto address  = address_of(request);
    const bool answered = request.header.is_oneway() || try_pull(broker, address, *pull, check.tag_codes, may_wait);
    if (pull->sys_flag & protocol::pull_flags::commit_offset)
        broker.offsets.commit(pull->consumer_group, pull->topic, pull->queue_id, pull->commit_offset);
    if (!answered)
        broker.held.hold({request.from, request.header.encoding, request.header.opaque, std::move(*pull),
                          std::move(check.tag_codes), request.now.steady + std::chrono::milliseconds(wait)});
}

/// Answers a pull that has waited, with or without messages.
inline void end_held_pull(broker_state& broker, const held_pull& pull) {
    const reply_address address{pull.connection, pull.opaque, pull.encoding};
    if (!broker.store.find_topic(pull.request.topic))
        return reply(broker, address, response_code::topic_not_exist,
                     "topic[" + pull.request.topic + "] not exist, apply first please!");
    try_pull(broker, address, pull.request, pull.tag_codes, false);
}

/// Ends the pulls that waited for messages which have just come. After all of a request's are stored, so that a pull
/// finds them all.
inline void wake_held_pulls(broker_state& broker) {
    for (const auto& each : std::exchange(broker.arrivals, {}))
        for (const auto& pull : broker.held.take_woken(each.topic, each.queue_id, each.tag_hash))
            end_held_pull(broker, pull);
}

/// Forgets a topic with its messages and what groups have committed in it; pulls that wait for it are refused.
inline bool remove_topic(broker_state& broker, std::string_view topic) {
    const bool removed = broker.store.remove_topic(topic);
    broker.offsets.forget_topic(topic);
    for (const auto& pull : broker.held.take_topic(topic))
        end_held_pull(broker, pull);
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
