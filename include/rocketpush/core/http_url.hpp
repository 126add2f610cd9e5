#ifndef ROCKETPUSH_CORE_HTTP_URL_HPP
#define ROCKETPUSH_CORE_HTTP_URL_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace rocketpush {

/// What is asked for over HTTP, and where.
struct http_url {
    endpoint server;
    std::string target; ///< Path and query, as the request has them: `/rocketmq/nsaddr`.

    friend bool operator==(const http_url&, const http_url&) = default;
};

/// `http://config.example.com:8080/rocketmq/nsaddr`.
inline std::string to_string(const http_url& url) { return "http://" + to_string(url.server) + url.target; }

inline constexpr std::size_t max_http_url_length = 2048; ///< Bytes.

namespace detail {

/// Whether `text` can be part of a URL as it is. Anything else could end the request's line and begin another one.
constexpr bool is_url_text(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

/// The host and port of a URL; port 80 if it has none.
inline result<endpoint> parse_authority(std::string_view text) {
    const auto bracket = text.find(']');
    // An IPv6 address is in brackets here: a bare one could not be told from its port.
    const auto host_end = text.starts_with('[') && bracket != std::string_view::npos ? bracket + 1 : text.find(':');
    if (host_end == std::string_view::npos || host_end == text.size())
        return parse_endpoint(std::string(text) + ":80");
    if (text[host_end] != ':' || text.find(':', host_end + 1) != std::string_view::npos)
        return error::invalid_name_server;
    return parse_endpoint(text);
}

} // namespace detail

/**
 * @brief Reads `http://host[:port][/path][?query]`; the port is 80 if there is none, an IPv6 address is in brackets.
 * @retval error::unsupported_feature  It is an `https://` URL.
 * @retval error::invalid_name_server  It is no URL, has a user or a fragment, or is too long.
 */
inline result<http_url> parse_http_url(std::string_view text) {
    const auto begins_with = [text](std::string_view scheme) {
        return text.size() >= scheme.size() && std::ranges::equal(text.substr(0, scheme.size()), scheme, [](char a, char b) {
                   return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
               });
    };
    constexpr std::string_view scheme = "http://";
    if (begins_with("https://"))
        return error::unsupported_feature;
    if (!begins_with(scheme) || text.size() > max_http_url_length || !detail::is_url_text(text))
        return error::invalid_name_server;
    text.remove_prefix(scheme.size());
    const auto path = std::min(text.find_first_of("/?"), text.size());
    auto server     = detail::parse_authority(text.substr(0, path));
    if (!server || server->port == 0)
        return error::invalid_name_server;
    http_url url{.server = std::move(*server), .target = std::string(text.substr(path))};
    if (!url.target.starts_with('/'))
        url.target.insert(0, "/");
    return url;
}

/**
 * @brief The URL of a unit: `/rocketmq/nsaddr` of unit `shop` is `/rocketmq/nsaddr-shop?nofix=1`, what the URL asks besides behind it.
 * @param unit  `is_url_text`; empty: the URL stays as it is.
 * @par Source  Java `DefaultTopAddressing.fetchNSAddr`.
 */
inline http_url url_of_unit(http_url url, std::string_view unit) {
    if (unit.empty())
        return url;
    const auto query = std::min(url.target.find('?'), url.target.size());
    auto asked       = url.target.substr(query);
    if (!asked.empty())
        asked[0] = '&';
    url.target.resize(query);
    ((((url.target += '-') += unit) += "?nofix=1") += asked);
    return url;
}

} // namespace rocketpush

#endif
