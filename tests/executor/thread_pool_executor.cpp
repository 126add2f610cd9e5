#include <rocketpush/executor/thread_pool_executor.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "tests/support/archetypes/executor_policy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/laws/executor_policy.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::batch_job;

TEST_CASE("thread_pool_executor keeps the laws of every executor", "[executor]") {
    test::check_executor_laws([] { return thread_pool_executor(); });
}

TEST_CASE("thread_pool_executor lets a number of its constructor win over the one of start", "[executor]") {
    thread_pool_executor executor(2);
    CHECK(executor.concurrency() == 2);
    executor.start(20);
    CHECK(executor.concurrency() == 2);
    executor.execute(test::job_archetype(0));
}

TEST_CASE("a join gives up at its limit when a job hangs, and the job finds all it needs later", "[executor]") {
    std::promise<void> release;
    auto released = release.get_future().share();
    std::promise<int> finished;
    std::latch hanging(1);
    auto token = std::make_shared<int>(42);
    {
        thread_pool_executor executor(2);
        executor.start(0);
        batch_job job(1, [&, released, token](int) {
            hanging.count_down();
            released.wait();
            finished.set_value(*token);
        });
        executor.execute(job);
        hanging.wait();
        CHECK_FALSE(executor.join(1ms));
        CHECK_FALSE(executor.join(0ms)); // still
    }
    release.set_value(); // the executor has gone
    CHECK(finished.get_future().get() == 42);
}

TEST_CASE("a join that gives up drops the jobs that have not started", "[executor]") {
    std::promise<void> release;
    auto released = release.get_future().share();
    std::latch hanging(1);
    batch_job waiting(3, [](int) {});
    {
        thread_pool_executor executor(1);
        executor.start(0);
        executor.execute(batch_job(1, [&hanging, released](int) {
            hanging.count_down();
            released.wait();
        }));
        hanging.wait();
        executor.execute(waiting);
        CHECK_FALSE(executor.join(1ms));
    }
    release.set_value();
    CHECK(waiting.done() == 0);
}

TEST_CASE("a job may join the pool it runs on, and the pool waits for the other jobs only", "[executor]") {
    thread_pool_executor executor(2);
    executor.start(0);
    std::latch other_runs(1);
    std::promise<void> release;
    auto released = release.get_future().share();
    std::promise<bool> from_inside;
    batch_job other(1, [&](int) {
        other_runs.count_down();
        released.wait();
    });
    executor.execute(other);
    other_runs.wait();
    executor.execute(batch_job(1, [&](int) {
        release.set_value();
        from_inside.set_value(executor.join(30s));
    }));
    CHECK(from_inside.get_future().get());
    CHECK(other.done() == 1);
    CHECK(executor.join(30s));
}

TEST_CASE("a pool may be destroyed by one of its jobs", "[executor]") {
    std::promise<void> destroyed;
    std::latch handed_over(1); // no call of the pool may be under way in another thread
    std::optional<thread_pool_executor> executor(std::in_place, 3);
    executor->start(0);
    executor->execute(batch_job(1, [&](int) {
        handed_over.wait();
        executor.reset();
        destroyed.set_value();
    }));
    handed_over.count_down();
    destroyed.get_future().wait();
    CHECK_FALSE(executor);
}

TEST_CASE("a pool may be destroyed while its jobs run", "[executor]") {
    for (int round = 0; round < 20; ++round) {
        auto finished = std::make_shared<std::promise<void>>();
        auto done     = finished->get_future();
        auto release  = std::make_shared<std::promise<void>>();
        auto released = release->get_future().share();
        std::latch running(3);
        auto left = std::make_shared<std::atomic<int>>(3);
        {
            thread_pool_executor executor(3);
            executor.start(0);
            executor.execute(batch_job(3, [&running, released, left, finished](int) {
                running.count_down();
                released.wait();
                if (left->fetch_sub(1) == 1) finished->set_value();
            }));
            running.wait();
        }
        release->set_value();
        done.wait();
    }
}

TEST_CASE("resize adds threads for batches that wait, and takes threads away again", "[executor]") {
    thread_pool_executor executor(1);
    executor.start(0);
    CHECK(executor.concurrency() == 1);
    std::promise<void> release;
    auto released = release.get_future().share();
    std::latch hanging(1);
    executor.execute(batch_job(1, [&hanging, released](int) {
        hanging.count_down();
        released.wait();
    }));
    hanging.wait();
    std::promise<void> ran;
    executor.execute(batch_job(1, [&ran](int) { ran.set_value(); }));
    executor.resize(3);
    CHECK(executor.concurrency() == 3);
    ran.get_future().wait(); // on a new thread, the first one hangs
    release.set_value();
    executor.resize(1);
    CHECK(executor.concurrency() == 1);
    batch_job job(50, [](int) {});
    executor.execute(job);
    CHECK(executor.join(30s));
    CHECK(job.done() == 50);
    CHECK(job.most_copies() == 1);
}

TEST_CASE("handlers of listeners that are coroutines run on the pool's threads", "[executor]") {
    thread_pool_executor executor(2);
    executor.start(0);
    std::promise<std::thread::id> where;
    asio::post(executor.get_executor(), [&] { where.set_value(std::this_thread::get_id()); });
    CHECK(where.get_future().get() != std::this_thread::get_id());
    CHECK(executor.join(30s));
}

TEST_CASE("a join from two threads returns in both", "[executor]") {
    thread_pool_executor executor(2);
    executor.start(0);
    std::atomic<int> joined{0};
    {
        std::jthread one([&] { joined += executor.join(30s); });
        std::jthread two([&] { joined += executor.join(std::chrono::milliseconds::max()); });
    }
    CHECK(joined == 2);
}

} // namespace
