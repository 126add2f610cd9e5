#ifndef ROCKETPUSH_CLIENT_CLIENT_SETTINGS_HPP
#define ROCKETPUSH_CLIENT_CLIENT_SETTINGS_HPP

#include <rocketpush/core/credentials.hpp>
#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/local_address.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush {

/// The part of `options` that belongs to the client instance: consumers that share one have to agree on it.
struct client_settings {
    std::vector<endpoint> name_servers; ///< Empty if they are looked up.
    std::string name_server_url;
    std::string client_ip;
    std::string instance_name;
    std::string unit_name;
    std::string namespace_v2;
    rocketpush::credentials credentials; ///< Equal if they are one handle.
    std::size_t max_frame_size = 0;
    std::chrono::milliseconds connect_timeout{};
    std::chrono::milliseconds request_timeout{};
    std::chrono::milliseconds route_poll_interval{};
    std::chrono::milliseconds lookup_interval{};
    std::chrono::milliseconds heartbeat_interval{};

    bool operator==(const client_settings&) const = default;
};

/// @param checked  Options that `check()` found right.
inline client_settings client_part(const options& checked) {
    auto servers = parse_name_servers(checked.name_servers);
    return {.name_servers        = servers ? *servers : std::vector<endpoint>(),
            .name_server_url     = checked.name_server_url,
            .client_ip           = checked.client_ip,
            .instance_name       = checked.instance_name,
            .unit_name           = checked.unit_name,
            .namespace_v2        = checked.namespace_v2,
            .credentials         = checked.credentials,
            .max_frame_size      = checked.max_frame_size,
            .connect_timeout     = checked.connect_timeout,
            .request_timeout     = checked.request_timeout,
            .route_poll_interval = checked.route_poll_interval,
            .lookup_interval     = checked.lookup_interval,
            .heartbeat_interval  = checked.heartbeat_interval};
}

/**
 * @brief A member's name in its group: `ip@instance[@unit]`.
 *
 * 10.0.0.7@4711#9f3c2a7e55d01b62 where no instance name was given: process id and random bits, since host name and process
 * id alone are not unique among containers, and two members with one id read everything twice.
 *
 * @par Source  Java `ClientConfig.buildMQClientId`.
 */
inline std::string make_client_id(std::string_view ip, std::string_view instance, std::string_view unit,
                                  std::uint64_t random) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string id(ip);
    id += '@';
    if (instance.empty()) {
        id += std::to_string(::getpid()) + '#';
        for (int shift = 60; shift >= 0; shift -= 4)
            id += digits[(random >> shift) & 0xF];
    } else {
        id += instance;
    }
    if (!unit.empty())
        (id += '@') += unit;
    return id;
}

/**
 * @brief What a broadcasting member is called where no names are given: so that the path of its offsets is the same after a restart.
 * @par Source  Java `DefaultMQPushConsumerImpl.start`, which leaves the instance name of a broadcasting consumer as it is.
 */
template <class Settings>
void name_lastingly(Settings& settings) {
    if (settings.client_ip.empty())
        settings.client_ip = detail::java_local_address();
    if (settings.instance_name.empty())
        settings.instance_name = "DEFAULT";
}

/// The client id with names that last: that of a broadcasting member, unless it shares a client that was given no names.
inline std::string lasting_client_id(client_settings settings) {
    name_lastingly(settings);
    return make_client_id(settings.client_ip, settings.instance_name, settings.unit_name, 0);
}

} // namespace rocketpush

#endif
