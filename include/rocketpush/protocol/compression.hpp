#ifndef ROCKETPUSH_PROTOCOL_COMPRESSION_HPP
#define ROCKETPUSH_PROTOCOL_COMPRESSION_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/detail/features.hpp>

#if ROCKETPUSH_WITH_ZLIB
#include <rocketpush/detail/zlib_codec.hpp>
#endif
#if ROCKETPUSH_WITH_LZ4
#include <rocketpush/detail/lz4_codec.hpp>
#endif
#if ROCKETPUSH_WITH_ZSTD
#include <rocketpush/detail/zstd_codec.hpp>
#endif

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// How a message's body is compressed. @par Source  Java `CompressionType`.
enum class compression : std::uint8_t { zlib, lz4, zstd, unknown };

/// The kind that bits 8 to 10 of a sysFlag name; it counts only when `sys_flags::compressed` is set too.
constexpr compression compression_of(std::uint32_t flags) noexcept {
    switch (flags & sys_flags::compression_mask) {
    case 0: // clients before 4.9.4 have no type
    case sys_flags::compression_zlib: return compression::zlib;
    case sys_flags::compression_lz4: return compression::lz4;
    case sys_flags::compression_zstd: return compression::zstd;
    default: return compression::unknown;
    }
}

/// The sysFlag bits of a body compressed in this way, `sys_flags::compressed` among them.
constexpr std::uint32_t flags_of(compression kind) noexcept {
    switch (kind) {
    case compression::zlib: return sys_flags::compressed | sys_flags::compression_zlib;
    case compression::lz4: return sys_flags::compressed | sys_flags::compression_lz4;
    case compression::zstd: return sys_flags::compressed | sys_flags::compression_zstd;
    case compression::unknown: break;
    }
    return sys_flags::compressed | sys_flags::compression_mask;
}

/**
 * @brief Inflates message bodies; keeps the libraries' contexts, so that steady use allocates nothing.
 * @par Thread safety  None.
 */
class decompressor {
  public:
    /**
     * @param limit  Most bytes that may come out.
     * @param arena  Holds the inflated bytes until it is cleared.
     * @retval error::compression_left_out    the kind is unknown or not in this build.
     * @retval error::decompression_failed    `in` is damaged or cut short.
     * @retval error::decompressed_too_large  more than `limit` bytes come out.
     */
    result<std::string_view> inflate(compression kind, std::string_view in, std::size_t limit,
                                     detail::byte_arena& arena) {
        switch (kind) {
#if ROCKETPUSH_WITH_ZLIB
        case compression::zlib: return zlib_.inflate(in, limit, arena);
#endif
#if ROCKETPUSH_WITH_LZ4
        case compression::lz4: return lz4_.inflate(in, limit, arena);
#endif
#if ROCKETPUSH_WITH_ZSTD
        case compression::zstd: return zstd_.inflate(in, limit, arena);
#endif
        default: break;
        }
        static_cast<void>(in), static_cast<void>(limit), static_cast<void>(arena);
        return error::compression_left_out;
    }

  private:
#if ROCKETPUSH_WITH_ZLIB
    detail::zlib_codec zlib_;
#endif
#if ROCKETPUSH_WITH_LZ4
    detail::lz4_codec lz4_;
#endif
#if ROCKETPUSH_WITH_ZSTD
    detail::zstd_codec zstd_;
#endif
};

/// `decompressor::inflate` for once.
inline result<std::string_view> inflate(compression kind, std::string_view in, std::size_t limit,
                                        detail::byte_arena& arena) {
    return decompressor().inflate(kind, in, limit, arena);
}

/**
 * @brief Compresses a body as a producer does.
 * @param level  The library's own scale; Java's producer uses 5 for all.
 * @retval error::compression_left_out  the kind is unknown or not in this build.
 */
inline result<std::string> compress(compression kind, std::string_view in, int level = 5) {
    switch (kind) {
#if ROCKETPUSH_WITH_ZLIB
    case compression::zlib: return detail::zlib_codec::compress(in, level);
#endif
#if ROCKETPUSH_WITH_LZ4
    case compression::lz4: return detail::lz4_codec::compress(in, level);
#endif
#if ROCKETPUSH_WITH_ZSTD
    case compression::zstd: return detail::zstd_codec::compress(in, level);
#endif
    default: break;
    }
    static_cast<void>(in), static_cast<void>(level);
    return error::compression_left_out;
}

} // namespace rocketpush::protocol

#endif
