#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/scenario/support/proxy.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::proxy;
using test::slow_virtual_member;
using test::virtual_cluster;
using test::virtual_member;

constexpr int queues = 8;

/// A topic that is sent to all the time.
struct busy_cluster : virtual_cluster {
    busy_cluster() { broker().create_topic("orders", queues); }

    /// Ten messages each 100 ms.
    void send_for(std::chrono::milliseconds time) {
        for (; time > 0ms; time -= 100ms) {
            for (int i = 0; i < 10; ++i)
                broker().send("orders", "m" + std::to_string(sent++));
            runtime.advance(100ms);
        }
    }

    int sent = 0;
};

template <class... Members>
std::map<std::string, int> counts_of(const Members&... members) {
    std::map<std::string, int> all;
    const auto add = [&all](const virtual_member& member) {
        for (const auto& [body, times] : member.counts())
            all[body] += times;
    };
    (add(members), ...);
    return all;
}

int duplicates(const std::map<std::string, int>& counts) {
    int sum = 0;
    for (const auto& [body, times] : counts)
        sum += times - 1;
    return sum;
}

/// Follows who holds which queue of the topic, event by event.
struct ownership {
    std::map<std::string, std::string> owner; ///< By queue.
    std::vector<std::string> overlaps;

    explicit ownership(const test::event_log& log, const std::set<std::string>& crashed = {}) {
        for (const auto& one : log.everything()) {
            if (!one.about.starts_with("orders/") || crashed.contains(one.member))
                continue;
            if (one.what == "queue_acquired") {
                if (owner.contains(one.about))
                    overlaps.push_back(one.about + ": " + owner[one.about] + " and " + one.member);
                owner[one.about] = one.member;
            } else if (one.what == "queue_released" && owner[one.about] == one.member) {
                owner.erase(one.about);
            }
        }
    }

    std::size_t share(const std::string& member) const {
        return static_cast<std::size_t>(std::ranges::count(owner, member, [](const auto& each) { return each.second; }));
    }
};

TEST_CASE("members join and leave; each queue has one owner at any time, and no message comes twice", "[scenario]") {
    busy_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options());
    virtual_member three(cluster, "three", cluster.member_options());
    for (auto* member : {&one, &two, &three})
        member->subscribe("orders");

    const auto shares = [&] {
        const ownership now(*cluster.events);
        CHECK(now.overlaps == std::vector<std::string>());
        return std::vector{now.share("one"), now.share("two"), now.share("three")};
    };
    REQUIRE(one.start() == std::error_code());
    cluster.send_for(5s);
    CHECK(shares() == std::vector<std::size_t>{8, 0, 0});
    REQUIRE(two.start() == std::error_code());
    cluster.send_for(5s);
    CHECK(shares() == std::vector<std::size_t>{4, 4, 0});
    REQUIRE(three.start() == std::error_code());
    cluster.send_for(5s);
    CHECK(shares() == std::vector<std::size_t>{3, 2, 3}); // client ids sort as one, three, two
    REQUIRE(one.stop() == std::error_code());
    cluster.send_for(5s);
    CHECK(shares() == std::vector<std::size_t>{0, 4, 4});
    REQUIRE(three.stop() == std::error_code());
    cluster.send_for(5s);
    CHECK(shares() == std::vector<std::size_t>{0, 8, 0});
    REQUIRE(two.stop() == std::error_code());
    CHECK(shares() == std::vector<std::size_t>{0, 0, 0});

    const auto counts = counts_of(one, two, three);
    CHECK(counts.size() == static_cast<std::size_t>(cluster.sent));
    CHECK(duplicates(counts) == 0);
    CHECK(cluster.committed("orders", queues) == cluster.sent);
}

TEST_CASE("members that start one shortly after another share out without a duplicate", "[scenario]") {
    const auto apart = GENERATE(0ms, 100ms, 300ms, 400ms, 500ms, 600ms, 800ms, 900ms, 1100ms);
    CAPTURE(apart.count());
    busy_cluster cluster;
    cluster.send_for(1s);
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options());
    virtual_member three(cluster, "three", cluster.member_options());
    int started = 0;
    for (auto* member : {&one, &two, &three}) {
        member->subscribe("orders");
        member->begin_start([&](std::error_code failure) { started += !failure; });
        cluster.send_for(apart);
    }
    cluster.send_for(5s);
    CHECK(started == 3);
    const ownership now(*cluster.events);
    CHECK(now.overlaps == std::vector<std::string>());
    CHECK(now.owner.size() == queues);
    for (auto* member : {&one, &two, &three})
        CHECK(member->stop() == std::error_code());
    virtual_member rest(cluster, "rest", cluster.member_options());
    rest.subscribe("orders");
    REQUIRE(rest.start() == std::error_code());
    cluster.runtime.advance(2s);
    const auto counts = counts_of(one, two, three, rest);
    CHECK(counts.size() == static_cast<std::size_t>(cluster.sent));
    CHECK(duplicates(counts) == 0);
}

TEST_CASE("a member that joins has its share in two seconds, one that leaves is replaced in one", "[scenario]") {
    busy_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options());
    const auto share = [&](const std::string& member) { return ownership(*cluster.events).share(member); };
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send_for(5s);
    const auto begun = cluster.runtime.now();
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return share("two") == 4; }, 20s));
    CHECK(cluster.runtime.now() - begun <= 2s);
    cluster.send_for(5s);
    REQUIRE(two.stop() == std::error_code());
    const auto left = cluster.runtime.now();
    REQUIRE(cluster.run_until([&] { return share("one") == queues; }, 20s));
    CHECK(cluster.runtime.now() - left <= 1s);
}

