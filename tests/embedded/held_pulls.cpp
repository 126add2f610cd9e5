#include <rocketpush/embedded/held_pulls.hpp>

#include "tests/support/catch.hpp"

using rocketpush::embedded::held_pull;
using rocketpush::embedded::held_pulls;
using namespace std::chrono_literals;

namespace {

held_pull pull_of(std::int32_t opaque, std::string topic, std::int32_t queue, std::vector<std::int32_t> codes,
                  held_pulls::time_point deadline, rocketpush::embedded::connection_id from = 1) {
    held_pull pull{
        .connection = from, .opaque = opaque, .filter = {.tag_codes = std::move(codes)}, .deadline = deadline};
    pull.request.topic    = std::move(topic);
    pull.request.queue_id = queue;
    return pull;
}

} // namespace

TEST_CASE("a message wakes the pulls of its queue that want its tag", "[embedded]") {
    held_pulls held;
    const held_pulls::time_point start(1h);
    held.hold(pull_of(1, "orders", 0, {}, start + 15s));
    held.hold(pull_of(2, "orders", 0, {42}, start + 15s));
    held.hold(pull_of(3, "orders", 1, {}, start + 15s));
    held.hold(pull_of(4, "orders-b", 0, {}, start + 15s));

    const auto woken = held.take_woken("orders", 0, 7, {});
    REQUIRE(woken.size() == 1);
    CHECK(woken[0].opaque == 1);
    CHECK(held.take_woken("orders", 0, 42, {}).at(0).opaque == 2);
    CHECK(held.take_woken("orders", 0, 42, {}).empty());
    CHECK(held.size() == 2);
}

TEST_CASE("a pull that nobody wakes ends at its deadline", "[embedded]") {
    held_pulls held;
    const held_pulls::time_point start(1h);
    held.hold(pull_of(1, "orders", 0, {}, start + 15s));
    held.hold(pull_of(2, "orders", 1, {}, start + 10s));
    CHECK(held.next_due() == start + 10s);
    CHECK(!held.take_due(start + 9s));
    CHECK(held.take_due(start + 20s)->opaque == 2);
    CHECK(held.take_due(start + 20s)->opaque == 1);
    CHECK(!held.next_due());
    CHECK(held.take_woken("orders", 0, 0, {}).empty());
}

TEST_CASE("the pulls of an ended connection are forgotten", "[embedded]") {
    held_pulls held;
    const held_pulls::time_point start(1h);
    held.hold(pull_of(1, "orders", 0, {}, start, 1));
    held.hold(pull_of(2, "orders", 5, {}, start, 2));
    held.hold(pull_of(3, "events", 0, {}, start, 1));
    held.forget(1);
    CHECK(held.size() == 1);
    held.forget(2);
    CHECK(held.size() == 0);
    CHECK(!held.next_due());
}
