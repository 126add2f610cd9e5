#include <rocketpush/protocol/bodies_batch_ack.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_pop.hpp"

/// Popping told line by line, against a broker that says what the script tells it to.
namespace {

using namespace rocketpush;
using namespace rocketpush::test::dialogue;
using namespace std::chrono_literals;
using protocol::pop_topic;
using protocol::request_mode;
using test::popping_member;
using test::slow_result;
using message_span = test::message_span;

struct scripted_cluster : test::virtual_cluster {
    explicit scripted_cluster(std::vector<std::int32_t> popped_ids = {-1}) {
        script.serve_quietly("orders", {{"broker-a", 2}});
        script.always(query_assignment()).reply(assigned("orders", request_mode::pop, std::move(popped_ids)));
        script.always(pop()).reply(no_messages()).after(15s);
        with.name_servers         = "script:10911";
        with.group                = "billing";
        with.from                 = consume_from::first;
        with.group_check_interval = 0ms; // the script does not know the question
    }

    test::scripted_broker script{runtime, network, {{"script", 10911}}};
    options with;
};

/// A listener that answers the same to everything.
auto always(consume_result result, int delay_level = 0) {
    return [=](message_span, consume_context& context) -> slow_result {
        context.delay_level = delay_level;
        co_return result;
    };
}

/// The offsets that a batch of acknowledgements names, by its check points.
std::map<std::string, std::vector<std::size_t>> acked(const test::peer_frame* frame) {
    REQUIRE(frame != nullptr);
    const auto body = protocol::decode_batch_ack(frame->body);
    REQUIRE(body.has_value());
    CHECK(body->broker_name == "broker-a");
    std::map<std::string, std::vector<std::size_t>> found;
    for (const auto& each : body->acks) {
        CHECK(each.consumer_group == "billing");
        CHECK(each.topic == "orders");
        CHECK(each.pop_time == script_pop_time);
        CHECK(each.revive_queue_id == 3);
        CHECK(each.invisible_millis == 60000);
        auto& offsets = found[std::to_string(static_cast<int>(each.kind)) + '/' + std::to_string(each.queue_id)];
        for (std::size_t bit = 0; bit < each.acked.end(); ++bit)
            if (each.acked.test(bit))
                offsets.push_back(static_cast<std::size_t>(each.start_offset) + bit);
    }
    return found;
}

TEST_CASE("a queue that the broker wants popped is popped, and what was consumed is acknowledged in one request",
          "[scenario]") {
    scripted_cluster cluster;
    cluster.script
        .expect(pop("orders", -1)
                    .with("maxMsgNums", 32)
                    .with("invisibleTime", 60000)
                    .with("pollTime", 15000)
                    .with("bornTime", 0)
                    .with("initMode", 0)
                    .with("expType", "TAG")
                    .with("exp", "*")
                    .with("order", "false"))
        .reply(popped(
            {{.body = "a", .offset = 4, .queue_id = 0},
             {.body = "b", .offset = 5, .queue_id = 0},
             {.body = "c", .offset = 9, .queue_id = 1},
             {.body = "d", .offset = 2, .queue_id = 1, .reconsume_times = 1, .stored_in = pop_topic::retry_v1},
             {.body = "e", .offset = 7, .queue_id = 0, .reconsume_times = 2, .stored_in = pop_topic::retry_v2}}));
    cluster.script.expect(batch_ack()).reply(ok());
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.count("ack") == 1; }, 5s));
    CHECK(acked(cluster.script.last(batch_ack())) ==
          std::map<std::string, std::vector<std::size_t>>{{"0/0", {4, 5}}, {"0/1", {9}}, {"1/1", {2}}, {"2/0", {7}}});
    REQUIRE(one.received().size() == 5);
    for (const auto& each : one.received())
        CHECK(each.topic == "orders"); // retries too
    CHECK(one.received()[2].queue_id == 1);
    CHECK(one.received()[3].reconsume_times == 1);
    const auto now = one.statistics();
    REQUIRE(now.popped.size() == 1);
    CHECK(now.popped.front().waiting == 0);
    CHECK_FALSE(now.popped.front().oldest_stored);
    CHECK(now.popped.front().counts.acknowledged == 5);
    CHECK(now.queues.empty());
    CHECK(cluster.script.count(test::dialogue::pull()) == 0);
    CHECK(cluster.script.count(query_offset()) == 0);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.script.count(update_offset()) == 0);
}

