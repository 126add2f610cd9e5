#include <rocketpush/embedded/pop_checkpoints.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::embedded;
using namespace std::chrono_literals;

namespace {

const pop_checkpoints::time_point start{1000h};

pop_checkpoint point(std::string topic, queue_offset first, std::vector<queue_offset> offsets,
                     std::chrono::milliseconds hidden) {
    return {
        .key = {"billing", std::move(topic), 0, first, 7}, .offsets = std::move(offsets), .deadline = start + hidden};
}

} // namespace

TEST_CASE("check points become due in the order of their deadlines, with what is left", "[embedded]") {
    pop_checkpoints points;
    CHECK(!points.next_due());
    points.add(point("orders", 3, {3}, 2s));
    points.add(point("orders", 0, {0, 1, 2}, 1s));
    points.add(point("events", 0, {0}, 1s));
    CHECK(points.messages() == 5);
    CHECK(points.messages_of("billing", "orders") == 4);
    CHECK(points.messages_of("billing", "order") == 0);
    CHECK(points.messages_of("shipping", "orders") == 0);
    CHECK(points.next_due() == start + 1s);
    CHECK(points.acknowledge({"billing", "orders", 0, 0, 7}, 1));
    CHECK(!points.take_due(start + 999ms));
    const auto first = points.take_due(start + 1s);
    REQUIRE(first);
    CHECK(first->key.topic == "orders");
    CHECK(first->offsets == std::vector<queue_offset>{0, 2});
    CHECK(points.take_due(start + 1s)->key.topic == "events");
    CHECK(!points.take_due(start + 1s));
    CHECK(points.next_due() == start + 2s);
}

TEST_CASE("a check point ends with its last acknowledgement, and only with its own", "[embedded]") {
    pop_checkpoints points;
    points.add(point("orders", 0, {0, 2}, 1s));
    const checkpoint_key key{"billing", "orders", 0, 0, 7};
    CHECK(!points.acknowledge(key, 1));
    CHECK(!points.acknowledge({"shipping", "orders", 0, 0, 7}, 0));
    CHECK(!points.acknowledge({"billing", "orders", 1, 0, 7}, 0));
    CHECK(!points.acknowledge({"billing", "orders", 0, 0, 8}, 0));
    CHECK(points.acknowledge(key, 0));
    CHECK(!points.acknowledge(key, 0));
    CHECK(points.acknowledge(key, 2));
    CHECK(!points.contains(key));
    CHECK(points.messages() == 0);
    CHECK(!points.next_due());
}

TEST_CASE("a check point gives way to another of its name, and goes with its topic", "[embedded]") {
    pop_checkpoints points;
    points.add(point("orders", 0, {0, 1}, 1s));
    points.add(point("orders", 0, {4}, 5s));
    CHECK(points.messages() == 1);
    CHECK(points.next_due() == start + 5s);
    points.add(point("events", 0, {0}, 2s));
    points.forget_topic("orders");
    CHECK(points.messages() == 1);
    CHECK(points.next_due() == start + 2s);
}
