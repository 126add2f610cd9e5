#include <rocketpush/push_consumer.hpp>

#include <rocketpush/executor/inline_executor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using test::message_span;
using test::recorder;
using test::slow_result;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

/// Listens slowly: each call takes so long.
auto takes(virtual_cluster& cluster, std::chrono::milliseconds time) {
    return [&cluster, time](message_span, consume_context&) -> slow_result {
        co_await test::pause_for(cluster.runtime, time);
        co_return consume_result::success;
    };
}

options of_small_cache(const virtual_cluster& cluster) {
    auto with                = cluster.member_options();
    with.max_cached_messages = 1;
    with.pull_batch_size     = 4;
    with.consume_threads     = 8;
    return with;
}

TEST_CASE("a queue whose wake-up was lost is set going again, and that is told", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 8);
    slow_virtual_member one(cluster, "one", of_small_cache(cluster), takes(cluster, 5s));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 4; }));
    cluster.runtime.advance(4900ms);
    REQUIRE(one.count("flow_control") == 1);
    cluster.runtime.be_deaf(true); // the calls end, and nobody tells the fetch loop
    cluster.runtime.advance(200ms);
    cluster.runtime.be_deaf(false);
    cluster.runtime.advance(29s);
    CHECK(one.received().size() == 4);
    CHECK(one.count("stalled") == 0);
    cluster.runtime.advance(20s);
    CHECK(one.received().size() == 8);
    REQUIRE(one.count("stalled") == 1);
    CHECK(one.events("stalled")[0].about == "orders/0: paused, though nothing is in its way any more");
    CHECK(one.events("stalled")[0].number > 30000);
    cluster.runtime.advance(10min);
    CHECK(one.count("stalled") == 1);
    CHECK(cluster.committed("orders", 1) == 8);
}

TEST_CASE("a popped queue whose wake-up was lost is set going again, and that is told", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.broker().set_request_mode("orders", "billing", {.mode = protocol::request_mode::pop});
    test::popping_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    one.suspend();
    cluster.runtime.advance(1min); // the pop that was held has come back
    cluster.send("orders", 8);
    cluster.runtime.be_deaf(true);
    one.resume();
    cluster.runtime.advance(200ms);
    cluster.runtime.be_deaf(false);
    cluster.runtime.advance(29s);
    CHECK(one.received().empty());
    CHECK(one.count("stalled") == 0);
    cluster.runtime.advance(20s);
    CHECK(test::each_once(one, 8));
    REQUIRE(one.count("stalled") == 2);
    const std::string paused = ": paused, though nothing is in its way any more";
    CHECK(one.events("stalled")[0].about == "%RETRY%billing/0" + paused);
    CHECK(one.events("stalled")[1].about == "orders/-1" + paused);
    CHECK(one.stop() == std::error_code());
}

/// The broker's offsets; the first one that is asked for takes ten minutes.
struct hanging_store : broker_offset_store {
    explicit hanging_store(manual_runtime& clock) : runtime(&clock) {}

    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access& access, message_queue queue) {
        if (std::exchange(hangs, false))
            co_await test::pause_for(*runtime, 10min);
        co_return co_await broker_offset_store::read(access, std::move(queue));
    }

    manual_runtime* runtime;
    bool hangs = true;
};

struct noting {
    std::shared_ptr<std::vector<std::string>> bodies = std::make_shared<std::vector<std::string>>();
    consume_result operator()(const message_view& message) const {
        bodies->emplace_back(message.body());
        return consume_result::success;
    }
};

TEST_CASE("a queue whose store does not answer is taken over anew, and the late answer changes nothing", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 8);
    auto with          = cluster.member_options();
    with.instance_name = "one";
    with.client_ip     = "10.0.0.1";
    const noting listener;
    consumer_of<noting, memory_transport, hanging_store, inline_executor, recorder, manual_runtime> one(
        with, listener, memory_transport(cluster.network), hanging_store(cluster.runtime), inline_executor(),
        recorder(cluster.events, "one"), cluster.runtime);
    one.subscribe("orders");
    std::optional<std::error_code> outcome;
    const auto note = [&](std::error_code code) { outcome = code; };
    one.async_start(note);
    REQUIRE(cluster.run_until([&] { return outcome == std::error_code(); }));
    cluster.runtime.advance(30s);
    CHECK(listener.bodies->empty());
    CHECK(cluster.events->count("stalled") == 0);
    cluster.runtime.advance(2min);
    CHECK(listener.bodies->size() == 8);
    CHECK(cluster.events->count("stalled") == 1);
    cluster.runtime.advance(15min);
    cluster.send("orders", 4, "later");
    cluster.runtime.advance(6s);
    CHECK(listener.bodies->size() == 12);
    CHECK(cluster.committed("orders", 1) == 12);
    CHECK(cluster.events->count("stalled") == 1);
    outcome.reset();
    one.async_stop(5s, note);
    CHECK(cluster.run_until([&] { return outcome == std::error_code(); }));
}

TEST_CASE("what waits on purpose is not stalled, however long", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    SECTION("a listener that takes its time, and the limit of what is cached") {
        cluster.send("orders", 20);
        auto with            = of_small_cache(cluster);
        with.consume_timeout = 24h;
        slow_virtual_member slow(cluster, "slow", with, takes(cluster, 3h));
        slow.subscribe("orders");
        REQUIRE(slow.start() == std::error_code());
        cluster.runtime.advance(2h);
        CHECK(slow.count("flow_control") > 0);
        slow.stop(0ms);
    }
    SECTION("a suspended consumer, and a suspended queue") {
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        one.suspend({"orders", "broker-a", 0});
        cluster.runtime.advance(1h);
        one.suspend();
        cluster.send("orders", 20);
        cluster.runtime.advance(1h);
        CHECK(one.received().size() < 20);
        one.resume();
        one.resume({"orders", "broker-a", 0});
        cluster.runtime.advance(1s);
        CHECK(one.received().size() == 20);
    }
    SECTION("queues without messages") {
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(2h);
    }
    SECTION("a broker that is away, or does not answer") {
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(1min);
        cluster.cut_off();
        cluster.runtime.advance(30min);
        cluster.reconnect();
        cluster.runtime.advance(1min);
        cluster.cut_off(memory_network::reach::silent);
        cluster.runtime.advance(30min);
        cluster.reconnect();
        cluster.runtime.advance(1min);
        cluster.broker().pause();
        cluster.runtime.advance(30min);
        cluster.broker().resume();
        cluster.send("orders", 20);
        cluster.runtime.advance(2min);
        CHECK(one.counts().size() == 20);
    }
    CHECK(cluster.events->count("stalled") == 0);
}

} // namespace
