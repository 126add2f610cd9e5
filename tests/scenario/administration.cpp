#include <rocketpush/protocol/bodies.hpp>

#include <chrono>
#include <future>
#include <stdexcept>
#include <string>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::direct_verdict;
using test::manual_member;
using test::message_span;
using test::orderly_member;
using test::popping_member;
using test::slow_result;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

/// What a member answered, within a (virtual) quarter of a minute.
embedded::client_answer wait_for(virtual_cluster& cluster, std::future<embedded::client_answer> answer) {
    cluster.run_until([&] { return answer.wait_for(0s) == std::future_status::ready; }, 15s);
    REQUIRE(answer.wait_for(0s) == std::future_status::ready);
    return answer.get();
}

protocol::running_info info_of(virtual_cluster& cluster, const std::string& client_id, bool with_stacks = false,
                               const std::string& group = "billing") {
    const auto answer = wait_for(cluster, cluster.broker().running_info(group, client_id, with_stacks));
    REQUIRE(answer.code == response_code::success);
    return protocol::decode_running_info(answer.body).value();
}

/// What the listener of a member made of the topic's first message, consumed directly.
protocol::direct_result consume(virtual_cluster& cluster, const std::string& client_id,
                                const std::string& group = "billing") {
    const auto id     = cluster.broker().messages("orders").at(0)->offset_message_id();
    const auto answer = wait_for(cluster, cluster.broker().consume_directly(group, client_id, id));
    REQUIRE(answer.code == response_code::success);
    return protocol::decode_direct_result(answer.body).value();
}

TEST_CASE("an administrator sees how a member is", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 10);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders", tags("*"));
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(30s);
    const auto info = info_of(cluster, one.client_id());
    CHECK(info.properties.at("PROP_CONSUME_TYPE") == "CONSUME_PASSIVELY");
    CHECK(info.properties.at("PROP_CONSUMEORDERLY") == "false");
    CHECK(info.properties.at("PROP_CLIENT_VERSION") == "V5_3_2");
    CHECK(info.properties.at("PROP_NAMESERVER_ADDR") == to_string(cluster.address()) + ";");
    CHECK(info.properties.at("PROP_THREADPOOL_CORE_SIZE") == "1");
    CHECK(info.properties.at("consumerGroup") == "billing");
    CHECK(info.properties.at("messageModel") == "CLUSTERING");
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(cluster.runtime.system_now().time_since_epoch()).count();
    const auto started = std::stoll(info.properties.at("PROP_CONSUMER_START_TIMESTAMP"));
    CHECK(now - started >= 30000);
    CHECK(now - started < 32000);
    REQUIRE(info.subscriptions.size() == 2);
    CHECK(info.subscriptions[0].topic == "%RETRY%billing");
    CHECK(info.subscriptions[1].topic == "orders");
    REQUIRE(info.queues.size() == 3);
    const auto& [queue, state] = info.queues[1];
    CHECK(queue.topic == "orders");
    CHECK(state.commit_offset == 5);
    CHECK(state.cached_messages == 0);
    CHECK(state.locked);
    CHECK_FALSE(state.dropped);
    CHECK(now - state.last_pull <= 15000);
    CHECK(now - state.last_consume >= 29000);
    CHECK(info.topics.at("orders").pulled_per_second > 0);
    CHECK(info.topics.at("orders").consumed_per_second > 0);
    CHECK(info.topics.at("%RETRY%billing").pulled_per_second == 0);
    CHECK(info.popped.empty());
    CHECK(info.stacks.empty());

    const auto stacks = info_of(cluster, one.client_id(), true).stacks;
    CAPTURE(stacks);
    CHECK(stacks.find("group billing, client 127.0.0.1@one\n") != std::string::npos);
    CHECK(stacks.find("queue orders/broker-a/0: ours for 3") != std::string::npos);
    CHECK(stacks.find("  fetching: waiting for its broker's answer for ") != std::string::npos);
    CHECK(stacks.find("first unfinished 5, committed 5, end 5\n") != std::string::npos);
}

