#include <rocketpush/allocation/circle_allocation.hpp>

#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"

namespace {

using namespace rocketpush;

/// Java's loop: from the own index on, whatever has the own index as its remainder.
std::vector<message_queue> java_circle(const std::vector<message_queue>& all, int members, int index) {
    std::vector<message_queue> result;
    for (int i = index; i < static_cast<int>(all.size()); ++i)
        if (i % members == index) result.push_back(all[static_cast<std::size_t>(i)]);
    return result;
}

TEST_CASE("circle_allocation keeps the laws of every strategy", "[allocation]") {
    test::check_allocation_laws(circle_allocation{});
}

TEST_CASE("circle_allocation gives the shares of the Java client, for 1 to 7 members and 1 to 64 queues",
          "[allocation]") {
    int different = 0;
    for (int members = 1; members <= 7; ++members) {
        const auto everybody = test::members(members);
        for (int count = 1; count <= 64; ++count) {
            const auto all = test::queues(count);
            for (int index = 0; index < members; ++index) {
                const auto share = circle_allocation{}.allocate(
                    {"billing", everybody[static_cast<std::size_t>(index)], everybody, all});
                REQUIRE(share);
                different += *share != java_circle(all, members, index);
            }
        }
    }
    CHECK(different == 0);
}

TEST_CASE("circle_allocation deals eight queues to three members one by one", "[allocation]") {
    const auto everybody = test::members(3);
    const auto all       = test::queues(8);
    const auto second    = circle_allocation{}.allocate({"billing", everybody[1], everybody, all});
    REQUIRE(second);
    CHECK(*second == std::vector{all[1], all[4], all[7]});
    CHECK(circle_allocation::name() == "AVG_BY_CIRCLE");
}

} // namespace
