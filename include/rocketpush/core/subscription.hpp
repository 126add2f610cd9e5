#ifndef ROCKETPUSH_CORE_SUBSCRIPTION_HPP
#define ROCKETPUSH_CORE_SUBSCRIPTION_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/java_string.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

using detail::java_hash;

/// How a subscription's expression is read.
enum class filter_type : std::uint8_t {
    tag,  ///< `paid || refunded`, or `*` for all.
    sql92 ///< A condition over properties, evaluated by the broker alone.
};

/// The filter type's name on the wire. Java: `ExpressionType`.
constexpr std::string_view to_string(filter_type type) noexcept { return type == filter_type::tag ? "TAG" : "SQL92"; }

/// Which messages of a topic a consumer wants, as the user said it. Made by `tags`, `sql` or `all_messages`.
struct filter_expression {
    filter_type type = filter_type::tag;
    std::string text = "*";
};

/// Messages that have one of these tags: `tags("paid || refunded")`. Empty and `*` mean all messages.
inline filter_expression tags(std::string_view expression) { return {filter_type::tag, std::string(expression)}; }
/// Messages whose properties meet a condition: `sql("amount > 100 AND region = 'eu'")`.
inline filter_expression sql(std::string_view condition) { return {filter_type::sql92, std::string(condition)}; }
inline const filter_expression all_messages{};

/**
 * @brief One subscribed topic, in the form that brokers are told.
 *
 * @par Source  Java `SubscriptionData`, `FilterAPI.buildSubscriptionData`.
 */
struct subscription {
    std::string topic;
    filter_type type = filter_type::tag;
    std::string expression{};              ///< `*`, or the user's text.
    std::vector<std::string> tags{};       ///< Each once, as they came; empty for `*` and for SQL.
    std::vector<std::int32_t> tag_codes{}; ///< `java_hash` of the tags, each once.
    std::int64_t version = 0; ///< Milliseconds since 1970; a broker keeps the subscription with the largest.

    /**
     * @brief Whether a message with this tag (none: it has no tag) is wanted.
     *
     * Brokers compare only tags' hashes, so two tags with one hash come through and are told apart here. What passed a
     * SQL filter is wanted.
     */
    bool matches(std::optional<std::string_view> tag) const noexcept {
        return tags.empty() || (tag && std::ranges::find(tags, *tag) != tags.end());
    }

    friend bool operator==(const subscription&, const subscription&) = default;
};

/**
 * @param version  Milliseconds since 1970, from the Runtime's clock.
 * @retval error::invalid_topic       No topic can have this name.
 * @retval error::invalid_expression  A tag expression without a tag (`||`), or an empty SQL condition.
 */
inline result<subscription> make_subscription(std::string topic, const filter_expression& filter,
                                              std::int64_t version) {
    if (const auto code = check_topic(topic))
        return code;
    subscription made{std::move(topic), filter.type, filter.text, {}, {}, version};
    const auto text = detail::trim(filter.text);
    if (filter.type == filter_type::sql92) {
        if (text.empty())
            return error::invalid_expression;
        return made;
    }
    if (text.empty() || text == "*") {
        made.expression = "*";
        return made;
    }
    detail::for_each_part(text, "||", [&made](std::string_view tag) {
        if (std::ranges::find(made.tags, tag) != made.tags.end())
            return;
        made.tags.emplace_back(tag);
        if (const auto code = java_hash(tag); std::ranges::find(made.tag_codes, code) == made.tag_codes.end())
            made.tag_codes.push_back(code);
    });
    if (made.tags.empty())
        return error::invalid_expression;
    return made;
}

} // namespace rocketpush

#endif
