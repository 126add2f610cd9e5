#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/core/error.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::each_once;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

struct orders_cluster : virtual_cluster {
    explicit orders_cluster(embedded::broker_options with = {}) : virtual_cluster(with) { broker().create_topic("orders", 2); }
};

message_queue queue_of(std::int32_t id) { return {"orders", "broker-a", id}; }

queue_statistics look_at(const consumer_statistics& all, std::int32_t id) {
    const auto found = std::ranges::find(all.queues, queue_of(id), &queue_statistics::queue);
    return found == all.queues.end() ? queue_statistics() : *found;
}

TEST_CASE("a suspended consumer pulls nothing, says so, keeps its queues, and goes on at once", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 10, "early");
    cluster.runtime.advance(3s);
    one.suspend();
    cluster.runtime.advance(20s); // pulls that were held have come back
    CHECK(one.statistics().suspended);
    for (const auto& queue : one.statistics().queues) {
        CHECK(queue.flow == flow_state::suspended);
        CHECK(queue.stage == queue_stage::fetching);
    }
    cluster.send("orders", 10, "late");
    const auto pulls = cluster.broker().statistics().requests_of(protocol::request_code::pull_message);
    cluster.runtime.advance(60s);
    CHECK(one.received().size() == 10);
    CHECK(cluster.broker().statistics().requests_of(protocol::request_code::pull_message) == pulls);
    CHECK(cluster.committed("orders", 2) == 10);
    CHECK(cluster.broker().members("billing").size() == 1);
    CHECK(one.count("queue_released") == 0);

    one.suspend(); // not counted
    one.resume();
    const auto resumed = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return one.received().size() == 20; }));
    CHECK(cluster.runtime.now() - resumed < 100ms);
    CHECK_FALSE(one.statistics().suspended);
    CHECK(look_at(one.statistics(), 0).flow == flow_state::open);
    REQUIRE(one.stop() == std::error_code());
}

TEST_CASE("what a pull under way brings to a suspended consumer is consumed", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    one.suspend();
    cluster.send("orders", 2, "first"); // one for each held pull
    cluster.send("orders", 2, "second");
    cluster.runtime.advance(30s);
    CHECK(one.received().size() == 2);
    REQUIRE(one.stop() == std::error_code()); // nothing holds it up
    CHECK(cluster.committed("orders", 2) == 2);
}

TEST_CASE("a consumer that is suspended before it starts takes its queues over and waits", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 10);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    one.suspend();
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(30s);
    CHECK(one.received().empty());
    CHECK(one.count("queue_acquired") >= 2);
    one.resume();
    CHECK(cluster.run_until([&] { return one.received().size() == 10; }, 1s));
}

TEST_CASE("one queue is suspended, also when it goes away and comes back, and the other is not", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    one.suspend(queue_of(1));
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 20);
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 10);
    CHECK(look_at(one.statistics(), 0).flow == flow_state::open);
    CHECK(look_at(one.statistics(), 1).flow == flow_state::suspended);
    CHECK_FALSE(one.statistics().suspended);

    REQUIRE(one.unsubscribe_running("orders") == std::error_code());
    REQUIRE(one.subscribe_running("orders") == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 10);
    one.resume(queue_of(1));
    CHECK(cluster.run_until([&] { return one.received().size() == 20; }, 1s));
    CHECK(each_once(one, 20));
}

TEST_CASE("limits of what a queue may hold change while it runs", "[scenario]") {
    orders_cluster cluster;
    for (int i = 0; i < 500; ++i)
        cluster.broker().send("orders", "m" + std::to_string(i), {.queue = 0});
    bool open                = false;
    auto with                = cluster.member_options();
    with.max_cached_messages = 100;
    slow_virtual_member one(cluster, "one", with, [&](auto, auto&) -> test::slow_result {
        while (!open)
            co_await test::pause_for(cluster.runtime, 10ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(one.statistics().cached_messages <= 132);
    one.limit_cache({.messages = 300, .bytes = 100 << 20, .span = 2000});
    cluster.runtime.advance(100ms); // by event
    CHECK(one.statistics().cached_messages > 300);
    CHECK(one.statistics().cached_messages <= 332);
    one.limit_cache({.messages = 10, .bytes = 100 << 20, .span = 2000});
    open = true;
    CHECK(cluster.run_until([&] { return one.received().size() == 500; }, 20s));
    CHECK(each_once(one, 500));
    CHECK_THROWS_AS(one.limit_cache({.messages = 0, .bytes = 100 << 20, .span = 2000}), std::system_error);
    CHECK_THROWS_AS(one.limit_memory(1), std::system_error);
}

TEST_CASE("a queue of a new group goes back to its first message before anything was committed", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 1);
    auto with            = cluster.member_options();
    with.commit_interval = 1h;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(one.count("commit") == 1); // the first of the topic
    cluster.send("orders", 20);
    cluster.runtime.advance(1s); // pulls have told the broker 10; the member itself was told 0, and has committed nothing
    REQUIRE(one.received().size() == 21);
    REQUIRE(cluster.broker().committed_offset("billing", "orders", 1) == 10);
    REQUIRE(one.count("commit") == 1);
    REQUIRE(one.seek(queue_of(1), 0) == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 31; }, 3s));
}

