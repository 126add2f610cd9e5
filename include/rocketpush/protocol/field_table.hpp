#ifndef ROCKETPUSH_PROTOCOL_FIELD_TABLE_HPP
#define ROCKETPUSH_PROTOCOL_FIELD_TABLE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/header.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

/**
 * @file
 * A header struct says once, in `fields()`, which member goes under which name; reading and writing follow that table.
 */
namespace rocketpush::protocol {

/// One row of a header's table.
template <class Header, class Member>
struct field_row {
    std::string_view name;
    Member Header::*member;
    bool required;
};

/// A field that must be there when the header is read.
template <class Header, class Member>
constexpr field_row<Header, Member> required_field(std::string_view name, Member Header::*member) noexcept {
    return {name, member, true};
}

/// A field that keeps its default when it is not there. An empty string or optional is not written.
template <class Header, class Member>
constexpr field_row<Header, Member> optional_field(std::string_view name, Member Header::*member) noexcept {
    return {name, member, false};
}

/// A header with a table of its fields. (A tuple of `field_row`.)
template <class T>
concept field_header = std::default_initializable<T> && requires { std::tuple_size<decltype(T::fields())>::value; };

/// The header of a request or response that has no fields.
struct no_fields {
    static constexpr auto fields() noexcept { return std::tuple(); }
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

inline bool read_member(const protocol::field_value& from, std::string& to) {
    from.assign_to(to);
    return true;
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
bool read_member(const protocol::field_value& from, std::optional<T>& to) {
    return read_member(from, to.emplace());
}

inline bool is_left_out(const std::string& value) noexcept { return value.empty(); }
template <std::integral T>
bool is_left_out(T) noexcept {
    return false;
}
template <class T>
bool is_left_out(const std::optional<T>& value) noexcept {
    return !value.has_value();
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Reads a header's fields in the order they come in; unknown ones are skipped.
 * @retval error::header_malformed  A required field is missing, or a value does not fit its member.
 */
template <field_header T>
result<T> read_fields(const header_view& header) {
    constexpr auto table = T::fields();
    constexpr auto rows  = std::tuple_size_v<decltype(table)>;
    static_assert(rows <= 64, "a bit a field");
    if constexpr (rows == 0)
        return T();
    else
        return [&]<std::size_t... I>(std::index_sequence<I...>) -> result<T> {
            T read;
            std::uint64_t seen = 0;
            bool valid         = true;
            const auto try_row = [&](std::string_view key, const field_value& value, const auto& row,
                                     std::size_t index) {
                if (key != row.name)
                    return false;
                valid = detail::read_member(value, read.*row.member) && valid;
                seen |= std::uint64_t{1} << index;
                return true;
            };
            const bool whole      = header.for_each_field([&](std::string_view key, const field_value& value) {
                static_cast<void>((try_row(key, value, std::get<I>(table), I) || ...));
            });
            constexpr auto needed = (std::uint64_t{0} | ... | (std::uint64_t{std::get<I>(table).required} << I));
            if (!whole || !valid || (seen & needed) != needed)
                return error::header_malformed;
            return read;
        }(std::make_index_sequence<rows>());
}

/// Calls `each(std::string_view name, const Member&)` for every field that has something to write.
template <field_header T, class F>
void for_each_written_field(const T& header, F&& each) {
    std::apply(
        [&](const auto&... row) {
            [[maybe_unused]] const auto write = [&](const auto& one) {
                const auto& member = header.*one.member;
                if (one.required || !detail::is_left_out(member))
                    each(one.name, member);
            };
            (write(row), ...);
        },
        T::fields());
}

} // namespace rocketpush::protocol

#endif
