#ifndef ROCKETPUSH_PROTOCOL_FIELD_TABLE_HPP
#define ROCKETPUSH_PROTOCOL_FIELD_TABLE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/**
 * @file
 * A header struct says once, in `fields()`, which member goes under which name; reading and writing follow that table. They are
 * ordinary functions over rows, not templates over headers: a program compiles them once, however many headers it uses.
 */
namespace rocketpush::detail {

/// The longest number is -9223372036854775808.
inline constexpr std::size_t most_digits = 20;

/// The decimal digits of a number, or the characters of a text or boolean: what goes on the wire, without a copy.
class field_text {
  public:
    field_text() = default;
    explicit field_text(std::string_view text) noexcept : text_(text) {}
    explicit field_text(bool value) noexcept : text_(value ? "true" : "false") {}
    template <std::integral T>
    explicit field_text(T value) noexcept
        : text_(digits_,
                static_cast<std::size_t>(std::to_chars(digits_, digits_ + sizeof digits_, value).ptr - digits_)) {}
    field_text(const field_text&)            = delete;
    field_text& operator=(const field_text&) = delete;

    std::string_view view() const noexcept { return text_; }

  private:
    char digits_[most_digits];
    std::string_view text_;
};

inline bool read_member(const protocol::field_value& from, std::string& to) {
    from.assign_to(to);
    return true;
}

/// As it stands in the frame, and only as long: for a text that has nothing which JSON escapes. Another is refused, and so is an
/// object in its place: written, it would be no JSON.
inline bool read_member(const protocol::field_value& from, std::string_view& to) noexcept {
    const char* const end = from.raw.data() + from.raw.size();
    to                    = from.raw;
    return find_quote_or_escape(from.raw.data(), end) == end;
}

inline bool read_member(const protocol::field_value& from, bool& to) noexcept {
    const auto value = from.to_bool();
    to               = value.value_or(to);
    return value.has_value();
}

template <std::integral T>
bool read_member(const protocol::field_value& from, T& to) noexcept {
    const auto value = from.to_int<T>();
    to               = value.value_or(to);
    return value.has_value();
}

template <class T>
bool is_left_out(const T&) noexcept {
    return false;
}
inline bool is_left_out(const std::string& text) noexcept { return text.empty(); }
inline bool is_left_out(const std::string_view& text) noexcept { return text.empty(); }

/// As it stands in a binary header.
template <class T>
void append_text(std::string& out, const T& value) {
    out.append(field_text(value).view());
}

/// As it stands in a JSON string. Numbers and booleans have nothing to escape.
template <class T>
void append_json_text(std::string& out, const T& value) {
    append_text(out, value);
}
inline void append_json_text(std::string& out, const std::string& text) { protocol::append_json_escaped(out, text); }

/// How the members of one type are read and written: one for each type that headers are made of.
struct field_type {
    bool (*read)(const protocol::field_value& from, void* member);
    bool (*is_left_out)(const void* member);
    void (*append_text)(std::string& out, const void* member);
    void (*append_json_text)(std::string& out, const void* member);
    char* (*write_digits)(char* to, const void* member);    ///< Numbers only, else null. @return Behind them.
    bool (*store_number)(std::int64_t value, void* member); ///< Numbers only, else null. @return Whether it fits.
};

template <class T>
inline constexpr bool is_number = std::integral<T> && !std::same_as<T, bool>;

template <class T>
constexpr auto number_keeper() noexcept -> bool (*)(std::int64_t, void*) {
    if constexpr (is_number<T>)
        return [](std::int64_t value, void* member) {
            *static_cast<T*>(member) = static_cast<T>(value);
            return std::in_range<T>(value);
        };
    else
        return nullptr;
}

template <class T>
constexpr auto digit_writer() noexcept -> char* (*)(char*, const void*) {
    if constexpr (is_number<T>)
        return [](char* to, const void* member) {
            return std::to_chars(to, to + most_digits, *static_cast<const T*>(member)).ptr;
        };
    else
        return nullptr;
}

template <class T>
inline constexpr field_type type_of_field{
    [](const protocol::field_value& from, void* member) { return read_member(from, *static_cast<T*>(member)); },
    [](const void* member) { return detail::is_left_out(*static_cast<const T*>(member)); },
    [](std::string& out, const void* member) { detail::append_text(out, *static_cast<const T*>(member)); },
    [](std::string& out, const void* member) { detail::append_json_text(out, *static_cast<const T*>(member)); },
    digit_writer<T>(),
    number_keeper<T>()};

template <class T>
inline constexpr field_type type_of_field<std::optional<T>>{
    [](const protocol::field_value& from, void* member) {
        return read_member(from, static_cast<std::optional<T>*>(member)->emplace());
    },
    [](const void* member) { return !static_cast<const std::optional<T>*>(member)->has_value(); },
    [](std::string& out, const void* member) {
        detail::append_text(out, **static_cast<const std::optional<T>*>(member));
    },
    [](std::string& out, const void* member) {
        detail::append_json_text(out, **static_cast<const std::optional<T>*>(member));
    },
    nullptr,
    is_number<T>
        ? [](std::int64_t value,
             void* member) { return number_keeper<T>()(value, &static_cast<std::optional<T>*>(member)->emplace()); }
        : decltype(field_type::store_number){}};

template <auto Member>
struct member_of_header;
template <class Header, class T, T Header::*Member>
struct member_of_header<Member> {
    using type = T;
    static const void* in(const void* header) noexcept { return &(static_cast<const Header*>(header)->*Member); }
};

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/// One row of a header's table.
struct field_row {
    std::string_view name;
    bool required;
    const detail::field_type* type;
    const void* (*member)(const void* header) noexcept;
};

/// A field that must be there when the header is read.
template <auto Member>
constexpr field_row required_field(std::string_view name) noexcept {
    using member = detail::member_of_header<Member>;
    return {name, true, &detail::type_of_field<typename member::type>, &member::in};
}

/// A field that keeps its default when it is not there. An empty string or optional is not written.
template <auto Member>
constexpr field_row optional_field(std::string_view name) noexcept {
    using member = detail::member_of_header<Member>;
    return {name, false, &detail::type_of_field<typename member::type>, &member::in};
}

/// A header with a table of its fields.
template <class T>
concept field_header = std::default_initializable<T> && requires { std::span<const field_row>(T::fields()); };

/// A header that goes with a request code.
template <class T>
concept request_header = field_header<T> && requires {
    { T::code } -> std::convertible_to<request_code>;
};

/// The header of a request or response that has no fields.
struct no_fields {
    static constexpr std::array<field_row, 0> fields() noexcept { return {}; }
};

/// The table of `T`, at a place that stays.
template <field_header T>
inline constexpr auto field_rows = T::fields();

/// Any header, to be written. It must outlive the view.
class fields_view {
  public:
    template <field_header T>
    fields_view(const T& header) noexcept : header_(&header), rows_(field_rows<T>) {}

