#ifndef ROCKETPUSH_EMBEDDED_BROKER_OPTIONS_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_OPTIONS_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/features.hpp>
#include <rocketpush/embedded/account.hpp>
#include <rocketpush/embedded/delay_schedule.hpp>
#include <rocketpush/embedded/request_modes.hpp>
#include <rocketpush/protocol/frame.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush::embedded {

/// In which header encoding answers go out.
enum class answer_encoding : std::uint8_t {
    json,      ///< Always JSON: 5.x, and 4.9.3 and older.
    as_request ///< As the question came: 4.9.4 and later 4.9.x.
};

/// Versions for `broker_options::version`. @par Source  Java `MQVersion.Version`, by ordinal.
inline constexpr std::int32_t version_4_9_7 = 407;
inline constexpr std::int32_t version_5_0_0 = 413;
inline constexpr std::int32_t version_5_1_3 = 439;
inline constexpr std::int32_t version_5_1_4 = 441;
inline constexpr std::int32_t version_5_5_0 = 513;

/**
 * @brief How an embedded broker behaves. The defaults are those of RocketMQ 5.5.0.
 *
 * A broker that is asked to be a 4.9.7 answers as that does where the two differ: also set `encoding` then.
 */
struct broker_options {
    endpoint listen{"127.0.0.1", 0}; ///< Port 0: the system chooses one.
    /// The broker also plays its own slave, broker id 1, if it may listen here; see `lag_slave` and `lose_master`.
    std::optional<endpoint> slave_listen{};
    /// What clients are told to connect to, if not to where it listens: in a container, say.
    std::string advertised_host{};
    std::string name    = "broker-a";
    std::string cluster = "DefaultCluster";

    std::int32_t version     = version_5_5_0;
    answer_encoding encoding = answer_encoding::json;

    bool auto_create_topics  = true;  ///< A producer may send to a topic that does not exist yet.
    std::int32_t auto_queues = 8;     ///< Most queues of a topic made that way; Java producers ask for 4.
    bool property_filter     = false; ///< SQL92 conditions. Java: `enablePropertyFilter`.
    bool auto_create_groups  = true;  ///< A group needs no `create_group` before its first heartbeat.

    /// Who may use the broker; none: everybody. Requests have to be signed with an account's keys then. See `set_accounts`.
    std::vector<account> accounts{};

    /// From 5.0 on: an administrator's reset is told to the next pull; else, to the members, as 4.9 does.
    bool server_side_reset = true;

    std::int32_t retry_queues        = 1;  ///< Queues of a group's retry topic.
    std::int32_t max_reconsume_times = 16; ///< For clients that do not say it themselves.
    /// A short list makes retries quick in tests: level 3 is a first retry's.
    std::vector<std::chrono::milliseconds> delay_levels = default_delay_levels();

    std::size_t store_bytes      = 256 * 1024 * 1024;        ///< Beyond it the oldest messages go, parked ones too.
    std::size_t max_message_body = 4 * 1024 * 1024;          ///< Bytes.
    std::size_t pull_messages    = 32;                       ///< Most that one pull gives, whatever it asks for.
    std::size_t pull_bytes       = 256 * 1024;               ///< Bytes, but always one message.
    std::size_t held_pulls       = 100'000;                  ///< Pulls beyond this number are answered at once.
    std::size_t frame_limit = protocol::default_frame_limit; ///< Bytes; a client that sends a larger one is cut off.

    /// How groups read topics for which nothing was set: see `set_request_mode`.
    reading_mode default_mode{};
    bool pop_retry_v2 = false; ///< Retries of popped messages lie in `%RETRY%group+topic`, not in `%RETRY%group_topic`.
    bool pop_keeps_retry_topic  = false;   ///< A popped retry tells its retry topic, and brings no receipt.
    std::size_t held_pops       = 100'000; ///< Pops beyond this number are not held but answered with 209.
    std::size_t held_pops_alike = 1024;    ///< The same for one group, topic and queue.

    std::chrono::milliseconds lock_lifetime   = std::chrono::seconds(60);  ///< Of a queue's lock that is not renewed.
    std::chrono::milliseconds client_lifetime = std::chrono::seconds(120); ///< Without a heartbeat.
    std::chrono::milliseconds idle_lifetime = std::chrono::seconds(120); ///< Of a connection without a byte either way.
    std::chrono::milliseconds scan_interval = std::chrono::seconds(10);  ///< Between looks for those two.

    /// From 5.0 on.
    bool is_version_5() const noexcept { return version >= version_5_0_0; }
};

/// What is wrong with the options, as the end of a sentence; empty when nothing is.
inline std::string_view describe_problem(const broker_options& options) noexcept {
    const auto valid_level = [](std::chrono::milliseconds level) { return level.count() >= 0 && level <= longest_delay; };
    if (check_topic(options.name) || check_topic(options.cluster))
        return "name and cluster need 1 to 127 characters of a-z A-Z 0-9 _ - % |";
    if (options.version < 0 || options.version > INT16_MAX)
        return "version is from 0 to 32767";
    if (options.auto_queues < 1 || options.auto_queues > 65'536 || options.retry_queues < 0 ||
        options.retry_queues > 65'536)
        return "auto_queues is from 1 to 65536, retry_queues from 0 to 65536";
    if (options.delay_levels.empty() || !std::ranges::all_of(options.delay_levels, valid_level))
        return "delay_levels needs a level, and each is from 0 to 3650 days";
    if (options.pull_messages == 0 || options.max_message_body > options.frame_limit)
        return "pull_messages is at least 1, max_message_body not larger than frame_limit";
    if (options.frame_limit < 1024 || options.frame_limit > 32 * 1024 * 1024)
        return "frame_limit is from 1 KiB to 32 MiB";
    if (!options.accounts.empty() && !ROCKETPUSH_WITH_OPENSSL)
        return "accounts need OpenSSL, which this build left out: signatures cannot be checked";
    if (options.scan_interval.count() < 1)
        return "scan_interval is at least 1 ms";
    return {};
}

} // namespace rocketpush::embedded

#endif
