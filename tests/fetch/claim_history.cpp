#include <rocketpush/fetch/claim_history.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr claim_history::time_point start{1000h};

TEST_CASE("a message counts as claimed from the first look that saw it so", "[claim_history]") {
    claim_history seen;
    CHECK(seen.claimed_at(start) == 0);
    CHECK_FALSE(seen.has_seen(0));
    seen.look(0, start);
    CHECK(seen.claimed_at(start + 1h) == 0);
    seen.look(2, start + 1s);
    seen.look(2, start + 2s); // nothing new
    seen.look(5, start + 3s);
    CHECK(seen.claimed_at(start + 999ms) == 0);
    CHECK(seen.claimed_at(start + 1s) == 2);
    CHECK(seen.claimed_at(start + 2999ms) == 2);
    CHECK(seen.claimed_at(start + 3s) == 5);
    CHECK(seen.claimed_at(start + 1h) == 5);
    CHECK(seen.seen_at(0) == start + 1s);
    CHECK(seen.seen_at(1) == start + 1s);
    CHECK(seen.seen_at(2) == start + 3s);
    CHECK(seen.has_seen(4));
    CHECK_FALSE(seen.has_seen(5));
    seen.clear();
    CHECK(seen.claimed_at(start + 1h) == 0);
}

} // namespace
