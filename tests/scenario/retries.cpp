#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
namespace fault_action = embedded::fault_action;
using test::message_span;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

/// One queue, so that a first commit tells the group's whole progress.
struct small_cluster : virtual_cluster {
    small_cluster() { broker().create_topic("orders", 1); }
};

std::vector<message> dead_letters(virtual_cluster& cluster) { return cluster.broker().messages("%DLQ%billing"); }

TEST_CASE("a message that shall come later comes again through the retry topic, as one of its own topic", "[scenario]") {
    small_cluster cluster;
    const auto sent = cluster.broker().send("orders", "42 apples", {.tags = "paid", .keys = "k1"});
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        CHECK(messages.front().tags() == "paid");
        CHECK(messages.front().keys() == "k1");
        return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders", tags("paid"));
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2; }));
    const auto& first  = one.received()[0];
    const auto& second = one.received()[1];
    CHECK(first.stored_topic == "orders");
    CHECK(second.stored_topic == "%RETRY%billing");
    CHECK(second.topic == "orders");
    CHECK(second.body == "42 apples");
    CHECK(first.id == sent.message_id);
    CHECK(second.id == sent.message_id);
    CHECK(second.reconsume_times == 1);
    CHECK(second.at - first.at >= 10s); // delay level 3
    CHECK(second.at - first.at < 11s);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1);
    CHECK(cluster.committed("%RETRY%billing", 1) == 1);
}

TEST_CASE("the pauses between retries grow, and after the last one a message is a dead letter", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1);
    auto with                = cluster.member_options();
    with.max_reconsume_times = 3;
    virtual_member one(cluster, "one", with, [](message_span, consume_context&) { return consume_result::reconsume_later; });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10min);
    REQUIRE(one.received().size() == 4);
    const auto& got = one.received();
    CHECK(got[1].at - got[0].at >= 10s);
    CHECK(got[2].at - got[1].at >= 30s);
    CHECK(got[3].at - got[2].at >= 60s);
    CHECK(got[3].at - got[0].at < 110s);
    REQUIRE(dead_letters(cluster).size() == 1);
    CHECK(dead_letters(cluster).front()->body() == "m0");
}

TEST_CASE("a group that allows no retry sends to the dead letters at once", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 2);
    auto with                = cluster.member_options();
    with.max_reconsume_times = 0;
    virtual_member one(cluster, "one", with, [](message_span, consume_context&) { return consume_result::reconsume_later; });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5min);
    CHECK(one.received().size() == 2);
    CHECK(dead_letters(cluster).size() == 2);
}

TEST_CASE("a listener chooses when a message comes again", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1);
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context& context) {
        context.delay_level = messages.front().reconsume_times() == 0 ? 1 : -1;
        return consume_result::reconsume_later;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1500ms); // until the retry topic is known
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2; }));
    CHECK(one.received()[1].at - one.received()[0].at >= 1s);
    CHECK(one.received()[1].at - one.received()[0].at <= 3s);
    cluster.runtime.advance(5min);
    CHECK(one.received().size() == 2); // -1: no further time
    CHECK(dead_letters(cluster).size() == 1);
}

/// Wants "m1" later the first time.
consume_result m1_later(message_span messages, consume_context&) {
    const auto& message = messages.front();
    return message.body() == "m1" && message.reconsume_times() == 0 ? consume_result::reconsume_later
                                                                     : consume_result::success;
}

TEST_CASE("a message that its broker does not take back goes to the retry topic as a copy", "[scenario]") {
    small_cluster cluster;
    cluster.broker().send("orders", "m1", {.tags = "paid", .keys = "k1", .properties = {{"color", "blue"}}});
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error);
    virtual_member one(cluster, "one", cluster.member_options(), m1_later);
    one.subscribe("orders", tags("paid"));
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2; }));
    CHECK(one.count("send_back_failure") == 1);
    CHECK(one.count("send_back") == 1);
    const auto& first  = one.received()[0];
    const auto& second = one.received()[1];
    CHECK(second.at - first.at >= 10s); // as the broker would have had it
    CHECK(second.at - first.at < 11s);
    CHECK(second.stored_topic == "%RETRY%billing");
    CHECK(second.topic == "orders");
    CHECK(second.id == first.id);
    CHECK(second.reconsume_times == 1);
    const auto retries = cluster.broker().messages("%RETRY%billing");
    REQUIRE(retries.size() == 1);
    CHECK(retries.front()->property("color") == "blue");
    CHECK(retries.front()->property("ORIGIN_MESSAGE_ID") == first.id);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1);
}

