#include <rocketpush/protocol/compression.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/captured_messages.hpp"
#include "tests/support/catch.hpp"

namespace rocketpush::protocol {
namespace {

constexpr std::size_t no_limit = 64 * 1024 * 1024;

std::vector<compression> kinds_built() {
    std::vector<compression> kinds;
    for (const auto kind : {compression::zlib, compression::lz4, compression::zstd})
        if (compress(kind, "x")) kinds.push_back(kind);
    return kinds;
}

/// Neither constant nor random: compresses about four times.
std::string text_of(std::size_t size) {
    std::string text;
    for (std::uint32_t state = 1; text.size() < size; state = state * 1664525 + 1013904223)
        text.append("order ").append(std::to_string(state >> 24)).append(" paid; ");
    text.resize(size);
    return text;
}

} // namespace

TEST_CASE("each compression gives back what it was given", "[compression]") {
    detail::byte_arena arena;
    decompressor reused;
    for (const auto kind : kinds_built()) {
        for (const std::size_t size : {0u, 1u, 100u, 4096u, 16384u, 100'000u, 3'000'000u}) {
            const auto text   = text_of(size);
            const auto packed = compress(kind, text);
            REQUIRE(packed);
            const auto inflated = reused.inflate(kind, *packed, no_limit, arena);
            REQUIRE(inflated);
            CHECK((*inflated == text));
            CHECK(inflate(kind, *packed, no_limit, arena).has_value());
        }
        arena.clear();
    }
}

TEST_CASE("inflated bodies of one batch stay where they are", "[compression]") {
    detail::byte_arena arena;
    decompressor reused;
    for (const auto kind : kinds_built()) {
        std::vector<std::string_view> bodies;
        for (std::size_t i = 1; i < 40; ++i)
            bodies.push_back(*reused.inflate(kind, *compress(kind, text_of(i * 997)), no_limit, arena));
        for (std::size_t i = 1; i < 40; ++i) CHECK((bodies[i - 1] == text_of(i * 997)));
    }
}

TEST_CASE("a body may inflate to its limit and not one byte further", "[compression]") {
    detail::byte_arena arena;
    for (const auto kind : kinds_built()) {
        for (const std::size_t size : {1u, 5000u, 100'000u}) {
            const auto packed = compress(kind, text_of(size));
            CHECK(inflate(kind, *packed, size, arena).has_value());
            CHECK(inflate(kind, *packed, size - 1, arena).error() == error::decompressed_too_large);
        }
        CHECK(inflate(kind, *compress(kind, ""), 0, arena).has_value());
    }
}

TEST_CASE("a bomb costs memory near its limit, not near its size", "[compression]") {
    const std::string zeros(50'000'000, '\0');
    for (const auto kind : kinds_built()) {
        detail::byte_arena arena(0);
        const auto packed = compress(kind, zeros);
        CHECK(inflate(kind, *packed, 1'000'000, arena).error() == error::decompressed_too_large);
        CHECK(arena.held_bytes() < 3'000'000);
        arena.clear();
        CHECK(arena.held_bytes() == 0);
    }
}

TEST_CASE("a damaged or shortened body is an error, whatever is broken", "[compression]") {
    const auto text = text_of(600);
    detail::byte_arena arena;
    decompressor reused;
    for (const auto kind : kinds_built()) {
        const auto packed = *compress(kind, text);
        for (std::size_t size = 0; size < packed.size(); ++size) {
            const auto cut = reused.inflate(kind, std::string_view(packed).substr(0, size), no_limit, arena);
            REQUIRE_FALSE(cut);
            REQUIRE(cut.error() == error::decompression_failed);
        }
        // A changed byte may go unnoticed (not every format has a checksum), but must do no harm.
        for (std::size_t at = 0; at < packed.size(); ++at) {
            auto broken = packed;
            broken[at]  = static_cast<char>(broken[at] ^ 0x55);
            static_cast<void>(reused.inflate(kind, broken, 100'000, arena));
        }
        const auto again = reused.inflate(kind, packed, no_limit, arena);
        REQUIRE(again);
        CHECK(*again == text);
        arena.clear();
    }
}

TEST_CASE("the kind of compression is in the sysFlag", "[compression]") {
    CHECK(compression_of(0x001) == compression::zlib); // an old client
    CHECK(compression_of(0x101) == compression::lz4);
    CHECK(compression_of(0x201) == compression::zstd);
    CHECK(compression_of(0x301) == compression::zlib);
    CHECK(compression_of(0x401) == compression::unknown);
    for (const auto kind : {compression::zlib, compression::lz4, compression::zstd})
        CHECK(compression_of(flags_of(kind)) == kind);
}

TEST_CASE("an unknown compression is an error that says so", "[compression]") {
    detail::byte_arena arena;
    CHECK(inflate(compression::unknown, "abc", 100, arena).error() == error::compression_left_out);
    CHECK(compress(compression::unknown, "abc").error() == error::compression_left_out);
}

#if ROCKETPUSH_WITH_ZSTD
TEST_CASE("a zstd frame that does not tell its size is inflated", "[compression]") {
    // As a stream compressor writes it: window descriptor, no content size, one raw block.
    const auto frame = test::captured::from_hex("28B52FFD"
                                                "00"
                                                "58"
                                                "290000"
                                                "68656C6C6F");
    detail::byte_arena arena;
    const auto inflated = inflate(compression::zstd, frame, 100, arena);
    REQUIRE(inflated);
    CHECK(*inflated == "hello");
}
#endif

#if ROCKETPUSH_WITH_LZ4
TEST_CASE("an lz4 frame that ends before the size that it told harms none behind it", "[compression]") {
    // A frame whose header, with a good checksum, tells a size; then nothing, or an end, a block that is too large, a good block.
    const std::string head = test::captured::from_hex("04224D18"
                                                      "6840"
                                                      "0400000000000000"
                                                      "CD");
    const auto body        = GENERATE("", "00000000", "FFFFFF7F", "0200008061", "040000806162636400000000");
    CAPTURE(body);
    const auto packed = *compress(compression::lz4, "hello");
    detail::byte_arena arena;
    decompressor reused;
    static_cast<void>(reused.inflate(compression::lz4, head + test::captured::from_hex(body), 2, arena));
    for (int i = 0; i < 3; ++i) {
        const auto inflated = reused.inflate(compression::lz4, packed, 100, arena);
        REQUIRE(inflated);
        CHECK(*inflated == "hello");
    }
}
#endif

TEST_CASE("an arena that is cleared is used again without new memory", "[byte_arena]") {
    detail::byte_arena arena;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 10; ++i) static_cast<void>(arena.prepare(3000)), arena.commit(3000);
        CHECK(arena.used_bytes() == 30000);
        CHECK(arena.held_bytes() == 2 * detail::byte_arena::smallest_chunk);
        arena.clear();
        CHECK(arena.used_bytes() == 0);
    }
    static_cast<void>(arena.prepare(10'000'000));
    CHECK(arena.held_bytes() > 10'000'000);
    arena.clear();
    CHECK(arena.held_bytes() == 2 * detail::byte_arena::smallest_chunk);
}

} // namespace rocketpush::protocol
