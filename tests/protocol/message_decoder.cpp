#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/support/captured_messages.hpp"
#include "tests/support/catch.hpp"

namespace rocketpush::protocol {
namespace {

using namespace std::string_view_literals;

struct bad_record {
    std::error_code code;
    std::string record;
    std::int64_t queue_offset;
};

/// A body on the heap in exactly its size, so that a sanitizer sees every read beyond it.
struct decoded {
    explicit decoded(std::string_view from, const decode_options& options = {})
        : bytes(std::make_unique_for_overwrite<char[]>(from.size())) {
        std::copy(from.begin(), from.end(), bytes.get());
        decode_messages({bytes.get(), from.size()}, origin, options, arena, fields,
                        [this](std::error_code code, std::string_view record, std::int64_t queue_offset) {
                            bad.push_back({code, std::string(record), queue_offset});
                        });
    }

    message_view operator[](std::size_t i) const { return message_view(fields.at(i)); }
    std::size_t size() const { return fields.size(); }
    std::string bodies() const {
        std::string all;
        for (const auto& each : fields) all.append(message_view(each).body()).append("|");
        return all;
    }

    std::unique_ptr<char[]> bytes;
    message_queue queue{"orders", "broker-a", 0};
    message_origin origin{&queue, "%RETRY%billing", 0, 0};
    byte_arena arena;
    std::vector<message_fields> fields;
    std::vector<bad_record> bad;
};

/// Asks for everything that a message has, so that a sanitizer sees what lies outside.
std::size_t touch(const decoded& answer) {
    std::size_t sum = 0;
    for (const auto& each : answer.fields) {
        const message_view m(each);
        sum += m.topic().size() + m.message_id().size() + m.offset_message_id().size() + m.tags().value_or("").size() +
               m.born_host().to_string().size() + m.store_host().to_string().size();
        sum += static_cast<std::size_t>(m.flag()) + static_cast<std::size_t>(m.reconsume_times()) + m.body_crc() +
               static_cast<std::size_t>(m.commit_log_offset());
        sum += static_cast<std::size_t>(m.born_timestamp().time_since_epoch().count()) +
               static_cast<std::size_t>(m.store_timestamp().time_since_epoch().count());
        for (const auto& [name, value] : m.properties()) sum += name.size() + value.size();
        for (const char byte : m.body()) sum += static_cast<unsigned char>(byte);
        sum += message(m)->body().size();
    }
    return sum;
}

std::string stored(const stored_message& message) {
    std::string bytes;
    append_stored_message(bytes, message);
    return bytes;
}

std::string numbered(std::int64_t offset, std::string_view body) {
    return stored({.topic = "orders", .body = body, .properties = "TAGS\x01red\x02", .queue_offset = offset});
}

/// An inner batch of three at offset 6.
std::string inner_batch() {
    std::string elements;
    append_batch_message(elements, {.flag       = 1,
                                    .body       = "one",
                                    .properties = "TAGS\x01"
                                                  "a\x02UNIQ_KEY\x01U1\x02"});
    append_batch_message(elements, {.flag       = 2,
                                    .body       = "",
                                    .properties = "TAGS\x01"
                                                  "b\x02"});
    append_batch_message(elements, {.flag = 3, .body = "three", .properties = ""});
    return stored({.topic             = "orders",
                   .body              = elements,
                   .properties        = "INNER_NUM\x01"
                                        "3\x02INNER_BASE\x01"
                                        "6\x02",
                   .flag              = 99,
                   .queue_offset      = 6,
                   .commit_log_offset = 512,
                   .sys_flag          = sys_flags::inner_batch | sys_flags::needs_unwrap,
                   .born_timestamp    = 10,
                   .reconsume_times   = 4});
}

/// The first kind of compression that this build has; `unknown` when it has none.
compression kind_built() {
    for (const auto kind : {compression::zlib, compression::lz4, compression::zstd})
        if (compress(kind, "x")) return kind;
    return compression::unknown;
}

/// `body` compressed in that way, or itself when nothing can.
std::string packed(std::string_view body) {
    const auto bytes = compress(kind_built(), body);
    return bytes ? *bytes : std::string(body);
}
std::uint32_t packed_flags() {
    return kind_built() == compression::unknown ? 0 : flags_of(kind_built());
}

/// One of each form, small.
std::string mixed_batch() {
    return numbered(1, "a") + test::captured::message_from_ipv6 + inner_batch() +
           stored({.topic        = std::string(130, 't'),
                   .body         = packed("zzzzzzzzzzzzzzzz"),
                   .queue_offset = 9,
                   .sys_flag     = packed_flags()}) +
           numbered(10, "b");
}

} // namespace

TEST_CASE("bodies of real pull answers are decoded", "[message_decoder]") {
    const decoded answer(test::captured::message_of_5_5_0 + test::captured::message_of_4_9_7 +
                         test::captured::message_v2 + test::captured::message_from_ipv6);
    CHECK(answer.bad.empty());
    REQUIRE(answer.size() == 4);
    CHECK(answer.bodies() == "hello wire|hello wire|b0|v6|");
    CHECK(answer[0].topic() == "wire5");
    CHECK(answer[1].topic() == "wire4");
    CHECK(answer[2].topic() == "%RETRY%" + std::string(119, 'G') + "_wirev5");
    CHECK(answer[2].queue_offset() == 1);
    CHECK(answer[2].commit_log_offset() == 0xf216);
    CHECK(answer[2].reconsume_times() == 1);
    CHECK(answer[2].body_crc() == 818621302);
    CHECK(answer[2].message_id() == "AAAA");
    CHECK(answer[2].property("ORIGIN_GROUP") == std::string(119, 'G'));
    CHECK(answer[3].topic() == "wirev5");
    CHECK(answer[3].born_host().is_v6());
}

TEST_CASE("an empty body holds no message and no fault", "[message_decoder]") {
    const decoded answer(""sv);
    CHECK(answer.size() == 0);
    CHECK(answer.bad.empty());
}

TEST_CASE("what the encoder wrote is found, whatever hosts and version", "[message_decoder]") {
    const host_address v4(std::array<unsigned char, 4>{10, 1, 2, 3}, 40000);
    const host_address v6(std::array<unsigned char, 16>{0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                          10911);
    for (const auto& born : {v4, v6})
        for (const auto& store : {v4, v6})
            for (const bool v2 : {false, true})
                for (const std::size_t body_size : {0u, 1u, 128u, 70'000u}) {
                    const std::string body(body_size, 'b');
                    const decoded answer(stored({.topic             = "orders",
                                                 .body              = body,
                                                 .properties        = "TAGS\x01red\x02",
                                                 .queue_id          = 3,
                                                 .flag              = -5,
                                                 .queue_offset      = 1'000'000'000'000,
                                                 .commit_log_offset = 99,
                                                 .sys_flag          = sys_flags::transaction_commit,
                                                 .born_timestamp    = 1111,
                                                 .store_timestamp   = 2222,
                                                 .born_host         = born,
                                                 .store_host        = store,
                                                 .reconsume_times   = 16,
                                                 .force_v2          = v2}));
                    CHECK(answer.bad.empty());
                    REQUIRE(answer.size() == 1);
                    const auto m = answer[0];
                    CHECK(m.topic() == "orders");
                    CHECK((m.body() == body));
                    CHECK(m.tags() == "red"sv);
                    CHECK(m.flag() == -5);
                    CHECK(m.queue_offset() == 1'000'000'000'000);
                    CHECK(m.commit_log_offset() == 99);
                    CHECK(m.born_timestamp().time_since_epoch().count() == 1111);
                    CHECK(m.store_timestamp().time_since_epoch().count() == 2222);
                    CHECK(m.born_host() == born);
                    CHECK(m.store_host() == store);
                    CHECK(m.reconsume_times() == 16);
                    CHECK((m.sys_flag() & sys_flags::transaction_mask) == sys_flags::transaction_commit);
                }
}

TEST_CASE("a body of 4 MiB and a topic of 255 characters are found", "[message_decoder]") {
    const std::string body(4u << 20, 'b');
    const std::string topic = "%RETRY%" + std::string(248, 't');
    const auto bytes        = stored({.topic = topic, .body = body, .properties = "TAGS\x01red\x02"}) + numbered(2, "b");
    const decoded answer(bytes);
    REQUIRE(answer.size() == 2);
    CHECK(answer[0].topic() == topic);
    CHECK((answer[0].body() == body));
    CHECK(answer[0].tags() == "red"sv);
    CHECK((message(answer[0])->body() == body));
    CHECK(answer[1].body() == "b");
}

TEST_CASE("bytes that a later version appends to a message are passed over", "[message_decoder]") {
    auto first = numbered(1, "a") + "appended";
    detail::store_big(first.data(), static_cast<std::uint32_t>(first.size()));
    const decoded answer(first + numbered(2, "b"));
    CHECK(answer.bad.empty());
    CHECK(answer.bodies() == "a|b|");
}

TEST_CASE("a body that does not match its checksum is reported, its neighbours are kept", "[message_decoder]") {
    auto broken = numbered(2, "broken");
    broken[89] ^= 1;
    const auto body = numbered(1, "a") + broken + numbered(3, "c");
    const decoded answer(body);
    CHECK(answer.bodies() == "a|c|");
    REQUIRE(answer.bad.size() == 1);
    CHECK(answer.bad[0].code == error::message_crc_mismatch);
    CHECK(answer.bad[0].record == broken);
    CHECK(answer.bad[0].queue_offset == 2);

    CHECK(decoded(body, {.check_crc = false}).size() == 3);
}

TEST_CASE("lengths that contradict each other harm only their record", "[message_decoder]") {
    const auto good = numbered(2, "body");
    const struct {
        const char* what;
        std::size_t at;
        std::string_view bytes;
    } faults[] = {
        {"negative body length", 84, "\xFF\xFF\xFF\xFF"sv}, {"body beyond the record", 84, "\x00\x00\x00\x80"sv},
        {"body of 2^31-1", 84, "\x7F\xFF\xFF\xFF"sv},       {"topic beyond the record", 92, "\xFF"sv},
        {"negative properties' length", 99, "\xFF\xFF"sv},  {"properties beyond the record", 99, "\x7F\xFF"sv},
    };
    for (const auto& fault : faults) {
        INFO(fault.what);
        auto broken = good;
        broken.replace(fault.at, fault.bytes.size(), fault.bytes);
        const decoded answer(numbered(1, "a") + broken + numbered(3, "c"));
        CHECK(answer.bodies() == "a|c|");
        REQUIRE(answer.bad.size() == 1);
        CHECK(answer.bad[0].code == error::message_malformed);
        CHECK(answer.bad[0].record == broken);
        CHECK(answer.bad[0].queue_offset == 2);
    }
}

TEST_CASE("an IPv6 bit on a record too short for it is a fault", "[message_decoder]") {
    auto broken = stored({.topic = "", .queue_offset = 5});
    broken[39]  = 0x30;
    const decoded answer(broken + numbered(6, "x"));
    CHECK(answer.bodies() == "x|");
    REQUIRE(answer.bad.size() == 1);
    CHECK(answer.bad[0].queue_offset == 5);
}

TEST_CASE("a negative queue offset is a fault", "[message_decoder]") {
    const decoded answer(numbered(-1, "x"));
    CHECK(answer.size() == 0);
    REQUIRE(answer.bad.size() == 1);
    CHECK(answer.bad[0].code == error::message_malformed);
    CHECK(answer.bad[0].queue_offset == -1);
}

TEST_CASE("there is an offset behind each message's: the largest number is none", "[message_decoder]") {
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    const decoded answer(numbered(largest - 1, "x") + numbered(largest, "y"));
    CHECK(answer.bodies() == "x|");
    REQUIRE(answer.bad.size() == 1);
    CHECK(answer.bad[0].code == error::message_malformed);
    CHECK(answer.bad[0].queue_offset == largest);
}

TEST_CASE("an inner batch does not count beyond the largest offset", "[message_decoder]") {
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    auto batch             = inner_batch();
    detail::store_big(batch.data() + detail::message_layout::queue_offset, largest - 1);
    const decoded answer(batch);
    CHECK(answer.bodies() == "one|");
    REQUIRE(answer.bad.size() == 1);
    CHECK(answer.bad[0].code == error::message_malformed);
    CHECK(answer.bad[0].queue_offset == largest);
}

TEST_CASE("an answer of small messages that inflate to much is read only until that is enough", "[message_decoder]") {
    if (kind_built() == compression::unknown) return;
    const auto small = packed(std::string(100'000, 'x'));
    std::string body;
    for (std::int64_t at = 0; at < 10; ++at)
        body += stored({.topic = "orders", .body = small, .queue_offset = at, .sys_flag = packed_flags()});
    const message_queue queue{"orders", "broker-a", 0};
    const message_origin origin{&queue};
    byte_arena arena;
    std::vector<message_fields> found;
    const auto no_fault = [](std::error_code, std::string_view, std::int64_t) { FAIL("nothing is bad"); };
    const auto unread   = decode_messages(body, origin, {.enough_inflated = 250'000}, arena, found, no_fault);
    CHECK(found.size() == 3);
    CHECK(unread.size() == body.size() / 10 * 7);
    CHECK(decode_messages(unread, origin, {}, arena, found, no_fault).empty());
    CHECK(found.size() == 10);
}

TEST_CASE("a record of unknown magic is passed over by its size", "[message_decoder]") {
    auto strange = numbered(2, "strange");
    strange[7]   = '\x94';
    const decoded answer(numbered(1, "a") + strange + numbered(3, "c"));
    CHECK(answer.bodies() == "a|c|");
    REQUIRE(answer.bad.size() == 1);
    CHECK(answer.bad[0].code == error::message_magic_unknown);
    CHECK(answer.bad[0].queue_offset == -1);
}

TEST_CASE("a size that cannot be true ends the decoding, once", "[message_decoder]") {
    for (const auto& size : {"\x00\x00\x00\x00"sv, "\x00\x00\x00\x07"sv, "\xFF\xFF\xFF\xFF"sv, "\x7F\xFF\xFF\xFF"sv,
                             "\x00\x00\x10\x00"sv}) {
        const auto rest = std::string(size) + numbered(2, "b").substr(4) + numbered(3, "c");
        const decoded answer(numbered(1, "a") + rest);
        CHECK(answer.bodies() == "a|");
        REQUIRE(answer.bad.size() == 1);
        CHECK(answer.bad[0].code == error::message_malformed);
        CHECK(answer.bad[0].record == rest);
        CHECK(answer.bad[0].queue_offset == -1);
    }
}

TEST_CASE("compressed bodies of each kind are inflated", "[message_decoder]") {
    const std::string text(5000, 'q');
    for (const auto kind : {compression::zlib, compression::lz4, compression::zstd}) {
        const auto body = compress(kind, text);
        if (!body) continue;
        const auto bytes = stored({.topic = "t", .body = *body, .sys_flag = flags_of(kind)});
        const decoded answer(bytes);
        REQUIRE(answer.size() == 1);
        CHECK((answer[0].body() == text));
        CHECK((answer[0].sys_flag() & sys_flags::compressed) == 0);
        CHECK(answer.arena.used_bytes() == text.size());

        const decoded as_stored(bytes, {.decompress = false});
        CHECK((as_stored[0].body() == *body));
        CHECK((as_stored[0].sys_flag() & sys_flags::compressed) != 0);
    }
}

TEST_CASE("a body that cannot be inflated harms only itself", "[message_decoder]") {
    const std::string text(5000, 'q');
    if (kind_built() == compression::unknown) return;
    const auto good    = packed(text);
    const auto known   = packed_flags();
    const auto unknown = flags_of(compression::unknown);
    const decoded answer(
        numbered(1, "a") + stored({.topic = "t", .body = "not compressed", .queue_offset = 2, .sys_flag = known}) +
            numbered(3, "c") + stored({.topic = "t", .body = good, .queue_offset = 4, .sys_flag = known}) +
            stored({.topic = "t", .body = good, .queue_offset = 5, .sys_flag = unknown}) + numbered(6, "f"),
        {.max_body_size = 4999});
    CHECK(answer.bodies() == "a|c|f|");
    REQUIRE(answer.bad.size() == 3);
    CHECK(answer.bad[0].code == error::decompression_failed);
    CHECK(answer.bad[0].queue_offset == 2);
    CHECK(answer.bad[1].code == error::decompressed_too_large);
    CHECK(answer.bad[1].queue_offset == 4);
    CHECK(answer.bad[2].code == error::compression_left_out);
    CHECK(answer.bad[2].queue_offset == 5);
}

TEST_CASE("an inner batch is unwrapped to consecutive offsets", "[message_decoder]") {
    const decoded answer(numbered(5, "before") + inner_batch() + numbered(9, "after"));
    CHECK(answer.bad.empty());
    CHECK(answer.bodies() == "before|one||three|after|");
    for (std::size_t i = 0; i < 5; ++i) CHECK(answer[i].queue_offset() == 5 + static_cast<std::int64_t>(i));
    const auto one = answer[1];
    CHECK(one.flag() == 1);
    CHECK(one.tags() == "a"sv);
    CHECK(one.message_id() == "U1");
    CHECK_FALSE(one.property("INNER_NUM"));
    CHECK(answer[2].tags() == "b"sv);
    CHECK(answer[2].flag() == 2);
    CHECK(answer[3].flag() == 3);
    for (std::size_t i = 1; i < 4; ++i) {
        CHECK(answer[i].topic() == "orders");
        CHECK(answer[i].reconsume_times() == 0);
        CHECK(answer[i].commit_log_offset() == 512);
        CHECK(answer[i].born_timestamp().time_since_epoch().count() == 10);
        const message kept(answer[i]);
        CHECK(kept->flag() == static_cast<std::int32_t>(i));
        CHECK(kept->body() == answer[i].body());
        CHECK(kept->offset_message_id() == answer[i].offset_message_id());
    }
}

TEST_CASE("a compressed inner batch is inflated, then unwrapped", "[message_decoder]") {
    if (kind_built() == compression::unknown) return;
    std::string elements;
    append_batch_message(elements, {.flag = 7, .body = std::string(3000, 'x'), .properties = ""});
    append_batch_message(elements, {.flag = 8, .body = "y", .properties = ""});
    const auto bytes = stored({.topic        = "t",
                               .body         = packed(elements),
                               .flag         = 1,
                               .queue_offset = 3,
                               .sys_flag     = packed_flags() | sys_flags::inner_batch | sys_flags::needs_unwrap});
    const decoded answer(bytes);
    REQUIRE(answer.size() == 2);
    CHECK(answer[0].flag() == 7);
    CHECK(answer[1].flag() == 8);
    CHECK(answer[1].body() == "y");
    CHECK(answer[1].queue_offset() == 4);

    const decoded whole(bytes, {.decompress = false});
    REQUIRE(whole.size() == 1);
    CHECK(whole[0].flag() == 1);
    CHECK(message(whole[0])->flag() == 1);
}

TEST_CASE("a damaged inner batch gives the messages before the damage", "[message_decoder]") {
    std::string elements;
    append_batch_message(elements, {.body = "one"});
    const auto at = elements.size();
    append_batch_message(elements, {.body = "two"});
    elements[at]     = '\x7F';
    const auto batch = stored({.topic        = "t",
                               .body         = elements,
                               .queue_offset = 6,
                               .sys_flag     = sys_flags::inner_batch | sys_flags::needs_unwrap});
    const decoded answer(batch + numbered(8, "after"));
    CHECK(answer.bodies() == "one|after|");
    REQUIRE(answer.bad.size() == 1);
    CHECK(answer.bad[0].code == error::message_malformed);
    CHECK(answer.bad[0].record == batch);
    CHECK(answer.bad[0].queue_offset == 7);
}

TEST_CASE("one bit of the inner batch pair alone means nothing", "[message_decoder]") {
    for (const auto bit : {sys_flags::inner_batch, sys_flags::needs_unwrap}) {
        const decoded answer(stored({.topic = "t", .body = "plain", .flag = 4, .sys_flag = bit}));
        REQUIRE(answer.size() == 1);
        CHECK(answer[0].body() == "plain");
        CHECK(answer[0].flag() == 4);
    }
}

TEST_CASE("an answer cut at any byte gives the whole messages and one fault", "[message_decoder]") {
    const auto body  = mixed_batch();
    const auto whole = decoded(body);
    CHECK(whole.bad.empty());
    REQUIRE(whole.size() == 7);
    for (std::size_t size = 0; size < body.size(); ++size) {
        const decoded cut(std::string_view(body).substr(0, size));
        REQUIRE(cut.size() < 7);
        REQUIRE(cut.bad.size() <= 1);
        REQUIRE(touch(cut) <= touch(whole));
    }
}

TEST_CASE("no change of any byte makes the decoder read outside", "[message_decoder]") {
    const auto body  = mixed_batch();
    std::size_t seen = 0;
    for (std::size_t at = 0; at < body.size(); ++at)
        for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF, 0x30, 0xC0})
            for (const bool check_crc : {true, false}) {
                auto broken = body;
                broken[at]  = static_cast<char>(at % 2 == 0 ? value : broken[at] ^ value);
                const decoded answer(broken, {.check_crc = check_crc, .max_body_size = 10'000});
                seen += touch(answer) > 0;
                REQUIRE(answer.size() <= 64);
            }
    CHECK(seen > 0);
}

TEST_CASE("random bytes behind a true head are no danger", "[message_decoder]") {
    std::uint32_t state = 11;
    for (int round = 0; round < 20'000; ++round) {
        std::string noise;
        for (int i = 0; i < 160; ++i) noise += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
        detail::store_big(noise.data(), static_cast<std::uint32_t>(state % 161));
        detail::store_big(noise.data() + 4, state & 0x10000 ? 0xDAA320A7u : 0xDAA320ABu);
        // Small lengths reach further into the decoder than random ones.
        detail::store_big(noise.data() + 84, static_cast<std::uint32_t>(noise[84] & 0x3F));
        detail::store_big(noise.data() + 36, static_cast<std::uint32_t>(noise[39]) & 0x7F7);
        touch(decoded(noise, {.check_crc = false, .max_body_size = 4096}));
    }
}

TEST_CASE("a decoder that is used again keeps what it appended before", "[message_decoder]") {
    message_decoder decoder({.max_body_size = 100});
    const message_queue queue{"t", "b", 0};
    const message_origin origin{&queue, {}, 0, 0};
    byte_arena arena;
    std::vector<message_fields> out;
    const auto first = numbered(1, "a"), second = numbered(2, "b");
    int faults        = 0;
    const auto on_bad = [&](std::error_code, std::string_view, std::int64_t) { ++faults; };
    decoder.decode(first, origin, arena, out, on_bad);
    decoder.decode(second, origin, arena, out, on_bad);
    CHECK(faults == 0);
    REQUIRE(out.size() == 2);
    CHECK(message_view(out[0]).body() == "a");
    CHECK(message_view(out[1]).body() == "b");
}

} // namespace rocketpush::protocol