TEST_CASE("a broker that does not know batches of acknowledgements gets them one by one from then on", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped({{.body = "a", .offset = 4},
                                               {.body = "b", .offset = 6, .stored_in = pop_topic::retry_v1},
                                               {.body = "c", .offset = 8, .stored_in = pop_topic::retry_v2}}));
    cluster.script.expect(batch_ack()).reply(refusal(response_code::request_code_not_supported));
    cluster.script
        .expect(ack("orders", 0, 4)
                    .with("extraInfo", "4 1700000000000 60000 3 0 broker-a 0 4")
                    .with("consumerGroup", "billing"))
        .reply(ok());
    cluster.script
        .expect(ack("%RETRY%billing_orders", 0, 6).with("extraInfo", "6 1700000000000 60000 3 1 broker-a 0 6"))
        .reply(ok());
    cluster.script
        .expect(ack("%RETRY%billing+orders", 0, 8).with("extraInfo", "8 1700000000000 60000 3 2 broker-a 0 8"))
        .reply(ok());
    cluster.script.then().expect(pop()).reply(popped(2, 20));
    cluster.script.expect(ack("orders", 0, 20)).reply(ok());
    cluster.script.expect(ack("orders", 0, 21)).reply(ok());
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return cluster.script.done(); }, 60s));
}

TEST_CASE("a failed message is hidden for the delay of its level", "[scenario]") {
    struct failure {
        int level, times;
        std::int64_t hidden;
    };
    const auto [level, times, hidden] =
        GENERATE(failure{0, 0, 10'000}, failure{0, 1, 30'000}, failure{0, 15, 7'200'000}, failure{2, 0, 60'000},
                 failure{99, 0, 7'200'000});
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped({{.body = "a", .offset = 4, .reconsume_times = times}}));
    cluster.script
        .expect(change_invisible_time(4, hidden)
                    .with("topic", "orders")
                    .with("extraInfo", "4 1700000000000 60000 3 0 broker-a 0 4"))
        .reply(hidden_again(5, hidden));
    popping_member one(cluster, "one", cluster.with, always(consume_result::reconsume_later, level));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    cluster.runtime.advance(100ms);
    CHECK(cluster.script.count(ack()) == 0);
    CHECK(one.statistics().popped.front().waiting == 0);
    CHECK(one.statistics().counts.sent_back == 1);
}

TEST_CASE("a message that failed too often, or for good, becomes a dead letter before it is acknowledged",
          "[scenario]") {
    const auto [level, times] = GENERATE(std::pair(-1, 0), std::pair(0, 16));
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped({{.body = "a", .offset = 4, .reconsume_times = times}}));
    cluster.script
        .expect(send_back(4000).with("delayLevel", -1).with("maxReconsumeTimes", 16).with("originTopic", "orders"))
        .reply(ok());
    cluster.script.then().expect(ack("orders", 0, 4)).reply(ok());
    popping_member one(cluster, "one", cluster.with, always(consume_result::reconsume_later, level));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    CHECK(cluster.script.count(change_invisible_time()) == 0);
    CHECK(one.received().size() == 1);
}

