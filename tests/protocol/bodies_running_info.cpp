#include <rocketpush/protocol/bodies_running_info.hpp>

#include <limits>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

namespace {

/// As a Java member of 5.5.0 wrote it, but for what repeats.
constexpr auto captured =
    R"({"mqPopTable":{},"mqTable":{{"brokerName":"broker-a","queueId":0,"topic":"wirejc5"}:{"cachedMsgCount":0,)"
    R"("cachedMsgMaxOffset":0,"cachedMsgMinOffset":0,"cachedMsgSizeInMiB":0,"commitOffset":2,"droped":false,)"
    R"("lastConsumeTimestamp":1795372428809,"lastLockTimestamp":1795372427298,"lastPullTimestamp":1795372445257,"locked":true,)"
    R"("transactionMsgCount":0,"transactionMsgMaxOffset":0,"transactionMsgMinOffset":0,"tryUnlockTimes":0}},)"
    R"("properties":{"PROP_CONSUME_TYPE":"CONSUME_PASSIVELY","messageModel":"CLUSTERING"},)"
    R"("statusTable":{"wirejc5":{"consumeFailedMsgs":0,"consumeFailedTPS":0.0,"consumeOKTPS":0.1999866675554963,)"
    R"("consumeRT":0.3333333333333333,"pullRT":1009.0,"pullTPS":0.2}},"subscriptionSet":[{"classFilterMode":false,)"
    R"("codeSet":[2598919],"expressionType":"TAG","subString":"TagA","subVersion":1795372427318,"tagsSet":["TagA"],)"
    R"("topic":"wirejc5"}],"userConsumerInfo":{}})";

} // namespace

TEST_CASE("a Java member's running info is read, and ours is written like it to the byte", "[protocol]") {
    const auto info = decode_running_info(captured);
    REQUIRE(info);
    REQUIRE(info->queues.size() == 1);
    CHECK(info->queues[0].first == message_queue{"wirejc5", "broker-a", 0});
    CHECK(info->queues[0].second.commit_offset == 2);
    CHECK(info->queues[0].second.locked);
    CHECK(info->topics.at("wirejc5").pull_milliseconds == 1009.0);
    CHECK(info->topics.at("wirejc5").consumed_per_second == 0.1999866675554963);
    CHECK(info->subscriptions.at(0).tags == std::vector<std::string>{"TagA"});
    CHECK(info->stacks.empty());
    CHECK(encode(*info) == captured);
}

TEST_CASE("all of a running info is written so that it is read again", "[protocol]") {
    running_info info;
    info.properties = {{"a \"quoted\" name", "value\n"}, {"b", ""}};
    info.queues.emplace_back(message_queue{"t", "b", 1}, pulled_queue_info{.commit_offset    = 7,
                                                                           .cached_min       = 7,
                                                                           .cached_max       = 9,
                                                                           .cached_messages  = 3,
                                                                           .cached_mebibytes = 1,
                                                                           .uncommitted_min  = 5,
                                                                           .uncommitted_max  = 6,
                                                                           .uncommitted      = 2,
                                                                           .dropped          = true,
                                                                           .last_pull        = 11});
    info.popped.emplace_back(message_queue{"t", "c", -1}, popped_queue_info{4, true, 12});
    info.topics["t"] = {.pull_milliseconds = 1.5, .consumed_per_second = 1e-9, .failed_per_second = 3, .failed = 8};
    info.stacks      = "thread \"one\"\n\tat work";
    CHECK(*decode_running_info(encode(info)) == info);
    CHECK(*decode_subscription_set(encode(info)) == info.subscriptions);
    info.topics["t"].pull_milliseconds = std::numeric_limits<double>::quiet_NaN(); // JSON has none
    CHECK(decode_running_info(encode(info))->topics.at("t").pull_milliseconds == 0);
}

TEST_CASE("a running info that is none is refused, one that lacks parts is not", "[protocol]") {
    CHECK(*decode_running_info("{}") == running_info{});
    for (const auto* broken :
         {"", "[]", R"({"mqTable":{"x":{}}})", R"({"mqTable":{{"topic":"t"}:7}})", R"({"properties":{"a":1}})",
          R"({"statusTable":{"t":{"pullRT":"x"}}})", R"({"statusTable":{"t":{"pullRT":-nan}}})",
          R"({"statusTable":{"t":{"pullRT":-inf}}})", R"({"jstack":1})"})
        CHECK(decode_running_info(broken).error() == error::body_malformed);
    CHECK(decode_subscription_set("{}")->empty());
    for (const auto* broken : {"", "[]", R"({"subscriptionSet":1})", R"({"subscriptionSet":[{"topic":7}]})"})
        CHECK(decode_subscription_set(broken).error() == error::body_malformed);
}
