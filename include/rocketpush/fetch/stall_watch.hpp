#ifndef ROCKETPUSH_FETCH_STALL_WATCH_HPP
#define ROCKETPUSH_FETCH_STALL_WATCH_HPP

#include <rocketpush/fetch/queue_step.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace rocketpush {

/// What is seen of a queue when the watchdog looks.
struct queue_sight {
    step_mark mark;
    bool may_fetch = false; ///< Paused, though nothing is in its way any more.
    bool at_work   = false; ///< A listener call or a send-back may be under way: nothing that the library could hurry.
    bool left_over = false; ///< In order: it has messages, nothing consumes them, and nothing holds that up.
};

/// How long the steps of a queue may take by their own deadlines.
struct step_limits {
    std::chrono::milliseconds connect; ///< With the heartbeat that opens a connection.
    std::chrono::milliseconds request; ///< One control request.
    std::chrono::milliseconds poll;    ///< One pull or pop.
    std::chrono::milliseconds release; ///< Giving a queue up, when no listener call is under way.
    std::chrono::milliseconds grace;   ///< What a step may take beyond that before the queue counts as stalled.
};

/// A queue that makes no progress, and does not wait on purpose.
struct stall {
    enum class kind : std::uint8_t {
        fetching, ///< Its fetch loop, or what takes it over or gives it up, hangs in its step.
        paused,   ///< It was not woken when there was room again.
        consuming ///< It was not given to the executor.
    };
    kind what;
    queue_step step;
    std::chrono::steady_clock::time_point since;

    friend bool operator==(const stall&, const stall&) = default;
};

/// What is wrong, in words.
constexpr std::string_view to_string(const stall& of) noexcept {
    switch (of.what) {
    case stall::kind::paused: return "paused, though nothing is in its way any more";
    case stall::kind::consuming: return "with messages, but nothing consumes them";
    case stall::kind::fetching: break;
    }
    return to_string(of.step);
}

/**
 * @brief By when a queue has to be out of its step; nothing: it may take as long as it takes, for it waits on purpose or for
 *        something that is watched elsewhere.
 */
constexpr std::optional<step_mark::time_point> deadline_of(const step_mark& mark, const step_limits& limits) noexcept {
    if (mark.since == step_mark::time_point::max())
        return std::nullopt;
    switch (mark.step) {
    case queue_step::in_line: // those before it have their deadlines
    case queue_step::paused: return std::nullopt;
    case queue_step::waiting:
        if (mark.until == step_mark::time_point::max())
            return std::nullopt;
        return mark.until + limits.grace;
    case queue_step::connecting: return mark.since + limits.connect + limits.grace;
    case queue_step::locking: return mark.since + limits.connect + limits.request + limits.grace;
    // Up to two requests, each of which may have to connect; a file store waits for its disk.
    case queue_step::reading_offset: return mark.since + 2 * (limits.connect + limits.request) + limits.grace;
    case queue_step::asking: return mark.since + limits.poll + limits.grace;
    case queue_step::repositioning: return mark.since + 3 * (limits.connect + limits.request) + limits.grace;
    case queue_step::handing_over: return mark.since + limits.release + limits.grace;
    }
    return std::nullopt;
}

/**
 * @brief Says whether one queue is stalled: told what is seen now and then, it knows since when something is wrong.
 *
 * Every step has a deadline, or is a wait on purpose: a suspension, a limit of what may be cached, another member's lock, a
 * slow listener are no stalls. A wait whose reason has gone is one, when it lasts on for `step_limits::grace`.
 *
 * @par Thread safety  None; on the strand.
 * @par Source  Java `ProcessQueue.isPullExpired`, which only looks whether a queue was pulled within 120 s.
 */
class stall_watch {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @return What is wrong now, if anything is.
    std::optional<stall> look(const queue_sight& seen, const step_limits& limits, time_point now) noexcept {
        const auto& mark = seen.mark;
        const auto note  = [now](time_point& since, bool wrong) {
            since = !wrong ? time_point::max() : std::min(since, now); // the first look that found it so
            return since;
        };
        if (std::exchange(mark_since_, mark.since) != mark.since)
            may_fetch_since_ = time_point::max(); // another pause
        const auto may_fetch = note(may_fetch_since_, mark.step == queue_step::paused && seen.may_fetch);
        const auto left_over = note(left_over_since_, seen.left_over);
        if (may_fetch < now - limits.grace)
            return stall{stall::kind::paused, mark.step, may_fetch};
        if (left_over < now - limits.grace)
            return stall{stall::kind::consuming, mark.step, left_over};
        if (mark.step == queue_step::handing_over && seen.at_work)
            return std::nullopt;
        if (const auto deadline = deadline_of(mark, limits); deadline && now > *deadline)
            return stall{stall::kind::fetching, mark.step, mark.since};
        return std::nullopt;
    }

    /// Whether this is not the stall that was told last.
    bool is_news(const stall& found) noexcept {
        const bool news = told_ != found;
        told_           = found;
        return news;
    }

  private:
    time_point mark_since_      = time_point::max();
    time_point may_fetch_since_ = time_point::max();
    time_point left_over_since_ = time_point::max();
    std::optional<stall> told_;
};

} // namespace rocketpush

#endif
