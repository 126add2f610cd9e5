#include <rocketpush/embedded/pop_orders.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::embedded;
using namespace std::chrono_literals;

namespace {

const pop_orders::time_point start{1000h};
const ordered_queue queue{"billing", "orders", 0};

} // namespace

TEST_CASE("one batch of a queue is out at a time, and comes again after its time", "[embedded]") {
    pop_orders orders;
    CHECK(!orders.blocked(queue, "one", start));
    orders.deliver(queue, "one", 7, {4, 5}, start + 10s);
    CHECK(!orders.blocked(queue, "one", start));
    CHECK(orders.blocked(queue, "two", start));
    CHECK(orders.blocked(queue, "", start));
    CHECK(!orders.blocked({"shipping", "orders", 0}, "two", start));
    CHECK(orders.blocked(queue, "two", start + 9999ms));
    CHECK(!orders.blocked(queue, "two", start + 10s));
}

TEST_CASE("deliveries are counted, but not those of one attempt", "[embedded]") {
    pop_orders orders;
    CHECK(orders.deliver(queue, "one", 7, {4, 5}, start).messages[0].delivered == 0);
    CHECK(orders.deliver(queue, "one", 8, {4, 5}, start).messages[0].delivered == 0);
    CHECK(orders.deliver(queue, "two", 9, {4, 5}, start).messages[1].delivered == 1);
    const auto& batch = orders.deliver(queue, "", 9, {5, 6}, start);
    CHECK(batch.messages[0].delivered == 2);
    CHECK(batch.messages[1].delivered == 0);
    CHECK(orders.deliver(queue, "", 9, {5, 6}, start).messages[0].delivered == 3);
}

TEST_CASE("acknowledgements move the offset to the first gap, and free the queue at the end", "[embedded]") {
    pop_orders orders;
    orders.deliver(queue, "one", 7, {4, 6, 9}, start + 10s);
    auto done = orders.acknowledge(queue, 6, 7, start);
    CHECK((done.known && done.commit == 4 && !done.freed));
    done = orders.acknowledge(queue, 4, 7, start);
    CHECK((done.known && done.commit == 9 && !done.freed));
    CHECK(!orders.acknowledge(queue, 5, 7, start).known);
    done = orders.acknowledge(queue, 9, 6, start);
    CHECK((done.known && !done.commit && !done.freed));
    done = orders.acknowledge(queue, 9, 7, start);
    CHECK((done.known && done.commit == 10 && done.freed));
    CHECK(!orders.blocked(queue, "two", start));
    CHECK(!orders.next_due());
}

TEST_CASE("a queue is free when all that was not acknowledged may come again", "[embedded]") {
    pop_orders orders;
    orders.deliver(queue, "one", 7, {4, 5}, start + 10s);
    CHECK(orders.next_due() == start + 10s);
    orders.change(queue, 4, 7, start + 20s);
    orders.change(queue, 5, 6, start + 60s); // of another batch
    CHECK(orders.next_due() == start + 20s);
    CHECK(!orders.acknowledge(queue, 4, 7, start).freed);
    CHECK(orders.next_due() == start + 10s);
    CHECK(orders.take_freed(start + 9s).empty());
    CHECK(orders.take_freed(start + 10s) == std::vector{queue});
    CHECK(orders.take_freed(start + 10s).empty());
    orders.forget_topic("orders");
    CHECK(orders.acknowledge(queue, 5, 7, start).commit == 6);
}
