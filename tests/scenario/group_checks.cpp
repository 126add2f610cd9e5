#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <string>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::virtual_cluster;
using test::virtual_member;

std::int32_t code(protocol::request_code of) { return static_cast<std::int32_t>(of); }

TEST_CASE("members that subscribe a topic differently hear of it, once, and of nothing when they agree again",
          "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    virtual_member one(cluster, "one", cluster.member_options()), two(cluster, "two", cluster.member_options());
    one.subscribe("orders", tags("paid || refunded"));
    two.subscribe("orders", tags("refunded || paid"));
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(3min);
    CHECK(cluster.events->count("subscriptions_differ") == 0);

    REQUIRE(two.subscribe_running("orders", tags("paid")) == std::error_code());
    cluster.runtime.advance(3min);
    REQUIRE(one.count("subscriptions_differ") == 1);
    CHECK(one.events("subscriptions_differ")[0].about == "orders: paid || refunded / paid");
    REQUIRE(two.count("subscriptions_differ") == 1); // though the broker has its own
    CHECK(two.events("subscriptions_differ")[0].about == "orders: paid / paid || refunded");
    cluster.runtime.advance(10min);
    CHECK(cluster.events->count("subscriptions_differ") == 2);

    REQUIRE(one.subscribe_running("orders", tags("paid")) == std::error_code());
    cluster.runtime.advance(10min);
    CHECK(cluster.events->count("subscriptions_differ") == 2);
}

TEST_CASE("two processes with one client id hear of it; a member that connects anew is no twin of itself",
          "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    auto with          = cluster.member_options();
    with.instance_name = "same";
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3min);
    cluster.broker().drop_connections();
    cluster.runtime.advance(5min);
    CHECK(one.count("twin_client") == 0);

    virtual_member two(cluster, "two", with);
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(2min);
    REQUIRE(one.count("twin_client") == 1);
    CHECK(one.events("twin_client")[0].about == "127.0.0.1@same");
    CHECK(one.events("twin_client")[0].number == 2);
    CHECK(two.count("twin_client") == 1);
    CHECK(one.count("subscriptions_differ") == 0);
    cluster.runtime.advance(10min);
    CHECK(cluster.events->count("twin_client") == 2);
}

TEST_CASE("a group is looked at once a minute, if at all, and less often where a broker refuses", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    const auto asked = [&] {
        return cluster.broker().statistics().requests[code(protocol::request_code::get_consumer_connections)];
    };
    auto with = cluster.member_options();
    SECTION("as it is") {
        virtual_member one(cluster, "one", with);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(10min);
        CHECK(asked() >= 9);
        CHECK(asked() <= 11);
        CHECK(cluster.broker().statistics().requests[code(protocol::request_code::get_consumer_running_info)] == 0);
    }
    SECTION("never") {
        with.group_check_interval = 0ms;
        virtual_member one(cluster, "one", with);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(10min);
        CHECK(asked() == 0);
    }
    SECTION("refused") {
        cluster.broker().fail_next(protocol::request_code::get_consumer_connections, response_code::no_permission);
        virtual_member one(cluster, "one", with);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(50min);
        CHECK(asked() == 1);
        cluster.runtime.advance(20min);
        CHECK(asked() > 1);
    }
}

} // namespace
