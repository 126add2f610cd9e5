#include <rocketpush/detail/signal_flag.hpp>

#include <chrono>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace std::chrono_literals;
using rocketpush::test::manual_runtime;
using flag    = rocketpush::detail::signal_flag<manual_runtime>;
using wake_up = rocketpush::detail::wake_up<manual_runtime>;
template <class T>
using task = rocketpush::detail::awaitable<T, manual_runtime::executor_type>;

task<void> count_after(flag& until, int& count) {
    co_await until.wait();
    ++count;
}

TEST_CASE("everybody who waits for a flag goes on when it is set, and nobody before", "[signal_flag]") {
    manual_runtime runtime;
    flag ready(runtime);
    int passed = 0;
    for (int i = 0; i < 3; ++i) asio::co_spawn(runtime.get_executor(), count_after(ready, passed), asio::detached);
    runtime.advance(1000h);
    CHECK(passed == 0);
    CHECK_FALSE(ready.is_set());
    ready.set();
    ready.set(); // again is nothing new
    runtime.run_ready();
    CHECK(ready.is_set());
    CHECK(passed == 3);

    asio::co_spawn(runtime.get_executor(), count_after(ready, passed), asio::detached);
    runtime.run_ready();
    CHECK(passed == 4); // who comes late does not wait
}

struct woken {
    bool by_somebody;
    std::chrono::steady_clock::duration after;
    bool operator==(const woken&) const = default;
};

task<void> record(manual_runtime& runtime, wake_up& up, std::chrono::milliseconds limit, std::vector<woken>& into) {
    const auto begin = runtime.now();
    const bool was   = co_await up.wait_until(begin + limit);
    const woken seen{was, runtime.now() - begin};
    into.push_back(seen);
}

TEST_CASE("a wake-up ends a wait early; without one it ends at its deadline", "[signal_flag]") {
    manual_runtime runtime;
    wake_up up(runtime);
    std::vector<woken> seen;

    asio::co_spawn(runtime.get_executor(), record(runtime, up, 100ms, seen), asio::detached);
    runtime.advance(99ms);
    CHECK(seen.empty());
    runtime.advance(1ms);
    CHECK(seen == std::vector<woken>{{false, 100ms}});

    asio::co_spawn(runtime.get_executor(), record(runtime, up, 100ms, seen), asio::detached);
    runtime.advance(30ms);
    up.wake();
    runtime.run_ready();
    REQUIRE(seen.size() == 2);
    CHECK(seen[1] == woken{true, 30ms});
}

TEST_CASE("a wake-up that comes before the wait is remembered, once", "[signal_flag]") {
    manual_runtime runtime;
    wake_up up(runtime);
    std::vector<woken> seen;
    up.wake();
    up.wake();
    asio::co_spawn(runtime.get_executor(), record(runtime, up, 100ms, seen), asio::detached);
    runtime.run_ready();
    CHECK(seen == std::vector<woken>{{true, 0ms}});
    asio::co_spawn(runtime.get_executor(), record(runtime, up, 100ms, seen), asio::detached);
    runtime.advance(1s);
    REQUIRE(seen.size() == 2);
    CHECK(seen[1] == woken{false, 100ms});
}

TEST_CASE("a deadline that has passed ends the wait at once", "[signal_flag]") {
    manual_runtime runtime;
    wake_up up(runtime);
    std::vector<woken> seen;
    asio::co_spawn(runtime.get_executor(), record(runtime, up, -5ms, seen), asio::detached);
    runtime.run_ready();
    CHECK(seen == std::vector<woken>{{false, 0ms}});
}

} // namespace
