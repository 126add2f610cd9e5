#include <rocketpush/fetch/pull_loop.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using pull_action::any;
using pull_action::pause;
using pull_action::reposition;
using pull_action::request;
using pull_action::wait;

constexpr cache_level nothing_cached{};
constexpr pull_pace patient{.limits             = {.messages = 10, .bytes = 1000, .span = 100},
                            .interval           = 0ms,
                            .error_delay        = 1000ms,
                            .flow_control_delay = 20ms};

TEST_CASE("a pull loop begins at its first offset", "[pull]") {
    pull_loop loop(7, patient);
    CHECK(loop.offset() == 7);
    CHECK(loop.next(nothing_cached) == any(request{7}));
}

TEST_CASE("messages make it ask for the next ones at once", "[pull]") {
    pull_loop loop(7, patient);
    loop.found(39);
    CHECK(loop.offset() == 39);
    CHECK(loop.next(nothing_cached) == any(request{39}));
}

TEST_CASE("an interval stands between two pulls that found messages, once each", "[pull]") {
    auto slow     = patient;
    slow.interval = 50ms;
    pull_loop loop(7, slow);
    CHECK(loop.next(nothing_cached) == any(request{7}));
    loop.found(8);
    CHECK(loop.next(nothing_cached) == any(wait{50ms}));
    CHECK(loop.next(nothing_cached) == any(request{8}));
    loop.found_nothing(9); // the broker has held that one long enough
    CHECK(loop.next(nothing_cached) == any(request{9}));
}

TEST_CASE("a held pull that found nothing is asked again, from where the broker says", "[pull]") {
    pull_loop loop(7, patient);
    loop.found_nothing(7);
    CHECK(loop.next(nothing_cached) == any(request{7}));
    loop.found_nothing(500); // the broker's filter passed over these
    CHECK(loop.next(nothing_cached) == any(request{500}));
}

TEST_CASE("a failure delays the next pull of the same offset", "[pull]") {
    pull_loop loop(7, patient);
    for (const std::error_code why :
         {make_error_code(error::connection_closed), make_error_code(error::request_timed_out),
          make_error_code(response_code::system_error), make_error_code(response_code::subscription_not_latest)}) {
        loop.failed(why);
        CHECK(loop.next(nothing_cached) == any(wait{1000ms}));
        CHECK(loop.next(nothing_cached) == any(request{7}));
    }
}

TEST_CASE("a broker that limits the flow is asked again sooner", "[pull]") {
    pull_loop loop(7, patient);
    loop.failed(response_code::flow_control);
    CHECK(loop.next(nothing_cached) == any(wait{20ms}));
    CHECK(loop.next(nothing_cached) == any(request{7}));
}

TEST_CASE("a full queue makes the pull loop pause, then ask for the same offset", "[pull]") {
    pull_loop loop(7, patient);
    loop.found(18);
    CHECK(loop.next({11, 0, 11}) == any(pause{flow_state::too_many_messages}));
    CHECK(loop.next({11, 0, 11}) == any(pause{flow_state::too_many_messages}));
    CHECK(loop.next({10, 1001, 11}) == any(pause{flow_state::too_many_bytes}));
    CHECK(loop.next({1, 1, 101}) == any(pause{flow_state::too_wide_a_span}));
    CHECK(loop.next({10, 1000, 100}) == any(request{18}));
}

TEST_CASE("a suspended queue is not pulled, and one for which there is no memory only if it could be else", "[pull]") {
    pull_loop loop(7, patient);
    CHECK(loop.next(nothing_cached, flow_state::suspended) == any(pause{flow_state::suspended}));
    CHECK(loop.next({11, 0, 11}, flow_state::suspended) == any(pause{flow_state::suspended}));
    CHECK(loop.next(nothing_cached, flow_state::out_of_memory) == any(pause{flow_state::out_of_memory}));
    CHECK(loop.next({11, 0, 11}, flow_state::out_of_memory) == any(pause{flow_state::too_many_messages}));
    CHECK(loop.next(nothing_cached) == any(request{7}));
    loop.offset_illegal(9);
    CHECK(loop.next(nothing_cached, flow_state::suspended) == any(reposition{7, 9}));
}

TEST_CASE("limits hold from the moment when they are set", "[pull]") {
    pull_loop loop(7, patient);
    CHECK(loop.next({5, 0, 5}) == any(request{7}));
    loop.limit({.messages = 4, .bytes = 1000, .span = 100});
    CHECK(loop.next({5, 0, 5}) == any(pause{flow_state::too_many_messages}));
}

TEST_CASE("a broker that says \"again\" and does not move on is asked after the error delay", "[pull]") {
    pull_loop loop(7, patient);
    loop.found_nothing(7);
    loop.found_no_way();
    CHECK(loop.next(nothing_cached) == any(wait{1000ms}));
    CHECK(loop.next(nothing_cached) == any(request{7}));
}