TEST_CASE("an administrator sees messages that wait, locks, and what is popped", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 40);
    SECTION("slow listener") {
        auto with            = cluster.member_options();
        with.consume_threads = 1;
        slow_virtual_member slow(cluster, "slow", with, [&](message_span, consume_context&) -> slow_result {
            co_await test::pause_for(cluster.runtime, 1h);
            co_return consume_result::success;
        });
        slow.subscribe("orders");
        REQUIRE(slow.start() == std::error_code());
        cluster.runtime.advance(5s);
        const auto state = info_of(cluster, slow.client_id()).queues.at(1).second;
        CHECK(state.cached_messages == 40);
        CHECK(state.cached_min == 0);
        CHECK(state.cached_max == 39);
        CHECK(state.commit_offset == 0);
        CHECK(info_of(cluster, slow.client_id(), true).stacks.find("40 messages (") != std::string::npos);
    }
    SECTION("a listener that commits itself") {
        manual_member manual(cluster, "manual", cluster.member_options(), [](message_span messages, orderly_context&) {
            return messages.front().queue_offset() < 10 ? orderly_result::commit : orderly_result::success;
        });
        manual.subscribe("orders");
        REQUIRE(manual.start() == std::error_code());
        cluster.runtime.advance(5s);
        const auto info  = info_of(cluster, manual.client_id());
        const auto state = info.queues.at(1).second;
        CHECK(info.properties.at("PROP_CONSUMEORDERLY") == "true");
        CHECK(state.locked);
        CHECK(state.last_lock > 0);
        CHECK(state.commit_offset == 10);
        CHECK(state.uncommitted == 30);
        CHECK(state.uncommitted_min == 10);
        CHECK(state.uncommitted_max == 39);
    }
    SECTION("a popping member") {
        cluster.broker().set_request_mode("orders", "billing", {protocol::request_mode::pop});
        popping_member pops(cluster, "pops", cluster.member_options());
        pops.subscribe("orders");
        REQUIRE(pops.start() == std::error_code());
        cluster.runtime.advance(5s);
        const auto info = info_of(cluster, pops.client_id());
        REQUIRE(info.popped.size() == 1);
        CHECK(info.popped[0].second.waiting == 0);
        CHECK(info.popped[0].second.last_pop > 0);
    }
}

TEST_CASE("a member tells where it is in a topic's queues", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 10);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    const auto ask = [&](const std::string& topic) {
        const auto answer = wait_for(cluster, cluster.broker().consumer_status("billing", one.client_id(), topic));
        return protocol::decode_consumer_status(answer.body).value().queues;
    };
    CHECK(ask("orders") ==
          std::vector<protocol::queue_position>{{{"orders", "broker-a", 0}, 5}, {{"orders", "broker-a", 1}, 5}});
    CHECK(ask(" ").size() == 3);
    CHECK(ask("events").empty());
}

