#ifndef ROCKETPUSH_EMBEDDED_SLAVE_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_SLAVE_REQUESTS_HPP

#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/message_store.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

/**
 * What a slave does otherwise than its master.
 * @par Source  Java `PullMessageProcessor.composeResponseHeader`, `DefaultMessageStore.nextOffsetCorrection`.
 */
namespace rocketpush::embedded::answering {

/// Whether a client has connected to the slave.
inline bool is_at_slave(const broker_state& broker, connection_id connection) {
    if (!broker.slave.address)
        return false;
    const auto found = broker.connections.find(connection);
    return found != broker.connections.end() && found->second.to_slave;
}

/// The members that the broker knows which a client talks to: master and slave each have their own.
inline consumer_groups& groups_at(broker_state& broker, connection_id connection) {
    return is_at_slave(broker, connection) ? broker.slave.groups : broker.groups;
}
inline const consumer_groups& groups_at(const broker_state& broker, connection_id connection) {
    return is_at_slave(broker, connection) ? broker.slave.groups : broker.groups;
}

/// Whether a request is one to the name server, which stays when the master is lost.
inline bool is_for_name_server(std::int32_t code) noexcept {
    constexpr std::int32_t cluster_info = 106, topic_list = 206, delete_route = 216;
    return code == static_cast<std::int32_t>(protocol::request_code::get_route_info) || code == cluster_info ||
           code == topic_list || code == delete_route;
}

/// Answers what a slave refuses. A real one takes a commit, to have it overwritten by its master's soon after; here it is
/// refused, so that a test sees it. @return Whether it was refused.
inline bool refuse_at_slave(broker_state& broker, const incoming_request& request) {
    if (!is_at_slave(broker, request.from))
        return false;
    using code = protocol::request_code;
    switch (static_cast<code>(request.header.code)) {
    case code::send_message:
    case code::send_message_v2:
    case code::send_batch_message:
    case code::consumer_send_back:
        reply(broker, request, response_code::service_not_available, "service not available now: this is a slave");
        return true;
    case code::update_consumer_offset:
    case code::lock_batch:
    case code::unlock_batch:
    case code::update_and_create_topic:
    case code::pop_message:
    case code::ack_message:
    case code::change_invisible_time:
        reply(broker, request, response_code::system_error, "this is a slave");
        return true;
    default: return false;
    }
}

/// Where a queue ends for a client: a slave may not have its newest messages yet.
inline queue_offset visible_end(const broker_state& broker, connection_id connection, std::string_view topic,
                                std::int32_t queue_id) {
    const auto end = broker.store.max_offset(topic, queue_id);
    if (!is_at_slave(broker, connection))
        return end;
    return std::max(broker.store.min_offset(topic, queue_id), end - broker.slave.lag);
}

/// The broker that a pull's answer sends its client to.
inline std::int64_t suggested_broker(const broker_state& broker) noexcept {
    return broker.slave.address && (broker.slave.suggested || broker.slave.master_lost) ? 1 : 0;
}

/// A slave corrects no offset, and does not let clients wait as long as there is a master to go back to.
inline response_code code_at_slave(const broker_state& broker, response_code code) noexcept {
    if (code == response_code::success)
        return code;
    const bool goes_back = suggested_broker(broker) == 0;
    return goes_back || code == response_code::pull_offset_moved ? response_code::pull_retry_immediately : code;
}

} // namespace rocketpush::embedded::answering

#endif
