#include "tests/simulation/planted.hpp"

#include <algorithm>

namespace rocketpush::simulation {

std::vector<std::string_view> planted_bugs() {
    return {
#define ROCKETPUSH_NAME(bug) #bug,
        ROCKETPUSH_PLANTED_BUGS(ROCKETPUSH_NAME)
#undef ROCKETPUSH_NAME
    };
}

bool plant(std::string_view name) {
    const auto all   = planted_bugs();
    const auto found = std::ranges::find(all, name);
    if (found == all.end())
        return false;
    planted = static_cast<planted_bug>(found - all.begin() + 1);
    return true;
}

} // namespace rocketpush::simulation
