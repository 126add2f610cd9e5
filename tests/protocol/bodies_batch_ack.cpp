#include <rocketpush/protocol/bodies_batch_ack.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

TEST_CASE("a captured batch of acknowledgements is read and written", "[protocol]") {
    constexpr auto text =
        R"({"acks":[{"b":"Aw==","c":"group","it":10000,"pt":1795372211744,"q":0,"r":"0","rq":0,"so":0,"t":"topic"}],"brokerName":"broker-a"})";
    const auto acks = decode_batch_ack(text);
    REQUIRE(acks);
    CHECK(acks->broker_name == "broker-a");
    REQUIRE(acks->acks.size() == 1);
    const auto& entry = acks->acks[0];
    CHECK(entry.consumer_group == "group");
    CHECK(entry.topic == "topic");
    CHECK(entry.invisible_millis == 10000);
    CHECK(entry.pop_time == 1795372211744);
    CHECK((entry.acked.test(0) && entry.acked.test(1) && !entry.acked.test(2)));
    CHECK(encode(*acks) == text);
}

TEST_CASE("bits stand in bytes as Java's do", "[protocol]") {
    ack_bits bits;
    CHECK(bits.end() == 0);
    bits.set(0);
    bits.set(9);
    CHECK(bits.bytes() == "\x01\x02");
    CHECK(rocketpush::detail::to_base64(bits.bytes()) == "AQI=");
    CHECK(bits.end() == 16);
    CHECK((bits.test(0) && bits.test(9) && !bits.test(1) && !bits.test(8) && !bits.test(4711)));
}

TEST_CASE("a retry's acknowledgement says in which topic it is", "[protocol]") {
    batch_ack acks{"broker-a", {{"g", "t", pop_topic::retry_v2, 1, 2, 3, 4, 5, ack_bits("\x01")}}};
    CHECK(encode(acks).find(R"("r":"2")") != std::string::npos);
    CHECK(*decode_batch_ack(encode(acks)) == acks);
}

TEST_CASE("a batch of acknowledgements of another shape is refused", "[protocol]") {
    for (const auto* text :
         {"", R"({"acks":7})", R"({"acks":[{}]})", R"({"acks":[{"r":"3"}]})", R"({"acks":[{"r":0}]})",
          R"({"acks":[{"r":"0","b":"A"}]})", R"({"acks":[{"r":"0","q":"0"}]})"}) {
        CAPTURE(text);
        CHECK(decode_batch_ack(text).error() == error::body_malformed);
    }
    CHECK(decode_batch_ack("{}")->acks.empty());
}
