#ifndef ROCKETPUSH_CONSUME_ORDERLY_TURN_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_TURN_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace rocketpush {

/// What an orderly queue wants done next.
enum class turn_step : std::uint8_t {
    consume,    ///< Call the listener with the queue's next messages.
    idle,       ///< Nothing waits to be consumed.
    give_up,    ///< The queue was given up: no further listener call.
    pause,      ///< The listener asked for a pause, which lasts until `orderly_turn::paused_until()`.
    lock_first, ///< The broker's lock is not held, or was confirmed too long ago.
    yield       ///< The turn has lasted long: other queues come first.
};

/// What is known of a queue when its next step is asked for.
struct turn_view {
    bool given_up     = false;
    bool has_messages = false; ///< That were not consumed.
    bool lock_trusted = false;
};

/**
 * @brief Decides what one queue does whose messages are consumed in order. It is told what happened; it knows no broker,
 *        timer or thread.
 *
 * A turn is what one runner does for the queue without a break: one listener call after the other. Before each the next
 * step is asked for anew. After 60 s of a turn the step is `yield`, so that a queue that is never empty leaves the thread to
 * others.
 *
 * @par Thread safety  Of whoever has the turn; between turns the strand.
 * @par Source  Java `ConsumeMessageOrderlyService.ConsumeRequest.run`.
 */
class orderly_turn {
  public:
    using milliseconds = std::chrono::milliseconds;
    using time_point   = std::chrono::steady_clock::time_point;

    static constexpr milliseconds shortest_pause{10}, longest_pause{30000};

    /// @param limit  Of one turn.
    explicit orderly_turn(milliseconds limit = milliseconds(60000)) noexcept : limit_(limit) {}

    /// A runner begins a turn.
    void begin(time_point now) noexcept { begun_ = now; }

    /// A listener call that ended at `now` wants no other for a while. @param wanted  Taken as 10 ms to 30 s.
    void pause(time_point now, milliseconds wanted) noexcept {
        paused_until_ = now + std::clamp(wanted, shortest_pause, longest_pause);
    }
    time_point paused_until() const noexcept { return paused_until_; }
    /// Nothing is waited for any more.
    void end_pause() noexcept { paused_until_ = time_point::min(); }

    turn_step next(const turn_view& queue, time_point now) const noexcept {
        if (queue.given_up)
            return turn_step::give_up;
        if (!queue.has_messages)
            return turn_step::idle;
        if (now < paused_until_)
            return turn_step::pause;
        if (!queue.lock_trusted)
            return turn_step::lock_first;
        if (now - begun_ > limit_)
            return turn_step::yield;
        return turn_step::consume;
    }

  private:
    milliseconds limit_;
    time_point begun_{};
    time_point paused_until_ = time_point::min();
};

} // namespace rocketpush

#endif
