#ifndef ROCKETPUSH_DETAIL_BASE64_HPP
#define ROCKETPUSH_DETAIL_BASE64_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rocketpush::detail {

inline constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Characters that so many bytes become.
constexpr std::size_t base64_size(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }

/// RFC 4648, with padding. @param to  Has room for `base64_size`.
inline void write_base64(char* to, std::string_view bytes) noexcept {
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0u);
        for (std::size_t i = 0; i < 4; ++i)
            *to++ = at + i <= bytes.size() ? base64_digits[bits >> (18 - 6 * i) & 63] : '=';
    }
}

inline std::string to_base64(std::string_view bytes) {
    std::string text(base64_size(bytes.size()), '=');
    write_base64(text.data(), bytes);
    return text;
}

/// The bytes, or nothing if the text is no base64. Padding may be missing, as for Java.
inline std::optional<std::string> from_base64(std::string_view text) {
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding)
        text.remove_suffix(1);
    if (text.size() % 4 == 1)
        return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned have      = 0;
    for (const char c : text) {
        const auto digit = base64_digits.find(c);
        if (digit == base64_digits.npos)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes.push_back(static_cast<char>(bits >> have & 0xFF));
        }
    }
    return bytes;
}

} // namespace rocketpush::detail

#endif
