// Compressed bodies: what comes out is never more than the limit, and what it takes is bounded by the limit, not by what the bytes
// claim. What was compressed comes out as it was, under a limit of exactly its size, and not under a smaller one.
//
// Input: a byte that chooses the kind, a byte that chooses the limit, the compressed body (or, for the way back, any body).

#include <rocketpush/protocol/compression.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/support/fuzz_input.hpp"
#include "tests/fuzz/support/heap_watch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
using rocketpush::test::must;

namespace {

/// What the libraries take for themselves, whatever the limit: an lz4 frame may ask for two blocks of 4 MiB, and it is only given
/// to a context that is kept.
constexpr std::size_t workspace = std::size_t{10} << 20;

void check_limit(decompressor& inflater, compression kind, std::string_view compressed, std::size_t limit) {
    detail::byte_arena arena;
    const test::heap_watch heap;
    const auto inflated = inflater.inflate(kind, compressed, limit, arena);
    // The room begins with four times the input and doubles, and what was too small stays until the arena is cleared.
    const auto first = std::max<std::size_t>(16 * 1024, std::min(limit + 1, 4 * compressed.size()));
    must(heap.most() <= workspace + first + 4 * limit, "a body takes no more memory than its limit allows");
    if (!inflated)
        return;
    must(inflated->size() <= limit, "no more comes out than the limit allows");
    must(inflated->size() == arena.used_bytes(), "the arena keeps what came out, and nothing else");
    std::size_t sum = 0;
    for (const char each : *inflated) // the sanitizer sees whether they are there
        sum += static_cast<unsigned char>(each);
    must(sum <= 255 * inflated->size(), "bytes can be read");
}

void check_way_back(decompressor& inflater, compression kind, std::string_view body) {
    const auto compressed = compress(kind, body, 1);
    must(compressed.has_value(), "every body can be compressed");
    detail::byte_arena arena;
    const auto exactly = inflater.inflate(kind, *compressed, body.size(), arena);
    must(exactly && *exactly == body, "what was compressed comes out as it was");
    if (!body.empty())
        must(inflater.inflate(kind, *compressed, body.size() - 1, arena).error() == error::decompressed_too_large,
             "one byte more than the limit is too much");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static decompressor inflater; // as a consumer keeps it: what one body leaves behind must not harm the next
    test::fuzz_input input(data, size);
    constexpr compression kinds[]  = {compression::zlib, compression::lz4, compression::zstd, compression::unknown};
    constexpr std::size_t limits[] = {0, 1, 100, 4096, 70'000, 1u << 20, 8u << 20};
    const auto kind                = kinds[input.below(std::size(kinds))];
    const auto limit               = limits[input.below(std::size(limits))];
    const test::exact_bytes bytes(input.rest());
    check_limit(inflater, kind, bytes, limit);
    if (kind != compression::unknown && bytes.view().size() <= 8192)
        check_way_back(inflater, kind, bytes);
    return 0;
}
