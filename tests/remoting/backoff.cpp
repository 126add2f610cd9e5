#include <rocketpush/remoting/backoff.hpp>

#include <chrono>
#include <cstdint>

#include "tests/support/catch.hpp"

namespace {

using namespace std::chrono_literals;
using rocketpush::backoff;

TEST_CASE("delays double with each failure up to the most", "[backoff]") {
    backoff delay;
    for (const auto expected : {50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms})
        CHECK(delay.failed(0) == expected);
}

TEST_CASE("a success starts the delays anew", "[backoff]") {
    backoff delay(10ms, 1000ms);
    CHECK(delay.failed(0) == 10ms);
    CHECK(delay.failed(0) == 20ms);
    delay.succeeded();
    CHECK(delay.failed(0) == 10ms);
}

TEST_CASE("a delay is spread over its second half, both ends included", "[backoff]") {
    auto least = 1000ms, most = 0ms;
    for (std::uint64_t random = 0; random < 1000; ++random) {
        backoff delay(100ms, 1000ms);
        const auto one = delay.failed(random * 0x9E3779B97F4A7C15u);
        least          = std::min(least, one);
        most           = std::max(most, one);
    }
    CHECK(least == 50ms);
    CHECK(most == 100ms);
}

TEST_CASE("the shortest delays are not spread to nothing", "[backoff]") {
    for (std::uint64_t random = 0; random < 10; ++random) {
        backoff delay(1ms, 2ms);
        CHECK(delay.failed(random) == 1ms);
        CHECK(delay.failed(random) >= 1ms);
    }
}

TEST_CASE("what a server denies is tried again after a second at the soonest", "[backoff]") {
    CHECK(rocketpush::delay_after(rocketpush::response_code::no_permission, 20ms) == 1s);
    CHECK(rocketpush::delay_after(rocketpush::response_code::no_permission, 5s) == 5s);
    CHECK(rocketpush::delay_after(rocketpush::response_code::system_error, 20ms) == 20ms);
    CHECK(rocketpush::delay_after(rocketpush::error::request_timed_out, 20ms) == 20ms);
}

static_assert(backoff(50ms, 2000ms).failed(25) == 25ms); // a value: known at compile time too

} // namespace
