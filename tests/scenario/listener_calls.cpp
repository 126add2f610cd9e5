#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::message_span;
using test::slow_result;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

TEST_CASE("a batch listener gets up to the batch size, messages of one queue in order", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 3);
    cluster.send("orders", 300);
    auto with               = cluster.member_options();
    with.consume_batch_size = 16;
    std::vector<std::size_t> sizes;
    bool in_order = true;
    virtual_member one(cluster, "one", with, [&](message_span messages, consume_context& context) {
        sizes.push_back(messages.size());
        for (std::size_t i = 0; i < messages.size(); ++i) {
            in_order = in_order && messages[i].queue() == context.queue;
            in_order = in_order && messages[i].queue_offset() == messages[0].queue_offset() + static_cast<queue_offset>(i);
        }
        return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 300; }));
    CHECK(in_order);
    CHECK(std::ranges::max(sizes) == 16);
    CHECK(sizes.size() < 40);
}

TEST_CASE("listener calls that wait run side by side, as many as there are consume threads", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 90);
    auto with            = cluster.member_options();
    with.consume_threads = 3;
    int running = 0, most = 0;
    slow_virtual_member one(cluster, "one", with, [&](message_span, consume_context&) -> slow_result {
        most = std::max(most, ++running);
        co_await test::pause_for(cluster.runtime, 100ms);
        --running;
        co_return consume_result::success;
    });
    one.subscribe("orders");
    const auto begun = cluster.runtime.now();
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 90; }));
    CHECK(most == 3);
    CHECK(cluster.runtime.now() - begun < 3100ms); // 30 rounds
    CHECK(cluster.run_until([&] { return running == 0; }));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 2) == 90);
}

TEST_CASE("an awaitable listener may fail, throw and answer like any other", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 4);
    slow_virtual_member one(cluster, "one", cluster.member_options(), [&](message_span messages, consume_context& context) -> slow_result {
        const auto& message = messages.front();
        co_await test::pause_for(cluster.runtime, 10ms);
        if (message.reconsume_times() != 0 || message.body() == "m0")
            co_return consume_result::success;
        if (message.body() == "m1")
            throw std::runtime_error("later");
        context.delay_level = 1;
        co_return consume_result::reconsume_later;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.counts() == std::map<std::string, int>{{"m0", 1}, {"m1", 2}, {"m2", 2}, {"m3", 2}});
    CHECK(one.count("listener_exception") == 1);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("messages that a tag filter does not want never reach the listener, and the offset passes them", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    // "Aa" and "BB" have one Java hash: a broker takes one for the other.
    REQUIRE(java_hash("Aa") == java_hash("BB"));
    for (int i = 0; i < 10; ++i)
        for (const auto* tag : {"Aa", "BB", "paid", "open"})
            cluster.broker().send("orders", tag, {.tags = tag});
    cluster.broker().send("orders", "none");
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", tags("Aa || paid"));
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 20; }));
    cluster.runtime.advance(1s);
    CHECK(one.counts() == std::map<std::string, int>{{"Aa", 10}, {"paid", 10}});
    CHECK(one.statistics().counts.filtered == 10); // "BB", sorted out here
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 41);
}

TEST_CASE("a topic of which nothing is wanted is passed over, and what is wanted later comes at once", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 1000, "m", {.tags = "open"});
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", tags("paid"));
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(cluster.committed("orders", 1) == 1000);
    const auto sent = cluster.runtime.now();
    cluster.send("orders", 1, "wanted", {.tags = "paid"});
    REQUIRE(cluster.run_until([&] { return one.received().size() == 1; }));
    CHECK(cluster.runtime.now() == sent);
}

TEST_CASE("a consumer reads several topics, each with its own expression", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.broker().create_topic("refunds", 1);
    cluster.send("orders", 10, "order", {.tags = "paid"});
    cluster.send("orders", 10, "open", {.tags = "open"});
    cluster.send("refunds", 10, "refund");
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", tags("open"));
    one.subscribe("orders", tags("paid")); // the last one counts
    one.subscribe("refunds");
    one.subscribe("nothing");
    CHECK(one.unsubscribe("nothing"));
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 20);
    CHECK(one.counts().contains("order9"));
    CHECK(one.counts().contains("refund9"));
}

} // namespace
