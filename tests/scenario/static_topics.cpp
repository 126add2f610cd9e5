#include "tests/scenario/support/name_server.hpp"
#include "tests/scenario/support/virtual_member.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/order_witness.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::broker_pair;
using test::each_once;
using test::message_span;
using test::slow_orderly_member;
using test::slow_result;
using test::virtual_broker;
using test::virtual_member;

/// Two brokers; of the static topic `orders` each leads two of four queues, whose first offset is 100.
struct static_pair : broker_pair {
    static_pair() {
        first().create_static_topic("orders", 4, 100, std::vector{0, 1});
        second().create_static_topic("orders", 4, 100, std::vector{2, 3});
    }

    /// `count` messages to one queue, at the broker that leads it.
    void fill(virtual_broker& at, std::int32_t queue, int count, const std::string& prefix) {
        for (int i = 0; i < count; ++i)
            at.send("orders", prefix + std::to_string(queue) + '-' + std::to_string(i), {.queue = queue});
    }
    void fill_all(int count, const std::string& prefix) {
        for (std::int32_t id = 0; id < 4; ++id)
            fill(id < 2 ? first() : second(), id, count, prefix);
    }
};

/// Offsets of the messages that came from one queue, as they came.
template <class Member>
std::vector<queue_offset> offsets_of(const Member& member, std::int32_t queue) {
    std::vector<queue_offset> found;
    for (const auto& one : member.received())
        if (one.queue_id == queue)
            found.push_back(one.offset);
    return found;
}

TEST_CASE("a static topic over two brokers is read by the ids and offsets of the whole topic", "[scenario]") {
    static_pair cluster;
    cluster.fill_all(10, "m");
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 40; }, 5s));
    for (std::int32_t id = 0; id < 4; ++id) {
        const auto offsets = offsets_of(one, id);
        CHECK(offsets.size() == 10);
        CHECK(offsets.front() == 100);
        CHECK(std::ranges::is_sorted(offsets));
    }
    // Busy pulls: none of them may commit, for brokers take that for an offset of their own.
    for (int i = 0; i < 10; ++i) {
        cluster.fill_all(1, "n" + std::to_string(i) + '-');
        cluster.runtime.advance(100ms);
        for (std::int32_t id = 0; id < 4; ++id) {
            auto& at = id < 2 ? cluster.first() : cluster.second();
            CHECK(at.committed_offset("billing", "orders", id).value_or(0) <= at.max_offset("orders", id));
        }
    }
    REQUIRE(one.stop() == std::error_code());
    CHECK(each_once(std::vector{&one}, 80));
    for (std::int32_t id = 0; id < 4; ++id)
        CHECK((id < 2 ? cluster.first() : cluster.second()).committed_offset("billing", "orders", id) == 120);
}

TEST_CASE("two members share the queues of a static topic, wherever they are", "[scenario]") {
    static_pair cluster;
    virtual_member one(cluster, "one", cluster.member_options()), two(cluster, "two", cluster.member_options());
    for (auto* each : {&one, &two}) {
        each->subscribe("orders");
        REQUIRE(each->start() == std::error_code());
    }
    cluster.runtime.advance(5s);
    cluster.fill_all(5, "m");
    cluster.runtime.advance(2s);
    CHECK(one.received().size() == 10);
    CHECK(each_once(std::vector{&one, &two}, 20));
}

TEST_CASE("a static topic's queue that another broker leads now is read on there, and nothing is lost", "[scenario]") {
    static_pair cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    cluster.fill(cluster.first(), 1, 3, "before");
    cluster.runtime.advance(1s);
    REQUIRE(one.received().size() == 3);
    one.suspend();
    cluster.runtime.advance(16s); // the pull that the broker held is over
    cluster.fill(cluster.first(), 1, 4, "unread");
    cluster.first().move_queue("orders", 1, cluster.second());
    cluster.fill(cluster.second(), 1, 5, "after");
    one.resume();
    const auto asked = cluster.names.asked("orders");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 12; }, 3s)); // not only when the route is due
    CHECK(cluster.names.asked("orders") == asked + 1);
    CHECK(each_once(std::vector{&one}, 12));
    CHECK(offsets_of(one, 1) ==
          std::vector<queue_offset>{100, 101, 102, 103, 104, 105, 106, 10000, 10001, 10002, 10003, 10004});
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.second().committed_offset("billing", "orders", 1) == 10005);
    CHECK(cluster.second().consumed("billing", "orders"));
}

TEST_CASE("a queue that moves while it is pulled, committed and taken over is owned all the time", "[scenario]") {
    static_pair cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    int sent = 0;
    for (int turn = 0; turn < 6; ++turn) {
        auto& from = turn % 2 == 0 ? cluster.first() : cluster.second();
        auto& to   = turn % 2 == 0 ? cluster.second() : cluster.first();
        for (int i = 0; i < 20; ++i, ++sent) {
            from.send("orders", "m" + std::to_string(sent), {.queue = 0});
            cluster.runtime.advance(37ms);
        }
        from.move_queue("orders", 0, to);
        to.send("orders", "m" + std::to_string(sent++), {.queue = 0});
        // Another member comes and goes meanwhile: it may take the queue over from the new broker.
        virtual_member guest(cluster, "guest" + std::to_string(turn), cluster.member_options());
        guest.subscribe("orders");
        REQUIRE(guest.start() == std::error_code());
        cluster.runtime.advance(20s);
        REQUIRE(guest.stop() == std::error_code());
        CHECK(guest.count("offset_corrected") == 0);
        for (const auto& got : guest.received())
            CHECK(one.counts().count(got.body) == 0);
        sent -= static_cast<int>(guest.received().size());
        cluster.runtime.advance(5s);
    }
    CHECK(each_once(std::vector{&one}, static_cast<std::size_t>(sent)));
    CHECK(one.count("offset_corrected") == 0);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.first().consumed("billing", "orders"));
}

