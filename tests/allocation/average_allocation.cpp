#include <rocketpush/allocation/average_allocation.hpp>

#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"

namespace {

using namespace rocketpush;

/// The arithmetic of Java's source, on ints and with its own cases; nothing shared with the code under test.
std::vector<message_queue> java_average(const std::vector<message_queue>& all, int members, int index) {
    const int count = static_cast<int>(all.size());
    const int mod   = count % members;
    const int size  = count <= members ? 1 : (mod > 0 && index < mod ? count / members + 1 : count / members);
    const int start = mod > 0 && index < mod ? index * size : index * size + mod;
    const int range = std::min(size, count - start);
    std::vector<message_queue> result;
    for (int i = 0; i < range; ++i) result.push_back(all[static_cast<std::size_t>((start + i) % count)]);
    return result;
}

TEST_CASE("average_allocation keeps the laws of every strategy", "[allocation]") {
    test::check_allocation_laws(average_allocation{});
}

TEST_CASE("average_allocation gives the shares of the Java client, for 1 to 7 members and 1 to 64 queues",
          "[allocation]") {
    int different = 0;
    for (int members = 1; members <= 7; ++members) {
        const auto everybody = test::members(members);
        for (int count = 1; count <= 64; ++count) {
            const auto all = test::queues(count);
            for (int index = 0; index < members; ++index) {
                const auto share = average_allocation{}.allocate(
                    {"billing", everybody[static_cast<std::size_t>(index)], everybody, all});
                REQUIRE(share);
                different += *share != java_average(all, members, index);
            }
        }
    }
    CHECK(different == 0);
}

TEST_CASE("average_allocation shares eight queues among three members as 3, 3 and 2 neighbours", "[allocation]") {
    const auto everybody = test::members(3);
    const auto all       = test::queues(8);
    const auto last      = average_allocation{}.allocate({"billing", everybody[2], everybody, all});
    REQUIRE(last);
    CHECK(*last == std::vector{all[6], all[7]});
    CHECK(average_allocation::name() == "AVG");
}

} // namespace
