#include <rocketpush/runtime/asio_runtime.hpp>

#include <asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "tests/support/archetypes/runtime.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/laws/runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

TEST_CASE("asio_runtime on a context of the user keeps the laws of every runtime", "[runtime]") {
    asio::io_context context;
    test::check_runtime_laws(asio_runtime(context.get_executor()), [&] {
        context.restart();
        context.run();
    });
}

TEST_CASE("strand_runtime keeps the laws of every runtime", "[runtime]") {
    asio::io_context context;
    test::check_runtime_laws(strand_runtime(context.get_executor()), [&] {
        context.restart();
        context.run();
    });
}

TEST_CASE("the archetype of a runtime keeps the laws but the one of random numbers", "[runtime]") {
    asio::io_context context;
    const test::runtime_archetype runtime(context.get_executor());
    CHECK(runtime.get_executor() == context.get_executor());
    CHECK(runtime.random() == runtime.random());
}

TEST_CASE("strand_runtime never runs two handlers at once, whatever the number of threads", "[runtime]") {
    asio::io_context context;
    strand_runtime runtime(context.get_executor());
    std::atomic<int> inside{0};
    bool overlap = false;
    int handlers = 0; // not atomic on purpose: the thread sanitizer looks
    for (int i = 0; i < 1000; ++i)
        asio::post(runtime.get_executor(), [&] {
            overlap = overlap || inside.fetch_add(1) != 0;
            ++handlers;
            inside.fetch_sub(1);
        });
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { context.run(); });
    threads.clear();
    CHECK_FALSE(overlap);
    CHECK(handlers == 1000);
}

TEST_CASE("a runtime is deduced from its executor", "[runtime]") {
    asio::io_context context;
    STATIC_REQUIRE(std::is_same_v<decltype(basic_asio_runtime(context.get_executor())), asio_runtime>);
    STATIC_REQUIRE(std::is_same_v<decltype(basic_asio_runtime(asio::make_strand(context))), strand_runtime>);
}

TEST_CASE("asio_runtime runs handlers on its own thread after start, and ends when nothing is left to do",
          "[runtime]") {
    asio_runtime runtime;
    CHECK(runtime.owns_thread());
    std::optional<std::thread::id> ran_on;
    asio::post(runtime.get_executor(),
               [&] { asio::post(runtime.get_executor(), [&] { ran_on = std::this_thread::get_id(); }); });
    CHECK_FALSE(ran_on);
    runtime.start();
    runtime.start();
    CHECK(runtime.join(10s));
    CHECK(runtime.join(10s));
    REQUIRE(ran_on);
    CHECK(*ran_on != std::this_thread::get_id());
}

TEST_CASE("asio_runtime that was never started ends at once", "[runtime]") {
    asio_runtime runtime;
    asio::post(runtime.get_executor(), [] {});
    CHECK(runtime.join(10s));
    runtime.start(); // too late, does nothing
    CHECK(runtime.join(10s));
}

TEST_CASE("asio_runtime leaves a hanging handler behind at the limit, with what it needs", "[runtime]") {
    std::promise<void> release;
    std::promise<bool> still_there;
    std::latch hanging(1);
    auto outcome = still_there.get_future();
    {
        asio_runtime runtime;
        runtime.start();
        asio::post(runtime.get_executor(), [&, released = release.get_future()]() mutable {
            hanging.count_down();
            released.wait();
            still_there.set_value(true);
        });
        hanging.wait();
        CHECK_FALSE(runtime.join(1ms));
        CHECK_FALSE(runtime.join(1ms));
    }
    release.set_value(); // the runtime has gone, its thread has not
    CHECK(outcome.get());
}

TEST_CASE("asio_runtime never joins itself", "[runtime]") {
    std::promise<bool> joined;
    {
        auto runtime = std::make_shared<asio_runtime>();
        runtime->start();
        asio::post(runtime->get_executor(), [&joined, runtime] { joined.set_value(runtime->join(10s)); });
        runtime.reset(); // the handler has the last one, and its end is on the runtime's thread
        CHECK_FALSE(joined.get_future().get());
    }
}

TEST_CASE("asio_runtime stops operations that would never end, at the limit of the join", "[runtime]") {
    asio_runtime runtime;
    asio_runtime::timer timer(runtime);
    timer.expires_at(runtime.now() + 1h);
    timer.async_wait([](std::error_code) {});
    runtime.start();
    CHECK(runtime.join(1ms));
}

} // namespace
