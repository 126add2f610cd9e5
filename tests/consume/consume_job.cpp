#include <rocketpush/consume/consume_job.hpp>

#include <memory>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

struct counted_batch {
    static constexpr bool one_runner = false;

    int runners    = 0;
    bool unclaimed = true;
    void enter() { ++runners; }
    bool leave() { return --runners == 0; }
    bool has_unclaimed() const noexcept { return unclaimed; }
};

struct recording_consumption {
    int runs = 0, lefts = 0;
    bool long_calls = true;
    std::shared_ptr<int> owner_at_the_end;

    template <class Job>
    void run(const Job& job, counted_batch& batch) {
        ++runs;
        CHECK(&job.work() == &batch);
        CHECK(batch.runners > 0);
    }
    bool worth_a_thread(const counted_batch&) const noexcept { return long_calls; }
    void left(counted_batch& batch, std::shared_ptr<int>& owner) {
        ++lefts;
        CHECK(batch.runners == 0);
        owner_at_the_end = std::move(owner);
    }
};

using job = consume_job<recording_consumption, counted_batch, std::shared_ptr<int>>;

struct job_fixture {
    recording_consumption consumption;
    counted_batch batch;
    std::shared_ptr<int> owner = std::make_shared<int>(1);
};

TEST_CASE_METHOD(job_fixture, "each copy of a job counts, and the last one that goes is told", "[consume_job]") {
    {
        const job first(consumption, batch, owner);
        CHECK(batch.runners == 1);
        {
            const job second = first; // NOLINT: another runner
            CHECK(batch.runners == 2);
            second();
        }
        CHECK(batch.runners == 1);
        CHECK(consumption.lefts == 0);
        first();
    }
    CHECK(batch.runners == 0);
    CHECK(consumption.runs == 2);
    CHECK(consumption.lefts == 1);
    CHECK(consumption.owner_at_the_end == owner);
}

TEST_CASE_METHOD(job_fixture, "a moved job counts once", "[consume_job]") {
    {
        job first(consumption, batch, owner);
        job second(std::move(first));
        CHECK(batch.runners == 1);
        std::vector<job> kept;
        kept.push_back(std::move(second));
        kept.reserve(100);
        CHECK(batch.runners == 1);
        CHECK(consumption.lefts == 0);
    }
    CHECK(consumption.lefts == 1);
}

TEST_CASE_METHOD(job_fixture, "a job that is dropped without having run is told as well", "[consume_job]") {
    { const job dropped(consumption, batch, owner); }
    CHECK(consumption.runs == 0);
    CHECK(consumption.lefts == 1);
}

TEST_CASE_METHOD(job_fixture, "assigning a job ends the one that was there", "[consume_job]") {
    counted_batch other;
    {
        job first(consumption, batch, owner);
        const job second(consumption, other, owner);
        first = second;
        CHECK(batch.runners == 0);
        CHECK(consumption.lefts == 1);
        CHECK(other.runners == 2);
        CHECK(&first.work() == &other);
    }
    CHECK(consumption.lefts == 2);
}

TEST_CASE_METHOD(job_fixture, "a job wants help while something is unclaimed", "[consume_job]") {
    const job only(consumption, batch, owner);
    CHECK(only.wants_help());
    batch.unclaimed = false;
    CHECK_FALSE(only.wants_help());
}

} // namespace
