#ifndef ROCKETPUSH_CORE_ERROR_HPP
#define ROCKETPUSH_CORE_ERROR_HPP

#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush {

/**
 * @brief What this library itself reports. A broker's answers have `response_code`; the network's
 *        errors stay Asio's and the system's.
 *
 * `docs/errors.md` has a row for each: who sees it, cause, what to do.
 */
enum class error {
    // Options and names; seen by the constructor, subscribe() and start(), before any connection.
    invalid_option = 1,   ///< An option is out of its range; the text names it.
    invalid_group,        ///< The consumer group's name is empty, reserved, too long or has a bad character.
    invalid_topic,        ///< A topic's name is empty, too long or has a bad character.
    invalid_name_server,  ///< The name server list is empty or an address is not `host:port`.
    invalid_expression,   ///< A subscription's expression selects nothing or is empty.
    unsupported_feature,  ///< The option needs a feature that this version or build does not have.
    filter_refused,       ///< A broker does not compile the SQL condition, or has such filters off.
    not_subscribed,       ///< unsubscribe() of a topic that is not subscribed.
    not_our_queue,        ///< seek() in a queue that this member does not hold at the moment.
    offset_not_confirmed, ///< The queue's new offset did not reach its broker.

    // Life cycle; seen by start(), stop() and calls on a consumer that is not running.
    already_started,       ///< start() a second time.
    already_stopped,       ///< A call on a consumer that was stopped; it cannot be started again.
    not_running,           ///< The call needs a running consumer.
    group_in_use,          ///< The client instance already has a consumer of this group.
    stop_deadline_passed,  ///< stop() ended at its deadline while listener calls were still running.
    would_wait_for_itself, ///< A blocking call on the consumer's own strand or in its listener; use the async one.
    used_after_fork,       ///< A call in a child of fork() on what its parent made; the child makes its own.

    // Bytes from the network that cannot be what they claim.
    frame_too_large,        ///< A frame's length is beyond the limit.
    frame_malformed,        ///< A frame's length or header length is impossible.
    unknown_encoding,       ///< A frame's header encoding is neither JSON nor ROCKETMQ.
    header_malformed,       ///< A frame's header cannot be parsed, or lacks a field that it must have.
    body_malformed,         ///< A control body is not the JSON it should be.
    message_malformed,      ///< A stored message's lengths contradict each other.
    message_magic_unknown,  ///< A stored message has an unknown magic code.
    message_crc_mismatch,   ///< A stored message's body does not match its checksum.
    decompression_failed,   ///< A compressed body is damaged.
    decompressed_too_large, ///< A compressed body inflates beyond the limit.
    compression_left_out,   ///< The body's compression is unknown or was left out of this build.
    http_malformed,         ///< The answer to the look-up of name servers is no HTTP answer of the common form.
    http_too_large,         ///< That answer's head or body is beyond the limit.

    // Remoting.
    request_timed_out,   ///< No response before the request's deadline.
    connect_timed_out,   ///< No connection before the deadline.
    connection_closed,   ///< The connection ended while the request was under way.
    too_many_requests,   ///< The limit of requests under way on one connection is reached.
    operation_cancelled, ///< The consumer is stopping, or gave the queue up.

    // TLS settings; seen by the constructor of a tls_context and by its reload(), before any connection.
    tls_file_unreadable,     ///< A file of certificates or of a key is not there, or may not be read.
    tls_pem_malformed,       ///< What should be a certificate or a key in PEM is none.
    tls_key_locked,          ///< The private key is encrypted, and its password is missing or wrong.
    tls_key_mismatch,        ///< The private key does not belong to the certificate.
    tls_certificate_missing, ///< A key without its certificate, or a server that has none.

