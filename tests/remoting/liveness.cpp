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

TEST_CASE("a frame that began before whoever waits had asked is stale", "[liveness]") {
    liveness peer;
    peer.heard(start);
    CHECK(peer.frame_is_stale(start + 1ns));
    CHECK_FALSE(peer.frame_is_stale(start));
    peer.heard(start + 1s, true);
    CHECK(peer.frame_is_stale(start + 1ns));
    peer.frame_ended();
    CHECK_FALSE(peer.frame_is_stale(start + 1s));
    peer.heard(start + 2s, true);
    CHECK(peer.frame_is_stale(start + 2s));
    peer.heard(start + 3s);
    CHECK_FALSE(peer.frame_is_stale(start + 3s));
    CHECK(peer.frame_is_stale(liveness::time_point::max()));
}

TEST_CASE("a dead peer is found within 15 s", "[liveness]") {
    CHECK(liveness::quiet_limit + liveness::answer_limit < 15s);
}

} // namespace
