#include "tests/scenario/support/name_server.hpp"
#include "tests/scenario/support/proxy.hpp"
#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/scenario/support/each_once.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::broker_pair;
using test::each_once;
using test::message_span;
using test::name_server;
using test::proxy;
using test::virtual_cluster;
using test::virtual_member;

void send_to(test::virtual_broker& broker, int count, const std::string& prefix) {
    for (int i = 0; i < count; ++i)
        broker.send("orders", prefix + std::to_string(i));
}

TEST_CASE("a broker that is added to a topic while it is consumed is read by all members, and nothing is lost", "[scenario]") {
    broker_pair cluster;
    cluster.first().create_topic("orders", 4);
    cluster.names.remove(cluster.second());
    virtual_member one(cluster, "one", cluster.member_options()), two(cluster, "two", cluster.member_options());
    for (auto* each : {&one, &two}) {
        each->subscribe("orders");
        REQUIRE(each->start() == std::error_code());
    }
    send_to(cluster.first(), 40, "early");
    cluster.runtime.advance(5s);
    cluster.second().create_topic("orders", 4);
    send_to(cluster.second(), 20, "before anybody knew"); // they come, although new groups begin at the end elsewhere
    cluster.names.add(cluster.second());
    send_to(cluster.first(), 40, "meanwhile");
    REQUIRE(cluster.run_until([&] { return one.received().size() + two.received().size() == 100; }, 35s));
    send_to(cluster.second(), 40, "late");
    cluster.runtime.advance(2s);
    CHECK(each_once(std::vector{&one, &two}, 140));
    for (const auto* each : {&one, &two}) { // two queues of each broker, or four of one
        const auto queues = each == &one ? one.statistics().queues : two.statistics().queues;
        CHECK(std::ranges::count_if(queues, [](const auto& q) { return q.queue.topic == "orders"; }) == 4);
    }
    CHECK(cluster.second().members("billing").size() == 2);
    REQUIRE(one.stop() == std::error_code());
    REQUIRE(two.stop() == std::error_code());
    CHECK(cluster.first().consumed("billing", "orders"));
    CHECK(cluster.second().consumed("billing", "orders"));
}

TEST_CASE("a member that starts while a broker is away learns of its return as soon as the others", "[scenario]") {
    broker_pair cluster;
    cluster.first().create_topic("orders", 4);
    cluster.second().create_topic("orders", 4);
    virtual_member one(cluster, "one", cluster.member_options()), two(cluster, "two", cluster.member_options());
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5min);
    cluster.names.remove(cluster.second());
    cluster.runtime.advance(31s);
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(20s);
    cluster.names.add(cluster.second());
    cluster.runtime.advance(5s);
    for (auto* each : {&one, &two}) {
        const auto queues = each->statistics().queues;
        CHECK(std::ranges::count_if(queues, [](const auto& q) { return q.queue.topic == "orders"; }) == 4);
    }
}

TEST_CASE("a broker that the name server does not know for a while is told what was consumed, and nothing comes twice",
          "[scenario]") {
    broker_pair cluster;
    cluster.first().create_topic("orders", 2);
    cluster.second().create_topic("orders", 2);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    cluster.names.remove(cluster.second()); // it was restarted, and the broker has not registered yet
    const auto given_up = one.count("queue_released");
    int sent            = 0;
    while (one.count("queue_released") == given_up && sent < 800) {
        send_to(cluster.second(), 1, "m" + std::to_string(sent++) + "-");
        cluster.runtime.advance(50ms); // the last ones are not committed by then
    }
    REQUIRE(one.count("queue_released") > given_up);
    cluster.names.add(cluster.second());
    send_to(cluster.second(), 10, "late");
    REQUIRE(cluster.run_until([&] { return one.received().size() == static_cast<std::size_t>(sent) + 10; }, 35s));
    cluster.runtime.advance(5s);
    CHECK(each_once(std::vector{&one}, static_cast<std::size_t>(sent) + 10));
}

TEST_CASE("a topic that may only be read is consumed, and what fails in it comes again", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 10);
    cluster.broker().set_permission("orders", 4);
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        const auto& message = messages.front();
        return message.body() == "m7" && message.reconsume_times() == 0 ? consume_result::reconsume_later
                                                                        : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 11; }, 15s));
    CHECK(one.received().back().body == "m7");
    CHECK(one.received().back().reconsume_times == 1);
    CHECK(one.count("send_back_failure") == 0);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.broker().consumed("billing", "orders"));
}

