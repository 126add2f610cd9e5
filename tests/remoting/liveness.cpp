#include <rocketpush/remoting/liveness.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

const liveness::time_point start{1h};

TEST_CASE("a peer is asked 10 s after its last byte, or after the request that waits, whichever is later", "[liveness]") {
    liveness peer;
    peer.heard(start);
    CHECK(peer.ask_at(start - 20s) == start + 10s);
    CHECK(peer.ask_at(start + 3s) == start + 13s);
    peer.heard(start + 9s);
    CHECK(peer.ask_at(start + 3s) == start + 19s);
}

TEST_CASE("silence is measured from the last byte", "[liveness]") {
    liveness peer;
    peer.heard(start);
    CHECK(peer.silent_since(start + 1ns));
    CHECK_FALSE(peer.silent_since(start));
    CHECK_FALSE(peer.silent_since(start - 1s));
}

TEST_CASE("a dead peer is found within 15 s", "[liveness]") {
    CHECK(liveness::quiet_limit + liveness::answer_limit < 15s);
}

} // namespace
