#ifndef ROCKETPUSH_EMBEDDED_ACK_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ACK_REQUESTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/pop_reading.hpp>
#include <rocketpush/embedded/pop_requests.hpp>
#include <rocketpush/protocol/bodies_batch_ack.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/**
 * What becomes of messages that were popped.
 * @par Source  Java `AckMessageProcessor`, `ChangeInvisibleTimeProcessor`.
 */
namespace rocketpush::embedded::answering {

/// Why a receipt is not taken, or nothing and the receipt.
struct receipt_check {
    response_code refusal = response_code::success;
    std::string remark{};
    protocol::receipt_handle receipt{};
};

/// @param request  An `ack_request` or a `change_invisible_time_request`; the receipt is a view of it.
template <class Request>
receipt_check check_receipt(const broker_state& broker, const Request& request) {
    const auto* topic = broker.store.find_topic(request.topic);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + request.topic + "] not exist, apply first please!"};
    if (request.queue_id < 0 || request.queue_id >= topic->read_queues)
        return {response_code::message_illegal,
                "queueId[" + std::to_string(request.queue_id) + "] is illegal, topic:[" + request.topic + "]"};
    // Real brokers take an acknowledgement one behind the last message, but no change.
    constexpr bool may_be_end = std::is_same_v<Request, protocol::ack_request>;
    const auto end            = broker.store.max_offset(request.topic, request.queue_id) + (may_be_end ? 1 : 0);
    if (request.queue_offset < broker.store.min_offset(request.topic, request.queue_id) || request.queue_offset >= end)
        return {response_code::no_message, "offset is illegal, key:" + request.topic + '@' +
                                               std::to_string(request.queue_id) +
                                               ", commit:" + std::to_string(request.queue_offset)};
    const auto receipt = protocol::parse_receipt(request.receipt);
    if (!receipt)
        return {response_code::system_error, "the receipt is not valid: " + request.receipt};
    return {.receipt = *receipt};
}

inline checkpoint_key key_of(std::string group, std::string topic, const protocol::receipt_handle& receipt,
                             std::int32_t queue_id) {
    return {std::move(group), std::move(topic), queue_id, receipt.start_offset, receipt.pop_time};
}

/// An acknowledgement in order: the group's offset follows. @return Whether the message is one of the batch under way.
inline bool acknowledge_in_order(broker_state& broker, const ordered_queue& queue, queue_offset offset,
                                 std::int64_t pop_time, const moment& now) {
    if (offset < broker.offsets.find(queue.group, queue.topic, queue.queue_id).value_or(0))
        return true; // once more
    const auto done = broker.orders.acknowledge(queue, offset, pop_time, now.steady);
    if (done.commit)
        broker.offsets.commit(queue.group, queue.topic, queue.queue_id, *done.commit);
    if (done.freed)
        wake_freed_orders(broker, queue, now);
    return done.known;
}

/// ACK_MESSAGE (200051). An acknowledgement that finds nothing, being late or the second, succeeds too.
inline void answer_ack(broker_state& broker, const incoming_request& request) {
    const auto ack = read_request<protocol::ack_request>(broker, request);
    if (!ack)
        return;
    const auto check = check_receipt(broker, *ack);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark);
    if (!check.receipt.is_orderly())
        broker.checkpoints.acknowledge(key_of(ack->consumer_group, ack->topic, check.receipt, ack->queue_id),
                                       ack->queue_offset);
    else if (!acknowledge_in_order(broker, {ack->consumer_group, ack->topic, ack->queue_id}, ack->queue_offset,
                                   check.receipt.pop_time, request.now))
        return reply(broker, request, response_code::message_illegal, "offset is illegal");
    reply(broker, request, response_code::success);
}

