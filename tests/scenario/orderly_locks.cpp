#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/core/error.hpp>
#include <rocketpush/embedded/fault.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>

#include "tests/scenario/support/order_witness.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using embedded::fault;
using protocol::request_code;
using test::message_span;
using test::order_witness;
using test::orderly_member;
using test::slow_orderly_member;
using test::slow_result;
using test::virtual_cluster;

struct locked_cluster : virtual_cluster {
    locked_cluster() { broker().create_topic("orders", 4); }

    /// The broker answers as if another member had all locks.
    auto refuse_locks(std::size_t times = fault::until_cleared) {
        fault refusal;
        refusal.codes  = {request_code::lock_batch};
        refusal.action = embedded::fault_action::refuse{.code = response_code::success,
                                                        .remark = {},
                                                        .fields = {},
                                                        .body   = protocol::encode(protocol::locked_queues{})};
        refusal.times = times;
        return broker().add_fault(refusal);
    }
    /// Does nothing but count.
    auto count_locks() {
        fault counted;
        counted.codes  = {request_code::lock_batch};
        counted.action = embedded::fault_action::delay{0ms};
        return broker().add_fault(counted);
    }
};

TEST_CASE("a queue that another member has locked is asked for twice a second, and not read before", "[scenario][orderly]") {
    locked_cluster cluster;
    cluster.send("orders", 8);
    const auto refusal = cluster.refuse_locks();
    orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    CHECK(one.received().empty());
    CHECK(one.count("queue_acquired") == 0);
    const auto refused = one.events("lock_refused");
    const auto of_one  = std::ranges::count(refused, "orders/0", &test::event::about);
    CHECK(of_one >= 9);
    CHECK(of_one <= 11);
    for (const auto& queue : one.statistics().queues)
        CHECK(queue.lock == lock_state::not_held);
    cluster.broker().clear_fault(refusal);
    cluster.runtime.advance(800ms);
    CHECK(one.received().size() == 8);
}

TEST_CASE("a seek waits for a queue's lock, but not for ever", "[scenario][orderly]") {
    locked_cluster cluster;
    cluster.send("orders", 8);
    const auto refusal = cluster.refuse_locks();
    orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.statistics().queues.size() == 4; }));
    const message_queue queue{"orders", "broker-a", 0};
    const auto asked = cluster.runtime.now();
    CHECK(one.seek(queue, 1) == make_error_code(error::not_our_queue));
    CHECK(cluster.runtime.now() - asked == 6500ms);

    test::manual_runtime::timer later(cluster.runtime);
    SECTION("until it is given") {
        later.expires_at(cluster.runtime.now() + 1s);
        later.async_wait([&](std::error_code) { cluster.broker().clear_fault(refusal); });
        CHECK(one.seek(queue, 1) == std::error_code());
        CHECK(cluster.broker().committed_offset("billing", "orders", 0) == 1);
        cluster.runtime.advance(2s);
        CHECK(one.received().size() == 7);
    }
    SECTION("nor longer than its consumer runs") {
        std::optional<std::error_code> stopped;
        later.expires_at(cluster.runtime.now() + 1s);
        later.async_wait([&](std::error_code) { one.begin_stop([&](std::error_code why) { stopped = why; }); });
        CHECK(one.seek(queue, 1) == make_error_code(error::not_running));
        CHECK(cluster.runtime.now() - asked < 8s);
        cluster.runtime.advance(1s);
        CHECK(stopped == std::error_code());
    }
}

TEST_CASE("a broker that cannot be asked for locks is asked again", "[scenario][orderly]") {
    locked_cluster cluster;
    cluster.send("orders", 8);
    cluster.broker().fail_next(request_code::lock_batch, response_code::system_busy, 10);
    orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 8; }, 5s));
    CHECK(cluster.events->has("queue_acquire_failure", response_code::system_busy));
}

TEST_CASE("all locks at a broker are renewed by one request every 20 s", "[scenario][orderly]") {
    locked_cluster cluster;
    orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    const auto counted = cluster.count_locks();
    cluster.runtime.advance(100s);
    CHECK(cluster.broker().fault_hits(counted) == 5);
    for (const auto& queue : one.statistics().queues) {
        CHECK(queue.lock == lock_state::held);
        CHECK(queue.lock_age <= 20s);
    }
    CHECK_FALSE(cluster.broker().lock_owner("billing", "orders", 3).empty());
}