TEST_CASE("a name server that has not heard of a move does not take a queue back", "[scenario]") {
    static_pair cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    cluster.names.freeze("orders"); // another name server, of which nobody knows that it lags
    cluster.first().move_queue("orders", 0, cluster.second());
    cluster.names.thaw();
    cluster.fill(cluster.second(), 0, 5, "m");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 5; }, 40s));

    cluster.names.change = [](const std::string& topic, protocol::route_data& route) {
        if (topic != "orders")
            return;
        for (auto& each : route.mappings) { // as before the move
            each.epoch        = 1;
            each.physical_ids = each.broker_name == "broker-a" ? std::map<std::int32_t, std::int32_t>{{0, 3}, {1, 2}}
                                                               : std::map<std::int32_t, std::int32_t>{{2, 1}, {3, 0}};
        }
    };
    const auto failures = one.count("pull_failure");
    cluster.runtime.advance(60s);
    cluster.fill(cluster.second(), 0, 5, "n");
    cluster.runtime.advance(1s);
    CHECK(each_once(std::vector{&one}, 10));
    CHECK(one.count("pull_failure") == failures);
}

TEST_CASE("a queue of a static topic that nobody leads is waited for", "[scenario]") {
    static_pair cluster;
    cluster.names.change = [](const std::string&, protocol::route_data& route) {
        for (auto& each : route.mappings)
            each.physical_ids.erase(3);
    };
    cluster.fill_all(2, "m");
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10s);
    CHECK(one.received().size() == 6);
    cluster.names.change = nullptr;
    REQUIRE(cluster.run_until([&] { return one.received().size() == 8; }, 4s));
    CHECK(each_once(std::vector{&one}, 8));
}

TEST_CASE("a message of a static topic that fails comes again through the retry topic, as a copy", "[scenario]") {
    static_pair cluster;
    int calls = 0;
    virtual_member one(cluster, "one", cluster.member_options(), [&](message_span messages, consume_context&) {
        return messages.front().body() == "m3-0" && ++calls == 1 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    cluster.fill_all(1, "m");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 5; }, 15s));
    CHECK(one.received().back().body == "m3-0");
    CHECK(one.received().back().reconsume_times == 1);
    for (auto* broker : {&cluster.first(), &cluster.second()})
        CHECK(broker->statistics().requests_of(protocol::request_code::consumer_send_back) == 0);
}

TEST_CASE("in order, a static topic's queue is locked where it is led, and keeps its order when it moves",
          "[scenario][orderly]") {
    static_pair cluster;
    test::order_witness witness;
    const auto slowly = [&](message_span messages, orderly_context&) -> slow_result {
        const auto& message = messages.front();
        witness.begin(message);
        co_await test::pause_for(cluster.runtime, 60ms);
        witness.end(message);
        co_return consume_result::success;
    };
    slow_orderly_member one(cluster, "one", cluster.member_options(), slowly), two(cluster, "two", cluster.member_options(), slowly);
    for (auto* each : {&one, &two}) {
        each->subscribe("orders");
        REQUIRE(each->start() == std::error_code());
    }
    cluster.runtime.advance(5s);
    for (std::int32_t id = 0; id < 4; ++id)
        CHECK(!(id < 2 ? cluster.first() : cluster.second()).lock_owner("billing", "orders", id).empty());
    CHECK(cluster.second().lock_owner("billing", "orders", 1).empty());

    cluster.fill_all(30, "m");
    cluster.runtime.advance(500ms);
    const auto routes = cluster.events->count("route_changed");
    cluster.first().move_queue("orders", 1, cluster.second());
    cluster.fill(cluster.second(), 1, 30, "after");
    REQUIRE(cluster.run_until([&] { return cluster.events->count("route_changed") > routes; }, 10s));
    cluster.runtime.advance(10ms); // by its owner, who was refused; not only when locks are renewed the next time
    CHECK(!cluster.second().lock_owner("billing", "orders", 1).empty());
    REQUIRE(cluster.run_until([&] { return one.received().size() + two.received().size() == 150; }, 60s));
    CHECK(!cluster.second().lock_owner("billing", "orders", 1).empty());
    CHECK(each_once(std::vector{&one, &two}, 150));
    CHECK(witness.overlaps() == 0);
    CHECK(witness.repeats() == 0);
    for (const auto* each : {&one, &two})
        for (std::int32_t id = 0; id < 4; ++id)
            CHECK(std::ranges::is_sorted(offsets_of(*each, id)));

    REQUIRE(one.stop() == std::error_code());
    REQUIRE(two.stop() == std::error_code());
    for (std::int32_t id = 0; id < 4; ++id) {
        CHECK((id == 0 ? cluster.first() : cluster.second()).lock_owner("billing", "orders", id).empty());
        CHECK((id == 0 ? cluster.first() : cluster.second()).committed_offset("billing", "orders", id) ==
              (id == 1 ? 10030 : 130));
    }
}

} // namespace
