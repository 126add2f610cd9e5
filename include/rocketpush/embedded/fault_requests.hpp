#ifndef ROCKETPUSH_EMBEDDED_FAULT_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_FAULT_REQUESTS_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/fault.hpp>
#include <rocketpush/embedded/faulty_answers.hpp>
#include <rocketpush/embedded/slave_requests.hpp>
#include <rocketpush/protocol/bodies_group.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Which request is hit by a fault, and what happens to it.
namespace rocketpush::embedded::answering {

/// What a request names, from its header's fields, or from its body where they are there.
class request_subject {
  public:
    explicit request_subject(const incoming_request& request) : request_(request) {
        using code = protocol::request_code;
        switch (static_cast<code>(request.header.code)) {
        case code::heart_beat: read_heartbeat(); break;
        case code::lock_batch:
        case code::unlock_batch: read_lock(); break;
        case code::check_client_config: read_check(); break;
        case code::query_assignment: read_assignment(); break;
        case code::send_message_v2:
        case code::send_batch_message: read_fields({"a"}, {"b"}, "e"); break;
        default: read_fields({"consumerGroup", "group", "producerGroup"}, {"topic", "originTopic"}, "queueId");
        }
    }

    bool names_group(std::string_view group) const { return std::ranges::find(groups_, group) != groups_.end(); }
    bool names_topic(std::string_view topic) const { return std::ranges::find(topics_, topic) != topics_.end(); }
    bool names_queue(std::int32_t queue) const { return std::ranges::find(queues_, queue) != queues_.end(); }
    bool is_from(std::string_view client_id) const { return client_id_ == client_id; }

  private:
    void read_fields(std::initializer_list<std::string_view> groups, std::initializer_list<std::string_view> topics,
                     std::string_view queue) {
        request_.header.for_each_field([&](std::string_view key, protocol::field_value value) {
            if (std::ranges::find(groups, key) != groups.end())
                groups_.push_back(value.to_string());
            else if (std::ranges::find(topics, key) != topics.end())
                topics_.push_back(value.to_string());
            else if (key == "clientID")
                value.assign_to(client_id_);
            else if (const auto id = key == queue ? value.to_int<std::int32_t>() : std::nullopt)
                queues_.push_back(*id);
        });
    }
    void read_heartbeat() {
        const auto heartbeat = protocol::decode_heartbeat(request_.body);
        if (!heartbeat)
            return;
        client_id_ = heartbeat->client_id;
        for (const auto& consumer : heartbeat->consumers) {
            groups_.push_back(consumer.group_name);
            for (const auto& one : consumer.subscriptions)
                topics_.push_back(one.topic);
        }
    }
    void read_lock() {
        const auto lock = protocol::decode_lock(request_.body);
        if (!lock)
            return;
        client_id_ = lock->client_id;
        groups_.push_back(lock->consumer_group);
        for (const auto& queue : lock->queues) {
            topics_.push_back(queue.topic);
            queues_.push_back(queue.queue_id);
        }
    }
    void read_check() {
        const auto check = protocol::decode_client_check(request_.body);
        if (!check)
            return;
        client_id_ = check->client_id;
        groups_.push_back(check->group);
        topics_.push_back(check->wanted.topic);
    }
    void read_assignment() {
        const auto body = protocol::parse_body(request_.body);
        if (!body)
            return;
        protocol::read_json(*body, "clientId", client_id_);
        protocol::read_json(*body, "consumerGroup", groups_.emplace_back());
        protocol::read_json(*body, "topic", topics_.emplace_back());
    }

    const incoming_request& request_;
    std::string client_id_;
    std::vector<std::string> groups_;
    std::vector<std::string> topics_;
    std::vector<std::int32_t> queues_;
};

/// Whether a fault means a request.
inline bool fits(const broker_state& broker, const fault& wanted, const incoming_request& request,
                 const request_subject& subject) {
    const auto code = static_cast<protocol::request_code>(request.header.code);
    return (wanted.codes.empty() || std::ranges::find(wanted.codes, code) != wanted.codes.end()) &&
           (wanted.group.empty() || subject.names_group(wanted.group)) &&
           (wanted.topic.empty() || subject.names_topic(wanted.topic)) &&
           (!wanted.queue || subject.names_queue(*wanted.queue)) &&
           (wanted.client_id.empty() || subject.is_from(wanted.client_id) ||
            groups_at(broker, request.from).has_client(request.from, wanted.client_id));
}

/// Lets a fault have its way with a request. @return Whether the request must not be processed any more.
inline bool meet_fault(broker_state& broker, const incoming_request& request) {
    if (!broker.faults.active()) [[likely]]
        return false;
    const request_subject subject(request);
    const auto* hit = broker.faults.take([&](const fault& wanted) { return fits(broker, wanted, request, subject); });
    if (!hit)
        return false;
    if (const auto* refuse = std::get_if<fault_action::refuse>(hit)) {
        if (!request.header.is_oneway())
            append_free_answer(broker.out.frames_to(request.from), *refuse, request.header.opaque,
                               broker.options.version);
        return true;
    }
    if (std::holds_alternative<fault_action::lose_request>(*hit))
        return true;
    if (std::holds_alternative<fault_action::close_before>(*hit)) {
        broker.faulty.close(request.from);
        return true;
    }
    if (!request.header.is_oneway())
        broker.faulty.mark(request.from, request.header.opaque, *hit);
    else if (std::holds_alternative<fault_action::close_after>(*hit))
        broker.faulty.close(request.from);
    return false;
}

} // namespace rocketpush::embedded::answering

#endif
