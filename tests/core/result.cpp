#include <rocketpush/core/result.hpp>

#include "tests/support/catch.hpp"

#include <memory>
#include <string>

using rocketpush::error;
using rocketpush::result;

TEST_CASE("a result made from a value holds it and no error", "[core]") {
    result<int> answer = 7;
    REQUIRE(answer);
    CHECK(*answer == 7);
    CHECK(!answer.error());
}

TEST_CASE("a result made from an error code holds that and no value", "[core]") {
    result<std::string> answer = error::no_route;
    CHECK(!answer.has_value());
    CHECK(answer.error() == error::no_route);
    CHECK(answer.error().category() == rocketpush::error_category());
}

TEST_CASE("a result's value can be moved out", "[core]") {
    result<std::unique_ptr<int>> answer = std::make_unique<int>(3);
    const auto owned                    = *std::move(answer);
    CHECK(*owned == 3);
}

TEST_CASE("a broker's response code keeps its number in the text", "[core]") {
    const std::error_code code = rocketpush::response_code::topic_not_exist;
    CHECK(code.message() == "topic does not exist (code 17)");
    CHECK(std::error_code(4711, rocketpush::response_category()).message() == "unknown response (code 4711)");
}