TEST_CASE("a dead letter that the broker refuses is not acknowledged: it comes again", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped({{.body = "a", .offset = 4}}));
    cluster.script.expect(send_back()).reply(refusal(response_code::system_error));
    cluster.script.then().expect(change_invisible_time(4, 10'000)).reply(hidden_again(5));
    popping_member one(cluster, "one", cluster.with, always(consume_result::reconsume_later, -1));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    CHECK(cluster.script.count(ack()) == 0);
}

TEST_CASE("a message beyond the maximum, and one that cannot be read, become dead letters without a listener call",
          "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped({{.body = "worn", .offset = 4, .reconsume_times = 17},
                                               {.body = "damaged", .offset = 5, .crc = 1},
                                               {.body = "good", .offset = 6}}));
    cluster.script.expect(send_back(4000)).reply(ok());
    cluster.script.expect(send_back(5000)).reply(ok());
    cluster.script.expect(ack("orders", 0, 6).with("extraInfo", "4 1700000000000 60000 3 0 broker-a 0 6")).reply(ok());
    cluster.script.then().expect(ack("orders", 0, 4)).reply(ok());
    cluster.script.expect(ack("orders", 0, 5)).reply(ok());
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    CHECK(one.counts() == std::map<std::string, int>{{"good", 1}});
    CHECK(one.events("bad_message").size() == 1);
}

