#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "tests/scenario/support/each_once.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::each_once;
using test::message_span;
using test::slow_listener_function;
using test::slow_result;
using test::slow_virtual_member;
using test::virtual_cluster;

/// A listener each call of which takes this long.
slow_listener_function taking(virtual_cluster& cluster, std::chrono::milliseconds time) {
    return [&cluster, time](message_span, consume_context&) -> slow_result {
        co_await test::pause_for(cluster.runtime, time);
        co_return consume_result::success;
    };
}

std::map<std::string, int> counts_of(const slow_virtual_member& one, const slow_virtual_member& two) {
    auto all = one.counts();
    for (const auto& [body, times] : two.counts())
        all[body] += times;
    return all;
}

struct shared_cluster : virtual_cluster {
    shared_cluster() { broker().create_topic("orders", 4); }
};

TEST_CASE("a queue goes to a new member when its running listener calls have ended and their offset is confirmed",
          "[scenario]") {
    shared_cluster cluster;
    cluster.send("orders", 400);
    auto with            = cluster.member_options();
    with.consume_threads = 4;
    slow_virtual_member one(cluster, "one", with, taking(cluster, 300ms));
    slow_virtual_member two(cluster, "two", with, taking(cluster, 300ms));
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() + two.received().size() >= 400; }));
    cluster.runtime.advance(5s);
    CHECK(each_once(counts_of(one, two), 400));
    CHECK(two.received().size() > 100);
    CHECK(one.stop() == std::error_code());
    CHECK(two.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 400);
}

TEST_CASE("a member that stops lets running calls end and commits them; what it had not begun comes to the next one",
          "[scenario]") {
    shared_cluster cluster;
    cluster.send("orders", 100);
    auto with            = cluster.member_options();
    with.consume_threads = 2;
    slow_virtual_member one(cluster, "one", with, taking(cluster, 2s));
    slow_virtual_member two(cluster, "two", with);
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s); // the second calls have run for one second
    const auto asked = cluster.runtime.now();
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.runtime.now() - asked >= 1s);
    CHECK(cluster.runtime.now() - asked < 2s);
    CHECK(one.received().size() == 4);
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return two.received().size() >= 96; }));
    cluster.runtime.advance(2s);
    CHECK(each_once(counts_of(one, two), 100));
}

TEST_CASE("a commit that the broker refuses at hand-over is tried again before the queue is let go", "[scenario]") {
    const auto refusals = GENERATE(1, 2, 8);
    shared_cluster cluster;
    slow_virtual_member one(cluster, "one", cluster.member_options(), taking(cluster, 100ms));
    slow_virtual_member two(cluster, "two", cluster.member_options());
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5500ms); // between two regular commits
    cluster.send("orders", 4);       // one in each queue: the next pulls are held, and do not know that they were consumed
    cluster.runtime.advance(200ms);
    REQUIRE(one.received().size() == 4);
    REQUIRE(cluster.committed("orders", 4) == 0);

    cluster.broker().fail_next(request_code::update_consumer_offset, response_code::system_busy,
                               static_cast<std::size_t>(refusals));
    REQUIRE(one.stop() == std::error_code());
    CHECK(one.count("commit_failure") == static_cast<std::size_t>(refusals));
    CHECK(cluster.committed("orders", 4) == 4);
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(two.received().empty());
}

TEST_CASE("a stop does not wait for a broker that is away", "[scenario]") {
    shared_cluster cluster;
    cluster.send("orders", 40);
    slow_virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    cluster.cut_off();
    const auto asked = cluster.runtime.now();
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.runtime.now() - asked < 3s);
}

TEST_CASE("a stop ends although the broker takes requests and never answers", "[scenario]") {
    shared_cluster cluster;
    cluster.send("orders", 40);
    slow_virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    cluster.broker().pause();
    const auto asked = cluster.runtime.now();
    CHECK(one.stop());
    CHECK(cluster.runtime.now() - asked < 25s);
    cluster.broker().resume();
}

TEST_CASE("a listener that never returns is left behind at the stop deadline; its message comes to the next member",
          "[scenario]") {
    shared_cluster cluster;
    cluster.send("orders", 20);
    bool hang      = true;
    auto next      = std::make_unique<slow_virtual_member>(cluster, "two", cluster.member_options());
    auto one       = std::make_unique<slow_virtual_member>(
        cluster, "one", cluster.member_options(), [&cluster, &hang](message_span messages, consume_context&) -> slow_result {
            const bool stuck = messages.front().body() == "m3";
            while (stuck && hang)
                co_await test::pause_for(cluster.runtime, 100ms);
            co_return consume_result::success;
        });
    one->subscribe("orders");
    next->subscribe("orders");
    REQUIRE(one->start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(one->received().size() == 20); // the others went on
    const auto asked = cluster.runtime.now();
    CHECK(one->stop(2s) == error::stop_deadline_passed);
    CHECK(cluster.runtime.now() - asked >= 2s);
    CHECK(cluster.runtime.now() - asked < 3s);
    CHECK(cluster.broker().members("billing").empty());
    one.reset(); // the call still runs

    REQUIRE(next->start() == std::error_code());
    cluster.runtime.advance(2s);
    CHECK(next->counts()["m3"] == 1);
    hang = false;
    cluster.runtime.advance(2s); // and returns into a consumer that is gone
    CHECK(next->stop() == std::error_code());
}

TEST_CASE("a queue whose listener hangs goes to a new member after the hand-over limit, and the rest goes on", "[scenario]") {
    shared_cluster cluster;
    cluster.send("orders", 4); // one in each queue
    bool hang = true;
    slow_virtual_member one(cluster, "one", cluster.member_options(),
                            [&cluster, &hang](message_span, consume_context&) -> slow_result {
                                while (hang)
                                    co_await test::pause_for(cluster.runtime, 100ms);
                                co_return consume_result::success;
                            });
    slow_virtual_member two(cluster, "two", cluster.member_options());
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(10s);
    CHECK(two.received().size() == 2); // of its two queues
    cluster.send("orders", 4, "late");
    cluster.runtime.advance(1s);
    CHECK(two.received().size() == 4);
    hang = false;
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 6);
    CHECK(one.stop() == std::error_code());
    CHECK(two.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 8);
}

} // namespace
