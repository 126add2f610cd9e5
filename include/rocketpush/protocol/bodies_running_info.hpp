#ifndef ROCKETPUSH_PROTOCOL_BODIES_RUNNING_INFO_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_RUNNING_INFO_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// As Java writes a double: `0.25`, `15.0`; what is no number as 0.
inline void write_value(json_writer& to, double value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, std::isfinite(value) ? value : 0.0).ptr;
    std::string text(digits, end);
    if (text.find_first_of(".e") == std::string::npos)
        text += ".0";
    to.raw(text);
}
inline bool read_value(const json_value& from, double& to) noexcept {
    const auto* end          = from.raw.data() + from.raw.size();
    const auto [stopped, ec] = std::from_chars(from.raw.data(), end, to);
    // Not JSON, but from_chars reads them: -nan and -inf.
    return from.type == json_cursor::kind::number && ec == std::errc() && stopped == end && std::isfinite(to);
}

/// One queue of a member that pulls it. Times are milliseconds since 1970, 0 for never. @par Source  Java `ProcessQueueInfo`.
struct pulled_queue_info {
    queue_offset commit_offset    = 0;
    queue_offset cached_min       = 0; ///< Of the messages that wait or are being consumed; 0 without any.
    queue_offset cached_max       = 0;
    std::int64_t cached_messages  = 0;
    std::int64_t cached_mebibytes = 0;
    queue_offset uncommitted_min  = 0; ///< Orderly: taken, and not yet committed by the listener.
    queue_offset uncommitted_max  = 0;
    std::int64_t uncommitted      = 0;
    bool locked                   = false; ///< A concurrent member has it always true.
    std::int64_t try_unlock_times = 0;
    std::int64_t last_lock        = 0;
    bool dropped                  = false; ///< Being given up. On the wire: droped.
    std::int64_t last_pull        = 0;
    std::int64_t last_consume     = 0;

    friend bool operator==(const pulled_queue_info&, const pulled_queue_info&) = default;
};

/// One queue of a member that pops it. @par Source  Java `PopProcessQueueInfo`.
struct popped_queue_info {
    std::int64_t waiting  = 0; ///< Messages that are not acknowledged.
    bool dropped          = false;
    std::int64_t last_pop = 0;

    friend bool operator==(const popped_queue_info&, const popped_queue_info&) = default;
};

/// What happened in one topic of late: of the last minute but for the last. @par Source  Java `ConsumeStatus`.
struct topic_rates {
    double pull_milliseconds    = 0; ///< Mean of a pull that found messages.
    double pulled_per_second    = 0;
    double consume_milliseconds = 0; ///< Mean of a listener call.
    double consumed_per_second  = 0;
    double failed_per_second    = 0;
    std::int64_t failed         = 0; ///< Of the last hour.

    friend bool operator==(const topic_rates&, const topic_rates&) = default;
};

/**
 * @brief How a member is, for an administrator.
 * @par Source  Java `ConsumerRunningInfo`.
 */
struct running_info {
    std::map<std::string, std::string> properties{}; ///< Its settings, and what they became.
    std::vector<subscription> subscriptions{};
    std::vector<std::pair<message_queue, pulled_queue_info>> queues{};
    std::vector<std::pair<message_queue, popped_queue_info>> popped{};
    std::map<std::string, topic_rates> topics{};
    std::string stacks{}; ///< If asked for: what its threads are at.

    friend bool operator==(const running_info&, const running_info&) = default;
};

/// Names of properties that consoles read. @par Source  Java `ConsumerRunningInfo`.
namespace running_info_words {
inline constexpr const char* name_servers = "PROP_NAMESERVER_ADDR";
inline constexpr const char* threads      = "PROP_THREADPOOL_CORE_SIZE";
inline constexpr const char* in_order     = "PROP_CONSUMEORDERLY";
inline constexpr const char* consume_type = "PROP_CONSUME_TYPE";
inline constexpr const char* version      = "PROP_CLIENT_VERSION";
inline constexpr const char* started      = "PROP_CONSUMER_START_TIMESTAMP";
} // namespace running_info_words

inline void write_value(json_writer& to, const pulled_queue_info& from) {
    to.open('{')
        .member("cachedMsgCount", from.cached_messages)
        .member("cachedMsgMaxOffset", from.cached_max)
        .member("cachedMsgMinOffset", from.cached_min)
        .member("cachedMsgSizeInMiB", from.cached_mebibytes)
        .member("commitOffset", from.commit_offset)
        .member("droped", from.dropped)
        .member("lastConsumeTimestamp", from.last_consume)
        .member("lastLockTimestamp", from.last_lock)
        .member("lastPullTimestamp", from.last_pull)
        .member("locked", from.locked)
        .member("transactionMsgCount", from.uncommitted)
        .member("transactionMsgMaxOffset", from.uncommitted_max)
        .member("transactionMsgMinOffset", from.uncommitted_min)
        .member("tryUnlockTimes", from.try_unlock_times)
        .close('}');
}
inline bool read_value(const json_value& from, pulled_queue_info& to) {
    return from.type == json_cursor::kind::object && read_json(from, "cachedMsgCount", to.cached_messages) &&
           read_json(from, "cachedMsgMaxOffset", to.cached_max) &&
           read_json(from, "cachedMsgMinOffset", to.cached_min) &&
           read_json(from, "cachedMsgSizeInMiB", to.cached_mebibytes) &&
           read_json(from, "commitOffset", to.commit_offset) && read_json(from, "droped", to.dropped) &&
           read_json(from, "lastConsumeTimestamp", to.last_consume) &&
           read_json(from, "lastLockTimestamp", to.last_lock) && read_json(from, "lastPullTimestamp", to.last_pull) &&
           read_json(from, "locked", to.locked) && read_json(from, "transactionMsgCount", to.uncommitted) &&
           read_json(from, "transactionMsgMaxOffset", to.uncommitted_max) &&
           read_json(from, "transactionMsgMinOffset", to.uncommitted_min) &&
           read_json(from, "tryUnlockTimes", to.try_unlock_times);
}

