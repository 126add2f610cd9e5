#ifndef ROCKETPUSH_EMBEDDED_CLIENT_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_CLIENT_REQUESTS_HPP

#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/forwarded_requests.hpp>
#include <rocketpush/protocol/message_id.hpp>
#include <rocketpush/protocol/requests_admin.hpp>

#include <algorithm>
#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/**
 * What an administrator wants of a member: the broker asks it, and passes its answer on.
 * @par Source  Java `AdminBrokerProcessor.callConsumer`, `Broker2Client`.
 */
namespace rocketpush::embedded::answering {

/// Answers whoever asked for what was passed on.
inline void answer_forwarded(broker_state& broker, forwarded_request& request, client_answer answer) {
    if (auto* promise = std::get_if<std::promise<client_answer>>(&request.asked_by))
        promise->set_value(std::move(answer));
    else
        reply(broker, std::get<reply_address>(request.asked_by), answer.code, answer.remark, protocol::no_fields{},
              answer.body);
}

/// Has a member of a group asked. @param body  Of the request.
template <class Request>
void ask_client(broker_state& broker, forwarded_request forwarded, std::string_view group_name,
                std::string_view client_id, const Request& request, const moment& now, std::string_view body = {}) {
    const auto* group = broker.groups.find(group_name);
    const auto refuse = [&] {
        answer_forwarded(broker, forwarded,
                         {response_code::system_error, "The Consumer <" + std::string(group_name) + "> <" +
                                                           std::string(client_id) + "> not online"});
    };
    if (!group || broker.forwarded.full())
        return refuse();
    const auto member = std::ranges::find(group->members, client_id, &group_member::client_id);
    if (member == group->members.end())
        return refuse();
    const protocol::command_meta meta{.opaque = broker.next_opaque++, .version = broker.options.version};
    forwarded.answered_by = member->connection;
    forwarded.due         = now.steady + forwarded_requests::patience;
    broker.forwarded.add(meta.opaque, std::move(forwarded));
    protocol::append_request(broker.out.frames_to(member->connection), protocol::header_encoding::json, request, meta,
                             body);
}

/// The same with the stored message that an id names, whichever broker the id is of.
inline void ask_to_consume(broker_state& broker, forwarded_request forwarded,
                           protocol::consume_directly_request request, const moment& now) {
    request.broker_name = broker.options.name;
    const auto id       = protocol::parse_offset_message_id(request.message_id);
    const auto record   = id ? broker.store.record_at(id->commit_log_offset) : std::string_view();
    if (record.empty())
        return answer_forwarded(broker, forwarded,
                                {response_code::system_error, "no message has the id " + request.message_id});
    ask_client(broker, std::move(forwarded), request.consumer_group, request.client_id, request, now, record);
}

/// GET_CONSUMER_RUNNING_INFO (307)
inline void answer_running_info(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::running_info_request>(broker, request))
        ask_client(broker, {address_of(request), 0, {}}, wanted->consumer_group, wanted->client_id, *wanted,
                   request.now);
}

/// CONSUME_MESSAGE_DIRECTLY (309)
inline void answer_consume_directly(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::consume_directly_request>(broker, request))
        ask_to_consume(broker, {address_of(request), 0, {}}, *wanted, request.now);
}

/// A client's answer to what was forwarded to it.
inline void pass_answer_on(broker_state& broker, connection_id from, const protocol::header_view& header,
                           std::string_view body) {
    if (auto found = broker.forwarded.take(header.opaque, from))
        answer_forwarded(broker, *found, {static_cast<response_code>(header.code), header.remark(), std::string(body)});
}

/// Clients that were asked and have not answered in time.
inline void end_overdue_forwards(broker_state& broker, const moment& now) {
    for (auto& each : broker.forwarded.take_overdue(now.steady))
        answer_forwarded(broker, each, {response_code::consume_msg_timeout, "the client has not answered in time"});
}

/// A client will not answer any more what was forwarded to it; and what it has asked itself is over.
inline void drop_forwarded(broker_state& broker, connection_id gone) {
    for (auto& each : broker.forwarded.take_all_of(gone))
        answer_forwarded(broker, each, {response_code::consumer_not_online, "the client has gone"});
}

} // namespace rocketpush::embedded::answering

#endif
