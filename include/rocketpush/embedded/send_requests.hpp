#ifndef ROCKETPUSH_EMBEDDED_SEND_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_SEND_REQUESTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/message_intake.hpp>
#include <rocketpush/embedded/route_requests.hpp>
#include <rocketpush/protocol/message_batch.hpp>
#include <rocketpush/protocol/properties.hpp>
#include <rocketpush/protocol/requests_send.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/**
 * Messages in: from producers, and back from consumers.
 * @par Source  Java `SendMessageProcessor`, `AbstractSendMessageProcessor`.
 */
namespace rocketpush::embedded::answering {

/// How a send ended.
struct send_outcome {
    response_code code = response_code::success;
    std::string remark{};
    protocol::send_response fields{};
};

/// Clients from this version on may say how often a message is retried. Java: V3_4_9.
inline constexpr std::int32_t version_with_max_reconsume_times = 121;

/// Whether a group consumes in order, for a broker that looks at that, as 5.1.4 and later do.
inline bool consumes_in_order(const broker_state& broker, std::string_view group, const moment& now) {
    return broker.options.version >= version_5_1_4 && broker.locks.any(group, now.steady);
}

/// Where a message really goes. A retry that was retried enough goes to the group's dead letters, and so does one of a
/// group that consumes in order: its retries are over when it sends them.
template <class Request>
std::optional<send_outcome> redirect_retry(broker_state& broker, Request& send, std::int32_t client_version,
                                           const moment& now) {
    if (!is_retry_topic(send.topic))
        return std::nullopt;
    const auto group = send.topic.substr(retry_topic_prefix.size());
    if (!broker.admit_group(group))
        return send_outcome{response_code::subscription_group_not_exist, "subscription group not exist, " + group};
    auto max_times = broker.options.max_reconsume_times;
    if (client_version >= version_with_max_reconsume_times)
        max_times = send.max_reconsume_times.value_or(max_times);
    if (send.reconsume_times <= max_times && !consumes_in_order(broker, group, now)) {
        ensure_group_topic(broker, send.topic, std::max(1, broker.options.retry_queues));
        return std::nullopt;
    }
    send.topic    = dlq_topic(group);
    send.queue_id = 0;
    ensure_group_topic(broker, send.topic, 1);
    protocol::set_property(send.properties, property_names::delay_level, "0");
    return std::nullopt;
}

/// What the broker itself writes into a message's properties.
inline void complete_properties(broker_state& broker, std::string& properties, const moment& now) {
    const auto& options = broker.options;
    if (options.is_version_5()) {
        if (!protocol::find_property(properties, property_names::unique_key))
            protocol::append_property(properties, property_names::unique_key, broker.unique_ids.next(now.system));
        protocol::set_property(properties, property_names::region, "DefaultRegion");
        protocol::set_property(properties, property_names::trace_on, "true");
    } else {
        protocol::remove_property(properties, property_names::wait_store);
    }
    protocol::set_property(properties, property_names::cluster, options.cluster);
    if (!options.is_version_5())
        properties.pop_back(); // 4.9 leaves the last separator out
}

template <class Request>
send_outcome check_send(broker_state& broker, const Request& send, std::string_view body) {
    if (check_topic(send.topic))
        return {invalid_parameter(broker), "The specified topic is not valid: " + send.topic};
    if (is_system_topic(send.topic) && send.topic != auto_create_topic && send.topic != "RMQ_SYS_TRACE_TOPIC")
        return {response_code::no_permission, "Sending message to topic[" + send.topic + "] is forbidden."};
    if ((static_cast<std::uint32_t>(send.sys_flag) & sys_flags::transaction_mask) != 0)
        return {response_code::no_permission, "the broker sending transaction message is forbidden"};
    if (body.size() > broker.options.max_message_body)
        return {response_code::message_illegal, "the message is larger than the broker allows"};
    const auto* topic = find_or_create_topic(broker, send.topic, send.default_topic, send.default_topic_queue_nums);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + send.topic + "] not exist, apply first please!"};
    if (!topic->writable() || topic->write_queues == 0)
        return {response_code::no_permission, "the topic[" + send.topic + "] sending message is forbidden"};
    if (send.queue_id >= topic->queues())
        return {invalid_parameter(broker), "request queueId[" + std::to_string(send.queue_id) + "] is illegal"};
    if (broker.store.is_led_elsewhere(send.topic, send.queue_id))
        return {response_code::not_leader_for_queue, send.topic + '-' + std::to_string(send.queue_id) +
                                                         " does not exit in request process of current broker " +
                                                         broker.options.name};
    return {};
}

