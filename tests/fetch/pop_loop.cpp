#include <rocketpush/fetch/pop_loop.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using pop_action::any;
using pop_action::pause;
using pop_action::request;
using pop_action::wait;

constexpr pop_pace patient{
    .max_waiting = 96, .max_bytes = 1000, .interval = 0ms, .error_delay = 1000ms, .flow_control_delay = 20ms};

TEST_CASE("a pop loop asks at once, and again when messages came", "[pop]") {
    pop_loop loop(patient);
    CHECK(loop.next(0, 0) == any(request{}));
    loop.found();
    CHECK(loop.next(32, 100) == any(request{}));
}

TEST_CASE("an interval stands between two pops that found messages, once each", "[pop]") {
    auto slow     = patient;
    slow.interval = 50ms;
    pop_loop loop(slow);
    loop.found();
    CHECK(loop.next(0, 0) == any(wait{50ms}));
    CHECK(loop.next(0, 0) == any(request{}));
    loop.answered(response_code::polling_timeout);
    CHECK(loop.next(0, 0) == any(request{}));
}

TEST_CASE("more than 96 messages that wait for their acknowledgement pause it", "[pop]") {
    pop_loop loop(patient);
    CHECK(loop.next(96, 0) == any(request{}));
    CHECK(loop.next(97, 0) == any(pause{flow_state::too_many_messages}));
    CHECK(loop.next(1, 1000) == any(request{}));
    CHECK(loop.next(1, 1001) == any(pause{flow_state::too_many_bytes}));
    CHECK(loop.next(96, 1000) == any(request{}));
}

TEST_CASE("limits that change hold from the next decision on", "[pop]") {
    pop_loop loop(patient);
    loop.limit(10, 500);
    CHECK(loop.next(11, 0) == any(pause{flow_state::too_many_messages}));
    CHECK(loop.next(10, 501) == any(pause{flow_state::too_many_bytes}));
    loop.limit(11, 501);
    CHECK(loop.next(11, 501) == any(request{}));
}

TEST_CASE("what is suspended, or has no memory, pauses it whatever it holds", "[pop]") {
    pop_loop loop(patient);
    CHECK(loop.next(0, 0, flow_state::suspended) == any(pause{flow_state::suspended}));
    CHECK(loop.next(200, 0, flow_state::out_of_memory) == any(pause{flow_state::out_of_memory}));
    CHECK(loop.next(0, 0, flow_state::open) == any(request{}));
}

TEST_CASE("what an answer without messages means for the next pop", "[pop]") {
    pop_loop loop(patient);
    const auto after = [&](response_code code) {
        loop.answered(code);
        const auto first = loop.next(0, 0);
        return first == any(request{}) ? any(wait{0ms}) : first;
    };
    CHECK(after(response_code::polling_timeout) == any(wait{0ms}));
    CHECK(after(response_code::pull_not_found) == any(wait{20ms}));
    CHECK(after(response_code::flow_control) == any(wait{20ms}));
    CHECK(after(response_code::polling_full) == any(wait{1000ms}));
    CHECK(after(response_code::system_error) == any(wait{1000ms}));
    CHECK(after(response_code::topic_not_exist) == any(wait{1000ms}));
    loop.failed();
    CHECK(loop.next(0, 0) == any(wait{1000ms}));
    CHECK(loop.next(0, 0) == any(request{}));
    CHECK(pop_loop::is_empty_poll(response_code::polling_timeout));
    CHECK(pop_loop::is_empty_poll(response_code::pull_not_found));
    CHECK_FALSE(pop_loop::is_empty_poll(response_code::polling_full));
}

} // namespace
