#ifndef ROCKETPUSH_CORE_OPTIONS_HPP
#define ROCKETPUSH_CORE_OPTIONS_HPP

#include <rocketpush/core/bad_message.hpp>
#include <rocketpush/core/credentials.hpp>
#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/http_url.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/namespaces.hpp>
#include <rocketpush/detail/features.hpp>

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

    /// What every request is signed with, where servers control access; their keys may be replaced while the consumer runs.
    /// Needs OpenSSL. Java: AclClientRPCHook.
    rocketpush::credentials credentials{};

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
        2000; ///< Offsets between the committed and the next pulled: what may come again after a crash, and a batch, 1..65535.
              ///< Java: consumeConcurrentlyMaxSpan.
    std::size_t max_body_size = 16u << 20; ///< Bytes of one inflated body; larger ones are refused as bad.
    std::size_t max_frame_size =
        16u << 20;         ///< Bytes of one frame, at most 32 MiB. Java: com.rocketmq.remoting.frameMaxLength.
    bool check_crc = true; ///< Compare each body with its stored checksum.
    bad_message when_bad_message = bad_message::skip; ///< Java loses it, and the rest of the answer with it.

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
    /// How much longer than its own deadlines a queue may be in one step before it is told as stalled and set going again; never
    /// what it waits for on purpose (see stall_watch). 1 s..1 day.
    milliseconds stall_timeout{30000};
    /// How often to look whether another member has our client id, or subscribes something else: a request or two. 0: never.
    milliseconds group_check_interval{60000};

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

/// Whether this build can do what `given` wants of access control.
inline option_problem check_credentials(const options& given) {
    if (given.credentials && !ROCKETPUSH_WITH_OPENSSL)
        return {error::unsupported_feature,
                "credentials are given, and requests cannot be signed: this build left OpenSSL out (ROCKETPUSH_WITH_OPENSSL)"};
    return {};
}

/// Whether a consumer of that kind can do with messages that cannot be read what `given` says.
/// @param pops  Whether brokers may have it pop.
inline option_problem check_bad_message(const options& given, bool broadcasting, bool pops) {
    if (broadcasting && given.when_bad_message == bad_message::send_back)
        return {error::invalid_option, "when_bad_message is send_back, and in broadcasting there is nowhere to send messages back to; "
                                       "it can be skip or stop"};
    if (pops && given.when_bad_message == bad_message::stop)
        return {error::invalid_option, "when_bad_message is stop, and popped messages have no order to stop in; with "
                                       "broker_allocation it can be skip or send_back"};
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
    if (auto problem = check_credentials(given))
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
        {"stall_timeout (ms)", given.stall_timeout.count(), 1000, day},
        {"group_check_interval (ms)", given.group_check_interval.count(), 0, day},
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
