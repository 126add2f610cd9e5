#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::virtual_cluster;

/// A process with a member of each of many groups, on one client.
template <class Member>
class many_groups {
  public:
    template <class Function>
    many_groups(virtual_cluster& cluster, int count, Function listener, std::size_t most_bytes = std::size_t{1} << 30)
        : cluster_(cluster), client_(cluster, {.name_servers = to_string(cluster.address())}) {
        for (int i = 0; i < count; ++i) {
            auto with               = cluster.member_options(name(i));
            with.max_consumer_bytes = most_bytes;
            members.push_back(std::make_unique<Member>(cluster, client_, name(i), with, listener));
            members.back()->subscribe("orders");
        }
    }

    static std::string name(int number) { return "group" + std::to_string(number); }

    /// All at once. @return How many have, within 10 s.
    std::size_t start() {
        const auto good = std::make_shared<std::size_t>(0);
        for (auto& each : members)
            each->begin_start([good](std::error_code failure) { *good += !failure; });
        cluster_.run_until([&] { return *good == members.size(); }, 10s);
        return *good;
    }
    bool all_have(std::size_t messages, std::chrono::seconds within) {
        return cluster_.run_until(
            [&] {
                return std::ranges::all_of(members,
                                           [&](const auto& each) { return each->received().size() >= messages; });
            },
            within);
    }
    /// Those that their group's brokers know of.
    std::size_t known() {
        std::size_t count = 0;
        for (int i = 0; i < static_cast<int>(members.size()); ++i)
            count += cluster_.broker().members(name(i)).size();
        return count;
    }

  private:
    virtual_cluster& cluster_;
    typename Member::shared_client client_;

  public:
    std::vector<std::unique_ptr<Member>> members;
};

struct orders_cluster : virtual_cluster {
    orders_cluster() {
        broker().create_topic("orders", 4);
        send("orders", 20);
    }
    auto requests(request_code code) { return broker().statistics().requests_of(code); }
};

TEST_CASE("two hundred groups of a process share connection, heartbeats and routes, and each gets all", "[scenario]") {
    constexpr int groups = 200;
    orders_cluster cluster;
    many_groups<test::virtual_member> process(cluster, groups, test::listener_function());
    REQUIRE(process.start() == groups);
    REQUIRE(process.all_have(20, 5s)); // none waits for the next regular heartbeat
    CHECK(cluster.broker().statistics().connections_accepted == 1);
    CHECK(process.known() == groups);

    cluster.runtime.advance(130s); // retry topics have come, and routes are not asked for often any more
    const auto beats  = cluster.requests(request_code::heart_beat),
               routes = cluster.requests(request_code::get_route_info);
    cluster.runtime.advance(5min);
    // One every 30 s for all, and one of nobody each time when nothing has come for 10 s: pulls are held for 15 s.
    CHECK(cluster.requests(request_code::heart_beat) - beats == 20);
    const auto asked = cluster.requests(request_code::get_route_info) - routes;
    CHECK(asked > 9 * (1 + groups)); // the topic's, and each retry topic's, every 30 s
    CHECK(asked <= 10 * (1 + groups));
    CHECK(process.known() == groups); // the broker forgets who is in no heartbeat for 120 s
    CHECK(cluster.broker().statistics().connections_accepted == 1);

    for (int i = 0; i < groups; i += 2)
        REQUIRE(process.members[static_cast<std::size_t>(i)]->stop() == std::error_code());
    CHECK(process.known() == groups / 2);
    cluster.send("orders", 10, "later");
    cluster.runtime.advance(3min);
    for (std::size_t i = 0; i < process.members.size(); ++i)
        REQUIRE(process.members[i]->counts().size() == (i % 2 == 0 ? 20u : 30u));
    CHECK(process.known() == groups / 2);
    CHECK(cluster.broker().statistics().connections_accepted == 1);
    CHECK(process.members[1]->statistics().block_bytes < 1 << 20); // of all; nothing is held any more
}

TEST_CASE("the start of one more group tells brokers of that one", "[scenario]") {
    orders_cluster cluster;
    many_groups<test::virtual_member> process(cluster, 50, test::listener_function());
    for (auto& each : process.members)
        REQUIRE(each->start() == std::error_code());
    const auto before = cluster.requests(request_code::heart_beat);
    CHECK(before <= 50);
    cluster.runtime.advance(10s); // retry topics come; none of them brings a heartbeat
    CHECK(cluster.requests(request_code::heart_beat) <= before + 1);
    CHECK(process.all_have(20, 1s));
}

TEST_CASE("groups whose listeners hang hold no more than their budgets, and let go of all when they go on",
          "[scenario]") {
    constexpr std::size_t groups = 10, budget = 1 << 20, answer = 512 * 1024;
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    const std::string body(16 * 1024, 'x');
    for (int i = 0; i < 400; ++i) // more than six times what a group may hold
        cluster.broker().send("orders", std::to_string(i) + body);
    bool open = false;
    many_groups<test::slow_virtual_member> process(
        cluster, groups,
        [&](auto, auto&) -> test::slow_result {
            while (!open)
                co_await test::pause_for(cluster.runtime, 10ms);
            co_return consume_result::success;
        },
        budget);
    REQUIRE(process.start() == groups);
    std::size_t most = 0;
    for (int i = 0; i < 50; ++i) {
        cluster.runtime.advance(100ms);
        most = std::max(most, process.members.front()->statistics().block_bytes); // of all groups
    }
    CHECK(most > groups * budget / 4);
    CHECK(most < groups * (budget + answer));
    open = true;
    REQUIRE(process.all_have(400, 60s));
    cluster.runtime.advance(20s);
    CHECK(process.members.front()->statistics().block_bytes < 2 * 1024 * 1024);
}

} // namespace
