#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/virtual_member.hpp"

#include <chrono>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::each_once;
using test::virtual_cluster;
using test::virtual_member;

TEST_CASE("queues that are added to a topic are read soon after the next look at its route", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    cluster.broker().create_topic("orders", 5);
    cluster.send("orders", 50);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 50; }, 32s));
    CHECK(each_once(one, 50));
}

TEST_CASE("a lost master's queues are read from its slave", "[scenario]") {
    virtual_cluster cluster({.slave_listen = endpoint{"slave-a", 10911}});
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 20, "early");
    auto options         = cluster.member_options();
    options.name_servers = "slave-a:10911"; // the name server answers there, too; what is at the master is cut off
    virtual_member one(cluster, "one", options);
    one.subscribe("orders");
    one.suspend();
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(20s);
    cluster.broker().lose_master();
    one.resume();
    REQUIRE(cluster.run_until([&] { return one.received().size() == 20; }, 20s));
    cluster.runtime.advance(10s);
    CHECK(each_once(one, 20));
}

TEST_CASE("a broker that suggests its slave is read from there, and one that lags costs nothing", "[scenario]") {
    virtual_cluster cluster({.slave_listen = endpoint{"slave-a", 10911}});
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 40, "early");
    cluster.broker().lag_slave(10);
    cluster.broker().suggest_slave();
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10s);
    cluster.broker().suggest_slave(false);
    cluster.broker().lag_slave(0);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 40; }, 40s));
    CHECK(each_once(one, 40));
    cluster.send("orders", 10, "late");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 50; }, 20s));
    CHECK(each_once(one, 50));
}

TEST_CASE("a condition is evaluated by the broker", "[scenario]") {
    virtual_cluster cluster({.property_filter = true});
    cluster.broker().create_topic("orders", 2);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", sql("a > 5"));
    REQUIRE(one.start() == std::error_code());
    for (int i = 0; i < 20; ++i)
        cluster.broker().send("orders", std::to_string(i), {.properties = {{"a", std::to_string(i)}}});
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 14);
    CHECK(one.subscribe_running("orders", sql("a >")) == make_error_code(error::filter_refused));
    CHECK(one.subscribe_running("orders", sql("a < 3")) == std::error_code());
    cluster.runtime.advance(2s);
    cluster.broker().send("orders", "again", {.properties = {{"a", "1"}}});
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 15);
}

} // namespace
