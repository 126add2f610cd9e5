#include <rocketpush/consume/call_watch.hpp>

#include <chrono>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;

struct follower : no_observer {
    std::vector<listener_call> begun, ended;
    void on_call_begun(std::span<const message_view>, const listener_call& call) { begun.push_back(call); }
    void on_call_ended(std::span<const message_view>, const listener_call& call) { ended.push_back(call); }
};

struct watch_fixture {
    manual_runtime runtime;
    follower observer;
    call_watch<follower, manual_runtime> watch{observer, runtime};
    detail::block_pool pool;
    pulled_batch<false> batch;
    std::span<const message_view> messages = (test::fill(batch, pool, {7}), batch.views({0, 1}));

    message_time now() const { return std::chrono::floor<std::chrono::milliseconds>(runtime.system_now()); }
};

TEST_CASE_METHOD(watch_fixture, "a call has one number from its begin to its end, and both times", "[call_watch]") {
    runtime.advance(1500us);
    const auto began = now();
    const auto call  = watch.begin(messages);
    runtime.advance(25ms);
    watch.end(messages, call, true);
    REQUIRE(observer.begun.size() == 1);
    REQUIRE(observer.ended.size() == 1);
    CHECK(observer.begun[0].number == observer.ended[0].number);
    CHECK(observer.begun[0].began() == began);
    CHECK(observer.ended[0].began() == began);
    CHECK(observer.ended[0].ended == began + 25ms);
    CHECK(observer.ended[0].outcome == call_outcome::succeeded);
}

TEST_CASE_METHOD(watch_fixture, "calls that begin in one millisecond have different numbers", "[call_watch]") {
    watch.begin(messages);
    watch.begin(messages);
    CHECK(observer.begun[0].number != observer.begun[1].number);
    CHECK(observer.begun[0].began() == observer.begun[1].began());
}

TEST_CASE_METHOD(watch_fixture, "an exception counts before a time-out, and that before what was answered",
                 "[call_watch]") {
    watch.start(1s);
    const auto outcome = [&](std::chrono::milliseconds took, bool succeeded, bool threw) {
        auto call = watch.begin(messages);
        if (threw)
            watch.threw(call);
        runtime.advance(took);
        watch.end(messages, call, succeeded);
        return observer.ended.back().outcome;
    };
    CHECK(outcome(1ms, true, false) == call_outcome::succeeded);
    CHECK(outcome(1ms, false, false) == call_outcome::failed);
    CHECK(outcome(1s, true, false) == call_outcome::timed_out);
    CHECK(outcome(2s, false, false) == call_outcome::timed_out);
    CHECK_FALSE(observer.ended.back().success);
    CHECK(outcome(2s, true, false) == call_outcome::timed_out);
    CHECK(observer.ended.back().success); // it is what was answered
    CHECK(outcome(2s, false, true) == call_outcome::threw);
}

TEST_CASE_METHOD(watch_fixture, "a call that is answered later is kept as a number", "[call_watch]") {
    const auto kept = watch.keep(watch.begin(messages));
    runtime.advance(3ms);
    watch.end(messages, watch.kept(kept, false), false);
    CHECK(observer.ended[0].number == observer.begun[0].number);
    CHECK(observer.ended[0].ended - observer.ended[0].began() == 3ms);
}

TEST_CASE("an observer that does not want calls this time hears of none", "[call_watch]") {
    struct unwilling : follower {
        bool wants_calls() const noexcept { return false; }
    };
    manual_runtime runtime;
    detail::block_pool pool;
    pulled_batch<false> batch;
    test::fill(batch, pool, {7});
    unwilling observer;
    call_watch<unwilling, manual_runtime> watch(observer, runtime);
    watch.start(1s);
    watch.end(batch.views({0, 1}), watch.begin(batch.views({0, 1})), true);
    CHECK(observer.begun.empty());
    CHECK(observer.ended.empty());
}

TEST_CASE("where nobody follows calls nothing is left of it", "[call_watch]") {
    using idle = call_watch<no_observer, manual_runtime>;
    static_assert(std::is_empty_v<idle> && std::is_empty_v<idle::call>);
    static_assert(!std::is_empty_v<call_watch<follower, manual_runtime>>);
    CHECK(idle::keep(idle::call()) == 0);
}

} // namespace
