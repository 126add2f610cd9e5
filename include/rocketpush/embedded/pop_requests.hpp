#ifndef ROCKETPUSH_EMBEDDED_POP_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_POP_REQUESTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/condition_parser.hpp>
#include <rocketpush/embedded/pop_reading.hpp>
#include <rocketpush/embedded/stored_filter.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/**
 * Messages out, each to be acknowledged.
 * @par Source  Java `PopMessageProcessor`, `PopLongPollingService`.
 */
namespace rocketpush::embedded::answering {

/// Why a pop is refused, or nothing and what it wants.
struct pop_check {
    response_code refusal = response_code::success;
    std::string remark{};
    stored_filter filter{};
};

/// What the expression that a pop brings wants; without one, all. A broker whose filter by properties is off evaluates a pop's
/// condition all the same: it refuses only the heartbeat's check.
inline pop_check find_filter(const protocol::pop_request& pop) {
    if (pop.expression.empty())
        return {};
    if (pop.expression_type.empty() || pop.expression_type == to_string(filter_type::tag)) {
        if (auto wanted = make_subscription(pop.topic, tags(pop.expression), 0))
            return {.filter = {.tag_codes = std::move(wanted->tag_codes)}};
    } else if (pop.expression_type == to_string(filter_type::sql92)) {
        if (auto made = compile_condition(pop.expression).made)
            return {.filter = {.wanted = std::make_shared<const condition>(std::move(*made))}};
    }
    return {response_code::subscription_parse_failed, "parse the consumer's subscription failed"};
}

inline pop_check check_pop(broker_state& broker, const protocol::pop_request& pop, const moment& now) {
    // A client whose clock is this far behind gets nothing, ever.
    constexpr std::int64_t most_lateness = 500;
    if (pop.born_time > 0 && pop.born_time < now.milliseconds() &&
        now.milliseconds() - pop.born_time - most_lateness > pop.poll_millis)
        return {response_code::polling_timeout, "the broker pop message is timeout too much"};
    if (pop.max_messages > protocol::most_pop_messages)
        return {invalid_parameter(broker), "the broker pop message's num is greater than 32"};
    const auto* topic = broker.store.find_topic(pop.topic);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + pop.topic + "] not exist, apply first please!"};
    if (!topic->readable())
        return {response_code::no_permission, "the topic[" + pop.topic + "] peeking message is forbidden"};
    if (pop.queue_id >= topic->read_queues)
        return {invalid_parameter(broker),
                "queueId[" + std::to_string(pop.queue_id) + "] is illegal, topic:[" + pop.topic + "]"};
    if (!broker.admit_group(pop.consumer_group))
        return {response_code::subscription_group_not_exist,
                "subscription group [" + pop.consumer_group + "] does not exist"};
    return find_filter(pop);
}

/// Looks for messages. @return Nothing if the pop shall be held: there is no message, and it may wait.
inline bool try_pop(broker_state& broker, const reply_address& address, const protocol::pop_request& pop,
                    const stored_filter& filter, bool may_wait, const moment& now) {
    const auto found = pop_messages(broker, pop, filter, now);
    if (found.messages == 0 && may_wait)
        return false;
    const protocol::pop_response fields{.pop_time         = now.milliseconds(),
                                        .invisible_millis = pop.invisible_millis,
                                        .revive_queue_id  = found.revive_queue_id,
                                        .rest_messages    = found.rest,
                                        .start_offsets    = found.start_offsets,
                                        .message_offsets  = found.message_offsets,
                                        .order_counts     = found.order_counts};
    if (found.messages == 0)
        reply(broker, address, response_code::polling_timeout, "NO_MESSAGE_IN_QUEUE", fields);
    else
        reply(broker, address, response_code::success, "FOUND", fields, found.records);
    return true;
}

/// How long a pop may wait for a message; the client's clock is believed.
inline std::chrono::milliseconds wait_of(const protocol::pop_request& pop, const moment& now) noexcept {
    constexpr std::int64_t longest_wait = 3'600'000;
    const auto poll                     = std::clamp<std::int64_t>(pop.poll_millis, 0, longest_wait);
    const auto age = pop.born_time > 0 ? std::max<std::int64_t>(0, now.milliseconds() - pop.born_time) : 0;
    return std::chrono::milliseconds(std::max<std::int64_t>(0, poll - age));
}

/// POP_MESSAGE (200050)
inline void answer_pop(broker_state& broker, const incoming_request& request) {
    auto pop = read_request<protocol::pop_request>(broker, request);
    if (!pop || request.header.is_oneway())
        return;
    const auto address = address_of(request);
    auto check         = check_pop(broker, *pop, request.now);
    if (check.refusal != response_code::success)
        return reply(broker, address, check.refusal, check.remark, protocol::pop_response{});
    const auto wait = wait_of(*pop, request.now);
    const bool full =
        broker.pops.size() >= broker.options.held_pops || broker.pops.alike(*pop) >= broker.options.held_pops_alike;
    if (try_pop(broker, address, *pop, check.filter, wait.count() > 0, request.now))
        return;
    if (full)
        return reply(
            broker, address, response_code::polling_full, "NO_MESSAGE_IN_QUEUE",
            protocol::pop_response{.pop_time = request.now.milliseconds(), .invisible_millis = pop->invisible_millis});
    broker.pops.hold({request.from, request.header.encoding, request.header.opaque, std::move(*pop),
                      std::move(check.filter), request.now.steady + wait});
}

/// Gives one waiting pop of each group for which `wanted(const held_pop&)` is true what there is; it waits on if that is nothing.
template <class Wanted>
void wake_pops(broker_state& broker, std::string_view topic, const moment& now, Wanted wanted) {
    for (auto& pop : broker.pops.take_one_each(topic, wanted)) {
        const reply_address address{pop.connection, pop.opaque, pop.encoding};
        if (!try_pop(broker, address, pop.request, pop.filter, true, now))
            broker.pops.hold(std::move(pop));
    }
}

/// Messages have come into a queue.
inline void wake_held_pops(broker_state& broker, const arrival& came, const moment& now) {
    const auto record = broker.store.record_at(came.commit_log_offset);
    wake_pops(broker, came.topic, now,
              [&](const held_pop& pop) { return pop.reads(came.queue_id) && pop.filter.wants(came.tag_hash, record); });
}

/// Answers the pops whose time is over.
inline void end_due_pops(broker_state& broker, const moment& now) {
    while (const auto due = broker.pops.take_due(now.steady))
        try_pop(broker, {due->connection, due->opaque, due->encoding}, due->request, due->filter, false, now);
}

/// Tells those that wait for a queue which is popped in order, and was blocked.
inline void wake_freed_orders(broker_state& broker, const ordered_queue& queue, const moment& now) {
    wake_pops(broker, queue.topic, now, [&queue](const held_pop& pop) {
        return pop.request.consumer_group == queue.group && pop.reads(queue.queue_id);
    });
}

} // namespace rocketpush::embedded::answering

#endif
