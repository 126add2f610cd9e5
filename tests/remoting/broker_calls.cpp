#include <rocketpush/remoting/broker_calls.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/scripted_calls.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test::dialogue;
using namespace std::chrono_literals;

const endpoint at{"broker-a", 10911}, slave{"broker-a", 10921}, other{"broker-b", 10911};

struct calls_fixture : test::scripted_calls {
    route_table routes;
    broker_calls<memory_transport, test::manual_runtime> calls{pool, routes, 3000ms};
    const message_queue queue{"orders", "broker-a", 3};

    calls_fixture() : scripted_calls({at, slave, other}) { learn({{0, "broker-a:10911"}, {1, "broker-a:10921"}}); }
    void learn(std::map<std::int64_t, std::string> addresses) {
        routes.update(
            "orders",
            {.queue_datas  = {{.broker_name = "broker-a", .read_queue_nums = 4, .write_queue_nums = 4}},
             .broker_datas = {{.cluster = "c", .broker_name = "broker-a", .broker_addrs = std::move(addresses)}}});
    }
    /// The retry topic is on two brokers.
    void two_writers() {
        routes.update(
            "%RETRY%billing",
            {.queue_datas  = {{.broker_name = "broker-a", .read_queue_nums = 1, .write_queue_nums = 1},
                              {.broker_name = "broker-b", .read_queue_nums = 1, .write_queue_nums = 1}},
             .broker_datas = {{.cluster = "c", .broker_name = "broker-a", .broker_addrs = {{0, "broker-a:10911"}}},
                              {.cluster = "c", .broker_name = "broker-b", .broker_addrs = {{0, "broker-b:10911"}}}}});
    }
    static message_copy copy() {
        message_copy made;
        made.topic           = "%RETRY%billing";
        made.body            = "42 apples";
        made.properties      = "TAGS\x01paid\x02";
        made.flag            = 7;
        made.sys_flag        = 2;
        made.born_timestamp  = 1'700'000'000'000;
        made.reconsume_times = 3;
        made.unit_mode       = true;
        return made;
    }
};

TEST_CASE_METHOD(calls_fixture, "a group's offset is asked for at the master", "[broker_calls]") {
    script.expect(query_offset("orders", 3).with("consumerGroup", "billing").with("bname", "broker-a"))
        .only_at(at)
        .reply(offset(77));
    const auto got = run(calls.query_offset("billing", queue));
    REQUIRE(got);
    CHECK(*got == 77);
}

TEST_CASE_METHOD(calls_fixture, "no offset yet is no failure", "[broker_calls]") {
    script.expect(query_offset("orders", 3)).reply(no_offset());
    const auto got = run(calls.query_offset("billing", queue));
    REQUIRE(got);
    CHECK_FALSE(got->has_value());
}

TEST_CASE_METHOD(calls_fixture, "an offset that could not be asked for is a failure", "[broker_calls]") {
    script.expect(query_offset()).reply(refusal(response_code::no_permission));
    CHECK(run(calls.query_offset("billing", queue)).error() == response_code::no_permission);
    script.expect(query_offset()).reply(ok()); // without the field that it is asked for
    CHECK(run(calls.query_offset("billing", queue)).error() == error::header_malformed);
    script.expect(query_offset());
    CHECK(run(calls.query_offset("billing", queue), 5s).error() == error::request_timed_out);
}

TEST_CASE_METHOD(calls_fixture, "a commit is over when the broker has confirmed it", "[broker_calls]") {
    script.expect(update_offset("orders", 3, 78).with("consumerGroup", "billing")).reply(ok()).after(100ms);
    std::optional<std::error_code> got;
    begin(calls.update_offset("billing", queue, 78), got);
    runtime.advance(99ms);
    CHECK_FALSE(got);
    runtime.advance(1ms);
    REQUIRE(got);
    CHECK_FALSE(*got);

    script.expect(update_offset()).reply(refusal(response_code::system_error));
    CHECK(run(calls.update_offset("billing", queue, 79)) == response_code::system_error);
}

