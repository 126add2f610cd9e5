#include <rocketpush/remoting/route_table.hpp>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using protocol::broker_data;
using protocol::queue_data;
using protocol::route_data;

broker_data broker(std::string name, std::map<std::int64_t, std::string> addresses) {
    return {.cluster = "test", .broker_name = std::move(name), .broker_addrs = std::move(addresses)};
}
queue_data readable(std::string name, std::int32_t count) {
    return {.broker_name = std::move(name), .read_queue_nums = count, .write_queue_nums = count};
}

const route_data two_brokers{
    .queue_datas  = {readable("broker-b", 1), readable("broker-a", 2)},
    .broker_datas = {broker("broker-b", {{0, "10.0.0.2:10911"}}),
                     broker("broker-a", {{0, "10.0.0.1:10911"}, {1, "10.0.0.1:10921"}, {2, "10.0.0.1:10931"}})}};

TEST_CASE("a route's readable queues come in the group's order", "[route_table]") {
    route_table table;
    CHECK(table.update("orders", two_brokers));
    CHECK(table.queues("orders") ==
          std::vector<message_queue>{{"orders", "broker-a", 0}, {"orders", "broker-a", 1}, {"orders", "broker-b", 0}});
    CHECK(table.knows("orders"));
}

TEST_CASE("an unknown topic has neither queues nor brokers", "[route_table]") {
    const route_table table;
    CHECK_FALSE(table.knows("orders"));
    CHECK(table.queues("orders").empty());
    CHECK(table.brokers_of("orders").empty());
    CHECK(table.all_addresses().empty());
    CHECK(table.address("broker-a").error() == error::no_broker_address);
}

TEST_CASE("queues that may not be read are not there, their broker is", "[route_table]") {
    auto route = two_brokers;
    for (auto& each : route.queue_datas) each.perm = protocol::permissions::write;
    route.queue_datas.push_back({.broker_name = "broker-a", .read_queue_nums = 0, .write_queue_nums = 4});
    route_table table;
    CHECK(table.update("orders", route));
    CHECK(table.queues("orders").empty());
    CHECK(table.knows("orders"));
    route.queue_datas[0].perm = protocol::permissions::read;
    CHECK(table.update("orders", route));
    CHECK(table.queues("orders").size() == 1);
}

TEST_CASE("messages are taken by brokers with a master and a queue that may be written", "[route_table]") {
    route_table table;
    CHECK(table.writers("orders").empty());
    CHECK(table.update("orders", two_brokers));
    CHECK(table.writers("orders") == std::vector<std::string>{"broker-a", "broker-b"});
    auto route                          = two_brokers;
    route.broker_datas[1].broker_addrs  = {{1, "10.0.0.1:10921"}};
    CHECK(table.update("orders", route));
    CHECK(table.writers("orders") == std::vector<std::string>{"broker-b"});
    route.queue_datas[0].perm = protocol::permissions::read;
    CHECK(table.update("orders", route));
    CHECK(table.writers("orders").empty());
    route                                 = two_brokers;
    route.queue_datas[1].write_queue_nums = 0;
    CHECK(table.update("orders", route));
    CHECK(table.writers("orders") == std::vector<std::string>{"broker-b"});
}

TEST_CASE("only a change counts as one", "[route_table]") {
    route_table table;
    const auto before = table.version();
    CHECK(table.update("orders", two_brokers));
    const auto known = table.version();
    CHECK(known > before);
    auto same = two_brokers;
    std::swap(same.queue_datas[0], same.queue_datas[1]); // name servers keep no order
    CHECK_FALSE(table.update("orders", same));
    CHECK(table.version() == known);

    same.queue_datas[0].read_queue_nums = 8;
    CHECK(table.update("orders", same));
    same.broker_datas[0].broker_addrs[0] = "10.0.0.3:10911";
    CHECK(table.update("orders", same));
    CHECK(table.version() == known + 2);
}

TEST_CASE("an empty route never replaces a good one", "[route_table]") {
    route_table table;
    CHECK_FALSE(table.update("orders", {}));
    CHECK_FALSE(table.knows("orders"));
    table.update("orders", two_brokers);
    CHECK_FALSE(table.update("orders", {}));
    CHECK(table.queues("orders").size() == 3);
    CHECK(table.knows("orders"));
}

