#include <rocketpush/consume/return_ladder.hpp>
#include <rocketpush/core/error.hpp>

#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

store_outcome stored() {
    return {};
}
store_outcome refused() {
    store_outcome made;
    made.failure = response_code::system_error;
    return made;
}
store_outcome silence() {
    store_outcome made;
    made.failure        = error::request_timed_out;
    made.perhaps_stored = true;
    return made;
}

/// The steps that follow when attempts end like this.
std::vector<return_step> steps(bool broker_can, const std::vector<store_outcome>& outcomes) {
    return_ladder ladder(broker_can);
    std::vector<return_step> seen{ladder.step()};
    for (const auto& each : outcomes) {
        CHECK_FALSE(ladder.ended());
        ladder.tell(each);
        seen.push_back(ladder.step());
    }
    return seen;
}
using enum return_step;

TEST_CASE("a message that its broker takes back needs nothing else", "[return_ladder]") {
    CHECK(steps(true, {stored()}) == std::vector{ask_broker, done});
}

TEST_CASE("what the broker refuses is sent as a copy, and what nobody takes is consumed here", "[return_ladder]") {
    CHECK(steps(true, {refused(), stored()}) == std::vector{ask_broker, send_copy, done});
    CHECK(steps(true, {refused(), refused()}) == std::vector{ask_broker, send_copy, consume_here});
}

TEST_CASE("a request that may have been carried out is repeated, never joined by a copy", "[return_ladder]") {
    CHECK(steps(true, {silence(), stored()}) == std::vector{ask_broker, ask_again, done});
    CHECK(steps(true, {silence(), refused(), refused(), refused()}) ==
          std::vector{ask_broker, ask_again, ask_again, ask_again, consume_here});
    CHECK(steps(true, {silence(), silence(), silence(), silence()}) ==
          std::vector{ask_broker, ask_again, ask_again, ask_again, consume_here});
}

TEST_CASE("a copy that may be stored has no second one", "[return_ladder]") {
    CHECK(steps(true, {refused(), silence()}) == std::vector{ask_broker, send_copy, consume_here});
}

TEST_CASE("a message that its broker cannot take back is sent as a copy at once", "[return_ladder]") {
    CHECK(steps(false, {stored()}) == std::vector{send_copy, done});
    CHECK(steps(false, {refused()}) == std::vector{send_copy, consume_here});
}

} // namespace
