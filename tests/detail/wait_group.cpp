#include <rocketpush/detail/wait_group.hpp>

#include <chrono>
#include <memory>
#include <optional>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace std::chrono_literals;
using rocketpush::test::manual_runtime;
using group = rocketpush::detail::wait_group<manual_runtime>;
using flag  = rocketpush::detail::signal_flag<manual_runtime>;
template <class T>
using task = rocketpush::detail::awaitable<T, manual_runtime::executor_type>;

task<void> until(flag& end) {
    co_await end.wait();
}

task<void> note_end(std::shared_ptr<group> all, bool& ended) {
    co_await all->wait();
    ended = true;
}

task<void> note_in_time(std::shared_ptr<group> all, std::chrono::steady_clock::time_point deadline,
                        std::optional<bool>& answer) {
    const bool in_time = co_await all->wait_until(deadline);
    answer             = in_time;
}

TEST_CASE("a wait for a group ends with the last of it", "[wait_group]") {
    manual_runtime runtime;
    flag first(runtime), second(runtime);
    bool ended     = false;
    const auto all = std::make_shared<group>(runtime);
    all->spawn(until(first));
    all->spawn(until(second));
    CHECK(all->running() == 2);
    asio::co_spawn(runtime.get_executor(), note_end(all, ended), asio::detached);
    runtime.run_ready();
    second.set();
    runtime.advance(1h);
    CHECK(all->running() == 1);
    CHECK_FALSE(ended);
    first.set();
    runtime.run_ready();
    CHECK(all->running() == 0);
    CHECK(ended);
}

TEST_CASE("a wait for nobody ends at once", "[wait_group]") {
    manual_runtime runtime;
    bool ended     = false;
    const auto all = std::make_shared<group>(runtime);
    asio::co_spawn(runtime.get_executor(), note_end(all, ended), asio::detached);
    runtime.run_ready();
    CHECK(ended);
}

TEST_CASE("a wait with a deadline says whether all ended in time", "[wait_group]") {
    manual_runtime runtime;
    flag first(runtime), second(runtime);
    std::optional<bool> in_time;
    const auto all = std::make_shared<group>(runtime);
    all->spawn(until(first));
    all->spawn(until(second));
    asio::co_spawn(runtime.get_executor(), note_in_time(all, runtime.now() + 1s, in_time), asio::detached);
    runtime.advance(500ms);
    first.set(); // one of two: the wait goes on
    runtime.advance(499ms);
    CHECK_FALSE(in_time.has_value());
    runtime.advance(1ms);
    CHECK(in_time == false);

    in_time.reset();
    asio::co_spawn(runtime.get_executor(), note_in_time(all, runtime.now() + 1s, in_time), asio::detached);
    runtime.advance(10ms);
    second.set();
    runtime.run_ready();
    CHECK(in_time == true);
}

TEST_CASE("what a group runs keeps it alive when its maker has let it go", "[wait_group]") {
    manual_runtime runtime;
    flag end(runtime);
    std::weak_ptr<group> seen;
    {
        const auto all = std::make_shared<group>(runtime);
        all->spawn(until(end));
        seen = all;
    }
    runtime.run_ready();
    CHECK_FALSE(seen.expired());
    end.set();
    runtime.run_ready();
    CHECK(seen.expired());
}

} // namespace
