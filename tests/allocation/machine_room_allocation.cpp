#include <rocketpush/allocation/machine_room_allocation.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"
#include "tests/support/recorded_shares.hpp"

namespace {

using namespace rocketpush;

std::vector<message_queue> in_rooms(const std::vector<std::string>& brokers, int queues_of_each) {
    std::vector<message_queue> made;
    for (const auto& broker : brokers)
        for (int i = 0; i < queues_of_each; ++i)
            made.push_back({"orders", broker, i});
    return made;
}

TEST_CASE("machine_room_allocation shares out the queues of its rooms, and no others", "[allocation]") {
    const machine_room_allocation strategy({"east", "west"});
    const auto all       = in_rooms({"east@1", "north@1", "plain", "west@1"}, 4);
    const auto everybody = test::members(3);
    std::vector<std::vector<message_queue>> shares;
    for (const auto& self : everybody) {
        const allocation share = strategy.allocate({"billing", self, everybody, all});
        REQUIRE(share);
        shares.push_back(*share);
    }
    const auto east = [&](std::size_t i) { return all[i]; };
    const auto west = [&](std::size_t i) { return all[12 + i]; };
    CHECK(shares[0] == std::vector{east(0), east(1), west(2)});
    CHECK(shares[1] == std::vector{east(2), east(3), west(3)});
    CHECK(shares[2] == std::vector{west(0), west(1)});
    CHECK(strategy.allocate({"billing", "10.9.9.9@consumer", everybody, all}).error() == error::not_a_member);
    CHECK(machine_room_allocation::name() == "MACHINE_ROOM");
}

TEST_CASE("a broker's room is what stands before its one @", "[allocation]") {
    const machine_room_allocation strategy({"east"});
    const auto everybody = test::members(1);
    const auto is_read   = [&](const std::string& broker) {
        const auto all         = in_rooms({broker}, 1);
        const allocation share = strategy.allocate({"billing", everybody[0], everybody, all});
        REQUIRE(share);
        return !share->empty();
    };
    CHECK(is_read("east@a"));
    CHECK(is_read("east@a@@")); // Java's split forgets empty parts at the end
    CHECK_FALSE(is_read("east"));
    CHECK_FALSE(is_read("east@"));
    CHECK_FALSE(is_read("@east"));
    CHECK_FALSE(is_read("east@a@b"));
    CHECK_FALSE(is_read("east@@a"));
    CHECK_FALSE(is_read("East@a"));
    CHECK_FALSE(is_read("eastern@a"));
    CHECK_FALSE(is_read("@"));
    CHECK_FALSE(is_read(""));
}

TEST_CASE("machine_room_allocation gives the shares of the Java client", "[allocation]") {
    test::check_recorded_shares(machine_room_allocation({"east"}), test::java_machine_room_shares);
}

TEST_CASE("machine_room_allocation keeps the laws among the queues of its rooms", "[allocation]") {
    const machine_room_allocation strategy({"east", "west"});
    for (int members = 1; members <= 7; ++members)
        for (int count = 0; count <= 32; ++count) {
            const auto all       = in_rooms({"east@1", "west@1"}, count);
            const auto everybody = test::members(members);
            std::vector<message_queue> given;
            for (const auto& self : everybody) {
                const allocation share = strategy.allocate({"billing", self, everybody, all});
                REQUIRE(share);
                REQUIRE(std::ranges::is_sorted(*share));
                given.insert(given.end(), share->begin(), share->end());
            }
            std::ranges::sort(given);
            REQUIRE(given == all);
        }
}

} // namespace
