// rocketpush 0.1.0: a RocketMQ push consumer as a C++20 header-only library, in one file.
// Written by scripts/single-header from include/; change that, not this.
// SPDX-License-Identifier: Apache-2.0

#ifndef ROCKETPUSH_ROCKETPUSH_HPP
#define ROCKETPUSH_ROCKETPUSH_HPP

// clang-format off: the order is the map.

// The one header: all of the consumer, in the order in which a message travels. Read top to bottom it is the map of the library.
// (The name server and broker to try it on and to test with: <rocketpush/embedded.hpp>.)

// core: the words that all use
// rocketpush/core/version.hpp
#ifndef ROCKETPUSH_CORE_VERSION_HPP
#define ROCKETPUSH_CORE_VERSION_HPP

/// The library's version: this header is its one home, build files read it from here.
#define ROCKETPUSH_VERSION_MAJOR 0
#define ROCKETPUSH_VERSION_MINOR 1
#define ROCKETPUSH_VERSION_PATCH 0
#define ROCKETPUSH_VERSION_STRING "0.1.0"

#endif
// rocketpush/core/error.hpp
#ifndef ROCKETPUSH_CORE_ERROR_HPP
#define ROCKETPUSH_CORE_ERROR_HPP

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

} // namespace rocketpush

template <>
struct std::is_error_code_enum<rocketpush::error> : std::true_type {};
template <>
struct std::is_error_code_enum<rocketpush::response_code> : std::true_type {};

#endif
// rocketpush/core/result.hpp
#ifndef ROCKETPUSH_CORE_RESULT_HPP
#define ROCKETPUSH_CORE_RESULT_HPP

// rocketpush/detail/assert.hpp
#ifndef ROCKETPUSH_DETAIL_ASSERT_HPP
#define ROCKETPUSH_DETAIL_ASSERT_HPP

/**
 * A broken precondition is a bug of the caller. Users may define ROCKETPUSH_ASSERT before the first include to
 * route it elsewhere; by default it is the standard `assert`, so a release build does not pay for it.
 */
#ifndef ROCKETPUSH_ASSERT
#include <cassert>
#define ROCKETPUSH_ASSERT(condition, promise) assert((condition) && (promise))
#endif

#endif

#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief A value, or the error code that says why there is none.
 *
 * Made from either without ceremony: `return error::no_route;` or `return queues;`. Absent is not failed:
 * "no offset yet" is a `result<std::optional<queue_offset>>` that holds an empty optional.
 */
template <class T>
class [[nodiscard]] result {
  public:
    result(T value) : has_value_(true), value_(std::move(value)) {}

    result(std::error_code code) : error_(code) {
        ROCKETPUSH_ASSERT(code, "a result is made from a value or from a failure");
    }

    template <class Enum>
        requires std::is_error_code_enum_v<Enum>
    result(Enum code) : result(std::error_code(code)) {}

    result(const result& other) : error_(other.error_) {
        if (other.has_value_)
            keep(other.value_);
    }
    result(result&& other) noexcept : error_(other.error_) {
        if (other.has_value_)
            keep(std::move(other.value_));
    }
    result& operator=(result other) noexcept {
        drop();
        error_ = other.error_;
        if (other.has_value_)
            keep(std::move(other.value_));
        return *this;
    }
    ~result() { drop(); }

    bool has_value() const noexcept { return has_value_; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The failure; a default (false) code when there is a value.
    std::error_code error() const noexcept { return error_; }

    T& value() & noexcept { return checked(); }
    const T& value() const& noexcept { return const_cast<result*>(this)->checked(); }
    T&& value() && noexcept { return std::move(checked()); }

    T& operator*() & noexcept { return checked(); }
    const T& operator*() const& noexcept { return value(); }
    T&& operator*() && noexcept { return std::move(checked()); }
    T* operator->() noexcept { return &checked(); }
    const T* operator->() const noexcept { return &value(); }

  private:
    T& checked() noexcept {
        ROCKETPUSH_ASSERT(has_value(), "the value of a result is read only after it was tested");
        return value_;
    }

    template <class From>
    void keep(From&& from) {
        std::construct_at(&value_, std::forward<From>(from));
        has_value_ = true;
    }
    void drop() noexcept {
        if (std::exchange(has_value_, false))
            value_.~T();
    }

    // A result is in most signatures, and std::variant and std::optional are slow to compile.
    std::error_code error_;
    bool has_value_ = false;
    union {
        T value_;
    };
};

} // namespace rocketpush

#endif
// rocketpush/core/names.hpp
#ifndef ROCKETPUSH_CORE_NAMES_HPP
#define ROCKETPUSH_CORE_NAMES_HPP


#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

/**
 * @file
 * Names of topics and groups: which are allowed, which RocketMQ keeps for itself, and the topics that belong to a
 * group.
 *
 * @par Source  Java `Validators`, `TopicValidator`, `MixAll`.
 */
namespace rocketpush {

inline constexpr std::string_view retry_topic_prefix = "%RETRY%";
inline constexpr std::string_view dlq_topic_prefix   = "%DLQ%";

inline constexpr std::size_t max_topic_length       = 127;
inline constexpr std::size_t max_retry_topic_length = 255; ///< Also for dead letter topics; prefix included.
inline constexpr std::size_t max_group_length       = 120; ///< Brokers before 5.4 allowed 255; 5.5 does not.

/// The producer group that every client with a consumer registers too. Java: CLIENT_INNER_PRODUCER_GROUP.
inline constexpr std::string_view inner_producer_group = "CLIENT_INNER_PRODUCER";
/// What a producer names as `defaultTopic`: a broker copies its settings when it creates a topic by itself.
inline constexpr std::string_view auto_create_topic = "TBW102";

/// How the broker names of static topics' queues begin, which are no broker's. Java: LOGICAL_QUEUE_MOCK_BROKER_PREFIX.
inline constexpr std::string_view static_topic_broker_prefix = "__syslo__";

/// Whether a queue with this broker name is a static topic's: it has no broker of its own, only one that leads it now.
constexpr bool is_static_topic_broker(std::string_view broker_name) noexcept {
    return broker_name.starts_with(static_topic_broker_prefix);
}
/// The broker name of a static topic's queues. Java: TopicQueueMappingUtils.getMockBrokerName.
inline std::string static_topic_broker(std::string_view scope) {
    return std::string(static_topic_broker_prefix).append(scope == "__global__" ? scope.substr(2) : scope);
}

/// Where a group's messages go that shall be consumed later again.
inline std::string retry_topic(std::string_view group) { return std::string(retry_topic_prefix).append(group); }
/// Where a group's messages go that were retried too often.
inline std::string dlq_topic(std::string_view group) { return std::string(dlq_topic_prefix).append(group); }

constexpr bool is_retry_topic(std::string_view topic) noexcept { return topic.starts_with(retry_topic_prefix); }
constexpr bool is_dlq_topic(std::string_view topic) noexcept { return topic.starts_with(dlq_topic_prefix); }

/// Whether the topic is RocketMQ's own: nobody sends to it, and a namespace does not change it.
constexpr bool is_system_topic(std::string_view topic) noexcept {
    constexpr std::array<std::string_view, 12> names{
        "TBW102",
        "SCHEDULE_TOPIC_XXXX",
        "BenchmarkTest",
        "RMQ_SYS_TRANS_HALF_TOPIC",
        "RMQ_SYS_TRANS_OP_HALF_TOPIC",
        "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC",
        "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC",
        "RMQ_SYS_TRACE_TOPIC",
        "TRANS_CHECK_MAX_TIME_TOPIC",
        "SELF_TEST_TOPIC",
        "OFFSET_MOVED_EVENT",
        "CHECKPOINT_TOPIC",
    };
    return topic.starts_with("rmq_sys_") || std::ranges::find(names, topic) != names.end();
}

/// Whether the group is one of RocketMQ's own.
constexpr bool is_system_group(std::string_view group) noexcept {
    constexpr std::array<std::string_view, 13> names{
        "DEFAULT_PRODUCER",   "DEFAULT_CONSUMER",   "TOOLS_CONSUMER",        "SCHEDULE_CONSUMER",
        "FILTERSRV_CONSUMER", "__MONITOR_CONSUMER", "CLIENT_INNER_PRODUCER", "SELF_TEST_P_GROUP",
        "SELF_TEST_C_GROUP",  "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER",
        "CID_ONSAPI_PULL",
    };
    return group.starts_with("CID_RMQ_SYS_") || std::ranges::find(names, group) != names.end();
}

enum class name_kind { topic, group };

/// What a name of this kind must be like, as the end of a sentence that begins with the name.
constexpr const char* describe_name_rule(name_kind kind) noexcept {
    return kind == name_kind::topic
               ? "is not valid: a topic has 1 to 127 characters of a-z A-Z 0-9 _ - % |"
               : "is not valid: a group has 1 to 120 characters of a-z A-Z 0-9 _ - % | and is not DEFAULT_CONSUMER "
                 "or DEFAULT_PRODUCER";
}

namespace detail {

constexpr bool has_name_characters(std::string_view name) noexcept {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '%' || c == '|';
    });
}

} // namespace detail

/// @return error::invalid_group if no user's consumer can have this name, else nothing.
inline std::error_code check_group(std::string_view group) noexcept {
    const bool is_default = group == "DEFAULT_CONSUMER" || group == "DEFAULT_PRODUCER";
    if (!detail::has_name_characters(group) || group.size() > max_group_length || is_default)
        return error::invalid_group;
    return {};
}

/// @return error::invalid_topic if no topic can have this name, else nothing. Says nothing about system topics.
inline std::error_code check_topic(std::string_view topic) noexcept {
    const auto limit = is_retry_topic(topic) || is_dlq_topic(topic) ? max_retry_topic_length : max_topic_length;
    if (!detail::has_name_characters(topic) || topic.size() > limit)
        return error::invalid_topic;
    return {};
}

} // namespace rocketpush

#endif
// rocketpush/core/endpoint.hpp
#ifndef ROCKETPUSH_CORE_ENDPOINT_HPP
#define ROCKETPUSH_CORE_ENDPOINT_HPP


#include <algorithm>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Where a server listens. The host is a name or a numeric address, an IPv6 one without brackets.
struct endpoint {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const endpoint&, const endpoint&)  = default;
    friend auto operator<=>(const endpoint&, const endpoint&) = default;
};

/// `localhost:9876`, `[::1]:9876`.
inline std::string to_string(const endpoint& where) {
    const bool v6 = where.host.find(':') != std::string::npos;
    return (v6 ? '[' + where.host + ']' : where.host) + ':' + std::to_string(where.port);
}

namespace detail {

constexpr std::string_view trim(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first                  = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Calls `each` with every trimmed, non-empty part of `text` between separators.
template <class F>
constexpr void for_each_part(std::string_view text, std::string_view separator, F&& each) {
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (const auto part = trim(text.substr(0, end)); !part.empty())
            each(part);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + separator.size());
    }
}

/// Whether `host` can be a name or an IPv4 address; with `v6`, an IPv6 address, a zone (`%eth0`) included.
constexpr bool is_host(std::string_view host, bool v6) noexcept {
    const auto address = v6 ? host.substr(0, host.find('%')) : host;
    return !address.empty() && std::ranges::all_of(address, [v6](char c) {
        if (v6)
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
        return static_cast<unsigned char>(c) > ' ' && c != '/' && c != '@' && c != '[' && c != ']' && c != ';' &&
               c != ',';
    });
}

} // namespace detail

/**
 * @brief Reads `host:port`, `[v6 address]:port` or, as routes of brokers have it, a bare `v6 address:port`.
 * @retval error::invalid_name_server  It is none of these, or the port is not from 0 to 65535.
 */
inline result<endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return error::invalid_name_server;
    auto host            = text.substr(0, colon);
    const auto digits    = text.substr(colon + 1);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed)
        host = host.substr(1, host.size() - 2);
    std::uint16_t port    = 0;
    const auto [end, ec]  = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool whole_port = ec == std::errc() && end == digits.data() + digits.size();
    const auto colons     = std::ranges::count(host, ':');
    if (!whole_port || colons == 1 || (bracketed && colons == 0) || !detail::is_host(host, colons > 0))
        return error::invalid_name_server;
    return endpoint{std::string(host), port};
}

/**
 * @brief Reads a list such as `10.0.0.1:9876;10.0.0.2:9876`. Blanks and empty parts are skipped, and so are repetitions
 *        and, as in Java, a leading `http://`.
 * @retval error::invalid_name_server  The list is empty, or a part is no address that can be connected to.
 */
inline result<std::vector<endpoint>> parse_name_servers(std::string_view list) {
    std::vector<endpoint> servers;
    bool valid = true;
    detail::for_each_part(list, ";", [&](std::string_view part) {
        if (constexpr std::string_view scheme = "http://"; part.starts_with(scheme))
            part.remove_prefix(scheme.size());
        auto server = parse_endpoint(part);
        if (!server || server->port == 0)
            valid = false;
        else if (std::ranges::find(servers, *server) == servers.end())
            servers.push_back(std::move(*server));
    });
    if (!valid || servers.empty())
        return error::invalid_name_server;
    return servers;
}

} // namespace rocketpush

template <>
struct std::hash<rocketpush::endpoint> {
    std::size_t operator()(const rocketpush::endpoint& where) const noexcept {
        return std::hash<std::string_view>()(where.host) * 31 + where.port;
    }
};

#endif
// rocketpush/core/http_url.hpp
#ifndef ROCKETPUSH_CORE_HTTP_URL_HPP
#define ROCKETPUSH_CORE_HTTP_URL_HPP


#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace rocketpush {

/// What is asked for over HTTP, and where.
struct http_url {
    endpoint server;
    std::string target; ///< Path and query, as the request has them: `/rocketmq/nsaddr`.

    friend bool operator==(const http_url&, const http_url&) = default;
};

/// `http://config.example.com:8080/rocketmq/nsaddr`.
inline std::string to_string(const http_url& url) { return "http://" + to_string(url.server) + url.target; }

inline constexpr std::size_t max_http_url_length = 2048; ///< Bytes.

namespace detail {

/// Whether `text` can be part of a URL as it is. Anything else could end the request's line and begin another one.
constexpr bool is_url_text(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

/// The host and port of a URL; port 80 if it has none.
inline result<endpoint> parse_authority(std::string_view text) {
    const auto bracket = text.find(']');
    // An IPv6 address is in brackets here: a bare one could not be told from its port.
    const auto host_end = text.starts_with('[') && bracket != std::string_view::npos ? bracket + 1 : text.find(':');
    if (host_end == std::string_view::npos || host_end == text.size())
        return parse_endpoint(std::string(text) + ":80");
    if (text[host_end] != ':' || text.find(':', host_end + 1) != std::string_view::npos)
        return error::invalid_name_server;
    return parse_endpoint(text);
}

} // namespace detail

/**
 * @brief Reads `http://host[:port][/path][?query]`; the port is 80 if there is none, an IPv6 address is in brackets.
 * @retval error::unsupported_feature  It is an `https://` URL.
 * @retval error::invalid_name_server  It is no URL, has a user or a fragment, or is too long.
 */
inline result<http_url> parse_http_url(std::string_view text) {
    const auto begins_with = [text](std::string_view scheme) {
        return text.size() >= scheme.size() && std::ranges::equal(text.substr(0, scheme.size()), scheme, [](char a, char b) {
                   return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
               });
    };
    constexpr std::string_view scheme = "http://";
    if (begins_with("https://"))
        return error::unsupported_feature;
    if (!begins_with(scheme) || text.size() > max_http_url_length || !detail::is_url_text(text))
        return error::invalid_name_server;
    text.remove_prefix(scheme.size());
    const auto path = std::min(text.find_first_of("/?"), text.size());
    auto server     = detail::parse_authority(text.substr(0, path));
    if (!server || server->port == 0)
        return error::invalid_name_server;
    http_url url{.server = std::move(*server), .target = std::string(text.substr(path))};
    if (!url.target.starts_with('/'))
        url.target.insert(0, "/");
    return url;
}

/**
 * @brief The URL of a unit: `/rocketmq/nsaddr` of unit `shop` is `/rocketmq/nsaddr-shop?nofix=1`, what the URL asks besides behind it.
 * @param unit  `is_url_text`; empty: the URL stays as it is.
 * @par Source  Java `DefaultTopAddressing.fetchNSAddr`.
 */
inline http_url url_of_unit(http_url url, std::string_view unit) {
    if (unit.empty())
        return url;
    const auto query = std::min(url.target.find('?'), url.target.size());
    auto asked       = url.target.substr(query);
    if (!asked.empty())
        asked[0] = '&';
    url.target.resize(query);
    ((((url.target += '-') += unit) += "?nofix=1") += asked);
    return url;
}

} // namespace rocketpush

#endif
// rocketpush/core/options.hpp
#ifndef ROCKETPUSH_CORE_OPTIONS_HPP
#define ROCKETPUSH_CORE_OPTIONS_HPP

// rocketpush/core/namespaces.hpp
#ifndef ROCKETPUSH_CORE_NAMESPACES_HPP
#define ROCKETPUSH_CORE_NAMESPACES_HPP


#include <cstddef>
#include <string>
#include <string_view>

/**
 * @file
 * Namespaces of the first kind: at the broker topic `orders` of namespace `ns` is `ns%orders`, its group `billing` is
 * `ns%billing`, that group's retry topic `%RETRY%ns%billing`. Users see the names without. (A namespace of the second kind
 * changes no name; it is told with every request.)
 *
 * @par Source  Java `NamespaceUtil`, `NameServerAddressUtils`.
 */
namespace rocketpush {

namespace detail {

/// How much of `name` is `%RETRY%` or `%DLQ%`: what stays in front of a namespace.
constexpr std::size_t size_of_topic_prefix(std::string_view name) noexcept {
    return is_retry_topic(name) ? retry_topic_prefix.size() : is_dlq_topic(name) ? dlq_topic_prefix.size() : 0;
}

/// Whether `rest` begins with `name_space%`.
constexpr bool begins_with_namespace(std::string_view rest, std::string_view name_space) noexcept {
    return rest.size() > name_space.size() && rest.starts_with(name_space) && rest[name_space.size()] == '%';
}

/// Letters, digits and `_` from `at` on; how many.
constexpr std::size_t word_size(std::string_view text, std::size_t at) noexcept {
    const auto is_of_a_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    std::size_t size = 0;
    while (at + size < text.size() && is_of_a_word(text[at + size]))
        ++size;
    return size;
}

} // namespace detail

/// A topic's or group's name at the broker. RocketMQ's own names, and those that have the namespace, stay as they are.
inline std::string with_namespace(std::string_view name_space, std::string_view name) {
    const auto prefix = name.substr(0, detail::size_of_topic_prefix(name));
    const auto rest   = name.substr(prefix.size());
    if (name_space.empty() || name.empty() || is_system_topic(name) || name.starts_with("CID_RMQ_SYS_") ||
        detail::begins_with_namespace(rest, name_space))
        return std::string(name);
    std::string whole(prefix);
    whole.append(name_space).append("%").append(rest);
    return whole;
}

/// A name as users see it: without the namespace, if it has this one.
inline std::string without_namespace(std::string_view name_space, std::string_view name) {
    const auto prefix = name.substr(0, detail::size_of_topic_prefix(name));
    const auto rest   = name.substr(prefix.size());
    if (name_space.empty() || !detail::begins_with_namespace(rest, name_space))
        return std::string(name);
    return std::string(prefix).append(rest.substr(name_space.size() + 1));
}

/**
 * @brief The namespace that a name server's address names, or an empty text.
 *
 * `MQ_INST_1234_Abc.mq.example.com:80`, with or without `http://`, names `MQ_INST_1234_Abc`; of a list, the first address counts.
 */
constexpr std::string_view namespace_of_address(std::string_view name_servers) noexcept {
    constexpr std::string_view instance = "MQ_INST_";
    if (const auto scheme = detail::word_size(name_servers, 0);
        scheme != 0 && name_servers.substr(scheme).starts_with("://"))
        name_servers.remove_prefix(scheme + 3);
    const auto size = detail::word_size(name_servers, 0);
    const auto name = name_servers.substr(0, size);
    if (!name.starts_with(instance) || name_servers.substr(size, 1) != ".")
        return {};
    const auto parts = name.substr(instance.size()); // WORD_WORD
    const auto inner = parts.size() < 3 ? std::string_view() : parts.substr(1, parts.size() - 2);
    return inner.find('_') == std::string_view::npos ? std::string_view() : name;
}

} // namespace rocketpush

#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush {

/// Where a group begins in a queue for which it has no offset.
enum class consume_from : std::uint8_t {
    last,  ///< Behind the newest message. The broker itself answers 0 for a young queue (see `options::strict_from`).
    first, ///< At the oldest message.
    timestamp ///< At the first message stored at or after `options::from_time`.
};

/// Where a queue goes on whose offset lies behind its end: the broker has lost messages, or the topic was made anew unseen.
enum class beyond_end : std::uint8_t {
    last, ///< With what was stored since the newest message that this member has had of it; at the end if it has had none.
    first ///< At the oldest message: what the queue still has comes again.
};

/**
 * @brief Everything a push consumer can be told, with the Java client's defaults unless a member says otherwise.
 *
 * @code
 * rocketpush::options{.name_servers = "10.0.0.1:9876;10.0.0.2:9876", .group = "billing", .consume_batch_size = 16}
 * @endcode
 *
 * `check()` refuses what cannot work before any connection is made.
 *
 * @par Source  Java `DefaultMQPushConsumer`, `ClientConfig`.
 */
struct options {
    using milliseconds = std::chrono::milliseconds;

    // The cluster and the name of this member.
    std::string name_servers{}; ///< `host:port`, several separated by `;`. Java: namesrvAddr.
    /// Where that list is looked up instead, over HTTP: `http://config.example.com:8080/rocketmq/nsaddr`; of a `unit_name` it is
    /// `nsaddr-UNIT?nofix=1`. The answer's first line is the list. Java: rocketmq.namesrv.domain.
    std::string name_server_url{};
    std::string group{};        ///< The consumer group. Java: consumerGroup.
    /// First part of the client id. When empty: the local address towards the cluster; of a broadcasting consumer the one that
    /// Java chooses.
    std::string client_ip{};
    /// Second part of the client id. When empty: process id and random bits; `DEFAULT` of a broadcasting consumer, whose
    /// offsets' path has it in it.
    std::string instance_name{};
    std::string unit_name{}; ///< Third part of the client id, if not empty.
    bool unit_mode = false;  ///< Told to brokers: the group's retry topic is marked as a unit's.

    /// At the broker the group and the topics are `NS%billing`, `NS%orders`; the listener sees them without. When empty, that
    /// of an address `MQ_INST_1234_Abc.mq.example.com:80` in `name_servers`. Java: namespace.
    std::string namespace_v1{};
    std::string namespace_v2{}; ///< Sent with every request; names stay as they are. Java: namespaceV2.

    // From where it is consumed. (Whether by one member or by all of them, the OffsetStore says: see message_model.)
    consume_from from = consume_from::last;            ///< Java: consumeFromWhere.
    std::chrono::system_clock::time_point from_time{}; ///< For `consume_from::timestamp`. Java: consumeTimestamp.
    /// `last` and `timestamp` hold for young queues too, for which a broker else says 0. (A 4.9.x broker always does.)
    bool strict_from = false;
    /// Queues that appear after start begin as those that were there, as in Java. Else `last` does not hold for them: they
    /// begin at their oldest message, or what was sent before they were discovered would be lost.
    bool later_queues_like_first = false;
    beyond_end when_beyond_end   = beyond_end::last;

    // Running the listener.
    std::size_t consume_threads = 20; ///< Listener calls that run at once, 1..1000. Java: consumeThreadMin/Max.
    std::size_t consume_batch_size =
        1;                        ///< Most messages of one listener call, 1..1024. Java: consumeMessageBatchMaxSize.
    /// Then the dead letter queue; -1 is 16, and without end for orderly consumers. Java: maxReconsumeTimes.
    int max_reconsume_times = -1;
    /// A message that the listener is at for longer is sent back, 1 s..30 days. In minutes in Java: consumeTimeout.
    milliseconds consume_timeout{15 * 60 * 1000};

    // Pulling, and how much may be held.
    std::size_t pull_batch_size  = 32;         ///< Messages asked for at once, 1..1024. Java: pullBatchSize.
    std::size_t pull_batch_bytes = 256 * 1024; ///< Bytes asked for at once. Java: pullBatchSizeInBytes.
    milliseconds pull_interval{0};             ///< Pause between two pulls of a queue, 0..65535 ms.
    std::size_t max_cached_messages = 1000;    ///< Per queue, 1..65535. Java: pullThresholdForQueue.
    std::size_t max_cached_bytes =
        100u << 20; ///< Per queue, frames as held, not exceeded, 1 MiB..1 GiB. Java: pullThresholdSizeForQueue.
    /// For all queues, with the frames being read (and polls under way may bring more); what is held, not lengths. 1 MiB..1 TiB.
    std::size_t max_consumer_bytes = 512u << 20;
    std::int64_t max_span =
        2000; ///< Offsets between the committed and the next pulled, 1..65535. Java: consumeConcurrentlyMaxSpan.
    std::size_t max_body_size = 16u << 20; ///< Bytes of one inflated body; larger ones are refused as bad.
    std::size_t max_frame_size =
        16u << 20;         ///< Bytes of one frame, at most 32 MiB. Java: com.rocketmq.remoting.frameMaxLength.
    bool check_crc = true; ///< Compare each body with its stored checksum.

    // Popping, where a broker says so (see broker_allocation).
    std::size_t pop_batch_size     = 32; ///< Messages asked for at once, 1..32. Java: popBatchNums.
    std::size_t max_popped_messages = 96; ///< Not acknowledged, per queue, 1..65535. Java: popThresholdForQueue.
    /// How long popped messages are hidden from other members, 5 s..300 s; renewed while they are being consumed.
    milliseconds pop_invisible_time{60000};

    // Times.
    milliseconds connect_timeout{3000};
    milliseconds request_timeout{3000};  ///< Control requests. Java: mqClientApiTimeout.
    milliseconds suspend_timeout{15000}; ///< How long a broker holds a pull that finds nothing.
    milliseconds pull_timeout{30000};    ///< Longer than a held pull by more than 5 s: brokers look every 5 s.
    milliseconds error_delay{
        1000}; ///< Before a queue is pulled again after an error. Java: pullTimeDelayMillsWhenException.
    milliseconds route_poll_interval{30000}; ///< Java: pollNameServerInterval.
    milliseconds lookup_interval{120000};    ///< How often `name_server_url` is asked; more often while it has not answered.
    milliseconds heartbeat_interval{30000};  ///< Java: heartbeatBrokerInterval. Brokers forget a member after 120 s.
    milliseconds commit_interval{5000};      ///< Java: persistConsumerOffsetInterval.
    milliseconds rebalance_interval{20000};
    /// Before a queue that another living member may still hold is read. That member shares out once a second at most, then
    /// ends its listener calls and commits; a shorter delay reads some messages twice.
    milliseconds takeover_delay{1500};
    milliseconds send_back_timeout{5000};

    // Consuming in order.
    milliseconds suspend_interval{1000};     ///< Before a queue's failed messages come again, 10..30000 ms. Java:
                                             ///< suspendCurrentQueueTimeMillis.
    milliseconds turn_limit{60000};          ///< Then other queues come first. Java: maxTimeConsumeContinuously.
    milliseconds lock_renew_interval{20000}; ///< Of locks at brokers, which are trusted for 30 s, up to 29 s. Java: 20 s.
    milliseconds lock_retry_interval{500};   ///< Before a queue that another member has locked is asked for again.

    // The end.
    milliseconds stop_timeout{10000}; ///< How long stop() waits for running listener calls.
};

inline constexpr std::size_t max_namespace_v2_length = 255; ///< Bytes.

/// The namespace (of the first kind) of a consumer with these options; empty: none.
inline std::string_view namespace_of(const options& given) noexcept {
    return given.namespace_v1.empty() ? namespace_of_address(given.name_servers) : given.namespace_v1;
}

/// Why options are refused: the code, and a sentence that names the member, its value and what would do.
struct option_problem {
    std::error_code code; ///< False: nothing is wrong.
    std::string text;

    explicit operator bool() const noexcept { return static_cast<bool>(code); }
};

namespace detail {

inline option_problem out_of_range(std::string_view member, std::int64_t value, std::int64_t least, std::int64_t most) {
    return {error::invalid_option, std::string(member) + " is " + std::to_string(value) + "; it must be from " +
                                       std::to_string(least) + " to " + std::to_string(most)};
}

} // namespace detail

/// What is wrong with where `given` finds the name servers.
inline option_problem check_name_servers(const options& given) {
    const auto& url = given.name_server_url;
    if (given.name_servers.empty() && url.empty())
        return {error::invalid_name_server,
                "name_servers is empty; give host:port, several separated by ';', or name_server_url"};
    if (!given.name_servers.empty() && !url.empty())
        return {error::invalid_name_server, "name_servers \"" + given.name_servers + "\" and name_server_url \"" + url +
                                                "\" are both given; only one can say where the name servers are"};
    if (url.empty()) {
        if (const auto servers = parse_name_servers(given.name_servers); !servers)
            return {servers.error(),
                    "name_servers \"" + given.name_servers + "\" is not a list of host:port separated by ';'"};
        return {};
    }
    if (const auto parsed = parse_http_url(url); !parsed)
        return {parsed.error(), "name_server_url \"" + url +
                                    (parsed.error() == error::unsupported_feature
                                         ? "\" cannot be asked: look-ups are over http:// only"
                                         : "\" is not http://host[:port]/path")};
    if (!detail::is_url_text(given.unit_name) || given.unit_name.find('?') != std::string::npos)
        return {error::invalid_option,
                "unit_name \"" + given.unit_name + "\" has characters that name_server_url cannot be asked with"};
    return {};
}

/**
 * @brief The first thing that is wrong with `given`, in the order of the Java client's checks; none: a false problem.
 *
 * @retval error::invalid_group, error::invalid_name_server, error::invalid_option, error::unsupported_feature
 */
inline option_problem check(const options& given) {
    if (const auto& name = given.namespace_v1;
        !name.empty() && (!detail::has_name_characters(name) || name.find('%') != std::string::npos))
        return {error::invalid_option,
                "namespace_v1 \"" + name + "\" is not valid: a namespace has characters of a-z A-Z 0-9 _ - |"};
    if (given.namespace_v2.size() > max_namespace_v2_length)
        return {error::invalid_option, "namespace_v2 is longer than " + std::to_string(max_namespace_v2_length)};
    // The group alone too: with a namespace an empty or a reserved one would pass.
    if (const auto code = check_group(given.group))
        return {code, "group \"" + given.group + "\" " + describe_name_rule(name_kind::group)};
    if (const auto group = with_namespace(namespace_of(given), given.group); const auto code = check_group(group))
        return {code, "group \"" + group + "\", with its namespace, " + describe_name_rule(name_kind::group)};
    if (auto problem = check_name_servers(given))
        return problem;
    if (given.from == consume_from::timestamp && given.from_time == std::chrono::system_clock::time_point())
        return {error::invalid_option, "from is timestamp, so from_time must be set"};

    struct range {
        std::string_view member;
        std::int64_t value, least, most;
    };
    constexpr std::int64_t mebi = 1 << 20, day = 24 * 3600 * 1000;
    const auto number    = [](auto value) { return static_cast<std::int64_t>(value); };
    const range ranges[] = {
        {"consume_threads", number(given.consume_threads), 1, 1000},
        {"max_span", given.max_span, 1, 65535},
        {"max_cached_messages", number(given.max_cached_messages), 1, 65535},
        {"max_cached_bytes", number(given.max_cached_bytes), mebi, 1024 * mebi},
        {"max_consumer_bytes", number(given.max_consumer_bytes), mebi, mebi * mebi},
        {"pull_interval (ms)", given.pull_interval.count(), 0, 65535},
        {"consume_batch_size", number(given.consume_batch_size), 1, 1024},
        {"pull_batch_size", number(given.pull_batch_size), 1, 1024},
        {"pop_batch_size", number(given.pop_batch_size), 1, 32},
        {"max_popped_messages", number(given.max_popped_messages), 1, 65535},
        {"pop_invisible_time (ms)", given.pop_invisible_time.count(), 5000, 300000},
        {"pull_batch_bytes", number(given.pull_batch_bytes), 1, 16 * mebi},
        {"max_reconsume_times", given.max_reconsume_times, -1, 2147483647},
        {"consume_timeout (ms)", given.consume_timeout.count(), 1000, 30 * day},
        {"max_body_size", number(given.max_body_size), 1, 1024 * mebi},
        {"max_frame_size", number(given.max_frame_size), 4096, 32 * mebi},
        {"connect_timeout (ms)", given.connect_timeout.count(), 1, day},
        {"request_timeout (ms)", given.request_timeout.count(), 1, day},
        {"suspend_timeout (ms)", given.suspend_timeout.count(), 1, day},
        {"pull_timeout (ms)", given.pull_timeout.count(), given.suspend_timeout.count() + 5001, 2 * day},
        {"error_delay (ms)", given.error_delay.count(), 1, day},
        {"route_poll_interval (ms)", given.route_poll_interval.count(), 10, day},
        {"lookup_interval (ms)", given.lookup_interval.count(), 1000, day},
        {"heartbeat_interval (ms)", given.heartbeat_interval.count(), 10, 110000},
        {"commit_interval (ms)", given.commit_interval.count(), 10, day},
        {"rebalance_interval (ms)", given.rebalance_interval.count(), 10, day},
        {"takeover_delay (ms)", given.takeover_delay.count(), 0, 60000},
        {"send_back_timeout (ms)", given.send_back_timeout.count(), 1, day},
        {"suspend_interval (ms)", given.suspend_interval.count(), 10, 30000},
        {"turn_limit (ms)", given.turn_limit.count(), 1, day},
        {"lock_renew_interval (ms)", given.lock_renew_interval.count(), 10, 29000},
        {"lock_retry_interval (ms)", given.lock_retry_interval.count(), 10, 60000},
        {"stop_timeout (ms)", given.stop_timeout.count(), 0, day},
    };
    for (const auto& each : ranges)
        if (each.value < each.least || each.value > each.most)
            return detail::out_of_range(each.member, each.value, each.least, each.most);
    return {};
}

} // namespace rocketpush

#endif
// rocketpush/core/message_model.hpp
#ifndef ROCKETPUSH_CORE_MESSAGE_MODEL_HPP
#define ROCKETPUSH_CORE_MESSAGE_MODEL_HPP

#include <cstdint>

namespace rocketpush {

/**
 * @brief Who gets a message of a group.
 *
 * No option of a consumer but a property of its OffsetStore: members that share a group's queues need offsets that all of them see,
 * and members that each read every queue need offsets of their own.
 *
 * @par Source  Java `MessageModel`.
 */
enum class message_model : std::uint8_t {
    clustering,  ///< One member; what fails comes again.
    broadcasting ///< Every member; what fails is dropped, with an event.
};

} // namespace rocketpush

#endif
// rocketpush/core/message_queue.hpp
#ifndef ROCKETPUSH_CORE_MESSAGE_QUEUE_HPP
#define ROCKETPUSH_CORE_MESSAGE_QUEUE_HPP

// rocketpush/detail/java_string.hpp
#ifndef ROCKETPUSH_DETAIL_JAVA_STRING_HPP
#define ROCKETPUSH_DETAIL_JAVA_STRING_HPP

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

/**
 * Where brokers and other members of a group compare or hash strings, they do it over Java's UTF-16 code units. We hold
 * UTF-8; these give the same answers without converting.
 */
namespace rocketpush::detail {

/// One step of decoding UTF-8: the code point at the front of the text, and how many bytes it takes.
struct code_point {
    char32_t value;
    std::size_t size;
};

/// Decodes the front of `text`, which is not empty. What is not UTF-8 is U+FFFD, one byte wide, much as Java reads it.
constexpr code_point first_code_point(std::string_view text) noexcept {
    constexpr code_point replacement{0xFFFD, 1};
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto lead = byte(0);
    if (lead < 0x80)
        return {lead, 1};
    const std::size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (size == 0 || text.size() < size)
        return replacement;
    char32_t value = lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80)
            return replacement;
        value = value << 6 | (byte(i) & 0x3Fu);
    }
    const char32_t least = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return replacement;
    return {value, size};
}

/// Java's `String.hashCode`: h = 31 * h + c over UTF-16 code units, wrapping. "TagA" is 2598919.
constexpr std::int32_t java_hash(std::string_view utf8) noexcept {
    std::uint32_t hash = 0;
    while (!utf8.empty()) {
        const auto [value, size] = first_code_point(utf8);
        if (value < 0x10000) {
            hash = 31 * hash + static_cast<std::uint32_t>(value);
        } else {
            hash = 31 * hash + (0xD7C0 + static_cast<std::uint32_t>(value >> 10));
            hash = 31 * hash + (0xDC00 + static_cast<std::uint32_t>(value & 0x3FF));
        }
        utf8.remove_prefix(size);
    }
    return static_cast<std::int32_t>(hash);
}

/**
 * @brief Java's `String.compareTo` of two UTF-8 texts.
 *
 * UTF-8 sorts by code point. UTF-16 differs in one place: what is above U+FFFF begins with a surrogate, and so sorts
 * before U+E000..U+FFFF, which UTF-8 begins with 0xEE or 0xEF.
 */
constexpr std::strong_ordering java_compare(std::string_view left, std::string_view right) noexcept {
    const auto rank = [](char byte) {
        const auto value = static_cast<unsigned char>(byte);
        return value == 0xEE || value == 0xEF ? value + 0x10 : value + 0;
    };
    const auto common = std::min(left.size(), right.size());
    for (std::size_t i = 0; i < common; ++i)
        if (left[i] != right[i])
            return rank(left[i]) <=> rank(right[i]);
    return left.size() <=> right.size();
}

/// For sorting and ordered containers, as `std::sort(ids.begin(), ids.end(), java_less())`.
struct java_less {
    using is_transparent = void;
    constexpr bool operator()(std::string_view left, std::string_view right) const noexcept {
        return java_compare(left, right) < 0;
    }
};

} // namespace rocketpush::detail

#endif

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace rocketpush {

/// A place in a message queue: the first message ever stored there has 0, the next 1. Not bytes.
using queue_offset = std::int64_t;

/**
 * @brief One of a topic's queues at one broker: what members of a group share out among them.
 *
 * Sorts by topic, broker name and id as Java does. Every member of a group must sort alike, or two of them take the
 * same queue.
 *
 * @par Source  Java `MessageQueue`.
 */
struct message_queue {
    std::string topic;
    std::string broker_name;
    std::int32_t queue_id = 0;

    friend bool operator==(const message_queue&, const message_queue&) = default;
    friend std::strong_ordering operator<=>(const message_queue& left, const message_queue& right) noexcept {
        if (const auto order = detail::java_compare(left.topic, right.topic); order != 0)
            return order;
        if (const auto order = detail::java_compare(left.broker_name, right.broker_name); order != 0)
            return order;
        return left.queue_id <=> right.queue_id;
    }
};

/// `orders@broker-a:3`, for logs.
inline std::string to_string(const message_queue& queue) {
    return queue.topic + '@' + queue.broker_name + ':' + std::to_string(queue.queue_id);
}

} // namespace rocketpush

template <>
struct std::hash<rocketpush::message_queue> {
    std::size_t operator()(const rocketpush::message_queue& queue) const noexcept {
        const std::hash<std::string_view> text;
        // Queues of one topic differ in the id most of all: spread it over all bits.
        const auto id = static_cast<std::size_t>(static_cast<std::uint32_t>(queue.queue_id)) * 0x9E3779B97F4A7C15u;
        return (text(queue.topic) * 31 + text(queue.broker_name)) ^ id;
    }
};

#endif
// rocketpush/core/subscription.hpp
#ifndef ROCKETPUSH_CORE_SUBSCRIPTION_HPP
#define ROCKETPUSH_CORE_SUBSCRIPTION_HPP


#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

using detail::java_hash;

/// How a subscription's expression is read.
enum class filter_type : std::uint8_t {
    tag,  ///< `paid || refunded`, or `*` for all.
    sql92 ///< A condition over properties, evaluated by the broker alone.
};

/// The filter type's name on the wire. Java: `ExpressionType`.
constexpr std::string_view to_string(filter_type type) noexcept { return type == filter_type::tag ? "TAG" : "SQL92"; }

/// Which messages of a topic a consumer wants, as the user said it. Made by `tags`, `sql` or `all_messages`.
struct filter_expression {
    filter_type type = filter_type::tag;
    std::string text = "*";
};

/// Messages that have one of these tags: `tags("paid || refunded")`. Empty and `*` mean all messages.
inline filter_expression tags(std::string_view expression) { return {filter_type::tag, std::string(expression)}; }
/// Messages whose properties meet a condition: `sql("amount > 100 AND region = 'eu'")`.
inline filter_expression sql(std::string_view condition) { return {filter_type::sql92, std::string(condition)}; }
inline const filter_expression all_messages{};

/**
 * @brief One subscribed topic, in the form that brokers are told.
 *
 * @par Source  Java `SubscriptionData`, `FilterAPI.buildSubscriptionData`.
 */
struct subscription {
    std::string topic;
    filter_type type = filter_type::tag;
    std::string expression{};              ///< `*`, or the user's text.
    std::vector<std::string> tags{};       ///< Each once, as they came; empty for `*` and for SQL.
    std::vector<std::int32_t> tag_codes{}; ///< `java_hash` of the tags, each once.
    std::int64_t version = 0; ///< Milliseconds since 1970; a broker keeps the subscription with the largest.

    /**
     * @brief Whether a message with this tag (none: it has no tag) is wanted.
     *
     * Brokers compare only tags' hashes, so two tags with one hash come through and are told apart here. What passed a
     * SQL filter is wanted.
     */
    bool matches(std::optional<std::string_view> tag) const noexcept {
        return tags.empty() || (tag && std::ranges::find(tags, *tag) != tags.end());
    }

    friend bool operator==(const subscription&, const subscription&) = default;
};

/**
 * @param version  Milliseconds since 1970, from the Runtime's clock.
 * @retval error::invalid_topic       No topic can have this name.
 * @retval error::invalid_expression  A tag expression without a tag (`||`), or an empty SQL condition.
 */
inline result<subscription> make_subscription(std::string topic, const filter_expression& filter,
                                              std::int64_t version) {
    if (const auto code = check_topic(topic))
        return code;
    subscription made{std::move(topic), filter.type, filter.text, {}, {}, version};
    const auto text = detail::trim(filter.text);
    if (filter.type == filter_type::sql92) {
        if (text.empty())
            return error::invalid_expression;
        return made;
    }
    if (text.empty() || text == "*") {
        made.expression = "*";
        return made;
    }
    detail::for_each_part(text, "||", [&made](std::string_view tag) {
        if (std::ranges::find(made.tags, tag) != made.tags.end())
            return;
        made.tags.emplace_back(tag);
        if (const auto code = java_hash(tag); std::ranges::find(made.tag_codes, code) == made.tag_codes.end())
            made.tag_codes.push_back(code);
    });
    if (made.tags.empty())
        return error::invalid_expression;
    return made;
}

} // namespace rocketpush

#endif
// rocketpush/core/message.hpp
#ifndef ROCKETPUSH_CORE_MESSAGE_HPP
#define ROCKETPUSH_CORE_MESSAGE_HPP

// rocketpush/core/host_address.hpp
#ifndef ROCKETPUSH_CORE_HOST_ADDRESS_HPP
#define ROCKETPUSH_CORE_HOST_ADDRESS_HPP

// rocketpush/detail/byte_order.hpp
#ifndef ROCKETPUSH_DETAIL_BYTE_ORDER_HPP
#define ROCKETPUSH_DETAIL_BYTE_ORDER_HPP

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace rocketpush::detail {

template <std::integral T>
constexpr T swap_bytes(T value) noexcept {
    if constexpr (sizeof(T) == 1)
        return value;
    else if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
    else if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
    else
        return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

/// Reads a big endian integer; `from` needs no alignment, the caller has checked that the bytes are there.
template <std::integral T>
T load_big(const char* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::big ? value : swap_bytes(value);
}

/// Writes a big endian integer to `to`, which has room for it and needs no alignment.
template <std::integral T>
void store_big(char* to, T value) noexcept {
    if constexpr (std::endian::native != std::endian::big)
        value = swap_bytes(value);
    std::memcpy(to, &value, sizeof value);
}

} // namespace rocketpush::detail

#endif

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace rocketpush {

/**
 * @brief A numeric address and port as stored messages hold them: who sent one, who stored it.
 *
 * The port is 32 bits wide because it is on the wire.
 */
class host_address {
  public:
    constexpr host_address() noexcept = default; ///< 0.0.0.0:0
    constexpr host_address(const std::array<unsigned char, 4>& v4, std::int32_t port) noexcept : port_(port) {
        std::copy(v4.begin(), v4.end(), bytes_.begin());
    }
    constexpr host_address(const std::array<unsigned char, 16>& v6, std::int32_t port) noexcept
        : bytes_(v6), port_(port), v6_(true) {}

    /// @param from  4 or, for IPv6, 16 address bytes, then the port; all of them are there.
    static host_address read(const char* from, bool v6) noexcept {
        host_address address;
        address.v6_ = v6;
        std::memcpy(address.bytes_.data(), from, address.address_size());
        address.port_ = detail::load_big<std::int32_t>(from + address.address_size());
        return address;
    }

    /// Appends the bytes that `read` reads.
    void append_to(std::string& out) const {
        out.append(address_bytes());
        char port[4];
        detail::store_big(port, port_);
        out.append(port, sizeof port);
    }

    bool is_v6() const noexcept { return v6_; }
    std::int32_t port() const noexcept { return port_; }
    /// 4 or 16 bytes in network order.
    std::string_view address_bytes() const noexcept {
        return {reinterpret_cast<const char*>(bytes_.data()), address_size()};
    }

    /// `127.0.0.1:10911`, `[::1]:10911`.
    std::string to_string() const {
        std::string text;
        if (v6_) {
            text += '[';
            append_v6(text);
            text += ']';
        } else {
            for (std::size_t i = 0; i < 4; ++i) {
                text += i == 0 ? "" : ".";
                append_number(text, bytes_[i], 10);
            }
        }
        text += ':';
        append_number(text, port_, 10);
        return text;
    }

    friend bool operator==(const host_address&, const host_address&) = default;

  private:
    std::size_t address_size() const noexcept { return v6_ ? 16 : 4; }

    template <class Number>
    static void append_number(std::string& out, Number value, int base) {
        char digits[16];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
    }

    /// RFC 5952: lower case, the first longest run of two or more zero groups as `::`.
    void append_v6(std::string& out) const {
        const auto group      = [this](std::size_t i) { return bytes_[2 * i] * 256u + bytes_[2 * i + 1]; };
        std::size_t run_begin = 8, run_size = 1;
        for (std::size_t i = 0; i < 8; ++i) {
            std::size_t end = i;
            while (end < 8 && group(end) == 0)
                ++end;
            if (end - i > run_size) {
                run_begin = i;
                run_size  = end - i;
            }
        }
        for (std::size_t i = 0; i < 8;) {
            if (i == run_begin) {
                out += "::";
                i += run_size;
                continue;
            }
            if (i != 0 && i != run_begin + run_size)
                out += ':';
            append_number(out, group(i), 16);
            ++i;
        }
    }

    std::array<unsigned char, 16> bytes_{};
    std::int32_t port_ = 0;
    bool v6_           = false;
};

} // namespace rocketpush

#endif
// rocketpush/core/property_names.hpp
#ifndef ROCKETPUSH_CORE_PROPERTY_NAMES_HPP
#define ROCKETPUSH_CORE_PROPERTY_NAMES_HPP

#include <string_view>

/**
 * Names of the properties that RocketMQ itself gives a meaning.
 * @par Source  Java `MessageConst`.
 */
namespace rocketpush::property_names {

inline constexpr std::string_view tags                = "TAGS";
inline constexpr std::string_view keys                = "KEYS"; ///< Index keys, separated by a space.
inline constexpr std::string_view unique_key          = "UNIQ_KEY";
inline constexpr std::string_view wait_store          = "WAIT";
inline constexpr std::string_view delay_level         = "DELAY";
inline constexpr std::string_view retry_topic         = "RETRY_TOPIC"; ///< Topic of a message before its first retry.
inline constexpr std::string_view origin_message_id   = "ORIGIN_MESSAGE_ID"; ///< Offset id of the first copy.
inline constexpr std::string_view reconsume_time      = "RECONSUME_TIME";
inline constexpr std::string_view max_reconsume_times = "MAX_RECONSUME_TIMES";
inline constexpr std::string_view real_topic          = "REAL_TOPIC"; ///< Where a parked message goes later.
inline constexpr std::string_view real_queue_id       = "REAL_QID";
inline constexpr std::string_view cluster             = "CLUSTER";
inline constexpr std::string_view region              = "MSG_REGION";
inline constexpr std::string_view trace_on            = "TRACE_ON";
inline constexpr std::string_view transaction_message = "TRAN_MSG";
inline constexpr std::string_view inner_count         = "INNER_NUM";
inline constexpr std::string_view inner_base          = "INNER_BASE";
inline constexpr std::string_view pop_receipt    = "POP_CK"; ///< A receipt handle; see `protocol/receipt_handle.hpp`.
inline constexpr std::string_view first_pop_time = "1ST_POP_TIME"; ///< ms since 1970, the broker's clock.
inline constexpr std::string_view origin_group   = "ORIGIN_GROUP"; ///< The group that a POP retry belongs to.
inline constexpr std::string_view min_offset     = "MIN_OFFSET";   ///< Java adds it after a pull; here an accessor.
inline constexpr std::string_view max_offset     = "MAX_OFFSET";

} // namespace rocketpush::property_names

#endif
// rocketpush/core/sys_flags.hpp
#ifndef ROCKETPUSH_CORE_SYS_FLAGS_HPP
#define ROCKETPUSH_CORE_SYS_FLAGS_HPP

#include <cstdint>

/**
 * The bits of `message_view::sys_flag()`.
 * @par Source  Java `MessageSysFlag`.
 */
namespace rocketpush::sys_flags {

inline constexpr std::uint32_t compressed           = 0x1; ///< The body is compressed; cleared once it is inflated.
inline constexpr std::uint32_t multi_tags           = 0x2;
inline constexpr std::uint32_t transaction_mask     = 0xC;
inline constexpr std::uint32_t transaction_prepared = 0x4;
inline constexpr std::uint32_t transaction_commit   = 0x8;
inline constexpr std::uint32_t transaction_rollback = 0xC;
inline constexpr std::uint32_t born_host_v6         = 0x10;
inline constexpr std::uint32_t store_host_v6        = 0x20;
inline constexpr std::uint32_t needs_unwrap         = 0x40; ///< With `inner_batch`: several messages stored as one.
inline constexpr std::uint32_t inner_batch          = 0x80;
inline constexpr std::uint32_t compression_mask     = 0x700;
inline constexpr std::uint32_t compression_lz4      = 0x100;
inline constexpr std::uint32_t compression_zstd     = 0x200;
inline constexpr std::uint32_t compression_zlib     = 0x300; ///< Old clients leave the type 0 and mean zlib.

} // namespace rocketpush::sys_flags

#endif
// rocketpush/detail/hex.hpp
#ifndef ROCKETPUSH_DETAIL_HEX_HPP
#define ROCKETPUSH_DETAIL_HEX_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace rocketpush::detail {

/// Appends two upper-case digits a byte, as RocketMQ writes its ids.
inline void append_hex(std::string& out, std::string_view bytes) {
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        out.push_back(digits[value >> 4]);
        out.push_back(digits[value & 0xF]);
    }
}

/// The value of one digit of either case, or -1.
constexpr int hex_digit(char digit) noexcept {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

/// Writes `text.size() / 2` bytes to `to`. False when a character is no digit or one is left over.
inline bool parse_hex(std::string_view text, char* to) noexcept {
    if (text.size() % 2 != 0)
        return false;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low  = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *to++ = static_cast<char>(high * 16 + low);
    }
    return true;
}

} // namespace rocketpush::detail

#endif
// rocketpush/detail/message_layout.hpp
#ifndef ROCKETPUSH_DETAIL_MESSAGE_LAYOUT_HPP
#define ROCKETPUSH_DETAIL_MESSAGE_LAYOUT_HPP


#include <cstddef>
#include <cstdint>

/**
 * Where the fields of a stored message lie, in bytes from its start.
 * @par Source  Java `MessageDecoder.decode`; big endian throughout.
 */
namespace rocketpush::detail::message_layout {

inline constexpr std::size_t total_size        = 0;
inline constexpr std::size_t magic             = 4;
inline constexpr std::size_t body_crc          = 8;
inline constexpr std::size_t queue_id          = 12;
inline constexpr std::size_t flag              = 16;
inline constexpr std::size_t queue_offset      = 20;
inline constexpr std::size_t commit_log_offset = 28;
inline constexpr std::size_t sys_flag          = 36;
inline constexpr std::size_t born_timestamp    = 40;
inline constexpr std::size_t born_host         = 48;

/// Magic of messages whose topic length takes one byte, and of those (5.1.0 and later) where it takes two.
inline constexpr std::uint32_t magic_v1 = 0xDAA320A7;
inline constexpr std::uint32_t magic_v2 = 0xDAA320AB;

/// Size of a v1 message with IPv4 hosts and nothing in it.
inline constexpr std::size_t smallest = 91;

// Behind the born host every place depends on how long the hosts are: 8 bytes, or 20 for IPv6.
constexpr std::size_t born_host_size(std::uint32_t flags) noexcept { return flags & sys_flags::born_host_v6 ? 20 : 8; }
constexpr std::size_t store_host_size(std::uint32_t flags) noexcept {
    return flags & sys_flags::store_host_v6 ? 20 : 8;
}
constexpr std::size_t store_timestamp(std::uint32_t flags) noexcept { return born_host + born_host_size(flags); }
constexpr std::size_t store_host(std::uint32_t flags) noexcept { return store_timestamp(flags) + 8; }
constexpr std::size_t reconsume_times(std::uint32_t flags) noexcept {
    return store_host(flags) + store_host_size(flags);
}
constexpr std::size_t prepared_transaction_offset(std::uint32_t flags) noexcept { return reconsume_times(flags) + 4; }
constexpr std::size_t body_size(std::uint32_t flags) noexcept { return reconsume_times(flags) + 12; }
constexpr std::size_t body(std::uint32_t flags) noexcept { return body_size(flags) + 4; }

} // namespace rocketpush::detail::message_layout

#endif
// rocketpush/detail/property_scan.hpp
#ifndef ROCKETPUSH_DETAIL_PROPERTY_SCAN_HPP
#define ROCKETPUSH_DETAIL_PROPERTY_SCAN_HPP

#include <bit>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rocketpush {

/// One property of a message; both parts are never empty.
struct message_property {
    std::string_view name;
    std::string_view value;

    friend bool operator==(const message_property&, const message_property&) = default;
};

} // namespace rocketpush

namespace rocketpush::detail {

inline constexpr char property_name_end  = '\x01';
inline constexpr char property_value_end = '\x02';

/**
 * @brief Looks at each place where a property called `name` may begin, from the last to the first.
 *
 * A place is a candidate when its first byte fits and a name's end stands where the name would end; that is tested
 * for 16 places at once where the machine can. `accept(place)` decides, and ends the search when it says true.
 */
template <class Accept>
bool search_property(std::string_view raw, std::string_view name, Accept accept) noexcept {
    if (name.empty() || raw.size() <= name.size())
        return false;
    std::size_t left = raw.size() - name.size(); // places 0 .. left-1 are still to be looked at
#if defined(__SSE2__)
    const __m128i first = _mm_set1_epi8(name.front());
    const __m128i end   = _mm_set1_epi8(property_name_end);
    while (left >= 16) {
        const char* at  = raw.data() + left - 16;
        const auto load = [](const char* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
        const __m128i both =
            _mm_and_si128(_mm_cmpeq_epi8(load(at), first), _mm_cmpeq_epi8(load(at + name.size()), end));
        auto hits = static_cast<unsigned>(_mm_movemask_epi8(both));
        while (hits != 0) {
            const auto highest = static_cast<unsigned>(std::bit_width(hits)) - 1;
            if (accept(left - 16 + highest))
                return true;
            hits &= ~(1u << highest);
        }
        left -= 16;
    }
#endif
    while (left > 0) {
        --left;
        if (raw[left] == name.front() && raw[left + name.size()] == property_name_end && accept(left))
            return true;
    }
    return false;
}

/**
 * @brief Finds one property in the stored form `name 0x01 value 0x02 ...` without parsing the others.
 *
 * An empty value is as good as none. Of two with one name the later counts: both as in Java
 * `MessageDecoder.string2messageProperties`.
 *
 * @param raw   The properties; the last 0x02 may be missing (4.9.x leaves it out).
 * @param name  Holds neither 0x01 nor 0x02.
 */
inline std::optional<std::string_view> find_property(std::string_view raw, std::string_view name) noexcept {
    std::optional<std::string_view> found;
    search_property(raw, name, [&](std::size_t place) noexcept {
        if (place != 0 && raw[place - 1] != property_value_end)
            return false;
        if (std::memcmp(raw.data() + place, name.data(), name.size()) != 0)
            return false;
        const auto rest  = raw.substr(place + name.size() + 1);
        const auto value = rest.substr(0, rest.find(property_value_end));
        if (value.empty())
            return false;
        found = value;
        return true;
    });
    return found;
}

/// The properties of one message in stored order; entries without a name or a value are passed over.
class property_range {
  public:
    class iterator {
      public:
        using value_type        = message_property;
        using difference_type   = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        using iterator_concept  = std::forward_iterator_tag;
        using reference         = message_property;
        using pointer           = const message_property*;

        iterator() = default;
        explicit iterator(std::string_view raw) noexcept : rest_(raw) { ++*this; }

        reference operator*() const noexcept { return here_; }
        pointer operator->() const noexcept { return &here_; }

        iterator& operator++() noexcept {
            while (!rest_.empty()) {
                const auto entry = rest_.substr(0, rest_.find(property_value_end));
                rest_.remove_prefix(entry.size() < rest_.size() ? entry.size() + 1 : entry.size());
                const auto split = entry.find(property_name_end);
                if (split == entry.npos || split == 0 || split + 1 == entry.size())
                    continue;
                here_ = {entry.substr(0, split), entry.substr(split + 1)};
                return *this;
            }
            here_ = {};
            return *this;
        }
        iterator operator++(int) noexcept {
            auto before = *this;
            ++*this;
            return before;
        }

        friend bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.here_.name.data() == b.here_.name.data();
        }
        friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return at.here_.name.empty(); }

      private:
        std::string_view rest_;
        message_property here_;
    };

    property_range() = default;
    explicit property_range(std::string_view raw) noexcept : raw_(raw) {}

    iterator begin() const noexcept { return iterator(raw_); }
    std::default_sentinel_t end() const noexcept { return {}; }

  private:
    std::string_view raw_;
};

} // namespace rocketpush::detail

#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/// A point of the system clock in milliseconds, as RocketMQ writes times.
using message_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

namespace detail {

/// What the messages of one pulled batch have in common.
struct message_origin {
    const message_queue* queue   = nullptr;
    std::string_view retry_topic = {}; ///< `%RETRY%` + the consumer's group; empty when it has none.
    std::int64_t min_offset      = -1; ///< Of the queue, from the response that brought the batch.
    std::int64_t max_offset      = -1;
    std::string_view name_space  = {}; ///< `NS%`, what users do not see of topics; mostly empty.
};

/**
 * @brief Where the fields of one message lie: what the decoder finds, and all that is kept for a message.
 *
 * One cache line. What is seldom asked for is read from `record` on demand.
 */
struct message_fields {
    message_fields() noexcept {} // leaves all of it to the decoder, which makes many and fills them once

    const char* record; ///< Of a message out of an inner batch: the record of the whole batch.
    const message_origin* origin;
    const char* body;
    const char* properties;
    const char* topic;
    std::int64_t queue_offset;
    std::uint32_t body_size; ///< Bytes, inflated.
    std::uint16_t properties_size;
    std::uint16_t topic_size;
    std::int32_t reconsume_times;
    std::uint32_t sys_flag; ///< `compressed` is cleared when `body` is inflated.

    /// Whether this is one message out of an inner batch. (A compressed batch was not unwrapped.)
    bool is_inner() const noexcept {
        constexpr auto batch = sys_flags::inner_batch | sys_flags::needs_unwrap;
        return (sys_flag & (batch | sys_flags::compressed)) == batch;
    }
};

/// Bytes in front of an inner message's body that belong to it: its flag and body size (wire form of a batch).
inline constexpr std::size_t inner_body_prefix = 8;

} // namespace detail

/**
 * @brief One consumed message: a view into the frame it came in.
 *
 * Cheap to copy. Valid while the listener call (or awaitable) that it was given to lasts; keep a `message` of it
 * for longer. Fields are read from the frame when asked for; a property is found anew by each call.
 *
 * @par Source  Java `MessageExt`.
 */
class message_view {
  public:
    /// @param fields  Stays where it is for as long as the view is used.
    explicit message_view(const detail::message_fields& fields) noexcept : fields_(&fields) {}

    /**
     * @brief The topic that the producer sent to.
     *
     * A retried message is stored under the group's retry topic; its first topic is given here. Without the namespace,
     * unless that stands behind a prefix (`%DLQ%ns%billing`). Java `DefaultMQPushConsumerImpl.resetRetryAndNamespace`.
     */
    std::string_view topic() const noexcept {
        const auto whole      = full_topic();
        const auto name_space = fields_->origin->name_space;
        return whole.starts_with(name_space) ? whole.substr(name_space.size()) : whole;
    }

    /// The topic that the producer sent to, as the broker knows it: with its namespace.
    std::string_view full_topic() const noexcept {
        const auto stored = stored_topic();
        const auto retry  = fields_->origin->retry_topic;
        if (retry.empty() || !stored.starts_with(retry))
            return stored;
        if (stored.size() == retry.size())
            return property(property_names::retry_topic).value_or(stored);
        // Retry topics of POP consumers: group_topic, or group+topic where the broker names them so.
        const auto rest = stored.substr(retry.size());
        return rest.size() > 1 && (rest.front() == '_' || rest.front() == '+') ? rest.substr(1) : stored;
    }

    /// The topic that it is stored under: that of its queue, which may be a retry topic.
    std::string_view stored_topic() const noexcept { return {fields_->topic, fields_->topic_size}; }

    std::string_view body() const noexcept { return {fields_->body, fields_->body_size}; }

    std::optional<std::string_view> tags() const noexcept { return property(property_names::tags); }
    /// Index keys, separated by a space.
    std::optional<std::string_view> keys() const noexcept { return property(property_names::keys); }

    /// The value of a property; an empty one counts as absent, as in Java.
    std::optional<std::string_view> property(std::string_view name) const noexcept {
        return detail::find_property(raw_properties(), name);
    }

    /// All properties in stored order: `for (auto [name, value] : m.properties())`.
    detail::property_range properties() const noexcept { return detail::property_range(raw_properties()); }

    /// The properties as stored: `name 0x01 value 0x02`, repeated.
    std::string_view raw_properties() const noexcept { return {fields_->properties, fields_->properties_size}; }

    /// The queue as it was asked for messages: of one that was popped from all queues of a broker its id is -1.
    const message_queue& queue() const noexcept { return *fields_->origin->queue; }
    std::string_view broker_name() const noexcept { return queue().broker_name; }
    std::int32_t queue_id() const noexcept {
        const auto asked = queue().queue_id;
        return asked >= 0 ? asked : load<std::int32_t>(detail::message_layout::queue_id);
    }
    std::int64_t queue_offset() const noexcept { return fields_->queue_offset; }
    /// Place in the broker's commit log. Messages of one inner batch share it.
    std::int64_t commit_log_offset() const noexcept {
        return load<std::int64_t>(detail::message_layout::commit_log_offset);
    }

    /// Smallest offset of the queue when this message was pulled; -1 when the broker did not say.
    std::int64_t min_offset() const noexcept { return fields_->origin->min_offset; }
    /// Offset behind the queue's last message when this one was pulled; -1 when the broker did not say.
    std::int64_t max_offset() const noexcept { return fields_->origin->max_offset; }

    /// When the producer sent it, by the producer's clock.
    message_time born_timestamp() const noexcept { return time_at(detail::message_layout::born_timestamp); }
    /// When the broker stored it, by the broker's clock.
    message_time store_timestamp() const noexcept {
        return time_at(detail::message_layout::store_timestamp(fields_->sys_flag));
    }
    host_address born_host() const noexcept {
        return host_address::read(fields_->record + detail::message_layout::born_host,
                                  (fields_->sys_flag & sys_flags::born_host_v6) != 0);
    }
    host_address store_host() const noexcept {
        return host_address::read(fields_->record + detail::message_layout::store_host(fields_->sys_flag),
                                  (fields_->sys_flag & sys_flags::store_host_v6) != 0);
    }

    /// The producer's own 32 bits; RocketMQ gives them no meaning.
    std::int32_t flag() const noexcept {
        return fields_->is_inner() ? detail::load_big<std::int32_t>(fields_->body - detail::inner_body_prefix)
                                   : load<std::int32_t>(detail::message_layout::flag);
    }
    /// Bits of `rocketpush::sys_flags`.
    std::uint32_t sys_flag() const noexcept { return fields_->sys_flag; }
    /// How often it was consumed in vain before.
    std::int32_t reconsume_times() const noexcept { return fields_->reconsume_times; }
    /// CRC-32 of the body as stored (compressed, or a whole inner batch) with the sign bit cleared.
    std::uint32_t body_crc() const noexcept { return load<std::uint32_t>(detail::message_layout::body_crc); }

    /// Java's `msgId`: the producer's unique key, or where there is none the offset message id.
    std::string message_id() const {
        const auto unique = property(property_names::unique_key);
        return unique ? std::string(*unique) : offset_message_id();
    }

    /// Java's `offsetMsgId`: store host and commit log offset in upper-case hex, 32 or (IPv6) 56 characters.
    std::string offset_message_id() const {
        namespace layout = detail::message_layout;
        const auto flags = fields_->sys_flag;
        std::string id;
        id.reserve(2 * (layout::store_host_size(flags) + 8));
        detail::append_hex(id, {fields_->record + layout::store_host(flags), layout::store_host_size(flags)});
        detail::append_hex(id, {fields_->record + layout::commit_log_offset, 8});
        return id;
    }

    /// `offset_message_id` of the copy that was stored first: of a retry or dead letter not its own.
    std::string original_message_id() const {
        const auto first = property(property_names::origin_message_id);
        return first ? std::string(*first) : offset_message_id();
    }

    /// For the library's own use.
    const detail::message_fields& fields() const noexcept { return *fields_; }

  private:
    template <class Integer>
    Integer load(std::size_t place) const noexcept {
        return detail::load_big<Integer>(fields_->record + place);
    }
    message_time time_at(std::size_t place) const noexcept {
        return message_time(std::chrono::milliseconds(load<std::int64_t>(place)));
    }

    const detail::message_fields* fields_;
};

/**
 * @brief An owning copy of a message, for those who keep it longer than the listener call.
 *
 * Read it as a pointer to a view: `kept->body()`. Its bytes are one allocation. Moving keeps views of it valid.
 */
class message {
  public:
    explicit message(message_view original) : storage_(copy_of(original)) {}
    message(const message& other) : message(other.view()) {}
    message(message&&) noexcept = default;
    message& operator=(const message& other) { return *this = message(other); }
    message& operator=(message&&) noexcept = default;
    ~message()                             = default;

    message_view view() const noexcept {
        ROCKETPUSH_ASSERT(storage_, "a message is not used after it was moved from");
        return storage_->view;
    }
    operator message_view() const noexcept { return view(); }
    message_view operator*() const noexcept { return view(); }
    const message_view* operator->() const noexcept {
        ROCKETPUSH_ASSERT(storage_, "a message is not used after it was moved from");
        return &storage_->view;
    }

  private:
    /// The bytes follow it in memory.
    struct storage {
        explicit storage(const message_queue& from) : queue(from) {}

        message_queue queue;
        detail::message_origin origin{};
        detail::message_fields fields{};
        message_view view{fields};
    };
    struct deleter {
        void operator()(storage* owned) const noexcept {
            owned->~storage();
            ::operator delete(owned);
        }
    };
    using owner = std::unique_ptr<storage, deleter>;

    static owner copy_of(message_view original) {
        const auto& from       = original.fields();
        const auto header_size = detail::message_layout::body(from.sys_flag);
        const auto prefix      = from.is_inner() ? detail::inner_body_prefix : 0;
        const auto retry_topic = from.origin->retry_topic;
        const auto name_space  = from.origin->name_space;
        const auto size        = header_size + prefix + original.body().size() + original.raw_properties().size() +
                          original.stored_topic().size() + retry_topic.size() + name_space.size();

        void* memory = ::operator new(sizeof(storage) + size);
        owner copy;
        try {
            copy.reset(::new (memory) storage(original.queue()));
        } catch (...) {
            ::operator delete(memory);
            throw;
        }
        char* at        = reinterpret_cast<char*>(copy.get() + 1);
        const auto keep = [&at](const char* bytes, std::size_t count) {
            if (count != 0)
                std::memcpy(at, bytes, count);
            return std::exchange(at, at + count);
        };
        auto& fields      = copy->fields;
        fields            = from;
        fields.origin     = &copy->origin;
        fields.record     = keep(from.record, header_size);
        fields.body       = keep(from.body - prefix, prefix + from.body_size) + prefix;
        fields.properties = keep(from.properties, from.properties_size);
        fields.topic      = keep(from.topic, from.topic_size);
        copy->origin      = {&copy->queue,
                             {keep(retry_topic.data(), retry_topic.size()), retry_topic.size()},
                             from.origin->min_offset,
                             from.origin->max_offset,
                             {keep(name_space.data(), name_space.size()), name_space.size()}};
        return copy;
    }

    owner storage_;
};

} // namespace rocketpush

#endif
// rocketpush/core/consume_result.hpp
#ifndef ROCKETPUSH_CORE_CONSUME_RESULT_HPP
#define ROCKETPUSH_CORE_CONSUME_RESULT_HPP


#include <cstddef>
#include <cstdint>
#include <limits>

namespace rocketpush {

/// What a listener says of the messages it got. @par Source Java `ConsumeConcurrentlyStatus`.
enum class consume_result : std::uint8_t {
    success,        ///< Consumed; the offset may pass them.
    reconsume_later ///< Failed; they go back to the broker and come again after a delay.
};

/**
 * @brief What a listener call is told besides the messages, and what it may say besides its result.
 * @par Source  Java `ConsumeConcurrentlyContext`.
 */
struct consume_context {
    static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

    /// The queue as it was pulled: for a message that comes again, the group's retry topic.
    const message_queue& queue;

    /// For `reconsume_later`: 0 lets the broker choose (10 s, 30 s, 1 min ...), n > 0 is the broker's level n,
    /// -1 goes to the dead letter queue at once. Java: delayLevelWhenNextConsume. Where messages are popped n > 0 is counted
    /// otherwise: see pop_retry_delay.
    int delay_level = 0;

    /// With `success`: how many messages of the batch, from the first, were consumed; the others come again.
    /// Java: ackIndex, which is one less.
    std::size_t succeeded = all;
};

} // namespace rocketpush

#endif

// runtime: executor, time and chance; transport: bytes; executor: threads; allocation: whose queue
// rocketpush/runtime/asio_runtime.hpp
#ifndef ROCKETPUSH_RUNTIME_ASIO_RUNTIME_HPP
#define ROCKETPUSH_RUNTIME_ASIO_RUNTIME_HPP

// rocketpush/detail/asio_compat.hpp
#ifndef ROCKETPUSH_DETAIL_ASIO_COMPAT_HPP
#define ROCKETPUSH_DETAIL_ASIO_COMPAT_HPP

#include <asio/version.hpp>

// Asio 1.22 looks for coroutines of clang only in <experimental/coroutine>. Standard ones work as well, but it has
// to be told before its first header.
#if defined(__clang__) && ASIO_VERSION < 102400 && __has_include(<coroutine>)
#if defined(ASIO_AWAITABLE_HPP) && !defined(ASIO_HAS_CO_AWAIT)
#error                                                                                                                 \
    "with clang and Asio 1.22, include rocketpush before Asio, or define ASIO_HAS_CO_AWAIT and ASIO_HAS_STD_COROUTINE"
#endif
#ifndef ASIO_HAS_CO_AWAIT
#define ASIO_HAS_CO_AWAIT 1
#endif
#ifndef ASIO_HAS_STD_COROUTINE
#define ASIO_HAS_STD_COROUTINE 1
#endif
#endif

// Asio does not see by itself that there is no typeid.
#if !defined(__cpp_rtti) && !defined(ASIO_NO_TYPEID)
#define ASIO_NO_TYPEID 1
#endif

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/compose.hpp>
#include <asio/detached.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/wait_traits.hpp>

#if ASIO_VERSION < 102201
#error "rocketpush needs Asio 1.22.1 or newer"
#endif

#if __has_include(<asio/as_tuple.hpp>)
#include <asio/as_tuple.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#endif

#include <chrono>
#include <concepts>
#include <utility>

/*
 * Every difference between Asio 1.22 (Debian 12) and today's stands in this header; no other looks at Asio's
 * version. Asio's names that are equal in both are used as they are.
 */
namespace rocketpush::detail {

#if __has_include(<asio/as_tuple.hpp>)
template <class Token>
using as_tuple_t = asio::as_tuple_t<Token>;
#else
template <class Token>
using as_tuple_t = asio::experimental::as_tuple_t<Token>; // became asio::as_tuple_t in 1.24
#endif

/// A coroutine on `Executor`: Asio's own default is any_io_executor, whose calls are indirect.
template <class T, class Executor>
using awaitable = asio::awaitable<T, Executor>;

/**
 * @brief Awaits an operation of `Executor`'s coroutine and never throws what the operation reports:
 *        `auto [ec, n] = co_await stream.async_read_some(buffer, await_tuple<Executor>);`
 *
 * A wait has one result: `auto [ec] = co_await timer.async_wait(await_tuple<Executor>);`
 *
 * Mind g++ 12: it destroys an aggregate twice that is made by braces inside of an awaited expression
 * (`co_await f(endpoint{host, port})`). Give it a name first.
 */
template <class Executor>
inline constexpr as_tuple_t<asio::use_awaitable_t<Executor>> await_tuple{asio::use_awaitable_t<Executor>{}};

/// Asio's timer on `Executor`, without any_io_executor; an instance belongs to one strand.
template <class Executor>
using steady_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// The newer and the older executor model of Asio; both satisfy it.
template <class T>
concept asio_executor_type = asio::execution::is_executor<T>::value || asio::is_executor<T>::value;

/// Asio does not ask executors to know this; io_context's, its strands and its pools do.
template <class Executor>
concept knows_its_threads = requires(const Executor& executor) {
    { executor.running_in_this_thread() } -> std::convertible_to<bool>;
};

/**
 * @brief A completion token that begins nothing: concepts call operations with it to see that they take any token. No operation
 *        is compiled for it, so that asking costs next to nothing.
 */
struct probe_token {};

} // namespace rocketpush::detail

template <class Result, class... Results>
class asio::async_result<rocketpush::detail::probe_token, Result(Results...)> {
  public:
    using return_type = void;

    template <class Initiation, class... Arguments>
    static void initiate(Initiation&&, const rocketpush::detail::probe_token&, Arguments&&...) noexcept {}
};

#endif
// rocketpush/detail/context_thread.hpp
#ifndef ROCKETPUSH_DETAIL_CONTEXT_THREAD_HPP
#define ROCKETPUSH_DETAIL_CONTEXT_THREAD_HPP


#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace rocketpush::detail {

/// How long an idle thread may take to see that it shall leave, before it is left behind as a hung one.
inline constexpr std::chrono::milliseconds thread_leave_grace{500};

/// The most that a join waits. `milliseconds::max()` would overflow on its way to a point in time.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(24 * 365);

/**
 * @brief An io_context and the one thread that runs it, and an end that always comes.
 *
 * The thread shares the context, so it can be left behind when a handler hangs: whenever that handler returns, it finds
 * all it needs, and the thread ends by itself.
 *
 * @par Thread safety  All from any thread.
 */
class context_thread {
  public:
    context_thread() : shared_(std::make_shared<shared_state>()), work_(shared_->context.get_executor()) {}

    context_thread(const context_thread&)            = delete;
    context_thread& operator=(const context_thread&) = delete;

    /// Drops what has not run yet.
    ~context_thread() { join(std::chrono::milliseconds(0)); }

    asio::io_context& context() noexcept { return shared_->context; }

    void start() {
        const std::lock_guard lock(shared_->mutex);
        if (thread_.joinable() || !work_)
            return;
        thread_ = std::thread([shared = shared_] {
            shared->context.run();
            const std::lock_guard ending(shared->mutex);
            shared->ended = true;
            shared->changed.notify_all();
        });
    }

    /// See the law of `runtime`.
    bool join(std::chrono::milliseconds limit) {
        std::unique_lock lock(shared_->mutex);
        work_.reset();
        if (!thread_.joinable())
            return !left_behind_ || shared_->ended;
        if (thread_.get_id() == std::this_thread::get_id()) {
            leave_behind();
            return false;
        }
        const auto ended = [this] { return shared_->ended || left_behind_; };
        if (!shared_->changed.wait_for(lock, std::min(limit, longest_wait), ended)) {
            // A thread that still runs handlers is told to leave. One that hangs in one goes on when it returns: stopped then, it
            // would leave operations in the context that own the context.
            asio::post(shared_->context, [shared = shared_.get()] {
                const std::lock_guard answering(shared->mutex);
                shared->answered = true;
                shared->changed.notify_all();
            });
            shared_->changed.wait_for(lock, thread_leave_grace, [&] { return ended() || shared_->answered; });
            if (shared_->answered && !ended()) {
                shared_->context.stop();
                shared_->changed.wait_for(lock, thread_leave_grace, ended);
            }
        }
        if (!thread_.joinable()) // another caller was quicker
            return shared_->ended;
        if (!shared_->ended) {
            leave_behind();
            return false;
        }
        thread_.join(); // it needs the lock no more
        return true;
    }

  private:
    struct shared_state {
        std::mutex mutex;
        std::condition_variable changed;
        bool ended    = false;
        bool answered = false;
        asio::io_context context{1}; // last, so first to go: handlers that it drops may still look at the rest
    };

    void leave_behind() {
        left_behind_ = true;
        thread_.detach();
        shared_->changed.notify_all();
    }

    std::shared_ptr<shared_state> shared_;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_; // guarded, as are the next two
    std::thread thread_;
    bool left_behind_ = false;
};

} // namespace rocketpush::detail

#endif
// rocketpush/runtime/runtime.hpp
#ifndef ROCKETPUSH_RUNTIME_RUNTIME_HPP
#define ROCKETPUSH_RUNTIME_RUNTIME_HPP


#include <chrono>
#include <concepts>
#include <cstdint>

namespace rocketpush {

/// `R::executor_type` is an Asio executor and `get_executor()` gives it.
template <class R>
concept has_runtime_executor = detail::asio_executor_type<typename R::executor_type> && requires(const R& r) {
    { r.get_executor() } noexcept -> std::same_as<typename R::executor_type>;
};

/// `now()` for intervals and `system_now()` for the dates that cross the wire.
template <class R>
concept has_runtime_clocks = requires(const R& r) {
    { r.now() } noexcept -> std::same_as<std::chrono::steady_clock::time_point>;
    { r.system_now() } noexcept -> std::same_as<std::chrono::system_clock::time_point>;
};

/// `R::timer` is made from the runtime, and its wait takes any completion token for `void(std::error_code)`.
template <class R>
concept has_runtime_timer =
    std::constructible_from<typename R::timer, const R&> &&
    requires(typename R::timer& timer, std::chrono::steady_clock::time_point at, detail::probe_token token) {
        timer.expires_at(at);
        timer.async_wait(token);
        timer.cancel();
    };

/// `random()` gives 64 bits.
template <class R>
concept has_runtime_random = requires(const R& r) {
    { r.random() } noexcept -> std::same_as<std::uint64_t>;
};

/// Whether the runtime has a thread of its own, how it begins and ends, and whether the caller is on it.
template <class R>
concept has_runtime_thread = requires(R& r, const R& c, std::chrono::milliseconds limit) {
    { c.owns_thread() } noexcept -> std::same_as<bool>;
    { c.running_in_this_thread() } noexcept -> std::same_as<bool>;
    r.start();
    { r.join(limit) } -> std::same_as<bool>;
};

/**
 * @brief Where a consumer's strand runs, and its only source of time, timers and random numbers.
 *
 * A runtime is a handle: copies are the same runtime. Nothing else in the library reads a clock, sleeps or draws
 * a random number, so that a virtual runtime decides all three.
 *
 * Laws (`tests/support/laws/runtime.hpp` checks them):
 *  - the executor never runs two handlers at once, and never runs one inside of `asio::post`;
 *  - `now()` never goes back; handlers that wait for a time run when `now()` has reached it, never earlier;
 *  - waits of one timer or of several complete in the order of their times;
 *  - `cancel()`, a new `expires_at()` and the timer's destructor complete its waits with
 *    `asio::error::operation_aborted`, and never inside of the call;
 *  - `random()` of two calls differ, as far as chance allows, on copies too;
 *  - `start()` lets an owned thread run handlers, and does nothing without one or a second time;
 *  - `join(limit)` lets the owned thread run until nothing is left to do, and drops what still waits at `limit`:
 *    true when the thread has ended, false when a handler hangs and it was left behind, to end by itself. On that
 *    thread it returns false at once, and the thread ends when nothing is left to do. Without an owned thread it
 *    returns true and does nothing.
 *
 * `running_in_this_thread()` tells whether a blocking call here would wait for itself; a runtime that cannot
 * know answers false.
 *
 * @par Thread safety  All but the timers from any thread; a timer on the executor only.
 * @par Default        asio_runtime
 */
template <class R>
concept runtime = std::copy_constructible<R> && has_runtime_executor<R> && has_runtime_clocks<R> &&
                  has_runtime_timer<R> && has_runtime_random<R> && has_runtime_thread<R>;

} // namespace rocketpush

#endif

#include <unistd.h> // getentropy
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief Real time on Asio: a thread of its own, or the executor that it is given.
 *
 * The executor must not run two handlers at once: that of an io_context which one thread runs, or a strand.
 *
 * @tparam Executor  `asio::io_context::executor_type` (asio_runtime), `asio::strand<...>` (strand_runtime), ...
 * @par Thread safety  All from any thread; a timer on the executor only.
 */
template <class Executor>
class basic_asio_runtime {
  public:
    using executor_type = Executor;

    /// Asio's timer on this executor. Neither copied nor moved.
    class timer : public detail::steady_timer<Executor> {
      public:
        explicit timer(const basic_asio_runtime& runtime) : detail::steady_timer<Executor>(runtime.get_executor()) {}
    };

    /// With a thread of its own, which start() begins.
    basic_asio_runtime()
        requires std::constructible_from<Executor, asio::io_context::executor_type>
        : state_(std::make_shared<state>()) {}

    /// On the caller's executor, whose context has to outlive all copies.
    explicit basic_asio_runtime(const Executor& executor) : state_(std::make_shared<state>(executor)) {}

    /// On a strand of its own, for contexts that several threads run.
    template <class Inner>
        requires(!std::same_as<Inner, Executor> && !std::same_as<Inner, basic_asio_runtime> &&
                 detail::asio_executor_type<Inner> && std::constructible_from<Executor, const Inner&>)
    explicit basic_asio_runtime(const Inner& inner) : basic_asio_runtime(Executor(inner)) {}

    executor_type get_executor() const noexcept { return state_->executor; }

    std::chrono::steady_clock::time_point now() const noexcept { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point system_now() const noexcept { return std::chrono::system_clock::now(); }

    /// Not for secrets: jitter, ids, choices.
    std::uint64_t random() const noexcept {
        // splitmix64 (Steele, Lea, Flood 2014): a counter and a mix of its bits, so that threads need no lock.
        auto bits = state_->seed.fetch_add(0x9E3779B97F4A7C15, std::memory_order_relaxed);
        bits      = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits      = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }

    bool owns_thread() const noexcept { return state_->thread.has_value(); }

    /// False also where the executor does not know.
    bool running_in_this_thread() const noexcept {
        if constexpr (detail::knows_its_threads<Executor>)
            return state_->executor.running_in_this_thread();
        else
            return false;
    }

    void start() {
        if (state_->thread)
            state_->thread->start();
    }

    bool join(std::chrono::milliseconds limit) { return !state_->thread || state_->thread->join(limit); }

  private:
    struct state {
        state()
            requires std::constructible_from<Executor, asio::io_context::executor_type>
            : thread(std::in_place), executor(thread->context().get_executor()) {}
        explicit state(const Executor& given) : executor(given) {}

        std::optional<detail::context_thread> thread;
        Executor executor;
        std::atomic<std::uint64_t> seed = new_seed();
    };

    static std::uint64_t new_seed() {
        std::uint64_t seed = 0;
        if (::getentropy(&seed, sizeof seed) != 0) // not std::random_device: <random> is slow to compile
            seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
        return seed;
    }

    std::shared_ptr<state> state_;
};

template <class Executor>
    requires detail::asio_executor_type<Executor>
basic_asio_runtime(Executor) -> basic_asio_runtime<Executor>;

/// The default: an io_context of its own with one thread, or one that the user runs in one thread.
using asio_runtime = basic_asio_runtime<asio::io_context::executor_type>;

/// A strand on an io_context that several threads run: `strand_runtime{context.get_executor()}`.
using strand_runtime = basic_asio_runtime<asio::strand<asio::io_context::executor_type>>;

static_assert(runtime<asio_runtime>);
static_assert(runtime<strand_runtime>);

} // namespace rocketpush

#endif
// rocketpush/transport/tcp_transport.hpp
#ifndef ROCKETPUSH_TRANSPORT_TCP_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_TCP_TRANSPORT_HPP

// rocketpush/transport/transport.hpp
#ifndef ROCKETPUSH_TRANSPORT_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_TRANSPORT_HPP


#include <asio/buffer.hpp>

#include <concepts>

namespace rocketpush {

namespace detail {
/// The executor that transport concepts are tested with; policies take any.
using probe_executor = asio::io_context::executor_type;
} // namespace detail

/// Has Asio's AsyncReadStream operation.
template <class S>
concept reads_bytes = requires(S& stream, asio::mutable_buffer buffer, detail::probe_token token) {
    stream.async_read_some(buffer, token);
};

/// Has Asio's AsyncWriteStream operation.
template <class S>
concept writes_bytes = requires(S& stream, asio::const_buffer buffer, detail::probe_token token) {
    stream.async_write_some(buffer, token);
};

/// Made from an executor and moved; ends by `cancel()` and `close()`, which do not throw.
template <class S, class Executor>
concept closable_stream = std::move_constructible<S> && std::constructible_from<S, const Executor&> &&
                          std::same_as<typename S::executor_type, Executor> && requires(S& stream) {
                              { stream.get_executor() } -> std::same_as<Executor>;
                              { stream.cancel() } noexcept;
                              { stream.close() } noexcept;
                          };

template <class S, class Executor>
concept byte_stream = closable_stream<S, Executor> && reads_bytes<S> && writes_bytes<S>;

/// Gives a stream type for each executor.
template <class T>
concept has_stream = byte_stream<typename T::template stream<detail::probe_executor>, detail::probe_executor>;

/// Connects a stream to an endpoint.
template <class T>
concept connects = requires(T& t, typename T::template stream<detail::probe_executor>& stream, const endpoint& to,
                            detail::probe_token token) { t.async_connect(stream, to, token); };

/**
 * @brief How a consumer reaches name servers and brokers: connects, and gives streams of bytes.
 *
 * `async_connect(stream, to, token)` completes with `void(std::error_code)`; the stream's own operations with
 * `void(std::error_code, std::size_t)`, as in Asio's stream requirements.
 *
 * Laws (`tests/support/laws/transport.hpp` checks them):
 *  - nothing completes inside of the call that began it;
 *  - bytes come out as they went in, in order, none twice; one read and one write may be under way together;
 *  - a read of a stream whose peer has closed gives what is left, then `asio::error::eof`, once: nobody may read on
 *    (with Asio on Linux that read would wait for ever);
 *  - a slow reader stops the writer: no unbounded buffer in between;
 *  - `cancel()` and `close()` complete reads, writes and a connect that are under way with
 *    `asio::error::operation_aborted`; after `close()` new ones fail; either may be called twice;
 *  - a connect that fails leaves a stream that may be connected again;
 *  - the endpoint and the transport need not outlive the call of `async_connect`, the stream has to live until its
 *    operations have completed.
 *
 * Nothing here has a deadline: who connects, calls `close()` at his.
 *
 * @par Thread safety  A stream on its executor only; a transport is a value, copies reach the same places.
 * @par Default        tcp_transport
 */
template <class T>
concept transport = std::copy_constructible<T> && has_stream<T> && connects<T>;

/// A stream that can name its two ends; a broker stores its clients' addresses with their messages.
template <class S>
concept names_its_ends = requires(const S& stream) {
    { stream.local_endpoint() } -> std::same_as<endpoint>;
    { stream.remote_endpoint() } -> std::same_as<endpoint>;
};

/// What `listen` gives: accepts streams until it is closed.
template <class A>
concept accepts_streams = std::move_constructible<A> && requires(A& acceptor, const A& c, detail::probe_token token) {
    acceptor.async_accept(token);
    { c.local_endpoint() } -> std::same_as<endpoint>;
    { acceptor.close() } noexcept;
};

/// Listens at an endpoint; port 0 lets the transport choose one.
template <class T>
concept listens = accepts_streams<typename T::template acceptor<detail::probe_executor>> &&
                  requires(T& t, const detail::probe_executor& executor, const endpoint& at) {
                      {
                          t.listen(executor, at)
                      } -> std::same_as<result<typename T::template acceptor<detail::probe_executor>>>;
                  };

/**
 * @brief A transport that a server can use too: the embedded broker listens with it.
 *
 * `async_accept(token)` completes with `void(std::error_code, stream<Executor>)`. `close()` completes an accept that
 * is under way with `asio::error::operation_aborted`, and later connects are refused.
 */
template <class T>
concept listening_transport =
    transport<T> && names_its_ends<typename T::template stream<detail::probe_executor>> && listens<T>;

} // namespace rocketpush

#endif

#include <asio/basic_socket_acceptor.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <netinet/tcp.h>
#endif

namespace rocketpush {

namespace detail {

inline endpoint to_endpoint(const asio::ip::tcp::endpoint& from) { return {from.address().to_string(), from.port()}; }

/// An option that the system refuses costs speed or alertness, not the connection; so its error is no failure.
template <class Socket>
void tune_socket(Socket& socket, std::chrono::milliseconds unacknowledged_limit) noexcept {
    std::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
#if defined(TCP_USER_TIMEOUT)
    if (unacknowledged_limit.count() > 0) {
        const auto limit = static_cast<unsigned>(unacknowledged_limit.count());
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
    }
#else
    (void)unacknowledged_limit;
#endif
}

template <class Executor>
class tcp_connect;

} // namespace detail

/**
 * @brief A TCP connection; what tcp_transport connects.
 * @par Thread safety  On its executor only.
 */
template <class Executor>
class tcp_stream {
  public:
    using executor_type = Executor;
    using socket_type   = asio::basic_stream_socket<asio::ip::tcp, Executor>;

    explicit tcp_stream(const Executor& executor) : socket_(executor) {}
    explicit tcp_stream(socket_type socket) : socket_(std::move(socket)) {}

    executor_type get_executor() { return socket_.get_executor(); }
    socket_type& socket() noexcept { return socket_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return socket_.async_read_some(buffers, std::forward<Token>(token));
    }

    /// A connection that the peer has closed is an error code, never SIGPIPE: Asio writes with MSG_NOSIGNAL.
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return socket_.async_write_some(buffers, std::forward<Token>(token));
    }

    void cancel() noexcept {
        std::error_code ignored; // nothing is under way on a socket that is not open
        socket_.cancel(ignored);
        cancel_connect();
    }

    void close() noexcept {
        std::error_code ignored; // whatever it says, the socket is closed
        socket_.close(ignored);
        cancel_connect();
    }

    /// Empty host and port 0 when not connected.
    endpoint local_endpoint() const {
        std::error_code failure;
        const auto local = socket_.local_endpoint(failure);
        return failure ? endpoint{} : detail::to_endpoint(local);
    }
    endpoint remote_endpoint() const {
        std::error_code failure;
        const auto remote = socket_.remote_endpoint(failure);
        return failure ? endpoint{} : detail::to_endpoint(remote);
    }

  private:
    friend class detail::tcp_connect<Executor>;

    void cancel_connect() noexcept {
        if (const auto under_way = connecting_.lock())
            under_way->cancel();
    }

    socket_type socket_;
    std::weak_ptr<detail::tcp_connect<Executor>> connecting_;
};

namespace detail {

/**
 * @brief One connect: looks the name up if it is one, then tries its addresses.
 *
 * Its steps do not know who waits, only its end does, by a plain function: so they compile once, and for one executor. Shared
 * with the resolver, whose own thread may answer long after nobody waits any more.
 */
template <class Executor>
class tcp_connect : public std::enable_shared_from_this<tcp_connect<Executor>> {
  public:
    using ending = void (*)(tcp_connect&, std::error_code);

    tcp_connect(tcp_stream<Executor>& connection, std::chrono::milliseconds unacknowledged_limit, ending end)
        : connection_(connection),
          unacknowledged_limit_(unacknowledged_limit),
          end_(end),
          resolver_(connection.get_executor()) {}

    void start(const endpoint& to) {
        connection_.connecting_ = this->weak_from_this();
        std::error_code not_numeric;
        const auto address = asio::ip::make_address(to.host, not_numeric);
        if (!not_numeric) {
            addresses_.emplace_back(address, to.port);
            return try_next();
        }
        looking_up_ = true;
        resolver_.async_resolve(to.host, std::to_string(to.port), asio::ip::resolver_base::numeric_service,
                                [self = this->shared_from_this()](std::error_code failure, const results& found) {
                                    self->looked_up(failure, found);
                                });
    }

    /// Lets the operation's own cancellation end it.
    void obey(asio::cancellation_slot slot) {
        if (slot.is_connected())
            slot.assign([weak = this->weak_from_this()](asio::cancellation_type) {
                if (const auto self = weak.lock(); self && !self->ended_)
                    self->connection_.cancel();
            });
    }

    /// What is under way on the socket, the socket cancels.
    void cancel() {
        cancelled_ = true;
        if (std::exchange(looking_up_, false)) {
            resolver_.cancel();
            finish(asio::error::operation_aborted);
        }
    }

  private:
    using results = asio::ip::basic_resolver_results<asio::ip::tcp>;

    void looked_up(std::error_code failure, const results& found) {
        if (!std::exchange(looking_up_, false)) // nobody waits any more
            return;
        if (failure)
            return finish(failure);
        for (const auto& entry : found)
            addresses_.push_back(entry.endpoint());
        try_next();
    }

    void try_next() {
        std::error_code ignored;
        auto& socket = connection_.socket_;
        socket.close(ignored); // the next address may be of another family
        socket.async_connect(addresses_[tried_++], [self = this->shared_from_this()](std::error_code failure) {
            if (self->cancelled_)
                self->finish(asio::error::operation_aborted);
            else if (failure && self->tried_ < self->addresses_.size())
                self->try_next();
            else
                self->finish(failure);
        });
    }

    void finish(std::error_code failure) {
        ended_ = true;
        connection_.connecting_.reset();
        if (!failure) {
            tune_socket(connection_.socket_, unacknowledged_limit_);
        } else {
            std::error_code ignored; // so that the stream can be connected again
            connection_.socket_.close(ignored);
        }
        end_(*this, failure);
    }

    tcp_stream<Executor>& connection_; // lives until the end
    std::chrono::milliseconds unacknowledged_limit_;
    ending end_;
    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver_;
    std::vector<asio::ip::tcp::endpoint> addresses_;
    std::size_t tried_ = 0;
    bool looking_up_   = false;
    bool cancelled_    = false;
    bool ended_        = false;
};

/// A connect with the handler that waits for it.
template <class Executor, class Handler>
class tcp_connect_for : public tcp_connect<Executor> {
  public:
    tcp_connect_for(tcp_stream<Executor>& connection, std::chrono::milliseconds unacknowledged_limit, Handler handler)
        : tcp_connect<Executor>(connection, unacknowledged_limit, complete),
          work_(asio::make_work_guard(handler, connection.get_executor())),
          handler_(std::move(handler)) {}

  private:
    static void complete(tcp_connect<Executor>& self, std::error_code failure) {
        auto& here = static_cast<tcp_connect_for&>(self);
        // Not dispatched: whoever cancels shall not find the handler run inside of his call.
        asio::post(here.work_.get_executor(),
                   [handler = std::move(here.handler_), failure]() mutable { std::move(handler)(failure); });
        here.work_.reset();
    }

    asio::executor_work_guard<asio::associated_executor_t<Handler, Executor>> work_;
    Handler handler_;
};

} // namespace detail

/**
 * @brief Accepts TCP connections; what tcp_transport's listen() gives.
 * @par Thread safety  On its executor only.
 */
template <class Executor>
class tcp_acceptor {
  public:
    using executor_type = Executor;

    tcp_acceptor(const Executor& executor, std::chrono::milliseconds unacknowledged_limit)
        : acceptor_(executor), unacknowledged_limit_(unacknowledged_limit) {}

    executor_type get_executor() { return acceptor_.get_executor(); }

    /// @param token  Completion signature `void(std::error_code, tcp_stream<Executor>)`.
    template <class Token>
    auto async_accept(Token&& token);

    endpoint local_endpoint() const {
        std::error_code failure;
        const auto local = acceptor_.local_endpoint(failure);
        return failure ? endpoint{} : detail::to_endpoint(local);
    }

    void close() noexcept {
        std::error_code ignored;
        acceptor_.close(ignored);
    }

  private:
    friend class tcp_transport;

    struct accept_operation;

    void open(const asio::ip::tcp::endpoint& at, std::error_code& failure) {
        acceptor_.open(at.protocol(), failure);
        if (!failure)
            acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
        if (!failure)
            acceptor_.bind(at, failure);
        if (!failure)
            acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    }

    asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor_;
    std::chrono::milliseconds unacknowledged_limit_;
};

/**
 * @brief Plain TCP.
 *
 * Numeric addresses skip the resolver; of a name all addresses are tried in the resolver's order.
 *
 * @par Source  Java `NettyRemotingClient`: TCP_NODELAY on, SO_KEEPALIVE off (heartbeats do its work).
 */
class tcp_transport {
  public:
    template <class Executor>
    using stream = tcp_stream<Executor>;
    template <class Executor>
    using acceptor = tcp_acceptor<Executor>;

    /**
     * @param unacknowledged_limit  How long sent bytes may stay unacknowledged before the connection counts as broken
     *                              (TCP_USER_TIMEOUT, Linux only). 0 leaves it to the system, 15 min or so.
     */
    explicit tcp_transport(std::chrono::milliseconds unacknowledged_limit = std::chrono::seconds(15)) noexcept
        : unacknowledged_limit_(unacknowledged_limit) {}

    /**
     * @brief Connects `connection`, which must not be connected and has to live until completion.
     * @param token  Completion signature `void(std::error_code)`; the code of the last address if none answered.
     * @par Cancellation  its `close()` and `cancel()`, and per operation; a look-up that hangs is left behind.
     */
    template <class Executor, class Token>
    auto async_connect(tcp_stream<Executor>& connection, const endpoint& to, Token&& token) const {
        return asio::async_initiate<Token, void(std::error_code)>(
            [connection = &connection, to, limit = unacknowledged_limit_](auto handler) {
                const auto slot    = asio::get_associated_cancellation_slot(handler);
                using operation    = detail::tcp_connect_for<Executor, decltype(handler)>;
                const auto connect = std::make_shared<operation>(*connection, limit, std::move(handler));
                connect->obey(slot);
                connect->start(to);
            },
            token);
    }

    /**
     * @param at  A numeric address, a name (looked up at once, so blocking), or empty for all of the host's addresses.
     * @return The acceptor, or the system's error.
     */
    template <class Executor>
    result<tcp_acceptor<Executor>> listen(const Executor& executor, const endpoint& at) const {
        std::error_code failure;
        const auto local = local_address(executor, at, failure);
        if (failure)
            return failure;
        tcp_acceptor<Executor> made(executor, unacknowledged_limit_);
        made.open(local, failure);
        if (failure)
            return failure;
        return made;
    }

  private:
    template <class Executor>
    friend class tcp_acceptor;

    template <class Executor>
    static asio::ip::tcp::endpoint local_address(const Executor& executor, const endpoint& at,
                                                 std::error_code& failure) {
        if (at.host.empty())
            return {asio::ip::tcp::v4(), at.port};
        const auto numeric = asio::ip::make_address(at.host, failure);
        if (!failure)
            return {numeric, at.port};
        asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(executor);
        const auto found = resolver.resolve(at.host, std::to_string(at.port), failure);
        return failure ? asio::ip::tcp::endpoint{} : found.begin()->endpoint();
    }

    std::chrono::milliseconds unacknowledged_limit_;
};

template <class Executor>
struct tcp_acceptor<Executor>::accept_operation {
    tcp_acceptor* acceptor;

    template <class Self>
    void operator()(Self& self) {
        acceptor->acceptor_.async_accept(std::move(self));
    }

    template <class Self>
    void operator()(Self& self, std::error_code failure, typename tcp_stream<Executor>::socket_type socket) {
        if (!failure)
            detail::tune_socket(socket, acceptor->unacknowledged_limit_);
        self.complete(failure, tcp_stream<Executor>(std::move(socket)));
    }
};

template <class Executor>
template <class Token>
auto tcp_acceptor<Executor>::async_accept(Token&& token) {
    return asio::async_compose<Token, void(std::error_code, tcp_stream<Executor>)>(accept_operation{this}, token,
                                                                                   acceptor_);
}

static_assert(listening_transport<tcp_transport>);

} // namespace rocketpush

#endif
// rocketpush/transport/memory_transport.hpp
#ifndef ROCKETPUSH_TRANSPORT_MEMORY_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_MEMORY_TRANSPORT_HPP

// rocketpush/transport/memory_network.hpp
#ifndef ROCKETPUSH_TRANSPORT_MEMORY_NETWORK_HPP
#define ROCKETPUSH_TRANSPORT_MEMORY_NETWORK_HPP

// rocketpush/detail/async_event.hpp
#ifndef ROCKETPUSH_DETAIL_ASYNC_EVENT_HPP
#define ROCKETPUSH_DETAIL_ASYNC_EVENT_HPP


#include <cstddef>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Lets operations of one strand wait until something is signalled.
 *
 * It remembers nothing: a signal with nobody waiting is lost, and a waiter may be woken for a reason that is
 * gone by then. So test the state, wait, test again. All on one strand, or a wake-up falls between.
 *
 * Asio's way to say this is a timer that never expires; no clock is read.
 */
template <class Executor>
class async_event {
  public:
    explicit async_event(const Executor& executor) : timer_(executor, std::chrono::steady_clock::time_point::max()) {}

    Executor get_executor() { return timer_.get_executor(); }

    /**
     * @brief Completes at the next signal().
     * @param token  Completion signature `void(std::error_code)`. The code is always `operation_aborted` and tells
     *               nothing, per-operation cancellation looks the same.
     */
    template <class Token>
    auto async_wait(Token&& token) {
        return timer_.async_wait(std::forward<Token>(token));
    }

    /// Wakes all that wait now; their handlers run later, not inside of this call.
    void signal() { timer_.cancel(); }

  private:
    steady_timer<Executor> timer_;
};

} // namespace rocketpush::detail

#endif

#include <asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Sizes of a memory network, in bytes.
struct memory_network_options {
    /// How much one direction of a connection holds before its writer has to wait.
    std::size_t pipe_capacity = 256 * 1024;
    /// The most that one read gives; 1 cuts every frame at every byte.
    std::size_t largest_read = std::numeric_limits<std::size_t>::max();
};

class memory_network;

namespace detail {

/// Somebody who waits for a change in a memory network; wakes on an executor whose type the other side does not know.
struct memory_waiter {
    using wake_function = void (*)(const std::shared_ptr<memory_waiter>&);
    explicit memory_waiter(wake_function function) noexcept : wake(function) {}
    wake_function wake;
};

/// The waiter of one kind of operation of a stream or an acceptor.
template <class Executor>
struct memory_signal : memory_waiter {
    explicit memory_signal(const Executor& where) : memory_waiter(&post_signal), executor(where), event(where) {}

    Executor executor;
    async_event<Executor> event;
    std::uint64_t cancellations = 0; // an operation that sees another number than at its begin was cancelled

    void cancel() {
        ++cancellations;
        event.signal();
    }

  private:
    static void post_signal(const std::shared_ptr<memory_waiter>& self) {
        auto signal = std::static_pointer_cast<memory_signal>(self);
        auto where  = signal->executor;
        asio::post(where, [signal = std::move(signal)] { signal->event.signal(); });
    }
};

/// One direction of a connection.
struct memory_pipe {
    std::string bytes;
    std::size_t begin = 0; // what is before it has been read
    bool writer_ended = false;
    bool reader_ended = false;
    std::weak_ptr<memory_waiter> reader; // waits for bytes
    std::weak_ptr<memory_waiter> writer; // waits for room

    std::size_t size() const noexcept { return bytes.size() - begin; }

    static void wake(std::weak_ptr<memory_waiter>& waiter) {
        if (const auto waiting = std::exchange(waiter, {}).lock())
            waiting->wake(waiting);
    }
};

/**
 * @brief Two pipes. Sides are 0, which connected, and 1, which accepted.
 *
 * The two ends may be on different executors and threads, hence the mutex: a user's test may run a broker in one
 * thread and a consumer in another.
 */
class memory_connection {
  public:
    memory_connection(const memory_network_options& options, endpoint client, endpoint server)
        : options_(options), ends_{std::move(client), std::move(server)} {}

    const endpoint& name_of(std::size_t side) const noexcept { return ends_[side]; }

    /// What an attempt gave; nothing at all: the waiter will be woken when trying again makes sense.
    using outcome = std::optional<std::pair<std::error_code, std::size_t>>;

    template <class Buffers>
    outcome try_read(std::size_t side, const Buffers& buffers, const std::shared_ptr<memory_waiter>& waiter) {
        const std::lock_guard lock(mutex_);
        auto& pipe = pipes_[side];
        if (broken_)
            return failed(asio::error::connection_reset);
        if (asio::buffer_size(buffers) == 0)
            return std::pair(std::error_code(), std::size_t(0));
        if (pipe.size() == 0) {
            if (pipe.writer_ended)
                return failed(asio::error::eof);
            pipe.reader = waiter;
            return std::nullopt;
        }
        const auto ready = asio::const_buffer(pipe.bytes.data() + pipe.begin, pipe.size());
        const auto count = asio::buffer_copy(buffers, ready, options_.largest_read);
        pipe.begin += count;
        if (pipe.begin == pipe.bytes.size()) {
            pipe.bytes.clear(); // keeps its room for the next write
            pipe.begin = 0;
        }
        memory_pipe::wake(pipe.writer);
        return std::pair(std::error_code(), count);
    }

    template <class Buffers>
    outcome try_write(std::size_t side, const Buffers& buffers, const std::shared_ptr<memory_waiter>& waiter) {
        const std::lock_guard lock(mutex_);
        auto& pipe = pipes_[1 - side];
        if (broken_)
            return failed(asio::error::connection_reset);
        if (pipe.reader_ended)
            return failed(asio::error::broken_pipe);
        const auto room  = options_.pipe_capacity - std::min(options_.pipe_capacity, pipe.size());
        const auto count = std::min(room, asio::buffer_size(buffers));
        if (count == 0 && asio::buffer_size(buffers) != 0) {
            pipe.writer = waiter;
            return std::nullopt;
        }
        if (pipe.begin > pipe.bytes.size() / 2) { // seldom enough that each byte moves once at most
            pipe.bytes.erase(0, pipe.begin);
            pipe.begin = 0;
        }
        const auto before = pipe.bytes.size();
        pipe.bytes.resize(before + count);
        asio::buffer_copy(asio::mutable_buffer(pipe.bytes.data() + before, count), buffers);
        memory_pipe::wake(pipe.reader);
        return std::pair(std::error_code(), count);
    }

    /// One side has closed: the other reads what is left and then the end, and its writes fail.
    void end(std::size_t side) {
        const std::lock_guard lock(mutex_);
        pipes_[side].reader_ended     = true;
        pipes_[1 - side].writer_ended = true;
        wake_all();
    }

    /// The network has lost the connection: both sides see a reset, and what was on the way is lost.
    void cut() {
        const std::lock_guard lock(mutex_);
        broken_ = true;
        wake_all();
    }

  private:
    static outcome failed(asio::error::basic_errors code) { return std::pair(std::error_code(code), std::size_t(0)); }
    static outcome failed(asio::error::misc_errors code) { return std::pair(std::error_code(code), std::size_t(0)); }

    void wake_all() {
        for (auto& pipe : pipes_) {
            memory_pipe::wake(pipe.reader);
            memory_pipe::wake(pipe.writer);
        }
    }

    const memory_network_options options_;
    const std::array<endpoint, 2> ends_;
    std::mutex mutex_;                 // guards all below
    std::array<memory_pipe, 2> pipes_; // by the side that reads
    bool broken_ = false;
};

/// A listening endpoint and the connections that nobody has accepted yet.
struct memory_listener {
    std::deque<std::shared_ptr<memory_connection>> backlog;
    std::weak_ptr<memory_waiter> acceptor;
    bool closed = false;
};

} // namespace detail

/**
 * @brief The places that memory transports reach: endpoints by name, in the process.
 *
 * Every transport that is made from the same network reaches the same listeners. Hosts are only names, nothing is
 * looked up; an endpoint with nobody listening refuses. Faults are told from outside, at any time:
 * @code
 * network.set(broker, memory_network::reach::silent); // like a machine that is off: connects never complete
 * network.cut(broker);                                // like a crash: all its connections are reset
 * @endcode
 *
 * @par Thread safety  All from any thread.
 */
class memory_network {
  public:
    /// How an endpoint answers new connections.
    enum class reach {
        open,    ///< By its listener; refused without one.
        refused, ///< At once, although somebody listens.
        silent,  ///< Not at all: a connect waits until it is cancelled.
    };

    explicit memory_network(memory_network_options options = {}) : options_(options) {}

    memory_network(const memory_network&)            = delete;
    memory_network& operator=(const memory_network&) = delete;

    void set(const endpoint& at, reach how) {
        const std::lock_guard lock(mutex_);
        places_[at].how = how;
    }

    /// Resets every connection that was made to `at`, on both sides, those in the backlog too.
    void cut(const endpoint& at) {
        std::vector<std::weak_ptr<detail::memory_connection>> connections;
        {
            const std::lock_guard lock(mutex_);
            connections.swap(places_[at].connections);
        }
        for (const auto& weak : connections)
            if (const auto connection = weak.lock())
                connection->cut();
    }

    // What follows is for memory_transport.

    struct connect_outcome {
        std::error_code failure;
        std::shared_ptr<detail::memory_connection> connection; ///< Null without failure: silence.
    };

    connect_outcome connect(const endpoint& to) {
        const std::lock_guard lock(mutex_);
        auto& target = places_[to];
        if (target.how == reach::silent)
            return {};
        if (target.how == reach::refused || !target.listener || target.listener->backlog.size() >= largest_backlog)
            return {asio::error::connection_refused, nullptr};
        auto connection = std::make_shared<detail::memory_connection>(options_, endpoint{"127.0.0.1", next_port()}, to);
        std::erase_if(target.connections, [](const auto& weak) { return weak.expired(); });
        target.connections.push_back(connection);
        target.listener->backlog.push_back(connection);
        detail::memory_pipe::wake(target.listener->acceptor);
        return {{}, std::move(connection)};
    }

    /// Gives `at` the chosen port if it has none; null if somebody listens there already.
    std::shared_ptr<detail::memory_listener> listen(endpoint& at) {
        const std::lock_guard lock(mutex_);
        while (at.port == 0)
            if (const endpoint candidate{at.host, next_port()}; !places_[candidate].listener)
                at.port = candidate.port;
        auto& listener = places_[at].listener;
        if (listener)
            return nullptr;
        listener = std::make_shared<detail::memory_listener>();
        return listener;
    }

    void end_listening(const endpoint& at, detail::memory_listener& listener) {
        std::deque<std::shared_ptr<detail::memory_connection>> unaccepted;
        {
            const std::lock_guard lock(mutex_);
            if (listener.closed)
                return;
            listener.closed = true;
            places_[at].listener.reset();
            unaccepted.swap(listener.backlog);
        }
        for (const auto& connection : unaccepted)
            connection->cut();
    }

    /// Null if there is nobody to accept; the waiter is woken when there is.
    std::shared_ptr<detail::memory_connection> try_accept(detail::memory_listener& listener,
                                                          const std::shared_ptr<detail::memory_waiter>& waiter) {
        const std::lock_guard lock(mutex_);
        if (listener.backlog.empty()) {
            listener.acceptor = waiter;
            return nullptr;
        }
        auto connection = std::move(listener.backlog.front());
        listener.backlog.pop_front();
        return connection;
    }

  private:
    struct place {
        reach how = reach::open;
        std::shared_ptr<detail::memory_listener> listener;
        std::vector<std::weak_ptr<detail::memory_connection>> connections;
    };

    static constexpr std::size_t largest_backlog = 1024;

    std::uint16_t next_port() noexcept {
        constexpr std::uint16_t first_ephemeral = 49152;
        last_port_                              = last_port_ == std::numeric_limits<std::uint16_t>::max()
                                                      ? first_ephemeral
                                                      : static_cast<std::uint16_t>(last_port_ + 1);
        return last_port_;
    }

    const memory_network_options options_;
    std::mutex mutex_; // guards all below, and listeners
    std::map<endpoint, place> places_;
    std::uint16_t last_port_ = std::numeric_limits<std::uint16_t>::max();
};

} // namespace rocketpush

#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

namespace rocketpush {

namespace detail {

/// What a stream and its operations share, so that either may go first.
template <class Executor>
struct memory_end {
    explicit memory_end(const Executor& executor)
        : reading(std::make_shared<memory_signal<Executor>>(executor)),
          writing(std::make_shared<memory_signal<Executor>>(executor)) {}

    ~memory_end() { close(); }

    void cancel() {
        reading->cancel();
        writing->cancel();
    }

    void close() {
        if (const auto ended = std::exchange(connection, nullptr))
            ended->end(side);
        cancel();
    }

    std::shared_ptr<memory_signal<Executor>> reading;
    std::shared_ptr<memory_signal<Executor>> writing; // also a connect that gets no answer
    std::shared_ptr<memory_connection> connection;
    std::size_t side = 0;
};

/// Reads or writes: tries, waits to be woken, tries again.
template <class Executor, class Buffers, bool Reads>
struct memory_transfer {
    memory_transfer(std::shared_ptr<memory_end<Executor>> of, const Buffers& bytes)
        : end(std::move(of)), buffers(bytes), cancellations(signal()->cancellations) {}

    template <class Self>
    void operator()(Self& self) {
        if (outcome)
            return self.complete(outcome->first, outcome->second);
        outcome = attempt();
        if (outcome)
            asio::post(end->reading->executor,
                       std::move(self)); // not inside of the call that began it; comes here again
        else
            wait(self);
    }

    template <class Self>
    void operator()(Self& self, std::error_code) {
        const bool cancelled = signal()->cancellations != cancellations ||
                               self.get_cancellation_state().cancelled() != asio::cancellation_type::none;
        if (cancelled)
            return self.complete(asio::error::operation_aborted, 0);
        outcome = attempt();
        if (!outcome)
            return wait(self);
        self.complete(outcome->first, outcome->second);
    }

    std::shared_ptr<memory_end<Executor>> end;
    Buffers buffers;
    std::uint64_t cancellations;
    memory_connection::outcome outcome;

  private:
    const std::shared_ptr<memory_signal<Executor>>& signal() const noexcept {
        return Reads ? end->reading : end->writing;
    }

    memory_connection::outcome attempt() {
        if (!end->connection)
            return std::pair(std::error_code(asio::error::bad_descriptor), std::size_t(0));
        if constexpr (Reads)
            return end->connection->try_read(end->side, buffers, signal());
        else
            return end->connection->try_write(end->side, buffers, signal());
    }

    template <class Self>
    void wait(Self& self) {
        auto& event = signal()->event;
        event.async_wait(std::move(self));
    }
};

} // namespace detail

/**
 * @brief One end of an in-process connection; what memory_transport connects.
 * @par Thread safety  On its executor only. The other end may be on another one.
 */
template <class Executor>
class memory_stream {
  public:
    using executor_type = Executor;

    explicit memory_stream(const Executor& executor) : end_(std::make_shared<detail::memory_end<Executor>>(executor)) {}

    memory_stream(memory_stream&&) noexcept = default;
    memory_stream& operator=(memory_stream&& other) noexcept {
        if (this != &other) {
            if (end_)
                end_->close();
            end_ = std::move(other.end_);
        }
        return *this;
    }
    ~memory_stream() {
        if (end_)
            end_->close();
    }

    executor_type get_executor() { return end_->reading->executor; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return begin<true>(buffers, std::forward<Token>(token));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return begin<false>(buffers, std::forward<Token>(token));
    }

    void cancel() noexcept { end_->cancel(); }
    void close() noexcept { end_->close(); }

    /// Empty host and port 0 when not connected.
    endpoint local_endpoint() const { return end_->connection ? end_->connection->name_of(end_->side) : endpoint{}; }
    endpoint remote_endpoint() const {
        return end_->connection ? end_->connection->name_of(1 - end_->side) : endpoint{};
    }

  private:
    friend class memory_transport;
    template <class>
    friend class memory_acceptor;

    template <bool Reads, class Buffers, class Token>
    auto begin(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(std::error_code, std::size_t)>(
            detail::memory_transfer<Executor, Buffers, Reads>(end_, buffers), token, end_->reading->executor);
    }

    std::shared_ptr<detail::memory_end<Executor>> end_; // null after a move
};

/**
 * @brief Accepts in-process connections; what memory_transport's listen() gives. Its end closes it.
 * @par Thread safety  On its executor only.
 */
template <class Executor>
class memory_acceptor {
  public:
    using executor_type = Executor;

    memory_acceptor(const Executor& executor, std::shared_ptr<memory_network> network, endpoint at,
                    std::shared_ptr<detail::memory_listener> listener)
        : state_(std::make_shared<state>(executor, std::move(network), std::move(at), std::move(listener))) {}

    memory_acceptor(memory_acceptor&&) noexcept = default;
    memory_acceptor& operator=(memory_acceptor&& other) noexcept {
        if (this != &other) {
            if (state_)
                state_->close();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~memory_acceptor() {
        if (state_)
            state_->close();
    }

    executor_type get_executor() { return state_->accepting->executor; }

    /// @param token  Completion signature `void(std::error_code, memory_stream<Executor>)`.
    template <class Token>
    auto async_accept(Token&& token) {
        return asio::async_compose<Token, void(std::error_code, memory_stream<Executor>)>(
            accept_operation{state_, state_->accepting->cancellations, nullptr, {}}, token,
            state_->accepting->executor);
    }

    endpoint local_endpoint() const { return state_->at; }
    void close() noexcept { state_->close(); }

  private:
    struct state {
        state(const Executor& executor, std::shared_ptr<memory_network> in, endpoint where,
              std::shared_ptr<detail::memory_listener> of)
            : accepting(std::make_shared<detail::memory_signal<Executor>>(executor)),
              network(std::move(in)),
              at(std::move(where)),
              listener(std::move(of)) {}

        void close() {
            network->end_listening(at, *listener);
            closed = true;
            accepting->cancel();
        }

        std::shared_ptr<detail::memory_signal<Executor>> accepting;
        std::shared_ptr<memory_network> network;
        endpoint at;
        std::shared_ptr<detail::memory_listener> listener;
        bool closed = false;
    };

    struct accept_operation {
        std::shared_ptr<state> acceptor;
        std::uint64_t cancellations;
        std::shared_ptr<detail::memory_connection> accepted;
        std::error_code failure;

        template <class Self>
        void operator()(Self& self) {
            if (accepted || failure)
                return finish(self);
            attempt();
            if (accepted || failure)
                asio::post(acceptor->accepting->executor, std::move(self)); // comes here again
            else
                wait(self);
        }

        template <class Self>
        void operator()(Self& self, std::error_code) {
            if (acceptor->accepting->cancellations != cancellations ||
                self.get_cancellation_state().cancelled() != asio::cancellation_type::none)
                failure = asio::error::operation_aborted;
            else
                attempt();
            if (accepted || failure)
                finish(self);
            else
                wait(self);
        }

        void attempt() {
            if (acceptor->closed)
                failure = asio::error::bad_descriptor;
            else
                accepted = acceptor->network->try_accept(*acceptor->listener, acceptor->accepting);
        }

        template <class Self>
        void finish(Self& self) {
            memory_stream<Executor> stream(acceptor->accepting->executor);
            stream.end_->connection = std::move(accepted);
            stream.end_->side       = 1;
            self.complete(failure, std::move(stream));
        }

        template <class Self>
        void wait(Self& self) {
            auto& event = acceptor->accepting->event;
            event.async_wait(std::move(self));
        }
    };

    std::shared_ptr<state> state_; // null after a move
};

/**
 * @brief Connections inside of the process, without sockets: for tests with the embedded broker, and for simulation.
 *
 * On one executor it is deterministic: what happens depends on the order of calls only. Streams keep their bytes in
 * order and bounded; a mutex for each connection lets the two ends be in two threads.
 */
class memory_transport {
  public:
    template <class Executor>
    using stream = memory_stream<Executor>;
    template <class Executor>
    using acceptor = memory_acceptor<Executor>;

    explicit memory_transport(std::shared_ptr<memory_network> network) : network_(std::move(network)) {
        ROCKETPUSH_ASSERT(network_, "a memory transport is made on a network");
    }

    /// @param token  Completion signature `void(std::error_code)`.
    template <class Executor, class Token>
    auto async_connect(memory_stream<Executor>& connection, const endpoint& to, Token&& token) const {
        return asio::async_compose<Token, void(std::error_code)>(
            connect_operation<Executor>{connection.end_, connection.end_->writing->cancellations,
                                        network_->connect(to)},
            token, connection.end_->writing->executor);
    }

    template <class Executor>
    result<memory_acceptor<Executor>> listen(const Executor& executor, endpoint at) const {
        auto listener = network_->listen(at);
        if (!listener)
            return std::error_code(asio::error::address_in_use);
        return memory_acceptor<Executor>(executor, network_, std::move(at), std::move(listener));
    }

  private:
    template <class Executor>
    struct connect_operation {
        std::shared_ptr<detail::memory_end<Executor>> end;
        std::uint64_t cancellations;
        memory_network::connect_outcome outcome;
        bool posted = false;

        template <class Self>
        void operator()(Self& self) {
            if (posted)
                return finish(self, end->writing->cancellations != cancellations);
            posted        = true;
            auto& writing = *end->writing;
            if (outcome.connection || outcome.failure)
                asio::post(writing.executor, std::move(self)); // comes here again
            else
                writing.event.async_wait(std::move(self)); // silence: nothing but a cancellation ends it
        }

        template <class Self>
        void operator()(Self& self, std::error_code) {
            finish(self, true);
        }

        template <class Self>
        void finish(Self& self, bool cancelled) {
            if (cancelled) {
                if (outcome.connection)
                    outcome.connection->end(0);
                return self.complete(asio::error::operation_aborted);
            }
            end->connection = std::move(outcome.connection);
            end->side       = 0;
            self.complete(outcome.failure);
        }
    };

    std::shared_ptr<memory_network> network_;
};

static_assert(listening_transport<memory_transport>);

} // namespace rocketpush

#endif
// rocketpush/executor/inline_executor.hpp
#ifndef ROCKETPUSH_EXECUTOR_INLINE_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_INLINE_EXECUTOR_HPP

// rocketpush/executor/executor_policy.hpp
#ifndef ROCKETPUSH_EXECUTOR_EXECUTOR_POLICY_HPP
#define ROCKETPUSH_EXECUTOR_EXECUTOR_POLICY_HPP


#include <chrono>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

namespace rocketpush {

/**
 * @brief What an executor runs: one pulled batch, whose slices every copy of the job claims until none is left.
 *
 * `job()` does that and returns; it does not throw. `job.wants_help()` says that a copy which starts now would find a
 * slice to claim. Copies are cheap and may run at once.
 */
template <class J>
concept executor_job = std::copy_constructible<J> && requires(J& job, const J& c) {
    job();
    { c.wants_help() } noexcept -> std::same_as<bool>;
};

namespace detail {
/// The job that executor concepts are tested with; policies take any.
struct probe_job {
    void operator()() const noexcept {}
    bool wants_help() const noexcept { return false; }
};
} // namespace detail

/// `E::concurrent`, a constant: whether jobs may run elsewhere than in the thread that hands them over.
template <class E>
concept tells_whether_concurrent = requires { typename std::bool_constant<E::concurrent>; };

/// `execute(job)` takes any `executor_job`.
template <class E>
concept executes_jobs = requires(E& e, detail::probe_job job) { e.execute(job); };

/// Knows how many jobs run at once, and can change that.
template <class E>
concept has_concurrency = requires(E& e, const E& c, std::size_t count) {
    { c.concurrency() } -> std::same_as<std::size_t>;
    e.resize(count);
};

/// `start(threads)` and `join(limit)`.
template <class E>
concept starts_and_joins = requires(E& e, std::size_t threads, std::chrono::milliseconds limit) {
    e.start(threads);
    { e.join(limit) } -> std::same_as<bool>;
};

/**
 * @brief Where listeners run.
 *
 * The consumer calls `execute` once for each pulled batch, whatever the number of its messages. The executor
 * recruits: when it starts a job that wants help, it hands a copy to another thread, which does the same, until
 * `concurrency()` copies are out. So a batch wakes as many threads as it can use, one after the other, and the
 * consumer's strand pays for one wake-up.
 *
 * Laws (`tests/support/laws/executor_policy.hpp` checks them):
 *  - a job that is handed over between start() and join() runs at least once, unless a join's limit passes first;
 *  - never more than `concurrency()` copies of a job are out at the same time;
 *  - a policy that is not `concurrent` runs the job inside of `execute`, and a concurrent one never does;
 *  - `start(threads)` begins with that many threads, if it has threads of its own and its constructor got no number;
 *  - `resize(count)` changes that while jobs run, and loses none of them;
 *  - `join(limit)` waits for all jobs; true when none runs any more, false if some did at the limit. They
 *    are left to end by themselves, with what they need kept alive; jobs that had not started are dropped. Called
 *    inside of a job it does not wait for that one;
 *  - a second join only tells whether jobs still run, and the destructor is `join(0)`.
 *
 * After `join()` has begun nothing is handed over.
 *
 * @par Thread safety  execute, concurrency, resize and join from any thread.
 * @par Default        thread_pool_executor
 */
template <class E>
concept executor_policy = std::move_constructible<E> && tells_whether_concurrent<E> && executes_jobs<E> &&
                          has_concurrency<E> && starts_and_joins<E>;

/**
 * @brief A refinement: `get_executor()` gives an Asio executor, and listeners that are coroutines run on it. Without
 *        one they run on the consumer's strand. `join` does not wait for them, the consumer counts them.
 */
template <class E>
concept has_asio_executor = executor_policy<E> && requires(const E& e) {
    { e.get_executor() } noexcept;
    requires detail::asio_executor_type<decltype(e.get_executor())>;
};

/**
 * @brief A refinement: `execute_all(std::span<Job>)` hands several jobs over at once, which it moves from. Jobs that want no help
 *        share the thread that is woken for the first.
 */
template <class E>
concept executes_together =
    executor_policy<E> && requires(E& e, std::span<detail::probe_job> jobs) { e.execute_all(jobs); };

} // namespace rocketpush

#endif

#include <chrono>
#include <cstddef>
#include <utility>

namespace rocketpush {

/**
 * @brief Runs listeners on the consumer's strand: no other thread, no atomics, no hop between the socket and the
 *        listener.
 *
 * While a listener runs nothing else of the consumer does, heartbeats neither: for listeners that are quick or
 * are coroutines.
 */
struct inline_executor {
    static constexpr bool concurrent = false;

    void start(std::size_t /*threads*/) noexcept {}

    template <executor_job Job>
    void execute(Job job) {
        job();
    }

    std::size_t concurrency() const noexcept { return 1; }
    void resize(std::size_t /*count*/) noexcept {}
    bool join(std::chrono::milliseconds /*limit*/) noexcept { return true; }
};

static_assert(executor_policy<inline_executor>);

} // namespace rocketpush

#endif
// rocketpush/executor/thread_pool_executor.hpp
#ifndef ROCKETPUSH_EXECUTOR_THREAD_POOL_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_THREAD_POOL_EXECUTOR_HPP

// rocketpush/detail/job_ledger.hpp
#ifndef ROCKETPUSH_DETAIL_JOB_LEDGER_HPP
#define ROCKETPUSH_DETAIL_JOB_LEDGER_HPP


#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Counts the jobs of an executor, and lets a join wait for them. Counting takes no lock until somebody joins.
 * @par Thread safety  All from any thread.
 */
class job_ledger {
  public:
    /// Stands for one copy of a job from hand-over to its end, run or dropped.
    class ticket {
      public:
        explicit ticket(std::shared_ptr<job_ledger> ledger) noexcept : ledger_(std::move(ledger)) {
            ledger_->outstanding_.fetch_add(1, std::memory_order_relaxed);
        }
        ticket(ticket&&) noexcept   = default;
        ticket& operator=(ticket&&) = delete;
        ~ticket() {
            if (ledger_)
                ledger_->finished(ledger_->outstanding_);
        }

        const std::shared_ptr<job_ledger>& ledger() const noexcept { return ledger_; }

      private:
        std::shared_ptr<job_ledger> ledger_; // null after a move
    };

    /// Runs `job` unless the ledger has closed, and knows meanwhile that this thread is in a job.
    template <class Job>
    void run(Job& job) {
        running_.fetch_add(1); // before the test, so that a join which closes sees it
        if (!closed_.load()) {
            const auto outer = std::exchange(current_, this);
            job();
            current_ = outer;
        }
        finished(running_);
    }

    std::size_t running() const noexcept { return running_.load(); }

    /// Whether the calling thread is inside of one of this ledger's jobs.
    bool in_job() const noexcept { return current_ == this; }

    bool closed() const noexcept { return closed_.load(); }

    /**
     * @brief Waits until all jobs have ended, then lets no more begin.
     * @return Whether none runs any more, one that calls this not counted.
     */
    bool join(std::chrono::milliseconds limit) {
        const std::size_t own = in_job() ? 1 : 0;
        {
            joining_.fetch_add(1);
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, std::min(limit, longest_wait), [&] {
                // Once another join has closed, what waits will not run.
                return (closed_.load() ? running_.load() : outstanding_.load()) <= own;
            });
            joining_.fetch_sub(1);
            closed_.store(true);
            changed_.notify_all();
        }
        return running_.load() <= own;
    }

  private:
    void finished(std::atomic<std::size_t>& count) {
        // Sequentially consistent, as joining_: either the join's test sees this, or this sees the join.
        count.fetch_sub(1);
        if (joining_.load() != 0) {
            const std::lock_guard lock(mutex_);
            changed_.notify_all();
        }
    }

    static inline thread_local const job_ledger* current_ = nullptr;

    std::atomic<std::size_t> outstanding_{0}; // tickets
    std::atomic<std::size_t> running_{0};
    std::atomic<std::size_t> joining_{0};
    std::atomic<bool> closed_{false};
    std::mutex mutex_; // of the waiting
    std::condition_variable changed_;
};

/**
 * @brief A copy of a job on its way to a thread. When it starts and the job wants help, it sends the next copy: waking
 *        one thread each spreads the cost of it, and stops where there is nothing left to do.
 *
 * @tparam Host  A pointer, plain where the host's end drops its copies, to what has `concurrency()`,
 *               `send(job_copy)` and a ledger `jobs`.
 */
template <class Job, class Host>
class job_copy {
  public:
    job_copy(Host host, Job job, std::size_t number = 1)
        : host_(std::move(host)), ticket_(host_->jobs), job_(std::move(job)), number_(number) {}

    void operator()() {
        auto& ledger = *ticket_.ledger();
        if (number_ < host_->concurrency() && !ledger.closed() && std::as_const(job_).wants_help())
            host_->send(job_copy(host_, job_, number_ + 1));
        ledger.run(job_);
    }

  private:
    Host host_;
    job_ledger::ticket ticket_; // before the job, so that a job counts until its copy is gone
    Job job_;
    std::size_t number_; // how many copies there are, this one included
};

} // namespace rocketpush::detail

#endif
// rocketpush/detail/one_job.hpp
#ifndef ROCKETPUSH_DETAIL_ONE_JOB_HPP
#define ROCKETPUSH_DETAIL_ONE_JOB_HPP

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief A function object that is called once or dropped, of any type: one of up to 88 bytes lies in the object itself, so that
 *        to hand over a batch allocates nothing.
 */
class one_job {
  public:
    one_job() noexcept = default;

    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, one_job>)
    explicit one_job(F&& function) {
        using stored = std::decay_t<F>;
        static_assert(std::is_nothrow_move_constructible_v<stored>);
        if constexpr (sizeof(stored) <= sizeof storage_ && alignof(stored) <= alignof(std::max_align_t)) {
            ::new (static_cast<void*>(storage_)) stored(std::forward<F>(function));
            operate_ = [](one_job& self, void* to, bool call) {
                auto* held = std::launder(reinterpret_cast<stored*>(self.storage_));
                if (to)
                    ::new (to) stored(std::move(*held));
                else if (call)
                    (*held)();
                held->~stored();
            };
        } else {
            *this = one_job([held = std::make_unique<stored>(std::forward<F>(function))] { (*held)(); });
        }
    }
    one_job(one_job&& other) noexcept { take(other); }
    one_job& operator=(one_job&& other) noexcept {
        if (this != &other) {
            drop();
            take(other);
        }
        return *this;
    }
    ~one_job() { drop(); }

    /// Once, of one that is not empty; it is afterwards.
    void operator()() { std::exchange(operate_, nullptr)(*this, nullptr, true); }

  private:
    void take(one_job& other) noexcept {
        operate_ = std::exchange(other.operate_, nullptr);
        if (operate_)
            operate_(other, storage_, false);
    }
    void drop() noexcept {
        if (operate_)
            std::exchange(operate_, nullptr)(*this, nullptr, false);
    }

    alignas(std::max_align_t) std::byte storage_[88];
    /// Moves what is held to `to`, or calls it, or neither; it is gone then.
    void (*operate_)(one_job&, void* to, bool call) = nullptr;
};

} // namespace rocketpush::detail

#endif
// rocketpush/detail/ring.hpp
#ifndef ROCKETPUSH_DETAIL_RING_HPP
#define ROCKETPUSH_DETAIL_RING_HPP


#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief A queue in one array that grows by doubling. An empty one is three words and owns nothing, where an empty
 *        `std::deque` owns half a KiB: a consumer may have ten thousand of them.
 *
 * @tparam T  Movable and default constructible; a taken place holds what its move left there.
 */
template <class T>
class ring {
  public:
    ring() noexcept = default;
    ring(ring&& other) noexcept { *this = std::move(other); }
    ring& operator=(ring&& other) noexcept {
        places_   = std::move(other.places_);
        capacity_ = std::exchange(other.capacity_, 0);
        first_    = std::exchange(other.first_, 0);
        size_     = std::exchange(other.size_, 0);
        return *this;
    }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    /// The first is 0.
    T& operator[](std::size_t index) noexcept { return places_[(first_ + index) & (capacity_ - 1)]; }
    const T& operator[](std::size_t index) const noexcept { return places_[(first_ + index) & (capacity_ - 1)]; }
    T& back() noexcept { return (*this)[size_ - 1]; }

    void push_back(T value) {
        if (size_ == capacity_)
            grow();
        (*this)[size_++] = std::move(value);
    }

    T take_front() noexcept {
        ROCKETPUSH_ASSERT(size_ != 0, "callers ask empty() first");
        T taken = std::move((*this)[0]);
        first_  = static_cast<std::uint32_t>((first_ + 1) & (capacity_ - 1));
        --size_;
        return taken;
    }

  private:
    void grow() {
        const std::uint32_t capacity = capacity_ == 0 ? 2 : 2 * capacity_;
        auto places                  = std::make_unique<T[]>(capacity);
        for (std::uint32_t i = 0; i < size_; ++i)
            places[i] = std::move((*this)[i]);
        places_   = std::move(places);
        capacity_ = capacity;
        first_    = 0;
    }

    std::unique_ptr<T[]> places_;
    std::uint32_t capacity_ = 0; ///< A power of two, or 0.
    std::uint32_t first_    = 0;
    std::uint32_t size_     = 0;
};

} // namespace rocketpush::detail

#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Threads of its own that run one io_context, and on it as many workers as there are jobs worth a thread: each takes
 *        jobs from one queue until none is left.
 *
 * A job that wants no help is put behind others, for a worker that is awake anyway; so a thread is woken when there is
 * something to do for it, and not once a job.
 *
 * The threads share what they need, so the executor can go while a listener hangs: its thread is left behind and
 * ends when the listener returns.
 *
 * @par Source  Java `ConsumeMessageConcurrentlyService.consumeExecutor`. Differs: a batch is one job, not a task
 *              for each consume batch.
 */
class thread_pool_executor {
  public:
    static constexpr bool concurrent = true;

    /// @param threads  0 takes the number from the options, at start().
    explicit thread_pool_executor(std::size_t threads = 0) : state_(std::make_shared<state>()), given_(threads) {
        state_->wanted = threads;
    }

    thread_pool_executor(thread_pool_executor&&) noexcept   = default;
    thread_pool_executor& operator=(thread_pool_executor&&) = delete;

    ~thread_pool_executor() {
        if (state_)
            join(std::chrono::milliseconds(0));
    }

    /**
     * @param threads  Ignored if the constructor got a number.
     * @throw std::system_error  The system gives not even one thread. With fewer than asked for it goes on.
     */
    void start(std::size_t threads) {
        const std::lock_guard lock(state_->mutex);
        if (state_->started || state_->ended)
            return;
        state_->started  = true;
        const auto count = at_least_one(given_ != 0 ? given_ : threads);
        state_->wanted   = 0;
        add_threads(count);
    }

    template <executor_job Job>
    void execute(Job job) {
        const bool wants_help = std::as_const(job).wants_help();
        state_->add(detail::job_copy<Job, state*>(state_.get(), std::move(job)), wants_help);
    }

    /// As `execute` for each of `jobs`, which are moved from; takes the lock once and wakes one thread for all that want no help.
    template <executor_job Job>
    void execute_all(std::span<Job> jobs) {
        state_->add_all(jobs);
    }

    std::size_t concurrency() const noexcept { return state_->concurrency(); }

    /// Threads that are too many leave after the jobs that are queued before them.
    void resize(std::size_t count) {
        count = at_least_one(count);
        std::vector<std::thread> left;
        {
            const std::lock_guard lock(state_->mutex);
            left.swap(state_->left);
            const auto wanted = state_->wanted.load();
            if (!state_->started || state_->ended) {
                given_         = count;
                state_->wanted = count;
            } else if (count > wanted) {
                add_threads(count - wanted);
                state_->add_workers();
            } else {
                state_->wanted = count;
                for (auto surplus = wanted - count; surplus != 0; --surplus)
                    asio::post(state_->context, [] { leaving_ = true; });
            }
        }
        join_all(left);
    }

    bool join(std::chrono::milliseconds limit) {
        const bool jobs_ended = state_->jobs->join(limit);
        const std::size_t own = pool_of_thread_ == state_.get() ? 1 : 0;

        std::vector<std::thread> left;
        detail::ring<detail::one_job>
            dropped; // the last owner of a consumer may be among them: they go without the lock
        bool all_left = false;
        {
            std::unique_lock lock(state_->mutex);
            state_->ended = true;
            std::swap(dropped, state_->queue);
            state_->context.stop();
            // Idle threads leave at once; threads in a job, and the one that calls, are not waited for.
            const auto busy = [&] { return state_->jobs->running() + (own != 0 && !state_->jobs->in_job() ? 1 : 0); };
            state_->changed.wait_for(lock, detail::thread_leave_grace, [&] { return state_->live <= busy(); });
            all_left = state_->live <= own;
            for (auto& [id, thread] : state_->threads)
                thread.detach();
            state_->threads.clear();
            left.swap(state_->left);
        }
        join_all(left);
        return jobs_ended && all_left;
    }

    /// Where listeners that are coroutines run.
    asio::io_context::executor_type get_executor() const noexcept { return state_->context.get_executor(); }

  private:
    struct state {
        std::size_t concurrency() const noexcept { return wanted.load(std::memory_order_relaxed); }

        /// For copies that recruit the next one.
        template <class Copy>
        void send(Copy copy) {
            add(std::move(copy), true);
        }

        template <class Copy>
        void add(Copy copy, bool worth_a_thread) {
            detail::one_job job(std::move(copy));
            std::unique_lock lock(mutex);
            if (ended)
                return;
            queue.push_back(std::move(job));
            if (!want_worker(worth_a_thread))
                return;
            lock.unlock(); // the thread that wakes up takes it first of all
            post_worker();
        }

        template <class Job>
        void add_all(std::span<Job> jobs_) {
            std::size_t wanted_workers = 0;
            {
                const std::lock_guard lock(mutex);
                if (ended)
                    return;
                for (auto& each : jobs_) {
                    const bool wants_help = std::as_const(each).wants_help();
                    queue.push_back(detail::one_job(detail::job_copy<Job, state*>(this, std::move(each))));
                    wanted_workers += want_worker(wants_help);
                }
            }
            for (; wanted_workers != 0; --wanted_workers)
                post_worker();
        }

        void post_worker() {
            asio::post(context, [this] { take_jobs(); });
        }

        // With the mutex held.

        /// Counts one more worker in, for whom a job is worth it; he is to be posted.
        bool want_worker(bool worth_a_thread) {
            if (workers != 0 && !(worth_a_thread && workers < concurrency()))
                return false;
            ++workers;
            return true;
        }
        /// There are more threads now, and jobs may wait behind workers that hang.
        void add_workers() {
            while (!queue.empty() && workers < concurrency()) {
                ++workers;
                post_worker();
            }
        }

        /// One worker, until there is no job, or there are more workers than there should be.
        void take_jobs() {
            std::unique_lock lock(mutex);
            while (!queue.empty() && workers <= std::max<std::size_t>(concurrency(), 1)) {
                auto job = queue.take_front();
                lock.unlock();
                job();
                lock.lock();
            }
            --workers;
        }

        std::shared_ptr<detail::job_ledger> jobs = std::make_shared<detail::job_ledger>();
        std::atomic<std::size_t> wanted{0};

        std::mutex mutex; // guards what follows, up to the context
        std::condition_variable changed;
        bool started = false;
        bool ended   = false;
        detail::ring<detail::one_job> queue;
        std::size_t workers = 0; // running or posted
        std::size_t live    = 0; // threads that have not left, also those left behind
        std::map<std::thread::id, std::thread> threads;
        std::vector<std::thread> left; // have ended, or are about to without needing anything

        asio::io_context context; // drops its jobs before the rest goes
        asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    };

    static std::size_t at_least_one(std::size_t count) noexcept {
        ROCKETPUSH_ASSERT(count != 0, "a thread pool has at least one thread");
        return std::max<std::size_t>(count, 1);
    }

    static void join_all(std::vector<std::thread>& threads) {
        for (auto& thread : threads)
            thread.join();
    }

    /// Called with the mutex held.
    void add_threads(std::size_t count) {
        for (; count != 0; --count) {
            try {
                std::thread thread([shared = state_] { work(*shared); });
                const auto id = thread.get_id();
                state_->threads.emplace(id, std::move(thread));
            } catch (const std::system_error&) {
                if (state_->live == 0)
                    throw;
                return;
            }
            ++state_->live;
            ++state_->wanted;
        }
    }

    static void work(state& shared) {
        pool_of_thread_ = &shared;
        while (!leaving_ && shared.context.run_one() != 0) {
        }
        const std::lock_guard lock(shared.mutex);
        --shared.live;
        if (auto self = shared.threads.extract(std::this_thread::get_id()))
            shared.left.push_back(std::move(self.mapped()));
        shared.changed.notify_all();
    }

    static inline thread_local const state* pool_of_thread_ = nullptr;
    static inline thread_local bool leaving_                = false; // this thread of a pool is one too many

    std::shared_ptr<state> state_; // null after a move
    std::size_t given_;
};

static_assert(has_asio_executor<thread_pool_executor>);

} // namespace rocketpush

#endif
// rocketpush/executor/asio_executor.hpp
#ifndef ROCKETPUSH_EXECUTOR_ASIO_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_ASIO_EXECUTOR_HPP


#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace rocketpush {

/**
 * @brief Runs listeners on the user's Asio executor: an `asio::thread_pool` that several consumers share, an io_context
 *        that the program runs anyway.
 *
 * How many threads are behind it is the user's matter; the number here is how many jobs of one batch may be out.
 *
 * @par Lifetime  The executor's context has to outlive this, and jobs that hung at a join.
 */
template <class Executor>
    requires detail::asio_executor_type<Executor>
class asio_executor {
  public:
    static constexpr bool concurrent = true;

    /// @param concurrency  0 takes the number from the options, at start().
    explicit asio_executor(const Executor& executor, std::size_t concurrency = 0)
        : state_(std::make_shared<state>(executor, concurrency)), given_(concurrency) {}

    asio_executor(asio_executor&&) noexcept   = default;
    asio_executor& operator=(asio_executor&&) = delete;

    ~asio_executor() {
        if (state_)
            join(std::chrono::milliseconds(0));
    }

    void start(std::size_t threads) {
        if (given_ == 0)
            resize(threads);
    }

    template <executor_job Job>
    void execute(Job job) {
        state_->send(detail::job_copy<Job, std::shared_ptr<state>>(state_, std::move(job)));
    }

    std::size_t concurrency() const noexcept { return state_->concurrency(); }
    void resize(std::size_t count) noexcept { state_->wanted = std::max<std::size_t>(count, 1); }

    /// On a thread of the executor it does not wait: jobs that are queued may need this very thread.
    bool join(std::chrono::milliseconds limit) {
        if constexpr (detail::knows_its_threads<Executor>)
            if (state_->executor.running_in_this_thread())
                limit = std::chrono::milliseconds(0);
        return state_->jobs->join(limit);
    }

    /// Where listeners that are coroutines run.
    Executor get_executor() const noexcept { return state_->executor; }

  private:
    struct state {
        state(const Executor& where, std::size_t concurrency)
            : executor(where), wanted(std::max<std::size_t>(concurrency, 1)) {}

        std::size_t concurrency() const noexcept { return wanted.load(std::memory_order_relaxed); }

        template <class Copy>
        void send(Copy copy) {
            asio::post(executor, std::move(copy));
        }

        Executor executor;
        std::atomic<std::size_t> wanted;
        std::shared_ptr<detail::job_ledger> jobs = std::make_shared<detail::job_ledger>();
    };

    std::shared_ptr<state> state_; // null after a move
    std::size_t given_;
};

} // namespace rocketpush

#endif
// rocketpush/executor/shared_executor.hpp
#ifndef ROCKETPUSH_EXECUTOR_SHARED_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_SHARED_EXECUTOR_HPP


#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace rocketpush {

namespace detail {

/// A job of one of the consumers that share an executor: each copy counts in that one's ledger.
template <executor_job Job>
class counted_job {
  public:
    counted_job(std::shared_ptr<job_ledger> ledger, Job job) noexcept
        : ticket_(std::move(ledger)), job_(std::move(job)) {}
    counted_job(const counted_job& other) : ticket_(other.ticket_.ledger()), job_(other.job_) {}
    counted_job(counted_job&&) noexcept        = default;
    counted_job& operator=(const counted_job&) = delete;

    void operator()() { ticket_.ledger()->run(job_); }
    bool wants_help() const noexcept { return !ticket_.ledger()->closed() && std::as_const(job_).wants_help(); }

  private:
    job_ledger::ticket ticket_; // before the job, so that a job counts until its copy is gone
    Job job_;
};

} // namespace detail

/**
 * @brief One executor for several consumers. Each copy is one consumer's share of it: the threads are shared, and a stop waits
 *        for that consumer's jobs only.
 *
 * @code
 * rocketpush::shared_executor pool{rocketpush::thread_pool_executor(32)};
 * rocketpush::push_consumer orders{client, {.group = "billing"}, on_order, pool};
 * rocketpush::push_consumer refunds{client, {.group = "ledger"}, on_refund, pool};
 * @endcode
 *
 * Jobs of all run in the order in which they were handed over, so listeners that block every thread make the others wait, and
 * their stops too, up to its limit: give the pool enough threads, or such a consumer a pool of its own. What `concurrency`
 * says and `resize` changes is the executor's, for all. An executor that was not told a number gets that of the consumer that starts first.
 *
 * The executor ends with its last copy, whichever that is. Listeners that hung then keep what they need.
 *
 * @par Thread safety  As `Executor`; copied from any thread.
 * @par Source         None in Java, where each consumer has threads of its own.
 */
template <executor_policy Executor = thread_pool_executor>
class shared_executor {
  public:
    static constexpr bool concurrent = Executor::concurrent;

    explicit shared_executor(Executor executor) : executor_(std::make_shared<Executor>(std::move(executor))) {}

    /// A share of its own in the same executor.
    shared_executor(const shared_executor& other) : executor_(other.executor_) {}
    shared_executor(shared_executor&&) noexcept        = default;
    shared_executor& operator=(const shared_executor&) = delete;

    ~shared_executor() {
        if (jobs_)
            join(std::chrono::milliseconds(0));
    }

    void start(std::size_t threads) { executor_->start(threads); }

    template <executor_job Job>
    void execute(Job job) {
        executor_->execute(detail::counted_job<Job>(jobs_, std::move(job)));
    }

    template <executor_job Job>
        requires executes_together<Executor>
    void execute_all(std::span<Job> jobs) {
        std::vector<detail::counted_job<Job>> counted;
        counted.reserve(jobs.size());
        for (auto& each : jobs)
            counted.emplace_back(jobs_, std::move(each));
        executor_->execute_all(std::span(counted));
    }

    std::size_t concurrency() const noexcept { return executor_->concurrency(); }
    void resize(std::size_t count) { executor_->resize(count); }

    /// For the jobs of this share; the executor goes on for the others. On one of its threads it does not wait: jobs that are
    /// queued may need this very thread.
    bool join(std::chrono::milliseconds limit) {
        if constexpr (has_asio_executor<Executor>)
            if constexpr (detail::knows_its_threads<decltype(executor_->get_executor())>)
                if (executor_->get_executor().running_in_this_thread())
                    limit = std::chrono::milliseconds(0);
        return jobs_->join(limit);
    }

    /// Where listeners that are coroutines run.
    auto get_executor() const noexcept
        requires has_asio_executor<Executor>
    {
        return executor_->get_executor();
    }

  private:
    std::shared_ptr<Executor> executor_;                                                // null after a move, as is:
    std::shared_ptr<detail::job_ledger> jobs_ = std::make_shared<detail::job_ledger>(); // this share's
};

static_assert(has_asio_executor<shared_executor<>> && executes_together<shared_executor<>>);

} // namespace rocketpush

#endif
// rocketpush/allocation/average_allocation.hpp
#ifndef ROCKETPUSH_ALLOCATION_AVERAGE_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_AVERAGE_ALLOCATION_HPP

// rocketpush/allocation/allocation_strategy.hpp
#ifndef ROCKETPUSH_ALLOCATION_ALLOCATION_STRATEGY_HPP
#define ROCKETPUSH_ALLOCATION_ALLOCATION_STRATEGY_HPP


#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush {

/// One topic to be shared out. Members and queues are sorted as Java sorts them, so alike on every client.
struct allocation_request {
    std::string_view group;
    std::string_view self;                 ///< The client id of the member whose share is asked for.
    std::span<const std::string> members;  ///< Client ids, none twice.
    std::span<const message_queue> queues; ///< Of one topic.
};

/// The queues of one member, in the order of the request.
using allocation = result<std::vector<message_queue>>;

/// `name()`, constant and not throwing: brokers and Java members know strategies by it.
template <class S>
concept named_strategy = requires(const S& s) {
    { s.name() } noexcept -> std::convertible_to<std::string_view>;
};

/// `allocate(request)` gives an `allocation`.
template <class S>
concept answers_allocation = requires(const S& s, const allocation_request& request) {
    { s.allocate(request) } -> std::convertible_to<allocation>;
};

/**
 * @brief Decides which message queues a member of a consumer group reads.
 *
 * Laws (`tests/support/laws/allocation_strategy.hpp` checks them; users may run it too):
 *  - deterministic: equal requests get equal answers, on copies too;
 *  - disjoint and complete: over all members, every queue is given exactly once;
 *  - a share keeps the order of the request;
 *  - no queues is an empty share;
 *  - a `self` outside `members` is `error::not_a_member`, never an empty share.
 *
 * All members of a group use the same strategy, in whatever language; nobody checks that.
 *
 * @par Thread safety  Called on the consumer's strand only.
 * @par Default        average_allocation
 * @par Source         Java `AllocateMessageQueueStrategy`.
 */
template <class S>
concept allocation_strategy = std::copy_constructible<S> && named_strategy<S> && answers_allocation<S>;

} // namespace rocketpush

#endif

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace rocketpush {

/**
 * @brief Gives every member one contiguous run of queues; the first `queues % members` members get one queue more.
 *
 * Eight queues over three members: 0-2, 3-5, 6-7.
 *
 * @par Source  Java `AllocateMessageQueueAveragely`; the same shares, so Java and C++ members can be in one group.
 *              Differs: no queues is an empty share here, a throw there.
 */
struct average_allocation {
    static constexpr std::string_view name() noexcept { return "AVG"; }

    /**
     * @param request  Members and queues, sorted alike on every client.
     * @return The run of `request.self`; empty if it has none.
     * @retval error::not_a_member  `request.self` is not among `request.members`.
     */
    allocation allocate(const allocation_request& request) const {
        const auto self = std::ranges::find(request.members, request.self);
        if (self == request.members.end())
            return error::not_a_member;
        const auto rank  = static_cast<std::size_t>(self - request.members.begin());
        const auto share = request.queues.size() / request.members.size();
        const auto extra = request.queues.size() % request.members.size();
        const auto run   = request.queues.subspan(rank * share + std::min(rank, extra), share + (rank < extra ? 1 : 0));
        return std::vector(run.begin(), run.end());
    }
};

static_assert(allocation_strategy<average_allocation>);

} // namespace rocketpush

#endif
// rocketpush/allocation/broker_allocation.hpp
#ifndef ROCKETPUSH_ALLOCATION_BROKER_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_BROKER_ALLOCATION_HPP

// rocketpush/allocation/circle_allocation.hpp
#ifndef ROCKETPUSH_ALLOCATION_CIRCLE_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_CIRCLE_ALLOCATION_HPP


#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Deals the queues out one by one, as cards: queue k goes to member `k % members`.
 *
 * Eight queues over three members: 0 3 6, 1 4 7, 2 5. With several brokers each member reads from all of them.
 *
 * @par Source  Java `AllocateMessageQueueAveragelyByCircle`; the same shares. Differs: no queues is an empty share
 *              here, a throw there.
 */
struct circle_allocation {
    static constexpr std::string_view name() noexcept { return "AVG_BY_CIRCLE"; }

    /**
     * @return Every n-th queue from the rank of `request.self` on, with n members; empty if it has none.
     * @retval error::not_a_member  `request.self` is not among `request.members`.
     */
    allocation allocate(const allocation_request& request) const {
        const auto self = std::ranges::find(request.members, request.self);
        if (self == request.members.end())
            return error::not_a_member;
        std::vector<message_queue> share;
        for (auto k = static_cast<std::size_t>(self - request.members.begin()); k < request.queues.size();
             k += request.members.size())
            share.push_back(request.queues[k]);
        return share;
    }
};

static_assert(allocation_strategy<circle_allocation>);

} // namespace rocketpush

#endif

#include <string_view>
#include <utility>

namespace rocketpush {

/**
 * @brief Has a broker share the queues out, and say for each topic whether they are pulled or popped.
 *
 * Which of the two is set at the brokers, by topic and group, and may change at any time (`mqadmin setConsumeMode`). Only with this
 * policy can a consumer pop; a consumer with another one does not compile any of that. Brokers before 5.0 do not know the
 * question: there, and only there, `Fallback` shares out.
 *
 * @code
 * rocketpush::push_consumer consumer{options, on_order, rocketpush::broker_allocation{}};
 * @endcode
 *
 * For concurrent, clustering consumers; an orderly or a broadcasting one does not compile with it. (Java's share out by themselves
 * then, without a word.)
 *
 * @tparam Fallback  Also tells the broker how to share out queues that are pulled. Brokers know `AVG` and `AVG_BY_CIRCLE`; with another
 *                   strategy they are asked for `AVG`.
 * @par Source  Java `DefaultMQPushConsumer.setClientRebalance(false)`.
 */
template <allocation_strategy Fallback = average_allocation>
class broker_allocation {
  public:
    static constexpr bool asked_of_broker = true;

    broker_allocation() = default;
    explicit broker_allocation(Fallback fallback) : fallback_(std::move(fallback)) {}

    std::string_view name() const noexcept { return fallback_.name(); }

    /// The name that brokers are told.
    std::string_view name_at_broker() const noexcept {
        const std::string_view own = name();
        return own == circle_allocation::name() ? own : average_allocation::name();
    }

    /// As `Fallback`.
    allocation allocate(const allocation_request& request) const { return fallback_.allocate(request); }

  private:
    Fallback fallback_;
};

/// Whether the strategy is to ask a broker.
template <class S>
concept asks_broker = allocation_strategy<S> && requires { requires S::asked_of_broker; };

static_assert(asks_broker<broker_allocation<>>);
static_assert(!asks_broker<average_allocation>);

} // namespace rocketpush

#endif
// rocketpush/allocation/consistent_hash_allocation.hpp
#ifndef ROCKETPUSH_ALLOCATION_CONSISTENT_HASH_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_CONSISTENT_HASH_ALLOCATION_HPP

// rocketpush/detail/features.hpp
#ifndef ROCKETPUSH_DETAIL_FEATURES_HPP
#define ROCKETPUSH_DETAIL_FEATURES_HPP

/**
 * Which optional libraries this build uses. Each macro is 1 or 0; a build may set it before the first include (the
 * CMake and Meson targets do), otherwise a library is used when its header is there.
 *
 * A message that needs a compression that was left out is reported as `error::compression_left_out`; what needs OpenSSL does
 * not compile without it. Nothing else changes.
 */
#ifndef ROCKETPUSH_WITH_LIBDEFLATE
#if __has_include(<libdeflate.h>)
#define ROCKETPUSH_WITH_LIBDEFLATE 1
#else
#define ROCKETPUSH_WITH_LIBDEFLATE 0
#endif
#endif

/// Bodies compressed by zlib. libdeflate does the work where it is there, and zlib is not linked then.
#ifndef ROCKETPUSH_WITH_ZLIB
#if ROCKETPUSH_WITH_LIBDEFLATE || __has_include(<zlib.h>)
#define ROCKETPUSH_WITH_ZLIB 1
#else
#define ROCKETPUSH_WITH_ZLIB 0
#endif
#endif

#ifndef ROCKETPUSH_WITH_LZ4
#if __has_include(<lz4frame.h>)
#define ROCKETPUSH_WITH_LZ4 1
#else
#define ROCKETPUSH_WITH_LZ4 0
#endif
#endif

#ifndef ROCKETPUSH_WITH_ZSTD
#if __has_include(<zstd.h>)
#define ROCKETPUSH_WITH_ZSTD 1
#else
#define ROCKETPUSH_WITH_ZSTD 0
#endif
#endif

/// MD5 for consistent_hash_allocation; nothing else needs OpenSSL's libcrypto, and a program without it does not link it.
#ifndef ROCKETPUSH_WITH_OPENSSL
#if __has_include(<openssl/evp.h>)
#define ROCKETPUSH_WITH_OPENSSL 1
#else
#define ROCKETPUSH_WITH_OPENSSL 0
#endif
#endif

#endif

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if ROCKETPUSH_WITH_OPENSSL
#include <openssl/evp.h>
#endif

namespace rocketpush {

/**
 * @brief Where a text lies on the ring: a signed number, as Java's `HashFunction` gives one. Empty: it cannot tell.
 *
 * Pure; all members of a group use the same one.
 */
template <class H>
concept ring_hash = std::copy_constructible<H> && requires(const H& hash, std::string_view text) {
    { hash(text) } -> std::convertible_to<std::optional<std::int64_t>>;
};

/**
 * @brief The first four bytes of a text's MD5 as a big-endian number, 0 to 4294967295.
 *
 * Empty where OpenSSL refuses MD5, as one does that only has what FIPS allows.
 *
 * @par Source  Java `ConsistentHashRouter.MD5Hash`.
 */
struct md5_hash {
    std::optional<std::int64_t> operator()(std::string_view text) const noexcept
#if ROCKETPUSH_WITH_OPENSSL
    {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        if (::EVP_Digest(text.data(), text.size(), digest.data(), nullptr, ::EVP_md5(), nullptr) != 1)
            return std::nullopt;
        std::int64_t head = 0;
        for (std::size_t i = 0; i < 4; ++i)
            head = head << 8 | digest[i];
        return head;
    }
#endif
    ;
};

/**
 * @brief Puts members and queues on a ring by their hashes; a queue belongs to the next member behind it.
 *
 * When a member comes or goes, only queues that it gets or had move: of 64 queues over four members about 16, where
 * average_allocation moves about half. The shares are less even. Each member stands on the ring at several places, its
 * virtual nodes; the more there are, the more even the shares are.
 *
 * @tparam Hash  See ring_hash; `consistent_hash_allocation` is the one with Java's.
 * @par Source   Java `AllocateMessageQueueConsistentHash`, `ConsistentHashRouter`; the same shares. (Go's client hashes
 *               other texts: no group has both.) Differs: no queues is an empty share here, a throw there.
 */
template <ring_hash Hash>
class basic_consistent_hash_allocation {
    static_assert(ROCKETPUSH_WITH_OPENSSL || !std::same_as<Hash, md5_hash>,
                  "consistent_hash_allocation needs MD5, which this build left out with OpenSSL "
                  "(ROCKETPUSH_WITH_OPENSSL); a basic_consistent_hash_allocation with a hash of your own does not");

  public:
    /// @param virtual_nodes  Places of each member on the ring. 0: nobody gets anything, as in Java.
    explicit basic_consistent_hash_allocation(std::size_t virtual_nodes = 10, Hash hash = Hash())
        : virtual_nodes_(virtual_nodes), hash_(std::move(hash)) {}

    static constexpr std::string_view name() noexcept { return "CONSISTENT_HASH"; }

    /**
     * @return The queues whose next place on the ring is one of `request.self`; empty if there are none.
     * @retval error::not_a_member         `request.self` is not among `request.members`.
     * @retval error::unsupported_feature  The hash could not be had: OpenSSL refuses MD5.
     */
    allocation allocate(const allocation_request& request) const {
        if (std::ranges::find(request.members, request.self) == request.members.end())
            return error::not_a_member;
        std::map<std::int64_t, std::string_view> ring; // whose each place is
        for (const auto& member : request.members)
            for (std::size_t i = 0; i < virtual_nodes_; ++i) {
                const std::optional<std::int64_t> place = hash_(member + '-' + std::to_string(i));
                if (!place)
                    return error::unsupported_feature;
                ring.insert_or_assign(*place, member); // two at one place: the later member has it
            }
        std::vector<message_queue> share;
        if (ring.empty())
            return share;
        for (const auto& queue : request.queues) {
            const std::optional<std::int64_t> place = hash_(java_text(queue));
            if (!place)
                return error::unsupported_feature;
            auto next = ring.lower_bound(*place);
            if (next == ring.end())
                next = ring.begin();
            if (next->second == request.self)
                share.push_back(queue);
        }
        return share;
    }

  private:
    /// What Java's `MessageQueue.toString` gives: it is what is hashed.
    static std::string java_text(const message_queue& queue) {
        return "MessageQueue [topic=" + queue.topic + ", brokerName=" + queue.broker_name +
               ", queueId=" + std::to_string(queue.queue_id) + "]";
    }

    std::size_t virtual_nodes_;
    [[no_unique_address]] Hash hash_;
};

/// With Java's hash, so that Java members can be in the group.
using consistent_hash_allocation = basic_consistent_hash_allocation<md5_hash>;

} // namespace rocketpush

#endif
// rocketpush/allocation/fixed_allocation.hpp
#ifndef ROCKETPUSH_ALLOCATION_FIXED_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_FIXED_ALLOCATION_HPP


#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Reads the queues that it was given, whoever else is in the group.
 *
 * It does not share out: the lists of all members have to be disjoint, and complete, by the user's care. The retry topic
 * is a topic like the others: a member reads the group's retries if `{"%RETRY%billing", "broker-a", 0}` is in its list.
 *
 * @par Source  Java `AllocateMessageQueueByConfig`. Differs: of the list only queues that the topic has are taken, where
 *              Java takes all of it for every topic, and fails again and again to read what is not there.
 */
class fixed_allocation {
  public:
    /// @param queues  Of all topics, in any order; topics as the broker knows them (with the namespace).
    explicit fixed_allocation(std::vector<message_queue> queues) : queues_(std::move(queues)) {}

    static constexpr std::string_view name() noexcept { return "CONFIG"; }

    /// @return What of `request.queues` is in the list; also for a member that the group does not know yet.
    allocation allocate(const allocation_request& request) const {
        std::vector<message_queue> share;
        for (const auto& queue : request.queues)
            if (std::ranges::find(queues_, queue) != queues_.end())
                share.push_back(queue);
        return share;
    }

  private:
    std::vector<message_queue> queues_;
};

static_assert(allocation_strategy<fixed_allocation>);

} // namespace rocketpush

#endif
// rocketpush/allocation/machine_room_allocation.hpp
#ifndef ROCKETPUSH_ALLOCATION_MACHINE_ROOM_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_MACHINE_ROOM_ALLOCATION_HPP


#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Shares out only queues of brokers in some machine rooms; a broker named `east@broker-1` is in room `east`.
 *
 * Every member gets a run of queues, as long for all; what remains at the end is dealt out one by one. Eight queues over
 * three members: 0 1 6, 2 3 7, 4 5. Queues of other rooms, and of brokers that name none, are nobody's: other groups, or
 * members with other rooms, have to read them.
 *
 * @par Source  Java `AllocateMessageQueueByMachineRoom`; the same shares. (Go's strategy of this name shares out
 *              otherwise.) Differs: no queues is an empty share here, a throw there.
 */
class machine_room_allocation {
  public:
    /// @param rooms  Names, `machine_room_allocation({"east", "west"})`. Java: consumeridcs.
    explicit machine_room_allocation(std::vector<std::string> rooms) : rooms_(std::move(rooms)) {}

    static constexpr std::string_view name() noexcept { return "MACHINE_ROOM"; }

    /**
     * @return The share of `request.self` in the queues of our rooms; empty if it has none.
     * @retval error::not_a_member  `request.self` is not among `request.members`.
     */
    allocation allocate(const allocation_request& request) const {
        const auto self = std::ranges::find(request.members, request.self);
        if (self == request.members.end())
            return error::not_a_member;
        std::vector<message_queue> queues;
        for (const auto& queue : request.queues)
            if (const auto room = room_of(queue.broker_name); room && std::ranges::find(rooms_, *room) != rooms_.end())
                queues.push_back(queue);

        const auto rank    = static_cast<std::size_t>(self - request.members.begin());
        const auto members = request.members.size();
        const auto run     = queues.size() / members;
        std::vector<message_queue> share;
        for (std::size_t i = rank * run; i < (rank + 1) * run; ++i)
            share.push_back(queues[i]);
        if (rank < queues.size() % members)
            share.push_back(queues[members * run + rank]);
        return share;
    }

  private:
    /// What stands before the one `@`. Java splits there and forgets empty parts at the end: `east@a@` is in `east` too.
    static std::optional<std::string_view> room_of(std::string_view broker) noexcept {
        while (broker.ends_with('@'))
            broker.remove_suffix(1);
        const auto at = broker.find('@');
        if (at == std::string_view::npos || broker.find('@', at + 1) != std::string_view::npos)
            return std::nullopt;
        return broker.substr(0, at);
    }

    std::vector<std::string> rooms_;
};

static_assert(allocation_strategy<machine_room_allocation>);

} // namespace rocketpush

#endif
// rocketpush/allocation/nearby_allocation.hpp
#ifndef ROCKETPUSH_ALLOCATION_NEARBY_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_NEARBY_ALLOCATION_HPP


#include <algorithm>
#include <concepts>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/// Says in which machine room something is: `resolve(what)` gives a text, empty when it does not know.
template <class R, class What>
concept room_resolver = std::copy_constructible<R> && std::invocable<const R&, const What&> &&
                        std::constructible_from<std::string, std::invoke_result_t<const R&, const What&>>;

/**
 * @brief Members read the queues of their own machine room; those of rooms without a member are shared by all.
 *
 * @code
 * nearby_allocation{average_allocation{},
 *                   [](const message_queue& queue) { return queue.broker_name.substr(0, queue.broker_name.find('@')); },
 *                   [](const std::string& client_id) { return room_of_host(client_id); }}
 * @endcode
 *
 * @tparam Inner          Shares the queues of one room out.
 * @tparam RoomOfQueue    Of a `message_queue`; alike on all members, and pure. Java: MachineRoomResolver.brokerDeployIn.
 * @tparam RoomOfMember   Of a client id, `10.0.0.7@instance`. Java: MachineRoomResolver.consumerDeployIn.
 * @par Source  Java `AllocateMachineRoomNearby`; the same shares. Differs: no queues is an empty share here, a throw there.
 */
template <allocation_strategy Inner, room_resolver<message_queue> RoomOfQueue, room_resolver<std::string> RoomOfMember>
class nearby_allocation {
  public:
    nearby_allocation(Inner inner, RoomOfQueue room_of_queue, RoomOfMember room_of_member)
        : inner_(std::move(inner)),
          room_of_queue_(std::move(room_of_queue)),
          room_of_member_(std::move(room_of_member)),
          name_("MACHINE_ROOM_NEARBY-" + std::string(std::string_view(inner_.name()))) {}

    /// `MACHINE_ROOM_NEARBY-AVG` around average_allocation.
    std::string_view name() const noexcept { return name_; }

    /**
     * @return The share of `request.self` in the queues of its room, and in those of each room that has no member.
     * @retval error::not_a_member     `request.self` is not among `request.members`.
     * @retval error::no_machine_room  A resolver does not know the room of a queue or of a member.
     * @return Also what `Inner` fails with.
     */
    allocation allocate(const allocation_request& request) const {
        if (std::ranges::find(request.members, request.self) == request.members.end())
            return error::not_a_member;
        std::map<std::string, std::vector<message_queue>> queues_of;
        for (const auto& queue : request.queues)
            queues_of[std::string(std::invoke(room_of_queue_, queue))].push_back(queue);
        std::map<std::string, std::vector<std::string>> members_of;
        std::string own_room;
        for (const auto& member : request.members) {
            std::string room(std::invoke(room_of_member_, member));
            if (member == request.self)
                own_room = room;
            members_of[std::move(room)].push_back(member);
        }
        if (queues_of.contains("") || members_of.contains(""))
            return error::no_machine_room;

        std::vector<message_queue> share;
        for (const auto& [room, queues] : queues_of) {
            const auto neighbours = members_of.find(room);
            if (neighbours != members_of.end() && room != own_room)
                continue;
            allocation part = neighbours == members_of.end()
                                  ? inner_.allocate({request.group, request.self, request.members, queues})
                                  : inner_.allocate({request.group, request.self, neighbours->second, queues});
            if (!part)
                return part;
            share.insert(share.end(), part->begin(), part->end());
        }
        std::ranges::sort(share); // as the request is
        return share;
    }

  private:
    Inner inner_;
    [[no_unique_address]] RoomOfQueue room_of_queue_;
    [[no_unique_address]] RoomOfMember room_of_member_;
    std::string name_;
};

} // namespace rocketpush

#endif

// protocol: bytes to values and back
// rocketpush/protocol/frame.hpp
#ifndef ROCKETPUSH_PROTOCOL_FRAME_HPP
#define ROCKETPUSH_PROTOCOL_FRAME_HPP


#include <cstddef>
#include <cstdint>

namespace rocketpush::protocol {

/// How a frame's header is written. A response need not use its request's: read by the frame's type byte, always.
enum class header_encoding : std::uint8_t {
    json     = 0, ///< One JSON object.
    rocketmq = 1  ///< Binary; its code has 16 bits, so the codes of the 200xxx family do not fit.
};

/// Bytes before the header: the length, then the encoding and the header's length.
inline constexpr std::size_t frame_prefix_size = 8;
/// Bytes of a whole frame. Java: `com.rocketmq.remoting.frameMaxLength`, also a server's default.
inline constexpr std::size_t default_frame_limit = 16u << 20;
/// Bytes of a header: its length has 24 bits.
inline constexpr std::size_t max_header_size = 0xFFFFFF;

/// The first eight bytes of a frame, checked.
struct frame_prefix {
    header_encoding encoding  = header_encoding::json;
    std::uint32_t header_size = 0; ///< Bytes.
    std::uint32_t body_size   = 0; ///< Bytes.

    /// Bytes of the whole frame, this prefix included.
    constexpr std::size_t frame_size() const noexcept {
        return frame_prefix_size + std::size_t{header_size} + std::size_t{body_size};
    }

    friend bool operator==(const frame_prefix&, const frame_prefix&) = default;
};

/**
 * @brief Reads the frame's lengths before anything is done with them.
 *
 * Layout: int32 length of what follows; a byte of encoding; 24 bits of header length; header; body.
 *
 * @param eight_bytes  `frame_prefix_size` bytes.
 * @param limit        Largest whole frame, in bytes.
 * @retval error::frame_too_large   The frame would be larger than `limit`.
 * @retval error::frame_malformed   The length is negative or too short, or the header is longer than the frame.
 * @retval error::unknown_encoding  The header is neither JSON nor ROCKETMQ.
 */
inline result<frame_prefix> parse_frame_prefix(const char* eight_bytes, std::size_t limit = default_frame_limit) {
    const auto length = detail::load_big<std::int32_t>(eight_bytes);
    const auto word   = detail::load_big<std::uint32_t>(eight_bytes + 4);
    if (length < 4)
        return error::frame_malformed;
    const auto following = static_cast<std::uint32_t>(length);
    if (std::size_t{following} + 4 > limit)
        return error::frame_too_large;
    const auto header_size = word & 0xFFFFFFu;
    if (header_size > following - 4)
        return error::frame_malformed;
    const auto encoding = word >> 24;
    if (encoding > static_cast<std::uint32_t>(header_encoding::rocketmq))
        return error::unknown_encoding;
    return frame_prefix{static_cast<header_encoding>(encoding), header_size, following - 4 - header_size};
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/header.hpp
#ifndef ROCKETPUSH_PROTOCOL_HEADER_HPP
#define ROCKETPUSH_PROTOCOL_HEADER_HPP

// rocketpush/protocol/codes.hpp
#ifndef ROCKETPUSH_PROTOCOL_CODES_HPP
#define ROCKETPUSH_PROTOCOL_CODES_HPP

#include <cstdint>
#include <string_view>

namespace rocketpush::protocol {

/**
 * @brief What a request asks for.
 * @par Source  Java `RequestCode`.
 */
enum class request_code : std::int32_t {
    send_message                = 10,
    pull_message                = 11,
    query_consumer_offset       = 14,
    update_consumer_offset      = 15,
    update_and_create_topic     = 17,
    search_offset_by_timestamp  = 29,
    get_max_offset              = 30,
    get_min_offset              = 31,
    get_earliest_store_time     = 32,
    view_message_by_id          = 33,
    heart_beat                  = 34,
    unregister_client           = 35,
    consumer_send_back          = 36,
    get_consumer_list           = 38,
    check_transaction_state     = 39, ///< Pushed by a broker, to producers.
    notify_consumer_ids_changed = 40, ///< Pushed by a broker.
    lock_batch                  = 41,
    unlock_batch                = 42,
    check_client_config         = 46,
    get_route_info              = 105,
    reset_consumer_offset       = 220, ///< Pushed by a broker.
    get_consumer_status         = 221, ///< Pushed by a broker.
    get_consumer_running_info   = 307, ///< Pushed by a broker.
    consume_message_directly    = 309, ///< Pushed by a broker.
    send_message_v2             = 310,
    send_batch_message          = 320,
    push_reply_message          = 326, ///< Pushed by a broker, to producers.
    query_assignment            = 400,
    set_request_mode            = 401,
    pop_message                 = 200050,
    ack_message                 = 200051,
    change_invisible_time       = 200053,
    batch_ack_message           = 200151,
};

/// Bit 0 of a header's flag: this is a response.
inline constexpr std::int32_t response_flag = 1;
/// Bit 1 of a header's flag: nobody waits for a response, not even for an error.
inline constexpr std::int32_t oneway_flag = 2;

/**
 * @brief The version that we tell servers: V5_1_4.
 *
 * From 401 on, name servers answer standard JSON. Above 441, a server that shuts down answers everything with GO_AWAY
 * and wants its clients to come again on a new connection, which this version does not do.
 *
 * @par Source  Java `MQVersion.Version`, by ordinal.
 */
inline constexpr std::int32_t client_version = 441;

/// Who speaks. Admin tools show it. @par Source  Java `LanguageCode`.
enum class language : std::uint8_t { java = 0, cpp = 1, go = 9, rust = 12 };

/// The language's name in a JSON header.
constexpr std::string_view to_string(language code) noexcept {
    switch (code) {
    case language::java: return "JAVA";
    case language::cpp: return "CPP";
    case language::go: return "GO";
    case language::rust: return "RUST";
    }
    return "OTHER";
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/json_text.hpp
#ifndef ROCKETPUSH_PROTOCOL_JSON_TEXT_HPP
#define ROCKETPUSH_PROTOCOL_JSON_TEXT_HPP


#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/**
 * @file
 * JSON in place, for frame headers and bodies: finds keys and values in the bytes, without a tree and without allocating.
 */
namespace rocketpush::protocol {

/// Appends `text` as the inside of a JSON string.
inline void append_json_escaped(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::size_t plain              = 0; // Where the run begins that needs no escape.
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        out.append(text, plain, i - plain);
        plain = i + 1;
        if (byte >= 0x20) {
            const char escape[] = {'\\', text[i]};
            out.append(escape, sizeof escape);
        } else {
            const char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0xF]};
            out.append(escape, sizeof escape);
        }
    }
    out.append(text, plain);
}

/// Appends one code point as UTF-8; what is none (a surrogate alone) as U+FFFD.
inline void append_utf8(std::string& out, char32_t value) {
    const auto byte = [&out](char32_t bits) { out.push_back(static_cast<char>(bits)); };
    if ((value >= 0xD800 && value < 0xE000) || value > 0x10FFFF)
        value = 0xFFFD;
    if (value < 0x80) {
        byte(value);
    } else if (value < 0x800) {
        byte(0xC0 | value >> 6);
        byte(0x80 | (value & 0x3F));
    } else if (value < 0x10000) {
        byte(0xE0 | value >> 12);
        byte(0x80 | (value >> 6 & 0x3F));
        byte(0x80 | (value & 0x3F));
    } else {
        byte(0xF0 | value >> 18);
        byte(0x80 | (value >> 12 & 0x3F));
        byte(0x80 | (value >> 6 & 0x3F));
        byte(0x80 | (value & 0x3F));
    }
}

} // namespace rocketpush::protocol

namespace rocketpush::detail {

/// The value of the four hex digits behind a `\u`, or -1.
constexpr std::int32_t utf16_unit(std::string_view text) noexcept {
    if (text.size() < 4)
        return -1;
    std::int32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const int digit = hex_digit(text[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/// The first quote or backslash in [at, end), or `end`: 16 bytes at once where the machine can.
[[gnu::always_inline]] inline const char* find_quote_or_escape(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const auto hits     = static_cast<unsigned>(
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash))));
        if (hits != 0)
            return at + std::countr_zero(hits);
    }
#endif
    while (at != end && *at != '"' && *at != '\\')
        ++at;
    return at;
}

/**
 * @brief Behind the brace that ends an object of plain members: no object, array or escape in it. 16 bytes at once.
 * @param at  Behind the brace that begins it.
 * @return Null: it is no such object, or the machine cannot; what its members are is not looked at.
 */
inline const char* end_of_plain_object([[maybe_unused]] const char* at, [[maybe_unused]] const char* end) noexcept {
#if defined(__SSE2__)
    unsigned quotes = 0; // of what lies behind, folded: only whether their number is even matters
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        // With this bit all of { } [ ] and the backslash are 0x7B to 0x7D; what else is above 0x7A is rare.
        const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        const auto braces    = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpgt_epi8(folded, _mm_set1_epi8('z'))));
        const auto quoted    = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))));
        if (braces == 0) {
            quotes ^= quoted;
            continue;
        }
        const char* const brace = at + std::countr_zero(braces);
        quotes ^= quoted & (braces - 1) & ~braces; // those before it
        return *brace == '}' && __builtin_parity(quotes) == 0 ? brace + 1 : nullptr;
    }
#endif
    return nullptr;
}

constexpr bool is_high_surrogate(std::int32_t unit) noexcept { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool is_low_surrogate(std::int32_t unit) noexcept { return unit >= 0xDC00 && unit < 0xE000; }

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/// Appends what the inside of a JSON string stands for. `raw` comes from a `json_cursor`, so its escapes are whole.
inline void append_json_unescaped(std::string& out, std::string_view raw) {
    while (true) {
        const auto escape = raw.find('\\');
        out.append(raw.substr(0, escape));
        if (escape == std::string_view::npos || escape + 1 >= raw.size())
            return;
        const char kind = raw[escape + 1];
        raw.remove_prefix(escape + 2);
        switch (kind) {
        case 'b': out.push_back('\b'); break;
        case 'f': out.push_back('\f'); break;
        case 'n': out.push_back('\n'); break;
        case 'r': out.push_back('\r'); break;
        case 't': out.push_back('\t'); break;
        case 'u': {
            auto unit = detail::utf16_unit(raw);
            raw.remove_prefix(raw.size() < 4 ? raw.size() : 4);
            auto value = static_cast<char32_t>(unit);
            if (detail::is_high_surrogate(unit) && raw.starts_with("\\u")) {
                const auto low = detail::utf16_unit(raw.substr(2));
                if (detail::is_low_surrogate(low)) {
                    value =
                        0x10000 + (static_cast<char32_t>(unit - 0xD800) << 10) + static_cast<char32_t>(low - 0xDC00);
                    raw.remove_prefix(6);
                }
            }
            append_utf8(out, value);
            break;
        }
        default: out.push_back(kind); // A quote, a slash, a backslash.
        }
    }
}

/**
 * @brief Reads JSON front to back. Every function skips blanks first, and answers false when the text is not what was
 *        asked for; then the cursor is of no further use.
 *
 * What headers consist of, strings without blanks between them, is read inline, so that the cursor stays in registers; for all
 * else there are functions that get its place and return the next one.
 */
class json_cursor {
  public:
    /// Values nested deeper than this are refused: the bytes come from the network and the reader recurses.
    static constexpr int max_depth = 32;

    enum class kind : std::uint8_t { string, number, literal, object, array };

    /// One value, in place: a string without its quotes and with its escapes, anything else as it stands.
    struct value {
        kind type = kind::literal;
        std::string_view raw{};

        bool is_null() const noexcept { return type == kind::literal && raw == "null"; }
    };

    explicit json_cursor(std::string_view text) noexcept : at_(text.data()), end_(text.data() + text.size()) {}

    /// Whether nothing but blanks is left.
    bool at_end() noexcept {
        at_ = behind_blanks(at_, end_);
        return at_ == end_;
    }

    /// The next character, without taking it; 0 at the end.
    [[gnu::always_inline]] char peek() noexcept {
        if (at_ == end_ || is_control_or_blank(*at_)) [[unlikely]]
            at_ = behind_blanks(at_, end_);
        return at_ == end_ ? '\0' : *at_;
    }

    [[gnu::always_inline]] bool take(char expected) noexcept {
        if (at_ == end_ || *at_ != expected) [[unlikely]] {
            at_ = behind_blanks(at_, end_);
            if (at_ == end_ || *at_ != expected)
                return false;
        }
        ++at_;
        return true;
    }

    /// A string; `raw` is its inside, escapes and all.
    [[gnu::always_inline]] bool read_string(std::string_view& raw) noexcept {
        if (!take('"')) [[unlikely]]
            return false;
        const char* const begin = at_;
        const char* found       = detail::find_quote_or_escape(begin, end_);
        if (found == end_ || *found != '"') [[unlikely]] {
            found = end_of_escaped(found, end_);
            if (!found)
                return false;
        }
        raw = {begin, static_cast<std::size_t>(found - begin)};
        at_ = found + 1;
        return true;
    }

    /// Any value, nested ones included.
    [[gnu::always_inline]] bool read_value(value& out, int depth = max_depth) noexcept {
        const char first = peek();
        if (first == '"') [[likely]] {
            out.type = kind::string;
            return read_string(out.raw);
        }
        const char* const begin = at_;
        if (is_digit(first)) {
            do
                ++at_;
            while (at_ != end_ && is_digit(*at_));
            if (at_ == end_ || !is_scalar(*at_)) [[likely]] {
                out = {kind::number, {begin, static_cast<std::size_t>(at_ - begin)}};
                return true;
            }
        }
        const auto found = find_value_end(begin, end_, depth);
        if (!found.end)
            return false;
        out = {found.type, {begin, static_cast<std::size_t>(found.end - begin)}};
        at_ = found.end;
        return true;
    }

    /// An object, of which the members may be anything that ends where it does; or any other value.
    bool read_object_or_value(value& out) noexcept {
        if (peek() == '{') {
            const char* const begin = at_;
            if (const char* const end = detail::end_of_plain_object(begin + 1, end_)) {
                out = {kind::object, {begin, static_cast<std::size_t>(end - begin)}};
                at_ = end;
                return true;
            }
        }
        return read_value(out);
    }

    /// Begins an object; `next_member` goes on.
    [[gnu::always_inline]] bool enter_object() noexcept { return take('{'); }

    /**
     * @brief The key of an object's next member; its value is to be read then.
     * @param first  True at first; the object's progress.
     * @return False behind the last member, or when there is neither one nor the end: `leave_object` tells.
     */
    [[gnu::always_inline]] bool next_member(std::string_view& key, bool& first) noexcept {
        if (peek() == '}')
            return false;
        if ((std::exchange(first, false) || take(',')) && read_string(key) && take(':')) [[likely]]
            return true;
        at_ = end_; // here is no end of an object
        return false;
    }

    [[gnu::always_inline]] bool leave_object() noexcept { return take('}'); }

  private:
    /// Where a value ends; null when it does not.
    struct value_end {
        kind type;
        const char* end;
    };

    static constexpr bool is_control_or_blank(char c) noexcept { return static_cast<unsigned char>(c) <= ' '; }

    static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static constexpr bool is_scalar(char c) noexcept {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
    }

    [[gnu::noinline]] static const char* behind_blanks(const char* at, const char* end) noexcept {
        while (at != end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
            ++at;
        return at;
    }

    /// The quote that ends a string. @param at  Its first backslash, or `end`. @return Null: there is no quote, or a wrong escape.
    [[gnu::noinline]] static const char* end_of_escaped(const char* at, const char* end) noexcept {
        constexpr std::string_view kinds = "\"\\/bfnrtu";
        while (at != end) {
            if (*at == '"')
                return at;
            if (++at == end || kinds.find(*at) == std::string_view::npos)
                return nullptr;
            if (*at++ == 'u') {
                if (detail::utf16_unit({at, static_cast<std::size_t>(end - at)}) < 0)
                    return nullptr;
                at += 4;
            }
            at = detail::find_quote_or_escape(at, end);
        }
        return nullptr;
    }

    /// Of a value that is no string.
    [[gnu::noinline]] static value_end find_value_end(const char* begin, const char* end, int depth) noexcept {
        const char first = begin == end ? '\0' : *begin;
        if (first == '{' || first == '[') {
            json_cursor inner({begin, static_cast<std::size_t>(end - begin)});
            const bool whole =
                depth != 0 && (first == '{' ? inner.skip_object(depth - 1) : inner.skip_array(depth - 1));
            return {first == '{' ? kind::object : kind::array, whole ? inner.at_ : nullptr};
        }
        const char* at = begin;
        while (at != end && is_scalar(*at))
            ++at;
        if (first == '-' || is_digit(first))
            return {kind::number, at};
        const std::string_view word(begin, static_cast<std::size_t>(at - begin));
        return {kind::literal, word == "true" || word == "false" || word == "null" ? at : nullptr};
    }

    bool skip_object(int depth) noexcept {
        std::string_view key;
        value ignored;
        if (!enter_object())
            return false;
        for (bool first = true; next_member(key, first);)
            if (!read_value(ignored, depth))
                return false;
        return leave_object();
    }

    bool skip_array(int depth) noexcept {
        if (!take('['))
            return false;
        if (peek() == ']')
            return take(']');
        do {
            if (value ignored; !read_value(ignored, depth))
                return false;
        } while (peek() == ',' && take(','));
        return take(']');
    }

    const char* at_;
    const char* end_;
};

} // namespace rocketpush::protocol

#endif

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush::detail {

/// Reads the digits that begin at `at`, as many as can never overflow.
/// @return Behind them: at the first that is no digit, or is one too many.
template <std::integral T>
constexpr const char* read_digits(const char* at, const char* end, T& number) noexcept {
    if (end - at > std::numeric_limits<T>::digits10)
        end = at + std::numeric_limits<T>::digits10;
    T sum = 0;
    for (; at != end; ++at) {
        const auto digit = static_cast<unsigned>(*at) - '0';
        if (digit > 9)
            break;
        sum = static_cast<T>(sum * 10 + static_cast<T>(digit));
    }
    number = sum;
    return at;
}

/// Nearly every number of a header is one. False: the careful way has to be gone.
template <std::integral T>
constexpr bool read_short_number(std::string_view text, T& number) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && read_digits(text.data(), end, number) == end;
}

/// Keys and names differ in their lengths or first letters, mostly; only then it is worth a call.
constexpr bool is_name(std::string_view key, std::string_view name) noexcept {
    return key.size() == name.size() && (name.empty() || key.front() == name.front()) && key == name;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/// One header field's value, where it lies in the frame.
struct field_value {
    std::string_view raw; ///< In a JSON header its escapes are still there. A number or boolean may have had no quotes.
    header_encoding encoding = header_encoding::json;

    std::string to_string() const {
        std::string text;
        assign_to(text);
        return text;
    }

    /// As `to_string`, into a string that may have the room already.
    void assign_to(std::string& text) const {
        text.clear();
        if (encoding == header_encoding::json)
            append_json_unescaped(text, raw);
        else
            text.assign(raw);
    }

    /// The number, if the whole value is one and fits.
    template <std::integral T>
        requires(!std::same_as<T, bool>)
    std::optional<T> to_int() const noexcept {
        T number{};
        if (detail::read_short_number(raw, number)) [[likely]]
            return number;
        const auto [end, ec] = std::from_chars(raw.data(), raw.data() + raw.size(), number);
        if (ec != std::errc() || end != raw.data() + raw.size())
            return std::nullopt;
        return number;
    }

    /// `true` or `false`, if it is either.
    std::optional<bool> to_bool() const noexcept {
        if (raw == "true")
            return true;
        if (raw == "false")
            return false;
        return std::nullopt;
    }
};

/**
 * @brief A frame's header, where it lies in the frame: the fixed members as values, the fields still unread.
 *
 * Valid as long as the bytes it was parsed from.
 *
 * @par Source  Java `RemotingCommand`.
 */
struct header_view {
    header_encoding encoding = header_encoding::json;
    std::int32_t code        = 0; ///< A request's code, or a response's.
    std::int32_t opaque      = 0; ///< Joins a response to its request.
    std::int32_t flag        = 0;
    std::int32_t version     = 0;  ///< The sender's: 407 is 4.9.7, 513 is 5.5.0.
    std::string_view raw_remark{}; ///< As a `field_value`'s raw.
    std::string_view raw_fields{}; ///< JSON: the object, braces included. Binary: the entries. Empty: there are none.

    bool is_response() const noexcept { return (flag & response_flag) != 0; }
    bool is_oneway() const noexcept { return (flag & oneway_flag) != 0; }

    /// What the peer says in words. Servers set it on successes, too; never take it for an error.
    std::string remark() const { return field_value{raw_remark, encoding}.to_string(); }

    /**
     * @brief Calls `each(std::string_view key, field_value)` for every field, in the order of the
     *        bytes; nulls are left out.
     * @return False if the bytes were not fields: of a JSON header `parse_header` sees no more than where they end.
     */
    template <class F>
    bool for_each_field(F&& each) const {
        if (raw_fields.empty())
            return true;
        return encoding == header_encoding::json ? for_each_json_field(each) : for_each_binary_field(each);
    }

    /// The last field with this name, if there is one.
    std::optional<field_value> field(std::string_view name) const {
        std::optional<field_value> found;
        for_each_field([&](std::string_view key, field_value value) {
            if (key == name)
                found = value;
        });
        return found;
    }

  private:
    template <class F>
    bool for_each_json_field(F& each) const {
        json_cursor cursor(raw_fields);
        std::string_view key;
        json_cursor::value value;
        if (!cursor.enter_object())
            return false;
        for (bool first = true; cursor.next_member(key, first);) {
            if (!cursor.read_value(value))
                return false;
            if (!value.is_null())
                each(key, field_value{value.raw, header_encoding::json});
        }
        return cursor.leave_object();
    }

    /// Entries: int16 key length, key, int32 value length, value. Java reads a value without bytes as null.
    template <class F>
    bool for_each_binary_field(F& each) const {
        const char* at        = raw_fields.data();
        const char* const end = at + raw_fields.size();
        const auto left       = [&] { return static_cast<std::size_t>(end - at); };
        while (at != end) {
            if (left() < 2)
                return false;
            const std::size_t key_size = detail::load_big<std::uint16_t>(at);
            at += 2;
            if (left() < key_size + 4)
                return false;
            const std::string_view key(at, key_size);
            at += key_size;
            const std::size_t value_size = detail::load_big<std::uint32_t>(at);
            at += 4;
            if (left() < value_size)
                return false;
            if (value_size != 0)
                each(key, field_value{{at, value_size}, header_encoding::rocketmq});
            at += value_size;
        }
        return true;
    }
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

inline result<protocol::header_view> parse_json_header(std::string_view bytes) {
    using protocol::json_cursor;
    protocol::header_view header;
    bool valid    = true;
    bool has_code = false;
    json_cursor cursor(bytes);
    std::string_view key;
    json_cursor::value value;
    const auto number = [&](std::int32_t& into) {
        const auto read = protocol::field_value{value.raw}.to_int<std::int32_t>();
        into            = read.value_or(0);
        valid           = valid && read.has_value();
    };
    if (!cursor.enter_object())
        return error::header_malformed;
    for (bool first = true; valid && cursor.next_member(key, first);) {
        if (!cursor.read_object_or_value(value))
            return error::header_malformed;
        if (is_name(key, "code")) {
            number(header.code);
            has_code = true;
        } else if (is_name(key, "opaque")) {
            number(header.opaque);
        } else if (is_name(key, "flag")) {
            number(header.flag);
        } else if (is_name(key, "version")) {
            number(header.version);
        } else if (is_name(key, "extFields") && !value.is_null()) {
            header.raw_fields = value.raw;
            valid             = value.type == json_cursor::kind::object;
        } else if (is_name(key, "remark") && value.type == json_cursor::kind::string) {
            header.raw_remark = value.raw;
        }
    }
    if (!valid || !has_code || !cursor.leave_object() || !cursor.at_end())
        return error::header_malformed;
    return header;
}

/// Bytes: code 2, language 1, version 2, opaque 4, flag 4, remark 4 + n, fields 4 + n.
inline result<protocol::header_view> parse_binary_header(std::string_view bytes) {
    constexpr std::size_t fixed_size = 21;
    if (bytes.size() < fixed_size)
        return error::header_malformed;
    const char* at = bytes.data();
    protocol::header_view header{.encoding = protocol::header_encoding::rocketmq};
    header.code            = load_big<std::int16_t>(at);
    header.version         = load_big<std::int16_t>(at + 3);
    header.opaque          = load_big<std::int32_t>(at + 5);
    header.flag            = load_big<std::int32_t>(at + 9);
    const auto remark_size = std::size_t{load_big<std::uint32_t>(at + 13)};
    if (remark_size > bytes.size() - fixed_size)
        return error::header_malformed;
    header.raw_remark      = {at + 17, remark_size};
    const auto fields_size = std::size_t{load_big<std::uint32_t>(at + 17 + remark_size)};
    if (fields_size != bytes.size() - fixed_size - remark_size)
        return error::header_malformed;
    header.raw_fields = {at + fixed_size + remark_size, fields_size};
    if (!header.for_each_field([](std::string_view, protocol::field_value) {}))
        return error::header_malformed;
    return header;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Finds a header's parts in one pass over its bytes; allocates nothing.
 *
 * JSON keys may come in any order, unknown ones are skipped with whatever they hold.
 *
 * @retval error::header_malformed  Cut short, followed by more, no JSON object, no code, nested too deep, or a length
 *                                  that leads outside.
 */
inline result<header_view> parse_header(header_encoding encoding, std::string_view bytes) {
    return encoding == header_encoding::json ? detail::parse_json_header(bytes) : detail::parse_binary_header(bytes);
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/command.hpp
#ifndef ROCKETPUSH_PROTOCOL_COMMAND_HPP
#define ROCKETPUSH_PROTOCOL_COMMAND_HPP

// rocketpush/protocol/field_table.hpp
#ifndef ROCKETPUSH_PROTOCOL_FIELD_TABLE_HPP
#define ROCKETPUSH_PROTOCOL_FIELD_TABLE_HPP


#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/**
 * @file
 * A header struct says once, in `fields()`, which member goes under which name; reading and writing follow that table. They are
 * ordinary functions over rows, not templates over headers: a program compiles them once, however many headers it uses.
 */
namespace rocketpush::detail {

/// The longest number is -9223372036854775808.
inline constexpr std::size_t most_digits = 20;

/// The decimal digits of a number, or the characters of a text or boolean: what goes on the wire, without a copy.
class field_text {
  public:
    field_text() = default;
    explicit field_text(std::string_view text) noexcept : text_(text) {}
    explicit field_text(bool value) noexcept : text_(value ? "true" : "false") {}
    template <std::integral T>
    explicit field_text(T value) noexcept
        : text_(digits_,
                static_cast<std::size_t>(std::to_chars(digits_, digits_ + sizeof digits_, value).ptr - digits_)) {}
    field_text(const field_text&)            = delete;
    field_text& operator=(const field_text&) = delete;

    std::string_view view() const noexcept { return text_; }

  private:
    char digits_[most_digits];
    std::string_view text_;
};

inline bool read_member(const protocol::field_value& from, std::string& to) {
    from.assign_to(to);
    return true;
}

/// As it stands in the frame, and only as long: for a text that has nothing which JSON escapes.
inline bool read_member(const protocol::field_value& from, std::string_view& to) noexcept {
    to = from.raw;
    return true;
}

inline bool read_member(const protocol::field_value& from, bool& to) noexcept {
    const auto value = from.to_bool();
    to               = value.value_or(to);
    return value.has_value();
}

template <std::integral T>
bool read_member(const protocol::field_value& from, T& to) noexcept {
    const auto value = from.to_int<T>();
    to               = value.value_or(to);
    return value.has_value();
}

template <class T>
bool is_left_out(const T&) noexcept {
    return false;
}
inline bool is_left_out(const std::string& text) noexcept { return text.empty(); }
inline bool is_left_out(const std::string_view& text) noexcept { return text.empty(); }

/// As it stands in a binary header.
template <class T>
void append_text(std::string& out, const T& value) {
    out.append(field_text(value).view());
}

/// As it stands in a JSON string. Numbers and booleans have nothing to escape.
template <class T>
void append_json_text(std::string& out, const T& value) {
    append_text(out, value);
}
inline void append_json_text(std::string& out, const std::string& text) { protocol::append_json_escaped(out, text); }

/// How the members of one type are read and written: one for each type that headers are made of.
struct field_type {
    bool (*read)(const protocol::field_value& from, void* member);
    bool (*is_left_out)(const void* member);
    void (*append_text)(std::string& out, const void* member);
    void (*append_json_text)(std::string& out, const void* member);
    char* (*write_digits)(char* to, const void* member);    ///< Numbers only, else null. @return Behind them.
    bool (*store_number)(std::int64_t value, void* member); ///< Numbers only, else null. @return Whether it fits.
};

template <class T>
inline constexpr bool is_number = std::integral<T> && !std::same_as<T, bool>;

template <class T>
constexpr auto number_keeper() noexcept -> bool (*)(std::int64_t, void*) {
    if constexpr (is_number<T>)
        return [](std::int64_t value, void* member) {
            *static_cast<T*>(member) = static_cast<T>(value);
            return std::in_range<T>(value);
        };
    else
        return nullptr;
}

template <class T>
constexpr auto digit_writer() noexcept -> char* (*)(char*, const void*) {
    if constexpr (is_number<T>)
        return [](char* to, const void* member) {
            return std::to_chars(to, to + most_digits, *static_cast<const T*>(member)).ptr;
        };
    else
        return nullptr;
}

template <class T>
inline constexpr field_type type_of_field{
    [](const protocol::field_value& from, void* member) { return read_member(from, *static_cast<T*>(member)); },
    [](const void* member) { return detail::is_left_out(*static_cast<const T*>(member)); },
    [](std::string& out, const void* member) { detail::append_text(out, *static_cast<const T*>(member)); },
    [](std::string& out, const void* member) { detail::append_json_text(out, *static_cast<const T*>(member)); },
    digit_writer<T>(),
    number_keeper<T>()};

template <class T>
inline constexpr field_type type_of_field<std::optional<T>>{
    [](const protocol::field_value& from, void* member) {
        return read_member(from, static_cast<std::optional<T>*>(member)->emplace());
    },
    [](const void* member) { return !static_cast<const std::optional<T>*>(member)->has_value(); },
    [](std::string& out, const void* member) {
        detail::append_text(out, **static_cast<const std::optional<T>*>(member));
    },
    [](std::string& out, const void* member) {
        detail::append_json_text(out, **static_cast<const std::optional<T>*>(member));
    },
    nullptr,
    is_number<T>
        ? [](std::int64_t value,
             void* member) { return number_keeper<T>()(value, &static_cast<std::optional<T>*>(member)->emplace()); }
        : decltype(field_type::store_number){}};

template <auto Member>
struct member_of_header;
template <class Header, class T, T Header::*Member>
struct member_of_header<Member> {
    using type = T;
    static const void* in(const void* header) noexcept { return &(static_cast<const Header*>(header)->*Member); }
};

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/// One row of a header's table.
struct field_row {
    std::string_view name;
    bool required;
    const detail::field_type* type;
    const void* (*member)(const void* header) noexcept;
};

/// A field that must be there when the header is read.
template <auto Member>
constexpr field_row required_field(std::string_view name) noexcept {
    using member = detail::member_of_header<Member>;
    return {name, true, &detail::type_of_field<typename member::type>, &member::in};
}

/// A field that keeps its default when it is not there. An empty string or optional is not written.
template <auto Member>
constexpr field_row optional_field(std::string_view name) noexcept {
    using member = detail::member_of_header<Member>;
    return {name, false, &detail::type_of_field<typename member::type>, &member::in};
}

/// A header with a table of its fields.
template <class T>
concept field_header = std::default_initializable<T> && requires { std::span<const field_row>(T::fields()); };

/// A header that goes with a request code.
template <class T>
concept request_header = field_header<T> && requires {
    { T::code } -> std::convertible_to<request_code>;
};

/// The header of a request or response that has no fields.
struct no_fields {
    static constexpr std::array<field_row, 0> fields() noexcept { return {}; }
};

/// The table of `T`, at a place that stays.
template <field_header T>
inline constexpr auto field_rows = T::fields();

/// Any header, to be written. It must outlive the view.
class fields_view {
  public:
    template <field_header T>
    fields_view(const T& header) noexcept : header_(&header), rows_(field_rows<T>) {}

    std::span<const field_row> rows() const noexcept { return rows_; }
    const void* member(const field_row& row) const noexcept { return row.member(header_); }
    /// Whether the row is written: required ones always are.
    bool has(const field_row& row) const { return row.required || !row.type->is_left_out(member(row)); }

  private:
    const void* header_;
    std::span<const field_row> rows_;
};

/// Any request's header, to be written. It must outlive the view.
class request_view : public fields_view {
  public:
    template <request_header T>
    request_view(const T& header) noexcept : fields_view(header), code_(T::code) {}

    /// @param begun     The begin of its JSON header with the fields that `changing` has not; see repeated_request.
    /// @param changing  All of its members are numbers, and there is a field before them.
    template <field_header T>
    request_view(request_code code, std::string_view begun, const T& changing) noexcept
        : fields_view(changing), code_(code), begun_(begun) {}

    request_code code() const noexcept { return code_; }
    std::string_view begun() const noexcept { return begun_; }

  private:
    request_code code_;
    std::string_view begun_{};
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

/// The header is ours and not constant: reading and writing share one way to a member.
inline void* member_to_read(const protocol::field_row& row, void* header) noexcept {
    return const_cast<void*>(row.member(header));
}

/**
 * @brief Reads a JSON object of which the members are those of the table in its order, some perhaps left out, and all of them short
 *        numbers in quotes: then each is where it is expected, and nothing has to be searched. So servers answer pulls.
 * @param seen  The bits of the rows that came.
 * @return False: it is something else, or wrong; nothing is said about the members.
 */
inline bool read_expected_numbers(std::string_view object, std::span<const protocol::field_row> rows, void* into,
                                  std::uint64_t& seen) {
    const char* at        = object.data();
    const char* const end = at + object.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& [name, required, type, member] = rows[i];
        // The brace or comma before it, two quotes, a colon, a quote, the name; behind it a digit, a quote, the closing brace.
        if (static_cast<std::size_t>(end - at) < name.size() + 8)
            break;
        if (*at != (seen == 0 ? '{' : ',') || at[1] != '"' || name != std::string_view(at + 2, name.size()))
            continue;
        at += 2 + name.size();
        if (at[0] != '"' || at[1] != ':' || at[2] != '"' || !type->store_number)
            return false;
        at += 3;
        std::int64_t value       = 0;
        const char* const behind = read_digits(at, end, value);
        if (behind == at || behind == end || *behind != '"' ||
            !type->store_number(value, member_to_read(rows[i], into)))
            return false;
        seen |= std::uint64_t{1} << i;
        at = behind + 1;
    }
    return seen != 0 && end - at == 1 && *at == '}';
}

/// Reads into the header at `into`, whose table is `rows`. @return Whether all required ones came and every value fits.
inline bool read_fields(const protocol::header_view& header, std::span<const protocol::field_row> rows, void* into) {
    std::uint64_t seen = 0;
    bool valid         = header.encoding == protocol::header_encoding::json &&
                 read_expected_numbers(header.raw_fields, rows, into, seen);
    if (!valid) {
        seen             = 0;
        valid            = true;
        const bool whole = header.for_each_field([&](std::string_view key, const protocol::field_value& value) {
            for (std::size_t i = 0; i < rows.size(); ++i)
                if (is_name(key, rows[i].name)) {
                    valid = rows[i].type->read(value, member_to_read(rows[i], into)) && valid;
                    seen |= std::uint64_t{1} << i;
                    return;
                }
        });
        valid            = valid && whole;
    }
    for (std::size_t i = 0; i < rows.size(); ++i)
        valid = valid && (!rows[i].required || (seen >> i & 1) != 0);
    return valid;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Reads a header's fields in the order they come in; unknown ones are skipped.
 * @retval error::header_malformed  A required field is missing, or a value does not fit its member.
 */
template <field_header T>
result<T> read_fields(const header_view& header) {
    static_assert(std::size(field_rows<T>) <= 64, "a bit a field");
    T read;
    if (!detail::read_fields(header, field_rows<T>, &read))
        return error::header_malformed;
    return read;
}

} // namespace rocketpush::protocol

#endif

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// What a frame's header says besides its code, remark and fields.
struct command_meta {
    std::int32_t opaque  = 0;
    std::int32_t flag    = 0;
    std::int32_t version = client_version;
    language spoken      = language::cpp;
    std::string_view name_space{}; ///< Of the second kind: told with the fields, unless it is empty.
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

template <std::integral T>
void append_big(std::string& out, T value) {
    char bytes[sizeof value];
    store_big(bytes, value);
    out.append(bytes, sizeof bytes);
}

template <std::integral T>
void append_decimal(std::string& out, T value) {
    out.append(field_text(value).view());
}

inline bool is_named_by(std::span<const protocol::field_row> rows, std::string_view name) noexcept {
    for (const auto& row : rows)
        if (row.name == name)
            return true;
    return false;
}

/// `,"name":"value"` for each row that is written. @param without  Not the fields that these rows name.
inline void append_json_fields(std::string& out, bool first, const protocol::fields_view& fields,
                               std::span<const protocol::field_row> without = {}) {
    for (const auto& row : fields.rows()) {
        if (!fields.has(row) || is_named_by(without, row.name))
            continue;
        out.append(first ? "\"" : ",\"").append(row.name).append("\":\"");
        row.type->append_json_text(out, fields.member(row)); // every value is a string on the wire
        out.push_back('"');
        first = false;
    }
}

/// Says with a request's fields that its names are of this namespace.
inline void append_json_namespace(std::string& out, std::string_view name_space) {
    out.append(R"("nsd":"true","ns":")");
    protocol::append_json_escaped(out, name_space);
    out.push_back('"');
}

inline void append_json_header(std::string& out, std::int32_t code, const protocol::command_meta& meta,
                               std::string_view remark, const protocol::fields_view& fields) {
    out.append(R"({"code":)");
    append_decimal(out, code);
    out.append(R"(,"flag":)");
    append_decimal(out, meta.flag);
    out.append(R"(,"language":")").append(to_string(meta.spoken));
    out.append(R"(","opaque":)");
    append_decimal(out, meta.opaque);
    out.append(R"(,"version":)");
    append_decimal(out, meta.version);
    if (!remark.empty()) {
        out.append(R"(,"remark":")");
        protocol::append_json_escaped(out, remark);
        out.push_back('"');
    }
    out.append(R"(,"extFields":{)");
    if (!meta.name_space.empty())
        append_json_namespace(out, meta.name_space);
    append_json_fields(out, meta.name_space.empty(), fields);
    out.append("}}");
}

inline void append_binary_header(std::string& out, std::int32_t code, const protocol::command_meta& meta,
                                 std::string_view remark, const protocol::fields_view& fields) {
    append_big(out, static_cast<std::int16_t>(code));
    append_big(out, static_cast<std::uint8_t>(meta.spoken));
    append_big(out, static_cast<std::int16_t>(meta.version));
    append_big(out, meta.opaque);
    append_big(out, meta.flag);
    append_big(out, static_cast<std::uint32_t>(remark.size()));
    out.append(remark);
    const auto size_at = out.size();
    append_big(out, std::uint32_t{0});
    const auto put_text = [&out](std::string_view name, std::string_view value) {
        append_big(out, static_cast<std::uint16_t>(name.size()));
        out.append(name);
        append_big(out, static_cast<std::uint32_t>(value.size()));
        out.append(value);
    };
    if (!meta.name_space.empty()) {
        put_text("nsd", "true");
        put_text("ns", meta.name_space);
    }
    for (const auto& row : fields.rows()) {
        if (!fields.has(row))
            continue;
        append_big(out, static_cast<std::uint16_t>(row.name.size()));
        out.append(row.name);
        const auto value_at = out.size();
        append_big(out, std::uint32_t{0});
        row.type->append_text(out, fields.member(row));
        store_big(out.data() + value_at, static_cast<std::uint32_t>(out.size() - value_at - 4));
    }
    store_big(out.data() + size_at, static_cast<std::uint32_t>(out.size() - size_at - 4));
}

/// The header of a repeated_request: a copy of what was begun, and numbers. Each pull comes by here.
inline void append_repeated_header(std::string& out, const protocol::request_view& request,
                                   const protocol::command_meta& meta) {
    constexpr std::size_t row_room = most_digits + 16; // with the quotes and commas around name and value
    const auto put                 = [](char* to, std::string_view text) {
        std::memcpy(to, text.data(), text.size());
        return to + text.size();
    };
    auto room = request.begun().size() + row_room;
    for (const auto& row : request.rows())
        room += row.name.size() + row_room;
    const auto begin = out.size();
    out.resize(begin + room);
    char* to = put(out.data() + begin, request.begun());
    for (const auto& row : request.rows()) {
        to = put(to, ",\"");
        to = put(to, row.name);
        to = put(to, "\":\"");
        to = row.type->write_digits(to, request.member(row));
        to = put(to, "\"");
    }
    if (!meta.name_space.empty()) [[unlikely]] {
        out.resize(static_cast<std::size_t>(to - out.data()));
        out.push_back(',');
        append_json_namespace(out, meta.name_space);
        out.append(R"(},"opaque":)");
        append_decimal(out, meta.opaque);
        out.push_back('}');
        return;
    }
    to = put(to, R"(},"opaque":)");
    to = std::to_chars(to, to + most_digits, meta.opaque).ptr;
    to = put(to, "}");
    out.resize(static_cast<std::size_t>(to - out.data()));
}

/// Leaves room for the frame's lengths. @return Where it begins.
inline std::size_t begin_frame(std::string& out) {
    const auto begin = out.size();
    out.append(protocol::frame_prefix_size, '\0');
    return begin;
}

/// Behind a frame's header: its body, and its lengths.
inline void end_frame(std::string& out, std::size_t begin, protocol::header_encoding encoding, std::string_view body) {
    const auto header_size = out.size() - begin - protocol::frame_prefix_size;
    ROCKETPUSH_ASSERT(header_size <= protocol::max_header_size,
                      "a header's names and properties are shorter than 16 MiB");
    out.append(body);
    store_big(out.data() + begin, static_cast<std::uint32_t>(out.size() - begin - 4));
    store_big(out.data() + begin + 4,
              static_cast<std::uint32_t>(encoding) << 24 | static_cast<std::uint32_t>(header_size));
}

inline void append_frame(std::string& out, protocol::header_encoding encoding, std::int32_t code,
                         const protocol::command_meta& meta, std::string_view remark,
                         const protocol::fields_view& fields, std::string_view body) {
    // A binary code has 16 bits: a larger one would arrive as another code.
    if (code > std::numeric_limits<std::int16_t>::max() || code < std::numeric_limits<std::int16_t>::min())
        encoding = protocol::header_encoding::json;
    const auto begin = begin_frame(out);
    if (encoding == protocol::header_encoding::json)
        append_json_header(out, code, meta, remark, fields);
    else
        append_binary_header(out, code, meta, remark, fields);
    end_frame(out, begin, encoding, body);
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Appends one request frame to `out`, in place: nothing is allocated but by `out` itself, as it grows.
 * @param encoding  A wish: a code beyond 32767 goes out in JSON, and so does a repeated_request.
 */
inline void append_request(std::string& out, header_encoding encoding, const request_view& request,
                           const command_meta& meta, std::string_view body = {}) {
    if (!request.begun().empty()) {
        const auto begin = detail::begin_frame(out);
        detail::append_repeated_header(out, request, meta);
        return detail::end_frame(out, begin, header_encoding::json, body);
    }
    detail::append_frame(out, encoding, static_cast<std::int32_t>(request.code()), meta, {}, request, body);
}

/// Appends one response frame to `out`. @param opaque  The request's. @param version  What the sender says that it is.
inline void append_response(std::string& out, header_encoding encoding, int code, std::int32_t opaque,
                            std::string_view remark, const fields_view& fields, std::string_view body = {},
                            std::int32_t version = client_version) {
    detail::append_frame(out, encoding, code, {.opaque = opaque, .flag = response_flag, .version = version}, remark,
                         fields, body);
}

inline void append_response(std::string& out, header_encoding encoding, response_code code, std::int32_t opaque,
                            std::string_view remark, const fields_view& fields, std::string_view body = {},
                            std::int32_t version = client_version) {
    append_response(out, encoding, static_cast<int>(code), opaque, remark, fields, body, version);
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/requests.hpp
#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_HPP

/**
 * @file
 * Every request and response header, by theme. Each is a struct of plain members with one table, `fields()`, that
 * writes and reads it; a member without a default must be given.
 */
// rocketpush/protocol/requests_group.hpp
#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_GROUP_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_GROUP_HPP


#include <array>
#include <string>

namespace rocketpush::protocol {

/// Registers a client at a broker; the body is a `heartbeat_data`. Brokers forget a client after 120 s without one.
struct heartbeat_request : no_fields {
    static constexpr request_code code = request_code::heart_beat;
};

/// The answer to a heartbeat; brokers before 5.1.3 and the proxy leave both out.
struct heartbeat_response {
    bool supports_v2         = false;
    bool subscription_change = false;

    static constexpr auto fields() noexcept {
        return std::array{optional_field<&heartbeat_response::supports_v2>("IS_SUPPORT_HEART_BEAT_V2"),
                          optional_field<&heartbeat_response::subscription_change>("IS_SUB_CHANGE")};
    }
};

/**
 * @brief Takes a client out of one group. Java sends one for the consumer group and one for `CLIENT_INNER_PRODUCER`.
 * @par Source  Java `UnregisterClientRequestHeader`.
 */
struct unregister_request {
    static constexpr request_code code = request_code::unregister_client;

    std::string client_id;
    std::string producer_group{};
    std::string consumer_group{};

    static constexpr auto fields() noexcept {
        return std::array{required_field<&unregister_request::client_id>("clientID"),
                          optional_field<&unregister_request::producer_group>("producerGroup"),
                          optional_field<&unregister_request::consumer_group>("consumerGroup")};
    }
};

/// Who is in a group; the answer's body is a `consumer_list`. Code 1: nobody.
struct consumer_list_request {
    static constexpr request_code code = request_code::get_consumer_list;

    std::string consumer_group;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        return std::array{required_field<&consumer_list_request::consumer_group>("consumerGroup"),
                          optional_field<&consumer_list_request::broker_name>("bname")};
    }
};

/// Pushed by a broker, oneway: somebody joined or left the group, or changed a subscription.
struct consumer_ids_changed_notice {
    static constexpr request_code code = request_code::notify_consumer_ids_changed;

    std::string consumer_group;

    static constexpr auto fields() noexcept {
        return std::array{required_field<&consumer_ids_changed_notice::consumer_group>("consumerGroup")};
    }
};

/// Pushed by a broker, oneway: an administrator wants queues to begin elsewhere; the body says where (`decode_reset`).
struct reset_offset_notice {
    static constexpr request_code code = request_code::reset_consumer_offset;

    std::string consumer_group;
    std::string topic;

    static constexpr auto fields() noexcept {
        return std::array{required_field<&reset_offset_notice::consumer_group>("group"),
                          required_field<&reset_offset_notice::topic>("topic")};
    }
};

/// Locks queues for one member, at the master; the body is a `lock_data`, the answer's a `locked_queues`.
struct lock_request : no_fields {
    static constexpr request_code code = request_code::lock_batch;
};

/// Gives locks up; the body is a `lock_data`.
struct unlock_request : no_fields {
    static constexpr request_code code = request_code::unlock_batch;
};

/// Has a broker compile a subscription's expression; the body is a `client_check`. Code 23: it does not parse.
struct check_client_request : no_fields {
    static constexpr request_code code = request_code::check_client_config;
};

/// Asks a 5.x broker which queues this member shall read; the body is an `assignment_query`, the answer's an `assignment_answer`.
struct query_assignment_request : no_fields {
    static constexpr request_code code = request_code::query_assignment;
};

/// Has a 5.x broker say PULL or POP when members of a group ask for a topic's queues; the body is a `request_mode_setting`.
struct set_request_mode_request : no_fields {
    static constexpr request_code code = request_code::set_request_mode;
};

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/requests_offset.hpp
#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_OFFSET_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_OFFSET_HPP


#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rocketpush::protocol {

/**
 * @brief What a group has committed in a queue. Answered by an `offset_response`, or 22: nothing yet.
 * @par Source  Java `QueryConsumerOffsetRequestHeader`.
 */
struct query_offset_request {
    static constexpr request_code code = request_code::query_consumer_offset;

    std::string consumer_group;
    std::string topic;
    std::int32_t queue_id = 0;
    /// 5.x: false asks for 22 in place of 0 when a young queue was never committed. 4.9.x does not look at it.
    std::optional<bool> set_zero_if_not_found{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = query_offset_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"), required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          optional_field<&self::set_zero_if_not_found>("setZeroIfNotFound"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/**
 * @brief Commits a group's offset in a queue.
 * @par Source  Java `UpdateConsumerOffsetRequestHeader`.
 */
struct update_offset_request {
    static constexpr request_code code = request_code::update_consumer_offset;

    std::string consumer_group;
    std::string topic;
    std::int32_t queue_id      = 0;
    std::int64_t commit_offset = 0; ///< The next offset to consume.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = update_offset_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"), required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::commit_offset>("commitOffset"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// A question about one queue that needs no more than its name.
template <request_code Code>
struct basic_queue_request {
    static constexpr request_code code = Code;

    std::string topic;
    std::int32_t queue_id = 0;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = basic_queue_request;
        return std::array{required_field<&self::topic>("topic"), required_field<&self::queue_id>("queueId"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// The offset behind the newest message; an `offset_response`. A queue that does not exist has 0.
using max_offset_request = basic_queue_request<request_code::get_max_offset>;
/// The oldest stored message's offset; an `offset_response`.
using min_offset_request = basic_queue_request<request_code::get_min_offset>;
/// When the oldest message was stored; a `timestamp_response`.
using earliest_time_request = basic_queue_request<request_code::get_earliest_store_time>;

/**
 * @brief The first message stored at or after a time; an `offset_response`. Later than all: 5.5 answers the largest
 *        offset, 4.9 one less.
 * @par Source  Java `SearchOffsetRequestHeader`.
 */
struct search_offset_request {
    static constexpr request_code code = request_code::search_offset_by_timestamp;

    std::string topic;
    std::int32_t queue_id  = 0;
    std::int64_t timestamp = 0;  ///< Milliseconds since 1970.
    std::string boundary_type{}; ///< 5.1: `lower`, the default, or `upper`.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = search_offset_request;
        return std::array{required_field<&self::topic>("topic"), required_field<&self::queue_id>("queueId"),
                          required_field<&self::timestamp>("timestamp"),
                          optional_field<&self::boundary_type>("boundaryType"),
                          optional_field<&self::broker_name>("bname")};
    }
};

struct offset_response {
    std::int64_t offset = 0;

    static constexpr auto fields() noexcept { return std::array{required_field<&offset_response::offset>("offset")}; }
};

struct timestamp_response {
    std::int64_t timestamp = 0; ///< Milliseconds since 1970.

    static constexpr auto fields() noexcept {
        return std::array{required_field<&timestamp_response::timestamp>("timestamp")};
    }
};

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/requests_pop.hpp
#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_POP_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_POP_HPP

// rocketpush/protocol/repeated_request.hpp
#ifndef ROCKETPUSH_PROTOCOL_REPEATED_REQUEST_HPP
#define ROCKETPUSH_PROTOCOL_REPEATED_REQUEST_HPP


#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace rocketpush::detail {

/// A JSON header as far as `append_request` does not write it anew each time: all but the opaque and the fields of `changing`.
inline std::string begin_repeated_header(const protocol::request_view& request,
                                         std::span<const protocol::field_row> changing) {
    const protocol::command_meta meta;
    std::string begun = R"({"code":)";
    append_decimal(begun, static_cast<std::int32_t>(request.code()));
    begun.append(R"(,"flag":)");
    append_decimal(begun, meta.flag);
    begun.append(R"(,"language":")").append(to_string(meta.spoken));
    begun.append(R"(","version":)");
    append_decimal(begun, meta.version);
    begun.append(R"(,"extFields":{)");
    append_json_fields(begun, true, request, changing);
    begun.shrink_to_fit();
    return begun;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief A request that is sent again and again while few of its fields change: the others are written once, as JSON, and
 *        copied into each frame.
 *
 * @tparam Changing  Names some of `Request`'s fields in its table: those that change. Their members are numbers.
 */
template <request_header Request, field_header Changing>
class repeated_request {
    static_assert(std::ranges::all_of(field_rows<Changing>, [](const auto& row) { return row.type->write_digits; }),
                  "what changes are numbers");
    static_assert(std::size(field_rows<Request>) > std::size(field_rows<Changing>), "something stays");

  public:
    explicit repeated_request(const Request& constant)
        : begun_(detail::begin_repeated_header(constant, field_rows<Changing>)) {}

    /// To be sent. Both this and `changing` must outlive the view.
    request_view with(const Changing& changing) const noexcept { return {Request::code, begun_, changing}; }

  private:
    std::string begun_;
};

} // namespace rocketpush::protocol

#endif

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/**
 * @file
 * POP, of 5.x brokers: messages that the broker hides for a time and wants acknowledged one by one. The codes do not fit a binary
 * header, so all of it goes out in JSON.
 */
namespace rocketpush::protocol {

/// Of `pop_request::init_mode`: where a group begins that has no offset. @par Source  Java `ConsumeInitMode`.
namespace pop_init {
inline constexpr std::int32_t min = 0;
inline constexpr std::int32_t max = 1; ///< One before the end, so that one message comes; 0 in a young queue.
} // namespace pop_init

/// In place of a queue id: all queues of the broker.
inline constexpr std::int32_t any_queue = -1;

/// Most messages that a broker lets one pop ask for.
inline constexpr std::int32_t most_pop_messages = 32;

/**
 * @brief Asks for messages of a topic, its retries among them. Always to the master. A pop loop keeps a `repeated_pop` of it.
 * @par Source  Java `PopMessageRequestHeader`.
 */
struct pop_request {
    static constexpr request_code code = request_code::pop_message;

    std::string consumer_group;
    std::string topic{}; ///< Never a retry topic: the broker looks there by itself.
    std::int32_t queue_id         = any_queue;
    std::int32_t max_messages     = most_pop_messages;
    std::int64_t invisible_millis = 60'000; ///< How long the messages are hidden from others.
    std::int64_t poll_millis      = 15'000; ///< How long to wait for the first message; 0: not at all.
    /// When this client asks, ms since 1970. The broker refuses, with 210, a request that seems to have lasted longer than its poll:
    /// a client whose clock is behind never gets anything. 0: the broker takes its own time.
    std::int64_t born_time = 0;
    std::int32_t init_mode = pop_init::max;
    std::string expression_type{}; ///< `TAG`, if it is absent.
    std::string expression{};      ///< `*`, if it is absent.
    std::optional<bool> order{};   ///< One batch of a queue at a time, no retry topic.
    std::string attempt_id{};      ///< With `order`, 5.1.1: the same id gets the same messages again.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = pop_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::max_messages>("maxMsgNums"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          required_field<&self::poll_millis>("pollTime"),
                          required_field<&self::born_time>("bornTime"),
                          required_field<&self::init_mode>("initMode"),
                          optional_field<&self::expression_type>("expType"),
                          optional_field<&self::expression>("exp"),
                          optional_field<&self::order>("order"),
                          optional_field<&self::attempt_id>("attemptId"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// The fields of a pop_request that change from pop to pop.
struct pop_turn {
    std::int32_t max_messages = most_pop_messages;
    std::int64_t poll_millis  = 15'000;
    std::int64_t born_time    = 0;

    static constexpr auto fields() noexcept {
        return std::array{required_field<&pop_turn::max_messages>("maxMsgNums"),
                          required_field<&pop_turn::poll_millis>("pollTime"),
                          required_field<&pop_turn::born_time>("bornTime")};
    }
};

/// The pops of one queue. To send one allocates nothing.
using repeated_pop = repeated_request<pop_request, pop_turn>;

/**
 * @brief The answer's header; zeros on errors. Read without allocating: the texts are views of the frame.
 *
 * The body has messages on 0. 210 and 19: there were none; 209: too many polls wait.
 *
 * @par Source  Java `PopMessageResponseHeader`.
 */
struct pop_response {
    std::int64_t pop_time         = 0; ///< ms since 1970, the broker's clock.
    std::int64_t invisible_millis = 0; ///< As granted.
    std::int32_t revive_queue_id  = 0; ///< Part of the receipts; `orderly_revive_queue` for an orderly pop.
    std::int64_t rest_messages    = 0; ///< About how many are left.
    std::string_view start_offsets{};  ///< See `pop_offsets.hpp`; empty: a very old broker, or no messages.
    std::string_view message_offsets{};
    std::string_view order_counts{}; ///< With `order` only.

    static constexpr auto fields() noexcept {
        using self = pop_response;
        return std::array{required_field<&self::pop_time>("popTime"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          required_field<&self::revive_queue_id>("reviveQid"),
                          required_field<&self::rest_messages>("restNum"),
                          optional_field<&self::start_offsets>("startOffsetInfo"),
                          optional_field<&self::message_offsets>("msgOffsetInfo"),
                          optional_field<&self::order_counts>("orderCountInfo")};
    }
};

/**
 * @brief One popped message is done with. 0 also when its receipt is not valid any more: the broker does not tell.
 * @par Source  Java `AckMessageRequestHeader`.
 */
struct ack_request {
    static constexpr request_code code = request_code::ack_message;

    std::string consumer_group;
    std::string topic{}; ///< The one it is stored under: `real_topic` of its receipt.
    std::int32_t queue_id = 0;
    std::string receipt{};
    std::int64_t queue_offset = 0;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = ack_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::receipt>("extraInfo"),
                          required_field<&self::queue_offset>("offset"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// Acknowledges many at once, 5.1.3; the body is a `batch_ack`. Code 3: an older broker.
struct batch_ack_request : no_fields {
    static constexpr request_code code = request_code::batch_ack_message;
};

/**
 * @brief Hides one popped message for another time from now on: longer, to go on with it, or shorter, to have it again soon.
 * @par Source  Java `ChangeInvisibleTimeRequestHeader`.
 */
struct change_invisible_time_request {
    static constexpr request_code code = request_code::change_invisible_time;

    std::string consumer_group;
    std::string topic{}; ///< As in an `ack_request`.
    std::int32_t queue_id = 0;
    std::string receipt{};
    std::int64_t queue_offset     = 0;
    std::int64_t invisible_millis = 0;
    std::optional<bool> suspend{}; ///< 5.4: the message coming again does not count as consumed in vain.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = change_invisible_time_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::receipt>("extraInfo"),
                          required_field<&self::queue_offset>("offset"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          optional_field<&self::suspend>("suspend"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// What the new receipt is made of: see `changed_receipt`. @par Source  Java `ChangeInvisibleTimeResponseHeader`.
struct change_invisible_time_response {
    std::int64_t pop_time         = 0;
    std::int64_t invisible_millis = 0;
    std::int32_t revive_queue_id  = 0;

    static constexpr auto fields() noexcept {
        using self = change_invisible_time_response;
        return std::array{required_field<&self::pop_time>("popTime"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          required_field<&self::revive_queue_id>("reviveQid")};
    }
};

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/requests_pull.hpp
#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_PULL_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_PULL_HPP


#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rocketpush::protocol {

/// The bits of a pull's `sys_flag`. @par Source  Java `PullSysFlag`.
namespace pull_flags {
inline constexpr std::int32_t commit_offset = 0x1; ///< Commit `commit_offset` too; only a master does.
inline constexpr std::int32_t suspend       = 0x2; ///< Hold the request while there is no message.
inline constexpr std::int32_t subscription = 0x4; ///< Filter by this request's subscription, not by the registered one.
inline constexpr std::int32_t class_filter = 0x8; ///< Of filter servers, which are no more.
} // namespace pull_flags

/**
 * @brief Asks for messages of one queue, from an offset on. A fetch loop keeps a `repeated_pull` of it.
 * @par Source  Java `PullMessageRequestHeader`.
 */
struct pull_request {
    static constexpr request_code code = request_code::pull_message;

    std::string consumer_group;
    std::string topic{};
    std::int32_t queue_id       = 0;
    std::int64_t queue_offset   = 0; ///< First offset wanted.
    std::int32_t max_messages   = 32;
    std::int32_t sys_flag       = pull_flags::suspend;
    std::int64_t commit_offset  = 0; ///< With `pull_flags::commit_offset`: the next offset to consume.
    std::int64_t suspend_millis = 15000;
    std::int64_t sub_version    = 0; ///< The subscription's version; a broker that knows an older one answers 25.
    std::string subscription{};      ///< With `pull_flags::subscription`: the expression.
    std::string expression_type = "TAG";
    std::optional<std::int32_t> max_bytes{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = pull_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::queue_offset>("queueOffset"),
                          required_field<&self::max_messages>("maxMsgNums"),
                          required_field<&self::sys_flag>("sysFlag"),
                          required_field<&self::commit_offset>("commitOffset"),
                          required_field<&self::suspend_millis>("suspendTimeoutMillis"),
                          optional_field<&self::subscription>("subscription"),
                          optional_field<&self::sub_version>("subVersion"),
                          optional_field<&self::expression_type>("expressionType"),
                          optional_field<&self::max_bytes>("maxMsgBytes"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// The fields of a pull_request that change from pull to pull.
struct pull_position {
    std::int64_t queue_offset  = 0;
    std::int32_t sys_flag      = pull_flags::suspend;
    std::int64_t commit_offset = 0;

    static constexpr auto fields() noexcept {
        using self = pull_position;
        return std::array{required_field<&self::queue_offset>("queueOffset"),
                          required_field<&self::sys_flag>("sysFlag"),
                          required_field<&self::commit_offset>("commitOffset")};
    }
};

/// The pulls of one queue. To send one allocates nothing.
using repeated_pull = repeated_request<pull_request, pull_position>;

/**
 * @brief The answer's header on 0, 19, 20 and 21; on errors none of it is there. Read without allocating.
 * @par Source  Java `PullMessageResponseHeader`.
 */
struct pull_response {
    std::int64_t suggested_broker_id = 0; ///< Which replica to ask next; 0 is the master.
    std::int64_t next_begin_offset   = 0;
    std::int64_t min_offset          = 0;
    std::int64_t max_offset          = 0;       ///< Behind the queue's last message.
    std::optional<std::int64_t> offset_delta{}; ///< 5.x, static topics: to be added to every message's offset.
    std::optional<std::int32_t> topic_sys_flag{};
    std::optional<std::int32_t> group_sys_flag{};

    static constexpr auto fields() noexcept {
        using self = pull_response;
        return std::array{required_field<&self::suggested_broker_id>("suggestWhichBrokerId"), // as 5.5.0 orders them
                          optional_field<&self::group_sys_flag>("groupSysFlag"),
                          required_field<&self::next_begin_offset>("nextBeginOffset"),
                          required_field<&self::max_offset>("maxOffset"),
                          required_field<&self::min_offset>("minOffset"),
                          optional_field<&self::topic_sys_flag>("topicSysFlag"),
                          optional_field<&self::offset_delta>("offsetDelta")};
    }
};

/// Asks for the one message at a commit log offset; the answer's body is it.
struct view_message_request {
    static constexpr request_code code = request_code::view_message_by_id;

    std::int64_t offset = 0; ///< Bytes: the commit log offset.
    std::string topic{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        return std::array{required_field<&view_message_request::offset>("offset"),
                          optional_field<&view_message_request::topic>("topic"),
                          optional_field<&view_message_request::broker_name>("bname")};
    }
};

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/requests_route.hpp
#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_ROUTE_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_ROUTE_HPP


#include <array>
#include <cstdint>
#include <string>

namespace rocketpush::protocol {

/**
 * @brief Asks a name server where a topic lives; the answer's body is a `route_data`, 17 means that nobody has it.
 * @par Source  Java `GetRouteInfoRequestHeader`.
 */
struct route_request {
    static constexpr request_code code = request_code::get_route_info;

    std::string topic;
    bool accept_standard_json_only = true; ///< Since 4.9.4; older servers write integer keys without quotes anyway.

    static constexpr auto fields() noexcept {
        return std::array{required_field<&route_request::topic>("topic"),
                          optional_field<&route_request::accept_standard_json_only>("acceptStandardJsonOnly")};
    }
};

/**
 * @brief Makes a topic at one broker, or changes it.
 * @par Source  Java `CreateTopicRequestHeader`.
 */
struct create_topic_request {
    static constexpr request_code code = request_code::update_and_create_topic;

    std::string topic;
    std::string default_topic     = "TBW102";
    std::int32_t read_queue_nums  = 8;
    std::int32_t write_queue_nums = 8;
    std::int32_t perm             = 6; ///< 4 read, 2 write.
    std::string topic_filter_type = "SINGLE_TAG";
    std::int32_t topic_sys_flag   = 0;
    bool order                    = false;
    std::string attributes{}; ///< 5.x, such as `+message.type=NORMAL`.

    static constexpr auto fields() noexcept {
        using self = create_topic_request;
        return std::array{required_field<&self::topic>("topic"),
                          optional_field<&self::default_topic>("defaultTopic"),
                          required_field<&self::read_queue_nums>("readQueueNums"),
                          required_field<&self::write_queue_nums>("writeQueueNums"),
                          required_field<&self::perm>("perm"),
                          optional_field<&self::topic_filter_type>("topicFilterType"),
                          optional_field<&self::topic_sys_flag>("topicSysFlag"),
                          optional_field<&self::order>("order"),
                          optional_field<&self::attributes>("attributes")};
    }
};

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/requests_send.hpp
#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_SEND_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_SEND_HPP


#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rocketpush::protocol {

/**
 * @brief Stores the message in the body, or a batch of them. One set of members; their names on the wire are one letter
 *        each but for the oldest code.
 * @par Source  Java `SendMessageRequestHeader`, `SendMessageRequestHeaderV2`.
 */
template <request_code Code>
struct basic_send_request {
    static constexpr request_code code = Code;

    std::string producer_group;
    std::string topic;
    std::string default_topic             = "TBW102"; ///< Whose settings a broker copies to make the topic by itself.
    std::int32_t default_topic_queue_nums = 4;
    std::int32_t queue_id                 = -1; ///< -1: the broker's choice.
    std::int32_t sys_flag                 = 0;  ///< `sys_flags` of core.
    std::int64_t born_timestamp           = 0;  ///< Milliseconds since 1970.
    std::int32_t flag                     = 0;  ///< The application's.
    std::string properties{};                   ///< name 0x01 value 0x02 ...
    std::int32_t reconsume_times = 0;
    bool unit_mode               = false;
    std::optional<std::int32_t> max_reconsume_times{}; ///< For retry topics only.
    bool batch = Code == request_code::send_batch_message;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self           = basic_send_request;
        constexpr bool names = Code == request_code::send_message;
        constexpr auto pick  = [](const char* letter, const char* name) { return names ? name : letter; };
        return std::array{required_field<&self::producer_group>(pick("a", "producerGroup")),
                          required_field<&self::topic>(pick("b", "topic")),
                          optional_field<&self::default_topic>(pick("c", "defaultTopic")),
                          optional_field<&self::default_topic_queue_nums>(pick("d", "defaultTopicQueueNums")),
                          required_field<&self::queue_id>(pick("e", "queueId")),
                          required_field<&self::sys_flag>(pick("f", "sysFlag")),
                          required_field<&self::born_timestamp>(pick("g", "bornTimestamp")),
                          required_field<&self::flag>(pick("h", "flag")),
                          optional_field<&self::properties>(pick("i", "properties")),
                          optional_field<&self::reconsume_times>(pick("j", "reconsumeTimes")),
                          optional_field<&self::unit_mode>(pick("k", "unitMode")),
                          optional_field<&self::max_reconsume_times>(pick("l", "maxReconsumeTimes")),
                          optional_field<&self::batch>(pick("m", "batch")),
                          optional_field<&self::broker_name>(pick("n", "bname"))};
    }
};

/// One message, short names: what clients send today.
using send_request = basic_send_request<request_code::send_message_v2>;
/// Several messages of one queue in one body.
using send_batch_request = basic_send_request<request_code::send_batch_message>;
/// One message, long names: what old clients send.
using send_v1_request = basic_send_request<request_code::send_message>;

/**
 * @brief Where a message was stored.
 * @par Source  Java `SendMessageResponseHeader`.
 */
struct send_response {
    std::string message_id{}; ///< The offset message id; of a batch all of them, joined by commas.
    std::int32_t queue_id     = 0;
    std::int64_t queue_offset = 0; ///< Of the first message.
    std::string transaction_id{};
    std::string region{};
    std::string trace_on{};

    static constexpr auto fields() noexcept {
        using self = send_response;
        return std::array{
            optional_field<&self::message_id>("msgId"),         required_field<&self::queue_id>("queueId"),
            required_field<&self::queue_offset>("queueOffset"), optional_field<&self::transaction_id>("transactionId"),
            optional_field<&self::region>("MSG_REGION"),        optional_field<&self::trace_on>("TRACE_ON")};
    }
};

/**
 * @brief Has the broker that holds a message store it again for later, or in the dead letter queue.
 * @par Source  Java `ConsumerSendMsgBackRequestHeader`.
 */
struct send_back_request {
    static constexpr request_code code = request_code::consumer_send_back;

    std::int64_t offset = 0; ///< Bytes: the message's commit log offset.
    std::string group;
    std::int32_t delay_level = 0; ///< 0: 3 + times consumed. 1..18: that level. -1: dead letter queue.
    std::string origin_message_id{};
    std::string origin_topic{};
    bool unit_mode = false;
    std::optional<std::int32_t> max_reconsume_times{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = send_back_request;
        return std::array{required_field<&self::offset>("offset"),
                          required_field<&self::group>("group"),
                          required_field<&self::delay_level>("delayLevel"),
                          optional_field<&self::origin_message_id>("originMsgId"),
                          optional_field<&self::origin_topic>("originTopic"),
                          optional_field<&self::unit_mode>("unitMode"),
                          optional_field<&self::max_reconsume_times>("maxReconsumeTimes"),
                          optional_field<&self::broker_name>("bname")};
    }
};

} // namespace rocketpush::protocol

#endif

#endif
// rocketpush/protocol/bodies.hpp
#ifndef ROCKETPUSH_PROTOCOL_BODIES_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_HPP

/**
 * @file
 * Every JSON body, by theme: a struct each, `encode` to write it and a `decode_...` to read it. Unknown members are
 * skipped and missing ones keep their defaults, as versions differ.
 */
// rocketpush/protocol/bodies_assignment.hpp
#ifndef ROCKETPUSH_PROTOCOL_BODIES_ASSIGNMENT_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_ASSIGNMENT_HPP

// rocketpush/protocol/bodies_heartbeat.hpp
#ifndef ROCKETPUSH_PROTOCOL_BODIES_HEARTBEAT_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_HEARTBEAT_HPP

// rocketpush/protocol/json_body.hpp
#ifndef ROCKETPUSH_PROTOCOL_JSON_BODY_HPP
#define ROCKETPUSH_PROTOCOL_JSON_BODY_HPP

// rocketpush/protocol/json_dialect.hpp
#ifndef ROCKETPUSH_PROTOCOL_JSON_DIALECT_HPP
#define ROCKETPUSH_PROTOCOL_JSON_DIALECT_HPP


#include <string>
#include <string_view>

namespace rocketpush::detail {

/// Copies JSON from a cursor to a string, and puts quotes around the keys that have none.
class json_standardiser {
  public:
    json_standardiser(std::string_view text, std::string& out) noexcept : cursor_(text), out_(&out) {}

    /// One value and nothing behind it.
    bool run() { return copy_value(protocol::json_cursor::max_depth) && cursor_.at_end(); }

  private:
    bool copy_value(int depth) {
        const char first = cursor_.peek();
        if (first == '{')
            return depth > 0 && copy_object(depth - 1);
        if (first == '[')
            return depth > 0 && copy_array(depth - 1);
        protocol::json_cursor::value value;
        if (!cursor_.read_value(value))
            return false;
        if (first == '"')
            append_quoted(value.raw);
        else
            out_->append(value.raw);
        return true;
    }

    bool copy_object(int depth) {
        const auto take = [this](char expected) { return take_and_copy(expected); };
        if (!take('{'))
            return false;
        if (take('}'))
            return true;
        do {
            if (!copy_key(depth) || !take(':') || !copy_value(depth))
                return false;
        } while (take(','));
        return take('}');
    }

    bool copy_array(int depth) {
        if (!take_and_copy('['))
            return false;
        if (take_and_copy(']'))
            return true;
        do {
            if (!copy_value(depth))
                return false;
        } while (take_and_copy(','));
        return take_and_copy(']');
    }

    bool copy_key(int depth) {
        using kind = protocol::json_cursor::kind;
        protocol::json_cursor::value key;
        // An object as a key becomes a string that holds its text; its reader parses that again.
        if (depth == 0 || !cursor_.read_value(key, depth))
            return false;
        if (key.type == kind::string || key.type == kind::number) {
            append_quoted(key.raw);
        } else if (key.type == kind::object) {
            out_->push_back('"');
            protocol::append_json_escaped(*out_, key.raw);
            out_->push_back('"');
        } else {
            return false;
        }
        return true;
    }

    bool take_and_copy(char expected) {
        if (!cursor_.take(expected))
            return false;
        out_->push_back(expected);
        return true;
    }

    void append_quoted(std::string_view raw) {
        out_->push_back('"');
        out_->append(raw);
        out_->push_back('"');
    }

    protocol::json_cursor cursor_;
    std::string* out_;
};

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Makes standard JSON of what RocketMQ writes: `{0:"a"}` becomes `{"0":"a"}`, and `{{"queueId":1}:7}` becomes
 *        `{"{\"queueId\":1}":7}`. Standard JSON stays as it is, but for blanks.
 *
 * Name servers write integer keys without quotes unless asked not to, and before 4.9.4 always; maps keyed by a message
 * queue have an object for a key in every version.
 *
 * @retval error::body_malformed  It is neither, or is nested deeper than `json_cursor::max_depth`.
 * @par Source  fastjson's `JSON.toJSONString` over Java maps, as brokers use it.
 */
inline result<std::string> to_standard_json(std::string_view text) {
    std::string standard;
    standard.reserve(text.size() + 16);
    if (!rocketpush::detail::json_standardiser(text, standard).run())
        return error::body_malformed;
    return standard;
}

} // namespace rocketpush::protocol

#endif

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/**
 * @file
 * What the bodies' encoders and decoders share. A body is read where it stands: types are looked at before values are taken, and
 * nothing throws. A type is read by `read_value(json_value, T&)`, which answers false when the value is something else than a `T`
 * can hold, and written by `write_value(json_writer&, const T&)`.
 */
namespace rocketpush::protocol {

/// A value where it stands in its body.
using json_value = json_cursor::value;

/// The text of a body, an object, in standard JSON; what is read of it views it.
struct json_body {
    std::string text;

    operator json_value() const noexcept { return {json_cursor::kind::object, text}; }
};

/// Takes either dialect. @retval error::body_malformed  Not JSON, or not an object.
inline result<json_body> parse_body(std::string_view text) {
    auto standard = to_standard_json(text);
    if (!standard)
        return standard.error();
    if (!standard->starts_with('{'))
        return error::body_malformed;
    return json_body{std::move(*standard)};
}

/// Calls `member(name, value)` for each; false when a call does, or when `object` is none.
template <class F>
bool read_members(const json_value& object, F&& member) {
    json_cursor cursor(object.raw);
    std::string_view key;
    std::string unescaped;
    json_value value;
    if (!cursor.enter_object())
        return false;
    for (bool first = true; cursor.next_member(key, first);) {
        if (key.find('\\') != std::string_view::npos) {
            unescaped.clear();
            append_json_unescaped(unescaped, key);
            key = unescaped;
        }
        if (!cursor.read_value(value) || !member(key, value))
            return false;
    }
    return cursor.leave_object();
}

/// A member, or null if there is none: servers leave nulls out. Of several with the name the last.
inline json_value find_member(const json_value& object, std::string_view name) {
    json_value found{json_cursor::kind::literal, "null"};
    read_members(object, [&found, name](std::string_view key, const json_value& value) {
        if (key == name)
            found = value;
        return true;
    });
    return found;
}

inline bool read_value(const json_value& from, std::string& to) {
    if (from.type != json_cursor::kind::string)
        return false;
    to.clear();
    append_json_unescaped(to, from.raw);
    return true;
}

inline bool read_value(const json_value& from, bool& to) noexcept {
    to = from.raw == "true";
    return from.type == json_cursor::kind::literal && !from.is_null();
}

template <std::signed_integral T>
bool read_value(const json_value& from, T& to) noexcept {
    const auto* end          = from.raw.data() + from.raw.size();
    const auto [stopped, ec] = std::from_chars(from.raw.data(), end, to);
    return from.type == json_cursor::kind::number && ec == std::errc() && stopped == end;
}

template <class T>
bool read_value(const json_value& from, std::vector<T>& to) {
    to.clear();
    json_cursor cursor(from.raw);
    if (!cursor.take('['))
        return false;
    if (cursor.take(']'))
        return true;
    do {
        json_value each;
        if (!cursor.read_value(each) || !read_value(each, to.emplace_back()))
            return false;
    } while (cursor.take(','));
    return cursor.take(']');
}

/// Reads one member of an object; one that is not there leaves `to` as it is.
template <class T>
bool read_json(const json_value& object, std::string_view name, T& to) {
    const auto member = find_member(object, name);
    return member.is_null() || read_value(member, to);
}

/**
 * @brief Writes JSON front to back, and sees to the commas:
 *        `json.open('{').member("ids", list).member("exact", true).close('}')`.
 */
class json_writer {
  public:
    const std::string& text() const& noexcept { return text_; }
    std::string text() && noexcept { return std::move(text_); }

    json_writer& open(char bracket) {
        next();
        text_ += bracket;
        return *this;
    }
    json_writer& close(char bracket) {
        text_ += bracket;
        return *this;
    }
    json_writer& key(std::string_view name) {
        string(name);
        return colon();
    }
    /// Makes a key of what was just written: RocketMQ has maps whose keys are objects.
    json_writer& colon() {
        text_ += ':';
        return *this;
    }
    template <class T>
    json_writer& member(std::string_view name, const T& value) {
        key(name);
        write_value(*this, value);
        return *this;
    }

    /// What is not UTF-8 in it becomes U+FFFD.
    void string(std::string_view text) {
        next();
        text_ += '"';
        while (!text.empty()) {
            std::size_t good = 0;
            while (good < text.size()) {
                const auto [value, size] = rocketpush::detail::first_code_point(text.substr(good));
                if (value == 0xFFFD && size == 1)
                    break;
                good += size;
            }
            append_json_escaped(text_, text.substr(0, good));
            text.remove_prefix(good);
            if (!text.empty()) {
                append_utf8(text_, 0xFFFD);
                text.remove_prefix(1);
            }
        }
        text_ += '"';
    }
    /// A number, a literal, or JSON that was written before.
    void raw(std::string_view text) {
        next();
        text_ += text;
    }

  private:
    void next() {
        if (!text_.empty() && text_.back() != '{' && text_.back() != '[' && text_.back() != ':')
            text_ += ',';
    }

    std::string text_;
};

inline void write_value(json_writer& to, std::string_view text) { to.string(text); }
inline void write_value(json_writer& to, const std::string& text) { to.string(text); }
inline void write_value(json_writer& to, const char* text) { to.string(text); }
inline void write_value(json_writer& to, bool value) { to.raw(value ? "true" : "false"); }
template <std::integral T>
void write_value(json_writer& to, T value) {
    to.raw(std::to_string(value));
}
template <class T>
void write_value(json_writer& to, const std::vector<T>& values) {
    to.open('[');
    for (const auto& each : values)
        write_value(to, each);
    to.close(']');
}

inline void write_value(json_writer& to, const message_queue& queue) {
    to.open('{')
        .member("brokerName", queue.broker_name)
        .member("queueId", queue.queue_id)
        .member("topic", queue.topic)
        .close('}');
}

inline bool read_value(const json_value& from, message_queue& queue) {
    return from.type == json_cursor::kind::object && read_json(from, "topic", queue.topic) &&
           read_json(from, "brokerName", queue.broker_name) && read_json(from, "queueId", queue.queue_id);
}

} // namespace rocketpush::protocol

#endif

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// The words of a heartbeat. @par Source  Java `ConsumeType`, `MessageModel`, `ConsumeFromWhere`.
namespace heartbeat_words {
inline constexpr const char* push         = "CONSUME_PASSIVELY";
inline constexpr const char* pull         = "CONSUME_ACTIVELY";
inline constexpr const char* clustering   = "CLUSTERING";
inline constexpr const char* broadcasting = "BROADCASTING";
inline constexpr const char* from_last    = "CONSUME_FROM_LAST_OFFSET";
inline constexpr const char* from_first   = "CONSUME_FROM_FIRST_OFFSET";
inline constexpr const char* from_time    = "CONSUME_FROM_TIMESTAMP";
} // namespace heartbeat_words

/// One consumer group of a client.
struct consumer_data {
    std::string group_name;
    std::string consume_type       = heartbeat_words::push;
    std::string message_model      = heartbeat_words::clustering;
    std::string consume_from_where = heartbeat_words::from_last;
    bool unit_mode                 = false;
    std::vector<subscription> subscriptions{};

    friend bool operator==(const consumer_data&, const consumer_data&) = default;
};

/**
 * @brief What a client registers at every broker: itself and its groups.
 * @par Source  Java `HeartbeatData`, without the fingerprint of its second version.
 */
struct heartbeat_data {
    std::string client_id;
    std::vector<consumer_data> consumers{};
    std::vector<std::string> producer_groups{std::string(inner_producer_group)};

    friend bool operator==(const heartbeat_data&, const heartbeat_data&) = default;
};

inline void write_value(json_writer& to, const subscription& from) {
    to.open('{')
        .member("classFilterMode", false)
        .member("codeSet", from.tag_codes)
        .member("expressionType", to_string(from.type))
        .member("subString", from.expression)
        .member("subVersion", from.version)
        .member("tagsSet", from.tags)
        .member("topic", from.topic)
        .close('}');
}

inline bool read_value(const json_value& from, subscription& to) {
    std::string type;
    to.expression = "*";
    if (from.type != json_cursor::kind::object || !read_json(from, "topic", to.topic) ||
        !read_json(from, "expressionType", type) || !read_json(from, "subString", to.expression) ||
        !read_json(from, "subVersion", to.version) || !read_json(from, "tagsSet", to.tags))
        return false;
    to.type = type == to_string(filter_type::sql92) ? filter_type::sql92 : filter_type::tag;
    return read_json(from, "codeSet", to.tag_codes);
}

inline void write_value(json_writer& to, const consumer_data& from) {
    to.open('{')
        .member("consumeFromWhere", from.consume_from_where)
        .member("consumeType", from.consume_type)
        .member("groupName", from.group_name)
        .member("messageModel", from.message_model)
        .member("subscriptionDataSet", from.subscriptions)
        .member("unitMode", from.unit_mode)
        .close('}');
}

inline bool read_value(const json_value& from, consumer_data& to) {
    return from.type == json_cursor::kind::object && read_json(from, "groupName", to.group_name) &&
           read_json(from, "consumeType", to.consume_type) && read_json(from, "messageModel", to.message_model) &&
           read_json(from, "consumeFromWhere", to.consume_from_where) && read_json(from, "unitMode", to.unit_mode) &&
           read_json(from, "subscriptionDataSet", to.subscriptions);
}

/// A producer group of a client; nothing but its name is of use.
struct producer_data {
    std::string group_name;
};

inline bool read_value(const json_value& from, producer_data& to) {
    return from.type == json_cursor::kind::object && read_json(from, "groupName", to.group_name);
}

inline std::string encode(const heartbeat_data& heartbeat) {
    json_writer body;
    body.open('{')
        .member("clientID", heartbeat.client_id)
        .member("consumerDataSet", heartbeat.consumers)
        .key("producerDataSet")
        .open('[');
    for (const auto& each : heartbeat.producer_groups)
        body.open('{').member("groupName", each).close('}');
    body.close(']').close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed  Not JSON, a member of another type, or no client id.
inline result<heartbeat_data> decode_heartbeat(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    heartbeat_data heartbeat{.client_id = {}, .consumers = {}, .producer_groups = {}};
    std::vector<producer_data> producers;
    if (!read_json(*body, "clientID", heartbeat.client_id) || heartbeat.client_id.empty() ||
        !read_json(*body, "consumerDataSet", heartbeat.consumers) || !read_json(*body, "producerDataSet", producers))
        return error::body_malformed;
    for (auto& each : producers)
        heartbeat.producer_groups.push_back(std::move(each.group_name));
    return heartbeat;
}

} // namespace rocketpush::protocol

#endif

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// How a member reads a queue. @par Source  Java `MessageRequestMode`.
enum class request_mode : std::uint8_t { pull, pop };

/// As it stands in bodies.
constexpr std::string_view to_string(request_mode mode) noexcept { return mode == request_mode::pull ? "PULL" : "POP"; }

inline void write_value(json_writer& to, request_mode mode) { to.string(to_string(mode)); }

inline bool read_value(const json_value& from, request_mode& mode) {
    mode = from.raw == to_string(request_mode::pop) ? request_mode::pop : request_mode::pull;
    return from.type == json_cursor::kind::string && from.raw == to_string(mode);
}

/// Asks which of a topic's queues, on all brokers, a member shall read. @par Source  Java `QueryAssignmentRequestBody`.
struct assignment_query {
    std::string topic;
    std::string consumer_group;
    std::string client_id;
    std::string strategy_name = "AVG"; ///< Used by the broker where it says PULL.
    std::string message_model{heartbeat_words::clustering};

    friend bool operator==(const assignment_query&, const assignment_query&) = default;
};

/// One queue, and how to read it. @par Source  Java `MessageQueueAssignment`; its `attachments` are not read.
struct queue_assignment {
    message_queue queue{}; ///< To pop, its id may be -1: all queues of that broker.
    request_mode mode = request_mode::pull;

    friend bool operator==(const queue_assignment&, const queue_assignment&) = default;
};

/// @par Source  Java `QueryAssignmentResponseBody`.
struct assignment_answer {
    /// Nothing: the broker cannot say (it knows no such topic or strategy, or has not heard of the group); all stays as it is.
    std::optional<std::vector<queue_assignment>> queues{};

    friend bool operator==(const assignment_answer&, const assignment_answer&) = default;
};

/// How a group shall read a topic. @par Source  Java `SetMessageRequestModeRequestBody`.
struct request_mode_setting {
    std::string topic;
    std::string consumer_group;
    request_mode mode = request_mode::pull;
    /// With POP: beside its own queues a member gets those of so many others. 0 or less: every member gets all queues.
    std::int32_t pop_share_queue_num = 0;

    friend bool operator==(const request_mode_setting&, const request_mode_setting&) = default;
};

inline std::string encode(const assignment_query& query) {
    json_writer body;
    body.open('{')
        .member("clientId", query.client_id)
        .member("consumerGroup", query.consumer_group)
        .member("messageModel", query.message_model)
        .member("strategyName", query.strategy_name)
        .member("topic", query.topic)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<assignment_query> decode_assignment_query(std::string_view text) {
    const auto body = parse_body(text);
    assignment_query query{.topic = {}, .consumer_group = {}, .client_id = {}, .strategy_name = {}};
    if (!body || !read_json(*body, "clientId", query.client_id) ||
        !read_json(*body, "consumerGroup", query.consumer_group) ||
        !read_json(*body, "messageModel", query.message_model) ||
        !read_json(*body, "strategyName", query.strategy_name) || !read_json(*body, "topic", query.topic))
        return error::body_malformed;
    return query;
}

inline void write_value(json_writer& to, const queue_assignment& from) {
    to.open('{').member("messageQueue", from.queue).member("mode", from.mode).close('}');
}

inline bool read_value(const json_value& from, queue_assignment& to) {
    return from.type == json_cursor::kind::object && read_value(find_member(from, "messageQueue"), to.queue) &&
           read_json(from, "mode", to.mode);
}

inline std::string encode(const assignment_answer& answer) {
    json_writer body;
    body.open('{');
    if (answer.queues)
        body.member("messageQueueAssignments", *answer.queues);
    body.close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed  Not JSON, a member of another type, or a mode that this version does not know.
inline result<assignment_answer> decode_assignment_answer(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    assignment_answer answer;
    if (const auto queues = find_member(*body, "messageQueueAssignments"); !queues.is_null())
        if (!read_value(queues, answer.queues.emplace()))
            return error::body_malformed;
    return answer;
}

inline std::string encode(const request_mode_setting& setting) {
    json_writer body;
    body.open('{')
        .member("consumerGroup", setting.consumer_group)
        .member("mode", setting.mode)
        .member("popShareQueueNum", setting.pop_share_queue_num)
        .member("topic", setting.topic)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<request_mode_setting> decode_request_mode_setting(std::string_view text) {
    const auto body = parse_body(text);
    request_mode_setting setting{.topic = {}, .consumer_group = {}};
    if (!body || !read_json(*body, "consumerGroup", setting.consumer_group) ||
        !read_json(*body, "mode", setting.mode) || !read_json(*body, "popShareQueueNum", setting.pop_share_queue_num) ||
        !read_json(*body, "topic", setting.topic))
        return error::body_malformed;
    return setting;
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/bodies_batch_ack.hpp
#ifndef ROCKETPUSH_PROTOCOL_BODIES_BATCH_ACK_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_BATCH_ACK_HPP

// rocketpush/detail/base64.hpp
#ifndef ROCKETPUSH_DETAIL_BASE64_HPP
#define ROCKETPUSH_DETAIL_BASE64_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rocketpush::detail {

inline constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, with padding.
inline std::string to_base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0u);
        for (std::size_t i = 0; i < 4; ++i)
            text += at + i <= bytes.size() ? base64_digits[bits >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

/// The bytes, or nothing if the text is no base64. Padding may be missing, as for Java.
inline std::optional<std::string> from_base64(std::string_view text) {
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding)
        text.remove_suffix(1);
    if (text.size() % 4 == 1)
        return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned have      = 0;
    for (const char c : text) {
        const auto digit = base64_digits.find(c);
        if (digit == base64_digits.npos)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes.push_back(static_cast<char>(bits >> have & 0xFF));
        }
    }
    return bytes;
}

} // namespace rocketpush::detail

#endif
// rocketpush/protocol/receipt_handle.hpp
#ifndef ROCKETPUSH_PROTOCOL_RECEIPT_HANDLE_HPP
#define ROCKETPUSH_PROTOCOL_RECEIPT_HANDLE_HPP


#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush::protocol {

/// In which topic a popped message is stored; the digit of receipts and offset lists.
enum class pop_topic : std::uint8_t {
    normal   = 0, ///< The topic that was popped.
    retry_v1 = 1, ///< `%RETRY%group_topic`
    retry_v2 = 2, ///< `%RETRY%group+topic`
};

/// By the name that a message is stored under. @par Source  Java `ExtraInfoUtil.getRetry`.
constexpr pop_topic kind_of_topic(std::string_view stored_topic) noexcept {
    if (!is_retry_topic(stored_topic))
        return pop_topic::normal;
    return stored_topic.find('+') != stored_topic.npos ? pop_topic::retry_v2 : pop_topic::retry_v1;
}

/// The name that messages of a kind are stored under. @par Source  Java `KeyBuilder`.
inline std::string real_topic(pop_topic kind, std::string_view group, std::string_view topic) {
    if (kind == pop_topic::normal)
        return std::string(topic);
    return retry_topic(group).append(kind == pop_topic::retry_v2 ? "+" : "_").append(topic);
}

/// Of a receipt: its message was popped in order.
inline constexpr std::int32_t orderly_revive_queue = 999;

/**
 * @brief What acknowledges one popped message: `1 1795372672059 60000 2 0 broker-a 3 1`.
 * @par Source  Java `ExtraInfoUtil`.
 */
struct receipt_handle {
    std::int64_t start_offset = 0; ///< Smallest offset of that pop in the queue: names the check point at the broker.
    std::int64_t pop_time     = 0; ///< ms since 1970, the broker's clock.
    std::int64_t invisible_millis = 0;
    std::int32_t revive_queue_id  = 0;
    pop_topic topic               = pop_topic::normal;
    std::string_view broker_name{}; ///< A view: of what was parsed, or of the name that the receipt was made with.
    std::int32_t queue_id     = 0;
    std::int64_t queue_offset = -1; ///< -1: the receipt of a very old broker, without an offset.

    /// When the message comes again if nothing is done; ms since 1970, the broker's clock.
    std::int64_t deadline() const noexcept {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(pop_time) +
                                         static_cast<std::uint64_t>(invisible_millis));
    }
    bool is_orderly() const noexcept { return revive_queue_id == orderly_revive_queue; }

    friend bool operator==(const receipt_handle&, const receipt_handle&) = default;
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

/// Takes what stands before the next `separator`, and that too; all if there is none.
constexpr std::string_view take_token(std::string_view& rest, char separator) noexcept {
    const auto end   = std::min(rest.find(separator), rest.size());
    const auto token = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return token;
}

/// Whether the whole text is a number that is not negative and fits.
template <std::integral T>
bool read_natural(std::string_view text, T& number) noexcept {
    const auto* end          = text.data() + text.size();
    const auto [stopped, ec] = std::from_chars(text.data(), end, number);
    return ec == std::errc() && stopped == end && number >= 0;
}

inline bool read_pop_topic(std::string_view text, protocol::pop_topic& kind) noexcept {
    if (text.size() != 1 || text[0] < '0' || text[0] > '2')
        return false;
    kind = static_cast<protocol::pop_topic>(text[0] - '0');
    return true;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Reads a receipt of eight words, or of seven: without the last one.
 * @retval error::header_malformed  Another number of words, or one that is no number where one must be.
 */
inline result<receipt_handle> parse_receipt(std::string_view text) {
    using namespace rocketpush::detail;
    receipt_handle receipt;
    auto rest       = text;
    const auto word = [&rest] { return take_token(rest, ' '); };
    const bool good = read_natural(word(), receipt.start_offset) && read_natural(word(), receipt.pop_time) &&
                      read_natural(word(), receipt.invisible_millis) && read_natural(word(), receipt.revive_queue_id) &&
                      read_pop_topic(word(), receipt.topic) && !(receipt.broker_name = word()).empty() &&
                      read_natural(word(), receipt.queue_id) &&
                      (rest.empty() || (read_natural(word(), receipt.queue_offset) && rest.empty()));
    if (!good || text.ends_with(' '))
        return error::header_malformed;
    return receipt;
}

inline void append_receipt(std::string& out, const receipt_handle& receipt) {
    const auto number = [&out](std::int64_t value, char behind) {
        char digits[rocketpush::detail::most_digits];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
        if (behind)
            out.push_back(behind);
    };
    number(receipt.start_offset, ' ');
    number(receipt.pop_time, ' ');
    number(receipt.invisible_millis, ' ');
    number(receipt.revive_queue_id, ' ');
    number(static_cast<int>(receipt.topic), ' ');
    out.append(receipt.broker_name).push_back(' ');
    number(receipt.queue_id, '\0');
    if (receipt.queue_offset >= 0) {
        out.push_back(' ');
        number(receipt.queue_offset, '\0');
    }
}

inline std::string to_string(const receipt_handle& receipt) {
    std::string text;
    append_receipt(text, receipt);
    return text;
}

/// The receipt that a message has after its invisible time was changed; the one before does nothing any more.
/// (An orderly one's check point stays.)
inline receipt_handle changed_receipt(receipt_handle before, const change_invisible_time_response& answer) noexcept {
    if (!before.is_orderly())
        before.start_offset = before.queue_offset;
    before.pop_time         = answer.pop_time;
    before.invisible_millis = answer.invisible_millis;
    before.revive_queue_id  = answer.revive_queue_id;
    return before;
}

} // namespace rocketpush::protocol

#endif

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/**
 * @brief A set of small numbers: which messages of a check point are meant, counted from its start offset.
 * @par Source  Java `BitSet`, in the form of `toByteArray`.
 */
class ack_bits {
  public:
    ack_bits() = default;
    explicit ack_bits(std::string bytes) noexcept : bytes_(std::move(bytes)) {}

    /// Room is made for it: look at how large it is before.
    void set(std::size_t bit) {
        if (bytes_.size() <= bit / 8)
            bytes_.resize(bit / 8 + 1, '\0');
        bytes_[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes_[bit / 8]) | 1u << bit % 8);
    }

    bool test(std::size_t bit) const noexcept {
        return bit / 8 < bytes_.size() && (static_cast<unsigned char>(bytes_[bit / 8]) >> bit % 8 & 1u) != 0;
    }

    /// No bit at this place or behind is set.
    std::size_t end() const noexcept { return bytes_.size() * 8; }

    /// Bit i is bit (i mod 8) of byte i / 8.
    const std::string& bytes() const noexcept { return bytes_; }

    friend bool operator==(const ack_bits&, const ack_bits&) = default;

  private:
    std::string bytes_;
};

/// Messages of one check point: popped at the same time out of the same queue. @par Source  Java `BatchAck`.
struct batch_ack_entry {
    std::string consumer_group;
    std::string topic;                                 ///< The topic that was popped, also for retries.
    pop_topic kind                = pop_topic::normal; ///< With `topic` it names where the messages are stored.
    std::int64_t start_offset     = 0;                 ///< This and what follows as in the receipts.
    std::int32_t queue_id         = 0;
    std::int32_t revive_queue_id  = 0;
    std::int64_t pop_time         = 0;
    std::int64_t invisible_millis = 0;
    ack_bits acked{}; ///< Bit i: the message at `start_offset + i`.

    friend bool operator==(const batch_ack_entry&, const batch_ack_entry&) = default;
};

/// @par Source  Java `BatchAckMessageRequestBody`.
struct batch_ack {
    std::string broker_name{};
    std::vector<batch_ack_entry> acks{};

    friend bool operator==(const batch_ack&, const batch_ack&) = default;
};

inline void write_value(json_writer& to, const batch_ack_entry& from) {
    const char kind = static_cast<char>('0' + static_cast<int>(from.kind));
    to.open('{')
        .member("b", rocketpush::detail::to_base64(from.acked.bytes()))
        .member("c", from.consumer_group)
        .member("it", from.invisible_millis)
        .member("pt", from.pop_time)
        .member("q", from.queue_id)
        .member("r", std::string_view(&kind, 1))
        .member("rq", from.revive_queue_id)
        .member("so", from.start_offset)
        .member("t", from.topic)
        .close('}');
}

inline bool read_value(const json_value& from, batch_ack_entry& to) {
    std::string kind, bits;
    if (from.type != json_cursor::kind::object || !read_json(from, "b", bits) ||
        !read_json(from, "c", to.consumer_group) || !read_json(from, "it", to.invisible_millis) ||
        !read_json(from, "pt", to.pop_time) || !read_json(from, "q", to.queue_id) || !read_json(from, "r", kind) ||
        !read_json(from, "rq", to.revive_queue_id) || !read_json(from, "so", to.start_offset) ||
        !read_json(from, "t", to.topic) || !rocketpush::detail::read_pop_topic(kind, to.kind))
        return false;
    auto bytes = rocketpush::detail::from_base64(bits);
    if (bytes)
        to.acked = ack_bits(std::move(*bytes));
    return bytes.has_value();
}

inline std::string encode(const batch_ack& acks) {
    json_writer body;
    body.open('{').member("acks", acks.acks).member("brokerName", acks.broker_name).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<batch_ack> decode_batch_ack(std::string_view text) {
    const auto body = parse_body(text);
    batch_ack acks;
    if (!body || !read_json(*body, "brokerName", acks.broker_name) || !read_json(*body, "acks", acks.acks))
        return error::body_malformed;
    return acks;
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/bodies_group.hpp
#ifndef ROCKETPUSH_PROTOCOL_BODIES_GROUP_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_GROUP_HPP


#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// The members of a group, by client id. @par Source  Java `GetConsumerListByGroupResponseBody`.
struct consumer_list {
    std::vector<std::string> consumer_ids{};

    friend bool operator==(const consumer_list&, const consumer_list&) = default;
};

inline std::string encode(const consumer_list& list) {
    json_writer body;
    body.open('{').member("consumerIdList", list.consumer_ids).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<consumer_list> decode_consumer_list(std::string_view text) {
    const auto body = parse_body(text);
    consumer_list list;
    if (!body || !read_json(*body, "consumerIdList", list.consumer_ids))
        return error::body_malformed;
    return list;
}

/// Which queues a member wants to lock or unlock. @par Source  Java `LockBatchRequestBody`, `UnlockBatchRequestBody`.
struct lock_data {
    std::string client_id;
    std::string consumer_group;
    std::vector<message_queue> queues{};
    bool only_this_broker = false; ///< 5.x: do not ask the broker's replicas.

    friend bool operator==(const lock_data&, const lock_data&) = default;
};

/// The queues that are locked for the member now; one that another member has locked is missing.
struct locked_queues {
    std::vector<message_queue> queues{};

    friend bool operator==(const locked_queues&, const locked_queues&) = default;
};

inline std::string encode(const lock_data& lock) {
    json_writer body;
    body.open('{')
        .member("clientId", lock.client_id)
        .member("consumerGroup", lock.consumer_group)
        .member("mqSet", lock.queues)
        .member("onlyThisBroker", lock.only_this_broker)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<lock_data> decode_lock(std::string_view text) {
    const auto body = parse_body(text);
    lock_data lock{.client_id = {}, .consumer_group = {}};
    if (!body || !read_json(*body, "clientId", lock.client_id) ||
        !read_json(*body, "consumerGroup", lock.consumer_group) || !read_json(*body, "mqSet", lock.queues) ||
        !read_json(*body, "onlyThisBroker", lock.only_this_broker))
        return error::body_malformed;
    return lock;
}

inline std::string encode(const locked_queues& locked) {
    json_writer body;
    body.open('{').member("lockOKMQSet", locked.queues).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<locked_queues> decode_locked_queues(std::string_view text) {
    const auto body = parse_body(text);
    locked_queues locked;
    if (!body || !read_json(*body, "lockOKMQSet", locked.queues))
        return error::body_malformed;
    return locked;
}

/**
 * @brief A subscription that a broker shall try.
 * @par Source  Java `CheckClientRequestBody`. Its `namespace` is left out: Java's client never sets it, nor does a broker read it.
 *              A namespace of the first kind is in the names, one of the second kind in the request's fields.
 */
struct client_check {
    std::string client_id;
    std::string group;
    subscription wanted;

    friend bool operator==(const client_check&, const client_check&) = default;
};

inline std::string encode(const client_check& check) {
    json_writer body;
    body.open('{')
        .member("clientId", check.client_id)
        .member("group", check.group)
        .member("subscriptionData", check.wanted)
        .close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<client_check> decode_client_check(std::string_view text) {
    const auto body = parse_body(text);
    client_check check;
    if (!body || !read_json(*body, "clientId", check.client_id) || !read_json(*body, "group", check.group))
        return error::body_malformed;
    if (!read_value(find_member(*body, "subscriptionData"), check.wanted))
        return error::body_malformed;
    return check;
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/bodies_offsets.hpp
#ifndef ROCKETPUSH_PROTOCOL_BODIES_OFFSETS_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_OFFSETS_HPP


#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// A queue, and an offset in it.
struct queue_position {
    message_queue queue;
    queue_offset offset = 0;

    friend bool operator==(const queue_position&, const queue_position&) = default;
};

inline bool read_value(const json_value& from, queue_position& to) {
    return read_value(from, to.queue) && read_json(from, "offset", to.offset);
}

/**
 * @brief Reads where an administrator wants queues to begin (RESET_CONSUMER_CLIENT_OFFSET, 220), in either of its forms: a map
 *        whose keys are queues, as Java's tools have it written, or a list, as those of C++ do. No table: none.
 *
 * @retval error::body_malformed
 * @par Source  Java `ResetOffsetBody`, `ResetOffsetBodyForC`.
 */
inline result<std::vector<queue_position>> decode_reset(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    const auto table = find_member(*body, "offsetTable");
    std::vector<queue_position> found;
    if (table.is_null())
        return found;
    if (read_value(table, found))
        return found;
    found.clear();
    const bool read = read_members(table, [&found](std::string_view key, const json_value& value) {
        auto& each       = found.emplace_back();
        const auto queue = parse_body(key);
        return queue && read_value(*queue, each.queue) && read_value(value, each.offset);
    });
    if (!read)
        return error::body_malformed;
    return found;
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/bodies_route.hpp
#ifndef ROCKETPUSH_PROTOCOL_BODIES_ROUTE_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_ROUTE_HPP


#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// The bits of `queue_data::perm`. @par Source  Java `PermName`.
namespace permissions {
inline constexpr std::int32_t write = 2;
inline constexpr std::int32_t read  = 4;
} // namespace permissions

/// How many queues a topic has at one broker.
struct queue_data {
    std::string broker_name;
    std::int32_t read_queue_nums  = 0; ///< Consumers read the ids 0 to this, not included.
    std::int32_t write_queue_nums = 0;
    std::int32_t perm             = permissions::read | permissions::write;
    std::int32_t topic_sys_flag   = 0;

    friend bool operator==(const queue_data&, const queue_data&) = default;
};

/// Where the replicas of one broker are.
struct broker_data {
    std::string cluster;
    std::string broker_name;
    std::map<std::int64_t, std::string> broker_addrs{}; ///< `host:port` by id; 0 is the master.
    bool enable_acting_master = false;                  ///< 5.x: id 0 may stand for a slave that acts as master.

    friend bool operator==(const broker_data&, const broker_data&) = default;
};

/**
 * @brief Which queues of a static topic one broker leads (5.x). Clients know these queues by ids of the whole topic.
 * @par Source  Java `TopicQueueMappingInfo`.
 */
struct queue_mapping {
    static constexpr std::string_view global_scope = "__global__";

    std::string broker_name;
    std::string scope         = std::string(global_scope);
    std::int32_t total_queues = 0; ///< Of the topic, wherever they are.
    std::int64_t epoch        = 0; ///< Of two brokers that claim a queue, the one with the higher number has it.
    std::map<std::int32_t, std::int32_t> physical_ids{}; ///< The broker's own ids, by those of the topic.
    std::string topic{};

    friend bool operator==(const queue_mapping&, const queue_mapping&) = default;
};

/**
 * @brief Where a topic lives.
 * @par Source  Java `TopicRouteData`. Not read: `filterServerTable`.
 */
struct route_data {
    /// Queues in all entries together; a route that claims more is refused, as its reader makes each.
    static constexpr std::int64_t max_queues = 1 << 20;
    /// Brokers that have queues of one static topic; a route that claims more is refused.
    static constexpr std::size_t max_mappings = 4096;

    std::string order_topic_conf{};
    std::vector<queue_data> queue_datas{};
    std::vector<broker_data> broker_datas{};
    std::vector<queue_mapping> mappings{}; ///< Of a static topic; none for any other.

    friend bool operator==(const route_data&, const route_data&) = default;
};

inline void write_value(json_writer& to, const queue_data& from) {
    to.open('{')
        .member("brokerName", from.broker_name)
        .member("perm", from.perm)
        .member("readQueueNums", from.read_queue_nums)
        .member("topicSysFlag", from.topic_sys_flag)
        .member("writeQueueNums", from.write_queue_nums)
        .close('}');
}

inline bool read_value(const json_value& from, queue_data& to) {
    // Until 4.8 the flag was spelled topicSynFlag.
    return from.type == json_cursor::kind::object && read_json(from, "brokerName", to.broker_name) &&
           read_json(from, "readQueueNums", to.read_queue_nums) &&
           read_json(from, "writeQueueNums", to.write_queue_nums) && read_json(from, "perm", to.perm) &&
           read_json(from, "topicSynFlag", to.topic_sys_flag) && read_json(from, "topicSysFlag", to.topic_sys_flag);
}

inline void write_value(json_writer& to, const broker_data& from) {
    to.open('{').key("brokerAddrs").open('{');
    for (const auto& [id, address] : from.broker_addrs)
        to.member(std::to_string(id), address);
    to.close('}')
        .member("brokerName", from.broker_name)
        .member("cluster", from.cluster)
        .member("enableActingMaster", from.enable_acting_master)
        .close('}');
}

inline bool read_value(const json_value& from, broker_data& to) {
    if (from.type != json_cursor::kind::object || !read_json(from, "cluster", to.cluster) ||
        !read_json(from, "brokerName", to.broker_name) ||
        !read_json(from, "enableActingMaster", to.enable_acting_master))
        return false;
    const auto addresses = find_member(from, "brokerAddrs");
    return addresses.is_null() || read_members(addresses, [&to](std::string_view key, const json_value& address) {
               std::int64_t id = 0;
               return read_value({json_cursor::kind::number, key}, id) && read_value(address, to.broker_addrs[id]);
           });
}

inline void write_value(json_writer& to, const queue_mapping& from) {
    to.open('{').member("bname", from.broker_name).key("currIdMap").open('{');
    for (const auto& [id, physical] : from.physical_ids)
        to.member(std::to_string(id), physical);
    to.close('}')
        .member("dirty", false)
        .member("epoch", from.epoch)
        .member("scope", from.scope)
        .member("topic", from.topic)
        .member("totalQueues", from.total_queues)
        .close('}');
}

inline bool read_value(const json_value& from, queue_mapping& to) {
    if (from.type != json_cursor::kind::object || !read_json(from, "bname", to.broker_name) ||
        !read_json(from, "scope", to.scope) || !read_json(from, "epoch", to.epoch) ||
        !read_json(from, "totalQueues", to.total_queues) || !read_json(from, "topic", to.topic))
        return false;
    const auto ids = find_member(from, "currIdMap");
    return ids.is_null() || read_members(ids, [&to](std::string_view key, const json_value& physical) {
               std::int32_t id = 0;
               return to.physical_ids.size() < static_cast<std::size_t>(route_data::max_queues) &&
                      read_value({json_cursor::kind::number, key}, id) && read_value(physical, to.physical_ids[id]);
           });
}

/// In standard JSON, which every client understands.
inline std::string encode(const route_data& route) {
    json_writer body;
    body.open('{').member("brokerDatas", route.broker_datas).key("filterServerTable").open('{').close('}');
    if (!route.order_topic_conf.empty())
        body.member("orderTopicConf", route.order_topic_conf);
    body.member("queueDatas", route.queue_datas);
    if (!route.mappings.empty()) {
        body.key("topicQueueMappingByBroker").open('{');
        for (const auto& each : route.mappings)
            body.member(each.broker_name, each);
        body.close('}');
    }
    body.close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed  Not JSON, a member of another type, a negative or absurd number of queues.
inline result<route_data> decode_route(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    route_data route;
    if (!read_json(*body, "orderTopicConf", route.order_topic_conf) ||
        !read_json(*body, "queueDatas", route.queue_datas) || !read_json(*body, "brokerDatas", route.broker_datas))
        return error::body_malformed;
    std::int64_t queues = 0;
    for (const auto& each : route.queue_datas) {
        queues += each.read_queue_nums;
        queues += each.write_queue_nums;
        if (each.read_queue_nums < 0 || each.write_queue_nums < 0 || queues > 2 * route_data::max_queues)
            return error::body_malformed;
    }
    const auto mappings = find_member(*body, "topicQueueMappingByBroker");
    if (!mappings.is_null() && !read_members(mappings, [&route](std::string_view name, const json_value& mapping) {
            return route.mappings.size() < route_data::max_mappings &&
                   read_value(mapping, route.mappings.emplace_back(queue_mapping{.broker_name = std::string(name)}));
        }))
        return error::body_malformed;
    queues = 0;
    for (const auto& each : route.mappings) {
        queues += each.total_queues;
        if (each.total_queues < 0 || queues > route_data::max_queues)
            return error::body_malformed;
    }
    return route;
}

} // namespace rocketpush::protocol

#endif

#endif
// rocketpush/protocol/message_decoder.hpp
#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_DECODER_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_DECODER_HPP

// rocketpush/detail/byte_arena.hpp
#ifndef ROCKETPUSH_DETAIL_BYTE_ARENA_HPP
#define ROCKETPUSH_DETAIL_BYTE_ARENA_HPP


#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::detail {

/**
 * @brief Bytes that live together and end together: the inflated bodies of one pulled batch.
 *
 * Written in two steps, since the size of an inflated body is known only when it is there: `prepare` gives room,
 * `grow` more of it with the bytes so far, `commit` keeps what was written. Committed bytes never move until
 * `clear`, which keeps chunks for the next batch, so that steady use allocates nothing.
 *
 * @par Thread safety  None.
 */
class byte_arena {
  public:
    static constexpr std::size_t smallest_chunk = 16 * 1024;

    /// @param retained  Bytes of chunks that `clear` keeps at most.
    explicit byte_arena(std::size_t retained = 256 * 1024) noexcept : retain_limit_(retained) {}

    byte_arena(byte_arena&& other) noexcept
        : chunks_(std::exchange(other.chunks_, {})),
          current_(std::exchange(other.current_, 0)),
          used_in_current_(std::exchange(other.used_in_current_, 0)),
          used_(std::exchange(other.used_, 0)),
          held_(std::exchange(other.held_, 0)),
          retain_limit_(other.retain_limit_) {}

    byte_arena& operator=(byte_arena&& other) noexcept {
        byte_arena taken(std::move(other));
        std::swap(chunks_, taken.chunks_);
        std::swap(current_, taken.current_);
        std::swap(used_in_current_, taken.used_in_current_);
        std::swap(used_, taken.used_);
        std::swap(held_, taken.held_);
        std::swap(retain_limit_, taken.retain_limit_);
        return *this;
    }

    /// Room for at least `at_least` bytes in a row, often more. Valid until the next call; holds nothing by itself.
    std::span<char> prepare(std::size_t at_least) {
        while (current_ < chunks_.size()) {
            const chunk& here = chunks_[current_];
            if (here.size - used_in_current_ >= at_least)
                return {here.bytes.get() + used_in_current_, here.size - used_in_current_};
            ++current_;
            used_in_current_ = 0;
        }
        const auto size = std::max(at_least, smallest_chunk);
        chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
        held_ += size;
        return {chunks_.back().bytes.get(), size};
    }

    /// More room in place of `room`, which `prepare` or `grow` gave; its first `used` bytes are kept.
    std::span<char> grow(std::span<char> room, std::size_t used, std::size_t at_least) {
        ROCKETPUSH_ASSERT(used <= room.size() && used <= at_least, "an arena grows and keeps what was written");
        const auto larger = prepare(at_least);
        if (used != 0 && larger.data() != room.data())
            std::memcpy(larger.data(), room.data(), used);
        return larger;
    }

    /// Keeps the first `size` bytes of the room that was given last.
    std::string_view commit(std::size_t size) noexcept {
        ROCKETPUSH_ASSERT(current_ < chunks_.size() && size <= chunks_[current_].size - used_in_current_,
                          "an arena commits no more than it prepared");
        const char* first = chunks_[current_].bytes.get() + used_in_current_;
        used_in_current_ += size;
        used_ += size;
        return {first, size};
    }

    /// Ends the life of all committed bytes.
    void clear() noexcept {
        std::erase_if(chunks_, [kept = std::size_t{0}, this](const chunk& each) mutable {
            if (kept + each.size <= retain_limit_) {
                kept += each.size;
                return false;
            }
            held_ -= each.size;
            return true;
        });
        current_ = used_in_current_ = used_ = 0;
    }

    /// Bytes committed since the last `clear`.
    std::size_t used_bytes() const noexcept { return used_; }
    /// Bytes of memory behind it, used or not: the figure that a memory budget counts.
    std::size_t held_bytes() const noexcept { return held_; }

  private:
    struct chunk {
        std::unique_ptr<char[]> bytes;
        std::size_t size;
    };

    std::vector<chunk> chunks_;
    std::size_t current_         = 0;
    std::size_t used_in_current_ = 0;
    std::size_t used_            = 0;
    std::size_t held_            = 0;
    std::size_t retain_limit_;
};

} // namespace rocketpush::detail

#endif
// rocketpush/protocol/compression.hpp
#ifndef ROCKETPUSH_PROTOCOL_COMPRESSION_HPP
#define ROCKETPUSH_PROTOCOL_COMPRESSION_HPP


#if ROCKETPUSH_WITH_ZLIB
// rocketpush/detail/zlib_codec.hpp
#ifndef ROCKETPUSH_DETAIL_ZLIB_CODEC_HPP
#define ROCKETPUSH_DETAIL_ZLIB_CODEC_HPP

// rocketpush/detail/inflate_loop.hpp
#ifndef ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP
#define ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP


#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

namespace rocketpush::detail {

enum class inflate_state { done, full, damaged };

/// What one call of a codec did: how it ended, and how many bytes of the room are good.
struct inflate_step {
    inflate_state state;
    std::size_t used;
};

/**
 * @brief Inflates into an arena without knowing the size: doubles the room until the codec is done.
 *
 * The first room is small against the limit whatever the data claims, so a few bytes from the network never make
 * a large allocation; they have to inflate to as much first.
 *
 * @param step   `inflate_step step(std::span<char> room, std::size_t used)`: goes on behind the first `used` bytes,
 *               or starts again and answers from 0. `full` means that more room is needed.
 * @retval error::decompression_failed    the codec says so.
 * @retval error::decompressed_too_large  more than `limit` bytes come out.
 */
template <class Step>
result<std::string_view> inflate_into(byte_arena& arena, std::size_t compressed_size, std::size_t limit, Step step) {
    // One byte more than allowed tells a body of exactly `limit` bytes from a larger one.
    const auto most  = std::min(limit, std::numeric_limits<std::size_t>::max() / 4) + 1;
    const auto guess = std::min(most, std::max<std::size_t>(4096, compressed_size * 4));
    auto room        = arena.prepare(guess);
    for (std::size_t used = 0;;) {
        room            = room.first(std::min(room.size(), most));
        const auto made = step(room, used);
        if (made.state == inflate_state::damaged)
            return error::decompression_failed;
        if (made.used > limit || (made.state == inflate_state::full && room.size() == most))
            return error::decompressed_too_large;
        if (made.state == inflate_state::done)
            return arena.commit(made.used);
        used = made.used;
        room = arena.grow(room, used, std::min(most, room.size() * 2));
    }
}

} // namespace rocketpush::detail

#endif

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#if ROCKETPUSH_WITH_LIBDEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif

/**
 * zlib streams (RFC 1950), by libdeflate where it is there: it inflates about twice as fast. What follows the end of
 * the stream is ignored, as Java's `Inflater` does; a stream cut short is damaged, where Java delivers the part.
 */
namespace rocketpush::detail {

#if ROCKETPUSH_WITH_LIBDEFLATE

class zlib_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (!context_)
            context_.reset(::libdeflate_alloc_decompressor());
        if (!context_)
            throw std::bad_alloc();
        return inflate_into(arena, in.size(), limit, [&](std::span<char> room, std::size_t) -> inflate_step {
            std::size_t read = 0, written = 0;
            switch (::libdeflate_zlib_decompress_ex(context_.get(), in.data(), in.size(), room.data(), room.size(),
                                                    &read, &written)) {
            case LIBDEFLATE_SUCCESS: return {inflate_state::done, written};
            case LIBDEFLATE_INSUFFICIENT_SPACE: return {inflate_state::full, 0};
            default: return {inflate_state::damaged, 0};
            }
        });
    }

    static std::string compress(std::string_view in, int level) {
        const std::unique_ptr<libdeflate_compressor, deleter> context(::libdeflate_alloc_compressor(level));
        if (!context)
            throw std::bad_alloc();
        std::string out(::libdeflate_zlib_compress_bound(context.get(), in.size()), '\0');
        out.resize(::libdeflate_zlib_compress(context.get(), in.data(), in.size(), out.data(), out.size()));
        return out;
    }

  private:
    struct deleter {
        void operator()(libdeflate_decompressor* owned) const noexcept { ::libdeflate_free_decompressor(owned); }
        void operator()(libdeflate_compressor* owned) const noexcept { ::libdeflate_free_compressor(owned); }
    };
    std::unique_ptr<libdeflate_decompressor, deleter> context_;
};

#else

class zlib_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (in.size() > std::numeric_limits<uInt>::max())
            return error::decompression_failed;
        if (!context_) {
            std::unique_ptr<z_stream> fresh(new z_stream{});
            if (::inflateInit(fresh.get()) != Z_OK)
                throw std::bad_alloc();
            context_.reset(fresh.release());
        } else {
            ::inflateReset(context_.get());
        }
        context_->next_in  = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        context_->avail_in = static_cast<uInt>(in.size());
        return inflate_into(arena, in.size(), limit, [&](std::span<char> room, std::size_t used) -> inflate_step {
            const auto wanted    = std::min<std::size_t>(room.size() - used, std::numeric_limits<uInt>::max());
            context_->next_out   = reinterpret_cast<Bytef*>(room.data() + used);
            context_->avail_out  = static_cast<uInt>(wanted);
            const int answer     = ::inflate(context_.get(), Z_NO_FLUSH);
            const auto available = used + wanted - context_->avail_out;
            if (answer == Z_STREAM_END)
                return {inflate_state::done, available};
            if ((answer == Z_OK || answer == Z_BUF_ERROR) && context_->avail_out == 0)
                return {inflate_state::full, available};
            return {inflate_state::damaged, 0};
        });
    }

    static std::string compress(std::string_view in, int level) {
        auto size = ::compressBound(static_cast<uLong>(in.size()));
        std::string out(size, '\0');
        if (::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(in.data()),
                        static_cast<uLong>(in.size()), level) != Z_OK)
            throw std::bad_alloc();
        out.resize(size);
        return out;
    }

  private:
    struct deleter {
        void operator()(z_stream* owned) const noexcept {
            ::inflateEnd(owned);
            delete owned;
        }
    };
    std::unique_ptr<z_stream, deleter> context_; // zlib keeps a pointer to it, so it must not move
};

#endif

} // namespace rocketpush::detail

#endif
#endif
#if ROCKETPUSH_WITH_LZ4
// rocketpush/detail/lz4_codec.hpp
#ifndef ROCKETPUSH_DETAIL_LZ4_CODEC_HPP
#define ROCKETPUSH_DETAIL_LZ4_CODEC_HPP

// rocketpush/detail/inflate_loop.hpp
#ifndef ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP
#define ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP


#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

namespace rocketpush::detail {

enum class inflate_state { done, full, damaged };

/// What one call of a codec did: how it ended, and how many bytes of the room are good.
struct inflate_step {
    inflate_state state;
    std::size_t used;
};

/**
 * @brief Inflates into an arena without knowing the size: doubles the room until the codec is done.
 *
 * The first room is small against the limit whatever the data claims, so a few bytes from the network never make
 * a large allocation; they have to inflate to as much first.
 *
 * @param step   `inflate_step step(std::span<char> room, std::size_t used)`: goes on behind the first `used` bytes,
 *               or starts again and answers from 0. `full` means that more room is needed.
 * @retval error::decompression_failed    the codec says so.
 * @retval error::decompressed_too_large  more than `limit` bytes come out.
 */
template <class Step>
result<std::string_view> inflate_into(byte_arena& arena, std::size_t compressed_size, std::size_t limit, Step step) {
    // One byte more than allowed tells a body of exactly `limit` bytes from a larger one.
    const auto most  = std::min(limit, std::numeric_limits<std::size_t>::max() / 4) + 1;
    const auto guess = std::min(most, std::max<std::size_t>(4096, compressed_size * 4));
    auto room        = arena.prepare(guess);
    for (std::size_t used = 0;;) {
        room            = room.first(std::min(room.size(), most));
        const auto made = step(room, used);
        if (made.state == inflate_state::damaged)
            return error::decompression_failed;
        if (made.used > limit || (made.state == inflate_state::full && room.size() == most))
            return error::decompressed_too_large;
        if (made.state == inflate_state::done)
            return arena.commit(made.used);
        used = made.used;
        room = arena.grow(room, used, std::min(most, room.size() * 2));
    }
}

} // namespace rocketpush::detail

#endif

#include <lz4frame.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

namespace rocketpush::detail {

/// LZ4 frames (not raw blocks); several frames in a row are one body, as for Java's `LZ4FrameInputStream`.
class lz4_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (in.empty())
            return error::decompression_failed;
        if (!context_) {
            LZ4F_dctx* fresh = nullptr;
            if (::LZ4F_isError(::LZ4F_createDecompressionContext(&fresh, LZ4F_VERSION)))
                throw std::bad_alloc();
            context_.reset(fresh);
        } else {
            ::LZ4F_resetDecompressionContext(context_.get());
        }
        std::size_t wanted = 1; // input that the codec still hopes for; 0 at the end of a frame
        return inflate_into(arena, in.size(), limit, [&](std::span<char> room, std::size_t used) -> inflate_step {
            for (;;) {
                if (wanted == 0 && in.empty())
                    return {inflate_state::done, used};
                std::size_t written = room.size() - used;
                std::size_t read    = in.size();
                wanted = ::LZ4F_decompress(context_.get(), room.data() + used, &written, in.data(), &read, nullptr);
                if (::LZ4F_isError(wanted))
                    return {inflate_state::damaged, 0};
                used += written;
                in.remove_prefix(read);
                if (wanted == 0 && in.empty())
                    return {inflate_state::done, used};
                if (used == room.size())
                    return {inflate_state::full, used};
                if (read == 0 && written == 0)
                    return {inflate_state::damaged, 0};
            }
        });
    }

    static std::string compress(std::string_view in, int level) {
        LZ4F_preferences_t preferences{};
        preferences.compressionLevel = level;
        std::string out(::LZ4F_compressFrameBound(in.size(), &preferences), '\0');
        const auto size = ::LZ4F_compressFrame(out.data(), out.size(), in.data(), in.size(), &preferences);
        if (::LZ4F_isError(size))
            throw std::bad_alloc();
        out.resize(size);
        return out;
    }

  private:
    struct deleter {
        void operator()(LZ4F_dctx* owned) const noexcept { ::LZ4F_freeDecompressionContext(owned); }
    };
    std::unique_ptr<LZ4F_dctx, deleter> context_;
};

} // namespace rocketpush::detail

#endif
#endif
#if ROCKETPUSH_WITH_ZSTD
// rocketpush/detail/zstd_codec.hpp
#ifndef ROCKETPUSH_DETAIL_ZSTD_CODEC_HPP
#define ROCKETPUSH_DETAIL_ZSTD_CODEC_HPP

// rocketpush/detail/inflate_loop.hpp
#ifndef ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP
#define ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP


#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

namespace rocketpush::detail {

enum class inflate_state { done, full, damaged };

/// What one call of a codec did: how it ended, and how many bytes of the room are good.
struct inflate_step {
    inflate_state state;
    std::size_t used;
};

/**
 * @brief Inflates into an arena without knowing the size: doubles the room until the codec is done.
 *
 * The first room is small against the limit whatever the data claims, so a few bytes from the network never make
 * a large allocation; they have to inflate to as much first.
 *
 * @param step   `inflate_step step(std::span<char> room, std::size_t used)`: goes on behind the first `used` bytes,
 *               or starts again and answers from 0. `full` means that more room is needed.
 * @retval error::decompression_failed    the codec says so.
 * @retval error::decompressed_too_large  more than `limit` bytes come out.
 */
template <class Step>
result<std::string_view> inflate_into(byte_arena& arena, std::size_t compressed_size, std::size_t limit, Step step) {
    // One byte more than allowed tells a body of exactly `limit` bytes from a larger one.
    const auto most  = std::min(limit, std::numeric_limits<std::size_t>::max() / 4) + 1;
    const auto guess = std::min(most, std::max<std::size_t>(4096, compressed_size * 4));
    auto room        = arena.prepare(guess);
    for (std::size_t used = 0;;) {
        room            = room.first(std::min(room.size(), most));
        const auto made = step(room, used);
        if (made.state == inflate_state::damaged)
            return error::decompression_failed;
        if (made.used > limit || (made.state == inflate_state::full && room.size() == most))
            return error::decompressed_too_large;
        if (made.state == inflate_state::done)
            return arena.commit(made.used);
        used = made.used;
        room = arena.grow(room, used, std::min(most, room.size() * 2));
    }
}

} // namespace rocketpush::detail

#endif

#include <zstd.h>
#include <zstd_errors.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

namespace rocketpush::detail {

/**
 * @brief Zstandard frames.
 *
 * Inflated in one go and not streamed: the window is then the output itself, so a frame that asks for a window of
 * 128 MiB cannot have it. The content size in a frame's header is not believed, it may be absent anyway.
 */
class zstd_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (in.empty())
            return error::decompression_failed;
        if (!context_)
            context_.reset(::ZSTD_createDCtx());
        if (!context_)
            throw std::bad_alloc();
        return inflate_into(arena, in.size(), limit, [&](std::span<char> room, std::size_t) -> inflate_step {
            const auto size = ::ZSTD_decompressDCtx(context_.get(), room.data(), room.size(), in.data(), in.size());
            if (!::ZSTD_isError(size))
                return {inflate_state::done, size};
            if (::ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall)
                return {inflate_state::full, 0};
            return {inflate_state::damaged, 0};
        });
    }

    static std::string compress(std::string_view in, int level) {
        std::string out(::ZSTD_compressBound(in.size()), '\0');
        const auto size = ::ZSTD_compress(out.data(), out.size(), in.data(), in.size(), level);
        if (::ZSTD_isError(size))
            throw std::bad_alloc();
        out.resize(size);
        return out;
    }

  private:
    struct deleter {
        void operator()(ZSTD_DCtx* owned) const noexcept { ::ZSTD_freeDCtx(owned); }
    };
    std::unique_ptr<ZSTD_DCtx, deleter> context_;
};

} // namespace rocketpush::detail

#endif
#endif

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// How a message's body is compressed. @par Source  Java `CompressionType`.
enum class compression : std::uint8_t { zlib, lz4, zstd, unknown };

/// The kind that bits 8 to 10 of a sysFlag name; it counts only when `sys_flags::compressed` is set too.
constexpr compression compression_of(std::uint32_t flags) noexcept {
    switch (flags & sys_flags::compression_mask) {
    case 0: // clients before 4.9.4 have no type
    case sys_flags::compression_zlib: return compression::zlib;
    case sys_flags::compression_lz4: return compression::lz4;
    case sys_flags::compression_zstd: return compression::zstd;
    default: return compression::unknown;
    }
}

/// The sysFlag bits of a body compressed in this way, `sys_flags::compressed` among them.
constexpr std::uint32_t flags_of(compression kind) noexcept {
    switch (kind) {
    case compression::zlib: return sys_flags::compressed | sys_flags::compression_zlib;
    case compression::lz4: return sys_flags::compressed | sys_flags::compression_lz4;
    case compression::zstd: return sys_flags::compressed | sys_flags::compression_zstd;
    case compression::unknown: break;
    }
    return sys_flags::compressed | sys_flags::compression_mask;
}

/**
 * @brief Inflates message bodies; keeps the libraries' contexts, so that steady use allocates nothing.
 * @par Thread safety  None.
 */
class decompressor {
  public:
    /**
     * @param limit  Most bytes that may come out.
     * @param arena  Holds the inflated bytes until it is cleared.
     * @retval error::compression_left_out    the kind is unknown or not in this build.
     * @retval error::decompression_failed    `in` is damaged or cut short.
     * @retval error::decompressed_too_large  more than `limit` bytes come out.
     */
    result<std::string_view> inflate(compression kind, std::string_view in, std::size_t limit,
                                     detail::byte_arena& arena) {
        switch (kind) {
#if ROCKETPUSH_WITH_ZLIB
        case compression::zlib: return zlib_.inflate(in, limit, arena);
#endif
#if ROCKETPUSH_WITH_LZ4
        case compression::lz4: return lz4_.inflate(in, limit, arena);
#endif
#if ROCKETPUSH_WITH_ZSTD
        case compression::zstd: return zstd_.inflate(in, limit, arena);
#endif
        default: break;
        }
        static_cast<void>(in), static_cast<void>(limit), static_cast<void>(arena);
        return error::compression_left_out;
    }

  private:
#if ROCKETPUSH_WITH_ZLIB
    detail::zlib_codec zlib_;
#endif
#if ROCKETPUSH_WITH_LZ4
    detail::lz4_codec lz4_;
#endif
#if ROCKETPUSH_WITH_ZSTD
    detail::zstd_codec zstd_;
#endif
};

/// `decompressor::inflate` for once.
inline result<std::string_view> inflate(compression kind, std::string_view in, std::size_t limit,
                                        detail::byte_arena& arena) {
    return decompressor().inflate(kind, in, limit, arena);
}

/**
 * @brief Compresses a body as a producer does.
 * @param level  The library's own scale; Java's producer uses 5 for all.
 * @retval error::compression_left_out  the kind is unknown or not in this build.
 */
inline result<std::string> compress(compression kind, std::string_view in, int level = 5) {
    switch (kind) {
#if ROCKETPUSH_WITH_ZLIB
    case compression::zlib: return detail::zlib_codec::compress(in, level);
#endif
#if ROCKETPUSH_WITH_LZ4
    case compression::lz4: return detail::lz4_codec::compress(in, level);
#endif
#if ROCKETPUSH_WITH_ZSTD
    case compression::zstd: return detail::zstd_codec::compress(in, level);
#endif
    default: break;
    }
    static_cast<void>(in), static_cast<void>(level);
    return error::compression_left_out;
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/crc32.hpp
#ifndef ROCKETPUSH_PROTOCOL_CRC32_HPP
#define ROCKETPUSH_PROTOCOL_CRC32_HPP


#include <cstddef>
#include <cstdint>
#include <string_view>

#if ROCKETPUSH_WITH_LIBDEFLATE
#include <libdeflate.h>
#elif ROCKETPUSH_WITH_ZLIB
#include <zlib.h>
#else
#include <array>
#endif

namespace rocketpush::protocol {

/// CRC-32 (IEEE 802.3), by libdeflate, else zlib; a build without both has a slow one of its own.
inline std::uint32_t crc32(std::string_view bytes) noexcept {
#if ROCKETPUSH_WITH_LIBDEFLATE
    return ::libdeflate_crc32(0, bytes.data(), bytes.size());
#elif ROCKETPUSH_WITH_ZLIB
    return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
#else
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> entries{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            entries[i] = i;
            for (int bit = 0; bit < 8; ++bit)
                entries[i] = entries[i] >> 1 ^ (entries[i] & 1 ? 0xEDB88320u : 0u);
        }
        return entries;
    }();
    std::uint32_t sum = ~0u;
    for (const char byte : bytes)
        sum = sum >> 8 ^ table[(sum ^ static_cast<unsigned char>(byte)) & 0xFF];
    return ~sum;
#endif
}

/// What BODYCRC of a stored message holds. Over the body as stored, so before it is inflated.
/// @par Source  Java `UtilAll.crc32`, which clears the sign bit.
inline std::uint32_t body_crc(std::string_view body) noexcept { return crc32(body) & 0x7FFFFFFF; }

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/message_batch.hpp
#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_BATCH_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_BATCH_HPP


#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// One message of a batch, as SEND_BATCH_MESSAGE (320) carries it and as an inner batch stores it.
struct batch_message {
    std::int32_t flag           = 0;
    std::string_view body       = {};
    std::string_view properties = {};
};

/// Size, two unused words (magic, CRC), flag, body size; then the body, the properties' size and the properties.
inline constexpr std::size_t batch_message_body     = 20;
inline constexpr std::size_t batch_message_smallest = 22;

/// @par Source  Java `MessageDecoder.encodeMessage`.
inline void append_batch_message(std::string& out, const batch_message& message) {
    ROCKETPUSH_ASSERT(message.properties.size() <= 32767, "properties fit their 16-bit length");
    ROCKETPUSH_ASSERT(message.body.size() <= std::numeric_limits<std::int32_t>::max() - 65536u,
                      "a body fits its 32-bit length");
    const auto size = batch_message_smallest + message.body.size() + message.properties.size();
    char head[batch_message_body]{};
    detail::store_big(head, static_cast<std::uint32_t>(size));
    detail::store_big(head + 12, message.flag);
    detail::store_big(head + 16, static_cast<std::uint32_t>(message.body.size()));
    char properties_size[2];
    detail::store_big(properties_size, static_cast<std::uint16_t>(message.properties.size()));
    out.reserve(out.size() + size);
    out.append(head, sizeof head).append(message.body);
    out.append(properties_size, sizeof properties_size).append(message.properties);
}

/**
 * @brief Takes the messages of a batch one after the other: `visit(const batch_message&)`.
 * @return The bytes behind the last good message: empty, unless lengths contradict each other.
 */
template <class Visit>
std::string_view visit_batch(std::string_view batch, Visit&& visit) {
    while (batch.size() >= batch_message_smallest) {
        const std::size_t size = detail::load_big<std::uint32_t>(batch.data());
        if (size < batch_message_smallest || size > batch.size())
            break;
        const std::size_t body_size = detail::load_big<std::uint32_t>(batch.data() + 16);
        if (body_size > size - batch_message_smallest)
            break;
        const char* behind_body           = batch.data() + batch_message_body + body_size;
        const std::size_t properties_size = detail::load_big<std::uint16_t>(behind_body);
        if (properties_size > 32767 || properties_size > size - batch_message_smallest - body_size)
            break;
        visit(batch_message{detail::load_big<std::int32_t>(batch.data() + 12),
                            batch.substr(batch_message_body, body_size),
                            std::string_view(behind_body + 2, properties_size)});
        batch.remove_prefix(size);
    }
    return batch;
}

} // namespace rocketpush::protocol

#endif

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace rocketpush::protocol {

using detail::byte_arena;
using detail::message_fields;
using detail::message_origin;

struct decode_options {
    bool check_crc            = true; ///< Java leaves it off unless asked; here a broken body never reaches a listener.
    bool decompress           = true; ///< Off: bodies stay as stored, and compressed inner batches stay whole.
    std::size_t max_body_size = 32u * 1024 * 1024; ///< Bytes, of one inflated body.
};

/**
 * @brief Is told of what cannot be delivered: `on_bad(code, record, queue_offset)`.
 *
 * `record` is the stored message, or the rest of the body when not even its size can be true (the last call then).
 * `queue_offset` is -1 when it cannot be known. Of an inner batch that is damaged, `record` is the whole batch and
 * `queue_offset` that of the first message lost.
 */
template <class F>
concept bad_record_handler = std::invocable<F&, std::error_code, std::string_view, std::int64_t>;

/**
 * @brief Finds the messages in the body of a PULL, POP, QUERY or VIEW answer.
 *
 * Nothing is copied and, in steady state, nothing allocated: what is found points into the body, inflated bodies
 * lie in the arena. A record that is bad does not harm its neighbours, for each names its own size. (Java ends at
 * the first bad one, and the rest of the answer is lost.)
 *
 * Codes that `on_bad` may get:
 *  - `error::message_malformed`       lengths contradict each other, or the offset is negative;
 *  - `error::message_magic_unknown`   neither version 1 nor 2;
 *  - `error::message_crc_mismatch`    the stored body is not what the producer's broker received;
 *  - `error::compression_left_out`, `error::decompression_failed`, `error::decompressed_too_large`.
 *
 * @par Thread safety  None.
 * @par Source         Java `MessageDecoder.decodes`, `PullAPIWrapper.processPullResult`.
 */
class message_decoder {
  public:
    explicit message_decoder(const decode_options& options = {}) noexcept : options_(options) {}

    /**
     * @param body    Outlives what is found, as do `origin` and `arena`.
     * @param out     Gets the messages behind those it has; in stored order, so offsets rise.
     * @param on_bad  Called as it goes, before later messages are appended.
     */
    template <bad_record_handler OnBad>
    void decode(std::string_view body, const message_origin& origin, byte_arena& arena,
                std::vector<message_fields>& out, OnBad&& on_bad) {
        const char* at        = body.data();
        const char* const end = at + body.size();
        // Messages are filled where they stay, in room that is made for several at once.
        auto* next             = out.data() + out.size();
        auto* last             = next;
        const auto forget_room = [&] { out.resize(static_cast<std::size_t>(next - out.data())); };
        const auto make_room   = [&](std::size_t count) {
            const auto have = out.size();
            out.resize(have + count);
            next = out.data() + have;
            last = out.data() + out.size();
        };
        while (at != end) {
            const std::string_view rest(at, static_cast<std::size_t>(end - at));
            const auto size = record_size(rest);
            if (size == 0) [[unlikely]] {
                forget_room();
                on_bad(make_error_code(error::message_malformed), rest, std::int64_t{-1});
                return;
            }
            const std::string_view record(at, size);
            at += size;

            if (next == last) [[unlikely]]
                make_room(32);
            next->origin = &origin;
            // Nearly all messages are of the common form.
            const bool common  = is_common(record);
            const auto failure = common ? find_fields<1>(record, std::integral_constant<std::uint32_t, 0>(), *next)
                                        : find_any_fields(record, *next);
            if (common && failure == error{}) [[likely]] {
                ++next;
                continue;
            }
            const auto found = *next;
            forget_room();
            if (failure == error{})
                decode_special(record, found, arena, out, on_bad);
            else
                on_bad(make_error_code(failure), record, offset_of(record));
            make_room(0);
        }
        forget_room();
    }

  private:
    /// The size that the first record names, or 0 when it cannot be true. Smaller than a message may be, though.
    static std::size_t record_size(std::string_view body) noexcept {
        if (body.size() < 8)
            return 0;
        const std::size_t size = detail::load_big<std::uint32_t>(body.data());
        return size < 8 || size > body.size() ? 0 : size;
    }

    static bool has_magic(std::string_view record, std::uint32_t magic) noexcept {
        return detail::load_big<std::uint32_t>(record.data() + detail::message_layout::magic) == magic;
    }
    static std::uint32_t flags_of(std::string_view record) noexcept {
        return detail::load_big<std::uint32_t>(record.data() + detail::message_layout::sys_flag);
    }

    /// Version 1, IPv4 hosts, one message as it was sent.
    static bool is_common(std::string_view record) noexcept {
        namespace layout       = detail::message_layout;
        constexpr auto special = sys_flags::compressed | sys_flags::needs_unwrap | sys_flags::inner_batch |
                                 sys_flags::born_host_v6 | sys_flags::store_host_v6;
        return record.size() >= layout::smallest && has_magic(record, layout::magic_v1) &&
               (flags_of(record) & special) == 0;
    }

    /// For the handler of a bad record, which wants to know where in the queue it is.
    static std::int64_t offset_of(std::string_view record) noexcept {
        namespace layout = detail::message_layout;
        if (record.size() < layout::smallest ||
            !(has_magic(record, layout::magic_v1) || has_magic(record, layout::magic_v2)))
            return -1;
        const auto offset = detail::load_big<std::int64_t>(record.data() + layout::queue_offset);
        return offset < 0 ? -1 : offset;
    }

    /// Any form that there is. `error{}` when all is well.
    [[gnu::noinline]] error find_any_fields(std::string_view record, message_fields& found) const noexcept {
        namespace layout = detail::message_layout;
        const bool v1    = has_magic(record, layout::magic_v1);
        if (!v1 && !has_magic(record, layout::magic_v2))
            return error::message_magic_unknown;
        if (record.size() < layout::smallest)
            return error::message_malformed;
        const auto flags = flags_of(record);
        return v1 ? find_fields<1>(record, flags, found) : find_fields<2>(record, flags, found);
    }

    /**
     * One pass over the lengths; everything else is read when somebody asks.
     * @tparam TopicLength  Bytes of the topic's length.
     * @param record        At least `layout::smallest` bytes.
     * @param host_flags    The sysFlag, or any that says the same of the hosts: a constant makes the places constants.
     */
    template <std::size_t TopicLength, class HostFlags>
    [[gnu::always_inline]] error find_fields(std::string_view record, HostFlags host_flags,
                                             message_fields& found) const noexcept {
        namespace layout   = detail::message_layout;
        const char* start  = record.data();
        const auto body_at = layout::body(host_flags);
        // Later versions may append fields, so what is left over at the end is no error.
        const auto fixed = body_at + TopicLength + 2;
        if (record.size() < fixed) [[unlikely]]
            return error::message_malformed;
        // Places in the record; each is looked at before something is read there, and none overflows 64 bits.
        const std::size_t size      = record.size();
        const std::size_t body_size = detail::load_big<std::uint32_t>(start + body_at - 4);
        const auto topic_at         = body_at + body_size + TopicLength;
        if (topic_at + 2 > size) [[unlikely]]
            return error::message_malformed;

        using topic_length           = std::conditional_t<TopicLength == 1, std::uint8_t, std::uint16_t>;
        const std::size_t topic_size = detail::load_big<topic_length>(start + topic_at - TopicLength);
        const auto properties_at     = topic_at + topic_size + 2;
        if (properties_at > size) [[unlikely]]
            return error::message_malformed;

        const std::size_t properties_size = detail::load_big<std::uint16_t>(start + properties_at - 2);
        if (properties_at + properties_size > size || properties_size > 32767) [[unlikely]]
            return error::message_malformed;

        found.record          = start;
        found.body            = start + body_at;
        found.properties      = start + properties_at;
        found.topic           = start + topic_at;
        found.queue_offset    = detail::load_big<std::int64_t>(start + layout::queue_offset);
        found.body_size       = static_cast<std::uint32_t>(body_size);
        found.properties_size = static_cast<std::uint16_t>(properties_size);
        found.topic_size      = static_cast<std::uint16_t>(topic_size);
        found.reconsume_times = detail::load_big<std::int32_t>(start + layout::reconsume_times(host_flags));
        found.sys_flag        = flags_of(record);
        if (found.queue_offset < 0) [[unlikely]]
            return error::message_malformed;
        if (options_.check_crc &&
            body_crc({found.body, body_size}) != detail::load_big<std::uint32_t>(start + layout::body_crc)) [[unlikely]]
            return error::message_crc_mismatch;
        return error{};
    }

    /// What is not of the common form: compressed bodies, inner batches, IPv6 hosts and version 2.
    template <class OnBad>
    void decode_special(std::string_view record, message_fields found, byte_arena& arena,
                        std::vector<message_fields>& out, OnBad& on_bad) {
        if (found.sys_flag & sys_flags::compressed) {
            if (!options_.decompress) {
                out.push_back(found);
                return;
            }
            const auto inflated = decompressor_.inflate(compression_of(found.sys_flag), {found.body, found.body_size},
                                                        most_bytes(), arena);
            if (!inflated) {
                on_bad(inflated.error(), record, found.queue_offset);
                return;
            }
            found.body      = inflated->data();
            found.body_size = static_cast<std::uint32_t>(inflated->size());
            found.sys_flag &= ~sys_flags::compressed;
        }
        if (!found.is_inner()) {
            out.push_back(found);
            return;
        }
        // What is not the inner message's own is the envelope's; Java `MessageDecoder.decodeMessage`.
        auto inner            = found;
        inner.reconsume_times = 0;
        const auto lost       = visit_batch({found.body, found.body_size}, [&](const batch_message& one) {
            inner.body            = one.body.data();
            inner.body_size       = static_cast<std::uint32_t>(one.body.size());
            inner.properties      = one.properties.data();
            inner.properties_size = static_cast<std::uint16_t>(one.properties.size());
            out.push_back(inner);
            inner.queue_offset = static_cast<std::int64_t>(static_cast<std::uint64_t>(inner.queue_offset) + 1);
        });
        if (!lost.empty() || found.body_size == 0)
            on_bad(make_error_code(error::message_malformed), record, inner.queue_offset);
    }

    /// A size is kept in 32 bits.
    std::size_t most_bytes() const noexcept {
        constexpr std::size_t representable = 0x7FFFFFFF;
        return options_.max_body_size < representable ? options_.max_body_size : representable;
    }

    decode_options options_;
    decompressor decompressor_;
};

/// `message_decoder::decode` for once: makes the decompression contexts anew if it needs them.
template <bad_record_handler OnBad>
void decode_messages(std::string_view body, const message_origin& origin, const decode_options& options,
                     byte_arena& arena, std::vector<message_fields>& out, OnBad&& on_bad) {
    message_decoder(options).decode(body, origin, arena, out, on_bad);
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/message_encoder.hpp
#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_ENCODER_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_ENCODER_HPP


#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// Everything that a broker stores of one message.
struct stored_message {
    std::string_view topic                   = {};
    std::string_view body                    = {}; ///< As stored: compressed when `sys_flag` says so.
    std::string_view properties              = {}; ///< `name 0x01 value 0x02`, repeated; up to 32767 bytes.
    std::int32_t queue_id                    = 0;
    std::int32_t flag                        = 0;
    std::int64_t queue_offset                = 0;
    std::int64_t commit_log_offset           = 0;
    std::uint32_t sys_flag                   = 0; ///< The bits for IPv6 hosts are set from the hosts.
    std::int64_t born_timestamp              = 0; ///< ms since 1970
    std::int64_t store_timestamp             = 0; ///< ms since 1970
    host_address born_host                   = {};
    host_address store_host                  = {};
    std::int32_t reconsume_times             = 0;
    std::int64_t prepared_transaction_offset = 0;
    std::optional<std::uint32_t> body_crc    = {};    ///< Reckoned from the body when it is absent.
    bool force_v2                            = false; ///< Else version 2 only where the topic needs it.

    /// The sysFlag that is stored.
    std::uint32_t stored_sys_flag() const noexcept {
        return (sys_flag & ~(sys_flags::born_host_v6 | sys_flags::store_host_v6)) |
               (born_host.is_v6() ? sys_flags::born_host_v6 : 0) | (store_host.is_v6() ? sys_flags::store_host_v6 : 0);
    }
    /// 5.x brokers use version 2 for topics beyond 127 bytes: in practice retry topics of POP consumers.
    bool is_v2() const noexcept { return force_v2 || topic.size() > 127; }
    /// Bytes that it takes when it is stored.
    std::size_t stored_size() const noexcept {
        return detail::message_layout::body(stored_sys_flag()) + body.size() + (is_v2() ? 2 : 1) + topic.size() + 2 +
               properties.size();
    }
};

/**
 * @brief Appends a message as a broker stores it and gives it to pulls.
 * @return Its size in bytes.
 * @par Source  Java `MessageExtEncoder.encode`.
 */
inline std::size_t append_stored_message(std::string& out, const stored_message& message) {
    namespace layout = detail::message_layout;
    using detail::store_big;
    ROCKETPUSH_ASSERT(message.topic.size() <= 32767, "a topic fits its length");
    ROCKETPUSH_ASSERT(message.properties.size() <= 32767, "properties fit their length");
    const auto size = message.stored_size();
    ROCKETPUSH_ASSERT(size <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
                      "a message fits its length");
    const auto flags = message.stored_sys_flag();

    char head[layout::born_host];
    store_big(head + layout::total_size, static_cast<std::uint32_t>(size));
    store_big(head + layout::magic, message.is_v2() ? layout::magic_v2 : layout::magic_v1);
    store_big(head + layout::body_crc, message.body_crc ? *message.body_crc : body_crc(message.body));
    store_big(head + layout::queue_id, message.queue_id);
    store_big(head + layout::flag, message.flag);
    store_big(head + layout::queue_offset, message.queue_offset);
    store_big(head + layout::commit_log_offset, message.commit_log_offset);
    store_big(head + layout::sys_flag, flags);
    store_big(head + layout::born_timestamp, message.born_timestamp);

    const auto append_number = [&out](auto value) {
        char bytes[sizeof value];
        store_big(bytes, value);
        out.append(bytes, sizeof bytes);
    };
    out.append(head, sizeof head);
    message.born_host.append_to(out);
    append_number(message.store_timestamp);
    message.store_host.append_to(out);
    append_number(message.reconsume_times);
    append_number(message.prepared_transaction_offset);
    append_number(static_cast<std::uint32_t>(message.body.size()));
    out.append(message.body);
    if (message.is_v2())
        append_number(static_cast<std::uint16_t>(message.topic.size()));
    else
        append_number(static_cast<std::uint8_t>(message.topic.size()));
    out.append(message.topic);
    append_number(static_cast<std::uint16_t>(message.properties.size()));
    out.append(message.properties);
    return size;
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/message_id.hpp
#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_ID_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_ID_HPP


#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/**
 * @brief Names a stored message by where it is stored; SEND answers it, VIEW_MESSAGE and direct consumption want it.
 * @par Source  Java `MessageId`.
 */
struct offset_message_id {
    host_address store_host;
    std::int64_t commit_log_offset = 0;

    friend bool operator==(const offset_message_id&, const offset_message_id&) = default;
};

/// `7F00000100002A9F0000000000000000` is offset 0 at 127.0.0.1:10911.
inline std::string to_string(const offset_message_id& id) {
    std::string bytes;
    id.store_host.append_to(bytes);
    char offset[8];
    detail::store_big(offset, id.commit_log_offset);
    bytes.append(offset, sizeof offset);

    std::string text;
    text.reserve(2 * bytes.size());
    detail::append_hex(text, bytes);
    return text;
}

/**
 * @brief The other way, for what `to_string` or Java `MessageDecoder.createMessageId` wrote.
 * @retval error::header_malformed  not 32 or 56 hex digits.
 */
inline result<offset_message_id> parse_offset_message_id(std::string_view text) noexcept {
    char bytes[28];
    const bool v6 = text.size() == 56;
    if ((!v6 && text.size() != 32) || !detail::parse_hex(text, bytes))
        return error::header_malformed;
    return offset_message_id{host_address::read(bytes, v6), detail::load_big<std::int64_t>(bytes + (v6 ? 20 : 8))};
}

/**
 * @brief Makes the unique keys (property UNIQ_KEY) of a producer's messages: 32 hex digits, 56 with an IPv6 address.
 *
 * address | process id (2) | process number (4) | ms since the month began (4) | counter (2). Java's tools read the
 * address, the process and the time of birth out of it, so the layout is kept to the byte; the month is that of the
 * local time zone, as there.
 *
 * @par Thread safety  None.
 * @par Source         Java `MessageClientIDSetter.createUniqID`.
 */
class unique_id_generator {
  public:
    /**
     * @param address         4 or 16 bytes of an address of this machine; its port is not used.
     * @param process_id      Its low 16 bits count.
     * @param process_number  Tells apart processes that share the other two (containers do): random, from Runtime.
     */
    unique_id_generator(const host_address& address, std::uint64_t process_id, std::uint32_t process_number) {
        char numbers[6];
        detail::store_big(numbers, static_cast<std::uint16_t>(process_id));
        detail::store_big(numbers + 2, process_number);
        detail::append_hex(prefix_, address.address_bytes());
        detail::append_hex(prefix_, {numbers, sizeof numbers});
    }

    /// @param now  From Runtime; need not rise.
    std::string next(std::chrono::system_clock::time_point now) {
        if (now >= next_month_)
            find_month(now);
        char tail[6];
        detail::store_big(tail, milliseconds_into_month(now));
        detail::store_big(tail + 4, counter_++);
        std::string id;
        id.reserve(prefix_.size() + 2 * sizeof tail);
        id = prefix_;
        detail::append_hex(id, {tail, sizeof tail});
        return id;
    }

  private:
    std::int32_t milliseconds_into_month(std::chrono::system_clock::time_point now) const noexcept {
        const auto past = std::chrono::floor<std::chrono::milliseconds>(now - month_).count();
        // A clock set back over the month's begin, but by less than a quarter of an hour: as Java does.
        return past < 0 && past > -1'000'000 ? 0 : static_cast<std::int32_t>(past);
    }

    void find_month(std::chrono::system_clock::time_point now) {
        const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
        std::tm local{};
#ifdef _WIN32
        ::localtime_s(&local, &seconds);
#else
        ::localtime_r(&seconds, &local);
#endif
        std::tm first{};
        first.tm_year  = local.tm_year;
        first.tm_mon   = local.tm_mon;
        first.tm_mday  = 1;
        first.tm_isdst = -1; // the zone's rules say whether it is summer time then
        auto following = first;
        ++following.tm_mon;
        month_      = std::chrono::system_clock::from_time_t(std::mktime(&first));
        next_month_ = std::chrono::system_clock::from_time_t(std::mktime(&following));
    }

    std::string prefix_; ///< In hex already.
    std::chrono::system_clock::time_point month_      = std::chrono::system_clock::time_point::min();
    std::chrono::system_clock::time_point next_month_ = std::chrono::system_clock::time_point::min();
    std::uint16_t counter_                            = 0;
};

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/properties.hpp
#ifndef ROCKETPUSH_PROTOCOL_PROPERTIES_HPP
#define ROCKETPUSH_PROTOCOL_PROPERTIES_HPP


#include <cstddef>
#include <string>
#include <string_view>

/**
 * Message properties in their stored form: `name 0x01 value 0x02`, repeated.
 * @par Source  Java `MessageDecoder.messageProperties2String`.
 */
namespace rocketpush::protocol {

/// Most bytes of properties that a message can have: their size is a signed 16-bit number.
inline constexpr std::size_t most_property_bytes = 32767;

/// Whether `text` may stand as a name or value: not empty (Java drops such entries) and without separators.
constexpr bool valid_property_text(std::string_view text) noexcept {
    return !text.empty() && text.find_first_of("\x01\x02") == text.npos;
}

inline auto find_property(std::string_view raw, std::string_view name) noexcept {
    return detail::find_property(raw, name);
}

/// Appends a property behind those that `raw` has, whether or not one has this name.
inline void append_property(std::string& raw, std::string_view name, std::string_view value) {
    ROCKETPUSH_ASSERT(valid_property_text(name) && valid_property_text(value),
                      "names and values have bytes, none of them 0x01 or 0x02");
    if (!raw.empty() && raw.back() != detail::property_value_end)
        raw.push_back(detail::property_value_end);
    raw.append(name).push_back(detail::property_name_end);
    raw.append(value).push_back(detail::property_value_end);
}

/// Takes every property of this name out.
inline void remove_property(std::string& raw, std::string_view name) {
    for (std::size_t at = 0; at < raw.size();) {
        const auto found = raw.find(detail::property_value_end, at);
        const auto end   = found == raw.npos ? raw.size() : found + 1;
        const auto entry = std::string_view(raw).substr(at, end - at);
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == detail::property_name_end)
            raw.erase(at, end - at);
        else
            at = end;
    }
}

/// Gives the property this value, in place of any that it has.
inline void set_property(std::string& raw, std::string_view name, std::string_view value) {
    remove_property(raw, name);
    append_property(raw, name, value);
}

} // namespace rocketpush::protocol

#endif
// rocketpush/protocol/http_answer.hpp
#ifndef ROCKETPUSH_PROTOCOL_HTTP_ANSWER_HPP
#define ROCKETPUSH_PROTOCOL_HTTP_ANSWER_HPP


#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush::protocol {

/// What an HTTP answer may have at most, bytes.
struct http_limits {
    std::size_t head = 8 * 1024; ///< All that is not the body: status, fields, sizes of chunks.
    std::size_t body = 8 * 1024;
};

/**
 * @brief Reads the answer to an HTTP GET as its bytes come, however they are cut. Only one of status 200 is of interest.
 *
 * Strict where a lenient reader could be made to take one answer for another: a length that is said twice, or beside chunks, or an
 * encoding that is not `chunked`, is malformed. It never holds more than the limits, whatever lengths the answer names.
 *
 * @par Source  RFC 9112; Java leaves it to `HttpURLConnection`. Differs: redirections are not followed.
 */
class http_answer {
  public:
    explicit http_answer(http_limits limits = {}) noexcept : limits_(limits) {}

    /**
     * @brief Takes in the next bytes; those behind the end are passed over.
     * @return A false code while nothing is wrong; error::http_malformed, error::http_too_large, or the status in
     *         `http_category()` if it is not 200. Nothing may be taken in afterwards.
     */
    std::error_code take(std::string_view bytes) {
        while (!bytes.empty() && at_ != part::done) {
            const bool in_body = at_ == part::body || at_ == part::chunk || at_ == part::body_until_end;
            const auto failure = in_body ? take_body(bytes) : take_line(bytes);
            if (failure)
                return failure;
        }
        return {};
    }

    /// The peer has closed, which ends a body that did not tell its length.
    /// @retval error::connection_closed  Before the answer's end.
    std::error_code end() noexcept {
        if (at_ == part::body_until_end)
            at_ = part::done;
        return at_ == part::done ? std::error_code() : make_error_code(error::connection_closed);
    }

    bool complete() const noexcept { return at_ == part::done; }
    const std::string& body() const noexcept { return body_; }

  private:
    enum class part : std::uint8_t { status, fields, body, body_until_end, chunk_size, chunk, chunk_end, trailer, done };

    std::error_code take_line(std::string_view& bytes) {
        const auto end   = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        const auto taken = piece.size() + (end != std::string_view::npos);
        if (taken > limits_.head - head_size_)
            return error::http_too_large;
        head_size_ += taken;
        line_ += piece;
        bytes.remove_prefix(taken);
        if (end == std::string_view::npos)
            return {};
        if (line_.ends_with('\r'))
            line_.pop_back();
        const auto failure = take_in(line_);
        line_.clear();
        return failure;
    }

    std::error_code take_body(std::string_view& bytes) {
        const auto room = at_ == part::body_until_end ? limits_.body - body_.size() : left_;
        if (at_ == part::body_until_end && bytes.size() > room)
            return error::http_too_large;
        const auto piece = bytes.substr(0, room);
        body_ += piece;
        bytes.remove_prefix(piece.size());
        if (at_ == part::body_until_end)
            return {};
        left_ -= piece.size();
        if (left_ == 0)
            at_ = at_ == part::chunk ? part::chunk_end : part::done;
        return {};
    }

    std::error_code take_in(std::string_view line) {
        switch (at_) {
        case part::status: return take_status(line);
        case part::fields: return line.empty() ? begin_body() : take_field(line);
        case part::chunk_size: return take_chunk_size(line);
        case part::chunk_end: at_ = part::chunk_size; return line.empty() ? std::error_code() : error::http_malformed;
        case part::trailer:
            if (line.empty())
                at_ = part::done;
            return {};
        default: return error::http_malformed; // the others are not read by lines
        }
    }

    /// `HTTP/1.1 200 OK`.
    std::error_code take_status(std::string_view line) {
        constexpr std::size_t digits = 9, end = 12;
        const auto is_digit = [&](std::size_t at) { return line[at] >= '0' && line[at] <= '9'; };
        if (!line.starts_with("HTTP/1.") || line.size() < end || !is_digit(7) || line[8] != ' ' || !is_digit(digits) ||
            !is_digit(digits + 1) || !is_digit(digits + 2) || (line.size() > end && line[end] != ' '))
            return error::http_malformed;
        const int status = (line[digits] - '0') * 100 + (line[digits + 1] - '0') * 10 + (line[digits + 2] - '0');
        interim_         = status / 100 == 1 && status != 101; // the answer itself follows; 101 would be another protocol
        if (status != 200 && !interim_)
            return {status, http_category()};
        at_ = part::fields;
        return {};
    }

    /// `Content-Length: 29`.
    std::error_code take_field(std::string_view line) {
        const auto colon = line.find(':');
        const auto name  = line.substr(0, colon);
        // A blank in the name: the line goes on with the one before, or hides a field from others. Neither is of today.
        if (colon == std::string_view::npos || name.empty() ||
            std::ranges::any_of(name, [](char c) { return c <= ' ' || c >= '\x7f'; }))
            return error::http_malformed;
        const auto value = detail::trim(line.substr(colon + 1));
        if (interim_)
            return {};
        if (is(name, "content-length")) {
            std::uint64_t length = 0;
            if (const auto failure = read_number(value, 10, length))
                return failure;
            if (length_ && *length_ != length)
                return error::http_malformed;
            length_ = length;
        } else if (is(name, "transfer-encoding")) {
            if (chunked_ || !is(value, "chunked"))
                return error::http_malformed;
            chunked_ = true;
        }
        return {};
    }

    std::error_code begin_body() {
        if (interim_) {
            at_ = part::status;
            return {};
        }
        if (chunked_ && length_)
            return error::http_malformed;
        if (length_ && *length_ > limits_.body)
            return error::http_too_large;
        left_ = static_cast<std::size_t>(length_.value_or(0));
        at_   = chunked_     ? part::chunk_size
                : !length_   ? part::body_until_end
                : left_ != 0 ? part::body
                             : part::done;
        return {};
    }

    /// `1a` or `1a;name=value`, hexadecimal.
    std::error_code take_chunk_size(std::string_view line) {
        std::uint64_t size = 0;
        if (const auto failure = read_number(detail::trim(line.substr(0, line.find(';'))), 16, size))
            return failure;
        if (size > limits_.body - body_.size())
            return error::http_too_large;
        left_ = static_cast<std::size_t>(size);
        at_   = size == 0 ? part::trailer : part::chunk;
        return {};
    }

    /// Digits and nothing else: no sign, no blanks.
    static std::error_code read_number(std::string_view text, int base, std::uint64_t& number) {
        const auto end            = text.data() + text.size();
        const auto [stop, failed] = std::from_chars(text.data(), end, number, base);
        if (failed == std::errc::result_out_of_range)
            return error::http_too_large;
        return failed == std::errc() && stop == end ? std::error_code() : error::http_malformed;
    }

    /// @param lower  In lower case.
    static bool is(std::string_view text, std::string_view lower) noexcept {
        return std::ranges::equal(text, lower,
                                  [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
    }

    http_limits limits_;
    part at_               = part::status;
    bool interim_          = false; ///< `100 Continue` and the like: no answer yet.
    bool chunked_          = false;
    std::size_t head_size_ = 0;
    std::size_t left_      = 0; ///< Of the body or the chunk.
    std::optional<std::uint64_t> length_;
    std::string line_; ///< The part of a line that has come.
    std::string body_;
};

} // namespace rocketpush::protocol

#endif

// remoting: frames out and in
// rocketpush/remoting/frame_reader.hpp
#ifndef ROCKETPUSH_REMOTING_FRAME_READER_HPP
#define ROCKETPUSH_REMOTING_FRAME_READER_HPP

// rocketpush/detail/block_pool.hpp
#ifndef ROCKETPUSH_DETAIL_BLOCK_POOL_HPP
#define ROCKETPUSH_DETAIL_BLOCK_POOL_HPP


#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace rocketpush::detail {

class block_pool;

/// Header of one block; its bytes follow it in memory.
struct block {
    block_pool* pool;
    block* next_free;
    std::size_t capacity;
    std::uint32_t references;

    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
};

/**
 * @brief Shares one pooled block of bytes: the frame that messages are views into.
 * @par Thread safety  None: blocks are shared and released on the strand only, so the count is a plain integer.
 */
class block_ref {
  public:
    block_ref() noexcept = default;
    explicit block_ref(block* owned) noexcept : block_(owned) {}
    block_ref(const block_ref& other) noexcept : block_(other.block_) {
        if (block_)
            ++block_->references;
    }
    block_ref(block_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    // No assignment by value: clang 16 forgets to destroy the parameter of `ref = {}` inside of a template.
    block_ref& operator=(const block_ref& other) noexcept { return *this = block_ref(other); }
    block_ref& operator=(block_ref&& other) noexcept {
        block_ref taken(std::move(other));
        std::swap(block_, taken.block_);
        return *this;
    }
    inline ~block_ref();

    explicit operator bool() const noexcept { return block_ != nullptr; }
    char* data() const noexcept { return block_->data(); }
    std::size_t capacity() const noexcept { return block_->capacity; }
    bool shared() const noexcept { return block_->references > 1; }

  private:
    block* block_ = nullptr;
};

/**
 * @brief Blocks of 4 KiB to 32 MiB in powers of two, kept for reuse, so that reading frames allocates nothing in
 *        steady state.
 *
 * `live_bytes()` is what the blocks in use really hold: the figure that flow control bounds. Must outlive its blocks.
 *
 * @par Thread safety  None; used on one strand.
 */
class block_pool {
  public:
    static constexpr std::size_t smallest = 4 * 1024;
    static constexpr std::size_t largest  = smallest << 13;

    /// @param retained  Bytes of unused blocks that are kept; what comes back beyond them is freed.
    explicit block_pool(std::size_t retained = 4 * 1024 * 1024) noexcept : retain_limit_(retained) {}
    block_pool(const block_pool&)            = delete;
    block_pool& operator=(const block_pool&) = delete;

    ~block_pool() {
        ROCKETPUSH_ASSERT(live_ == 0, "a block pool outlives its blocks");
        for (block*& head : free_)
            while (head)
                ::operator delete(std::exchange(head, head->next_free));
    }

    /// @param at_least  Bytes wanted, up to `largest`.
    block_ref take(std::size_t at_least) {
        const auto capacity = std::bit_ceil(at_least < smallest ? smallest : at_least);
        ROCKETPUSH_ASSERT(capacity <= largest, "frame limits keep blocks below the largest class");
        block*& head = free_[class_of(capacity)];
        block* taken = head;
        if (taken) {
            head = taken->next_free;
            retained_ -= capacity;
        } else {
            taken = ::new (::operator new(sizeof(block) + capacity)) block{this, nullptr, capacity, 0};
        }
        taken->references = 1;
        live_ += capacity;
        return block_ref(taken);
    }

    /// Bytes in blocks that somebody holds.
    std::size_t live_bytes() const noexcept { return live_; }
    std::size_t retained_bytes() const noexcept { return retained_; }

  private:
    friend class block_ref;

    static std::size_t class_of(std::size_t capacity) noexcept {
        return static_cast<std::size_t>(std::countr_zero(capacity / smallest));
    }

    void give_back(block* returned) noexcept {
        live_ -= returned->capacity;
        if (retained_ + returned->capacity > retain_limit_) {
            ::operator delete(returned);
            return;
        }
        retained_ += returned->capacity;
        block*& head        = free_[class_of(returned->capacity)];
        returned->next_free = head;
        head                = returned;
    }

    std::array<block*, 14> free_{};
    std::size_t retain_limit_;
    std::size_t retained_ = 0;
    std::size_t live_     = 0;
};

inline block_ref::~block_ref() {
    if (block_ && --block_->references == 0)
        block_->pool->give_back(block_);
}

} // namespace rocketpush::detail

#endif

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace rocketpush {

/**
 * @brief One received frame: its parsed header, its body, and the share of the block that holds the bytes.
 *
 * The views stay valid as long as `block` (or a copy of it) lives.
 */
struct received_frame {
    detail::block_ref block;
    protocol::header_view header;
    std::string_view body;
    std::size_t size = 0; ///< Bytes of the whole frame, length field included.
};

/**
 * @brief Cuts a stream of bytes into frames without copying whole ones: `prepare()` says where to read to, `commit()`
 *        how much came, `next()` yields what is complete.
 *
 * Several frames of one read share a block; only the incomplete tail moves when a block is used up. A frame's length is
 * checked before anything is done with it, and memory grows with the bytes that came, never by what a length announces.
 */
class frame_reader {
  public:
    static constexpr std::size_t block_size    = 64 * 1024;
    static constexpr std::size_t largest_block = 256 * 1024; ///< Of those that several frames share.
    static constexpr std::size_t worth_reading = 4 * 1024;   ///< A smaller rest of a shared block is not read into.

    explicit frame_reader(detail::block_pool& pool, std::size_t frame_limit = protocol::default_frame_limit) noexcept
        : pool_(&pool), limit_(frame_limit) {}

    /// Room for the next read; never empty.
    std::span<char> prepare() {
        const auto have = end_ - begin_;
        if (have == 0 && (!block_ || (!block_.shared() && block_.capacity() < usual_block()))) {
            block_ = {}; // first, so that the pool may give it again
            block_ = pool_->take(usual_block());
        }
        if (have == 0 && !block_.shared())
            begin_ = end_ = 0;
        const auto room = block_.capacity() - end_;
        const auto want = missing_ > 0 ? missing_ : worth_reading;
        // A tail at the start of its block first fills it; elsewhere it moves as soon as it does not fit.
        if (room == 0 || (room < want && begin_ > 0))
            move_tail(have, want);
        return {block_.data() + end_, block_.capacity() - end_};
    }

    void commit(std::size_t received) noexcept { end_ += received; }

    /// Whether bytes of a frame that is not complete are held.
    bool inside_frame() const noexcept { return begin_ != end_; }

    /**
     * @return The next complete frame; empty when more bytes are needed.
     * @retval error::frame_too_large, error::frame_malformed, error::unknown_encoding, error::header_malformed
     *         The connection cannot be used further: nothing after a broken frame can be trusted.
     */
    result<std::optional<received_frame>> next() {
        const auto have = end_ - begin_;
        if (have < protocol::frame_prefix_size)
            return std::optional<received_frame>();
        const char* start = block_.data() + begin_;
        const auto prefix = protocol::parse_frame_prefix(start, limit_);
        if (!prefix)
            return prefix.error();
        const auto size = prefix->frame_size();
        if (have < size) {
            missing_ = size - have;
            return std::optional<received_frame>();
        }
        const std::string_view header(start + protocol::frame_prefix_size, prefix->header_size);
        auto parsed = protocol::parse_header(prefix->encoding, header);
        if (!parsed)
            return parsed.error();
        begin_ += size;
        missing_ = 0;
        usual_   = std::max(size, usual_ - usual_ / 16);
        return std::optional(received_frame{block_, *parsed, {header.data() + header.size(), prefix->body_size}, size});
    }

  private:
    /// Room for several frames as they come now: where a block ends in a frame, its first part is copied.
    std::size_t usual_block() const noexcept { return std::clamp(4 * usual_, block_size, largest_block); }

    /// Starts a new block with the incomplete tail. It at least doubles what has come, so a large frame costs
    /// amortised constant copying, and a lying length costs no memory.
    void move_tail(std::size_t have, std::size_t want) {
        const auto wanted = std::min(have + want, std::max(block_size, 2 * have + worth_reading));
        auto fresh        = pool_->take(std::max(wanted, usual_block()));
        std::memcpy(fresh.data(), block_.data() + begin_, have);
        block_ = std::move(fresh);
        begin_ = 0;
        end_   = have;
    }

    detail::block_pool* pool_;
    std::size_t limit_;
    detail::block_ref block_;
    std::size_t begin_   = 0; ///< First byte that no frame has taken.
    std::size_t end_     = 0; ///< Behind the last received byte.
    std::size_t usual_   = 0; ///< Bytes of a frame: the largest of late.
    std::size_t missing_ = 0; ///< Bytes that the frame at `begin_` still lacks; 0 when its length is unknown.
};

} // namespace rocketpush

#endif
// rocketpush/remoting/pending_requests.hpp
#ifndef ROCKETPUSH_REMOTING_PENDING_REQUESTS_HPP
#define ROCKETPUSH_REMOTING_PENDING_REQUESTS_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The requests under way on one connection: matches responses by opaque, and knows every deadline.
 *
 * An opaque is a slot number below and a generation above, so a response finds its request with one array access and a
 * late one (its request timed out, its slot has a new request) is told apart. Handlers live in the slots: a request
 * allocates nothing once the table has grown to its working size.
 *
 * @par Thread safety  None; used on one strand. Handlers run inside the call that completes them.
 * @par Source         Java `NettyRemotingAbstract.responseTable`.
 */
class pending_requests {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit pending_requests(std::size_t limit = 65535) : limit_(std::min(limit, slot_mask + 1)) {}
    pending_requests(const pending_requests&)            = delete;
    pending_requests& operator=(const pending_requests&) = delete;
    ~pending_requests() { drop_all(); }

    std::size_t size() const noexcept { return size_; }
    bool full() const noexcept { return size_ >= limit_; }

    /**
     * @brief Remembers `handler` until its response, its deadline or the end of the connection.
     * @param handler  Called once with (std::error_code, received_frame).
     * @return The opaque to send. The table must not be full.
     */
    template <class Handler>
    std::int32_t add(time_point deadline, time_point now, Handler&& handler) {
        ROCKETPUSH_ASSERT(!full(), "callers ask full() first");
        slot& taken = free_ ? *std::exchange(free_, free_->next_free) : grow();
        taken.store(std::forward<Handler>(handler));
        taken.opaque   = static_cast<std::int32_t>((taken.generation << slot_bits) | taken.index);
        taken.deadline = deadline;
        taken.sent     = now;
        ++size_;
        return taken.opaque;
    }

    /// Completes the request that `frame` answers. False: it is not waited for any more; the frame is dropped.
    bool complete(received_frame frame) {
        const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(frame.header.opaque)) & slot_mask;
        if (index >= slots_.size() || slots_[index]->opaque != frame.header.opaque)
            return false;
        finish(*slots_[index], {}, std::move(frame));
        return true;
    }

    /// Ends one request with `reason`, if it is still under way.
    void fail(std::int32_t opaque, std::error_code reason) {
        const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(opaque)) & slot_mask;
        if (index < slots_.size() && slots_[index]->opaque == opaque)
            finish(*slots_[index], reason, {});
    }

    /// Ends every request with `reason`. Requests that handlers add meanwhile stay.
    void fail_all(std::error_code reason) {
        std::vector<std::int32_t> opaques;
        for (const auto& each : slots_)
            if (each->opaque != unused)
                opaques.push_back(each->opaque);
        for (const auto opaque : opaques)
            fail(opaque, reason);
    }

    /// Lets go of every handler without calling it.
    void drop_all() {
        for (const auto& each : slots_)
            if (each->opaque != unused) {
                release(*each);
                each->operate(*each, nullptr, {}, {});
            }
    }

    /**
     * @brief Ends what is past its deadline with `error::request_timed_out`.
     * @return When the oldest of those was sent; `time_point::max()` if nothing was due.
     */
    time_point expire(time_point now) {
        auto oldest = time_point::max();
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            slot& each = *slots_[i];
            if (each.opaque == unused || each.deadline > now)
                continue;
            oldest = std::min(oldest, each.sent);
            finish(each, error::request_timed_out, {});
        }
        return oldest;
    }

    /// The earliest deadline; `time_point::max()` when nothing is under way.
    time_point next_deadline() const noexcept {
        auto earliest = time_point::max();
        for (const auto& each : slots_)
            if (each->opaque != unused)
                earliest = std::min(earliest, each->deadline);
        return earliest;
    }

  private:
    static constexpr unsigned slot_bits        = 16;
    static constexpr std::size_t slot_mask     = (std::size_t{1} << slot_bits) - 1;
    static constexpr std::uint32_t generations = 1u << 15; // keeps opaques positive, as Java's are
    static constexpr std::int32_t unused       = -1;

    struct slot {
        /// Runs the handler for `table`, or only destroys it when there is none.
        using operation = void(slot&, pending_requests* table, std::error_code, received_frame&&);

        alignas(std::max_align_t) std::byte storage[64];
        operation* operate = nullptr;
        slot* next_free    = nullptr;
        time_point deadline{};
        time_point sent{};
        std::int32_t opaque      = unused;
        std::uint32_t index      = 0;
        std::uint32_t generation = 0;

        /// Coroutines' handlers fit; a larger one (a test's, a user's) goes to the heap.
        template <class Handler>
        void store(Handler&& handler) {
            using stored = std::decay_t<Handler>;
            if constexpr (sizeof(stored) <= sizeof storage) {
                ::new (static_cast<void*>(storage)) stored(std::forward<Handler>(handler));
                operate = [](slot& self, pending_requests* table, std::error_code code, received_frame&& frame) {
                    auto* held = std::launder(reinterpret_cast<stored*>(self.storage));
                    auto taken = std::move(*held);
                    held->~stored();
                    if (!table)
                        return;
                    table->release(self); // first: the handler may send the next request at once
                    std::move(taken)(code, std::move(frame));
                };
            } else {
                store(on_heap<stored>{std::make_unique<stored>(std::forward<Handler>(handler))});
            }
        }
    };

    template <class Handler>
    struct on_heap {
        std::unique_ptr<Handler> handler;
        void operator()(std::error_code code, received_frame frame) { std::move (*handler)(code, std::move(frame)); }
    };

    slot& grow() {
        auto fresh   = std::make_unique<slot>();
        fresh->index = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back(std::move(fresh));
        return *slots_.back();
    }

    void release(slot& returned) noexcept {
        returned.opaque     = unused;
        returned.generation = (returned.generation + 1) % generations;
        returned.next_free  = std::exchange(free_, &returned);
        --size_;
    }

    void finish(slot& ended, std::error_code code, received_frame frame) {
        ended.operate(ended, this, code, std::move(frame));
    }

    std::vector<std::unique_ptr<slot>> slots_;
    slot* free_       = nullptr;
    std::size_t size_ = 0;
    std::size_t limit_;
};

} // namespace rocketpush

#endif
// rocketpush/remoting/connection.hpp
#ifndef ROCKETPUSH_REMOTING_CONNECTION_HPP
#define ROCKETPUSH_REMOTING_CONNECTION_HPP


#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/write.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rocketpush {

/**
 * @brief What a connection tells the one who opened it: plain functions, since none of this is on a message's way.
 */
template <class Connection>
struct connection_events {
    void* host = nullptr;
    /// A request from the server (members changed, ...). One-way or not; `Connection::respond` answers.
    void (*on_request)(void* host, Connection&, const received_frame&) = nullptr;
    /// The connection ended, by the peer, by an error or by `close()`. Called once.
    void (*on_closed)(void* host, Connection&, std::error_code) = nullptr;
};

/**
 * @brief One open connection: requests go out coalesced, responses come back to them by opaque, each has a deadline
 *        but all share one timer.
 *
 * Lives as a `shared_ptr` that its read and write operations hold too; `close()` ends those, and completes every request
 * under way with `error::connection_closed`.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `NettyRemotingClient`, one Netty channel.
 */
template <transport Transport, runtime Runtime>
class connection : public std::enable_shared_from_this<connection<Transport, Runtime>> {
  public:
    using executor_type = typename Runtime::executor_type;
    using stream_type   = typename Transport::template stream<executor_type>;
    using time_point    = pending_requests::time_point;
    using events        = connection_events<connection>;

    connection(Runtime& runtime, std::shared_ptr<detail::block_pool> blocks, std::size_t frame_limit, endpoint peer,
               stream_type stream, events host, std::string name_space = {})
        : runtime_(runtime),
          blocks_(std::move(blocks)),
          stream_(std::move(stream)),
          deadline_timer_(runtime),
          reader_(*blocks_, frame_limit),
          peer_(std::move(peer)),
          events_(host),
          name_space_(std::move(name_space)) {}

    /// Begins to read. Call once, after construction.
    void start() {
        last_read_ = runtime_.now();
        asio::co_spawn(stream_.get_executor(), read_frames(this->shared_from_this()), asio::detached);
    }

    const endpoint& peer() const noexcept { return peer_; }
    /// Our own address as the peer sees it, where the transport knows one.
    auto local_endpoint() const
        requires requires(const stream_type& stream) { stream.local_endpoint(); }
    {
        return stream_.local_endpoint();
    }
    bool is_open() const noexcept { return open_; }
    std::size_t requests_under_way() const noexcept { return pending_.size(); }

    /**
     * @brief Sends a request and waits for its response, whatever its code.
     * @param timeout  From now to the response.
     * @param token    Completion token for `void(std::error_code, received_frame)`. Completes on the strand with
     *                 error::request_timed_out, error::connection_closed, error::too_many_requests or the response.
     */
    template <class Token>
    auto async_request(protocol::request_view request, std::string_view body, std::chrono::milliseconds timeout,
                       Token&& token) {
        return asio::async_initiate<Token, void(std::error_code, received_frame)>(
            [this, request, body, timeout](auto handler) {
                if (!open_)
                    return complete_later(std::move(handler), error::connection_closed);
                if (pending_.full())
                    return complete_later(std::move(handler), error::too_many_requests);
                const auto now      = runtime_.now();
                const auto deadline = now + timeout;
                const auto opaque   = pending_.add(deadline, now, std::move(handler));
                protocol::append_request(outgoing_, protocol::header_encoding::json, request,
                                         {.opaque = opaque, .name_space = name_space_}, body);
                watch(deadline);
                flush();
            },
            token);
    }

    /// Sends a request that has no response.
    void send_oneway(protocol::request_view request, std::string_view body = {}) {
        if (!open_)
            return;
        protocol::append_request(outgoing_, protocol::header_encoding::json, request,
                                 {.opaque = 0, .flag = protocol::oneway_flag, .name_space = name_space_}, body);
        flush();
    }

    /// Answers a request of the server.
    void respond(const received_frame& request, response_code code, std::string_view remark,
                 const protocol::fields_view& fields, std::string_view body = {}) {
        if (!open_ || request.header.is_oneway())
            return;
        protocol::append_response(outgoing_, protocol::header_encoding::json, code, request.header.opaque, remark,
                                  fields, body);
        flush();
    }

    /// Ends the connection; requests under way complete with error::connection_closed, the host hears `reason`.
    void close(std::error_code reason = error::connection_closed) {
        if (!std::exchange(open_, false))
            return;
        const auto self = this->shared_from_this();
        stream_.close();
        deadline_timer_.cancel();
        pending_.fail_all(error::connection_closed);
        if (events_.on_closed)
            events_.on_closed(events_.host, *this, reason);
    }

  private:
    /// One write has so much, bytes, and a frame: a burst, as when thousands of queues begin, is no reason to hold a
    /// buffer of megabytes for ever.
    static constexpr std::size_t enough_for_a_write = 64 * 1024;

    template <class Handler>
    void complete_later(Handler handler, error reason) {
        asio::post(stream_.get_executor(), [handler = std::move(handler), reason]() mutable {
            std::move(handler)(std::error_code(reason), received_frame());
        });
    }

    /// Ends with the reading. Whoever waits for a response holds this connection, which holds their handlers: when a context is
    /// destroyed with all that waits in it, this lets go of them.
    struct reading {
        connection& of;

        explicit reading(connection& which) noexcept : of(which) {}
        reading(const reading&)            = delete;
        reading& operator=(const reading&) = delete;
        ~reading() {
            if (std::exchange(of.open_, false))
                of.pending_.drop_all();
        }
    };

    static detail::awaitable<void, executor_type> read_frames(std::shared_ptr<connection> self) {
        const reading until_the_end(*self);
        while (self->open_) {
            const auto room      = self->reader_.prepare();
            const auto [ec, got] = co_await self->stream_.async_read_some(asio::buffer(room.data(), room.size()),
                                                                          detail::await_tuple<executor_type>);
            if (!self->open_)
                break;
            if (ec) {
                self->close(ec);
                break;
            }
            self->last_read_ = self->runtime_.now();
            self->reader_.commit(got);
            self->corked_      = true; // what the responses of one read make us send goes out as one write
            const auto failure = self->deliver();
            self->corked_      = false;
            if (failure)
                self->close(failure);
            else
                self->flush();
        }
    }

    std::error_code deliver() {
        while (open_) {
            auto next = reader_.next();
            if (!next)
                return next.error();
            if (!*next)
                return {};
            received_frame& frame = **next;
            if (frame.header.is_response())
                pending_.complete(std::move(frame)); // an unknown opaque is a response that came too late
            else if (events_.on_request)
                events_.on_request(events_.host, *this, frame);
        }
        return {};
    }

    void flush() {
        if (!open_)
            return;
        if (outgoing_.size() >= enough_for_a_write)
            full_.push_back(std::exchange(outgoing_, {}));
        if (writing_ || corked_ || (outgoing_.empty() && full_.empty()))
            return;
        writing_ = true;
        if (full_.empty()) {
            std::swap(outgoing_, in_flight_);
            outgoing_.clear();
        } else {
            in_flight_ = full_.take_front();
        }
        asio::async_write(stream_, asio::buffer(in_flight_),
                          [self = this->shared_from_this()](std::error_code ec, std::size_t) {
                              self->writing_ = false;
                              if (ec)
                                  self->close(ec);
                              else
                                  self->flush();
                          });
    }

    /// Makes sure that the timer fires by `deadline`. It is moved only to earlier times, so in steady state (long polls
    /// with equal timeouts) requests do not touch it.
    void watch(time_point deadline) {
        if (deadline >= watched_)
            return;
        watched_ = deadline;
        deadline_timer_.expires_at(deadline);
        deadline_timer_.async_wait([self = this->shared_from_this(), deadline](std::error_code ec) {
            if (ec || !self->open_ || self->watched_ != deadline)
                return;
            self->expire();
        });
    }

    void expire() {
        watched_          = time_point::max();
        const auto oldest = pending_.expire(runtime_.now());
        if (!open_)
            return;
        // Not one byte since the request left: the peer or the path to it is gone, and nobody else would notice.
        if (oldest != time_point::max() && last_read_ < oldest)
            return close(error::request_timed_out);
        if (const auto next = pending_.next_deadline(); next != time_point::max())
            watch(next);
    }

    Runtime runtime_;
    std::shared_ptr<detail::block_pool>
        blocks_; ///< Shared: a read that was cancelled ends after its pool's owner has gone.
    stream_type stream_;
    typename Runtime::timer deadline_timer_;
    frame_reader reader_;
    pending_requests pending_;
    endpoint peer_;
    events events_;
    std::string name_space_;         ///< See protocol::command_meta.
    std::string outgoing_;           ///< Frames that wait for the write under way.
    detail::ring<std::string> full_; ///< The same, older, where they are many.
    std::string in_flight_;          ///< Frames of the write under way.
    time_point last_read_{};
    time_point watched_ = time_point::max();
    bool open_          = true;
    bool writing_       = false;
    bool corked_        = false;
};

} // namespace rocketpush

#endif
// rocketpush/remoting/connection_pool.hpp
#ifndef ROCKETPUSH_REMOTING_CONNECTION_POOL_HPP
#define ROCKETPUSH_REMOTING_CONNECTION_POOL_HPP

// rocketpush/detail/signal_flag.hpp
#ifndef ROCKETPUSH_DETAIL_SIGNAL_FLAG_HPP
#define ROCKETPUSH_DETAIL_SIGNAL_FLAG_HPP


#include <chrono>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Something that becomes true once, and coroutines of the same strand that wait for it.
 *
 * A timer that nobody lets expire is Asio's way to wait for an event; it follows virtual time too.
 */
template <class Runtime>
class signal_flag {
  public:
    using executor_type = typename Runtime::executor_type;

    explicit signal_flag(Runtime& runtime) : timer_(runtime) {
        timer_.expires_at(std::chrono::steady_clock::time_point::max());
    }

    bool is_set() const noexcept { return set_; }
    void set() {
        set_ = true;
        timer_.cancel();
    }
    awaitable<void, executor_type> wait() {
        while (!set_)
            co_await timer_.async_wait(await_tuple<executor_type>);
    }

  private:
    typename Runtime::timer timer_;
    bool set_ = false;
};

/**
 * @brief A wake-up that is remembered until it is used: `wake()` before `wait_until()` makes the wait return at once.
 *
 * One coroutine waits at a time: it is the first to be woken that uses the wake-up up.
 */
template <class Runtime>
class wake_up {
  public:
    using executor_type = typename Runtime::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;

    explicit wake_up(Runtime& runtime) : timer_(runtime) {}

    void wake() {
        woken_ = true;
        timer_.cancel();
    }
    /// Returns at `deadline` or when woken, whichever is first. @return Whether it was woken.
    awaitable<bool, executor_type> wait_until(time_point deadline) {
        if (!woken_) {
            timer_.expires_at(deadline);
            co_await timer_.async_wait(await_tuple<executor_type>);
        }
        co_return std::exchange(woken_, false);
    }

  private:
    typename Runtime::timer timer_;
    bool woken_ = false;
};

} // namespace rocketpush::detail

#endif
// rocketpush/remoting/backoff.hpp
#ifndef ROCKETPUSH_REMOTING_BACKOFF_HPP
#define ROCKETPUSH_REMOTING_BACKOFF_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace rocketpush {

/**
 * @brief How long to wait before the next attempt: doubles with each failure, and is spread by up to half so that
 *        members that lost the same broker do not come back in one wave.
 *
 * 50 ms, 100 ms, 200 ms ... 2 s by default, each times 0.5 to 1.0.
 */
class backoff {
  public:
    using milliseconds = std::chrono::milliseconds;

    constexpr explicit backoff(milliseconds first = milliseconds(50), milliseconds most = milliseconds(2000)) noexcept
        : first_(first), most_(most), next_(first) {}

    /// @param random  Any random number; decides the spread.
    constexpr milliseconds failed(std::uint64_t random) noexcept {
        const auto full = next_;
        next_           = std::min(next_ * 2, most_);
        const auto half = static_cast<std::uint64_t>(full.count() / 2);
        return full - milliseconds(static_cast<std::int64_t>(half ? random % (half + 1) : 0));
    }
    constexpr void succeeded() noexcept { next_ = first_; }

  private:
    milliseconds first_;
    milliseconds most_;
    milliseconds next_;
};

} // namespace rocketpush

#endif

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rocketpush {

/// What a pool asks of the one who uses it: plain functions, called when connections come and go.
template <class Connection>
struct pool_events {
    void* host = nullptr;
    /// Runs on a new connection before anybody else gets it: brokers want a heartbeat before the first pull.
    detail::awaitable<std::error_code, typename Connection::executor_type> (*greet)(
        void* host, std::shared_ptr<Connection>)                       = nullptr;
    void (*on_request)(void* host, Connection&, const received_frame&) = nullptr;
    /// An attempt ended: a false code is success.
    void (*on_connect)(void* host, const endpoint&, std::error_code) = nullptr;
    void (*on_closed)(void* host, Connection&, std::error_code)      = nullptr;
};

/**
 * @brief One connection for each address, opened when first needed, and again after it was lost, no sooner than the
 *        backoff allows.
 *
 * One per address and no more, since brokers know a member by its connection.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `NettyRemotingClient.channelTables`.
 */
template <transport Transport, runtime Runtime>
class connection_pool {
  public:
    using connection_type = connection<Transport, Runtime>;
    using connection_ptr  = std::shared_ptr<connection_type>;
    using executor_type   = typename Runtime::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    connection_pool(Runtime& runtime, Transport transport, std::size_t frame_limit,
                    std::chrono::milliseconds connect_timeout, pool_events<connection_type> host,
                    std::string name_space = {})
        : runtime_(runtime),
          transport_(std::move(transport)),
          frame_limit_(frame_limit),
          connect_timeout_(connect_timeout),
          events_(host),
          name_space_(std::move(name_space)) {}
    connection_pool(const connection_pool&)            = delete;
    connection_pool& operator=(const connection_pool&) = delete;

    /**
     * @brief The open connection to `peer`; connects if there is none, or joins an attempt that is under way.
     * @return The connection, or why there is none: the system's error of the attempt, error::connect_timed_out, or
     *         error::operation_cancelled after `close()`. Within the backoff of a failed attempt that attempt's error
     *         comes at once.
     */
    task<result<connection_ptr>> get(endpoint peer) {
        place& here = place_of(peer);
        if (here.open && here.open->is_open())
            co_return here.open;
        if (closed_)
            co_return error::operation_cancelled;
        if (here.connecting) {
            auto attempt = here.connecting;
            co_await attempt->finished.wait();
            co_return attempt->outcome();
        }
        if (here.last_error && runtime_.now() < here.not_before)
            co_return here.last_error;

        auto attempt = here.connecting = std::make_shared<connect_attempt>(runtime_);
        co_await connect(peer, *attempt);
        here.connecting = nullptr;
        if (attempt->failure == error::operation_cancelled) {
            here.last_error = {}; // by us, which says nothing of the peer
        } else if (attempt->failure) {
            here.last_error = attempt->failure;
            here.not_before = runtime_.now() + here.delay.failed(runtime_.random());
        } else {
            here.last_error = {};
            here.delay.succeeded();
            here.open = attempt->opened;
        }
        if (events_.on_connect)
            events_.on_connect(events_.host, peer, attempt->failure);
        attempt->finished.set();
        co_return attempt->outcome();
    }

    /**
     * @brief Sends a request to `peer`, connecting first where needed, and waits for its response, whatever its code.
     *
     * What the views view must outlive the call.
     */
    task<result<received_frame>> call(endpoint peer, protocol::request_view request, std::string_view body,
                                      std::chrono::milliseconds timeout) {
        auto open = co_await get(std::move(peer));
        if (!open)
            co_return open.error();
        auto [ec, frame] = co_await (*open)->async_request(request, body, timeout, detail::await_tuple<executor_type>);
        if (ec)
            co_return ec;
        co_return std::move(frame);
    }

    /// The open connection to `peer`, if there is one now.
    connection_ptr find(const endpoint& peer) const {
        const auto found = places_.find(peer);
        return found != places_.end() && found->second->open && found->second->open->is_open() ? found->second->open
                                                                                               : nullptr;
    }

    /// Ends the connection to `peer`, and an attempt at one, and forgets what is known of it: it is not needed any more.
    void drop(const endpoint& peer) {
        const auto found = places_.find(peer);
        if (found == places_.end())
            return;
        const auto open       = found->second->open;
        const auto connecting = found->second->connecting;
        if (connecting)
            connecting->abandon();
        else
            places_.erase(found); // else it is the attempt's until that ends
        if (open)
            open->close(error::operation_cancelled);
    }

    /// Ends every connection and attempt; `get()` fails from now on.
    void close() {
        closed_ = true;
        std::vector<connection_ptr> open;
        for (auto& [peer, held] : places_) {
            if (held->open)
                open.push_back(held->open);
            if (held->connecting)
                held->connecting->abandon();
        }
        for (const auto& each : open)
            each->close(error::operation_cancelled);
    }

    detail::block_pool& blocks() noexcept { return *blocks_; }

  private:
    struct connect_attempt {
        explicit connect_attempt(Runtime& runtime)
            : finished(runtime), stream(runtime.get_executor()), limit(runtime) {}

        void abandon() {
            if (!failure)
                failure = error::operation_cancelled;
            if (greeting) // has the stream
                greeting->close(failure);
            else
                stream.close();
        }
        result<connection_ptr> outcome() const {
            if (failure)
                return failure;
            return opened;
        }

        detail::signal_flag<Runtime> finished;
        typename connection_type::stream_type stream;
        typename Runtime::timer limit;
        connection_ptr greeting; ///< Connected, not yet anybody's.
        connection_ptr opened;
        std::error_code failure;
    };

    struct place {
        connection_ptr open;
        std::shared_ptr<connect_attempt> connecting;
        std::error_code last_error;
        std::chrono::steady_clock::time_point not_before{};
        backoff delay;
    };

    task<void> connect(const endpoint& peer, connect_attempt& attempt) {
        attempt.limit.expires_at(runtime_.now() + connect_timeout_);
        attempt.limit.async_wait([shared = places_.at(peer)->connecting](std::error_code ec) {
            if (ec || shared->greeting || shared->failure)
                return;
            shared->failure = error::connect_timed_out;
            shared->stream.close();
        });
        const auto [ec] = co_await transport_.async_connect(attempt.stream, peer, detail::await_tuple<executor_type>);
        attempt.limit.cancel();
        if (!attempt.failure)
            attempt.failure = ec;
        if (attempt.failure)
            co_return;
        auto opened = std::make_shared<connection_type>(
            runtime_, blocks_, frame_limit_, peer, std::move(attempt.stream),
            connection_events<connection_type>{events_.host, events_.on_request, events_.on_closed}, name_space_);
        attempt.greeting = opened;
        opened->start();
        std::error_code refused;
        if (events_.greet)
            refused = co_await events_.greet(events_.host, opened);
        if (!attempt.failure) // else it was abandoned meanwhile
            attempt.failure = refused;
        if (attempt.failure)
            opened->close(attempt.failure);
        else
            attempt.opened = std::move(opened);
    }

    place& place_of(const endpoint& peer) {
        auto& found = places_[peer];
        if (!found)
            found = std::make_unique<place>();
        return *found;
    }

    Runtime runtime_;
    Transport transport_;
    std::size_t frame_limit_;
    std::chrono::milliseconds connect_timeout_;
    pool_events<connection_type> events_;
    std::string name_space_;
    std::shared_ptr<detail::block_pool> blocks_ = std::make_shared<detail::block_pool>();
    std::unordered_map<endpoint, std::unique_ptr<place>> places_;
    bool closed_ = false;
};

} // namespace rocketpush

#endif
// rocketpush/remoting/name_servers.hpp
#ifndef ROCKETPUSH_REMOTING_NAME_SERVERS_HPP
#define ROCKETPUSH_REMOTING_NAME_SERVERS_HPP


#include <asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Whether a host's name could not be turned into an address.
inline bool is_resolver_error(std::error_code code) noexcept {
    return code && (code.category() == asio::error::get_netdb_category() ||
                    code.category() == asio::error::get_addrinfo_category());
}

/**
 * @brief Asks the name servers for routes: stays with one that works, and asks the others within the same request when
 *        it does not.
 *
 * @par Source  Java `NettyRemotingClient.getAndCreateNameserverChannel`. Differs: there a failed connect fails the
 *              request; here any usable server of the list is enough.
 */
template <transport Transport, runtime Runtime>
class name_servers {
  public:
    using pool_type = connection_pool<Transport, Runtime>;
    template <class T>
    using task = typename pool_type::template task<T>;

    /// @param list   Empty: nobody can be asked before `replace`.
    /// @param start  Any number: where in the list to begin, so that clients spread.
    name_servers(pool_type& pool, std::vector<endpoint> list, std::uint64_t start, std::chrono::milliseconds timeout)
        : pool_(pool), timeout_(timeout) {
        set(std::move(list), start);
    }

    const std::vector<endpoint>& list() const noexcept { return *list_; }

    /**
     * @brief Asks others from now on. The server in use stays so if it is among them; requests under way begin anew.
     * @param fresh  Not empty. @param start  As in the constructor.
     * @return Whether they are others: the same ones in another order are no change.
     */
    bool replace(std::vector<endpoint> fresh, std::uint64_t start) {
        if (std::ranges::is_permutation(fresh, *list_))
            return false;
        const auto in_use = list_->empty() ? endpoint() : (*list_)[current_];
        if (const auto kept = std::ranges::find(fresh, in_use); kept != fresh.end())
            start = static_cast<std::uint64_t>(kept - fresh.begin());
        set(std::move(fresh), start);
        return true;
    }

    /// The list is empty, for this reason.
    void set_unknown(std::error_code why) noexcept { last_failure_ = why; }

    /**
     * @brief The route of `topic`.
     * @retval error::no_route                   The name server has none (topic unknown, or its broker not registered yet).
     * @retval error::name_servers_unreachable   None of the list answered, or it is empty; `last_failure()` tells why.
     */
    task<result<protocol::route_data>> route(std::string topic) {
        const protocol::route_request request{.topic = std::move(topic), .accept_standard_json_only = true};
        std::error_code failure;
        auto list  = list_;
        auto asked = current_; // ours: another request may move on from the same server meanwhile
        for (std::size_t attempt = 0; attempt < list->size(); ++attempt) {
            auto answer = co_await pool_.call((*list)[asked], request, {}, timeout_);
            if (list != list_) { // what servers say that are not of the list any more does not count
                list    = list_;
                asked   = current_;
                attempt = static_cast<std::size_t>(-1);
                continue;
            }
            if (answer) {
                const auto code = static_cast<response_code>(answer->header.code);
                if (code == response_code::success || code == response_code::topic_not_exist)
                    current_ = asked;
                if (code == response_code::success)
                    co_return protocol::decode_route(answer->body);
                if (code == response_code::topic_not_exist)
                    co_return error::no_route;
                failure = make_error_code(code);
            } else {
                if (answer.error() == error::operation_cancelled)
                    co_return answer.error();
                // A server that is only away says more than one whose name nobody knows.
                if (!failure || !is_resolver_error(answer.error()))
                    failure = answer.error();
            }
            last_failure_ = failure;
            asked         = (asked + 1) % list->size();
        }
        co_return error::name_servers_unreachable;
    }

    /// Why no server answered: a resolver's error only if that befell all of them.
    std::error_code last_failure() const noexcept { return last_failure_; }

  private:
    void set(std::vector<endpoint> list, std::uint64_t start) {
        current_ = list.empty() ? 0 : static_cast<std::size_t>(start % list.size());
        list_    = std::make_shared<const std::vector<endpoint>>(std::move(list));
    }

    pool_type& pool_;
    std::shared_ptr<const std::vector<endpoint>> list_; ///< Shared with the requests under way.
    std::size_t current_ = 0;
    std::chrono::milliseconds timeout_;
    std::error_code last_failure_;
};

} // namespace rocketpush

#endif
// rocketpush/remoting/name_server_lookup.hpp
#ifndef ROCKETPUSH_REMOTING_NAME_SERVER_LOOKUP_HPP
#define ROCKETPUSH_REMOTING_NAME_SERVER_LOOKUP_HPP


#include <asio/buffer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The name servers that a look-up's answer tells: its first line, `10.0.0.1:9876;10.0.0.2:9876`.
 * @retval error::no_name_servers  It is empty, or anything else.
 */
inline result<std::vector<endpoint>> read_looked_up(std::string_view body) {
    body      = detail::trim(body);
    auto list = parse_name_servers(body.substr(0, body.find_first_of("\r\n")));
    if (!list)
        return error::no_name_servers;
    return list;
}

/// The request for `url`. The connection is for one answer.
inline std::string http_get(const http_url& url) {
    return "GET " + url.target + " HTTP/1.1\r\nHost: " + to_string(url.server) +
           "\r\nUser-Agent: rocketpush/" ROCKETPUSH_VERSION_STRING "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

/**
 * @brief Asks a server over HTTP where the name servers are: one connection for each look-up, with a deadline, and limits on what
 *        comes (see protocol::http_answer).
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `DefaultTopAddressing`, `HttpTinyClient`.
 */
template <transport Transport, runtime Runtime>
class name_server_lookup {
  public:
    using executor_type = typename Runtime::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// @param timeout  Of a look-up as a whole.
    name_server_lookup(Runtime& runtime, Transport transport, http_url url, std::chrono::milliseconds timeout)
        : runtime_(runtime), transport_(std::move(transport)), url_(std::move(url)), timeout_(timeout) {}

    const http_url& url() const noexcept { return url_; }

    /**
     * @brief Looks the list up now. One at a time.
     * @return The list, not empty; or error::request_timed_out, error::connection_closed (before the answer's end),
     *         error::http_malformed, error::http_too_large, a status in `http_category()`, error::no_name_servers,
     *         error::operation_cancelled, or what the network says.
     */
    task<result<std::vector<endpoint>>> ask() {
        const auto talk = talk_ = std::make_shared<conversation>(runtime_); // shared with its timer
        if (closed_)
            talk->end(error::operation_cancelled);
        talk->limit.expires_at(runtime_.now() + timeout_);
        talk->limit.async_wait([talk](std::error_code ec) {
            if (!ec)
                talk->end(error::request_timed_out);
        });
        protocol::http_answer answer;
        auto failure = co_await exchange(*talk, answer);
        talk->limit.cancel();
        talk->stream.close();
        if (talk->ended)
            failure = talk->ended;
        if (failure)
            co_return failure;
        co_return read_looked_up(answer.body());
    }

    /// Ends the look-up under way, and all later ones.
    void close() {
        closed_ = true;
        if (talk_)
            talk_->end(error::operation_cancelled);
    }

  private:
    struct conversation {
        explicit conversation(Runtime& runtime) : stream(runtime.get_executor()), limit(runtime) {}

        void end(std::error_code why) {
            if (!ended)
                ended = why;
            stream.close();
        }

        typename Transport::template stream<executor_type> stream;
        typename Runtime::timer limit;
        std::error_code ended; ///< Why it was ended from outside.
    };

    task<std::error_code> exchange(conversation& talk, protocol::http_answer& answer) {
        constexpr auto wait = detail::await_tuple<executor_type>;
        if (talk.ended)
            co_return talk.ended;
        const auto [refused] = co_await transport_.async_connect(talk.stream, url_.server, wait);
        if (refused)
            co_return refused;
        const auto request = http_get(url_);
        for (std::string_view left = request; !left.empty();) {
            const auto [failure, count] = co_await talk.stream.async_write_some(asio::buffer(left.data(), left.size()), wait);
            if (failure)
                co_return failure;
            left.remove_prefix(count);
        }
        std::array<char, 4096> piece;
        while (!answer.complete()) {
            const auto [failure, count] = co_await talk.stream.async_read_some(asio::buffer(piece.data(), piece.size()), wait);
            if (failure == asio::error::eof)
                co_return answer.end();
            if (failure)
                co_return failure;
            const auto wrong = answer.take(std::string_view(piece.data(), count));
            if (wrong)
                co_return wrong;
        }
        co_return std::error_code();
    }

    Runtime runtime_;
    Transport transport_;
    http_url url_;
    std::chrono::milliseconds timeout_;
    std::shared_ptr<conversation> talk_;
    bool closed_ = false;
};

} // namespace rocketpush

#endif
// rocketpush/remoting/route_table.hpp
#ifndef ROCKETPUSH_REMOTING_ROUTE_TABLE_HPP
#define ROCKETPUSH_REMOTING_ROUTE_TABLE_HPP


#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rocketpush {

/// A broker address and which of the broker's replicas it is.
struct broker_address {
    static constexpr std::int64_t master = 0;

    endpoint where;
    std::int64_t id = master;
};

/**
 * @brief What the name servers said: which queues a topic has, and where its brokers are.
 *
 * A value: it is told routes and answers questions. A topic that vanished keeps its last route, as in Java; an empty
 * route never replaces a good one, nor an older one of a static topic a newer one, unless that was doubted.
 *
 * @par Source  Java `MQClientInstance.topicRouteTable`, `brokerAddrTable`, `topicEndPointsTable`.
 */
class route_table {
  public:
    /// Takes in a route. @return Whether it differs from what was known.
    bool update(const std::string& topic, const protocol::route_data& route) {
        entry fresh;
        for (const auto& each : route.broker_datas) {
            auto& addresses = fresh.brokers[each.broker_name];
            for (const auto& [id, text] : each.broker_addrs)
                if (auto parsed = parse_endpoint(text))
                    addresses.emplace(id, std::move(*parsed));
        }
        fresh.homes = find_homes(route.mappings);
        for (const auto& [name, home] : fresh.homes)
            for (std::int32_t id = 0; id < static_cast<std::int32_t>(home.leaders.size()); ++id)
                fresh.queues.push_back({topic, name, id});
        // A static topic's queues are shared out whatever their brokers permit: Java members see them all.
        for (const auto& each : route.queue_datas)
            if ((each.perm & readable) != 0 && fresh.homes.empty())
                for (std::int32_t id = 0; id < each.read_queue_nums; ++id)
                    fresh.queues.push_back({topic, each.broker_name, id});
        std::ranges::sort(fresh.queues);
        for (const auto& each : route.queue_datas) {
            const auto home = fresh.brokers.find(each.broker_name);
            if ((each.perm & writable) != 0 && each.write_queue_nums > 0 && home != fresh.brokers.end() &&
                home->second.contains(broker_address::master))
                fresh.writers.push_back(each.broker_name);
        }
        std::ranges::sort(fresh.writers);
        auto& known = topics_[topic];
        if (fresh.brokers.empty() && !known.brokers.empty())
            return false;
        // A name server may not have heard yet; one that tells the same again and again has.
        if (fresh.epoch() < known.epoch() && !known.doubted && ++known.ignored <= most_ignored)
            return false;
        known.doubted = false;
        known.ignored = 0;
        if (fresh == known)
            return false;
        static_cast<entry&>(known) = std::move(fresh);
        ++version_;
        return true;
    }

    /// A broker says that it is not what the route of a static topic says: the next route holds even if it is older.
    void doubt(const std::string& topic) {
        if (const auto found = topics_.find(topic); found != topics_.end())
            found->second.doubted = true;
    }

    /// Whether the topic is static: its queues have no broker of their own.
    bool is_static(const std::string& topic) const {
        const auto found = topics_.find(topic);
        return found != topics_.end() && !found->second.homes.empty();
    }

    /// Whether every queue of a static topic has a broker that leads it; true for any other topic.
    bool is_led(const std::string& topic) const {
        const auto found = topics_.find(topic);
        return found == topics_.end() || std::ranges::all_of(found->second.homes, [](const auto& each) {
                   return std::ranges::none_of(each.second.leaders, &std::string::empty);
               });
    }

    /// The broker that has a queue; that of a static topic's queue changes. Empty if nobody has it. The view ends with the
    /// queue, or the next update.
    std::string_view home(const message_queue& queue) const {
        if (!is_static_topic_broker(queue.broker_name)) [[likely]]
            return queue.broker_name;
        const auto route = topics_.find(queue.topic);
        if (route == topics_.end() || queue.queue_id < 0)
            return {};
        const auto id    = static_cast<std::size_t>(queue.queue_id);
        const auto found = route->second.homes.find(queue.broker_name);
        return found == route->second.homes.end() || id >= found->second.leaders.size()
                   ? std::string_view()
                   : std::string_view(found->second.leaders[id]);
    }

    void forget(const std::string& topic) { topics_.erase(topic); }

    /// Grows with every change, so that what was looked up can be kept until then.
    std::uint64_t version() const noexcept { return version_; }

    bool knows(const std::string& topic) const {
        const auto found = topics_.find(topic);
        return found != topics_.end() && !found->second.brokers.empty();
    }

    /// The topic's readable queues in the group's order; empty if its route is not known.
    const std::vector<message_queue>& queues(const std::string& topic) const {
        static const std::vector<message_queue> none;
        const auto found = topics_.find(topic);
        return found == topics_.end() ? none : found->second.queues;
    }

    /// The brokers that take messages of the topic, in name order: those with a master and a queue that may be written.
    const std::vector<std::string>& writers(const std::string& topic) const {
        static const std::vector<std::string> none;
        const auto found = topics_.find(topic);
        return found == topics_.end() ? none : found->second.writers;
    }

    /**
     * @brief Where to send a request for a broker.
     * @param wanted       Replica id; 0 is the master.
     * @param any_replica  Whether another replica will do when the wanted one has no address: then a slave falls back to
     *                     the next id, everything else to the lowest.
     * @retval error::no_broker_address
     */
    result<broker_address> address(std::string_view broker_name, std::int64_t wanted = broker_address::master,
                                   bool any_replica = false) const {
        for (const auto& [topic, route] : topics_) {
            const auto found = route.brokers.find(broker_name);
            if (found == route.brokers.end() || found->second.empty())
                continue;
            const auto& replicas = found->second;
            auto chosen          = replicas.find(wanted);
            if (chosen == replicas.end() && any_replica && wanted != broker_address::master)
                chosen = replicas.find(wanted + 1);
            if (chosen == replicas.end() && any_replica)
                chosen = replicas.begin();
            if (chosen != replicas.end())
                return broker_address{chosen->second, chosen->first};
        }
        return error::no_broker_address;
    }
    /// The same for the broker that has a queue.
    result<broker_address> address(const message_queue& queue, std::int64_t wanted = broker_address::master,
                                   bool any_replica = false) const {
        return address(home(queue), wanted, any_replica);
    }

    /// One address for each broker of a topic (the master if there is one), in broker name order.
    std::vector<endpoint> brokers_of(const std::string& topic) const {
        std::vector<endpoint> found;
        if (const auto route = topics_.find(topic); route != topics_.end())
            for (const auto& [name, replicas] : route->second.brokers)
                if (!replicas.empty())
                    found.push_back(replicas.begin()->second);
        return found;
    }

    /// Every address of every broker of every route, each once: where heartbeats go.
    std::vector<endpoint> all_addresses() const {
        std::vector<endpoint> found;
        for (const auto& [topic, route] : topics_)
            for (const auto& [name, replicas] : route.brokers)
                for (const auto& [id, where] : replicas)
                    if (std::ranges::find(found, where) == found.end())
                        found.push_back(where);
        return found;
    }

  private:
    static constexpr int readable = 4, writable = 2;

    /// The queues of one scope of a static topic, and who leads each.
    struct static_home {
        std::int64_t epoch = 0;           ///< The newest.
        std::vector<std::string> leaders; ///< Broker names, by queue id.

        bool operator==(const static_home&) const = default;
    };
    using static_homes = std::map<std::string, static_home, std::less<>>; ///< By what its queues have as broker name.

    struct entry {
        std::map<std::string, std::map<std::int64_t, endpoint>, std::less<>> brokers;
        std::vector<message_queue> queues;
        std::vector<std::string> writers;
        static_homes homes;

        bool operator==(const entry&) const = default;

        std::int64_t epoch() const noexcept {
            std::int64_t newest = 0;
            for (const auto& [name, home] : homes)
                newest = std::max(newest, home.epoch);
            return newest;
        }
    };

    struct known_route : entry {
        bool doubted = false; ///< The next route holds, be it newer or older.
        int ignored  = 0;     ///< Older routes since the last one that was not.
    };
    static constexpr int most_ignored = 10;

    /// Of the brokers that claim a queue, the one of the highest epoch leads it.
    static static_homes find_homes(std::vector<protocol::queue_mapping> mappings) {
        std::ranges::sort(mappings, [](const auto& a, const auto& b) {
            return std::tie(a.epoch, a.broker_name) < std::tie(b.epoch, b.broker_name);
        });
        static_homes homes;
        for (const auto& each : mappings) {
            auto& home = homes[static_topic_broker(each.scope)];
            home.epoch = each.epoch;
            home.leaders.resize(std::max(home.leaders.size(), static_cast<std::size_t>(each.total_queues)));
        }
        for (const auto& each : mappings) {
            auto& leaders = homes[static_topic_broker(each.scope)].leaders;
            for (const auto& [id, physical] : each.physical_ids)
                if (id >= 0 && static_cast<std::size_t>(id) < leaders.size())
                    leaders[static_cast<std::size_t>(id)] = each.broker_name;
        }
        return homes;
    }

    std::map<std::string, known_route> topics_;
    std::uint64_t version_ = 1;
};

} // namespace rocketpush

#endif
// rocketpush/remoting/broker_calls.hpp
#ifndef ROCKETPUSH_REMOTING_BROKER_CALLS_HPP
#define ROCKETPUSH_REMOTING_BROKER_CALLS_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// A message that goes back to its broker to come again. @par Source Java `ConsumerSendMsgBackRequestHeader`.
struct returned_message {
    std::int64_t commit_log_offset = 0;
    int delay_level                = 0; ///< See consume_context::delay_level.
    int max_reconsume_times        = 16;
    bool unit_mode                 = false;
    std::string id;
    std::string topic; ///< The original one, with its namespace.
};

/// A message that is sent to a retry topic anew, as a producer sends one: where it came from cannot take it back.
struct message_copy {
    std::string topic; ///< The group's retry topic.
    std::string body;  ///< As it was stored: compressed if `sys_flag` says so.
    std::string properties;
    std::int32_t flag           = 0;
    std::uint32_t sys_flag      = 0;
    std::int64_t born_timestamp = 0;  ///< Milliseconds since 1970.
    int reconsume_times         = 1;  ///< The broker makes it a dead letter when this is above ...
    int max_reconsume_times     = 16; ///< ... this.
    bool unit_mode              = false;
};

/// How handing a message to a broker ended.
struct store_outcome {
    std::error_code failure;     ///< None: the broker has it.
    bool perhaps_stored = false; ///< It failed after the request had left: the broker may have it all the same.

    bool stored() const noexcept { return !failure; }
};

/// What a broker said of a subscription's expression.
struct filter_answer {
    std::error_code code; ///< False: it compiles. A `response_code`: it does not, or the broker has such filters off.
    std::string text{};   ///< The broker's own.
};

/**
 * @brief What is asked of brokers, typed: one function a request, which finds the broker, waits for its answer and turns
 *        a refusal into `response_code`.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `MQClientAPIImpl`, `MQAdminImpl`.
 */
template <transport Transport, runtime Runtime>
class broker_calls {
  public:
    using pool_type    = connection_pool<Transport, Runtime>;
    using milliseconds = std::chrono::milliseconds;
    template <class T>
    using task = typename pool_type::template task<T>;

    broker_calls(pool_type& pool, const route_table& routes, milliseconds timeout)
        : pool_(pool), routes_(routes), timeout_(timeout) {}

    /// The open connection to an address, for those who send many requests.
    task<result<typename pool_type::connection_ptr>> connect(endpoint where) { return pool_.get(std::move(where)); }

    /// The member list of a group, as one broker of `topic` sees it.
    /// @retval error::no_route, error::no_members, response_code::system_error (the broker has no such group)
    task<result<std::vector<std::string>>> consumer_ids(endpoint broker, std::string group) {
        const protocol::consumer_list_request request{.consumer_group = std::move(group)};
        auto answer = co_await accepted(std::move(broker), request);
        if (!answer)
            co_return answer.error();
        auto list = protocol::decode_consumer_list(answer->body);
        if (!list)
            co_return list.error();
        if (list->consumer_ids.empty())
            co_return error::no_members;
        co_return std::move(list->consumer_ids);
    }

    /// The offset a group committed; empty if it never did.
    /// @param strictly  Without it a broker answers 0 for a young queue. (4.9.x does either way.)
    task<result<std::optional<queue_offset>>> query_offset(std::string group, message_queue queue,
                                                           bool strictly = false) {
        protocol::query_offset_request request{.consumer_group = std::move(group),
                                               .topic          = queue.topic,
                                               .queue_id       = queue.queue_id,
                                               .broker_name    = queue.broker_name};
        if (strictly)
            request.set_zero_if_not_found = false;
        auto answer = co_await answered(queue, true, request, offset_timeout);
        if (!answer)
            co_return answer.error();
        const auto code = static_cast<response_code>(answer->header.code);
        if (code == response_code::query_not_found)
            co_return std::optional<queue_offset>();
        if (code != response_code::success)
            co_return code;
        auto fields = protocol::read_fields<protocol::offset_response>(answer->header);
        if (!fields)
            co_return fields.error();
        co_return std::optional<queue_offset>(fields->offset);
    }

    /// Commits `offset` (the next one to consume) and waits until the broker has confirmed it.
    task<std::error_code> update_offset(std::string group, message_queue queue, queue_offset offset) {
        protocol::update_offset_request request{.consumer_group = std::move(group),
                                                .topic          = queue.topic,
                                                .queue_id       = queue.queue_id,
                                                .commit_offset  = offset,
                                                .broker_name    = queue.broker_name};
        const auto answer = co_await answered(queue, true, request, offset_timeout);
        co_return refusal(answer);
    }

    /// The offset that the next stored message will get.
    task<result<queue_offset>> max_offset(message_queue queue) {
        const protocol::max_offset_request request{
            .topic = queue.topic, .queue_id = queue.queue_id, .broker_name = queue.broker_name};
        auto found = co_await offset_of(queue, request);
        co_return found;
    }
    /// The offset of the oldest message.
    task<result<queue_offset>> min_offset(message_queue queue) {
        const protocol::min_offset_request request{
            .topic = queue.topic, .queue_id = queue.queue_id, .broker_name = queue.broker_name};
        auto found = co_await offset_of(queue, request);
        co_return found;
    }
    /// The offset of the first message stored at or after `time`.
    task<result<queue_offset>> offset_at(message_queue queue, std::chrono::system_clock::time_point time) {
        const auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
        const protocol::search_offset_request request{.topic       = queue.topic,
                                                      .queue_id    = queue.queue_id,
                                                      .timestamp   = since.count(),
                                                      .broker_name = queue.broker_name};
        auto found = co_await offset_of(queue, request);
        co_return found;
    }

    /// Returns a message to the master of the broker it came from.
    task<store_outcome> send_back(std::string group, message_queue queue, returned_message message,
                                  milliseconds timeout) {
        protocol::send_back_request request{.offset              = message.commit_log_offset,
                                            .group               = std::move(group),
                                            .delay_level         = message.delay_level,
                                            .origin_message_id   = std::move(message.id),
                                            .origin_topic        = std::move(message.topic),
                                            .unit_mode           = message.unit_mode,
                                            .max_reconsume_times = message.max_reconsume_times,
                                            .broker_name         = queue.broker_name};
        const auto outcome = co_await stored(queue.broker_name, request, {}, timeout);
        co_return outcome;
    }

    /**
     * @brief Sends a copy to a broker that takes messages of its topic; the next one when a broker refuses it or cannot be
     *        reached.
     *
     * At most three brokers are asked. Not after a time-out or a lost connection: the broker may have stored it, and a
     * second one would make two of it.
     *
     * @param from  Where the message was; asked last, and alone when the retry topic's route is not known yet.
     * @par Source  Java `DefaultMQProducerImpl.sendDefaultImpl` of the inner producer.
     */
    task<store_outcome> send_copy(message_copy copy, message_queue from, milliseconds timeout) {
        auto brokers = routes_.writers(copy.topic);
        if (!brokers.empty())
            std::ranges::rotate(brokers, brokers.begin() + static_cast<std::ptrdiff_t>(copies_++ % brokers.size()));
        const std::string home(routes_.home(from));
        std::ranges::stable_partition(brokers, [&](const std::string& name) { return name != home; });
        if (brokers.empty())
            brokers.push_back(home);
        if (brokers.size() > most_copy_attempts)
            brokers.erase(brokers.begin() + most_copy_attempts - 1, brokers.end() - 1);

        protocol::send_request request;
        request.producer_group      = inner_producer_group;
        request.topic               = std::move(copy.topic);
        request.sys_flag            = static_cast<std::int32_t>(copy.sys_flag);
        request.born_timestamp      = copy.born_timestamp;
        request.flag                = copy.flag;
        request.properties          = std::move(copy.properties);
        request.reconsume_times     = copy.reconsume_times;
        request.max_reconsume_times = copy.max_reconsume_times;
        request.unit_mode           = copy.unit_mode;
        store_outcome outcome;
        for (auto& name : brokers) {
            request.broker_name = std::move(name);
            outcome             = co_await stored(request.broker_name, request, copy.body, timeout);
            if (outcome.stored() || outcome.perhaps_stored)
                break;
        }
        co_return outcome;
    }

    /// Which of a topic's queues, on all brokers, this member shall read, and how.
    /// @retval response_code::request_code_not_supported (a broker before 5.0), error::no_assignment
    task<result<std::vector<protocol::queue_assignment>>> query_assignment(endpoint broker,
                                                                           protocol::assignment_query query) {
        const protocol::query_assignment_request request;
        const auto body = protocol::encode(query);
        auto answer     = co_await pool_.call(std::move(broker), request, body, timeout_);
        if (const auto refused = refusal(answer))
            co_return refused;
        auto assigned = protocol::decode_assignment_answer(answer->body);
        if (!assigned)
            co_return assigned.error();
        if (!assigned->queues)
            co_return error::no_assignment;
        co_return std::move(*assigned->queues);
    }

    /// One popped message is done with. Success also if its receipt was not valid any more.
    task<std::error_code> acknowledge(protocol::ack_request request) {
        const auto answer = co_await of_master(request.broker_name, request, {}, timeout_);
        co_return refusal(answer);
    }
    /// Many of one broker. @retval response_code::request_code_not_supported  It is older than 5.1.3.
    task<std::error_code> acknowledge(protocol::batch_ack acks) {
        const protocol::batch_ack_request request;
        const auto body   = protocol::encode(acks);
        const auto answer = co_await of_master(acks.broker_name, request, body, timeout_);
        co_return refusal(answer);
    }
    /// Hides a popped message for another time; its receipt is another one then.
    task<result<protocol::change_invisible_time_response>> change_invisible_time(
        protocol::change_invisible_time_request request) {
        const auto answer = co_await of_master(request.broker_name, request, {}, timeout_);
        if (const auto refused = refusal(answer))
            co_return refused;
        auto fields = protocol::read_fields<protocol::change_invisible_time_response>(answer->header);
        co_return fields;
    }
    /**
     * @brief Locks queues of one broker for this member, or renews its locks. @return Those that are its now.
     * @param queues  Not empty; all of one broker, whose master is asked.
     */
    task<result<std::vector<message_queue>>> lock(std::string group, std::string client_id,
                                                  std::vector<message_queue> queues) {
        const protocol::lock_request request;
        auto answer = co_await about_locks(request, std::move(group), std::move(client_id), std::move(queues));
        if (const auto refused = refusal(answer))
            co_return refused;
        auto locked = protocol::decode_locked_queues(answer->body);
        if (!locked)
            co_return locked.error();
        co_return std::move(locked->queues);
    }

    /// Gives locks up, and waits until the broker has confirmed it. @param queues  As for `lock`.
    task<std::error_code> unlock(std::string group, std::string client_id, std::vector<message_queue> queues) {
        const protocol::unlock_request request;
        const auto answer = co_await about_locks(request, std::move(group), std::move(client_id), std::move(queues));
        co_return refusal(answer);
    }

    task<std::error_code> heartbeat(endpoint broker, std::string body) {
        const protocol::heartbeat_request request;
        const auto answer = co_await pool_.call(std::move(broker), request, body, timeout_);
        co_return refusal(answer);
    }

    task<std::error_code> unregister(endpoint broker, std::string client_id, std::string group) {
        const protocol::unregister_request request{.client_id      = std::move(client_id),
                                                   .consumer_group = std::move(group)};
        const auto answer = co_await pool_.call(std::move(broker), request, {}, timeout_);
        co_return refusal(answer);
    }

    /// Has a broker compile an expression.
    task<filter_answer> check_filter(endpoint broker, std::string client_id, std::string group, subscription wanted) {
        const protocol::check_client_request request;
        const auto body =
            protocol::encode(protocol::client_check{std::move(client_id), std::move(group), std::move(wanted)});
        const auto answer = co_await pool_.call(std::move(broker), request, body, timeout_);
        filter_answer said{refusal(answer)};
        if (answer)
            said.text = answer->header.remark();
        co_return said;
    }

    const route_table& routes() const noexcept { return routes_; }

  private:
    static constexpr milliseconds offset_timeout{5000};
    static constexpr std::ptrdiff_t most_copy_attempts = 3;

    static std::error_code refusal(const result<received_frame>& answer) noexcept {
        if (!answer)
            return answer.error();
        const auto code = static_cast<response_code>(answer->header.code);
        return code == response_code::success ? std::error_code() : make_error_code(code);
    }

    /// Has a broker's master store a message.
    task<store_outcome> stored(std::string_view broker_name, protocol::request_view request, std::string_view body,
                               milliseconds timeout) {
        store_outcome outcome;
        const auto where = routes_.address(broker_name);
        if (!where) {
            outcome.failure = where.error();
            co_return outcome;
        }
        const auto open = co_await pool_.get(where->where);
        if (!open) {
            outcome.failure = open.error();
            co_return outcome;
        }
        const auto [ec, answer] = co_await (*open)->async_request(request, body, timeout,
                                                                  detail::await_tuple<typename Runtime::executor_type>);
        if (ec) {
            outcome.failure        = ec;
            outcome.perhaps_stored = ec != error::too_many_requests;
            co_return outcome;
        }
        if (!has_stored(answer.header))
            outcome.failure = static_cast<response_code>(answer.header.code);
        co_return outcome;
    }

    /// The broker has the message; a disk or a replica that is late with it is no reason to send another one.
    static bool has_stored(const protocol::header_view& answer) noexcept {
        switch (static_cast<response_code>(answer.code)) {
        case response_code::success:
        case response_code::flush_disk_timeout:
        case response_code::flush_slave_timeout:
        case response_code::slave_not_available: return true;
        // To a send-back brokers say the same by the name of their status.
        case response_code::system_error:
            return answer.raw_remark == "FLUSH_DISK_TIMEOUT" || answer.raw_remark == "FLUSH_SLAVE_TIMEOUT" ||
                   answer.raw_remark == "SLAVE_NOT_AVAILABLE";
        default: return false;
        }
    }

    /// The answer of the broker that has `queue`, whatever its code.
    task<result<received_frame>> answered(const message_queue& queue, bool any_replica, protocol::request_view request,
                                          milliseconds timeout) {
        const auto where = routes_.address(queue, broker_address::master, any_replica);
        if (!where)
            co_return where.error();
        auto answer = co_await pool_.call(where->where, request, {}, timeout);
        co_return answer;
    }

    task<result<received_frame>> of_master(std::string_view broker_name, protocol::request_view request,
                                           std::string_view body, milliseconds timeout) {
        const auto where = routes_.address(broker_name);
        if (!where)
            co_return where.error();
        auto answer = co_await pool_.call(where->where, request, body, timeout);
        co_return answer;
    }

    task<result<received_frame>> about_locks(protocol::request_view request, std::string group, std::string client_id,
                                             std::vector<message_queue> queues) {
        const auto where = routes_.address(queues.front());
        if (!where)
            co_return where.error();
        protocol::lock_data lock;
        lock.client_id      = std::move(client_id);
        lock.consumer_group = std::move(group);
        lock.queues         = std::move(queues);
        const auto body     = protocol::encode(lock);
        auto answer         = co_await pool_.call(where->where, request, body, timeout_);
        co_return answer;
    }

    task<result<received_frame>> accepted(endpoint where, protocol::request_view request) {
        auto answer = co_await pool_.call(std::move(where), request, {}, timeout_);
        if (const auto refused = refusal(answer))
            co_return refused;
        co_return answer;
    }

    task<result<queue_offset>> offset_of(const message_queue& queue, protocol::request_view request) {
        auto answer = co_await answered(queue, false, request, offset_timeout);
        if (const auto refused = refusal(answer))
            co_return refused;
        auto fields = protocol::read_fields<protocol::offset_response>(answer->header);
        if (!fields)
            co_return fields.error();
        co_return fields->offset;
    }

    pool_type& pool_;
    const route_table& routes_;
    milliseconds timeout_;
    std::size_t copies_ = 0; ///< So that they do not all go to one broker.
};

} // namespace rocketpush

#endif

// offset_store: where a group is; observe: telling
// rocketpush/offset_store/broker_offset_store.hpp
#ifndef ROCKETPUSH_OFFSET_STORE_BROKER_OFFSET_STORE_HPP
#define ROCKETPUSH_OFFSET_STORE_BROKER_OFFSET_STORE_HPP

// rocketpush/offset_store/offset_store.hpp
#ifndef ROCKETPUSH_OFFSET_STORE_OFFSET_STORE_HPP
#define ROCKETPUSH_OFFSET_STORE_OFFSET_STORE_HPP


#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace rocketpush {

/// How far a group is in a queue: the next offset that it needs.
struct queue_progress {
    message_queue queue;
    queue_offset offset = 0;

    friend bool operator==(const queue_progress&, const queue_progress&) = default;
};

/**
 * @brief What an offset store is given: coroutines of the consumer's strand, the group, and the broker's own offsets of it.
 *
 * Each call of a store gets one; the consumer's real one has the same members.
 */
struct offset_access_archetype {
    template <class T>
    using task = detail::awaitable<T, asio::io_context::executor_type>;

    const std::string& group() const;
    /// Where the model is broadcasting it is known before any connection is, and the same at the next start.
    const std::string& client_id() const;
    task<result<std::optional<queue_offset>>> query_offset(message_queue queue);
    task<std::error_code> update_offset(message_queue queue, queue_offset offset);
    /// Tells the observer (`on_offset_store`) of trouble at `where`, or with a false code of its end.
    void report(std::string_view where, std::error_code what);
};

/// `read(access, queue)`: the stored offset, or none, or why it is not known.
template <class S>
concept reads_offsets = requires(S& s, offset_access_archetype& access, message_queue queue) {
    { s.read(access, queue) } -> std::same_as<offset_access_archetype::task<result<std::optional<queue_offset>>>>;
};

/// `write(access, queue, offset)`: a false code once the store has it for good.
template <class S>
concept writes_offsets = requires(S& s, offset_access_archetype& access, message_queue queue, queue_offset offset) {
    { s.write(access, queue, offset) } -> std::same_as<offset_access_archetype::task<std::error_code>>;
};

/// `load(access)`: called once, when the consumer starts; a code ends the start with it.
template <class S>
concept loads_offsets = requires(S& s, offset_access_archetype& access) {
    { s.load(access) } -> std::same_as<offset_access_archetype::task<std::error_code>>;
};

/// `write_many(access, changes)`: as `write` of each, in one step; a code says that it has none of them for good.
template <class S>
concept writes_many_offsets = requires(S& s, offset_access_archetype& access, std::vector<queue_progress> changes) {
    { s.write_many(access, changes) } -> std::same_as<offset_access_archetype::task<std::error_code>>;
};

/// A store without `load` or `write_many` does without; one whose function cannot be called as above has a mistake in it.
template <class S>
concept extras_fit = (!requires { &S::template load<offset_access_archetype>; } || loads_offsets<S>)&&(
    !requires { &S::template write_many<offset_access_archetype>; } || writes_many_offsets<S>);

/**
 * @brief Where a group's progress is kept: the next offset to consume of each queue.
 *
 * The consumer knows which offsets changed and when they have to be kept; a store only keeps them. Its functions are
 * templates on the access, whose `task<T>` they return. `read` and `write` are all that a store needs. It may have more:
 *  - `static constexpr message_model model`: broadcasting, where each member keeps offsets of its own. Clustering without;
 *  - `load(access)`: for a store that reads everything once, and can say at start that it cannot;
 *  - `write_many(access, changes)`: for a store that keeps many offsets in one step, as a file or a transaction does. The
 *    regular commits then come by it, and `write` is left with those of queues that are given up.
 *
 * Laws (`tests/support/laws/offset_store.hpp`):
 *  - what `write` confirmed, `read` gives until the next `write` of the queue; `write_many` is a `write` of each;
 *  - "no offset" is an empty optional, and differs from "could not be asked", which is an error;
 *  - calls for several queues may be under way at once; for one queue they come one after the other; `load` has ended before
 *    any other begins.
 *
 * @par Thread safety  Called on the consumer's strand only, which must not be blocked.
 * @par Default        broker_offset_store
 * @par Source         Java `OffsetStore`.
 */
template <class S>
concept offset_store = std::move_constructible<S> && reads_offsets<S> && writes_offsets<S> && extras_fit<S>;

/// The model that a store is for: its `model`, or clustering.
template <class S>
constexpr message_model model_of() noexcept {
    if constexpr (requires { S::model; })
        return S::model;
    else
        return message_model::clustering;
}

} // namespace rocketpush

#endif

#include <optional>
#include <system_error>
#include <utility>

namespace rocketpush {

/**
 * @brief Keeps a group's offsets at the brokers, where all members and the admin tools find them.
 * @par Source  Java `RemoteBrokerOffsetStore`. Differs: a write waits for the broker's answer, so that a queue is
 *              handed over only after its offset has arrived.
 */
struct broker_offset_store {
    static constexpr message_model model = message_model::clustering;

    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access& access, message_queue queue) {
        return access.query_offset(std::move(queue));
    }

    template <class Access>
    typename Access::template task<std::error_code> write(Access& access, message_queue queue, queue_offset offset) {
        return access.update_offset(std::move(queue), offset);
    }
};
static_assert(offset_store<broker_offset_store>);

} // namespace rocketpush

#endif
// rocketpush/offset_store/file_offset_store.hpp
#ifndef ROCKETPUSH_OFFSET_STORE_FILE_OFFSET_STORE_HPP
#define ROCKETPUSH_OFFSET_STORE_FILE_OFFSET_STORE_HPP

// rocketpush/detail/file_thread.hpp
#ifndef ROCKETPUSH_DETAIL_FILE_THREAD_HPP
#define ROCKETPUSH_DETAIL_FILE_THREAD_HPP


#include <memory>
#include <mutex>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Where work that blocks is done: a thread that begins with the first of it.
 *
 * It can go while a job hangs in the system: the thread is left behind and tells nobody.
 *
 * @par Thread safety  None; on the strand.
 */
class file_thread {
  public:
    /// Runs `job()` there and then `done()` on `strand`; of several jobs one after the other. `done` is dropped if this goes first.
    template <class Executor, class Job, class Done>
    void run(const Executor& strand, Job job, Done done) {
        if (!thread_) {
            thread_ = std::make_unique<context_thread>();
            thread_->start();
        }
        {
            const std::lock_guard lock(reports_->mutex);
            // It names the strand, whose context may end before the job does, so it is not the job's.
            reports_->to_strand =
                one_job([strand, done = std::move(done)]() mutable { asio::post(strand, std::move(done)); });
        }
        asio::post(thread_->context(), [reports = reports_, job = std::move(job)]() mutable {
            job();
            const std::lock_guard lock(reports->mutex);
            if (!reports->shut)
                reports->to_strand();
        });
    }

    file_thread()                         = default;
    file_thread(file_thread&&) noexcept   = default;
    file_thread& operator=(file_thread&&) = delete;
    ~file_thread() {
        if (!reports_)
            return;
        const std::lock_guard lock(reports_->mutex);
        reports_->shut      = true;
        reports_->to_strand = one_job();
    }

  private:
    struct reports {
        std::mutex mutex;
        bool shut = false;
        one_job to_strand;
    };

    std::shared_ptr<reports> reports_ = std::make_shared<reports>(); // null after a move
    std::unique_ptr<context_thread> thread_; // goes first: it waits a moment for a job that runs
};

} // namespace rocketpush::detail

#endif
// rocketpush/offset_store/offset_files.hpp
#ifndef ROCKETPUSH_OFFSET_STORE_OFFSET_FILES_HPP
#define ROCKETPUSH_OFFSET_STORE_OFFSET_FILES_HPP

// rocketpush/offset_store/offset_file.hpp
#ifndef ROCKETPUSH_OFFSET_STORE_OFFSET_FILE_HPP
#define ROCKETPUSH_OFFSET_STORE_OFFSET_FILE_HPP


#include <map>
#include <string>
#include <string_view>

namespace rocketpush {

/// The next offset of each queue.
using offset_table = std::map<message_queue, queue_offset>;

/**
 * @brief The text of a local offset file, as Java writes it: tabs, line breaks, and an object for each key, which is not standard JSON.
 * @par Source  Java `OffsetSerializeWrapper`, in fastjson's pretty format.
 */
inline std::string encode_offset_file(const offset_table& table) {
    std::string text = "{\n\t\"offsetTable\":{";
    const char* next = "\n";
    for (const auto& [queue, offset] : table) {
        protocol::json_writer topic, broker;
        topic.string(queue.topic);
        broker.string(queue.broker_name);
        text.append(next).append("\t\t{\n\t\t\t\"brokerName\":").append(broker.text());
        text.append(",\n\t\t\t\"queueId\":").append(std::to_string(queue.queue_id));
        text.append(",\n\t\t\t\"topic\":").append(topic.text());
        text.append("\n\t\t}:").append(std::to_string(offset));
        next = ",\n";
    }
    return text.append(table.empty() ? "}\n}" : "\n\t}\n}");
}

/**
 * @brief Reads a local offset file in any order and spacing; its keys may also be standard JSON, strings that hold the object.
 *
 * A table that is not there is an empty one; an offset below 0 or null is none.
 *
 * @retval error::offset_file_damaged  It is not JSON, or a key is no queue, or an offset no number.
 */
inline result<offset_table> decode_offset_file(std::string_view text) {
    const auto body = protocol::parse_body(text);
    if (!body)
        return error::offset_file_damaged;
    const auto table = protocol::find_member(*body, "offsetTable");
    offset_table found;
    if (table.is_null())
        return found;
    const bool whole = protocol::read_members(table, [&](std::string_view key, const protocol::json_value& value) {
        const auto standard = protocol::parse_body(key);
        message_queue queue;
        queue_offset offset = -1;
        if (!standard || !protocol::read_value(*standard, queue) || queue.topic.empty() || queue.broker_name.empty() ||
            (!value.is_null() && !protocol::read_value(value, offset)))
            return false;
        if (offset >= 0)
            found.insert_or_assign(std::move(queue), offset);
        return true;
    });
    if (!whole)
        return error::offset_file_damaged;
    return found;
}

} // namespace rocketpush

#endif
// rocketpush/offset_store/posix_files.hpp
#ifndef ROCKETPUSH_OFFSET_STORE_POSIX_FILES_HPP
#define ROCKETPUSH_OFFSET_STORE_POSIX_FILES_HPP


#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush {

/**
 * @brief What keeping offsets in files needs of a file system. Each function blocks until it is done.
 *
 * Tests put one in its place whose disk is full, or that loses power.
 */
template <class F>
concept file_operations = std::move_constructible<F> && std::copy_constructible<F> &&
                          requires(const F& files, const std::string& path, std::string_view text) {
                              /// The whole file; `std::errc::no_such_file_or_directory` when there is none.
                              { files.read(path) } -> std::same_as<result<std::string>>;
                              /// Makes or replaces a file; when it returns, the text outlives a loss of power.
                              { files.write(path, text) } -> std::same_as<std::error_code>;
                              /// At once, and in place of what is at the new path.
                              { files.rename(path, path) } -> std::same_as<std::error_code>;
                              { files.remove(path) } -> std::same_as<std::error_code>;
                              /// A folder and those above it; none is missing afterwards.
                              { files.make_folders(path) } -> std::same_as<std::error_code>;
                              /// When it returns, what was renamed in the folder is so after a loss of power.
                              { files.sync_folder(path) } -> std::same_as<std::error_code>;
                          };

/// The system's files. @par Thread safety  All.
class posix_files {
  public:
    /// A larger file is refused: no offset file is, and it would be read into memory.
    static constexpr std::size_t max_size = 64u << 20;

    result<std::string> read(const std::string& path) const {
        const descriptor file(
            ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); // of a pipe we do not wait for a writer
        struct stat about {};
        if (file.number < 0 || ::fstat(file.number, &about) != 0)
            return last_error();
        if (!S_ISREG(about.st_mode))
            return std::make_error_code(S_ISDIR(about.st_mode) ? std::errc::is_a_directory : std::errc::invalid_seek);
        std::string text;
        for (char piece[16384]; text.size() <= max_size;) {
            const auto count = ::read(file.number, piece, sizeof piece);
            if (count < 0 && errno != EINTR)
                return last_error();
            if (count == 0)
                return text;
            if (count > 0)
                text.append(piece, static_cast<std::size_t>(count));
        }
        return std::make_error_code(std::errc::file_too_large);
    }

    std::error_code write(const std::string& path, std::string_view text) const {
        descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
        if (file.number < 0)
            return last_error();
        while (!text.empty()) {
            const auto count = ::write(file.number, text.data(), text.size());
            if (count < 0 && errno != EINTR)
                return last_error();
            if (count > 0)
                text.remove_prefix(static_cast<std::size_t>(count));
        }
        if (const auto failure = synced(file))
            return failure;
        return file.close();
    }

    std::error_code rename(const std::string& from, const std::string& to) const {
        return code_of(std::rename(from.c_str(), to.c_str()));
    }

    std::error_code remove(const std::string& path) const { return code_of(::unlink(path.c_str())); }

    std::error_code make_folders(const std::string& path) const {
        for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
            const auto folder = path.substr(0, end);
            if (::mkdir(folder.c_str(), 0777) == 0) {
                const auto slash = folder.rfind('/');
                if (const auto failure = sync_folder(slash == std::string::npos ? "." : folder.substr(0, slash + 1)))
                    return failure;
            } else if (const auto failure = last_error(); errno != EEXIST && end == std::string::npos) {
                return failure; // of one above it does not matter, if this one is there
            }
            if (end == std::string::npos)
                return {};
        }
    }

    std::error_code sync_folder(const std::string& path) const {
        const descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (folder.number < 0)
            return last_error();
        const auto failure = synced(folder);
        return failure == std::errc::invalid_argument ? std::error_code() : failure; // a file system that cannot
    }

  private:
    struct descriptor {
        explicit descriptor(int opened) noexcept : number(opened) {}
        descriptor(const descriptor&)            = delete;
        descriptor& operator=(const descriptor&) = delete;
        ~descriptor() {
            if (number >= 0)
                ::close(number);
        }
        /// Some file systems say only here that there was no room.
        std::error_code close() { return code_of(::close(std::exchange(number, -1))); }

        int number;
    };

    static std::error_code last_error() { return {errno, std::generic_category()}; }
    static std::error_code code_of(int outcome) { return outcome == 0 ? std::error_code() : last_error(); }

    static std::error_code synced(const descriptor& file) {
        int outcome = 0;
        do
            outcome = ::fsync(file.number);
        while (outcome != 0 && errno == EINTR);
        return code_of(outcome);
    }
};
static_assert(file_operations<posix_files>);

} // namespace rocketpush

#endif

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/**
 * @file
 * An offset file and its backup on disk: which of the two is believed, and how both are written so that a loss of power at any moment
 * leaves one that can be.
 */
namespace rocketpush {

/// What was found in the two files.
struct found_offsets {
    offset_table table;
    std::error_code main;   ///< Why the file was no use, if it was there.
    std::error_code backup; ///< And its backup, if that was needed.
    bool usable = true;     ///< False: there was something, and nothing of it could be read. Then the table is empty.
};

inline std::string backup_of(const std::string& path) { return path + ".bak"; }

/**
 * @brief Reads an offset file, or its backup when the file is missing or damaged. Where neither is there nothing was stored yet.
 *
 * A file that cannot be read (no permission, say) is like a damaged one. So is an empty one: none was ever written by us, and the
 * Java client leaves one behind when the power goes at the wrong moment.
 *
 * @par Source  Java `LocalFileOffsetStore.readLocalOffset`. Differs: a damaged file without a backup is not taken for a new start.
 */
template <file_operations Files>
found_offsets read_offset_files(const Files& files, const std::string& path) {
    const auto read_one = [&](const std::string& where) -> result<std::optional<offset_table>> {
        const auto text = files.read(where);
        if (!text && text.error() == std::errc::no_such_file_or_directory)
            return std::optional<offset_table>();
        if (!text)
            return text.error();
        auto table = decode_offset_file(*text);
        if (!table)
            return table.error();
        return std::optional<offset_table>(std::move(*table));
    };
    found_offsets found;
    auto main  = read_one(path);
    found.main = main.error();
    if (main && *main) {
        found.table = std::move(**main);
        return found;
    }
    auto backup  = read_one(backup_of(path));
    found.backup = backup.error();
    if (backup && *backup)
        found.table = std::move(**backup);
    else
        found.usable = !found.main && !found.backup;
    return found;
}

/**
 * @brief Writes an offset file: beside it, to disk, then in its place; what was there becomes the backup if it can be read as one.
 *
 * Whatever fails, and wherever it ends, `read_offset_files` then gives either what was there before or `text`.
 *
 * @param beside  A path in the same folder that nobody else writes to.
 * @par Source    Java `MixAll.string2File`. Differs: Java overwrites the file where it stands, and copies a damaged one over its
 *                backup.
 */
template <file_operations Files>
std::error_code write_offset_file(const Files& files, const std::string& path, const std::string& beside,
                                  std::string_view text) {
    const auto slash  = path.rfind('/');
    const auto folder = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
    auto failure      = files.write(beside, text);
    if (failure == std::errc::no_such_file_or_directory) {
        failure = files.make_folders(folder);
        if (!failure)
            failure = files.write(beside, text);
    }
    if (!failure) {
        // Of a backup that cannot be made only the backup suffers.
        if (const auto before = files.read(path); before && decode_offset_file(*before))
            static_cast<void>(files.rename(path, backup_of(path)));
        failure = files.rename(beside, path);
    }
    if (failure) {
        static_cast<void>(files.remove(beside));
        return failure;
    }
    return files.sync_folder(folder);
}

} // namespace rocketpush

#endif

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// What a start does when there are local offset files and none of them can be read.
enum class damaged_offsets : std::uint8_t {
    fail_start, ///< error::offset_file_damaged, or the system's code.
    begin_anew  ///< Every queue by `options::from`; the files are replaced.
};

/// What a file_offset_store can be told.
struct file_offset_settings {
    /// Where the files are: `directory/client id/group/offsets.json`. Empty: `.rocketmq_offsets` in the user's home, as Java.
    /// Java: rocketmq.client.localOffsetStoreDir.
    std::string directory{};
    damaged_offsets when_damaged = damaged_offsets::fail_start;
};

/// Java's folder for local offsets; empty if this user has no home.
inline std::string default_offset_directory() {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room(16384);
    std::string home;
    if (::getpwuid_r(::getuid(), &entry, room.data(), room.size(), &found) == 0 && found && found->pw_dir)
        home = found->pw_dir;
    if (const char* named = std::getenv("HOME"); home.empty() && named)
        home = named;
    return home.empty() ? home : home + "/.rocketmq_offsets";
}

/**
 * @brief Keeps a member's own offsets in a file, and so makes its consumer a broadcasting one: every member gets every message.
 *
 * The file is Java's, in place and format: a Java consumer may go on where this one ended, and the other way round. (Not both at
 * once.) It is read once, at start, and written as a whole, at most one write at a time: what comes meanwhile goes into the next one.
 * Files are touched on a thread of the store's own, so that a slow disk does not hold the consumer up. Trouble with them is an event
 * (`on_offset_store`) and ends nothing but a start that finds damaged files.
 *
 * @tparam Files   Its file system; see file_operations.
 * @tparam Worker  Where that is used: `run(strand, job, done)` runs `job()` anywhere, then `done()` on the strand.
 * @par Source  Java `LocalFileOffsetStore`.
 */
template <file_operations Files = posix_files, class Worker = detail::file_thread>
class basic_file_offset_store {
  public:
    static constexpr message_model model = message_model::broadcasting;

    explicit basic_file_offset_store(file_offset_settings with = {}, Files files = Files(), Worker worker = Worker())
        : state_(std::make_shared<state>(std::move(files), std::move(worker))), settings_(std::move(with)) {
        if (settings_.directory.empty())
            settings_.directory = default_offset_directory();
    }
    basic_file_offset_store(basic_file_offset_store&&) noexcept   = default;
    basic_file_offset_store& operator=(basic_file_offset_store&&) = delete;

    /// @retval error::offset_file_damaged, the system's code  Neither the file nor its backup can be read, or there is no home.
    template <class Access>
    typename Access::template task<std::error_code> load(Access& access) {
        if (settings_.directory.empty()) {
            const auto failure = std::make_error_code(std::errc::no_such_file_or_directory);
            access.report("~/.rocketmq_offsets", failure);
            co_return failure;
        }
        state_->path     = settings_.directory + '/' + access.client_id() + '/' + access.group() + "/offsets.json";
        state_->beside   = state_->path + '.' + own_name();
        const auto found = std::make_shared<found_offsets>();
        const auto ended = std::make_shared<step>();
        auto read = [found, files = state_->files, path = state_->path] { *found = read_offset_files(files, path); };
        const auto strand = co_await asio::this_coro::executor;
        state_->worker.run(strand, std::move(read), [ended] { ended->end(); });
        co_await until(ended, strand);

        if (found->main)
            access.report(state_->path, found->main);
        if (found->backup)
            access.report(backup_of(state_->path), found->backup);
        state_->in_trouble = found->main || found->backup;
        if (!found->usable && settings_.when_damaged == damaged_offsets::fail_start)
            co_return found->main ? found->main : found->backup;
        state_->offsets = std::move(found->table);
        co_return std::error_code();
    }

    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access&, message_queue queue) {
        const auto found = state_->offsets.find(queue);
        if (found == state_->offsets.end())
            co_return std::optional<queue_offset>();
        co_return std::optional<queue_offset>(found->second);
    }

    template <class Access>
    typename Access::template task<std::error_code> write(Access& access, message_queue queue, queue_offset offset) {
        state_->offsets.insert_or_assign(std::move(queue), offset);
        return saved(access);
    }

    template <class Access>
    typename Access::template task<std::error_code> write_many(Access& access, std::vector<queue_progress> changes) {
        for (auto& each : changes)
            state_->offsets.insert_or_assign(std::move(each.queue), each.offset);
        return saved(access);
    }

  private:
    /// Work on the files, and the coroutines that wait for its end.
    struct step {
        void end() {
            ended = true;
            for (const auto& [timer, cancel] : waiting)
                cancel(timer);
        }

        std::vector<std::pair<void*, void (*)(void*)>> waiting;
        std::error_code failure; ///< Written by the worker, before the end.
        bool ended    = false;
        bool reported = false;
    };

    struct state {
        state(Files with, Worker by) : files(std::move(with)), worker(std::move(by)) {}

        Files files;
        std::string path, beside;
        offset_table offsets;
        std::shared_ptr<step> running,
            next;                ///< Writes of the file: the one under way, and the one for what came since.
        bool in_trouble = false; ///< Which was reported; its end will be.
        Worker worker;           // last, so first to go
    };

    /// Like that of no other store of this host that is there now.
    std::string own_name() const {
        return std::to_string(::getpid()) + '-' + std::to_string(reinterpret_cast<std::uintptr_t>(state_.get()));
    }

    /// A timer that nobody lets expire is Asio's way to wait for an event.
    template <class Executor>
    static detail::awaitable<void, Executor> until(std::shared_ptr<step> done, Executor strand) {
        using timer_type = detail::steady_timer<Executor>;
        if (done->ended)
            co_return;
        timer_type timer(strand);
        timer.expires_at(std::chrono::steady_clock::time_point::max());
        done->waiting.emplace_back(&timer, [](void* waiting) { static_cast<timer_type*>(waiting)->cancel(); });
        while (!done->ended)
            co_await timer.async_wait(detail::await_tuple<Executor>);
    }

    /// Returns when what is in the table now has been written.
    template <class Access>
    typename Access::template task<std::error_code> saved(Access& access) {
        const auto strand = co_await asio::this_coro::executor;
        if (!state_->next)
            state_->next = std::make_shared<step>();
        const auto write = state_->next;
        if (!state_->running)
            begin_write(state_, strand);
        co_await until(write, strand);
        if (!std::exchange(write->reported, true) &&
            (std::exchange(state_->in_trouble, static_cast<bool>(write->failure)) || write->failure))
            access.report(state_->path, write->failure);
        co_return write->failure;
    }

    template <class Executor>
    static void begin_write(const std::shared_ptr<state>& self, const Executor& strand) {
        self->running = std::exchange(self->next, nullptr);
        auto write    = [made = self->running, files = self->files, path = self->path, beside = self->beside,
                      text = encode_offset_file(self->offsets)] {
            made->failure = write_offset_file(files, path, beside, text);
        };
        self->worker.run(strand, std::move(write), [lasting = std::weak_ptr(self), strand] {
            const auto still = lasting.lock();
            if (!still)
                return;
            const auto ended = std::exchange(still->running, nullptr);
            if (still->next)
                begin_write(still, strand);
            ended->end();
        });
    }

    std::shared_ptr<state> state_;
    file_offset_settings settings_;
};

using file_offset_store = basic_file_offset_store<>;
static_assert(offset_store<file_offset_store> && loads_offsets<file_offset_store> &&
              writes_many_offsets<file_offset_store>);

} // namespace rocketpush

#endif
// rocketpush/observe/log_observer.hpp
#ifndef ROCKETPUSH_OBSERVE_LOG_OBSERVER_HPP
#define ROCKETPUSH_OBSERVE_LOG_OBSERVER_HPP

// rocketpush/observe/observer.hpp
#ifndef ROCKETPUSH_OBSERVE_OBSERVER_HPP
#define ROCKETPUSH_OBSERVE_OBSERVER_HPP

// rocketpush/core/cache_level.hpp
#ifndef ROCKETPUSH_CORE_CACHE_LEVEL_HPP
#define ROCKETPUSH_CORE_CACHE_LEVEL_HPP

#include <cstddef>
#include <cstdint>

namespace rocketpush {

/// How much of one queue is held.
struct cache_level {
    std::size_t messages = 0; ///< Pulled and not finished.
    std::size_t bytes    = 0; ///< Of their frames and inflated bodies.
    std::int64_t span    = 0; ///< Offsets from the committable one to the next pull: what comes again after a crash.
};

/// Why a queue is not pulled at the moment.
enum class flow_state : std::uint8_t {
    open,
    too_many_messages, ///< Of this queue.
    too_many_bytes,    ///< Of this queue.
    too_wide_a_span,   ///< From this queue's first unfinished message on.
    suspended,         ///< On purpose: `suspend()` of the consumer, or of this queue.
    out_of_memory      ///< The budget of the whole consumer is used up; the queue waits for its turn.
};

} // namespace rocketpush

#endif

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace rocketpush {

/**
 * @brief Every event of a consumer, each doing nothing. An observer derives from it and hides those that interest it; the
 *        others cost nothing.
 *
 * @code
 * struct count_failures : rocketpush::no_observer {
 *     std::atomic<int>* count;
 *     void on_listener_exception(const rocketpush::message_queue&, std::exception_ptr) { ++*count; }
 * };
 * @endcode
 *
 * @par Thread safety  `before_consume`, `after_consume` and `on_listener_exception` are called where the listener runs, so
 *                     with a pool by several threads at once; all others on the consumer's strand. None may block or
 *                     throw.
 * @par Source         Java's hooks (`ConsumeMessageHook`), log lines and `MessageQueueListener`.
 */
struct no_observer {
    // Life.
    void on_starting(std::string_view /*group*/) {}
    void on_started(std::string_view /*group*/, std::string_view /*client_id*/) {}
    void on_stopped(std::string_view /*group*/, std::error_code /*why_not_clean*/) {}

    // Connections and routes.
    void on_connect(const endpoint&, std::error_code /*false: connected*/) {}
    void on_disconnect(const endpoint&, std::error_code) {}
    /// The list of `options::name_server_url` came, or another one.
    void on_name_servers_changed(std::span<const endpoint>) {}
    /// The look-up gave nothing; a list that is there stays in use.
    void on_name_server_lookup_failure(const std::string& /*url*/, std::error_code) {}
    void on_route_changed(const std::string& /*topic*/, std::size_t /*readable queues*/) {}
    void on_route_failure(const std::string& /*topic*/, std::error_code) {}
    void on_heartbeat_failure(const endpoint&, std::error_code) {}
    /// A broker refuses a subscription's SQL condition; the sentence has its own text.
    void on_filter_refused(const std::string& /*topic*/, std::error_code, const std::string& /*sentence*/) {}

    // Sharing out.
    /// The assignment of a topic changed: all its queues and those of this member.
    void on_rebalance(const std::string& /*topic*/, std::span<const message_queue> /*all*/,
                      std::span<const message_queue> /*own*/) {}
    void on_rebalance_failure(const std::string& /*topic*/, std::error_code) {}
    void on_queue_acquired(const message_queue&, queue_offset /*first*/) {}
    void on_queue_acquire_failure(const message_queue&, std::error_code) {}
    void on_queue_released(const message_queue&, queue_offset /*committed*/) {}
    void on_pop_begun(const message_queue& /*id -1: all of the broker*/) {}
    void on_pop_ended(const message_queue&) {}

    // Locks of orderly consumers.
    /// A queue is to be taken over whose lock another member has; asked again soon.
    void on_lock_refused(const message_queue&) {}
    /// A queue is given up, without a commit, because its lock is or may have been another member's.
    void on_lock_lost(const message_queue&, std::error_code /*locked_elsewhere, lock_expired*/) {}
    /// Locks at a broker could not be renewed; tried again, they are trusted for 30 s since they were confirmed.
    void on_lock_failure(const std::string& /*broker name*/, std::error_code) {}
    /// An orderly listener's messages come again after a pause.
    void on_queue_suspended(const message_queue&, std::chrono::milliseconds) {}

    // Fetching.
    void on_pull(const message_queue&, std::size_t /*messages*/, std::size_t /*bytes*/,
                 std::chrono::nanoseconds /*round trip*/) {}
    void on_pull_failure(const message_queue&, std::error_code) {}
    void on_flow_control(const message_queue&, flow_state, const cache_level&) {}
    void on_offset_corrected(const message_queue&, queue_offset /*asked*/, queue_offset /*now*/) {}
    /// A stored message that could not be decoded; it is skipped, its neighbours are delivered. `offset` is -1 if unknown.
    void on_bad_message(const message_queue&, queue_offset /*offset*/, std::error_code) {}

    // Filtering.
    /**
     * @brief Whether the listener is to get this message. One that it is not counts as finished: it never comes again.
     *
     * The one function that decides something. It is asked once for each message, after the broker's and the tag filter, on
     * the strand. What it throws is told, and the message kept.
     *
     * @par Source  Java `FilterMessageHook`.
     */
    bool wants_message(const message_view&) { return true; }
    void on_filter_exception(const message_queue&, std::exception_ptr) {}

    // Consuming.
    void before_consume(std::span<const message_view>, const consume_context&) {}
    void after_consume(std::span<const message_view>, const consume_context&, consume_result) {}
    void on_listener_exception(const message_queue&, std::exception_ptr) {}
    /// An attempt to have a broker bring the message again, by itself or as a copy.
    void on_send_back(const message_view&, std::error_code /*false: the broker has it*/) {}
    /// A message that failed and will not come again; in broadcasting.
    void on_dropped(const message_view&) {}
    /// A listener call has run for too long: the message is taken from it and sent back.
    void on_consume_timeout(const message_view&, std::chrono::milliseconds /*running*/) {}
    /// Of popped messages.
    void on_ack(const message_queue&, std::size_t /*messages*/, std::error_code) {}
    /// A popped message is hidden for so long from now on: it failed, or is still being consumed.
    void on_invisible_time(const message_view&, std::chrono::milliseconds, std::error_code) {}
    /// A popped message was not consumed in time, and could not be kept longer: it comes again.
    void on_receipt_expired(const message_view&) {}

    // Offsets.
    void on_commit(const message_queue&, queue_offset, std::error_code) {}
    /// Trouble of the offset store as a whole, with a file say, or (a false code) the end of it.
    void on_offset_store(std::string_view /*where*/, std::error_code) {}
};

/**
 * @brief Hears what a consumer does: any subset of `no_observer`'s events.
 *
 * Laws: an event never changes the outcome of a message (but `wants_message`, which is there for it); events neither block
 * nor throw.
 *
 * @par Default  log_observer
 */
template <class O>
concept observer = std::derived_from<O, no_observer> && std::move_constructible<O>;

static_assert(observer<no_observer>);

/// Joins observers: each hears every event, in the order in which they are given.
template <observer... Each>
struct observers : no_observer {
    explicit observers(Each... each) : all(std::move(each)...) {}

    std::tuple<Each...> all;

#define ROCKETPUSH_FORWARD_EVENT(event)                                                                                \
    template <class... Arguments>                                                                                      \
    void event(const Arguments&... arguments) {                                                                        \
        std::apply([&](auto&... each) { (each.event(arguments...), ...); }, all);                                      \
    }
    ROCKETPUSH_FORWARD_EVENT(on_starting)
    ROCKETPUSH_FORWARD_EVENT(on_started)
    ROCKETPUSH_FORWARD_EVENT(on_stopped)
    ROCKETPUSH_FORWARD_EVENT(on_connect)
    ROCKETPUSH_FORWARD_EVENT(on_disconnect)
    ROCKETPUSH_FORWARD_EVENT(on_name_servers_changed)
    ROCKETPUSH_FORWARD_EVENT(on_name_server_lookup_failure)
    ROCKETPUSH_FORWARD_EVENT(on_route_changed)
    ROCKETPUSH_FORWARD_EVENT(on_route_failure)
    ROCKETPUSH_FORWARD_EVENT(on_heartbeat_failure)
    ROCKETPUSH_FORWARD_EVENT(on_filter_refused)
    ROCKETPUSH_FORWARD_EVENT(on_rebalance)
    ROCKETPUSH_FORWARD_EVENT(on_rebalance_failure)
    ROCKETPUSH_FORWARD_EVENT(on_queue_acquired)
    ROCKETPUSH_FORWARD_EVENT(on_queue_acquire_failure)
    ROCKETPUSH_FORWARD_EVENT(on_queue_released)
    ROCKETPUSH_FORWARD_EVENT(on_pop_begun)
    ROCKETPUSH_FORWARD_EVENT(on_pop_ended)
    ROCKETPUSH_FORWARD_EVENT(on_lock_refused)
    ROCKETPUSH_FORWARD_EVENT(on_lock_lost)
    ROCKETPUSH_FORWARD_EVENT(on_lock_failure)
    ROCKETPUSH_FORWARD_EVENT(on_queue_suspended)
    ROCKETPUSH_FORWARD_EVENT(on_pull)
    ROCKETPUSH_FORWARD_EVENT(on_pull_failure)
    ROCKETPUSH_FORWARD_EVENT(on_flow_control)
    ROCKETPUSH_FORWARD_EVENT(on_offset_corrected)
    ROCKETPUSH_FORWARD_EVENT(on_bad_message)
    ROCKETPUSH_FORWARD_EVENT(on_filter_exception)
    ROCKETPUSH_FORWARD_EVENT(before_consume)
    ROCKETPUSH_FORWARD_EVENT(after_consume)
    ROCKETPUSH_FORWARD_EVENT(on_listener_exception)
    ROCKETPUSH_FORWARD_EVENT(on_send_back)
    ROCKETPUSH_FORWARD_EVENT(on_dropped)
    ROCKETPUSH_FORWARD_EVENT(on_consume_timeout)
    ROCKETPUSH_FORWARD_EVENT(on_ack)
    ROCKETPUSH_FORWARD_EVENT(on_invisible_time)
    ROCKETPUSH_FORWARD_EVENT(on_receipt_expired)
    ROCKETPUSH_FORWARD_EVENT(on_commit)
    ROCKETPUSH_FORWARD_EVENT(on_offset_store)
#undef ROCKETPUSH_FORWARD_EVENT

    /// Those that all want.
    bool wants_message(const message_view& message) {
        return std::apply([&](auto&... each) { return (each.wants_message(message) && ...); }, all);
    }
};

namespace detail {

template <class O>
concept inherits_its_filter = std::same_as<decltype(&O::wants_message), decltype(&no_observer::wants_message)>;

} // namespace detail

/// Whether an observer decides which messages are wanted; where none does, nobody is asked.
template <observer O>
inline constexpr bool filters_messages = !detail::inherits_its_filter<O>;
template <observer... Each>
inline constexpr bool filters_messages<observers<Each...>> = (filters_messages<Each> || ...);

} // namespace rocketpush

#endif

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/// How much a log_observer writes.
enum class log_level : std::uint8_t { debug, info, warning, error, off };

/**
 * @brief Writes a consumer's changes and problems to a stream, standard error by default, a line each.
 *
 * Quiet while all is well: nothing for a message, a pull, a heartbeat or a commit that succeeded. A problem that stays
 * the same is written when it begins and then once for each hundred times; its end is written once. Nothing is formatted below
 * the level.
 *
 * `rocketpush: group billing: no route for topic orders: the name server has no route for the topic`
 *
 * @par Thread safety  As `no_observer`; lines of several threads do not mix.
 */
class log_observer : public no_observer {
  public:
    explicit log_observer(log_level least = log_level::warning, std::FILE* to = stderr) noexcept
        : least_(least), to_(to) {}

    void on_starting(std::string_view group) { group_ = group; }
    void on_started(std::string_view, std::string_view client_id) {
        write(log_level::info, "started as {}", client_id);
    }
    void on_stopped(std::string_view, std::error_code why) {
        if (why)
            write(log_level::warning, "stopped, not cleanly: {}", why.message());
        else
            write(log_level::info, "stopped");
    }

    void on_connect(const endpoint& peer, std::error_code failure) {
        if (failure)
            problem("connect " + to_string(peer), "cannot connect to {}: {}; trying again", to_string(peer),
                    failure.message());
        else
            ended("connect " + to_string(peer), "connected to {}", to_string(peer));
    }
    void on_disconnect(const endpoint& peer, std::error_code why) {
        write(log_level::warning, "lost the connection to {}: {}", to_string(peer), why.message());
    }
    void on_name_servers_changed(std::span<const endpoint> now) {
        if (least_ > log_level::warning)
            return;
        std::string list;
        for (const auto& each : now)
            (list += list.empty() ? "" : ";") += to_string(each);
        if (!ended("look-up", "the name servers are {}, looked up after all", list))
            write(log_level::info, "the name servers are {}", list);
    }
    void on_name_server_lookup_failure(const std::string& url, std::error_code why) {
        problem("look-up", "cannot look up the name servers at {}: {}; trying again", url, why.message());
    }
    void on_route_changed(const std::string& topic, std::size_t queues) {
        if (!ended("route " + topic, "topic {} has {} readable queues", topic, queues))
            write(log_level::info, "topic {} has {} readable queues", topic, queues);
    }
    void on_route_failure(const std::string& topic, std::error_code why) {
        if (!is_retry_topic(topic)) // the broker makes it when the first heartbeat has come
            problem("route " + topic, "no route for topic {}: {}; trying again", topic, why.message());
    }
    void on_heartbeat_failure(const endpoint& broker, std::error_code why) {
        problem("heartbeat " + to_string(broker), "heartbeat to {} failed: {}", to_string(broker), why.message());
    }
    void on_filter_refused(const std::string&, std::error_code why, const std::string& sentence) {
        write(log_level::error, "{} ({})", sentence, why.message());
    }
    void on_rebalance(const std::string& topic, std::span<const message_queue> all,
                      std::span<const message_queue> own) {
        write(log_level::info, "topic {}: {} of {} queues are ours", topic, own.size(), all.size());
    }
    void on_rebalance_failure(const std::string& topic, std::error_code why) {
        problem("rebalance " + topic, "cannot share out topic {}: {}; keeping what we have", topic, why.message());
    }
    void on_queue_acquired(const message_queue& queue, queue_offset first) {
        ended("acquire " + name(queue), "took over {} after all", name(queue));
        write(log_level::debug, "took over {} from offset {}", name(queue), first);
    }
    void on_queue_acquire_failure(const message_queue& queue, std::error_code why) {
        problem("acquire " + name(queue), "cannot take over {}: {}; trying again", name(queue), why.message());
    }
    void on_queue_released(const message_queue& queue, queue_offset committed) {
        write(log_level::debug, "gave up {} at offset {}", name(queue), committed);
    }
    void on_pop_begun(const message_queue& queue) { write(log_level::debug, "pops {}", name(queue)); }
    void on_pop_ended(const message_queue& queue) { write(log_level::debug, "pops {} no more", name(queue)); }
    void on_ack(const message_queue& queue, std::size_t messages, std::error_code failure) {
        if (failure)
            problem("ack " + name(queue), "cannot acknowledge {} messages of {}: {}; what is not comes again", messages,
                    name(queue), failure.message());
        else
            ended("ack " + name(queue), "acknowledged messages of {} again", name(queue));
    }
    void on_invisible_time(const message_view& message, std::chrono::milliseconds hidden, std::error_code failure) {
        if (failure)
            write(log_level::warning, "cannot hide {} for {} ms: {}; it may come again before", message.message_id(),
                  hidden.count(), failure.message());
    }
    void on_receipt_expired(const message_view& message) {
        write(log_level::warning, "{} was not consumed within its invisible time; it comes again",
              message.message_id());
    }
    void on_lock_refused(const message_queue& queue) {
        write(log_level::debug, "{} is locked by another member; trying again", name(queue));
    }
    void on_lock_lost(const message_queue& queue, std::error_code why) {
        write(log_level::warning, "lost the lock of {}: {}; taking it over anew", name(queue), why.message());
    }
    void on_lock_failure(const std::string& broker, std::error_code why) {
        problem("lock " + broker, "cannot renew the locks at broker {}: {}; trying again", broker, why.message());
    }
    void on_queue_suspended(const message_queue& queue, std::chrono::milliseconds pause) {
        write(log_level::debug, "{} is suspended for {} ms", name(queue), pause.count());
    }
    void on_pull_failure(const message_queue& queue, std::error_code why) {
        problem("pull " + name(queue), "pulling {} failed: {}; trying again", name(queue), why.message());
    }
    void on_flow_control(const message_queue& queue, flow_state why, const cache_level& level) {
        static constexpr std::string_view reasons[] = {"",           "message limit", "byte limit",
                                                       "span limit", "suspended",     "memory budget"};
        write(log_level::debug, "{} is not pulled ({}): {} messages, {} bytes, span {}", name(queue),
              reasons[static_cast<std::size_t>(why)], level.messages, level.bytes, level.span);
    }
    void on_offset_corrected(const message_queue& queue, queue_offset asked, queue_offset now) {
        write(log_level::warning, "{}: offset {} is not in the broker's range, going on at {}", name(queue), asked,
              now);
    }
    void on_bad_message(const message_queue& queue, queue_offset offset, std::error_code why) {
        write(log_level::error, "{}: message at offset {} skipped: {}", name(queue), offset, why.message());
    }
    void on_filter_exception(const message_queue& queue, std::exception_ptr thrown) {
        if (least_ <= log_level::warning)
            write(log_level::warning, "{}: the filter threw, the message is kept: {}", name(queue), text_of(thrown));
    }
    void on_listener_exception(const message_queue& queue, std::exception_ptr thrown) {
        if (least_ <= log_level::warning)
            write(log_level::warning, "{}: the listener threw, the message is not consumed: {}", name(queue),
                  text_of(thrown));
    }
    void on_send_back(const message_view& message, std::error_code failure) {
        if (failure)
            write(log_level::warning, "sending back {} failed: {}; trying on", message.message_id(), failure.message());
    }
    void on_consume_timeout(const message_view& message, std::chrono::milliseconds running) {
        write(log_level::warning, "the listener has been at {} for {} s; it is sent back", message.message_id(),
              std::chrono::duration_cast<std::chrono::seconds>(running).count());
    }
    void on_dropped(const message_view& message) {
        write(log_level::warning, "message {} of topic {} failed and is dropped", message.message_id(),
              message.topic());
    }
    void on_commit(const message_queue& queue, queue_offset offset, std::error_code failure) {
        if (failure && store_fails_)
            return; // that of the store says it for all queues
        if (failure)
            problem("commit " + name(queue), "cannot commit offset {} of {}: {}; trying again", offset, name(queue),
                    failure.message());
        else
            ended("commit " + name(queue), "committed {} again", name(queue));
    }
    void on_offset_store(std::string_view where, std::error_code failure) {
        const auto what = "offsets " + std::string(where);
        store_fails_    = static_cast<bool>(failure);
        if (failure)
            problem(what, "offsets in {}: {}", where, failure.message());
        else
            ended(what, "offsets are kept in {} again", where);
    }

    // Asio moves observers into their consumer before the first event; the lock itself does not move.
    log_observer(log_observer&& other) noexcept
        : least_(other.least_), to_(other.to_), group_(std::move(other.group_)) {}
    log_observer(const log_observer& other) : least_(other.least_), to_(other.to_), group_(other.group_) {}

  private:
    static std::string text_of(const std::exception_ptr& thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            return e.what();
        } catch (...) {
            return "not a std::exception";
        }
    }
    static std::string name(const message_queue& queue) {
        return fmt::format("{}/{}/{}", queue.topic, queue.broker_name, queue.queue_id);
    }

    template <class... Arguments>
    void write(log_level level, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        if (level >= least_)
            write_line(text, fmt::make_format_args(arguments...));
    }

    void write_line(fmt::string_view text, fmt::format_args arguments) {
        const std::lock_guard lock(mutex_);
        const auto line = fmt::format("rocketpush: group {}: {}\n", group_, fmt::vformat(text, arguments));
        std::fwrite(line.data(), 1, line.size(), to_);
        std::fflush(to_);
    }

    template <class... Arguments>
    void problem(const std::string& what, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        if (least_ <= log_level::warning && problems_[what]++ % 100 == 0)
            write(log_level::warning, text, std::forward<Arguments>(arguments)...);
    }

    /// @return Whether it was a problem, so that its end was written.
    template <class... Arguments>
    bool ended(const std::string& what, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        if (problems_.empty() || problems_.erase(what) == 0)
            return false;
        write(log_level::warning, text, std::forward<Arguments>(arguments)...);
        return true;
    }

    log_level least_;
    std::FILE* to_;
    std::string group_;
    std::mutex mutex_;
    bool store_fails_ = false;                 ///< The offset store as a whole. Strand only.
    std::map<std::string, unsigned> problems_; ///< Those that go on, with how often they were seen. Strand only.
};
static_assert(observer<log_observer>);

} // namespace rocketpush

#endif
// rocketpush/observe/statistics.hpp
#ifndef ROCKETPUSH_OBSERVE_STATISTICS_HPP
#define ROCKETPUSH_OBSERVE_STATISTICS_HPP


#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rocketpush {

/// Where a queue is in its life with this member.
enum class queue_stage : std::uint8_t {
    acquiring, ///< Assigned; its first offset is being found.
    fetching,  ///< Pulled and consumed.
    releasing  ///< Given up; running listener calls end and the offset is being committed.
};

/// What a member knows of a queue's lock at its broker; orderly consumers only.
enum class lock_state : std::uint8_t {
    not_needed, ///< Concurrent, or a broadcasting member: no lock is asked for.
    not_held,   ///< Not asked for yet, or another member has it.
    held,       ///< Ours.
    expired,    ///< Ours when the broker was heard last, which is too long ago: no listener call begins.
    lost        ///< Was ours; the queue is given up and taken over anew.
};

/// What was done since start; sums that only grow.
struct work_counts {
    std::uint64_t pulls        = 0;           ///< That found messages.
    std::uint64_t pulled       = 0;           ///< Messages, after filtering.
    std::uint64_t pulled_bytes = 0;           ///< Of whole frames.
    std::uint64_t filtered     = 0;           ///< Messages that the tag filter or an observer removed here.
    std::uint64_t refetched    = 0;           ///< Messages of answers for which there was no memory; pulled again.
    std::uint64_t bad          = 0;           ///< Messages that could not be decoded.
    std::uint64_t calls        = 0;           ///< Of the listener.
    std::uint64_t succeeded    = 0;           ///< Messages.
    std::uint64_t failed       = 0;           ///< Messages that the listener wants again.
    std::uint64_t sent_back    = 0;           ///< Of those, confirmed by a broker.
    std::uint64_t dropped      = 0;           ///< Of those, given up; in broadcasting.
    std::chrono::nanoseconds pull_time{0};    ///< From request to answer, summed over `pulls`.
    std::chrono::nanoseconds consume_time{0}; ///< Of listener calls, summed.
    std::uint64_t consumed_again = 0; ///< Failed messages that the listener got here once more: no broker took them.
    std::uint64_t timed_out      = 0; ///< Messages taken from listener calls that ran too long.
    std::uint64_t acknowledged = 0;           ///< Popped messages, confirmed by the broker; those that the filter removed too.

    work_counts& operator+=(const work_counts& more) noexcept {
        pulls += more.pulls, pulled += more.pulled, pulled_bytes += more.pulled_bytes;
        filtered += more.filtered, refetched += more.refetched, bad += more.bad, calls += more.calls;
        succeeded += more.succeeded, failed += more.failed, sent_back += more.sent_back, dropped += more.dropped;
        consumed_again += more.consumed_again, timed_out += more.timed_out;
        acknowledged += more.acknowledged;
        pull_time += more.pull_time, consume_time += more.consume_time;
        return *this;
    }
};

/**
 * @brief Sums of the last minute: a sample every 10 s, seven are kept.
 * @par Source  Java `StatsItem`.
 */
class rate_window {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    void sample(time_point now, const work_counts& sums) noexcept {
        std::ranges::rotate(samples_, samples_.begin() + 1);
        samples_.back() = {now, sums};
        filled_         = std::min(filled_ + 1, samples_.size());
    }

    /// Per second, from the oldest kept sample to `sums` of `now`; 0 without a sample or without time.
    template <class Figure>
    double per_second(time_point now, const work_counts& sums, Figure figure) const noexcept {
        if (filled_ == 0)
            return 0;
        const auto& oldest = samples_[samples_.size() - filled_];
        const auto seconds = std::chrono::duration<double>(now - oldest.at).count();
        return seconds <= 0 ? 0 : static_cast<double>(figure(sums) - figure(oldest.sums)) / seconds;
    }

  private:
    struct taken {
        time_point at{};
        work_counts sums;
    };
    std::array<taken, 7> samples_{};
    std::size_t filled_ = 0;
};

/// One queue as it is at this moment.
struct queue_statistics {
    message_queue queue;
    queue_stage stage = queue_stage::acquiring;
    std::chrono::milliseconds in_stage_for{0};
    queue_offset next_pull   = 0;
    queue_offset committable = 0;  ///< The first unfinished message, or the next pull.
    queue_offset committed   = -1; ///< What the store confirmed; -1: nothing yet.
    queue_offset broker_max  = -1; ///< End of the queue as the last pull told; -1: no pull was answered yet.
    std::int64_t lag         = 0;  ///< Messages from `committable` to the end.
    cache_level cached;
    bool running    = false; ///< Whether listener calls or send-backs are under way.
    flow_state flow = flow_state::open;
    lock_state lock = lock_state::not_needed;
    std::chrono::milliseconds lock_age{0}; ///< Since the request was sent that confirmed the lock last; 0 without one.
    bool suspended = false;                ///< An orderly listener asked for a pause.
    work_counts counts;
};

/// One queue that is popped, as it is at this moment.
struct popped_queue_statistics {
    message_queue queue; ///< Its id may be -1: all queues of the broker.
    queue_stage stage = queue_stage::fetching;
    std::chrono::milliseconds in_stage_for{0};
    std::size_t waiting    = 0;  ///< Messages that were popped and not yet acknowledged. Java: waitAckCount.
    std::size_t held_bytes = 0;
    std::int64_t rest      = -1; ///< About how many messages the broker had left; -1: no pop has found any yet.
    std::chrono::milliseconds since_last_pop{0};
    bool running    = false; ///< Whether listener calls are under way.
    flow_state flow = flow_state::open;
    work_counts counts;
};

/// A consumer as it is at this moment. @par Source Java `ConsumerRunningInfo`, `ConsumeStatus`.
struct consumer_statistics {
    std::string group;
    std::string client_id;
    std::vector<queue_statistics> queues{};
    std::vector<popped_queue_statistics> popped{}; ///< Queues that are popped; see broker_allocation.
    work_counts counts{}; ///< Of all queues, those given up included.
    std::int64_t lag            = 0;
    std::size_t cached_messages = 0;
    std::size_t cached_bytes    = 0;
    std::size_t block_bytes     = 0;     ///< Memory of all frames held, of the whole client instance.
    bool suspended              = false; ///< By `suspend()`: on purpose, not stalled.

    // Of the last minute.
    double pulls_per_second     = 0;
    double pulled_per_second    = 0;
    double consumed_per_second  = 0;
    double failed_per_second    = 0;
    double pull_milliseconds    = 0; ///< Mean of a pull that found messages.
    double consume_milliseconds = 0; ///< Mean of a listener call.
};

} // namespace rocketpush

#endif

// fetch: asking and holding; consume: running the listener; rebalance: sharing out
// rocketpush/fetch/pull_loop.hpp
#ifndef ROCKETPUSH_FETCH_PULL_LOOP_HPP
#define ROCKETPUSH_FETCH_PULL_LOOP_HPP

// rocketpush/fetch/flow_control.hpp
#ifndef ROCKETPUSH_FETCH_FLOW_CONTROL_HPP
#define ROCKETPUSH_FETCH_FLOW_CONTROL_HPP


#include <cstddef>
#include <cstdint>

namespace rocketpush {

/// How much of one queue may be held.
struct cache_limits {
    std::size_t messages = 1000;
    std::size_t bytes    = 100u << 20;
    std::int64_t span    = 2000;
};

/**
 * @brief Whether a queue that holds `level` may be pulled: Java's rule, "beyond the limit", so up to one batch more than
 *        the limit is held.
 *
 * 1000 cached messages and a limit of 1000: open. 1001: too_many_messages.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.pullMessage`. Differs: the span is measured from the committable offset,
 *              so it bounds what comes twice after a crash.
 */
constexpr flow_state flow_control(const cache_level& level, const cache_limits& limits) noexcept {
    if (level.messages > limits.messages)
        return flow_state::too_many_messages;
    if (level.bytes > limits.bytes)
        return flow_state::too_many_bytes;
    if (level.span > limits.span)
        return flow_state::too_wide_a_span;
    return flow_state::open;
}

} // namespace rocketpush

#endif

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

namespace rocketpush {

/// What a pull loop wants done next.
namespace pull_action {

/// Ask the broker for messages from `offset`.
struct request {
    queue_offset offset;
    bool operator==(const request&) const = default;
};
/// Ask again after `delay`, or as soon as the queue is given up.
struct wait {
    std::chrono::milliseconds delay;
    bool operator==(const wait&) const = default;
};
/// Ask again when messages were finished. `why` is never `flow_state::open`.
struct pause {
    flow_state why;
    bool operator==(const pause&) const = default;
};
/// The broker has no such offset: find out from the master where to go on. `offered` is what this broker proposed.
struct reposition {
    queue_offset asked;
    queue_offset offered;
    bool operator==(const reposition&) const = default;
};

using any = std::variant<request, wait, pause, reposition>;

} // namespace pull_action

struct pull_pace {
    cache_limits limits;
    std::chrono::milliseconds interval{0};            ///< Between two pulls that found messages.
    std::chrono::milliseconds error_delay{1000};      ///< After an error.
    std::chrono::milliseconds flow_control_delay{20}; ///< After the broker's FLOW_CONTROL answer.
};

/**
 * @brief Decides what one queue's fetching does next. It is told what happened; it knows no socket, timer or thread.
 *
 * `next()` after every event. At most one request is ever under way, since it is asked for only here.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.pullMessage` and its `PullCallback`. Differs: flow control waits for an
 *              event where Java polls every 50 ms.
 */
class pull_loop {
  public:
    pull_loop(queue_offset first, const pull_pace& pace) noexcept : pace_(pace), offset_(first) {}

    queue_offset offset() const noexcept { return offset_; }

    /// Messages came (or only such that the filter removed); the next ones begin at `next`.
    void found(queue_offset next) noexcept {
        offset_ = next;
        delay_  = pace_.interval;
    }
    /// Nothing matched before `next`, or the broker held the pull until its time was over.
    void found_nothing(queue_offset next) noexcept { offset_ = next; }
    /// The broker says "again, at once" and does not move on, as a slave does that must not be read from.
    void found_no_way() noexcept { delay_ = pace_.error_delay; }

    /// The broker says that the offset is not in its range.
    void offset_illegal(queue_offset offered) noexcept {
        illegal_ = true;
        offered_ = offered;
    }
    /// The pull failed: a broker's refusal, a lost connection, a timeout.
    void failed(std::error_code why) noexcept {
        delay_ = why == response_code::flow_control ? pace_.flow_control_delay : pace_.error_delay;
    }

    /// From now on.
    void limit(const cache_limits& limits) noexcept { pace_.limits = limits; }

    /**
     * @brief What to do now that this much is cached. A delay is asked for once, then the loop goes on.
     * @param outside  What keeps the queue from being pulled whatever it holds itself.
     */
    pull_action::any next(const cache_level& level, flow_state outside = flow_state::open) noexcept {
        using namespace pull_action;
        if (illegal_) {
            illegal_ = false;
            return reposition{offset_, offered_};
        }
        if (delay_ != std::chrono::milliseconds::zero())
            return wait{std::exchange(delay_, std::chrono::milliseconds::zero())};
        if (outside == flow_state::suspended)
            return pause{outside};
        if (const auto state = flow_control(level, pace_.limits); state != flow_state::open)
            return pause{state};
        if (outside != flow_state::open)
            return pause{outside};
        return request{offset_};
    }

  private:
    pull_pace pace_;
    queue_offset offset_;
    queue_offset offered_ = 0;
    std::chrono::milliseconds delay_{0};
    bool illegal_ = false;
};

/// What is known when a pull's offset was refused.
struct refused_offset {
    queue_offset asked;
    queue_offset offered;               ///< What the refusing broker proposed.
    queue_offset minimum;               ///< The master's.
    queue_offset maximum;               ///< The master's.
    /// The master's first message that was stored no earlier than the newest that we have had of the queue; if we have had any.
    std::optional<queue_offset> unseen = std::nullopt;
    bool reset                 = false; ///< The broker says that an administrator reset the offset.
    bool made_anew             = false; ///< The topic was away meanwhile, so the queue is another one.
    beyond_end when_beyond_end = beyond_end::last;
};

/**
 * @brief Where to go on after OFFSET_ILLEGAL. The master's range decides, not the one broker that refused: a slave that
 *        lags offers 0, which would bring days of old messages again.
 *
 * A reset is obeyed; an offset below the minimum becomes the minimum; one that the master does have is kept. Beyond the maximum
 * (messages were lost, or the topic was made anew while a pull was held) it goes on with what we have not had, or as the options
 * say. In a topic that was made anew all is new.
 */
constexpr queue_offset corrected_offset(const refused_offset& refused) noexcept {
    if (refused.reset)
        return refused.offered;
    if (refused.made_anew)
        return refused.minimum;
    if (refused.asked < refused.minimum)
        return refused.minimum;
    if (refused.asked > refused.maximum) {
        if (refused.when_beyond_end == beyond_end::first)
            return refused.minimum;
        return std::clamp(refused.unseen.value_or(refused.maximum), refused.minimum, refused.maximum);
    }
    return refused.asked;
}

} // namespace rocketpush

#endif
// rocketpush/fetch/pulled_batch.hpp
#ifndef ROCKETPUSH_FETCH_PULLED_BATCH_HPP
#define ROCKETPUSH_FETCH_PULLED_BATCH_HPP

// rocketpush/detail/shared_cell.hpp
#ifndef ROCKETPUSH_DETAIL_SHARED_CELL_HPP
#define ROCKETPUSH_DETAIL_SHARED_CELL_HPP

#include <atomic>
#include <type_traits>
#include <utility>

namespace rocketpush::detail {

/// The part of std::atomic's interface that is used here, on a plain value: for consumers with one thread.
template <class T>
class plain_cell {
  public:
    constexpr plain_cell() noexcept = default;
    constexpr explicit plain_cell(T value) noexcept : value_(value) {}

    T load(std::memory_order = std::memory_order_seq_cst) const noexcept { return value_; }
    void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept { value_ = value; }
    T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept { return std::exchange(value_, value); }
    T fetch_add(T more, std::memory_order = std::memory_order_seq_cst) noexcept {
        return std::exchange(value_, static_cast<T>(value_ + more));
    }
    T fetch_sub(T less, std::memory_order = std::memory_order_seq_cst) noexcept {
        return std::exchange(value_, static_cast<T>(value_ - less));
    }

  private:
    T value_{};
};

/// An atomic where listeners run on other threads, a plain value where everything is on the strand.
template <class T, bool Concurrent>
using shared_cell = std::conditional_t<Concurrent, std::atomic<T>, plain_cell<T>>;

} // namespace rocketpush::detail

#endif
// rocketpush/fetch/claim_history.hpp
#ifndef ROCKETPUSH_FETCH_CLAIM_HISTORY_HPP
#define ROCKETPUSH_FETCH_CLAIM_HISTORY_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace rocketpush {

/**
 * @brief Since when the messages of one batch have been with the listener, as far as somebody looks now and then.
 *
 * Messages are claimed in their order, so how many had been claimed at each look says it of every one; runners note
 * nothing. A message counts from the first look that saw it claimed: never from too early a time, and late by less than
 * the time between two looks.
 *
 * @par Source  Java writes the property `CONSUME_START_TIME` into each message.
 */
class claim_history {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @param claimed  How many messages have been claimed; grows.
    void look(std::uint32_t claimed, time_point now) {
        if (claimed != (looks_.empty() ? 0 : looks_.back().claimed))
            looks_.push_back({claimed, now});
    }

    /// How many of the first messages have been with the listener since `then` or longer.
    std::uint32_t claimed_at(time_point then) const noexcept {
        const auto behind = std::ranges::upper_bound(looks_, then, {}, &seen::at);
        return behind == looks_.begin() ? 0 : std::prev(behind)->claimed;
    }

    /// When a message that has been seen was seen first.
    time_point seen_at(std::uint32_t index) const noexcept {
        return std::ranges::upper_bound(looks_, index, {}, &seen::claimed)->at;
    }
    bool has_seen(std::uint32_t index) const noexcept { return !looks_.empty() && index < looks_.back().claimed; }

    void clear() noexcept { looks_.clear(); }

  private:
    struct seen {
        std::uint32_t claimed;
        time_point at;
    };
    std::vector<seen> looks_; ///< Both members grow, so at most one for each message.
};

} // namespace rocketpush

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace rocketpush {

/// How far one message of a batch is.
enum class message_progress : std::uint8_t {
    unfinished,   ///< Not yet consumed, or a listener is at it.
    failed,       ///< The listener wants it again; the strand has not seen to it yet.
    sending_back, ///< On its way back to the broker, or to be consumed here once more.
    consumed,     ///< In order, by a listener that commits itself and has not yet.
    finished      ///< Consumed, or confirmed by the broker to come again.
};

/// A run of messages of one batch that one listener call gets. Empty: nothing was left to claim.
struct batch_slice {
    std::uint32_t first = 0;
    std::uint32_t count = 0;

    explicit operator bool() const noexcept { return count != 0; }
};

/**
 * @brief The messages of one pull response: the unit of dispatch, of memory and of offsets.
 *
 * The strand fills it and hands it to the executor once. Whoever runs it claims slices with one atomic add each and
 * marks in the batch what it finished; the strand hears when the last runner has left, and reads the marks whenever it
 * commits offsets. So a message costs no queue push, wake-up or post of its own.
 *
 * Batches are reused: their vectors keep their capacity, so a steady stream of pulls allocates nothing.
 *
 * @tparam Concurrent  Whether runners are on other threads than the strand; if not there are no atomics.
 * @par Thread safety  `claim`, `mark`, `messages`, `views`, `enter`, `leave`, `tally` for runners; the rest for the strand.
 */
template <bool Concurrent>
class pulled_batch {
  public:
    template <class T>
    using cell = detail::shared_cell<T, Concurrent>;

    pulled_batch()                               = default;
    pulled_batch(const pulled_batch&)            = delete;
    pulled_batch& operator=(const pulled_batch&) = delete;

    // Filling it, by the strand before dispatch.

    detail::message_origin origin{};
    detail::block_ref frame;     ///< Holds the bytes of all messages.
    detail::byte_arena inflated; ///< Holds bodies that were compressed.
    std::vector<detail::message_fields> messages;
    std::size_t frame_size = 0;       ///< Its share of `frame`, bytes; flow control counts them with the inflated ones.
    void* home             = nullptr; ///< The owned queue; kept until no batch of it has a runner.
    bool popped            = false;   ///< It is a popped_batch, and `home` a popped_queue.

    /// Call when `messages` is complete; resets claims and marks.
    void prepare() {
        if (capacity_ < messages.size()) {
            capacity_     = std::max<std::size_t>(messages.size(), 32);
            progress_     = std::make_unique<cell<message_progress>[]>(capacity_);
            delay_levels_ = std::make_unique<int[]>(capacity_);
        }
        // A view is where its message lies, so the views of another batch in the same place will do.
        const bool same_place = !views_.empty() && &views_.front().fields() == messages.data();
        if (!same_place || views_.size() < messages.size()) {
            views_.clear();
            for (const auto& each : messages)
                views_.emplace_back(each);
        }
        for (std::size_t i = 0; i < messages.size(); ++i)
            progress_[i].store(message_progress::unfinished, std::memory_order_relaxed);
        next_.store(0, std::memory_order_relaxed);
        taken_over_.reset();
        claims.clear();
        may_run_         = size();
        finished_prefix_ = 0;
        under_send_back  = 0;
        tally            = {};
    }

    // Running it.

    /// Whether the queue had more messages than these when they were pulled.
    bool has_more_behind() const noexcept { return messages.back().queue_offset + 1 < origin.max_offset; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(messages.size()); }
    std::span<const message_view> views(batch_slice slice) const noexcept {
        return std::span(views_).subspan(slice.first, slice.count);
    }

    /// Takes the next messages, at most `most`. Each message is claimed once.
    batch_slice claim(std::uint32_t most) noexcept {
        const auto first = next_.fetch_add(most, std::memory_order_relaxed);
        if (first >= size())
            return {};
        return {first, std::min(most, size() - first)};
    }
    std::uint32_t claimed_count() const noexcept { return size() - unclaimed_count(); }
    bool has_unclaimed() const noexcept { return next_.load(std::memory_order_relaxed) < size(); }
    std::uint32_t unclaimed_count() const noexcept {
        const auto next = next_.load(std::memory_order_relaxed);
        return next < size() ? size() - next : 0;
    }

    void mark_finished(std::uint32_t index) noexcept {
        progress_[index].store(message_progress::finished, std::memory_order_release);
    }
    void mark_failed(std::uint32_t index, int delay_level) noexcept {
        delay_levels_[index] = delay_level;
        progress_[index].store(message_progress::failed, std::memory_order_release);
    }

    // In order: one runner at a time, who goes by the marks and claims nothing.

    void mark_consumed(std::uint32_t index) noexcept {
        progress_[index].store(message_progress::consumed, std::memory_order_release);
    }
    /// The next messages from `at` on that are not consumed, at most `most`, without a gap. Empty: there are none.
    batch_slice next_unconsumed(std::uint32_t at, std::uint32_t most) const noexcept {
        while (at < size() && progress(at) != message_progress::unfinished)
            ++at;
        auto end = at;
        while (end < size() && end - at < most && progress(end) == message_progress::unfinished)
            ++end;
        return {at, end - at};
    }

    /// Runners count themselves in and out; the one that leaves last tells the strand.
    void enter() noexcept { runners_.fetch_add(1, std::memory_order_relaxed); }
    /// As `enter`, unless nobody is in it any more.
    [[nodiscard]] bool enter_if_running() noexcept {
        auto count = runners_.load(std::memory_order_relaxed);
        while (count != 0)
            if (runners_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
                return true;
        return false;
    }
    [[nodiscard]] bool leave() noexcept { return runners_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

    /// What runners did, summed up once for each time one enters.
    struct tally_counts {
        cell<std::uint64_t> calls{0}, succeeded{0}, failed{0}, nanoseconds{0};

        tally_counts& operator=(std::initializer_list<int>) noexcept {
            for (auto* each : {&calls, &succeeded, &failed, &nanoseconds})
                each->store(0, std::memory_order_relaxed);
            return *this;
        }
    } tally;

    // Looking at it, by the strand.

    message_progress progress(std::uint32_t index) const noexcept {
        if (is_taken_over(index)) [[unlikely]]
            return taken_over_[index];
        return marked(index);
    }
    /// Takes a message from a listener that is at it for too long: what that still answers is not heard.
    /// @return False: it has answered.
    bool take_over(std::uint32_t index) {
        if (progress(index) != message_progress::unfinished)
            return false;
        if (!taken_over_)
            taken_over_ = std::make_unique<message_progress[]>(capacity_);
        taken_over_[index] = message_progress::sending_back;
        return true;
    }
    bool is_taken_over(std::uint32_t index) const noexcept {
        return taken_over_ && taken_over_[index] != message_progress::unfinished;
    }
    /// Whether the listener has succeeded with a message that was taken from it.
    bool succeeded_late(std::uint32_t index) const noexcept {
        return is_taken_over(index) && marked(index) == message_progress::finished;
    }
    /// Of a failed message; 0 of others.
    int delay_level(std::uint32_t index) const noexcept {
        const auto at = progress(index);
        return at == message_progress::failed || at == message_progress::sending_back ? delay_levels_[index] : 0;
    }
    void set_progress(std::uint32_t index, message_progress value) noexcept {
        if (is_taken_over(index))
            taken_over_[index] = value;
        else
            progress_[index].store(value, std::memory_order_relaxed);
    }

    std::uint32_t runners() const noexcept { return runners_.load(std::memory_order_acquire); }
    bool running() const noexcept { return runners() != 0; }

    /// Makes what nobody has claimed yet unclaimable: those listener calls will not start.
    /// @return Whether anything had been claimed.
    bool cancel_unclaimed() noexcept {
        const auto claimed = next_.exchange(size(), std::memory_order_relaxed);
        may_run_           = std::min(may_run_, claimed);
        return claimed != 0;
    }

    /// Whether a listener call is at a message of it or may begin to, or one is on its way elsewhere. Where all was cancelled the
    /// batch may still wait in the executor's line, to be found empty.
    bool consuming() const noexcept {
        if (heard || under_send_back != 0)
            return under_send_back != 0;
        for (std::uint32_t i = 0; i < may_run_; ++i)
            if (const auto at = progress(i); at == message_progress::unfinished || at == message_progress::failed)
                return true;
        return false;
    }

    /// The last runner has left, and the strand knows it.
    void hear() noexcept {
        heard = true;
        if (tally.succeeded.load(std::memory_order_relaxed) == size() && !taken_over_)
            finished_prefix_ = size(); // no need to look at each
    }

    /// The offset of the first message that is not finished; empty when all are.
    std::optional<queue_offset> first_unfinished() noexcept {
        if (taken_over_) [[unlikely]]
            while (finished_prefix_ < size() && progress(finished_prefix_) == message_progress::finished)
                ++finished_prefix_;
        else
            while (finished_prefix_ < size() && marked(finished_prefix_) == message_progress::finished)
                ++finished_prefix_;
        if (finished_prefix_ == size())
            return std::nullopt;
        return messages[finished_prefix_].queue_offset;
    }

    std::size_t unfinished_count() const noexcept {
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < size(); ++i)
            count += progress(i) != message_progress::finished;
        return count;
    }

    std::size_t held_bytes() const noexcept { return frame_size + inflated.used_bytes(); }
    /// Whether it was let go of: all messages are finished, only the place in the order is kept.
    bool released() const noexcept { return frame_size == 0; }

    claim_history claims;                    ///< Of a batch that takes long.
    std::uint32_t under_send_back = 0;       ///< Send-back operations at its messages, and echoes of them.
    pulled_batch* echo_of         = nullptr; ///< Its only message is one of that batch, consumed once more here ...
    std::uint32_t echo_index      = 0;       ///< ... namely this one.
    bool heard                    = false;   ///< The last runner left and the strand knows it.
    pulled_batch* next_left       = nullptr; ///< Link of the list of batches whose last runner left.
    std::uint32_t place           = 0;       ///< In the list of batches that are out.
    std::uint32_t unclaimed_then  = 0;       ///< When the strand looked at it last.

    /// Lets go of the bytes when all messages are finished; their offsets stay known.
    void release_bytes() noexcept {
        frame = {};
        inflated.clear();
        frame_size = 0;
    }

    /// Makes it ready for another pull; keeps capacities.
    void clear() noexcept {
        release_bytes();
        messages.clear();
        heard     = false;
        next_left = nullptr;
        echo_of   = nullptr;
    }

  private:
    message_progress marked(std::uint32_t index) const noexcept {
        return progress_[index].load(std::memory_order_acquire);
    }

    std::vector<message_view> views_; ///< Of the messages in their order, and perhaps of former ones behind them.
    std::unique_ptr<cell<message_progress>[]> progress_;
    std::unique_ptr<int[]> delay_levels_; ///< Of failed messages.
    std::unique_ptr<message_progress[]>
        taken_over_; ///< How far those are, the strand's alone; `unfinished` are the others.
    std::size_t capacity_ = 0;
    cell<std::uint32_t> next_{0};
    cell<std::uint32_t> runners_{0};
    std::uint32_t may_run_         = 0; ///< So many of its first messages were not cancelled.
    std::uint32_t finished_prefix_ = 0;
};

/// Keeps finished batches for the next pull. @par Thread safety None; used on the strand.
template <bool Concurrent>
class batch_pool {
  public:
    using batch_type = pulled_batch<Concurrent>;

    explicit batch_pool(std::size_t retained = 256) : retained_(retained) {}

    std::unique_ptr<batch_type> take() {
        if (free_.empty())
            return std::make_unique<batch_type>();
        auto taken = std::move(free_.back());
        free_.pop_back();
        return taken;
    }
    void give_back(std::unique_ptr<batch_type> batch) {
        batch->clear();
        if (free_.size() < retained_)
            free_.push_back(std::move(batch));
    }

  private:
    std::size_t retained_;
    std::vector<std::unique_ptr<batch_type>> free_;
};

} // namespace rocketpush

#endif
// rocketpush/fetch/process_queue.hpp
#ifndef ROCKETPUSH_FETCH_PROCESS_QUEUE_HPP
#define ROCKETPUSH_FETCH_PROCESS_QUEUE_HPP


#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What was pulled from one queue and is not finished, and the offset that may be committed for it.
 *
 * The offset never passes an unfinished message: it is the first unfinished one's, or, when all are finished, the offset
 * of the next pull (what a filter removed before it needs nobody).
 *
 * @par Thread safety  None; on the strand. Runners mark messages in the batches meanwhile.
 * @par Source         Java `ProcessQueue`. Differs: batches in place of a tree of messages.
 */
template <bool Concurrent>
class process_queue {
  public:
    using batch_type = pulled_batch<Concurrent>;

    explicit process_queue(queue_offset first) noexcept : next_pull_(first) {}

    /// The offset of the next pull.
    queue_offset next_pull() const noexcept { return next_pull_; }
    /// A pull brought the queue up to `offset`; messages between were appended, or filtered out.
    void advance(queue_offset offset) noexcept { next_pull_ = offset; }

    batch_type& append(std::unique_ptr<batch_type> batch) {
        batches_.push_back(std::move(batch));
        batch_type& kept = *batches_.back();
        messages_ += kept.size();
        bytes_ += kept.held_bytes();
        inflated_ += kept.inflated.used_bytes();
        return kept;
    }

    /// The next offset that the group needs.
    queue_offset committable() noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (const auto offset = batches_[i]->first_unfinished())
                return *offset;
        return next_pull_;
    }

    /// What flow control looks at. Counts a batch whole until its last runner has left.
    cache_level level() noexcept { return {messages_, bytes_, next_pull_ - committable()}; }

    bool empty() const noexcept { return batches_.empty(); }
    std::size_t cached_messages() const noexcept { return messages_; }
    std::size_t cached_bytes() const noexcept { return bytes_; }
    /// Of them, bodies that were inflated.
    std::size_t inflated_bytes() const noexcept { return inflated_; }

    /// Keeps the echo of a message that is consumed here once more. It needs no memory of its own, and counts in nothing.
    batch_type& keep_echo(std::unique_ptr<batch_type> echo) {
        echoes_.push_back(std::move(echo));
        return *echoes_.back();
    }
    std::unique_ptr<batch_type> take_echo(const batch_type& echo) noexcept {
        const auto found = std::ranges::find(echoes_, &echo, [](const auto& each) { return each.get(); });
        auto taken       = std::move(*found);
        *found           = std::move(echoes_.back());
        echoes_.pop_back();
        return taken;
    }

    /// `f(batch)` for each that the listener may be at.
    template <class F>
    void for_each_running(F f) {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (!batches_[i]->heard)
                f(*batches_[i]);
        for (const auto& echo : echoes_)
            f(*echo);
    }

    /// Whether a batch is with the executor, or a message on its way back to the broker. (That a batch's last runner has left is
    /// not enough: until the strand has heard of it, it is in a list of those that have.)
    bool busy() const noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (!batches_[i]->heard || batches_[i]->under_send_back != 0)
                return true;
        return false;
    }

    /// Whether what may be committed can still change. Less than `busy`: batches that were cancelled stay in the executor's line,
    /// behind what other queues have there, until a thread finds them empty.
    bool consuming() const noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (batches_[i]->consuming())
                return true;
        return false;
    }

    /// No further listener call starts behind the last message that one has got. What lies before it still runs: batches run
    /// side by side, the offset to commit cannot pass a gap, and what was consumed behind the gap would come twice.
    void cancel_behind_last_claimed() noexcept {
        for (std::size_t i = batches_.size(); i > 0; --i)
            if (batches_[i - 1]->cancel_unclaimed())
                return;
    }

    /// No further listener call starts for what is cached.
    void cancel_unclaimed() noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            batches_[i]->cancel_unclaimed();
        for (const auto& echo : echoes_)
            echo->cancel_unclaimed();
    }

    /// Calls `look(batch)` with each batch in the order of the offsets, until it says false.
    template <class Look>
    void visit(Look&& look) {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (!look(*batches_[i]))
                return;
    }

    /// Lets go of the bytes of every batch that is finished, and gives those at the front, which the offset has
    /// passed, to `recycle(std::unique_ptr<batch>)`.
    template <class Recycle>
    void retire_finished(Recycle&& recycle) {
        for (std::size_t i = 0; i < batches_.size(); ++i) {
            batch_type& each = *batches_[i];
            if (!each.heard || each.under_send_back != 0 || each.first_unfinished() || each.released())
                continue;
            messages_ -= each.size();
            bytes_ -= each.held_bytes();
            inflated_ -= each.inflated.used_bytes();
            each.release_bytes();
        }
        while (!batches_.empty() && batches_[0]->released())
            recycle(batches_.take_front());
    }

    /// Lets go of everything that nobody is at; for a queue that was given up.
    template <class Recycle>
    void clear(Recycle&& recycle) {
        while (!batches_.empty())
            recycle(batches_.take_front());
        messages_ = bytes_ = inflated_ = 0;
    }

  private:
    detail::ring<std::unique_ptr<batch_type>> batches_;
    std::vector<std::unique_ptr<batch_type>> echoes_; ///< Each under_send_back of its batch.
    queue_offset next_pull_;
    std::size_t messages_ = 0;
    std::size_t bytes_    = 0;
    std::size_t inflated_ = 0;
};

} // namespace rocketpush

#endif
// rocketpush/fetch/queue_fetcher.hpp
#ifndef ROCKETPUSH_FETCH_QUEUE_FETCHER_HPP
#define ROCKETPUSH_FETCH_QUEUE_FETCHER_HPP

// rocketpush/fetch/batch_frame.hpp
#ifndef ROCKETPUSH_FETCH_BATCH_FRAME_HPP
#define ROCKETPUSH_FETCH_BATCH_FRAME_HPP


#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace rocketpush {

/**
 * @brief Gives a batch its share of the frame it came in. A small frame in a large shared block is copied to one of its size: a
 *        single message that waits must not hold the memory of hundreds.
 * @return The body, where it is kept.
 */
template <class Batch>
std::string_view keep_frame(Batch& batch, detail::block_pool& blocks, const received_frame& answer) {
    const auto room = answer.block.capacity();
    if (answer.size * 16 > room) {
        batch.frame      = answer.block;
        batch.frame_size = room / std::max<std::size_t>(room / answer.size, 1); // frames like it do not fill it
        return answer.body;
    }
    batch.frame      = blocks.take(std::max<std::size_t>(answer.body.size(), 1));
    batch.frame_size = batch.frame.capacity();
    std::memcpy(batch.frame.data(), answer.body.data(), answer.body.size());
    return {batch.frame.data(), answer.body.size()};
}

} // namespace rocketpush

#endif
// rocketpush/fetch/message_filter.hpp
#ifndef ROCKETPUSH_FETCH_MESSAGE_FILTER_HPP
#define ROCKETPUSH_FETCH_MESSAGE_FILTER_HPP


#include <exception>
#include <vector>

namespace rocketpush {

/// Whether an observer wants a message.
template <observer Observer>
bool wanted_by([[maybe_unused]] Observer& observer, [[maybe_unused]] const message_queue& queue,
               [[maybe_unused]] const detail::message_fields& message) {
    if constexpr (filters_messages<Observer>)
        try {
            return observer.wants_message(message_view(message));
        } catch (...) {
            observer.on_filter_exception(queue, std::current_exception());
        }
    return true;
}

/// Removes the messages that an observer does not want. Where none asks, this is nothing.
template <observer Observer>
void remove_unwanted([[maybe_unused]] Observer& observer, [[maybe_unused]] const message_queue& queue,
                     [[maybe_unused]] std::vector<detail::message_fields>& messages) {
    if constexpr (filters_messages<Observer>)
        std::erase_if(messages, [&](const detail::message_fields& each) { return !wanted_by(observer, queue, each); });
}

} // namespace rocketpush

#endif

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace rocketpush {

/// The pulls of one queue, all but their position.
inline protocol::repeated_pull make_pulls(const options& with, const message_queue& queue, const subscription& wanted) {
    return protocol::repeated_pull({
        .consumer_group  = with.group,
        .topic           = queue.topic,
        .queue_id        = queue.queue_id,
        .max_messages    = static_cast<std::int32_t>(with.pull_batch_size),
        .suspend_millis  = with.suspend_timeout.count(),
        .sub_version     = wanted.version,
        .expression_type = std::string(to_string(wanted.type)),
        .max_bytes       = static_cast<std::int32_t>(with.pull_batch_bytes),
        .broker_name     = queue.broker_name,
    });
}

/**
 * @brief The fetch loop of one owned queue: pulls, decodes, filters, and hands batches over, until the queue is dropped.
 *
 * `pull_loop` decides, this does. Exactly one loop runs for an epoch of ownership, and at most one of its pulls is under
 * way. What a dropped queue's pull still brings is discarded.
 *
 * @tparam Host  The consumer: options, runtime, observer, calls and routes; see consumer_core.
 * @par Source   Java `PullMessageService`, `PullAPIWrapper`.
 */
template <class Host>
class queue_fetcher {
  public:
    using queue_type     = typename Host::queue_type;
    using queue_ptr      = std::shared_ptr<queue_type>;
    using executor_type  = typename Host::executor_type;
    using connection_ptr = typename Host::connection_ptr;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// A pull is not a coroutine of its own: with ten thousand queues, each frame that a waiting one needs counts.
    /// @param wanted  The subscription of the queue's topic; stays until the queue is dropped.
    static task<void> run(std::shared_ptr<Host> host, queue_ptr queue, const subscription& wanted) {
        queue_fetcher self(*host, *queue, wanted);
        while (!queue->dropped) {
            self.loop_.limit(host->limits());
            const auto action = self.loop_.next(queue->cache.level(), self.outside());
            if (queue->memory_set_aside != 0 && !std::holds_alternative<pull_action::request>(action))
                host->memory().fetched(*queue); // somebody else's turn
            if (std::holds_alternative<pull_action::request>(action)) {
                if (!self.connected()) {
                    const bool opened = co_await self.connect();
                    if (!opened)
                        continue;
                }
                self.begin_pull();
                auto [failure, answer] = co_await queue->connection->async_request(self.pulls_.with(self.position_), {},
                                                                                   host->settings().pull_timeout,
                                                                                   detail::await_tuple<executor_type>);
                self.end_pull(failure, std::move(answer));
            } else if (const auto* wait = std::get_if<pull_action::wait>(&action)) {
                co_await self.sleep_until(host->runtime().now() + wait->delay);
            } else if (const auto* pause = std::get_if<pull_action::pause>(&action)) {
                if (pause->why == flow_state::out_of_memory)
                    host->memory().enter(queue, std::exchange(self.needed_, 0), std::exchange(self.had_turn_, false));
                co_await self.wait_for_room(pause->why);
            } else if (const auto* refused = std::get_if<pull_action::reposition>(&action)) {
                co_await self.reposition(*refused);
            }
        }
        host->memory().fetched(*queue);
    }

  private:
    queue_fetcher(Host& host, queue_type& queue, const subscription& wanted)
        : host_(host),
          queue_(queue),
          wanted_(wanted),
          pulls_(make_pulls(host.settings(), queue.queue, wanted)),
          loop_(queue.cache.next_pull(), host.pace()),
          is_static_(is_static_topic_broker(queue.queue.broker_name)) {}

    /// What keeps the queue from being pulled besides what it holds.
    flow_state outside() const {
        if (queue_.suspended || host_.suspended())
            return flow_state::suspended;
        // A queue that was empty just now costs nothing while the broker holds its pull.
        return found_nothing_ || (needed_ == 0 && host_.memory().open(queue_)) ? flow_state::open
                                                                               : flow_state::out_of_memory;
    }

    /// Whether the connection of the last pull is open and nothing suggests another.
    bool connected() const {
        return queue_.connection && queue_.connection->is_open() &&
               queue_.connection_route == host_.routes().version() &&
               queue_.connected_replica == queue_.suggested_replica;
    }

    /// @return Whether there is a connection now.
    task<bool> connect() {
        const auto version   = host_.routes().version();
        const auto suggested = queue_.suggested_replica;
        const auto where     = host_.routes().address(queue_.queue, suggested, true);
        if (!where) {
            fail(where.error());
            co_return false;
        }
        auto opened = co_await host_.calls().connect(where->where);
        if (queue_.dropped)
            co_return false;
        if (!opened) {
            fail(opened.error());
            co_return false;
        }
        queue_.connection        = *opened;
        queue_.connection_route  = version;
        queue_.connected_replica = suggested;
        queue_.at_master         = where->id == broker_address::master;
        co_return true;
    }

    void begin_pull() {
        const auto committable = queue_.cache.committable();
        // A slave refuses it, 0 is no progress, and a broadcasting member's offsets are no business of the broker's. Of a
        // static topic's queue the broker would take it for the place in its own queue, and the group would skip messages.
        const bool commit = !Host::broadcasting && queue_.at_master && !is_static_ && committable > 0 &&
                            queue_.order.may_commit(host_.runtime());
        position_.queue_offset  = loop_.offset();
        position_.commit_offset = commit ? committable : 0;
        // Others wait for the memory that is set aside for this pull, so that the broker must not hold it.
        const bool hold = queue_.memory_set_aside == 0;
        position_.sys_flag =
            (hold ? protocol::pull_flags::suspend : 0) | (commit ? protocol::pull_flags::commit_offset : 0);
        queue_.flow            = flow_state::open;
        queue_.committing_pull = commit;
        found_nothing_         = false;
        queue_.pull_sent       = host_.runtime().now();
    }

    void end_pull(std::error_code failure, received_frame answer) {
        queue_.committing_pull = false;
        if (queue_.dropped) // an answer of an epoch that is over
            queue_.wake_idle();
        else if (failure)
            fail(failure);
        else
            take(loop_.offset(), std::move(answer), host_.runtime().now() - queue_.pull_sent);
        host_.memory().fetched(queue_);
    }

    void fail(std::error_code why) {
        if (why == error::operation_cancelled)
            return loop_.failed(why);
        host_.observe().on_pull_failure(queue_.queue, why);
        loop_.failed(why);
        host_.queue_refused(queue_.queue, why);
        if (why == response_code::topic_not_exist && queue_.at_master && !is_static_)
            made_anew_ = true; // once it is there again
        if (why == response_code::subscription_not_exist || why == response_code::subscription_not_latest ||
            why == response_code::filter_data_not_exist || why == response_code::filter_data_not_latest)
            host_.heartbeat_soon(); // the broker has forgotten us, or not heard yet
    }

    void take(queue_offset asked, received_frame answer, std::chrono::nanoseconds took) {
        const auto code = static_cast<response_code>(answer.header.code);
        if (code != response_code::success && code != response_code::pull_not_found &&
            code != response_code::pull_retry_immediately && code != response_code::pull_offset_moved)
            return fail(code);
        const auto fields = protocol::read_fields<protocol::pull_response>(answer.header);
        if (!fields)
            return fail(fields.error());
        queue_.suggested_replica = fields->suggested_broker_id;
        queue_.broker_max        = fields->max_offset;
        const auto next          = fields->next_begin_offset;
        if (code == response_code::pull_offset_moved || made_anew_) {
            offset_reset_ = answer.header.raw_remark == "OFFSET_RESET";
            loop_.offset_illegal(next);
        } else if (code != response_code::success) {
            queue_.cache.advance(std::max(next, asked));
            loop_.found_nothing(std::max(next, asked));
            found_nothing_ = true;
            if (code == response_code::pull_retry_immediately && next <= asked && connected())
                loop_.found_no_way(); // at once again would be for ever
            else if (is_static_ && code == response_code::pull_not_found && was_not_held(took))
                loop_.found_no_way(); // the queue is being moved: meanwhile its broker holds no pull
        } else if (!host_.memory().fits(answer.size, 0)) {
            pull_again(answer.size);
        } else {
            loop_.found(deliver(asked, next, *fields, std::move(answer), took));
        }
    }

    /// Hands the messages of an answer over. @return Where the next pull begins.
    queue_offset deliver(queue_offset asked, queue_offset next, const protocol::pull_response& fields,
                         received_frame answer, std::chrono::nanoseconds took) {
        auto batch        = host_.batches().take();
        batch->origin     = {&queue_.queue, host_.own_retry_topic(), fields.min_offset, fields.max_offset,
                             host_.name_space()};
        batch->home       = &queue_;
        const auto body   = keep_frame(*batch, host_.blocks(), answer);
        auto last         = asked;
        const auto delta  = fields.offset_delta.value_or(0);
        const auto on_bad = [&](std::error_code why, std::string_view, queue_offset offset) {
            ++queue_.counts.bad;
            offset = offset < 0 ? offset : outer_offset(offset, delta);
            last   = std::max(last, offset + 1);
            host_.observe().on_bad_message(queue_.queue, offset, why);
        };
        host_.decoder().decode(body, batch->origin, batch->inflated, batch->messages, on_bad);
        if (is_static_)
            use_outer_offsets(batch->messages, delta);
        if (!host_.memory().fits(batch->frame_size, batch->inflated.used_bytes())) {
            pull_again(batch->held_bytes());
            host_.batches().give_back(std::move(batch));
            return asked;
        }
        const auto decoded = batch->messages.size();
        if (decoded != 0) {
            const message_view newest(batch->messages.back());
            last           = std::max(last, newest.queue_offset() + 1);
            newest_stored_ = newest.store_timestamp();
        }
        drop_unwanted(asked, batch->messages);
        remove_unwanted(host_.observe(), queue_.queue, batch->messages);

        queue_.counts.pulls += 1;
        queue_.counts.pull_time += took;
        queue_.counts.pulled += batch->messages.size();
        queue_.counts.pulled_bytes += answer.size;
        queue_.counts.filtered += decoded - batch->messages.size();
        host_.observe().on_pull(queue_.queue, batch->messages.size(), answer.size, took);

        // A broker that found something and does not move on would send it for ever.
        const auto begin_next = next > asked ? next : std::max(next, last);
        if (batch->messages.empty()) {
            host_.batches().give_back(std::move(batch));
            queue_.cache.advance(begin_next);
            return begin_next;
        }
        batch->prepare();
        auto& kept = queue_.cache.append(std::move(batch));
        host_.memory().recount(queue_);
        queue_.cache.advance(begin_next);
        host_.dispatch(kept);
        return begin_next;
    }

    /// Whether the broker answered a pull at once that it was to hold.
    bool was_not_held(std::chrono::nanoseconds took) const noexcept {
        constexpr std::chrono::milliseconds soon{100};
        return (position_.sys_flag & protocol::pull_flags::suspend) != 0 &&
               took < std::min(soon, host_.settings().suspend_timeout / 2);
    }

    /// In a static topic's messages are the offsets of the queue in which they lie; outside, those of the whole topic hold.
    void use_outer_offsets(std::vector<detail::message_fields>& messages, std::int64_t delta) const noexcept {
        for (auto& each : messages)
            each.queue_offset = outer_offset(each.queue_offset, delta);
    }
    /// Of hostile numbers it makes any, but no overflow.
    static queue_offset outer_offset(queue_offset offset, std::int64_t delta) noexcept {
        constexpr auto most = std::numeric_limits<queue_offset>::max() - 1;
        return static_cast<queue_offset>(
            std::min(static_cast<std::uint64_t>(offset) + static_cast<std::uint64_t>(std::max<std::int64_t>(delta, 0)),
                     static_cast<std::uint64_t>(most)));
    }

    /// There is no memory for the answer: it is let go of, and asked for again when there is.
    void pull_again(std::size_t size) {
        ++queue_.counts.refetched;
        had_turn_ = queue_.memory_set_aside != 0;
        // Blocks are larger than what lies in them: what was set aside and not enough would not be enough again.
        needed_ = std::max(std::bit_ceil(size), 2 * queue_.memory_set_aside);
    }

    /// What lies before the asked offset (an inner batch comes whole), and tags that only share a hash with a wanted one.
    void drop_unwanted(queue_offset asked, std::vector<detail::message_fields>& messages) {
        const bool by_tag    = !wanted_.tags.empty();
        const bool any_early = !messages.empty() && messages.front().queue_offset < asked;
        if (!by_tag && !any_early) [[likely]]
            return;
        std::erase_if(messages, [&](const detail::message_fields& each) {
            return each.queue_offset < asked || (by_tag && !wanted_.matches(message_view(each).tags()));
        });
    }

    task<void> sleep_until(std::chrono::steady_clock::time_point deadline) {
        while (!queue_.dropped && host_.runtime().now() < deadline)
            co_await queue_.wake.wait_until(deadline);
    }

    task<void> wait_for_room(flow_state why) {
        host_.collect_soon();
        if (std::exchange(queue_.flow, why) != why)
            host_.observe().on_flow_control(queue_.queue, why, queue_.cache.level());
        // A batch that ran wakes us, and whatever else may make room. Only the span shrinks within a batch, of which the strand
        // does not hear: a look each second finds that.
        const auto look = why == flow_state::too_wide_a_span ? host_.runtime().now() + std::chrono::seconds(1)
                                                             : std::chrono::steady_clock::time_point::max();
        co_await queue_.wake.wait_until(look);
    }

    task<void> reposition(pull_action::reposition refused) {
        refused_offset known{.asked           = refused.asked,
                             .offered         = refused.offered,
                             .minimum         = 0,
                             .maximum         = 0,
                             .unseen          = {},
                             .reset           = offset_reset_,
                             .made_anew       = made_anew_,
                             .when_beyond_end = host_.settings().when_beyond_end};
        if (!offset_reset_) {
            const auto minimum = co_await host_.calls().min_offset(queue_.queue);
            const auto maximum = co_await host_.calls().max_offset(queue_.queue);
            if (queue_.dropped)
                co_return;
            if (!minimum || !maximum) {
                fail(minimum ? maximum.error() : minimum.error());
                co_return; // ask again from the same offset: the master must be asked before anything is skipped
            }
            known.minimum = *minimum;
            known.maximum = *maximum;
            if (known.asked > known.maximum && newest_stored_ != message_time()) {
                const auto unseen = co_await host_.calls().offset_at(queue_.queue, newest_stored_);
                if (queue_.dropped)
                    co_return;
                if (!unseen)
                    co_return fail(unseen.error());
                known.unseen = *unseen;
            }
        }
        const auto now = corrected_offset(known);
        host_.observe().on_offset_corrected(queue_.queue, refused.asked, now);
        if (now == refused.asked && !offset_reset_ &&
            !made_anew_) { // the master has it: a replica that lags refused it
            queue_.suggested_replica = broker_address::master;
            loop_.failed(response_code::pull_offset_moved);
            co_return;
        }
        host_.restart_at(queue_, now);
    }

    Host& host_;
    queue_type& queue_;
    const subscription& wanted_;
    protocol::repeated_pull pulls_;
    protocol::pull_position position_;
    pull_loop loop_;
    const bool is_static_;
    message_time newest_stored_{}; ///< Of what this loop has had; the epoch: it has had nothing.
    bool offset_reset_  = false;
    bool made_anew_     = false; ///< The master said that there is no such topic: what is there later is another one.
    bool found_nothing_ = false; ///< At the last pull.
    bool had_turn_      = false;
    std::size_t needed_ = 0; ///< Bytes of an answer for which there was no memory; we have to stand in line.
};

} // namespace rocketpush

#endif
// rocketpush/consume/listener.hpp
#ifndef ROCKETPUSH_CONSUME_LISTENER_HPP
#define ROCKETPUSH_CONSUME_LISTENER_HPP

// rocketpush/consume/deferred_message.hpp
#ifndef ROCKETPUSH_CONSUME_DEFERRED_MESSAGE_HPP
#define ROCKETPUSH_CONSUME_DEFERRED_MESSAGE_HPP


#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace rocketpush {

class deferred_message;

namespace detail {

/// A deferred message's share in its batch, and the way back to the consumption that gave it out.
struct deferred_share {
    /// Marks the message in its batch, and gives the share back.
    using finish_function = void (*)(deferred_share&, consume_result, int delay_level);

    finish_function finish;
    void* consumption;
    void* batch;
    std::shared_ptr<void> owner; ///< The consumer.
    std::uint32_t index;
    std::chrono::steady_clock::time_point since; ///< When it was given to the listener.
};

} // namespace detail

/**
 * @brief A message whose listener answers later: kept as long as need be, completed from any thread, in any order.
 *
 * @code
 * rocketpush::push_consumer consumer{options, [&](rocketpush::deferred_message message) {
 *     database.insert(message->body(), [message = std::move(message)](bool stored) mutable {
 *         message.complete(stored ? rocketpush::consume_result::success : rocketpush::consume_result::reconsume_later);
 *     });
 * }};
 * @endcode
 *
 * Until it is completed it counts as a listener call that runs: no offset passes it, its memory (that of the whole pull
 * that brought it) is held and counts for flow control, which alone bounds how many are out; a queue that is given up and a
 * consumer that stops wait for it until their deadline. One that is destroyed without being completed comes again later.
 * Completing it after `options::consume_timeout`, after a stop, or after the consumer is gone does no harm, and changes
 * nothing; only a context that the consumer was given (not one of its own) has to outlive it.
 *
 * @par Thread safety  As an int: one thread at a time, any thread.
 */
class deferred_message {
  public:
    /// For the library: takes over a share.
    deferred_message(const message_view& view, detail::deferred_share share) noexcept
        : view_(view), share_(std::move(share)) {}

    deferred_message(deferred_message&& other) noexcept : view_(other.view_), share_(std::move(other.share_)) {
        other.share_.finish = nullptr;
    }
    /// A message that was here comes again later.
    deferred_message& operator=(deferred_message&& other) noexcept {
        deferred_message taken(std::move(other));
        std::swap(view_, taken.view_);
        std::swap(share_, taken.share_);
        return *this;
    }
    deferred_message(const deferred_message&)            = delete;
    deferred_message& operator=(const deferred_message&) = delete;

    ~deferred_message() {
        if (share_.finish)
            complete(consume_result::reconsume_later);
    }

    /// Whether it is still to be completed: not after `complete`, nor in what was moved from.
    explicit operator bool() const noexcept { return share_.finish != nullptr; }

    /// Valid until it is completed.
    const message_view& view() const noexcept {
        ROCKETPUSH_ASSERT(share_.finish, "a message is not looked at after it was completed");
        return view_;
    }
    const message_view& operator*() const noexcept { return view(); }
    const message_view* operator->() const noexcept { return &view(); }

    /**
     * @brief Answers for the message, once.
     * @param delay_level  With `reconsume_later`: see consume_context::delay_level.
     */
    void complete(consume_result result, int delay_level = 0) {
        ROCKETPUSH_ASSERT(share_.finish, "a message is completed once");
        std::exchange(share_.finish, nullptr)(share_, result, delay_level);
    }

  private:
    message_view view_;
    detail::deferred_share share_;
};

} // namespace rocketpush

#endif

#include <concepts>
#include <span>
#include <type_traits>

namespace rocketpush {

namespace detail {

template <class T>
struct awaited {
    static constexpr bool later = false;
    using type                  = T;
};
template <class T, class Executor>
struct awaited<asio::awaitable<T, Executor>> {
    static constexpr bool later = true;
    using type                  = T;
    using executor              = Executor;
};

template <class R>
concept consume_answer = std::same_as<R, void> || std::same_as<R, consume_result>;

template <class L, class... Arguments>
concept consumes_with =
    std::invocable<L&, Arguments...> && consume_answer<typename awaited<std::invoke_result_t<L&, Arguments...>>::type>;

} // namespace detail

/// `listener(message)`: one message, without the context.
template <class L>
concept takes_message = detail::consumes_with<L, const message_view&>;
/// `listener(message, context)`.
template <class L>
concept takes_message_and_context = detail::consumes_with<L, const message_view&, consume_context&>;
/// `listener(std::span<const message_view>)`: up to `options::consume_batch_size` messages of one queue.
template <class L>
concept takes_batch = detail::consumes_with<L, std::span<const message_view>>;
/// `listener(std::span<const message_view>, context)`.
template <class L>
concept takes_batch_and_context = detail::consumes_with<L, std::span<const message_view>, consume_context&>;

/// `listener(deferred_message)`: one message, which is completed later; nothing is returned.
template <class L>
concept takes_deferred =
    std::invocable<L&, deferred_message> && std::same_as<std::invoke_result_t<L&, deferred_message>, void>;
/// `orderly{listener}` or `orderly_manual{listener}`, which have looked at the listener themselves.
template <class L>
concept wrapped_in_order = requires { requires L::consumes_in_order; };

/**
 * @brief The user's code: takes one message or a span of them, with or without the context; returns a consume_result,
 *        nothing (which is success), or an `asio::awaitable` of either. It may throw: its messages come again. Or it takes a
 *        deferred_message, keeps it, and completes it when it likes.
 *
 * Laws, for the user to keep:
 *  - a call may be repeated for a message that was already consumed (at least once);
 *  - message views are valid until the call returns, or its awaitable has completed;
 *  - with a pool it is called by several threads at once.
 *
 * Wrapped as `orderly{listener}` it is called in order; see there.
 *
 * @par Source  Java `MessageListenerConcurrently`.
 */
template <class L>
concept listener = std::move_constructible<L> && (takes_message<L> || takes_message_and_context<L> || takes_batch<L> ||
                                                  takes_batch_and_context<L> || takes_deferred<L> || wrapped_in_order<L>);

namespace detail {

struct listener_shape {
    bool batch, context, deferred = false;
};

/// In this order, and no question beyond the one that is answered by yes: to ask whether a generic lambda takes a span would
/// compile its body with one.
template <class L>
constexpr listener_shape shape_of() noexcept {
    if constexpr (takes_message<L>)
        return {false, false};
    else if constexpr (takes_message_and_context<L>)
        return {false, true};
    else if constexpr (takes_batch<L>)
        return {true, false};
    else if constexpr (takes_batch_and_context<L>)
        return {true, true};
    else
        return {false, false, true};
}

} // namespace detail

/// What the library needs to know of a listener's shape, found at compile time.
template <listener L>
struct listener_traits {
    static constexpr bool batch    = detail::shape_of<L>().batch;
    static constexpr bool context  = detail::shape_of<L>().context;
    static constexpr bool deferred = detail::shape_of<L>().deferred; ///< It is not called by `call`.

    using messages = std::conditional_t<batch, std::span<const message_view>, const message_view&>;

    /// Calls it in its shape, with the answer as it is: nothing, a result, or an awaitable.
    static decltype(auto) call([[maybe_unused]] L& listener, [[maybe_unused]] std::span<const message_view> messages_,
                               [[maybe_unused]] consume_context& context_) {
        if constexpr (deferred)
            return;
        else if constexpr (batch && context)
            return listener(messages_, context_);
        else if constexpr (batch)
            return listener(messages_);
        else if constexpr (context)
            return listener(messages_.front(), context_);
        else
            return listener(messages_.front());
    }

    using answer                    = decltype(call(std::declval<L&>(), {}, std::declval<consume_context&>()));
    static constexpr bool awaitable = detail::awaited<answer>::later;
    static constexpr bool silent    = std::same_as<typename detail::awaited<answer>::type, void>;
};

} // namespace rocketpush

#endif
// rocketpush/consume/concurrent_consumption.hpp
#ifndef ROCKETPUSH_CONSUME_CONCURRENT_CONSUMPTION_HPP
#define ROCKETPUSH_CONSUME_CONCURRENT_CONSUMPTION_HPP

// rocketpush/consume/consume_job.hpp
#ifndef ROCKETPUSH_CONSUME_CONSUME_JOB_HPP
#define ROCKETPUSH_CONSUME_CONSUME_JOB_HPP

#include <optional>
#include <utility>

namespace rocketpush {

/**
 * @brief A share in running one pulled batch: what executors get, copy when they recruit another thread, and call.
 *
 * Each copy counts itself into the batch; when the last one is gone the strand hears that the batch has run.
 *
 * @tparam Consumption  Has `run(job, Batch&)`, `left(Batch&, Owner&)` and `worth_a_thread(Batch&)`; `Owner` keeps it alive (a
 *                      shared_ptr, or a plain pointer where jobs never leave the strand).
 */
template <class Consumption, class Batch, class Owner>
class consume_job {
  public:
    consume_job(Consumption& consumption, Batch& batch, Owner owner) noexcept
        : consume_job(consumption, batch, std::move(owner), false) {
        batch_->enter();
    }

    /// For a batch that nobody looks at again: it wants help however short the calls turn out to be until it is run. Should one
    /// of them hang all the same, the rest would wait for it.
    static consume_job unwatched(Consumption& consumption, Batch& batch, Owner owner) noexcept {
        consume_job made(consumption, batch, std::move(owner));
        made.urgent_ = true;
        return made;
    }

    /// One more for a batch that is being run, which wants help however short the calls are. Empty: its last runner has left.
    static std::optional<consume_job> urgent(Consumption& consumption, Batch& batch, Owner owner) noexcept {
        if (!batch.enter_if_running())
            return std::nullopt;
        return consume_job(consumption, batch, std::move(owner), true);
    }

    /// Takes over a share that was counted already, and is not held by a job.
    static consume_job adopt(Consumption& consumption, Batch& batch, Owner owner) noexcept {
        return consume_job(consumption, batch, std::move(owner), false);
    }

    consume_job(const consume_job& other) noexcept
        : consumption_(other.consumption_), batch_(other.batch_), owner_(other.owner_), urgent_(other.urgent_) {
        if (batch_)
            batch_->enter();
    }
    consume_job(consume_job&& other) noexcept
        : consumption_(other.consumption_),
          batch_(std::exchange(other.batch_, nullptr)),
          owner_(std::move(other.owner_)),
          urgent_(other.urgent_) {}
    // No assignment by value: see block_ref.
    consume_job& operator=(const consume_job& other) noexcept { return *this = consume_job(other); }
    consume_job& operator=(consume_job&& other) noexcept {
        consume_job taken(std::move(other));
        std::swap(consumption_, taken.consumption_);
        std::swap(batch_, taken.batch_);
        std::swap(owner_, taken.owner_);
        std::swap(urgent_, taken.urgent_);
        return *this;
    }
    ~consume_job() {
        if (batch_ && batch_->leave())
            consumption_->left(*batch_, owner_);
    }

    /// Consumes until nothing of the batch is unclaimed.
    void operator()() const { consumption_->run(*this, *batch_); }

    /// Whether a copy that starts now would find something to do, and it is worth a thread.
    bool wants_help() const noexcept {
        return batch_->has_unclaimed() && (urgent_ || consumption_->worth_a_thread(*batch_));
    }

    Batch& batch() const noexcept { return *batch_; }
    const Owner& owner() const noexcept { return owner_; }

  private:
    /// The batch has counted it already.
    consume_job(Consumption& consumption, Batch& batch, Owner owner, bool urgent) noexcept
        : consumption_(&consumption), batch_(&batch), owner_(std::move(owner)), urgent_(urgent) {}

    Consumption* consumption_;
    Batch* batch_;
    Owner owner_;
    bool urgent_;
};

} // namespace rocketpush

#endif
// rocketpush/consume/pool_dispatch.hpp
#ifndef ROCKETPUSH_CONSUME_POOL_DISPATCH_HPP
#define ROCKETPUSH_CONSUME_POOL_DISPATCH_HPP

// rocketpush/detail/strand_gate.hpp
#ifndef ROCKETPUSH_DETAIL_STRAND_GATE_HPP
#define ROCKETPUSH_DETAIL_STRAND_GATE_HPP


#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief How other threads reach the strand, until it is shut: afterwards nothing is posted any more, so a listener call that
 *        outlives its consumer (stop() has a deadline) never touches an executor whose context may be gone.
 *
 * @par Thread safety  `post` from any thread, `shut` from one.
 */
template <class Executor>
class strand_gate {
  public:
    explicit strand_gate(const Executor& executor) : executor_(executor) {}

    /// Runs `what` on the strand later. False: the gate is shut, `what` is dropped.
    template <class F>
    bool post(F&& what) {
        state_.fetch_add(1, std::memory_order_acquire);
        const bool open = (state_.load(std::memory_order_acquire) & shut_bit) == 0;
        if (open)
            asio::post(executor_, std::forward<F>(what));
        state_.fetch_sub(1, std::memory_order_release);
        return open;
    }

    /// After this returns nothing is posted, and no post is under way.
    void shut() noexcept {
        state_.fetch_or(shut_bit, std::memory_order_acq_rel);
        while ((state_.load(std::memory_order_acquire) & ~shut_bit) != 0)
            std::this_thread::yield();
    }

  private:
    static constexpr std::uint32_t shut_bit = 1u << 31;

    Executor executor_;
    std::atomic<std::uint32_t> state_{0}; ///< Posts under way, and whether it is shut.
};

} // namespace rocketpush::detail

#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What listener calls take, and whether to wake a thread for some of them.
 *
 * To wake a thread, and to be told of its end, costs as much as many short calls; so a batch that one thread has done with
 * in less than `worth_waking` stays with one. Before the first call is known, calls count as long.
 *
 * @par Thread safety  All from any thread; an update that is lost does no harm.
 */
class call_length {
  public:
    using nanoseconds = std::chrono::nanoseconds;

    static constexpr nanoseconds worth_waking{50'000};
    static constexpr nanoseconds jump{10'000}; ///< So long a call is counted whatever was before.

    void note(std::uint64_t calls, nanoseconds spent) noexcept {
        if (calls == 0)
            return;
        const auto now    = std::max<std::int64_t>(0, spent.count()) / static_cast<std::int64_t>(calls);
        const auto before = average_.load(std::memory_order_relaxed);
        // A thread that lost its core in a call says nothing of calls: one outlier at most doubles the average.
        const auto counted = std::min(now, std::max<std::int64_t>(9 * before, jump.count()));
        average_.store(before < 0 ? now : before + (counted - before) / 8, std::memory_order_relaxed);
    }

    /// Whether `calls` of them take so long that another thread is worth it.
    bool are_long(std::size_t calls) const noexcept {
        const auto each = average_.load(std::memory_order_relaxed);
        return each < 0 || each > worth_waking.count() / static_cast<std::int64_t>(std::max<std::size_t>(calls, 1));
    }

  private:
    std::atomic<std::int64_t> average_{-1}; ///< Nanoseconds, of about the last eight runs.
};

/**
 * @brief How pulled batches get to an executor with threads, and how the strand hears of them again.
 *
 * While calls are long, each batch is handed over at once, recruits threads, and the strand is told of its end. While
 * they are short, all that is a waste: then the batches that one read of a socket brought are handed over together, to one
 * thread, and the strand looks itself for those that ran, when it comes by. Those with more behind
 * them at the broker are late already: some of them are gathered, for a millisecond at most. Should a call block in spite of that, the strand
 * sees within a millisecond that nobody goes on with its batch, and sends another thread.
 *
 * @tparam Consumption  Its `job` is a consume_job; `worth_a_thread(batch)`.
 * @tparam Host         `batch_ran(batch)`.
 * @par Thread safety  `left` from any thread, the rest on the strand.
 */
template <class Consumption, class Batch, class Host, executor_policy Executor, runtime Runtime>
class pool_dispatch {
  public:
    using owner_type   = std::shared_ptr<Host>;
    using gate_type    = detail::strand_gate<typename Runtime::executor_type>;
    using milliseconds = std::chrono::milliseconds;

    /// How long a batch may stand still before another thread is sent; longer and longer while that is of no help.
    static constexpr milliseconds patience{1}, most_patience{64};
    /// So many batches with more behind them make it worth to wake a thread.
    static constexpr std::size_t enough_gathered = 8;

    pool_dispatch(Consumption& consumption, Executor& executor, Runtime& runtime, gate_type& gate)
        : consumption_(consumption), executor_(executor), runtime_(runtime), gate_(gate), watch_(runtime) {}

    void dispatch(Batch& batch, owner_type owner) {
        batch.place = static_cast<std::uint32_t>(out_.size());
        out_.push_back(&batch);
        if (consumption_.worth_a_thread(batch)) {
            tell_of_next();
            executor_.execute(job::unwatched(consumption_, batch, std::move(owner)));
            return;
        }
        ready_.push_back(&batch);
        const bool late_look = watching_ && waited_ != patience;
        if (batch.has_more_behind() && ready_.size() < enough_gathered && !late_look)
            watch(owner, patience);
        else
            send_soon(std::move(owner));
    }

    /// The last runner left `batch`.
    void left(Batch& batch, const owner_type& owner) {
        batch.next_left = left_.load(std::memory_order_relaxed);
        while (!left_.compare_exchange_weak(batch.next_left, &batch)) {
        }
        // The batch is the strand's from here on.
        if (tell_.load() && tell_.exchange(false))
            gate_.post([this, owner] { told(*owner); });
    }

    /// Hears of the batches that have run.
    void collect(Host& host) {
        if (left_.load(std::memory_order_relaxed) == nullptr)
            return;
        Batch* ran = nullptr; // in the order in which they were left
        for (auto* next = left_.exchange(nullptr); next;) {
            auto* const each = std::exchange(next, next->next_left);
            each->next_left  = std::exchange(ran, each);
        }
        while (ran) {
            auto* const each  = std::exchange(ran, ran->next_left);
            auto* const last  = out_.back();
            out_[each->place] = last;
            last->place       = each->place;
            out_.pop_back();
            host.batch_ran(*each);
        }
    }

    /// As `collect`; and of the next batch that runs the strand is told at once. Nothing is gathered any longer.
    void collect_soon(Host& host) {
        if (!ready_.empty())
            watch_.cancel();
        tell_of_next();
        collect(host); // behind it, so that one that is left between the two is seen
    }

    /// The strand looks at nothing any more.
    void shut() {
        shut_ = true;
        watch_.cancel();
    }

  private:
    using job = typename Consumption::job;

    void tell_of_next() noexcept { tell_.store(true); }

    void told(Host& host) {
        collect(host);
        if (!out_.empty() && !(watching_ && waited_ == patience)) // else the next look is near
            collect_soon(host);
    }

    /// When this turn of the strand ends.
    void send_soon(owner_type owner) {
        if (std::exchange(sending_, true))
            return;
        asio::post(runtime_.get_executor(), [this, owner = std::move(owner)] {
            sending_ = false;
            send_ready(owner);
        });
    }

    void send_ready(const owner_type& owner) {
        if (ready_.empty())
            return;
        collect(*owner);
        for (auto* each : ready_)
            jobs_.emplace_back(consumption_, *each, owner);
        ready_.clear();
        if constexpr (executes_together<Executor>)
            executor_.execute_all(std::span(jobs_));
        else
            for (auto& each : jobs_)
                executor_.execute(std::move(each));
        jobs_.clear();
        watch(owner, patience);
    }

    /// Has a look in that time, unless there is one under way.
    void watch(const owner_type& owner, milliseconds wait) {
        if (watching_ || shut_)
            return;
        watching_ = true;
        waited_   = wait;
        for (auto* each : out_)
            each->unclaimed_then = each->unclaimed_count();
        watch_.expires_at(runtime_.now() + wait);
        watch_.async_wait([this, owner](std::error_code ended) {
            watching_ = false;
            if (shut_)
                return;
            if (!ended)
                look(owner);
            send_ready(owner); // also when it was cancelled: somebody waits for what was gathered
        });
    }

    void look(const owner_type& owner) {
        collect_soon(*owner);
        bool unclaimed = false, progress = false;
        for (std::size_t i = 0; i < out_.size(); ++i) {
            auto& batch     = *out_[i];
            const auto left = batch.unclaimed_count();
            unclaimed       = unclaimed || left != 0;
            progress        = progress || left != batch.unclaimed_then;
            if (left == 0 || left != batch.unclaimed_then || batch.runners() >= executor_.concurrency())
                continue;
            if (auto more = job::urgent(consumption_, batch, owner))
                executor_.execute(std::move(*more));
        }
        if (!unclaimed)
            return; // whoever is still in a call tells of its end
        watch(owner, progress ? patience : std::min(2 * waited_, most_patience));
    }

    Consumption& consumption_;
    Executor& executor_;
    Runtime& runtime_;
    gate_type& gate_;
    typename Runtime::timer watch_;
    milliseconds waited_ = patience;
    bool watching_       = false;
    bool sending_        = false; ///< `ready_` is handed over when this turn of the strand ends.
    bool shut_           = false;
    std::vector<Batch*> ready_; ///< To be handed over.
    std::vector<job> jobs_;     ///< For them, while they are; keeps its room.
    std::vector<Batch*> out_;   ///< Dispatched, and not heard of since.
    std::atomic<Batch*> left_{nullptr};
    std::atomic<bool> tell_{false}; ///< Whether the strand is to be told of the next batch that has run.
};

} // namespace rocketpush

#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace rocketpush {

/// What a consumption needs of the consumer that it works for.
template <class H, class Batch>
concept consumption_host = requires(H& host, Batch& batch) {
    host.batch_ran(batch);        ///< On the strand: the last runner has left the batch.
    host.batch_has_failed(batch); ///< On the strand: messages of the batch are to come again.
};

/// What is kept of the order of a queue's messages, and of its lock, when they are consumed in none.
struct no_order {
    static constexpr bool busy() noexcept { return false; }
    template <class Runtime>
    static constexpr bool may_commit(const Runtime&) noexcept {
        return true;
    }
    static constexpr void give_up() noexcept {}
};

/**
 * @brief Runs the listener on pulled batches, in no order, as many calls at once as the executor allows.
 *
 * A batch is handed to the executor once. With a listener that answers at once, runners claim slices of it and call the
 * listener one slice after the other. One that defers its answers gets a share of the batch with each message. With an
 * awaitable one, lanes do: coroutines on the executor, at most as many
 * over all batches as calls may run at once, each claiming slices until its batch has none left.
 *
 * The listener's exceptions end here: they become "consume later" and an event.
 *
 * @par Thread safety  `dispatch`, `forget_exhausted`, `shut` on the strand.
 * @par Source         Java `ConsumeMessageConcurrentlyService`.
 */
template <listener Listener, executor_policy Executor, observer Observer, runtime Runtime, class Host>
class concurrent_consumption {
  public:
    using traits = listener_traits<Listener>;

    static constexpr bool in_order = false;

    /// Whether messages may be marked by other threads than the strand.
    static constexpr bool concurrent = Executor::concurrent || traits::deferred;
    /// Whether a batch has run when `dispatch` returns.
    static constexpr bool immediate = !concurrent && !traits::awaitable;
    /// Whether threads of the executor call the listener.
    static constexpr bool by_pool = Executor::concurrent && !traits::awaitable;

    using batch_type = pulled_batch<concurrent>;
    using order_type = no_order;
    using owner_type = std::conditional_t<immediate, Host*, std::shared_ptr<Host>>;
    using job        = consume_job<concurrent_consumption, batch_type, owner_type>;

    concurrent_consumption(Listener listener, Executor executor, Observer& observer, Runtime& runtime)
        : listener_(std::move(listener)),
          executor_(std::move(executor)),
          observer_(observer),
          runtime_(runtime),
          gate_(runtime.get_executor()),
          pool_(*this, executor_, runtime_, gate_) {}
    concurrent_consumption(const concurrent_consumption&)            = delete;
    concurrent_consumption& operator=(const concurrent_consumption&) = delete;

    void start(const options& with) { start(with.consume_threads, with.consume_batch_size); }
    /// @param threads  How many calls run at once, unless the executor was told another number.
    void start(std::size_t threads, std::size_t batch_size) {
        batch_size_ = static_cast<std::uint32_t>(batch_size);
        executor_.start(threads);
        threads_ = threads;
    }

    Executor& executor() noexcept { return executor_; }

    /// Hands a prepared batch over; `owner` is kept until it has run.
    void dispatch(batch_type& batch, owner_type owner) {
        if constexpr (traits::awaitable) {
            waiting_.push_back(job(*this, batch, std::move(owner)));
            start_lanes();
        } else if constexpr (by_pool) {
            pool_.dispatch(batch, std::move(owner));
        } else {
            executor_.execute(job(*this, batch, std::move(owner)));
        }
    }

    /// Has `host` hear of the batches that have run, without being told; for those who want to know now.
    void collect(Host& host) {
        if constexpr (by_pool)
            pool_.collect(host);
    }
    /// And of the next one as soon as it has.
    void collect_soon(Host& host) {
        if constexpr (by_pool)
            pool_.collect_soon(host);
    }

    /// Whether what is left of a batch is worth one more thread.
    bool worth_a_thread(const batch_type& batch) const noexcept {
        return call_length_.are_long((batch.unclaimed_count() + slice_size() - 1) / slice_size());
    }

    /// Lets go of batches that wait for a lane and have nothing left to claim: those of queues that were given up.
    void forget_exhausted() {
        if constexpr (traits::awaitable)
            std::erase_if(waiting_, [](const job& each) { return !each.batch().has_unclaimed(); });
    }

    /// Whether this thread is in a listener call of ours. (One that is awaited may be in any of the executor's threads.)
    bool inside_listener() const noexcept {
        if constexpr (traits::awaitable && requires { executor_.get_executor().running_in_this_thread(); })
            return executor_.get_executor().running_in_this_thread();
        else
            return running_here_ == this;
    }

    /// Nothing reaches the strand any more, whatever runners do. Call when the consumer has stopped.
    void shut() {
        gate_.shut();
        if constexpr (by_pool)
            pool_.shut();
    }

    /// From any thread: no further listener call begins, whatever is still to be consumed.
    void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }

  private:
    friend job;

    /// One runner's work, called by the executor (through the job).
    void run(const job& self, batch_type& batch) {
        if constexpr (traits::deferred) {
            const auto outer    = std::exchange(running_here_, this);
            const auto since    = runtime_.now();
            std::uint64_t calls = 0;
            for (auto slice = claim(batch); slice; slice = claim(batch), ++calls)
                hand_out(self, batch, slice);
            call_length_.note(calls, runtime_.now() - since);
            running_here_ = outer;
        } else if constexpr (!traits::awaitable) {
            const auto outer = std::exchange(running_here_, this);
            {
                runner_counts counts(*this, batch);
                while (const auto slice = claim(batch))
                    consume(self, batch, slice, counts);
            }
            running_here_ = outer;
        }
    }

    batch_slice claim(batch_type& batch) noexcept {
        return abandoned_.load(std::memory_order_relaxed) ? batch_slice() : batch.claim(slice_size());
    }

    /// Messages of one listener call; a listener of one message gets one, whatever the options say.
    std::uint32_t slice_size() const noexcept {
        if constexpr (traits::batch)
            return batch_size_;
        else
            return 1;
    }

    /// The last runner left `batch`.
    void left(batch_type& batch, owner_type& owner) {
        if constexpr (immediate)
            owner->batch_ran(batch);
        else if constexpr (by_pool)
            pool_.left(batch, owner);
        else
            gate_.post([owner = std::move(owner), &batch] { owner->batch_ran(batch); });
    }

    /// What one runner did; goes into the batch once, when the runner is done with it.
    struct runner_counts {
        runner_counts(concurrent_consumption& consumption, batch_type& batch) noexcept
            : from(consumption), into(batch), since(consumption.runtime_.now()) {}
        runner_counts(const runner_counts&)            = delete;
        runner_counts& operator=(const runner_counts&) = delete;
        ~runner_counts() {
            const std::chrono::nanoseconds spent = from.runtime_.now() - since;
            if constexpr (by_pool && !traits::deferred)
                from.call_length_.note(calls, spent);
            into.tally.calls.fetch_add(calls, std::memory_order_relaxed);
            into.tally.succeeded.fetch_add(succeeded, std::memory_order_relaxed);
            into.tally.failed.fetch_add(failed, std::memory_order_relaxed);
            into.tally.nanoseconds.fetch_add(static_cast<std::uint64_t>(spent.count()), std::memory_order_relaxed);
        }

        concurrent_consumption& from;
        batch_type& into;
        std::chrono::steady_clock::time_point since;
        std::uint64_t calls = 0, succeeded = 0, failed = 0;
    };

    void consume(const job& self, batch_type& batch, batch_slice slice, runner_counts& counts) {
        const auto messages = batch.views(slice);
        consume_context context{*batch.origin.queue};
        observer_.before_consume(messages, context);
        auto result = consume_result::reconsume_later;
        try {
            if constexpr (traits::silent) {
                traits::call(listener_, messages, context);
                result = consume_result::success;
            } else {
                result = traits::call(listener_, messages, context);
            }
        } catch (...) {
            observer_.on_listener_exception(context.queue, std::current_exception());
        }
        settle(self, batch, slice, context, result, counts);
    }

    void settle(const job& self, batch_type& batch, batch_slice slice, const consume_context& context,
                consume_result result, runner_counts& counts) {
        observer_.after_consume(batch.views(slice), context, result);
        if constexpr (!traits::batch)
            slice.count = 1; // as it is; so the loops below are none
        const auto good = result == consume_result::success ? std::min<std::size_t>(context.succeeded, slice.count) : 0;
        const auto end  = slice.first + slice.count;
        auto each       = slice.first;
        for (; each < slice.first + good; ++each)
            batch.mark_finished(each);
        ++counts.calls;
        counts.succeeded += good;
        if (each == end)
            return;
        counts.failed += end - each;
        for (; each < end; ++each)
            batch.mark_failed(each, context.delay_level);
        if constexpr (!immediate) // else the strand looks at the batch right after it ran
            gate_.post([self] { self.owner()->batch_has_failed(self.batch()); });
    }

    /// Gives the listener one message to complete later. The share of the batch that goes with it ends in `finish`.
    void hand_out(const job& self, batch_type& batch, batch_slice slice) {
        const auto messages = batch.views(slice);
        const consume_context context{*batch.origin.queue};
        observer_.before_consume(messages, context);
        batch.enter();
        deferred_message message(messages.front(), {&finish, this, &batch, self.owner(), slice.first, runtime_.now()});
        try {
            listener_(std::move(message));
        } catch (...) {
            observer_.on_listener_exception(context.queue, std::current_exception());
        }
    }

    /// From any thread, and perhaps long after the consumer has stopped.
    static void finish(detail::deferred_share& share, consume_result result, int delay_level) {
        auto& here      = *static_cast<concurrent_consumption*>(share.consumption);
        auto& batch     = *static_cast<batch_type*>(share.batch);
        const auto self = job::adopt(here, batch, std::static_pointer_cast<Host>(std::move(share.owner)));
        runner_counts counts(here, batch);
        counts.since = share.since;
        consume_context context{*batch.origin.queue, delay_level};
        here.settle(self, batch, {share.index, 1}, context, result, counts);
    }

    // Lanes: awaitable listeners only. All of this is on the strand, but for the lanes themselves.

    /// An executor without threads has no limit of its own.
    std::size_t lane_limit() const noexcept { return concurrent ? executor_.concurrency() : threads_; }

    void start_lanes() {
        while (lanes_ < lane_limit() && !waiting_.empty() && !abandoned_.load(std::memory_order_relaxed)) {
            if (!waiting_.front().batch().has_unclaimed()) {
                waiting_.pop_front();
                continue;
            }
            ++lanes_;
            // A slice is claimed by the lane itself, so the job stays in front until it is seen to be exhausted.
            spawn_lane(waiting_.front());
            if (waiting_.size() > 1 || !waiting_.front().batch().has_unclaimed())
                std::rotate(waiting_.begin(), waiting_.begin() + 1, waiting_.end());
        }
    }

    void spawn_lane(const job& work) {
        if constexpr (traits::awaitable) {
            const auto first = work.batch().claim(slice_size());
            if (!first) {
                --lanes_;
                return;
            }
            if constexpr (requires { executor_.get_executor(); })
                asio::co_spawn(executor_.get_executor(), lane(*this, work, first), asio::detached);
            else
                asio::co_spawn(runtime_.get_executor(), lane(*this, work, first), asio::detached);
        }
    }

    static auto lane_type() {
        if constexpr (traits::awaitable)
            return std::type_identity<
                asio::awaitable<void, typename detail::awaited<typename traits::answer>::executor>>();
        else
            return std::type_identity<void>();
    }
    using lane_awaitable = typename decltype(lane_type())::type;

    template <class Result = lane_awaitable>
    static Result lane(concurrent_consumption& here, job work, batch_slice slice) {
        batch_type& batch = work.batch();
        {
            runner_counts counts(here, batch);
            do {
                const auto messages = batch.views(slice);
                consume_context context{*batch.origin.queue};
                here.observer_.before_consume(messages, context);
                auto result = consume_result::reconsume_later;
                try {
                    if constexpr (traits::silent) {
                        co_await traits::call(here.listener_, messages, context);
                        result = consume_result::success;
                    } else {
                        result = co_await traits::call(here.listener_, messages, context);
                    }
                } catch (...) {
                    here.observer_.on_listener_exception(context.queue, std::current_exception());
                }
                here.settle(work, batch, slice, context, result, counts);
                slice = here.claim(batch);
            } while (slice);
        }
        auto owner = work.owner();
        here.gate_.post([owner, &here, last = std::move(work)] {
            --here.lanes_;
            here.start_lanes();
        });
    }

    static inline thread_local const concurrent_consumption* running_here_ = nullptr;

    Listener listener_;
    Executor executor_;
    Observer& observer_;
    Runtime runtime_;
    detail::strand_gate<typename Runtime::executor_type> gate_;
    std::uint32_t batch_size_ = 1;
    std::atomic<bool> abandoned_{false};
    call_length call_length_;
    struct no_pool {
        template <class... Parts>
        explicit no_pool(Parts&...) noexcept {}
    };
    std::conditional_t<by_pool, pool_dispatch<concurrent_consumption, batch_type, Host, Executor, Runtime>, no_pool>
        pool_;

    std::deque<job> waiting_; ///< Batches with messages that no lane has claimed, oldest first.
    std::size_t lanes_   = 0;
    std::size_t threads_ = 1;
};

/// What runs a listener: this, unless it is wrapped in another's word.
template <class Listener>
struct consumption_of {
    template <executor_policy Executor, observer Observer, runtime Runtime, class Host>
    using type = concurrent_consumption<Listener, Executor, Observer, Runtime, Host>;
};

} // namespace rocketpush

#endif
// rocketpush/consume/orderly.hpp
#ifndef ROCKETPUSH_CONSUME_ORDERLY_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_HPP


#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief What a listener that commits itself says of the messages it got; see `orderly_manual`.
 * @par Source  Java `ConsumeOrderlyStatus` with `autoCommit = false`.
 */
enum class orderly_result : std::uint8_t {
    success,  ///< Consumed; the offset passes them at the next commit.
    commit,   ///< Consumed, and all before them: the offset may pass.
    rollback, ///< All since the last commit, these too, come again after a pause; they do not count as failed.
    suspend   ///< Failed; these come again after a pause. What was consumed before them stays so.
};

/**
 * @brief What an orderly listener call is told besides the messages, and what it may say besides its result.
 * @par Source  Java `ConsumeOrderlyContext`.
 */
struct orderly_context {
    /// The queue as it was pulled.
    const message_queue& queue;

    /// How long nothing of the queue is consumed when these messages are to come again, 10 ms to 30 s; empty: as
    /// `options::suspend_interval` says. Java: suspendCurrentQueueTimeMillis.
    std::optional<std::chrono::milliseconds> suspend_for{};
};

namespace detail {

/// Of a listener in order: nothing or a consume_result; of one that commits itself: an orderly_result.
template <class R, bool Manual>
concept answers_in_order = (Manual && std::same_as<R, orderly_result>) || (!Manual && consume_answer<R>);

template <class L, bool Manual, class... Arguments>
concept consumes_in_order_with =
    std::invocable<L&, Arguments...> &&
    answers_in_order<typename awaited<std::invoke_result_t<L&, Arguments...>>::type, Manual>;

} // namespace detail

template <class L, bool Manual>
concept takes_message_in_order = detail::consumes_in_order_with<L, Manual, const message_view&>;
template <class L, bool Manual>
concept takes_message_in_order_and_context =
    detail::consumes_in_order_with<L, Manual, const message_view&, orderly_context&>;
template <class L, bool Manual>
concept takes_batch_in_order = detail::consumes_in_order_with<L, Manual, std::span<const message_view>>;
template <class L, bool Manual>
concept takes_batch_in_order_and_context =
    detail::consumes_in_order_with<L, Manual, std::span<const message_view>, orderly_context&>;

template <class L, bool Manual>
concept listens_in_order =
    std::move_constructible<L> && (takes_message_in_order<L, Manual> || takes_message_in_order_and_context<L, Manual> ||
                                   takes_batch_in_order<L, Manual> || takes_batch_in_order_and_context<L, Manual>);

/**
 * @brief A listener for `orderly`: any of the shapes of `listener`, with an orderly_context for the context.
 * @par Source  Java `MessageListenerOrderly` with `autoCommit = true`.
 */
template <class L>
concept orderly_listener = listens_in_order<L, false>;

/// A listener for `orderly_manual`: the same shapes, but it returns an orderly_result, or an awaitable of one.
template <class L>
concept manual_listener = listens_in_order<L, true>;

namespace detail {
/// `L`, or an error that says why it is none. (clang does not tell why a deduction guide's class refused it.)
template <class L, bool Manual>
struct explained_in_order {
    static_assert(listens_in_order<L, Manual>,
                  "the value is no listener in order: it takes a message or a span of them, and an orderly_context");
    using type = L;
};
} // namespace detail

/**
 * @brief Makes consumption orderly: `push_consumer consumer{options, rp::orderly{listener}}`.
 *
 * The messages of a queue come one call after the other, in the order of their offsets, and while this member has the
 * queue's lock at the broker: to nobody else in the group. Queues run side by side. When a call fails (`reconsume_later`
 * or an exception) its messages come again after a pause, before any behind them; see `options::suspend_interval` and
 * `options::max_reconsume_times`.
 *
 * @par Source  Java `MessageListenerOrderly`.
 */
template <orderly_listener L>
struct orderly {
    static constexpr bool consumes_in_order = true;
    static constexpr bool commits_itself    = false;

    explicit orderly(L wrapped) : listener(std::move(wrapped)) {}

    using listener_type = L;
    L listener;
};
template <class L>
orderly(L) -> orderly<typename detail::explained_in_order<L, false>::type>;

/**
 * @brief As `orderly`, with a listener that says itself when the offset may pass what it consumed.
 *
 * What was consumed and not committed when the queue is given up comes again to its next owner. A listener that never
 * commits stops its queue at `options::max_cached_messages`.
 *
 * @par Source  Java `MessageListenerOrderly` with `autoCommit = false`. Differs: COMMIT and ROLLBACK do not exist for other
 *              listeners; in Java they then mean success.
 */
template <manual_listener L>
struct orderly_manual {
    static constexpr bool consumes_in_order = true;
    static constexpr bool commits_itself    = true;

    explicit orderly_manual(L wrapped) : listener(std::move(wrapped)) {}

    using listener_type = L;
    L listener;
};
template <class L>
orderly_manual(L) -> orderly_manual<typename detail::explained_in_order<L, true>::type>;

namespace detail {

template <class L, bool Manual>
constexpr listener_shape shape_in_order() noexcept {
    if constexpr (takes_message_in_order<L, Manual>)
        return {false, false};
    else if constexpr (takes_message_in_order_and_context<L, Manual>)
        return {false, true};
    else if constexpr (takes_batch_in_order<L, Manual>)
        return {true, false};
    else
        return {true, true};
}

} // namespace detail

/// What the library needs to know of an orderly listener's shape. @tparam W  `orderly<L>` or `orderly_manual<L>`.
template <class W>
struct orderly_traits {
    using listener_type = typename W::listener_type;

    static constexpr bool manual  = W::commits_itself;
    static constexpr bool batch   = detail::shape_in_order<listener_type, manual>().batch;
    static constexpr bool context = detail::shape_in_order<listener_type, manual>().context;

    /// Calls it in its shape, with the answer as it is: nothing, a result, or an awaitable.
    static decltype(auto) call(W& wrapper, std::span<const message_view> messages, orderly_context& told) {
        if constexpr (batch && context)
            return wrapper.listener(messages, told);
        else if constexpr (batch)
            return wrapper.listener(messages);
        else if constexpr (context)
            return wrapper.listener(messages.front(), told);
        else
            return wrapper.listener(messages.front());
    }

    using answer                    = decltype(call(std::declval<W&>(), {}, std::declval<orderly_context&>()));
    static constexpr bool awaitable = detail::awaited<answer>::later;
    static constexpr bool silent    = std::same_as<typename detail::awaited<answer>::type, void>;
};

} // namespace rocketpush

#endif
// rocketpush/consume/orderly_consumption.hpp
#ifndef ROCKETPUSH_CONSUME_ORDERLY_CONSUMPTION_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_CONSUMPTION_HPP

// rocketpush/consume/queue_order.hpp
#ifndef ROCKETPUSH_CONSUME_QUEUE_ORDER_HPP
#define ROCKETPUSH_CONSUME_QUEUE_ORDER_HPP

// rocketpush/consume/orderly_turn.hpp
#ifndef ROCKETPUSH_CONSUME_ORDERLY_TURN_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_TURN_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace rocketpush {

/// What an orderly queue wants done next.
enum class turn_step : std::uint8_t {
    consume,    ///< Call the listener with the queue's next messages.
    idle,       ///< Nothing waits to be consumed.
    give_up,    ///< The queue was given up: no further listener call.
    pause,      ///< The listener asked for a pause, which lasts until `orderly_turn::paused_until()`.
    lock_first, ///< The broker's lock is not held, or was confirmed too long ago.
    yield       ///< The turn has lasted long: other queues come first.
};

/// What is known of a queue when its next step is asked for.
struct turn_view {
    bool given_up     = false;
    bool has_messages = false; ///< That were not consumed.
    bool lock_trusted = false;
};

/**
 * @brief Decides what one queue does whose messages are consumed in order. It is told what happened; it knows no broker,
 *        timer or thread.
 *
 * A turn is what one runner does for the queue without a break: one listener call after the other. Before each the next
 * step is asked for anew. After 60 s of a turn the step is `yield`, so that a queue that is never empty leaves the thread to
 * others.
 *
 * @par Thread safety  Of whoever has the turn; between turns the strand.
 * @par Source  Java `ConsumeMessageOrderlyService.ConsumeRequest.run`.
 */
class orderly_turn {
  public:
    using milliseconds = std::chrono::milliseconds;
    using time_point   = std::chrono::steady_clock::time_point;

    static constexpr milliseconds shortest_pause{10}, longest_pause{30000};

    /// @param limit  Of one turn.
    explicit orderly_turn(milliseconds limit = milliseconds(60000)) noexcept : limit_(limit) {}

    /// A runner begins a turn.
    void begin(time_point now) noexcept { begun_ = now; }

    /// A listener call that ended at `now` wants no other for a while. @param wanted  Taken as 10 ms to 30 s.
    void pause(time_point now, milliseconds wanted) noexcept {
        paused_until_ = now + std::clamp(wanted, shortest_pause, longest_pause);
    }
    time_point paused_until() const noexcept { return paused_until_; }
    /// Nothing is waited for any more.
    void end_pause() noexcept { paused_until_ = time_point::min(); }

    turn_step next(const turn_view& queue, time_point now) const noexcept {
        if (queue.given_up)
            return turn_step::give_up;
        if (!queue.has_messages)
            return turn_step::idle;
        if (now < paused_until_)
            return turn_step::pause;
        if (!queue.lock_trusted)
            return turn_step::lock_first;
        if (now - begun_ > limit_)
            return turn_step::yield;
        return turn_step::consume;
    }

  private:
    milliseconds limit_;
    time_point begun_{};
    time_point paused_until_ = time_point::min();
};

} // namespace rocketpush

#endif
// rocketpush/rebalance/queue_lock.hpp
#ifndef ROCKETPUSH_REBALANCE_QUEUE_LOCK_HPP
#define ROCKETPUSH_REBALANCE_QUEUE_LOCK_HPP


#include <chrono>
#include <cstdint>

namespace rocketpush {

/// What a broker's answer makes of a lock.
enum class lock_change : std::uint8_t {
    gained,     ///< It is ours now.
    kept,       ///< It was ours all the time.
    interrupted ///< It is ours again, and may have been another member's in between.
};

/**
 * @brief The lock of one queue at its broker, as this member knows it.
 *
 * A broker gives a queue to one member of the group until 60 s have passed since that member's last request. Here a lock is
 * trusted for 30 s from the time of *sending* the request that was confirmed, so that it ends here before it does there,
 * whatever the answer's way took. A lock that was confirmed within 60 s cannot have been another's meanwhile.
 *
 * @tparam Concurrent  Whether `trusted` is asked by other threads than the strand.
 * @par Thread safety  `trusted` from any thread; the rest on the strand.
 * @par Source  Java `ProcessQueue.isLocked`, `isLockExpired`, `RebalanceImpl.lock`. Differs: Java counts from the answer.
 */
template <bool Concurrent>
class queue_lock {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds trust{30};
    static constexpr std::chrono::seconds life_at_broker{60};

    /// No broker is asked: the queue is nobody else's.
    void not_needed() noexcept {
        state_ = lock_state::not_needed;
        trust_until(time_point::max());
    }

    /// A request for it goes out. From here on the broker may think that it is ours.
    void asking() noexcept {
        may_be_ours_ = true;
        ++asked_;
    }
    /// It was answered, or will not be.
    void asked() noexcept { --asked_; }
    /// Whether a request is under way: to give the lock up now might come before it.
    bool being_asked() const noexcept { return asked_ != 0; }

    /// The broker has it as ours. @param sent  When it was asked. @param now  When it answered.
    lock_change confirmed(time_point sent, time_point now) noexcept {
        const bool had    = state_ == lock_state::held;
        const bool broken = had && now - confirmed_ > life_at_broker;
        if (!had || sent > confirmed_)
            confirmed_ = sent;
        state_ = lock_state::held;
        trust_until(confirmed_ + trust);
        return broken ? lock_change::interrupted : had ? lock_change::kept : lock_change::gained;
    }

    /// The broker has it as another member's. @return Whether we had it. False also for an answer that a later one has overtaken.
    bool refused(time_point sent) noexcept {
        if (state_ == lock_state::held && sent < confirmed_)
            return false;
        may_be_ours_ = false;
        return lose();
    }

    /// It is not to be trusted any more, and nothing of the queue may be committed. @return Whether we had it.
    bool lose() noexcept {
        const bool had = state_ == lock_state::held;
        state_         = had ? lock_state::lost : lock_state::not_held;
        trust_until(time_point::min());
        return had;
    }

    bool trusted(time_point now) const noexcept {
        return now.time_since_epoch().count() < trusted_until_.load(std::memory_order_relaxed);
    }

    /// Held once, and not lost since: what expired can still be confirmed.
    bool held() const noexcept { return state_ == lock_state::held || state_ == lock_state::not_needed; }
    bool may_be_ours() const noexcept { return may_be_ours_; }
    bool needed() const noexcept { return state_ != lock_state::not_needed; }
    /// When the request was sent that was confirmed last.
    time_point last_confirmed() const noexcept { return confirmed_; }

    /// For statistics.
    lock_state state(time_point now) const noexcept {
        return state_ == lock_state::held && !trusted(now) ? lock_state::expired : state_;
    }

  private:
    void trust_until(time_point until) noexcept {
        trusted_until_.store(until.time_since_epoch().count(), std::memory_order_relaxed);
    }

    time_point confirmed_{};
    detail::shared_cell<time_point::rep, Concurrent> trusted_until_{time_point::min().time_since_epoch().count()};
    lock_state state_ = lock_state::not_held;
    bool may_be_ours_ = false;
    int asked_        = 0;
};

} // namespace rocketpush

#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What an orderly consumer keeps of one queue: its lock, whose turn it is, and how far the turn is.
 *
 * The strand plans a turn: which batches it goes through. From then on the plan, its batches and all that the turn leaves
 * behind belong to the runner, until the last share in the turn is gone and the strand has heard of it (`out` is false
 * again). Meanwhile the strand appends batches, reads marks, and retires nothing of the queue.
 *
 * @par Thread safety  As said; `give_up`, `has_unclaimed`, `lock.trusted` from any thread.
 * @par Source  Java `ProcessQueue` (msgTreeMap, consumingMsgOrderlyTreeMap, its locks).
 */
template <bool Concurrent>
class queue_order {
  public:
    using batch_type   = pulled_batch<Concurrent>;
    using milliseconds = std::chrono::milliseconds;
    using time_point   = std::chrono::steady_clock::time_point;
    template <class T>
    using cell = detail::shared_cell<T, Concurrent>;

    /// Messages of one batch, for one listener call.
    struct call {
        batch_type* batch = nullptr;
        batch_slice slice{};
        explicit operator bool() const noexcept { return static_cast<bool>(slice); }
    };

    queue_lock<Concurrent> lock;

    // The strand's.

    void* home    = nullptr; ///< The owned queue.
    bool out      = false;   ///< A turn was handed to the executor and has not been heard of.
    bool held_up  = false;   ///< A pause, or the lock is being asked for: no turn begins before an operation's end.
    bool sending  = false;   ///< That operation is at messages of the queue.
    bool contested = false;  ///< While it is taken over: a living member may still hold the queue.

    /// Whether a listener call may be running or an operation is at the queue's messages.
    bool busy() const noexcept { return out || sending; }
    bool suspended() const noexcept { return held_up && turn.paused_until() != time_point::min(); }
    /// Offsets of a queue that may be another member's by now are not ours to write.
    template <class Runtime>
    bool may_commit(const Runtime& runtime) const noexcept {
        return lock.trusted(runtime.now());
    }

    void give_up() noexcept { given_up_.store(true, std::memory_order_relaxed); }
    bool is_given_up() const noexcept { return given_up_.load(std::memory_order_relaxed); }

    /// What there is to consume, at most `most` batches.
    template <class Cache>
    void plan(Cache& cache, std::size_t most, std::uint32_t messages_a_call) {
        plan_.clear();
        calls_ = 0;
        cache.visit([&](batch_type& batch) {
            if (batch.next_unconsumed(0, 1)) {
                plan_.push_back(&batch);
                calls_ += (batch.size() + messages_a_call - 1) / messages_a_call;
            }
            return plan_.size() < most;
        });
        place_ = 0;
        at_    = 0;
        failed = {};
        over_  = false;
        claimed_.store(false, std::memory_order_relaxed);
    }
    bool has_plan() const noexcept { return !plan_.empty(); }
    std::size_t planned_calls() const noexcept { return calls_; }

    // The runner's.

    orderly_turn turn;
    turn_step ended = turn_step::idle; ///< Why the last turn did.
    call failed{};                     ///< With `pause`: what failed; none when the listener rolled back.
    work_counts counts;                ///< Since the strand took them last.

    /// One runner has the turn, whatever copies of the job are about. @return Whether it is this one.
    bool claim() noexcept { return !claimed_.exchange(true, std::memory_order_acq_rel); }

    /// The next step as the queue stands; planned messages count as there are some.
    turn_step next(bool has_messages, bool abandoned, time_point now) const noexcept {
        return turn.next({.given_up     = abandoned || is_given_up(),
                          .has_messages = has_messages,
                          .lock_trusted = lock.trusted(now)},
                         now);
    }

    /// The next call of this turn; none when it is over, and then `ended` says why.
    call next_call(std::uint32_t most, bool abandoned, time_point now) noexcept {
        while (place_ < plan_.size() && !over_) {
            const auto slice = plan_[place_]->next_unconsumed(at_, most);
            if (!slice) {
                ++place_;
                at_ = 0;
                continue;
            }
            ended = next(true, abandoned, now);
            if (ended != turn_step::consume)
                return {};
            at_ = slice.first + slice.count;
            return {plan_[place_], slice};
        }
        ended = over_ ? turn_step::pause : turn_step::idle;
        return {};
    }

    /// A call that ended at `now` wants its messages again after `wanted`: they come before any behind them. The turn is over.
    /// @param again  Counts as a failure of these messages; empty: only what was rolled back is wanted.
    void suspend(const call& again, milliseconds wanted, time_point now) noexcept {
        failed = again;
        over_  = true;
        turn.pause(now, wanted);
    }

    /// Consumed, and the listener has not committed it yet.
    void keep(call done) {
        if (uncommitted_.empty() || uncommitted_.back() != done.batch)
            uncommitted_.push_back(done.batch);
        for (auto i = done.slice.first; i < done.slice.first + done.slice.count; ++i)
            done.batch->mark_consumed(i);
    }
    /// All that was kept is finished.
    void commit() noexcept { settle_kept(message_progress::finished); }
    /// All that was kept is to be consumed anew.
    void roll_back() noexcept { settle_kept(message_progress::unfinished); }

    // Shares in the turn: copies of the executor's job.

    void enter() noexcept { shares_.fetch_add(1, std::memory_order_relaxed); }
    /// As `enter`, unless the last share is gone.
    [[nodiscard]] bool enter_if_running() noexcept {
        if constexpr (Concurrent) {
            auto count = shares_.load(std::memory_order_relaxed);
            while (count != 0)
                if (shares_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
                    return true;
        }
        return false;
    }
    [[nodiscard]] bool leave() noexcept { return shares_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
    /// Beyond two there is no use in another.
    std::uint32_t runners() const noexcept {
        const auto shares = shares_.load(std::memory_order_relaxed);
        return shares < 2 ? shares : std::numeric_limits<std::uint32_t>::max();
    }
    bool has_unclaimed() const noexcept { return !claimed_.load(std::memory_order_relaxed); }
    std::uint32_t unclaimed_count() const noexcept { return has_unclaimed() ? 1 : 0; }
    /// Whether the broker had more messages than those of the turn.
    bool has_more_behind() const noexcept { return !plan_.empty() && plan_.back()->has_more_behind(); }

    queue_order* next_left       = nullptr; ///< Links and notes of pool_dispatch.
    std::uint32_t place          = 0;
    std::uint32_t unclaimed_then = 0;

  private:
    void settle_kept(message_progress as) noexcept {
        for (auto* batch : uncommitted_)
            for (std::uint32_t i = 0; i < batch->size(); ++i)
                if (batch->progress(i) == message_progress::consumed)
                    as == message_progress::finished ? batch->mark_finished(i) : batch->set_progress(i, as);
        uncommitted_.clear();
    }

    std::vector<batch_type*> plan_;
    std::size_t calls_ = 0;
    std::size_t place_ = 0; ///< In the plan.
    std::uint32_t at_  = 0; ///< In the batch there.
    std::vector<batch_type*> uncommitted_; ///< In order; they stay until they are finished.
    bool over_ = false;
    cell<bool> claimed_{true};
    cell<bool> given_up_{false};
    cell<std::uint32_t> shares_{0};
};

} // namespace rocketpush

#endif
// rocketpush/consume/turn_job.hpp
#ifndef ROCKETPUSH_CONSUME_TURN_JOB_HPP
#define ROCKETPUSH_CONSUME_TURN_JOB_HPP

#include <optional>
#include <utility>

namespace rocketpush {

/**
 * @brief A share in one turn of an orderly queue: what executors get and call. As consume_job, but one runner is enough:
 *        it wants help while it is being handed over, so that a thread is woken for it, and none when it starts.
 *
 * @tparam Consumption  Has `run(job, Order&)`, `left(Order&, Owner&)` and `worth_a_thread(Order&)`.
 */
template <class Consumption, class Order, class Owner>
class turn_job {
  public:
    turn_job(Consumption& consumption, Order& order, Owner owner) noexcept
        : turn_job(consumption, order, std::move(owner), false) {
        order_->enter();
    }

    /// For a turn that nobody looks at again; one thread is all that it can do with.
    static turn_job unwatched(Consumption& consumption, Order& order, Owner owner) noexcept {
        return turn_job(consumption, order, std::move(owner));
    }

    /// One more for a turn that nobody has begun, whose first job stands behind a call that blocks. Empty: the turn is over.
    static std::optional<turn_job> urgent(Consumption& consumption, Order& order, Owner owner) noexcept {
        if (!order.enter_if_running())
            return std::nullopt;
        return turn_job(consumption, order, std::move(owner), true);
    }

    turn_job(const turn_job& other) noexcept
        : consumption_(other.consumption_), order_(other.order_), owner_(other.owner_), urgent_(other.urgent_) {
        handed_over_ = true;
        if (order_)
            order_->enter();
    }
    turn_job(turn_job&& other) noexcept
        : consumption_(other.consumption_),
          order_(std::exchange(other.order_, nullptr)),
          owner_(std::move(other.owner_)),
          urgent_(other.urgent_) {
        handed_over_ = true;
    }
    // No assignment by value: see block_ref.
    turn_job& operator=(const turn_job& other) noexcept { return *this = turn_job(other); }
    turn_job& operator=(turn_job&& other) noexcept {
        turn_job taken(std::move(other));
        std::swap(consumption_, taken.consumption_);
        std::swap(order_, taken.order_);
        std::swap(owner_, taken.owner_);
        std::swap(urgent_, taken.urgent_);
        std::swap(handed_over_, taken.handed_over_);
        return *this;
    }
    ~turn_job() {
        if (order_ && order_->leave())
            consumption_->left(*order_, owner_);
    }

    /// Consumes until the turn is over, or finds that another copy does.
    void operator()() const { consumption_->run(*this, *order_); }

    /// Whether a thread is to be woken for it.
    bool wants_help() const noexcept {
        return order_->has_unclaimed() && (urgent_ || (!handed_over_ && consumption_->worth_a_thread(*order_)));
    }

    Order& order() const noexcept { return *order_; }
    const Owner& owner() const noexcept { return owner_; }

  private:
    /// The order has counted it already.
    turn_job(Consumption& consumption, Order& order, Owner owner, bool urgent) noexcept
        : consumption_(&consumption), order_(&order), owner_(std::move(owner)), urgent_(urgent) {}

    Consumption* consumption_;
    Order* order_;
    Owner owner_;
    bool urgent_;
    bool handed_over_ = false; ///< Moved or copied, as an executor does that keeps it.
};

} // namespace rocketpush

#endif

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief Runs the listener on the messages of each queue in order: one call at a time in a queue, as many queues at once as
 *        the executor allows.
 *
 * A queue with messages gets a turn: one job for the executor, which calls the listener with slice after slice until nothing
 * is left, something is in the way (`turn_step`), or 60 s are over. The strand hears of the end, retires what is finished,
 * and sees to what was in the way. With an awaitable listener a turn is a coroutine on the executor, at most as many of them
 * as calls may run at once.
 *
 * @tparam Wrapper  `orderly<L>` or `orderly_manual<L>`.
 * @tparam Host     The consumer; see consumer_core.
 * @par Thread safety  `dispatch`, `begin_turn`, `turn_ran`, `forget_exhausted`, `shut` on the strand.
 * @par Source         Java `ConsumeMessageOrderlyService`.
 */
template <class Wrapper, executor_policy Executor, observer Observer, runtime Runtime, class Host>
class orderly_consumption {
  public:
    using traits     = orderly_traits<Wrapper>;
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr bool in_order = true;
    /// Whether listener calls may be on other threads than the strand.
    static constexpr bool concurrent = Executor::concurrent;
    /// Whether a turn is over when it was handed over.
    static constexpr bool immediate = !concurrent && !traits::awaitable;
    /// Whether threads of the executor call the listener.
    static constexpr bool by_pool = concurrent && !traits::awaitable;

    using batch_type = pulled_batch<concurrent>;
    using order_type = queue_order<concurrent>;
    using call_type  = typename order_type::call;
    using owner_type = std::conditional_t<immediate, Host*, std::shared_ptr<Host>>;
    using job        = turn_job<orderly_consumption, order_type, owner_type>;

    orderly_consumption(Wrapper listener, Executor executor, Observer& observer, Runtime& runtime)
        : listener_(std::move(listener)),
          executor_(std::move(executor)),
          observer_(observer),
          runtime_(runtime),
          gate_(runtime.get_executor()),
          pool_(*this, executor_, runtime_, gate_) {}
    orderly_consumption(const orderly_consumption&)            = delete;
    orderly_consumption& operator=(const orderly_consumption&) = delete;

    /// The executor may have been told another number of threads.
    void start(const options& with) {
        batch_size_ = static_cast<std::uint32_t>(with.consume_batch_size);
        pause_      = with.suspend_interval;
        executor_.start(with.consume_threads);
        threads_ = with.consume_threads;
    }

    Executor& executor() noexcept { return executor_; }

    /// A batch was appended to its queue; `owner` is kept while a turn is out.
    template <class Queue>
    void dispatch(Queue& queue, batch_type& batch, owner_type owner) {
        batch.heard = true; // no runner is in a batch: it is the queue that has one
        if constexpr (by_pool) {
            if (queue.order.out) // it may be over, and only to be heard of
                pool_.collect(*owner);
        }
        begin_turn(queue, std::move(owner));
    }

    /// Has the queue consumed, unless it is already, or something is in the way.
    template <class Queue>
    void begin_turn(Queue& queue, owner_type owner) {
        order_type& order = queue.order;
        if (queue.dropped || order.out || order.held_up)
            return;
        order.plan(queue.cache, most_batches(), slice_size());
        const auto now = runtime_.now();
        order.turn.begin(now);
        const auto step = order.next(order.has_plan(), abandoned_.load(std::memory_order_relaxed), now);
        if (step == turn_step::lock_first)
            owner->regain_lock(queue);
        if (step != turn_step::consume)
            return;
        order.home = &queue;
        order.out  = true;
        if constexpr (traits::awaitable) {
            waiting_.push_back(job(*this, order, std::move(owner)));
            start_lanes();
        } else if constexpr (by_pool) {
            pool_.dispatch(order, std::move(owner));
        } else {
            executor_.execute(job(*this, order, std::move(owner)));
        }
    }

    void collect(Host& host) {
        if constexpr (by_pool)
            pool_.collect(host);
    }
    void collect_soon(Host& host) {
        if constexpr (by_pool)
            pool_.collect_soon(host);
    }

    /// Whether a turn is worth one more thread.
    bool worth_a_thread(const order_type& order) const noexcept { return call_length_.are_long(order.planned_calls()); }

    /// Lets go of turns that wait for a lane and whose queue was given up.
    void forget_exhausted() {
        if constexpr (traits::awaitable)
            std::erase_if(waiting_, [](const job& each) { return each.order().is_given_up(); });
    }

    /// Whether this thread is in a listener call of ours. (One that is awaited may be in any of the executor's threads.)
    bool inside_listener() const noexcept {
        if constexpr (traits::awaitable && requires { executor_.get_executor().running_in_this_thread(); })
            return executor_.get_executor().running_in_this_thread();
        else
            return running_here_ == this;
    }

    /// Nothing reaches the strand any more, whatever runners do. Call when the consumer has stopped.
    void shut() {
        gate_.shut();
        if constexpr (by_pool)
            pool_.shut();
    }

    /// From any thread: no further listener call begins, whatever is still to be consumed.
    void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }

  private:
    friend job;

    /// One runner's work, called by the executor (through the job).
    void run(const job&, order_type& order) {
        if constexpr (!traits::awaitable) {
            if (!order.claim())
                return;
            const auto outer = std::exchange(running_here_, this);
            {
                turn_watch watch(*this, order);
                while (const auto call = next_call(order))
                    consume(order, call);
            }
            running_here_ = outer;
        }
    }

    /// The turn is over and nobody has a share in it.
    void left(order_type& order, owner_type& owner) {
        if constexpr (immediate)
            owner->batch_ran(order);
        else if constexpr (by_pool)
            pool_.left(order, owner);
        else
            gate_.post([owner = std::move(owner), &order] { owner->batch_ran(order); });
    }

    call_type next_call(order_type& order) noexcept {
        return order.next_call(slice_size(), abandoned_.load(std::memory_order_relaxed), runtime_.now());
    }

    /// Messages of one listener call; a listener of one message gets one, whatever the options say.
    std::uint32_t slice_size() const noexcept {
        if constexpr (traits::batch)
            return batch_size_;
        else
            return 1;
    }

    /// A turn goes on while there are messages; but when calls are long the strand hears after each batch, to pull more.
    std::size_t most_batches() const noexcept {
        return !immediate && call_length_.are_long(32) ? 1 : std::numeric_limits<std::size_t>::max();
    }

    /// Begins a turn, and sums up what it took.
    struct turn_watch {
        turn_watch(orderly_consumption& consumption, order_type& of) noexcept
            : from(consumption), order(of), since(from.runtime_.now()), calls_before(of.counts.calls) {
            order.turn.begin(since);
        }
        turn_watch(const turn_watch&)            = delete;
        turn_watch& operator=(const turn_watch&) = delete;
        ~turn_watch() {
            const std::chrono::nanoseconds spent = from.runtime_.now() - since;
            from.call_length_.note(order.counts.calls - calls_before, spent);
            order.counts.consume_time += spent;
        }

        orderly_consumption& from;
        order_type& order;
        time_point since;
        std::uint64_t calls_before;
    };

    void consume(order_type& order, const call_type& call) {
        const auto messages = call.batch->views(call.slice);
        orderly_context context{*call.batch->origin.queue};
        observer_.before_consume(messages, consume_context{context.queue});
        auto result = orderly_result::suspend;
        try {
            if constexpr (traits::silent) {
                traits::call(listener_, messages, context);
                result = orderly_result::commit;
            } else {
                result = as_orderly(traits::call(listener_, messages, context));
            }
        } catch (...) {
            observer_.on_listener_exception(context.queue, std::current_exception());
        }
        settle(order, call, context, result);
    }

    static constexpr orderly_result as_orderly(orderly_result result) noexcept { return result; }
    static constexpr orderly_result as_orderly(consume_result result) noexcept {
        return result == consume_result::success ? orderly_result::commit : orderly_result::suspend;
    }

    void settle(order_type& order, const call_type& call, const orderly_context& context, orderly_result result) {
        const bool good = result == orderly_result::success || result == orderly_result::commit;
        observer_.after_consume(call.batch->views(call.slice), consume_context{context.queue},
                                good ? consume_result::success : consume_result::reconsume_later);
        ++order.counts.calls;
        (good ? order.counts.succeeded : order.counts.failed) += call.slice.count;
        if (good) {
            if constexpr (traits::manual) {
                order.keep(call);
                if (result == orderly_result::commit)
                    order.commit();
            } else {
                for (auto i = call.slice.first; i < call.slice.first + call.slice.count; ++i)
                    call.batch->mark_finished(i);
            }
            return;
        }
        const bool rolled_back = result == orderly_result::rollback;
        if (rolled_back)
            order.roll_back();
        order.suspend(rolled_back ? call_type() : call, context.suspend_for.value_or(pause_), runtime_.now());
    }

    // Lanes: awaitable listeners only. All of this is on the strand, but for the lanes themselves.

    /// An executor without threads has no limit of its own.
    std::size_t lane_limit() const noexcept { return concurrent ? executor_.concurrency() : threads_; }

    void start_lanes() {
        while (lanes_ < lane_limit() && !waiting_.empty()) {
            ++lanes_;
            job next = std::move(waiting_.front());
            waiting_.pop_front();
            spawn_lane(std::move(next));
        }
    }

    void spawn_lane(job work) {
        if constexpr (traits::awaitable) {
            work.order().claim();
            if constexpr (requires { executor_.get_executor(); })
                asio::co_spawn(executor_.get_executor(), lane(*this, std::move(work)), asio::detached);
            else
                asio::co_spawn(runtime_.get_executor(), lane(*this, std::move(work)), asio::detached);
        }
    }

    static auto lane_type() {
        if constexpr (traits::awaitable)
            return std::type_identity<
                asio::awaitable<void, typename detail::awaited<typename traits::answer>::executor>>();
        else
            return std::type_identity<void>();
    }
    using lane_awaitable = typename decltype(lane_type())::type;

    template <class Result = lane_awaitable>
    static Result lane(orderly_consumption& here, job work) {
        order_type& order = work.order();
        {
            turn_watch watch(here, order);
            for (auto call = here.next_call(order); call; call = here.next_call(order)) {
                const auto messages = call.batch->views(call.slice);
                orderly_context context{*call.batch->origin.queue};
                here.observer_.before_consume(messages, consume_context{context.queue});
                auto result = orderly_result::suspend;
                try {
                    if constexpr (traits::silent) {
                        co_await traits::call(here.listener_, messages, context);
                        result = orderly_result::commit;
                    } else {
                        const auto answer = co_await traits::call(here.listener_, messages, context);
                        result            = as_orderly(answer);
                    }
                } catch (...) {
                    here.observer_.on_listener_exception(context.queue, std::current_exception());
                }
                here.settle(order, call, context, result);
            }
        }
        auto owner = work.owner();
        here.gate_.post([owner, &here, last = std::move(work)] {
            --here.lanes_;
            here.start_lanes();
        });
    }

    static inline thread_local const orderly_consumption* running_here_ = nullptr;

    Wrapper listener_;
    Executor executor_;
    Observer& observer_;
    Runtime runtime_;
    detail::strand_gate<typename Runtime::executor_type> gate_;
    std::uint32_t batch_size_ = 1;
    std::chrono::milliseconds pause_{1000};
    std::atomic<bool> abandoned_{false};
    call_length call_length_;
    struct no_pool {
        template <class... Parts>
        explicit no_pool(Parts&...) noexcept {}
    };
    std::conditional_t<by_pool, pool_dispatch<orderly_consumption, order_type, Host, Executor, Runtime>, no_pool> pool_;

    std::deque<job> waiting_; ///< Turns that no lane has begun, oldest first.
    std::size_t lanes_   = 0;
    std::size_t threads_ = 1;
};

template <wrapped_in_order Wrapper>
struct consumption_of<Wrapper> {
    template <executor_policy Executor, observer Observer, runtime Runtime, class Host>
    using type = orderly_consumption<Wrapper, Executor, Observer, Runtime, Host>;
};

} // namespace rocketpush

#endif
// rocketpush/consume/return_ladder.hpp
#ifndef ROCKETPUSH_CONSUME_RETURN_LADDER_HPP
#define ROCKETPUSH_CONSUME_RETURN_LADDER_HPP


#include <cstdint>

namespace rocketpush {

/// What to do next with a message that failed.
enum class return_step : std::uint8_t {
    ask_broker,   ///< Have the broker that holds it store it again.
    ask_again,    ///< The same once more, after a pause.
    send_copy,    ///< Send a copy to the group's retry topic.
    consume_here, ///< Give it to the listener here once more, after a pause; from there it begins anew.
    done          ///< A broker has it.
};

/**
 * @brief How a failed message gets to where it comes from again: told how each attempt ended, says what comes next.
 *
 * What surely failed goes on to the next step. A request that may have been carried out is only repeated: a copy beside it
 * would make two of the message where its broker had only been slow.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.sendMessageBack`, `ConsumeMessageConcurrentlyService.submitConsumeRequestLater`.
 *              Differs: Java sends a copy after a time-out as well.
 */
class return_ladder {
  public:
    /// So often the broker is asked in all when its answers stay away.
    static constexpr int most_asked = 4;

    /// @param broker_can  Whether the broker could take it back; not one message out of a batch that is stored as one, nor
    ///                    of a static topic, whose broker is not known.
    constexpr explicit return_ladder(bool broker_can) noexcept
        : step_(broker_can ? return_step::ask_broker : return_step::send_copy) {}

    constexpr return_step step() const noexcept { return step_; }
    /// Nothing is left to do but to wait for what the listener says next time, or nothing at all.
    constexpr bool ended() const noexcept { return step_ == return_step::done || step_ == return_step::consume_here; }

    /// How the attempt of `step()` ended.
    void tell(const store_outcome& outcome) noexcept {
        perhaps_stored_ = perhaps_stored_ || outcome.perhaps_stored;
        if (outcome.stored())
            step_ = return_step::done;
        else if (step_ == return_step::send_copy)
            step_ = return_step::consume_here;
        else if (!perhaps_stored_)
            step_ = return_step::send_copy;
        else
            step_ = ++asked_ < most_asked ? return_step::ask_again : return_step::consume_here;
    }

  private:
    return_step step_;
    int asked_           = 0;
    bool perhaps_stored_ = false;
};

} // namespace rocketpush

#endif
// rocketpush/consume/send_back.hpp
#ifndef ROCKETPUSH_CONSUME_SEND_BACK_HPP
#define ROCKETPUSH_CONSUME_SEND_BACK_HPP

// rocketpush/consume/retry_copy.hpp
#ifndef ROCKETPUSH_CONSUME_RETRY_COPY_HPP
#define ROCKETPUSH_CONSUME_RETRY_COPY_HPP


#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace rocketpush {

/// How often a message may fail before it goes to the dead letter queue; -1 is Java's 16.
constexpr int effective_max_reconsume_times(int option) noexcept { return option < 0 ? 16 : option; }

namespace detail {

/// The body as the broker stored it, and the flags that say how to read it: nothing is compressed a second time.
struct stored_body {
    std::string_view bytes;
    std::uint32_t sys_flag;
};
inline stored_body stored_body_of(const message_view& message) noexcept {
    constexpr auto kept  = sys_flags::compressed | sys_flags::compression_mask | sys_flags::multi_tags;
    const auto& fields   = message.fields();
    const auto stored_as = load_big<std::uint32_t>(fields.record + message_layout::sys_flag);
    const auto* place    = fields.record + message_layout::body(stored_as);
    // Only an inflated body lies elsewhere than in its record. (An owning `message` has the inflated one there.)
    if (fields.is_inner() || (stored_as & sys_flags::compressed) == 0 || fields.body == place)
        return {message.body(), stored_as & sys_flags::multi_tags};
    return {{place, load_big<std::uint32_t>(fields.record + message_layout::body_size(stored_as))}, stored_as & kept};
}

} // namespace detail

/**
 * @brief The copy that goes to a group's retry topic when a message cannot go back to its broker.
 *
 * Delay level 0 becomes 3 + how often it was consumed; -1 makes it a dead letter, which a broker does of a copy that was
 * retried too often.
 *
 * @param delay_level          See consume_context::delay_level.
 * @param max_reconsume_times  The number itself, not -1.
 * @par Source  Java `DefaultMQPushConsumerImpl.sendMessageBackAsNormalMessage`, `ConsumeMessageOrderlyService.sendMessageBack`
 *              and what `DefaultMQProducerImpl.sendKernelImpl` makes of it. Differs: Java's copy forgets the asked level.
 */
inline message_copy make_retry_copy(const message_view& message, std::string_view group, int delay_level,
                                    int max_reconsume_times) {
    namespace names   = property_names;
    const auto before = std::clamp(message.reconsume_times(), 0, std::numeric_limits<int>::max() - 1);
    const auto most   = delay_level < 0 ? std::min(before, max_reconsume_times) : max_reconsume_times;
    const auto level  = delay_level > 0 ? delay_level : 3 + std::min(before, 1000); // the broker knows its last level
    const auto body   = detail::stored_body_of(message);

    message_copy copy;
    copy.topic               = retry_topic(group);
    copy.body                = body.bytes;
    copy.sys_flag            = body.sys_flag;
    copy.flag                = message.flag();
    copy.born_timestamp      = message.born_timestamp().time_since_epoch().count();
    copy.reconsume_times     = before + 1;
    copy.max_reconsume_times = most;
    copy.properties          = message.raw_properties();
    if (!message.property(names::origin_message_id))
        protocol::set_property(copy.properties, names::origin_message_id, message.message_id());
    protocol::set_property(copy.properties, names::retry_topic, message.full_topic());
    protocol::remove_property(copy.properties, names::transaction_message);
    protocol::set_property(copy.properties, names::delay_level, std::to_string(level));
    // Java's producer makes header fields of these two, and has written them into the properties before.
    protocol::set_property(copy.properties, names::reconsume_time, std::to_string(copy.reconsume_times));
    protocol::set_property(copy.properties, names::max_reconsume_times, std::to_string(most));
    return copy;
}

} // namespace rocketpush

#endif

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rocketpush {

/// A message of a batch that its listener wants again.
struct failed_message {
    std::uint32_t index = 0;
    int delay_level     = 0; ///< See consume_context::delay_level.
    int reconsume_times = 0; ///< As it was consumed now; above the stored count after it was consumed here once more.
};

/// Waits, until the queue is given up at the latest.
template <class Host>
detail::awaitable<void, typename Host::executor_type> pause_at(Host& host, typename Host::queue_type& queue,
                                                               std::chrono::milliseconds time) {
    if (queue.dropped)
        co_return;
    typename Host::runtime_type::timer timer(host.runtime());
    timer.expires_at(host.runtime().now() + time);
    queue.naps.push_back(&timer); // giving the queue up ends the pause
    co_await timer.async_wait(detail::await_tuple<typename Host::executor_type>);
    std::erase(queue.naps, &timer);
}

/// Gives the listener a message once more here. Its batch keeps the memory, and its count of send-backs, until that has run.
template <class Host>
void consume_again(Host& host, typename Host::queue_type& queue, typename Host::batch_type& batch, std::uint32_t index,
                   const detail::message_fields& as) {
    auto echo        = host.batches().take();
    echo->origin     = batch.origin;
    echo->home       = &queue;
    echo->echo_of    = &batch;
    echo->echo_index = index;
    echo->messages.push_back(as);
    echo->prepare();
    auto& kept = queue.cache.keep_echo(std::move(echo));
    ++queue.counts.consumed_again;
    host.dispatch(kept);
}

/**
 * @brief Sees one failed message to where it comes from again; until then it is unfinished, and no offset passes it.
 *
 * Its broker stores it again; or a copy of it is sent to the retry topic; or the listener gets it here once more after 5 s
 * (see return_ladder). Ends without any of it only when the queue was given up or the consumer stops; then the
 * message comes again to whoever reads the queue next. The first request may take three times as long as the option
 * says: nobody waits for it but the message, and a broker that is only slow shall not get a second one.
 *
 * @par Source  Java `ConsumeMessageConcurrentlyService.sendMessageBack`.
 */
template <class Host>
detail::awaitable<void, typename Host::executor_type> send_back(std::shared_ptr<Host> host,
                                                                std::shared_ptr<typename Host::queue_type> queue,
                                                                typename Host::batch_type& batch,
                                                                failed_message failed) {
    constexpr std::chrono::milliseconds local_retry_delay{5000};
    const auto index       = failed.index;
    auto fields            = batch.messages[index];
    fields.reconsume_times = failed.reconsume_times;
    const message_view view(fields);
    const auto& with      = host->settings();
    const auto most_times = effective_max_reconsume_times(with.max_reconsume_times);
    const returned_message returned{.commit_log_offset   = view.commit_log_offset(),
                                    .delay_level         = failed.delay_level,
                                    .max_reconsume_times = most_times,
                                    .unit_mode           = with.unit_mode,
                                    .id                  = view.message_id(),
                                    .topic               = std::string(view.full_topic())};
    return_ladder ladder(!fields.is_inner() && !queue->queue.broker_name.starts_with(static_topic_broker_prefix));
    backoff pause(std::chrono::milliseconds(500), std::chrono::milliseconds(2000));
    auto timeout = 3 * with.send_back_timeout;
    while (!ladder.ended()) {
        if (ladder.step() == return_step::ask_again) {
            co_await pause_at(*host, *queue, pause.failed(host->runtime().random()));
            if (queue->dropped || batch.succeeded_late(index))
                break; // unconfirmed: whoever owns the queue next gets it again
        }
        store_outcome outcome;
        if (ladder.step() == return_step::send_copy) {
            auto copy      = make_retry_copy(view, with.group, failed.delay_level, most_times);
            copy.unit_mode = with.unit_mode;
            outcome        = co_await host->calls().send_copy(std::move(copy), queue->queue, with.request_timeout);
        } else {
            outcome = co_await host->calls().send_back(with.group, queue->queue, returned, timeout);
            timeout = with.send_back_timeout;
        }
        host->observe().on_send_back(view, outcome.failure);
        ladder.tell(outcome);
    }
    if (ladder.step() == return_step::consume_here) {
        co_await pause_at(*host, *queue, local_retry_delay);
        if (!queue->dropped && !batch.succeeded_late(index)) {
            ++fields.reconsume_times;
            consume_again(*host, *queue, batch, index, fields);
            co_return;
        }
    }
    const bool sent = ladder.step() == return_step::done;
    queue->counts.sent_back += sent;
    if (sent || batch.succeeded_late(index))
        batch.set_progress(index, message_progress::finished);
    --batch.under_send_back;
    host->settled(*queue);
}

} // namespace rocketpush

#endif
// rocketpush/consume/consume_timeout.hpp
#ifndef ROCKETPUSH_CONSUME_CONSUME_TIMEOUT_HPP
#define ROCKETPUSH_CONSUME_CONSUME_TIMEOUT_HPP


#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace rocketpush {

/// How often to look for listener calls that have run too long.
constexpr std::chrono::milliseconds sweep_interval(std::chrono::milliseconds consume_timeout) noexcept {
    return std::clamp(consume_timeout / 8, std::chrono::milliseconds(100), std::chrono::milliseconds(10000));
}

/**
 * @brief Takes the messages of a queue from listener calls that have run for longer than `options::consume_timeout`, and
 *        sends them back to come again in 10 s. The call itself is not disturbed; what it answers at last is not heard.
 *
 * Called every `sweep_interval`, by which a message may be late.
 *
 * @par Source  Java `ProcessQueue.cleanExpiredMsg`. Differs: every message is looked at, not only the queue's first, and
 *              more often than once in a time-out.
 */
template <class Host>
void take_over_expired(const std::shared_ptr<Host>& host, const std::shared_ptr<typename Host::queue_type>& queue) {
    constexpr int delay_level = 3; // as Java's: 10 s
    const auto now            = host->runtime().now();
    const auto limit          = now - host->settings().consume_timeout;
    struct expired {
        typename Host::batch_type* batch;
        failed_message message;
    };
    std::vector<expired> found; // first all, as to send one back may move the batches
    queue->cache.for_each_running([&](auto& batch) {
        batch.claims.look(batch.claimed_count(), now);
        const auto started = batch.claims.claimed_at(limit);
        for (std::uint32_t i = 0; i < started; ++i)
            if (batch.take_over(i)) {
                const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - batch.claims.seen_at(i));
                host->observe().on_consume_timeout(message_view(batch.messages[i]), since);
                const bool echo = batch.echo_of != nullptr;
                found.push_back({echo ? batch.echo_of : &batch,
                                 {echo ? batch.echo_index : i, delay_level, batch.messages[i].reconsume_times}});
            }
    });
    for (const auto& each : found)
        ++each.batch->under_send_back;
    queue->counts.timed_out += found.size();
    for (const auto& each : found)
        host->spawn(send_back(host, queue, *each.batch, each.message));
}

} // namespace rocketpush

#endif
// rocketpush/rebalance/lock_keeper.hpp
#ifndef ROCKETPUSH_REBALANCE_LOCK_KEEPER_HPP
#define ROCKETPUSH_REBALANCE_LOCK_KEEPER_HPP

// rocketpush/detail/wait_group.hpp
#ifndef ROCKETPUSH_DETAIL_WAIT_GROUP_HPP
#define ROCKETPUSH_DETAIL_WAIT_GROUP_HPP


#include <cstddef>
#include <memory>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Coroutines of one strand that run side by side, and somebody who waits for all of them.
 *
 * `spawn` starts one; `wait` returns when none is left. Shared by them all, so it may be dropped before they end.
 */
template <class Runtime>
class wait_group : public std::enable_shared_from_this<wait_group<Runtime>> {
  public:
    using executor_type = typename Runtime::executor_type;

    explicit wait_group(Runtime& runtime) : executor_(runtime.get_executor()), changed_(runtime) {}

    void spawn(awaitable<void, executor_type> work) {
        ++running_;
        asio::co_spawn(executor_, run(this->shared_from_this(), std::move(work)), asio::detached);
    }

    std::size_t running() const noexcept { return running_; }

    awaitable<void, executor_type> wait() {
        while (running_ != 0)
            co_await changed_.wait_until(std::chrono::steady_clock::time_point::max());
    }
    /// Returns at `deadline` at the latest. @return Whether all have ended.
    awaitable<bool, executor_type> wait_until(std::chrono::steady_clock::time_point deadline) {
        bool in_time = true;
        while (running_ != 0 && in_time)
            in_time = co_await changed_.wait_until(deadline);
        co_return running_ == 0;
    }

  private:
    static awaitable<void, executor_type> run(std::shared_ptr<wait_group> self, awaitable<void, executor_type> work) {
        co_await std::move(work);
        --self->running_;
        self->changed_.wake();
    }

    executor_type executor_;
    wake_up<Runtime> changed_;
    std::size_t running_ = 0;
};

} // namespace rocketpush::detail

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Asks brokers for the locks of an orderly consumer's queues, renews them, and gives them up.
 *
 * A queue that the broker turns out to have given to another member is lost: it is given up without a commit, since its
 * offset is the other's now, and taken over anew if it is still ours. So is one whose lock was not confirmed for so long
 * that another may have had it in between.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.lock`, `lockAll`, `unlock`.
 */
template <class Host>
class lock_keeper {
  public:
    using queue_type    = typename Host::queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using runtime_type  = typename Host::runtime_type;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// A renewal that failed is tried again after this: a lock is trusted for 30 s only.
    static constexpr std::chrono::milliseconds retry_delay{1000};
    /// Queues of one request at most.
    static constexpr std::size_t most_of_one_request = 1000;
    /// A lock that could not be given up would keep others waiting for a minute.
    static constexpr int unlock_attempts = 3;

    explicit lock_keeper(Host& host) : host_(host), due_(host.runtime()) {}

    /// Asks for the lock of one queue. @return Why it is not ours: error::locked_elsewhere, or that the broker could not be asked.
    task<std::error_code> ask(queue_ptr owned) {
        std::vector<queue_ptr> one{owned};
        const auto failure = co_await ask_for(std::move(one));
        if (failure)
            co_return failure;
        co_return owned->order.lock.held() ? std::error_code() : make_error_code(error::locked_elsewhere);
    }

    /// Gives the lock up unless the broker said that it is another's. @param limit  When to stop trying.
    task<void> unlock(queue_ptr owned, time_point limit) {
        if (!owned->order.lock.may_be_ours())
            co_return;
        owned->order.lock.lose();
        auto& answered = owned->idle ? *owned->idle : owned->wake;
        while (owned->order.lock.being_asked()) // ends by its timeout at the latest
            co_await answered.wait_until(time_point::max());
        for (int attempt = 1; attempt <= unlock_attempts; ++attempt) {
            std::vector<message_queue> one{owned->queue};
            const auto failure =
                co_await host_.calls().unlock(host_.settings().group, host_.client_id(), std::move(one));
            if (!failure || host_.runtime().now() >= limit)
                break;
        }
    }

    /// Renews all locks, again and again, until the consumer has stopped.
    static task<void> run(std::shared_ptr<Host> host) {
        auto& self = host->locks();
        auto next  = host->runtime().now() + host->settings().lock_renew_interval;
        while (!host->has_stopped()) {
            co_await self.due_.wait_until(next);
            if (host->has_stopped())
                break;
            const auto begun  = host->runtime().now();
            const auto failed = co_await self.renew();
            next              = begun + (failed ? std::min(retry_delay, host->settings().lock_renew_interval)
                                                : host->settings().lock_renew_interval);
        }
    }
    /// Has all locks renewed now: some may have to be held at another broker.
    void renew_soon() { due_.wake(); }
    /// The consumer has stopped.
    void stop() { due_.wake(); }

  private:
    /// @return Whether some broker could not be asked.
    task<bool> renew() {
        std::map<std::string, std::vector<std::vector<queue_ptr>>> due; // by broker, in pieces
        for (const auto& owned : host_.queues().all()) {
            if (!owned->order.lock.held())
                continue;
            auto& pieces = due[std::string(host_.routes().home(owned->queue))];
            if (pieces.empty() || pieces.back().size() == most_of_one_request)
                pieces.emplace_back();
            pieces.back().push_back(owned);
        }
        const auto failed   = std::make_shared<bool>(false);
        const auto renewals = std::make_shared<detail::wait_group<runtime_type>>(host_.runtime());
        for (auto& [broker, pieces] : due)
            for (auto& piece : pieces)
                renewals->spawn(renew_some(host_.shared_from_this(), std::move(piece), failed));
        co_await renewals->wait();
        co_return *failed;
    }

    static task<void> renew_some(std::shared_ptr<Host> host, std::vector<queue_ptr> some,
                                 std::shared_ptr<bool> failed) {
        const std::string broker(host->routes().home(some.front()->queue));
        const auto failure = co_await host->locks().ask_for(std::move(some));
        if (failure) {
            *failed = true;
            host->observe().on_lock_failure(broker, failure);
        }
    }

    /// One request for queues of one broker, and what its answer makes of each. @return Why there is no answer.
    task<std::error_code> ask_for(std::vector<queue_ptr> some) {
        std::vector<message_queue> wanted;
        for (const auto& each : some) {
            each->order.lock.asking();
            wanted.push_back(each->queue);
        }
        const auto sent = host_.runtime().now();
        auto locked     = co_await host_.calls().lock(host_.settings().group, host_.client_id(), std::move(wanted));
        for (const auto& each : some) {
            each->order.lock.asked();
            if (each->dropped) { // who gives it up may wait for this
                each->wake.wake();
                each->wake_idle();
            }
        }
        if (!locked)
            co_return locked.error();
        std::ranges::sort(*locked);
        const auto now = host_.runtime().now();
        for (const auto& each : some) {
            auto& lock = each->order.lock;
            if (!std::ranges::binary_search(*locked, each->queue)) {
                if (lock.refused(sent))
                    host_.queues().lose(*each, error::locked_elsewhere);
            } else if (lock.confirmed(sent, now) == lock_change::interrupted) {
                lock.lose();
                host_.queues().lose(*each, error::lock_expired);
            }
        }
        co_return std::error_code();
    }

    Host& host_;
    detail::wake_up<runtime_type> due_;
};

} // namespace rocketpush

#endif
// rocketpush/rebalance/queue_table.hpp
#ifndef ROCKETPUSH_REBALANCE_QUEUE_TABLE_HPP
#define ROCKETPUSH_REBALANCE_QUEUE_TABLE_HPP

// rocketpush/rebalance/owned_queue.hpp
#ifndef ROCKETPUSH_REBALANCE_OWNED_QUEUE_HPP
#define ROCKETPUSH_REBALANCE_OWNED_QUEUE_HPP

// rocketpush/fetch/fetching_queue.hpp
#ifndef ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP
#define ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP


#include <cstddef>

namespace rocketpush {

/**
 * @brief What a queue that is pulled and one that is popped have in common: for those who share the consumer's memory out.
 * @par Thread safety  None; on the strand.
 */
template <class Runtime>
struct fetching_queue {
    explicit fetching_queue(Runtime& runtime) : wake(runtime) {}

    detail::wake_up<Runtime> wake; ///< For the fetch loop: there may be room, or the queue was dropped.
    /// Given up: nothing further is fetched; late answers change nothing.
    bool dropped                 = false;
    bool in_memory_line          = false; ///< See memory_budget.
    std::size_t memory_set_aside = 0;     ///< See memory_budget.
    std::size_t counted_bytes    = 0;     ///< Of what is held, as queue_memory counted last ...
    std::size_t counted_inflated = 0;     ///< ... and of them inflated ones.
};

} // namespace rocketpush

#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief One queue from the moment it is assigned to us until nothing of it is left here: an epoch of its ownership.
 *
 * A queue that comes back gets a new one, so what an old fetch loop still learns of the old one is discarded.
 *
 * @tparam Order  What the consumption keeps of the queue: queue_order or no_order.
 * @par Thread safety  None; on the strand.
 */
template <class Connection, class Runtime, bool Concurrent, class Order>
struct owned_queue : fetching_queue<Runtime> {
    owned_queue(message_queue of, Runtime& runtime)
        : fetching_queue<Runtime>(runtime), queue(std::move(of)), cache(0) {}

    using cache_type = process_queue<Concurrent>;

    message_queue queue;
    queue_stage stage = queue_stage::acquiring;
    std::chrono::steady_clock::time_point stage_since{};
    cache_type cache;
    [[no_unique_address]] Order order;

    bool in_line = false; ///< Acquiring, and the broker is asked for so many first offsets that this one waits.

    /// Whether a listener call may be running, or messages are on their way elsewhere.
    bool busy() const noexcept { return cache.busy() || order.busy(); }
    std::size_t held_bytes() const noexcept { return cache.cached_bytes(); }
    /// Of them, bodies that were inflated.
    std::size_t inflated_bytes() const noexcept { return cache.inflated_bytes(); }
    bool suspended = false; ///< By the user: not pulled.
    std::optional<queue_offset>
        begin_at; ///< Where to begin in place of the stored offset: it was set while we took over.

    /// For who gives it up, and only there then: a listener call or a send-back ended.
    std::unique_ptr<detail::wake_up<Runtime>> idle;
    void wake_idle() {
        if (idle)
            idle->wake();
    }

    std::vector<typename Runtime::timer*> naps; ///< Pauses between attempts at this queue; giving it up ends them.

    bool writing            = false; ///< A commit is under way; the next one waits, or they could overtake each other.
    queue_offset committed  = -1;    ///< What the store confirmed; -1: nothing yet.
    queue_offset broker_max = -1;    ///< The queue's end as the last pull told.
    flow_state flow         = flow_state::open;

    std::shared_ptr<Connection> connection; ///< Where it was pulled last.
    std::uint64_t connection_route = 0;     ///< The route version that `connection` was chosen by.
    std::int64_t suggested_replica = 0;     ///< The broker's word where to pull next.
    std::int64_t connected_replica = 0;
    bool committing_pull           = false;            ///< A pull that carries a commit is under way ...
    std::chrono::steady_clock::time_point pull_sent{}; ///< ... since then.
    bool at_master = true;                             ///< Whether `connection` goes to the master.

    work_counts counts;
};

} // namespace rocketpush

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The queues of one consumer, each from its assignment until it was handed over with a confirmed offset.
 *
 * Taking over: wait for the former owner if it lives, find the first offset, begin to fetch. Giving up: stop fetching, let
 * running listener calls end (not for ever), commit and have it confirmed, forget. A queue that is being given up is taken
 * over anew only after that has ended. Each is an operation of its own: a slow one delays no other queue.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.processQueueTable`, `updateProcessQueueTableInRebalance`, `computePullFromWhere`.
 */
template <class Host>
class queue_table {
  public:
    using queue_type    = typename Host::queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// How long a queue that goes to another member waits for its running listener calls.
    static constexpr std::chrono::seconds hand_over_limit{5};
    /// How often one that is in a hurry looks whether they have ended.
    static constexpr std::chrono::milliseconds hand_over_look{5};
    /// How long a broker may take to look at a pull.
    static constexpr std::chrono::milliseconds pull_processing_limit{300};
    /// The commit of a former owner may be so much later than its unlock.
    static constexpr std::chrono::milliseconds commit_settles{200};
    /// So many first offsets are asked for at a broker at once; the other queues wait, or ten thousand at the start would
    /// need room for as many requests. Those of another broker do not wait for a slow one's.
    static constexpr std::size_t most_look_ups = 256;
    /// And so many offsets are written at once at each broker.
    static constexpr std::size_t most_writes = 64;
    /// A last commit that fails is tried again so often, this long after the failure.
    static constexpr int commit_attempts = 3;
    static constexpr std::chrono::milliseconds commit_retry_delay{200};

    explicit queue_table(Host& host) : host_(host) {}

    /// The queues of `topic` that are ours or are becoming ours, in order; not those on their way out.
    std::vector<message_queue> held(const std::string& topic) const {
        std::vector<message_queue> found;
        for (auto at = first_of(topic); at != queues_.end() && (*at)->queue.topic == topic; ++at)
            if (!(*at)->dropped)
                found.push_back((*at)->queue);
        return found;
    }

    /// Whether a queue of this topic and broker is here, in any stage.
    bool has(const std::string& topic, const std::string& broker_name) const {
        const auto at =
            queues_.lower_bound(message_queue{topic, broker_name, std::numeric_limits<std::int32_t>::min()});
        return at != queues_.end() && (*at)->queue.topic == topic && (*at)->queue.broker_name == broker_name;
    }

    /// Whether nothing is being taken over or given up.
    bool settled() const {
        return std::ranges::all_of(queues_, [](const auto& each) { return each->stage == queue_stage::fetching; });
    }

    /// In the order of the queues.
    const auto& all() const noexcept { return queues_; }
    const work_counts& past_counts() const noexcept { return past_; }

    /// Topics that were known when the consumer started: only for their queues does "last" mean behind the newest message.
    void remember_first_queues(const std::vector<message_queue>& queues) {
        for (const auto& queue : queues) {
            auto& count = first_queues_[{queue.topic, queue.broker_name}];
            count       = std::max(count, queue.queue_id + 1);
        }
    }

    /// Takes a queue over, if it is not here in any stage. @param held_elsewhere  A living member may still be reading it.
    void acquire(const message_queue& queue, bool held_elsewhere) {
        if (queues_.contains(queue))
            return;
        auto owned       = std::make_shared<queue_type>(queue, host_.runtime());
        owned->suspended = suspended_.contains(queue);
        enter_stage(*owned, queue_stage::acquiring);
        queues_.insert(owned);
        host_.prepare_order(*owned, held_elsewhere);
        if (held_elsewhere && !Host::locks_queues) // else the broker says when the former owner has done with it
            host_.spawn(look_up_later(host_.shared_from_this(), std::move(owned), host_.settings().takeover_delay));
        else
            look_up(std::move(owned));
    }

    void release(const message_queue& queue) {
        if (const auto found = queues_.find(queue); found != queues_.end())
            release(*found, std::nullopt);
    }
    /// For a consumer that stops; those that are being given up already wait by its deadline from now on.
    void release_all() {
        for (const auto& owned : std::vector(queues_.begin(), queues_.end())) {
            owned->wake_idle();
            release(owned, std::nullopt);
        }
    }

    /// Gives up every queue of a topic, in whatever stage.
    void release_topic(const std::string& topic) {
        std::vector<queue_ptr> found;
        for (auto at = first_of(topic); at != queues_.end() && (*at)->queue.topic == topic; ++at)
            found.push_back(*at);
        for (auto& owned : found)
            release(std::move(owned), std::nullopt);
    }

    /// Waits until nothing of a topic is here any more; each of its queues has its own limits.
    task<void> wait_until_released(std::string topic) {
        watcher gone(*this);
        for (;;) {
            const auto at = first_of(topic);
            if (at == queues_.end() || (*at)->queue.topic != topic || !(*at)->dropped)
                break;
            co_await gone.erased.wait_until(time_point::max());
        }
    }

    /// Ends this epoch of the queue and has the next one begin at `offset`.
    void restart_at(queue_type& queue, queue_offset offset) {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->get() == &queue)
            release(*found, offset);
    }
    /// The same for a queue by its name. One that is being taken over begins there.
    /// @return The epoch that ends by it, or is about to begin; nothing if the queue is not ours.
    queue_ptr restart_at(const message_queue& queue, queue_offset offset) {
        const auto found = queues_.find(queue);
        if (found == queues_.end() || (*found)->dropped)
            return nullptr;
        const auto owned = *found;
        if (owned->stage == queue_stage::acquiring)
            owned->begin_at = offset;
        else
            release(owned, offset);
        return owned;
    }
    /// Waits until this epoch of a queue has ended.
    task<void> wait_until_ended(queue_ptr owned) {
        watcher gone(*this);
        for (;;) {
            const auto found = queues_.find(owned->queue);
            if (found == queues_.end() || *found != owned)
                break;
            co_await gone.erased.wait_until(time_point::max());
        }
    }

    /// Whether this queue is pulled, in all its epochs.
    void suspend(const message_queue& queue, bool on) {
        if (on)
            suspended_.insert(queue);
        else
            suspended_.erase(queue);
        if (const auto found = queues_.find(queue); found != queues_.end()) {
            (*found)->suspended = on;
            (*found)->wake.wake();
        }
    }
    bool is_suspended(const message_queue& queue) const { return !suspended_.empty() && suspended_.contains(queue); }
    /// Has every fetch loop look whether it may pull.
    void wake_all() {
        for (const auto& owned : queues_)
            owned->wake.wake();
    }

    /// The queue's lock is or was another member's: ends this epoch without a commit, and has the next one begin if it is ours.
    void lose(queue_type& queue, std::error_code why) {
        if (queue.dropped)
            return;
        host_.observe().on_lock_lost(queue.queue, why);
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->get() == &queue)
            release(*found, std::nullopt);
    }

    /// Writes what changed (or everything) to the store, some side by side or all at once; returns when all is answered.
    task<void> commit(bool everything) {
        if constexpr (writes_many_offsets<typename Host::store_type>)
            return commit_together(everything);
        else
            return commit_each(everything);
    }

    task<void> commit_each(bool everything) {
        // By broker: a slow one delays only what is its own.
        std::map<std::string, std::shared_ptr<commit_list>> due;
        for (const auto& owned : queues_)
            if (commit_is_due(*owned, everything)) {
                auto& list = due[std::string(host_.routes().home(owned->queue))];
                if (!list)
                    list = std::make_shared<commit_list>();
                list->push_back(owned);
            }
        const auto writes = std::make_shared<detail::wait_group<typename Host::runtime_type>>(host_.runtime());
        for (const auto& [broker, list] : due)
            for (auto writers = std::min(list->size(), most_writes); writers > 0; --writers)
                writes->spawn(write_in_turn(host_.shared_from_this(), list, everything));
        co_await writes->wait();
    }

    task<void> commit_together(bool everything) {
        std::vector<queue_ptr> due;
        std::vector<queue_progress> changes;
        for (const auto& owned : queues_)
            if (commit_is_due(*owned, everything)) {
                owned->writing = true;
                due.push_back(owned);
                changes.push_back({owned->queue, owned->cache.committable()});
            }
        if (due.empty())
            co_return;
        auto access        = host_.offset_access();
        const auto failure = co_await host_.store().write_many(access, changes); // a copy: we need it too
        for (std::size_t i = 0; i < due.size(); ++i)
            written(host_, *due[i], changes[i].offset, failure);
    }

    /// Waits until every queue was given up, until `deadline`. @return Whether all were.
    task<bool> wait_until_empty(time_point deadline) {
        while (!queues_.empty() && host_.runtime().now() < deadline)
            co_await emptied_.wait_until(deadline);
        co_return queues_.empty() && left_behind_.empty();
    }

    /// A batch of the queue ran, or a send-back ended.
    void settled_some(queue_type& queue) {
        queue.cache.retire_finished([this](auto batch) { host_.batches().give_back(std::move(batch)); });
        host_.memory().recount(queue);
        queue.wake.wake();
        queue.wake_idle();
        std::erase_if(left_behind_, [this](const queue_ptr& each) {
            if (each->busy())
                return false;
            host_.memory().forget(*each);
            return true;
        });
    }

    /// The consumer has stopped: whoever still is at a message of a queue may let go of it in any thread.
    void keep_left_behind() {
        for (const auto& owned : left_behind_)
            host_.client().keep(owned);
    }

    /// The shared pointer of a queue that is here or was left behind.
    queue_ptr share(queue_type& queue) const {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->get() == &queue)
            return *found;
        const auto left = std::ranges::find(left_behind_, &queue, [](const queue_ptr& each) { return each.get(); });
        return left == left_behind_.end() ? nullptr : *left;
    }

  private:
    struct by_queue {
        using is_transparent = void;
        static const message_queue& of(const queue_ptr& owned) noexcept { return owned->queue; }
        static const message_queue& of(const message_queue& queue) noexcept { return queue; }
        bool operator()(const auto& left, const auto& right) const noexcept { return of(left) < of(right); }
    };

    using commit_list = detail::ring<queue_ptr>;

    /// First offsets that one broker is being asked for, and the queues whose turn comes later.
    struct look_ups {
        std::size_t running = 0;
        detail::ring<queue_ptr> waiting;
    };

    auto first_of(const std::string& topic) const {
        return queues_.lower_bound(message_queue{topic, {}, std::numeric_limits<std::int32_t>::min()});
    }

    /// Hears of each queue that is erased.
    struct watcher {
        explicit watcher(queue_table& table) : of(table), erased(table.host_.runtime()) {
            of.watchers_.push_back(this);
        }
        watcher(const watcher&)            = delete;
        watcher& operator=(const watcher&) = delete;
        ~watcher() { std::erase(of.watchers_, this); }

        queue_table& of;
        detail::wake_up<typename Host::runtime_type> erased;
    };

    void enter_stage(queue_type& owned, queue_stage stage) {
        owned.stage       = stage;
        owned.stage_since = host_.runtime().now();
    }

    void erase(const queue_ptr& owned) {
        if (const auto found = queues_.find(owned->queue); found != queues_.end() && *found == owned)
            queues_.erase(found);
        past_ += owned->counts;
        for (auto* each : watchers_)
            each->erased.wake();
        if (queues_.empty())
            emptied_.wake();
    }

    /// Ends an epoch in which nothing was fetched; the next round tries again.
    void forget(const queue_ptr& owned) {
        erase(owned);
        host_.rebalance_later();
    }

    /// The former owner needs some time, or has the lock.
    static task<void> look_up_later(std::shared_ptr<Host> host, queue_ptr owned, std::chrono::milliseconds delay) {
        const auto ready = host->runtime().now() + delay;
        while (!owned->dropped && host->runtime().now() < ready)
            co_await owned->wake.wait_until(ready);
        if (!owned->dropped) {
            host->queues().look_up(std::move(owned));
            co_return;
        }
        if constexpr (Host::locks_queues) // of a request that nobody answered
            co_await host->locks().unlock(owned, host->runtime().now());
        host->queues().forget(owned);
    }

    /// Asks for the first offset, or stands in line.
    void look_up(queue_ptr owned) {
        auto& broker = look_ups_[owned->queue.broker_name];
        if (broker.running < most_look_ups) {
            ++broker.running;
            host_.spawn(take_over(host_.shared_from_this(), std::move(owned)));
        } else {
            owned->in_line = true;
            broker.waiting.push_back(std::move(owned));
        }
    }

    void look_up_ended(const std::string& broker_name) {
        const auto broker = look_ups_.find(broker_name);
        --broker->second.running;
        while (!broker->second.waiting.empty()) {
            auto next = broker->second.waiting.take_front();
            if (std::exchange(next->in_line, false))
                return look_up(std::move(next));
        }
        if (broker->second.running == 0)
            look_ups_.erase(broker);
    }

    static task<void> take_over(std::shared_ptr<Host> host, queue_ptr owned) {
        auto& table = host->queues();
        if constexpr (Host::locks_queues) {
            const bool locked = co_await lock(host, owned);
            if (!locked && !owned->dropped) {
                table.look_up_ended(owned->queue.broker_name);
                host->spawn(look_up_later(host, owned, host->settings().lock_retry_interval));
                co_return;
            }
        }
        result<queue_offset> first(error::operation_cancelled);
        if (!owned->dropped)
            first = co_await table.first_offset(*owned);
        table.look_up_ended(owned->queue.broker_name);
        if (!owned->dropped && !first) {
            host->observe().on_queue_acquire_failure(owned->queue, first.error());
            host->queue_refused(owned->queue, first.error());
        }
        const auto* wanted = host->subscription_of(owned->queue.topic);
        if (owned->dropped || !first || !wanted) {
            if constexpr (Host::locks_queues)
                co_await host->locks().unlock(owned, host->runtime().now());
            table.forget(owned);
            co_return;
        }
        const auto begin = owned->begin_at.value_or(*first);
        owned->cache     = typename queue_type::cache_type(begin);
        table.enter_stage(*owned, queue_stage::fetching);
        host->observe().on_queue_acquired(owned->queue, begin);
        host->spawn(queue_fetcher<Host>::run(host, owned, *wanted)); // on its own: our frame goes
    }

    /// Locks a queue that is taken over, before its offset is read. @return Whether it is ours.
    static task<bool> lock(std::shared_ptr<Host> host, queue_ptr owned) {
        const auto failure = co_await host->locks().ask(owned);
        if (owned->dropped)
            co_return false;
        if (failure == error::locked_elsewhere) {
            owned->order.contested = true;
            host->observe().on_lock_refused(owned->queue);
        } else if (failure) {
            host->observe().on_queue_acquire_failure(owned->queue, failure);
        }
        if (failure)
            co_return false;
        // A Java member commits and unlocks without waiting for an answer, and a broker may run the two in either order.
        const auto ready = host->runtime().now() + commit_settles;
        while (owned->order.contested && !owned->dropped && host->runtime().now() < ready)
            co_await owned->wake.wait_until(ready);
        co_return true;
    }

    /// Java's computePullFromWhere.
    task<result<queue_offset>> first_offset(queue_type& owned) {
        auto access = host_.offset_access();
        auto stored = co_await host_.store().read(access, owned.queue);
        if (!stored)
            co_return stored.error();
        if (*stored) {
            owned.committed = **stored;
            co_return **stored;
        }
        const bool retry = is_retry_topic(owned.queue.topic);
        result<queue_offset> found(error::operation_cancelled);
        switch (host_.settings().from) {
        case consume_from::first: break;
        case consume_from::timestamp:
            if (retry)
                break;
            found = co_await host_.calls().offset_at(owned.queue, host_.settings().from_time);
            co_return found;
        case consume_from::last:
            // What was there when we started is "last"; a queue that came later begins at its beginning, or what was sent
            // between its creation and our discovery would be lost.
            if (retry || (!was_there_first(owned.queue) && !host_.settings().later_queues_like_first))
                break;
            found = co_await host_.calls().max_offset(owned.queue);
            co_return found;
        }
        found = co_await host_.calls().min_offset(owned.queue);
        co_return found;
    }

    bool was_there_first(const message_queue& queue) const {
        const auto found = first_queues_.find({queue.topic, queue.broker_name});
        return found != first_queues_.end() && queue.queue_id < found->second;
    }

    void release(queue_ptr owned, std::optional<queue_offset> go_on_at) {
        if (std::exchange(owned->dropped, true))
            return;
        if (std::exchange(owned->in_line, false))
            return forget(owned);
        owned->wake.wake();
        for (auto* nap : owned->naps)
            nap->cancel();
        if (owned->stage == queue_stage::acquiring)
            return; // the operation that is at it sees it and forgets the queue
        enter_stage(*owned, queue_stage::releasing);
        owned->idle = std::make_unique<detail::wake_up<typename Host::runtime_type>>(host_.runtime());
        owned->cache.cancel_behind_last_claimed();
        owned->order.give_up();
        host_.forget_exhausted();
        host_.spawn(hand_over(host_.shared_from_this(), std::move(owned), go_on_at));
    }

    static task<void> hand_over(std::shared_ptr<Host> host, queue_ptr owned, std::optional<queue_offset> go_on_at) {
        auto& table      = host->queues();
        const auto begun = host->runtime().now();
        // In order there is one call at a time in the whole group: its end is waited for, however long it takes.
        const auto patience = Host::in_order ? time_point::max() : begun + hand_over_limit;
        const auto limit    = [&] { return host->running() ? patience : host->stop_deadline(); };
        // Another member waits for the offset, not for the executor; which does not tell when a call ends, only when a batch does.
        const bool hurry    = !Host::in_order && host->running();
        const auto at_work  = [&] { return hurry ? owned->cache.consuming() : owned->busy(); };
        for (host->collect_soon(); at_work() && host->runtime().now() < limit(); host->collect_soon())
            co_await owned->idle->wait_until(hurry ? std::min(limit(), host->runtime().now() + hand_over_look) : limit());
        owned->cache.cancel_unclaimed(); // too late for what has not begun
        host->forget_exhausted();
        host->collect_soon();

        // The last pull carries a commit too, of an older offset, and a broker runs pulls and commits side by side: ours has to
        // be the later one. A pull that is held was processed when it came, so there is no need to wait for its answer.
        const auto processed = owned->pull_sent + pull_processing_limit;
        while (owned->committing_pull && host->runtime().now() < std::min(processed, limit()))
            co_await owned->idle->wait_until(std::min(processed, limit()));
        while (owned->writing) // ends by its timeout at the latest; that of a file when the disk has answered
            co_await owned->idle->wait_until(time_point::max());

        if constexpr (Host::locks_queues) {
            // Nothing was heard of the lock for long: the offset may be written only if it is still ours.
            if (owned->order.lock.held() && !owned->order.may_commit(host->runtime()))
                co_await host->locks().ask(owned);
        }
        const bool ours   = owned->order.may_commit(host->runtime());
        const auto offset = go_on_at.value_or(owned->cache.committable());
        if (go_on_at) // it may go back, and pulls have brought the store to where we have not heard of
            owned->committed = -1;
        for (int attempt = 1; ours && offset != owned->committed; ++attempt) {
            co_await write(host, owned, offset);
            // Where another member takes over it has read the offset soon: to write it later would only set that one back. In
            // order it waits for our lock.
            const auto last =
                Host::locks_queues || !host->running() ? limit() : begun + host->settings().takeover_delay;
            const auto next = host->runtime().now() + commit_retry_delay;
            if (offset == owned->committed || attempt == commit_attempts || next > last)
                break;
            typename Host::runtime_type::timer pause(host->runtime());
            pause.expires_at(next);
            co_await pause.async_wait(detail::await_tuple<executor_type>);
        }
        if constexpr (Host::locks_queues) {
            if (!owned->busy()) // else it is left to expire: a listener call still runs
                co_await host->locks().unlock(owned, std::min(limit(), host->runtime().now() + hand_over_limit));
        }
        host->observe().on_queue_released(owned->queue, owned->committed);
        for (host->collect_soon(); owned->busy() && host->runtime().now() < limit(); host->collect_soon())
            co_await owned->idle->wait_until(limit()); // for what the executor still has to find empty
        if (owned->busy()) // a hung listener: its batch stays until the call returns
            table.leave_behind(owned);
        else
            owned->cache.clear([&host](auto batch) { host->batches().give_back(std::move(batch)); });
        host->memory().recount(*owned);
        table.erase(owned);
        host->rebalance_later(); // it may be ours again already
    }

    void leave_behind(const queue_ptr& owned) {
        left_behind_.push_back(owned);
        if (host_.has_stopped())
            host_.client().keep(owned);
    }

    bool commit_is_due(queue_type& owned, bool everything) const {
        return owned.stage == queue_stage::fetching && !owned.writing && owned.order.may_commit(host_.runtime()) &&
               (everything || owned.cache.committable() != owned.committed);
    }

    static task<void> write_in_turn(std::shared_ptr<Host> host, std::shared_ptr<commit_list> due, bool everything) {
        while (!due->empty()) {
            const auto owned = due->take_front();
            if (host->queues().commit_is_due(*owned, everything)) // still
                co_await write(host, owned, owned->cache.committable());
        }
    }

    static task<void> write(std::shared_ptr<Host> host, queue_ptr owned, queue_offset offset) {
        auto access        = host->offset_access();
        owned->writing     = true;
        const auto failure = co_await host->store().write(access, owned->queue, offset);
        written(*host, *owned, offset, failure);
    }

    static void written(Host& host, queue_type& owned, queue_offset offset, std::error_code failure) {
        owned.writing = false;
        owned.wake_idle();
        if (!failure)
            owned.committed = offset;
        else
            host.queue_refused(owned.queue, failure);
        host.observe().on_commit(owned.queue, offset, failure);
    }

    Host& host_;
    std::set<queue_ptr, by_queue> queues_;
    std::map<std::string, look_ups, std::less<>> look_ups_; ///< By broker name.
    std::vector<queue_ptr> left_behind_;                    ///< Given up while a listener call still runs.
    std::map<std::pair<std::string, std::string>, std::int32_t> first_queues_; ///< By topic and broker: how many.
    std::set<message_queue> suspended_;                                        ///< Ours or not.
    std::vector<watcher*> watchers_;
    work_counts past_;
    detail::wake_up<typename Host::runtime_type> emptied_{host_.runtime()};
};

} // namespace rocketpush

#endif
// rocketpush/rebalance/rebalancer.hpp
#ifndef ROCKETPUSH_REBALANCE_REBALANCER_HPP
#define ROCKETPUSH_REBALANCE_REBALANCER_HPP

// rocketpush/rebalance/assignment.hpp
#ifndef ROCKETPUSH_REBALANCE_ASSIGNMENT_HPP
#define ROCKETPUSH_REBALANCE_ASSIGNMENT_HPP


#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace rocketpush {

/// How what a member owns of a topic has to change.
struct assignment_change {
    std::vector<message_queue> release;
    std::vector<message_queue> acquire;

    bool empty() const noexcept { return release.empty() && acquire.empty(); }
};

/// What to give up and what to take over so that `owned` becomes `assigned`. Both sorted.
inline assignment_change compare_assignment(std::span<const message_queue> owned,
                                            std::span<const message_queue> assigned) {
    assignment_change change;
    std::ranges::set_difference(owned, assigned, std::back_inserter(change.release));
    std::ranges::set_difference(assigned, owned, std::back_inserter(change.acquire));
    return change;
}

/**
 * @brief Whether every queue that is assigned to us may still be held by a living member.
 *
 * None may when we are alone. When the members that we knew have only become fewer, those that `left_behind` gives are
 * free: a member that leaves commits before the others hear of it.
 *
 * @param before  The members of the last round; empty at the first. @param now  Those of this round. Both sorted.
 */
inline bool may_be_held_elsewhere(std::span<const std::string> before, std::span<const std::string> now) {
    if (now.size() <= 1)
        return false;
    const bool only_left = !before.empty() && now.size() < before.size() && std::ranges::includes(before, now);
    return !only_left;
}

/**
 * @brief The queues of those who have left.
 *
 * The others that move had an owner who lives, and reads them until it hears of the change. Eight queues over three members
 * are 0-2, 3-5, 6-7; when the first leaves, 0-2 are free, but the third takes 4 and 5 from the second.
 *
 * @param before  The members of the last round, and the queues; its `self` does not matter. @param now  The members of this round.
 */
template <allocation_strategy Strategy>
std::set<message_queue> left_behind(const Strategy& strategy, const allocation_request& before,
                                    std::span<const std::string> now) {
    std::set<message_queue> found;
    for (const auto& member : before.members) {
        if (std::ranges::find(now, member) != now.end())
            continue;
        if (const allocation share = strategy.allocate({before.group, member, before.members, before.queues}))
            found.insert(share->begin(), share->end());
    }
    return found;
}

} // namespace rocketpush

#endif
// rocketpush/rebalance/broker_share.hpp
#ifndef ROCKETPUSH_REBALANCE_BROKER_SHARE_HPP
#define ROCKETPUSH_REBALANCE_BROKER_SHARE_HPP


#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace rocketpush {

/// What a broker assigned to this member of one topic: queues of two kinds, each sorted and none twice.
struct broker_share {
    std::vector<message_queue> pulled;
    std::vector<message_queue> popped; ///< An id of -1: all queues of that broker.

    friend bool operator==(const broker_share&, const broker_share&) = default;

    /**
     * @brief Whether what is left in the group's pop retry topic of the topic is to be pulled: where all is pulled, since no broker
     *        looks there any more; not where all is popped. Between the two, and with nothing, it stays as it is.
     * @par Source  Java `RebalanceImpl.updateMessageQueueAssignment`.
     */
    std::optional<bool> pulls_pop_retries() const noexcept {
        if (pulled.empty() == popped.empty())
            return std::nullopt;
        return popped.empty();
    }
};

/// Sorts a broker's answer for `topic`. What makes no sense (another topic's queues, impossible ids) is left out.
inline broker_share sort_assignment(std::string_view topic, const std::vector<protocol::queue_assignment>& assigned) {
    broker_share share;
    for (const auto& each : assigned) {
        const bool pop   = each.mode == protocol::request_mode::pop;
        const auto least = pop ? protocol::any_queue : 0;
        if (each.queue.topic == topic && !each.queue.broker_name.empty() && each.queue.queue_id >= least)
            (pop ? share.popped : share.pulled).push_back(each.queue);
    }
    for (auto* queues : {&share.pulled, &share.popped}) {
        std::ranges::sort(*queues);
        const auto repeated = std::ranges::unique(*queues);
        queues->erase(repeated.begin(), repeated.end());
    }
    return share;
}

} // namespace rocketpush

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Shares the queues of each subscribed topic out among the members of the group, again and again.
 *
 * A round runs when something asked for it, at most one a second, and every 20 s otherwise; every second while a queue is
 * changing hands or a member list could not be had. A round only asks and compares: taking over and giving up are
 * operations of the queue table. In broadcasting every queue is ours, and nobody is asked.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Source   Java `RebalanceService`, `RebalanceImpl.rebalanceByTopic`.
 */
template <class Host>
class rebalancer {
  public:
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    static constexpr std::chrono::milliseconds shortest_interval{1000};

    explicit rebalancer(Host& host) : host_(host), asked_(host.runtime()) {}

    /// Have a round soon. Many calls make one round.
    void ask() { asked_.wake(); }

    /// Have a round in a second at the latest: something did not go through.
    void ask_later() {
        if (!std::exchange(retry_, true))
            asked_.wake();
    }

    /// A topic is subscribed no longer: what was known of it is of another time when it comes back.
    void forget(const std::string& topic) {
        members_.erase(topic);
        told_.erase(topic);
    }

    /// Rounds until the consumer stops.
    static task<void> run(std::shared_ptr<Host> host) {
        rebalancer& self = host->rebalance();
        while (host->running()) {
            const auto begun = host->runtime().now();
            self.retry_      = false;
            const bool clean = co_await self.round();
            if (!host->running())
                break;
            const auto soonest = begun + shortest_interval;
            auto next = begun + (clean && !self.retry_ ? host->settings().rebalance_interval : shortest_interval);
            while (host->running() && host->runtime().now() < next) {
                const bool asked = co_await self.asked_.wait_until(next);
                if (asked)
                    next = std::max(soonest, host->runtime().now());
            }
        }
    }

  private:
    /// @return Whether every topic is shared out and nothing is on its way.
    task<bool> round() {
        bool clean = true;
        for (const auto& topic : host_.topics()) {
            const bool shared = co_await share_out(topic);
            clean             = clean && shared;
            if (!host_.running())
                co_return false;
        }
        if constexpr (Host::pops_queues)
            clean = clean && host_.pops().settled();
        co_return clean&& host_.queues().settled();
    }

    task<bool> share_out(std::string topic) {
        const auto queues = host_.routes().queues(topic); // a copy: the route may change while we ask
        if (queues.empty()) {                             // routes_duty asks again, and tells us
            if (host_.routes().knows(topic))
                co_return give_up(topic);
            co_return is_retry_topic(topic);
        }
        if constexpr (Host::broadcasting) {
            const auto change = change_to(topic, queues);
            for (const auto& queue : change.acquire)
                host_.queues().acquire(queue, false);
            tell(topic, queues, queues, change);
            co_return change.empty();
        }
        if constexpr (Host::pops_queues) {
            const auto asked = co_await ask_broker(topic);
            if (!host_.running())
                co_return false;
            if (!host_.subscription_of(topic)) // any more
                co_return true;
            if (asked) {
                const bool done = co_await take_share(topic, queues, *asked);
                co_return done;
            }
            if (asked.error() != response_code::request_code_not_supported) {
                host_.observe().on_rebalance_failure(topic, asked.error());
                co_return false;
            }
            for (const auto& queue : host_.pops().held(topic)) // no broker that can be popped is left
                host_.pops().release(queue);
        }
        auto members = co_await member_list(topic);
        if (!host_.running())
            co_return false;
        if (!host_.subscription_of(topic)) // any more
            co_return true;
        if (!members) {
            host_.observe().on_rebalance_failure(topic, members.error());
            co_return false;
        }
        const allocation share =
            host_.strategy().allocate({host_.settings().group, host_.client_id(), *members, queues});
        if (!share) { // of a member list without us too: it is stale, and to release everything would be wrong
            host_.observe().on_rebalance_failure(topic, share.error());
            host_.heartbeat_soon();
            co_return false;
        }
        auto own = *share;
        std::ranges::sort(own);
        const auto change = change_to(topic, own);
        acquire(topic, queues, change.acquire, std::move(*members));
        tell(topic, queues, own, change);
        co_return change.empty();
    }

    /// None of the topic's queues may be read any more. @return Whether there was nothing to give up.
    bool give_up(const std::string& topic) {
        const auto change = change_to(topic, {});
        bool nothing      = change.empty();
        if constexpr (Host::pops_queues)
            for (const auto& queue : host_.pops().held(topic)) {
                host_.pops().release(queue);
                nothing = false;
            }
        if (!nothing) {
            members_.erase(topic);
            const std::span<const message_queue> none;
            host_.observe().on_rebalance(topic, none, none);
        }
        return nothing;
    }

    /// What has to change so that `own`, sorted, is ours; what we have too much is given up.
    assignment_change change_to(const std::string& topic, std::span<const message_queue> own) {
        auto change = compare_assignment(host_.queues().held(topic), own);
        for (const auto& queue : change.release)
            host_.queues().release(queue);
        return change;
    }

    void tell(const std::string& topic, std::span<const message_queue> all, std::span<const message_queue> own,
              const assignment_change& change) {
        if (!std::exchange(told_[topic], true) || !change.empty())
            host_.observe().on_rebalance(topic, all, own);
    }

    /// Takes over what was assigned. @param members  Of the group, sorted; `queues` are all of the topic.
    void acquire(const std::string& topic, const std::vector<message_queue>& queues,
                 const std::vector<message_queue>& assigned, std::vector<std::string> members) {
        const bool all_contested = may_be_held_elsewhere(members_[topic], members);
        const auto orphaned =
            left_behind(host_.strategy(), {host_.settings().group, "", members_[topic], queues}, members);
        for (const auto& queue : assigned)
            host_.queues().acquire(queue, members.size() > 1 && (all_contested || !orphaned.contains(queue)));
        members_[topic] = std::move(members);
    }

    /// Makes ours what a broker assigned to us. A queue that is pulled now and is to be popped, or the other way round, is given up
    /// first: else what is being consumed would come again.
    task<bool> take_share(std::string topic, std::vector<message_queue> queues, broker_share share) {
        auto change          = change_to(topic, share.pulled);
        const auto pop       = compare_assignment(host_.pops().held(topic), share.popped);
        const bool new_share = !change.empty() || !pop.empty();
        for (const auto& queue : pop.release)
            host_.pops().release(queue);
        for (const auto& queue : pop.acquire)
            if (const auto* wanted = host_.subscription_of(topic);
                wanted && !host_.queues().has(topic, queue.broker_name))
                host_.pops().acquire(queue, *wanted);
        std::erase_if(change.acquire,
                      [&](const message_queue& each) { return host_.pops().has(topic, each.broker_name); });
        if (!change.acquire.empty()) {
            auto members = co_await member_list(topic);
            if (!host_.running())
                co_return false;
            if (!host_.subscription_of(topic))
                co_return true;
            if (!members) {
                host_.observe().on_rebalance_failure(topic, members.error());
                co_return false;
            }
            acquire(topic, queues, change.acquire, std::move(*members));
        }
        if (const auto wanted = share.pulls_pop_retries(); wanted && !is_retry_topic(topic))
            host_.pull_pop_retries(topic, *wanted);
        if (!std::exchange(told_[topic], true) || new_share) {
            auto own = share.pulled;
            own.insert(own.end(), share.popped.begin(), share.popped.end());
            host_.observe().on_rebalance(topic, queues, own);
        }
        co_return !new_share;
    }

    /// Asks the topic's brokers one after the other, from a random one on, until one answers. Only if all of them are too old to
    /// know the question, that is the answer.
    task<result<broker_share>> ask_broker(std::string topic) {
        const auto brokers = host_.routes().brokers_of(topic);
        result<broker_share> share(error::no_broker_address);
        const auto start = brokers.empty() ? 0 : static_cast<std::size_t>(host_.runtime().random() % brokers.size());
        for (std::size_t i = 0; i < brokers.size() && host_.running(); ++i) {
            protocol::assignment_query query;
            query.topic          = topic;
            query.consumer_group = host_.settings().group;
            query.client_id      = host_.client_id();
            query.strategy_name  = host_.strategy().name_at_broker();
            const auto answer = co_await host_.calls().query_assignment(brokers[(start + i) % brokers.size()], query);
            if (answer) {
                share = sort_assignment(topic, *answer);
                break;
            }
            if (i == 0 || answer.error() != response_code::request_code_not_supported)
                share = answer.error();
        }
        co_return share;
    }

    /// Asks the topic's brokers one after the other, from a random one on. @return The members, sorted, none twice.
    task<result<std::vector<std::string>>> member_list(std::string topic) {
        const auto brokers = host_.routes().brokers_of(topic);
        result<std::vector<std::string>> answer(error::no_broker_address);
        const auto start = brokers.empty() ? 0 : static_cast<std::size_t>(host_.runtime().random() % brokers.size());
        for (std::size_t i = 0; i < brokers.size() && host_.running(); ++i) {
            answer = co_await host_.calls().consumer_ids(brokers[(start + i) % brokers.size()], host_.settings().group);
            if (answer)
                break;
        }
        if (answer) {
            std::ranges::sort(*answer, [](const auto& a, const auto& b) { return detail::java_compare(a, b) < 0; });
            const auto repeated = std::ranges::unique(*answer);
            answer->erase(repeated.begin(), repeated.end());
        }
        co_return answer;
    }

    Host& host_;
    detail::wake_up<typename Host::runtime_type> asked_;
    bool retry_ = false;
    std::map<std::string, std::vector<std::string>> members_; ///< Of the last round, by topic.
    std::map<std::string, bool> told_;                        ///< Topics whose first assignment was told.
};

} // namespace rocketpush

#endif

// client: what the consumers of a process share; and the assembly
// rocketpush/client/client.hpp
#ifndef ROCKETPUSH_CLIENT_CLIENT_HPP
#define ROCKETPUSH_CLIENT_CLIENT_HPP

// rocketpush/client/client_instance.hpp
#ifndef ROCKETPUSH_CLIENT_CLIENT_INSTANCE_HPP
#define ROCKETPUSH_CLIENT_CLIENT_INSTANCE_HPP

// rocketpush/client/client_settings.hpp
#ifndef ROCKETPUSH_CLIENT_CLIENT_SETTINGS_HPP
#define ROCKETPUSH_CLIENT_CLIENT_SETTINGS_HPP

// rocketpush/detail/local_address.hpp
#ifndef ROCKETPUSH_DETAIL_LOCAL_ADDRESS_HPP
#define ROCKETPUSH_DETAIL_LOCAL_ADDRESS_HPP

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush::detail {

/// The address that Java's client chooses to be known by: the first that is neither of 127.0 nor of 192.168, else the last.
/// @param candidates  IPv4 addresses in Java's order.
inline std::string preferred_address(const std::vector<std::string>& candidates) {
    const auto wanted = std::ranges::find_if_not(candidates, [](std::string_view each) {
        return each.starts_with("127.0") || each.starts_with("192.168") || each.starts_with("0.");
    });
    if (wanted != candidates.end())
        return *wanted;
    return candidates.empty() ? "127.0.0.1" : candidates.back();
}

/**
 * @brief This host's address as Java's client knows it, so that both find the same offset file. On a host without IPv4 127.0.0.1.
 *
 * Interfaces that are down, point to point, bridges or loopback do not count. The JVM lists the others from the last to the first.
 *
 * @par Source  Java `NetworkUtil.getLocalAddress`.
 */
inline std::string java_local_address() {
    ifaddrs* found = nullptr;
    if (::getifaddrs(&found) != 0)
        return preferred_address({});
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(found, ::freeifaddrs);
    std::vector<std::string> addresses;
    for (const auto* each = found; each; each = each->ifa_next) {
        constexpr unsigned unwanted = IFF_LOOPBACK | IFF_POINTOPOINT;
        if (!each->ifa_addr || each->ifa_addr->sa_family != AF_INET || (each->ifa_flags & unwanted) != 0 ||
            (each->ifa_flags & IFF_UP) == 0)
            continue;
        const auto bridge = "/sys/class/net/" + std::string(each->ifa_name) + "/bridge";
        if (::access(bridge.c_str(), F_OK) == 0)
            continue;
        char text[INET_ADDRSTRLEN] = {};
        const void* bytes          = &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
        if (::inet_ntop(AF_INET, bytes, text, sizeof text))
            addresses.emplace_back(text);
    }
    std::ranges::reverse(addresses);
    return preferred_address(addresses);
}

} // namespace rocketpush::detail

#endif

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush {

/// The part of `options` that belongs to the client instance: consumers that share one have to agree on it.
struct client_settings {
    std::vector<endpoint> name_servers; ///< Empty if they are looked up.
    std::string name_server_url;
    std::string client_ip;
    std::string instance_name;
    std::string unit_name;
    std::string namespace_v2;
    std::size_t max_frame_size = 0;
    std::chrono::milliseconds connect_timeout{};
    std::chrono::milliseconds request_timeout{};
    std::chrono::milliseconds route_poll_interval{};
    std::chrono::milliseconds lookup_interval{};
    std::chrono::milliseconds heartbeat_interval{};

    bool operator==(const client_settings&) const = default;
};

/// @param checked  Options that `check()` found right.
inline client_settings client_part(const options& checked) {
    auto servers = parse_name_servers(checked.name_servers);
    return {.name_servers        = servers ? *servers : std::vector<endpoint>(),
            .name_server_url     = checked.name_server_url,
            .client_ip           = checked.client_ip,
            .instance_name       = checked.instance_name,
            .unit_name           = checked.unit_name,
            .namespace_v2        = checked.namespace_v2,
            .max_frame_size      = checked.max_frame_size,
            .connect_timeout     = checked.connect_timeout,
            .request_timeout     = checked.request_timeout,
            .route_poll_interval = checked.route_poll_interval,
            .lookup_interval     = checked.lookup_interval,
            .heartbeat_interval  = checked.heartbeat_interval};
}

/**
 * @brief A member's name in its group: `ip@instance[@unit]`.
 *
 * 10.0.0.7@4711#9f3c2a7e55d01b62 where no instance name was given: process id and random bits, since host name and process
 * id alone are not unique among containers, and two members with one id read everything twice.
 *
 * @par Source  Java `ClientConfig.buildMQClientId`.
 */
inline std::string make_client_id(std::string_view ip, std::string_view instance, std::string_view unit,
                                  std::uint64_t random) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string id(ip);
    id += '@';
    if (instance.empty()) {
        id += std::to_string(::getpid()) + '#';
        for (int shift = 60; shift >= 0; shift -= 4)
            id += digits[(random >> shift) & 0xF];
    } else {
        id += instance;
    }
    if (!unit.empty())
        (id += '@') += unit;
    return id;
}

/**
 * @brief What a broadcasting member is called where no names are given: so that the path of its offsets is the same after a restart.
 * @par Source  Java `DefaultMQPushConsumerImpl.start`, which leaves the instance name of a broadcasting consumer as it is.
 */
template <class Settings>
void name_lastingly(Settings& settings) {
    if (settings.client_ip.empty())
        settings.client_ip = detail::java_local_address();
    if (settings.instance_name.empty())
        settings.instance_name = "DEFAULT";
}

/// The client id with names that last: that of a broadcasting member, unless it shares a client that was given no names.
inline std::string lasting_client_id(client_settings settings) {
    name_lastingly(settings);
    return make_client_id(settings.client_ip, settings.instance_name, settings.unit_name, 0);
}

} // namespace rocketpush

#endif
// rocketpush/client/group_member.hpp
#ifndef ROCKETPUSH_CLIENT_GROUP_MEMBER_HPP
#define ROCKETPUSH_CLIENT_GROUP_MEMBER_HPP


#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

namespace rocketpush {

/**
 * @brief One consumer as its client instance sees it: a table of plain functions.
 *
 * The client is shared by consumers of different types; this is the one place where it calls them without knowing
 * which. No message goes through it.
 */
struct group_member {
    void* self = nullptr;
    std::string group;
    bool announced = false; ///< Whether heartbeats speak of it.

    protocol::consumer_data (*describe)(void* self)             = nullptr; ///< Its part of a heartbeat.
    bool (*wants)(void* self, const std::string& topic)         = nullptr; ///< Whether it subscribes the topic.
    void (*members_changed)(void* self)                         = nullptr; ///< Share out anew, soon.
    void (*reset)(void* self, const std::string& topic,
                  const std::vector<protocol::queue_position>&) = nullptr; ///< These queues begin there now.
    void (*route_changed)(void* self, const std::string& topic, std::size_t queues) = nullptr;
    void (*route_failure)(void* self, const std::string& topic, std::error_code)    = nullptr;
    void (*name_servers_changed)(void* self, const std::vector<endpoint>& now)      = nullptr;
    void (*name_server_lookup_failure)(void* self, const std::string& url, std::error_code) = nullptr;
    void (*connect_ended)(void* self, const endpoint&, std::error_code)     = nullptr; ///< False code: connected.
    void (*disconnected)(void* self, const endpoint&, std::error_code)      = nullptr;
    void (*heartbeat_failure)(void* self, const endpoint&, std::error_code) = nullptr;
};

/// The table for `Consumer`, which has a member function of each name.
template <class Consumer>
group_member make_group_member(Consumer& consumer, std::string group) {
    static constexpr auto cast = [](void* self) -> Consumer& { return *static_cast<Consumer*>(self); };
    return {
        .self              = &consumer,
        .group             = std::move(group),
        .describe          = [](void* self) { return cast(self).describe(); },
        .wants             = [](void* self, const std::string& topic) { return cast(self).wants(topic); },
        .members_changed   = [](void* self) { cast(self).members_changed(); },
        .reset             = [](void* self, const std::string& topic,
                    const std::vector<protocol::queue_position>& to) { cast(self).reset(topic, to); },
        .route_changed     = [](void* self, const std::string& topic,
                            std::size_t queues) { cast(self).route_changed(topic, queues); },
        .route_failure     = [](void* self, const std::string& topic,
                            std::error_code why) { cast(self).route_failure(topic, why); },
        .name_servers_changed = [](void* self,
                                   const std::vector<endpoint>& now) { cast(self).name_servers_changed(now); },
        .name_server_lookup_failure =
            [](void* self, const std::string& url, std::error_code why) {
                cast(self).name_server_lookup_failure(url, why);
            },
        .connect_ended     = [](void* self, const endpoint& peer,
                            std::error_code why) { cast(self).connect_ended(peer, why); },
        .disconnected      = [](void* self, const endpoint& peer,
                           std::error_code why) { cast(self).disconnected(peer, why); },
        .heartbeat_failure = [](void* self, const endpoint& peer,
                                std::error_code why) { cast(self).heartbeat_failure(peer, why); },
    };
}

} // namespace rocketpush

#endif
// rocketpush/client/name_server_watch.hpp
#ifndef ROCKETPUSH_CLIENT_NAME_SERVER_WATCH_HPP
#define ROCKETPUSH_CLIENT_NAME_SERVER_WATCH_HPP


#include <algorithm>
#include <chrono>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The duty of a client whose name servers are looked up: at start, then every two minutes; every two seconds while it has
 *        none, and soon when none of them answers, since then the list has most likely changed.
 *
 * @tparam Client  Is told by `replace_name_servers(list)` and `lookup_failed(why)`; see client_instance.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `MQClientInstance.startScheduledTask`. Differs: there the next look-up is two minutes after one that failed,
 *              whether or not there is a list to go on with.
 */
template <class Client, transport Transport, runtime Runtime>
class name_server_watch {
  public:
    using executor_type = typename Runtime::executor_type;
    using milliseconds  = std::chrono::milliseconds;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    static constexpr milliseconds interval_without_list{2000};
    static constexpr milliseconds least_interval{5000}; ///< Between look-ups that `ask_soon` brings forward.

    name_server_watch(Runtime& runtime, Transport transport, http_url url, milliseconds timeout, milliseconds interval)
        : runtime_(runtime),
          lookup_(runtime, std::move(transport), std::move(url), timeout),
          interval_(interval),
          answered_(runtime),
          due_(runtime) {}

    const http_url& url() const noexcept { return lookup_.url(); }

    /// Begins, if it has not, and returns when the first look-up has ended.
    task<void> first_answer(std::shared_ptr<Client> of) {
        if (!std::exchange(begun_, true))
            asio::co_spawn(runtime_.get_executor(), run(std::move(of), *this), asio::detached);
        co_await answered_.wait();
    }

    /// Why the newest look-up gave nothing; a false code: it gave a list.
    std::error_code failure() const noexcept { return failure_; }

    /// Nobody of the list answers.
    void ask_soon() {
        next_ = std::min(next_, last_ + least_interval);
        due_.wake();
    }

    void close() {
        closed_ = true;
        lookup_.close();
        due_.wake();
    }

  private:
    /// @param here  Part of the client, which lives as long as this.
    static task<void> run(std::shared_ptr<Client> of, name_server_watch& here) {
        while (!here.closed_) {
            here.last_ = here.runtime_.now();
            here.next_ = time_point::max();
            auto found = co_await here.lookup_.ask();
            if (here.closed_)
                break;
            here.failure_ = found.error();
            if (found)
                of->replace_name_servers(std::move(*found));
            else
                of->lookup_failed(here.failure_);
            here.answered_.set();
            here.next_ = std::min(here.next_,
                                  here.runtime_.now() + (of->has_name_servers() ? here.interval_ : interval_without_list));
            while (!here.closed_ && here.runtime_.now() < here.next_)
                co_await here.due_.wait_until(here.next_);
        }
        here.answered_.set(); // nobody shall wait for what does not come
    }

    Runtime runtime_;
    name_server_lookup<Transport, Runtime> lookup_;
    milliseconds interval_;
    detail::signal_flag<Runtime> answered_;
    detail::wake_up<Runtime> due_;
    std::error_code failure_;
    time_point last_{};
    time_point next_ = time_point::max();
    bool begun_      = false;
    bool closed_     = false;
};

} // namespace rocketpush

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What the consumers of a process share: connections, routes, heartbeats, and the requests that brokers send.
 *
 * It lives as long as a consumer or a `client` handle uses it. Its duties are coroutines of their own, so a broker that is
 * away delays nobody else: routes are polled every 30 s, and every 1 to 2 s while one is missing; heartbeats go to all
 * brokers side by side every 30 s, and to a broker as the first thing on each new connection.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `MQClientInstance`.
 */
template <transport Transport, runtime Runtime>
class client_instance : public std::enable_shared_from_this<client_instance<Transport, Runtime>> {
  public:
    using executor_type   = typename Runtime::executor_type;
    using pool_type       = connection_pool<Transport, Runtime>;
    using connection_type = typename pool_type::connection_type;
    using calls_type      = broker_calls<Transport, Runtime>;
    using milliseconds    = std::chrono::milliseconds;
    using time_point      = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    client_instance(client_settings settings, Transport transport, Runtime runtime)
        : settings_(std::move(settings)),
          runtime_(std::move(runtime)),
          watch_(make_watch(transport)),
          pool_(runtime_, std::move(transport), settings_.max_frame_size, settings_.connect_timeout, events(),
                settings_.namespace_v2),
          name_servers_(pool_, settings_.name_servers, runtime_.random(), settings_.request_timeout),
          calls_(pool_, routes_, settings_.request_timeout),
          routes_due_(runtime_),
          heartbeat_due_(runtime_) {}

    const client_settings& settings() const noexcept { return settings_; }
    Runtime& runtime() noexcept { return runtime_; }
    calls_type& calls() noexcept { return calls_; }
    detail::block_pool& blocks() noexcept { return pool_.blocks(); }
    const route_table& routes() const noexcept { return routes_; }

    /// Then all that is held is that one's.
    bool has_one_consumer() const noexcept { return members_.size() <= 1; }

    /// `ip@instance[@unit]`; the ip is known from the first connection on.
    const std::string& client_id() {
        if (client_id_.empty())
            client_id_ = make_client_id(local_ip_.empty() ? std::string_view("127.0.0.1") : std::string_view(local_ip_),
                                        settings_.instance_name, settings_.unit_name, runtime_.random());
        return client_id_;
    }

    /**
     * @brief Takes a consumer in: fetches the routes of `topics`, then tells their brokers of the new member.
     *
     * A cluster that is away is no failure: the duties go on asking.
     *
     * @retval error::group_in_use          Another consumer of this group is here.
     * @param check  Nothing, or what gives an awaitable of a code: asked when the routes are known and no broker knows the
     *               member yet. Its failure is ours, and the member is not taken in.
     * @retval error::operation_cancelled   `leave` came meanwhile.
     * @retval a resolver's error           None of the name servers' hosts can be resolved, or not that of the look-up.
     */
    template <class Check = std::nullptr_t>
    task<std::error_code> join(group_member member, std::vector<std::string> topics, Check check = nullptr) {
        const auto self = this->shared_from_this();
        if (closed_)
            co_return error::already_stopped;
        const auto group = member.group;
        if (!members_.emplace(group, std::move(member)).second)
            co_return error::group_in_use;
        if (watch_) {
            co_await watch_->first_answer(self);
            if (!has_name_servers() && is_resolver_error(watch_->failure())) {
                turn_away(group);
                co_return watch_->failure();
            }
        }
        for (const auto& topic : topics) {
            if (closed_)
                break;
            watch(topic);
            const auto failure = co_await refresh(topic);
            if (is_resolver_error(failure)) {
                turn_away(group);
                co_return failure;
            }
        }
        if constexpr (!std::is_null_pointer_v<Check>) {
            const auto failure = co_await check();
            if (failure) {
                turn_away(group);
                co_return failure;
            }
        }
        const auto joined = members_.find(group);
        if (joined == members_.end()) {
            forget_unwanted_topics();
            co_return error::operation_cancelled;
        }
        joined->second.announced = true;
        co_await heartbeat(group);
        begin_duties();
        co_return std::error_code();
    }

    /// Takes a consumer out, and has all brokers forget it; ends the client with its last user.
    task<void> leave(std::string group) {
        const auto self = this->shared_from_this();
        if (members_.erase(group) == 0)
            co_return;
        const auto told = std::make_shared<detail::wait_group<Runtime>>(runtime_);
        for (const auto& broker : routes_.all_addresses())
            if (pool_.find(broker)) // only where we are connected are we registered
                told->spawn(unregister(self, broker, group));
        co_await told->wait();
        forget_unwanted_topics();
        close_if_unused();
    }

    /// Keeps what a consumer leaves behind that a listener may still be at: frames are counted on the strand, so they cannot end
    /// in whatever thread lets go of them last. Ends with the client.
    void keep(std::shared_ptr<void> left_behind) { left_behind_.push_back(std::move(left_behind)); }

    /// A `client` handle keeps the instance open without consumers.
    void hold() noexcept { ++handles_; }
    void release() {
        --handles_;
        close_if_unused();
    }

    /// Subscribes the client to a topic's route; it is asked for at once if `refresh` is not called first.
    void watch(const std::string& topic) {
        if (topics_.try_emplace(topic).second)
            routes_due_.wake();
    }
    /// Lets go of the routes that no consumer subscribes any more.
    void forget_unwanted_topics() {
        std::erase_if(topics_, [this](const auto& watched) {
            const bool wanted = std::ranges::any_of(
                members_, [&](const auto& each) { return each.second.wants(each.second.self, watched.first); });
            if (!wanted)
                routes_.forget(watched.first);
            return !wanted;
        });
    }

    /// `watch` and `refresh` in one.
    task<std::error_code> refresh_now(std::string topic) {
        topics_.try_emplace(topic);
        return refresh(std::move(topic));
    }

    /// Asks for a topic's route now, and again later as its state needs.
    task<std::error_code> refresh(std::string topic) {
        const auto self = this->shared_from_this();
        if (const auto asked = topics_.find(topic); asked != topics_.end()) { // the duty need not ask too
            asked->second.asked      = true;
            asked->second.last_asked = runtime_.now();
            asked->second.due        = runtime_.now() + settings_.route_poll_interval;
        }
        auto answer      = co_await name_servers_.route(topic);
        const auto found = topics_.find(topic);
        if (found == topics_.end() || closed_)
            co_return error::operation_cancelled;
        route_watch& state = found->second;
        if (answer) {
            const bool changed = routes_.update(topic, *answer);
            const bool whole   = is_whole(state, *answer) && routes_.is_led(topic);
            state.misses       = 0;
            state.due          = runtime_.now() + (whole ? settings_.route_poll_interval
                                                         : std::min(milliseconds(2000), settings_.route_poll_interval));
            if (!changed)
                co_return std::error_code();
            if (on_duty_ && has_strangers()) // who must know us before they are asked who is a member
                co_await heartbeat();
            tell(&group_member::route_changed, topic, routes_.queues(topic).size());
            co_return std::error_code();
        }
        const bool nobody_answers = answer.error() == error::name_servers_unreachable;
        const auto failure        = nobody_answers ? name_servers_.last_failure() : answer.error();
        if (nobody_answers && watch_)
            watch_->ask_soon();
        // A retry topic that is not there after a minute may never come: nothing has failed. Heartbeats have it looked for too.
        const bool patient = state.misses > 30 && is_retry_topic(topic);
        const auto retry   = milliseconds(state.misses == 0 ? 1000 : 2000);
        ++state.misses;
        state.due =
            runtime_.now() + (patient ? settings_.route_poll_interval : std::min(retry, settings_.route_poll_interval));
        tell(&group_member::route_failure, topic, failure);
        co_return failure;
    }

    /// The route of a static topic is wrong: it is asked for at once, but not more than once a second for all who say so.
    void route_doubted(const std::string& topic) {
        const auto found = topics_.find(topic);
        if (found == topics_.end())
            return;
        routes_.doubt(topic);
        route_watch& state = found->second;
        const auto soonest = state.last_asked + milliseconds(1000);
        if (state.due > soonest) {
            state.due = soonest;
            routes_due_.wake();
        }
    }

    /**
     * @brief Tells every broker of every route of our groups, side by side. Waits for their answers, but not long: one
     *        that is away must not keep the others' queues waiting, and is greeted when it comes back.
     * @param only  The group that has news; empty: all of them. What a broker is not told of it keeps as it is, so that the start of
     *              the 200th group costs no more than that of the first.
     */
    task<void> heartbeat(std::string only) {
        const auto self  = this->shared_from_this();
        const auto beats = std::make_shared<detail::wait_group<Runtime>>(runtime_);
        ++news_;
        for (const auto& broker : routes_.all_addresses())
            beats->spawn(heartbeat_to(self, broker, only, news_));
        co_await beats->wait_until(runtime_.now() + milliseconds(1000));
        ask_for_missing_routes();
    }

    task<void> heartbeat() { return heartbeat(std::string()); }

    /**
     * @brief Asks these name servers from now on. Connections to those that are gone end, routes are asked for at once, the
     *        consumers hear of it. The same list does nothing.
     * @param list  Not empty. @return Whether it is another one.
     */
    bool replace_name_servers(std::vector<endpoint> list) {
        const auto before = name_servers_.list();
        if (!name_servers_.replace(std::move(list), runtime_.random()))
            return false;
        const auto& now    = name_servers_.list();
        const auto brokers = routes_.all_addresses();
        for (const auto& each : before)
            if (std::ranges::find(now, each) == now.end() && std::ranges::find(brokers, each) == brokers.end())
                pool_.drop(each);
        for (auto& [topic, state] : topics_)
            state.due = std::min(state.due, runtime_.now());
        routes_due_.wake();
        tell(&group_member::name_servers_changed, now);
        return true;
    }

    bool has_name_servers() const noexcept { return !name_servers_.list().empty(); }

    /// A look-up of name servers gave no list: what we have stays in use.
    void lookup_failed(std::error_code why) {
        if (!has_name_servers())
            name_servers_.set_unknown(why);
        tell(&group_member::name_server_lookup_failure, to_string(watch_->url()), why);
    }

    /// Brings the next heartbeat forward; for a changed subscription.
    void heartbeat_soon() { heartbeat_at(runtime_.now()); }

  private:
    using watch_type = name_server_watch<client_instance, Transport, Runtime>;

    /// Null: the name servers were given.
    std::unique_ptr<watch_type> make_watch(const Transport& transport) {
        const auto url = parse_http_url(settings_.name_server_url);
        if (!url)
            return nullptr;
        return std::make_unique<watch_type>(runtime_, transport, url_of_unit(*url, settings_.unit_name),
                                            settings_.request_timeout, settings_.lookup_interval);
    }

    /// Lets go of a consumer that cannot join.
    void turn_away(const std::string& group) {
        members_.erase(group);
        forget_unwanted_topics();
        close_if_unused();
    }

    struct route_watch {
        time_point due{};
        time_point last_asked{};
        int misses       = 0;
        bool asked       = false;
        std::size_t most = 0;    ///< Addresses that the route had at its best.
        time_point less_since{}; ///< When it was seen to have fewer.
    };

    /// Whether no broker is missing from a route, as far as we know: one that went comes back soon, or never.
    bool is_whole(route_watch& state, const protocol::route_data& route) const {
        constexpr std::chrono::minutes patience{10};
        std::size_t addresses = 0;
        for (const auto& each : route.broker_datas)
            addresses += each.broker_addrs.size();
        const auto now = runtime_.now();
        if (addresses >= state.most) {
            state.most       = addresses;
            state.less_since = time_point::max();
        } else {
            state.less_since = std::min(state.less_since, now);
            if (now - state.less_since > patience)
                state.most = addresses;
        }
        return addresses >= state.most;
    }

    template <class... Parameters, class... Arguments>
    void tell(void (*group_member::*what)(void*, Parameters...), const Arguments&... arguments) {
        for (auto& [group, member] : members_)
            (member.*what)(member.self, arguments...);
    }

    pool_events<connection_type> events() {
        static constexpr auto here = [](void* host) -> client_instance& {
            return *static_cast<client_instance*>(host);
        };
        return {
            .host       = this,
            .greet      = [](void* host,
                        std::shared_ptr<connection_type> fresh) { return here(host).greet(std::move(fresh)); },
            .on_request = [](void* host, connection_type& from,
                             const received_frame& frame) { here(host).on_request(from, frame); },
            .on_connect = [](void* host, const endpoint& peer, std::error_code ec) { here(host).on_connect(peer, ec); },
            .on_closed =
                [](void* host, connection_type& lost, std::error_code why) {
                    here(host).told_.erase(lost.peer());
                    if (why != error::operation_cancelled)
                        here(host).tell(&group_member::disconnected, lost.peer(), why);
                },
        };
    }

    /// The first request on a connection to a broker: it must know our groups before the first pull comes.
    task<std::error_code> greet(std::shared_ptr<connection_type> fresh) {
        const auto self = this->shared_from_this();
        if (local_ip_.empty())
            learn_local_ip(*fresh);
        const auto brokers = routes_.all_addresses();
        if (std::ranges::none_of(members_, [](const auto& each) { return each.second.announced; }) ||
            std::ranges::find(brokers, fresh->peer()) == brokers.end())
            co_return std::error_code();
        const auto body = heartbeat_body();
        const auto news = news_;
        const protocol::heartbeat_request request;
        const auto [ec, frame] =
            co_await fresh->async_request(request, body, settings_.request_timeout, detail::await_tuple<executor_type>);
        if (ec)
            co_return ec;
        told_[fresh->peer()] = news; // a refusal is told once more in a second, of all groups
        if (static_cast<response_code>(frame.header.code) == response_code::success)
            tell(&group_member::members_changed); // it knows us from now on, and may have members that we do not know
        else
            heartbeat_refused(fresh->peer(), static_cast<response_code>(frame.header.code));
        co_return std::error_code();
    }

    void heartbeat_at(time_point at) {
        next_heartbeat_ = std::min(next_heartbeat_, at);
        heartbeat_due_.wake();
    }

    /// Until the next regular one the broker would know nothing of us.
    void heartbeat_refused(const endpoint& broker, std::error_code why) {
        tell(&group_member::heartbeat_failure, broker, why);
        heartbeat_at(runtime_.now() + milliseconds(1000));
    }

    /// The address by which we reach the cluster is the one to be known by.
    void learn_local_ip(connection_type& through) {
        local_ip_ = settings_.client_ip;
        if constexpr (requires { through.local_endpoint().host; })
            if (local_ip_.empty())
                local_ip_ = through.local_endpoint().host;
    }

    void on_connect(const endpoint& peer, std::error_code failure) {
        if (failure == error::operation_cancelled) // by us
            return;
        tell(&group_member::connect_ended, peer, failure);
        if (failure) // a broker is away: its routes may be changing
            for (auto& [topic, state] : topics_)
                state.due = std::min(state.due, runtime_.now() + milliseconds(1500));
        if (failure)
            routes_due_.wake();
    }

    void on_request(connection_type& from, const received_frame& frame) {
        if (static_cast<protocol::request_code>(frame.header.code) ==
            protocol::request_code::notify_consumer_ids_changed) {
            if (const auto notice = protocol::read_fields<protocol::consumer_ids_changed_notice>(frame.header))
                if (const auto found = members_.find(notice->consumer_group); found != members_.end())
                    found->second.members_changed(found->second.self);
            return;
        }
        if (static_cast<protocol::request_code>(frame.header.code) == protocol::request_code::reset_consumer_offset) {
            const auto notice = protocol::read_fields<protocol::reset_offset_notice>(frame.header);
            const auto to     = protocol::decode_reset(frame.body);
            if (!notice || !to)
                return;
            if (const auto found = members_.find(notice->consumer_group); found != members_.end())
                found->second.reset(found->second.self, notice->topic, *to);
            return;
        }
        from.respond(frame, response_code::request_code_not_supported,
                     " request type " + std::to_string(frame.header.code) + " not supported", protocol::no_fields{});
    }

    /// @param only  Of this group; empty: of all.
    std::string heartbeat_body(const std::string& only = {}) {
        protocol::heartbeat_data data;
        data.client_id = client_id();
        for (auto& [group, member] : members_)
            if (member.announced && (only.empty() || only == group))
                data.consumers.push_back(member.describe(member.self));
        return protocol::encode(data);
    }

    /// @param news  How many there were when this was asked for.
    static task<void> heartbeat_to(std::shared_ptr<client_instance> self, endpoint broker, std::string only,
                                   std::uint64_t news) {
        if (!self->pool_.find(broker)) {                          // opening the connection sends it
            const auto opened = co_await self->pool_.get(broker); // a failure was told as that of the connection
            if (!opened || self->closed_)
                co_return;
            // Somebody else's opening may have sent it before there was our news.
            const auto told = self->told_.find(broker);
            if (told != self->told_.end() && told->second >= news)
                co_return;
        }
        if (!self->told_.contains(broker))
            only.clear();
        auto body          = self->heartbeat_body(only);
        const auto sent    = self->news_;
        const auto failure = co_await self->calls_.heartbeat(broker, std::move(body));
        if (failure)
            self->heartbeat_refused(broker, failure);
        else if (only.empty())
            self->told_[std::move(broker)] = sent;
    }

    /// Whether there is a broker that was never told of us: one that we had no route to, or that was only a name server to us.
    bool has_strangers() const {
        return std::ranges::any_of(routes_.all_addresses(),
                                   [this](const endpoint& broker) { return !told_.contains(broker); });
    }

    static task<void> unregister(std::shared_ptr<client_instance> self, endpoint broker, std::string group) {
        // An answer is all that is waited for: a broker that cannot give one notices our closed connection.
        co_await self->calls_.unregister(std::move(broker), self->client_id(), std::move(group));
    }

    /// The first heartbeat makes brokers create retry topics; waiting for the usual poll would delay the first retry.
    void ask_for_missing_routes() {
        for (auto& [topic, state] : topics_)
            if (state.misses > 0)
                state.due = std::min(state.due, runtime_.now() + milliseconds(1000));
        routes_due_.wake();
    }

    void begin_duties() {
        if (std::exchange(on_duty_, true))
            return;
        asio::co_spawn(runtime_.get_executor(), poll_routes(this->shared_from_this()), asio::detached);
        asio::co_spawn(runtime_.get_executor(), beat(this->shared_from_this()), asio::detached);
    }

    static task<void> poll_routes(std::shared_ptr<client_instance> self) {
        while (!self->closed_) {
            std::vector<std::string> due;
            auto next = self->runtime_.now() + self->settings_.route_poll_interval;
            for (const auto& [topic, state] : self->topics_)
                if (!state.asked || state.due <= self->runtime_.now())
                    due.push_back(topic);
                else
                    next = std::min(next, state.due);
            for (auto& topic : due) {
                if (self->closed_)
                    co_return;
                co_await self->refresh(std::move(topic));
            }
            if (due.empty())
                co_await self->routes_due_.wait_until(next);
        }
    }

    static task<void> beat(std::shared_ptr<client_instance> self) {
        self->heartbeat_at(self->runtime_.now() + self->settings_.heartbeat_interval);
        while (!self->closed_) {
            if (self->runtime_.now() < self->next_heartbeat_) {
                co_await self->heartbeat_due_.wait_until(self->next_heartbeat_);
                continue;
            }
            self->next_heartbeat_ = self->runtime_.now() + self->settings_.heartbeat_interval;
            co_await self->heartbeat();
        }
    }

    void close_if_unused() {
        if (!members_.empty() || handles_ != 0 || std::exchange(closed_, true))
            return;
        routes_due_.wake();
        heartbeat_due_.wake();
        if (watch_)
            watch_->close();
        pool_.close();
    }

    client_settings settings_;
    Runtime runtime_;
    route_table routes_;
    std::unique_ptr<watch_type> watch_;
    pool_type pool_;
    name_servers<Transport, Runtime> name_servers_;
    calls_type calls_;
    detail::wake_up<Runtime> routes_due_;
    detail::wake_up<Runtime> heartbeat_due_;
    std::map<std::string, group_member> members_;
    std::vector<std::shared_ptr<void>> left_behind_;
    std::map<std::string, route_watch> topics_;
    std::map<endpoint, std::uint64_t>
        told_;               ///< Brokers that know us on their connection, and `news_` when they were told of all.
    std::uint64_t news_ = 0; ///< Grows with each heartbeat that is asked for.
    std::string local_ip_;
    std::string client_id_;
    time_point next_heartbeat_ = time_point::max();
    std::size_t handles_       = 0;
    bool on_duty_              = false;
    bool closed_               = false;
};

} // namespace rocketpush

#endif

#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

namespace rocketpush {

/**
 * @brief A client that several consumers of a process share: its connections, heartbeats, routes and strand.
 *
 * @code
 * rocketpush::client shared{rocketpush::options{.name_servers = "10.0.0.1:9876"}};
 * rocketpush::push_consumer orders{shared, {.group = "billing"}, on_order};
 * rocketpush::push_consumer refunds{shared, {.group = "ledger"}, on_refund};
 * @endcode
 *
 * Of the options only what belongs to the client counts (see client_settings). Outlives its consumers.
 *
 * @par Thread safety  Made and destroyed by one thread; consumers may be made from it by any.
 * @par Source         Java `MQClientManager`. Differs: sharing is asked for, never by accident of equal names.
 */
template <transport Transport = tcp_transport, runtime Runtime = asio_runtime>
class client {
  public:
    using instance_type = client_instance<Transport, Runtime>;

    /// @throw std::system_error  error::invalid_name_server, or another code of check_name_servers()
    explicit client(const options& with, Transport transport = Transport(), Runtime runtime = Runtime())
        : instance_(std::make_shared<instance_type>(checked(with), std::move(transport), std::move(runtime))) {
        instance_->hold();
        instance_->runtime().start();
    }
    client(const client&)            = delete;
    client& operator=(const client&) = delete;

    ~client() {
        asio::post(instance_->runtime().get_executor(), [shared = instance_] { shared->release(); });
        auto runtime = instance_->runtime();
        instance_.reset();
        runtime.join(std::chrono::seconds(5));
    }

    const std::shared_ptr<instance_type>& instance() const noexcept { return instance_; }

  private:
    static client_settings checked(const options& with) {
        if (const auto problem = check_name_servers(with))
            throw std::system_error(problem.code, problem.text);
        return client_part(with);
    }

    std::shared_ptr<instance_type> instance_;
};

} // namespace rocketpush

#endif
// rocketpush/consumer_core.hpp
#ifndef ROCKETPUSH_CONSUMER_CORE_HPP
#define ROCKETPUSH_CONSUMER_CORE_HPP

// rocketpush/consume/orderly_pause.hpp
#ifndef ROCKETPUSH_CONSUME_ORDERLY_PAUSE_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_PAUSE_HPP


#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

namespace rocketpush {

/// How often an orderly message may fail before it goes to the dead letter queue; -1 is Java's "for ever".
constexpr int effective_max_reconsume_times_in_order(int option) noexcept {
    return option < 0 ? std::numeric_limits<int>::max() : option;
}

namespace detail {

/// Returns at `deadline`, or when the queue is given up.
template <class Host>
awaitable<void, typename Host::executor_type> nap(Host& host, typename Host::queue_type& queue,
                                                  std::chrono::steady_clock::time_point deadline) {
    typename Host::runtime_type::timer timer(host.runtime());
    timer.expires_at(deadline);
    queue.naps.push_back(&timer);
    if (!queue.dropped)
        co_await timer.async_wait(await_tuple<typename Host::executor_type>);
    std::erase(queue.naps, &timer);
}

} // namespace detail

/**
 * @brief Counts the failure of one listener call in order: its messages' reconsume times go up, and those that failed too
 *        often go to the retry topic, where the broker makes dead letters of them. They are taken out of the queue then. In
 *        broadcasting they are dropped, with an event each: every member would send them, to a topic that none reads.
 * @return Whether any message is to come again.
 * @par Source  Java `ConsumeMessageOrderlyService.checkReconsumeTimes`, `sendMessageBack`. Differs: what the broker has got
 *              does not come again when its neighbours in a batch do. In broadcasting Java sends them, too.
 */
template <class Host>
detail::awaitable<bool, typename Host::executor_type> count_failure(std::shared_ptr<Host> host,
                                                                    std::shared_ptr<typename Host::queue_type> queue) {
    const auto failed = queue->order.failed;
    const auto most   = effective_max_reconsume_times_in_order(host->settings().max_reconsume_times);
    bool again        = false;
    for (auto i = failed.slice.first; i < failed.slice.first + failed.slice.count; ++i) {
        auto& fields = failed.batch->messages[i];
        const message_view view(fields);
        if constexpr (Host::broadcasting) {
            if (fields.reconsume_times >= most) {
                host->observe().on_dropped(view);
                failed.batch->mark_finished(i);
                ++queue->counts.dropped;
                continue;
            }
        } else if (fields.reconsume_times >= most) {
            auto copy      = make_retry_copy(view, host->settings().group, 0, most);
            copy.unit_mode = host->settings().unit_mode;
            const auto outcome =
                co_await host->calls().send_copy(std::move(copy), queue->queue, host->settings().send_back_timeout);
            host->observe().on_send_back(view, outcome.failure);
            if (outcome.stored()) {
                failed.batch->mark_finished(i);
                ++queue->counts.sent_back;
                continue;
            }
        }
        if (fields.reconsume_times < std::numeric_limits<std::int32_t>::max())
            ++fields.reconsume_times;
        again = true;
    }
    co_return again;
}

/// Sees to a queue whose listener wants a pause: counts the failure, waits, and has the queue go on.
template <class Host>
detail::awaitable<void, typename Host::executor_type> suspend_queue(std::shared_ptr<Host> host,
                                                                    std::shared_ptr<typename Host::queue_type> queue) {
    auto& order = queue->order;
    bool again  = true;
    if (order.failed) {
        order.sending = true;
        again         = co_await count_failure(host, queue);
        order.sending = false;
    }
    if (again && !queue->dropped) {
        const auto until = order.turn.paused_until();
        const auto left  = until - host->runtime().now();
        host->observe().on_queue_suspended(queue->queue, std::chrono::ceil<std::chrono::milliseconds>(left));
        co_await detail::nap(*host, *queue, until);
    }
    order.turn.end_pause();
    order.held_up = false;
    host->settled(*queue);
    host->consume_again(*queue);
}

/// Sees to a queue whose lock is not trusted any more: asks until the broker has said whose it is.
template <class Host>
detail::awaitable<void, typename Host::executor_type> regain_lock(std::shared_ptr<Host> host,
                                                                  std::shared_ptr<typename Host::queue_type> queue) {
    while (!queue->dropped && !queue->order.lock.trusted(host->runtime().now())) {
        const auto failure = co_await host->locks().ask(queue);
        if (failure && !queue->dropped) {
            host->observe().on_lock_failure(std::string(host->routes().home(queue->queue)), failure);
            co_await detail::nap(*host, *queue, host->runtime().now() + std::chrono::seconds(1));
        }
    }
    queue->order.held_up = false;
    host->consume_again(*queue);
}

} // namespace rocketpush

#endif
// rocketpush/fetch/popped_batch.hpp
#ifndef ROCKETPUSH_FETCH_POPPED_BATCH_HPP
#define ROCKETPUSH_FETCH_POPPED_BATCH_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rocketpush {

/**
 * @brief When the invisible time of a message that is still being consumed is renewed, and when it is too late.
 *
 * Renewed when half of it has passed, but not more than once a second.
 */
struct receipt_times {
    using time_point   = std::chrono::steady_clock::time_point;
    using milliseconds = std::chrono::milliseconds;

    static constexpr milliseconds longest{24 * 3600 * 1000};
    static constexpr milliseconds shortest_renewal{1000};

    time_point renew_at{};
    time_point expires_at{};

    /// @param since  When the receipt came, or earlier. @param invisible_millis  As a broker says it: any number.
    static constexpr receipt_times of(time_point since, std::int64_t invisible_millis) noexcept {
        const milliseconds hidden(std::clamp<std::int64_t>(invisible_millis, 0, longest.count()));
        return {since + std::max(hidden / 2, shortest_renewal), since + hidden};
    }
    constexpr time_point next() const noexcept { return std::min(renew_at, expires_at); }
};

/// One stored message of a pop: what is acknowledged as a whole. An inner batch is one, with several messages.
struct popped_record {
    enum class step : std::uint8_t {
        held, ///< Its receipt is valid, and nothing is on its way to the broker.
        busy, ///< A request about it is under way.
        ended ///< Acknowledged, handed back, or given up.
    };

    protocol::receipt_handle receipt;
    receipt_times times{};
    std::uint32_t first = 0; ///< Place of its first message in the batch; of a condemned one in `condemned`.
    std::uint32_t count = 0; ///< Messages that the listener gets; the filter may have left none.
    step at             = step::held;
    bool condemned      = false; ///< No listener gets it: it came too often, or cannot be read. To be a dead letter.
};

/**
 * @brief The messages of one answer to a pop, each with its receipt. Runners see no difference to a pulled batch.
 *
 * The receipts are the strand's. They and the messages view the frame, which stays until the last record has ended.
 */
template <bool Concurrent>
struct popped_batch : pulled_batch<Concurrent> {
    std::vector<popped_record> records;
    std::vector<detail::message_fields> condemned;
    std::size_t open = 0;                         ///< Records that have not ended.
    std::chrono::steady_clock::time_point came{}; ///< When the answer came.

    popped_batch() { this->popped = true; }

    /// How far the messages of a record are: failed if one is and all were seen to.
    message_progress progress_of(const popped_record& record) const noexcept {
        auto found = message_progress::finished;
        for (auto i = record.first; i < record.first + record.count; ++i) {
            const auto each = this->progress(i);
            if (each == message_progress::unfinished)
                return each;
            if (each != message_progress::finished)
                found = message_progress::failed;
        }
        return found;
    }
    /// The delay level of the first message of a record that failed.
    int delay_level_of(const popped_record& record) const noexcept {
        for (auto i = record.first; i < record.first + record.count; ++i)
            if (this->progress(i) != message_progress::finished)
                return this->delay_level(i);
        return 0;
    }
    /// Whether a request about one of its records is under way.
    bool busy() const noexcept {
        return std::ranges::any_of(records, [](const auto& each) { return each.at == popped_record::step::busy; });
    }
    /// A message of a record, to tell of it.
    message_view view_of(const popped_record& record) const noexcept {
        return message_view(record.condemned ? condemned[record.first] : this->messages[record.first]);
    }

    /// Makes it ready for another pop; keeps capacities.
    void clear() noexcept {
        records.clear();
        condemned.clear();
        open = 0;
        pulled_batch<Concurrent>::clear();
    }
};

} // namespace rocketpush

#endif
// rocketpush/fetch/popped_queue.hpp
#ifndef ROCKETPUSH_FETCH_POPPED_QUEUE_HPP
#define ROCKETPUSH_FETCH_POPPED_QUEUE_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief One queue that is popped, from the moment it is assigned to us until nothing of it is left here. Its id may be -1: all
 *        queues of the broker.
 *
 * @par Thread safety  None; on the strand.
 * @par Source         Java `PopProcessQueue`.
 */
template <class Connection, class Runtime, class Batch>
struct popped_queue : fetching_queue<Runtime> {
    popped_queue(message_queue of, Runtime& runtime)
        : fetching_queue<Runtime>(runtime), queue(std::move(of)), idle(runtime), gone(runtime) {}

    message_queue queue;
    queue_stage stage = queue_stage::fetching; ///< There is no offset to acquire.
    std::chrono::steady_clock::time_point stage_since{};

    bool polling = false;                           ///< A pop is under way ...
    std::chrono::steady_clock::time_point polled{}; ///< ... since then; or was, last.

    detail::wake_up<Runtime> idle;              ///< For who gives it up: a call, a poll or a request ended.
    detail::signal_flag<Runtime> gone;          ///< Nothing of it is here any more.
    std::vector<typename Runtime::timer*> naps; ///< Pauses between attempts; a consumer that stops ends them.

    std::vector<std::unique_ptr<Batch>> batches; ///< With a record that has not ended, or a runner.
    std::size_t waiting  = 0;                    ///< Records that have not ended.
    std::int64_t rest    = -1;                   ///< About how many messages the broker had left at the last answer.
    flow_state flow      = flow_state::open;
    bool acks_one_by_one = false; ///< The broker does not know batches of them.

    std::shared_ptr<Connection> connection; ///< To the master.
    std::uint64_t connection_route = 0;     ///< The route version that `connection` was chosen by.

    work_counts counts;

    std::size_t held_bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& each : batches)
            sum += each->held_bytes();
        return sum;
    }
    /// Of them, bodies that were inflated.
    std::size_t inflated_bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& each : batches)
            sum += each->inflated.used_bytes();
        return sum;
    }
    /// Whether runners are at it, or will be.
    bool running() const noexcept {
        return std::ranges::any_of(batches, [](const auto& each) { return !each->heard; });
    }
    /// Whether something is about to be told to the broker, or is.
    bool unsettled() const noexcept {
        return std::ranges::any_of(batches,
                                   [](const auto& each) { return each->heard ? each->open != 0 : each->busy(); });
    }
    void cancel_unclaimed() noexcept {
        for (const auto& each : batches)
            each->cancel_unclaimed();
    }
};

} // namespace rocketpush

#endif
// rocketpush/rebalance/pop_table.hpp
#ifndef ROCKETPUSH_REBALANCE_POP_TABLE_HPP
#define ROCKETPUSH_REBALANCE_POP_TABLE_HPP

// rocketpush/consume/pop_settlement.hpp
#ifndef ROCKETPUSH_CONSUME_POP_SETTLEMENT_HPP
#define ROCKETPUSH_CONSUME_POP_SETTLEMENT_HPP

// rocketpush/consume/pop_verdict.hpp
#ifndef ROCKETPUSH_CONSUME_POP_VERDICT_HPP
#define ROCKETPUSH_CONSUME_POP_VERDICT_HPP


#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace rocketpush {

/// What is to be done about a popped message.
enum class pop_verdict : std::uint8_t {
    wait,        ///< It is being consumed, or will be.
    acknowledge, ///< Consumed.
    come_again,  ///< Failed; hide it for `pop_retry_delay`, then the broker counts it as failed once more.
    dead_letter, ///< Failed too often, or for good: to the dead letter queue, then acknowledged.
    hand_back,   ///< Nobody will consume it here: the broker may have it again soon.
    expired      ///< Its receipt is worth nothing any more, the message comes again; nothing can be done.
};

/// What is known of a popped message.
struct popped_outcome {
    message_progress progress = message_progress::unfinished;
    bool abandoned            = false; ///< No listener is at it, and none will be.
    bool expired              = false;
    int delay_level           = 0; ///< Of a failed one: see consume_context::delay_level.
    int reconsume_times       = 0;
    int max_reconsume_times   = 16;
};

/**
 * @brief Decides about a popped message.
 * @par Source  Java `ConsumeMessagePopConcurrentlyService.processConsumeResult`, `checkNeedAckOrDelay`. Differs: a message that
 *              failed too often becomes a dead letter, where Java acknowledges it and it is gone; and level -1 is understood.
 */
constexpr pop_verdict judge(const popped_outcome& known) noexcept {
    if (known.progress == message_progress::unfinished && !known.abandoned)
        return known.expired ? pop_verdict::expired : pop_verdict::wait;
    if (known.expired) // with a receipt that is not valid brokers accept anything and do nothing
        return pop_verdict::expired;
    if (known.progress == message_progress::unfinished)
        return pop_verdict::hand_back;
    if (known.progress == message_progress::finished)
        return pop_verdict::acknowledge;
    return known.delay_level < 0 || known.reconsume_times >= known.max_reconsume_times ? pop_verdict::dead_letter
                                                                                       : pop_verdict::come_again;
}

/**
 * @brief How long a failed message stays hidden: the delay of the level that the listener chose, or, if that is 0, of the number of
 *        times that it came again before.
 *
 * 10 s, 30 s, 1 min, 2 min ... 10 min, 20 min, 30 min, 1 h, and 2 h from level 15 on. Level 1 is 30 s here and 1 s where messages
 * are pulled: Java counts so.
 *
 * @par Source  Java `ConsumeMessagePopConcurrentlyService.popDelayLevel`.
 */
constexpr std::chrono::seconds pop_retry_delay(int delay_level, int reconsume_times) noexcept {
    constexpr std::array<int, 16> seconds{10,  30,  60,  120, 180,  240,  300,  360,
                                          420, 480, 540, 600, 1200, 1800, 3600, 7200};
    const int level = delay_level != 0 ? delay_level : reconsume_times;
    return std::chrono::seconds(seconds[static_cast<std::size_t>(std::clamp(level, 0, 15))]);
}

} // namespace rocketpush

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// The acknowledgement of one popped message. @param topic  The topic that was popped.
inline protocol::ack_request make_ack(std::string_view group, std::string_view topic,
                                      const protocol::receipt_handle& receipt) {
    return {.consumer_group = std::string(group),
            .topic          = protocol::real_topic(receipt.topic, group, topic),
            .queue_id       = receipt.queue_id,
            .receipt        = protocol::to_string(receipt),
            .queue_offset   = receipt.queue_offset,
            .broker_name    = std::string(receipt.broker_name)};
}

/// What hides one popped message for another time.
inline protocol::change_invisible_time_request make_change(std::string_view group, std::string_view topic,
                                                           const protocol::receipt_handle& receipt,
                                                           std::chrono::milliseconds hidden) {
    return {.consumer_group   = std::string(group),
            .topic            = protocol::real_topic(receipt.topic, group, topic),
            .queue_id         = receipt.queue_id,
            .receipt          = protocol::to_string(receipt),
            .queue_offset     = receipt.queue_offset,
            .invisible_millis = hidden.count(),
            .broker_name      = std::string(receipt.broker_name)};
}

/// The acknowledgements of one broker's messages, gathered by check point into a request.
class ack_gathering {
  public:
    /// Bits of a check point at most: a kilobyte. Offsets that lie further apart are acknowledged one by one.
    static constexpr std::int64_t most_bits = 8 * 1024;

    ack_gathering(std::string_view group, const message_queue& popped) : group_(group), topic_(popped.topic) {
        acks_.broker_name = popped.broker_name;
    }

    /// @return Whether it could be taken in.
    bool add(const protocol::receipt_handle& receipt) {
        const auto bit =
            static_cast<std::uint64_t>(receipt.queue_offset) - static_cast<std::uint64_t>(receipt.start_offset);
        if (receipt.queue_offset < receipt.start_offset || bit >= most_bits)
            return false;
        auto found = std::ranges::find_if(acks_.acks, [&](const protocol::batch_ack_entry& each) {
            return each.kind == receipt.topic && each.queue_id == receipt.queue_id &&
                   each.start_offset == receipt.start_offset && each.pop_time == receipt.pop_time &&
                   each.revive_queue_id == receipt.revive_queue_id && each.invisible_millis == receipt.invisible_millis;
        });
        if (found == acks_.acks.end()) {
            protocol::batch_ack_entry fresh;
            fresh.consumer_group   = group_;
            fresh.topic            = topic_;
            fresh.kind             = receipt.topic;
            fresh.start_offset     = receipt.start_offset;
            fresh.queue_id         = receipt.queue_id;
            fresh.revive_queue_id  = receipt.revive_queue_id;
            fresh.pop_time         = receipt.pop_time;
            fresh.invisible_millis = receipt.invisible_millis;
            found                  = acks_.acks.insert(found, std::move(fresh));
        }
        found->acked.set(static_cast<std::size_t>(bit));
        return true;
    }

    protocol::batch_ack& acks() noexcept { return acks_; }

  private:
    std::string_view group_, topic_;
    protocol::batch_ack acks_;
};

/**
 * @brief What is done with popped messages once the listener has had them: acknowledged, hidden until they are to come again, made
 *        dead letters, handed back; and hidden for longer while it still has them.
 *
 * `judge` decides, this does. Each record has at most one request under way. A request that fails is no loss: the message comes
 * again when its invisible time is over.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Source   Java `ConsumeMessagePopConcurrentlyService`. Differs: acknowledges batches, tries again, renews, and knows dead letters.
 */
template <class Host>
class pop_settlement {
  public:
    using queue_type    = typename Host::pop_queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using host_ptr      = std::shared_ptr<Host>;
    using batch_type    = typename Host::pop_batch_type;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    using milliseconds  = std::chrono::milliseconds;
    using step          = popped_record::step;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// What nobody will consume here comes again after this, and the broker's own delay of some seconds.
    static constexpr milliseconds hand_back_delay{1000};

    /// Does what is to be done with the records of `batch`.
    static void settle(const host_ptr& host, const queue_ptr& queue, batch_type& batch) {
        const auto now = host->runtime().now();
        std::vector<std::uint32_t> done;
        ++batch.open; // not to be recycled before we are through
        for (std::uint32_t i = 0; i < batch.records.size(); ++i) {
            auto& record = batch.records[i];
            if (record.at != step::held)
                continue;
            const auto known   = outcome(*host, batch, record, now);
            const auto verdict = judge(known);
            if (verdict == pop_verdict::wait)
                continue;
            record.at = step::busy;
            switch (verdict) {
            case pop_verdict::wait: break;
            case pop_verdict::acknowledge: done.push_back(i); break;
            case pop_verdict::come_again:
                host->spawn(hide(host, queue, batch, i, pop_retry_delay(known.delay_level, known.reconsume_times)));
                break;
            case pop_verdict::hand_back: host->spawn(hide(host, queue, batch, i, hand_back_delay)); break;
            case pop_verdict::dead_letter: host->spawn(bury(host, queue, batch, i)); break;
            case pop_verdict::expired:
                host->observe().on_receipt_expired(batch.view_of(record));
                end(*queue, batch, i);
                break;
            }
        }
        if (!done.empty())
            host->spawn(acknowledge(host, queue, batch, std::move(done)));
        --batch.open;
        host->pops().retire(*queue);
    }

    /// Renews what is due, and settles what was waiting for that. @return When something is due next.
    static time_point renew(const host_ptr& host, const queue_ptr& queue) {
        const auto now = host->runtime().now();
        auto next      = time_point::max();
        std::vector<batch_type*> all;
        for (const auto& each : queue->batches) {
            ++each->open;
            all.push_back(each.get());
        }
        for (auto* batch : all) {
            bool due = false;
            for (const auto& record : batch->records)
                due = due || (record.at == step::held && record.times.next() <= now);
            if (due)
                settle(host, queue, *batch); // what is done with needs no renewal
            for (std::uint32_t i = 0; i < batch->records.size(); ++i) {
                auto& record = batch->records[i];
                if (record.at != step::held)
                    continue;
                const bool lasts = now < batch->came + host->settings().consume_timeout; // then others shall have it
                if (record.times.renew_at <= now && lasts) {
                    record.at = step::busy;
                    host->spawn(renew_one(host, queue, *batch, i));
                } else {
                    next = std::min(next, lasts ? record.times.next() : record.times.expires_at);
                }
            }
        }
        for (auto* batch : all)
            --batch->open;
        host->pops().retire(*queue);
        return next;
    }

  private:
    static popped_outcome outcome(Host& host, const batch_type& batch, const popped_record& record, time_point now) {
        popped_outcome known;
        known.max_reconsume_times = host.max_reconsume_times();
        known.expired             = now >= record.times.expires_at;
        if (record.condemned) {
            known.progress    = message_progress::failed;
            known.delay_level = -1;
            return known;
        }
        known.progress  = batch.progress_of(record);
        known.abandoned = batch.heard;
        if (known.progress == message_progress::failed) {
            known.delay_level     = batch.delay_level_of(record);
            known.reconsume_times = batch.view_of(record).reconsume_times();
        }
        return known;
    }

    static void end(queue_type& queue, batch_type& batch, std::uint32_t index) {
        batch.records[index].at = step::ended;
        --batch.open;
        --queue.waiting;
    }

    /// Whether there may be another attempt at `next`.
    static bool may_try_again(Host& host, time_point next, time_point expires_at) {
        return next < expires_at && (host.running() || next < host.stop_deadline());
    }

    static task<void> pause(host_ptr host, queue_ptr queue, time_point until) {
        typename Host::runtime_type::timer timer(host->runtime());
        timer.expires_at(until);
        queue->naps.push_back(&timer);
        co_await timer.async_wait(detail::await_tuple<executor_type>);
        std::erase(queue->naps, &timer);
    }

    static task<void> acknowledge(host_ptr host, queue_ptr queue, batch_type& batch, std::vector<std::uint32_t> which) {
        auto expires_at = time_point::max();
        for (const auto i : which)
            expires_at = std::min(expires_at, batch.records[i].times.expires_at);
        backoff delay(milliseconds(200), milliseconds(3000));
        for (;;) {
            const auto failure = co_await send_acks(host, queue, batch, which);
            host->observe().on_ack(queue->queue, which.size(), failure);
            if (!failure)
                queue->counts.acknowledged += which.size();
            const auto next = host->runtime().now() + delay.failed(host->runtime().random());
            if (!failure || !may_try_again(*host, next, expires_at))
                break;
            co_await pause(host, queue, next);
        }
        for (const auto i : which)
            end(*queue, batch, i);
        host->pops().retire(*queue);
    }

    static task<std::error_code> send_acks(host_ptr host, queue_ptr queue, batch_type& batch,
                                           const std::vector<std::uint32_t>& which) {
        if (which.size() > 1 && !queue->acks_one_by_one) {
            ack_gathering together(host->settings().group, queue->queue);
            if (std::ranges::all_of(which, [&](auto i) { return together.add(batch.records[i].receipt); })) {
                const auto failure = co_await host->calls().acknowledge(std::move(together.acks()));
                if (failure != response_code::request_code_not_supported)
                    co_return failure;
                queue->acks_one_by_one = true; // before 5.1.3
            }
        }
        const auto sent   = std::make_shared<detail::wait_group<typename Host::runtime_type>>(host->runtime());
        const auto result = std::make_shared<std::error_code>();
        for (const auto i : which)
            sent->spawn(
                send_ack(host, make_ack(host->settings().group, queue->queue.topic, batch.records[i].receipt), result));
        co_await sent->wait();
        co_return *result;
    }

    static task<void> send_ack(host_ptr host, protocol::ack_request request, std::shared_ptr<std::error_code> result) {
        const auto failure = co_await host->calls().acknowledge(std::move(request));
        if (failure)
            *result = failure;
    }

    static task<result<protocol::change_invisible_time_response>> change(host_ptr host, queue_ptr queue,
                                                                         batch_type& batch, std::uint32_t index,
                                                                         milliseconds hidden) {
        auto request = make_change(host->settings().group, queue->queue.topic, batch.records[index].receipt, hidden);
        auto answer  = co_await host->calls().change_invisible_time(std::move(request));
        host->observe().on_invisible_time(batch.view_of(batch.records[index]), hidden,
                                          answer ? std::error_code() : answer.error());
        co_return answer;
    }

    /// Has it come again after `delay`. If that fails it comes when its invisible time is over.
    static task<void> hide(host_ptr host, queue_ptr queue, batch_type& batch, std::uint32_t index, milliseconds delay) {
        const auto answer = co_await change(host, queue, batch, index, delay);
        if (answer)
            ++queue->counts.sent_back;
        end(*queue, batch, index);
        host->pops().retire(*queue);
    }

    /// To the dead letter queue, then acknowledged. A broker that does not take it gets it back, and is asked the next time.
    static task<void> bury(host_ptr host, queue_ptr queue, batch_type& batch, std::uint32_t index) {
        const auto view = batch.view_of(batch.records[index]);
        returned_message returned;
        returned.commit_log_offset   = view.commit_log_offset();
        returned.delay_level         = -1;
        returned.max_reconsume_times = host->max_reconsume_times();
        returned.unit_mode           = host->settings().unit_mode;
        returned.id                  = view.message_id();
        returned.topic               = std::string(view.full_topic());
        const auto delay             = pop_retry_delay(0, view.reconsume_times());
        const auto outcome           = co_await host->calls().send_back(host->settings().group, queue->queue, returned,
                                                                        host->settings().send_back_timeout);
        host->observe().on_send_back(view, outcome.failure);
        if (!outcome.stored()) {
            co_await hide(host, queue, batch, index, delay);
            co_return;
        }
        ++queue->counts.sent_back;
        std::vector<std::uint32_t> itself(1, index);
        co_await acknowledge(host, queue, batch, std::move(itself));
    }

    static task<void> renew_one(host_ptr host, queue_ptr queue, batch_type& batch, std::uint32_t index) {
        const auto hidden = host->settings().pop_invisible_time;
        const auto asked  = host->runtime().now();
        const auto answer = co_await change(host, queue, batch, index, hidden);
        auto& record      = batch.records[index];
        if (answer) {
            record.receipt = protocol::changed_receipt(record.receipt, *answer);
            record.times   = receipt_times::of(asked, answer->invisible_millis);
        } else {
            record.times.renew_at = host->runtime().now() + hidden / 8;
        }
        record.at = step::held;
        host->pops().renew_by(record.times.next());
        settle(host, queue, batch);
    }
};

} // namespace rocketpush

#endif
// rocketpush/fetch/pop_fetcher.hpp
#ifndef ROCKETPUSH_FETCH_POP_FETCHER_HPP
#define ROCKETPUSH_FETCH_POP_FETCHER_HPP

// rocketpush/fetch/pop_loop.hpp
#ifndef ROCKETPUSH_FETCH_POP_LOOP_HPP
#define ROCKETPUSH_FETCH_POP_LOOP_HPP


#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>
#include <variant>

namespace rocketpush {

/// What a pop loop wants done next.
namespace pop_action {

/// Ask the broker for messages.
struct request {
    bool operator==(const request&) const = default;
};
/// Ask after `delay`, or as soon as the queue is given up.
struct wait {
    std::chrono::milliseconds delay;
    bool operator==(const wait&) const = default;
};
/// Ask again when messages were acknowledged, or something else that keeps it has changed. `why` is never `flow_state::open`.
struct pause {
    flow_state why;
    bool operator==(const pause&) const = default;
};

using any = std::variant<request, wait, pause>;

} // namespace pop_action

struct pop_pace {
    std::size_t max_waiting = 96;                ///< Messages that are not acknowledged; beyond it no pop begins.
    std::size_t max_bytes   = 100u << 20;        ///< The same in bytes held.
    std::chrono::milliseconds interval{0};       ///< Between two pops that found messages.
    std::chrono::milliseconds error_delay{1000}; ///< After an error, or when the broker holds too many polls.
    std::chrono::milliseconds flow_control_delay{
        20}; ///< After the broker's FLOW_CONTROL, or a poll that it did not hold.
};

/**
 * @brief Decides what the popping of one queue does next. It is told what happened; it knows no socket, timer or thread.
 *
 * `next()` after every event. At most one request is ever under way, since it is asked for only here. Up to one batch more than
 * `max_waiting` waits: 96 and batches of 32 are at most 128.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.popMessage` and its `PopCallback`. Differs: flow control waits for an event where Java
 *              polls every 50 ms, and looks at bytes too; after a poll that the broker did not hold (19, at its shutdown) there is
 *              a short pause, where Java asks again at once.
 */
class pop_loop {
  public:
    explicit pop_loop(const pop_pace& pace) noexcept : pace_(pace) {}

    /// From the next decision on.
    void limit(std::size_t max_waiting, std::size_t max_bytes) noexcept {
        pace_.max_waiting = max_waiting;
        pace_.max_bytes   = max_bytes;
    }

    /// Messages came, or only such that the filter removed.
    void found() noexcept { delay_ = pace_.interval; }

    /// No message came. Of the codes of an answer; anything else than those of a poll is a failure.
    void answered(response_code code) noexcept {
        switch (code) {
        case response_code::polling_timeout: break; // the broker has waited long enough
        case response_code::pull_not_found:
        case response_code::flow_control: delay_ = pace_.flow_control_delay; break;
        default: delay_ = pace_.error_delay;
        }
    }
    /// Whether `code` says that there is nothing, and nothing is wrong.
    static constexpr bool is_empty_poll(response_code code) noexcept {
        return code == response_code::polling_timeout || code == response_code::pull_not_found;
    }

    /// There was no answer, or none that makes sense.
    void failed() noexcept { delay_ = pace_.error_delay; }

    /// What to do now that so many messages, and bytes, are not acknowledged. A delay is asked for once.
    /// @param outside  What keeps the queue from being popped whatever it holds.
    pop_action::any next(std::size_t waiting, std::size_t bytes, flow_state outside = flow_state::open) noexcept {
        using namespace pop_action;
        if (delay_ != std::chrono::milliseconds::zero())
            return wait{std::exchange(delay_, std::chrono::milliseconds::zero())};
        if (outside != flow_state::open)
            return pause{outside};
        if (waiting > pace_.max_waiting)
            return pause{flow_state::too_many_messages};
        if (bytes > pace_.max_bytes)
            return pause{flow_state::too_many_bytes};
        return request{};
    }

  private:
    pop_pace pace_;
    std::chrono::milliseconds delay_{0};
};

} // namespace rocketpush

#endif
// rocketpush/protocol/pop_receipts.hpp
#ifndef ROCKETPUSH_PROTOCOL_POP_RECEIPTS_HPP
#define ROCKETPUSH_PROTOCOL_POP_RECEIPTS_HPP

// rocketpush/protocol/pop_offsets.hpp
#ifndef ROCKETPUSH_PROTOCOL_POP_OFFSETS_HPP
#define ROCKETPUSH_PROTOCOL_POP_OFFSETS_HPP


#include <cstdint>
#include <optional>
#include <string_view>

/**
 * @file
 * The lists in the header of a pop's answer, read where they stand:
 *
 *     startOffsetInfo  0 1 0;0 0 0         topic kind, queue, smallest offset
 *     msgOffsetInfo    0 1 0,1;0 0 0,1,2   topic kind, queue, offsets
 *     orderCountInfo   0 qo0%1 1;0 0 1     topic kind, a queue or one of its offsets, times delivered before
 *
 * @par Source  Java `ExtraInfoUtil.parseStartOffsetInfo`, `parseMsgOffsetInfo`, `parseOrderCountInfo`.
 */
namespace rocketpush::protocol {

/// One entry of such a list.
struct pop_list_entry {
    pop_topic topic = pop_topic::normal;
    std::string_view place{}; ///< A queue id, or `qo0%1`: queue 0, offset 1.
    std::string_view values{};
};

/// Calls `entry(const pop_list_entry&)` for each, until one says false. @return Whether all were well-formed and said true.
template <class F>
bool read_pop_list(std::string_view list, F&& entry) {
    using namespace rocketpush::detail;
    while (!list.empty()) {
        auto rest = take_token(list, ';');
        pop_list_entry each;
        if (!read_pop_topic(take_token(rest, ' '), each.topic))
            return false;
        each.place  = take_token(rest, ' ');
        each.values = rest;
        if (each.place.empty() || each.values.empty() || !entry(each))
            return false;
    }
    return true;
}

/// The values of one entry, in turn.
class pop_list_values {
  public:
    explicit pop_list_values(std::string_view values) noexcept : rest_(values) {}

    bool empty() const noexcept { return rest_.empty(); }
    /// The next one; nothing if there is none, or if it is no number.
    std::optional<std::int64_t> next() noexcept {
        std::int64_t value = 0;
        if (rest_.empty() || !rocketpush::detail::read_natural(rocketpush::detail::take_token(rest_, ','), value))
            return std::nullopt;
        return value;
    }

  private:
    std::string_view rest_;
};

/**
 * @brief How often a message of an orderly pop was delivered before: what the list says of its offset, else of its queue.
 * @return 0 if the list has neither.
 */
inline std::int32_t times_delivered(std::string_view order_counts, std::int32_t queue_id,
                                    std::int64_t offset) noexcept {
    using namespace rocketpush::detail;
    std::int32_t of_queue = 0, of_offset = 0;
    read_pop_list(order_counts, [&](const pop_list_entry& entry) {
        const bool exact          = entry.place.starts_with("qo");
        auto place                = entry.place.substr(exact ? 2 : 0);
        std::int32_t listed_queue = 0, count = 0;
        std::int64_t listed_offset = offset;
        if (!read_natural(exact ? take_token(place, '%') : place, listed_queue) ||
            (exact && !read_natural(place, listed_offset)) || !read_natural(entry.values, count))
            return false;
        if (listed_queue == queue_id && listed_offset == offset)
            (exact ? of_offset : of_queue) = count;
        return true;
    });
    return of_offset > 0 ? of_offset : of_queue;
}

} // namespace rocketpush::protocol

#endif

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rocketpush::protocol {

/**
 * @brief Gives each message of a pop's answer its receipt.
 *
 * A message that has one in its properties, as retries do, keeps it; unless it is of another pop and the answer's lists know the
 * message: somebody has sent a message again that he had popped. Else its place in the lists says which check point it belongs
 * to. The list's value is the message's own offset where it is listed, else that at the message's rank among the offsets of its
 * topic kind and queue. Messages out of one inner batch share a receipt.
 *
 * Keep one: in steady state it allocates nothing.
 *
 * @par Thread safety  None.
 * @par Source         Java `MQClientAPIImpl.processPopResponse`. Differs: it goes by the rank alone, so when one message cannot be
 *                     read the receipts of others are wrong; and it believes every receipt that a message brings.
 */
class receipt_maker {
  public:
    /**
     * @param broker_name  Of the broker that answered; it and the messages outlive the receipts.
     * @param messages     All of the answer, in its order.
     * @param receipts     Gets as many, in that order, in place of those it has.
     * @return How many messages the lists do not know, where there are lists. Their receipts are made as for a very old broker;
     *         this one may not know them, and then the messages come again.
     * @retval error::header_malformed  A list is none.
     */
    result<std::size_t> make(const pop_response& answer, std::string_view broker_name,
                             std::span<const detail::message_fields> messages, std::vector<receipt_handle>& receipts) {
        receipts.assign(messages.size(), {.pop_time         = answer.pop_time,
                                          .invisible_millis = answer.invisible_millis,
                                          .revive_queue_id  = answer.revive_queue_id,
                                          .broker_name      = broker_name});
        if (!read_lists(answer))
            return error::header_malformed;
        find_records(answer, messages, receipts);
        std::ranges::sort(records_);
        const auto unknown = number_ranks(receipts);
        return starts_.empty() && offsets_.empty() ? std::size_t{0} : unknown;
    }

  private:
    struct queue_key {
        pop_topic topic                                             = pop_topic::normal;
        std::int32_t queue_id                                       = 0;
        friend auto operator<=>(const queue_key&, const queue_key&) = default;
    };
    /// An entry of either list: it has one of the two.
    struct list_entry {
        queue_key key;
        std::int64_t start_offset = 0;
        std::string_view offsets{};
    };
    /// One stored message, which is one or (an inner batch) several of those found.
    struct record {
        queue_key key;
        std::int64_t offset                                   = 0;
        std::uint32_t first                                   = 0; ///< Place among the messages.
        std::uint32_t count                                   = 1;
        friend auto operator<=>(const record&, const record&) = default;
    };

    bool read_lists(const pop_response& answer) {
        starts_.clear();
        offsets_.clear();
        const auto read = [](std::string_view list, auto&& take) {
            return read_pop_list(list, [&](const pop_list_entry& entry) {
                queue_key key{entry.topic, 0};
                return rocketpush::detail::read_natural(entry.place, key.queue_id) && take(key, entry.values);
            });
        };
        const bool good = read(answer.start_offsets,
                               [&](const queue_key& key, std::string_view value) {
                                   auto& start = starts_.emplace_back(list_entry{key});
                                   return rocketpush::detail::read_natural(value, start.start_offset);
                               }) &&
                          read(answer.message_offsets, [&](const queue_key& key, std::string_view values) {
                              offsets_.push_back({key, 0, values});
                              return true;
                          });
        std::ranges::stable_sort(starts_, {}, &list_entry::key);
        std::ranges::stable_sort(offsets_, {}, &list_entry::key);
        return good;
    }

    /// Sets what a receipt knows of its own message, and lists the stored messages that need the answer's lists.
    void find_records(const pop_response& answer, std::span<const detail::message_fields> messages,
                      std::vector<receipt_handle>& receipts) {
        namespace layout = rocketpush::detail::message_layout;
        records_.clear();
        const char* previous = nullptr;
        int strange          = 0; // a hostile answer must not have us search for ever
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const message_view message(messages[i]);
            auto& receipt      = receipts[i];
            const auto* stored = messages[i].record;
            const queue_key key{kind_of_topic(message.stored_topic()),
                                std::max(0, rocketpush::detail::load_big<std::int32_t>(stored + layout::queue_id))};
            const auto offset = rocketpush::detail::load_big<std::int64_t>(stored + layout::queue_offset);
            if (const auto own = message.property(property_names::pop_receipt))
                if (const auto parsed = parse_receipt(*own);
                    parsed &&
                    (parsed->pop_time == answer.pop_time || ++strange > most_pop_messages || !lists(key, offset))) {
                    receipt  = *parsed;
                    previous = nullptr;
                    continue;
                }
            receipt.topic        = key.topic;
            receipt.queue_id     = key.queue_id;
            receipt.queue_offset = offset;
            if (stored == previous)
                ++records_.back().count;
            else
                records_.push_back({key, offset, static_cast<std::uint32_t>(i), 1});
            previous = stored;
        }
    }

    /// @return The number of messages whose queue or rank the lists do not have.
    std::size_t number_ranks(std::vector<receipt_handle>& receipts) const {
        std::size_t unknown = 0;
        for (std::size_t i = 0; i < records_.size();) {
            const auto key    = records_[i].key;
            const auto first  = records_[i].offset;
            const auto* start = find(starts_, key);
            const auto* list  = find(offsets_, key);
            const auto listed = list ? list->offsets : std::string_view();
            pop_list_values values(listed), by_offset(listed);
            auto own = by_offset.next(); // goes up the list as the offsets do
            for (; i < records_.size() && records_[i].key == key; ++i) {
                const auto& each = records_[i];
                auto value       = values.next();
                while (own && *own < each.offset)
                    own = by_offset.next();
                if (own == each.offset)
                    value = own;
                for (auto at = each.first; at < each.first + each.count; ++at) {
                    receipts[at].start_offset = start ? start->start_offset : first;
                    receipts[at].queue_offset = value.value_or(each.offset);
                }
                if (!start || !value)
                    unknown += each.count;
            }
        }
        return unknown;
    }

    bool lists(const queue_key& key, std::int64_t offset) const noexcept {
        const auto* list = find(offsets_, key);
        pop_list_values values(list ? list->offsets : std::string_view());
        for (auto value = values.next(); value; value = values.next())
            if (*value == offset)
                return true;
        return false;
    }

    static const list_entry* find(const std::vector<list_entry>& sorted, const queue_key& key) noexcept {
        const auto found = std::ranges::lower_bound(sorted, key, {}, &list_entry::key);
        return found != sorted.end() && found->key == key ? &*found : nullptr;
    }

    std::vector<list_entry> starts_;
    std::vector<list_entry> offsets_;
    std::vector<record> records_;
};

} // namespace rocketpush::protocol

#endif

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush {

/// The pops of one queue.
inline protocol::repeated_pop make_pops(const options& with, const message_queue& queue, const subscription& wanted) {
    protocol::pop_request request;
    request.consumer_group   = with.group;
    request.topic            = queue.topic;
    request.queue_id         = queue.queue_id;
    request.invisible_millis = with.pop_invisible_time.count();
    request.poll_millis      = with.suspend_timeout.count();
    request.init_mode        = with.from == consume_from::first ? protocol::pop_init::min : protocol::pop_init::max;
    request.expression_type  = to_string(wanted.type);
    request.expression       = wanted.expression;
    request.order            = false;
    request.broker_name      = queue.broker_name;
    return protocol::repeated_pop(request);
}

/**
 * @brief The fetch loop of one queue that is popped: pops, decodes, filters, and hands batches over, until the queue is dropped.
 *
 * `pop_loop` decides, this does. At most one pop of a queue is under way. What the last one of a dropped queue still brings is
 * consumed; or handed back to the broker, when the consumer stops.
 *
 * @tparam Host  The consumer: options, runtime, observer, calls and routes; see consumer_core.
 * @par Source   Java `PopMessageRequest`, `DefaultMQPushConsumerImpl.popMessage`. Differs: messages that came too often, or cannot be
 *               read, become dead letters, where Java acknowledges or forgets them; the born time is the broker's (0), since a
 *               client whose clock is behind gets nothing else.
 */
template <class Host>
class pop_fetcher {
  public:
    using queue_type    = typename Host::pop_queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using batch_type    = typename Host::pop_batch_type;
    using executor_type = typename Host::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// A broker answers a poll a little late.
    static constexpr std::chrono::seconds answer_limit{10};

    static task<void> run(std::shared_ptr<Host> host, queue_ptr queue, subscription wanted) {
        pop_fetcher self(host, queue, std::move(wanted));
        while (!queue->dropped) {
            self.follow_subscription();
            const auto pace = host->pop_pace();
            self.loop_.limit(pace.max_waiting, pace.max_bytes);
            const auto action = self.loop_.next(queue->waiting, queue->held_bytes(), self.outside());
            if (queue->memory_set_aside != 0 && !std::holds_alternative<pop_action::request>(action))
                host->memory().fetched(*queue); // somebody else's turn
            if (std::holds_alternative<pop_action::request>(action)) {
                if (!self.connected()) {
                    const bool opened = co_await self.connect();
                    if (!opened)
                        continue;
                }
                self.begin_pop();
                const auto limit       = host->settings().suspend_timeout + answer_limit;
                auto [failure, answer] = co_await queue->connection->async_request(
                    self.pops_.with(self.turn_), {}, limit, detail::await_tuple<executor_type>);
                self.end_pop(failure, std::move(answer));
            } else if (const auto* wait = std::get_if<pop_action::wait>(&action)) {
                co_await self.sleep_until(host->runtime().now() + wait->delay);
            } else if (const auto* pause = std::get_if<pop_action::pause>(&action)) {
                if (pause->why == flow_state::out_of_memory)
                    host->memory().enter(queue, self.needed_, false);
                co_await self.wait_for_room(pause->why);
            }
        }
        host->memory().fetched(*queue);
    }

  private:
    pop_fetcher(const std::shared_ptr<Host>& host, const queue_ptr& queue, subscription wanted)
        : host_(*host),
          queue_(*queue),
          wanted_(std::move(wanted)),
          pops_(make_pops(host->settings(), queue->queue, wanted_)),
          loop_(host->pop_pace()) {}

    /// What keeps the queue from being popped besides what it holds.
    flow_state outside() const {
        if (host_.suspended() || host_.queues().is_suspended(queue_.queue))
            return flow_state::suspended;
        // A queue that was empty just now costs little while the broker holds its poll.
        return found_nothing_ || host_.memory().open(queue_) ? flow_state::open : flow_state::out_of_memory;
    }

    /// The topic may have been subscribed anew, with another expression.
    void follow_subscription() {
        const auto* now = host_.subscription_of(queue_.queue.topic);
        if (!now || now->version == wanted_.version)
            return;
        wanted_ = *now;
        pops_   = make_pops(host_.settings(), queue_.queue, wanted_);
    }

    bool connected() const {
        return queue_.connection && queue_.connection->is_open() && queue_.connection_route == host_.routes().version();
    }

    /// To the master; nobody else pops. @return Whether there is a connection now.
    task<bool> connect() {
        const auto version = host_.routes().version();
        const auto where   = host_.routes().address(queue_.queue.broker_name);
        if (!where) {
            fail(where.error());
            co_return false;
        }
        auto opened = co_await host_.calls().connect(where->where);
        if (queue_.dropped)
            co_return false;
        if (!opened) {
            fail(opened.error());
            co_return false;
        }
        queue_.connection       = *opened;
        queue_.connection_route = version;
        co_return true;
    }

    void begin_pop() {
        // Others wait for the memory that is set aside for this pop, so that the broker must not hold it. What it brings cannot be let go
        // of without harm: where there is no room, that shall be one message.
        const auto& with   = host_.settings();
        turn_.poll_millis  = queue_.memory_set_aside != 0 ? 0 : with.suspend_timeout.count();
        turn_.max_messages = host_.memory().open(queue_) ? static_cast<std::int32_t>(with.pop_batch_size) : 1;
        found_nothing_     = false;
        queue_.flow        = flow_state::open;
        queue_.polling     = true;
        queue_.polled      = host_.runtime().now();
    }

    void end_pop(std::error_code failure, received_frame answer) {
        queue_.polling = false;
        if (failure)
            fail(failure);
        else
            take(std::move(answer), host_.runtime().now() - queue_.polled);
        host_.memory().fetched(queue_);
        if (queue_.dropped)
            queue_.idle.wake();
    }

    void fail(std::error_code why) {
        loop_.failed();
        if (!queue_.dropped && why != error::operation_cancelled)
            host_.observe().on_pull_failure(queue_.queue, why);
    }

    void take(received_frame answer, std::chrono::nanoseconds took) {
        const auto code = static_cast<response_code>(answer.header.code);
        if (code != response_code::success) {
            loop_.answered(code);
            found_nothing_ = pop_loop::is_empty_poll(code);
            if (!found_nothing_ && !queue_.dropped)
                host_.observe().on_pull_failure(queue_.queue, code);
            return;
        }
        const auto fields = protocol::read_fields<protocol::pop_response>(answer.header);
        if (!fields)
            return fail(fields.error());
        queue_.rest = fields->rest_messages;
        loop_.found();
        deliver(*fields, std::move(answer), took);
    }

    void deliver(const protocol::pop_response& fields, received_frame answer, std::chrono::nanoseconds took) {
        auto batch    = host_.pops().take_batch();
        batch->came   = host_.runtime().now();
        batch->origin = {&queue_.queue, host_.own_retry_topic(), -1, -1, host_.name_space()};
        batch->home   = &queue_;
        decode(*batch, keep_frame(*batch, host_.blocks(), answer));
        const auto decoded = batch->messages.size();
        const auto unknown = receipts_.make(fields, queue_.queue.broker_name, batch->messages, handles_);
        if (!unknown) { // nothing can be acknowledged: all of it comes again
            host_.pops().give_back(std::move(batch));
            return fail(unknown.error());
        }
        make_records(*batch);
        needed_ = std::bit_ceil(batch->held_bytes());

        queue_.counts.pulls += 1;
        queue_.counts.pull_time += took;
        queue_.counts.pulled += batch->messages.size();
        queue_.counts.pulled_bytes += answer.size;
        queue_.counts.filtered += decoded - batch->messages.size() - batch->condemned.size();
        host_.observe().on_pull(queue_.queue, batch->messages.size(), answer.size, took);
        host_.pops().take_over(queue_, std::move(batch));
    }

    /// Finds the messages. One that is damaged is among them, if it can be told where it ends: its place counts.
    void decode(batch_type& batch, std::string_view body) {
        damaged_.clear();
        const auto on_bad = [&](std::error_code why, std::string_view record, queue_offset offset) {
            ++queue_.counts.bad;
            host_.observe().on_bad_message(queue_.queue, offset, why);
            const auto before = batch.messages.size();
            if (before != 0 && batch.messages.back().record == record.data())
                return; // some of an inner batch are good: they stand for it
            const auto nothing = [](std::error_code, std::string_view, queue_offset) {};
            protocol::message_decoder lenient({.check_crc = false, .decompress = false});
            lenient.decode(record, batch.origin, batch.inflated, batch.messages, nothing);
            if (batch.messages.size() > before)
                damaged_.push_back(batch.messages.back().record);
        };
        host_.decoder().decode(body, batch.origin, batch.inflated, batch.messages, on_bad);
    }

    /// Sorts what was found into stored messages with their receipts, and leaves in the batch what the listener is to get.
    void make_records(batch_type& batch) {
        auto& messages       = batch.messages;
        const int most       = host_.max_reconsume_times();
        std::uint32_t kept   = 0;
        std::size_t next_bad = 0;
        for (std::size_t i = 0; i < messages.size();) {
            const auto* stored = messages[i].record;
            popped_record record;
            record.receipt = handles_[i];
            record.times   = receipt_times::of(batch.came, handles_[i].invisible_millis);
            record.first   = kept;
            const bool bad = next_bad < damaged_.size() && damaged_[next_bad] == stored;
            next_bad += bad;
            record.condemned = bad || (messages[i].reconsume_times > most && wanted(messages[i]));
            if (record.condemned) {
                record.first = static_cast<std::uint32_t>(batch.condemned.size());
                batch.condemned.push_back(messages[i]);
            }
            for (; i < messages.size() && messages[i].record == stored; ++i)
                if (!record.condemned && wanted(messages[i]) && wanted_by(host_.observe(), queue_.queue, messages[i])) {
                    messages[kept++] = messages[i];
                    ++record.count;
                }
            batch.records.push_back(record);
        }
        messages.resize(kept);
    }

    /// Brokers compare only the hashes of tags.
    bool wanted(const detail::message_fields& message) const noexcept {
        return wanted_.tags.empty() || wanted_.matches(message_view(message).tags());
    }

    task<void> sleep_until(std::chrono::steady_clock::time_point deadline) {
        while (!queue_.dropped && host_.runtime().now() < deadline)
            co_await queue_.wake.wait_until(deadline);
    }

    /// Until messages were acknowledged, the consumer has memory, or the user changes what holds it up.
    task<void> wait_for_room(flow_state why) {
        host_.collect_soon();
        if (std::exchange(queue_.flow, why) != why)
            host_.observe().on_flow_control(queue_.queue, why, cache_level{queue_.waiting, queue_.held_bytes(), 0});
        co_await queue_.wake.wait_until(std::chrono::steady_clock::time_point::max());
    }

    Host& host_;
    queue_type& queue_;
    subscription wanted_;
    protocol::repeated_pop pops_;
    protocol::pop_turn turn_;
    pop_loop loop_;
    bool found_nothing_ = false; ///< The last poll.
    std::size_t needed_ = 0;     ///< Bytes that the last answer with messages took.
    protocol::receipt_maker receipts_;
    std::vector<protocol::receipt_handle> handles_; ///< Of the messages of an answer, in their order.
    std::vector<const char*> damaged_;              ///< Stored messages of an answer that cannot be read.
};

} // namespace rocketpush

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The queues that one consumer pops, each from its assignment until nothing of it is left here.
 *
 * There is nothing to take over and nothing to commit: the broker knows who has which message. Giving up: no further pop, running
 * listener calls to their end (not for ever), what was consumed acknowledged, what was not handed back.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.popProcessQueueTable`.
 */
template <class Host>
class pop_table {
  public:
    using queue_type    = typename Host::pop_queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using batch_type    = typename Host::pop_batch_type;
    using settlement    = pop_settlement<Host>;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// How long a queue that is given up waits for its running listener calls.
    static constexpr std::chrono::seconds hand_over_limit{5};
    /// A poll that found something is answered within this; one that is older is being held.
    static constexpr std::chrono::milliseconds poll_processing_limit{300};
    /// Batches that are kept for the next pops.
    static constexpr std::size_t most_spare_batches = 64;

    explicit pop_table(Host& host) : host_(host) {}

    /// The queues of `topic` that are ours, in order; not those on their way out.
    std::vector<message_queue> held(const std::string& topic) const {
        std::vector<message_queue> found;
        for (auto at = first_of({topic, {}, lowest_id}); at != queues_.end() && at->first.topic == topic; ++at)
            if (!at->second->dropped)
                found.push_back(at->first);
        return found;
    }
    /// Whether a queue of this topic and broker is here, in any stage.
    bool has(const std::string& topic, const std::string& broker_name) const {
        const auto at = first_of({topic, broker_name, lowest_id});
        return at != queues_.end() && at->first.topic == topic && at->first.broker_name == broker_name;
    }
    /// Whether nothing is being given up.
    bool settled() const {
        return std::ranges::none_of(queues_, [](const auto& each) { return each.second->dropped; });
    }

    /// In the order of the queues.
    const auto& all() const noexcept { return queues_; }
    const work_counts& past_counts() const noexcept { return past_; }

    /// Begins to pop a queue, if it is not here. @param wanted  The subscription of its topic.
    void acquire(const message_queue& queue, const subscription& wanted) {
        auto& owned = queues_[queue];
        if (owned)
            return;
        owned              = std::make_shared<queue_type>(queue, host_.runtime());
        owned->stage_since = host_.runtime().now();
        host_.observe().on_pop_begun(queue);
        host_.spawn(pop_fetcher<Host>::run(host_.shared_from_this(), owned, wanted));
        begin_renewals();
    }

    void release(const message_queue& queue) {
        if (const auto found = queues_.find(queue); found != queues_.end())
            release(found->second);
    }
    /// Gives up every queue of a topic.
    void release_topic(const std::string& topic) {
        for (auto at = first_of({topic, {}, lowest_id}); at != queues_.end() && at->first.topic == topic; ++at) {
            at->second->idle.wake(); // what is being given up has no poll to wait for any more
            release(at->second);
        }
    }
    /// Waits until nothing of a topic is here any more, or it is subscribed again.
    task<void> wait_until_released(std::string topic) {
        for (;;) {
            const auto at = first_of({topic, {}, lowest_id});
            if (at == queues_.end() || at->first.topic != topic || !at->second->dropped)
                break;
            const auto owned = at->second;
            co_await owned->gone.wait();
        }
    }

    /// For a consumer that stops; those that are being given up already wait by its deadline from now on.
    void release_all() {
        for (const auto& [queue, owned] : std::map(queues_)) {
            for (auto* nap : owned->naps)
                nap->cancel();
            owned->idle.wake();
            release(owned);
        }
    }

    /// Waits until every queue was given up, until `deadline`. @return Whether all were.
    task<bool> wait_until_empty(time_point deadline) {
        while (!queues_.empty() && host_.runtime().now() < deadline)
            co_await emptied_.wait_until(deadline);
        co_return queues_.empty() && left_behind_.empty();
    }
    /// When the consumer has stopped.
    void close() {
        closed_ = true;
        renewal_due_.wake();
    }

    /// Has every fetch loop look whether it may pop.
    void wake_all() {
        for (const auto& [queue, owned] : queues_)
            owned->wake.wake();
    }

    // Batches.

    std::unique_ptr<batch_type> take_batch() {
        if (spare_.empty())
            return std::make_unique<batch_type>();
        auto taken = std::move(spare_.back());
        spare_.pop_back();
        return taken;
    }
    void give_back(std::unique_ptr<batch_type> batch) {
        batch->clear();
        if (spare_.size() < most_spare_batches)
            spare_.push_back(std::move(batch));
    }

    /// Has a batch consumed that a pop of `queue` brought.
    void take_over(queue_type& queue, std::unique_ptr<batch_type> filled) {
        const auto owned = share(queue);
        if (!owned) // a poll that outlived its queue, at the end of all
            return give_back(std::move(filled));
        auto& batch = *filled;
        batch.open  = batch.records.size();
        queue.waiting += batch.open;
        queue.batches.push_back(std::move(filled));
        for (const auto& record : batch.records)
            renew_by(record.times.next());
        batch.prepare();
        if (queue.dropped && !host_.running())
            batch.cancel_unclaimed(); // all of it is handed back
        batch.heard = !batch.has_unclaimed();
        settlement::settle(host_.shared_from_this(), owned, batch); // what no listener gets
        if (!batch.heard)
            host_.dispatch(batch);
    }

    /// The last runner has left `batch`.
    void batch_ran(batch_type& batch) {
        auto& queue = *static_cast<queue_type*>(batch.home);
        batch.hear();
        queue.counts += counts_of(batch);
        settle(queue, batch);
    }
    /// Messages of `batch`, which still runs, have failed.
    void batch_has_failed(batch_type& batch) { settle(*static_cast<queue_type*>(batch.home), batch); }

    /// Lets go of batches that are done with, and tells those who wait for it.
    void retire(queue_type& queue) {
        const auto gone =
            std::ranges::partition(queue.batches, [](const auto& each) { return !each->heard || each->open != 0; });
        for (auto& each : gone)
            give_back(std::move(each));
        queue.batches.erase(gone.begin(), gone.end());
        host_.memory().recount(queue);
        queue.wake.wake();
        queue.idle.wake();
        if (queue.batches.empty() && !left_behind_.empty())
            std::erase_if(left_behind_, [&](const queue_ptr& each) { return each.get() == &queue; });
    }

    /// Looks at the receipts at `when` at the latest.
    void renew_by(time_point when) {
        if (when < next_renewal_) {
            next_renewal_ = when;
            renewal_due_.wake();
        }
    }

  private:
    static constexpr auto lowest_id = std::numeric_limits<std::int32_t>::min();

    auto first_of(const message_queue& least) const { return queues_.lower_bound(least); }

    static work_counts counts_of(const batch_type& batch) {
        work_counts counts;
        counts.calls        = batch.tally.calls.load();
        counts.succeeded    = batch.tally.succeeded.load();
        counts.failed       = batch.tally.failed.load();
        counts.consume_time = std::chrono::nanoseconds(batch.tally.nanoseconds.load());
        return counts;
    }

    queue_ptr share(queue_type& queue) const {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->second.get() == &queue)
            return found->second;
        const auto left = std::ranges::find(left_behind_, &queue, [](const queue_ptr& each) { return each.get(); });
        return left == left_behind_.end() ? nullptr : *left;
    }

    void settle(queue_type& queue, batch_type& batch) {
        if (const auto owned = share(queue))
            settlement::settle(host_.shared_from_this(), owned, batch);
    }

    void release(const queue_ptr& owned) {
        if (std::exchange(owned->dropped, true))
            return;
        owned->stage       = queue_stage::releasing;
        owned->stage_since = host_.runtime().now();
        owned->wake.wake();
        host_.spawn(hand_over(host_.shared_from_this(), owned));
    }

    static task<void> hand_over(std::shared_ptr<Host> host, queue_ptr owned) {
        auto& table    = host->pops();
        const auto now = [&] { return host->runtime().now(); };
        // The last poll may still bring messages. They are consumed while the topic is; a consumer that stops or has taken the topic
        // back does not wait for a poll that the broker holds.
        const auto processed   = std::min(owned->polled + poll_processing_limit, host->stop_deadline());
        const auto answered_by = [&] {
            const bool goes_on = host->running() && host->subscription_of(owned->queue.topic);
            return goes_on ? time_point::max() : processed;
        };
        while (owned->polling && now() < answered_by())
            co_await owned->idle.wait_until(answered_by());
        const auto begun = now();
        const auto limit = [&] { return host->running() ? begun + hand_over_limit : host->stop_deadline(); };
        for (host->collect_soon(); owned->running() && now() < limit(); host->collect_soon()) {
            if (!host->running())
                table.cancel(*owned); // others shall have them soon
            co_await owned->idle.wait_until(limit());
        }
        table.cancel(*owned);
        host->collect_soon();
        table.settle_consumed(*owned);
        const auto settled_by = now() + host->settings().request_timeout;
        while (owned->unsettled() && now() < settled_by)
            co_await owned->idle.wait_until(settled_by);

        host->observe().on_pop_ended(owned->queue);
        if (!owned->batches.empty()) // a hung listener: its batch stays until the call returns
            table.left_behind_.push_back(owned);
        table.erase(owned);
        host->rebalance_later(); // it may be ours again already
    }

    void cancel(queue_type& queue) {
        queue.cancel_unclaimed();
        host_.forget_exhausted();
    }

    /// What was consumed of batches that a listener is still at is acknowledged: it need not come again with the rest.
    void settle_consumed(queue_type& queue) {
        std::vector<batch_type*> running; // these stay, whatever is settled
        for (const auto& each : queue.batches)
            if (!each->heard)
                running.push_back(each.get());
        for (auto* batch : running)
            settle(queue, *batch);
    }

    void erase(const queue_ptr& owned) {
        queues_.erase(owned->queue);
        owned->gone.set();
        past_ += owned->counts;
        if (queues_.empty())
            emptied_.wake();
    }

    void begin_renewals() {
        if (!std::exchange(renewing_, true))
            host_.spawn(renewal_duty(host_.shared_from_this()));
    }

    static task<void> renewal_duty(std::shared_ptr<Host> host) {
        auto& table = host->pops();
        while (!table.closed_) {
            auto next = time_point::max();
            auto all  = table.left_behind_;
            for (const auto& [queue, owned] : table.queues_)
                all.push_back(owned);
            for (const auto& owned : all)
                next = std::min(next, settlement::renew(host, owned));
            all.clear();
            table.next_renewal_ = next;
            co_await table.renewal_due_.wait_until(next);
        }
    }

    Host& host_;
    std::map<message_queue, queue_ptr> queues_;
    std::vector<queue_ptr> left_behind_; ///< Given up while a listener call still runs.
    std::vector<std::unique_ptr<batch_type>> spare_;
    work_counts past_;
    detail::wake_up<typename Host::runtime_type> emptied_{host_.runtime()};
    detail::wake_up<typename Host::runtime_type> renewal_due_{host_.runtime()};
    time_point next_renewal_ = time_point::max(); ///< When the receipts are looked at next.
    bool renewing_           = false;
    bool closed_             = false;
};

} // namespace rocketpush

#endif
// rocketpush/rebalance/queue_memory.hpp
#ifndef ROCKETPUSH_REBALANCE_QUEUE_MEMORY_HPP
#define ROCKETPUSH_REBALANCE_QUEUE_MEMORY_HPP

// rocketpush/fetch/memory_budget.hpp
#ifndef ROCKETPUSH_FETCH_MEMORY_BUDGET_HPP
#define ROCKETPUSH_FETCH_MEMORY_BUDGET_HPP


#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace rocketpush {

/// What a consumer holds of messages at a moment, bytes.
struct memory_use {
    std::size_t held = 0; ///< Of all memory that counts.
    std::size_t own  = 0; ///< Of it, messages of this consumer; without any of them nobody would make room.
};

/**
 * @brief One budget of bytes for all queues of a consumer, and the line of those that wait for room.
 *
 * While there is room a queue pulls as it likes. An answer that comes when the budget is used up is not kept, and its queue
 * stands in line with what it needs; nobody passes the line. The first in it is let in when there is room for what it needs,
 * which is set aside until its answer has come. So each gets its turn, and nothing is ever held beyond the budget but the
 * answer that a connection is reading.
 *
 * A consumer that holds nothing always lets one in, whatever that needs: a budget smaller than an answer makes it slow, not dead.
 *
 * An answer to a pop is kept whatever it holds, since its messages would count as tried: so popping goes beyond the budget by what
 * polls bring that brokers held when it was used up.
 *
 * A value: it is told what is held, and knows no memory. `Queue` is a shared pointer to what has `dropped`, `in_memory_line` and
 * `memory_set_aside`.
 *
 * @par Thread safety  None; on the strand.
 */
template <class Queue>
class memory_budget {
  public:
    /// @param limit  Bytes. @param answer  Bytes that a queue needs that does not know better.
    memory_budget(std::size_t limit, std::size_t answer) noexcept : limit_(limit), answer_(answer) {}

    std::size_t limit() const noexcept { return limit_; }
    void limit(std::size_t bytes) noexcept { limit_ = bytes; }

    /// Whether a queue that was not let in may pull.
    bool open(memory_use use) const noexcept {
        return line_.empty() && (use.held + set_aside_ < limit_ || (use.own == 0 && set_aside_ == 0));
    }

    /// Whether an answer may be kept. @param use  With the answer in `held`, and without it in `own`.
    bool fits(memory_use use) const noexcept { return use.held <= limit_ || use.own == 0; }

    bool waiting() const noexcept { return !line_.empty(); }

    /**
     * @brief Stands in line.
     * @param need   Bytes that its answer had; 0: it does not know.
     * @param ahead  It has had its turn, and what was set aside was not enough.
     */
    void enter(const Queue& queue, std::size_t need, bool ahead = false) {
        if (queue->in_memory_line)
            return;
        queue->in_memory_line = true;
        const place taken{queue, std::min(need != 0 ? need : answer_, limit_)};
        if (ahead)
            line_.push_front(taken);
        else
            line_.push_back(taken);
    }

    /// The next one that may pull now; what it needs is set aside.
    std::optional<Queue> let_in(memory_use use) {
        while (!line_.empty() && line_.front().queue->dropped)
            leave();
        if (line_.empty())
            return std::nullopt;
        const auto need    = line_.front().need;
        const bool is_room = use.held + set_aside_ + need <= limit_;
        if (!is_room && (use.own != 0 || set_aside_ != 0))
            return std::nullopt;
        auto first              = leave();
        first->memory_set_aside = need;
        set_aside_ += need;
        return first;
    }

    /// It has its answer, or does not pull after all.
    template <class Each>
    void take_back(Each& queue) noexcept {
        ROCKETPUSH_ASSERT(queue.memory_set_aside <= set_aside_, "what is taken back was set aside");
        set_aside_ -= std::exchange(queue.memory_set_aside, 0);
    }

  private:
    struct place {
        Queue queue;
        std::size_t need;
    };

    Queue leave() {
        auto first = std::move(line_.front().queue);
        line_.pop_front();
        first->in_memory_line = false;
        return first;
    }

    std::size_t limit_;
    std::size_t answer_;
    std::size_t set_aside_ = 0;
    std::deque<place> line_;
};

} // namespace rocketpush

#endif

#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace rocketpush {

/**
 * @brief Counts what all queues of a consumer hold, pulled and popped ones, and keeps it within one budget.
 *
 * Where the consumer has its client for itself, the blocks that are really in use count, those that connections read into
 * included, and inflated bodies. On a shared client, whose blocks lie about for several consumers, the shares of this one's frames.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 */
template <class Host>
class queue_memory {
  public:
    using queue_type = fetching_queue<typename Host::runtime_type>;
    using queue_ptr  = std::shared_ptr<queue_type>;

    explicit queue_memory(Host& host)
        : host_(host),
          budget_(host.settings().max_consumer_bytes,
                  std::bit_ceil(host.settings().pull_batch_bytes + block_for_header)) {}

    static constexpr std::size_t block_for_header = 4096; ///< Bytes of an answer before its messages, at most.

    void limit(std::size_t bytes) {
        budget_.limit(bytes);
        let_in();
    }

    /// Whether the queue may be fetched from.
    bool open(const queue_type& queue) const {
        return queue.memory_set_aside != 0 || (!queue.in_memory_line && budget_.open(use(0, 0)));
    }
    /// Whether an answer that has come, and is in nobody's cache yet, may be kept.
    bool fits(std::size_t frame, std::size_t inflated) const { return budget_.fits(use(frame, inflated)); }

    /// The queue waits until it is woken; a later call changes nothing. See memory_budget::enter.
    void enter(const queue_ptr& queue, std::size_t need, bool ahead) {
        budget_.enter(queue, need, ahead);
        let_in();
    }

    /// The queue's request is over, or it makes none.
    void fetched(queue_type& queue) {
        if (queue.memory_set_aside == 0)
            return;
        budget_.take_back(queue);
        let_in();
    }

    /// After what a queue holds has changed.
    template <class Queue>
    void recount(Queue& queue) {
        recount(queue, queue.held_bytes(), queue.inflated_bytes());
    }
    /// Before the queue goes.
    void forget(queue_type& queue) { recount(queue, 0, 0); }

  private:
    void recount(queue_type& queue, std::size_t bytes, std::size_t inflated) {
        const bool less = bytes < queue.counted_bytes;
        held_           = held_ - std::exchange(queue.counted_bytes, bytes) + bytes;
        inflated_       = inflated_ - std::exchange(queue.counted_inflated, inflated) + inflated;
        if (less)
            let_in();
    }

    memory_use use(std::size_t frame, std::size_t inflated) const {
        if (host_.client().has_one_consumer())
            return {host_.client().blocks().live_bytes() + inflated_ + inflated, held_};
        return {held_ + frame + inflated, held_};
    }

    void let_in() {
        while (budget_.waiting()) {
            const auto next = budget_.let_in(use(0, 0));
            if (!next)
                return;
            (*next)->wake.wake();
        }
    }

    Host& host_;
    memory_budget<queue_ptr> budget_;
    std::size_t held_     = 0; ///< Of all queues, those included that were left behind.
    std::size_t inflated_ = 0; ///< Of it, inflated bodies.
};

} // namespace rocketpush

#endif
// rocketpush/rebalance/subscription_book.hpp
#ifndef ROCKETPUSH_REBALANCE_SUBSCRIPTION_BOOK_HPP
#define ROCKETPUSH_REBALANCE_SUBSCRIPTION_BOOK_HPP


#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The topics that a consumer has subscribed, and how they change while it runs.
 *
 * A new topic: its route is fetched, the brokers are told, then its queues are shared out. Another expression: as if the
 * topic's queues were given up and taken over anew, so that the new expression holds from the committed offset on. A topic
 * taken back: its queues are given up in good order, then the brokers are told.
 *
 * A SQL condition is compiled by the topic's brokers before any of them hears of it in a heartbeat: there the newest
 * subscription of a group is everybody's.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `DefaultMQPushConsumerImpl.subscribe`, `unsubscribe`, `MQClientInstance.checkClientInBroker`.
 */
template <class Host>
class subscription_book {
  public:
    template <class T>
    using task = detail::awaitable<T, typename Host::executor_type>;

    const std::map<std::string, subscription>& all() const noexcept { return by_topic_; }
    const subscription* find(const std::string& topic) const {
        const auto found = by_topic_.find(topic);
        return found == by_topic_.end() ? nullptr : &found->second;
    }
    std::vector<std::string> topics() const {
        std::vector<std::string> found;
        for (const auto& [topic, wanted] : by_topic_)
            found.push_back(topic);
        return found;
    }

    /// Before start; again replaces the expression.
    void put(subscription wanted) {
        if (wanted.type == filter_type::sql92)
            unchecked_.insert(wanted.topic);
        else
            unchecked_.erase(wanted.topic);
        by_topic_.insert_or_assign(wanted.topic, std::move(wanted));
    }
    /// @return Whether it was there.
    bool take_back(const std::string& topic) {
        unchecked_.erase(topic);
        return by_topic_.erase(topic) != 0;
    }

    /**
     * @brief Subscribes a topic while the consumer runs.
     * @param why  Is given the broker's text if it refuses the condition.
     * @retval error::filter_refused, error::operation_cancelled (stopped meanwhile)
     */
    static task<std::error_code> add(std::shared_ptr<Host> host, subscription wanted,
                                     std::shared_ptr<std::string> why) {
        auto& book       = host->subscriptions();
        const auto topic = wanted.topic;
        const auto route = co_await host->client().refresh_now(topic);
        if (wanted.type == filter_type::sql92) {
            const auto refused = co_await try_filter(host, wanted, why);
            if (refused) {
                host->client().forget_unwanted_topics();
                co_return refused;
            }
        }
        if (!host->active())
            co_return error::operation_cancelled;
        const auto before = book.by_topic_.find(topic);
        const bool known  = before != book.by_topic_.end();
        if (known && before->second.type == wanted.type && before->second.expression == wanted.expression)
            co_return std::error_code();
        wanted.version = std::max(wanted.version, known ? before->second.version + 1 : 0);
        book.put(std::move(wanted));
        if (known)
            host->queues().release_topic(topic);
        else
            host->queues().remember_first_queues(host->routes().queues(topic));
        if (!route || host->routes().knows(topic))
            book.unchecked_.erase(topic);
        if (host->running())
            co_await host->client().heartbeat(host->settings().group);
        else
            host->heartbeat_soon(); // start() is about to send the first one, perhaps without this topic
        if (route)
            host->route_failure(topic, route);
        else
            host->route_changed(topic, host->routes().queues(topic).size());
        co_return std::error_code();
    }

    /**
     * @brief Gives up a topic while the consumer runs; returns when its queues were released and the brokers know.
     * @retval error::not_subscribed
     */
    static task<std::error_code> remove(std::shared_ptr<Host> host, std::string topic) {
        auto& book = host->subscriptions();
        if (topic == host->own_retry_topic() || !book.take_back(topic))
            co_return error::not_subscribed;
        host->rebalance().forget(topic);
        host->queues().release_topic(topic);
        if constexpr (Host::pops_queues) {
            host->pops().release_topic(topic);
            co_await host->pops().wait_until_released(topic);
        }
        co_await host->queues().wait_until_released(topic);
        if (!host->running())
            co_return std::error_code();
        co_await host->client().heartbeat(host->settings().group);
        host->client().forget_unwanted_topics();
        co_return std::error_code();
    }

    /// Has the brokers try every SQL condition that none has tried yet, as far as the routes are known.
    static task<std::error_code> check_filters(std::shared_ptr<Host> host, std::shared_ptr<std::string> why) {
        auto& book = host->subscriptions();
        const std::vector<std::string> topics(book.unchecked_.begin(), book.unchecked_.end());
        for (const auto& topic : topics) {
            const auto* wanted = book.find(topic);
            if (!wanted || !host->routes().knows(topic))
                continue; // a topic that does not exist yet
            book.unchecked_.erase(topic);
            const auto refused = co_await try_filter(host, *wanted, why);
            if (refused)
                co_return refused;
        }
        co_return std::error_code();
    }

    /// For a topic whose route came after its subscription.
    void route_came(const std::shared_ptr<Host>& host, const std::string& topic) {
        if (unchecked_.contains(topic))
            host->spawn(check_late(host));
    }

  private:
    static task<void> check_late(std::shared_ptr<Host> host) {
        const auto told = std::make_shared<std::string>();
        co_await check_filters(host, told);
    }

    /// One broker that refuses is enough: its queues could not be read. One that is away says nothing against it.
    static task<std::error_code> try_filter(std::shared_ptr<Host> host, subscription wanted,
                                            std::shared_ptr<std::string> why) {
        const auto brokers = host->routes().brokers_of(wanted.topic);
        for (const auto& broker : brokers) {
            const auto answer =
                co_await host->calls().check_filter(broker, host->client_id(), host->settings().group, wanted);
            if (!answer.code || answer.code.category() != response_category())
                continue;
            *why = to_string(broker) + " refuses " + std::string(to_string(wanted.type)) + " \"" + wanted.expression +
                   "\" for topic " + wanted.topic + ": " + answer.text;
            host->observe().on_filter_refused(wanted.topic, answer.code, *why);
            co_return error::filter_refused;
        }
        co_return std::error_code();
    }

    std::map<std::string, subscription> by_topic_; ///< Fetch loops refer to them: assigned in place, and not moved.
    std::set<std::string> unchecked_;              ///< Of SQL, and no broker has compiled it.
};

} // namespace rocketpush

#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/// Where a consumer is in its life. It never goes back.
enum class consumer_state : std::uint8_t { created, starting, running, stopping, stopped };

/**
 * @brief A consumer without its handle: its parts, its duties, and how it starts and stops. All of it on one strand.
 *
 * The operations under way own it (each coroutine holds a `shared_ptr`); the handle only signals. The parts know it as
 * their `Host`, and see of it what the "for the parts" section has.
 */
template <listener Listener, transport Transport, allocation_strategy Allocation, offset_store Offsets,
          executor_policy Executor, observer Observer, runtime Runtime>
class consumer_core : public std::enable_shared_from_this<
                          consumer_core<Listener, Transport, Allocation, Offsets, Executor, Observer, Runtime>> {
  public:
    using runtime_type    = Runtime;
    using store_type      = Offsets;
    using executor_type   = typename Runtime::executor_type;
    using client_type     = client_instance<Transport, Runtime>;
    using connection_ptr  = typename client_type::pool_type::connection_ptr;
    using connection_type = typename client_type::connection_type;
    using consumption_type =
        typename consumption_of<Listener>::template type<Executor, Observer, Runtime, consumer_core>;
    using batch_type     = typename consumption_type::batch_type;
    using order_type     = typename consumption_type::order_type;
    using queue_type     = owned_queue<connection_type, Runtime, consumption_type::concurrent, order_type>;
    using pop_batch_type = popped_batch<consumption_type::concurrent>;
    using pop_queue_type = popped_queue<connection_type, Runtime, pop_batch_type>;
    using milliseconds   = std::chrono::milliseconds;
    using time_point     = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// Whether every member reads every queue: none is shared out, offsets are the member's own, and what fails is dropped.
    static constexpr bool broadcasting = model_of<Offsets>() == message_model::broadcasting;
    /// Whether each queue's messages are consumed one after the other.
    static constexpr bool in_order = consumption_type::in_order;
    /// Whether that holds for the whole group: brokers lock the queues for their members.
    static constexpr bool locks_queues = in_order && !broadcasting;
    /// Whether brokers are asked for the share, and may say that it is to be popped. Nothing of it is compiled otherwise.
    static constexpr bool pops_queues = asks_broker<Allocation>;
    static_assert(!(pops_queues && broadcasting),
                  "broker_allocation is for clustering: in broadcasting nothing is shared out");
    static_assert(!(pops_queues && in_order),
                  "broker_allocation is for concurrent listeners: nothing orderly is popped");

    /// @param checked  Options that `check()` found right.
    consumer_core(options checked, Listener listener, std::shared_ptr<client_type> client, Allocation strategy,
                  Offsets store, Executor executor, Observer observer)
        : options_(std::move(checked)),
          client_(std::move(client)),
          runtime_(client_->runtime()),
          strategy_(std::move(strategy)),
          store_(std::move(store)),
          observer_(std::move(observer)),
          name_space_(namespace_of(options_)),
          retry_topic_(retry_topic(with_namespace(name_space_, options_.group))),
          decoder_({.check_crc = options_.check_crc, .decompress = true, .max_body_size = options_.max_body_size}),
          consumption_(std::move(listener), std::move(executor), observer_, runtime_) {
        options_.group = with_namespace(name_space_, options_.group);
        if (!name_space_.empty())
            name_space_ += '%';
    }

    // For the handle.

    consumer_state state() const noexcept { return state_; }

    /// A topic's name at the broker: with the namespace.
    std::string full_name(std::string_view topic) const { return with_namespace(namespace_of(options_), topic); }
    message_queue full_name(const message_queue& queue) const {
        return {full_name(queue.topic), queue.broker_name, queue.queue_id};
    }

    /// While it runs, or before.
    /// @param why  Is given a broker's text if it refuses the condition.
    task<std::error_code> subscribe(subscription wanted, std::shared_ptr<std::string> why) {
        const auto self = this->shared_from_this();
        if (state_ == consumer_state::stopping || state_ == consumer_state::stopped)
            co_return error::already_stopped;
        if (state_ == consumer_state::created) {
            subscriptions_.put(std::move(wanted));
            co_return std::error_code();
        }
        const auto failure = co_await subscription_book<consumer_core>::add(self, std::move(wanted), std::move(why));
        co_return failure;
    }
    task<std::error_code> unsubscribe(std::string topic) {
        const auto self = this->shared_from_this();
        if (state_ == consumer_state::stopping || state_ == consumer_state::stopped)
            co_return error::already_stopped;
        if (state_ == consumer_state::created)
            co_return subscriptions_.take_back(topic) ? std::error_code() : make_error_code(error::not_subscribed);
        const auto failure = co_await subscription_book<consumer_core>::remove(self, std::move(topic));
        co_return failure;
    }

    /// @param why  Is given a broker's text if it refuses a condition.
    /// @retval error::already_started, error::already_stopped, error::group_in_use, error::filter_refused, a resolver's error.
    task<std::error_code> start(std::shared_ptr<std::string> why = std::make_shared<std::string>()) {
        const auto self = this->shared_from_this();
        if (state_ != consumer_state::created)
            co_return state_ == consumer_state::stopped ? error::already_stopped : error::already_started;
        state_ = consumer_state::starting;
        observer_.on_starting(options_.group);
        if constexpr (!broadcasting)
            if (auto retry = make_subscription(retry_topic_, all_messages, subscription_version()))
                subscriptions_.put(std::move(*retry));
        consumption_.start(options_);

        std::error_code failure;
        if constexpr (loads_offsets<Offsets>) {
            auto access = offset_access();
            failure     = co_await store_.load(access);
        }
        if (!failure && state_ == consumer_state::starting) {
            const auto check = [self, why] { return subscription_book<consumer_core>::check_filters(self, why); };
            failure          = co_await client_->join(make_group_member(*this, options_.group), topics(), check);
        }
        if (state_ != consumer_state::starting)
            failure = error::operation_cancelled; // stop() came meanwhile and sees to the rest
        else if (failure)
            finish(failure);
        if (failure)
            co_return failure;

        state_ = consumer_state::running;
        for (const auto& topic : topics())
            queues_.remember_first_queues(routes().queues(topic));
        observer_.on_started(options_.group, client_->client_id());
        spawn(rebalancer<consumer_core>::run(self));
        spawn(commit_duty(self));
        if constexpr (locks_queues)
            spawn(lock_keeper<consumer_core>::run(self));
        spawn(sample_duty(self));
        // On the strand nothing can look while a call runs; in broadcasting nothing is sent back, nor out of its order.
        if constexpr (!consumption_type::immediate && !broadcasting && !in_order)
            spawn(sweep_duty(self));
        co_return std::error_code();
    }

    /**
     * @brief Ends everything in the order that leaves nothing behind: no more pulls, running listener calls to their end,
     *        offsets committed and confirmed, the group left at every broker.
     * @param limit  How long to wait for running listener calls.
     * @retval error::stop_deadline_passed  Some ran longer; their messages come again elsewhere.
     */
    task<std::error_code> stop(milliseconds limit) {
        const auto self = this->shared_from_this();
        if (state_ == consumer_state::created)
            finish({});
        if (state_ == consumer_state::stopping)
            co_await stopped_.wait();
        if (state_ == consumer_state::stopped)
            co_return stop_result_;

        state_         = consumer_state::stopping;
        stop_deadline_ = runtime_.now() + limit;
        rebalancer_.ask();
        commit_due_.wake();
        sample_due_.wake();
        sweep_due_.wake();
        queues_.release_all();
        if constexpr (pops_queues)
            pops_.release_all();
        // Offsets are committed after the listeners' deadline; a broker that is away must not hold us for ever.
        bool clean = co_await queues_.wait_until_empty(stop_deadline_ + settings().request_timeout);
        if constexpr (pops_queues) {
            const bool pops_clean = co_await pops_.wait_until_empty(stop_deadline_ + settings().request_timeout);
            clean                 = clean && pops_clean;
        }
        co_await client_->leave(options_.group);
        finish(clean ? std::error_code() : make_error_code(error::stop_deadline_passed));
        co_return stop_result_;
    }

    /// From any thread. No pull begins from now on; what is under way and what is cached goes on.
    void suspend() noexcept { suspended_.store(true, std::memory_order_relaxed); }
    /// Afterwards `wake_fetching` on the strand.
    void lift_suspension() noexcept { suspended_.store(false, std::memory_order_relaxed); }
    bool suspended() const noexcept { return suspended_.load(std::memory_order_relaxed); }

    /// @param limits  As options have them.
    void limit_cache(const cache_limits& limits) {
        limits_     = within_answers(limits, options_);
        pop_limits_ = limits;
        wake_fetching();
    }
    /// Whether one queue is fetched from.
    void suspend(const message_queue& queue, bool on) {
        queues_.suspend(queue, on);
        wake_fetching();
    }
    /// Has every fetch loop look again whether anything is in its way.
    void wake_fetching() {
        queues_.wake_all();
        if constexpr (pops_queues)
            pops_.wake_all();
    }

    /// Has a queue of ours go on at `offset`, and returns when that is its committed offset.
    /// @retval error::not_running, error::not_our_queue, error::offset_not_confirmed
    task<std::error_code> seek(message_queue queue, queue_offset offset) {
        const auto self = this->shared_from_this();
        if (!running())
            co_return error::not_running;
        const auto ended = queues_.restart_at(queue, offset);
        if (!ended)
            co_return error::not_our_queue;
        if (ended->stage == queue_stage::acquiring)
            co_return std::error_code();
        co_await queues_.wait_until_ended(ended);
        co_return ended->committed == offset ? std::error_code() : make_error_code(error::offset_not_confirmed);
    }

    consumer_statistics statistics() {
        consumption_.collect(*this);
        consumer_statistics snapshot{.group = options_.group, .client_id = client_->client_id()};
        const auto now = runtime_.now();
        for (const auto& owned : queues_.all()) {
            queue_statistics one{.queue        = owned->queue,
                                 .stage        = owned->stage,
                                 .in_stage_for = std::chrono::duration_cast<milliseconds>(now - owned->stage_since),
                                 .next_pull    = owned->cache.next_pull(),
                                 .committable  = owned->cache.committable(),
                                 .committed    = owned->committed,
                                 .broker_max   = owned->broker_max,
                                 .cached       = owned->cache.level(),
                                 .running      = owned->busy(),
                                 .flow         = suspended() || owned->suspended ? flow_state::suspended : owned->flow,
                                 .counts       = owned->counts};
            if constexpr (in_order) {
                const auto& lock = owned->order.lock;
                one.lock         = lock.state(now);
                one.suspended    = owned->order.suspended();
                if (lock.needed() && lock.held())
                    one.lock_age = std::chrono::duration_cast<milliseconds>(now - lock.last_confirmed());
            }
            one.lag = owned->broker_max < 0 ? 0 : std::max<std::int64_t>(0, owned->broker_max - one.committable);
            snapshot.lag += one.lag;
            snapshot.cached_messages += one.cached.messages;
            snapshot.cached_bytes += one.cached.bytes;
            snapshot.queues.push_back(std::move(one));
        }
        if constexpr (pops_queues)
            add_popped(snapshot);
        const auto sums              = counts();
        snapshot.counts              = sums;
        snapshot.suspended           = suspended();
        snapshot.block_bytes         = client_->blocks().live_bytes();
        const auto rate              = [&](auto figure) { return rates_.per_second(now, sums, figure); };
        snapshot.pulls_per_second    = rate([](const work_counts& c) { return c.pulls; });
        snapshot.pulled_per_second   = rate([](const work_counts& c) { return c.pulled; });
        snapshot.consumed_per_second = rate([](const work_counts& c) { return c.succeeded; });
        snapshot.failed_per_second   = rate([](const work_counts& c) { return c.failed; });
        const auto calls             = rate([](const work_counts& c) { return c.calls; });
        constexpr double milli       = 1e6; // nanoseconds
        if (snapshot.pulls_per_second > 0)
            snapshot.pull_milliseconds =
                rate([](const work_counts& c) { return c.pull_time.count(); }) / milli / snapshot.pulls_per_second;
        if (calls > 0)
            snapshot.consume_milliseconds =
                rate([](const work_counts& c) { return c.consume_time.count(); }) / milli / calls;
        return snapshot;
    }

    /// From any thread: whether stop has completed.
    bool has_stopped() const noexcept { return has_stopped_.load(); }
    /// Whether this thread is inside a listener call of this consumer.
    bool inside_listener() const noexcept { return consumption_.inside_listener(); }
    /// Ends a consumer that was never started; the strand does not run.
    void stop_unstarted() {
        state_ = consumer_state::stopped;
        has_stopped_.store(true);
    }
    /// From any thread, when a stop was waited for in vain: no further listener call begins.
    void abandon() noexcept { consumption_.abandon(); }
    static task<void> tell_when_stopped(std::shared_ptr<consumer_core> self,
                                        std::shared_ptr<asio::io_context> waiting) {
        if (!self->has_stopped())
            co_await self->stopped_.wait();
        waiting->stop();
    }

    Executor& executor() noexcept { return consumption_.executor(); }
    client_type& client() noexcept { return *client_; }

    // For the parts.

    bool running() const noexcept { return state_ == consumer_state::running; }
    /// Started, or about to be.
    bool active() const noexcept { return running() || state_ == consumer_state::starting; }
    subscription_book<consumer_core>& subscriptions() noexcept { return subscriptions_; }
    const options& settings() const noexcept { return options_; }
    Runtime& runtime() noexcept { return runtime_; }
    Observer& observe() noexcept { return observer_; }
    Allocation& strategy() noexcept { return strategy_; }
    Offsets& store() noexcept { return store_; }
    auto& calls() noexcept { return client_->calls(); }
    const route_table& routes() const noexcept { return client_->routes(); }
    detail::block_pool& blocks() noexcept { return client_->blocks(); }
    batch_pool<consumption_type::concurrent>& batches() noexcept { return batches_; }
    queue_table<consumer_core>& queues() noexcept { return queues_; }
    pop_table<consumer_core>& pops() noexcept
        requires pops_queues
    {
        return pops_;
    }
    rebalancer<consumer_core>& rebalance() noexcept { return rebalancer_; }
    auto& locks() noexcept { return locks_; }
    const std::string& client_id() { return client_->client_id(); }
    /// By which a store knows this member. In broadcasting it does not wait for a connection to learn an address by.
    const std::string& store_client_id() {
        if constexpr (broadcasting) {
            if (lasting_id_.empty())
                lasting_id_ = lasting_client_id(client_->settings());
            return lasting_id_;
        } else {
            return client_->client_id();
        }
    }
    std::string_view own_retry_topic() const noexcept { return retry_topic_; }
    /// `NS%`, what the listener does not see of a topic; empty without a namespace.
    std::string_view name_space() const noexcept { return name_space_; }
    time_point stop_deadline() const noexcept { return stop_deadline_; }

    pull_pace pace() const noexcept {
        return {.limits = limits_, .interval = options_.pull_interval, .error_delay = options_.error_delay};
    }
    const cache_limits& limits() const noexcept { return limits_; }
    queue_memory<consumer_core>& memory() noexcept { return memory_; }
    rocketpush::pop_pace pop_pace() const noexcept {
        const auto answer = std::min(options_.max_frame_size, pop_limits_.bytes / 2);
        return {.max_waiting = std::min(options_.max_popped_messages, pop_limits_.messages),
                .max_bytes   = pop_limits_.bytes - answer,
                .interval    = options_.pull_interval,
                .error_delay = options_.error_delay};
    }
    int max_reconsume_times() const noexcept { return effective_max_reconsume_times(options_.max_reconsume_times); }
    /// One for all queues: it keeps its decompression contexts.
    protocol::message_decoder& decoder() noexcept { return decoder_; }
    const subscription* subscription_of(const std::string& topic) const { return subscriptions_.find(topic); }
    std::vector<std::string> topics() const { return subscriptions_.topics(); }

    /// Has what is left in the pop retry topic of `topic` pulled, or not any more.
    void pull_pop_retries(const std::string& topic, bool wanted) {
        auto retries = protocol::real_topic(protocol::pop_topic::retry_v1, options_.group, topic);
        if (wanted != wants(retries))
            spawn(follow_pop_retries(this->shared_from_this(), std::move(retries), wanted));
    }

    void heartbeat_soon() { client_->heartbeat_soon(); }
    /// A request for a queue failed. Who leads a static topic's queue may have changed.
    void queue_refused(const message_queue& queue, std::error_code why) {
        if (is_static_topic_broker(queue.broker_name) &&
            (why == response_code::not_leader_for_queue || why == response_code::topic_not_exist ||
             why == error::no_broker_address))
            client_->route_doubted(queue.topic);
    }
    void rebalance_later() { rebalancer_.ask_later(); }
    void restart_at(queue_type& queue, queue_offset offset) { queues_.restart_at(queue, offset); }
    void forget_exhausted() { consumption_.forget_exhausted(); }

    void spawn(task<void> work) { asio::co_spawn(runtime_.get_executor(), std::move(work), asio::detached); }

    void dispatch(batch_type& batch) {
        if constexpr (in_order)
            consumption_.dispatch(*static_cast<queue_type*>(batch.home), batch, owner());
        else
            consumption_.dispatch(batch, owner());
    }

    /// Hears of batches that ran, now and as soon as the next one has; for those who wait for it.
    void collect_soon() { consumption_.collect_soon(*this); }

    // For queues that are consumed in order; see queue_order.

    void prepare_order(queue_type& queue, bool contested) {
        if constexpr (in_order) {
            queue.order.contested = contested;
            queue.order.turn      = orderly_turn(options_.turn_limit);
            if constexpr (!locks_queues)
                queue.order.lock.not_needed();
        }
    }

    /// A turn of the queue is over.
    void batch_ran(order_type& order)
        requires in_order
    {
        auto& queue      = *static_cast<queue_type*>(order.home);
        order.out        = false;
        const auto ended = order.ended;
        queue.counts += std::exchange(order.counts, {});
        auto kept = queue.dropped ? nullptr : queues_.share(queue);
        settled(queue);
        if (!kept)
            return;
        if (ended == turn_step::pause) {
            order.held_up = true;
            spawn(suspend_queue(this->shared_from_this(), std::move(kept)));
        } else if (ended == turn_step::yield && consumption_type::immediate) {
            asio::post(runtime_.get_executor(),
                       [self = this->shared_from_this(), kept = std::move(kept)] { self->consume_again(*kept); });
        } else {
            consume_again(queue);
        }
    }

    /// Nothing is in the way of the queue's next turn any more.
    void consume_again(queue_type& queue) { consumption_.begin_turn(queue, owner()); }

    void regain_lock(queue_type& queue) {
        if constexpr (locks_queues) {
            queue.order.held_up = true;
            spawn(rocketpush::regain_lock(this->shared_from_this(), queues_.share(queue)));
        }
    }

    /// The last runner has left `batch`.
    void batch_ran(batch_type& batch) {
        if constexpr (pops_queues)
            if (batch.popped)
                return pops_.batch_ran(static_cast<pop_batch_type&>(batch));
        auto& queue = *static_cast<queue_type*>(batch.home);
        queue.counts.calls += batch.tally.calls.load();
        queue.counts.succeeded += batch.tally.succeeded.load();
        queue.counts.failed += batch.tally.failed.load();
        queue.counts.consume_time += std::chrono::nanoseconds(batch.tally.nanoseconds.load());
        if constexpr (!broadcasting)
            if (batch.echo_of) {
                echo_ran(batch, queue);
                return settled(queue);
            }
        batch.hear();
        if (batch.tally.failed.load() != 0)
            batch_has_failed(batch);
        settled(queue);
    }

    /// Sends the messages of `batch` back that the listener wants again; in broadcasting there is nowhere to.
    void batch_has_failed(batch_type& batch) {
        if constexpr (pops_queues)
            if (batch.popped)
                return pops_.batch_has_failed(static_cast<pop_batch_type&>(batch));
        if constexpr (broadcasting)
            drop_failed(batch);
        else
            send_failed_back(batch);
    }

    void drop_failed(batch_type& batch) {
        auto& counts = static_cast<queue_type*>(batch.home)->counts;
        for (std::uint32_t i = 0; i < batch.size(); ++i) {
            if (batch.progress(i) != message_progress::failed)
                continue;
            observer_.on_dropped(message_view(batch.messages[i]));
            batch.set_progress(i, message_progress::finished);
            ++counts.dropped;
        }
    }

    void send_failed_back(batch_type& batch) {
        if (batch.echo_of)
            return; // see to it when it has run
        auto owned = queues_.share(*static_cast<queue_type*>(batch.home));
        for (std::uint32_t i = 0; owned && i < batch.size(); ++i) {
            if (batch.progress(i) != message_progress::failed)
                continue;
            const failed_message failed{i, batch.delay_level(i), batch.messages[i].reconsume_times};
            batch.set_progress(i, message_progress::sending_back);
            ++batch.under_send_back;
            spawn(send_back(this->shared_from_this(), owned, batch, failed));
        }
    }

    void settled(queue_type& queue) { queues_.settled_some(queue); }

    /// What an offset store is given.
    struct store_access {
        template <class T>
        using task = typename consumer_core::template task<T>;

        consumer_core& core;

        const std::string& group() const noexcept { return core.options_.group; }
        const std::string& client_id() const { return core.store_client_id(); }
        void report(std::string_view where, std::error_code what) { core.observer_.on_offset_store(where, what); }
        task<result<std::optional<queue_offset>>> query_offset(message_queue queue) {
            const auto& with    = core.options_;
            const bool strictly = with.strict_from && with.from != consume_from::first && !is_retry_topic(queue.topic);
            return core.calls().query_offset(group(), std::move(queue), strictly);
        }
        task<std::error_code> update_offset(message_queue queue, queue_offset offset) {
            return core.calls().update_offset(group(), std::move(queue), offset);
        }
    };
    store_access offset_access() noexcept { return {*this}; }

    // For the client instance (see group_member).

    protocol::consumer_data describe() const {
        protocol::consumer_data data;
        data.group_name = options_.group;
        data.unit_mode  = options_.unit_mode;
        data.message_model =
            broadcasting ? protocol::heartbeat_words::broadcasting : protocol::heartbeat_words::clustering;
        data.consume_from_where = options_.from == consume_from::first       ? protocol::heartbeat_words::from_first
                                  : options_.from == consume_from::timestamp ? protocol::heartbeat_words::from_time
                                                                             : protocol::heartbeat_words::from_last;
        for (const auto& [topic, wanted] : subscriptions_.all())
            data.subscriptions.push_back(wanted);
        return data;
    }
    void reset(const std::string& topic, const std::vector<protocol::queue_position>& to) {
        for (const auto& [queue, offset] : to) {
            if (queue.topic != topic || offset < 0)
                continue;
            if (const auto owned = queues_.restart_at(queue, offset))
                observer_.on_offset_corrected(queue, owned->cache.next_pull(), offset);
        }
    }
    bool wants(const std::string& topic) const { return subscriptions_.find(topic) != nullptr; }
    void members_changed() { rebalancer_.ask(); }
    void route_changed(const std::string& topic, std::size_t queues) {
        if (!wants(topic))
            return;
        observer_.on_route_changed(topic, queues);
        if (running())
            subscriptions_.route_came(this->shared_from_this(), topic);
        if constexpr (locks_queues)
            if (routes().is_static(topic))
                locks_.renew_soon(); // a queue that is led by another broker now is not locked there yet
        rebalancer_.ask();
    }
    void route_failure(const std::string& topic, std::error_code why) {
        if (wants(topic))
            observer_.on_route_failure(topic, why);
    }
    void name_servers_changed(const std::vector<endpoint>& now) { observer_.on_name_servers_changed(now); }
    void name_server_lookup_failure(const std::string& url, std::error_code why) {
        observer_.on_name_server_lookup_failure(url, why);
    }
    void connect_ended(const endpoint& peer, std::error_code why) { observer_.on_connect(peer, why); }
    void disconnected(const endpoint& peer, std::error_code why) { observer_.on_disconnect(peer, why); }
    void heartbeat_failure(const endpoint& peer, std::error_code why) { observer_.on_heartbeat_failure(peer, why); }

    /// Milliseconds since 1970, as brokers order subscriptions.
    std::int64_t subscription_version() {
        return std::chrono::duration_cast<milliseconds>(runtime_.system_now().time_since_epoch()).count();
    }

  private:
    /// A pull may go beyond the limit of bytes, so that one is lower by the block of an answer: what is held stays within
    /// the option. (Unless the option is less than two answers, or bodies inflate to more than that.)
    static cache_limits within_answers(const cache_limits& limits, const options& with) noexcept {
        const auto answer = std::bit_ceil(with.pull_batch_bytes + queue_memory<consumer_core>::block_for_header);
        const auto span   = in_order ? std::numeric_limits<std::int64_t>::max() : limits.span;
        return {limits.messages, limits.bytes - std::min(answer, limits.bytes / 2), span};
    }

    /// What a consumption keeps while jobs of ours are out.
    auto owner() {
        if constexpr (consumption_type::immediate)
            return this;
        else
            return this->shared_from_this();
    }

    /// The last step, after which nothing of the consumer runs but listener calls that hang.
    void finish(std::error_code outcome) {
        const bool clean = outcome != error::stop_deadline_passed;
        consumption_.shut();
        consumption_.executor().join(clean ? milliseconds(1000) : milliseconds(0));
        queues_.keep_left_behind();
        if constexpr (pops_queues)
            pops_.close();
        state_       = consumer_state::stopped;
        stop_result_ = outcome;
        observer_.on_stopped(options_.group, outcome);
        has_stopped_.store(true);
        stopped_.set();
        if constexpr (locks_queues)
            locks_.stop();
    }

    static task<void> follow_pop_retries(std::shared_ptr<consumer_core> self, std::string topic, bool wanted) {
        if (!wanted) {
            co_await subscription_book<consumer_core>::remove(self, std::move(topic));
        } else if (auto made = make_subscription(topic, all_messages, self->subscription_version())) {
            const auto why = std::make_shared<std::string>();
            co_await subscription_book<consumer_core>::add(self, std::move(*made), why);
        }
    }

    static task<void> commit_duty(std::shared_ptr<consumer_core> self) {
        // What has not changed is written once a minute too, against a broker that lost it.
        const auto rewrite = std::max<std::int64_t>(1, milliseconds(60000) / self->options_.commit_interval);
        for (std::int64_t turn = 1; self->running(); ++turn) {
            co_await self->commit_due_.wait_until(self->runtime_.now() + self->options_.commit_interval);
            if (self->running())
                co_await self->queues_.commit(turn % rewrite == 0);
        }
    }

    /// A message was consumed here once more.
    void echo_ran(batch_type& echo, queue_type& queue) {
        auto& batch       = *echo.echo_of;
        const auto index  = echo.echo_index;
        const auto answer = echo.progress(0); // unfinished: its queue was given up before it ran; taken over: not heard
        const failed_message failed{index, echo.delay_level(0), echo.messages.front().reconsume_times};
        batches_.give_back(queue.cache.take_echo(echo));
        auto owned = queues_.share(queue);
        if (answer == message_progress::failed && owned)
            return spawn(send_back(this->shared_from_this(), std::move(owned), batch, failed));
        if (answer == message_progress::finished)
            batch.set_progress(index, message_progress::finished);
        --batch.under_send_back;
    }

    static task<void> sweep_duty(std::shared_ptr<consumer_core> self) {
        const auto interval = sweep_interval(self->options_.consume_timeout);
        while (self->running()) {
            co_await self->sweep_due_.wait_until(self->runtime_.now() + interval);
            if (!self->running())
                break;
            self->consumption_.collect(*self);
            for (const auto& owned : self->queues_.all())
                if (!owned->dropped)
                    take_over_expired(self, owned);
        }
    }

    static task<void> sample_duty(std::shared_ptr<consumer_core> self) {
        while (self->running()) {
            self->rates_.sample(self->runtime_.now(), self->counts());
            co_await self->sample_due_.wait_until(self->runtime_.now() + std::chrono::seconds(10));
        }
    }

    work_counts counts() const {
        auto sums = queues_.past_counts();
        for (const auto& owned : queues_.all())
            sums += owned->counts;
        if constexpr (pops_queues) {
            sums += pops_.past_counts();
            for (const auto& [queue, owned] : pops_.all())
                sums += owned->counts;
        }
        return sums;
    }

    void add_popped(consumer_statistics& snapshot) {
        const auto now   = runtime_.now();
        const auto since = [now](time_point then) { return std::chrono::duration_cast<milliseconds>(now - then); };
        for (const auto& [queue, owned] : pops_.all()) {
            popped_queue_statistics one{.queue          = queue,
                                        .stage          = owned->stage,
                                        .in_stage_for   = since(owned->stage_since),
                                        .waiting        = owned->waiting,
                                        .held_bytes     = owned->held_bytes(),
                                        .rest           = owned->rest,
                                        .since_last_pop = since(owned->polled),
                                        .running        = owned->running(),
                                        .flow           = owned->flow,
                                        .counts         = owned->counts};
            snapshot.lag += std::max<std::int64_t>(0, one.rest);
            snapshot.cached_messages += one.waiting;
            snapshot.cached_bytes += one.held_bytes;
            snapshot.popped.push_back(std::move(one));
        }
    }

    /// In the place of a pop table where nothing is popped.
    struct no_pops {
        explicit no_pops(consumer_core&) noexcept {}
    };

    options options_;
    std::shared_ptr<client_type> client_; ///< Its block pool outlives the batches below.
    Runtime runtime_;
    Allocation strategy_;
    Offsets store_;
    Observer observer_;
    std::string name_space_;
    std::string retry_topic_;
    std::string lasting_id_; ///< In broadcasting only.
    subscription_book<consumer_core> subscriptions_;
    protocol::message_decoder decoder_;
    batch_pool<consumption_type::concurrent> batches_;
    consumption_type consumption_;
    cache_limits pop_limits_{options_.max_cached_messages, options_.max_cached_bytes, options_.max_span};
    cache_limits limits_ = within_answers(pop_limits_, options_);
    queue_memory<consumer_core> memory_{*this};
    queue_table<consumer_core> queues_{*this};
    [[no_unique_address]] std::conditional_t<pops_queues, pop_table<consumer_core>, no_pops> pops_{*this};
    rebalancer<consumer_core> rebalancer_{*this};
    struct no_locks {
        explicit no_locks(consumer_core&) noexcept {}
    };
    [[no_unique_address]] std::conditional_t<locks_queues, lock_keeper<consumer_core>, no_locks> locks_{*this};
    detail::wake_up<Runtime> commit_due_{runtime_};
    detail::wake_up<Runtime> sample_due_{runtime_};
    detail::wake_up<Runtime> sweep_due_{runtime_};
    detail::signal_flag<Runtime> stopped_{runtime_};
    rate_window rates_;
    time_point stop_deadline_ = time_point::max();
    std::error_code stop_result_;
    consumer_state state_ = consumer_state::created;
    std::atomic<bool> has_stopped_{false};
    std::atomic<bool> suspended_{false};
};

} // namespace rocketpush

#endif
// rocketpush/push_consumer.hpp
#ifndef ROCKETPUSH_PUSH_CONSUMER_HPP
#define ROCKETPUSH_PUSH_CONSUMER_HPP

// rocketpush/detail/policy_roles.hpp
#ifndef ROCKETPUSH_DETAIL_POLICY_ROLES_HPP
#define ROCKETPUSH_DETAIL_POLICY_ROLES_HPP


#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

/*
 * Sorts policies that are given in any order into their slots. What fits none is an error in words about the role that it seems to
 * be meant for; about all of them if it looks like nothing.
 */
namespace rocketpush::detail {

enum class role { none, transport, allocation, offset_store, executor, observer, runtime };

template <role R>
using role_constant = std::integral_constant<role, R>;

template <transport P>
role_constant<role::transport> role_of(std::type_identity<P>);
template <allocation_strategy P>
role_constant<role::allocation> role_of(std::type_identity<P>);
template <offset_store P>
role_constant<role::offset_store> role_of(std::type_identity<P>);
template <executor_policy P>
role_constant<role::executor> role_of(std::type_identity<P>);
template <observer P>
role_constant<role::observer> role_of(std::type_identity<P>);
template <runtime P>
role_constant<role::runtime> role_of(std::type_identity<P>);

template <class P>
concept has_role = requires { role_of(std::type_identity<P>()); };

template <class P>
constexpr role role_or_none() noexcept {
    if constexpr (has_role<P>)
        return decltype(role_of(std::type_identity<P>()))::value;
    else
        return role::none;
}

// What a type seems to be meant for: each by a member that no other role has.
template <class P>
concept like_a_transport = requires { typename P::template stream<probe_executor>; };
template <class P>
concept like_a_strategy = requires { &P::allocate; };
template <class P>
concept like_a_store = requires { &P::template read<offset_access_archetype>; };
template <class P>
concept like_an_executor = requires(P& policy) { policy.execute(probe_job()); };
template <class P>
concept like_a_runtime = requires { typename P::timer; };
template <class P>
concept like_an_observer = requires { &P::on_started; } || requires { &P::on_pull; } || requires { &P::after_consume; };

template <transport P>
struct slot_transport {};
template <allocation_strategy P>
struct slot_allocation {};
template <offset_store P>
struct slot_offset_store {};
template <executor_policy P>
struct slot_executor {};
template <observer P>
struct slot_observer {};
template <runtime P>
struct slot_runtime {};

/// Compiles for what fits a slot. (Its type is not written down, so that whoever asks for it has it compiled.)
template <class P>
constexpr auto explain_role() noexcept {
    if constexpr (has_role<P>) {
    } else if constexpr (like_a_transport<P>) {
        slot_transport<P>();
    } else if constexpr (like_a_strategy<P>) {
        slot_allocation<P>();
    } else if constexpr (like_a_store<P>) {
        slot_offset_store<P>();
    } else if constexpr (like_an_executor<P>) {
        slot_executor<P>();
    } else if constexpr (like_a_runtime<P>) {
        slot_runtime<P>();
    } else if constexpr (like_an_observer<P>) {
        slot_observer<P>();
    } else {
        role_of(std::type_identity<P>());
    }
}

/// The one type among `Given` that has role `R`, or `Default`.
template <role R, class Default, class... Given>
struct policy_of {
    using type = Default;
};
template <role R, class Default, class First, class... Rest>
struct policy_of<R, Default, First, Rest...> {
    using type = typename std::conditional_t<role_or_none<First>() == R, std::type_identity<First>,
                                             policy_of<R, Default, Rest...>>::type;
};

template <role R, class... Given>
inline constexpr std::size_t count_of = (std::size_t{0} + ... + (role_or_none<Given>() == R));

/// `L`, or an error that says why it is none. (clang does not tell why a deduction guide's class refused it.)
template <class L>
struct explained_listener {
    static_assert(listener<L>, "the value behind the options is no listener: it takes a message or a span of them");
    using type = L;
};

/// A list of policies, sorted: at most one for each slot, defaults for the others.
template <class... Given>
struct sorted_policies {
    using explained = std::void_t<decltype(explain_role<Given>())...>;

    static_assert(count_of<role::transport, Given...> <= 1, "two policies are given for the slot Transport");
    static_assert(count_of<role::allocation, Given...> <= 1, "two policies are given for the slot Allocation");
    static_assert(count_of<role::offset_store, Given...> <= 1, "two policies are given for the slot OffsetStore");
    static_assert(count_of<role::executor, Given...> <= 1, "two policies are given for the slot Executor");
    static_assert(count_of<role::observer, Given...> <= 1,
                  "two policies are given for the slot Observer; join them with observers{}");
    static_assert(count_of<role::runtime, Given...> <= 1, "two policies are given for the slot Runtime");

    using transport    = typename policy_of<role::transport, tcp_transport, Given...>::type;
    using allocation   = typename policy_of<role::allocation, average_allocation, Given...>::type;
    using offset_store = typename policy_of<role::offset_store, broker_offset_store, Given...>::type;
    using executor     = typename policy_of<role::executor, thread_pool_executor, Given...>::type;
    using observer     = typename policy_of<role::observer, log_observer, Given...>::type;
    using runtime      = typename policy_of<role::runtime, asio_runtime, Given...>::type;
};

template <class T, class... Types>
concept one_of = (std::same_as<T, Types> || ...);

/// Takes the value of type `Policy` out of `given`; a default one if there is none.
template <class Policy, class... Given>
Policy take_policy(std::tuple<Given...>& given) {
    if constexpr (one_of<Policy, Given...>) {
        return std::move(std::get<Policy>(given));
    } else {
        static_assert(std::default_initializable<Policy>,
                      "a policy without a default constructor is given to the consumer as a value");
        return Policy();
    }
}

} // namespace rocketpush::detail

#endif
// rocketpush/detail/termination_signals.hpp
#ifndef ROCKETPUSH_DETAIL_TERMINATION_SIGNALS_HPP
#define ROCKETPUSH_DETAIL_TERMINATION_SIGNALS_HPP


#include <asio/basic_signal_set.hpp>
#include <signal.h>

#include <array>
#include <optional>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief SIGINT and SIGTERM for as long as it lives; then the handlers that were there before are back, where Asio's set
 *        leaves the default ones.
 */
class termination_signals {
  public:
    explicit termination_signals(asio::io_context& context) {
        for (auto& each : formers_)
            ::sigaction(each.number, nullptr, &each.before);
        set_.emplace(context, formers_[0].number, formers_[1].number);
        for (auto& each :
             formers_) // another set of Asio's is at work: it is not ours to take its handler away or bring it back
            each.shared = handler_of(each.number).sa_handler == each.before.sa_handler;
    }
    termination_signals(const termination_signals&)            = delete;
    termination_signals& operator=(const termination_signals&) = delete;

    ~termination_signals() {
        set_.reset();
        for (const auto& each : formers_)
            if (!each.shared && handler_of(each.number).sa_handler == SIG_DFL)
                ::sigaction(each.number, &each.before, nullptr);
    }

    /// @param token  Completion signature `void(std::error_code, int)`.
    template <class Token>
    auto async_wait(Token&& token) {
        return set_->async_wait(std::forward<Token>(token));
    }

  private:
    struct former {
        int number;
        struct sigaction before {};
        bool shared = false;
    };

    static struct sigaction handler_of(int number) noexcept {
        struct sigaction found {};
        ::sigaction(number, nullptr, &found);
        return found;
    }

    std::array<former, 2> formers_{former{SIGINT}, former{SIGTERM}};
    std::optional<asio::basic_signal_set<asio::io_context::executor_type>> set_;
};

} // namespace rocketpush::detail

#endif

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

namespace rocketpush {

/**
 * @brief A RocketMQ push consumer: joins its group, shares the topics' queues with the other members, runs the listener
 *        on their messages, and commits what was consumed.
 *
 * @code
 * rocketpush::push_consumer consumer{
 *     rocketpush::options{.name_servers = "127.0.0.1:9876", .group = "billing"},
 *     [](rocketpush::message_view const& m) { fmt::print("{} {}\n", m.topic(), m.body()); }};
 * consumer.subscribe("orders", rocketpush::tags("paid || refunded"));
 * consumer.run(); // until SIGINT or SIGTERM
 * @endcode
 *
 * Policies follow the listener as values, in any order, only those that differ from the default; or they are named
 * as types with `consumer_of`. Both spellings of an assembly are one type.
 *
 * Starts once and stops once. The destructor stops what runs. A consumer of its own has a thread of its own (the default
 * runtime) or runs on the user's context (`asio_runtime{context.get_executor()}`); blocking calls need another thread
 * than that context's, the `async_` ones do not.
 *
 * @par Thread safety  All functions from any thread; before start, `subscribe` and `unsubscribe` one after the other and not at
 *                     once with it. On the consumer's own strand the blocking ones refuse to wait, or, like `stop`, begin and
 *                     return; inside a listener too.
 * @par Source         Java `DefaultMQPushConsumer`.
 */
template <listener Listener, transport Transport = tcp_transport, allocation_strategy Allocation = average_allocation,
          offset_store Offsets = broker_offset_store, executor_policy Executor = thread_pool_executor,
          observer Observer = log_observer, runtime Runtime = asio_runtime>
class push_consumer {
  public:
    using core_type     = consumer_core<Listener, Transport, Allocation, Offsets, Executor, Observer, Runtime>;
    using client_type   = client<Transport, Runtime>;
    using executor_type = typename Runtime::executor_type;
    using milliseconds  = std::chrono::milliseconds;

    /**
     * @param policies  Any of this assembly's policies, at most one of each type.
     * @throw std::system_error  The options are not valid; the text names the member, its value and what would do.
     */
    template <class... Policies>
        requires(detail::one_of<Policies, Transport, Allocation, Offsets, Executor, Observer, Runtime> && ...)
    push_consumer(options with, Listener listener, Policies... policies) {
        checked(with);
        if constexpr (core_type::broadcasting)
            name_lastingly(with);
        std::tuple<Policies...> given(std::move(policies)...);
        auto client = std::make_shared<typename core_type::client_type>(
            client_part(with), detail::take_policy<Transport>(given), detail::take_policy<Runtime>(given));
        assemble(std::move(with), std::move(listener), std::move(client), given);
        owns_client_ = true;
    }

    /**
     * @brief A consumer that shares `with_client`'s connections and strand. Options of the client that are left empty are
     *        the client's; others have to be equal to them.
     * @throw std::system_error  As above, or error::invalid_option: the client's settings differ.
     */
    template <class... Policies>
        requires(detail::one_of<Policies, Allocation, Offsets, Executor, Observer> && ...)
    push_consumer(client_type& with_client, options with, Listener listener, Policies... policies) {
        const auto& settings = with_client.instance()->settings();
        if (with.name_servers.empty() && with.name_server_url.empty()) {
            with.name_server_url = settings.name_server_url;
            for (const auto& server : settings.name_servers)
                with.name_servers += (with.name_servers.empty() ? "" : ";") + to_string(server);
        }
        checked(with);
        auto own = client_part(with);
        if (own.instance_name.empty())
            own.instance_name = settings.instance_name;
        if (own.client_ip.empty())
            own.client_ip = settings.client_ip;
        if (own.unit_name.empty())
            own.unit_name = settings.unit_name;
        if (own.namespace_v2.empty())
            own.namespace_v2 = settings.namespace_v2;
        if (own != settings)
            throw std::system_error(error::invalid_option,
                                    "options of the shared client differ from those it was made with");
        std::tuple<Policies...> given(std::move(policies)...);
        assemble(std::move(with), std::move(listener), with_client.instance(), given);
    }

    push_consumer(const push_consumer&)            = delete;
    push_consumer& operator=(const push_consumer&) = delete;

    ~push_consumer() {
        if (!core_)
            return;
        const bool inside = core_->inside_listener();
        std::error_code ignored;
        if (!given_up_.load())
            stop(ignored);
        auto runtime = core_->runtime();
        core_.reset();
        if (!owns_client_)
            return;
        if (inside) // the stop waits for our caller, so we cannot wait for it: its thread shall end by itself
            asio::post(runtime.get_executor(), [runtime]() mutable { runtime.join(milliseconds(0)); });
        else
            runtime.join(join_limit);
    }

    /**
     * @brief Subscribes to a topic; again replaces the expression. Before start, or while running: then it returns when the
     *        brokers know, and the topic's messages come within a second.
     *
     * A new expression holds for what the group has not committed yet. A topic that does not exist is subscribed all the same,
     * and looked for. On the consumer's own strand and inside a listener it begins and returns.
     *
     * @throw std::system_error  error::invalid_topic, error::invalid_expression, error::already_stopped,
     *                           error::filter_refused (while running; the text is the broker's).
     */
    void subscribe(const std::string& topic, const filter_expression& filter = all_messages) {
        auto wanted = checked_subscription(topic, filter);
        if (!started_.load())
            return core_->subscriptions().put(std::move(wanted));
        const auto why = std::make_shared<std::string>();
        if (const auto failure = wait_for(core_->subscribe(std::move(wanted), why)))
            throw std::system_error(failure, why->empty() ? "subscribe to " + topic : *why);
    }

    /**
     * @brief As `subscribe` while running.
     * @param token  Completion token for `void(std::error_code)`: error::filter_refused, error::already_stopped,
     *               error::operation_cancelled.
     * @throw std::system_error  error::invalid_topic, error::invalid_expression.
     */
    template <class Token>
    auto async_subscribe(const std::string& topic, const filter_expression& filter, Token&& token) {
        return run_on_strand([wanted = checked_subscription(topic, filter)](
                                 core_type& core) { return core.subscribe(wanted, std::make_shared<std::string>()); },
                             std::forward<Token>(token));
    }

    /**
     * @brief Takes a subscription back. While running it returns when the topic's queues were given up in good order: running
     *        listener calls at their end (not for ever), offsets confirmed, the brokers told.
     *
     * On the consumer's own strand and inside a listener it begins and returns.
     *
     * @return Whether there was one. @throw std::system_error  error::already_stopped
     */
    bool unsubscribe(const std::string& topic) {
        if (!started_.load())
            return core_->subscriptions().take_back(core_->full_name(topic));
        const auto failure = wait_for(core_->unsubscribe(core_->full_name(topic)));
        if (failure && failure != error::not_subscribed)
            throw std::system_error(failure, "unsubscribe from " + topic);
        return !failure;
    }
    /// @param token  Completion token for `void(std::error_code)`: error::not_subscribed, error::already_stopped.
    template <class Token>
    auto async_unsubscribe(const std::string& topic, Token&& token) {
        return run_on_strand([whole = core_->full_name(topic)](core_type& core) { return core.unsubscribe(whole); },
                             std::forward<Token>(token));
    }

    /**
     * @brief Starts: fetches the routes, tells the brokers, begins to share out.
     *
     * Completes when the brokers that could be reached know this member. A cluster that is away is no failure; the
     * consumer goes on asking.
     *
     * @param token  Completion token for `void(std::error_code)`: error::already_started, error::already_stopped,
     *               error::group_in_use, error::filter_refused (a broker refuses a SQL condition; the observer has its
     *               text), error::operation_cancelled (stopped meanwhile), or a resolver's error when no name server's
     *               host can be resolved, nor that of `name_server_url`.
     */
    template <class Token>
    auto async_start(Token&& token) {
        started_ = true;
        core_->runtime().start();
        return run_on_strand([](core_type& core) { return core.start(); }, std::forward<Token>(token));
    }

    /**
     * @brief Stops: no more pulls, running listener calls to their end, offsets confirmed, the group left.
     * @param token  Completion token for `void(std::error_code)`: error::stop_deadline_passed when listener calls were still
     *               running after `options::stop_timeout`. No listener call starts after completion.
     */
    template <class Token>
    auto async_stop(Token&& token) {
        return async_stop(core_->settings().stop_timeout, std::forward<Token>(token));
    }
    template <class Token>
    auto async_stop(milliseconds limit, Token&& token) {
        return run_on_strand([limit](core_type& core) { return core.stop(limit); }, std::forward<Token>(token));
    }

    /// Blocking `async_start`. @throw std::system_error
    void start() {
        std::error_code failure;
        const auto why = start_and_wait(failure);
        if (failure)
            throw std::system_error(failure, "cannot start consumer of group " + core_->settings().group +
                                                 (why.empty() ? why : ": " + why));
    }
    void start(std::error_code& failure) { start_and_wait(failure); }

    /// Blocking `async_stop`. A second call, or one before start, is no error. It ends in any case: also when a listener hangs on
    /// the consumer's own thread, or nobody runs the context that the consumer is on.
    /// @throw std::system_error  error::stop_deadline_passed
    void stop() { stop(core_->settings().stop_timeout); }
    void stop(milliseconds limit) {
        std::error_code failure;
        stop(failure, limit);
        if (failure)
            throw std::system_error(failure, "consumer of group " + core_->settings().group + " stopped");
    }
    void stop(std::error_code& failure) { stop(failure, core_->settings().stop_timeout); }
    void stop(std::error_code& failure, milliseconds limit) {
        failure = {};
        if (!started_.exchange(true)) { // never started: nothing runs on the strand, nobody to tell
            core_->stop_unstarted();
            return;
        }
        if (core_->runtime().running_in_this_thread() || core_->inside_listener()) {
            begin(core_->stop(limit)); // waiting here would wait for ourselves
            return;
        }
        if (core_->has_stopped())
            return;
        // Listeners, last commits, leaving the group: each has its own deadline, unless the strand does not run at all.
        const auto longest = limit + 2 * core_->settings().request_timeout + join_limit;
        auto outcome       = begin(core_->stop(limit));
        failure            = outcome.wait_for(longest) == std::future_status::ready ? result_of(std::move(outcome))
                                                                                    : error::stop_deadline_passed;
        if (failure == error::stop_deadline_passed && !core_->has_stopped()) {
            core_->abandon();
            given_up_.store(true);
        }
        if (owns_client_)
            core_->runtime().join(join_limit);
    }

    /**
     * @brief Starts, waits for SIGINT or SIGTERM, or until somebody stops the consumer, and stops.
     *
     * The only function that handles signals; their former handlers are back when it returns.
     *
     * @throw std::system_error  As start() and stop().
     */
    void run() {
        const auto waiting =
            std::make_shared<asio::io_context>(); // shared: the strand may be slower than we to let it go
        detail::termination_signals signals(*waiting);
        start();
        signals.async_wait([waiting = waiting.get()](std::error_code, int) { waiting->stop(); });
        core_->spawn(core_type::tell_when_stopped(core_, waiting));
        waiting->run();
        stop();
    }

    /// What the consumer is doing at this moment; blocks until the strand has answered.
    /// @throw std::system_error  error::not_running
    consumer_statistics statistics() {
        if (core_->runtime().running_in_this_thread())
            return core_->statistics();
        if (!started_.load() || core_->has_stopped())
            throw std::system_error(error::not_running, "statistics of group " + core_->settings().group);
        auto promise = std::make_shared<std::promise<consumer_statistics>>();
        auto answer  = promise->get_future();
        asio::post(core_->runtime().get_executor(),
                   [core = core_, promise] { promise->set_value(core->statistics()); });
        while (answer.wait_for(milliseconds(50)) != std::future_status::ready)
            if (core_->has_stopped()) // meanwhile, and the strand may be gone
                throw std::system_error(error::not_running, "statistics of group " + core_->settings().group);
        return answer.get();
    }

    /// How many listener calls run at once, from now on.
    void resize(std::size_t threads) { core_->executor().resize(threads); }

    /**
     * @brief No pull begins from now on. Cached messages are consumed, as is what a pull under way brings; the queues stay ours,
     *        offsets are committed. Statistics show it.
     *
     * From any thread, before start too; not counted: one `resume` is enough.
     *
     * @par Source  Java `DefaultMQPushConsumer.suspend`. Differs: sharing out goes on.
     */
    void suspend() noexcept { core_->suspend(); }
    void resume() {
        core_->lift_suspension();
        later([](core_type& core) { core.wake_fetching(); });
    }

    /// The same for one queue, ours or not: also when it comes to us later. Takes effect in a moment.
    /// @param queue  Its topic with the namespace or without.
    void suspend(const message_queue& queue) {
        later([whole = core_->full_name(queue)](core_type& core) { core.suspend(whole, true); });
    }
    void resume(const message_queue& queue) {
        later([whole = core_->full_name(queue)](core_type& core) { core.suspend(whole, false); });
    }

    /**
     * @brief How much of each queue may be held, from now on; in place of the options. A popped queue's messages wait for their
     *        acknowledgement then, and their number stays within `options::max_popped_messages`, too.
     * @throw std::system_error  error::invalid_option, as the constructor.
     */
    void limit_cache(const cache_limits& limits) {
        auto with                = core_->settings();
        with.max_cached_messages = limits.messages;
        with.max_cached_bytes    = limits.bytes;
        with.max_span            = limits.span;
        checked(with);
        later([limits](core_type& core) { core.limit_cache(limits); });
    }

    /// `options::max_consumer_bytes`, from now on. @throw std::system_error  error::invalid_option
    void limit_memory(std::size_t bytes) {
        auto with               = core_->settings();
        with.max_consumer_bytes = bytes;
        checked(with);
        later([bytes](core_type& core) { core.memory().limit(bytes); });
    }

    /**
     * @brief Has a queue that this member holds go on at `offset`: running listener calls end (not for ever), cached messages
     *        are let go of, the offset is committed, and within a second the queue is pulled from there.
     *
     * An offset outside of the queue becomes the nearest one in it, which the observer is told. On the consumer's own strand
     * and inside a listener it begins and returns.
     *
     * @param queue  Its topic with the namespace or without.
     * @throw std::system_error  error::not_our_queue, error::offset_not_confirmed, error::not_running, error::invalid_option (negative).
     */
    void seek(const message_queue& queue, queue_offset offset) {
        auto failure = make_error_code(error::invalid_option);
        if (offset >= 0)
            failure = started_.load() ? wait_for(core_->seek(core_->full_name(queue), offset)) : error::not_running;
        if (failure)
            throw std::system_error(failure, "seek to offset " + std::to_string(offset) + " of " + queue.topic + '/' +
                                                 queue.broker_name + '/' + std::to_string(queue.queue_id));
    }
    /// @param offset  Not negative. @param token  Completion token for `void(std::error_code)`, as above.
    template <class Token>
    auto async_seek(const message_queue& queue, queue_offset offset, Token&& token) {
        return run_on_strand(
            [whole = core_->full_name(queue), offset](core_type& core) { return core.seek(whole, offset); },
            std::forward<Token>(token));
    }

    const options& settings() const noexcept { return core_->settings(); }

  private:
    static constexpr milliseconds join_limit{2000};

    static void checked(const options& with) {
        if (const auto problem = check(with))
            throw std::system_error(problem.code, problem.text);
    }

    subscription checked_subscription(const std::string& topic, const filter_expression& filter) {
        auto wanted = make_subscription(core_->full_name(topic), filter, core_->subscription_version());
        if (!wanted)
            throw std::system_error(wanted.error(),
                                    wanted.error() == error::invalid_topic
                                        ? "topic \"" + topic + "\" " + describe_name_rule(name_kind::topic)
                                        : "expression \"" + filter.text + "\" selects nothing; use \"*\" for all");
        return std::move(*wanted);
    }

    /// @return A broker's text, if it is why.
    std::string start_and_wait(std::error_code& failure) {
        failure = {};
        if (core_->runtime().running_in_this_thread()) {
            failure = error::would_wait_for_itself;
            return {};
        }
        started_ = true;
        core_->runtime().start();
        const auto why = std::make_shared<std::string>();
        failure        = result_of(begin(core_->start(why)));
        return *why;
    }

    template <class Client, class... Policies>
    void assemble(options with, Listener listener, std::shared_ptr<Client> client, std::tuple<Policies...>& given) {
        core_ = std::make_shared<core_type>(std::move(with), std::move(listener), std::move(client),
                                            detail::take_policy<Allocation>(given), detail::take_policy<Offsets>(given),
                                            detail::take_policy<Executor>(given), detail::take_policy<Observer>(given));
    }

    /// Does something on the strand soon.
    template <class Work>
    void later(Work work) {
        if (!core_->has_stopped()) // else nobody may run it
            asio::post(core_->runtime().get_executor(), [core = core_, work] { work(*core); });
    }

    template <class Work, class Token>
    auto run_on_strand(Work work, Token&& token) {
        return asio::async_initiate<Token, void(std::error_code)>(
            [core = core_, work](auto handler) {
                const auto strand = core->runtime().get_executor();
                auto busy = asio::make_work_guard(handler, strand); // the handler's context shall not run dry meanwhile
                asio::co_spawn(strand, work(*core),
                               [core, busy = std::move(busy), handler = std::move(handler)](
                                   std::exception_ptr thrown, std::error_code result) mutable {
                                   if (thrown)
                                       std::rethrow_exception(thrown);
                                   asio::dispatch(busy.get_executor(),
                                                  [handler = std::move(handler), result]() mutable {
                                                      std::move(handler)(result);
                                                  });
                               });
            },
            token);
    }

    template <class T>
    using task = typename core_type::template task<T>;

    /// Keeps the promise of a blocking call. (To co_spawn with a handler for it would compile all of co_spawn once more.)
    static task<void> answer(std::shared_ptr<core_type>, task<std::error_code> work,
                             std::shared_ptr<std::promise<std::error_code>> promise) {
        try {
            promise->set_value(co_await std::move(work));
        } catch (...) {
            promise->set_exception(std::current_exception());
        }
    }

    std::future<std::error_code> begin(task<std::error_code> work) {
        auto promise = std::make_shared<std::promise<std::error_code>>();
        auto outcome = promise->get_future();
        core_->spawn(answer(core_, std::move(work), std::move(promise)));
        return outcome;
    }

    /// Begins `work`, and waits for its end unless that would be to wait for ourselves.
    std::error_code wait_for(task<std::error_code> work) {
        if (core_->has_stopped()) // nobody may run the strand any more
            return error::already_stopped;
        const bool own = core_->runtime().running_in_this_thread() || core_->inside_listener();
        auto outcome   = begin(std::move(work));
        if (own)
            return {};
        while (outcome.wait_for(milliseconds(50)) != std::future_status::ready)
            if (core_->has_stopped())
                return error::already_stopped;
        return result_of(std::move(outcome));
    }

    static std::error_code result_of(std::future<std::error_code> outcome) {
        try {
            return outcome.get();
        } catch (const std::future_error&) {
            return error::operation_cancelled; // the context was destroyed before it ran this
        }
    }

    std::shared_ptr<core_type> core_;
    std::atomic<bool> started_{false};
    std::atomic<bool> given_up_{false}; ///< stop() has waited in vain; the destructor does not wait again.
    bool owns_client_ = false;
};

template <class Listener, class... Policies>
push_consumer(options, Listener, Policies...) -> push_consumer<
    typename detail::explained_listener<Listener>::type, typename detail::sorted_policies<Policies...>::transport,
    typename detail::sorted_policies<Policies...>::allocation,
    typename detail::sorted_policies<Policies...>::offset_store,
    typename detail::sorted_policies<Policies...>::executor, typename detail::sorted_policies<Policies...>::observer,
    typename detail::sorted_policies<Policies...>::runtime>;

template <transport Transport, runtime Runtime, listener Listener, class... Policies>
push_consumer(client<Transport, Runtime>&, options, Listener, Policies...)
    -> push_consumer<Listener, Transport, typename detail::sorted_policies<Policies...>::allocation,
                     typename detail::sorted_policies<Policies...>::offset_store,
                     typename detail::sorted_policies<Policies...>::executor,
                     typename detail::sorted_policies<Policies...>::observer, Runtime>;

/// The consumer with this listener and these policies, in any order: `consumer_of<on_entry, inline_executor>`.
template <listener Listener, class... Policies>
using consumer_of = push_consumer<Listener, typename detail::sorted_policies<Policies...>::transport,
                                  typename detail::sorted_policies<Policies...>::allocation,
                                  typename detail::sorted_policies<Policies...>::offset_store,
                                  typename detail::sorted_policies<Policies...>::executor,
                                  typename detail::sorted_policies<Policies...>::observer,
                                  typename detail::sorted_policies<Policies...>::runtime>;

} // namespace rocketpush

#endif

#endif
