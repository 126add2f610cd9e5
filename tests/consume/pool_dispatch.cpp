#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/consume/pool_dispatch.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using test::offsets;

/// Keeps jobs until a test runs them.
struct kept_jobs {
    static constexpr bool concurrent = true;

    std::shared_ptr<std::deque<std::function<void()>>> jobs = std::make_shared<std::deque<std::function<void()>>>();
    std::shared_ptr<int> wanted_help = std::make_shared<int>(0); ///< Jobs that did when they began to run.

    void start(std::size_t) noexcept {}
    template <executor_job Job>
    void execute(Job job) {
        jobs->emplace_back([job, helped = wanted_help]() mutable {
            *helped += std::as_const(job).wants_help();
            job();
        });
    }
    std::size_t concurrency() const noexcept { return 3; }
    void resize(std::size_t) noexcept {}
    bool join(std::chrono::milliseconds) noexcept { return true; }

    void run_one() {
        auto job = std::move(jobs->front());
        jobs->pop_front();
        job();
    }
};

struct host_type {
    using batch_type = pulled_batch<true>;
    std::vector<batch_type*> ran;

    void batch_ran(batch_type& batch) { ran.push_back(&batch); }
    void batch_has_failed(batch_type&) {}
};

/// A consumption whose listener takes as long as a test says, in virtual time.
struct stage {
    using listener_type    = std::function<void(const message_view&)>;
    using consumption_type = concurrent_consumption<listener_type, kept_jobs, no_observer, manual_runtime, host_type>;
    static_assert(consumption_type::by_pool);

    /// @param calls_known  The length of a call is known: no time at all.
    explicit stage(bool calls_known = true) {
        consumption.start(3, 1);
        if (!calls_known)
            return;
        dispatch(1);
        run_all();
        runtime.run_ready();
        consumption.collect(*host);
        host->ran.clear();
    }

    /// @param behind  The queue's maximum as the pull told it; 0: nothing is known to follow.
    pulled_batch<true>& dispatch(int messages, queue_offset behind = 0) {
        batches.push_back(std::make_unique<pulled_batch<true>>());
        test::fill(*batches.back(), pool, offsets(0, messages));
        batches.back()->origin.max_offset = behind;
        consumption.dispatch(*batches.back(), host);
        return *batches.back();
    }
    std::deque<std::function<void()>>& jobs() { return *consumption.executor().jobs; }
    void run_all() {
        while (!jobs().empty())
            consumption.executor().run_one();
    }

    manual_runtime runtime;
    detail::block_pool pool;
    std::vector<std::unique_ptr<pulled_batch<true>>> batches;
    std::shared_ptr<host_type> host = std::make_shared<host_type>();
    no_observer observer;
    listener_type inside = [](const message_view&) {};
    consumption_type consumption{[this](const message_view& m) { inside(m); }, kept_jobs(), observer, runtime};
};

TEST_CASE("calls count as long until one is known, then by what they take together", "[consumption]") {
    call_length length;
    CHECK(length.are_long(1));
    length.note(0, 1h); // nothing is known yet
    CHECK(length.are_long(1));
    length.note(10, 10us);
    CHECK_FALSE(length.are_long(50));
    CHECK(length.are_long(51));
    length.note(1, 1s); // one that blocked, or lost its core
    CHECK_FALSE(length.are_long(16));
    for (int i = 0; i < 6; ++i)
        length.note(1, 1s);
    CHECK(length.are_long(1));
    for (int i = 0; i < 100; ++i)
        length.note(32, 32us);
    CHECK_FALSE(length.are_long(32));
}

TEST_CASE_METHOD(stage, "batches of short calls are handed over together, when the strand's turn ends",
                 "[consumption]") {
    dispatch(32);
    dispatch(32);
    CHECK(jobs().empty());
    runtime.run_ready();
    CHECK(jobs().size() == 2);
    run_all();
    CHECK(host->ran.empty()); // nobody told the strand
    consumption.collect(*host);
    CHECK(host->ran.size() == 2);
    CHECK(host->ran.front() == batches[1].get()); // in the order in which they ran
}

TEST_CASE_METHOD(stage, "batches with more behind them are gathered, for a millisecond at most", "[consumption]") {
    dispatch(32, 100);
    runtime.run_ready();
    dispatch(32, 100);
    runtime.advance(999us);
    CHECK(jobs().empty());
    runtime.advance(1us);
    CHECK(jobs().size() == 2);
    run_all();
}

TEST_CASE_METHOD(stage, "eight that were gathered, or one that is its queue's last, are worth a thread",
                 "[consumption]") {
    for (int i = 0; i < 7; ++i)
        dispatch(32, 100);
    runtime.run_ready();
    CHECK(jobs().empty());
    dispatch(32, 100);
    runtime.run_ready();
    CHECK(jobs().size() == 8);
    run_all();

    dispatch(32, 100);
    dispatch(32, 32); // it is not late yet, and takes along what was gathered
    runtime.run_ready();
    CHECK(jobs().size() == 2);
    run_all();
    runtime.advance(1ms);
    CHECK(jobs().empty());
}

