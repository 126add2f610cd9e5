#include <rocketpush/core/message.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/captured_messages.hpp"
#include "tests/support/catch.hpp"

namespace rocketpush {
namespace {

using namespace std::string_view_literals;

/// The messages of one answer, and all that they point into.
struct batch {
    explicit batch(std::string bytes_, std::string retry_topic_ = "%RETRY%billing")
        : bytes(std::move(bytes_)), retry_topic(std::move(retry_topic_)) {
        origin.retry_topic = retry_topic;
        protocol::decode_messages(bytes, origin, {}, arena, fields,
                                  [](std::error_code, std::string_view, std::int64_t) { FAIL("no bad record"); });
    }
    message_view operator[](std::size_t i) const { return message_view(fields.at(i)); }

    message_queue queue{"orders", "broker-a", 3};
    std::string bytes;
    std::string retry_topic;
    detail::message_origin origin{&queue, {}, 5, 90};
    detail::byte_arena arena;
    std::vector<detail::message_fields> fields;
};

std::string stored(protocol::stored_message message) {
    std::string bytes;
    protocol::append_stored_message(bytes, message);
    return bytes;
}

std::string stored(std::string_view topic, std::string_view properties) {
    return stored({.topic = topic, .body = "x", .properties = properties});
}

static_assert(sizeof(detail::message_fields) <= 64);
static_assert(std::is_trivially_copyable_v<detail::message_fields>);
static_assert(std::is_trivially_copyable_v<message_view>);
static_assert(std::is_nothrow_move_constructible_v<message>);

} // namespace

TEST_CASE("a message of a 5.5.0 broker reads as Java shows it", "[message]") {
    const batch pulled(test::captured::message_of_5_5_0);
    const auto m = pulled[0];
    CHECK(m.topic() == "wire5");
    CHECK(m.stored_topic() == "wire5");
    CHECK(m.body() == "hello wire");
    CHECK(m.tags() == "TagA"sv);
    CHECK(m.keys() == "k1"sv);
    CHECK(m.property("CLUSTER") == "DefaultCluster"sv);
    CHECK_FALSE(m.property("CLUSTE"));
    CHECK_FALSE(m.property(""));
    CHECK(m.message_id() == "7F000001000118B4AAC2000000000000");
    CHECK(m.offset_message_id() == "7F00000100002A9F0000000000000000");
    CHECK(m.born_host().to_string() == "127.0.0.1:48758");
    CHECK(m.store_host().to_string() == "127.0.0.1:10911");
    CHECK(m.born_timestamp().time_since_epoch() == std::chrono::milliseconds(0x1a20484a09a));
    CHECK(m.store_timestamp().time_since_epoch() == std::chrono::milliseconds(0x1a20484a0c9));
    CHECK(m.broker_name() == "broker-a");
    CHECK(m.queue_id() == 3);
    CHECK(m.queue_offset() == 0);
    CHECK(m.commit_log_offset() == 0);
    CHECK(m.min_offset() == 5);
    CHECK(m.max_offset() == 90);
    CHECK(m.flag() == 0);
    CHECK(m.sys_flag() == 0);
    CHECK(m.reconsume_times() == 0);
    CHECK(m.body_crc() == 0x55400fde);

    std::string names;
    for (const auto& [name, value] : m.properties()) names.append(name).append(" ");
    CHECK(names == "MSG_REGION UNIQ_KEY CLUSTER TAGS KEYS WAIT TRACE_ON ");
}

TEST_CASE("the last property of a 4.9.7 broker needs no separator behind it", "[message]") {
    const batch pulled(test::captured::message_of_4_9_7);
    CHECK(pulled[0].tags() == "TagA"sv);
    CHECK(pulled[0].keys() == "k1"sv);
    CHECK(pulled[0].store_host().port() == 30911);
}

TEST_CASE("a message born at an IPv6 host has its later fields further back", "[message]") {
    const batch pulled(test::captured::message_from_ipv6);
    const auto m = pulled[0];
    CHECK(m.born_host().to_string() == "[::1]:35516");
    CHECK(m.store_host().to_string() == "127.0.0.1:10911");
    CHECK(m.store_timestamp().time_since_epoch() == std::chrono::milliseconds(0x1a20492c1f3));
    CHECK(m.message_id() == "DDDD");
    CHECK(m.offset_message_id() == "7F00000100002A9F000000000000E219");
}

TEST_CASE("an IPv6 store host makes an offset id of 56 characters", "[message]") {
    std::array<unsigned char, 16> bytes{0xfd};
    bytes[15] = 7;
    const batch pulled(stored({.topic = "t", .commit_log_offset = 0x1234, .store_host = {bytes, 10911}}));
    CHECK(pulled[0].message_id() == "FD00000000000000000000000000000700002A9F0000000000001234");
    CHECK(pulled[0].store_host().to_string() == "[fd00::7]:10911");
}

TEST_CASE("IPv6 addresses are written as RFC 5952 says", "[message]") {
    const auto text = [](std::array<unsigned char, 16> bytes) { return host_address(bytes, 1).to_string(); };
    CHECK(text({}) == "[::]:1");
    CHECK(text({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1}) == "[2001:db8::1:0:0:1]:1");
    CHECK(text({0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0}) == "[1:0:2:3:4:5:6:0]:1");
    CHECK(text({0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 0}) == "[1:2:3:4:5:6::]:1");
    CHECK(text({0, 0, 0, 0, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0xAB, 0xCD}) == "[::3:4:5:6:0:abcd]:1");
}

TEST_CASE("a retried message shows the topic that it was sent to", "[message]") {
    const auto first_topic = "RETRY_TOPIC\x01orders\x02"sv;
    CHECK(batch(stored("%RETRY%billing", first_topic))[0].topic() == "orders");
    CHECK(batch(stored("%RETRY%billing", first_topic))[0].stored_topic() == "%RETRY%billing");
    CHECK(batch(stored("%RETRY%billing", ""))[0].topic() == "%RETRY%billing");

    // The property means nothing on any other topic: a user may have copied it from an old message.
    CHECK(batch(stored("payments", first_topic))[0].topic() == "payments");
    CHECK(batch(stored("%RETRY%other", first_topic))[0].topic() == "%RETRY%other");
    CHECK(batch(stored("%RETRY%billing", first_topic), "")[0].topic() == "%RETRY%billing");
}

TEST_CASE("a message of a POP retry topic shows the topic behind the group", "[message]") {
    CHECK(batch(stored("%RETRY%billing_orders", ""))[0].topic() == "orders");
    CHECK(batch(stored("%RETRY%billing+orders", ""))[0].topic() == "orders");
    CHECK(batch(stored("%RETRY%billing_", ""))[0].topic() == "%RETRY%billing_");
    CHECK(batch(stored("%RETRY%billings", ""))[0].topic() == "%RETRY%billings");

    const auto group = std::string(119, 'G');
    CHECK(batch(test::captured::message_v2, "%RETRY%" + group)[0].topic() == "wirev5");
}

TEST_CASE("a message's topic is shown without the namespace, and kept with it for the broker", "[message]") {
    const auto topics_of = [](std::string_view topic, std::string_view properties = "") {
        batch pulled(stored(topic, properties), "%RETRY%ns%billing");
        pulled.origin.name_space = "ns%";
        const message kept(pulled[0]);
        CHECK(kept->topic() == pulled[0].topic());
        return std::pair(std::string(kept->topic()), std::string(kept->full_topic()));
    };
    using both = std::pair<std::string, std::string>;
    CHECK(topics_of("ns%orders") == both("orders", "ns%orders"));
    CHECK(topics_of("%RETRY%ns%billing", "RETRY_TOPIC\1ns%orders\2") == both("orders", "ns%orders"));
    CHECK(topics_of("%RETRY%ns%billing_ns%orders") == both("orders", "ns%orders"));
    CHECK(topics_of("other%orders") == both("other%orders", "other%orders"));
    CHECK(topics_of("TBW102") == both("TBW102", "TBW102"));
    CHECK(topics_of("%DLQ%ns%billing") == both("%DLQ%ns%billing", "%DLQ%ns%billing"));
}

TEST_CASE("a retry tells the id that the message was stored under first", "[message]") {
    const auto first = "7F00000100002A9F0000000000000000"sv;
    const batch retried(stored("%RETRY%billing", "ORIGIN_MESSAGE_ID\1" + std::string(first) + "\2UNIQ_KEY\1key\2"));
    CHECK(retried[0].original_message_id() == first);
    CHECK(retried[0].offset_message_id() != first);
    const batch fresh(stored({.topic = "orders", .commit_log_offset = 7}));
    CHECK(fresh[0].original_message_id() == fresh[0].offset_message_id());
}

TEST_CASE("a property with an empty value is absent, and the later of two counts", "[message]") {
    const batch pulled(stored("t", "TAGS\x01\x02KEYS\x01one\x02KEYS\x01two\x02KEYS\x01\x02\x01nameless\x02junk\x02"sv));
    const auto m = pulled[0];
    CHECK_FALSE(m.tags());
    CHECK(m.keys() == "two"sv);
    CHECK_FALSE(m.property("junk"));
    std::vector<message_property> seen;
    for (const auto& each : m.properties()) seen.push_back(each);
    CHECK(seen == std::vector<message_property>{{"KEYS", "one"}, {"KEYS", "two"}});
}

TEST_CASE("finding one property agrees with reading them all", "[message]") {
    // A fixed generator of property strings that are rich in near misses.
    std::uint32_t state = 7;
    const auto next     = [&state](std::uint32_t below) {
        state = state * 1664525 + 1013904223;
        return (state >> 8) % below;
    };
    constexpr std::string_view alphabet = "\x01\x02\x02TAGS";
    for (int round = 0; round < 4000; ++round) {
        std::string raw;
        for (auto size = next(90); size > 0; --size) {
            if (next(6) == 0) raw += "\x02TAGS\x01"sv;
            raw += alphabet[next(static_cast<std::uint32_t>(alphabet.size()))];
        }
        for (const auto name : {"TAGS"sv, "T"sv, "AG"sv}) {
            std::optional<std::string_view> last;
            for (const auto& each : detail::property_range(raw))
                if (each.name == name) last = each.value;
            const auto found = detail::find_property(raw, name);
            REQUIRE(found == last);
        }
    }
}

TEST_CASE("an owning copy says the same when the frame is gone", "[message]") {
    auto pulled = std::make_unique<batch>(stored({.topic             = "%RETRY%billing",
                                                  .body              = "twelve bytes",
                                                  .properties        = "RETRY_TOPIC\x01orders\x02TAGS\x01red\x02"sv,
                                                  .flag              = 77,
                                                  .queue_offset      = 12,
                                                  .commit_log_offset = 4096,
                                                  .born_timestamp    = 1,
                                                  .store_timestamp   = 2,
                                                  .born_host       = {std::array<unsigned char, 4>{10, 0, 0, 1}, 40000},
                                                  .store_host      = {std::array<unsigned char, 4>{10, 0, 0, 2}, 10911},
                                                  .reconsume_times = 3}));
    message kept((*pulled)[0]);
    const auto id = (*pulled)[0].offset_message_id();
    std::fill(pulled->bytes.begin(), pulled->bytes.end(), '?');
    pulled.reset();

    const message_view before_move = kept.view();
    message copy                   = kept;
    const message moved            = std::move(kept);
    copy                           = message(copy);
    for (const message_view m : {before_move, copy.view(), moved.view(), *moved}) {
        CHECK(m.topic() == "orders");
        CHECK(m.stored_topic() == "%RETRY%billing");
        CHECK(m.body() == "twelve bytes");
        CHECK(m.tags() == "red"sv);
        CHECK(m.flag() == 77);
        CHECK(m.queue_offset() == 12);
        CHECK(m.commit_log_offset() == 4096);
        CHECK(m.reconsume_times() == 3);
        CHECK(m.born_host().to_string() == "10.0.0.1:40000");
        CHECK(m.store_timestamp().time_since_epoch() == std::chrono::milliseconds(2));
        CHECK(m.offset_message_id() == id);
        CHECK(m.broker_name() == "broker-a");
        CHECK(m.queue() == message_queue{"orders", "broker-a", 3});
        CHECK(m.min_offset() == 5);
        CHECK(m.max_offset() == 90);
    }
    CHECK(moved->body() == "twelve bytes");
}

} // namespace rocketpush
