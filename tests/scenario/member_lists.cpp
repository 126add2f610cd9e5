#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "tests/scenario/support/name_server.hpp"
#include "tests/scenario/support/proxy.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::broker_pair;
using test::proxy;
using test::virtual_member;

/// Two brokers with two queues each, two members; the second one has lines of its own, which can be cut alone.
struct two_lists : broker_pair {
    two_lists() {
        first().create_topic("orders", 2);
        second().create_topic("orders", 2);
        for (auto* member : {&one, &two}) {
            member->subscribe("orders");
            REQUIRE(member->start() == std::error_code());
        }
        send_for(4s);
        REQUIRE(queues_of(two) == 2);
    }

    /// A message to each broker every 100 ms.
    void send_for(std::chrono::milliseconds time) {
        for (; time > 0ms; time -= 100ms) {
            for (auto* broker : {&first(), &second()})
                broker->send("orders", "m" + std::to_string(sent++));
            runtime.advance(100ms);
        }
    }

    /// Of the topic; the retry topic's come and go as well.
    static std::ptrdiff_t count(const virtual_member& member, std::string_view what) {
        return std::ranges::count_if(member.events(what),
                                     [](const auto& each) { return each.about.starts_with("orders/"); });
    }
    static std::ptrdiff_t queues_of(const virtual_member& member) {
        return count(member, "queue_acquired") - count(member, "queue_released");
    }

    int duplicates() const {
        auto all = one.counts();
        for (const auto& [body, times] : two.counts())
            all[body] += times;
        CHECK(all.size() == static_cast<std::size_t>(sent));
        int sum = 0;
        for (const auto& [body, times] : all)
            sum += times - 1;
        return sum;
    }

    const endpoint second_address{"broker-b", 10911};
    std::shared_ptr<memory_network> own_network = std::make_shared<memory_network>();
    proxy to_names{runtime, own_network, {"names", 9876}, network, {"names", 9876}};
    proxy to_first{runtime, own_network, address(), network, address()};
    proxy to_second{runtime, own_network, second_address, network, second_address};
    virtual_member one{*this, "one", member_options()};
    virtual_member two{*this, "two", member_options(), {}, own_network};
    int sent = 0;
};

TEST_CASE("a member that loses its line to one broker for a moment keeps its queues, and nothing comes twice",
          "[scenario]") {
    two_lists cluster;
    const auto shared_out = cluster.count(cluster.one, "queue_acquired") + cluster.count(cluster.two, "queue_acquired");
    for (int i = 0; i < 10; ++i) {
        cluster.own_network->cut(i % 2 ? cluster.second_address : cluster.address());
        cluster.send_for(3s);
    }
    CHECK(cluster.two.count("disconnect") >= 10);
    CHECK(cluster.count(cluster.one, "queue_acquired") + cluster.count(cluster.two, "queue_acquired") == shared_out);
    CHECK(cluster.one.stop() == std::error_code());
    CHECK(cluster.two.stop() == std::error_code());
    CHECK(cluster.duplicates() == 0);
}

TEST_CASE("the queues of a broker that a member does not reach go to who does, half a minute later", "[scenario]") {
    two_lists cluster;
    cluster.to_second.crash();
    cluster.send_for(15s);
    CHECK(cluster.queues_of(cluster.one) == 2); // it may come back at any moment
    cluster.send_for(45s);
    CHECK(cluster.queues_of(cluster.one) == 4);
    CHECK(cluster.one.stop() == std::error_code());
    cluster.duplicates(); // nothing is missing
}

} // namespace
