#ifndef ROCKETPUSH_PROTOCOL_JSON_TEXT_HPP
#define ROCKETPUSH_PROTOCOL_JSON_TEXT_HPP

#include <rocketpush/detail/hex.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

/// The first quote or backslash in [at, end), or `end`: 16 bytes at once where the machine can.
[[gnu::always_inline]] inline const char* find_quote_or_escape(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const auto hits     = static_cast<unsigned>(
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash))));
        if (hits != 0)
            return at + std::countr_zero(hits);
    }
#endif
    while (at != end && *at != '"' && *at != '\\')
        ++at;
    return at;
}

/**
 * @brief Behind the brace that ends an object of plain members: no object, array or escape in it. 16 bytes at once.
 * @param at  Behind the brace that begins it.
 * @return Null: it is no such object, or the machine cannot; what its members are is not looked at.
 */
inline const char* end_of_plain_object([[maybe_unused]] const char* at, [[maybe_unused]] const char* end) noexcept {
#if defined(__SSE2__)
    unsigned quotes = 0; // of what lies behind, folded: only whether their number is even matters
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        // With this bit all of { } [ ] and the backslash are 0x7B to 0x7D; what else is above 0x7A is rare.
        const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        const auto braces    = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpgt_epi8(folded, _mm_set1_epi8('z'))));
        const auto quoted    = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))));
        if (braces == 0) {
            quotes ^= quoted;
            continue;
        }
        const char* const brace = at + std::countr_zero(braces);
        quotes ^= quoted & (braces - 1) & ~braces; // those before it
        return *brace == '}' && __builtin_parity(quotes) == 0 ? brace + 1 : nullptr;
    }
#endif
    return nullptr;
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
 *
 * What headers consist of, strings without blanks between them, is read inline, so that the cursor stays in registers; for all
 * else there are functions that get its place and return the next one.
 */
class json_cursor {
  public:
    /// Values nested deeper than this are refused: the bytes come from the network and the reader recurses.
    static constexpr int max_depth = 32;

    enum class kind : std::uint8_t { string, number, literal, object, array };

    /// One value, in place: a string without its quotes and with its escapes, anything else as it stands.
    struct value {
        kind type = kind::literal;
        std::string_view raw{};

        bool is_null() const noexcept { return type == kind::literal && raw == "null"; }
    };

    explicit json_cursor(std::string_view text) noexcept : at_(text.data()), end_(text.data() + text.size()) {}

    /// Whether nothing but blanks is left.
    bool at_end() noexcept {
        at_ = behind_blanks(at_, end_);
        return at_ == end_;
    }

    /// The next character, without taking it; 0 at the end.
    [[gnu::always_inline]] char peek() noexcept {
        if (at_ == end_ || is_control_or_blank(*at_)) [[unlikely]]
            at_ = behind_blanks(at_, end_);
        return at_ == end_ ? '\0' : *at_;
    }

    [[gnu::always_inline]] bool take(char expected) noexcept {
        if (at_ == end_ || *at_ != expected) [[unlikely]] {
            at_ = behind_blanks(at_, end_);
            if (at_ == end_ || *at_ != expected)
                return false;
        }
        ++at_;
        return true;
    }

    /// A string; `raw` is its inside, escapes and all.
    [[gnu::always_inline]] bool read_string(std::string_view& raw) noexcept {
        if (!take('"')) [[unlikely]]
            return false;
        const char* const begin = at_;
        const char* found       = detail::find_quote_or_escape(begin, end_);
        if (found == end_ || *found != '"') [[unlikely]] {
            found = end_of_escaped(found, end_);
            if (!found)
                return false;
        }
        raw = {begin, static_cast<std::size_t>(found - begin)};
        at_ = found + 1;
        return true;
    }

    /// Any value, nested ones included.
    [[gnu::always_inline]] bool read_value(value& out, int depth = max_depth) noexcept {
        const char first = peek();
        if (first == '"') [[likely]] {
            out.type = kind::string;
            return read_string(out.raw);
        }
        const char* const begin = at_;
        if (is_digit(first)) {
            do
                ++at_;
            while (at_ != end_ && is_digit(*at_));
            if (at_ == end_ || !is_scalar(*at_)) [[likely]] {
                out = {kind::number, {begin, static_cast<std::size_t>(at_ - begin)}};
                return true;
            }
        }
        const auto found = find_value_end(begin, end_, depth);
        if (!found.end)
            return false;
        out = {found.type, {begin, static_cast<std::size_t>(found.end - begin)}};
        at_ = found.end;
        return true;
    }