TEST_CASE("a popped message that cannot be read comes again if the options say so, and in the end is a dead letter", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped({{.body = "damaged", .offset = 5, .crc = 1},
                                               {.body = "worn", .offset = 6, .reconsume_times = 16, .crc = 1}}));
    cluster.script.expect(change_invisible_time(5, 10'000)).reply(hidden_again(5));
    cluster.script.expect(send_back(6000)).reply(ok());
    cluster.script.then().expect(ack("orders", 0, 6)).reply(ok());
    auto with             = cluster.with;
    with.when_bad_message = bad_message::send_back;
    popping_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    CHECK(one.counts().empty());
    CHECK(one.events("bad_message_sent_back").size() == 2);
}

TEST_CASE("what only shares a hash with a wanted tag is acknowledged unseen", "[scenario]") {
    scripted_cluster cluster;
    const std::string wanted = "TAGS\001Aa\002", other = "TAGS\001BB\002"; // one hash in Java
    cluster.script.expect(pop().with("exp", "Aa"))
        .reply(popped(
            {{.body = "a", .offset = 4, .properties = wanted}, {.body = "b", .offset = 5, .properties = other}}));
    cluster.script.expect(ack("orders", 0, 4)).reply(ok());
    cluster.script.expect(ack("orders", 0, 5)).reply(ok());
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders", tags("Aa"));
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    CHECK(one.counts() == std::map<std::string, int>{{"a", 1}});
    CHECK(one.statistics().counts.filtered == 1);
}

TEST_CASE("a call that takes long keeps its message, and acknowledges with the receipt that it has by then",
          "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped(2));
    cluster.script.expect(change_invisible_time(0, 60'000).with("extraInfo", "0 1700000000000 60000 3 0 broker-a 0 0"))
        .reply(hidden_again(1'700'000'030'000));
    cluster.script.expect(ack("orders", 0, 1)).reply(ok()); // that one was through by then
    cluster.script.then()
        .expect(change_invisible_time(0, 60'000).with("extraInfo", "0 1700000030000 60000 5 0 broker-a 0 0"))
        .reply(hidden_again(1'700'000'060'000));
    cluster.script.then()
        .expect(ack("orders", 0, 0).with("extraInfo", "0 1700000060000 60000 5 0 broker-a 0 0"))
        .reply(ok());
    auto& runtime = cluster.runtime;
    popping_member one(cluster, "one", cluster.with,
                       [&runtime](message_span messages, consume_context&) -> slow_result {
                           const bool slow = messages.front().body() == "0";
                           if (slow)
                               co_await test::pause_for(runtime, 80s);
                           co_return consume_result::success;
                       });
    one.subscribe("orders");
    const auto begun = runtime.now();
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 2min));
    CHECK(runtime.now() - begun >= 80s);
    CHECK(one.received().size() == 2);
    CHECK(one.count("receipt_expired") == 0);
    cluster.runtime.advance(100ms);
    CHECK(one.statistics().popped.front().waiting == 0);
}

TEST_CASE("a call that outlives its receipt is reported, and acknowledges nothing", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped(1));
    cluster.script.always(change_invisible_time()).reply(refusal(response_code::system_error));
    auto& runtime = cluster.runtime;
    popping_member one(cluster, "one", cluster.with, [&runtime](message_span, consume_context&) -> slow_result {
        co_await test::pause_for(runtime, 70s);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(59s);
    CHECK(one.count("receipt_expired") == 0);
    CHECK(cluster.script.count(change_invisible_time()) == 4); // after 30 s, and each 7.5 s from then on
    cluster.runtime.advance(2s);
    CHECK(one.count("receipt_expired") == 1);
    cluster.runtime.advance(20s);
    CHECK(one.statistics().counts.succeeded == 1);
    CHECK(cluster.script.count(ack()) == 0);
    CHECK(one.count("receipt_expired") == 1);
    CHECK(one.statistics().popped.front().waiting == 0);
}

TEST_CASE("a call that hangs keeps its message for the consume timeout, and no longer", "[scenario]") {
    scripted_cluster cluster;
    cluster.with.consume_timeout = 100s;
    cluster.script.expect(pop()).reply(popped(1));
    cluster.script.always(change_invisible_time()).reply(hidden_again(1'700'000'030'000));
    auto& runtime = cluster.runtime;
    popping_member one(cluster, "one", cluster.with, [&runtime](message_span, consume_context&) -> slow_result {
        co_await test::pause_for(runtime, 10min);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(149s);
    CHECK(cluster.script.count(change_invisible_time()) == 3); // each half of a minute, within the limit
    CHECK(one.count("receipt_expired") == 0);
    cluster.runtime.advance(2s);
    CHECK(one.count("receipt_expired") == 1);
    CHECK(cluster.script.count(ack()) == 0);
    one.stop(0ms);
    cluster.runtime.advance(10min);
}

TEST_CASE("an acknowledgement that fails is tried again while its receipt is worth something", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped(3));
    cluster.script.expect(batch_ack()).times(3).reply(refusal(response_code::system_busy));
    cluster.script.then().expect(batch_ack()).reply(ok());
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 10s));
    cluster.runtime.advance(10ms);
    CHECK(one.count("ack_failure") == 3);
    CHECK(one.count("ack") == 1);
    CHECK(one.received().size() == 3);
}

TEST_CASE("beyond 96 messages that are not acknowledged nothing is popped, and it goes on as soon as some are",
          "[scenario]") {
    scripted_cluster cluster;
    int pops = 0;
    cluster.script.always(pop()).reply([&pops](auto& out, const auto& request, const auto& broker, const auto& at) {
        popped(32, 32 * pops++)(out, request, broker, at);
    });
    cluster.script.always(batch_ack()).reply(ok());
    cluster.script.always(ack()).reply(ok());
    cluster.script.always(change_invisible_time()).reply(hidden_again(5));
    bool open     = false;
    auto& runtime = cluster.runtime;
    popping_member one(cluster, "one", cluster.with, [&](message_span, consume_context&) -> slow_result {
        while (!open)
            co_await test::pause_for(runtime, 10ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10s);
    CHECK(pops == 4);
    CHECK(one.statistics().popped.front().waiting == 128);
    CHECK(one.statistics().popped.front().flow == flow_state::too_many_messages);
    CHECK(one.statistics().popped.front().flow_for > 9s);
    CHECK(one.statistics().popped.front().oldest_stored == message_time(1'700'000'000'000ms));
    CHECK(one.statistics().topics.front().oldest_age == one.statistics().popped.front().oldest_age);
    CHECK(one.count("flow_control") == 1);
    open = true;
    REQUIRE(cluster.run_until([&] { return pops > 4; }, 1s));
}

TEST_CASE("answers that bring nothing: what the next pop waits for", "[scenario]") {
    struct failure {
        response_code code;
        std::chrono::milliseconds pause;
        bool told;
    };
    const auto [code, pause, told] = GENERATE(
        failure{response_code::polling_timeout, 0ms, false}, failure{response_code::pull_not_found, 20ms, false},
        failure{response_code::polling_full, 1000ms, true}, failure{response_code::flow_control, 20ms, true},
        failure{response_code::system_error, 1000ms, true});
    scripted_cluster cluster;
    std::vector<std::chrono::steady_clock::time_point> asked;
    const auto answer = [&, reply = no_messages(code)](auto& out, const auto& request, const auto& broker,
                                                       const auto& at) {
        asked.push_back(cluster.runtime.now());
        reply(out, request, broker, at);
    };
    cluster.script.expect(pop()).times(2).reply(answer);
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return asked.size() == 2; }, 5s));
    CHECK(asked[1] - asked[0] >= pause);
    CHECK(asked[1] - asked[0] < pause + 5ms);
    CHECK((one.count("pull_failure") != 0) == told);
}

TEST_CASE("brokers that do not know the question make the members share out by themselves", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.always(query_assignment()).reply(refusal(response_code::request_code_not_supported));
    cluster.script.expect(test::dialogue::pull("orders", 0));
    cluster.script.expect(test::dialogue::pull("orders", 1));
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    CHECK(cluster.script.count(get_members("billing")) > 0);
    CHECK(cluster.script.count(pop()) == 0);
}

TEST_CASE("an assignment is asked for by strategy, group and member; queues of it that are pulled are pulled",
          "[scenario]") {
    scripted_cluster cluster;
    cluster.script.always(query_assignment()).reply(assigned("orders", request_mode::pull, {1}));
    cluster.script.expect(test::dialogue::pull("orders", 1));
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    const auto query = protocol::decode_assignment_query(cluster.script.last(query_assignment())->body);
    REQUIRE(query.has_value());
    CHECK(query->consumer_group == "billing");
    CHECK(query->client_id == one.client_id());
    CHECK(query->strategy_name == "AVG");
    CHECK(query->message_model == "CLUSTERING");
    // What a group left when it was popped before is pulled too.
    const auto beat = protocol::decode_heartbeat(cluster.script.last(heartbeat())->body);
    REQUIRE(beat.has_value());
    const auto& told = beat->consumers.front().subscriptions;
    CHECK(std::ranges::count(told, "%RETRY%billing_orders", &subscription::topic) == 1);
}

TEST_CASE("a broker that cannot say leaves all as it is, and is asked again in a second; none is to give all up",
          "[scenario]") {
    scripted_cluster cluster;
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.count("pop_begun") == 1; }, 5s));
    cluster.script.always(query_assignment()).reply(not_assigned());
    cluster.script.push_members_changed("billing");
    cluster.runtime.advance(5s);
    CHECK(one.count("pop_ended") == 0);
    CHECK(one.count("rebalance_failure") >= 4);
    cluster.script.always(query_assignment()).reply(assigned("orders", request_mode::pop, {}));
    cluster.runtime.advance(20s); // until the poll that is held has ended
    CHECK(one.count("pop_ended") == 1);
    CHECK(one.statistics().popped.empty());
}

