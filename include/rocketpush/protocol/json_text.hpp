#ifndef ROCKETPUSH_PROTOCOL_JSON_TEXT_HPP
#define ROCKETPUSH_PROTOCOL_JSON_TEXT_HPP

#include <rocketpush/detail/hex.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/**
 * @file
 * JSON in place, for frame headers and bodies: finds keys and values in the bytes, without a tree and without allocating.
 */
namespace rocketpush::protocol {

/// Appends `text` as the inside of a JSON string.
inline void append_json_escaped(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::size_t plain              = 0; // Where the run begins that needs no escape.
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        out.append(text, plain, i - plain);
        plain = i + 1;
        if (byte >= 0x20) {
            const char escape[] = {'\\', text[i]};
            out.append(escape, sizeof escape);
        } else {
            const char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0xF]};
            out.append(escape, sizeof escape);
        }
    }
    out.append(text, plain);
}

/// Appends one code point as UTF-8; what is none (a surrogate alone) as U+FFFD.
inline void append_utf8(std::string& out, char32_t value) {
    const auto byte = [&out](char32_t bits) { out.push_back(static_cast<char>(bits)); };
    if ((value >= 0xD800 && value < 0xE000) || value > 0x10FFFF)
        value = 0xFFFD;
    if (value < 0x80) {
        byte(value);
    } else if (value < 0x800) {
        byte(0xC0 | value >> 6);
        byte(0x80 | (value & 0x3F));
    } else if (value < 0x10000) {
        byte(0xE0 | value >> 12);
        byte(0x80 | (value >> 6 & 0x3F));
        byte(0x80 | (value & 0x3F));
    } else {
        byte(0xF0 | value >> 18);
        byte(0x80 | (value >> 12 & 0x3F));
        byte(0x80 | (value >> 6 & 0x3F));
        byte(0x80 | (value & 0x3F));
    }
}

} // namespace rocketpush::protocol

