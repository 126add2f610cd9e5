#ifndef ROCKETPUSH_REBALANCE_ASSIGNMENT_HPP
#define ROCKETPUSH_REBALANCE_ASSIGNMENT_HPP

#include <rocketpush/core/message_queue.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace rocketpush {

/// How what a member owns of a topic has to change.
struct assignment_change {
    std::vector<message_queue> release;
    std::vector<message_queue> acquire;

    bool empty() const noexcept { return release.empty() && acquire.empty(); }
};

/// What to give up and what to take over so that `owned` becomes `assigned`. Both sorted.
inline assignment_change compare_assignment(std::span<const message_queue> owned, std::span<const message_queue> assigned) {
    assignment_change change;
    std::ranges::set_difference(owned, assigned, std::back_inserter(change.release));
    std::ranges::set_difference(assigned, owned, std::back_inserter(change.acquire));
    return change;
}

/**
 * @brief Whether a queue that is assigned to us may still be held by a living member.
 *
 * It may not when we are alone, or when the members that we knew have only become fewer: then its owner has left, and a
 * member that leaves commits before the others hear of it.
 *
 * @param before  The members of the last round; empty at the first. @param now  Those of this round. Both sorted.
 */
inline bool may_be_held_elsewhere(std::span<const std::string> before, std::span<const std::string> now) {
    if (now.size() <= 1)
        return false;
    const bool only_left = !before.empty() && now.size() < before.size() && std::ranges::includes(before, now);
    return !only_left;
}

} // namespace rocketpush

#endif
