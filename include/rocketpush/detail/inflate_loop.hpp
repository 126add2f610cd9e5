#ifndef ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP
#define ROCKETPUSH_DETAIL_INFLATE_LOOP_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_arena.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

namespace rocketpush::detail {

enum class inflate_state { done, full, damaged };

/// What one call of a codec did: how it ended, and how many bytes of the room are good.
struct inflate_step {
    inflate_state state;
    std::size_t used;
};

/**
 * @brief Inflates into an arena without knowing the size: doubles the room until the codec is done.
 *
 * The first room is small against the limit whatever the data claims, so a few bytes from the network never make
 * a large allocation; they have to inflate to as much first.
 *
 * @param step   `inflate_step step(std::span<char> room, std::size_t used)`: goes on behind the first `used` bytes,
 *               or starts again and answers from 0. `full` means that more room is needed.
 * @retval error::decompression_failed    the codec says so.
 * @retval error::decompressed_too_large  more than `limit` bytes come out.
 */
template <class Step>
result<std::string_view> inflate_into(byte_arena& arena, std::size_t compressed_size, std::size_t limit, Step step) {
    // One byte more than allowed tells a body of exactly `limit` bytes from a larger one.
    const auto most  = std::min(limit, std::numeric_limits<std::size_t>::max() / 4) + 1;
    const auto guess = std::min(most, std::max<std::size_t>(4096, compressed_size * 4));
    auto room        = arena.prepare(guess);
    for (std::size_t used = 0;;) {
        room            = room.first(std::min(room.size(), most));
        const auto made = step(room, used);
        if (made.state == inflate_state::damaged)
            return error::decompression_failed;
        if (made.used > limit || (made.state == inflate_state::full && room.size() == most))
            return error::decompressed_too_large;
        if (made.state == inflate_state::done)
            return arena.commit(made.used);
        used = made.used;
        room = arena.grow(room, used, std::min(most, room.size() * 2));
    }
}

} // namespace rocketpush::detail

#endif