namespace rocketpush::detail {

/// The value of the four hex digits behind a `\u`, or -1.
constexpr std::int32_t utf16_unit(std::string_view text) noexcept {
    if (text.size() < 4)
        return -1;
    std::int32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const int digit = hex_digit(text[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

constexpr bool is_high_surrogate(std::int32_t unit) noexcept { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool is_low_surrogate(std::int32_t unit) noexcept { return unit >= 0xDC00 && unit < 0xE000; }

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/// Appends what the inside of a JSON string stands for. `raw` comes from a `json_cursor`, so its escapes are whole.
inline void append_json_unescaped(std::string& out, std::string_view raw) {
    while (true) {
        const auto escape = raw.find('\\');
        out.append(raw.substr(0, escape));
        if (escape == std::string_view::npos || escape + 1 >= raw.size())
            return;
        const char kind = raw[escape + 1];
        raw.remove_prefix(escape + 2);
        switch (kind) {
        case 'b': out.push_back('\b'); break;
        case 'f': out.push_back('\f'); break;
        case 'n': out.push_back('\n'); break;
        case 'r': out.push_back('\r'); break;
        case 't': out.push_back('\t'); break;
        case 'u': {
            auto unit = detail::utf16_unit(raw);
            raw.remove_prefix(raw.size() < 4 ? raw.size() : 4);
            auto value = static_cast<char32_t>(unit);
            if (detail::is_high_surrogate(unit) && raw.starts_with("\\u")) {
                const auto low = detail::utf16_unit(raw.substr(2));
                if (detail::is_low_surrogate(low)) {
                    value =
                        0x10000 + (static_cast<char32_t>(unit - 0xD800) << 10) + static_cast<char32_t>(low - 0xDC00);
                    raw.remove_prefix(6);
                }
            }
            append_utf8(out, value);
            break;
        }
        default: out.push_back(kind); // A quote, a slash, a backslash.
        }
    }
}

/**
 * @brief Reads JSON front to back. Every function skips blanks first, and answers false when the text is not what was
 *        asked for; then the cursor is of no further use.
 */
class json_cursor {
  public:
    /// Values nested deeper than this are refused: the bytes come from the network and the reader recurses.
    static constexpr int max_depth = 32;

    enum class kind : std::uint8_t { string, number, literal, object, array };

    /// One value, in place: a string without its quotes and with its escapes, anything else as it stands.
    struct value {
        kind type;
        std::string_view raw;

        bool is_null() const noexcept { return type == kind::literal && raw == "null"; }
    };

    explicit json_cursor(std::string_view text) noexcept : at_(text.data()), end_(text.data() + text.size()) {}

    /// Whether nothing but blanks is left.
    bool at_end() noexcept {
        skip_blanks();
        return at_ == end_;
    }

    /// The next character, without taking it; 0 at the end.
    char peek() noexcept {
        skip_blanks();
        return at_ == end_ ? '\0' : *at_;
    }

    bool take(char expected) noexcept {
        if (peek() != expected || at_ == end_)
            return false;
        ++at_;
        return true;
    }

    /// A string; `raw` is its inside, escapes and all.
    bool read_string(std::string_view& raw) noexcept {
        if (!take('"'))
            return false;
        const char* const begin = at_;
        for (; at_ != end_; ++at_) {
            if (*at_ == '"') {
                raw = {begin, static_cast<std::size_t>(at_ - begin)};
                ++at_;
                return true;
            }
            if (*at_ == '\\' && !step_to_escape_end())
                return false;
        }
        return false;
    }

    /// Any value, nested ones included.
    bool read_value(value& out, int depth = max_depth) noexcept {
        const char first        = peek();
        const char* const begin = at_;
        if (first == '"') {
            out.type = kind::string;
            return read_string(out.raw);
        }
        if (first == '{' || first == '[') {
            out.type = first == '{' ? kind::object : kind::array;
            if (depth == 0 || !(first == '{' ? skip_object(depth - 1) : skip_array(depth - 1)))
                return false;
        } else {
            while (at_ != end_ && is_scalar(*at_))
                ++at_;
        }
        out.raw = {begin, static_cast<std::size_t>(at_ - begin)};
        if (first == '{' || first == '[')
            return true;
        const bool numeric = first == '-' || (first >= '0' && first <= '9');
        out.type           = numeric ? kind::number : kind::literal;
        return numeric || out.raw == "true" || out.raw == "false" || out.raw == "null";
    }

    /**
     * @brief An object: `member(key, *this)` is called behind each colon, and reads the value.
     * @param member  Answers false when it cannot.
     */
    template <class F>
    bool read_object(F&& member) {
        if (!take('{'))
            return false;
        if (take('}'))
            return true;
        do {
            std::string_view key;
            if (!read_string(key) || !take(':') || !member(key, *this))
                return false;
        } while (take(','));
        return take('}');
    }

  private:
    static constexpr bool is_scalar(char c) noexcept {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' ||
               c == '.';
    }

    void skip_blanks() noexcept {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r'))
            ++at_;
    }

    /// From a backslash to the last character of its escape.
    bool step_to_escape_end() noexcept {
        constexpr std::string_view kinds = "\"\\/bfnrtu";
        if (++at_ == end_ || kinds.find(*at_) == std::string_view::npos)
            return false;
        if (*at_ != 'u')
            return true;
        if (detail::utf16_unit({at_ + 1, static_cast<std::size_t>(end_ - at_ - 1)}) < 0)
            return false;
        at_ += 4;
        return true;
    }

    bool skip_object(int depth) noexcept {
        return read_object([depth](std::string_view, json_cursor& cursor) {
            value ignored;
            return cursor.read_value(ignored, depth);
        });
    }

    bool skip_array(int depth) noexcept {
        if (!take('['))
            return false;
        if (take(']'))
            return true;
        do {
            if (value ignored; !read_value(ignored, depth))
                return false;
        } while (take(','));
        return take(']');
    }

    const char* at_;
    const char* end_;
};

} // namespace rocketpush::protocol

#endif
