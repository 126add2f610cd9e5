#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/scenario/support/order_witness.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::message_span;
using test::order_witness;
using test::orderly_member;
using test::slow_orderly_member;
using test::slow_result;
using test::virtual_cluster;

struct orders_cluster : virtual_cluster {
    explicit orders_cluster(std::int32_t queues = 4) { broker().create_topic("orders", queues); }
};

TEST_CASE("in order every message of a queue comes once, in the order of its offset", "[scenario][orderly]") {
    orders_cluster cluster;
    cluster.send("orders", 400);
    auto with               = cluster.member_options();
    with.consume_batch_size = GENERATE(1u, 7u);
    order_witness witness;
    orderly_member member(cluster, "one", with, [&](message_span messages, orderly_context& context) {
        CHECK(messages.size() <= with.consume_batch_size);
        CHECK(context.queue == messages.front().queue());
        for (const auto& each : messages) {
            witness.begin(each);
            witness.end(each);
        }
        return consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return member.received().size() >= 400; }));
    cluster.send("orders", 100, "later");
    REQUIRE(cluster.run_until([&] { return member.received().size() >= 500; }));
    CHECK(witness.gaps() == 0);
    CHECK(witness.repeats() == 0);
    CHECK(member.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 500);
}

TEST_CASE("awaitable calls of one queue follow each other; queues are consumed side by side", "[scenario][orderly]") {
    orders_cluster cluster;
    cluster.send("orders", 80);
    auto with            = cluster.member_options();
    with.consume_threads = 3;
    order_witness witness;
    int inside = 0, most = 0;
    slow_orderly_member member(cluster, "one", with, [&](message_span messages, orderly_context&) -> slow_result {
        const auto& message = messages.front();
        witness.begin(message);
        most = std::max(most, ++inside);
        co_await test::pause_for(cluster.runtime, 50ms);
        --inside;
        witness.end(message);
        co_return consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return member.received().size() >= 80; }));
    cluster.runtime.advance(1s);
    CHECK(most == 3);
    CHECK(witness.overlaps() == 0);
    CHECK(witness.gaps() == 0);
    CHECK(witness.repeats() == 0);
}

TEST_CASE("a message that failed comes again after a pause, before all behind it, and knows how often", "[scenario][orderly]") {
    orders_cluster cluster(1);
    cluster.send("orders", 5);
    auto with             = cluster.member_options();
    with.suspend_interval = 300ms;
    std::optional<std::chrono::milliseconds> wanted;
    if (GENERATE(false, true))
        wanted = 2s;
    int failures = 3;
    orderly_member member(cluster, "one", with, [&](message_span messages, orderly_context& context) {
        context.suspend_for = wanted;
        if (messages.front().body() == "m2" && failures-- > 0) {
            if (failures == 1)
                throw std::runtime_error("not yet");
            return consume_result::reconsume_later;
        }
        return consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return member.received().size() >= 8; }));
    const auto& got = member.received();
    std::vector<std::string> bodies;
    for (const auto& each : got)
        bodies.push_back(each.body);
    CHECK(bodies == std::vector<std::string>{"m0", "m1", "m2", "m2", "m2", "m2", "m3", "m4"});
    for (std::size_t i = 3; i < 6; ++i) {
        CHECK(got[i].reconsume_times == got[i - 1].reconsume_times + 1);
        CHECK(got[i].at - got[i - 1].at == wanted.value_or(300ms));
    }
    CHECK(member.count("listener_exception") == 1);
    CHECK(member.count("queue_suspended") == 3);
    CHECK(member.count("send_back") == 0);
    CHECK(member.statistics().counts.failed == 3);
    CHECK(member.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 5);
}

TEST_CASE("a suspended queue holds up no other, and statistics tell of it", "[scenario][orderly]") {
    orders_cluster cluster(2);
    cluster.send("orders", 20);
    auto with             = cluster.member_options();
    with.suspend_interval = 30s;
    orderly_member member(cluster, "one", with, [&](message_span messages, orderly_context&) {
        return messages.front().queue_id() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(2s);
    CHECK(member.received().size() == 11);
    int suspended = 0;
    for (const auto& queue : member.statistics().queues) {
        suspended += queue.suspended;
        CHECK(queue.lock == lock_state::held);
        CHECK(queue.suspended == (queue.queue.topic == "orders" && queue.queue.queue_id == 0));
    }
    CHECK(suspended == 1);
    const auto asked = cluster.runtime.now();
    CHECK(member.stop() == std::error_code()); // it does not wait for the pause
    CHECK(cluster.runtime.now() - asked < 1s);
}

TEST_CASE("a turn that lasts too long leaves the thread to other queues", "[scenario][orderly]") {
    orders_cluster cluster(2);
    cluster.send("orders", 60);
    auto with            = cluster.member_options();
    with.consume_threads = 1;
    with.turn_limit      = 100ms;
    slow_orderly_member member(cluster, "one", with, [&](message_span, orderly_context&) -> slow_result {
        co_await test::pause_for(cluster.runtime, 30ms);
        co_return consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return member.received().size() >= 60; }));
    const auto& got  = member.received();
    std::size_t longest = 0, run = 0;
    for (std::size_t i = 0; i < 40; ++i) {
        run     = i > 0 && got[i].queue_id == got[i - 1].queue_id ? run + 1 : 1;
        longest = std::max(longest, run);
    }
    CHECK(longest == 4); // the fifth would begin after 120 ms
}

TEST_CASE("in order, too, no more than the span is consumed while nothing can be committed", "[scenario][orderly]") {
    orders_cluster cluster(1);
    cluster.send("orders", 300);
    auto with            = cluster.member_options();
    with.max_span        = 10;
    with.pull_batch_size = 4;
    bool stuck           = true;
    queue_offset end     = 0; // behind what was consumed
    orderly_member member(cluster, "one", with, [&](message_span messages, orderly_context&) {
        if (stuck)
            return consume_result::reconsume_later;
        end = messages.back().queue_offset() + 1;
        return consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(member.statistics().cached_messages <= 10 + 4); // nor is more held behind a stuck message
    REQUIRE(member.count("flow_control") == 1);
    CHECK(member.events("flow_control")[0].number == static_cast<int>(flow_state::too_wide_a_span));

    cluster.cut_off();
    stuck = false;
    cluster.runtime.advance(10s);
    CHECK(end > 10);
    CHECK(end <= 10 + 4);
    CHECK(cluster.committed("orders", 1) == 0);
    cluster.reconnect();
    REQUIRE(cluster.run_until([&] { return end == 300; }));
    CHECK(member.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 300);
}

TEST_CASE("a broker that is away for a moment disturbs no order", "[scenario][orderly]") {
    orders_cluster cluster;
    order_witness witness;
    slow_orderly_member member(cluster, "one", cluster.member_options(), [&](message_span messages, orderly_context&) -> slow_result {
        witness.begin(messages.front());
        co_await test::pause_for(cluster.runtime, 20ms);
        witness.end(messages.front());
        co_return consume_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    for (int i = 0; i < 5; ++i) {
        cluster.send("orders", 40, std::to_string(i) + '/');
        cluster.runtime.advance(300ms);
        cluster.cut_off();
        cluster.runtime.advance(2s);
        cluster.reconnect();
        cluster.runtime.advance(2s);
    }
    REQUIRE(cluster.run_until([&] { return witness.distinct() >= 200; }));
    CHECK(witness.overlaps() == 0);
    CHECK(witness.gaps() == 0);
    CHECK(witness.repeats() == 0);
}

} // namespace
