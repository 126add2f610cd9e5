#include <rocketpush/transport/address_order.hpp>

#include <asio/ip/address.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

std::vector<std::string> ordered(const std::vector<std::string>& addresses) {
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const auto& each : addresses)
        endpoints.emplace_back(asio::ip::make_address(each), asio::ip::port_type{10911});
    std::vector<std::string> names;
    for (const auto& each : detail::families_in_turn(endpoints)) {
        CHECK(each.port() == 10911);
        names.push_back(each.address().to_string());
    }
    return names;
}

using names = std::vector<std::string>;

TEST_CASE("the families of a name's addresses take turns, beginning with that of the first", "[transport]") {
    CHECK(ordered({"fd00::1", "fd00::2", "fd00::3", "10.0.0.1", "10.0.0.2"}) ==
          names{"fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2", "fd00::3"});
    CHECK(ordered({"10.0.0.1", "fd00::1", "fd00::2", "10.0.0.2"}) ==
          names{"10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2"});
    CHECK(ordered({"fd00::1", "10.0.0.1", "10.0.0.2", "10.0.0.3"}) ==
          names{"fd00::1", "10.0.0.1", "10.0.0.2", "10.0.0.3"});
}

TEST_CASE("addresses of one family stay in the resolver's order", "[transport]") {
    CHECK(ordered({}).empty());
    CHECK(ordered({"10.0.0.3", "10.0.0.1", "10.0.0.2"}) == names{"10.0.0.3", "10.0.0.1", "10.0.0.2"});
    CHECK(ordered({"fd00::2", "fd00::1"}) == names{"fd00::2", "fd00::1"});
}

} // namespace
