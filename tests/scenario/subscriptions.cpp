#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

struct shop_cluster : virtual_cluster {
    shop_cluster() {
        broker().create_topic("orders", 4);
        broker().create_topic("refunds", 4);
    }
};

TEST_CASE("a topic that is subscribed while the consumer runs is read within a second", "[scenario]") {
    shop_cluster cluster;
    cluster.send("refunds", 20, "old");
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(7s); // in the middle between two rounds of everything
    CHECK(one.received().empty());

    const auto asked = cluster.runtime.now();
    REQUIRE(one.subscribe_running("refunds") == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 20; }));
    CHECK(cluster.runtime.now() - asked < 1s);
    CHECK(one.count("pull_failure") == 0); // the brokers knew before they were asked
    cluster.send("orders", 3, "other");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 23; }, 1s));
}

TEST_CASE("a group that begins at last and subscribes while it runs begins where the topic ends then", "[scenario]") {
    virtual_cluster cluster({.store_bytes = 64 * 1024});
    cluster.broker().create_topic("orders", 1);
    cluster.broker().create_topic("refunds", 1);
    const std::string body(1024, 'x');
    cluster.send("refunds", 100, body); // so many that the first are gone: else a broker answers 0
    auto with = cluster.member_options();
    with.from = consume_from::last;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    REQUIRE(one.subscribe_running("refunds") == std::error_code());
    cluster.runtime.advance(2s);
    CHECK(one.received().empty());
    cluster.broker().send("refunds", "new");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 1; }, 1s));
    CHECK(one.received()[0].body == "new");
}

TEST_CASE("a topic that is subscribed while it does not exist is read when it does", "[scenario]") {
    shop_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(one.subscribe_running("claims") == std::error_code());
    CHECK(cluster.events->has("route_failure", error::no_route));
    cluster.runtime.advance(20s);
    cluster.broker().create_topic("claims", 2);
    cluster.send("claims", 10);
    CHECK(cluster.run_until([&] { return one.received().size() == 10; }, 4s));
}

TEST_CASE("a topic that is taken back is committed, told to the brokers and read no more", "[scenario]") {
    shop_cluster cluster;
    slow_virtual_member one(cluster, "one", cluster.member_options(), [&](auto, auto&) -> test::slow_result {
        co_await test::pause_for(cluster.runtime, 300ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    one.subscribe("refunds");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    cluster.send("refunds", 8);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 8; }, 1s));

    const auto asked = cluster.runtime.now();
    REQUIRE(one.unsubscribe_running("refunds") == std::error_code());
    CHECK(cluster.runtime.now() - asked < 1s); // the running calls, and no more
    CHECK(cluster.committed("refunds", 4) == 8);
    for (const auto& queue : one.statistics().queues)
        CHECK(queue.queue.topic != "refunds");
    cluster.send("refunds", 8, "late");
    cluster.send("orders", 8, "other");
    cluster.runtime.advance(40s);
    CHECK(one.received().size() == 16);
    CHECK(one.unsubscribe_running("refunds") == make_error_code(error::not_subscribed));

    // And comes back where it was left.
    REQUIRE(one.subscribe_running("refunds") == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 24; }, 2s));
    CHECK(std::ranges::all_of(one.counts(), [](const auto& each) { return each.second == 1; }));
}

TEST_CASE("another member takes over what one takes back, and nothing comes twice", "[scenario]") {
    shop_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options()), two(cluster, "two", cluster.member_options());
    for (auto* member : {&one, &two}) {
        member->subscribe("orders");
        REQUIRE(member->start() == std::error_code());
    }
    cluster.send("orders", 40);
    cluster.runtime.advance(5s);
    CHECK(one.received().size() + two.received().size() == 40);
    REQUIRE(two.stop() == std::error_code());
    REQUIRE(one.unsubscribe_running("orders") == std::error_code());
    virtual_member three(cluster, "three", cluster.member_options());
    three.subscribe("orders");
    REQUIRE(three.start() == std::error_code());
    cluster.runtime.advance(5s);
    CHECK(three.received().empty());
}

