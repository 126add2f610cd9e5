#ifndef ROCKETPUSH_EMBEDDED_CONDITION_PARSER_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_PARSER_HPP

#include <rocketpush/embedded/condition.hpp>
#include <rocketpush/embedded/condition_lexer.hpp>
#include <rocketpush/embedded/condition_value.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A condition, or why there is none.
struct compiled_condition {
    std::optional<condition> made{};
    std::string problem{};
};

/**
 * @brief Reads a SQL92 condition by recursive descent, and refuses what RocketMQ's own parser refuses.
 *
 * It knows `= <> < <= > >=`, `[NOT] BETWEEN`, `[NOT] IN` (of texts), `IS [NOT] NULL`, `AND OR NOT`, `[NOT] CONTAINS`,
 * `STARTSWITH`, `ENDSWITH`, signs, and literals; what follows a whole condition is not looked at. `NOT` binds to the operand
 * next to it, so `NOT a = 1` is `(NOT a) = 1`.
 *
 * @par Source  Java `SelectorParser.jj` and the checks in `ComparisonExpression`.
 */
class condition_parser {
  public:
    explicit condition_parser(std::string_view text) : lexer_(text), now_(lexer_.next()), then_(lexer_.next()) {}

    compiled_condition parse() && {
        const auto whole = as_truth(disjunction());
        if (now_.type == token::bad)
            unexpected();
        if (failed())
            return {.problem = std::move(problem_)};
        if (whole + 1 != nodes_.size())
            nodes_.push_back(nodes_[whole]);
        return {.made = condition(std::move(nodes_))};
    }

  private:
    using node  = condition::node;
    using kind  = condition::node::kind;
    using token = condition_token::kind;
    using index = std::size_t;

    static constexpr std::size_t most_nodes = 4096;
    static constexpr int deepest            = 200;

    bool failed() const noexcept { return !problem_.empty(); }

    index fail(std::string problem) {
        if (!failed())
            problem_ = std::move(problem);
        return 0;
    }

    index unexpected() {
        return fail(now_.type == token::end ? "the condition ends too early" : "\"" + now_.text + "\" is not expected");
    }

    void advance() {
        now_  = std::move(then_);
        then_ = lexer_.next();
    }

    bool take_symbol(std::string_view symbol) {
        const bool is = now_.is_symbol(symbol);
        if (is)
            advance();
        return is;
    }
    bool take_keyword(std::string_view keyword) {
        const bool is = now_.is_keyword(keyword);
        if (is)
            advance();
        return is;
    }

    index add(node made) {
        if (nodes_.size() >= most_nodes)
            return fail("the condition has too many parts");
        if (failed())
            return 0;
        nodes_.push_back(std::move(made));
        return nodes_.size() - 1;
    }

    // What the parts are, for the checks.

    bool is_constant(index at) const { return !failed() && nodes_[at].type == kind::constant; }
    bool is_null(index at) const {
        return is_constant(at) && nodes_[at].texts.empty() && nodes_[at].constant.is_null();
    }
    bool is_number(index at) const {
        return is_constant(at) && nodes_[at].texts.empty() && nodes_[at].constant.is_number();
    }
    /// Whether a part is a condition by itself; null is one, too.
    bool is_truth(index at) const {
        if (failed())
            return true;
        const auto& part = nodes_[at];
        switch (part.type) {
        case kind::property:
        case kind::negate: return false;
        case kind::constant: return part.texts.empty() && !part.constant.is_number();
        default: return true;
        }
    }

    /// A property may stand where a condition is expected.
    index as_truth(index at) {
        if (is_truth(at))
            return at;
        if (nodes_[at].type != kind::property)
            return fail("a value stands where a condition should");
        return add({.type = kind::is_true, .left = at});
    }

    index opposite(index of) { return add({.type = kind::not_, .left = of}); }

    index disjunction() {
        auto left = conjunction();
        while (!failed() && take_keyword("OR"))
            left = join(kind::or_, left, conjunction());
        return left;
    }

    index conjunction() {
        auto left = equality();
        while (!failed() && take_keyword("AND"))
            left = join(kind::and_, left, equality());
        return left;
    }

    index join(kind how, index left, index right) {
        left  = as_truth(left);
        right = as_truth(right);
        return add({.type = how, .left = left, .right = right});
    }

    index equality() {
        auto left = comparison();
        while (!failed()) {
            if (take_symbol("=")) {
                left = equal(left, comparison());
            } else if (take_symbol("<>")) {
                left = opposite(equal(left, comparison()));
            } else if (take_keyword("IS")) {
                const bool negated = take_keyword("NOT");
                if (!take_keyword("NULL"))
                    return unexpected();
                const auto nothing = add({.constant = condition_value::null()});
                const auto is_null = add({.type = kind::equal, .left = left, .right = nothing});
                left               = negated ? opposite(is_null) : is_null;
            } else {
                break;
            }
        }
        return left;
    }