/// The envelope that all messages of a send have in common.
template <class Request>
protocol::stored_message envelope_of(const Request& send, const host_address& sender) {
    protocol::stored_message message;
    message.topic           = send.topic;
    message.queue_id        = send.queue_id;
    message.flag            = send.flag;
    message.sys_flag        = static_cast<std::uint32_t>(send.sys_flag);
    message.born_timestamp  = send.born_timestamp;
    message.born_host       = sender;
    message.reconsume_times = send.reconsume_times;
    return message;
}

template <class Request>
void store_one(broker_state& broker, Request& send, std::string_view body, const host_address& sender,
               const moment& now, send_outcome& outcome) {
    complete_properties(broker, send.properties, now);
    if (!properties_fit(send.topic, send.properties)) {
        outcome = {response_code::message_illegal, "the message's properties are longer than 32767 bytes"};
        return;
    }
    auto message       = envelope_of(send, sender);
    message.body       = body;
    message.properties = send.properties;
    const auto place   = store_or_park(broker, message, now);
    if (broker.options.is_version_5())
        outcome.fields.transaction_id =
            protocol::find_property(send.properties, property_names::unique_key).value_or(std::string_view());
    outcome.fields.message_id   = message_id_at(broker, place);
    outcome.fields.queue_offset = place.offset;
}

/// Whether a batch is stored as one message: the topic wants that, and the envelope has an id, as 5.x producers give it.
template <class Request>
bool stores_inner_batches(const broker_state& broker, const Request& send) {
    const auto* topic = broker.store.find_topic(send.topic);
    return topic && topic->inner_batches && protocol::find_property(send.properties, property_names::unique_key);
}

template <class Request>
void store_inner_batch(broker_state& broker, const Request& send, std::string_view body, std::size_t count,
                       const host_address& sender, const moment& now, send_outcome& outcome) {
    auto properties = send.properties;
    protocol::set_property(properties, property_names::inner_count, std::to_string(count));
    protocol::set_property(properties, property_names::inner_base,
                           std::to_string(broker.store.max_offset(send.topic, send.queue_id)));
    complete_properties(broker, properties, now);
    if (!properties_fit(send.topic, properties)) {
        outcome = {response_code::message_illegal, "the message's properties are longer than 32767 bytes"};
        return;
    }
    auto message            = envelope_of(send, sender);
    message.sys_flag        = message.sys_flag | sys_flags::needs_unwrap | sys_flags::inner_batch;
    message.body            = body;
    message.properties      = properties;
    message.store_timestamp = now.milliseconds();
    const auto place        = store_now(broker, message, count);

    outcome.fields.transaction_id =
        protocol::find_property(properties, property_names::unique_key).value_or(std::string_view());
    outcome.fields.message_id   = message_id_at(broker, place);
    outcome.fields.queue_offset = place.offset;
}

/// Stores a batch's messages one by one; all of them or, if it is damaged, none.
template <class Request>
void store_batch(broker_state& broker, const Request& send, std::string_view body, const host_address& sender,
                 const moment& now, send_outcome& outcome) {
    std::size_t messages = 0;
    bool fits            = true;
    const auto rest      = protocol::visit_batch(body, [&](const protocol::batch_message& one) {
        ++messages;
        fits = fits && properties_fit(send.topic, one.properties);
    });
    if (messages == 0 || !rest.empty() || !fits || is_retry_topic(send.topic)) {
        outcome = {response_code::message_illegal, "the batch is damaged, or goes to a retry topic"};
        return;
    }
    if (stores_inner_batches(broker, send))
        return store_inner_batch(broker, send, body, messages, sender, now, outcome);
    auto message = envelope_of(send, sender);
    bool first   = true;
    protocol::visit_batch(body, [&](const protocol::batch_message& one) {
        message.flag       = one.flag;
        message.body       = one.body;
        message.properties = one.properties;
        const auto place   = store_or_park(broker, message, now);
        if (first)
            outcome.fields.queue_offset = place.offset;
        outcome.fields.message_id += (first ? "" : ",") + message_id_at(broker, place);
        first = false;
    });
}

