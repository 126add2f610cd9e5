#include <rocketpush/embedded/request_modes.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::embedded;
using protocol::request_mode;

TEST_CASE("a mode is that of a topic and a group, or else the default; retries are pulled", "[embedded]") {
    request_modes modes({request_mode::pop, 3});
    CHECK(modes.find("orders", "billing") == reading_mode{request_mode::pop, 3});
    CHECK(modes.find("%RETRY%billing", "billing").mode == request_mode::pull);
    modes.set("orders", "billing", {request_mode::pull, 0});
    CHECK(modes.find("orders", "billing").mode == request_mode::pull);
    CHECK(modes.find("orders", "shipping").mode == request_mode::pop);
    CHECK(modes.find("events", "billing").mode == request_mode::pop);
    CHECK(request_modes().find("orders", "billing").mode == request_mode::pull);
}
