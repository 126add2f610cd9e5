#include <rocketpush/protocol/codes.hpp>

#include <asio/error.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/proxy.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::each_once;
using test::virtual_cluster;
using test::virtual_member;

struct orders_cluster : virtual_cluster {
    orders_cluster() { broker().create_topic("orders", 4); }
};

TEST_CASE("a consumer starts while the cluster is away, says so, and consumes once it is there", "[scenario]") {
    virtual_cluster cluster;
    cluster.stop_broker();
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.events->has("connect_failure", asio::error::connection_refused));
    CHECK(cluster.events->has("route_failure", asio::error::connection_refused));
    cluster.runtime.advance(1min);
    cluster.start_broker();
    cluster.broker().create_topic("orders");
    cluster.send("orders", 50);
    const auto back = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return one.received().size() == 50; }));
    CHECK(cluster.runtime.now() - back < 6s);
    CHECK(each_once(one, 50));
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("a cluster whose machines are off delays start by the connect timeout and no more", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 10);
    cluster.cut_off(memory_network::reach::silent);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    const auto begun = cluster.runtime.now();
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.runtime.now() - begun <= 2 * 3s + 1s); // once for each topic's route
    CHECK(cluster.events->has("connect_failure", error::connect_timed_out));
    cluster.reconnect();
    CHECK(cluster.run_until([&] { return one.received().size() == 10; }, 15s));
}

TEST_CASE("a broker that cannot be reached for a while costs no message", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 100, "a");
    cluster.runtime.advance(50ms);
    cluster.send("orders", 100, "b");
    cluster.cut_off();
    cluster.runtime.advance(20s);
    cluster.send("orders", 100, "c");
    cluster.reconnect();
    const auto back = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 300; }));
    CHECK(cluster.runtime.now() - back < 4s);
    cluster.runtime.advance(10s);
    CHECK(each_once(one, 300));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 300);
}

TEST_CASE("a broker that dies and comes back empty is read from its beginning, which is told", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 40, "old");
    cluster.runtime.advance(6s);
    REQUIRE(one.received().size() == 40);
    cluster.stop_broker();
    cluster.runtime.advance(10s);
    cluster.start_broker();
    cluster.runtime.advance(10s); // nobody has made the topic yet
    cluster.broker().create_topic("orders", 4);
    cluster.runtime.advance(3s);
    cluster.send("orders", 8, "new");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 48; }));
    CHECK(each_once(one, 48));
    CHECK(one.count("offset_corrected") == 4);
    cluster.runtime.advance(6s);
    CHECK(cluster.committed("orders", 4) == 8);
}

TEST_CASE("connections that are cut again and again cost no message and bring none twice", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    for (int round = 0; round < 100; ++round) {
        cluster.send("orders", 5, std::to_string(round) + '/');
        // Within the exchange of a round, at another place each time.
        int handlers = round % 20;
        cluster.run_until([&] { return --handlers < 0; }, 1ms);
        cluster.broker().drop_connections();
        cluster.runtime.advance(50ms * (round % 7));
    }
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 500; }));
    cluster.runtime.advance(10s);
    CHECK(each_once(one, 500));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 500);
}

TEST_CASE("a broker that hangs is noticed, and consumption goes on when it does", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 20, "a");
    cluster.runtime.advance(1s);
    cluster.broker().pause();
    cluster.runtime.advance(90s);
    CHECK(cluster.events->has("disconnect", error::request_timed_out));
    cluster.broker().resume();
    cluster.send("orders", 20, "b");
    const auto back = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return one.received().size() == 40; }));
    CHECK(cluster.runtime.now() - back < 10s);
    CHECK(each_once(one, 40));
}

TEST_CASE("a line that went dead without a word is found within 15 s, and nothing is lost", "[scenario]") {
    orders_cluster cluster;
    const auto outside = std::make_shared<memory_network>();
    test::proxy line(cluster.runtime, outside, cluster.address(), cluster.network, cluster.address());
    virtual_member one(cluster, "one", cluster.member_options(), {}, outside);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 20, "a");
    // Only pulls that the broker holds are under way; when in their time the line dies is chance.
    cluster.runtime.advance(GENERATE(take(8, random(0, 20'000))) * 1ms);
    REQUIRE(one.received().size() == 20);
    line.fall_silent();
    const auto died = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return cluster.events->has("disconnect", error::request_timed_out); }));
    CHECK(cluster.runtime.now() - died <= 15s);
    cluster.send("orders", 20, "b");
    cluster.runtime.advance(30s);
    line.speak_again();
    const auto back = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 40; }));
    CHECK(cluster.runtime.now() - back <= 8s);
    CHECK(one.stop() == std::error_code());
    CHECK(one.counts().size() == 40);
    CHECK(cluster.committed("orders", 4) == 40);
}

