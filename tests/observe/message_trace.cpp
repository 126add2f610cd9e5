#include <rocketpush/observe/log_observer.hpp>
#include <rocketpush/observe/message_trace.hpp>
#include <rocketpush/observe/observer_desk.hpp>

#include <chrono>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

/// Stands for an observer_access where only the question is asked.
struct some_access;
static_assert(attaches<message_trace, some_access> && attaches<observers<log_observer, message_trace>, some_access>);
static_assert(!attaches<log_observer, some_access> && !attaches<observers<log_observer>, some_access>);
static_assert(follows_calls<message_trace> && !follows_calls<log_observer>);

std::string refusal(const trace_settings& with) {
    try {
        message_trace made(with);
        return {};
    } catch (const std::system_error& refused) {
        return refused.what();
    }
}

TEST_CASE("trace settings are Java's, and those that cannot work are refused by name", "[message_trace]") {
    const trace_settings usual;
    CHECK(usual.topic == "RMQ_SYS_TRACE_TOPIC");
    CHECK(usual.batch == 10);
    CHECK(usual.queue == 2048);
    CHECK(usual.flush_interval == 5s);
    CHECK(usual.message_bytes == 128'000);
    CHECK(refusal(usual).empty());
    CHECK(refusal({.topic = "no topic"}).find("trace_settings::topic") == 0);
    CHECK(refusal({.batch = 0}).find("trace_settings::batch must be from 1 to 20") == 0);
    CHECK(refusal({.batch = 21}).find("batch") != std::string::npos);
    CHECK(refusal({.queue = 8}).find("queue") != std::string::npos);
    CHECK(refusal({.flush_interval = 1ms}).find("flush_interval") != std::string::npos);
    CHECK(refusal({.message_bytes = 10}).find("message_bytes") != std::string::npos);
}

TEST_CASE("a trace of a consumer that has not started hears calls and keeps nothing", "[message_trace]") {
    detail::block_pool pool;
    pulled_batch<false> batch;
    test::fill(batch, pool, {7});
    message_trace trace;
    trace.on_call_begun(batch.views({0, 1}), listener_call{1});
    trace.on_call_ended(batch.views({0, 1}), listener_call{1});
    message_trace moved(std::move(trace));
    CHECK(moved.settings().batch == 10);
}

} // namespace