TEST_CASE_METHOD(stage, "nothing is gathered while looks are rare, for a call that hangs", "[consumption]") {
    dispatch(32);
    runtime.run_ready();
    auto& hung = *batches.back();
    hung.enter(); // somebody is at it, and does not go on
    jobs().clear();
    runtime.advance(1ms); // the next look is in 2 ms
    jobs().clear();
    dispatch(32, 100);
    runtime.run_ready();
    CHECK(jobs().size() == 1);
}

TEST_CASE_METHOD(stage, "nothing is gathered while somebody waits for room or for the end", "[consumption]") {
    dispatch(32, 100);
    runtime.run_ready();
    CHECK(jobs().empty());
    consumption.collect_soon(*host);
    runtime.run_ready();
    CHECK(jobs().size() == 1);
    run_all();
    runtime.run_ready();
    CHECK(host->ran.size() == 1);
}

TEST_CASE_METHOD(stage, "the strand hears of batches of short calls within a millisecond, by looking",
                 "[consumption]") {
    dispatch(3);
    runtime.run_ready();
    run_all();
    runtime.advance(1ms);
    CHECK(host->ran.size() == 1);
    CHECK(jobs().empty());
}

TEST_CASE_METHOD(stage, "a batch that stands still gets another thread, however short calls were", "[consumption]") {
    auto& batch = dispatch(4);
    inside      = [&](const message_view& m) {
        if (m.queue_offset() != 0)
            return;
        runtime.advance(1ms); // the first call blocks: until then there was progress, its own beginning
        CHECK(jobs().empty());
        runtime.advance(1ms);
        REQUIRE(jobs().size() == 1);
        run_all();
        CHECK(batch.unfinished_count() == 1); // the other messages did not wait
    };
    runtime.run_ready();
    REQUIRE(jobs().size() == 1);
    consumption.executor().run_one();
    CHECK(batch.unfinished_count() == 0);
    runtime.advance(1ms);
    CHECK(host->ran.size() == 1);
}

TEST_CASE_METHOD(stage, "no more threads are sent than the executor runs, and less and less often", "[consumption]") {
    auto& batch = dispatch(9);
    runtime.run_ready(); // and nobody runs the jobs
    std::size_t sent = 0;
    for (int i = 0; i < 500; ++i) {
        runtime.advance(1ms);
        sent = jobs().size();
    }
    CHECK(sent == 3);
    CHECK(batch.runners() == 3);
    run_all();
    CHECK(batch.unfinished_count() == 0);
    consumption.collect(*host);
    CHECK(host->ran.size() == 1);
}

TEST_CASE_METHOD(stage, "batches of long calls are handed over at once, and the strand is told of each end",
                 "[consumption]") {
    inside = [&](const message_view&) { runtime.advance(1s); };
    for (int i = 0; i < 7; ++i) { // one long call could be chance
        dispatch(1);
        runtime.run_ready();
        run_all();
        runtime.run_ready();
    }
    host->ran.clear();
    dispatch(2);
    dispatch(2);
    CHECK(jobs().size() == 2);
    consumption.executor().run_one();
    runtime.run_ready();
    CHECK(host->ran.size() == 1);
    consumption.executor().run_one();
    runtime.run_ready();
    CHECK(host->ran.size() == 2);
}

TEST_CASE("a batch that was handed over when calls counted as long recruits threads, though they are short when it runs",
          "[consumption]") {
    stage at(false);
    at.dispatch(4);
    auto& second = at.dispatch(4);
    REQUIRE(at.jobs().size() == 2); // both at once
    auto& helped = *at.consumption.executor().wanted_help;
    at.consumption.executor().run_one();
    CHECK(helped == 1);
    REQUIRE_FALSE(at.consumption.worth_a_thread(second));
    at.consumption.executor().run_one(); // nobody looks whether one of its calls hangs
    CHECK(helped == 2);
}

TEST_CASE_METHOD(stage, "who waits for a batch of short calls is told of it", "[consumption]") {
    dispatch(1);
    runtime.run_ready();
    consumption.collect_soon(*host);
    run_all();
    CHECK(host->ran.empty());
    runtime.run_ready();
    CHECK(host->ran.size() == 1);
}

TEST_CASE_METHOD(stage, "after shut nothing is looked at, and nothing is kept", "[consumption]") {
    dispatch(2);
    runtime.run_ready();
    consumption.shut();
    runtime.advance(1s);
    CHECK(jobs().size() == 1);
    run_all();
    runtime.advance(1s);
    CHECK(host->ran.empty());
    CHECK(host.use_count() == 1);
}

} // namespace