TEST_CASE("another expression for a topic holds within a second, from the committed offset on", "[scenario]") {
    shop_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", tags("paid"));
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(7s); // its pulls are held by now, with the old expression
    REQUIRE(one.subscribe_running("orders", tags("open || paid")) == std::error_code());
    cluster.runtime.advance(1500ms);
    const auto sent = cluster.runtime.now();
    cluster.send("orders", 8, "open", {.tags = "open"});
    cluster.send("orders", 8, "paid", {.tags = "paid"});
    cluster.send("orders", 8, "gone", {.tags = "gone"});
    REQUIRE(cluster.run_until([&] { return one.received().size() == 16; }, 5s));
    CHECK(cluster.runtime.now() - sent < 100ms);
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 16);
    CHECK(one.count("pull_failure") == 0);
    REQUIRE(one.stop() == std::error_code());
}

TEST_CASE("the same expression again changes nothing", "[scenario]") {
    shop_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", tags("paid"));
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    REQUIRE(one.subscribe_running("orders", tags("paid")) == std::error_code());
    cluster.runtime.advance(5s);
    CHECK(one.count("queue_released") == 0);
}

TEST_CASE("a topic is subscribed and taken back at any moment of a busy consumer's life", "[scenario]") {
    for (int moment = 0; moment < 40; ++moment) {
        CAPTURE(moment);
        shop_cluster cluster;
        cluster.send("refunds", 20);
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        bool started = false;
        one.begin_start([&](std::error_code failure) { started = !failure; });
        cluster.runtime.advance(moment * 1ms);
        REQUIRE(one.subscribe_running("refunds") == std::error_code());
        cluster.runtime.advance(moment * 37ms);
        REQUIRE(one.unsubscribe_running("refunds") == std::error_code());
        REQUIRE(one.subscribe_running("refunds") == std::error_code());
        CHECK(cluster.run_until([&] { return one.counts().size() == 20; }, 5s));
        CHECK(started);
        CHECK(one.received().size() == 20);
        REQUIRE(one.stop() == std::error_code());
        CHECK(one.subscribe_running("orders") == make_error_code(error::already_stopped));
    }
}

TEST_CASE("a consumer whose condition a broker refuses does not start, and its group does not hear of it", "[scenario]") {
    shop_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", sql("a >"));
    cluster.broker().fail_next(protocol::request_code::check_client_config, response_code::subscription_parse_failed);
    CHECK(one.start() == make_error_code(error::filter_refused));
    const auto told = one.events("filter_refused");
    REQUIRE(told.size() == 1);
    CHECK(told[0].code == response_code::subscription_parse_failed);
    CHECK(told[0].about.find("broker-a:10911 refuses SQL92 \"a >\" for topic orders: ") == 0);
    CHECK(cluster.broker().members("billing").empty());
    CHECK(cluster.broker().statistics().requests_of(protocol::request_code::heart_beat) == 0);
}

TEST_CASE("a condition that a broker refuses while the consumer runs is told, and changes nothing", "[scenario]") {
    shop_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    for (const auto* topic : {"refunds", "orders"}) {
        cluster.broker().fail_next(protocol::request_code::check_client_config, response_code::system_error);
        CHECK(one.subscribe_running(topic, sql("a > 5")) == make_error_code(error::filter_refused));
    }
    cluster.send("orders", 4);
    cluster.send("refunds", 4);
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 4);
    CHECK(one.count("queue_released") == 0);
}

TEST_CASE("a condition for a topic that comes later is tried when it does", "[scenario]") {
    shop_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("claims", sql("a > 5"));
    REQUIRE(one.start() == std::error_code());
    cluster.broker().fail_next(protocol::request_code::check_client_config, response_code::system_error);
    cluster.broker().create_topic("claims", 1);
    cluster.runtime.advance(4s);
    CHECK(one.count("filter_refused") == 1);
}

} // namespace
