#ifndef ROCKETPUSH_DETAIL_JAVA_STRING_HPP
#define ROCKETPUSH_DETAIL_JAVA_STRING_HPP

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

/**
 * Where brokers and other members of a group compare or hash strings, they do it over Java's UTF-16 code units. We hold
 * UTF-8; these give the same answers without converting.
 */
namespace rocketpush::detail {

/// One step of decoding UTF-8: the code point at the front of the text, and how many bytes it takes.
struct code_point {
    char32_t value;
    std::size_t size;
};

/// Decodes the front of `text`, which is not empty. What is not UTF-8 is U+FFFD, one byte wide, much as Java reads it.
constexpr code_point first_code_point(std::string_view text) noexcept {
    constexpr code_point replacement{0xFFFD, 1};
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto lead = byte(0);
    if (lead < 0x80)
        return {lead, 1};
    const std::size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (size == 0 || text.size() < size)
        return replacement;
    char32_t value = lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80)
            return replacement;
        value = value << 6 | (byte(i) & 0x3Fu);
    }
    const char32_t least = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return replacement;
    return {value, size};
}

/// Java's `String.hashCode`: h = 31 * h + c over UTF-16 code units, wrapping. "TagA" is 2598919.
constexpr std::int32_t java_hash(std::string_view utf8) noexcept {
    std::uint32_t hash = 0;
    while (!utf8.empty()) {
        const auto [value, size] = first_code_point(utf8);
        if (value < 0x10000) {
            hash = 31 * hash + static_cast<std::uint32_t>(value);
        } else {
            hash = 31 * hash + (0xD7C0 + static_cast<std::uint32_t>(value >> 10));
            hash = 31 * hash + (0xDC00 + static_cast<std::uint32_t>(value & 0x3FF));
        }
        utf8.remove_prefix(size);
    }
    return static_cast<std::int32_t>(hash);
}

/**
 * @brief Java's `String.compareTo` of two UTF-8 texts.
 *
 * UTF-8 sorts by code point. UTF-16 differs in one place: what is above U+FFFF begins with a surrogate, and so sorts
 * before U+E000..U+FFFF, which UTF-8 begins with 0xEE or 0xEF.
 */
constexpr std::strong_ordering java_compare(std::string_view left, std::string_view right) noexcept {
    const auto rank = [](char byte) {
        const auto value = static_cast<unsigned char>(byte);
        return value == 0xEE || value == 0xEF ? value + 0x10 : value + 0;
    };
    const auto common = std::min(left.size(), right.size());
    for (std::size_t i = 0; i < common; ++i)
        if (left[i] != right[i])
            return rank(left[i]) <=> rank(right[i]);
    return left.size() <=> right.size();
}

/// For sorting and ordered containers, as `std::sort(ids.begin(), ids.end(), java_less())`.
struct java_less {
    using is_transparent = void;
    constexpr bool operator()(std::string_view left, std::string_view right) const noexcept {
        return java_compare(left, right) < 0;
    }
};

} // namespace rocketpush::detail

#endif
