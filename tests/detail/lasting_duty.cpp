#include <rocketpush/detail/lasting_duty.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;

struct worker {
    explicit worker(manual_runtime in) : runtime(std::move(in)) {}

    manual_runtime runtime;
    int begun    = 0;
    int failures = 0; ///< Of the next times that it begins.
    bool wanted  = true;
};

detail::awaitable<void, manual_runtime::executor_type> work(std::shared_ptr<worker> self) {
    ++self->begun;
    manual_runtime::timer turn(self->runtime);
    while (self->wanted) {
        turn.expires_at(self->runtime.now() + 10ms);
        co_await turn.async_wait(detail::await_tuple<manual_runtime::executor_type>);
        if (self->failures-- > 0)
            throw std::runtime_error("on purpose");
    }
}

struct duty_fixture {
    manual_runtime runtime;
    std::shared_ptr<worker> self = std::make_shared<worker>(runtime);

    void begin() {
        asio::co_spawn(runtime.get_executor(), detail::lasting_duty(runtime, self, &work), asio::detached);
        runtime.run_ready();
    }
};

TEST_CASE_METHOD(duty_fixture, "a duty that throws begins anew a second later, as often as it throws", "[lasting_duty]") {
    self->failures = 2;
    begin();
    CHECK(self->begun == 1);
    runtime.advance(1009ms);
    CHECK(self->begun == 1);
    runtime.advance(1ms);
    CHECK(self->begun == 2);
    runtime.advance(1010ms);
    CHECK(self->begun == 3);
    runtime.advance(1min);
    CHECK(self->begun == 3);
}

TEST_CASE_METHOD(duty_fixture, "a duty that returns is over, and lets go of its owner", "[lasting_duty]") {
    begin();
    CHECK(self.use_count() > 1);
    self->wanted = false;
    runtime.advance(10ms);
    CHECK(self.use_count() == 1);
    runtime.advance(1min);
    CHECK(self->begun == 1);
}

TEST_CASE_METHOD(duty_fixture, "a duty that threw when it was wanted no longer ends at its next begin", "[lasting_duty]") {
    self->failures = 1;
    begin();
    self->wanted = false;
    runtime.advance(2s);
    CHECK(self->begun == 2);
    CHECK(self.use_count() == 1);
}

} // namespace
