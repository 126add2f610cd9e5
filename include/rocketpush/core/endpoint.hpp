#ifndef ROCKETPUSH_CORE_ENDPOINT_HPP
#define ROCKETPUSH_CORE_ENDPOINT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Where a server listens. The host is a name or a numeric address, an IPv6 one without brackets.
struct endpoint {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const endpoint&, const endpoint&)  = default;
    friend auto operator<=>(const endpoint&, const endpoint&) = default;
};

/// `localhost:9876`, `[::1]:9876`.
inline std::string to_string(const endpoint& where) {
    const bool v6 = where.host.find(':') != std::string::npos;
    return (v6 ? '[' + where.host + ']' : where.host) + ':' + std::to_string(where.port);
}

namespace detail {

constexpr std::string_view trim(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first                  = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Calls `each` with every trimmed, non-empty part of `text` between separators.
template <class F>
constexpr void for_each_part(std::string_view text, std::string_view separator, F&& each) {
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (const auto part = trim(text.substr(0, end)); !part.empty())
            each(part);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + separator.size());
    }
}

/// Whether `host` can be a name or an IPv4 address; with `v6`, an IPv6 address, a zone (`%eth0`) included.
constexpr bool is_host(std::string_view host, bool v6) noexcept {
    const auto address = v6 ? host.substr(0, host.find('%')) : host;
    return !address.empty() && std::ranges::all_of(address, [v6](char c) {
        if (v6)
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
        return static_cast<unsigned char>(c) > ' ' && c != '/' && c != '@' && c != '[' && c != ']' && c != ';' &&
               c != ',';
    });
}

} // namespace detail

/**
 * @brief Reads `host:port`, `[v6 address]:port` or, as routes of brokers have it, a bare `v6 address:port`.
 * @retval error::invalid_name_server  It is none of these, or the port is not from 0 to 65535.
 */
inline result<endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return error::invalid_name_server;
    auto host            = text.substr(0, colon);
    const auto digits    = text.substr(colon + 1);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed)
        host = host.substr(1, host.size() - 2);
    std::uint16_t port    = 0;
    const auto [end, ec]  = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool whole_port = ec == std::errc() && end == digits.data() + digits.size();
    const auto colons     = std::ranges::count(host, ':');
    if (!whole_port || colons == 1 || (bracketed && colons == 0) || !detail::is_host(host, colons > 0))
        return error::invalid_name_server;
    return endpoint{std::string(host), port};
}

/**
 * @brief Reads a list such as `10.0.0.1:9876;10.0.0.2:9876`. Blanks and empty parts are skipped, and so are repetitions
 *        and, as in Java, a leading `http://`.
 * @retval error::invalid_name_server  The list is empty, or a part is no address that can be connected to.
 */
inline result<std::vector<endpoint>> parse_name_servers(std::string_view list) {
    std::vector<endpoint> servers;
    bool valid = true;
    detail::for_each_part(list, ";", [&](std::string_view part) {
        if (constexpr std::string_view scheme = "http://"; part.starts_with(scheme))
            part.remove_prefix(scheme.size());
        auto server = parse_endpoint(part);
        if (!server || server->port == 0)
            valid = false;
        else if (std::ranges::find(servers, *server) == servers.end())
            servers.push_back(std::move(*server));
    });
    if (!valid || servers.empty())
        return error::invalid_name_server;
    return servers;
}

} // namespace rocketpush

template <>
struct std::hash<rocketpush::endpoint> {
    std::size_t operator()(const rocketpush::endpoint& where) const noexcept {
        return std::hash<std::string_view>()(where.host) * 31 + where.port;
    }
};

#endif
