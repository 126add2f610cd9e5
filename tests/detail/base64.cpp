#include <rocketpush/detail/base64.hpp>

#include <string>
#include <utility>

#include "tests/support/catch.hpp"

using rocketpush::detail::from_base64;
using rocketpush::detail::to_base64;

TEST_CASE("base64 is that of RFC 4648", "[detail]") {
    for (const auto& [bytes, text] : {std::pair<std::string, std::string>{"", ""},
                                      {"f", "Zg=="},
                                      {"fo", "Zm8="},
                                      {"foo", "Zm9v"},
                                      {"foob", "Zm9vYg=="},
                                      {"\x01\x02", "AQI="},
                                      {std::string("\xFF\x00\xFE", 3), "/wD+"}}) {
        CHECK(to_base64(bytes) == text);
        CHECK(from_base64(text) == bytes);
    }
    CHECK(from_base64("Zm8") == "fo"); // Java takes it without padding, too
}

TEST_CASE("what is no base64 is refused", "[detail]") {
    for (const auto* text : {"A", "AAAAA", "A=A=", "AA AA", "AA\nA", "====", "A*AA", "\xFF\xFF\xFF\xFF"}) {
        CAPTURE(text);
        CHECK(!from_base64(text));
    }
}
