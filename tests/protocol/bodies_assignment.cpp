#include <rocketpush/protocol/bodies_assignment.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

TEST_CASE("an assignment is asked for as the Java client does", "[protocol]") {
    constexpr auto text =
        R"({"clientId":"192.0.2.2@jc-pop","consumerGroup":"GJC5P","messageModel":"CLUSTERING","strategyName":"AVG","topic":"wirejc5p"})";
    const assignment_query query{.topic = "wirejc5p", .consumer_group = "GJC5P", .client_id = "192.0.2.2@jc-pop"};
    CHECK(encode(query) == text);
    CHECK(*decode_assignment_query(text) == query);
    CHECK(decode_assignment_query(R"({"topic":7})").error() == error::body_malformed);
}

TEST_CASE("captured assignments are read and written", "[protocol]") {
    constexpr auto pulls =
        R"({"messageQueueAssignments":[{"messageQueue":{"brokerName":"broker-a","queueId":1,"topic":"wirepop"},"mode":"PULL"},{"messageQueue":{"brokerName":"broker-a","queueId":0,"topic":"wirepop"},"mode":"PULL"}]})";
    constexpr auto pops =
        R"({"messageQueueAssignments":[{"messageQueue":{"brokerName":"broker-a","queueId":-1,"topic":"wirepop"},"mode":"POP"}]})";
    const auto pulled = decode_assignment_answer(pulls);
    REQUIRE((pulled && pulled->queues));
    CHECK(*pulled->queues == std::vector<queue_assignment>{{{"wirepop", "broker-a", 1}, request_mode::pull},
                                                           {{"wirepop", "broker-a", 0}, request_mode::pull}});
    CHECK(encode(*pulled) == pulls);
    const auto popped = decode_assignment_answer(pops);
    REQUIRE((popped && popped->queues));
    CHECK(*popped->queues == std::vector<queue_assignment>{{{"wirepop", "broker-a", -1}, request_mode::pop}});
    CHECK(encode(*popped) == pops);
}

TEST_CASE("a broker that cannot say is not one that gives nothing", "[protocol]") {
    CHECK(!decode_assignment_answer("{}")->queues);
    CHECK(encode(assignment_answer{}) == "{}");
    CHECK(decode_assignment_answer(R"({"messageQueueAssignments":[]})")->queues->empty());
}

TEST_CASE("attachments of an assignment are passed over", "[protocol]") {
    const auto answer = decode_assignment_answer(
        R"({"messageQueueAssignments":[{"attachments":{"a":"b"},"messageQueue":{"brokerName":"b","queueId":0,"topic":"t"},"mode":"POP"}]})");
    CHECK(answer->queues->at(0).mode == request_mode::pop);
}

TEST_CASE("an assignment of another shape is refused", "[protocol]") {
    for (const auto* text : {"", "[]", R"({"messageQueueAssignments":{}})", R"({"messageQueueAssignments":[7]})",
                             R"({"messageQueueAssignments":[{"mode":"POP"}]})",
                             R"({"messageQueueAssignments":[{"messageQueue":{"queueId":"0"},"mode":"POP"}]})",
                             R"({"messageQueueAssignments":[{"messageQueue":{"queueId":0},"mode":"LATER"}]})",
                             R"({"messageQueueAssignments":[{"messageQueue":{"queueId":0},"mode":1}]})"}) {
        CAPTURE(text);
        CHECK(decode_assignment_answer(text).error() == error::body_malformed);
    }
}

TEST_CASE("a mode is set as the admin tool does", "[protocol]") {
    constexpr auto text = R"({"consumerGroup":"g","mode":"POP","popShareQueueNum":0,"topic":"t"})";
    const request_mode_setting setting{.topic = "t", .consumer_group = "g", .mode = request_mode::pop};
    CHECK(encode(setting) == text);
    CHECK(*decode_request_mode_setting(text) == setting);
    CHECK(decode_request_mode_setting(R"({"mode":"pop"})").error() == error::body_malformed);
}