TEST_CASE("a delay is waited for before the cache is looked at", "[pull]") {
    pull_loop loop(7, patient);
    loop.failed(error::request_timed_out);
    CHECK(loop.next({11, 0, 0}) == any(wait{1000ms}));
    CHECK(loop.next({11, 0, 0}) == any(pause{flow_state::too_many_messages}));
    CHECK(loop.next(nothing_cached) == any(request{7}));
}

TEST_CASE("an illegal offset is put right before anything else, full queue or not", "[pull]") {
    pull_loop loop(700, patient);
    loop.offset_illegal(0);
    CHECK(loop.next({11, 0, 0}) == any(reposition{700, 0}));
    CHECK(loop.offset() == 700); // what the broker offers is not believed
    CHECK(loop.next(nothing_cached) == any(request{700}));
}

TEST_CASE("when the master could not be asked either, the loop waits and asks again", "[pull]") {
    pull_loop loop(700, patient);
    loop.offset_illegal(0);
    CHECK(loop.next(nothing_cached) == any(reposition{700, 0}));
    loop.failed(error::connection_closed);
    CHECK(loop.next(nothing_cached) == any(wait{1000ms}));
    CHECK(loop.next(nothing_cached) == any(request{700}));
}

TEST_CASE("the master's range decides where to go on after an illegal offset", "[pull]") {
    // The group was away for longer than messages are kept.
    CHECK(corrected_offset({.asked = 5, .offered = 100, .minimum = 100, .maximum = 200}) == 100);
    // The queue was made anew and is shorter than before.
    CHECK(corrected_offset({.asked = 300, .offered = 200, .minimum = 100, .maximum = 200}) == 200);
    // Of what is there now, 180 is the first that we have not had.
    CHECK(corrected_offset({.asked = 300, .offered = 200, .minimum = 100, .maximum = 200, .unseen = 180}) == 180);
    CHECK(corrected_offset({.asked = 300, .offered = 200, .minimum = 100, .maximum = 200, .unseen = 5}) == 100);
    CHECK(corrected_offset({.asked = 300, .offered = 200, .minimum = 100, .maximum = 200, .unseen = 201}) == 200);
    CHECK(corrected_offset({.asked = 150, .offered = 0, .minimum = 100, .maximum = 200, .unseen = 120}) == 150);
    // A slave that lags refused what the master has.
    CHECK(corrected_offset({.asked = 150, .offered = 0, .minimum = 100, .maximum = 200}) == 150);
    CHECK(corrected_offset({.asked = 100, .offered = 0, .minimum = 100, .maximum = 200}) == 100);
    CHECK(corrected_offset({.asked = 200, .offered = 0, .minimum = 100, .maximum = 200}) == 200);
    // By choice what the queue still has comes again.
    CHECK(corrected_offset(
              {.asked = 300, .offered = 200, .minimum = 100, .maximum = 200, .when_beyond_end = beyond_end::first}) ==
          100);
    CHECK(corrected_offset(
              {.asked = 150, .offered = 0, .minimum = 100, .maximum = 200, .when_beyond_end = beyond_end::first}) ==
          150);
    // A topic that was deleted and made anew: its offsets are others, also those that it has.
    CHECK(corrected_offset({.asked = 300, .offered = 200, .minimum = 0, .maximum = 200, .made_anew = true}) == 0);
    CHECK(corrected_offset({.asked = 150, .offered = 150, .minimum = 0, .maximum = 200, .made_anew = true}) == 0);
    // An empty queue.
    CHECK(corrected_offset({.asked = 9, .offered = 0, .minimum = 0, .maximum = 0}) == 0);
    // A broken broker: a range that is none, and numbers that are no offsets.
    CHECK(corrected_offset({.asked = 300, .offered = 0, .minimum = 200, .maximum = 100}) == 200);
    CHECK(corrected_offset({.asked = 300, .offered = 0, .minimum = 200, .maximum = 100, .unseen = 150}) == 200);
    CHECK(corrected_offset({.asked = 300, .offered = 0, .minimum = -9, .maximum = -5}) == 0);
    CHECK(corrected_offset({.asked = 300, .offered = -7, .minimum = 0, .maximum = 0, .reset = true}) == 0);
    CHECK(corrected_offset({.asked = 300, .offered = 0, .minimum = -7, .maximum = 0, .made_anew = true}) == 0);
}

TEST_CASE("an administrator's reset is obeyed wherever it leads", "[pull]") {
    CHECK(corrected_offset({.asked = 150, .offered = 20, .minimum = 0, .maximum = 200, .reset = true}) == 20);
    CHECK(corrected_offset({.asked = 150, .offered = 180, .minimum = 0, .maximum = 0, .reset = true}) == 180);
}

} // namespace
