// A stream of frames that comes in pieces: however it is cut, the reader finds the same frames, and it never holds more than
// what came calls for. What follows a broken frame is not looked at.
//
// Input: a byte that chooses the limit, a byte with the number of cuts, the cuts (a byte each), the stream.

#include <rocketpush/remoting/frame_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/fuzz/support/fuzz_input.hpp"
#include "tests/fuzz/support/heap_watch.hpp"

using namespace rocketpush;
using rocketpush::test::must;

namespace {

/// What a stream has in it, read at one go.
struct expected_frames {
    std::vector<std::string_view> frames;
    std::error_code failure;

    expected_frames(std::string_view stream, std::size_t limit) {
        while (stream.size() >= protocol::frame_prefix_size) {
            const auto prefix = protocol::parse_frame_prefix(stream.data(), limit);
            if (!prefix) {
                failure = prefix.error();
                return;
            }
            const auto size = prefix->frame_size();
            must(size <= limit, "a prefix that is accepted keeps the limit");
            if (stream.size() < size)
                return;
            const auto header = stream.substr(protocol::frame_prefix_size, prefix->header_size);
            if (const auto parsed = protocol::parse_header(prefix->encoding, header); !parsed) {
                failure = parsed.error();
                return;
            }
            frames.push_back(stream.substr(0, size));
            stream.remove_prefix(size);
        }
    }
};

std::string_view bytes_of(const received_frame& frame) {
    return {frame.body.data() + frame.body.size() - frame.size, frame.size};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::fuzz_input input(data, size);
    constexpr std::size_t limits[] = {64, 4096, 300'000, protocol::default_frame_limit};
    const auto limit               = limits[input.below(std::size(limits))];
    const auto cuts                = input.take(input.below(32));
    const auto stream              = input.rest();
    const expected_frames expected(stream, limit);

    detail::block_pool pool;
    frame_reader reader(pool, limit);
    std::vector<received_frame> kept; // every second one, so that blocks are shared and let go of
    std::size_t found = 0, came = 0;
    std::error_code failure;
    const test::heap_watch heap;
    for (std::size_t turn = 0; came < stream.size() && !failure; ++turn) {
        const auto room = reader.prepare();
        must(!room.empty(), "there is always room for the next read");
        // A cut of 255 stands for whatever fits.
        const auto cut  = cuts.empty() ? 255u : static_cast<unsigned char>(cuts[turn % cuts.size()]);
        const auto want = cut == 255 ? stream.size() : std::size_t{cut} + 1;
        const auto read = std::min({want, room.size(), stream.size() - came});
        std::memcpy(room.data(), stream.data() + came, read);
        reader.commit(read);
        came += read;
        while (true) {
            auto next = reader.next();
            if (!next) {
                failure = next.error();
                break;
            }
            if (!*next)
                break;
            must(found < expected.frames.size(), "cuts make no frames");
            must(bytes_of(**next) == expected.frames[found], "a frame has its own bytes");
            if (++found % 2 != 0)
                kept.push_back(std::move(**next));
        }
    }
    must(failure || found == expected.frames.size(), "cuts lose no frames");
    must(failure == expected.failure, "cuts change nothing about what is wrong");
    for (std::size_t i = 0; i < kept.size(); ++i)
        must(bytes_of(kept[i]) == expected.frames[2 * i], "a frame that is kept stays as it was");
    must(heap.most() < (std::size_t{2} << 20) + 8 * came, "memory grows with what came, not with what a length says");
    return 0;
}
