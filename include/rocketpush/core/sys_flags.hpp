#ifndef ROCKETPUSH_CORE_SYS_FLAGS_HPP
#define ROCKETPUSH_CORE_SYS_FLAGS_HPP

#include <cstdint>

/**
 * The bits of `message_view::sys_flag()`.
 * @par Source  Java `MessageSysFlag`.
 */
namespace rocketpush::sys_flags {

inline constexpr std::uint32_t compressed           = 0x1; ///< The body is compressed; cleared once it is inflated.
inline constexpr std::uint32_t multi_tags           = 0x2;
inline constexpr std::uint32_t transaction_mask     = 0xC;
inline constexpr std::uint32_t transaction_prepared = 0x4;
inline constexpr std::uint32_t transaction_commit   = 0x8;
inline constexpr std::uint32_t transaction_rollback = 0xC;
inline constexpr std::uint32_t born_host_v6         = 0x10;
inline constexpr std::uint32_t store_host_v6        = 0x20;
inline constexpr std::uint32_t needs_unwrap         = 0x40; ///< With `inner_batch`: several messages stored as one.
inline constexpr std::uint32_t inner_batch          = 0x80;
inline constexpr std::uint32_t compression_mask     = 0x700;
inline constexpr std::uint32_t compression_lz4      = 0x100;
inline constexpr std::uint32_t compression_zstd     = 0x200;
inline constexpr std::uint32_t compression_zlib     = 0x300; ///< Old clients leave the type 0 and mean zlib.

} // namespace rocketpush::sys_flags

#endif
