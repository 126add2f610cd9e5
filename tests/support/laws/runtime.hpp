#ifndef ROCKETPUSH_TESTS_SUPPORT_LAWS_RUNTIME_HPP
#define ROCKETPUSH_TESTS_SUPPORT_LAWS_RUNTIME_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <chrono>
#include <memory>
#include <set>
#include <system_error>
#include <vector>

#include "tests/support/catch.hpp"

namespace rocketpush::test {

/**
 * @brief What every runtime promises; see its concept.
 * @param runtime  Without a thread of its own: handlers run in `drive` only.
 * @param drive    Runs handlers until none is left, the ones of timers within the next 100 ms too.
 */
template <runtime R, class Drive>
void check_runtime_laws(R runtime, Drive drive) {
    using namespace std::chrono_literals;
    using timer = typename R::timer;
    const R copy(runtime);

    CHECK_FALSE(runtime.owns_thread());
    runtime.start(); // does nothing
    CHECK(runtime.join(0ms));
    CHECK(copy.get_executor() == runtime.get_executor());

    // Nothing runs inside of post, and nothing inside of another handler.
    std::vector<int> order;
    asio::post(runtime.get_executor(), [&] {
        order.push_back(1);
        asio::post(runtime.get_executor(), [&] { order.push_back(3); });
        order.push_back(2);
    });
    CHECK(order.empty());
    drive();
    CHECK(order == std::vector{1, 2, 3});
    CHECK_FALSE(runtime.running_in_this_thread());

    // Waits complete in the order of their times, not before them, on copies too.
    order.clear();
    bool too_early = false;
    timer late(runtime), early(copy), between(runtime);
    const auto begin = runtime.now();
    const auto wait  = [&](timer& of, std::chrono::milliseconds after) {
        of.expires_at(begin + after);
        of.async_wait([&, after](std::error_code ec) {
            too_early = too_early || ec || runtime.now() < begin + after;
            order.push_back(static_cast<int>(after.count()));
        });
    };
    wait(late, 9ms);
    wait(early, 1ms);
    wait(between, 5ms);
    CHECK(order.empty());
    drive();
    CHECK(order == std::vector{1, 5, 9});
    CHECK_FALSE(too_early);
    CHECK(runtime.now() >= begin + 9ms);

    // What is due already completes as well, and later than the call.
    bool passed = false;
    late.expires_at(begin);
    late.async_wait([&](std::error_code ec) { passed = !ec; });
    CHECK_FALSE(passed);
    drive();
    CHECK(passed);

    // A wait ends early by cancel(), by another time, and by the timer's end; never inside of the call.
    std::vector<std::error_code> ends;
    const auto remember = [&](std::error_code ec) { ends.push_back(ec); };
    auto gone           = std::make_unique<timer>(runtime);
    gone->expires_at(runtime.now() + 1h);
    gone->async_wait(remember);
    early.expires_at(runtime.now() + 1h);
    early.async_wait(remember);
    late.expires_at(runtime.now() + 1h);
    late.async_wait(remember);
    early.cancel();
    late.expires_at(runtime.now() + 2h);
    gone.reset();
    CHECK(ends.empty());
    drive();
    CHECK(ends == std::vector<std::error_code>(3, asio::error::operation_aborted));
    early.cancel(); // nothing waits

    // Random numbers are not repeated, on copies neither.
    std::set<std::uint64_t> numbers;
    for (int i = 0; i < 100; ++i) numbers.insert((i % 2 == 0 ? runtime : copy).random());
    CHECK(numbers.size() == 100);

    // Coroutines await the timer.
    bool awaited = false;
    asio::co_spawn(
        runtime.get_executor(),
        [](R inner, bool& done) -> detail::awaitable<void, typename R::executor_type> {
            timer pause(inner);
            pause.expires_at(inner.now() + 1ms);
            const auto [ec] = co_await pause.async_wait(detail::await_tuple<typename R::executor_type>);
            done            = !ec && inner.running_in_this_thread();
        }(runtime, awaited),
        asio::detached);
    drive();
    CHECK(awaited);
}

} // namespace rocketpush::test

#endif
