#include <rocketpush/embedded/held_pops.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::embedded;
using namespace std::chrono_literals;

namespace {

const held_pops::time_point start{1000h};

held_pop pop(std::int32_t opaque, std::string group, std::string topic, std::int32_t queue, std::chrono::seconds wait) {
    held_pop made{.connection = static_cast<connection_id>(opaque % 2 + 1), .opaque = opaque};
    made.request.consumer_group = std::move(group);
    made.request.topic          = std::move(topic);
    made.request.queue_id       = queue;
    made.deadline               = start + wait;
    return made;
}

std::vector<std::int32_t> opaques(const std::vector<held_pop>& pops) {
    std::vector<std::int32_t> all;
    for (const auto& each : pops)
        all.push_back(each.opaque);
    return all;
}

} // namespace

TEST_CASE("of each group the pop held longest that fits is taken", "[embedded]") {
    held_pops pops;
    pops.hold(pop(1, "billing", "orders", 0, 5s));
    pops.hold(pop(2, "billing", "orders", -1, 4s));
    pops.hold(pop(3, "billing", "orders", 1, 3s));
    pops.hold(pop(4, "shipping", "orders", 1, 2s));
    pops.hold(pop(5, "billing", "events", -1, 1s));
    const auto of_queue = [](std::int32_t queue) { return [queue](const held_pop& one) { return one.reads(queue); }; };
    CHECK(opaques(pops.take_one_each("orders", of_queue(1))) == std::vector<std::int32_t>{2, 4});
    CHECK(opaques(pops.take_one_each("orders", of_queue(1))) == std::vector<std::int32_t>{3});
    CHECK(pops.take_one_each("orders", of_queue(1)).empty());
    CHECK(pops.size() == 2);
    CHECK(opaques(pops.take_topic("events")) == std::vector<std::int32_t>{5});
}

TEST_CASE("pops end at their deadlines, and with their connection", "[embedded]") {
    held_pops pops;
    CHECK(!pops.next_due());
    pops.hold(pop(1, "billing", "orders", 0, 5s));
    pops.hold(pop(2, "billing", "orders", 0, 4s));
    pops.hold(pop(3, "billing", "orders", 0, 6s));
    CHECK(pops.next_due() == start + 4s);
    CHECK(!pops.take_due(start + 3s));
    CHECK(pops.take_due(start + 4s)->opaque == 2);
    pops.forget(2);
    CHECK(pops.size() == 0);
    CHECK(!pops.next_due());
}

TEST_CASE("pops that wait for the same are counted", "[embedded]") {
    held_pops pops;
    pops.hold(pop(1, "billing", "orders", 0, 5s));
    pops.hold(pop(2, "billing", "orders", 0, 4s));
    pops.hold(pop(3, "billing", "orders", -1, 4s));
    CHECK(pops.alike(pop(9, "billing", "orders", 0, 1s).request) == 2);
    CHECK(pops.alike(pop(9, "billing", "orders", -1, 1s).request) == 1);
    CHECK(pops.alike(pop(9, "shipping", "orders", 0, 1s).request) == 0);
    pops.take_due(start + 4s);
    CHECK(pops.alike(pop(9, "billing", "orders", 0, 1s).request) == 1);
}
