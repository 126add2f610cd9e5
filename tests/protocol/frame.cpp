#include <rocketpush/protocol/frame.hpp>

#include <string>

#include "tests/support/captured_frames.hpp"
#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
using rocketpush::test::captured::from_hex;

namespace {

result<frame_prefix> parse(std::string_view digits, std::size_t limit = default_frame_limit) {
    return parse_frame_prefix(from_hex(digits).data(), limit);
}

} // namespace

TEST_CASE("a captured frame's prefix gives encoding, header and body", "[protocol]") {
    CHECK(*parse_frame_prefix(test::captured::route_request_json.data()) ==
          frame_prefix{header_encoding::json, 126, 0});
    CHECK(*parse_frame_prefix(test::captured::route_response_json.data()) ==
          frame_prefix{header_encoding::json, 95, 262});
    CHECK(*parse_frame_prefix(test::captured::route_request_binary.data()) ==
          frame_prefix{header_encoding::rocketmq, 37, 0});
    for (const auto& frame : {test::captured::pull_request_json, test::captured::pull_response_json,
                              test::captured::pull_request_binary, test::captured::pull_response_binary_497,
                              test::captured::heartbeat_request, test::captured::heartbeat_response})
        CHECK(parse_frame_prefix(frame.data())->frame_size() == frame.size());
}

TEST_CASE("the smallest frame has neither header nor body", "[protocol]") {
    CHECK(*parse("0000000400000000") == frame_prefix{header_encoding::json, 0, 0});
    CHECK(parse("0000000400000000")->frame_size() == 8);
}

TEST_CASE("a length that cannot be is malformed", "[protocol]") {
    CHECK(parse("0000000000000000").error() == error::frame_malformed); // 0
    CHECK(parse("0000000300000000").error() == error::frame_malformed); // too short for the header's length
    CHECK(parse("ffffffff00000000").error() == error::frame_malformed); // -1
    CHECK(parse("8000000000000000").error() == error::frame_malformed); // the smallest int32
    CHECK(parse("0000000800000005").error() == error::frame_malformed); // the header is longer than the frame
    CHECK(parse("0000000800ffffff").error() == error::frame_malformed);
}

TEST_CASE("the limit counts the whole frame", "[protocol]") {
    CHECK(parse("00fffffc00000000")->frame_size() == default_frame_limit);
    CHECK(parse("00fffffd00000000").error() == error::frame_too_large);
    CHECK(parse("7fffffff00000000").error() == error::frame_too_large);
    CHECK(parse("0000000800000004", 12).has_value());
    CHECK(parse("0000000900000004", 12).error() == error::frame_too_large);
}

TEST_CASE("another protocol's first bytes are refused", "[protocol]") {
    CHECK(parse("0000000802000004").error() == error::unknown_encoding);
    CHECK(parse("00000008ff000004").error() == error::unknown_encoding);
    CHECK(parse_frame_prefix("HTTP/1.1").error() == error::frame_too_large);
}
