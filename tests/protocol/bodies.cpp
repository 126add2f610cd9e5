#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/bodies_offsets.hpp>

#include <string>
#include <string_view>

#include "tests/support/captured_frames.hpp"
#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
namespace captured = rocketpush::test::captured;

namespace {

std::string_view body_of(std::string_view frame) {
    const auto header_size = static_cast<unsigned char>(frame[7]); // All captured headers are shorter than 256 bytes.
    return frame.substr(8 + header_size);
}

} // namespace

TEST_CASE("captured routes are read: standard, of 4.9.7, and with integer keys", "[protocol]") {
    const auto newer = decode_route(body_of(captured::route_response_json));
    REQUIRE(newer);
    CHECK(newer->queue_datas == std::vector<queue_data>{{"broker-a", 8, 8, 6, 0}});
    CHECK(newer->broker_datas ==
          std::vector<broker_data>{{"DefaultCluster", "broker-a", {{0, "127.0.0.1:10911"}}, false}});

    const auto older    = decode_route(body_of(captured::route_response_binary_497));
    const auto unquoted = decode_route(body_of(captured::route_response_old_json_497));
    REQUIRE(older);
    REQUIRE(unquoted);
    CHECK(*older == *unquoted);
    CHECK(older->broker_datas.at(0).broker_addrs.at(0) == "127.0.0.1:30911");
}

TEST_CASE("the offsets that an administrator wants are read, from a map with queues as keys and from a list",
          "[protocol]") {
    const std::vector<queue_position> expected{{{"t", "b", 2}, 7}, {{"t", "b", 0}, 0}};
    const auto map = decode_reset(
        R"({"offsetTable":{{"brokerName":"b","queueId":2,"topic":"t"}:7,{"brokerName":"b","queueId":0,"topic":"t"}:0}})");
    const auto list = decode_reset(
        R"({"offsetTable":[{"brokerName":"b","offset":7,"queueId":2,"topic":"t"},{"brokerName":"b","offset":0,"queueId":0,"topic":"t"}]})");
    REQUIRE(map);
    REQUIRE(list);
    CHECK(*map == expected);
    CHECK(*list == expected);
    CHECK(decode_reset("{}")->empty());
    CHECK(decode_reset(R"({"offsetTable":{}})")->empty());
    for (const auto* broken : {"", "[]", R"({"offsetTable":7})", R"({"offsetTable":{"x":1}})", R"({"offsetTable":[7]})",
                               R"({"offsetTable":{{"topic":"t"}:"x"}})"})
        CHECK(decode_reset(broken).error() == error::body_malformed);
}

TEST_CASE("where a member is in its queues is written with queues as keys, and read again", "[protocol]") {
    const consumer_status status{{{{"wire4", "broker-a", 0}, 7}, {{"wire4", "broker-a", 1}, 0}}};
    CHECK(encode(status) ==
          R"({"consumerTable":{},"messageQueueTable":{{"brokerName":"broker-a","queueId":0,"topic":"wire4"}:7,)"
          R"({"brokerName":"broker-a","queueId":1,"topic":"wire4"}:0}})");
    CHECK(*decode_consumer_status(encode(status)) == status);
    CHECK(decode_consumer_status("{}")->queues.empty());
    for (const auto* broken : {"", R"({"messageQueueTable":{"x":1}})"})
        CHECK(decode_consumer_status(broken).error() == error::body_malformed);
}

TEST_CASE("a route of a static topic, an old one, and an empty one are read", "[protocol]") {
    const auto route =
        decode_route(R"({"orderTopicConf":"b:4","brokerDatas":[{"brokerAddrs":{0:"[::1]:1",1:"h:2"},"brokerName":"b",
        "cluster":"c","zoneName":"z"}],"queueDatas":[{"brokerName":"b","perm":4,"readQueueNums":3,"topicSynFlag":2,"writeQueueNums":1}],
        "topicQueueMappingByBroker":{"b":{"currIdMap":{0:0,1:1}}},"filterServerTable":null})");
    REQUIRE(route);
    CHECK(route->order_topic_conf == "b:4");
    CHECK(route->queue_datas == std::vector<queue_data>{{"b", 3, 1, 4, 2}});
    CHECK(route->broker_datas.at(0).broker_addrs == std::map<std::int64_t, std::string>{{0, "[::1]:1"}, {1, "h:2"}});
    CHECK(*decode_route("{}") == route_data{});
}

