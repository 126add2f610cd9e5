#ifndef ROCKETPUSH_DETAIL_BYTE_ORDER_HPP
#define ROCKETPUSH_DETAIL_BYTE_ORDER_HPP

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace rocketpush::detail {

template <std::integral T>
constexpr T swap_bytes(T value) noexcept {
    if constexpr (sizeof(T) == 1)
        return value;
    else if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
    else if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
    else
        return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

/// Reads a big endian integer; `from` needs no alignment, the caller has checked that the bytes are there.
template <std::integral T>
T load_big(const char* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::big ? value : swap_bytes(value);
}

/// Writes a big endian integer to `to`, which has room for it and needs no alignment.
template <std::integral T>
void store_big(char* to, T value) noexcept {
    if constexpr (std::endian::native != std::endian::big)
        value = swap_bytes(value);
    std::memcpy(to, &value, sizeof value);
}

} // namespace rocketpush::detail

#endif
