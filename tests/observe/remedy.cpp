#include <rocketpush/observe/remedy.hpp>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

TEST_CASE("a failure that somebody can do something about has a remedy, whatever its category", "[remedy]") {
    CHECK(remedy_of(error::no_route) == "create the topic, or correct its name");
    CHECK(remedy_of(response_code::no_permission).find("permission") != std::string_view::npos);
    CHECK(remedy_of(asio::error::connection_refused) == "check that the server runs and listens there");
    CHECK(remedy_of(std::make_error_code(std::errc::no_space_on_device)) == "make room on the disk");
}

TEST_CASE("where there is nothing to do but to wait, nothing is said", "[remedy]") {
    CHECK(remedy_of(std::error_code()).empty());
    CHECK(remedy_of(error::connection_closed).empty());
    CHECK(remedy_of(error::no_members).empty());
    CHECK(remedy_of(response_code::query_not_found).empty());
    CHECK(remedy_of(std::error_code(404, http_category())).empty());
}

} // namespace