TEST_CASE("a route is written so that it is read again", "[protocol]") {
    const route_data route{"b:4",
                           {{"b", 3, 1, 4, 2}, {"c", 8, 8, 6, 0}},
                           {{"c", "b", {{0, "h:1"}, {1, "h:2"}, {10, "h:3"}}, true}, {"c", "c", {}, false}}};
    const auto again = decode_route(encode(route));
    REQUIRE(again);
    CHECK(*again == route);
    CHECK(*decode_route(encode(route_data{})) == route_data{});
}

TEST_CASE("of a static topic the route tells who leads which queue", "[protocol]") {
    const auto route = decode_route(
        R"({"brokerDatas":[],"queueDatas":[],"topicQueueMappingByBroker":{"broker-a":{"bname":"broker-a",)"
        R"("currIdMap":{"0":3,"12":1},"dirty":false,"epoch":1795373315085,"scope":"__global__","topic":"t","totalQueues":13},)"
        R"("broker-b":{"currIdMap":{5:0},"totalQueues":13},"broker-c":{"bname":"broker-d","scope":"zone"}}})");
    REQUIRE(route);
    REQUIRE(route->mappings.size() == 3);
    CHECK(route->mappings[0] == queue_mapping{"broker-a", "__global__", 13, 1795373315085, {{0, 3}, {12, 1}}, "t"});
    CHECK(route->mappings[1] == queue_mapping{"broker-b", "__global__", 13, 0, {{5, 0}}}); // with integer keys
    CHECK(route->mappings[2] == queue_mapping{"broker-d", "zone", 0, 0, {}});
    CHECK(*decode_route(encode(*route)) == *route);
    CHECK(decode_route(R"({"topicQueueMappingByBroker":{}})")->mappings.empty());
}

TEST_CASE("a mapping of absurd size, or of another shape, is refused", "[protocol]") {
    const auto with = [](std::string mapping) {
        return decode_route(R"({"topicQueueMappingByBroker":{"b":)" + mapping + "}}").error();
    };
    for (const auto* mapping :
         {R"({"totalQueues":-1})", R"({"totalQueues":1048577})", R"({"totalQueues":2147483648})", R"({"totalQueues":"4"})",
          R"({"epoch":1.5})", R"({"currIdMap":[]})", R"({"currIdMap":{"x":1}})", R"({"currIdMap":{"1":"x"}})",
          R"({"currIdMap":{"2147483648":1}})", R"({"scope":1})", R"([])", R"("b")"}) {
        INFO(mapping);
        CHECK(with(mapping) == error::body_malformed);
    }
    CHECK(with(R"({"totalQueues":1048576})") == std::error_code());
    std::string many = R"({"topicQueueMappingByBroker":{"b":{})";
    for (int i = 0; i < 4096; ++i)
        many += R"(,"b)" + std::to_string(i) + R"(":{})";
    CHECK(decode_route(many + "}}").error() == error::body_malformed);
}

TEST_CASE("a route with an absurd number of queues, or of another shape, is refused", "[protocol]") {
    for (const auto* text :
         {"", "null", "[]", "{", R"({"queueDatas":{}})", R"({"queueDatas":[1]})",
          R"({"brokerDatas":[{"brokerAddrs":[]}]})", R"({"queueDatas":[{"readQueueNums":-1}]})",
          R"({"queueDatas":[{"readQueueNums":2147483647}]})", R"({"queueDatas":[{"readQueueNums":2147483648}]})",
          R"({"queueDatas":[{"readQueueNums":"8"}]})", R"({"queueDatas":[{"writeQueueNums":18446744073709551615}]})",
          R"({"queueDatas":[{"perm":6.5}]})", R"({"brokerDatas":[{"brokerAddrs":{"x":"h:1"}}]})",
          R"({"brokerDatas":[{"brokerAddrs":{"0":1}}]})", R"({"brokerDatas":[{"brokerName":7}]})",
          R"({"orderTopicConf":7})", R"({"a":{"$ref":"$"})"}) {
        CAPTURE(text);
        CHECK(decode_route(text).error() == error::body_malformed);
    }
    std::string many = R"({"queueDatas":[)";
    for (int i = 0; i < 64; ++i)
        many += R"({"readQueueNums":65536},)";
    many.back() = ']';
    CHECK(decode_route(many + "}").error() == error::body_malformed);
}

