#include "tests/support/archetypes/runtime.hpp"

#include <rocketpush/runtime/runtime.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/laws/runtime.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using test::runtime_archetype;

// Near misses: one requirement less each.

struct executor_is_a_number : runtime_archetype {
    using executor_type = int;
};
static_assert(!has_runtime_executor<executor_is_a_number>);
static_assert(!runtime<executor_is_a_number>);

struct now_may_throw : runtime_archetype {
    std::chrono::steady_clock::time_point now() const { return {}; }
};
static_assert(!has_runtime_clocks<now_may_throw>);
static_assert(!runtime<now_may_throw>);

struct dates_of_another_clock : runtime_archetype {
    std::chrono::steady_clock::time_point system_now() const noexcept { return {}; }
};
static_assert(!has_runtime_clocks<dates_of_another_clock>);
static_assert(!runtime<dates_of_another_clock>);

struct timer_from_nothing : runtime_archetype {
    struct timer {
        void expires_at(std::chrono::steady_clock::time_point);
        void cancel();
        template <class Token>
        void async_wait(Token&&);
    };
};
static_assert(!has_runtime_timer<timer_from_nothing>);
static_assert(!runtime<timer_from_nothing>);

struct timer_cannot_be_cancelled : runtime_archetype {
    struct timer {
        explicit timer(const runtime_archetype&);
        void expires_at(std::chrono::steady_clock::time_point);
        template <class Token>
        void async_wait(Token&&);
    };
};
static_assert(!has_runtime_timer<timer_cannot_be_cancelled>);
static_assert(!runtime<timer_cannot_be_cancelled>);

struct thirty_two_bits : runtime_archetype {
    std::uint32_t random() const noexcept { return 4; }
};
static_assert(!has_runtime_random<thirty_two_bits>);
static_assert(!runtime<thirty_two_bits>);

struct join_says_nothing : runtime_archetype {
    void join(std::chrono::milliseconds) {}
};
static_assert(!has_runtime_thread<join_says_nothing>);
static_assert(!runtime<join_says_nothing>);

struct runtime_not_copied : runtime_archetype {
    using runtime_archetype::runtime_archetype;
    runtime_not_copied(const runtime_not_copied&) = delete;
};
static_assert(!runtime<runtime_not_copied>);

TEST_CASE("manual_runtime keeps the laws of every runtime", "[runtime]") {
    manual_runtime runtime;
    test::check_runtime_laws(runtime, [&] { runtime.advance(100ms); });
}

TEST_CASE("manual_runtime moves its clocks to each timer on the way", "[runtime]") {
    manual_runtime runtime;
    const auto begin        = runtime.now();
    const auto system_begin = runtime.system_now();
    manual_runtime::timer timer(runtime);
    std::vector<std::chrono::steady_clock::duration> rings;
    // A periodic timer: each ring sets the next.
    struct ring {
        manual_runtime& runtime;
        manual_runtime::timer& timer;
        std::vector<std::chrono::steady_clock::duration>& rings;
        std::chrono::steady_clock::time_point begin;
        void operator()(std::error_code ec) const {
            if (ec) return;
            rings.push_back(runtime.now() - begin);
            timer.expires_at(runtime.now() + 20s);
            timer.async_wait(*this);
        }
    };
    timer.expires_at(begin + 20s);
    timer.async_wait(ring{runtime, timer, rings, begin});

    runtime.advance(1min);
    CHECK(rings == std::vector<std::chrono::steady_clock::duration>{20s, 40s, 60s});
    CHECK(runtime.now() == begin + 1min);
    CHECK(runtime.system_now() == system_begin + 1min);
    CHECK(runtime.next_timer() == begin + 80s);

    CHECK(runtime.run_until([&] { return rings.size() == 5; }, 1h));
    CHECK(runtime.now() == begin + 100s);
    CHECK_FALSE(runtime.run_until([] { return false; }, 5s));
    CHECK(runtime.now() == begin + 105s);

    runtime.skew_system_clock(-1h);
    CHECK(runtime.system_now() == system_begin + 105s - 1h);
    CHECK(runtime.now() == begin + 105s);
}

TEST_CASE("manual_runtime runs waits of the same time in the order in which they began", "[runtime]") {
    manual_runtime runtime;
    manual_runtime::timer first(runtime), second(runtime);
    std::vector<int> order;
    second.expires_at(runtime.now() + 1s);
    first.expires_at(runtime.now() + 1s);
    first.async_wait([&](std::error_code) { order.push_back(1); });
    second.async_wait([&](std::error_code) { order.push_back(2); });
    runtime.advance(1s);
    CHECK(order == std::vector{1, 2});
}

TEST_CASE("manual_runtime draws the same numbers from the same seed", "[runtime]") {
    const manual_runtime one(7), same(7), other(8);
    const auto number = one.random();
    CHECK(number == same.random());
    CHECK(number != other.random());
}

TEST_CASE("manual_runtime drops what is still pending when it goes", "[runtime]") {
    const auto alive = std::make_shared<int>(0);
    {
        manual_runtime runtime;
        asio::co_spawn(
            runtime.get_executor(),
            [](manual_runtime inner, std::shared_ptr<int>) -> detail::awaitable<void, manual_runtime::executor_type> {
                manual_runtime::timer pause(inner);
                pause.expires_at(inner.now() + 1h);
                co_await pause.async_wait(detail::await_tuple<manual_runtime::executor_type>);
            }(runtime, alive),
            asio::detached);
        runtime.run_ready();
        CHECK(alive.use_count() == 2);
    }
    CHECK(alive.use_count() == 1);
}

} // namespace