    // TLS connections.
    tls_not_spoken,                 ///< The server does not answer in TLS, or ends the connection instead.
    tls_untrusted,                  ///< The server's certificate comes from no trusted CA.
    tls_wrong_host,                 ///< The server's certificate is another host's.
    tls_expired,                    ///< The server's certificate, or one above it, is not valid any more.
    tls_not_yet_valid,              ///< The server's certificate, or one above it, is not valid yet.
    tls_certificate_unfit,          ///< The server's certificate is refused for another reason: revoked, too weak, ...
    tls_client_certificate_missing, ///< The server wants a certificate of ours, and we have none.
    tls_client_certificate_refused, ///< The server does not accept our certificate.

    // SOCKS5.
    socks5_not_spoken,    ///< The proxy does not answer in SOCKS5.
    socks5_login_refused, ///< The proxy wants another way to log in, or refuses user and password.
    socks5_refused,       ///< The proxy does not want to, or cannot, connect to the server.

    // Offsets in files.
    offset_file_damaged, ///< A local offset file is not what it should be, and its backup does not help.

    // Routes and sharing out.
    name_servers_unreachable, ///< No name server of the list answered.
    no_name_servers,          ///< The looked-up list of name servers is empty or no list of `host:port`.
    no_route,                 ///< The name server does not know the topic.
    no_broker_address,        ///< The route has no address for this broker.
    no_members,               ///< The broker's member list of the group is empty.
    no_machine_room,          ///< A resolver of nearby_allocation does not know the room of a queue or of a member.
    not_a_member,             ///< This client is not in the member list of its group.
    no_assignment,            ///< The broker cannot say which queues are this member's.

    // Locks of orderly consumers.
    locked_elsewhere, ///< Another member of the group has the queue's lock.
    lock_expired,     ///< The queue's lock was not confirmed for so long that another member may have had it.

    // Message trace.
    trace_overflow, ///< Listener calls leave more trace records than can be sent.
};

/**
 * @brief A broker's or name server's answer code; 0 is success.
 * @par Source  Java `ResponseCode`, `RemotingSysResponseCode`.
 */
enum class response_code : int {
    success                      = 0,
    system_error                 = 1,
    system_busy                  = 2,
    request_code_not_supported   = 3,
    flush_disk_timeout           = 10,
    slave_not_available          = 11,
    flush_slave_timeout          = 12,
    message_illegal              = 13,
    service_not_available        = 14,
    version_not_supported        = 15,
    no_permission                = 16,
    topic_not_exist              = 17,
    pull_not_found               = 19,
    pull_retry_immediately       = 20,
    pull_offset_moved            = 21,
    query_not_found              = 22,
    subscription_parse_failed    = 23,
    subscription_not_exist       = 24,
    subscription_not_latest      = 25,
    subscription_group_not_exist = 26,
    filter_data_not_exist        = 27,
    filter_data_not_latest       = 28,
    invalid_parameter            = 29,
    consumer_not_online          = 206,
    consume_msg_timeout          = 207,
    no_message                   = 208,
    polling_full                 = 209,
    polling_timeout              = 210,
    flow_control                 = 215,
    not_leader_for_queue         = 501,
    go_away                      = 1500,
};