TEST_CASE("a captured heartbeat is read", "[protocol]") {
    const auto heartbeat = decode_heartbeat(body_of(captured::heartbeat_request));
    REQUIRE(heartbeat);
    CHECK(heartbeat->client_id == "127.0.0.1@w");
    CHECK(heartbeat->producer_groups.empty());
    REQUIRE(heartbeat->consumers.size() == 1);
    const auto& consumer = heartbeat->consumers[0];
    CHECK(consumer.group_name == "g");
    CHECK(consumer.consume_type == heartbeat_words::push);
    CHECK(consumer.message_model == heartbeat_words::clustering);
    CHECK(consumer.consume_from_where == heartbeat_words::from_last);
    REQUIRE(consumer.subscriptions.size() == 1);
    CHECK(consumer.subscriptions[0] == *make_subscription("wire5", tags("TagA"), 1700000000000));
}

TEST_CASE("the Java client's heartbeat is read", "[protocol]") {
    const auto heartbeat = decode_heartbeat(
        R"({"clientID":"192.0.2.2@jc-tag","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":)"
        R"("CONSUME_PASSIVELY","groupName":"GJC5","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,)"
        R"("codeSet":[2598919,2598920],"expressionType":"TAG","subString":"TagA || TagB","subVersion":1795372425805,"tagsSet":)"
        R"(["TagA","TagB"],"topic":"wirejc5"},{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*",)"
        R"("subVersion":1795372425838,"tagsSet":[],"topic":"%RETRY%GJC5"}],"unitMode":false}],"heartbeatFingerprint":0,)"
        R"("producerDataSet":[{"groupName":"CLIENT_INNER_PRODUCER"}],"withoutSub":false})");
    REQUIRE(heartbeat);
    CHECK(heartbeat->producer_groups == std::vector<std::string>{"CLIENT_INNER_PRODUCER"});
    const auto& subscriptions = heartbeat->consumers.at(0).subscriptions;
    REQUIRE(subscriptions.size() == 2);
    CHECK(subscriptions[0] == *make_subscription("wirejc5", tags("TagA || TagB"), 1795372425805));
    CHECK(subscriptions[1] == *make_subscription("%RETRY%GJC5", all_messages, 1795372425838));
}

TEST_CASE("a heartbeat is written so that it is read again, and with the inner producer group", "[protocol]") {
    heartbeat_data heartbeat{.client_id = "10.0.0.1@caf\xC3\xA9"};
    heartbeat.consumers.push_back({.group_name = "billing"});
    heartbeat.consumers[0].subscriptions = {*make_subscription("orders", tags("paid||\xE9\x80\x80\xE6\xAC\xBE"), 3),
                                            *make_subscription("events", sql("a > 1 AND b = '\"'"), 4)};
    const auto text                      = encode(heartbeat);
    const auto again                     = decode_heartbeat(text);
    REQUIRE(again);
    CHECK(*again == heartbeat);
    CHECK(text.find(R"("producerDataSet":[{"groupName":"CLIENT_INNER_PRODUCER"}])") != std::string::npos);
    CHECK(text.find(R"("classFilterMode":false)") != std::string::npos);
    CHECK(text.find("heartbeatFingerprint") == std::string::npos);
}

