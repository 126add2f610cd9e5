#include <rocketpush/protocol/receipt_handle.hpp>

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

TEST_CASE("a captured receipt is read and written", "[protocol]") {
    constexpr std::string_view text = "1 1795372672059 60000 2 0 broker-a 3 1";
    const auto receipt              = parse_receipt(text);
    REQUIRE(receipt);
    CHECK(*receipt == receipt_handle{1, 1795372672059, 60000, 2, pop_topic::normal, "broker-a", 3, 1});
    CHECK(receipt->deadline() == 1795372732059);
    CHECK(!receipt->is_orderly());
    CHECK(to_string(*receipt) == text);
    CHECK(parse_receipt("0 1795372215973 10000 999 1 broker-a 0 0")->topic == pop_topic::retry_v1);
    CHECK(parse_receipt("0 1795372215973 10000 999 2 broker-a 0 0")->is_orderly());
}

TEST_CASE("a receipt of seven words has no offset of its own", "[protocol]") {
    const auto receipt = parse_receipt("1 1795372672059 60000 2 0 broker-a 3");
    REQUIRE(receipt);
    CHECK(receipt->queue_id == 3);
    CHECK(receipt->queue_offset == -1);
    CHECK(to_string(*receipt) == "1 1795372672059 60000 2 0 broker-a 3");
}

TEST_CASE("what is no receipt is refused", "[protocol]") {
    for (const auto* text :
         {"", " ", "1", "1 2 3 4 0 broker-a", "1 2 3 4 0 broker-a 3 1 0", "1 2 3 4 0 broker-a 3 1 ",
          "1 2 3 4 0 broker-a 3 ", "1  2 3 4 0 broker-a 3 1", "1 2 3 4 3 broker-a 3 1", "1 2 3 4 00 broker-a 3 1",
          "1 2 3 4 0  3 1", "1 2 3 4 0 broker-a x 1", "-1 2 3 4 0 broker-a 3 1", "1 2 3 4294967296 0 broker-a 3 1",
          "99999999999999999999 2 3 4 0 broker-a 3 1", "+1 2 3 4 0 broker-a 3 1"}) {
        CAPTURE(text);
        CHECK(parse_receipt(text).error() == error::header_malformed);
    }
    // No number makes a deadline that cannot be reckoned.
    CHECK(parse_receipt("1 9223372036854775807 9223372036854775807 4 0 broker-a 3 1")->deadline() == -2);
}

TEST_CASE("a message's real topic goes by its receipt's digit, and back", "[protocol]") {
    CHECK(real_topic(pop_topic::normal, "g", "t") == "t");
    CHECK(real_topic(pop_topic::retry_v1, "GJC5P", "wirejc5p") == "%RETRY%GJC5P_wirejc5p");
    CHECK(real_topic(pop_topic::retry_v2, "g", "t") == "%RETRY%g+t");
    CHECK(kind_of_topic("t") == pop_topic::normal);
    CHECK(kind_of_topic("a+b") == pop_topic::normal);
    CHECK(kind_of_topic("%RETRY%g_t") == pop_topic::retry_v1);
    CHECK(kind_of_topic("%RETRY%g+t") == pop_topic::retry_v2);
}

TEST_CASE("a changed invisible time makes a new receipt", "[protocol]") {
    const auto before = *parse_receipt("1 1795372672059 60000 2 0 broker-a 3 4");
    CHECK(to_string(changed_receipt(before, {1795372680000, 10000, 5})) == "4 1795372680000 10000 5 0 broker-a 3 4");
    const auto orderly = *parse_receipt("1 1795372672059 60000 999 0 broker-a 3 4");
    CHECK(to_string(changed_receipt(orderly, {1795372672059, 1005, 999})) == "1 1795372672059 1005 999 0 broker-a 3 4");
}
