#ifndef ROCKETPUSH_DETAIL_LOCAL_ADDRESS_HPP
#define ROCKETPUSH_DETAIL_LOCAL_ADDRESS_HPP

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush::detail {

/// The address that Java's client chooses to be known by: the first that is neither of 127.0 nor of 192.168, else the last.
/// @param candidates  IPv4 addresses in Java's order.
inline std::string preferred_address(const std::vector<std::string>& candidates) {
    const auto wanted = std::ranges::find_if_not(candidates, [](std::string_view each) {
        return each.starts_with("127.0") || each.starts_with("192.168") || each.starts_with("0.");
    });
    if (wanted != candidates.end())
        return *wanted;
    return candidates.empty() ? "127.0.0.1" : candidates.back();
}

/**
 * @brief This host's address as Java's client knows it, so that both find the same offset file. On a host without IPv4 127.0.0.1.
 *
 * Interfaces that are down, point to point, bridges or loopback do not count. The JVM lists the others from the last to the first.
 *
 * @par Source  Java `NetworkUtil.getLocalAddress`.
 */
inline std::string java_local_address() {
    ifaddrs* found = nullptr;
    if (::getifaddrs(&found) != 0)
        return preferred_address({});
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(found, ::freeifaddrs);
    std::vector<std::string> addresses;
    for (const auto* each = found; each; each = each->ifa_next) {
        constexpr unsigned unwanted = IFF_LOOPBACK | IFF_POINTOPOINT;
        if (!each->ifa_addr || each->ifa_addr->sa_family != AF_INET || (each->ifa_flags & unwanted) != 0 ||
            (each->ifa_flags & IFF_UP) == 0)
            continue;
        const auto bridge = "/sys/class/net/" + std::string(each->ifa_name) + "/bridge";
        if (::access(bridge.c_str(), F_OK) == 0)
            continue;
        char text[INET_ADDRSTRLEN] = {};
        const void* bytes          = &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
        if (::inet_ntop(AF_INET, bytes, text, sizeof text))
            addresses.emplace_back(text);
    }
    std::ranges::reverse(addresses);
    return preferred_address(addresses);
}

} // namespace rocketpush::detail

#endif
