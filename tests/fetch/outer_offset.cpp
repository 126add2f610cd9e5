#include <rocketpush/fetch/outer_offset.hpp>

#include <cstdint>
#include <limits>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::outer_offset;
constexpr auto most = std::numeric_limits<std::int64_t>::max();

TEST_CASE("an outer offset is the inner one and what the answer adds", "[outer_offset]") {
    CHECK(outer_offset(0, 0) == 0);
    CHECK(outer_offset(7, 0) == 7);
    CHECK(outer_offset(7, 1000) == 1007);
}

TEST_CASE("no outer offset is so large that there is none behind it, nor below the inner one", "[outer_offset]") {
    CHECK(outer_offset(most - 1, 0) == most - 1);
    CHECK(outer_offset(most - 1, 1) == most - 1);
    CHECK(outer_offset(most, most) == most - 1);
    CHECK(outer_offset(7, most) == most - 1);
    CHECK(outer_offset(7, -1000) == 7);
    CHECK(outer_offset(7, std::numeric_limits<std::int64_t>::min()) == 7);
}

} // namespace
