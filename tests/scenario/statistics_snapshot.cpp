#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

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

const topic_statistics& of_topic(const consumer_statistics& all, const std::string& topic) {
    const auto found = std::ranges::find(all.topics, topic, &topic_statistics::topic);
    REQUIRE(found != all.topics.end());
    return *found;
}

TEST_CASE("each topic has its minute, hour and day, the retry topic its own", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.broker().create_topic("news", 1);
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        return messages.front().topic() == "orders" && messages.front().reconsume_times() == 0
                   ? consume_result::reconsume_later
                   : consume_result::success;
    });
    one.subscribe("orders");
    one.subscribe("news");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 30);
    cluster.send("news", 60);
    cluster.runtime.advance(30s);
    const auto now = one.statistics();
    REQUIRE(now.topics.size() == 3);
    CHECK(of_topic(now, "orders").minute.failed == 30);
    CHECK(of_topic(now, "orders").hour.failed == 30);
    CHECK(of_topic(now, "orders").day.failed == 30);
    CHECK(of_topic(now, "orders").minute.succeeded == 0);
    CHECK(of_topic(now, "orders").counts.failed == 30);
    CHECK(of_topic(now, "orders").queues == 2);
    CHECK(of_topic(now, "orders").minute.failed_per_second == Approx(1).epsilon(0.4));
    CHECK(of_topic(now, "%RETRY%billing").minute.succeeded == 30);
    CHECK(of_topic(now, "news").minute.succeeded == 60);
    CHECK(of_topic(now, "news").counts.pulled == 60);
    cluster.runtime.advance(10min);
    const auto later = one.statistics();
    CHECK(of_topic(later, "orders").minute.failed == 0);
    CHECK(of_topic(later, "orders").hour.failed == 30);
    CHECK(of_topic(later, "orders").hour.length > 10min);
}

TEST_CASE("a topic that was given up keeps its figures", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 20);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(15s);
    REQUIRE(one.unsubscribe_running("orders") == std::error_code());
    const auto now = one.statistics();
    CHECK(of_topic(now, "orders").queues == 0);
    CHECK(of_topic(now, "orders").counts.succeeded == 20);
    CHECK(of_topic(now, "orders").minute.succeeded == 20);
    CHECK(now.counts.succeeded == 20);
}

TEST_CASE("the age of the oldest unfinished message is told, of each queue and topic", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    bool open = false;
    slow_virtual_member one(cluster, "one", cluster.member_options(),
                            [&](message_span messages, consume_context&) -> slow_result {
                                while (!open && messages.front().queue_id() == 0)
                                    co_await test::pause_for(cluster.runtime, 10ms);
                                co_return consume_result::success;
                            });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(of(one.statistics(), 0).oldest_age == 0ms);
    CHECK_FALSE(of(one.statistics(), 0).oldest_stored);
    const auto stored = std::chrono::floor<std::chrono::milliseconds>(cluster.runtime.system_now());
    cluster.send("orders", 2);
    cluster.runtime.advance(20s);
    cluster.send("orders", 2);
    cluster.runtime.advance(10s);
    const auto now = one.statistics();
    CHECK(of(now, 0).oldest_stored == stored);
    CHECK(of(now, 0).oldest_age == 30s);
    CHECK(of(now, 1).oldest_age == 0ms);
    CHECK(of_topic(now, "orders").oldest_age == 30s);
    CHECK(of_topic(now, "orders").lag == 2);
    open = true;
    cluster.runtime.advance(1s);
    CHECK(of(one.statistics(), 0).oldest_age == 0ms);
}

TEST_CASE("in order the oldest unfinished message is the one whose turn it is", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 3);
    test::orderly_member one(cluster, "one", cluster.member_options(), [](message_span messages, orderly_context&) {
        return messages.front().queue_offset() == 1 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(20s);
    const auto queue = of(one.statistics(), 0);
    CHECK(queue.committable == 1);
    CHECK(queue.oldest_age >= 20s);
    CHECK(queue.oldest_age < 22s);
    CHECK(queue.paused_on_purpose());
}

TEST_CASE("since when a queue is in its way of being fetched is told", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 500);
    auto with                = cluster.member_options();
    with.max_cached_messages = 50;
    bool open                = false;
    slow_virtual_member one(cluster, "one", with, [&](message_span, consume_context&) -> slow_result {
        while (!open)
            co_await test::pause_for(cluster.runtime, 10ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(60s);
    const auto full = of(one.statistics(), 0);
    CHECK(full.flow == flow_state::too_many_messages);
    CHECK(full.flow_for > 58s);
    CHECK(full.flow_for <= full.in_stage_for);
    CHECK_FALSE(full.paused_on_purpose());
    one.suspend();
    CHECK(of(one.statistics(), 0).flow == flow_state::suspended);
    CHECK(of(one.statistics(), 0).paused_on_purpose());
    one.resume();
    open = true;
    cluster.runtime.advance(10s);
    CHECK(of(one.statistics(), 0).flow == flow_state::open);
    one.suspend();
    cluster.runtime.advance(60s); // the pull that was held has been answered
    const auto paused = of(one.statistics(), 0);
    CHECK(paused.flow == flow_state::suspended);
    CHECK(paused.flow_for >= 30s);
}

} // namespace
