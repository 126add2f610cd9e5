#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/allocation/nearby_allocation.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/archetypes/allocation_strategy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"
#include "tests/support/recorded_shares.hpp"

namespace {

using namespace rocketpush;

/// What stands before the `@`; all of it without one.
struct room_before_at {
    std::string_view operator()(const message_queue& queue) const { return (*this)(queue.broker_name); }
    std::string_view operator()(std::string_view name) const { return name.substr(0, name.find('@')); }
};

/// What room_resolver asks and no more.
struct resolver_archetype {
    explicit resolver_archetype(int) {} // no default construction
    resolver_archetype(const resolver_archetype&)            = default;
    resolver_archetype& operator=(const resolver_archetype&) = delete;

    const char* operator()(const message_queue&) const { return "here"; } // only makes a string
};
static_assert(room_resolver<resolver_archetype, message_queue>);
static_assert(room_resolver<std::string message_queue::*, message_queue>); // one that names the room is a resolver

struct resolver_changes_it {
    std::string operator()(const message_queue&) { return {}; } // not const
};
static_assert(!room_resolver<resolver_changes_it, message_queue>);

struct resolver_gives_a_number {
    int operator()(const message_queue&) const { return 0; }
};
static_assert(!room_resolver<resolver_gives_a_number, message_queue>);

static_assert(allocation_strategy<nearby_allocation<average_allocation, room_before_at, room_before_at>>);
static_assert(allocation_strategy<nearby_allocation<test::allocation_archetype, resolver_archetype, room_before_at>>);

struct resolver_of_a_number {
    std::string operator()(int) const { return {}; }
};
static_assert(!room_resolver<resolver_of_a_number, std::string>);

std::vector<message_queue> in_rooms(const std::vector<std::string>& brokers, int queues_of_each) {
    std::vector<message_queue> made;
    for (const auto& broker : brokers)
        for (int i = 0; i < queues_of_each; ++i)
            made.push_back({"orders", broker, i});
    return made;
}

constexpr auto one_room = [](const auto&) { return "here"; };

TEST_CASE("nearby_allocation keeps the laws of every strategy", "[allocation]") {
    test::check_allocation_laws(nearby_allocation{average_allocation{}, one_room, one_room});
    test::check_allocation_laws(nearby_allocation{circle_allocation{}, room_before_at{}, one_room}); // nobody is near
    test::check_allocation_laws(nearby_allocation{circle_allocation{}, room_before_at{}, room_before_at{}});
}

TEST_CASE("members read the queues of their room, and share those of rooms without a member", "[allocation]") {
    const nearby_allocation strategy{average_allocation{}, room_before_at{}, room_before_at{}};
    const std::vector<std::string> everybody{"east@1", "east@2", "south@1", "west@1"};
    const auto all      = in_rooms({"east@a", "north@a", "west@a"}, 4);
    const auto share_of = [&](std::size_t rank) {
        const allocation share = strategy.allocate({"billing", everybody[rank], everybody, all});
        REQUIRE(share);
        return *share;
    };
    CHECK(share_of(0) == std::vector{all[0], all[1], all[4]});
    CHECK(share_of(1) == std::vector{all[2], all[3], all[5]});
    CHECK(share_of(2) == std::vector{all[6]}); // in no room that has queues
    CHECK(share_of(3) == std::vector{all[7], all[8], all[9], all[10], all[11]});
    CHECK(strategy.name() == "MACHINE_ROOM_NEARBY-AVG");
}

TEST_CASE("nearby_allocation is named after what it wraps, in copies too", "[allocation]") {
    const auto made = [] { return nearby_allocation{circle_allocation{}, one_room, one_room}; };
    auto strategy   = made();
    const auto copy = strategy;
    strategy        = made();
    CHECK(copy.name() == "MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE");
    const nearby_allocation twice{copy, one_room, one_room};
    CHECK(twice.name() == "MACHINE_ROOM_NEARBY-MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE");
}

TEST_CASE("a room that is not known is an error, not a share", "[allocation]") {
    const auto everybody = test::members(2);
    const auto all       = test::queues(4);
    const auto nowhere   = [](const auto&) { return std::string(); };
    const allocation_request request{"billing", everybody[0], everybody, all};
    CHECK(nearby_allocation{average_allocation{}, nowhere, one_room}.allocate(request).error() ==
          error::no_machine_room);
    CHECK(nearby_allocation{average_allocation{}, one_room, nowhere}.allocate(request).error() ==
          error::no_machine_room);
    // One whose own room is known does not go on without the others.
    const auto only_the_first = [&](const std::string& id) { return id == everybody[0] ? "here" : ""; };
    CHECK(nearby_allocation{average_allocation{}, one_room, only_the_first}.allocate(request).error() ==
          error::no_machine_room);
}

TEST_CASE("what the wrapped strategy fails with is told", "[allocation]") {
    const auto everybody = test::members(1);
    const auto all       = test::queues(4);
    const nearby_allocation strategy{test::allocation_archetype(1), one_room, one_room};
    CHECK(strategy.allocate({"billing", everybody[0], everybody, all}).error() == error::not_a_member);
}

TEST_CASE("nearby_allocation gives the shares of the Java client", "[allocation]") {
    test::check_recorded_shares(nearby_allocation{average_allocation{}, room_before_at{}, room_before_at{}},
                                test::java_nearby_shares);
}

} // namespace
