#include <rocketpush/protocol/message_batch.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/captured_messages.hpp"
#include "tests/support/catch.hpp"

namespace rocketpush::protocol {
namespace {

using namespace std::string_view_literals;

host_address v4(unsigned char a, unsigned char b, unsigned char c, unsigned char d, int port) {
    return {std::array<unsigned char, 4>{a, b, c, d}, port};
}

std::string encode(const stored_message& message) {
    std::string bytes = "before";
    const auto size   = append_stored_message(bytes, message);
    CHECK(size == bytes.size() - 6);
    CHECK(message.stored_size() == size);
    return bytes.substr(6);
}

} // namespace

TEST_CASE("a message is stored as a 5.5.0 broker stores it", "[message_encoder]") {
    std::string properties;
    append_property(properties, "MSG_REGION", "DefaultRegion");
    append_property(properties, "UNIQ_KEY", "7F000001000118B4AAC2000000000000");
    append_property(properties, "CLUSTER", "DefaultCluster");
    append_property(properties, "TAGS", "TagA");
    append_property(properties, "KEYS", "k1");
    append_property(properties, "WAIT", "true");
    append_property(properties, "TRACE_ON", "true");
    CHECK(encode({.topic           = "wire5",
                  .body            = "hello wire",
                  .properties      = properties,
                  .born_timestamp  = 0x1a20484a09a,
                  .store_timestamp = 0x1a20484a0c9,
                  .born_host       = v4(127, 0, 0, 1, 48758),
                  .store_host      = v4(127, 0, 0, 1, 10911)}) == test::captured::message_of_5_5_0);
}

TEST_CASE("a long topic is stored in version 2", "[message_encoder]") {
    const auto group = std::string(119, 'G');
    const auto topic = "%RETRY%" + group + "_wirev5";
    std::string properties;
    append_property(properties, "ORIGIN_GROUP", group);
    append_property(properties, "UNIQ_KEY", "AAAA");
    append_property(properties, "1ST_POP_TIME", "1795373138775");
    append_property(properties, "TAGS", "T");
    CHECK(encode({.topic             = topic,
                  .body              = "b0",
                  .properties        = properties,
                  .queue_offset      = 1,
                  .commit_log_offset = 0xf216,
                  .born_timestamp    = 0x1a20492c1d7,
                  .store_timestamp   = 0x1a204940f76,
                  .born_host         = v4(127, 0, 0, 1, 10911),
                  .store_host        = v4(127, 0, 0, 1, 10911),
                  .reconsume_times   = 1}) == test::captured::message_v2);
}

TEST_CASE("an IPv6 host sets its bit of the sysFlag", "[message_encoder]") {
    std::array<unsigned char, 16> loopback{};
    loopback[15] = 1;
    CHECK(encode({.topic             = "wirev5",
                  .body              = "v6",
                  .properties        = "MSG_REGION\x01"
                                       "DefaultRegion\x02"
                                       "UNIQ_KEY\x01"
                                       "DDDD\x02"
                                       "CLUSTER\x01"
                                       "DefaultCluster\x02"
                                       "TRACE_ON\x01"
                                       "true\x02"sv,
                  .queue_id          = 1,
                  .commit_log_offset = 0xe219,
                  .born_timestamp    = 0x1a20492c1e4,
                  .store_timestamp   = 0x1a20492c1f3,
                  .born_host         = {loopback, 35516},
                  .store_host        = v4(127, 0, 0, 1, 10911)}) == test::captured::message_from_ipv6);
}

TEST_CASE("properties are set, replaced and removed", "[message_encoder]") {
    std::string raw = "KEYS\x01k1\x02TAGS\x01TagA"; // 4.9.x leaves the last separator out
    set_property(raw, "DELAY", "3");
    CHECK(raw == "KEYS\x01k1\x02TAGS\x01TagA\x02"
                 "DELAY\x01"
                 "3\x02");
    set_property(raw, "KEYS", "k2");
    CHECK(raw == "TAGS\x01TagA\x02"
                 "DELAY\x01"
                 "3\x02KEYS\x01k2\x02");
    remove_property(raw, "TAG");
    remove_property(raw, "KEYS");
    CHECK(raw == "TAGS\x01TagA\x02"
                 "DELAY\x01"
                 "3\x02");
    CHECK(find_property(raw, "DELAY") == "3"sv);
    remove_property(raw, "TAGS");
    remove_property(raw, "DELAY");
    CHECK(raw.empty());
    CHECK_FALSE(valid_property_text(""));
    CHECK_FALSE(valid_property_text("a\x02"));
    CHECK(valid_property_text("a b"));
}

TEST_CASE("a batch is laid out as SEND_BATCH_MESSAGE wants it", "[message_encoder]") {
    std::string bytes;
    append_batch_message(bytes, {.flag = 9, .body = "batch0", .properties = "KEYS\x01k\x02"});
    CHECK(bytes == test::captured::from_hex("00000023"
                                            "00000000"
                                            "00000000"
                                            "00000009"
                                            "00000006"
                                            "626174636830"
                                            "0007"
                                            "4B455953016B02"));
}

TEST_CASE("a batch reads back", "[message_encoder]") {
    std::string bytes;
    append_batch_message(bytes, {.flag = 1, .body = "one", .properties = ""});
    append_batch_message(bytes, {.flag = -2, .body = "", .properties = "TAGS\x01red\x02"});
    append_batch_message(bytes, {});
    std::vector<std::string> seen;
    const auto rest = visit_batch(bytes, [&](const batch_message& m) {
        seen.push_back(std::to_string(m.flag) + '|' + std::string(m.body) + '|' + std::string(m.properties));
    });
    CHECK(rest.empty());
    CHECK(seen == std::vector<std::string>{"1|one|", "-2||TAGS\x01red\x02", "0||"});
}

TEST_CASE("a batch cut or lying about a length gives the messages before and the rest", "[message_encoder]") {
    std::string good, bad;
    append_batch_message(good, {.flag = 1, .body = "one", .properties = ""});
    append_batch_message(bad, {.flag       = 2,
                               .body       = "two",
                               .properties = "A\x01"
                                             "b\x02"});
    for (std::size_t cut = 1; cut < bad.size(); ++cut) {
        const auto bytes = good + bad.substr(0, cut);
        int seen         = 0;
        const auto rest  = visit_batch(bytes, [&](const batch_message& m) { seen += m.flag; });
        CHECK(seen == 1);
        CHECK(rest.size() == cut);
    }
    for (const std::size_t length_at : {0u, 16u, 23u})
        for (const auto value : {0xFF, 0x7F, 0x01}) {
            auto bytes      = good + bad;
            char& high      = bytes[good.size() + length_at];
            high            = static_cast<char>(value);
            int seen        = 0;
            const auto rest = visit_batch(bytes, [&](const batch_message& m) { seen += m.flag; });
            CHECK(seen == 1);
            CHECK(rest.size() == bad.size());
        }
}

} // namespace rocketpush::protocol