TEST_CASE("a topic that is created after start is read within seconds", "[scenario]") {
    virtual_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.events->has("route_failure", error::no_route));
    cluster.runtime.advance(1min);
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 10);
    CHECK(cluster.run_until([&] { return one.received().size() == 10; }, 6s));
}

TEST_CASE("a pull that is refused is asked again, whatever the code", "[scenario]") {
    struct refusal {
        response_code code;
        std::chrono::milliseconds at_most;
    };
    const auto [code, at_most] =
        GENERATE(refusal{response_code::subscription_not_exist, 1500ms},  // 24
                 refusal{response_code::subscription_not_latest, 1500ms}, // 25
                 refusal{response_code::flow_control, 100ms},             // 215
                 refusal{response_code::system_error, 1500ms},
                 refusal{response_code::pull_offset_moved, 1500ms}, // without the fields it must have
                 refusal{response_code::no_permission, 1500ms});
    orders_cluster cluster;
    cluster.send("orders", 20);
    cluster.broker().fail_next(request_code::pull_message, code, 4);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    const auto begun = cluster.runtime.now();
    REQUIRE(one.start() == std::error_code());
    const auto heartbeats = cluster.broker().statistics().requests_of(request_code::heart_beat);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 20; }));
    CHECK(cluster.runtime.now() - begun <= at_most);
    CHECK(each_once(one, 20));
    CHECK(one.count("pull_failure") == 4);
    const bool forgotten =
        code == response_code::subscription_not_exist || code == response_code::subscription_not_latest;
    if (forgotten) // the broker is told anew
        CHECK(cluster.broker().statistics().requests_of(request_code::heart_beat) > heartbeats);
}

TEST_CASE("an offset that the broker has deleted goes on at the oldest message", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 5, "read");
    {
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(1s);
        REQUIRE(one.stop() == std::error_code());
    }
    cluster.send("orders", 20, "m");
    cluster.broker().drop_before("orders", 0, 15); // m0 to m9
    virtual_member two(cluster, "two", cluster.member_options());
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(3s);
    REQUIRE(two.received().size() == 10);
    CHECK(two.received().front().body == "m10");
    REQUIRE(two.count("offset_corrected") == 1);
    CHECK(two.events("offset_corrected")[0].number == 15);
    REQUIRE(two.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 25);
}

TEST_CASE("requests that fail at start are made again soon", "[scenario]") {
    const auto code = GENERATE(request_code::get_route_info, request_code::heart_beat, request_code::get_consumer_list,
                               request_code::query_consumer_offset, request_code::get_min_offset);
    CAPTURE(static_cast<int>(code));
    orders_cluster cluster;
    cluster.send("orders", 20);
    cluster.broker().fail_next(code, response_code::system_busy, 3);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 20; }, 8s));
    CHECK(each_once(one, 20));
}

TEST_CASE("commits that fail are made again, and stop commits what they were about", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    cluster.broker().fail_next(request_code::update_consumer_offset, response_code::system_busy, 8);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(20s);
    CHECK(one.count("commit_failure") == 8);
    CHECK(cluster.committed("orders", 4) == 20);
}

TEST_CASE("one name server that refuses or is silent does not matter while another answers", "[scenario]") {
    const auto how   = GENERATE(memory_network::reach::refused, memory_network::reach::silent);
    const auto order = GENERATE(0, 1);
    orders_cluster cluster;
    cluster.send("orders", 10);
    cluster.network->set({"dead", 9876}, how);
    auto with         = cluster.member_options();
    with.name_servers = order == 0 ? "dead:9876;" + with.name_servers : with.name_servers + ";dead:9876";
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 10; },
                            how == memory_network::reach::silent ? 700ms : 10ms));
    cluster.runtime.advance(1min); // and later ones are not asked at the dead one first
    CHECK(one.stop() == std::error_code());
}

} // namespace
