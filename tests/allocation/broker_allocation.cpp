#include <rocketpush/allocation/broker_allocation.hpp>

#include <string_view>

#include "tests/support/archetypes/allocation_strategy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"

namespace {

using namespace rocketpush;

static_assert(asks_broker<broker_allocation<>>);
static_assert(asks_broker<broker_allocation<circle_allocation>>);
static_assert(!asks_broker<average_allocation>);
static_assert(!asks_broker<test::allocation_archetype>);
static_assert(asks_broker<broker_allocation<test::allocation_archetype>>);

TEST_CASE("broker_allocation keeps the laws of every strategy, by its fallback", "[allocation]") {
    test::check_allocation_laws(broker_allocation{});
    test::check_allocation_laws(broker_allocation{circle_allocation{}});
}

TEST_CASE("brokers are told a strategy that they know", "[allocation]") {
    CHECK(broker_allocation{}.name_at_broker() == "AVG");
    CHECK(broker_allocation{circle_allocation{}}.name_at_broker() == "AVG_BY_CIRCLE");
    const broker_allocation odd{test::allocation_archetype(1)};
    CHECK(odd.name() != "AVG");
    CHECK(odd.name_at_broker() == "AVG");
}

} // namespace
