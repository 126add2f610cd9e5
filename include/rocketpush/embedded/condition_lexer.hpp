#ifndef ROCKETPUSH_EMBEDDED_CONDITION_LEXER_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_LEXER_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush::embedded {

/// A word of a SQL92 condition.
struct condition_token {
    enum class kind : std::uint8_t { end, bad, name, keyword, symbol, decimal, real, text };

    kind type = kind::end;
    std::string text{}; ///< A keyword in capitals, a text without its quotes.

    bool is(kind wanted, std::string_view what) const noexcept { return type == wanted && text == what; }
    bool is_keyword(std::string_view what) const noexcept { return is(kind::keyword, what); }
    bool is_symbol(std::string_view what) const noexcept { return is(kind::symbol, what); }
};

/**
 * @brief Cuts a SQL92 condition into words; keywords in any case, comments passed over.
 * @par Source  Java `SelectorParser.jj`, its tokens.
 */
class condition_lexer {
  public:
    explicit condition_lexer(std::string_view text) noexcept : rest_(text) {}

    condition_token next() {
        using kind = condition_token::kind;
        skip_blanks();
        if (rest_.empty())
            return {};
        const char first = rest_.front();
        if (is_letter(first))
            return word();
        if (is_digit(first) || (first == '.' && rest_.size() > 1 && is_digit(rest_[1])))
            return number();
        if (first == '\'')
            return quoted();
        for (const std::string_view symbol : {"<>", "<=", ">=", "<", ">", "=", "(", ")", ",", "+", "-"})
            if (rest_.starts_with(symbol))
                return {kind::symbol, take(symbol.size())};
        return {kind::bad, take(1)};
    }

  private:
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static bool is_letter(char c) noexcept {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
    }

    std::string take(std::size_t size) {
        std::string taken(rest_.substr(0, size));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    /// A line's comment is one only if the line ends.
    void skip_blanks() noexcept {
        for (;;) {
            if (const auto at = rest_.find_first_not_of(" \t\n\r\f"); at != 0)
                rest_.remove_prefix(std::min(at, rest_.size()));
            const bool line = rest_.starts_with("--");
            const auto end  = line                      ? rest_.find_first_of("\r\n")
                              : rest_.starts_with("/*") ? rest_.find("*/", 2)
                                                        : std::string_view::npos;
            if (end == std::string_view::npos)
                return;
            rest_.remove_prefix(end + (line ? 1 : 2));
        }
    }

    condition_token word() {
        using kind     = condition_token::kind;
        const auto end = std::ranges::find_if_not(rest_, [](char c) { return is_letter(c) || is_digit(c); });
        auto text      = take(static_cast<std::size_t>(end - rest_.begin()));
        auto capitals  = text;
        for (char& c : capitals)
            c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        static constexpr std::array<std::string_view, 12> keywords{
            "NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS", "CONTAINS", "STARTSWITH", "ENDSWITH"};
        if (std::ranges::find(keywords, capitals) != keywords.end())
            return {kind::keyword, std::move(capitals)};
        return {kind::name, std::move(text)};
    }

    std::size_t digits_from(std::size_t at) const noexcept {
        while (at < rest_.size() && is_digit(rest_[at]))
            ++at;
        return at;
    }

    condition_token number() {
        using kind = condition_token::kind;
        auto end   = digits_from(0);
        bool real  = false;
        if (end < rest_.size() && rest_[end] == '.') {
            real = true;
            end  = digits_from(end + 1);
        }
        if (end < rest_.size() && (rest_[end] == 'e' || rest_[end] == 'E')) {
            const bool sign = end + 1 < rest_.size() && (rest_[end + 1] == '+' || rest_[end + 1] == '-');
            const auto from = end + (sign ? 2 : 1);
            if (const auto behind = digits_from(from); behind > from) {
                real = true;
                end  = behind;
            }
        }
        if (real)
            return {kind::real, take(end)};
        if (rest_.front() == '0')
            return {kind::decimal, take(1)}; // so 007 is three numbers, which no condition has in a row
        auto digits = take(end);
        if (!rest_.empty() && (rest_.front() == 'l' || rest_.front() == 'L'))
            rest_.remove_prefix(1);
        return {kind::decimal, std::move(digits)};
    }

    condition_token quoted() {
        using kind = condition_token::kind;
        std::string text;
        for (std::size_t at = 1; at < rest_.size(); ++at) {
            if (rest_[at] != '\'') {
                text.push_back(rest_[at]);
            } else if (at + 1 < rest_.size() && rest_[at + 1] == '\'') {
                text.push_back('\'');
                ++at;
            } else {
                rest_.remove_prefix(at + 1);
                return {kind::text, std::move(text)};
            }
        }
        return {kind::bad, take(rest_.size())};
    }

    std::string_view rest_;
};

} // namespace rocketpush::embedded

#endif
