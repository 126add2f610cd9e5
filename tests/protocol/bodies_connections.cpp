#include <rocketpush/protocol/bodies_connections.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

TEST_CASE("the connections of a group are read as 5.5.0 writes them", "[protocol]") {
    const auto group = decode_consumer_connections(
        R"({"connectionSet":[{"clientAddr":"127.0.0.1:50682","clientId":"127.0.0.1@fake#obj","language":"CPP","version":477}],)"
        R"("consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",)"
        R"("subscriptionTable":{"wire5":{"classFilterMode":false,"codeSet":[2598919],"expressionType":"TAG","subString":"TagA",)"
        R"("subVersion":1795372425805,"tagsSet":["TagA"],"topic":"wire5"}}})");
    REQUIRE(group);
    CHECK(group->members == std::vector<consumer_connection>{{"127.0.0.1:50682", "127.0.0.1@fake#obj", "CPP", 477}});
    CHECK(group->message_model == "CLUSTERING");
    REQUIRE(group->subscriptions.size() == 1);
    CHECK(group->subscriptions[0].expression == "TagA");
    CHECK(group->subscriptions[0].version == 1795372425805);
    CHECK(decode_consumer_connections("{}")->members.empty());
    for (const auto* broken : {"", R"({"connectionSet":7})", R"({"subscriptionTable":{"t":7}})"})
        CHECK(decode_consumer_connections(broken).error() == error::body_malformed);
}

TEST_CASE("the connections of a group are written so that they are read again", "[protocol]") {
    consumer_connections group{{{"[::1]:5", "me", "OTHER", 477}, {"h:6", "me", "JAVA", 513}}};
    group.subscriptions.push_back(*make_subscription("orders", tags("a || b"), 7));
    group.consume_type = heartbeat_words::push;
    CHECK(*decode_consumer_connections(encode(group)) == group);
}