TEST_CASE("a route without a queue to read replaces a good one only when it is told for the third time in a row",
          "[route_table]") {
    auto unreadable = two_brokers;
    for (auto& each : unreadable.queue_datas) each.perm = protocol::permissions::write;
    route_table table;
    table.update("orders", two_brokers);
    CHECK_FALSE(table.is_uncertain("orders"));
    for (int i = 0; i < 2; ++i) {
        CHECK_FALSE(table.update("orders", unreadable));
        CHECK(table.is_uncertain("orders"));
    }
    CHECK_FALSE(table.update("orders", two_brokers)); // it was for a moment
    CHECK_FALSE(table.is_uncertain("orders"));
    CHECK(table.queues("orders").size() == 3);

    for (int i = 0; i < 2; ++i) CHECK_FALSE(table.update("orders", unreadable));
    CHECK(table.update("orders", unreadable));
    CHECK(table.queues("orders").empty());
    CHECK_FALSE(table.is_uncertain("orders"));
    CHECK_FALSE(table.update("orders", unreadable));
    CHECK(table.update("orders", two_brokers)); // what is good is believed at once
}

TEST_CASE("a forgotten topic is unknown again", "[route_table]") {
    route_table table;
    table.update("orders", two_brokers);
    table.forget("orders");
    CHECK_FALSE(table.knows("orders"));
    CHECK_FALSE(static_cast<bool>(table.address("broker-a")));
    table.forget("orders");
}

TEST_CASE("a request goes to the wanted replica", "[route_table]") {
    route_table table;
    table.update("orders", two_brokers);
    const auto master = table.address("broker-a");
    REQUIRE(master);
    CHECK(to_string(master->where) == "10.0.0.1:10911");
    CHECK(master->id == broker_address::master);
    CHECK(to_string(table.address("broker-a", 2)->where) == "10.0.0.1:10931");
    CHECK(table.address("broker-a", 7).error() == error::no_broker_address);
    CHECK(table.address("broker-x", 0, true).error() == error::no_broker_address);
}

TEST_CASE("where another replica will do, it is the one that Java takes", "[route_table]") {
    route_data route{.queue_datas  = {readable("broker-a", 1)},
                     .broker_datas = {broker("broker-a", {{1, "10.0.0.1:10921"}, {3, "10.0.0.1:10941"}})}};
    route_table table;
    table.update("orders", route);
    CHECK(table.address("broker-a").error() == error::no_broker_address); // the master is away
    CHECK(table.address("broker-a", 0, true)->id == 1);
    CHECK(table.address("broker-a", 2, true)->id == 3); // a slave's next
    CHECK(table.address("broker-a", 3, true)->id == 3);
    CHECK(table.address("broker-a", 9, true)->id == 1); // else the lowest
}

TEST_CASE("a broker may be known from any topic's route", "[route_table]") {
    route_table table;
    table.update("a-topic", {.queue_datas = {}, .broker_datas = {broker("broker-a", {})}}); // no address there
    table.update("orders", two_brokers);
    CHECK(to_string(table.address("broker-a")->where) == "10.0.0.1:10911");
}

TEST_CASE("addresses that cannot be one are left out", "[route_table]") {
    route_table table;
    table.update("orders",
                 {.queue_datas  = {readable("broker-a", 1)},
                  .broker_datas = {broker("broker-a", {{0, "nonsense"}, {1, "10.0.0.1:99999"}, {2, "[::1]:10911"}})}});
    CHECK(table.address("broker-a").error() == error::no_broker_address);
    CHECK(table.address("broker-a", 2)->where == endpoint{"::1", 10911});
    CHECK(table.all_addresses().size() == 1);
}

TEST_CASE("a topic's brokers are asked at their masters, or at who is there", "[route_table]") {
    route_table table;
    auto route = two_brokers;
    route.broker_datas.push_back(broker("broker-c", {{2, "10.0.0.3:10931"}}));
    route.broker_datas.push_back(broker("broker-d", {}));
    table.update("orders", route);
    std::vector<std::string> found;
    for (const auto& each : table.brokers_of("orders")) found.push_back(to_string(each));
    CHECK(found == std::vector<std::string>{"10.0.0.1:10911", "10.0.0.2:10911", "10.0.0.3:10931"});
}

using protocol::queue_mapping;

/// The two brokers, with the static topic's four queues as told.
route_data static_route(std::vector<queue_mapping> mappings) {
    auto route     = two_brokers;
    route.mappings = std::move(mappings);
    return route;
}

