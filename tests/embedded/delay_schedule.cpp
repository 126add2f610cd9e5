#include <rocketpush/embedded/delay_schedule.hpp>

#include "tests/support/catch.hpp"

using rocketpush::embedded::default_delay_levels;
using rocketpush::embedded::delay_schedule;
using namespace std::chrono_literals;

TEST_CASE("parked messages come out by their time, and in their order", "[embedded]") {
    delay_schedule schedule({1s, 5s});
    const delay_schedule::time_point start(1h);
    CHECK(!schedule.next_due());
    schedule.park(2, start, 10);
    schedule.park(1, start, 20);
    schedule.park(1, start, 30);
    CHECK(schedule.next_due() == start + 1s);
    CHECK(!schedule.take_due(start + 999ms));
    CHECK(schedule.take_due(start + 1s) == 20);
    CHECK(schedule.take_due(start + 1s) == 30);
    CHECK(!schedule.take_due(start + 1s));
    CHECK(schedule.take_due(start + 6s) == 10);
    CHECK(schedule.size() == 0);
}

TEST_CASE("a level beyond the last is the last, and the default levels are RocketMQ's", "[embedded]") {
    const delay_schedule schedule(default_delay_levels());
    CHECK(schedule.levels() == 18);
    CHECK(schedule.clamp(99) == 18);
    CHECK(schedule.clamp(3) == 3);
    CHECK(default_delay_levels()[2] == 10s);
    CHECK(default_delay_levels()[17] == 2h);
}
