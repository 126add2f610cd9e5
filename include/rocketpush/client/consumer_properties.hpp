#ifndef ROCKETPUSH_CLIENT_CONSUMER_PROPERTIES_HPP
#define ROCKETPUSH_CLIENT_CONSUMER_PROPERTIES_HPP

#include <rocketpush/core/options.hpp>

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace rocketpush {

/// An option as administrators see it.
struct option_property {
    std::string_view option; ///< The member of `options`.
    std::string_view name;   ///< Java's name of the property; an option that Java has not is `rocketpush.` and its own.
    std::string (*text)(const options&);
};

namespace detail {

inline std::string property_text(const std::string& value) { return value; }
inline std::string property_text(bool value) { return value ? "true" : "false"; }
inline std::string property_text(std::chrono::milliseconds value) { return std::to_string(value.count()); }
template <std::integral T>
std::string property_text(T value) {
    return std::to_string(value);
}

/// In the unit of a Java setting that is coarser than ours, with the digits behind the point that it needs.
inline std::string property_text_in(double value, double unit) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof digits, value / unit).ptr};
}

template <auto Member>
std::string option_text(const options& from) {
    return property_text(from.*Member);
}

} // namespace detail

/**
 * @brief Every option that administrators may see, by its name in Java where it has one. What is not here is shown to nobody:
 *        an option with a secret in it has no row.
 * @par Source  Java `DefaultMQPushConsumer` and `ClientConfig`, by their fields.
 */
