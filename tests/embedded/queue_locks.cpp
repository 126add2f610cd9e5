#include <rocketpush/embedded/queue_locks.hpp>

#include "tests/support/catch.hpp"

using rocketpush::message_queue;
using rocketpush::embedded::queue_locks;
using namespace std::chrono_literals;

TEST_CASE("a queue lock belongs to one client until it is given up or expires", "[embedded]") {
    queue_locks locks(60s);
    const message_queue queue{"orders", "broker-a", 0};
    const queue_locks::time_point start(1h);
    CHECK(!locks.any("billing", start));
    CHECK(locks.lock("billing", queue, "one", start));
    CHECK(locks.any("billing", start));
    CHECK(!locks.lock("billing", queue, "two", start + 30s));
    CHECK(locks.lock("other", queue, "two", start));

    CHECK(locks.lock("billing", queue, "one", start + 50s)); // renews it
    CHECK(!locks.lock("billing", queue, "two", start + 110s));
    CHECK(locks.lock("billing", queue, "two", start + 111s));

    CHECK(locks.owner("billing", queue, start + 112s) == "two");
    CHECK(locks.owner("shipping", queue, start + 112s).empty());
    CHECK(locks.owner("billing", queue, start + 172s).empty());
    locks.unlock("billing", queue, "one"); // not the owner any more
    CHECK(!locks.lock("billing", queue, "one", start + 112s));
    locks.unlock("billing", queue, "two");
    CHECK(!locks.any("billing", start + 112s));
    CHECK(locks.lock("billing", queue, "one", start + 112s));
}

TEST_CASE("all locks of a group can be ended at once", "[embedded]") {
    queue_locks locks(60s);
    const queue_locks::time_point start(1h);
    CHECK(locks.expire("billing", start) == 0);
    for (const int id : {0, 1, 2})
        CHECK(locks.lock("billing", {"orders", "broker-a", id}, "one", start + id * 30s));
    CHECK(locks.lock("shipping", {"orders", "broker-a", 0}, "one", start));
    CHECK(locks.expire("billing", start + 61s) == 2);
    CHECK(!locks.any("billing", start + 61s));
    CHECK(locks.any("shipping", start));
}