    /// An object, of which the members may be anything that ends where it does; or any other value.
    bool read_object_or_value(value& out) noexcept {
        if (peek() == '{') {
            const char* const begin = at_;
            if (const char* const end = detail::end_of_plain_object(begin + 1, end_)) {
                out = {kind::object, {begin, static_cast<std::size_t>(end - begin)}};
                at_ = end;
                return true;
            }
        }
        return read_value(out);
    }

    /// Begins an object; `next_member` goes on.
    [[gnu::always_inline]] bool enter_object() noexcept { return take('{'); }

    /**
     * @brief The key of an object's next member; its value is to be read then.
     * @param first  True at first; the object's progress.
     * @return False behind the last member, or when there is neither one nor the end: `leave_object` tells.
     */
    [[gnu::always_inline]] bool next_member(std::string_view& key, bool& first) noexcept {
        if (peek() == '}')
            return false;
        if ((std::exchange(first, false) || take(',')) && read_string(key) && take(':')) [[likely]]
            return true;
        at_ = end_; // here is no end of an object
        return false;
    }

    [[gnu::always_inline]] bool leave_object() noexcept { return take('}'); }

  private:
    /// Where a value ends; null when it does not.
    struct value_end {
        kind type;
        const char* end;
    };

    static constexpr bool is_control_or_blank(char c) noexcept { return static_cast<unsigned char>(c) <= ' '; }

    static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static constexpr bool is_scalar(char c) noexcept {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
    }

    [[gnu::noinline]] static const char* behind_blanks(const char* at, const char* end) noexcept {
        while (at != end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
            ++at;
        return at;
    }

    /// The quote that ends a string. @param at  Its first backslash, or `end`. @return Null: there is no quote, or a wrong escape.
    [[gnu::noinline]] static const char* end_of_escaped(const char* at, const char* end) noexcept {
        constexpr std::string_view kinds = "\"\\/bfnrtu";
        while (at != end) {
            if (*at == '"')
                return at;
            if (++at == end || kinds.find(*at) == std::string_view::npos)
                return nullptr;
            if (*at++ == 'u') {
                if (detail::utf16_unit({at, static_cast<std::size_t>(end - at)}) < 0)
                    return nullptr;
                at += 4;
            }
            at = detail::find_quote_or_escape(at, end);
        }
        return nullptr;
    }

    /// Of a value that is no string.
    [[gnu::noinline]] static value_end find_value_end(const char* begin, const char* end, int depth) noexcept {
        const char first = begin == end ? '\0' : *begin;
        if (first == '{' || first == '[') {
            json_cursor inner({begin, static_cast<std::size_t>(end - begin)});
            const bool whole =
                depth != 0 && (first == '{' ? inner.skip_object(depth - 1) : inner.skip_array(depth - 1));
            return {first == '{' ? kind::object : kind::array, whole ? inner.at_ : nullptr};
        }
        const char* at = begin;
        while (at != end && is_scalar(*at))
            ++at;
        if (first == '-' || is_digit(first))
            return {kind::number, at};
        const std::string_view word(begin, static_cast<std::size_t>(at - begin));
        return {kind::literal, word == "true" || word == "false" || word == "null" ? at : nullptr};
    }

    bool skip_object(int depth) noexcept {
        std::string_view key;
        value ignored;
        if (!enter_object())
            return false;
        for (bool first = true; next_member(key, first);)
            if (!read_value(ignored, depth))
                return false;
        return leave_object();
    }

    bool skip_array(int depth) noexcept {
        if (!take('['))
            return false;
        if (peek() == ']')
            return take(']');
        do {
            if (value ignored; !read_value(ignored, depth))
                return false;
        } while (peek() == ',' && take(','));
        return take(']');
    }

    const char* at_;
    const char* end_;
};

} // namespace rocketpush::protocol

#endif