inline constexpr option_property option_properties[] = {
    {"name_servers", "namesrvAddr", detail::option_text<&options::name_servers>},
    {"name_server_url", "rocketpush.name_server_url", detail::option_text<&options::name_server_url>},
    {"group", "consumerGroup", detail::option_text<&options::group>},
    {"client_ip", "clientIP", detail::option_text<&options::client_ip>},
    {"instance_name", "instanceName", detail::option_text<&options::instance_name>},
    {"unit_name", "unitName", detail::option_text<&options::unit_name>},
    {"unit_mode", "unitMode", detail::option_text<&options::unit_mode>},
    {"namespace_v1", "namespace", detail::option_text<&options::namespace_v1>},
    {"namespace_v2", "namespaceV2", detail::option_text<&options::namespace_v2>},
    {"from", "consumeFromWhere",
     [](const options& with) -> std::string {
         switch (with.from) {
         case consume_from::first: return "CONSUME_FROM_FIRST_OFFSET";
         case consume_from::timestamp: return "CONSUME_FROM_TIMESTAMP";
         case consume_from::last: break;
         }
         return "CONSUME_FROM_LAST_OFFSET";
     }},
    {"from_time", "rocketpush.from_time", // Java's is a text in the zone of its machine
     [](const options& with) {
         return detail::property_text(
             std::chrono::duration_cast<std::chrono::milliseconds>(with.from_time.time_since_epoch()));
     }},
    {"strict_from", "rocketpush.strict_from", detail::option_text<&options::strict_from>},
    {"later_queues_like_first", "rocketpush.later_queues_like_first",
     detail::option_text<&options::later_queues_like_first>},
    {"when_beyond_end", "rocketpush.when_beyond_end",
     [](const options& with) -> std::string { return with.when_beyond_end == beyond_end::first ? "first" : "last"; }},
    {"consume_threads", "consumeThreadMin", detail::option_text<&options::consume_threads>},
    {"consume_batch_size", "consumeMessageBatchMaxSize", detail::option_text<&options::consume_batch_size>},
    {"max_reconsume_times", "maxReconsumeTimes", detail::option_text<&options::max_reconsume_times>},
    {"consume_timeout", "consumeTimeout", // minutes
     [](const options& with) {
         return detail::property_text_in(static_cast<double>(with.consume_timeout.count()), 60000);
     }},
    {"pull_batch_size", "pullBatchSize", detail::option_text<&options::pull_batch_size>},
    {"pull_batch_bytes", "pullBatchSizeInBytes", detail::option_text<&options::pull_batch_bytes>},
    {"pull_interval", "pullInterval", detail::option_text<&options::pull_interval>},
    {"max_cached_messages", "pullThresholdForQueue", detail::option_text<&options::max_cached_messages>},
    {"max_cached_bytes", "pullThresholdSizeForQueue", // MiB
     [](const options& with) { return detail::property_text_in(static_cast<double>(with.max_cached_bytes), 1 << 20); }},
    {"max_consumer_bytes", "rocketpush.max_consumer_bytes", detail::option_text<&options::max_consumer_bytes>},
    {"max_span", "consumeConcurrentlyMaxSpan", detail::option_text<&options::max_span>},
    {"max_body_size", "rocketpush.max_body_size", detail::option_text<&options::max_body_size>},
    {"max_frame_size", "com.rocketmq.remoting.frameMaxLength", detail::option_text<&options::max_frame_size>},
    {"check_crc", "rocketpush.check_crc", detail::option_text<&options::check_crc>},
    {"when_bad_message", "rocketpush.when_bad_message",
     [](const options& with) -> std::string {
         switch (with.when_bad_message) {
         case bad_message::send_back: return "send_back";
         case bad_message::stop: return "stop";
         case bad_message::skip: break;
         }
         return "skip";
     }},
    {"pop_batch_size", "popBatchNums", detail::option_text<&options::pop_batch_size>},
    {"max_popped_messages", "popThresholdForQueue", detail::option_text<&options::max_popped_messages>},
    {"pop_invisible_time", "popInvisibleTime", detail::option_text<&options::pop_invisible_time>},
    {"connect_timeout", "com.rocketmq.remoting.client.connect.timeout", detail::option_text<&options::connect_timeout>},
    {"request_timeout", "mqClientApiTimeout", detail::option_text<&options::request_timeout>},
    {"suspend_timeout", "rocketpush.suspend_timeout", detail::option_text<&options::suspend_timeout>},
    {"pull_timeout", "rocketpush.pull_timeout", detail::option_text<&options::pull_timeout>},
    {"error_delay", "pullTimeDelayMillsWhenException", detail::option_text<&options::error_delay>},
    {"route_poll_interval", "pollNameServerInterval", detail::option_text<&options::route_poll_interval>},
    {"lookup_interval", "rocketpush.lookup_interval", detail::option_text<&options::lookup_interval>},
    {"heartbeat_interval", "heartbeatBrokerInterval", detail::option_text<&options::heartbeat_interval>},
    {"commit_interval", "persistConsumerOffsetInterval", detail::option_text<&options::commit_interval>},
    {"rebalance_interval", "rocketmq.client.rebalance.waitInterval", detail::option_text<&options::rebalance_interval>},
    {"takeover_delay", "rocketpush.takeover_delay", detail::option_text<&options::takeover_delay>},
    {"send_back_timeout", "rocketpush.send_back_timeout", detail::option_text<&options::send_back_timeout>},
    {"stall_timeout", "rocketpush.stall_timeout", detail::option_text<&options::stall_timeout>},
    {"group_check_interval", "rocketpush.group_check_interval", detail::option_text<&options::group_check_interval>},
    {"suspend_interval", "suspendCurrentQueueTimeMillis", detail::option_text<&options::suspend_interval>},
    {"turn_limit", "rocketmq.client.maxTimeConsumeContinuously", detail::option_text<&options::turn_limit>},
    {"lock_renew_interval", "rocketmq.client.rebalance.lockInterval",
     detail::option_text<&options::lock_renew_interval>},
    {"lock_retry_interval", "rocketpush.lock_retry_interval", detail::option_text<&options::lock_retry_interval>},
    {"stop_timeout", "awaitTerminationMillisWhenShutdown", detail::option_text<&options::stop_timeout>},
};

/// The settings of a consumer as administrators see them.
inline std::map<std::string, std::string> properties_of(const options& with) {
    std::map<std::string, std::string> found;
    for (const auto& each : option_properties)
        found.emplace(each.name, each.text(with));
    return found;
}

} // namespace rocketpush

#endif
