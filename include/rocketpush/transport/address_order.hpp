#ifndef ROCKETPUSH_TRANSPORT_ADDRESS_ORDER_HPP
#define ROCKETPUSH_TRANSPORT_ADDRESS_ORDER_HPP

#include <asio/ip/tcp.hpp>

#include <algorithm>
#include <vector>

namespace rocketpush::detail {

/**
 * @brief The addresses of a name in the order in which they are tried: the families in turn, beginning with that of the first,
 *        each family in the resolver's order.
 *
 * Of the families 6, 6, 6, 4, 4 it makes 6, 4, 6, 4, 6: a host whose way to one family is broken wastes one attempt before it tries the other.
 *
 * @par Source  RFC 8305, section 4. The resolver has sorted by RFC 6724 already.
 */
inline std::vector<asio::ip::tcp::endpoint> families_in_turn(std::vector<asio::ip::tcp::endpoint> addresses) {
    if (addresses.empty())
        return addresses;
    const auto leads = [family = addresses.front().protocol()](const auto& each) { return each.protocol() == family; };
    const auto other = std::stable_partition(addresses.begin(), addresses.end(), leads);

    std::vector<asio::ip::tcp::endpoint> ordered;
    ordered.reserve(addresses.size());
    auto first = addresses.begin(), second = other;
    while (first != other || second != addresses.end()) {
        if (first != other)
            ordered.push_back(*first++);
        if (second != addresses.end())
            ordered.push_back(*second++);
    }
    return ordered;
}

} // namespace rocketpush::detail

#endif