TEST_CASE("a topic that may not be read any more is given up with its offsets, and taken again when it may", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 10, "early");
    cluster.runtime.advance(1s);
    cluster.broker().set_permission("orders", 2);
    cluster.send("orders", 10, "unread"); // pulls that are held for it are refused, too
    REQUIRE(cluster.run_until([&] { return one.count("queue_released") == 2; }, 40s));
    CHECK(cluster.committed("orders", 2) == 10);
    CHECK(one.events("rebalance").back().number == 0);
    const auto failures = one.count("pull_failure");
    const auto pulls    = cluster.broker().statistics().requests_of(request_code::pull_message);
    cluster.runtime.advance(2min);
    CHECK(one.count("pull_failure") == failures);
    CHECK(cluster.broker().statistics().requests_of(request_code::pull_message) - pulls < 20); // of the retry topic
    CHECK(one.received().size() == 10);
    CHECK(cluster.broker().members("billing").size() == 1);

    cluster.broker().set_permission("orders", 6);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 20; }, 35s));
    cluster.send("orders", 10, "late");
    cluster.runtime.advance(1s);
    CHECK(each_once(std::vector{&one}, 30));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.broker().consumed("billing", "orders"));
}

TEST_CASE("a name server that has no queues of a topic for a moment is asked again, and no queue is given up", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    name_server names(cluster.runtime, cluster.network);
    names.add(cluster.broker());
    auto with         = cluster.member_options();
    with.name_servers = names.address();
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    const std::string missing = GENERATE("queues", "brokers", "queues and brokers");
    int left     = 2;
    names.change = [&](const std::string& topic, protocol::route_data& route) {
        if (topic != "orders" || left == 0)
            return;
        --left;
        if (missing != "brokers")
            route.queue_datas.clear();
        if (missing != "queues")
            route.broker_datas.clear();
    };
    const auto asked = names.asked("orders");
    REQUIRE(cluster.run_until([&] { return names.asked("orders") == asked + 1; }, 31s));
    cluster.runtime.advance(5s);
    CHECK(left == 0); // asked again and again
    cluster.send("orders", 20);
    cluster.runtime.advance(1s);
    CHECK(each_once(std::vector{&one}, 20));
    CHECK(one.count("queue_released") == 0);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("a topic that may not be read when its consumer starts is consumed from when it may", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.broker().set_permission("orders", 2);
    cluster.send("orders", 4);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.received().empty());
    CHECK(one.count("pull_failure") == 0);
    cluster.broker().set_permission("orders", 6);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 4; }, 35s));
    CHECK(each_once(std::vector{&one}, 4));
}

TEST_CASE("a master that comes back at another address is found there, and nothing is lost or comes twice", "[scenario]") {
    virtual_cluster cluster; // what members see of it is on another network
    cluster.broker().create_topic("orders", 4);
    const auto outside = std::make_shared<memory_network>();
    auto at            = std::make_unique<proxy>(cluster.runtime, outside, cluster.address(), cluster.network, cluster.address());
    name_server names(cluster.runtime, outside);
    names.add(cluster.broker());
    auto with         = cluster.member_options();
    with.name_servers = names.address();
    {
        virtual_member one(cluster, "one", with, {}, outside);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.send("orders", 20, "early");
        cluster.runtime.advance(10s);
        REQUIRE(one.received().size() == 20);

        at->crash();
        outside->set(cluster.address(), memory_network::reach::refused);
        names.change = [](const std::string&, protocol::route_data& route) { route.broker_datas.clear(); };
        cluster.send("orders", 20, "meanwhile");
        cluster.runtime.advance(40s); // its last route is kept, its queues too
        CHECK(one.count("queue_released") == 0);
        CHECK(one.received().size() == 20);

        at = std::make_unique<proxy>(cluster.runtime, outside, endpoint{"elsewhere", 10911}, cluster.network, cluster.address());
        names.change = [](const std::string&, protocol::route_data& route) {
            for (auto& each : route.broker_datas)
                each.broker_addrs[0] = "elsewhere:10911";
        };
        REQUIRE(cluster.run_until([&] { return one.received().size() == 40; }, 5s));
        cluster.send("orders", 20, "late");
        cluster.runtime.advance(1s);
        CHECK(each_once(std::vector{&one}, 60));
        CHECK(cluster.broker().members("billing").size() == 1);
        REQUIRE(one.stop() == std::error_code());
        CHECK(cluster.broker().consumed("billing", "orders"));
    }
}

} // namespace
