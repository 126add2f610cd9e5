#include <rocketpush/remoting/go_away_rule.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;

TEST_CASE("a request that is sent away is repeated once; twice in a row is an error", "[remoting]") {
    go_away_rule rule;
    CHECK_FALSE(rule.answered(response_code::success));
    CHECK(rule.answered(response_code::go_away));
    CHECK_FALSE(rule.answered(response_code::go_away));
    CHECK_FALSE(rule.answered(response_code::go_away));
    CHECK_FALSE(rule.answered(response_code::system_error)); // the row is over
    CHECK(rule.answered(response_code::go_away));
}