/// Checks a send and stores what it brings.
template <class Request>
send_outcome take_in(broker_state& broker, Request send, std::string_view body, const host_address& sender,
                     std::int32_t client_version, const moment& now) {
    if (auto refused = redirect_retry(broker, send, client_version, now))
        return std::move(*refused);
    auto outcome = check_send(broker, send, body);
    if (outcome.code != response_code::success)
        return outcome;
    if (send.queue_id < 0)
        send.queue_id = broker.store.next_queue(send.topic);
    if (Request::code == protocol::request_code::send_batch_message || send.batch)
        store_batch(broker, send, body, sender, now, outcome);
    else
        store_one(broker, send, body, sender, now, outcome);
    outcome.fields.queue_id = send.queue_id;
    outcome.fields.region   = "DefaultRegion";
    outcome.fields.trace_on = "true";
    return outcome;
}

/// SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320), SEND_MESSAGE (10)
template <class Request>
void answer_send(broker_state& broker, const incoming_request& request) {
    auto send = read_request<Request>(broker, request);
    if (!send)
        return;
    const auto sender  = broker.connections.at(request.from).address;
    const auto outcome = take_in(broker, std::move(*send), request.body, sender, request.header.version, request.now);
    if (outcome.code == response_code::success)
        reply(broker, request, outcome.code, outcome.remark, outcome.fields);
    else
        reply(broker, request, outcome.code, outcome.remark);
}

/// CONSUMER_SEND_MSG_BACK (36): the message is stored again for later, or with the dead letters.
inline void answer_send_back(broker_state& broker, const incoming_request& request) {
    const auto back = read_request<protocol::send_back_request>(broker, request);
    if (!back)
        return;
    if (!broker.admit_group(back->group))
        return reply(broker, request, response_code::subscription_group_not_exist,
                     "subscription group not exist, " + back->group);
    if (broker.options.retry_queues <= 0)
        return reply(broker, request, response_code::success); // as in Java: the message is dropped
    const std::string record(broker.store.record_at(back->offset));
    if (record.empty())
        return reply(broker, request, response_code::system_error,
                     "look message by offset failed, " + std::to_string(back->offset));

    auto message = read_stored(record);
    std::string properties(message.properties);
    if (!protocol::find_property(properties, property_names::retry_topic))
        protocol::append_property(properties, property_names::retry_topic, message.topic);
    if (!protocol::find_property(properties, property_names::origin_message_id))
        protocol::append_property(properties, property_names::origin_message_id,
                                  message_id_at(broker, {.commit_log_offset = message.commit_log_offset}));
    protocol::set_property(properties, property_names::wait_store, "false");

    auto max_times = broker.options.max_reconsume_times;
    if (request.header.version >= version_with_max_reconsume_times)
        max_times = back->max_reconsume_times.value_or(max_times);
    const bool dead  = back->delay_level < 0 || message.reconsume_times >= max_times;
    const auto topic = dead ? dlq_topic(back->group) : retry_topic(back->group);
    ensure_group_topic(broker, topic, dead ? 1 : broker.options.retry_queues);
    const auto* target = broker.store.find_topic(topic);
    if (!target->writable())
        return reply(broker, request, response_code::no_permission,
                     "the topic[" + topic + "] sending message is forbidden");

    // Kept small enough to be a number whatever the count is; the schedule knows its last level.
    const auto later = std::min(3 + std::min(message.reconsume_times, 1000), broker.delays.levels());
    const auto level = dead ? 0 : back->delay_level == 0 ? later : back->delay_level;
    protocol::set_property(properties, property_names::delay_level, std::to_string(level));
    if (!properties_fit(topic, properties))
        return reply(broker, request, response_code::message_illegal,
                     "the message's properties are longer than 32767 bytes");
    message.topic           = topic;
    message.queue_id        = broker.store.next_queue(topic);
    message.properties      = properties;
    message.reconsume_times = std::min(message.reconsume_times, INT32_MAX - 1) + 1;
    store_or_park(broker, message, request.now);
    reply(broker, request, response_code::success);
}

} // namespace rocketpush::embedded::answering

#endif
