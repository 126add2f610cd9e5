#ifndef ROCKETPUSH_EMBEDDED_DELAY_SCHEDULE_HPP
#define ROCKETPUSH_EMBEDDED_DELAY_SCHEDULE_HPP

#include <rocketpush/detail/assert.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A broker's delay levels, the first of which is level 1. @par Source  Java `messageDelayLevel`, its default.
inline std::vector<std::chrono::milliseconds> default_delay_levels() {
    using namespace std::chrono_literals;
    return {1s, 5s, 10s, 30s, 1min, 2min, 3min, 4min, 5min, 6min, 7min, 8min, 9min, 10min, 20min, 30min, 1h, 2h};
}

/// A broker delays no message for longer; the time when it is due is one that clocks have.
inline constexpr std::chrono::milliseconds longest_delay = std::chrono::hours(24 * 3650);

/**
 * @brief Which parked messages are due when. The messages lie in the commit log.
 *
 * Messages that are due at the same time come out in the order in which they were parked.
 *
 * @par Source  Java `ScheduleMessageService`.
 */
class delay_schedule {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit delay_schedule(std::vector<std::chrono::milliseconds> levels) : levels_(std::move(levels)) {
        ROCKETPUSH_ASSERT(!levels_.empty(), "there is at least one delay level");
    }

    /// The level that is meant: beyond the last one, the last one. @param level  1 or more.
    std::int32_t clamp(std::int32_t level) const noexcept {
        return std::min(level, static_cast<std::int32_t>(levels_.size()));
    }

    std::int32_t levels() const noexcept { return static_cast<std::int32_t>(levels_.size()); }

    /// @param level  From 1 to `levels()`.
    void park(std::int32_t level, time_point now, std::int64_t commit_log_offset) {
        parked_.emplace(now + levels_.at(static_cast<std::size_t>(level - 1)), commit_log_offset);
    }

    /// Commit log offset of a message whose time has come; it is parked no more.
    std::optional<std::int64_t> take_due(time_point now) {
        if (parked_.empty() || parked_.begin()->first > now)
            return std::nullopt;
        return parked_.extract(parked_.begin()).mapped();
    }

    /// When the next message is due.
    std::optional<time_point> next_due() const {
        return parked_.empty() ? std::nullopt : std::optional(parked_.begin()->first);
    }

    std::size_t size() const noexcept { return parked_.size(); }

  private:
    std::vector<std::chrono::milliseconds> levels_;
    std::multimap<time_point, std::int64_t> parked_;
};

} // namespace rocketpush::embedded

#endif