TEST_CASE("a message is consumed directly: beside its queue, with every outcome", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 1, "x");
    cluster.runtime.advance(1s);
    SECTION("concurrent") {
        std::string text = "success";
        virtual_member one(cluster, "one", cluster.member_options(),
                           [&](message_span messages, consume_context& context) {
                               CHECK(context.queue.topic == "orders");
                               CHECK(context.queue.broker_name == "broker-a");
                               CHECK(messages.size() == 1);
                               if (text == "throw")
                                   throw std::runtime_error("no apples");
                               return text == "later" ? consume_result::reconsume_later : consume_result::success;
                           });
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(6s);
        REQUIRE(one.received().size() == 1);
        const auto before = one.statistics().counts;
        auto result       = consume(cluster, one.client_id());
        CHECK(result.verdict == direct_verdict::success);
        CHECK_FALSE(result.in_order);
        CHECK(result.auto_commit);
        text = "later";
        CHECK(consume(cluster, one.client_id()).verdict == direct_verdict::later);
        text   = "throw";
        result = consume(cluster, one.client_id());
        CHECK(result.verdict == direct_verdict::threw);
        CHECK(result.remark == "no apples");
        CHECK(one.received().size() == 4);
        CHECK(one.received().back().body == "x0");
        cluster.runtime.advance(30s);
        const auto after = one.statistics().counts;
        CHECK(after.calls == before.calls); // counted nowhere, settled nowhere
        CHECK(after.sent_back == 0);
        CHECK(one.count("listener_exception") == 0);
    }
    SECTION("awaitable: it takes its time, and nobody waits for it") {
        slow_virtual_member slow(cluster, "slow", cluster.member_options(),
                                 [&](message_span messages, consume_context&) -> slow_result {
                                     if (messages.front().body() == "x0")
                                         co_await test::pause_for(cluster.runtime, 3s);
                                     co_return consume_result::success;
                                 });
        slow.subscribe("orders");
        REQUIRE(slow.start() == std::error_code());
        cluster.runtime.advance(6s);
        const auto id = cluster.broker().messages("orders").at(0)->offset_message_id();
        auto answer   = cluster.broker().consume_directly("billing", slow.client_id(), id);
        cluster.send("orders", 3, "y");
        cluster.runtime.advance(1s);
        CHECK(slow.received().size() == 1 + 1 + 3);
        const auto result = protocol::decode_direct_result(wait_for(cluster, std::move(answer)).body).value();
        CHECK(result.verdict == direct_verdict::success);
        CHECK(result.spent == 3s);
    }
    SECTION("in order") {
        orderly_member ordered(cluster, "ordered", cluster.member_options(),
                               [calls = 0](message_span, orderly_context&) mutable {
                                   return ++calls == 2 ? consume_result::reconsume_later : consume_result::success;
                               });
        ordered.subscribe("orders");
        REQUIRE(ordered.start() == std::error_code());
        cluster.runtime.advance(6s);
        auto result = consume(cluster, ordered.client_id());
        CHECK(result.in_order);
        CHECK(result.auto_commit);
        CHECK(result.verdict == direct_verdict::later);
        CHECK(consume(cluster, ordered.client_id()).verdict == direct_verdict::success);
        CHECK(ordered.count("queue_suspended") == 0);
    }
    SECTION("by a listener that commits itself") {
        auto answer = orderly_result::commit;
        manual_member manual(cluster, "manual", cluster.member_options(),
                             [&](message_span, orderly_context&) { return answer; });
        manual.subscribe("orders");
        REQUIRE(manual.start() == std::error_code());
        cluster.runtime.advance(6s);
        for (const auto& [says, verdict] : {std::pair(orderly_result::commit, direct_verdict::commit),
                                            std::pair(orderly_result::success, direct_verdict::success),
                                            std::pair(orderly_result::rollback, direct_verdict::rollback),
                                            std::pair(orderly_result::suspend, direct_verdict::later)}) {
            answer            = says;
            const auto result = consume(cluster, manual.client_id());
            CHECK(result.verdict == verdict);
            CHECK_FALSE(result.auto_commit);
        }
    }
}

TEST_CASE("what a broker that shuts down sends away is asked again on another connection, once", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    const auto connects = one.count("connect");
    SECTION("a pull") {
        cluster.broker().fail_next(protocol::request_code::pull_message, response_code::go_away);
        cluster.send("orders", 1); // ends the pull that is held; the next one is sent away
        cluster.runtime.advance(500ms);
        CHECK(one.count("connect") == connects + 1);
        CHECK(one.count("pull_failure") == 0);
        cluster.send("orders", 1, "y");
        cluster.runtime.advance(100ms);
        CHECK(one.counts() == std::map<std::string, int>{{"m0", 1}, {"y0", 1}});
    }
    SECTION("a commit") {
        cluster.send("orders", 1);
        cluster.broker().fail_next(protocol::request_code::update_consumer_offset, response_code::go_away);
        cluster.runtime.advance(10s);
        CHECK(one.count("connect") == connects + 1);
        CHECK(one.count("commit_failure") == 0);
        CHECK(cluster.committed("orders", 1) == 1);
    }
    SECTION("twice in a row is an error, and no reason to connect all the time") {
        cluster.runtime.advance(5s); // the retry topic's first offset is written once more
        cluster.broker().fail_next(protocol::request_code::update_consumer_offset, response_code::go_away, 2);
        cluster.send("orders", 1);
        cluster.runtime.advance(10s);
        CHECK(one.count("commit_failure") == 1);
        cluster.runtime.advance(10s);
        CHECK(cluster.committed("orders", 1) == 1);
    }
    SECTION("a heartbeat on a new connection: that one is as good as none") {
        cluster.broker().fail_next(protocol::request_code::heart_beat, response_code::go_away, 3);
        cluster.broker().drop_connections();
        cluster.runtime.advance(10s);
        CHECK(one.count("connect") <= connects + 6);
        cluster.send("orders", 1);
        cluster.runtime.advance(2s);
        CHECK(one.counts() == std::map<std::string, int>{{"m0", 1}});
    }
    cluster.runtime.advance(20s); // until the pulls that the old connection holds have been answered
    CHECK(cluster.broker().members("billing").size() == 1);
}

} // namespace
