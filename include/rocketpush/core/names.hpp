#ifndef ROCKETPUSH_CORE_NAMES_HPP
#define ROCKETPUSH_CORE_NAMES_HPP

#include <rocketpush/core/error.hpp>

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
