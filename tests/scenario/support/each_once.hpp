#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_EACH_ONCE_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_EACH_ONCE_HPP

#include <algorithm>
#include <cstddef>

namespace rocketpush::test {

/// Whether `count` different bodies came to a member's listener, none of them twice.
template <class Member>
bool each_once(const Member& member, std::size_t count) {
    const auto counts = member.counts();
    return counts.size() == count && std::ranges::all_of(counts, [](const auto& each) { return each.second == 1; });
}

} // namespace rocketpush::test

#endif
