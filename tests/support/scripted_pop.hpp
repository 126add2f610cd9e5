#ifndef ROCKETPUSH_TESTS_SUPPORT_SCRIPTED_POP_HPP
#define ROCKETPUSH_TESTS_SUPPORT_SCRIPTED_POP_HPP

#include <rocketpush/protocol/receipt_handle.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/scripted_broker.hpp"

/// What a scripted broker says to those who pop.
namespace rocketpush::test::dialogue {

inline request_pattern query_assignment() { return {protocol::request_code::query_assignment}; }
inline request_pattern pop() { return {protocol::request_code::pop_message}; }
inline request_pattern pop(std::string topic, std::int32_t id) {
    return of_queue(protocol::request_code::pop_message, std::move(topic), id);
}
inline request_pattern ack() { return {protocol::request_code::ack_message}; }
inline request_pattern ack(std::string topic, std::int32_t id, queue_offset offset) {
    return of_queue(protocol::request_code::ack_message, std::move(topic), id).with("offset", offset);
}
inline request_pattern batch_ack() { return {protocol::request_code::batch_ack_message}; }
inline request_pattern change_invisible_time() { return {protocol::request_code::change_invisible_time}; }
inline request_pattern change_invisible_time(queue_offset offset, std::int64_t hidden) {
    return change_invisible_time().with("offset", offset).with("invisibleTime", hidden);
}

/// The queues of the asked topic at "broker-a" with these ids; of other topics none.
inline answer assigned(std::string topic, protocol::request_mode mode, std::vector<std::int32_t> ids) {
    return [=](std::string& out, const peer_frame& request, const scripted_broker&, const endpoint&) {
        const auto query = protocol::decode_assignment_query(request.body);
        REQUIRE(query.has_value());
        protocol::assignment_answer said;
        said.queues.emplace();
        if (query->topic == topic)
            for (const auto id : ids)
                said.queues->push_back({{topic, "broker-a", id}, mode});
        protocol::append_response(out, protocol::header_encoding::json, response_code::success, request.header.opaque,
                                  "", protocol::no_fields{}, protocol::encode(said));
    };
}
/// The broker cannot say.
inline answer not_assigned() {
    return respond(response_code::success, protocol::no_fields{}, protocol::encode(protocol::assignment_answer{}));
}

/// One message of an answer to a pop.
struct popped_message {
    std::string body;
    queue_offset offset              = 0;
    std::int32_t queue_id            = 0;
    std::int32_t reconsume_times     = 0;
    protocol::pop_topic stored_in    = protocol::pop_topic::normal;
    std::string properties           = {};
    std::optional<std::uint32_t> crc = {};
};

inline constexpr std::int64_t script_pop_time = 1'700'000'000'000;

/// These messages, hidden for a minute; commit log offsets are 1000 times the queue offsets, the revive queue is 3.
inline answer popped(std::vector<popped_message> messages, std::int64_t invisible_millis = 60'000) {
    return [=](std::string& out, const peer_frame& request, const scripted_broker&, const endpoint&) {
        const auto group = request.field("consumerGroup"), topic = request.field("topic");
        std::string body, starts, offsets;
        std::map<std::pair<int, std::int32_t>, std::set<queue_offset>> listed;
        for (const auto& each : messages) {
            const auto stored_topic = protocol::real_topic(each.stored_in, group, topic);
            protocol::append_stored_message(body, {.topic             = stored_topic,
                                                   .body              = each.body,
                                                   .properties        = each.properties,
                                                   .queue_id          = each.queue_id,
                                                   .queue_offset      = each.offset,
                                                   .commit_log_offset = each.offset * 1000,
                                                   .born_timestamp    = 1'700'000'000'000,
                                                   .store_timestamp   = 1'700'000'000'000,
                                                   .reconsume_times   = each.reconsume_times,
                                                   .body_crc          = each.crc});
            listed[{static_cast<int>(each.stored_in), each.queue_id}].insert(each.offset);
        }
        for (const auto& [key, of] : listed) {
            const auto place = std::to_string(key.first) + ' ' + std::to_string(key.second) + ' ';
            starts += (starts.empty() ? "" : ";") + place + std::to_string(*of.begin());
            offsets += (offsets.empty() ? "" : ";") + place;
            for (const auto offset : of)
                offsets += (offset == *of.begin() ? "" : ",") + std::to_string(offset);
        }
        protocol::pop_response fields;
        fields.pop_time         = script_pop_time;
        fields.invisible_millis = invisible_millis;
        fields.revive_queue_id  = 3;
        fields.start_offsets    = starts;
        fields.message_offsets  = offsets;
        protocol::append_response(out, protocol::header_encoding::json, response_code::success, request.header.opaque,
                                  "FOUND", fields, body);
    };
}
/// Messages "0", "1", ... of queue 0 from an offset on.
inline answer popped(int count, queue_offset from = 0) {
    std::vector<popped_message> messages;
    for (int i = 0; i < count; ++i)
        messages.push_back({.body = std::to_string(i), .offset = from + i});
    return popped(std::move(messages));
}
inline answer no_messages(response_code code = response_code::polling_timeout) {
    return respond(code, protocol::pop_response{});
}
/// The invisible time was changed: another receipt.
inline answer hidden_again(std::int64_t pop_time, std::int64_t invisible_millis = 60'000,
                           std::int32_t revive_queue = 5) {
    protocol::change_invisible_time_response fields;
    fields.pop_time         = pop_time;
    fields.invisible_millis = invisible_millis;
    fields.revive_queue_id  = revive_queue;
    return respond(response_code::success, fields);
}

} // namespace rocketpush::test::dialogue

#endif