TEST_CASE("a static topic has the queues of the whole topic, each at the broker that leads it", "[route_table]") {
    const std::string name = "__syslo__global__";
    route_table table;
    CHECK(table.update("orders", static_route({{"broker-a", "__global__", 3, 5, {{0, 7}, {2, 9}}},
                                               {"broker-b", "__global__", 4, 5, {{1, 0}, {9, 1}, {-1, 1}}}})));
    CHECK(table.queues("orders") ==
          std::vector<message_queue>{{"orders", name, 0}, {"orders", name, 1}, {"orders", name, 2}, {"orders", name, 3}});
    CHECK(table.is_static("orders"));
    CHECK(table.home({"orders", name, 0}) == "broker-a");
    CHECK(table.home({"orders", name, 1}) == "broker-b");
    CHECK(table.home({"orders", name, 3}).empty()); // nobody's
    CHECK_FALSE(table.is_led("orders"));
    for (const auto id : {3, 4, 9, -1})
        CHECK(table.address(message_queue{"orders", name, id}).error() == error::no_broker_address);
    CHECK(table.home({"orders", "__syslo__other", 0}).empty());
    CHECK(table.home({"refunds", name, 0}).empty());
    CHECK(table.home({"orders", "broker-x", 0}) == "broker-x"); // not of a static topic
    CHECK(to_string(table.address(message_queue{"orders", name, 1})->where) == "10.0.0.2:10911");
    CHECK(table.address(message_queue{"orders", name, 0}, 1)->id == 1);

    table.update("refunds", two_brokers);
    CHECK_FALSE(table.is_static("refunds"));
    CHECK(table.is_led("refunds"));
    CHECK(to_string(table.address(message_queue{"refunds", "broker-b", 0})->where) == "10.0.0.2:10911");
}

TEST_CASE("of two brokers that claim a queue, the one with the newer mapping leads it", "[route_table]") {
    const message_queue queue{"orders", "__syslo__global__", 0};
    route_table table;
    table.update("orders", static_route({{"broker-a", "__global__", 1, 6, {{0, 0}}}, {"broker-b", "__global__", 1, 5, {{0, 0}}}}));
    CHECK(table.home(queue) == "broker-a");
    const auto before = table.version();
    CHECK(table.update("orders", static_route({{"broker-a", "__global__", 1, 6, {{0, 0}}}, {"broker-b", "__global__", 1, 7, {{0, 0}}}})));
    CHECK(table.home(queue) == "broker-b");
    CHECK(table.version() > before);
    CHECK(table.is_led("orders"));
}

TEST_CASE("a static topic's older route does not replace a newer one, unless a broker says that it is wrong", "[route_table]") {
    const message_queue queue{"orders", "__syslo__global__", 0};
    const auto older = static_route({{"broker-a", "__global__", 1, 5, {{0, 0}}}});
    const auto newer = static_route({{"broker-b", "__global__", 1, 6, {{0, 0}}}});
    route_table table;
    table.update("orders", newer);
    CHECK_FALSE(table.update("orders", older));
    CHECK_FALSE(table.update("orders", two_brokers)); // the mapping is not there yet
    CHECK(table.home(queue) == "broker-b");
    table.doubt("orders");
    CHECK_FALSE(table.update("orders", newer));
    CHECK_FALSE(table.update("orders", older)); // one doubt, one route
    table.doubt("orders");
    CHECK(table.update("orders", older));
    CHECK(table.home(queue) == "broker-a");
    table.doubt("nothing");

    table.update("orders", newer);
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(table.update("orders", older));
    CHECK(table.update("orders", older)); // told so often it is no delay
}

TEST_CASE("queues of other scopes are a static topic's, too", "[route_table]") {
    route_table table;
    table.update("orders", static_route({{"broker-a", "zone", 1, 5, {{0, 0}}},
                                         {"broker-b", "__global__", 1, 4, {{0, 0}}},
                                         {"broker-a", "global__", 2, 9, {{0, 0}, {1, 1}}}})); // another spelling of the same
    CHECK(table.queues("orders") == std::vector<message_queue>{{"orders", "__syslo__global__", 0},
                                                               {"orders", "__syslo__global__", 1},
                                                               {"orders", "__syslo__zone", 0}});
    CHECK(table.home({"orders", "__syslo__zone", 0}) == "broker-a");
    CHECK(table.home({"orders", "__syslo__global__", 0}) == "broker-a");
}

TEST_CASE("heartbeats go to every address of every route, once", "[route_table]") {
    route_table table;
    table.update("orders", two_brokers);
    table.update("refunds", two_brokers);
    table.update("others", {.queue_datas = {}, .broker_datas = {broker("broker-c", {{0, "10.0.0.3:10911"}})}});
    CHECK(table.all_addresses().size() == 5);
}

} // namespace
