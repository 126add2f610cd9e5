#include <rocketpush/consume/orderly_turn.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr std::chrono::steady_clock::time_point start{1h};
constexpr turn_view ready{.has_messages = true, .lock_trusted = true};

TEST_CASE("a queue with messages and a trusted lock is consumed", "[orderly]") {
    orderly_turn turn;
    turn.begin(start);
    CHECK(turn.next(ready, start) == turn_step::consume);
    CHECK(turn.next({.lock_trusted = true}, start) == turn_step::idle);
}

TEST_CASE("nothing is consumed of a queue that was given up, whatever else is", "[orderly]") {
    orderly_turn turn;
    turn.begin(start);
    turn.pause(start, 1s);
    CHECK(turn.next({.given_up = true, .has_messages = true, .lock_trusted = true}, start) == turn_step::give_up);
    CHECK(turn.next({.given_up = true}, start) == turn_step::give_up);
}

TEST_CASE("without a trusted lock it is asked for, but only if there is something to consume", "[orderly]") {
    orderly_turn turn;
    turn.begin(start);
    CHECK(turn.next({.has_messages = true}, start) == turn_step::lock_first);
    CHECK(turn.next({}, start) == turn_step::idle);
}

TEST_CASE("a turn is over after its limit, and the next one begins anew", "[orderly]") {
    orderly_turn turn(60s);
    turn.begin(start);
    CHECK(turn.next(ready, start + 60s) == turn_step::consume);
    CHECK(turn.next(ready, start + 60s + 1ms) == turn_step::yield);
    turn.begin(start + 61s);
    CHECK(turn.next(ready, start + 61s) == turn_step::consume);
}

TEST_CASE("a pause lasts as long as wanted, 10 ms at least and 30 s at most", "[orderly]") {
    orderly_turn turn;
    turn.begin(start);
    struct {
        std::chrono::milliseconds wanted, taken;
    } const cases[] = {{1s, 1s}, {9ms, 10ms}, {-1ms, 10ms}, {10ms, 10ms}, {30s, 30s}, {30001ms, 30s}};
    for (const auto& each : cases) {
        turn.pause(start, each.wanted);
        CHECK(turn.paused_until() == start + each.taken);
        CHECK(turn.next(ready, start + each.taken - 1ns) == turn_step::pause);
        CHECK(turn.next(ready, start + each.taken) == turn_step::consume);
    }
    turn.pause(start, 1s);
    turn.end_pause();
    CHECK(turn.next(ready, start) == turn_step::consume);
}

TEST_CASE("during a pause no lock is asked for: its renewal goes on by itself", "[orderly]") {
    orderly_turn turn;
    turn.begin(start);
    turn.pause(start, 1s);
    CHECK(turn.next({.has_messages = true}, start) == turn_step::pause);
}

} // namespace