TEST_CASE_METHOD(calls_fixture, "offsets of a group may come from a slave when there is no master", "[broker_calls]") {
    learn({{1, "broker-a:10921"}});
    script.expect(query_offset()).only_at(slave).reply(offset(5));
    CHECK(*run(calls.query_offset("billing", queue)) == 5);
    script.expect(update_offset()).only_at(slave).reply(ok());
    CHECK_FALSE(run(calls.update_offset("billing", queue, 6)));
}

TEST_CASE_METHOD(calls_fixture, "a queue's range is asked of the master only", "[broker_calls]") {
    script.expect(max_offset("orders", 3)).only_at(at).reply(offset(500));
    script.expect(min_offset("orders", 3)).only_at(at).reply(offset(100));
    CHECK(*run(calls.max_offset(queue)) == 500);
    CHECK(*run(calls.min_offset(queue)) == 100);
    script.expect(offset_at().with("timestamp", 1700000000123).with("queueId", 3)).only_at(at).reply(offset(300));
    CHECK(*run(calls.offset_at(queue, std::chrono::system_clock::time_point(1700000000123ms))) == 300);

    learn({{1, "broker-a:10921"}});
    CHECK(run(calls.max_offset(queue)).error() == error::no_broker_address);
    CHECK(run(calls.min_offset(queue)).error() == error::no_broker_address);
    learn({{0, "broker-a:10911"}});
    script.expect(max_offset()).reply(refusal(response_code::system_busy));
    CHECK(run(calls.max_offset(queue)).error() == response_code::system_busy);
}

TEST_CASE_METHOD(calls_fixture, "a broker that nobody has named has no address", "[broker_calls]") {
    const message_queue unknown{"orders", "broker-x", 0};
    CHECK(run(calls.query_offset("billing", unknown)).error() == error::no_broker_address);
    CHECK(run(calls.update_offset("billing", unknown, 1)) == error::no_broker_address);
    CHECK(run(calls.send_back("billing", unknown, {}, 5s)).failure == error::no_broker_address);
}

TEST_CASE_METHOD(calls_fixture, "a member list is never empty", "[broker_calls]") {
    script.expect(get_members("billing")).reply(member_ids({"a", "b"}));
    const auto got = run(calls.consumer_ids(at, "billing"));
    REQUIRE(got);
    CHECK(*got == std::vector<std::string>{"a", "b"});
    script.expect(get_members("billing")).reply(member_ids({}));
    CHECK(run(calls.consumer_ids(at, "billing")).error() == error::no_members);
    script.expect(get_members("billing")).reply(refusal(response_code::system_error, "no consumer for this group"));
    CHECK(run(calls.consumer_ids(at, "billing")).error() == response_code::system_error);
    script.expect(get_members("billing")).reply(respond(response_code::success, protocol::no_fields{}, "[]"));
    CHECK(run(calls.consumer_ids(at, "billing")).error() == error::body_malformed);
}

TEST_CASE_METHOD(calls_fixture, "a message goes back with what the broker needs to bring it again", "[broker_calls]") {
    script
        .expect(send_back(7000)
                    .with("group", "billing")
                    .with("delayLevel", 3)
                    .with("originMsgId", "ID")
                    .with("originTopic", "orders")
                    .with("maxReconsumeTimes", 5)
                    .with("unitMode", "true")
                    .with("bname", "broker-a"))
        .only_at(at)
        .reply(ok());
    const returned_message returned{.commit_log_offset   = 7000,
                                    .delay_level         = 3,
                                    .max_reconsume_times = 5,
                                    .unit_mode           = true,
                                    .id                  = "ID",
                                    .topic               = "orders"};
    CHECK(run(calls.send_back("billing", queue, returned, 5s)).stored());
    script.expect(send_back()).reply(refusal(response_code::system_error));
    const auto refused = run(calls.send_back("billing", queue, returned, 5s));
    CHECK(refused.failure == response_code::system_error);
    CHECK_FALSE(refused.perhaps_stored);
    script.expect(send_back());
    const auto late = run(calls.send_back("billing", queue, returned, 2s), 2s);
    CHECK(late.failure == error::request_timed_out);
    CHECK(late.perhaps_stored);
}

