#ifndef ROCKETPUSH_DETAIL_MESSAGE_LAYOUT_HPP
#define ROCKETPUSH_DETAIL_MESSAGE_LAYOUT_HPP

#include <rocketpush/core/sys_flags.hpp>

#include <cstddef>
#include <cstdint>

/**
 * Where the fields of a stored message lie, in bytes from its start.
 * @par Source  Java `MessageDecoder.decode`; big endian throughout.
 */
namespace rocketpush::detail::message_layout {

inline constexpr std::size_t total_size        = 0;
inline constexpr std::size_t magic             = 4;
inline constexpr std::size_t body_crc          = 8;
inline constexpr std::size_t queue_id          = 12;
inline constexpr std::size_t flag              = 16;
inline constexpr std::size_t queue_offset      = 20;
inline constexpr std::size_t commit_log_offset = 28;
inline constexpr std::size_t sys_flag          = 36;
inline constexpr std::size_t born_timestamp    = 40;
inline constexpr std::size_t born_host         = 48;

/// Magic of messages whose topic length takes one byte, and of those (5.1.0 and later) where it takes two.
inline constexpr std::uint32_t magic_v1 = 0xDAA320A7;
inline constexpr std::uint32_t magic_v2 = 0xDAA320AB;

/// Size of a v1 message with IPv4 hosts and nothing in it.
inline constexpr std::size_t smallest = 91;

// Behind the born host every place depends on how long the hosts are: 8 bytes, or 20 for IPv6.
constexpr std::size_t born_host_size(std::uint32_t flags) noexcept { return flags & sys_flags::born_host_v6 ? 20 : 8; }
constexpr std::size_t store_host_size(std::uint32_t flags) noexcept {
    return flags & sys_flags::store_host_v6 ? 20 : 8;
}
constexpr std::size_t store_timestamp(std::uint32_t flags) noexcept { return born_host + born_host_size(flags); }
constexpr std::size_t store_host(std::uint32_t flags) noexcept { return store_timestamp(flags) + 8; }
constexpr std::size_t reconsume_times(std::uint32_t flags) noexcept {
    return store_host(flags) + store_host_size(flags);
}
constexpr std::size_t prepared_transaction_offset(std::uint32_t flags) noexcept { return reconsume_times(flags) + 4; }
constexpr std::size_t body_size(std::uint32_t flags) noexcept { return reconsume_times(flags) + 12; }
constexpr std::size_t body(std::uint32_t flags) noexcept { return body_size(flags) + 4; }

} // namespace rocketpush::detail::message_layout

#endif
