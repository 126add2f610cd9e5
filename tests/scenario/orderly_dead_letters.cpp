#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::message_span;
using test::orderly_member;
using test::virtual_cluster;

struct failing_cluster : virtual_cluster {
    failing_cluster() {
        broker().create_topic("orders", 1);
        with                     = member_options();
        with.suspend_interval    = 100ms;
        with.max_reconsume_times = 2;
    }
    std::vector<std::string> bodies(const orderly_member& member) const {
        std::vector<std::string> found;
        for (const auto& each : member.received())
            found.push_back(each.body);
        return found;
    }
    options with;
};

TEST_CASE("a message that failed too often becomes a dead letter, and the next one is consumed at once", "[scenario][orderly]") {
    failing_cluster cluster;
    cluster.send("orders", 3, "m", {.tags = "paid", .keys = "k"});
    orderly_member member(cluster, "one", cluster.with, [](message_span messages, orderly_context&) {
        return messages.front().body() == "m1" ? consume_result::reconsume_later : consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(cluster.bodies(member) == std::vector<std::string>{"m0", "m1", "m1", "m1", "m2"});
    CHECK(member.received()[3].reconsume_times == 2);
    CHECK(member.received()[4].at - member.received()[3].at < 100ms); // no pause
    REQUIRE(cluster.broker().stored("%DLQ%billing") == 1);
    const auto dead = cluster.broker().messages("%DLQ%billing").front();
    CHECK(dead->body() == "m1");
    CHECK(dead->tags() == "paid");
    CHECK(dead->keys() == "k");
    CHECK(dead->reconsume_times() == 3);
    CHECK(dead->property("RETRY_TOPIC") == "orders");
    CHECK(dead->property("ORIGIN_MESSAGE_ID") == member.received()[3].id);
    CHECK(member.count("send_back") == 1);
    CHECK(member.statistics().counts.sent_back == 1);
    CHECK(member.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 3);
    CHECK(cluster.broker().stored("%RETRY%billing") == 0);
}

TEST_CASE("without a limit a message is tried for ever, and with 0 once", "[scenario][orderly]") {
    failing_cluster cluster;
    cluster.send("orders", 1);
    cluster.with.max_reconsume_times = GENERATE(-1, 0);
    orderly_member member(cluster, "one", cluster.with,
                          [](message_span, orderly_context&) { return consume_result::reconsume_later; });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(5s);
    if (cluster.with.max_reconsume_times == 0) {
        CHECK(member.received().size() == 1);
        CHECK(cluster.broker().stored("%DLQ%billing") == 1);
    } else {
        CHECK(member.received().size() > 40); // beyond the 16 of concurrent consumers
        CHECK(cluster.broker().stored("%DLQ%billing") == 0);
    }
}

TEST_CASE("a batch fails as a whole, and its messages become dead letters together", "[scenario][orderly]") {
    failing_cluster cluster;
    cluster.with.consume_batch_size = 4;
    cluster.send("orders", 4);
    std::vector<std::string> calls;
    orderly_member member(cluster, "one", cluster.with, [&](message_span messages, orderly_context&) {
        std::string all;
        for (const auto& each : messages)
            all += each.body();
        calls.push_back(all);
        return all.find("m1") != std::string::npos ? consume_result::reconsume_later : consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(calls == std::vector<std::string>(3, "m0m1m2m3"));
    CHECK(cluster.broker().stored("%DLQ%billing") == 4);
    CHECK(member.statistics().counts.sent_back == 4);
    cluster.send("orders", 1);
    cluster.runtime.advance(1s);
    CHECK(calls.back() == "m0");
}

TEST_CASE("when only some messages of a batch could be sent away, those do not come again", "[scenario][orderly]") {
    failing_cluster cluster;
    cluster.with.consume_batch_size  = 3;
    cluster.with.max_reconsume_times = 0;
    cluster.send("orders", 3);
    std::vector<std::string> calls;
    orderly_member member(cluster, "one", cluster.with, [&](message_span messages, orderly_context&) {
        std::string all;
        for (const auto& each : messages)
            all += each.body();
        calls.push_back(all);
        return calls.size() == 1 ? consume_result::reconsume_later : consume_result::success;
    });
    embedded::fault refusal; // of the second one's copy
    refusal.codes  = {request_code::send_message, request_code::send_message_v2};
    refusal.action = embedded::fault_action::refuse{.code = response_code::system_busy};
    refusal.skip   = 1;
    refusal.times  = 1;
    cluster.broker().add_fault(refusal);
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(calls == std::vector<std::string>{"m0m1m2", "m1"});
    CHECK(cluster.broker().stored("%DLQ%billing") == 2);
    CHECK(cluster.events->has("send_back_failure", response_code::system_busy));
    CHECK(member.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 3);
}

TEST_CASE("a dead letter that no broker takes comes to the listener again, and nothing is lost", "[scenario][orderly]") {
    failing_cluster cluster;
    cluster.with.max_reconsume_times = 1;
    cluster.send("orders", 2);
    orderly_member member(cluster, "one", cluster.with, [](message_span messages, orderly_context&) {
        return messages.front().body() == "m0" ? consume_result::reconsume_later : consume_result::success;
    });
    embedded::fault refusal;
    refusal.codes  = {request_code::send_message, request_code::send_message_v2};
    refusal.action = embedded::fault_action::refuse{.code = response_code::system_busy};
    refusal.times  = 2;
    cluster.broker().add_fault(refusal);
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(cluster.bodies(member) == std::vector<std::string>{"m0", "m0", "m0", "m0", "m1"});
    CHECK(cluster.broker().stored("%DLQ%billing") == 1);
    CHECK(cluster.broker().messages("%DLQ%billing").front()->reconsume_times() == 4);
}

} // namespace
