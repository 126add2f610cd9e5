#include <rocketpush/observe/statistics.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr rate_window::time_point start{1000h};
constexpr auto pulls     = [](const work_counts& c) { return c.pulls; };
constexpr auto pull_time = [](const work_counts& c) { return c.pull_time.count(); };

work_counts with_pulls(std::uint64_t count) {
    work_counts made;
    made.pulls = count;
    return made;
}

TEST_CASE("counts of several queues add up, each figure", "[statistics]") {
    const work_counts one{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12ns, 13ns, 14, 15, 16};
    auto sum = one;
    sum += one;
    CHECK(sum.pulls == 2);
    CHECK(sum.pulled == 4);
    CHECK(sum.pulled_bytes == 6);
    CHECK(sum.filtered == 8);
    CHECK(sum.refetched == 10);
    CHECK(sum.bad == 12);
    CHECK(sum.calls == 14);
    CHECK(sum.succeeded == 16);
    CHECK(sum.failed == 18);
    CHECK(sum.sent_back == 20);
    CHECK(sum.dropped == 22);
    CHECK(sum.pull_time == 24ns);
    CHECK(sum.consume_time == 26ns);
    CHECK(sum.consumed_again == 28);
    CHECK(sum.timed_out == 30);
    CHECK(sum.acknowledged == 32);
}

TEST_CASE("without a sample, or without time, a rate is zero", "[statistics]") {
    rate_window rates;
    CHECK(rates.per_second(start, with_pulls(100), pulls) == 0);
    rates.sample(start, with_pulls(100));
    CHECK(rates.per_second(start, with_pulls(200), pulls) == 0);
    CHECK(rates.per_second(start - 1s, with_pulls(200), pulls) == 0);
}

TEST_CASE("a rate reaches from the oldest sample to now", "[statistics]") {
    rate_window rates;
    rates.sample(start, with_pulls(100));
    CHECK(rates.per_second(start + 5s, with_pulls(150), pulls) == 10);
    rates.sample(start + 10s, with_pulls(200));
    CHECK(rates.per_second(start + 20s, with_pulls(500), pulls) == 20);
    auto slow      = with_pulls(200);
    slow.pull_time = 4s;
    CHECK(rates.per_second(start + 20s, slow, pull_time) == 2e8); // nanoseconds a second
}

TEST_CASE("what is older than a minute is forgotten", "[statistics]") {
    rate_window rates;
    std::uint64_t sum = 0;
    for (int i = 0; i < 7; ++i) { // a minute at 100 a second
        rates.sample(start + i * 10s, with_pulls(sum));
        sum += 1000;
    }
    CHECK(rates.per_second(start + 70s, with_pulls(sum), pulls) == 100);
    for (int i = 7; i < 14; ++i) // and a quiet one
        rates.sample(start + i * 10s, with_pulls(sum));
    CHECK(rates.per_second(start + 140s, with_pulls(sum), pulls) == 0);
}

} // namespace