TEST_CASE("from pulled to popped: the offset is confirmed before the first pop", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.always(query_assignment()).reply(assigned("orders", request_mode::pull, {0, 1}));
    cluster.script.expect(test::dialogue::pull("orders", 0)).reply(messages(2));
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2; }, 5s));
    cluster.script.always(query_assignment()).reply(assigned("orders", request_mode::pop, {-1}));
    cluster.script.expect(update_offset("orders", 0, 2)).reply(ok()).after(300ms);
    cluster.script.then().expect(pop("orders", -1));
    cluster.script.push_members_changed("billing");
    CHECK(cluster.run_until([&] { return cluster.script.done(); }, 10s));
    CHECK(one.statistics().queues.empty());
    cluster.runtime.advance(10ms);
    const auto beat = protocol::decode_heartbeat(cluster.script.last(heartbeat())->body);
    REQUIRE(beat.has_value());
    CHECK(std::ranges::count(beat->consumers.front().subscriptions, "%RETRY%billing_orders", &subscription::topic) ==
          0);
}

TEST_CASE("from popped to pulled: what the last poll brings is consumed and acknowledged before the first pull",
          "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop("orders", -1)).reply(popped(3)).after(10s);
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.count("pop_begun") == 1; }, 5s));
    cluster.runtime.advance(1s);
    cluster.script.always(query_assignment()).reply(assigned("orders", request_mode::pull, {0, 1}));
    cluster.script.push_members_changed("billing");
    cluster.script.expect(batch_ack()).reply(ok());
    cluster.script.then().expect(test::dialogue::pull("orders", 0));
    CHECK(cluster.run_until([&] { return cluster.script.done(); }, 30s));
    CHECK(one.received().size() == 3);
    CHECK(cluster.script.count(pop()) == 1);
    CHECK(one.statistics().popped.empty());
}

