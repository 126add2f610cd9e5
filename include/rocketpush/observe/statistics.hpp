#ifndef ROCKETPUSH_OBSERVE_STATISTICS_HPP
#define ROCKETPUSH_OBSERVE_STATISTICS_HPP

#include <rocketpush/core/cache_level.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
    std::uint64_t acknowledged   = 0; ///< Popped messages, confirmed by the broker; those that the filter removed too.

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
 * @brief What was done within a window of time.
 * @par Source  Java `StatsSnapshot`: `pulls_per_second` and so on are its tps, the sums its sum, the means its avgpt.
 */
struct window_statistics {
    std::chrono::milliseconds length{0}; ///< What it really reaches over; less soon after the start.
    std::uint64_t pulls         = 0;     ///< That found messages.
    std::uint64_t pulled        = 0;     ///< Messages, after filtering.
    std::uint64_t calls         = 0;     ///< Of the listener.
    std::uint64_t succeeded     = 0;     ///< Messages.
    std::uint64_t failed        = 0;     ///< Messages that the listener wants again.
    double pulls_per_second     = 0;
    double pulled_per_second    = 0; ///< Java: PULL_TPS.
    double consumed_per_second  = 0; ///< Java: CONSUME_OK_TPS.
    double failed_per_second    = 0; ///< Java: CONSUME_FAILED_TPS.
    double pull_milliseconds    = 0; ///< Mean of a pull that found messages. Java: PULL_RT.
    double consume_milliseconds = 0; ///< Mean of a listener call. Java: CONSUME_RT.
};

/**
 * @brief One topic, over all its queues; a retry topic is one of its own.
 *
 * What Java tells of a topic in its running info: `minute`, but for the time of a listener call, which is the hour's when the minute
 * had no call, and the number of failed messages, which is the hour's.
 *
 * @par Source  Java `ConsumeStatus`, `ConsumerStatsManager`.
 */
struct topic_statistics {
    std::string topic;
    work_counts counts{};                    ///< Since start; queues that were given up included.
    window_statistics minute{};              ///< A sample every 10 s; the last 60 to 70 s.
    window_statistics hour{};                ///< A sample every 10 min; the last 60 to 70 min.
    window_statistics day{};                 ///< A sample every hour; the last 24 to 25 h.
    std::size_t queues = 0;                  ///< That are here, in whatever stage.
    std::int64_t lag   = 0;                  ///< Of them.
    std::chrono::milliseconds oldest_age{0}; ///< The greatest of them.
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
    std::chrono::milliseconds flow_for{0}; ///< Since the fetch loop came upon that, or the stage began.
    lock_state lock = lock_state::not_needed;
    std::chrono::milliseconds lock_age{0}; ///< Since the request was sent that confirmed the lock last; 0 without one.
    bool suspended = false;                ///< An orderly listener asked for a pause.
    std::optional<message_time> oldest_stored{}; ///< When the first unfinished message was stored, if it is held here.
    std::chrono::milliseconds oldest_age{0};     ///< Since then, by our clock; 0: none is held.
    work_counts counts;

    /// Whether it is at rest because somebody wants it: the user, or the listener.
    bool paused_on_purpose() const noexcept { return flow == flow_state::suspended || suspended; }
};

/// One queue that is popped, as it is at this moment.
struct popped_queue_statistics {
    message_queue queue; ///< Its id may be -1: all queues of the broker.
    queue_stage stage = queue_stage::fetching;
    std::chrono::milliseconds in_stage_for{0};
    std::size_t waiting    = 0; ///< Messages that were popped and not yet acknowledged. Java: waitAckCount.
    std::size_t held_bytes = 0;
    std::int64_t rest      = -1; ///< About how many messages the broker had left; -1: no pop has found any yet.
    std::chrono::milliseconds since_last_pop{0};
    bool running    = false; ///< Whether listener calls are under way.
    flow_state flow = flow_state::open;
    std::chrono::milliseconds flow_for{0};       ///< Since the fetch loop came upon that, or the stage began.
    std::optional<message_time> oldest_stored{}; ///< When the oldest message was stored that is not acknowledged.
    std::chrono::milliseconds oldest_age{0};     ///< Since then, by our clock; 0: there is none.
    work_counts counts;

    bool paused_on_purpose() const noexcept { return flow == flow_state::suspended; }
};

/// A consumer as it is at this moment. @par Source Java `ConsumerRunningInfo`, `ConsumeStatus`.
struct consumer_statistics {
    std::string group;
    std::string client_id;
    std::vector<queue_statistics> queues{};
    std::vector<popped_queue_statistics> popped{}; ///< Queues that are popped; see broker_allocation.
    std::vector<topic_statistics> topics{};        ///< That it has or had queues of; in order of their names.
    work_counts counts{};                          ///< Of all queues, those given up included.
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
