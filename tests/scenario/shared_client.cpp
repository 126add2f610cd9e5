#include "tests/scenario/support/virtual_member.hpp"

#include <chrono>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::virtual_cluster;
using test::virtual_member;

struct orders_cluster : virtual_cluster {
    orders_cluster() {
        broker().create_topic("orders", 4);
        send("orders", 20);
        client_options = {.name_servers = to_string(address())};
    }

    options client_options;
};

TEST_CASE("consumers of one client have one connection to a broker, and each group gets all", "[scenario]") {
    orders_cluster cluster;
    virtual_member::shared_client client(cluster, cluster.client_options);
    virtual_member billing(cluster, client, "billing", cluster.member_options("billing"));
    virtual_member ledger(cluster, client, "ledger", cluster.member_options("ledger"));
    billing.subscribe("orders");
    ledger.subscribe("orders");
    REQUIRE(billing.start() == std::error_code());
    REQUIRE(ledger.start() == std::error_code());
    CHECK(cluster.run_until([&] { return billing.received().size() == 20 && ledger.received().size() == 20; }, 5s));
    CHECK(cluster.broker().statistics().connections_accepted == 1);
    CHECK(billing.client_id() == ledger.client_id());
    CHECK(cluster.broker().members("billing") == cluster.broker().members("ledger"));

    REQUIRE(billing.stop() == std::error_code()); // the other goes on
    CHECK(cluster.broker().members("billing").empty());
    cluster.send("orders", 10, "later");
    CHECK(cluster.run_until([&] { return ledger.received().size() == 30; }, 1s));
    CHECK(billing.received().size() == 20);
    REQUIRE(ledger.stop() == std::error_code());
    CHECK(cluster.broker().members("ledger").empty());
}

TEST_CASE("a client without consumers stays open for the next one, and its end closes all", "[scenario]") {
    orders_cluster cluster;
    {
        virtual_member::shared_client client(cluster, cluster.client_options);
        for (int round = 0; round < 3; ++round) {
            virtual_member one(cluster, client, "one", cluster.member_options());
            one.subscribe("orders");
            REQUIRE(one.start() == std::error_code());
            cluster.runtime.advance(1s);
            CHECK(one.received().size() == (round == 0 ? 20 : 5));
            REQUIRE(one.stop() == std::error_code());
            cluster.send("orders", 5);
        }
        CHECK(cluster.broker().statistics().connections_accepted == 1);
        CHECK(cluster.broker().statistics().connections_open == 1);
    }
    cluster.runtime.advance(1s);
    CHECK(cluster.broker().statistics().connections_open == 0);
}

TEST_CASE("a client has one consumer of a group", "[scenario]") {
    orders_cluster cluster;
    virtual_member::shared_client client(cluster, cluster.client_options);
    virtual_member one(cluster, client, "one", cluster.member_options());
    virtual_member two(cluster, client, "two", cluster.member_options());
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(two.start() == error::group_in_use);
    CHECK(two.stop() != std::error_code()); // it ended with its start
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 20); // and did no harm
    REQUIRE(one.stop() == std::error_code());
    virtual_member three(cluster, client, "three", cluster.member_options());
    three.subscribe("orders");
    CHECK(three.start() == std::error_code());
}

TEST_CASE("options that are not those of the shared client are refused", "[scenario]") {
    orders_cluster cluster;
    cluster.client_options.unit_name = "shop";
    virtual_member::shared_client client(cluster, cluster.client_options);
    const auto refused = [&](options with) {
        try {
            virtual_member one(cluster, client, "one", with);
        } catch (const std::system_error& caught) {
            return caught.code() == error::invalid_option;
        }
        return false;
    };
    auto with = cluster.member_options();
    CHECK_FALSE(refused(with));
    with.name_servers.clear(); // the client's
    CHECK_FALSE(refused(with));
    with.name_servers = "elsewhere:9876";
    CHECK(refused(with));
    with                    = cluster.member_options();
    with.heartbeat_interval = 7s;
    CHECK(refused(with));
    with           = cluster.member_options();
    with.unit_name = "other";
    CHECK(refused(with));
}

TEST_CASE("consumers of one client may have different topics; each hears of its own routes", "[scenario]") {
    orders_cluster cluster;
    cluster.broker().create_topic("refunds", 1);
    cluster.send("refunds", 3, "r");
    virtual_member::shared_client client(cluster, cluster.client_options);
    virtual_member billing(cluster, client, "billing", cluster.member_options("billing"));
    virtual_member ledger(cluster, client, "ledger", cluster.member_options("ledger"));
    billing.subscribe("orders");
    ledger.subscribe("refunds");
    REQUIRE(billing.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(ledger.start() == std::error_code());
    cluster.runtime.advance(2s);
    CHECK(billing.received().size() == 20);
    CHECK(ledger.received().size() == 3);
    CHECK(cluster.broker().statistics().connections_accepted == 1);
    for (const auto& route : billing.events("route_changed"))
        CHECK(route.about != "refunds");
}

} // namespace
