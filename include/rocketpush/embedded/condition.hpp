#ifndef ROCKETPUSH_EMBEDDED_CONDITION_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_HPP

#include <rocketpush/embedded/condition_value.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief A compiled SQL92 condition over a message's properties, as `compile_condition` makes it.
 *
 * `AND`, `OR` and `NOT` know true, false and unknown; a message is matched when the whole is true.
 *
 * @par Source  Java `org.apache.rocketmq.filter.expression`, with what it does where one would not expect it: unequal
 *              to a property that a message does not have is unknown, but `5 <> a` is true then; a text that should be a
 *              number and is none makes the whole fail.
 */
class condition {
  public:
    /// A part. Its operands stand before it.
    struct node {
        enum class kind : std::uint8_t {
            constant,
            property,
            negate,  ///< `-`
            is_true, ///< A property that stands for a truth.
            not_,
            and_,
            or_,
            equal,
            less,
            less_equal,
            greater,
            greater_equal,
            in,
            contains,
            starts_with,
            ends_with,
        };

        kind type         = kind::constant;
        std::size_t left  = 0;
        std::size_t right = 0;
        bool negated      = false;        ///< Of `NOT IN`, `NOT CONTAINS` and the like.
        condition_value constant{};       ///< Its text, if it is one, is in `texts`.
        std::vector<std::string> texts{}; ///< Of a constant, a property's name, what `IN` lists, or is looked for.
    };

    /// @param nodes  Not empty; the last one is the whole.
    explicit condition(std::vector<node> nodes) : nodes_(std::move(nodes)) {}

    /// Whether a message with these properties, as it is stored with them, is wanted.
    bool matches(std::string_view properties) const { return evaluate(nodes_.back(), properties).is(true); }

  private:
    using kind = node::kind;

    condition_value evaluate(const node& part, std::string_view properties) const {
        const auto operand = [&](std::size_t at) { return evaluate(nodes_[at], properties); };
        switch (part.type) {
        case kind::constant:
            return part.texts.empty() ? part.constant : condition_value::of(std::string_view(part.texts.front()));
        case kind::property: {
            const auto value = protocol::find_property(properties, part.texts.front());
            return value ? condition_value::of(*value) : condition_value::null();
        }
        case kind::negate: return negated(operand(part.left));
        case kind::is_true: return truth_of(operand(part.left));
        case kind::not_: return opposite(operand(part.left));
        case kind::and_:
        case kind::or_: return join(part, properties);
        case kind::in: return find_in(part, operand(part.left));
        case kind::contains:
        case kind::starts_with:
        case kind::ends_with: return look_for(part, operand(part.left));
        default: return compare(part, properties);
        }
    }

    static condition_value negated(condition_value value) noexcept {
        if (value.is_failure())
            return value;
        if (!value.is_number())
            return condition_value::null();
        value.integer = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(value.integer));
        value.real    = -value.real;
        return value;
    }

    static condition_value truth_of(const condition_value& value) noexcept {
        if (value.is_failure() || value.is_null())
            return value;
        return condition_value::of(value.is(true));
    }

    static condition_value opposite(const condition_value& value) noexcept {
        return value.type == condition_value::kind::boolean ? condition_value::of(!value.truth) : value;
    }

    /// `AND` and `OR`. What decides ends it, so that a failure on the right may not be met.
    condition_value join(const node& part, std::string_view properties) const {
        const bool decides = part.type == kind::or_;
        const auto left    = evaluate(nodes_[part.left], properties);
        if (left.is_failure() || left.is(decides))
            return left;
        const auto right = evaluate(nodes_[part.right], properties);
        if (right.is_failure() || right.is(decides))
            return right;
        return left.is_null() || right.is_null() ? condition_value::null() : condition_value::of(!decides);
    }

    static condition_value find_in(const node& part, const condition_value& value) {
        if (value.type != condition_value::kind::text)
            return value;
        return condition_value::of((std::ranges::find(part.texts, value.text) != part.texts.end()) != part.negated);
    }

    /// What is no text contains nothing, and also does not "not contain".
    static condition_value look_for(const node& part, const condition_value& value) noexcept {
        const auto& wanted = part.texts.front();
        if (value.is_failure())
            return value;
        if (wanted.empty() || value.type != condition_value::kind::text)
            return condition_value::of(false);
        const bool found = part.type == kind::contains      ? value.text.find(wanted) != std::string_view::npos
                           : part.type == kind::starts_with ? value.text.starts_with(wanted)
                                                            : value.text.ends_with(wanted);
        return condition_value::of(found != part.negated);
    }

    condition_value compare(const node& part, std::string_view properties) const {
        const auto left = evaluate(nodes_[part.left], properties);
        if (left.is_failure() || (left.is_null() && part.type != kind::equal))
            return left;
        const auto right = evaluate(nodes_[part.right], properties);
        if (right.is_failure())
            return right;
        if (part.type == kind::equal && (left.is_null() || right.is_null()))
            return left.is_null() && !right.is_null() ? condition_value::null() : condition_value::of(left.is_null());
        if (right.is_null())
            return right;
        const auto order = part.type == kind::equal ? compare_like_java(left, right) : order_of(left, right);
        return order ? condition_value::of(holds(part.type, *order)) : condition_value::failure();
    }

    /// Two texts are larger or smaller as the numbers that they are, not as texts.
    static std::optional<int> order_of(const condition_value& left, const condition_value& right) noexcept {
        if (left.type != condition_value::kind::text || right.type != condition_value::kind::text)
            return compare_like_java(left, right);
        const auto one = read_java_double(left.text), other = read_java_double(right.text);
        return one && other ? std::optional(compare_like_java(*one, *other)) : std::nullopt;
    }

    static bool holds(kind type, int order) noexcept {
        switch (type) {
        case kind::less: return order < 0;
        case kind::less_equal: return order <= 0;
        case kind::greater: return order > 0;
        case kind::greater_equal: return order >= 0;
        default: return order == 0;
        }
    }

    std::vector<node> nodes_;
};

} // namespace rocketpush::embedded

#endif
