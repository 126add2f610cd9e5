#ifndef BENCH_GROUPS_SETTINGS_HPP
#define BENCH_GROUPS_SETTINGS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

/// What a process gets to do that is in several groups.
struct groups_case {
    std::size_t groups           = 200;
    std::int32_t queues          = 8; ///< Of the topic, which each group reads.
    std::size_t messages_a_queue = 10;
    std::size_t threads          = 20; ///< Of the pool that all share.
    std::chrono::seconds settle  = std::chrono::seconds(20);
    std::chrono::seconds window  = std::chrono::seconds(45); ///< In which idle cost is counted; 0: it is not.
};

/// What is known of the process at the end.
struct groups_figures {
    double started_s          = 0; ///< Until the last start() had returned; one after the other.
    double fetched_s          = 0; ///< From then until each group had had all messages.
    double idle_share         = 0; ///< Of one core.
    double idle_switches      = 0; ///< Voluntary context switches a second: how often it was woken.
    long settled_kib          = 0; ///< Resident, when it had settled.
    long peak_kib             = 0; ///< Most that was resident.
    long threads              = 0;
    long sockets              = 0;
    long heartbeat_bytes      = 0; ///< Body of a regular heartbeat, which names all groups.
    long join_heartbeat_bytes = 0; ///< Body of one that tells of a group that has started.
};

/// As long as names are in a company's cluster.
inline std::string group_name(std::size_t number) { return "bench-groups-consumer-" + std::to_string(number); }

/// One process from its first start to its last stop: this one. @throw std::exception
groups_figures run_groups(const groups_case& with, const std::string& name_server);

} // namespace bench

#endif