TEST_CASE("a queue goes back or forward to where it is told, and the others stay", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20); // queue 0 has the even ones
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    REQUIRE(one.received().size() == 20);

    const auto asked = cluster.runtime.now();
    REQUIRE(one.seek(queue_of(0), 7) == std::error_code());
    CHECK(cluster.broker().committed_offset("billing", "orders", 0) == 7);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 23; }));
    CHECK(cluster.runtime.now() - asked < 1100ms);
    CHECK(one.counts()["m14"] == 2);
    CHECK(one.counts()["m16"] == 2);
    CHECK(one.counts()["m18"] == 2);
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 23);

    one.suspend(queue_of(0));
    cluster.runtime.advance(20s);
    cluster.send("orders", 20, "n");
    cluster.runtime.advance(1s);
    REQUIRE(one.seek(queue_of(0), 18) == std::error_code());
    one.resume(queue_of(0));
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 23 + 10 + 2);
    CHECK(one.counts()["n16"] == 1);
    CHECK(one.counts()["n18"] == 1);
    CHECK(cluster.run_until([&] { return cluster.committed("orders", 2) == 40; }, 10s));
}

TEST_CASE("a seek beyond the end goes on at the end, and one in a foreign queue is refused", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    virtual_member one(cluster, "one", cluster.member_options());
    CHECK(one.seek(queue_of(0), 7) == make_error_code(error::not_running));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(one.seek({"orders", "broker-a", 9}, 7) == make_error_code(error::not_our_queue));
    REQUIRE(one.seek(queue_of(0), 1000) == std::error_code());
    cluster.runtime.advance(5s);
    cluster.send("orders", 2, "new");
    CHECK(cluster.run_until([&] { return one.received().size() == 22; }, 2s));
    CHECK(each_once(one, 22));
}

TEST_CASE("a seek waits for the running call, and drops what has not begun", "[scenario]") {
    orders_cluster cluster;
    for (int i = 0; i < 20; ++i)
        cluster.broker().send("orders", "m" + std::to_string(i), {.queue = 0});
    auto with            = cluster.member_options();
    with.consume_threads = 1;
    slow_virtual_member one(cluster, "one", with, [&](auto, auto&) -> test::slow_result {
        co_await test::pause_for(cluster.runtime, 100ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 3; }));
    REQUIRE(one.seek(queue_of(0), 15) == std::error_code());
    cluster.runtime.advance(5s);
    CHECK(one.received().size() == 3 + 5);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.broker().committed_offset("billing", "orders", 0) == 20);
}

TEST_CASE("a queue that is being taken over is moved when it is ours", "[scenario]") {
    orders_cluster cluster({.server_side_reset = false});
    cluster.send("orders", 20);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(7s);
    REQUIRE(cluster.committed("orders", 2) == 20);
    virtual_member two(cluster, "two", cluster.member_options());
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.count("queue_released") == 1 && two.statistics().queues.size() == 1; }));
    const auto taken = two.statistics().queues.front();
    REQUIRE(taken.stage == queue_stage::acquiring);
    const auto committed = [&] {
        return cluster.broker().committed_offset("billing", "orders", taken.queue.queue_id);
    };

    SECTION("by a seek, which has committed the offset when it returns") {
        REQUIRE(two.seek(taken.queue, 7) == std::error_code());
        CHECK(committed() == 7);
        REQUIRE(cluster.run_until([&] { return two.received().size() == 3; }));
        cluster.runtime.advance(10s);
        CHECK(two.received().size() == 3);
        CHECK(committed() == 10);
    }
    SECTION("by an administrator's reset") {
        REQUIRE(cluster.broker().reset_offset("billing", "orders", taken.queue.queue_id, 7));
        REQUIRE(cluster.run_until([&] { return two.received().size() == 3; }));
        CHECK(two.count("offset_corrected") == 1);
        cluster.runtime.advance(10s);
        CHECK(two.received().size() == 3);
        CHECK(cluster.committed("orders", 2) == 20);
    }
    SECTION("or the seek is refused if that fails, so that nobody believes in it") {
        cluster.broker().fail_next(protocol::request_code::query_consumer_offset, response_code::system_busy, 1);
        CHECK(two.seek(taken.queue, 7) == make_error_code(error::not_our_queue));
        REQUIRE(cluster.run_until([&] { return two.count("queue_acquired") == 1; }));
        cluster.runtime.advance(10s);
        CHECK(two.received().empty());
        CHECK(committed() == 10);
    }
}

TEST_CASE("messages that an observer does not want never reach the listener, and the offset passes them", "[scenario]") {
    orders_cluster cluster;
    cluster.events->filter = [](const message_view& message) { return message.body().ends_with('7'); };
    cluster.send("orders", 40);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 4);
    CHECK(one.statistics().counts.filtered == 36);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 2) == 40);
    cluster.events->filter = {};
    virtual_member two(cluster, "two", cluster.member_options());
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(two.received().empty());
}

} // namespace
