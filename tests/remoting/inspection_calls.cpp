#include <rocketpush/remoting/inspection_calls.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/scripted_calls.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test::dialogue;
using namespace std::chrono_literals;

const endpoint at{"broker-a", 10911};

struct inspection_fixture : test::scripted_calls {
    inspection_calls<memory_transport, test::manual_runtime> calls{pool, 3000ms};

    inspection_fixture() : scripted_calls({at}) {}

    static answer body(std::string text) {
        return respond(response_code::success, protocol::no_fields{}, std::move(text));
    }
};

TEST_CASE_METHOD(inspection_fixture, "a broker is asked how far a group is, in one topic or in all",
                 "[inspection_calls]") {
    constexpr auto text =
        R"({"consumeTps":0.0,"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:{"brokerOffset":20,"consumerOffset":17,"lastTimestamp":5}}})";
    script
        .expect(
            request(protocol::request_code::get_consume_stats).with("consumerGroup", "billing").with("topic", "orders"))
        .reply(body(text));
    const auto one = run(calls.consume_stats(at, "billing", "orders"));
    REQUIRE(one);
    CHECK(one->queues.front().consumer_offset == 17);
    script.expect(request(protocol::request_code::get_consume_stats).with("consumerGroup", "billing"))
        .reply(body(text));
    CHECK(run(calls.consume_stats(at, "billing", "")).has_value());
}

TEST_CASE_METHOD(inspection_fixture, "a broker is asked what a topic holds and who is in a group",
                 "[inspection_calls]") {
    script.expect(request(protocol::request_code::get_topic_stats).with("topic", "orders"))
        .reply(body(
            R"({"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:{"lastUpdateTimestamp":7,"maxOffset":9,"minOffset":4}}})"));
    const auto topic = run(calls.topic_stats(at, "orders"));
    REQUIRE(topic);
    CHECK(topic->queues.front().max_offset == 9);

    script.expect(request(protocol::request_code::get_consumer_connections).with("consumerGroup", "billing"))
        .reply(body(R"({"connectionSet":[{"clientId":"one","clientAddr":"1.2.3.4:5","language":"GO","version":1}]})"));
    const auto group = run(calls.group_connections(at, "billing"));
    REQUIRE(group);
    CHECK(group->members.front().language == "GO");

    script.expect(request(protocol::request_code::get_consumer_running_info).with("clientId", "one"))
        .reply(body(R"({"mqTable":{{"brokerName":"broker-a","queueId":2,"topic":"orders"}:{}}})"));
    const auto held = run(calls.held_queues(at, "billing", "one"));
    REQUIRE(held);
    CHECK(*held == std::vector<message_queue>{{"orders", "broker-a", 2}});
}

TEST_CASE_METHOD(inspection_fixture, "what a broker refuses, garbles or leaves open is an error",
                 "[inspection_calls]") {
    script.expect(request(protocol::request_code::get_consumer_connections))
        .reply(refusal(response_code::consumer_not_online));
    CHECK(run(calls.group_connections(at, "billing")).error() == response_code::consumer_not_online);
    script.expect(request(protocol::request_code::get_topic_stats)).reply(body("[]"));
    CHECK(run(calls.topic_stats(at, "orders")).error() == error::body_malformed);
    script.expect(request(protocol::request_code::get_consume_stats));
    CHECK(run(calls.consume_stats(at, "billing", ""), 4s).error() == error::request_timed_out);
}

} // namespace
