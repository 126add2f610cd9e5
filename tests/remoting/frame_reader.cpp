#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/frame_reader.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using frames = std::vector<received_frame>;

/// A response of a known opaque, with a body.
std::string frame(std::int32_t opaque, std::string_view body = {},
                  protocol::header_encoding encoding = protocol::header_encoding::json) {
    std::string bytes;
    protocol::append_response(bytes, encoding, response_code::success, opaque, "",
                              protocol::offset_response{.offset = 5}, body);
    return bytes;
}

std::string prefix(std::int32_t length, std::uint32_t header_word) {
    std::string bytes(8, '\0');
    detail::store_big(bytes.data(), length);
    detail::store_big(bytes.data() + 4, header_word);
    return bytes;
}

/// Hands `bytes` over as one read after the other, as large as the reader has room. @return How many bytes one read got.
std::size_t give(frame_reader& reader, std::string_view bytes) {
    const auto room  = reader.prepare();
    const auto count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    reader.commit(count);
    return count;
}

/// All frames that are complete now. @return The failure, if there was one.
std::error_code take(frame_reader& reader, frames& into) {
    for (;;) {
        auto next = reader.next();
        if (!next) return next.error();
        if (!*next) return {};
        into.push_back(std::move(**next));
    }
}

frames read_all(frame_reader& reader, std::string_view bytes) {
    frames all;
    while (!bytes.empty()) {
        bytes.remove_prefix(give(reader, bytes));
        REQUIRE_FALSE(take(reader, all));
    }
    return all;
}

TEST_CASE("a frame cut at any byte is the same frame", "[frame_reader]") {
    for (const auto encoding : {protocol::header_encoding::json, protocol::header_encoding::rocketmq}) {
        const auto bytes = frame(77, "the body", encoding);
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            CAPTURE(cut);
            detail::block_pool pool;
            frame_reader reader(pool);
            frames all;
            give(reader, std::string_view(bytes).substr(0, cut));
            REQUIRE_FALSE(take(reader, all));
            CHECK(all.size() == (cut == bytes.size() ? 1 : 0));
            CHECK(reader.inside_frame() == (cut != 0 && cut != bytes.size()));
            give(reader, std::string_view(bytes).substr(cut));
            REQUIRE_FALSE(take(reader, all));
            REQUIRE(all.size() == 1);
            CHECK(all[0].header.opaque == 77);
            CHECK(all[0].header.encoding == encoding);
            CHECK(all[0].body == "the body");
            CHECK(all[0].size == bytes.size());
            CHECK_FALSE(reader.inside_frame());
        }
    }
}

TEST_CASE("frames come out of single bytes too", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    const auto bytes = frame(1, "one") + frame(2) + frame(3, "three");
    frames all;
    for (const char& byte : bytes) {
        give(reader, {&byte, 1});
        REQUIRE_FALSE(take(reader, all));
    }
    REQUIRE(all.size() == 3);
    CHECK(all[0].body == "one");
    CHECK(all[1].body.empty());
    CHECK(all[2].body == "three");
}

TEST_CASE("several frames of one read share its block", "[frame_reader]") {
    detail::block_pool pool;
    {
        frame_reader reader(pool);
        const auto all = read_all(reader, frame(1, "one") + frame(2, "two") + frame(3, "three"));
        REQUIRE(all.size() == 3);
        CHECK(all[0].block.data() == all[2].block.data());
        CHECK(pool.live_bytes() == frame_reader::block_size);
        CHECK(all[1].header.opaque == 2);
        CHECK(all[1].body == "two");
    }
    CHECK(pool.live_bytes() == 0);
}

TEST_CASE("a frame stays as it is while later ones are read", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    const auto kept = read_all(reader, frame(1, std::string(1000, 'k')));
    REQUIRE(kept.size() == 1);
    for (int i = 0; i < 500; ++i) // several blocks full
        REQUIRE(read_all(reader, frame(i, std::string(1000, 'x'))).size() == 1);
    CHECK(kept[0].body == std::string(1000, 'k'));
    CHECK(kept[0].header.opaque == 1);
}

TEST_CASE("without anybody who keeps frames one block is read into again and again", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(read_all(reader, frame(i, std::string(1000, 'x'))).size() == 1);
        REQUIRE(pool.live_bytes() == frame_reader::block_size);
    }
}