TEST_CASE_METHOD(calls_fixture, "a broker that stored a message but is late with its disk or replicas has it",
                 "[broker_calls]") {
    for (const std::string status : {"FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE"}) {
        script.expect(send_back()).reply(refusal(response_code::system_error, status));
        CHECK(run(calls.send_back("billing", queue, {}, 5s)).stored());
    }
    script.expect(send_back()).reply(refusal(response_code::system_error, "SERVICE_NOT_AVAILABLE"));
    CHECK(run(calls.send_back("billing", queue, {}, 5s)).failure == response_code::system_error);
    for (const auto code : {response_code::flush_disk_timeout, response_code::flush_slave_timeout,
                            response_code::slave_not_available}) {
        script.expect(send_copy()).reply(refusal(code));
        CHECK(run(calls.send_copy(copy(), queue, 3s)).stored());
    }
}

TEST_CASE_METHOD(calls_fixture, "a copy is sent as Java's inner producer sends one", "[broker_calls]") {
    script
        .expect(send_copy()
                    .with("a", "CLIENT_INNER_PRODUCER")
                    .with("b", "%RETRY%billing")
                    .with("c", "TBW102")
                    .with("d", 4)
                    .with("e", -1) // the queue is the broker's choice
                    .with("f", 2)
                    .with("g", 1'700'000'000'000)
                    .with("h", 7)
                    .with("i", "TAGS\x01paid\x02")
                    .with("j", 3)
                    .with("k", "true")
                    .with("l", 16)
                    .with("m", "false")
                    .with("n", "broker-a"))
        .only_at(at)
        .reply(ok());
    CHECK(run(calls.send_copy(copy(), queue, 3s)).stored()); // the retry topic's route is not known: to where it was
    CHECK(script.last(send_copy())->body == "42 apples");
}

TEST_CASE_METHOD(calls_fixture, "a copy goes to the brokers that take the retry topic's messages, the original's last",
                 "[broker_calls]") {
    two_writers();
    script.expect(send_copy().with("n", "broker-b")).only_at(other).reply(ok());
    CHECK(run(calls.send_copy(copy(), queue, 3s)).stored());
    script.expect(send_copy()).only_at(other).reply(refusal(response_code::no_permission));
    script.then().expect(send_copy()).only_at(at).reply(ok());
    CHECK(run(calls.send_copy(copy(), queue, 3s)).stored());
    network->set(other, memory_network::reach::refused);
    pool.find(other)->close();
    script.then().expect(send_copy()).only_at(at).reply(ok());
    CHECK(run(calls.send_copy(copy(), queue, 3s)).stored());
}

TEST_CASE_METHOD(calls_fixture, "a copy that no broker takes has failed as at the last one", "[broker_calls]") {
    two_writers();
    script.expect(send_copy()).only_at(other).reply(refusal(response_code::system_busy));
    script.expect(send_copy()).only_at(at).reply(refusal(response_code::no_permission));
    const auto outcome = run(calls.send_copy(copy(), queue, 3s));
    CHECK(outcome.failure == response_code::no_permission);
    CHECK_FALSE(outcome.perhaps_stored);
}

TEST_CASE_METHOD(calls_fixture, "a copy that may be stored goes to no other broker", "[broker_calls]") {
    two_writers();
    script.expect(send_copy()).only_at(other);
    const auto late = run(calls.send_copy(copy(), queue, 3s), 3s);
    CHECK(late.failure == error::request_timed_out);
    CHECK(late.perhaps_stored);
    script.expect(send_copy()).only_at(other).then_close();
    const auto lost = run(calls.send_copy(copy(), queue, 3s), 1s);
    CHECK(lost.failure == error::connection_closed);
    CHECK(lost.perhaps_stored);
}

