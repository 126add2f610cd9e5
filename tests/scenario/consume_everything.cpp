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
using test::virtual_cluster;
using test::virtual_member;

/// Whether "m0" to "m(count-1)" came, each once.
bool each_once(const std::map<std::string, int>& counts, int count) {
    bool once = counts.size() == static_cast<std::size_t>(count);
    for (int i = 0; once && i < count; ++i) {
        const auto found = counts.find("m" + std::to_string(i));
        once             = found != counts.end() && found->second == 1;
    }
    return once;
}

void consume_a_thousand(embedded::broker_options with, memory_network_options links = {}) {
    virtual_cluster cluster(std::move(with), links);
    cluster.broker().create_topic("orders", 8);
    cluster.send("orders", 1000);

    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() >= 1000; }));
    CHECK(each_once(one.counts(), 1000));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 8) == 1000);
    for (std::int32_t id = 0; id < 8; ++id)
        CHECK(cluster.broker().committed_offset("billing", "orders", id) == cluster.broker().max_offset("orders", id));
    CHECK(cluster.broker().members("billing").empty());
    cluster.runtime.run_ready(); // the broker sees the end of the connection
    CHECK(cluster.broker().statistics().connections_open == 0);
}

/// Gives a queue a past: for one that still has its first message a broker answers 0 to groups that it does not know.
void age(virtual_cluster& cluster, std::int32_t queues) {
    for (std::int32_t id = 0; id < queues; ++id)
        cluster.broker().drop_before("orders", id, 1);
}

TEST_CASE("a consumer gets every message once and commits all", "[scenario]") { consume_a_thousand({}); }

TEST_CASE("a consumer reads what a 4.9.7 broker answers in the binary encoding", "[scenario]") {
    consume_a_thousand({.version = embedded::version_4_9_7, .encoding = embedded::answer_encoding::as_request});
}

TEST_CASE("a consumer reads frames that come byte by byte", "[scenario]") { consume_a_thousand({}, {.largest_read = 1}); }

TEST_CASE("a consumer reads through pipes that hold less than a frame", "[scenario]") {
    consume_a_thousand({}, {.pipe_capacity = 100});
}

TEST_CASE("the first message comes at once after start, and each new one at once after it was sent", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 1);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    const auto begun = cluster.runtime.now();
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 1; }));
    CHECK(cluster.runtime.now() == begun); // no timer was waited for

    cluster.runtime.advance(7s);
    const auto sent = cluster.runtime.now();
    cluster.send("orders", 4, "later");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 5; }));
    CHECK(cluster.runtime.now() == sent);
}

TEST_CASE("messages of a queue come in the order of their offsets", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 3);
    cluster.send("orders", 300);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 300; }));
    std::map<std::int32_t, queue_offset> next;
    for (const auto& message : one.received())
        CHECK(message.offset == next[message.queue_id]++);
}

TEST_CASE("what was consumed does not come again after a restart, and the rest does", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    cluster.send("orders", 100);
    for (int round = 1; round <= 3; ++round) {
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        REQUIRE(cluster.run_until([&] { return one.received().size() >= 100; }));
        cluster.runtime.advance(3s);
        CHECK(one.received().size() == 100);
        REQUIRE(one.stop() == std::error_code());
        cluster.send("orders", 100);
    }
}

TEST_CASE("a group that begins at last passes over what was there at its start, and nothing that came later", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 10, "old");
    age(cluster, 2);
    auto with = cluster.member_options();
    with.from = consume_from::last;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(100ms);
    cluster.send("orders", 2, "new");
    cluster.runtime.advance(2s);
    CHECK(one.counts() == std::map<std::string, int>{{"new0", 1}, {"new1", 1}});

    cluster.broker().create_topic("orders", 3); // a queue that was not there at start
    cluster.broker().send("orders", "grown", {.queue = 2});
    CHECK(cluster.run_until([&] { return one.received().size() == 3; }, 2min));
    CHECK(one.received().back().body == "grown");
}

TEST_CASE("a group that begins at a time gets what was stored from then on", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 5, "old");
    age(cluster, 1);
    cluster.runtime.advance(10s);
    auto with      = cluster.member_options();
    with.from      = consume_from::timestamp;
    with.from_time = cluster.runtime.system_now();
    cluster.runtime.advance(1s);
    cluster.send("orders", 2, "new");
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    CHECK(one.counts() == std::map<std::string, int>{{"new0", 1}, {"new1", 1}});
}

} // namespace