TEST_CASE("a renewal that fails is tried again at once, not after 20 s", "[scenario][orderly]") {
    locked_cluster cluster;
    orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    cluster.broker().fail_next(request_code::lock_batch, response_code::system_busy, 3);
    cluster.runtime.advance(25s);
    CHECK(one.count("lock_failure") == 3);
    for (const auto& queue : one.statistics().queues)
        CHECK(queue.lock_age < 15s);
}

TEST_CASE("a lock that the broker gave to another member ends the queue's epoch at once, without a commit",
          "[scenario][orderly]") {
    locked_cluster cluster;
    auto with            = cluster.member_options();
    with.commit_interval = 10min;
    order_witness witness;
    slow_orderly_member one(cluster, "one", with, [&](message_span messages, orderly_context&) -> slow_result {
        witness.begin(messages.front());
        co_await test::pause_for(cluster.runtime, 1s);
        witness.end(messages.front());
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 400);
    cluster.runtime.advance(15s);
    REQUIRE(one.received().size() > 40);
    const auto before = cluster.committed("orders", 4); // with the pulls
    cluster.refuse_locks(1);                            // the renewal
    REQUIRE(cluster.run_until([&] { return one.count("lock_lost") >= 4; }));
    CHECK(cluster.events->has("lock_lost", error::locked_elsewhere));
    const auto then = witness.calls();
    cluster.runtime.advance(1500ms);
    CHECK(cluster.committed("orders", 4) == before);
    CHECK(witness.calls() <= then + 8);
    cluster.runtime.advance(10s); // taken over anew: what was not committed comes again, and then it goes on
    CHECK(witness.calls() > then + 20);
    CHECK(witness.overlaps() == 0);
    CHECK(witness.gaps() == 0);
}

TEST_CASE("no call begins when the lock was not confirmed for 30 s; it goes on where it was when the broker is back",
          "[scenario][orderly]") {
    locked_cluster cluster;
    cluster.send("orders", 800);
    order_witness witness;
    slow_orderly_member one(cluster, "one", cluster.member_options(), [&](message_span messages, orderly_context&) -> slow_result {
        witness.begin(messages.front());
        co_await test::pause_for(cluster.runtime, 1s);
        witness.end(messages.front());
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    cluster.cut_off();
    cluster.runtime.advance(31s);
    const auto stopped = witness.calls();
    cluster.runtime.advance(10s);
    CHECK(witness.calls() == stopped);
    CHECK(stopped > 4 * 25);
    CHECK(one.statistics().queues.front().lock == lock_state::expired);
    cluster.reconnect();
    cluster.runtime.advance(10s);
    CHECK(witness.calls() > stopped + 4 * 5);
    CHECK(one.count("lock_lost") == 0); // nobody else can have had it
    CHECK(witness.repeats() == 0);
    CHECK(witness.gaps() == 0);
}

TEST_CASE("after more than a minute without the broker the queue is taken over anew", "[scenario][orderly]") {
    locked_cluster cluster;
    cluster.send("orders", 40);
    orderly_member one(cluster, "one", cluster.member_options(), [](message_span, orderly_context&) {
        return consume_result::reconsume_later; // so that there is always something to consume
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    cluster.cut_off();
    cluster.runtime.advance(70s);
    cluster.reconnect();
    cluster.runtime.advance(8s);
    CHECK(cluster.events->has("lock_lost", error::lock_expired));
    CHECK(one.count("queue_acquired") >= 8);
    for (const auto& queue : one.statistics().queues)
        CHECK(queue.lock == lock_state::held);
}

TEST_CASE("an unlock waits for a renewal that is under way: its answer would lock the queue again", "[scenario][orderly]") {
    locked_cluster cluster;
    orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    fault late;
    late.codes  = {request_code::lock_batch};
    late.action = embedded::fault_action::delay{500ms};
    const auto delayed = cluster.broker().add_fault(late);
    while (cluster.broker().fault_hits(delayed) == 0 && cluster.runtime.now().time_since_epoch() < 1001h)
        cluster.runtime.advance(100ms);
    const auto asked = cluster.runtime.now();
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.runtime.now() - asked >= 400ms);
    CHECK(cluster.broker().lock_owner("billing", "orders", 0).empty());
}

TEST_CASE("an unlock that the broker refuses is tried again", "[scenario][orderly]") {
    locked_cluster cluster;
    orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    cluster.broker().fail_next(request_code::unlock_batch, response_code::system_busy, 4);
    CHECK(one.stop() == std::error_code());
    for (std::int32_t id = 0; id < 4; ++id)
        CHECK(cluster.broker().lock_owner("billing", "orders", id).empty());
}

} // namespace
