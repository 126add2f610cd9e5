#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "tests/scenario/support/order_witness.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::message_span;
using test::order_witness;
using test::slow_orderly_function;
using test::slow_orderly_member;
using test::slow_result;
using test::virtual_cluster;

/// A group's listeners, which the witness sees.
struct watched_cluster : virtual_cluster {
    explicit watched_cluster(std::int32_t with_queues = 4) : queues(with_queues) { broker().create_topic("orders", queues); }

    slow_orderly_function taking(std::chrono::milliseconds time) {
        return [this, time](message_span messages, orderly_context&) -> slow_result {
            const auto& message = messages.front();
            witness.begin(message);
            co_await test::pause_for(runtime, time);
            witness.end(message);
            co_return consume_result::success;
        };
    }
    void check_order() const {
        CHECK(witness.overlaps() == 0);
        CHECK(witness.gaps() == 0);
        CHECK(witness.repeats() == 0);
    }
    int locked() {
        int count = 0;
        for (std::int32_t id = 0; id < queues; ++id)
            count += !broker().lock_owner("billing", "orders", id).empty();
        return count;
    }

    std::int32_t queues;
    order_witness witness;
};

TEST_CASE("members join and leave, and no message comes twice or out of order", "[scenario][orderly]") {
    watched_cluster cluster;
    cluster.send("orders", 400);
    auto with            = cluster.member_options();
    with.consume_threads = 4;
    auto one   = std::make_unique<slow_orderly_member>(cluster, "one", with, cluster.taking(70ms));
    auto two   = std::make_unique<slow_orderly_member>(cluster, "two", with, cluster.taking(110ms));
    auto three = std::make_unique<slow_orderly_member>(cluster, "three", with, cluster.taking(130ms));
    for (auto* each : {&one, &two, &three})
        (*each)->subscribe("orders");
    REQUIRE(one->start() == std::error_code());
    cluster.runtime.advance(1500ms);
    REQUIRE(two->start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(two->received().size() > 10);
    REQUIRE(three->start() == std::error_code());
    cluster.runtime.advance(2500ms);
    CHECK(one->stop() == std::error_code());
    cluster.runtime.advance(2s);
    CHECK(two->stop() == std::error_code());
    REQUIRE(cluster.run_until([&] { return cluster.witness.distinct() >= 400; }));
    cluster.runtime.advance(1s);
    CHECK(three->stop() == std::error_code());
    cluster.check_order();
    CHECK(cluster.committed("orders", 4) == 400);
    CHECK(cluster.locked() == 0);
}

TEST_CASE("a member that joins and leaves within 2 s freezes no queue", "[scenario][orderly]") {
    watched_cluster cluster;
    cluster.send("orders", 200);
    slow_orderly_member one(cluster, "one", cluster.member_options(), cluster.taking(3s)); // busy when it is asked to give up
    slow_orderly_member two(cluster, "two", cluster.member_options(), cluster.taking(3s));
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(two.stop() == std::error_code());
    cluster.runtime.advance(6s); // the calls have ended, and one has taken over anew what it gave up
    const auto before = one.received().size();
    cluster.runtime.advance(12s);
    CHECK(one.received().size() - before >= 4 * 3); // all four queues go on
    cluster.check_order();
}

TEST_CASE("a stop gives its locks up behind the last commit, and the next member begins at once", "[scenario][orderly]") {
    watched_cluster cluster;
    cluster.send("orders", 100);
    slow_orderly_member one(cluster, "one", cluster.member_options(), cluster.taking(200ms));
    slow_orderly_member two(cluster, "two", cluster.member_options(), cluster.taking(200ms));
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(cluster.locked() == 4);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.locked() == 0);
    CHECK(cluster.committed("orders", 4) == static_cast<queue_offset>(one.received().size()));
    const auto begun = cluster.runtime.now();
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return !two.received().empty(); }));
    CHECK(cluster.runtime.now() - begun < 500ms);
    cluster.check_order();
}

TEST_CASE("the queues of a member that died are taken over when the broker lets go of its locks", "[scenario][orderly]") {
    watched_cluster cluster;
    cluster.send("orders", 100);
    slow_orderly_member two(cluster, "two", cluster.member_options(), cluster.taking(10ms));
    two.subscribe("orders");
    {
        slow_orderly_member one(cluster, "one", cluster.member_options(), cluster.taking(2s));
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(1s);
        REQUIRE(cluster.locked() == 4);
        cluster.cut_off(); // its last words do not come through
        one.stop();
        cluster.reconnect();
    }
    const auto died = cluster.runtime.now();
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return two.count("lock_refused") >= 4; }));
    REQUIRE(cluster.run_until([&] { return !two.received().empty(); }, 2min));
    CHECK(cluster.runtime.now() - died > 50s);
    CHECK(cluster.runtime.now() - died < 62s);
}

TEST_CASE("a call that takes longer than a lock lasts keeps its queue, although it is to be given up", "[scenario][orderly]") {
    watched_cluster cluster;
    cluster.send("orders", 4); // one in each queue
    auto with = cluster.member_options();
    slow_orderly_member one(cluster, "one", with, cluster.taking(100s));
    slow_orderly_member two(cluster, "two", with, cluster.taking(10ms));
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(two.start() == std::error_code());
    cluster.send("orders", 4, "next");
    cluster.runtime.advance(95s);
    CHECK(two.received().empty());
    CHECK(cluster.locked() == 4);
    cluster.runtime.advance(10s);
    CHECK(two.received().size() == 2); // the next ones of its two queues
    cluster.check_order();
}

TEST_CASE("a stop during the start leaves no lock behind", "[scenario][orderly]") {
    watched_cluster cluster;
    const auto moments = GENERATE(0, 1, 2, 3, 5, 8, 12, 20);
    {
        slow_orderly_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        one.begin_start([](std::error_code) {});
        cluster.runtime.advance(std::chrono::milliseconds(moments));
        one.stop();
    }
    CHECK(cluster.locked() == 0);
    CHECK(cluster.broker().members("billing").empty());
}

TEST_CASE("a listener that never returns keeps its lock until it expires, when the stop no longer waits", "[scenario][orderly]") {
    watched_cluster cluster(1);
    cluster.send("orders", 2);
    bool hang = true;
    auto one  = std::make_unique<slow_orderly_member>(cluster, "one", cluster.member_options(),
                                                     [&](message_span, orderly_context&) -> slow_result {
                                                         while (hang)
                                                             co_await test::pause_for(cluster.runtime, 100ms);
                                                         co_return consume_result::success;
                                                     });
    one->subscribe("orders");
    REQUIRE(one->start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(one->stop(2s) == error::stop_deadline_passed);
    CHECK(cluster.locked() == 1);
    one.reset();

    slow_orderly_member two(cluster, "two", cluster.member_options());
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(30s);
    CHECK(two.received().empty());
    cluster.runtime.advance(32s);
    CHECK(two.received().size() == 2);
    hang = false;
    cluster.runtime.advance(1s);
    CHECK(two.stop() == std::error_code());
}

TEST_CASE("an offset that an administrator reset is taken up in order", "[scenario][orderly]") {
    watched_cluster cluster(1);
    cluster.send("orders", 50);
    cluster.broker().drop_before("orders", 0, 20); // the pull is told that its offset is illegal
    slow_orderly_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 30);
    CHECK(cluster.locked() == 1);
}

} // namespace
