#ifndef ROCKETPUSH_EMBEDDED_CONDITION_VALUE_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_VALUE_HPP

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace rocketpush::embedded {

/**
 * @brief What a part of a SQL92 condition comes to. A property is a text or null; a condition true, false or null (unknown).
 *
 * Numbers keep the width that Java gives them, because a text is read in the width of the number that it is compared with.
 */
struct condition_value {
    /// `failed`: Java throws there, and the message is not matched, whatever else the condition says.
    enum class kind : std::uint8_t { failed, null, boolean, int32, int64, real, text };

    kind type = kind::null;
    bool truth{};
    std::int64_t integer{};
    double real{};
    std::string_view text{};

    static constexpr condition_value null() noexcept { return {}; }
    static constexpr condition_value failure() noexcept { return {.type = kind::failed}; }
    static constexpr condition_value of(bool truth) noexcept { return {.type = kind::boolean, .truth = truth}; }
    static constexpr condition_value of(double real) noexcept { return {.type = kind::real, .real = real}; }
    static constexpr condition_value of(std::string_view text) noexcept { return {.type = kind::text, .text = text}; }
    /// An Integer if it fits, else a Long.
    static constexpr condition_value of(std::int64_t integer) noexcept {
        const bool fits = integer >= INT32_MIN && integer <= INT32_MAX;
        return {.type = fits ? kind::int32 : kind::int64, .integer = integer};
    }

    constexpr bool is_null() const noexcept { return type == kind::null; }
    constexpr bool is_failure() const noexcept { return type == kind::failed; }
    constexpr bool is_number() const noexcept {
        return type == kind::int32 || type == kind::int64 || type == kind::real;
    }
    constexpr bool is(bool wanted) const noexcept { return type == kind::boolean && truth == wanted; }

    double to_real() const noexcept { return type == kind::real ? real : static_cast<double>(integer); }
};

/// How Java's `Integer.valueOf` and `Long.valueOf` read a text.
inline std::optional<std::int64_t> read_java_integer(std::string_view text, condition_value::kind width) noexcept {
    if (text.starts_with('+'))
        text.remove_prefix(1);
    if (text.empty() || text.find('+') != text.npos)
        return std::nullopt;
    std::int64_t number  = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    if (width == condition_value::kind::int32 && (number < INT32_MIN || number > INT32_MAX))
        return std::nullopt;
    return number;
}

/// How Java's `Double.valueOf` reads a text, but for its hexadecimal form.
inline std::optional<double> read_java_double(std::string_view text) noexcept {
    const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    const double sign = text.starts_with('-') ? -1 : 1;
    if (text.starts_with('-') || text.starts_with('+'))
        text.remove_prefix(1);
    if (text == "NaN")
        return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity")
        return sign * std::numeric_limits<double>::infinity();
    if (!text.empty() && std::string_view("fFdD").find(text.back()) != std::string_view::npos)
        text.remove_suffix(1);
    if (text.empty() || std::string_view("0123456789.").find(text.front()) == std::string_view::npos)
        return std::nullopt;
    double number        = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end != text.data() + text.size())
        return std::nullopt;
    if (ec == std::errc::result_out_of_range) // too large, or too small to be told from 0
        number =
            text.find("e-") == text.npos && text.find("E-") == text.npos ? std::numeric_limits<double>::infinity() : 0;
    else if (ec != std::errc())
        return std::nullopt;
    return sign * number;
}

/// Java's `Double.compareTo`: NaN is the largest, -0.0 less than 0.0.
inline int compare_like_java(double left, double right) noexcept {
    if (left < right)
        return -1;
    if (left > right)
        return 1;
    if (std::isnan(left) || std::isnan(right))
        return (std::isnan(left) ? 1 : 0) - (std::isnan(right) ? 1 : 0);
    return (std::signbit(right) ? 1 : 0) - (std::signbit(left) ? 1 : 0);
}

/**
 * @brief Compares two values, neither of them null. A text beside a number or a boolean is read as one.
 * @return Less, equal or more than 0; nothing where Java throws.
 * @par Source  Java `ComparisonExpression.__compare`.
 */
inline std::optional<int> compare_like_java(const condition_value& left, const condition_value& right) noexcept {
    using kind         = condition_value::kind;
    const auto compare = [](auto one, auto other) { return one < other ? -1 : one > other ? 1 : 0; };
    if (left.type == kind::text && right.type == kind::text)
        return left.text.compare(right.text);
    if (left.type == kind::boolean || right.type == kind::boolean) {
        if (left.type == right.type)
            return compare(int{left.truth}, int{right.truth});
        if (right.type == kind::text)
            return std::nullopt; // Java casts the wrong one of the two
        if (left.type != kind::text)
            return -1;
        const bool is_true = std::ranges::equal(left.text, std::string_view("true"), {}, [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        });
        return compare(int{is_true}, int{right.truth});
    }
    if (left.type == kind::text || right.type == kind::text) {
        const auto& text   = left.type == kind::text ? left : right;
        const auto& number = left.type == kind::text ? right : left;
        if (number.type == kind::real) {
            const auto read = read_java_double(text.text);
            if (!read)
                return std::nullopt;
            return &text == &left ? compare_like_java(*read, number.real) : compare_like_java(number.real, *read);
        }
        const auto read = read_java_integer(text.text, number.type);
        if (!read)
            return std::nullopt;
        return &text == &left ? compare(*read, number.integer) : compare(number.integer, *read);
    }
    if (left.type == kind::real || right.type == kind::real)
        return compare_like_java(left.to_real(), right.to_real());
    return compare(left.integer, right.integer);
}

} // namespace rocketpush::embedded

#endif
