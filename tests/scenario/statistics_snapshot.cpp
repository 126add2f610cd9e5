#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::message_span;
using test::slow_result;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

/// The figures of one queue of the topic.
queue_statistics of(const consumer_statistics& all, std::int32_t id, const std::string& topic = "orders") {
    for (const auto& one : all.queues)
        if (one.queue.topic == topic && one.queue.queue_id == id)
            return one;
    FAIL("no such queue");
    return {};
}

TEST_CASE("a snapshot tells what was done, of each queue and in all", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    for (int i = 0; i < 70; ++i)
        cluster.broker().send("orders", "m", {.queue = i < 40 ? 0 : 1});
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        return messages.front().queue_offset() == 5 && messages.front().queue_id() == 0 &&
                       messages.front().reconsume_times() == 0
                   ? consume_result::reconsume_later
                   : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    const auto now = one.statistics();
    CHECK(now.group == "billing");
    CHECK(now.client_id == "127.0.0.1@one");
    CHECK(now.counts.pulled == 70);
    CHECK(now.counts.pulls == 3); // 32 + 8 and 30
    CHECK(now.counts.pulled_bytes > 70 * 91);
    CHECK(now.counts.calls == 70);
    CHECK(now.counts.succeeded == 69);
    CHECK(now.counts.failed == 1);
    CHECK(now.counts.sent_back == 1);
    CHECK(now.counts.bad == 0);
    CHECK(now.counts.filtered == 0);
    CHECK(now.lag == 0);
    CHECK(now.cached_messages == 0);
    CHECK(now.cached_bytes == 0);
    REQUIRE(now.queues.size() == 3); // the retry topic's too
    const auto first = of(now, 0);
    CHECK(first.stage == queue_stage::fetching);
    CHECK(first.in_stage_for >= 5s);
    CHECK(first.next_pull == 40);
    CHECK(first.committable == 40);
    CHECK(first.committed == 40);
    CHECK(first.broker_max == 40);
    CHECK(first.lag == 0);
    CHECK_FALSE(first.running);
    CHECK(first.flow == flow_state::open);
    CHECK(first.counts.pulled == 40);
    CHECK(first.counts.failed == 1);
    CHECK(of(now, 1).counts.pulled == 30);
    CHECK(of(now, 0, "%RETRY%billing").counts.pulled == 0);
}

TEST_CASE("a snapshot tells lag, what is cached, and what runs", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 500);
    auto with                = cluster.member_options();
    with.max_cached_messages = 50;
    with.consume_threads     = 1;
    bool open                = false;
    slow_virtual_member one(cluster, "one", with, [&](message_span messages, consume_context&) -> slow_result {
        while (!open && messages.front().queue_offset() >= 10)
            co_await test::pause_for(cluster.runtime, 10ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    const auto now = one.statistics();
    CHECK(now.lag == 490);
    CHECK(of(now, 0).lag == 490);
    CHECK(of(now, 0).broker_max == 500);
    CHECK(of(now, 0).committable == 10);
    CHECK(of(now, 0).committed == 10);
    CHECK(of(now, 0).running);
    CHECK(now.cached_messages == of(now, 0).cached.messages);
    CHECK(now.cached_messages == 64);
    CHECK(now.cached_bytes >= 64 * 91);
    CHECK(now.block_bytes >= now.cached_bytes);
    CHECK(of(now, 0).flow == flow_state::too_many_messages);
    open = true;
    cluster.runtime.advance(10s);
    CHECK(one.statistics().lag == 0);
    CHECK(one.statistics().cached_bytes == 0);
}

TEST_CASE("rates and times are those of the last minute", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    slow_virtual_member one(cluster, "one", cluster.member_options(), [&](message_span, consume_context&) -> slow_result {
        co_await test::pause_for(cluster.runtime, 20ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    for (int i = 0; i < 600; ++i) { // ten a second, for a minute
        cluster.send("orders", 1);
        cluster.runtime.advance(100ms);
    }
    const auto busy = one.statistics();
    CHECK(busy.consumed_per_second == Approx(10).epsilon(0.05));
    CHECK(busy.pulled_per_second == Approx(10).epsilon(0.05));
    CHECK(busy.failed_per_second == 0);
    CHECK(busy.consume_milliseconds == Approx(20).epsilon(0.05));
    CHECK(busy.pull_milliseconds > 0);
    CHECK(busy.pull_milliseconds <= 101); // long polls included
    cluster.runtime.advance(3min);
    CHECK(one.statistics().consumed_per_second == 0);
}

TEST_CASE("counts of queues that were given up stay in the sums", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    cluster.send("orders", 100);
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options());
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(5s);
    const auto now = one.statistics();
    CHECK(std::ranges::count(now.queues, "orders", [](const auto& each) { return each.queue.topic; }) == 2);
    CHECK(now.counts.succeeded == 100);
    CHECK(two.statistics().counts.succeeded == 0);
}

} // namespace
