#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

/// Members of one group that pop, on the embedded broker.
namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_mode;
using test::each_once;
using test::message_span;
using test::popping_member;
using test::slow_result;

struct popped_cluster : test::virtual_cluster {
    explicit popped_cluster(std::int32_t share = 0, embedded::broker_options options = {})
        : virtual_cluster(std::move(options)) {
        broker().create_topic("orders", 4);
        broker().set_request_mode("orders", "billing", {.mode = request_mode::pop, .shared_queues = share});
    }
};

std::map<std::string, int> counts_of(const popping_member& one, const popping_member& two) {
    auto all = one.counts();
    for (const auto& [body, times] : two.counts())
        all[body] += times;
    return all;
}
TEST_CASE("members of a popped topic share its messages, each once", "[scenario]") {
    const auto share = GENERATE(0, 1); // all of the broker, or their own queues and another's
    popped_cluster cluster(share);
    popping_member one(cluster, "one", cluster.member_options()), two(cluster, "two", cluster.member_options());
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(two.start() == std::error_code());
    for (int i = 0; i < 20; ++i) {
        cluster.send("orders", 10, std::to_string(i) + '/');
        cluster.runtime.advance(200ms);
    }
    CHECK(cluster.run_until([&] { return counts_of(one, two).size() == 200; }));
    cluster.runtime.advance(3min); // what was not acknowledged would come again
    CHECK(each_once(counts_of(one, two), 200));
    CHECK(one.statistics().counts.acknowledged + two.statistics().counts.acknowledged == 200);
    CHECK(one.stop() == std::error_code());
    CHECK(two.stop() == std::error_code());
}

TEST_CASE("a popped message that failed comes again, then becomes a dead letter", "[scenario]") {
    popped_cluster cluster;
    cluster.send("orders", 3);
    auto with                = cluster.member_options();
    with.max_reconsume_times = 1;
    popping_member one(cluster, "one", with, [](message_span messages, consume_context&) -> slow_result {
        co_return messages.front().body() == "m1" ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 4; }));
    const auto& again = one.received().back();
    CHECK(again.body == "m1");
    CHECK(again.topic == "orders");
    CHECK(again.reconsume_times == 1);
    CHECK(again.at - one.received().front().at >= 10s);
    cluster.runtime.advance(5min);
    CHECK(one.received().size() == 4);
    CHECK(one.count("send_back") == 1);
}

TEST_CASE("what a lost member popped comes to another", "[scenario]") {
    popped_cluster cluster;
    cluster.send("orders", 40);
    popping_member two(cluster, "two", cluster.member_options());
    {
        popping_member one(cluster, "one", cluster.member_options(),
                           [&](message_span, consume_context&) -> slow_result {
                               co_await test::pause_for(cluster.runtime, 1h);
                               co_return consume_result::success;
                           });
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        REQUIRE(cluster.run_until([&] { return !one.received().empty(); }));
        CHECK(one.stop(0ms) == error::stop_deadline_passed);
    }
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    CHECK(cluster.run_until([&] { return two.counts().size() == 40; }, 3min));
    cluster.runtime.advance(1h);
}

TEST_CASE("who pops with a condition gets what meets it, retries too, and the broker is told when it changes",
          "[scenario]") {
    popped_cluster cluster(0, {.property_filter = true});
    const auto send = [&cluster](int from, int to) {
        for (int i = from; i < to; ++i)
            cluster.broker().send("orders", std::to_string(i), {.properties = {{"a", std::to_string(i)}}});
    };
    popping_member one(cluster, "one", cluster.member_options(),
                       [](message_span messages, consume_context&) -> slow_result {
                           const bool first_time = messages.front().reconsume_times() == 0;
                           co_return first_time&& messages.front().body() == "12" ? consume_result::reconsume_later
                                                                                  : consume_result::success;
                       });
    one.subscribe("orders", sql("a > 5"));
    REQUIRE(one.start() == std::error_code());
    send(0, 10); // to a pop that waits
    cluster.runtime.advance(1s);
    send(10, 20);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 15; }));
    const auto counts = one.counts();
    CHECK(counts.size() == 14);
    CHECK(counts.at("12") == 2);
    CHECK(!counts.contains("5"));
    CHECK(one.subscribe_running("orders", sql("a >")) == make_error_code(error::filter_refused));
    CHECK(one.subscribe_running("orders", sql("a < 3")) == std::error_code());
    cluster.runtime.advance(16s); // the pop that waits still asks for the former condition
    send(0, 5);
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 18);
    CHECK(cluster.broker().statistics().messages_popped == 0);
}

TEST_CASE("a topic that changes between pulled and popped loses nothing, and brings nothing twice to its only member",
          "[scenario]") {
    popped_cluster cluster;
    auto with               = cluster.member_options();
    with.rebalance_interval = 1s;
    popping_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    std::size_t sent = 0;
    for (int turn = 0; turn < 8; ++turn) {
        cluster.broker().set_request_mode("orders", "billing",
                                          {.mode = turn % 2 == 0 ? request_mode::pop : request_mode::pull});
        for (int i = 0; i < 40; ++i, sent += 5) {
            cluster.send("orders", 5, std::to_string(turn) + '/' + std::to_string(i) + '/');
            cluster.runtime.advance(100ms);
        }
        const auto now = one.statistics();
        CHECK(now.popped.empty() == (turn % 2 != 0));
        const auto pulled =
            std::ranges::count_if(now.queues, [](const auto& each) { return each.queue.topic == "orders"; });
        CHECK(pulled == (turn % 2 == 0 ? 0 : 4));
    }
    CHECK(cluster.run_until([&] { return one.counts().size() == sent; }));
    cluster.runtime.advance(3min);
    CHECK(each_once(one.counts(), sent));
}

TEST_CASE("what failed in one mode comes again in the other: the retries of both are read", "[scenario]") {
    const auto first = GENERATE(request_mode::pop, request_mode::pull);
    popped_cluster cluster;
    cluster.broker().set_request_mode("orders", "billing", {.mode = first});
    auto with               = cluster.member_options();
    with.rebalance_interval = 1s;
    const int a_minute      = first == request_mode::pop ? 2 : 5;
    popping_member one(
        cluster, "one", with, [a_minute](message_span messages, consume_context& context) -> slow_result {
            const bool fails    = messages.front().body() == "m1" && messages.front().reconsume_times() == 0;
            context.delay_level = a_minute;
            co_return fails ? consume_result::reconsume_later : consume_result::success;
        });
    one.subscribe("orders");
    cluster.send("orders", 3);
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 3; }));
    const bool to_pull = first == request_mode::pop;
    cluster.broker().set_request_mode("orders", "billing", {.mode = to_pull ? request_mode::pull : request_mode::pop});
    cluster.runtime.advance(30s);      // so long a poll may be under way
    CHECK(one.received().size() == 3); // it is still hidden, or parked
    CHECK((one.count("pop_ended") == 1) == to_pull);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 4; }));
    CHECK(one.received().back().body == "m1");
    CHECK(one.received().back().reconsume_times == 1);
    cluster.send("orders", 3, "late");
    cluster.runtime.advance(3min);
    CHECK(one.received().size() == 7);
}

} // namespace
