#ifndef ROCKETPUSH_FETCH_BATCH_FRAME_HPP
#define ROCKETPUSH_FETCH_BATCH_FRAME_HPP

#include <rocketpush/detail/block_pool.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/remoting/frame_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace rocketpush {

/**
 * @brief Gives a batch its share of the frame it came in. A small frame in a large shared block is copied to one of its size: a
 *        single message that waits must not hold the memory of hundreds.
 * @return The body, where it is kept.
 */
template <class Batch>
std::string_view keep_frame(Batch& batch, detail::block_pool& blocks, const received_frame& answer) {
    ROCKETPUSH_TAKES_MEMORY();
    const auto room = answer.block.capacity();
    if (answer.size * 16 > room) {
        batch.frame      = answer.block;
        batch.frame_size = room / std::max<std::size_t>(room / answer.size, 1); // frames like it do not fill it
        return answer.body;
    }
    batch.frame      = blocks.take(std::max<std::size_t>(answer.body.size(), 1));
    batch.frame_size = batch.frame.capacity();
    std::memcpy(batch.frame.data(), answer.body.data(), answer.body.size());
    return {batch.frame.data(), answer.body.size()};
}

} // namespace rocketpush

#endif