namespace detail {

/// The sentence for `code`, or an empty view for a number that is no `error`.
constexpr std::string_view describe(error code) noexcept {
    switch (code) {
    case error::invalid_option: return "an option is out of its range";
    case error::invalid_group: return "the consumer group's name is not valid";
    case error::invalid_topic: return "the topic's name is not valid";
    case error::invalid_name_server: return "the name server list is not valid";
    case error::invalid_expression: return "the subscription expression is not valid";
    case error::unsupported_feature: return "this version or build does not have the feature";
    case error::filter_refused: return "a broker refuses the subscription's condition";
    case error::not_subscribed: return "the topic is not subscribed";
    case error::not_our_queue: return "this member does not hold the queue";
    case error::offset_not_confirmed: return "the broker has not confirmed the queue's new offset";
    case error::already_started: return "the consumer was started before";
    case error::already_stopped: return "the consumer was stopped and cannot be used again";
    case error::not_running: return "the consumer is not running";
    case error::group_in_use: return "the client already has a consumer of this group";
    case error::stop_deadline_passed: return "listener calls were still running at the stop deadline";
    case error::would_wait_for_itself: return "a blocking call in the consumer's own thread would wait for itself";
    case error::used_after_fork: return "it belongs to the parent process; after fork() the child makes its own";
    case error::frame_too_large: return "a frame is larger than the limit";
    case error::frame_malformed: return "a frame's lengths are impossible";
    case error::unknown_encoding: return "a frame's header encoding is unknown";
    case error::header_malformed: return "a frame's header cannot be parsed";
    case error::body_malformed: return "a body is not the JSON it should be";
    case error::message_malformed: return "a stored message's lengths contradict each other";
    case error::message_magic_unknown: return "a stored message has an unknown magic code";
    case error::message_crc_mismatch: return "a message body does not match its checksum";
    case error::decompression_failed: return "a compressed message body is damaged";
    case error::decompressed_too_large: return "a compressed message body inflates beyond the limit";
    case error::compression_left_out: return "the message's compression is not in this build";
    case error::http_malformed: return "an HTTP answer cannot be parsed";
    case error::http_too_large: return "an HTTP answer is larger than the limit";
    case error::request_timed_out: return "no response before the deadline";
    case error::connect_timed_out: return "no connection before the deadline";
    case error::connection_closed: return "the connection ended while a request was under way";
    case error::too_many_requests: return "too many requests are under way on the connection";
    case error::operation_cancelled: return "the operation was cancelled";
    case error::tls_file_unreadable: return "a file of certificates or of a key cannot be read";
    case error::tls_pem_malformed: return "there is no certificate or key in PEM";
    case error::tls_key_locked: return "the private key is encrypted, and its password is missing or wrong";
    case error::tls_key_mismatch: return "the private key does not belong to the certificate";
    case error::tls_certificate_missing: return "a certificate is missing: a key or a server needs one";
    case error::tls_not_spoken: return "the server does not answer in TLS";
    case error::tls_untrusted: return "the server's certificate comes from no trusted CA";
    case error::tls_wrong_host: return "the server's certificate is another host's";
    case error::tls_expired: return "the server's certificate, or its CA's, has expired";
    case error::tls_not_yet_valid: return "the server's certificate, or its CA's, is not valid yet";
    case error::tls_certificate_unfit: return "the server's certificate is not fit for a server, revoked or too weak";
    case error::tls_client_certificate_missing: return "the server wants a client certificate, and none is set";
    case error::tls_client_certificate_refused: return "the server does not accept the client certificate";
    case error::socks5_not_spoken: return "the proxy does not answer in SOCKS5";
    case error::socks5_login_refused: return "the proxy refuses user and password, or wants them";
    case error::socks5_refused: return "the proxy refuses to connect to the server";
    case error::offset_file_damaged: return "a local offset file is damaged";
    case error::name_servers_unreachable: return "no name server answered";
    case error::no_name_servers: return "what was looked up is not a list of name servers";
    case error::no_route: return "the name server has no route for the topic";
    case error::no_broker_address: return "the route has no address for the broker";
    case error::no_members: return "the group's member list is empty";
    case error::no_machine_room: return "the machine room of a queue or of a member is not known";
    case error::not_a_member: return "this client is not in its group's member list";
    case error::no_assignment: return "the broker cannot say which queues are this member's";
    case error::locked_elsewhere: return "another member of the group has the queue's lock";
    case error::lock_expired: return "the queue's lock was not confirmed in time";
    case error::trace_overflow: return "more trace records come than can be sent";
    }
    return {};
}

constexpr std::string_view describe(response_code code) noexcept {
    switch (code) {
    case response_code::success: return "success";
    case response_code::system_error: return "system error";
    case response_code::system_busy: return "system busy";
    case response_code::request_code_not_supported: return "request code not supported";
    case response_code::flush_disk_timeout: return "flush to disk timed out";
    case response_code::slave_not_available: return "slave not available";
    case response_code::flush_slave_timeout: return "flush to slave timed out";
    case response_code::message_illegal: return "message illegal";
    case response_code::service_not_available: return "service not available";
    case response_code::version_not_supported: return "version not supported";
    case response_code::no_permission: return "no permission";
    case response_code::topic_not_exist: return "topic does not exist";
    case response_code::pull_not_found: return "no new message";
    case response_code::pull_retry_immediately: return "no matching message";
    case response_code::pull_offset_moved: return "offset out of the queue's range";
    case response_code::query_not_found: return "not found";
    case response_code::subscription_parse_failed: return "the subscription expression does not parse";
    case response_code::subscription_not_exist: return "the broker does not know the subscription";
    case response_code::subscription_not_latest: return "the broker has an older subscription";
    case response_code::subscription_group_not_exist: return "the consumer group does not exist";
    case response_code::filter_data_not_exist: return "the broker has no filter data";
    case response_code::filter_data_not_latest: return "the broker has older filter data";
    case response_code::invalid_parameter: return "invalid parameter";
    case response_code::consumer_not_online: return "the consumer is not online";
    case response_code::consume_msg_timeout: return "the consumer did not answer in time";
    case response_code::no_message: return "the queue has no message at the offset";
    case response_code::polling_full: return "too many polls wait at the broker";
    case response_code::polling_timeout: return "no message while the poll waited";
    case response_code::flow_control: return "the broker limits the flow";
    case response_code::not_leader_for_queue: return "the broker does not lead the queue";
    case response_code::go_away: return "the server is going away";
    }
    return {};
}

} // namespace detail

