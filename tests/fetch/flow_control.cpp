#include <rocketpush/fetch/flow_control.hpp>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

constexpr cache_limits limits{.messages = 1000, .bytes = 100'000, .span = 2000};

TEST_CASE("a queue is pulled up to its limits and not beyond", "[flow]") {
    CHECK(flow_control({0, 0, 0}, limits) == flow_state::open);
    CHECK(flow_control({1000, 100'000, 2000}, limits) == flow_state::open);
    CHECK(flow_control({1001, 0, 0}, limits) == flow_state::too_many_messages);
    CHECK(flow_control({0, 100'001, 0}, limits) == flow_state::too_many_bytes);
    CHECK(flow_control({1, 1, 2001}, limits) == flow_state::too_wide_a_span);
}

TEST_CASE("of several limits that are passed the first is told, as in Java", "[flow]") {
    CHECK(flow_control({1001, 100'001, 2001}, limits) == flow_state::too_many_messages);
    CHECK(flow_control({1000, 100'001, 2001}, limits) == flow_state::too_many_bytes);
}

TEST_CASE("the default limits are Java's", "[flow]") {
    CHECK(flow_control({1000, 100u << 20, 2000}, {}) == flow_state::open);
    CHECK(flow_control({1001, 0, 0}, {}) == flow_state::too_many_messages);
    CHECK(flow_control({0, (100u << 20) + 1, 0}, {}) == flow_state::too_many_bytes);
    CHECK(flow_control({0, 0, 2001}, {}) == flow_state::too_wide_a_span);
}

} // namespace
