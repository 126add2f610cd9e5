#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

/// Members of one group that pop, on the embedded broker.
namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_mode;
using test::message_span;
using test::popping_member;
using test::slow_result;

struct popped_cluster : test::virtual_cluster {
    explicit popped_cluster(std::int32_t share = 0) {
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
bool each_once(const std::map<std::string, int>& counts, std::size_t count) {
    return counts.size() == count && std::ranges::all_of(counts, [](const auto& each) { return each.second == 1; });
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

} // namespace
