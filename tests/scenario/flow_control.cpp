#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::each_once;
using test::message_span;
using test::slow_result;
using test::slow_virtual_member;
using test::virtual_cluster;

/// A listener whose calls wait until it is opened; those for one body only, if there is one.
struct gate {
    explicit gate(virtual_cluster& in, std::string body = {}) : cluster(in), only(std::move(body)) {}

    slow_result operator()(message_span messages, consume_context&) {
        const bool held = only.empty() || messages.front().body() == only;
        while (held && !open)
            co_await test::pause_for(cluster.runtime, 10ms);
        co_return consume_result::success;
    }

    virtual_cluster& cluster;
    std::string only;
    bool open = false;
};

std::uint64_t pulls_sent(virtual_cluster& cluster) {
    return cluster.broker().statistics().requests_of(protocol::request_code::pull_message);
}

TEST_CASE("a queue with too many messages waiting is not pulled until some are finished", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 1000);
    auto with                = cluster.member_options();
    with.max_cached_messages = 100;
    with.consume_threads     = 4;
    gate holding(cluster);
    slow_virtual_member one(cluster, "one", with, std::ref(holding));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);

    const auto full = one.statistics();
    CHECK(full.cached_messages > 100);
    CHECK(full.cached_messages <= 100 + 32); // the last pull may go beyond the limit
    const auto& queue = *std::ranges::find(full.queues, "orders", [](const auto& each) { return each.queue.topic; });
    CHECK(queue.flow == flow_state::too_many_messages);
    CHECK(queue.running);
    CHECK(queue.committable == 0);
    REQUIRE(one.count("flow_control") == 1); // told once
    CHECK(one.events("flow_control")[0].about == "orders/0");
    const auto pulled = pulls_sent(cluster);
    cluster.runtime.advance(10s);
    CHECK(pulls_sent(cluster) <= pulled + 1); // the held one of the retry topic

    holding.open    = true;
    const auto open = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return one.received().size() == 1000; }));
    CHECK(cluster.runtime.now() - open < 1s);
    CHECK(each_once(one, 1000));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1000);
}

TEST_CASE("a queue with too many bytes waiting is not pulled until some are finished", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    const std::string body(64 * 1024, 'x');
    for (int i = 0; i < 60; ++i)
        cluster.broker().send("orders", std::to_string(i) + body);
    auto with             = cluster.member_options();
    with.max_cached_bytes = 1 << 20;
    gate holding(cluster);
    slow_virtual_member one(cluster, "one", with, std::ref(holding));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);

    const auto full = one.statistics();
    CHECK(full.cached_bytes > (1 << 19));
    CHECK(full.cached_bytes <= (1 << 20));
    CHECK(full.block_bytes <= (1 << 20) + 64 * 1024); // what the frames really hold, and the block that is read into
    REQUIRE(one.count("flow_control") == 1);
    CHECK(one.events("flow_control")[0].number == static_cast<int>(flow_state::too_many_bytes));
    holding.open = true;
    REQUIRE(cluster.run_until([&] { return one.received().size() == 60; }));
    CHECK(each_once(one, 60));
}

TEST_CASE("one message that is stuck bounds how far its queue goes on, and its offset is not passed", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 500);
    auto with     = cluster.member_options();
    with.max_span = 50;
    gate holding(cluster, "m7");
    slow_virtual_member one(cluster, "one", with, std::ref(holding));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(11s);

    CHECK(one.received().size() > 50);
    CHECK(one.received().size() <= 7 + 50 + 1 + 32);
    CHECK(cluster.committed("orders", 1) == 7);
    REQUIRE(one.count("flow_control") == 1);
    CHECK(one.events("flow_control")[0].number == static_cast<int>(flow_state::too_wide_a_span));
    const auto stuck  = one.statistics();
    const auto& queue = *std::ranges::find(stuck.queues, "orders", [](const auto& each) { return each.queue.topic; });
    CHECK(queue.cached.span > 50);
    CHECK(queue.cached.messages <= 32); // the batch of the stuck one; the others were let go

    holding.open = true;
    REQUIRE(cluster.run_until([&] { return one.received().size() == 500; }));
    CHECK(each_once(one, 500));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 500);
}

TEST_CASE("a queue that is full does not hold up another", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    for (int i = 0; i < 200; ++i)
        cluster.broker().send("orders", "stuck", {.queue = 0});
    for (int i = 0; i < 200; ++i)
        cluster.broker().send("orders", "free", {.queue = 1});
    auto with                = cluster.member_options();
    with.max_cached_messages = 10;
    with.consume_threads     = 100;
    gate holding(cluster, "stuck");
    slow_virtual_member one(cluster, "one", with, std::ref(holding));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.counts()["free"] == 200; }, 5s));
    CHECK(one.counts()["stuck"] <= 10 + 32);
}

} // namespace
