#ifndef ROCKETPUSH_TESTS_FUZZ_SUPPORT_HONEST_SERVER_HPP
#define ROCKETPUSH_TESTS_FUZZ_SUPPORT_HONEST_SERVER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/memory_peer.hpp"

namespace rocketpush::test {

/// The cluster of a hostile session: one topic, a queue of it at a broker that keeps to the rules, two at one that does not.
struct session_cluster {
    static constexpr const char* topic       = "orders";
    static constexpr const char* group       = "billing";
    static constexpr const char* quiet_name  = "quiet"; ///< The healthy broker; no hostile bytes may name it.
    static constexpr const char* loud_name   = "loud";
    static constexpr std::int64_t quiet_size = 5; ///< Messages of its queue.
    static constexpr std::int64_t loud_size  = 40;

    endpoint name_server{"names", 9876};
    endpoint quiet{"quiet", 10911};
    endpoint loud{"loud", 10912};

    protocol::route_data route() const {
        return {.queue_datas  = {{quiet_name, 1, 1}, {loud_name, 2, 2}},
                .broker_datas = {{"script", quiet_name, {{0, to_string(quiet)}}},
                                 {"script", loud_name, {{0, to_string(loud)}}}}};
    }
    std::vector<message_queue> queues() const {
        return {{topic, quiet_name, 0}, {topic, loud_name, 0}, {topic, loud_name, 1}};
    }
};

/// An answer: what is in its frame, and how long a server that keeps to the rules would take.
struct session_answer {
    int code = static_cast<int>(response_code::success);
    std::string fields{}; ///< As in a JSON header: `"offset":"7","other":"x"`.
    std::string body{};
    std::string remark{};
    std::chrono::milliseconds after{10};
};

/// The fields of a typed header.
template <class Fields>
std::string fields_text(const Fields& fields) {
    std::string text;
    detail::append_json_fields(text, true, fields);
    return text;
}

/// The frame of an answer. Written by hand, since the fields need not be any that the library would write.
inline std::string frame_of(const session_answer& answer, std::int32_t opaque) {
    std::string frame;
    const auto begin = detail::begin_frame(frame);
    frame += R"({"code":)" + std::to_string(answer.code) + R"(,"flag":1,"language":"JAVA","opaque":)" +
             std::to_string(opaque) + R"(,"version":513,"remark":")";
    protocol::append_json_escaped(frame, answer.remark);
    frame += R"(","extFields":{)" + answer.fields + "}}";
    detail::end_frame(frame, begin, protocol::header_encoding::json, answer.body);
    return frame;
}

/// The same in a binary header: only what the code, the opaque and the lengths are.
inline std::string binary_frame_of(const session_answer& answer, std::int32_t opaque) {
    std::string frame;
    protocol::append_response(frame, protocol::header_encoding::rocketmq, answer.code, opaque, answer.remark,
                              protocol::no_fields{}, answer.body);
    return frame;
}

/**
 * @brief Answers as a name server and as brokers that keep to the rules. Empty where a request wants no answer.
 *
 * It knows which clients sent heartbeats, and what was committed in the healthy queue.
 */
class honest_server {
  public:
    explicit honest_server(const session_cluster& cluster) : cluster_(cluster) {}

    std::optional<session_answer> answer(const peer_frame& request, bool at_loud) {
        using enum protocol::request_code;
        session_answer said;
        if (request.header.is_oneway())
            return std::nullopt;
        switch (static_cast<protocol::request_code>(request.header.code)) {
        case get_route_info:
            if (request.field("topic") != session_cluster::topic)
                return refused(response_code::topic_not_exist);
            said.body = protocol::encode(cluster_.route());
            return said;
        case heart_beat:
            if (const auto beat = protocol::decode_heartbeat(request.body))
                clients_.insert(beat->client_id);
            return said;
        case get_consumer_list:
            said.body = protocol::encode(protocol::consumer_list{{clients_.begin(), clients_.end()}});
            return said;
        case query_consumer_offset: return refused(response_code::query_not_found);
        case get_max_offset:
            said.fields = fields_text(protocol::offset_response{.offset = size_of(at_loud)});
            return said;
        case get_min_offset:
        case search_offset_by_timestamp: said.fields = fields_text(protocol::offset_response{}); return said;
        case pull_message: return pulled(request, at_loud);
        case pop_message:
            said       = refused(response_code::polling_timeout);
            said.after = std::chrono::seconds(15);
            return said;
        case change_invisible_time:
            said.fields = fields_text(
                protocol::change_invisible_time_response{.pop_time = 1'700'000'000'000, .invisible_millis = 60'000});
            return said;
        case query_assignment: {
            protocol::assignment_answer all;
            all.queues.emplace();
            for (const auto& each : cluster_.queues())
                all.queues->push_back({each, protocol::request_mode::pull});
            said.body = protocol::encode(all);
            return said;
        }
        case lock_batch:
            if (const auto wanted = protocol::decode_lock(request.body))
                said.body = protocol::encode(protocol::locked_queues{wanted->queues});
            return said;
        case send_message_v2:
            said.fields = fields_text(protocol::send_response{.message_id = "7F00000100002A9F0000000000000000"});
            return said;
        case update_consumer_offset:
        case unregister_client:
        case consumer_send_back:
        case unlock_batch:
        case check_client_config:
        case ack_message:
        case batch_ack_message: return said;
        default: return refused(response_code::request_code_not_supported);
        }
    }

    static session_answer refused(response_code code) {
        return {.code = static_cast<int>(code), .remark = "refused by the script"};
    }

  private:
    static std::int64_t size_of(bool at_loud) {
        return at_loud ? session_cluster::loud_size : session_cluster::quiet_size;
    }

    /// Three messages at a time; a pull that finds nothing is held.
    session_answer pulled(const peer_frame& request, bool at_loud) const {
        const auto asked = protocol::read_fields<protocol::pull_request>(request.header);
        const auto end   = size_of(at_loud);
        session_answer said;
        auto next = asked ? asked->queue_offset : 0;
        for (int i = 0; i < 3 && asked && next >= 0 && next < end; ++i, ++next)
            protocol::append_stored_message(
                said.body, {.topic           = asked->topic,
                            .body            = (at_loud ? "loud " : "quiet ") + std::to_string(next),
                            .queue_id        = asked->queue_id,
                            .queue_offset    = next,
                            .born_timestamp  = 1'700'000'000'000,
                            .store_timestamp = 1'700'000'000'000});
        if (said.body.empty()) {
            said       = refused(next > end ? response_code::pull_offset_moved : response_code::pull_not_found);
            said.after = next > end ? std::chrono::milliseconds(10) : std::chrono::seconds(15);
            next       = end;
        }
        said.fields = fields_text(protocol::pull_response{.next_begin_offset = next, .max_offset = end});
        return said;
    }

    const session_cluster& cluster_;
    std::set<std::string> clients_;
};

} // namespace rocketpush::test

#endif
