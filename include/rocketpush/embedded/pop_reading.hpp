#ifndef ROCKETPUSH_EMBEDDED_POP_READING_HPP
#define ROCKETPUSH_EMBEDDED_POP_READING_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/stored_filter.hpp>
#include <rocketpush/embedded/stored_record.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/properties.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * What a pop finds: the messages of some queues, hidden from now on.
 * @par Source  Java `PopMessageProcessor.popMsgFromTopic`, `popMsgFromQueue`.
 */
namespace rocketpush::embedded::answering {

/// What a pop has found so far.
struct popped_messages {
    std::int32_t revive_queue_id = 0;
    std::size_t messages         = 0;
    std::int64_t rest            = 0; ///< Messages that are left in the queues looked at.
    std::string records{};
    std::string start_offsets{};
    std::string message_offsets{};
    std::string order_counts{};
};

/// How long a popped message is hidden; a longer time is no time but a broken client.
inline std::chrono::milliseconds invisible_time(std::int64_t millis) noexcept {
    constexpr std::int64_t longest = 7 * 24 * 3'600'000;
    return std::chrono::milliseconds(std::clamp<std::int64_t>(millis, 0, longest));
}

/// One topic that a pop reads: that which it names, or one of the group's retries of it.
struct popped_topic {
    std::string name;
    protocol::pop_topic kind = protocol::pop_topic::normal;
};

/// Where a group goes on in a queue; where it has not been yet, that is decided, and kept.
inline queue_offset pop_offset(broker_state& broker, const protocol::pop_request& pop, const popped_topic& topic,
                               std::int32_t queue_id) {
    if (const auto committed = broker.offsets.find(pop.consumer_group, topic.name, queue_id))
        return *committed;
    auto first = broker.store.min_offset(topic.name, queue_id);
    // In a young queue "max" is the beginning: real brokers say so while message 0 is in memory, and here all are.
    if (topic.kind == protocol::pop_topic::normal && pop.init_mode == protocol::pop_init::max && first > 0)
        first = std::max(first, broker.store.max_offset(topic.name, queue_id) - 1);
    broker.offsets.commit(pop.consumer_group, topic.name, queue_id, first);
    return first;
}

inline void append_list_entry(std::string& list, protocol::pop_topic kind, std::string_view place,
                              std::string_view values) {
    if (!list.empty())
        list += ';';
    list.append(std::to_string(static_cast<int>(kind))).append(" ").append(place).append(" ").append(values);
}

/// Appends a retry as if it lay in the topic that was popped, with its receipt: so clients need to know nothing of retries.
inline void append_retry(std::string& records, std::string_view record, std::string_view topic,
                         const protocol::receipt_handle& receipt) {
    auto message = read_stored(record);
    std::string properties(message.properties);
    protocol::set_property(properties, property_names::pop_receipt, to_string(receipt));
    if (properties.size() > protocol::most_property_bytes) {
        records.append(record); // its topic, and the answer's lists, say as much
        return;
    }
    message.topic      = topic;
    message.properties = properties;
    protocol::append_stored_message(records, message);
}

/// Notes an orderly batch, and how often its messages were delivered before.
inline void note_order(broker_state& broker, const protocol::pop_request& pop, const popped_topic& topic,
                       std::int32_t queue_id, const std::vector<queue_offset>& offsets, const moment& now,
                       popped_messages& found) {
    const auto& batch =
        broker.orders.deliver({pop.consumer_group, topic.name, queue_id}, pop.attempt_id, now.milliseconds(), offsets,
                              now.steady + invisible_time(pop.invisible_millis));
    auto least = batch.messages.front().delivered;
    for (const auto& each : batch.messages) {
        least = std::min(least, each.delivered);
        if (each.delivered > 0)
            append_list_entry(found.order_counts, topic.kind,
                              "qo" + std::to_string(queue_id) + '%' + std::to_string(each.offset),
                              std::to_string(each.delivered));
    }
    append_list_entry(found.order_counts, topic.kind, std::to_string(queue_id), std::to_string(least));
}

/// Hides what was read of a queue, and appends it to what was found.
inline void take_records(broker_state& broker, const protocol::pop_request& pop, const popped_topic& topic,
                         std::int32_t queue_id, const std::vector<std::string_view>& records, const moment& now,
                         popped_messages& found) {
    std::vector<queue_offset> offsets;
    std::string list;
    for (const auto record : records) {
        offsets.push_back(read_stored(record).queue_offset);
        list += (list.empty() ? "" : ",") + std::to_string(offsets.back());
    }
    protocol::receipt_handle receipt{.start_offset     = offsets.front(),
                                     .pop_time         = now.milliseconds(),
                                     .invisible_millis = pop.invisible_millis,
                                     .revive_queue_id  = found.revive_queue_id,
                                     .topic            = topic.kind,
                                     .broker_name      = broker.options.name,
                                     .queue_id         = queue_id};
    for (std::size_t i = 0; i < records.size(); ++i) {
        receipt.queue_offset = offsets[i];
        if (topic.kind == protocol::pop_topic::normal || broker.options.pop_keeps_retry_topic)
            found.records.append(records[i]);
        else
            append_retry(found.records, records[i], pop.topic, receipt);
    }
    found.messages += records.size();
    append_list_entry(found.start_offsets, topic.kind, std::to_string(queue_id), std::to_string(offsets.front()));
    append_list_entry(found.message_offsets, topic.kind, std::to_string(queue_id), list);
    if (receipt.is_orderly())
        note_order(broker, pop, topic, queue_id, offsets, now, found);
    else
        broker.checkpoints.add({.key  = {pop.consumer_group, topic.name, queue_id, offsets.front(), now.milliseconds()},
                                .kind = topic.kind,
                                .offsets  = std::move(offsets),
                                .deadline = now.steady + invisible_time(pop.invisible_millis)});
}

inline void pop_queue(broker_state& broker, const protocol::pop_request& pop, const stored_filter& filter,
                      const popped_topic& topic, std::int32_t queue_id, const moment& now, popped_messages& found) {
    const bool orderly = pop.order.value_or(false);
    if (orderly && broker.orders.blocked({pop.consumer_group, topic.name, queue_id}, pop.attempt_id, now.steady))
        return;
    auto from       = pop_offset(broker, pop, topic, queue_id);
    const auto left = [&] { return broker.store.max_offset(topic.name, queue_id) - from; };
    const auto most = static_cast<std::size_t>(std::max(0, pop.max_messages));
    if (found.messages >= most || found.records.size() >= broker.options.pull_bytes) {
        found.rest += left();
        return;
    }
    const read_limits limits{most - found.messages, broker.options.pull_bytes - found.records.size()};
    std::vector<std::string_view> records;
    const auto read = [&] { return read_wanted(broker.store, topic.name, queue_id, from, limits, filter, records); };
    auto done       = read();
    if (done.status == read_status::offset_too_small || done.status == read_status::offset_overflow_badly) {
        from = done.next; // where the group has been is no more
        broker.offsets.commit(pop.consumer_group, topic.name, queue_id, from);
        done = read();
    }
    // What is popped is passed at once, not when it is acknowledged: it comes again by way of the retry topic. Only in order does
    // the offset wait, before messages that have been found.
    if (done.next > from && (!orderly || records.empty()))
        broker.offsets.commit(pop.consumer_group, topic.name, queue_id, done.next);
    from = std::max(from, done.next);
    found.rest += std::max<std::int64_t>(0, left());
    if (!records.empty())
        take_records(broker, pop, topic, queue_id, records, now, found);
}

inline void pop_queues(broker_state& broker, const protocol::pop_request& pop, const stored_filter& filter,
                       const popped_topic& topic, std::int32_t first, const moment& now, popped_messages& found) {
    const auto* settings = broker.store.find_topic(topic.name);
    for (std::int32_t i = 0; settings && i < settings->read_queues; ++i)
        pop_queue(broker, pop, filter, topic, (first + i) % settings->read_queues, now, found);
}

/// The retry topics of a group, in both namings where the broker has the second: messages of the first may be left.
inline std::vector<popped_topic> retry_topics(const broker_state& broker, std::string_view group,
                                              std::string_view topic) {
    using protocol::pop_topic;
    std::vector<popped_topic> topics;
    if (broker.options.pop_retry_v2)
        topics.push_back({protocol::real_topic(pop_topic::retry_v2, group, topic), pop_topic::retry_v2});
    topics.push_back({protocol::real_topic(pop_topic::retry_v1, group, topic), pop_topic::retry_v1});
    return topics;
}

/// Takes what a pop may have, out of the topic and out of its retries; what it gets is hidden from others from now on.
inline popped_messages pop_messages(broker_state& broker, const protocol::pop_request& pop, const stored_filter& filter,
                                    const moment& now) {
    constexpr std::uint32_t revive_queues = 8;
    constexpr std::uint32_t retry_turn = 5; // a real broker looks at the retries first in one case of five, by chance
    const auto turn                    = broker.pop_turn++;
    const bool orderly                 = pop.order.value_or(false);
    popped_messages found;
    found.revive_queue_id  = orderly ? protocol::orderly_revive_queue : static_cast<std::int32_t>(turn % revive_queues);
    const auto pop_retries = [&] {
        for (const auto& topic : retry_topics(broker, pop.consumer_group, pop.topic))
            pop_queues(broker, pop, filter, topic, 0, now, found);
    };
    const bool retries_first = !orderly && turn % retry_turn == retry_turn - 1;
    if (retries_first)
        pop_retries();
    const popped_topic normal{pop.topic};
    if (pop.queue_id >= 0) {
        pop_queue(broker, pop, filter, normal, pop.queue_id, now, found);
    } else {
        const auto* settings = broker.store.find_topic(pop.topic);
        const auto queues    = static_cast<std::uint32_t>(settings ? std::max(1, settings->read_queues) : 1);
        pop_queues(broker, pop, filter, normal, static_cast<std::int32_t>(turn % queues), now, found);
    }
    if (!orderly && !retries_first && found.messages < static_cast<std::size_t>(std::max(0, pop.max_messages)))
        pop_retries();
    return found;
}

} // namespace rocketpush::embedded::answering

#endif
