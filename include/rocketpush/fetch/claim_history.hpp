#ifndef ROCKETPUSH_FETCH_CLAIM_HISTORY_HPP
#define ROCKETPUSH_FETCH_CLAIM_HISTORY_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace rocketpush {

/**
 * @brief Since when the messages of one batch have been with the listener, as far as somebody looks now and then.
 *
 * Messages are claimed in their order, so how many had been claimed at each look says it of every one; runners note
 * nothing. A message counts from the first look that saw it claimed: never from too early a time, and late by less than
 * the time between two looks.
 *
 * @par Source  Java writes the property `CONSUME_START_TIME` into each message.
 */
class claim_history {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @param claimed  How many messages have been claimed; grows.
    void look(std::uint32_t claimed, time_point now) {
        if (claimed != (looks_.empty() ? 0 : looks_.back().claimed))
            looks_.push_back({claimed, now});
    }

    /// How many of the first messages have been with the listener since `then` or longer.
    std::uint32_t claimed_at(time_point then) const noexcept {
        const auto behind = std::ranges::upper_bound(looks_, then, {}, &seen::at);
        return behind == looks_.begin() ? 0 : std::prev(behind)->claimed;
    }

    /// When a message that has been seen was seen first.
    time_point seen_at(std::uint32_t index) const noexcept {
        return std::ranges::upper_bound(looks_, index, {}, &seen::claimed)->at;
    }
    bool has_seen(std::uint32_t index) const noexcept { return !looks_.empty() && index < looks_.back().claimed; }

    void clear() noexcept { looks_.clear(); }

  private:
    struct seen {
        std::uint32_t claimed;
        time_point at;
    };
    std::vector<seen> looks_; ///< Both members grow, so at most one for each message.
};

} // namespace rocketpush

#endif
