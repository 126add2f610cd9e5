#include <rocketpush/protocol/crc32.hpp>

#include <string>

#include "tests/support/catch.hpp"

namespace rocketpush::protocol {

TEST_CASE("crc32 is the IEEE one", "[crc32]") {
    CHECK(crc32("") == 0);
    CHECK(crc32("123456789") == 0xCBF43926);
    CHECK(crc32(std::string(1000, 'x')) == crc32(std::string(1000, 'x')));
    CHECK(crc32(std::string(1000, 'x')) != crc32(std::string(1001, 'x')));
}

TEST_CASE("a body's checksum lacks the sign bit, as Java stores it", "[crc32]") {
    CHECK(body_crc("b0") == 818621302); // as a 5.5.0 broker stored it
    CHECK(body_crc("123456789") == 0x4BF43926);
}

} // namespace rocketpush::protocol
