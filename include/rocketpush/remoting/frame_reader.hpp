#ifndef ROCKETPUSH_REMOTING_FRAME_READER_HPP
#define ROCKETPUSH_REMOTING_FRAME_READER_HPP

#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/block_pool.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/protocol/header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace rocketpush {

/**
 * @brief One received frame: its parsed header, its body, and the share of the block that holds the bytes.
 *
 * The views stay valid as long as `block` (or a copy of it) lives.
 */
struct received_frame {
    detail::block_ref block;
    protocol::header_view header;
    std::string_view body;
    std::size_t size = 0; ///< Bytes of the whole frame, length field included.
};

/**
 * @brief Cuts a stream of bytes into frames without copying whole ones: `prepare()` says where to read to, `commit()`
 *        how much came, `next()` yields what is complete.
 *
 * Several frames of one read share a block; only the incomplete tail moves when a block is used up. A frame's length is
 * checked before anything is done with it, and memory grows with the bytes that came, never by what a length announces.
 */
class frame_reader {
  public:
    static constexpr std::size_t block_size    = 64 * 1024;
    static constexpr std::size_t largest_block = 256 * 1024; ///< Of those that several frames share.
    static constexpr std::size_t worth_reading = 4 * 1024;   ///< A smaller rest of a shared block is not read into.

    explicit frame_reader(detail::block_pool& pool, std::size_t frame_limit = protocol::default_frame_limit) noexcept
        : pool_(&pool), limit_(frame_limit) {}

    /// Room for the next read; never empty.
    std::span<char> prepare() {
        const auto have = end_ - begin_;
        if (have == 0 && (!block_ || (!block_.shared() && block_.capacity() < usual_block()))) {
            block_ = {}; // first, so that the pool may give it again
            block_ = pool_->take(usual_block());
        }
        if (have == 0 && !block_.shared())
            begin_ = end_ = 0;
        const auto room = block_.capacity() - end_;
        const auto want = missing_ > 0 ? missing_ : worth_reading;
        // A tail at the start of its block first fills it; elsewhere it moves as soon as it does not fit.
        if (room == 0 || (room < want && begin_ > 0))
            move_tail(have, want);
        return {block_.data() + end_, block_.capacity() - end_};
    }

    void commit(std::size_t received) noexcept { end_ += received; }

    /// Whether bytes of a frame that is not complete are held.
    bool inside_frame() const noexcept { return begin_ != end_; }

    /**
     * @return The next complete frame; empty when more bytes are needed.
     * @retval error::frame_too_large, error::frame_malformed, error::unknown_encoding, error::header_malformed
     *         The connection cannot be used further: nothing after a broken frame can be trusted.
     */
    result<std::optional<received_frame>> next() {
        const auto have = end_ - begin_;
        if (have < protocol::frame_prefix_size)
            return std::optional<received_frame>();
        const char* start = block_.data() + begin_;
        const auto prefix = protocol::parse_frame_prefix(start, limit_);
        if (!prefix)
            return prefix.error();
        const auto size = prefix->frame_size();
        if (have < size) {
            missing_ = size - have;
            return std::optional<received_frame>();
        }
        const std::string_view header(start + protocol::frame_prefix_size, prefix->header_size);
        auto parsed = protocol::parse_header(prefix->encoding, header);
        if (!parsed)
            return parsed.error();
        begin_ += size;
        missing_ = 0;
        usual_   = std::max(size, usual_ - usual_ / 16);
        return std::optional(received_frame{block_, *parsed, {header.data() + header.size(), prefix->body_size}, size});
    }

  private:
    /// Room for several frames as they come now: where a block ends in a frame, its first part is copied.
    std::size_t usual_block() const noexcept { return std::clamp(4 * usual_, block_size, largest_block); }

    /// Starts a new block with the incomplete tail. It at least doubles what has come, so a large frame costs
    /// amortised constant copying, and a lying length costs no memory.
    void move_tail(std::size_t have, std::size_t want) {
        const auto wanted = std::min(have + want, std::max(block_size, 2 * have + worth_reading));
        auto fresh        = pool_->take(std::max(wanted, usual_block()));
        std::memcpy(fresh.data(), block_.data() + begin_, have);
        block_ = std::move(fresh);
        begin_ = 0;
        end_   = have;
    }

    detail::block_pool* pool_;
    std::size_t limit_;
    detail::block_ref block_;
    std::size_t begin_   = 0; ///< First byte that no frame has taken.
    std::size_t end_     = 0; ///< Behind the last received byte.
    std::size_t usual_   = 0; ///< Bytes of a frame: the largest of late.
    std::size_t missing_ = 0; ///< Bytes that the frame at `begin_` still lacks; 0 when its length is unknown.
};

} // namespace rocketpush

#endif
