#include <rocketpush/fetch/stall_watch.hpp>

#include <optional>
#include <string>
#include <utility>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr step_limits limits{.connect = 6s, .request = 6s, .poll = 30s, .release = 40s, .grace = 30s};

/// A queue that the test has look as it likes, seen every 10 s.
struct watched {
    stall_watch watch;
    queue_sight seen;
    stall_watch::time_point now{1000h};

    void enter(queue_step step, std::chrono::milliseconds wait = 0ms) {
        seen.mark.enter(step, now, wait == 0ms ? step_mark::time_point::max() : now + wait);
    }
    std::optional<stall> look() { return watch.look(seen, limits, now); }

    /// @return After how long it was seen stalled; nothing if not within `time`.
    std::optional<std::chrono::milliseconds> stalls_within(std::chrono::milliseconds time) {
        for (auto spent = 0ms; spent <= time; spent += 10s, now += 10s)
            if (look())
                return spent;
        return std::nullopt;
    }
};

TEST_CASE("each step has its own deadline, and some grace", "[fetch]") {
    for (const auto& [step, within] :
         {std::pair(queue_step::connecting, 36s), std::pair(queue_step::locking, 42s),
          std::pair(queue_step::reading_offset, 54s), std::pair(queue_step::asking, 60s),
          std::pair(queue_step::repositioning, 66s), std::pair(queue_step::handing_over, 70s)}) {
        INFO(to_string(step));
        watched queue;
        queue.enter(step);
        const auto found = queue.stalls_within(10min);
        REQUIRE(found);
        CHECK(*found > within);
        CHECK(*found <= within + 10s);
        CHECK(queue.look()->what == stall::kind::fetching);
        CHECK(queue.look()->step == step);
        queue.enter(queue_step::asking); // it has moved on
        CHECK_FALSE(queue.look());
    }
}

TEST_CASE("a wait is too long when its time has passed and the grace", "[fetch]") {
    watched queue;
    queue.enter(queue_step::waiting, 1h);
    CHECK_FALSE(queue.stalls_within(1h));
    CHECK(queue.stalls_within(1min));
}

TEST_CASE("a queue may be paused for ever while something is in its way; when nothing is, it has to go on", "[fetch]") {
    watched queue;
    queue.enter(queue_step::paused);
    CHECK_FALSE(queue.stalls_within(24h));
    queue.seen.may_fetch = true;
    const auto since     = queue.now;
    CHECK(queue.stalls_within(10min) == 40s);
    CHECK(queue.look() == stall{stall::kind::paused, queue_step::paused, since});
    queue.seen.may_fetch = false;
    CHECK_FALSE(queue.stalls_within(1h));
    for (int i = 0; i < 20; ++i) { // room comes and goes
        queue.seen.may_fetch = i % 2 == 0;
        CHECK_FALSE(queue.look());
        queue.now += 10s;
    }
    for (int i = 0; i < 20; ++i) { // each time another pause
        queue.seen.may_fetch = true;
        queue.enter(queue_step::paused);
        CHECK_FALSE(queue.look());
        queue.now += 10s;
    }
}

TEST_CASE(
    "a queue whose turn has not come, one that does not exist yet, and one that listener calls hold are not stalled",
    "[fetch]") {
    watched queue;
    CHECK_FALSE(queue.stalls_within(1h)); // nothing has begun
    queue.enter(queue_step::in_line);
    CHECK_FALSE(queue.stalls_within(1h));
    queue.enter(queue_step::handing_over);
    queue.seen.at_work = true;
    CHECK_FALSE(queue.stalls_within(1h));
    queue.seen.at_work = false;
    CHECK(queue.look());
}

TEST_CASE("in order, messages that nothing consumes though nothing holds them up are a stall", "[fetch]") {
    watched queue;
    queue.seen.left_over = true;
    for (int i = 0; i < 30; ++i) { // pulls come and go meanwhile
        queue.enter(queue_step::asking);
        const auto found = queue.look();
        CHECK(found.has_value() == (i > 3));
        if (found)
            CHECK(found->what == stall::kind::consuming);
        queue.now += 10s;
    }
    queue.seen.left_over = false;
    CHECK_FALSE(queue.look());
}

TEST_CASE("a stall is told once, until it is another one", "[fetch]") {
    watched queue;
    queue.enter(queue_step::asking);
    CHECK(queue.stalls_within(10min));
    const auto first = queue.look();
    CHECK(queue.watch.is_news(*first));
    queue.now += 10s;
    CHECK_FALSE(queue.watch.is_news(*queue.look()));
    queue.enter(queue_step::asking);
    CHECK(queue.stalls_within(10min));
    CHECK(queue.watch.is_news(*queue.look()));
    CHECK(to_string(stall{stall::kind::paused, queue_step::paused, {}}) ==
          "paused, though nothing is in its way any more");
    CHECK(to_string(*first) == "waiting for its broker's answer");
}

} // namespace
