#ifndef ROCKETPUSH_CORE_NAMESPACES_HPP
#define ROCKETPUSH_CORE_NAMESPACES_HPP

#include <rocketpush/core/names.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/**
 * @file
 * Namespaces of the first kind: at the broker topic `orders` of namespace `ns` is `ns%orders`, its group `billing` is
 * `ns%billing`, that group's retry topic `%RETRY%ns%billing`. Users see the names without. (A namespace of the second kind
 * changes no name; it is told with every request.)
 *
 * @par Source  Java `NamespaceUtil`, `NameServerAddressUtils`.
 */
namespace rocketpush {

namespace detail {

/// How much of `name` is `%RETRY%` or `%DLQ%`: what stays in front of a namespace.
constexpr std::size_t size_of_topic_prefix(std::string_view name) noexcept {
    return is_retry_topic(name) ? retry_topic_prefix.size() : is_dlq_topic(name) ? dlq_topic_prefix.size() : 0;
}

/// Whether `rest` begins with `name_space%`.
constexpr bool begins_with_namespace(std::string_view rest, std::string_view name_space) noexcept {
    return rest.size() > name_space.size() && rest.starts_with(name_space) && rest[name_space.size()] == '%';
}

/// Letters, digits and `_` from `at` on; how many.
constexpr std::size_t word_size(std::string_view text, std::size_t at) noexcept {
    const auto is_of_a_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    std::size_t size = 0;
    while (at + size < text.size() && is_of_a_word(text[at + size]))
        ++size;
    return size;
}

} // namespace detail

/// A topic's or group's name at the broker. RocketMQ's own names, and those that have the namespace, stay as they are.
inline std::string with_namespace(std::string_view name_space, std::string_view name) {
    const auto prefix = name.substr(0, detail::size_of_topic_prefix(name));
    const auto rest   = name.substr(prefix.size());
    if (name_space.empty() || name.empty() || is_system_topic(name) || name.starts_with("CID_RMQ_SYS_") ||
        detail::begins_with_namespace(rest, name_space))
        return std::string(name);
    std::string whole(prefix);
    whole.append(name_space).append("%").append(rest);
    return whole;
}

/// A name as users see it: without the namespace, if it has this one.
inline std::string without_namespace(std::string_view name_space, std::string_view name) {
    const auto prefix = name.substr(0, detail::size_of_topic_prefix(name));
    const auto rest   = name.substr(prefix.size());
    if (name_space.empty() || !detail::begins_with_namespace(rest, name_space))
        return std::string(name);
    return std::string(prefix).append(rest.substr(name_space.size() + 1));
}

/**
 * @brief The namespace that a name server's address names, or an empty text.
 *
 * `MQ_INST_1234_Abc.mq.example.com:80`, with or without `http://`, names `MQ_INST_1234_Abc`; of a list, the first address counts.
 */
constexpr std::string_view namespace_of_address(std::string_view name_servers) noexcept {
    constexpr std::string_view instance = "MQ_INST_";
    if (const auto scheme = detail::word_size(name_servers, 0);
        scheme != 0 && name_servers.substr(scheme).starts_with("://"))
        name_servers.remove_prefix(scheme + 3);
    const auto size = detail::word_size(name_servers, 0);
    const auto name = name_servers.substr(0, size);
    if (!name.starts_with(instance) || name_servers.substr(size, 1) != ".")
        return {};
    const auto parts = name.substr(instance.size()); // WORD_WORD
    const auto inner = parts.size() < 3 ? std::string_view() : parts.substr(1, parts.size() - 2);
    return inner.find('_') == std::string_view::npos ? std::string_view() : name;
}

} // namespace rocketpush

#endif