    std::span<const field_row> rows() const noexcept { return rows_; }
    const void* member(const field_row& row) const noexcept { return row.member(header_); }
    /// Whether the row is written: required ones always are.
    bool has(const field_row& row) const { return row.required || !row.type->is_left_out(member(row)); }

  private:
    const void* header_;
    std::span<const field_row> rows_;
};

/// Any request's header, to be written. It must outlive the view.
class request_view : public fields_view {
  public:
    template <request_header T>
    request_view(const T& header) noexcept : fields_view(header), code_(T::code) {}

    /// @param begun     The begin of its JSON header with the fields that `changing` has not; see repeated_request.
    /// @param changing  All of its members are numbers, and there is a field before them.
    template <field_header T>
    request_view(request_code code, std::string_view begun, const T& changing) noexcept
        : fields_view(changing), code_(code), begun_(begun) {}

    request_code code() const noexcept { return code_; }
    std::string_view begun() const noexcept { return begun_; }

  private:
    request_code code_;
    std::string_view begun_{};
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

/// The header is ours and not constant: reading and writing share one way to a member.
inline void* member_to_read(const protocol::field_row& row, void* header) noexcept {
    return const_cast<void*>(row.member(header));
}

/**
 * @brief Reads a JSON object of which the members are those of the table in its order, some perhaps left out, and all of them short
 *        numbers in quotes: then each is where it is expected, and nothing has to be searched. So servers answer pulls.
 * @param seen  The bits of the rows that came.
 * @return False: it is something else, or wrong; nothing is said about the members.
 */
inline bool read_expected_numbers(std::string_view object, std::span<const protocol::field_row> rows, void* into,
                                  std::uint64_t& seen) {
    const char* at        = object.data();
    const char* const end = at + object.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& [name, required, type, member] = rows[i];
        // The brace or comma before it, two quotes, a colon, a quote, the name; behind it a digit, a quote, the closing brace.
        if (static_cast<std::size_t>(end - at) < name.size() + 8)
            break;
        if (*at != (seen == 0 ? '{' : ',') || at[1] != '"' || name != std::string_view(at + 2, name.size()))
            continue;
        at += 2 + name.size();
        if (at[0] != '"' || at[1] != ':' || at[2] != '"' || !type->store_number)
            return false;
        at += 3;
        std::int64_t value       = 0;
        const char* const behind = read_digits(at, end, value);
        if (behind == at || behind == end || *behind != '"' ||
            !type->store_number(value, member_to_read(rows[i], into)))
            return false;
        seen |= std::uint64_t{1} << i;
        at = behind + 1;
    }
    return seen != 0 && end - at == 1 && *at == '}';
}

/// Reads into the header at `into`, whose table is `rows`. @return Whether all required ones came and every value fits.
inline bool read_fields(const protocol::header_view& header, std::span<const protocol::field_row> rows, void* into) {
    std::uint64_t seen = 0;
    bool valid         = header.encoding == protocol::header_encoding::json &&
                 read_expected_numbers(header.raw_fields, rows, into, seen);
    if (!valid) {
        seen             = 0;
        valid            = true;
        const bool whole = header.for_each_field([&](std::string_view key, const protocol::field_value& value) {
            for (std::size_t i = 0; i < rows.size(); ++i)
                if (is_name(key, rows[i].name)) {
                    valid = rows[i].type->read(value, member_to_read(rows[i], into)) && valid;
                    seen |= std::uint64_t{1} << i;
                    return;
                }
        });
        valid            = valid && whole;
    }
    for (std::size_t i = 0; i < rows.size(); ++i)
        valid = valid && (!rows[i].required || (seen >> i & 1) != 0);
    return valid;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Reads a header's fields in the order they come in; unknown ones are skipped.
 * @retval error::header_malformed  A required field is missing, or a value does not fit its member.
 */
template <field_header T>
result<T> read_fields(const header_view& header) {
    static_assert(std::size(field_rows<T>) <= 64, "a bit a field");
    T read;
    if (!detail::read_fields(header, field_rows<T>, &read))
        return error::header_malformed;
    return read;
}

} // namespace rocketpush::protocol

#endif