TEST_CASE("two members that leave at once are replaced by the third", "[scenario]") {
    busy_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options());
    virtual_member three(cluster, "three", cluster.member_options());
    for (auto* member : {&one, &two, &three}) {
        member->subscribe("orders");
        REQUIRE(member->start() == std::error_code());
    }
    cluster.send_for(5s);
    one.begin_stop([](std::error_code) {});
    two.begin_stop([](std::error_code) {});
    cluster.send_for(5s);
    CHECK(ownership(*cluster.events).share("three") == queues);
    REQUIRE(three.stop() == std::error_code());
    const auto counts = counts_of(one, two, three);
    CHECK(counts.size() == static_cast<std::size_t>(cluster.sent));
    CHECK(duplicates(counts) == 0);
}

TEST_CASE("the queues of a member that crashed are taken over, and nothing is lost", "[scenario]") {
    busy_cluster cluster;
    const auto own_network = std::make_shared<memory_network>();
    proxy link(cluster.runtime, own_network, cluster.address(), cluster.network, cluster.address());
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options(), {}, own_network);
    for (auto* member : {&one, &two}) {
        member->subscribe("orders");
        REQUIRE(member->start() == std::error_code());
    }
    cluster.send_for(7s);
    CHECK(ownership(*cluster.events).share("two") == 4);
    const auto two_had = two.received().size();
    CHECK(two_had != 0);

    link.crash();
    const auto before = cluster.sent;
    cluster.send_for(3s);
    CHECK(ownership(*cluster.events, {"two"}).share("one") == queues);
    const auto counts = counts_of(one, two);
    CHECK(counts.size() == static_cast<std::size_t>(cluster.sent));
    CHECK(two.received().size() == two_had);
    // What the pulls and the last commit said of two's progress is at most a commit interval old.
    CHECK(duplicates(counts) <= before / 2);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("of each queue of a member that crashed no more comes again than its span and one pull", "[scenario]") {
    const bool stuck = GENERATE(true, false);
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 2);
    cluster.send("orders", 2000);
    auto with                = cluster.member_options();
    with.max_span            = 50;
    const auto own_network   = std::make_shared<memory_network>();
    proxy link(cluster.runtime, own_network, cluster.address(), cluster.network, cluster.address());
    const auto listener = [&](test::message_span messages, consume_context&) -> test::slow_result {
        const bool hangs = stuck && messages.front().queue_offset() == 20;
        co_await test::pause_for(cluster.runtime, hangs ? 1min : 1ms);
        co_return consume_result::success;
    };
    slow_virtual_member one(cluster, "one", with, listener, own_network);
    virtual_member two(cluster, "two", with);
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(stuck ? 4s : 17ms); // before the first commit by the clock
    link.crash();
    REQUIRE_FALSE(one.received().empty());
    REQUIRE(one.received().size() < 2000);
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return two.received().size() + one.received().size() >= 2000; }));
    cluster.runtime.advance(3s);

    std::map<std::int32_t, std::size_t> again;
    auto all         = two.counts();
    const auto first = one.counts();
    for (const auto& message : two.received())
        again[message.queue_id] += first.contains(message.body);
    all.insert(first.begin(), first.end());
    CHECK(all.size() == 2000);
    for (const auto& [queue, count] : again) {
        CHECK(count <= 50 + static_cast<std::size_t>(with.pull_batch_size));
        CHECK((count > 40 || !stuck)); // so the span does hold it back
    }
}

TEST_CASE("a member whose line went dead is replaced when the broker's patience is over, and may come back", "[scenario]") {
    busy_cluster cluster;
    const auto own_network = std::make_shared<memory_network>();
    proxy link(cluster.runtime, own_network, cluster.address(), cluster.network, cluster.address());
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options(), {}, own_network);
    for (auto* member : {&one, &two}) {
        member->subscribe("orders");
        REQUIRE(member->start() == std::error_code());
    }
    cluster.send_for(3s);
    REQUIRE(ownership(*cluster.events).share("two") == 4);
    link.fall_silent();
    cluster.send_for(150s);
    CHECK(cluster.broker().members("billing").size() == 1);
    CHECK(ownership(*cluster.events, {"two"}).share("one") == queues);

    link.speak_again();
    cluster.send_for(60s);
    CHECK(cluster.broker().members("billing").size() == 2);
    CHECK(one.stop() == std::error_code());
    cluster.send_for(5s);
    CHECK(two.stop() == std::error_code());
    CHECK(counts_of(one, two).size() == static_cast<std::size_t>(cluster.sent));
}

TEST_CASE("a member beyond the number of queues waits, and steps in when it is needed", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 3, "early");
    virtual_member one(cluster, "one", cluster.member_options());
    virtual_member two(cluster, "two", cluster.member_options());
    for (auto* member : {&one, &two}) {
        member->subscribe("orders");
        REQUIRE(member->start() == std::error_code());
    }
    cluster.runtime.advance(3s);
    CHECK(one.received().size() == 3);
    CHECK(two.received().empty());
    REQUIRE(one.stop() == std::error_code());
    const auto left = cluster.runtime.now();
    cluster.send("orders", 1, "late");
    REQUIRE(cluster.run_until([&] { return two.received().size() == 1; }));
    CHECK(cluster.runtime.now() - left < 1500ms);
    CHECK(two.received().front().body == "late0");
}

} // namespace
