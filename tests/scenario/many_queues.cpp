#include <algorithm>
#include <chrono>
#include <system_error>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::virtual_cluster;
using test::virtual_member;

/// More than a consumer asks first offsets for at once, or commits at once.
constexpr int many = 700;

struct wide_cluster : virtual_cluster {
    wide_cluster() { broker().create_topic("orders", many); }
};

auto in_stage(virtual_member& member, queue_stage stage) {
    const auto now = member.statistics();
    return std::ranges::count(now.queues, stage, &queue_statistics::stage);
}

TEST_CASE("all of very many queues are taken over, read, and committed by the next commit", "[scenario]") {
    wide_cluster cluster;
    cluster.send("orders", 2 * many);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2 * many; }, 2s));
    CHECK(std::ranges::all_of(one.counts(), [](const auto& each) { return each.second == 1; }));
    CHECK(in_stage(one, queue_stage::acquiring) == 0);
    cluster.runtime.advance(6s);
    CHECK(cluster.committed("orders", many) == 2 * many);
    REQUIRE(one.stop() == std::error_code());
}

TEST_CASE("a consumer that stops while queues wait for their turn to be taken over does not wait for them",
          "[scenario]") {
    wide_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return in_stage(one, queue_stage::acquiring) > many / 2; }, 2s));
    cluster.broker().pause();
    const auto begun = cluster.runtime.now();
    CHECK(one.stop().has_value());
    CHECK(cluster.runtime.now() - begun < 10s); // as long as one request for a first offset and the leave may take
}

TEST_CASE("queues that were given up while they waited for their turn are taken over when they come back",
          "[scenario]") {
    wide_cluster cluster;
    cluster.send("orders", many);
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options());
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return in_stage(one, queue_stage::fetching) > many / 3; }, 10s));
    REQUIRE(two.stop() == std::error_code());
    REQUIRE(cluster.run_until([&] { return in_stage(one, queue_stage::fetching) >= many; }, 60s));
    cluster.runtime.advance(6s);
    CHECK(cluster.committed("orders", many) == many);
    REQUIRE(one.stop() == std::error_code());
}

} // namespace