TEST_CASE_METHOD(calls_fixture, "no more than three brokers are asked to take a copy", "[broker_calls]") {
    protocol::route_data route;
    for (const std::string name : {"b", "c", "d", "e", "f"}) {
        route.queue_datas.push_back({.broker_name = name, .read_queue_nums = 1, .write_queue_nums = 1});
        route.broker_datas.push_back({.cluster = "c", .broker_name = name, .broker_addrs = {{0, "broker-b:10911"}}});
    }
    routes.update("%RETRY%billing", route);
    script.expect(send_copy()).times(3).reply(refusal(response_code::system_busy));
    CHECK(run(calls.send_copy(copy(), queue, 3s)).failure == response_code::system_busy);
}

TEST_CASE_METHOD(calls_fixture, "a message of our own goes to a broker of its topic, the next one when that refuses", "[broker_calls]") {
    message_copy own;
    own.producer_group  = "mine";
    own.topic           = "%RETRY%billing"; // whose route the fixture knows
    own.body            = "42 apples";
    own.reconsume_times = 0;
    two_writers();
    script.expect(send_copy().with("a", "mine").with("j", 0)).only_at(at).reply(refusal(response_code::system_busy));
    script.then().expect(send_copy().with("a", "mine")).only_at(other).reply(ok());
    CHECK(run(calls.send(own, 3s)).stored());
}

TEST_CASE_METHOD(calls_fixture, "a message of a topic without a route goes to a broker that makes topics, or nowhere", "[broker_calls]") {
    message_copy own;
    own.topic = "new";
    own.body  = "42 apples";
    CHECK(run(calls.send(own, 3s)).failure == error::no_route);
    protocol::route_data route;
    route.queue_datas.push_back({.broker_name = "broker-a", .read_queue_nums = 8, .write_queue_nums = 8});
    route.broker_datas.push_back({.cluster = "c", .broker_name = "broker-a", .broker_addrs = {{0, to_string(at)}}});
    routes.update("TBW102", route);
    script.expect(send_copy().with("b", "new").with("c", "TBW102")).reply(ok());
    CHECK(run(calls.send(own, 3s)).stored());
    CHECK(script.last(send_copy())->body == "42 apples");
}

TEST_CASE_METHOD(calls_fixture, "heartbeats and farewells say what the broker answered", "[broker_calls]") {
    script.expect(heartbeat()).reply(ok());
    CHECK_FALSE(run(calls.heartbeat(at, "{\"clientID\":\"me\"}")));
    CHECK(script.last(heartbeat())->body == "{\"clientID\":\"me\"}");
    script.expect(heartbeat()).reply(refusal(response_code::no_permission));
    CHECK(run(calls.heartbeat(at, "{}")) == response_code::no_permission);
    script.expect(unregister().with("clientID", "me").with("consumerGroup", "billing")).reply(ok());
    CHECK_FALSE(run(calls.unregister(at, "me", "billing")));
}

TEST_CASE_METHOD(calls_fixture, "a broker that cannot be reached gives the connection's error", "[broker_calls]") {
    network->set(at, memory_network::reach::refused);
    CHECK(run(calls.query_offset("billing", queue)).error() == asio::error::connection_refused);
    CHECK(run(calls.heartbeat(at, "{}")) == asio::error::connection_refused);
}

TEST_CASE_METHOD(calls_fixture, "a broker that goes while it is asked is told as a closed connection",
                 "[broker_calls]") {
    script.expect(query_offset()).then_close();
    CHECK(run(calls.query_offset("billing", queue)).error() == error::connection_closed);
}

} // namespace
