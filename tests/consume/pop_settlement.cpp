#include <rocketpush/consume/pop_settlement.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using protocol::pop_topic;
using protocol::receipt_handle;

const message_queue popped{"orders", "broker-a", -1};

receipt_handle receipt(std::int64_t start, std::int64_t offset, pop_topic kind = pop_topic::normal) {
    return {.start_offset     = start,
            .pop_time         = 1700,
            .invisible_millis = 60000,
            .revive_queue_id  = 2,
            .topic            = kind,
            .broker_name      = "broker-a",
            .queue_id         = 3,
            .queue_offset     = offset};
}

TEST_CASE("an acknowledgement names the topic that the message is stored under", "[pop]") {
    CHECK(make_ack("billing", "orders", receipt(1, 4)).topic == "orders");
    CHECK(make_ack("billing", "orders", receipt(1, 4, pop_topic::retry_v1)).topic == "%RETRY%billing_orders");
    const auto ack = make_ack("billing", "orders", receipt(1, 4, pop_topic::retry_v2));
    CHECK(ack.topic == "%RETRY%billing+orders");
    CHECK(ack.consumer_group == "billing");
    CHECK(ack.receipt == "1 1700 60000 2 2 broker-a 3 4");
    CHECK(ack.queue_id == 3);
    CHECK(ack.queue_offset == 4);
    CHECK(ack.broker_name == "broker-a");
    const auto change = make_change("billing", "orders", receipt(1, 4), std::chrono::seconds(10));
    CHECK(change.receipt == "1 1700 60000 2 0 broker-a 3 4");
    CHECK(change.invisible_millis == 10000);
}

TEST_CASE("acknowledgements of one check point are one entry, those of others are others", "[pop]") {
    ack_gathering together("billing", popped);
    auto later     = receipt(4, 5);
    later.pop_time = 1800; // renewed meanwhile
    CHECK(together.add(receipt(4, 4)));
    CHECK(together.add(receipt(4, 13)));
    CHECK(together.add(receipt(4, 5, pop_topic::retry_v1)));
    CHECK(together.add(later));
    const auto& acks = together.acks();
    CHECK(acks.broker_name == "broker-a");
    REQUIRE(acks.acks.size() == 3);
    CHECK(acks.acks[0].acked.bytes() == std::string("\x01\x02"));
    CHECK(acks.acks[0].topic == "orders");
    CHECK(acks.acks[1].kind == pop_topic::retry_v1);
    CHECK(acks.acks[1].topic == "orders"); // the broker finds the real one
    CHECK(acks.acks[2].pop_time == 1800);
}

TEST_CASE("offsets that are far apart, or make no sense, are not for one entry", "[pop]") {
    ack_gathering together("billing", popped);
    CHECK(together.add(receipt(0, ack_gathering::most_bits - 1)));
    CHECK_FALSE(together.add(receipt(0, ack_gathering::most_bits)));
    CHECK_FALSE(together.add(receipt(0, std::numeric_limits<std::int64_t>::max())));
    CHECK_FALSE(together.add(receipt(5, 4)));
    CHECK_FALSE(together.add(receipt(0, -1))); // a very old broker's
}

} // namespace
