#include <rocketpush/push_consumer.hpp>

#include <rocketpush/executor/inline_executor.hpp>

#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <concepts>
#include <exception>
#include <future>
#include <memory>
#include <system_error>
#include <thread>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::tally;
using test::tcp_cluster;

struct noting {
    tally* into;
    void operator()(const message_view& message) const { into->note(message); }
};

using consumer_type = consumer_of<noting, inline_executor, no_observer>;

TEST_CASE("start and stop take a callback, also one that is only moved, and call it on the consumer's thread", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    consumer_type consumer(cluster.member_options(), noting{&got}, inline_executor(), no_observer());
    consumer.subscribe("orders");
    std::promise<std::thread::id> started;
    consumer.async_start([&, moved_only = std::make_unique<int>(1)](std::error_code failure) {
        CHECK_FALSE(failure);
        started.set_value(std::this_thread::get_id());
    });
    CHECK(started.get_future().get() != std::this_thread::get_id());
    CHECK(got.wait_for(10));
    std::promise<std::error_code> stopped;
    consumer.async_stop(5s, [&](std::error_code result) { stopped.set_value(result); });
    CHECK(stopped.get_future().get() == std::error_code());
    CHECK(cluster.committed() == 10);
}

TEST_CASE("start and stop take use_future, and failures are thrown by it", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    consumer_type consumer(cluster.member_options(), noting{&got});
    consumer.subscribe("orders");
    consumer.async_start(asio::use_future).get();
    CHECK(got.wait_for(10));
    try {
        consumer.async_start(asio::use_future).get();
        FAIL("it started twice");
    } catch (const std::system_error& refused) {
        CHECK(refused.code() == error::already_started);
    }
    consumer.async_stop(asio::use_future).get();
    CHECK(cluster.committed() == 10);
}

TEST_CASE("a handler with an executor of its own runs there, and its context waits for it", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    consumer_type consumer(cluster.member_options(), noting{&got});
    consumer.subscribe("orders");
    asio::io_context context;
    bool started = false, stopped = false;
    consumer.async_start(asio::bind_executor(context, [&](std::error_code failure) {
        started = !failure;
        consumer.async_stop(asio::bind_executor(context, [&](std::error_code result) { stopped = !result; }));
    }));
    context.run(); // in this thread; returns when nothing is under way for this context
    CHECK(started);
    CHECK(stopped);
}

asio::awaitable<void> start_and_stop(consumer_type& consumer, tally& got, bool& done) {
    co_await consumer.async_start(asio::use_awaitable);
    got.wait_for(10); // (a test may block its context)
    co_await consumer.async_stop(asio::use_awaitable);
    done = true;
}

TEST_CASE("start and stop can be awaited by a coroutine of another context", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    consumer_type consumer(cluster.member_options(), noting{&got});
    consumer.subscribe("orders");
    asio::io_context context;
    bool done = false;
    asio::co_spawn(context, start_and_stop(consumer, got, done), [](std::exception_ptr thrown) {
        if (thrown)
            std::rethrow_exception(thrown);
    });
    context.run();
    CHECK(done);
    CHECK(got.sum() == 10);
    CHECK(cluster.committed() == 10);
}

TEST_CASE("a consumer lives on its user's context, which one thread runs for everything", "[scenario]") {
    tcp_cluster cluster(100);
    tally got;
    asio::io_context context;
    bool stopped = false;
    {
        push_consumer consumer{cluster.member_options(), noting{&got}, asio_runtime{context.get_executor()}, no_observer(),
                               inline_executor()};
        static_assert(std::same_as<decltype(consumer), consumer_type>);
        consumer.subscribe("orders");
        consumer.async_start([&](std::error_code failure) { CHECK_FALSE(failure); });
        while (got.sum() < 100)
            context.run_one();
        consumer.async_stop([&](std::error_code result) { stopped = !result; });
        while (!stopped)
            context.run_one();
        CHECK(cluster.committed() == 100);
    }
    context.run(); // ends: nothing is left
}

TEST_CASE("the end of a consumer whose context nobody runs any more does not hang", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    asio::io_context context;
    auto with            = cluster.member_options();
    with.stop_timeout    = 10ms;
    with.request_timeout = 10ms;
    {
        consumer_type consumer(with, noting{&got}, asio_runtime{context.get_executor()});
        consumer.subscribe("orders");
        consumer.async_start([](std::error_code) {});
        while (got.sum() < 10)
            context.run_one();
    }
    CHECK(got.sum() == 10);
}

TEST_CASE("a listener that hangs on the consumer's own thread does not hold up stop beyond its deadline", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    auto release  = std::make_shared<std::promise<void>>();
    auto released = release->get_future().share();
    std::promise<void> returned;
    auto with            = cluster.member_options();
    with.request_timeout = 50ms;
    {
        push_consumer consumer{with,
                               [&got, &returned, released](const message_view& message) {
                                   got.note(message);
                                   released.wait();
                                   returned.set_value();
                               },
                               inline_executor(), no_observer()};
        consumer.subscribe("orders");
        consumer.start();
        got.wait_for(1);
        std::error_code failure;
        consumer.stop(failure, 50ms);
        CHECK(failure == error::stop_deadline_passed);
    }
    release->set_value(); // into a consumer that is gone
    returned.get_future().wait();
    CHECK(got.sum() == 1);
}

} // namespace
