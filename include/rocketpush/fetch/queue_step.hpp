#ifndef ROCKETPUSH_FETCH_QUEUE_STEP_HPP
#define ROCKETPUSH_FETCH_QUEUE_STEP_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rocketpush {

/// What is being done for a queue at a moment: of what the queue itself waits for, one thing at a time.
enum class queue_step : std::uint8_t {
    in_line,        ///< Its first offset is asked for when those of other queues are known.
    locking,        ///< Its lock is being asked for.
    reading_offset, ///< Its first offset is being asked for.
    connecting,     ///< To its broker.
    asking,         ///< A pull or a pop is at the broker.
    waiting,        ///< For a time to pass: after a failure, or between two pulls.
    paused,         ///< Until there is room, or a suspension is lifted.
    repositioning,  ///< Its broker is being asked where it begins and ends.
    handing_over    ///< It is being given up.
};

/// The step in words: what the queue is at.
constexpr std::string_view to_string(queue_step step) noexcept {
    constexpr std::string_view words[] = {"waiting for its turn to ask for its offset",
                                          "asking for its lock",
                                          "asking for its first offset",
                                          "connecting to its broker",
                                          "waiting for its broker's answer",
                                          "waiting for a time to pass",
                                          "paused",
                                          "asking where it begins and ends",
                                          "being given up"};
    return words[static_cast<std::size_t>(step)];
}

/// Where a queue is, and since when. @par Thread safety  None; on the strand.
struct step_mark {
    using time_point = std::chrono::steady_clock::time_point;

    queue_step step  = queue_step::in_line;
    time_point since = time_point::max(); ///< Never: nothing has begun.
    time_point until = time_point::max(); ///< When a wait is over.

    void enter(queue_step next, time_point now, time_point wait_until = time_point::max()) noexcept {
        step  = next;
        since = now;
        until = wait_until;
    }
};

} // namespace rocketpush

#endif
