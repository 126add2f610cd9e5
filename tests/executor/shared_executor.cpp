#include <rocketpush/executor/asio_executor.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/shared_executor.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <future>
#include <latch>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tests/support/archetypes/executor_policy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/laws/executor_policy.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::batch_job;

// It is what the executor is that it shares.
static_assert(shared_executor<thread_pool_executor>::concurrent && !shared_executor<inline_executor>::concurrent);
static_assert(executor_policy<shared_executor<test::executor_archetype>> &&
              !has_asio_executor<shared_executor<test::executor_archetype>> &&
              !executes_together<shared_executor<test::executor_archetype>>);
static_assert(has_asio_executor<shared_executor<asio_executor<asio::io_context::executor_type>>>);

TEST_CASE("a share of a pool keeps the laws of every executor", "[executor]") {
    test::check_executor_laws([] { return shared_executor(thread_pool_executor()); });
}

TEST_CASE("a share keeps the laws while another share's jobs run on the same pool", "[executor]") {
    test::check_executor_laws([] {
        shared_executor pool{thread_pool_executor()};
        pool.start(4);
        batch_job others(50, [](int) { std::this_thread::yield(); });
        shared_executor<> other(pool);
        other.execute(others);
        return pool;
    });
}

TEST_CASE("shares run on the threads of one pool, whose number is the first one's", "[executor]") {
    shared_executor one{thread_pool_executor()};
    auto two = one;
    one.start(3);
    two.start(20);
    CHECK(two.concurrency() == 3);
    two.resize(5);
    CHECK(one.concurrency() == 5);
    CHECK(one.get_executor() == two.get_executor());
    test::job_archetype any(0);
    one.execute(any);
    two.execute_all(std::span(&any, 1));
    CHECK(two.join(30s));
    CHECK(one.join(30s));
}

/// A pool of one thread that is at a job of somebody until it is let go.
struct blocked_pool {
    explicit blocked_pool(std::size_t threads) : pool(thread_pool_executor(threads)), somebody(pool) {
        somebody->start(0);
        somebody->execute(batch_job(1, [this, released = release.get_future().share()](int) {
            runs.count_down();
            released.wait(); // a copy's: we may have gone when it returns
        }));
        runs.wait();
    }

    std::promise<void> release;
    std::latch runs{1};
    shared_executor<> pool;
    std::optional<shared_executor<>> somebody;
};

TEST_CASE("a join waits for the jobs of its own share, and leaves the others at work", "[executor]") {
    blocked_pool blocked(2);
    auto mine = blocked.pool;
    const batch_job<void (*)(int)> job(3, [](int) {});
    std::vector jobs(10, job);
    mine.execute_all(std::span(jobs));
    CHECK(mine.join(30s)); // while somebody's job hangs
    CHECK(job.done() == 3);
    CHECK_FALSE(blocked.somebody->join(1ms));
    auto later = blocked.pool; // the pool goes on for others
    batch_job more(3, [](int) {});
    later.execute(more);
    CHECK(later.join(30s));
    CHECK(more.done() == 3);
    blocked.release.set_value();
}

TEST_CASE("what a share has queued behind others at its join's limit is dropped, and theirs is not", "[executor]") {
    blocked_pool blocked(1);
    batch_job given_up(3, [](int) {});
    batch_job kept(3, [](int) {});
    {
        auto mine = blocked.pool;
        mine.execute(given_up);
        auto other = blocked.pool;
        other.execute(kept);
        CHECK(mine.join(1ms)); // none of its jobs runs, nor will
        blocked.release.set_value();
        CHECK(other.join(30s));
    }
    CHECK(given_up.done() == 0);
    CHECK(kept.done() == 3);
}

TEST_CASE("the pool lives until its last share has gone, which may be in one of its jobs", "[executor]") {
    std::promise<void> gone;
    std::latch handed_over(1);
    std::optional<shared_executor<>> last(shared_executor(thread_pool_executor(2)));
    last->start(0);
    last->execute(batch_job(1, [&](int) {
        handed_over.wait();
        last.reset();
        gone.set_value();
    }));
    handed_over.count_down();
    gone.get_future().wait();
    CHECK_FALSE(last);
}

TEST_CASE("on a thread of the pool a share does not wait for its jobs, which may need that thread", "[executor]") {
    shared_executor pool{thread_pool_executor(1)};
    pool.start(0);
    auto mine = pool, others = pool;
    batch_job job(3, [](int) {});
    std::promise<bool> joined;
    others.execute(batch_job(1, [&](int) {
        mine.execute(job);
        joined.set_value(mine.join(1h));
    }));
    CHECK(joined.get_future().get());
    CHECK(others.join(30s));
    CHECK(job.done() == 0);
}

} // namespace
