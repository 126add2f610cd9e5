#ifndef ROCKETPUSH_PROTOCOL_FRAME_HPP
#define ROCKETPUSH_PROTOCOL_FRAME_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_order.hpp>

#include <cstddef>
#include <cstdint>

namespace rocketpush::protocol {

/// How a frame's header is written. A response need not use its request's: read by the frame's type byte, always.
enum class header_encoding : std::uint8_t {
    json     = 0, ///< One JSON object.
    rocketmq = 1  ///< Binary; its code has 16 bits, so the codes of the 200xxx family do not fit.
};

/// Bytes before the header: the length, then the encoding and the header's length.
inline constexpr std::size_t frame_prefix_size = 8;
/// Bytes of a whole frame. Java: `com.rocketmq.remoting.frameMaxLength`, also a server's default.
inline constexpr std::size_t default_frame_limit = 16u << 20;
/// Bytes of a header: its length has 24 bits.
inline constexpr std::size_t max_header_size = 0xFFFFFF;

/// The first eight bytes of a frame, checked.
struct frame_prefix {
    header_encoding encoding  = header_encoding::json;
    std::uint32_t header_size = 0; ///< Bytes.
    std::uint32_t body_size   = 0; ///< Bytes.

    /// Bytes of the whole frame, this prefix included.
    constexpr std::size_t frame_size() const noexcept {
        return frame_prefix_size + std::size_t{header_size} + std::size_t{body_size};
    }

    friend bool operator==(const frame_prefix&, const frame_prefix&) = default;
};

/**
 * @brief Reads the frame's lengths before anything is done with them.
 *
 * Layout: int32 length of what follows; a byte of encoding; 24 bits of header length; header; body.
 *
 * @param eight_bytes  `frame_prefix_size` bytes.
 * @param limit        Largest whole frame, in bytes.
 * @retval error::frame_too_large   The frame would be larger than `limit`.
 * @retval error::frame_malformed   The length is negative or too short, or the header is longer than the frame.
 * @retval error::unknown_encoding  The header is neither JSON nor ROCKETMQ.
 */
inline result<frame_prefix> parse_frame_prefix(const char* eight_bytes, std::size_t limit = default_frame_limit) {
    const auto length = detail::load_big<std::int32_t>(eight_bytes);
    const auto word   = detail::load_big<std::uint32_t>(eight_bytes + 4);
    if (length < 4)
        return error::frame_malformed;
    const auto following = static_cast<std::uint32_t>(length);
    if (std::size_t{following} + 4 > limit)
        return error::frame_too_large;
    const auto header_size = word & 0xFFFFFFu;
    if (header_size > following - 4)
        return error::frame_malformed;
    const auto encoding = word >> 24;
    if (encoding > static_cast<std::uint32_t>(header_encoding::rocketmq))
        return error::unknown_encoding;
    return frame_prefix{static_cast<header_encoding>(encoding), header_size, following - 4 - header_size};
}

} // namespace rocketpush::protocol

#endif
