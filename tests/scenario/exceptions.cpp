#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

// What throws where nobody expects it, for lack of memory or in an observer, ends the operation that it strikes, and no queue.

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::each_once;
using test::event;
using test::message_span;
using test::orderly_member;
using test::popping_member;
using test::virtual_cluster;
using test::virtual_member;

constexpr int always = 1'000'000;

/// There is no memory so many times when a member tells this; of pulls, when one has brought something.
/// @return How often it has been so.
std::shared_ptr<const int> fail_at(virtual_cluster& cluster, std::string_view what, int times) {
    const auto thrown    = std::make_shared<int>(0);
    cluster.events->upon = [what, times, thrown](const event& told) {
        if (told.what == what && (what != "pull" || told.number != 0) && *thrown < times) {
            ++*thrown;
            throw std::bad_alloc();
        }
    };
    return thrown;
}

TEST_CASE("a pull whose answer cannot be taken in for lack of memory is made again, a second later", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 40);
    fail_at(cluster, "pull", 3);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 40; }, 10s));
    cluster.runtime.advance(6s);
    CHECK(each_once(one, 40));
    CHECK(cluster.events->has("pull_failure", std::make_error_code(std::errc::not_enough_memory)));
    CHECK(cluster.committed("orders", 2) == 40);
    CHECK(one.count("stalled") == 0);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("a queue that cannot be pulled for lack of memory for long is tried each second, and can be given up",
          "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 10);
    fail_at(cluster, "pull", always);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(one.received().empty());
    CHECK(one.count("pull_failure") > 20);
    CHECK(one.count("pull_failure") <= 60);
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 0);
}

TEST_CASE("a pop whose answer cannot be taken in for lack of memory costs no message", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.broker().set_request_mode("orders", "billing", {.mode = protocol::request_mode::pop});
    cluster.send("orders", 20);
    fail_at(cluster, "pull", 1);
    auto with               = cluster.member_options();
    with.pop_invisible_time = 10s;
    popping_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 20; }, 1min));
    CHECK(each_once(one, 20));
    CHECK(cluster.events->has("pull_failure", std::make_error_code(std::errc::not_enough_memory)));
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("what is told of popped messages may end by an exception: they are done with all the same, and a stop does "
          "not wait for them",
          "[scenario]") {
    const auto* const told = GENERATE("ack", "invisible_time", "send_back");
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.broker().set_request_mode("orders", "billing", {.mode = protocol::request_mode::pop});
    cluster.send("orders", 20);
    auto with                = cluster.member_options();
    with.pop_invisible_time  = 10s;
    with.max_reconsume_times = 1;
    popping_member one(cluster, "one", with, [](message_span messages, consume_context&) -> test::slow_result {
        co_return messages.front().body() == "m4" ? consume_result::reconsume_later : consume_result::success;
    });
    const auto thrown = fail_at(cluster, told, always);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2min);
    CHECK(*thrown >= 1);
    const auto counts = one.counts();
    CHECK(counts.size() == 20);
    for (const auto& [body, times] : counts) {
        CAPTURE(body);
        CHECK(times == (body == "m4" ? 2 : 1));
    }
    const auto before = cluster.runtime.now();
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.runtime.now() - before < 1s);
}

TEST_CASE("a send-back that ends by an exception leaves its message to come again, and its queue goes on",
          "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 10);
    fail_at(cluster, "send_back", 1);
    virtual_member one(cluster, "one", cluster.member_options(), [](message_span messages, consume_context&) {
        return messages.front().body() == "m4" && messages.front().reconsume_times() == 0
                   ? consume_result::reconsume_later
                   : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(cluster.committed("orders", 1) == 10);
    CHECK(one.counts().size() == 10);
    CHECK(one.counts().at("m4") >= 2);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("a queue is not lost where an exception strikes while it is taken over, committed or given up", "[scenario]") {
    const auto* const told = GENERATE("queue_acquired", "commit", "queue_released");
    CAPTURE(told);
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    cluster.send("orders", 40);
    const auto thrown = fail_at(cluster, told, 2);
    virtual_member one(cluster, "one", cluster.member_options()), two(cluster, "two", cluster.member_options());
    for (auto* each : {&one, &two}) {
        each->subscribe("orders");
        REQUIRE(each->start() == std::error_code());
        cluster.runtime.advance(30s);
        cluster.send("orders", 40, each == &one ? "from one " : "from both ");
    }
    cluster.runtime.advance(30s);
    CHECK(*thrown == 2);
    CHECK(each_once(std::vector{&one, &two}, 120));
    CHECK(one.statistics().queues.size() > 0);
    CHECK(one.stop() == std::error_code());
    CHECK(two.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 120);
}

TEST_CASE("a queue in order that an exception strikes in its pause begins anew, in order", "[scenario][orderly]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 10);
    const auto thrown = fail_at(cluster, "queue_suspended", 2);
    int failures = 3;
    orderly_member one(cluster, "one", cluster.member_options(), [&](message_span messages, orderly_context&) {
        return messages.front().body() == "m4" && failures-- > 0 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(*thrown == 2);
    std::vector<std::string> bodies;
    for (const auto& each : one.received())
        bodies.push_back(each.body);
    CHECK(bodies == std::vector<std::string>{"m0", "m1", "m2", "m3", "m4", "m4", "m4", "m4", "m5", "m6", "m7", "m8", "m9"});
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 10);
}

TEST_CASE("a stop of which an exception tells has ended all the same", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 10);
    fail_at(cluster, "stopped", always);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 10; }));
    CHECK_THROWS_AS(one.stop(), std::bad_alloc);
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 10);
    CHECK(cluster.broker().members("billing").empty());
}

} // namespace
