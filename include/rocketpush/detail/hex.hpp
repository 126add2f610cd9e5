#ifndef ROCKETPUSH_DETAIL_HEX_HPP
#define ROCKETPUSH_DETAIL_HEX_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace rocketpush::detail {

/// Appends two upper-case digits a byte, as RocketMQ writes its ids.
inline void append_hex(std::string& out, std::string_view bytes) {
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        out.push_back(digits[value >> 4]);
        out.push_back(digits[value & 0xF]);
    }
}

/// The value of one digit of either case, or -1.
constexpr int hex_digit(char digit) noexcept {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

/// Writes `text.size() / 2` bytes to `to`. False when a character is no digit or one is left over.
inline bool parse_hex(std::string_view text, char* to) noexcept {
    if (text.size() % 2 != 0)
        return false;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low  = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *to++ = static_cast<char>(high * 16 + low);
    }
    return true;
}

} // namespace rocketpush::detail

#endif
