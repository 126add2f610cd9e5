#ifndef ROCKETPUSH_OBSERVE_DENIAL_MEMORY_HPP
#define ROCKETPUSH_OBSERVE_DENIAL_MEMORY_HPP

#include <chrono>
#include <map>
#include <string>

namespace rocketpush {

/**
 * @brief Which refusals for lack of permission go on: each is told when it begins, not for each try.
 *
 * One that has not been heard for a minute is over; should it come again, it begins anew.
 */
class denial_memory {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Longer than between two tries of anything.
    static constexpr std::chrono::minutes over_after{1};

    /// @param sentence  Says what was refused, and why. @return Whether it begins.
    bool begins(const std::string& sentence, time_point now) {
        std::erase_if(heard_, [now](const auto& each) { return each.second + over_after <= now; });
        return heard_.insert_or_assign(sentence, now).second;
    }

  private:
    std::map<std::string, time_point> heard_; ///< When last.
};

} // namespace rocketpush

#endif
