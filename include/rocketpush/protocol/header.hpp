#ifndef ROCKETPUSH_PROTOCOL_HEADER_HPP
#define ROCKETPUSH_PROTOCOL_HEADER_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush::detail {

/// Reads the digits that begin at `at`, as many as can never overflow.
/// @return Behind them: at the first that is no digit, or is one too many.
template <std::integral T>
constexpr const char* read_digits(const char* at, const char* end, T& number) noexcept {
    if (end - at > std::numeric_limits<T>::digits10)
        end = at + std::numeric_limits<T>::digits10;
    T sum = 0;
    for (; at != end; ++at) {
        const auto digit = static_cast<unsigned>(*at) - '0';
        if (digit > 9)
            break;
        sum = static_cast<T>(sum * 10 + static_cast<T>(digit));
    }
    number = sum;
    return at;
}

/// Nearly every number of a header is one. False: the careful way has to be gone.
template <std::integral T>
constexpr bool read_short_number(std::string_view text, T& number) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && read_digits(text.data(), end, number) == end;
}

/// Keys and names differ in their lengths or first letters, mostly; only then it is worth a call.
constexpr bool is_name(std::string_view key, std::string_view name) noexcept {
    return key.size() == name.size() && (name.empty() || key.front() == name.front()) && key == name;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/// One header field's value, where it lies in the frame.
struct field_value {
    std::string_view raw; ///< In a JSON header its escapes are still there. A number or boolean may have had no quotes.
    header_encoding encoding = header_encoding::json;

    std::string to_string() const {
        std::string text;
        assign_to(text);
        return text;
    }

    /// As `to_string`, into a string that may have the room already.
    void assign_to(std::string& text) const {
        text.clear();
        if (encoding == header_encoding::json)
            append_json_unescaped(text, raw);
        else
            text.assign(raw);
    }

    /// The number, if the whole value is one and fits.
    template <std::integral T>
        requires(!std::same_as<T, bool>)
    std::optional<T> to_int() const noexcept {
        T number{};
        if (detail::read_short_number(raw, number)) [[likely]]
            return number;
        const auto [end, ec] = std::from_chars(raw.data(), raw.data() + raw.size(), number);
        if (ec != std::errc() || end != raw.data() + raw.size())
            return std::nullopt;
        return number;
    }

    /// `true` or `false`, if it is either.
    std::optional<bool> to_bool() const noexcept {
        if (raw == "true")
            return true;
        if (raw == "false")
            return false;
        return std::nullopt;
    }
};

/**
 * @brief A frame's header, where it lies in the frame: the fixed members as values, the fields still unread.
 *
 * Valid as long as the bytes it was parsed from.
 *
 * @par Source  Java `RemotingCommand`.
 */
struct header_view {
    header_encoding encoding = header_encoding::json;
    std::int32_t code        = 0; ///< A request's code, or a response's.
    std::int32_t opaque      = 0; ///< Joins a response to its request.
    std::int32_t flag        = 0;
    std::int32_t version     = 0;  ///< The sender's: 407 is 4.9.7, 513 is 5.5.0.
    std::string_view raw_remark{}; ///< As a `field_value`'s raw.
    std::string_view raw_fields{}; ///< JSON: the object, braces included. Binary: the entries. Empty: there are none.

    bool is_response() const noexcept { return (flag & response_flag) != 0; }
    bool is_oneway() const noexcept { return (flag & oneway_flag) != 0; }

    /// What the peer says in words. Servers set it on successes, too; never take it for an error.
    std::string remark() const { return field_value{raw_remark, encoding}.to_string(); }

    /**
     * @brief Calls `each(std::string_view key, field_value)` for every field, in the order of the
     *        bytes; nulls are left out.
     * @return False if the bytes were not fields: of a JSON header `parse_header` sees no more than where they end.
     */
    template <class F>
    bool for_each_field(F&& each) const {
        if (raw_fields.empty())
            return true;
        return encoding == header_encoding::json ? for_each_json_field(each) : for_each_binary_field(each);
    }

    /// The last field with this name, if there is one.
    std::optional<field_value> field(std::string_view name) const {
        std::optional<field_value> found;
        for_each_field([&](std::string_view key, field_value value) {
            if (key == name)
                found = value;
        });
        return found;
    }

  private:
    template <class F>
    bool for_each_json_field(F& each) const {
        json_cursor cursor(raw_fields);
        std::string_view key;
        json_cursor::value value;
        if (!cursor.enter_object())
            return false;
        for (bool first = true; cursor.next_member(key, first);) {
            if (!cursor.read_value(value))
                return false;
            if (!value.is_null())
                each(key, field_value{value.raw, header_encoding::json});
        }
        return cursor.leave_object();
    }

    /// Entries: int16 key length, key, int32 value length, value. Java reads a value without bytes as null.
    template <class F>
    bool for_each_binary_field(F& each) const {
        const char* at        = raw_fields.data();
        const char* const end = at + raw_fields.size();
        const auto left       = [&] { return static_cast<std::size_t>(end - at); };
        while (at != end) {
            if (left() < 2)
                return false;
            const std::size_t key_size = detail::load_big<std::uint16_t>(at);
            at += 2;
            if (left() < key_size + 4)
                return false;
            const std::string_view key(at, key_size);
            at += key_size;
            const std::size_t value_size = detail::load_big<std::uint32_t>(at);
            at += 4;
            if (left() < value_size)
                return false;
            if (value_size != 0)
                each(key, field_value{{at, value_size}, header_encoding::rocketmq});
            at += value_size;
        }
        return true;
    }
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

inline result<protocol::header_view> parse_json_header(std::string_view bytes) {
    using protocol::json_cursor;
    protocol::header_view header;
    bool valid    = true;
    bool has_code = false;
    json_cursor cursor(bytes);
    std::string_view key;
    json_cursor::value value;
    const auto number = [&](std::int32_t& into) {
        const auto read = protocol::field_value{value.raw}.to_int<std::int32_t>();
        into            = read.value_or(0);
        valid           = valid && read.has_value();
    };
    if (!cursor.enter_object())
        return error::header_malformed;
    for (bool first = true; valid && cursor.next_member(key, first);) {
        if (!cursor.read_object_or_value(value))
            return error::header_malformed;
        if (is_name(key, "code")) {
            number(header.code);
            has_code = true;
        } else if (is_name(key, "opaque")) {
            number(header.opaque);
        } else if (is_name(key, "flag")) {
            number(header.flag);
        } else if (is_name(key, "version")) {
            number(header.version);
        } else if (is_name(key, "extFields") && !value.is_null()) {
            header.raw_fields = value.raw;
            valid             = value.type == json_cursor::kind::object;
        } else if (is_name(key, "remark") && value.type == json_cursor::kind::string) {
            header.raw_remark = value.raw;
        }
    }
    if (!valid || !has_code || !cursor.leave_object() || !cursor.at_end())
        return error::header_malformed;
    return header;
}

/// Bytes: code 2, language 1, version 2, opaque 4, flag 4, remark 4 + n, fields 4 + n.
inline result<protocol::header_view> parse_binary_header(std::string_view bytes) {
    constexpr std::size_t fixed_size = 21;
    if (bytes.size() < fixed_size)
        return error::header_malformed;
    const char* at = bytes.data();
    protocol::header_view header{.encoding = protocol::header_encoding::rocketmq};
    header.code            = load_big<std::int16_t>(at);
    header.version         = load_big<std::int16_t>(at + 3);
    header.opaque          = load_big<std::int32_t>(at + 5);
    header.flag            = load_big<std::int32_t>(at + 9);
    const auto remark_size = std::size_t{load_big<std::uint32_t>(at + 13)};
    if (remark_size > bytes.size() - fixed_size)
        return error::header_malformed;
    header.raw_remark      = {at + 17, remark_size};
    const auto fields_size = std::size_t{load_big<std::uint32_t>(at + 17 + remark_size)};
    if (fields_size != bytes.size() - fixed_size - remark_size)
        return error::header_malformed;
    header.raw_fields = {at + fixed_size + remark_size, fields_size};
    if (!header.for_each_field([](std::string_view, protocol::field_value) {}))
        return error::header_malformed;
    return header;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Finds a header's parts in one pass over its bytes; allocates nothing.
 *
 * JSON keys may come in any order, unknown ones are skipped with whatever they hold.
 *
 * @retval error::header_malformed  Cut short, followed by more, no JSON object, no code, nested too deep, or a length
 *                                  that leads outside.
 */
inline result<header_view> parse_header(header_encoding encoding, std::string_view bytes) {
    return encoding == header_encoding::json ? detail::parse_json_header(bytes) : detail::parse_binary_header(bytes);
}

} // namespace rocketpush::protocol

#endif
