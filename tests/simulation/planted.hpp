#ifndef ROCKETPUSH_TESTS_SIMULATION_PLANTED_HPP
#define ROCKETPUSH_TESTS_SIMULATION_PLANTED_HPP

#include <new>
#include <string_view>
#include <vector>

/**
 * @file
 * Mistakes that can be planted in the library, to see that the simulator finds them. The compiler is made to read this file before any
 * other (see CMakeLists.txt), so that the library's `ROCKETPUSH_PLANTED(bug)` asks for the one that was chosen; elsewhere it is false.
 */
namespace rocketpush::simulation {

#define ROCKETPUSH_PLANTED_BUGS(X)                                                                                                      \
    X(commit_past_unfinished)    /* what is pulled counts as consumed */                                                               \
    X(old_epoch_accepted)        /* an answer to a pull of a queue that was given up is delivered */                                   \
    X(lost_wake_up)              /* who waits for room does not hear that messages were finished */                                    \
    X(lock_trusted_too_long)     /* an hour, whatever the broker does with it */                                                       \
    X(double_pull_loop)          /* a queue has two */                                                                                 \
    X(send_back_ignored)         /* a send-back that failed counts as one that did not */                                              \
    X(no_takeover_delay)         /* the former owner is not waited for */                                                              \
    X(no_last_commit)            /* a queue is given up without one */                                                                 \
    X(calls_not_awaited)         /* a queue is given up while its calls still run */                                                   \
    X(span_ignored)              /* any number of messages behind the first unfinished one */                                          \
    X(cache_limit_ignored)       /* any number of messages in a queue */                                                               \
    X(offered_offset_believed)   /* where a broker that refused an offset would begin */                                               \
    X(exception_is_success)      /* of a listener */                                                                                   \
    X(part_is_whole)             /* a call that succeeded in part counts as one that did wholly */                                     \
    X(unknown_offset_is_none)    /* a first offset that could not be read counts as one that is not there */                           \
    X(notices_only)              /* queues are shared out at start, and when a notice comes */                                         \
    X(failed_commit_is_done)     /* an offset that could not be stored counts as stored */                                             \
    X(acknowledgement_forgotten) /* what was popped is not acknowledged */                                                             \
    X(stop_does_not_wait)        /* for the calls that run */                                                                          \
    X(failed_turn_goes_on)       /* in order, a failed message is passed over */                                                       \
    X(memory_forgotten)          /* what was let go of still counts */                                                                 \
    X(message_skipped)           /* the next pull begins one message too late */                                                       \
    X(refused_lock_ignored)      /* counts as given */                                                                                 \
    X(unlocked_first)            /* a queue that is given up, before its calls have ended */

enum class planted_bug {
    none,
#define ROCKETPUSH_NAME(bug) bug,
    ROCKETPUSH_PLANTED_BUGS(ROCKETPUSH_NAME)
#undef ROCKETPUSH_NAME
};

/// The one that is there; set before any world begins.
inline planted_bug planted = planted_bug::none;

std::vector<std::string_view> planted_bugs();
/// @return Whether there is a bug of this name.
bool plant(std::string_view name);

/// While it is above 0, members find no memory for messages so often: one of so many times. Of the world that runs in this thread.
inline thread_local unsigned memory_fails_one_in = 0;
inline thread_local unsigned memory_asked_for    = 0;
inline void take_memory() {
    if (memory_fails_one_in != 0 && ++memory_asked_for % memory_fails_one_in == 0)
        throw std::bad_alloc();
}

} // namespace rocketpush::simulation

#define ROCKETPUSH_TAKES_MEMORY() ::rocketpush::simulation::take_memory()
#define ROCKETPUSH_PLANTED(bug) (::rocketpush::simulation::planted == ::rocketpush::simulation::planted_bug::bug)

#endif