    index equal(index left, index right) {
        if (is_null(left) || is_null(right))
            return fail("NULL cannot be compared");
        if (is_constant(left) && is_constant(right) && is_truth(left) && !is_truth(right))
            return fail("a truth cannot be compared with a value");
        return add({.type = kind::equal, .left = left, .right = right});
    }

    index ordered(kind how, index left, index right) {
        for (const auto side : {left, right})
            if ((is_constant(side) && !is_number(side)) || is_truth(side))
                return fail("only numbers and properties can be larger or smaller");
        return add({.type = how, .left = left, .right = right});
    }

    index comparison() {
        auto left = unary();
        while (!failed()) {
            if (take_symbol(">"))
                left = ordered(kind::greater, left, unary());
            else if (take_symbol(">="))
                left = ordered(kind::greater_equal, left, unary());
            else if (take_symbol("<"))
                left = ordered(kind::less, left, unary());
            else if (take_symbol("<="))
                left = ordered(kind::less_equal, left, unary());
            else if (begins_test(now_.is_keyword("NOT") ? then_ : now_))
                left = test(left, take_keyword("NOT"));
            else
                return now_.is_keyword("NOT") ? unexpected() : left;
        }
        return left;
    }

    static bool begins_test(const condition_token& word) noexcept {
        return word.is_keyword("BETWEEN") || word.is_keyword("IN") || word.is_keyword("CONTAINS") ||
               word.is_keyword("STARTSWITH") || word.is_keyword("ENDSWITH");
    }

    index test(index left, bool negated) {
        if (take_keyword("BETWEEN"))
            return between(left, negated);
        if (take_keyword("IN"))
            return in(left, negated);
        const auto how = now_.is_keyword("CONTAINS")     ? kind::contains
                         : now_.is_keyword("STARTSWITH") ? kind::starts_with
                                                         : kind::ends_with;
        advance();
        node made{.type = how, .left = left, .negated = negated};
        if (!take_text(made))
            return unexpected();
        return add(std::move(made));
    }

    index between(index left, bool negated) {
        const auto low = unary();
        if (!failed() && !take_keyword("AND"))
            return unexpected();
        const auto high = failed() ? 0 : unary();
        if (negated) {
            const auto below = ordered(kind::less, left, low);
            return join(kind::or_, below, ordered(kind::greater, left, high));
        }
        if (is_number(low) && is_number(high) &&
            compare_like_java(nodes_[high].constant, nodes_[low].constant).value_or(-1) < 0)
            return fail("the first value of BETWEEN is larger than the second");
        const auto above = ordered(kind::greater_equal, left, low);
        return join(kind::and_, above, ordered(kind::less_equal, left, high));
    }

    index in(index left, bool negated) {
        if (failed() || nodes_[left].type != kind::property)
            return fail("IN needs a property");
        node made{.type = kind::in, .left = left, .negated = negated};
        if (!take_symbol("("))
            return unexpected();
        do
            if (!take_text(made))
                return unexpected();
        while (take_symbol(","));
        if (!take_symbol(")"))
            return unexpected();
        return add(std::move(made));
    }

    bool take_text(node& into) {
        if (now_.type != token::text)
            return false;
        into.texts.push_back(std::move(now_.text));
        advance();
        return true;
    }

    index unary() {
        if (depth_ >= deepest)
            return fail("the condition is nested too deep");
        ++depth_;
        const auto made = signed_or_primary();
        --depth_;
        return made;
    }

    index signed_or_primary() {
        if (take_symbol("+"))
            return unary();
        if (take_symbol("-"))
            return add({.type = kind::negate, .left = unary()});
        if (take_keyword("NOT"))
            return opposite(as_truth(unary()));
        if (take_symbol("(")) {
            const auto inner = disjunction();
            return failed() || take_symbol(")") ? inner : unexpected();
        }
        return operand();
    }

    index operand() {
        node made;
        switch (now_.type) {
        case token::name: made.type = kind::property; [[fallthrough]];
        case token::text: made.texts.push_back(now_.text); break;
        case token::decimal: {
            const auto number = read_java_integer(now_.text, condition_value::kind::int64);
            if (!number)
                return fail(now_.text + " is too large");
            made.constant = condition_value::of(*number);
            break;
        }
        case token::real: {
            const auto number = read_java_double(now_.text);
            if (!number || std::isinf(*number) || *number <= 0)
                return fail(now_.text + " is too large or too small"); // 0.0, too: Java takes it for that
            made.constant = condition_value::of(*number);
            break;
        }
        case token::keyword:
            if (now_.text == "TRUE" || now_.text == "FALSE")
                made.constant = condition_value::of(now_.text == "TRUE");
            else if (now_.text != "NULL")
                return unexpected();
            break;
        default: return unexpected();
        }
        advance();
        return add(std::move(made));
    }

    condition_lexer lexer_;
    condition_token now_;
    condition_token then_;
    std::vector<node> nodes_;
    std::string problem_;
    int depth_ = 0;
};

/// Compiles a SQL92 condition.
inline compiled_condition compile_condition(std::string_view text) { return condition_parser(text).parse(); }

} // namespace rocketpush::embedded

#endif
