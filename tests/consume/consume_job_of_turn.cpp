#include <rocketpush/consume/consume_job.hpp>

#include <memory>
#include <optional>
#include <utility>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

struct counted_turn {
    static constexpr bool one_runner = true;

    int shares     = 0;
    bool unclaimed = true;
    void enter() { ++shares; }
    bool enter_if_running() {
        shares += shares != 0;
        return shares != 0;
    }
    bool leave() { return --shares == 0; }
    bool has_unclaimed() const noexcept { return unclaimed; }
};

struct recording_consumption {
    int runs = 0, lefts = 0;
    bool long_calls = true;

    template <class Job>
    void run(const Job& job, counted_turn& turn) {
        ++runs;
        CHECK(&job.work() == &turn);
    }
    bool worth_a_thread(const counted_turn&) const noexcept { return long_calls; }
    void left(counted_turn& turn, std::shared_ptr<int>&) {
        ++lefts;
        CHECK(turn.shares == 0);
    }
};

using job = consume_job<recording_consumption, counted_turn, std::shared_ptr<int>>;

struct turn_fixture {
    recording_consumption consumption;
    counted_turn turn;
    std::shared_ptr<int> owner = std::make_shared<int>(1);
};

TEST_CASE_METHOD(turn_fixture, "the last copy of a turn's job that goes is told", "[orderly]") {
    {
        const job first(consumption, turn, owner);
        {
            const job second = first; // NOLINT: a copy
            CHECK(turn.shares == 2);
            second();
        }
        CHECK(consumption.lefts == 0);
    }
    CHECK(consumption.runs == 1);
    CHECK(consumption.lefts == 1);
}

TEST_CASE_METHOD(turn_fixture, "a turn wants a thread if calls are long, and no help when an executor starts it",
                 "[orderly]") {
    job fresh(consumption, turn, owner);
    CHECK(fresh.wants_thread());
    const job kept(std::move(fresh));
    CHECK(kept.wants_thread()); // an executor may wrap what it gets
    CHECK_FALSE(kept.wants_help());
    consumption.long_calls = false;
    CHECK_FALSE(kept.wants_thread());
}

TEST_CASE_METHOD(turn_fixture, "a turn that nobody looks at again gets a thread, though calls have become short since that was decided",
                 "[orderly]") {
    consumption.long_calls = false;
    const job made(job::unwatched(consumption, turn, owner));
    CHECK(turn.shares == 1);
    CHECK(made.wants_thread());
    CHECK_FALSE(made.wants_help()); // one will do
    turn.unclaimed = false;
    CHECK_FALSE(made.wants_thread());
}

TEST_CASE_METHOD(turn_fixture, "an urgent job wants a thread as long as nobody has begun the turn", "[orderly]") {
    CHECK_FALSE(job::urgent(consumption, turn, owner)); // nothing to help
    consumption.long_calls = false;
    const job first(consumption, turn, owner);
    auto more = job::urgent(consumption, turn, owner);
    REQUIRE(more);
    CHECK(turn.shares == 2);
    const job handed(std::move(*more));
    CHECK(handed.wants_thread());
    CHECK_FALSE(handed.wants_help());
    turn.unclaimed = false;
    CHECK_FALSE(handed.wants_thread());
}

} // namespace
