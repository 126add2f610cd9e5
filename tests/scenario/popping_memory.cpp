#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

/// What is popped counts in the consumer's memory, and a pop loop that pauses goes on when something happens, not after a while.
namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_mode;
using test::each_once;
using test::popping_member;

constexpr std::size_t mebi = 1 << 20;

/// Topics whose messages are 64 KiB each, and a listener that waits until it may.
struct heavy_cluster : test::virtual_cluster {
    void add_popped(const std::string& topic, int messages) {
        broker().create_topic(topic, 1);
        for (const auto* group : {"billing", "ledger"})
            broker().set_request_mode(topic, group, {.mode = request_mode::pop});
        send_heavy(topic, messages);
    }
    void send_heavy(const std::string& topic, int messages) {
        for (int i = 0; i < messages; ++i)
            broker().send(topic, topic + '/' + std::to_string(i) + '/' + std::string(64 * 1024, 'x'));
    }

    bool open = false;

    test::popping_listener_function listener() {
        return [this](auto, auto&) -> test::slow_result {
            while (!open)
                co_await test::pause_for(runtime, 10ms);
            co_return consume_result::success;
        };
    }
};

TEST_CASE(
    "popped queues hold no more than the consumer's budget and the answers under way, and go on when there is room",
    "[scenario]") {
    heavy_cluster cluster;
    auto with               = cluster.member_options();
    with.max_consumer_bytes = 4 * mebi;
    popping_member one(cluster, "one", with, cluster.listener());
    constexpr int topics = 8, each = 64;
    for (int i = 0; i < topics; ++i) {
        const auto topic = "orders-" + std::to_string(i);
        cluster.add_popped(topic, each);
        one.subscribe(topic);
    }
    REQUIRE(one.start() == std::error_code());
    std::size_t most = 0;
    for (int i = 0; i < 300; ++i) {
        cluster.runtime.advance(10ms);
        most = std::max(most, one.statistics().block_bytes);
    }
    CHECK(most > 2 * mebi);
    CHECK(most <= 4 * mebi + topics * mebi / 2); // of 32 MiB
    const auto full = one.statistics();
    CHECK(std::ranges::count(full.popped, flow_state::out_of_memory, &popped_queue_statistics::flow) == topics);
    const auto pops = cluster.broker().statistics().requests_of(protocol::request_code::pop_message);
    cluster.runtime.advance(20s);
    CHECK(cluster.broker().statistics().requests_of(protocol::request_code::pop_message) == pops);

    cluster.open     = true;
    const auto since = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return one.received().size() == topics * each; }));
    CHECK(cluster.runtime.now() - since < 2s);
    cluster.runtime.advance(2min); // what was not acknowledged would come again
    CHECK(each_once(one, topics * each));
    CHECK(one.statistics().cached_bytes == 0);
}

TEST_CASE("a queue that is pulled waits for memory that popped messages take, and gets it when they are through",
          "[scenario]") {
    heavy_cluster cluster;
    cluster.add_popped("orders", 40);
    cluster.broker().create_topic("claims", 1);
    auto with               = cluster.member_options();
    with.max_consumer_bytes = mebi;
    popping_member one(cluster, "one", with, cluster.listener());
    one.subscribe("orders");
    one.subscribe("claims");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    cluster.send_heavy("claims", 1);
    cluster.runtime.advance(1s);
    const auto full = one.statistics();
    CHECK(full.counts.refetched == 1);
    const auto claims = std::ranges::find(full.queues, "claims", [](const auto& each) { return each.queue.topic; });
    REQUIRE(claims != full.queues.end());
    CHECK(claims->flow == flow_state::out_of_memory);
    cluster.open = true;
    REQUIRE(cluster.run_until([&] { return one.received().size() == 41; }, 1s));
    CHECK(each_once(one, 41));
}

