#include <rocketpush/observe/rate_window.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

using minute_window = rate_window<7>;
constexpr minute_window::time_point start{1000h};

rate_sums with_pulls(std::uint64_t count) {
    rate_sums made;
    made.pulls = count;
    return made;
}

TEST_CASE("the sums of windows are taken from the counts, and add up", "[statistics]") {
    work_counts counts;
    counts.pulls = 1, counts.pulled = 2, counts.calls = 3, counts.succeeded = 4, counts.failed = 5;
    counts.pull_time = 6ns, counts.consume_time = 7ns;
    rate_sums sum(counts);
    sum += rate_sums(counts);
    CHECK(sum.pulls == 2);
    CHECK(sum.pulled == 4);
    CHECK(sum.calls == 6);
    CHECK(sum.succeeded == 8);
    CHECK(sum.failed == 10);
    CHECK(sum.pull_time == 12ns);
    CHECK(sum.consume_time == 14ns);
}

TEST_CASE("without a sample, or without time, a rate is zero", "[statistics]") {
    minute_window rates;
    CHECK(rates.up_to(start, with_pulls(100)).pulls == 0);
    CHECK(rates.up_to(start, with_pulls(100)).pulls_per_second == 0);
    rates.sample(start, with_pulls(100));
    CHECK(rates.up_to(start, with_pulls(200)).pulls == 100);
    CHECK(rates.up_to(start, with_pulls(200)).pulls_per_second == 0);
    CHECK(rates.up_to(start - 1s, with_pulls(200)).pulls_per_second == 0);
}

TEST_CASE("a window reaches from the oldest sample to now", "[statistics]") {
    minute_window rates;
    rates.sample(start, with_pulls(100));
    CHECK(rates.up_to(start + 5s, with_pulls(150)).pulls_per_second == 10);
    CHECK(rates.up_to(start + 5s, with_pulls(150)).length == 5s);
    rates.sample(start + 10s, with_pulls(200));
    CHECK(rates.up_to(start + 20s, with_pulls(500)).pulls_per_second == 20);
    CHECK(rates.up_to(start + 20s, with_pulls(500)).pulls == 400);
}

TEST_CASE("means are taken over pulls and calls, and are zero without any", "[statistics]") {
    minute_window rates;
    rates.sample(start, {});
    rate_sums sums;
    sums.pull_time    = 3s;
    sums.consume_time = 500us;
    CHECK(rates.up_to(start + 10s, sums).pull_milliseconds == 0);
    CHECK(rates.up_to(start + 10s, sums).consume_milliseconds == 0);
    sums.pulls     = 30;
    sums.pulled    = 80;
    sums.calls     = 5;
    sums.succeeded = 4;
    sums.failed    = 1;
    const auto now = rates.up_to(start + 10s, sums);
    CHECK(now.pull_milliseconds == 100);
    CHECK(now.consume_milliseconds == 0.1);
    CHECK(now.pulled_per_second == 8);
    CHECK(now.consumed_per_second == 0.4);
    CHECK(now.failed_per_second == 0.1);
}

TEST_CASE("what is older than the oldest kept sample is forgotten", "[statistics]") {
    minute_window rates;
    std::uint64_t sum = 0;
    for (int i = 0; i < 7; ++i) { // a minute at 100 a second
        rates.sample(start + i * 10s, with_pulls(sum));
        sum += 1000;
    }
    CHECK(rates.up_to(start + 70s, with_pulls(sum)).pulls_per_second == 100);
    CHECK(rates.up_to(start + 70s, with_pulls(sum)).length == 70s);
    for (int i = 7; i < 14; ++i) // and a quiet one
        rates.sample(start + i * 10s, with_pulls(sum));
    CHECK(rates.up_to(start + 140s, with_pulls(sum)).pulls_per_second == 0);
}

} // namespace