TEST_CASE("a copy keeps the level that the listener asked for, -1 included", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1, "soon");
    cluster.send("orders", 1, "never");
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error, 2);
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context& context) {
        if (messages.front().reconsume_times() != 0)
            return consume_result::success;
        context.delay_level = messages.front().body() == "never0" ? -1 : 1;
        return consume_result::reconsume_later;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    CHECK(one.counts() == std::map<std::string, int>{{"soon0", 2}, {"never0", 1}});
    REQUIRE(dead_letters(cluster).size() == 1);
    CHECK(dead_letters(cluster).front()->body() == "never0");
    CHECK(dead_letters(cluster).front()->reconsume_times() == 1);
    cluster.runtime.advance(5min);
    CHECK(one.received().size() == 3);
}

TEST_CASE("a message that nobody takes back is consumed here again after 5 s, counted; no offset passes it meanwhile",
          "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 3);
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error, 1000);
    cluster.broker().fail_next(request_code::send_message_v2, response_code::no_permission, 1000);
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        const auto& message = messages.front();
        return message.body() == "m1" && message.reconsume_times() < 2 ? consume_result::reconsume_later
                                                                        : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 4; }));
    CHECK(one.counts() == std::map<std::string, int>{{"m0", 1}, {"m1", 2}, {"m2", 1}}); // the others are not held up
    cluster.runtime.advance(2s);
    CHECK(cluster.committed("orders", 1) == 1); // m1 is not passed
    REQUIRE(cluster.run_until([&] { return one.received().size() == 5; }));
    const auto& got = one.received();
    for (std::size_t i = 3; i < 5; ++i) {
        CHECK(got[i].body == "m1");
        CHECK(got[i].topic == "orders");
        CHECK(got[i].stored_topic == "orders");
        CHECK(got[i].offset == 1);
        CHECK(got[i].reconsume_times == static_cast<int>(i) - 2);
        CHECK(got[i].at - got[i == 3 ? 1 : 3].at >= 5s);
        CHECK(got[i].at - got[i == 3 ? 1 : 3].at < 6s);
    }
    const auto snapshot = one.statistics();
    CHECK(snapshot.counts.consumed_again == 2);
    CHECK(snapshot.counts.sent_back == 0);
    CHECK(snapshot.cached_messages == 0);
    CHECK(one.count("send_back") == 0);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 3);
}

TEST_CASE("a message that was consumed here again goes back with its count once a broker takes it", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1, "x");
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error, 1000);
    cluster.broker().fail_next(request_code::send_message_v2, response_code::system_busy, 2);
    auto with                = cluster.member_options();
    with.max_reconsume_times = 2;
    virtual_member one(cluster, "one", with, [](message_span, consume_context&) { return consume_result::reconsume_later; });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.received().size() == 3); // times 0, 1, 2
    REQUIRE(dead_letters(cluster).size() == 1);
    CHECK(dead_letters(cluster).front()->reconsume_times() == 3);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1);
}

TEST_CASE("a broker that is only slow with a send-back does not get a second one", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1);
    cluster.broker().add_fault({.codes = {request_code::consumer_send_back}, .action = fault_action::delay{12s}});
    virtual_member one(cluster, "one", cluster.member_options(), [&](message_span messages, consume_context&) {
        return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2min);
    CHECK(one.received().size() == 2);
    CHECK(one.count("send_back") == 1);
    CHECK(one.count("send_back_failure") == 0);
    CHECK(cluster.broker().messages("%RETRY%billing").size() == 1);
}

TEST_CASE("a send-back whose fate is not known is asked for again, and no copy is sent beside it", "[scenario]") {
    using action = fault_action::any;
    for (const auto& lost : {action(fault_action::lose_request{}), action(fault_action::close_before{})}) {
        small_cluster cluster;
        cluster.send("orders", 1);
        cluster.broker().add_fault({.codes = {request_code::consumer_send_back}, .action = lost, .times = 1});
        virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
            return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
        });
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(2min);
        CHECK(one.count("send_back_failure") == 1);
        CHECK(one.count("send_back") == 1);
        CHECK(one.received().size() == 2);
        CHECK(cluster.broker().messages("%RETRY%billing").size() == 1);
    }
}

