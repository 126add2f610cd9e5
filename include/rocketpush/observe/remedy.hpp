#ifndef ROCKETPUSH_OBSERVE_REMEDY_HPP
#define ROCKETPUSH_OBSERVE_REMEDY_HPP

#include <rocketpush/core/error.hpp>

#include <asio/error.hpp>

#include <string_view>
#include <system_error>

namespace rocketpush {

/**
 * @brief What somebody can do about a failure, as the end of a sentence; empty where there is nothing to do but to wait.
 *
 * `docs/errors.md` says it at more length.
 */
inline std::string_view remedy_of(std::error_code failure) noexcept {
    if (failure.category() == error_category())
        switch (static_cast<error>(failure.value())) {
        case error::filter_refused:
            return "correct the condition, or set enablePropertyFilter=true at every broker of the topic";
        case error::stop_deadline_passed: return "find out why the listener hangs, or raise options::stop_timeout";
        case error::frame_too_large: return "raise options::max_frame_size if the brokers' limit was raised";
        case error::frame_malformed:
        case error::unknown_encoding:
        case error::header_malformed:
            return "check that the address is a RocketMQ port, and that no proxy changes the bytes";
        case error::message_malformed:
        case error::decompression_failed: return "look at the message at the broker, and at its producer";
        case error::message_crc_mismatch:
            return "look for a damaged disk or memory at the broker; options::check_crc turns the comparison off";
        case error::decompressed_too_large: return "raise options::max_body_size if such bodies are meant";
        case error::compression_left_out: return "build with the compression that the producer uses";
        case error::http_malformed:
        case error::http_too_large:
        case error::no_name_servers: return "check options::name_server_url and what it gives";
        case error::request_timed_out: return "look at the server's load and at the network";
        case error::connect_timed_out: return "check address, port and firewall";
        case error::too_many_requests: return "give each client fewer queues";
        case error::offset_file_damaged: return "put a good copy in its place, or delete it to begin by options::from";
        case error::name_servers_unreachable: return "check the list of name servers";
        case error::no_route: return "create the topic, or correct its name";
        case error::no_machine_room: return "have the resolver know all brokers and members";
        case error::trace_overflow: return "raise trace_settings::queue, or give more brokers the trace topic";
        default: return {};
        }
    if (failure.category() == response_category())
        switch (static_cast<response_code>(failure.value())) {
        case response_code::system_busy: return "look at the broker's load";
        case response_code::no_permission: return "give the permission at the broker, or correct the credentials";
        case response_code::topic_not_exist: return "create the topic at this broker";
        case response_code::subscription_group_not_exist:
            return "create the group, or set autoCreateSubscriptionGroup=true at the brokers";
        case response_code::message_illegal: return "look at the broker's limit of message sizes";
        default: return {};
        }
    if (failure == asio::error::connection_refused)
        return "check that the server runs and listens there";
    if (failure == asio::error::host_not_found)
        return "correct the host's name, or have it resolved";
    if (failure == std::errc::no_space_on_device)
        return "make room on the disk";
    if (failure == std::errc::permission_denied)
        return "check the rights of the file and its folder";
    return {};
}

} // namespace rocketpush

#endif
