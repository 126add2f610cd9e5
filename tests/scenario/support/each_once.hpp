#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_EACH_ONCE_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_EACH_ONCE_HPP

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace rocketpush::test {

/// Whether there are `count` different bodies, and each came once.
inline bool each_once(const std::map<std::string, int>& counts, std::size_t count) {
    return counts.size() == count && std::ranges::all_of(counts, [](const auto& each) { return each.second == 1; });
}

/// The same of what came to a member's listener ...
template <class Member>
    requires requires(const Member& member) { member.counts(); }
bool each_once(const Member& member, std::size_t count) {
    return each_once(member.counts(), count);
}

/// ... or to several, one as good as the other.
template <class Member>
bool each_once(const std::vector<Member*>& members, std::size_t count) {
    std::map<std::string, int> sum;
    for (const auto* member : members)
        for (const auto& [body, times] : member->counts())
            sum[body] += times;
    return each_once(sum, count);
}

} // namespace rocketpush::test

#endif