TEST_CASE(
    "a topic taken back while it is popped is popped no more, at once; a new expression holds from the next pop on",
    "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop().with("exp", "*"));
    popping_member one(cluster, "one", cluster.with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.script.done(); }, 5s));
    cluster.script.expect(pop().with("exp", "paid"));
    REQUIRE(one.subscribe_running("orders", tags("paid")) == std::error_code());
    CHECK(cluster.run_until([&] { return cluster.script.done(); }, 30s));
    const auto asked = cluster.runtime.now();
    REQUIRE(one.unsubscribe_running("orders") == std::error_code());
    CHECK(cluster.runtime.now() - asked < 2s); // the poll that is held is not waited for
    CHECK(one.count("pop_ended") == 1);
    const auto pops = cluster.script.count(pop());
    cluster.runtime.advance(1min);
    CHECK(cluster.script.count(pop()) == pops);
}

TEST_CASE("a stop acknowledges what was consumed, and hands back what nobody has begun with", "[scenario]") {
    scripted_cluster cluster;
    cluster.with.consume_threads = 2;
    cluster.script.expect(pop()).reply(popped(4));
    auto& runtime = cluster.runtime;
    popping_member one(cluster, "one", cluster.with, [&runtime](message_span, consume_context&) -> slow_result {
        co_await test::pause_for(runtime, 2s);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2; }, 5s));
    cluster.script.expect(batch_ack()).reply(ok());
    cluster.script.expect(change_invisible_time(2, 1000)).reply(hidden_again(5));
    cluster.script.expect(change_invisible_time(3, 1000)).reply(hidden_again(5));
    const auto asked = runtime.now();
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.script.done());
    CHECK(acked(cluster.script.last(batch_ack())) == std::map<std::string, std::vector<std::size_t>>{{"0/0", {0, 1}}});
    CHECK(one.received().size() == 2);
    CHECK(runtime.now() - asked < 3s); // the poll that is held is not waited for
}

TEST_CASE("a stop does not wait for ever for a call that hangs, nor acknowledges it", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pop()).reply(popped(1));
    auto& runtime = cluster.runtime;
    popping_member one(cluster, "one", cluster.with, [&runtime](message_span, consume_context&) -> slow_result {
        co_await test::pause_for(runtime, 10min);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 1; }, 5s));
    CHECK(one.stop(1s) == error::stop_deadline_passed);
    CHECK(cluster.script.count(ack()) == 0);
    cluster.runtime.advance(11min);
}

} // namespace