TEST_CASE("a heartbeat without a client id, or of another shape, is refused", "[protocol]") {
    for (const auto* text :
         {"{}", R"({"clientID":""})", R"({"clientID":1})", R"({"clientID":"c","consumerDataSet":[[]]})",
          R"({"clientID":"c","consumerDataSet":[{"subscriptionDataSet":[{"codeSet":[2147483648]}]}]})",
          R"({"clientID":"c","consumerDataSet":[{"subscriptionDataSet":[{"tagsSet":[1]}]}]})"}) {
        CAPTURE(text);
        CHECK(decode_heartbeat(text).error() == error::body_malformed);
    }
}

TEST_CASE("what is not UTF-8 is written as the replacement character, without an exception", "[protocol]") {
    const auto again = decode_heartbeat(encode(heartbeat_data{.client_id = "a\xFF"}));
    REQUIRE(again);
    CHECK(again->client_id == "a\xEF\xBF\xBD");
}

TEST_CASE("a consumer list is read and written", "[protocol]") {
    CHECK(encode(consumer_list{{"127.0.0.1@wire#1"}}) == R"({"consumerIdList":["127.0.0.1@wire#1"]})");
    CHECK(decode_consumer_list(R"({"consumerIdList":["127.0.0.1@wire#1"]})")->consumer_ids ==
          std::vector<std::string>{"127.0.0.1@wire#1"});
    CHECK(encode(consumer_list{}) == R"({"consumerIdList":[]})");
    CHECK(decode_consumer_list("{}")->consumer_ids.empty());
    CHECK(decode_consumer_list(R"({"consumerIdList":"x"})").error() == error::body_malformed);
    CHECK(decode_consumer_list("").error() == error::body_malformed);
}

TEST_CASE("locks are asked for and answered", "[protocol]") {
    const auto captured_lock = decode_lock(
        R"({"clientId":"192.0.2.2@jc-orderly","consumerGroup":"GJC5O","mqSet":[{"brokerName":"broker-a","queueId":0,"topic":"wirejc5o"}],"onlyThisBroker":false})");
    REQUIRE(captured_lock);
    CHECK(*captured_lock == lock_data{"192.0.2.2@jc-orderly", "GJC5O", {{"wirejc5o", "broker-a", 0}}, false});
    const auto again = decode_lock(encode(*captured_lock));
    REQUIRE(again);
    CHECK(*again == *captured_lock);

    const auto locked = decode_locked_queues(R"({"lockOKMQSet":[{"brokerName":"x","queueId":0,"topic":"wire5"}]})");
    REQUIRE(locked);
    CHECK(locked->queues == std::vector<message_queue>{{"wire5", "x", 0}});
    CHECK(*decode_locked_queues(encode(*locked)) == *locked);
    CHECK(decode_locked_queues(R"({"lockOKMQSet":[]})")->queues.empty());
    CHECK(encode(locked_queues{}) == R"({"lockOKMQSet":[]})");
    CHECK(decode_locked_queues(R"({"lockOKMQSet":[{"queueId":"0"}]})").error() == error::body_malformed);
}

TEST_CASE("a client check carries its subscription", "[protocol]") {
    const auto check = decode_client_check(
        R"({"clientId":"c","group":"g","subscriptionData":{"classFilterMode":false,"codeSet":[],"expressionType":"SQL92","subString":"a > 1","subVersion":1,"tagsSet":[],"topic":"wire5"}})");
    REQUIRE(check);
    CHECK(check->wanted == *make_subscription("wire5", sql("a > 1"), 1));
    CHECK(*decode_client_check(encode(*check)) == *check);
    CHECK(decode_client_check(R"({"clientId":"c","group":"g"})").error() == error::body_malformed);
}

TEST_CASE("a body cut at any byte is refused without an exception", "[protocol]") {
    const std::string route(body_of(captured::route_response_old_json_497));
    const std::string heartbeat(body_of(captured::heartbeat_request));
    for (std::size_t size = 0; size < route.size(); ++size)
        if (decode_route(route.substr(0, size)).error() != error::body_malformed)
            FAIL("route cut at " << size);
    for (std::size_t size = 0; size < heartbeat.size(); ++size)
        if (decode_heartbeat(heartbeat.substr(0, size)).error() != error::body_malformed)
            FAIL("heartbeat cut at " << size);
}