TEST_CASE("only the incomplete tail moves when a block is used up", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    std::string stream;
    for (int i = 0; i < 200; ++i)
        stream += frame(i, std::string(static_cast<std::size_t>(100 + 13 * i), static_cast<char>('a' + i % 26)));
    const auto all = read_all(reader, stream); // cut wherever a block ends
    REQUIRE(all.size() == 200);
    for (int i = 0; i < 200; ++i) {
        const auto& one = all[static_cast<std::size_t>(i)];
        CHECK(one.header.opaque == i);
        CHECK(one.body == std::string(static_cast<std::size_t>(100 + 13 * i), static_cast<char>('a' + i % 26)));
    }
    CHECK(pool.live_bytes() < 3 * stream.size());
}

TEST_CASE("a frame larger than a block arrives whole", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    std::string body(5'000'000, 'b');
    for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 23);
    const auto all = read_all(reader, frame(1, "before") + frame(2, body) + frame(3, "after"));
    REQUIRE(all.size() == 3);
    CHECK(all[0].body == "before");
    CHECK(all[1].body == body);
    CHECK(all[2].body == "after");
}

TEST_CASE("a frame exactly at the limit is taken, one byte more is not", "[frame_reader]") {
    const auto bytes = frame(1, std::string(1000, 'x'));
    detail::block_pool pool;
    frame_reader exact(pool, bytes.size());
    CHECK(read_all(exact, bytes).size() == 1);

    frame_reader less(pool, bytes.size() - 1);
    give(less, bytes);
    frames all;
    CHECK(take(less, all) == error::frame_too_large);
    CHECK(all.empty());
}

TEST_CASE("impossible lengths are refused as soon as they are there", "[frame_reader]") {
    struct wrong {
        std::int32_t length;
        std::uint32_t word;
        error why;
    };
    const auto [length, word, why] =
        GENERATE(wrong{0, 0, error::frame_malformed}, wrong{3, 0, error::frame_malformed},
                 wrong{-1, 0, error::frame_malformed}, wrong{-2147483647 - 1, 0, error::frame_malformed},
                 wrong{2147483647, 0, error::frame_too_large}, wrong{16 << 20, 0, error::frame_too_large},
                 wrong{100, 97, error::frame_malformed}, // a header longer than its frame
                 wrong{100, 0xFFFFFF, error::frame_malformed}, wrong{100, 0x02000010, error::unknown_encoding},
                 wrong{100, 0xFF000010, error::unknown_encoding});
    CAPTURE(length, word);
    detail::block_pool pool;
    frame_reader reader(pool);
    give(reader, prefix(length, word));
    frames all;
    CHECK(take(reader, all) == why);
    CHECK(pool.live_bytes() <= frame_reader::block_size);
}

TEST_CASE("a header that is none is refused", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    give(reader, prefix(4 + 9, 9) + "{\"code\":}");
    frames all;
    CHECK(take(reader, all) == error::header_malformed);

    frame_reader empty_header(pool);
    give(empty_header, prefix(4, 0));
    CHECK(take(empty_header, all) == error::header_malformed);
}

TEST_CASE("frames before a broken one are still given", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    give(reader, frame(1, "good") + prefix(-1, 0));
    frames all;
    CHECK(take(reader, all) == error::frame_malformed);
    REQUIRE(all.size() == 1);
    CHECK(all[0].body == "good");
}

TEST_CASE("memory grows with the bytes that came, never by what a length announces", "[frame_reader]") {
    detail::block_pool pool(0);
    frame_reader reader(pool);
    const std::string announced = prefix((16 << 20) - 4, 100); // 16 MiB are announced ...
    give(reader, announced);
    frames all;
    REQUIRE_FALSE(take(reader, all));
    const std::string trickle(1000, '.');
    std::size_t came = announced.size();
    while (came < 500'000) { // ... and come slowly
        REQUIRE(pool.live_bytes() <= std::max<std::size_t>(frame_reader::block_size, 4 * came + 8192));
        came += give(reader, trickle);
        REQUIRE_FALSE(take(reader, all));
    }
    CHECK(all.empty());
}

TEST_CASE("there is always room for the next read", "[frame_reader]") {
    detail::block_pool pool;
    frame_reader reader(pool);
    frames held;
    const auto bytes = frame(1, std::string(3000, 'x'));
    std::string_view rest(bytes);
    for (int i = 0; i < 3000; ++i) { // reads of odd sizes, frames held by somebody
        CHECK_FALSE(reader.prepare().empty());
        const auto part = rest.substr(0, static_cast<std::size_t>(1 + i % 700));
        rest.remove_prefix(give(reader, part));
        REQUIRE_FALSE(take(reader, held));
        if (rest.empty()) rest = bytes;
        if (held.size() > 20) held.erase(held.begin(), held.begin() + 10);
    }
    CHECK(reader.prepare().size() >= 1);
}

} // namespace