inline void write_value(json_writer& to, const popped_queue_info& from) {
    to.open('{')
        .member("droped", from.dropped)
        .member("lastPopTimestamp", from.last_pop)
        .member("waitAckCount", from.waiting)
        .close('}');
}
inline bool read_value(const json_value& from, popped_queue_info& to) {
    return from.type == json_cursor::kind::object && read_json(from, "droped", to.dropped) &&
           read_json(from, "lastPopTimestamp", to.last_pop) && read_json(from, "waitAckCount", to.waiting);
}

inline void write_value(json_writer& to, const topic_rates& from) {
    to.open('{')
        .member("consumeFailedMsgs", from.failed)
        .member("consumeFailedTPS", from.failed_per_second)
        .member("consumeOKTPS", from.consumed_per_second)
        .member("consumeRT", from.consume_milliseconds)
        .member("pullRT", from.pull_milliseconds)
        .member("pullTPS", from.pulled_per_second)
        .close('}');
}
inline bool read_value(const json_value& from, topic_rates& to) {
    return from.type == json_cursor::kind::object && read_json(from, "consumeFailedMsgs", to.failed) &&
           read_json(from, "consumeFailedTPS", to.failed_per_second) &&
           read_json(from, "consumeOKTPS", to.consumed_per_second) &&
           read_json(from, "consumeRT", to.consume_milliseconds) && read_json(from, "pullRT", to.pull_milliseconds) &&
           read_json(from, "pullTPS", to.pulled_per_second);
}

/// A map whose keys are queues, as RocketMQ has it in all versions: `{{"brokerName":"b","queueId":0,"topic":"t"}:VALUE}`.
template <class T>
void write_by_queue(json_writer& to, const std::vector<std::pair<message_queue, T>>& from) {
    to.open('{');
    for (const auto& [queue, value] : from) {
        write_value(to, queue);
        to.colon();
        write_value(to, value);
    }
    to.close('}');
}
template <class T>
bool read_by_queue(const json_value& from, std::vector<std::pair<message_queue, T>>& to) {
    return from.is_null() || read_members(from, [&to](std::string_view key, const json_value& value) {
               auto& each       = to.emplace_back();
               const auto queue = parse_body(key);
               return queue && read_value(*queue, each.first) && read_value(value, each.second);
           });
}

inline std::string encode(const running_info& info) {
    json_writer body;
    body.open('{').key("mqPopTable");
    write_by_queue(body, info.popped);
    body.key("mqTable");
    write_by_queue(body, info.queues);
    body.key("properties").open('{');
    for (const auto& [name, value] : info.properties)
        body.member(name, value);
    body.close('}').key("statusTable").open('{');
    for (const auto& [topic, rates] : info.topics)
        body.member(topic, rates);
    body.close('}').member("subscriptionSet", info.subscriptions);
    body.key("userConsumerInfo").open('{').close('}');
    if (!info.stacks.empty())
        body.member("jstack", info.stacks);
    body.close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<running_info> decode_running_info(std::string_view text) {
    const auto body = parse_body(text);
    running_info info;
    const auto read_map = [&body](std::string_view name, auto& to) {
        const auto table = find_member(*body, name);
        return table.is_null() || read_members(table, [&to](std::string_view key, const json_value& value) {
                   return read_value(value, to[std::string(key)]);
               });
    };
    if (!body || !read_by_queue(find_member(*body, "mqTable"), info.queues) ||
        !read_by_queue(find_member(*body, "mqPopTable"), info.popped) || !read_map("properties", info.properties) ||
        !read_map("statusTable", info.topics) || !read_json(*body, "subscriptionSet", info.subscriptions) ||
        !read_json(*body, "jstack", info.stacks))
        return error::body_malformed;
    return info;
}

/// Of all that a member says of itself only what it subscribes. @retval error::body_malformed
inline result<std::vector<subscription>> decode_subscription_set(std::string_view running_info_text) {
    const auto body = parse_body(running_info_text);
    std::vector<subscription> subscriptions;
    if (!body || !read_json(*body, "subscriptionSet", subscriptions))
        return error::body_malformed;
    return subscriptions;
}

} // namespace rocketpush::protocol

#endif
