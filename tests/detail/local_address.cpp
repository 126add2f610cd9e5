#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/detail/local_address.hpp>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush::detail;

TEST_CASE("of several addresses Java's client takes the first that is not of 192.168, else the last",
          "[local_address]") {
    CHECK(preferred_address({"10.0.0.1"}) == "10.0.0.1");
    CHECK(preferred_address({"192.168.1.1", "10.0.0.1", "10.0.0.2"}) == "10.0.0.1");
    CHECK(preferred_address({"127.0.0.2", "0.0.0.1", "172.17.0.2"}) == "172.17.0.2");
    CHECK(preferred_address({"192.168.1.1", "192.168.2.1"}) == "192.168.2.1");
    CHECK(preferred_address({}) == "127.0.0.1");
}

TEST_CASE("this host's address is one, and the same again", "[local_address]") {
    const auto address = java_local_address();
    CHECK(address.find_first_not_of("0123456789.") == std::string::npos);
    CHECK_FALSE(address.empty());
    CHECK(java_local_address() == address);
}

} // namespace
