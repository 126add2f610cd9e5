#ifndef ROCKETPUSH_CORE_OPTIONS_HPP
#define ROCKETPUSH_CORE_OPTIONS_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush {

/// Who gets a message of a group: one member (clustering) or every member (broadcasting, not in this version).
enum class message_model : std::uint8_t { clustering, broadcasting };

/// Where a group begins in a queue for which it has no offset.
enum class consume_from : std::uint8_t {
    last,     ///< Behind the newest message. The broker itself answers 0 for a young queue.
    first,    ///< At the oldest message.
    timestamp ///< At the first message stored at or after `options::from_time`.
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
    std::string name_servers{};  ///< `host:port`, several separated by `;`. Java: namesrvAddr.
    std::string group{};         ///< The consumer group. Java: consumerGroup.
    std::string client_ip{};     ///< First part of the client id; the local address towards the network when empty.
    std::string instance_name{}; ///< Second part of the client id; process id and random bits when empty.
    std::string unit_name{};     ///< Third part of the client id, if not empty.

    // What is consumed, from where.
    message_model model = message_model::clustering;
    consume_from from   = consume_from::last;          ///< Java: consumeFromWhere.
    std::chrono::system_clock::time_point from_time{}; ///< For `consume_from::timestamp`. Java: consumeTimestamp.

    // Running the listener.
    std::size_t consume_threads = 20; ///< Listener calls that run at once, 1..1000. Java: consumeThreadMin/Max.
    std::size_t consume_batch_size =
        1;                        ///< Most messages of one listener call, 1..1024. Java: consumeMessageBatchMaxSize.
    int max_reconsume_times = -1; ///< Then the dead letter queue; -1 is 16. Java: maxReconsumeTimes.

    // Pulling, and how much may be held.
    std::size_t pull_batch_size  = 32;         ///< Messages asked for at once, 1..1024. Java: pullBatchSize.
    std::size_t pull_batch_bytes = 256 * 1024; ///< Bytes asked for at once. Java: pullBatchSizeInBytes.
    milliseconds pull_interval{0};             ///< Pause between two pulls of a queue, 0..65535 ms.
    std::size_t max_cached_messages = 1000;    ///< Per queue, 1..65535. Java: pullThresholdForQueue.
    std::size_t max_cached_bytes =
        100u << 20; ///< Per queue, frames as held, not exceeded, 1 MiB..1 GiB. Java: pullThresholdSizeForQueue.
    std::int64_t max_span =
        2000; ///< Offsets between the committed and the next pulled, 1..65535. Java: consumeConcurrentlyMaxSpan.
    std::size_t max_body_size = 16u << 20; ///< Bytes of one inflated body; larger ones are refused as bad.
    std::size_t max_frame_size =
        16u << 20;         ///< Bytes of one frame, at most 32 MiB. Java: com.rocketmq.remoting.frameMaxLength.
    bool check_crc = true; ///< Compare each body with its stored checksum.

    // Times.
    milliseconds connect_timeout{3000};
    milliseconds request_timeout{3000};  ///< Control requests. Java: mqClientApiTimeout.
    milliseconds suspend_timeout{15000}; ///< How long a broker holds a pull that finds nothing.
    milliseconds pull_timeout{30000};    ///< Longer than a held pull by more than 5 s: brokers look every 5 s.
    milliseconds error_delay{
        1000}; ///< Before a queue is pulled again after an error. Java: pullTimeDelayMillsWhenException.
    milliseconds route_poll_interval{30000}; ///< Java: pollNameServerInterval.
    milliseconds heartbeat_interval{30000};  ///< Java: heartbeatBrokerInterval. Brokers forget a member after 120 s.
    milliseconds commit_interval{5000};      ///< Java: persistConsumerOffsetInterval.
    milliseconds rebalance_interval{20000};
    /// Before a queue that another living member may still hold is read. That member shares out once a second at most, then
    /// ends its listener calls and commits; a shorter delay reads some messages twice.
    milliseconds takeover_delay{1500};
    milliseconds send_back_timeout{5000};
    milliseconds stop_timeout{10000}; ///< How long stop() waits for running listener calls.
};

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

/**
 * @brief The first thing that is wrong with `given`, in the order of the Java client's checks; none: a false problem.
 *
 * @retval error::invalid_group, error::invalid_name_server, error::invalid_option, error::unsupported_feature
 */
inline option_problem check(const options& given) {
    if (const auto code = check_group(given.group))
        return {code, "group \"" + given.group + "\" " + describe_name_rule(name_kind::group)};
    if (given.name_servers.empty())
        return {error::invalid_name_server, "name_servers is empty; give host:port, several separated by ';'"};
    if (const auto servers = parse_name_servers(given.name_servers); !servers)
        return {servers.error(),
                "name_servers \"" + given.name_servers + "\" is not a list of host:port separated by ';'"};
    if (given.model == message_model::broadcasting)
        return {error::unsupported_feature, "model broadcasting is not in this version; use clustering"};
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
        {"pull_interval (ms)", given.pull_interval.count(), 0, 65535},
        {"consume_batch_size", number(given.consume_batch_size), 1, 1024},
        {"pull_batch_size", number(given.pull_batch_size), 1, 1024},
        {"pull_batch_bytes", number(given.pull_batch_bytes), 1, 16 * mebi},
        {"max_reconsume_times", given.max_reconsume_times, -1, 2147483647},
        {"max_body_size", number(given.max_body_size), 1, 1024 * mebi},
        {"max_frame_size", number(given.max_frame_size), 4096, 32 * mebi},
        {"connect_timeout (ms)", given.connect_timeout.count(), 1, day},
        {"request_timeout (ms)", given.request_timeout.count(), 1, day},
        {"suspend_timeout (ms)", given.suspend_timeout.count(), 1, day},
        {"pull_timeout (ms)", given.pull_timeout.count(), given.suspend_timeout.count() + 5001, 2 * day},
        {"error_delay (ms)", given.error_delay.count(), 1, day},
        {"route_poll_interval (ms)", given.route_poll_interval.count(), 10, day},
        {"heartbeat_interval (ms)", given.heartbeat_interval.count(), 10, 110000},
        {"commit_interval (ms)", given.commit_interval.count(), 10, day},
        {"rebalance_interval (ms)", given.rebalance_interval.count(), 10, day},
        {"takeover_delay (ms)", given.takeover_delay.count(), 0, 60000},
        {"send_back_timeout (ms)", given.send_back_timeout.count(), 1, day},
        {"stop_timeout (ms)", given.stop_timeout.count(), 0, day},
    };
    for (const auto& each : ranges)
        if (each.value < each.least || each.value > each.most)
            return detail::out_of_range(each.member, each.value, each.least, each.most);
    return {};
}

} // namespace rocketpush

#endif
