#include <rocketpush/executor/asio_executor.hpp>

#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include <chrono>
#include <memory>

#include "tests/support/archetypes/executor_policy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/laws/executor_policy.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::batch_job;

TEST_CASE("asio_executor on a pool of the user keeps the laws of every executor", "[executor]") {
    asio::thread_pool pool(4);
    test::check_executor_laws([&] { return asio_executor(pool.get_executor()); });
}

TEST_CASE("asio_executor runs jobs where the user runs the context", "[executor]") {
    asio::io_context context;
    asio_executor executor(context.get_executor());
    executor.start(3);
    executor.execute(test::job_archetype(0));
    batch_job job(5, [](int) {});
    executor.execute(job);
    CHECK(job.done() == 0);
    context.run();
    CHECK(job.done() == 5);
    CHECK(executor.join(0ms));
}

TEST_CASE("asio_executor lets a number of its constructor win over the one of start", "[executor]") {
    asio::io_context context;
    asio_executor executor(context.get_executor(), 2);
    executor.start(20);
    CHECK(executor.concurrency() == 2);
}

TEST_CASE("asio_executor does not wait on the thread that its jobs need, and drops them", "[executor]") {
    asio::io_context context;
    asio_executor executor(context.get_executor());
    executor.start(1);
    batch_job job(5, [](int) {});
    bool joined = false;
    asio::post(context, [&] {
        executor.execute(job);
        joined = executor.join(1h);
    });
    context.run();
    CHECK(joined);
    CHECK(job.done() == 0);
}

TEST_CASE("jobs of an asio_executor outlive it harmlessly", "[executor]") {
    asio::io_context context;
    batch_job job(5, [](int) {});
    {
        asio_executor executor(context.get_executor());
        executor.start(1);
        executor.execute(job);
    }
    context.run();
    CHECK(job.done() == 0); // dropped
}

} // namespace
