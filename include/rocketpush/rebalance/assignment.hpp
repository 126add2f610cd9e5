#ifndef ROCKETPUSH_REBALANCE_ASSIGNMENT_HPP
#define ROCKETPUSH_REBALANCE_ASSIGNMENT_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/message_queue.hpp>

#include <algorithm>
#include <set>
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
inline assignment_change compare_assignment(std::span<const message_queue> owned,
                                            std::span<const message_queue> assigned) {
    assignment_change change;
    std::ranges::set_difference(owned, assigned, std::back_inserter(change.release));
    std::ranges::set_difference(assigned, owned, std::back_inserter(change.acquire));
    return change;
}

/**
 * @brief Whether every queue that is assigned to us may still be held by a living member.
 *
 * None may when we are alone. When the members that we knew have only become fewer, those that `left_behind` gives are
 * free: a member that leaves commits before the others hear of it.
 *
 * @param before  The members of the last round; empty at the first. @param now  Those of this round. Both sorted.
 */
inline bool may_be_held_elsewhere(std::span<const std::string> before, std::span<const std::string> now) {
    if (now.size() <= 1)
        return false;
    const bool only_left = !before.empty() && now.size() < before.size() && std::ranges::includes(before, now);
    return !only_left;
}

/**
 * @brief The queues of those who have left.
 *
 * The others that move had an owner who lives, and reads them until it hears of the change. Eight queues over three members
 * are 0-2, 3-5, 6-7; when the first leaves, 0-2 are free, but the third takes 4 and 5 from the second.
 *
 * @param before  The members of the last round, and the queues; its `self` does not matter. @param now  The members of this round.
 */
template <allocation_strategy Strategy>
std::set<message_queue> left_behind(const Strategy& strategy, const allocation_request& before,
                                    std::span<const std::string> now) {
    std::set<message_queue> found;
    for (const auto& member : before.members) {
        if (std::ranges::find(now, member) != now.end())
            continue;
        if (const allocation share = strategy.allocate({before.group, member, before.members, before.queues}))
            found.insert(share->begin(), share->end());
    }
    return found;
}

} // namespace rocketpush

#endif