/// The category of `error`. (Categories are virtual because the standard says so.)
inline const std::error_category& error_category() noexcept {
    class category final : public std::error_category {
        const char* name() const noexcept override { return "rocketpush"; }
        std::string message(int value) const override {
            const auto text = detail::describe(static_cast<error>(value));
            return text.empty() ? "unknown rocketpush error " + std::to_string(value) : std::string(text);
        }
    };
    static const category instance;
    return instance;
}

/// The category of `response_code`: what a broker or name server answered.
inline const std::error_category& response_category() noexcept {
    class category final : public std::error_category {
        const char* name() const noexcept override { return "rocketmq.response"; }
        std::string message(int value) const override {
            const auto text   = detail::describe(static_cast<response_code>(value));
            const auto number = " (code " + std::to_string(value) + ")";
            return (text.empty() ? "unknown response" : std::string(text)) + number;
        }
    };
    static const category instance;
    return instance;
}

/// The category of HTTP status codes: what the server answered that name servers are looked up at.
inline const std::error_category& http_category() noexcept {
    class category final : public std::error_category {
        const char* name() const noexcept override { return "http"; }
        std::string message(int value) const override { return "HTTP status " + std::to_string(value); }
    };
    static const category instance;
    return instance;
}

inline std::error_code make_error_code(error code) noexcept { return {static_cast<int>(code), error_category()}; }

inline std::error_code make_error_code(response_code code) noexcept {
    return {static_cast<int>(code), response_category()};
}

/// Whether a server's certificate was refused, or ours by it: waiting is no cure, somebody has to change something.
inline bool is_certificate_error(std::error_code code) noexcept {
    using enum error;
    for (const auto each : {tls_untrusted, tls_wrong_host, tls_expired, tls_not_yet_valid, tls_certificate_unfit,
                            tls_client_certificate_missing, tls_client_certificate_refused})
        if (code == make_error_code(each))
            return true;
    return false;
}

} // namespace rocketpush

template <>
struct std::is_error_code_enum<rocketpush::error> : std::true_type {};
template <>
struct std::is_error_code_enum<rocketpush::response_code> : std::true_type {};

#endif
