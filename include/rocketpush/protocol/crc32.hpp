#ifndef ROCKETPUSH_PROTOCOL_CRC32_HPP
#define ROCKETPUSH_PROTOCOL_CRC32_HPP

#include <rocketpush/detail/features.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

#if ROCKETPUSH_WITH_LIBDEFLATE
#include <libdeflate.h>
#elif ROCKETPUSH_WITH_ZLIB
#include <zlib.h>
#else
#include <array>
#endif

namespace rocketpush::protocol {

/// CRC-32 (IEEE 802.3), by libdeflate, else zlib; a build without both has a slow one of its own.
inline std::uint32_t crc32(std::string_view bytes) noexcept {
#if ROCKETPUSH_WITH_LIBDEFLATE
    return ::libdeflate_crc32(0, bytes.data(), bytes.size());
#elif ROCKETPUSH_WITH_ZLIB
    return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
#else
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> entries{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            entries[i] = i;
            for (int bit = 0; bit < 8; ++bit)
                entries[i] = entries[i] >> 1 ^ (entries[i] & 1 ? 0xEDB88320u : 0u);
        }
        return entries;
    }();
    std::uint32_t sum = ~0u;
    for (const char byte : bytes)
        sum = sum >> 8 ^ table[(sum ^ static_cast<unsigned char>(byte)) & 0xFF];
    return ~sum;
#endif
}

/// What BODYCRC of a stored message holds. Over the body as stored, so before it is inflated.
/// @par Source  Java `UtilAll.crc32`, which clears the sign bit.
inline std::uint32_t body_crc(std::string_view body) noexcept { return crc32(body) & 0x7FFFFFFF; }

} // namespace rocketpush::protocol

#endif
