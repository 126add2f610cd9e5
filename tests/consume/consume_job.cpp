#include <rocketpush/consume/consume_job.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

/// A batch, or with one runner a turn.
template <bool OneRunner>
struct counted_work {
    static constexpr bool one_runner = OneRunner;

    int runners    = 0;
    bool unclaimed = true;
    void enter() { ++runners; }
    bool enter_if_running() {
        runners += runners != 0;
        return runners != 0;
    }
    bool leave() { return --runners == 0; }
    bool has_unclaimed() const noexcept { return unclaimed; }
};

template <class Work>
struct recording_consumption {
    int runs = 0, lefts = 0;
    bool long_calls = true;
    std::shared_ptr<int> owner_at_the_end;

    template <class Job>
    void run(const Job& job, Work& work) {
        ++runs;
        CHECK(&job.work() == &work);
        CHECK(work.runners > 0);
    }
    bool worth_a_thread(const Work&) const noexcept { return long_calls; }
    void left(Work& work, std::shared_ptr<int>& owner) {
        ++lefts;
        CHECK(work.runners == 0);
        owner_at_the_end = std::move(owner);
    }
};

template <bool OneRunner>
struct job_fixture {
    using work_type = counted_work<OneRunner>;
    using job       = consume_job<recording_consumption<work_type>, work_type, std::shared_ptr<int>>;

    recording_consumption<work_type> consumption;
    work_type work;
    std::shared_ptr<int> owner = std::make_shared<int>(1);
};
using of_batch = job_fixture<false>;
using of_turn  = job_fixture<true>;

TEST_CASE_METHOD(of_batch, "each copy of a job counts, and the last one that goes is told", "[consume_job]") {
    {
        const job first(consumption, work, owner);
        CHECK(work.runners == 1);
        {
            const job second = first; // NOLINT: another runner
            CHECK(work.runners == 2);
            second();
        }
        CHECK(work.runners == 1);
        CHECK(consumption.lefts == 0);
        first();
    }
    CHECK(work.runners == 0);
    CHECK(consumption.runs == 2);
    CHECK(consumption.lefts == 1);
    CHECK(consumption.owner_at_the_end == owner);
}

TEST_CASE_METHOD(of_batch, "a moved job counts once", "[consume_job]") {
    {
        job first(consumption, work, owner);
        job second(std::move(first));
        CHECK(work.runners == 1);
        std::vector<job> kept;
        kept.push_back(std::move(second));
        kept.reserve(100);
        CHECK(work.runners == 1);
        CHECK(consumption.lefts == 0);
    }
    CHECK(consumption.lefts == 1);
}

TEST_CASE_METHOD(of_batch, "a job that is dropped without having run is told as well", "[consume_job]") {
    { const job dropped(consumption, work, owner); }
    CHECK(consumption.runs == 0);
    CHECK(consumption.lefts == 1);
}

TEST_CASE_METHOD(of_batch, "assigning a job ends the one that was there", "[consume_job]") {
    work_type other;
    {
        job first(consumption, work, owner);
        const job second(consumption, other, owner);
        first = second;
        CHECK(work.runners == 0);
        CHECK(consumption.lefts == 1);
        CHECK(other.runners == 2);
        CHECK(&first.work() == &other);
    }
    CHECK(consumption.lefts == 2);
}

TEST_CASE_METHOD(of_batch, "a job wants help while something is unclaimed", "[consume_job]") {
    const job only(consumption, work, owner);
    CHECK(only.wants_help());
    work.unclaimed = false;
    CHECK_FALSE(only.wants_help());
}

TEST_CASE_METHOD(of_turn, "the last copy of a turn's job that goes is told", "[consume_job]") {
    {
        const job first(consumption, work, owner);
        {
            const job second = first; // NOLINT: a copy
            CHECK(work.runners == 2);
            second();
        }
        CHECK(consumption.lefts == 0);
    }
    CHECK(consumption.runs == 1);
    CHECK(consumption.lefts == 1);
}

TEST_CASE_METHOD(of_turn, "a turn wants a thread if calls are long, and no help when an executor starts it",
                 "[consume_job]") {
    job fresh(consumption, work, owner);
    CHECK(fresh.wants_thread());
    const job kept(std::move(fresh));
    CHECK(kept.wants_thread()); // an executor may wrap what it gets
    CHECK_FALSE(kept.wants_help());
    consumption.long_calls = false;
    CHECK_FALSE(kept.wants_thread());
}

TEST_CASE_METHOD(of_turn, "a turn that nobody looks at again gets a thread, though calls have become short since that was decided",
                 "[consume_job]") {
    consumption.long_calls = false;
    const job made(job::unwatched(consumption, work, owner));
    CHECK(work.runners == 1);
    CHECK(made.wants_thread());
    CHECK_FALSE(made.wants_help()); // one will do
    work.unclaimed = false;
    CHECK_FALSE(made.wants_thread());
}

TEST_CASE_METHOD(of_turn, "an urgent job wants a thread as long as nobody has begun the turn", "[consume_job]") {
    CHECK_FALSE(job::urgent(consumption, work, owner)); // nothing to help
    consumption.long_calls = false;
    const job first(consumption, work, owner);
    auto more = job::urgent(consumption, work, owner);
    REQUIRE(more);
    CHECK(work.runners == 2);
    const job handed(std::move(*more));
    CHECK(handed.wants_thread());
    CHECK_FALSE(handed.wants_help());
    work.unclaimed = false;
    CHECK_FALSE(handed.wants_thread());
}

} // namespace