TEST_CASE("a broker that never tells the fate of a send-back leaves the message to be consumed here again", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1);
    cluster.broker().add_fault({.codes = {request_code::consumer_send_back}, .action = fault_action::lose_request{}});
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.count("send_back_failure") == 4); // 15 s, then 5 s each
    CHECK(one.received().size() == 2);
    CHECK(one.received().back().stored_topic == "orders");
    CHECK(one.received().back().reconsume_times == 1);
    CHECK(cluster.broker().messages("%RETRY%billing").empty());
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1);
}

TEST_CASE("a send-back outlives a broker that is away for a minute", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1);
    virtual_member one(cluster, "one", cluster.member_options(), [&](message_span messages, consume_context&) {
        if (messages.front().stored_topic() != "orders")
            return consume_result::success;
        if (messages.front().reconsume_times() == 0)
            cluster.cut_off();
        return consume_result::reconsume_later;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.count("send_back_failure") > 5);
    CHECK(one.received().size() > 5); // here again and again
    cluster.reconnect();
    REQUIRE(cluster.run_until([&] { return one.received().back().stored_topic == "%RETRY%billing"; }));
    CHECK(one.count("send_back") == 1);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1);
}

TEST_CASE("a message whose return nobody has confirmed at stop comes to the next member", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 2);
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error, 1000);
    cluster.broker().fail_next(request_code::send_message_v2, response_code::system_error, 1000);
    {
        virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
            return messages.front().body() == "m0" ? consume_result::reconsume_later : consume_result::success;
        });
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(11s);
        const auto asked = cluster.runtime.now();
        REQUIRE(one.stop() == std::error_code());
        CHECK(cluster.runtime.now() - asked < 1s); // it does not wait for the next attempt
        CHECK(one.counts() == std::map<std::string, int>{{"m0", 3}, {"m1", 1}});
        CHECK(cluster.committed("orders", 1) == 0);
    }
    virtual_member two(cluster, "two", cluster.member_options());
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(two.counts().contains("m0"));
}

TEST_CASE("a message that fails while its queue is given up is sent as a copy if need be", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 1);
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error, 1000);
    slow_virtual_member one(cluster, "one", cluster.member_options(),
                            [&](message_span, consume_context&) -> test::slow_result {
                                co_await test::pause_for(cluster.runtime, 3s);
                                co_return consume_result::reconsume_later;
                            });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(one.stop() == std::error_code());
    CHECK(one.count("send_back") == 1);
    CHECK(cluster.committed("orders", 1) == 1);
    cluster.runtime.advance(20s);
    CHECK(cluster.broker().messages("%RETRY%billing").size() == 1);
}

TEST_CASE("of a batch that succeeded in part, only the rest comes again", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 5);
    auto with               = cluster.member_options();
    with.consume_batch_size = 5;
    virtual_member one(cluster, "one", with, [](message_span messages, consume_context& context) {
        if (messages.front().reconsume_times() == 0)
            context.succeeded = 2;
        return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.counts() == std::map<std::string, int>{{"m0", 1}, {"m1", 1}, {"m2", 2}, {"m3", 2}, {"m4", 2}});
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 5);
}

TEST_CASE("a listener that throws gets its messages again, and the observer gets the exception", "[scenario]") {
    small_cluster cluster;
    cluster.send("orders", 3);
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        const auto& message = messages.front();
        if (message.body() == "m1" && message.reconsume_times() == 0)
            throw std::runtime_error("no such customer");
        if (message.body() == "m2" && message.reconsume_times() == 0)
            throw 42;
        return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.counts() == std::map<std::string, int>{{"m0", 1}, {"m1", 2}, {"m2", 2}});
    REQUIRE(one.count("listener_exception") == 2);
    CHECK(one.events("listener_exception")[0].about == "no such customer");
    CHECK(one.events("listener_exception")[1].about == "not a std::exception");
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("a retry is shared by the group: another member may get it", "[scenario]") {
    small_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options(),
                       [](message_span, consume_context&) { return consume_result::reconsume_later; });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 1);
    cluster.runtime.advance(1s);
    REQUIRE(one.received().size() == 1);
    REQUIRE(one.stop() == std::error_code());
    virtual_member two(cluster, "two", cluster.member_options());
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(1min);
    REQUIRE(two.received().size() == 1);
    CHECK(two.received().front().reconsume_times == 1);
}

} // namespace
