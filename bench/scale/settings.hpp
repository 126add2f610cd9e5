#ifndef BENCH_SCALE_SETTINGS_HPP
#define BENCH_SCALE_SETTINGS_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace bench {

/// What one consumer gets to do.
struct scale_case {
    std::int32_t queues          = 10'000;
    std::int32_t queues_a_topic  = 250;
    std::size_t messages_a_queue = 1;
    std::size_t body_size        = 128; ///< Bytes.
    std::chrono::seconds settle  = std::chrono::seconds(20);
    std::chrono::seconds window  = std::chrono::seconds(45); ///< In which idle cost is counted; 0: it is not.
    bool blocked                 = false;                    ///< The listener does not return until all is measured.
    std::size_t max_cached_bytes = 1 << 20;                  ///< Of each queue, where the listener is blocked.

    std::int32_t topics() const noexcept { return (queues + queues_a_topic - 1) / queues_a_topic; }
    std::int32_t queues_of(std::int32_t topic) const noexcept {
        return std::min(queues_a_topic, queues - topic * queues_a_topic);
    }
};

/// As long as names are in a company's cluster: no short-string optimisation flatters the figures.
inline std::string scale_topic(std::int32_t number) {
    char name[40];
    std::snprintf(name, sizeof name, "bench-scale-orders-%04d", number);
    return name;
}

/// What is known of one consumer at the end.
struct scale_figures {
    double started_s     = 0; ///< Until start() returned.
    double fetched_s     = 0; ///< From start() until a message of every queue had come.
    double first_s       = 0; ///< From start() until the first message.
    double idle_share    = 0; ///< Of one core.
    double idle_switches = 0; ///< Voluntary context switches a second: how often it was woken.
    long before_kib      = 0; ///< Resident, before the consumer was made.
    long settled_kib     = 0; ///< Resident, when it had settled.
    long peak_kib        = 0; ///< Most that was resident.
    long frames_peak_kib = 0; ///< Blocked: most that its frames held, by its own count.
    long limit_kib       = 0; ///< Blocked: what the options allow all queues together.
    long paused_queues   = 0; ///< Blocked: queues that flow control stopped.
};

} // namespace bench

#endif