/// One entry of a batch; what in it is not valid is passed over, as in Java.
inline void acknowledge_entry(broker_state& broker, const protocol::batch_ack_entry& entry, const moment& now) {
    if (entry.start_offset < 0)
        return;
    const auto topic = protocol::real_topic(entry.kind, entry.consumer_group, entry.topic);
    const auto end   = broker.store.max_offset(topic, entry.queue_id) - entry.start_offset; // 0 of a queue that is none
    const auto bits  = std::min<std::int64_t>(static_cast<std::int64_t>(entry.acked.end()), end);
    checkpoint_key key{entry.consumer_group, topic, entry.queue_id, entry.start_offset, entry.pop_time};
    for (std::int64_t i = 0; i < bits; ++i) {
        if (!entry.acked.test(static_cast<std::size_t>(i)))
            continue;
        if (entry.revive_queue_id == protocol::orderly_revive_queue)
            acknowledge_in_order(broker, {entry.consumer_group, topic, entry.queue_id}, entry.start_offset + i,
                                 entry.pop_time, now);
        else
            broker.checkpoints.acknowledge(key, entry.start_offset + i);
    }
}

/// BATCH_ACK_MESSAGE (200151), since 5.1.3
inline void answer_batch_ack(broker_state& broker, const incoming_request& request) {
    const auto acks = protocol::decode_batch_ack(request.body);
    if (!acks)
        return reply(broker, request, response_code::system_error, "the batch is not the JSON it should be");
    if (acks->acks.empty())
        return reply(broker, request, response_code::no_message, "no message to acknowledge");
    for (const auto& entry : acks->acks)
        acknowledge_entry(broker, entry, request.now);
    reply(broker, request, response_code::success);
}

/// In order the batch stays what it is, and only one of its messages may come again at another time.
inline protocol::change_invisible_time_response change_in_order(broker_state& broker,
                                                                const protocol::change_invisible_time_request& change,
                                                                const protocol::receipt_handle& receipt,
                                                                const moment& now) {
    const auto hidden = invisible_time(change.invisible_millis);
    broker.orders.change({change.consumer_group, change.topic, change.queue_id}, change.queue_offset, receipt.pop_time,
                         now.steady + hidden);
    return {receipt.pop_time, now.milliseconds() + hidden.count() - receipt.pop_time, receipt.revive_queue_id};
}

/// A check point for the message alone takes the place of its share in the old one. A message whose old one is gone, being
/// acknowledged or having come again, is hidden a second time, and comes: as at a real broker.
inline protocol::change_invisible_time_response change_checkpoint(broker_state& broker,
                                                                  const protocol::change_invisible_time_request& change,
                                                                  const protocol::receipt_handle& receipt,
                                                                  const moment& now) {
    broker.checkpoints.acknowledge(key_of(change.consumer_group, change.topic, receipt, change.queue_id),
                                   change.queue_offset);
    pop_checkpoint made{
        .key = {change.consumer_group, change.topic, change.queue_id, change.queue_offset, now.milliseconds()}};
    while (broker.checkpoints.contains(made.key)) // that of the pop itself, or of a change in the same millisecond
        ++made.key.pop_time;
    made.kind      = receipt.topic;
    made.offsets   = {change.queue_offset};
    made.suspended = change.suspend.value_or(false);
    made.deadline  = now.steady + invisible_time(change.invisible_millis);
    const protocol::change_invisible_time_response answer{made.key.pop_time, change.invisible_millis,
                                                          receipt.revive_queue_id};
    broker.checkpoints.add(std::move(made));
    return answer;
}

/// CHANGE_MESSAGE_INVISIBLETIME (200053)
inline void answer_change_invisible_time(broker_state& broker, const incoming_request& request) {
    const auto change = read_request<protocol::change_invisible_time_request>(broker, request);
    if (!change)
        return;
    const auto check = check_receipt(broker, *change);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark, protocol::change_invisible_time_response{});
    const auto answer = check.receipt.is_orderly() ? change_in_order(broker, *change, check.receipt, request.now)
                                                   : change_checkpoint(broker, *change, check.receipt, request.now);
    reply(broker, request, response_code::success, {}, answer);
}

} // namespace rocketpush::embedded::answering

#endif
