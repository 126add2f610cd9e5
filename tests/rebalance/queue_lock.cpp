#include <rocketpush/rebalance/queue_lock.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using lock = queue_lock<true>;

constexpr std::chrono::steady_clock::time_point start{1h};

TEST_CASE("a lock is trusted for 30 s since the confirmed request was sent, not since its answer", "[lock]") {
    lock one;
    CHECK_FALSE(one.trusted(start));
    CHECK(one.state(start) == lock_state::not_held);
    one.asking();
    CHECK(one.may_be_ours());
    CHECK(one.confirmed(start, start + 5s) == lock_change::gained);
    CHECK(one.trusted(start + 5s));
    CHECK(one.trusted(start + 30s - 1ns));
    CHECK_FALSE(one.trusted(start + 30s));
    CHECK(one.state(start + 29s) == lock_state::held);
    CHECK(one.state(start + 30s) == lock_state::expired);
    CHECK(one.last_confirmed() == start);
}

TEST_CASE("a renewal extends the trust, and one whose answer was overtaken does not shorten it", "[lock]") {
    lock one;
    one.confirmed(start, start);
    CHECK(one.confirmed(start + 20s, start + 20s) == lock_change::kept);
    CHECK(one.trusted(start + 49s));
    CHECK(one.confirmed(start + 10s, start + 21s) == lock_change::kept); // late
    CHECK(one.trusted(start + 49s));
}

TEST_CASE("a lock that expired here is the same one while the broker keeps it: 60 s", "[lock]") {
    lock one;
    one.confirmed(start, start);
    CHECK(one.held()); // it may still be confirmed
    CHECK(one.confirmed(start + 40s, start + 60s) == lock_change::kept);
    CHECK(one.trusted(start + 60s));
    CHECK(one.confirmed(start + 100s, start + 100s + 1ms) == lock_change::interrupted);
}

TEST_CASE("a lock that is refused is not trusted at once, and whoever had it has lost it", "[lock]") {
    lock one;
    CHECK_FALSE(one.refused(start)); // it never was ours
    CHECK(one.state(start) == lock_state::not_held);
    one.asking();
    one.confirmed(start, start);
    CHECK(one.refused(start + 1s));
    CHECK_FALSE(one.trusted(start + 1s));
    CHECK(one.state(start + 1s) == lock_state::lost);
    CHECK_FALSE(one.held());
    CHECK_FALSE(one.may_be_ours());
}

TEST_CASE("a refusal that a later confirmation has overtaken counts for nothing", "[lock]") {
    lock one;
    one.confirmed(start + 10s, start + 11s);
    CHECK_FALSE(one.refused(start + 9s));
    CHECK(one.trusted(start + 12s));
}

TEST_CASE("a lock that is lost for another reason may still be the broker's opinion", "[lock]") {
    lock one;
    one.asking();
    one.confirmed(start, start);
    CHECK(one.lose());
    CHECK_FALSE(one.trusted(start));
    CHECK(one.may_be_ours());
    CHECK_FALSE(one.lose());
}

TEST_CASE("it is known whether a request for a lock is under way", "[lock]") {
    lock one;
    one.asking();
    one.asking();
    one.asked();
    CHECK(one.being_asked());
    one.asked();
    CHECK_FALSE(one.being_asked());
}

TEST_CASE("a queue that is nobody else's needs no lock", "[lock]") {
    queue_lock<false> one;
    CHECK(one.needed());
    one.not_needed();
    CHECK_FALSE(one.needed());
    CHECK(one.trusted(start + std::chrono::hours(24 * 365)));
    CHECK(one.state(start) == lock_state::not_needed);
}

} // namespace
