#include <rocketpush/consume/retry_copy.hpp>
#include <rocketpush/protocol/compression.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/message_encoder.hpp>

#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

/// A message as it was pulled.
struct pulled {
    explicit pulled(const protocol::stored_message& stored) {
        protocol::append_stored_message(bytes, stored);
        protocol::message_decoder decoder(protocol::decode_options{});
        decoder.decode(bytes, origin, arena, messages, [](std::error_code, std::string_view, queue_offset) {});
        REQUIRE(messages.size() == 1);
    }
    message_view view() const { return message_view(messages.front()); }

    message_queue queue{"orders", "broker-a", 3};
    detail::message_origin origin{&queue, "%RETRY%billing", 0, 1};
    std::string bytes;
    detail::byte_arena arena;
    std::vector<detail::message_fields> messages;
};

const protocol::stored_message plain{.topic           = "orders",
                                     .body            = "42 apples",
                                     .properties      = "TAGS\x01paid\x02UNIQ_KEY\x01U1\x02TRAN_MSG\x01true\x02",
                                     .flag            = 7,
                                     .sys_flag        = sys_flags::transaction_commit | sys_flags::multi_tags,
                                     .born_timestamp  = 1'700'000'000'123,
                                     .reconsume_times = 2};

std::optional<std::string> property(const message_copy& copy, std::string_view name) {
    const auto found = protocol::find_property(copy.properties, name);
    return found ? std::optional<std::string>(*found) : std::nullopt;
}

TEST_CASE("a retry's copy is what Java's inner producer sends", "[retry_copy]") {
    const pulled original(plain);
    const auto copy = make_retry_copy(original.view(), "billing", 0, 16);
    CHECK(copy.topic == "%RETRY%billing");
    CHECK(copy.body == "42 apples");
    CHECK(copy.flag == 7);
    CHECK(copy.sys_flag == sys_flags::multi_tags); // a transaction's flags are refused
    CHECK(copy.born_timestamp == 1'700'000'000'123);
    CHECK(copy.reconsume_times == 3);
    CHECK(copy.max_reconsume_times == 16);
    CHECK(copy.properties == "TAGS\x01paid\x02UNIQ_KEY\x01U1\x02ORIGIN_MESSAGE_ID\x01U1\x02RETRY_TOPIC\x01orders\x02"
                             "DELAY\x01" "5\x02RECONSUME_TIME\x01" "3\x02MAX_RECONSUME_TIMES\x01" "16\x02");
}

TEST_CASE("a copy of a retry keeps the first id and the first topic", "[retry_copy]") {
    auto stored       = plain;
    stored.topic      = "%RETRY%billing";
    stored.properties = "UNIQ_KEY\x01U2\x02RETRY_TOPIC\x01orders\x02ORIGIN_MESSAGE_ID\x01U1\x02"
                        "MAX_RECONSUME_TIMES\x01" "16\x02RECONSUME_TIME\x01" "2\x02";
    const pulled original(stored);
    const auto copy = make_retry_copy(original.view(), "billing", 0, 5);
    CHECK(property(copy, "ORIGIN_MESSAGE_ID") == "U1");
    CHECK(property(copy, "RETRY_TOPIC") == "orders");
    CHECK(property(copy, "RECONSUME_TIME") == "3");
    CHECK(property(copy, "MAX_RECONSUME_TIMES") == "5");
}

TEST_CASE("a copy comes at the level that the listener asked for", "[retry_copy]") {
    const pulled original(plain);
    CHECK(property(make_retry_copy(original.view(), "billing", 1, 16), "DELAY") == "1");
    CHECK(property(make_retry_copy(original.view(), "billing", 18, 16), "DELAY") == "18");
}

TEST_CASE("a copy that is to be a dead letter was retried more often than allowed", "[retry_copy]") {
    const pulled original(plain);
    for (const int most : {16, 1, 0, std::numeric_limits<int>::max()}) {
        const auto copy = make_retry_copy(original.view(), "billing", -1, most);
        CHECK(copy.reconsume_times == 3);
        CHECK(copy.max_reconsume_times < copy.reconsume_times);
    }
}

TEST_CASE("counts at their end do not wrap around", "[retry_copy]") {
    auto stored = plain;
    for (const auto times : {std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
        stored.reconsume_times = times;
        const pulled original(stored);
        const auto copy = make_retry_copy(original.view(), "billing", 0, 16);
        CHECK(copy.reconsume_times >= 1);
        CHECK(make_retry_copy(original.view(), "billing", -1, 16).max_reconsume_times < copy.reconsume_times);
    }
}

TEST_CASE("a compressed body is sent as it was stored", "[retry_copy]") {
    for (const auto kind : {protocol::compression::zlib, protocol::compression::lz4, protocol::compression::zstd}) {
        const auto packed = protocol::compress(kind, std::string(500, 'a'));
        if (!packed) continue; // left out of this build
        auto stored     = plain;
        stored.body     = *packed;
        stored.sys_flag = protocol::flags_of(kind) | sys_flags::transaction_commit;
        const pulled original(stored);
        REQUIRE(original.view().body() == std::string(500, 'a'));
        const auto copy = make_retry_copy(original.view(), "billing", 0, 16);
        CHECK(copy.body == *packed);
        CHECK(copy.sys_flag == protocol::flags_of(kind));

        const message kept(original.view()); // has only the inflated body
        CHECK(make_retry_copy(kept.view(), "billing", 0, 16).body == std::string(500, 'a'));
        CHECK(make_retry_copy(kept.view(), "billing", 0, 16).sys_flag == 0);
    }
}

TEST_CASE("a message without a unique key is known by where it was stored", "[retry_copy]") {
    auto stored       = plain;
    stored.properties = "";
    const pulled original(stored);
    CHECK(property(make_retry_copy(original.view(), "billing", 0, 16), "ORIGIN_MESSAGE_ID") ==
          original.view().offset_message_id());
}

} // namespace
