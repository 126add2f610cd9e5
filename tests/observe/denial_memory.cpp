#include <rocketpush/observe/denial_memory.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace std::chrono_literals;

TEST_CASE("a denial begins once while it goes on, and anew after a minute without it", "[observe]") {
    rocketpush::denial_memory denials;
    rocketpush::denial_memory::time_point now{1h};
    CHECK(denials.begins("topic orders: no", now));
    for (int second = 0; second < 600; ++second)
        CHECK_FALSE(denials.begins("topic orders: no", now += 1s));
    CHECK_FALSE(denials.begins("topic orders: no", now += 59s));
    CHECK(denials.begins("topic orders: no", now += 1min));
}

TEST_CASE("each denial is one of its own", "[observe]") {
    rocketpush::denial_memory denials;
    const rocketpush::denial_memory::time_point now{1h};
    CHECK(denials.begins("topic orders: no", now));
    CHECK(denials.begins("group billing: no", now));
    CHECK(denials.begins("topic orders: check signature failed.", now)); // for another reason
    CHECK_FALSE(denials.begins("topic orders: no", now));
}

} // namespace
