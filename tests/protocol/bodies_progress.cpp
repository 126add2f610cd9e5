#include <rocketpush/protocol/bodies_progress.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests_progress.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

namespace {

/// The fields of a request as a JSON header has them.
template <class Request>
std::string header_of(const Request& request) {
    std::string frame;
    append_request(frame, header_encoding::json, request, {.opaque = 1, .version = 0});
    const auto prefix = parse_frame_prefix(frame.data());
    REQUIRE(prefix);
    return frame.substr(frame_prefix_size, prefix->header_size);
}

bool has(const std::string& header, const std::string& part) { return header.find(part) != std::string::npos; }

} // namespace

TEST_CASE("questions about groups and topics have the codes and names that brokers know", "[protocol]") {
    const auto stats = header_of(consume_stats_request{.consumer_group = "billing", .topic = "orders"});
    CHECK(has(stats, R"("code":208)"));
    CHECK(has(stats, R"("consumerGroup":"billing")"));
    CHECK(has(stats, R"("topic":"orders")"));
    CHECK_FALSE(has(header_of(consume_stats_request{.consumer_group = "billing"}), "topic"));
    const auto topic = header_of(topic_stats_request{.topic = "orders"});
    CHECK(has(topic, R"("code":202)"));
    CHECK(has(topic, R"("topic":"orders")"));
}

TEST_CASE("a group's progress is read from a table whose keys are queues", "[protocol]") {
    const auto newer = decode_consume_stats(
        R"({"consumeTps":0.5,"offsetTable":{{"brokerName":"broker-a","queueId":1,"topic":"orders"}:)"
        R"({"brokerOffset":20,"consumerOffset":17,"lastTimestamp":1795372425805,"pullOffset":20},)"
        R"({"brokerName":"broker-a","queueId":0,"topic":"%RETRY%billing"}:)"
        R"({"brokerOffset":1,"consumerOffset":1,"lastTimestamp":0,"pullOffset":1}}})");
    REQUIRE(newer);
    CHECK(newer->queues == std::vector<queue_consumption>{{{"orders", "broker-a", 1}, 20, 17, 20, 1795372425805},
                                                          {{"%RETRY%billing", "broker-a", 0}, 1, 1, 1, 0}});
    const auto older = decode_consume_stats(
        R"({"consumeTps":0.0,"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:{"brokerOffset":2,"consumerOffset":2,"lastTimestamp":5}}})");
    REQUIRE(older);
    CHECK(older->queues.front().pull_offset == -1);
    CHECK(decode_consume_stats(R"({"consumeTps":0.0,"offsetTable":{}})")->queues.empty());
    CHECK(decode_consume_stats("{}")->queues.empty());
}

TEST_CASE("what a topic holds is read", "[protocol]") {
    const auto stats = decode_topic_stats(
        R"({"offsetTable":{{"brokerName":"broker-a","queueId":3,"topic":"orders"}:{"lastUpdateTimestamp":1795372425805,"maxOffset":9,"minOffset":4}}})");
    REQUIRE(stats);
    CHECK(stats->queues == std::vector<queue_extent>{{{"orders", "broker-a", 3}, 4, 9, 1795372425805}});
}

TEST_CASE("a member's queues are read from its running info, pulled and popped ones", "[protocol]") {
    const auto held = decode_held_queues(
        R"({"mqPopTable":{{"brokerName":"broker-a","queueId":-1,"topic":"news"}:{"droped":false,"lastPopTimestamp":1,"waitAckCount":0}},)"
        R"("mqTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:{"cachedMsgCount":0,"droped":false}},"properties":{}})");
    REQUIRE(held);
    CHECK(*held == std::vector<message_queue>{{"orders", "broker-a", 0}, {"news", "broker-a", -1}});
}

TEST_CASE("bodies about progress that are something else are refused", "[protocol]") {
    for (const auto* wrong :
         {"", "[]", "{", R"({"offsetTable":[]})", R"({"offsetTable":{"a":{}}})",
          R"({"offsetTable":{{"brokerName":7}:{}}})",
          R"({"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:7}})",
          R"({"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:{"brokerOffset":"7","maxOffset":"7"}}})"}) {
        INFO(wrong);
        CHECK(decode_consume_stats(wrong).error() == error::body_malformed);
        CHECK(decode_topic_stats(wrong).error() == error::body_malformed);
    }
    CHECK(decode_held_queues(R"({"mqTable":[]})").error() == error::body_malformed);
    CHECK(decode_held_queues(R"({"mqPopTable":{"x":1}})").error() == error::body_malformed);
}
