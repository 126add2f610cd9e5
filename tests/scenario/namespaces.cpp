#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_broker.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::message_span;
using test::virtual_cluster;
using test::virtual_member;

TEST_CASE("in a namespace the broker's names have it and the listener's have not, from the first delivery to the dead "
          "letters",
          "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("ns%orders", 1);
    cluster.broker().create_topic("orders", 1);
    cluster.broker().send("ns%orders", "42 apples");
    cluster.broker().send("orders", "of nobody's namespace");
    auto with                = cluster.member_options();
    with.namespace_v1        = "ns";
    with.max_reconsume_times = 1;
    virtual_member one(cluster, "one", with, [](message_span messages, consume_context&) {
        CHECK(message(messages.front())->topic() == "orders");
        return consume_result::reconsume_later;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2; }));
    cluster.runtime.advance(10s);
    REQUIRE(one.received().size() == 2);
    const auto& first  = one.received()[0];
    const auto& second = one.received()[1];
    CHECK(first.topic == "orders");
    CHECK(first.stored_topic == "ns%orders");
    CHECK(second.topic == "orders");
    CHECK(second.stored_topic == "%RETRY%ns%billing");
    CHECK(second.body == "42 apples");

    const auto dead = cluster.broker().messages("%DLQ%ns%billing");
    REQUIRE(dead.size() == 1);
    CHECK(dead.front()->property("RETRY_TOPIC") == "ns%orders"); // what Java's members of the group have to find there
    CHECK(cluster.broker().messages("%DLQ%billing").empty());
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("ns%orders", 1, "ns%billing") == 1);
    CHECK(cluster.committed("orders", 1, "billing") == 0);
}

TEST_CASE("in a namespace popped messages are shown without it, retries as well", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("ns%orders", 1);
    cluster.broker().set_request_mode("ns%orders", "ns%billing", {protocol::request_mode::pop});
    cluster.broker().send("ns%orders", "42 apples");
    auto with         = cluster.member_options();
    with.namespace_v1 = "ns";
    test::popping_member one(cluster, "one", with, [](message_span messages, consume_context&) -> test::slow_result {
        co_return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2; }, 2min));
    for (const auto& each : one.received())
        CHECK(each.topic == "orders");
    for (const auto& each : one.received())
        CHECK(each.stored_topic == "ns%orders"); // so a broker writes popped retries, too
    CHECK(one.statistics().popped.size() == 1);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("in a namespace a subscription is taken back by the name that it was made with", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("ns%orders", 1);
    cluster.broker().create_topic("ns%invoices", 1);
    cluster.broker().send("ns%orders", "an order");
    cluster.broker().send("ns%invoices", "an invoice");
    auto with         = cluster.member_options();
    with.namespace_v1 = "ns";
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    one.subscribe("ns%invoices"); // the whole name is as good
    CHECK(one.unsubscribe("orders"));
    CHECK_FALSE(one.unsubscribe("orders"));
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    CHECK(one.counts() == std::map<std::string, int>{{"an invoice", 1}});
}

TEST_CASE("in a namespace a queue is suspended and moved by the name that its topic was subscribed with", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("ns%orders", 1);
    cluster.send("ns%orders", 4);
    auto with         = cluster.member_options();
    with.namespace_v1 = "ns";
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    const message_queue queue{"orders", "broker-a", 0}, whole{"ns%orders", "broker-a", 0};
    one.suspend(queue);
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    CHECK(one.received().empty());
    one.resume(queue);
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 4);

    CHECK(one.seek(queue, 2) == std::error_code());
    cluster.runtime.advance(2s);
    CHECK(one.received().size() == 6);
    CHECK(one.seek(whole, 3) == std::error_code()); // as statistics and events name it
    cluster.runtime.advance(2s);
    CHECK(one.received().size() == 7);
    CHECK(one.seek({"ns%ns%orders", "broker-a", 0}, 0) == make_error_code(error::not_our_queue));
}

TEST_CASE("members with a namespace of the second kind consume by the names that they have", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.broker().send("orders", "42 apples");
    auto with         = cluster.member_options();
    with.namespace_v2 = "a \"cloud\"";
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 1; }));
    CHECK(one.received().front().stored_topic == "orders");
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1);
}

TEST_CASE("a message tells its queue's range as it was when it was pulled", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 3);
    cluster.broker().drop_before("orders", 0, 1);
    std::vector<std::pair<queue_offset, queue_offset>> ranges;
    virtual_member one(cluster, "one", cluster.member_options(), [&](message_span messages, consume_context&) {
        ranges.emplace_back(messages.front().min_offset(), messages.front().max_offset());
        return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return ranges.size() == 2; }));
    cluster.send("orders", 1);
    REQUIRE(cluster.run_until([&] { return ranges.size() == 3; }));
    CHECK(ranges == std::vector<std::pair<queue_offset, queue_offset>>{{1, 3}, {1, 3}, {1, 4}});
}

TEST_CASE("a member tells every server its namespace of the second kind, its unit, and that it is of one",
          "[scenario]") {
    using namespace test::dialogue;
    virtual_cluster cluster;
    const endpoint names{"names", 9876}, broker{"broker-b", 10911};
    test::scripted_broker script(cluster.runtime, cluster.network, {names, broker});
    const auto of_cloud = [](request_pattern pattern) { return pattern.with("nsd", "true").with("ns", "cloud"); };
    script.always(of_cloud(get_route("orders"))).only_at(names).reply(route({{"broker-b", 4, "broker-b:10911"}}));
    script.always(of_cloud(get_route("%RETRY%billing"))).only_at(names).reply(refusal(response_code::topic_not_exist));
    script.always(of_cloud(heartbeat())).reply(ok());
    script.always(of_cloud(get_members("billing"))).reply(refusal(response_code::system_error)); // so it has no queue
    script.always(of_cloud(unregister())).reply(ok());
    auto with          = cluster.member_options();
    with.name_servers  = "names:9876";
    with.client_ip     = "10.0.0.7";
    with.instance_name = "one";
    with.unit_name     = "west";
    with.unit_mode     = true;
    with.namespace_v2  = "cloud";

    with.group_check_interval = 0ms; // the script does not know the question
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    const auto beat = protocol::decode_heartbeat(script.last(heartbeat())->body);
    REQUIRE(beat);
    CHECK(beat->client_id == "10.0.0.7@one@west");
    REQUIRE(beat->consumers.size() == 1);
    CHECK(beat->consumers.front().unit_mode);
    cluster.runtime.advance(2s);
    CHECK(script.count(get_members()) > 0);
    CHECK(one.stop() == std::error_code());
    CHECK(script.count(unregister()) == 1);
}

} // namespace