TEST_CASE("on a shared client each consumer's popped bytes count in its own budget", "[scenario]") {
    heavy_cluster cluster;
    cluster.add_popped("orders", 64);
    const options shared{.name_servers = to_string(cluster.address())};
    popping_member::shared_client client(cluster, shared);
    auto with               = cluster.member_options("billing");
    with.max_consumer_bytes = mebi;
    popping_member billing(cluster, client, "billing", with, cluster.listener());
    popping_member ledger(cluster, client, "ledger", cluster.member_options("ledger"), cluster.listener());
    billing.subscribe("orders");
    ledger.subscribe("orders");
    REQUIRE(billing.start() == std::error_code());
    REQUIRE(ledger.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(billing.statistics().cached_bytes >= mebi);
    CHECK(billing.statistics().cached_bytes <= mebi + mebi / 2);
    CHECK(ledger.statistics().cached_bytes >= 4 * mebi);
    cluster.open = true;
    CHECK(cluster.run_until([&] { return billing.received().size() == 64 && ledger.received().size() == 64; }, 5s));
}

TEST_CASE("a budget that is raised is used by pops at once", "[scenario]") {
    heavy_cluster cluster;
    cluster.add_popped("orders", 64);
    auto with               = cluster.member_options();
    with.max_consumer_bytes = mebi;
    popping_member one(cluster, "one", with, cluster.listener());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(one.statistics().cached_bytes <= mebi + mebi / 2);
    one.limit_memory(64 * mebi);
    cluster.runtime.advance(20ms);
    CHECK(one.statistics().cached_bytes >= 4 * mebi);
    cluster.open = true;
    CHECK(cluster.run_until([&] { return one.received().size() == 64; }, 5s));
}

TEST_CASE("one message at a time comes to a pop that a broker holds while there is no memory", "[scenario]") {
    heavy_cluster cluster;
    cluster.add_popped("orders", 40);
    cluster.add_popped("claims", 0);
    auto with               = cluster.member_options();
    with.max_consumer_bytes = mebi;
    popping_member one(cluster, "one", with, cluster.listener());
    one.subscribe("orders");
    one.subscribe("claims");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(20s); // the poll of claims that began with room has ended
    cluster.send_heavy("claims", 8);
    cluster.runtime.advance(1s);
    const auto now    = one.statistics();
    const auto claims = std::ranges::find(now.popped, "claims", [](const auto& each) { return each.queue.topic; });
    REQUIRE(claims != now.popped.end());
    CHECK(claims->waiting == 1);
    cluster.open = true;
    CHECK(cluster.run_until([&] { return one.received().size() == 48; }, 5s));
}

TEST_CASE("limits that change reach the queues that are popped already, at once", "[scenario]") {
    heavy_cluster cluster;
    cluster.add_popped("orders", 0);
    auto with                = cluster.member_options();
    with.max_popped_messages = 200;
    popping_member one(cluster, "one", with, cluster.listener());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    const auto waiting = [&one] { return one.statistics().popped.at(0).waiting; };

    one.limit_cache({.messages = 10});
    cluster.send("orders", 90);
    cluster.runtime.advance(1s);
    CHECK(waiting() > 10);
    CHECK(waiting() <= 10 + 32);
    CHECK(one.statistics().popped.at(0).flow == flow_state::too_many_messages);
    one.limit_cache({.messages = 50});
    cluster.runtime.advance(5ms);
    CHECK(waiting() > 50);
    CHECK(waiting() <= 50 + 32);
    one.limit_cache({});
    cluster.runtime.advance(5ms);
    CHECK(waiting() == 90);

    one.limit_cache({.bytes = mebi});
    cluster.send_heavy("orders", 40);
    cluster.runtime.advance(1s);
    CHECK(waiting() < 130);
    CHECK(one.statistics().popped.at(0).flow == flow_state::too_many_bytes);
    cluster.open = true;
    CHECK(cluster.run_until([&] { return one.received().size() == 130; }, 5s));
}

TEST_CASE("a popped queue, or all, that goes on after a suspension is popped at once", "[scenario]") {
    heavy_cluster cluster;
    cluster.open = true;
    cluster.add_popped("orders", 0);
    popping_member one(cluster, "one", cluster.member_options(), cluster.listener());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    const auto queue = one.statistics().popped.at(0).queue;
    for (const bool all : {true, false}) {
        const auto before = one.received().size();
        all ? one.suspend() : one.suspend(queue);
        cluster.runtime.advance(16s); // a poll under way ends
        cluster.send("orders", 5, all ? "all" : "one");
        cluster.runtime.advance(3500ms);
        CHECK(one.received().size() == before);
        CHECK(one.statistics().popped.at(0).flow == flow_state::suspended);
        all ? one.resume() : one.resume(queue);
        cluster.runtime.advance(5ms);
        CHECK(one.received().size() == before + 5);
    }
}

} // namespace
