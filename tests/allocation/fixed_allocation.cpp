#include <rocketpush/allocation/fixed_allocation.hpp>

#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"

namespace {

using namespace rocketpush;

TEST_CASE("fixed_allocation gives what of its list the topic has, in the topic's order", "[allocation]") {
    const std::vector<message_queue> all{
        {"orders", "broker-a", 0}, {"orders", "broker-a", 1}, {"orders", "broker-b", 0}, {"orders", "broker-b", 1}};
    const fixed_allocation strategy(
        {{"orders", "broker-b", 1}, {"orders", "broker-a", 0}, {"orders", "broker-c", 0}, {"invoices", "broker-a", 1}});
    const auto everybody = test::members(3);
    for (const auto& self :
         everybody) { // it is the list of the member that has this strategy: the others do not matter
        const allocation share = strategy.allocate({"billing", self, everybody, all});
        REQUIRE(share);
        CHECK(*share == std::vector{all[0], all[3]});
    }
    const std::vector<message_queue> invoices{{"invoices", "broker-a", 0}, {"invoices", "broker-a", 1}};
    const allocation other = strategy.allocate({"billing", everybody[0], everybody, invoices});
    REQUIRE(other);
    CHECK(*other == std::vector{invoices[1]});
    CHECK(fixed_allocation::name() == "CONFIG");
}

TEST_CASE("fixed_allocation reads its queues also while the group does not know the member", "[allocation]") {
    const auto all         = test::queues(4);
    const auto everybody   = test::members(2);
    const allocation share = fixed_allocation({all[2]}).allocate({"billing", "10.9.9.9@consumer", everybody, all});
    REQUIRE(share);
    CHECK(*share == std::vector{all[2]});
}

TEST_CASE("fixed_allocation with an empty list reads nothing", "[allocation]") {
    const auto all         = test::queues(4);
    const auto everybody   = test::members(2);
    const allocation share = fixed_allocation({}).allocate({"billing", everybody[0], everybody, all});
    REQUIRE(share);
    CHECK(share->empty());
}

} // namespace
