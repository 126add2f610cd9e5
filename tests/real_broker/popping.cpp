#include <rocketpush/core/names.hpp>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "story.hpp"

/// Groups that brokers have pop, on a broker that can (5.x).
namespace {

using namespace rocketpush;
using namespace rocketpush::test;

bool can_pop() { return cluster_variable("ROCKETPUSH_VERSION").front() >= '5'; }

void set_mode(const std::string& group, const std::string& topic, const std::string& mode) {
    java().ask("consume-mode " + group + " " + topic + " " + mode);
}

options popping_options(const std::string& group) {
    auto with               = member::of_group(group);
    with.rebalance_interval = 1s;
    return with;
}

std::size_t acks(const journal& seen) {
    return seen.read([](const auto& e) { return e.acks; });
}
bool pops(const journal& seen, const std::string& name, const std::string& topic) {
    return seen.read([&](const journal::entries& e) {
        const auto found = e.popped.find(name);
        return found != e.popped.end() && found->second.contains({topic, "broker-a", -1});
    });
}

TEST_CASE("with broker_allocation an old broker's members share out by themselves") {
    if (can_pop())
        return;
    const auto topic = make_topic("not-popped", 4);
    send(topic, 40);
    journal seen;
    member one("one", seen, popping_options("not-popped-group"), {}, sharing::by_broker);
    one.subscribe(topic).start();
    CHECK(wait_until([&] { return seen.distinct() == 40 && all_committed("not-popped-group", topic); }));
    CHECK(one.statistics().popped.empty());
    one.stop();
}

TEST_CASE("a broker that says PULL has its queues pulled, and offsets committed") {
    if (!can_pop())
        return;
    const auto topic = make_topic("asked", 4);
    send(topic, 40);
    journal seen;
    member one("one", seen, popping_options("asked-group"), {}, sharing::by_broker);
    one.subscribe(topic).start();
    CHECK(wait_until([&] { return seen.distinct() == 40 && all_committed("asked-group", topic); }));
    CHECK(one.statistics().popped.empty());
    one.stop();
    CHECK(seen.deliveries() == 40);
}

TEST_CASE("everything of a popped topic is consumed once and acknowledged") {
    if (!can_pop())
        return;
    const auto topic = make_topic("popped", 4);
    set_mode("popped-group", topic, "POP");
    send(topic, 400);
    journal seen;
    const auto begun        = std::chrono::steady_clock::now();
    auto with               = popping_options("popped-group");
    with.pop_invisible_time = 6s; // what is not acknowledged comes again while we look
    member one("one", seen, with, {}, sharing::by_broker);
    one.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 400; }));
    print_figure("400 messages popped, from start on", std::chrono::steady_clock::now() - begun);
    CHECK(wait_until([&] { return acks(seen) == 400; }));
    CHECK(pops(seen, "one", topic));
    send(topic, 10);
    CHECK(wait_until([&] { return acks(seen) == 410; }));
    wait_until([] { return false; }, 12s);
    CHECK(seen.deliveries() == 410);
    for (const auto& each : seen.all()) {
        CHECK(each.kept->topic() == topic);
        CHECK(each.kept->queue_id() >= 0);
    }
    one.stop();
}

TEST_CASE("a popped topic is shared with a Java member") {
    if (!can_pop())
        return;
    const auto topic = make_topic("popped-shared", 4);
    set_mode("popped-shared-group", topic, "POP");
    journal seen;
    member one(
        "one", seen, popping_options("popped-shared-group"),
        [](std::span<const message_view>, consume_context&) {
            std::this_thread::sleep_for(20ms);
            return consume_result::success;
        },
        sharing::by_broker);
    one.subscribe(topic).start();
    java().ask("join popped-shared-group " + topic + " name=popper assignment=broker delay-ms=20");
    REQUIRE(wait_until([&] { return pops(seen, "one", topic); }));
    wait_until([] { return false; }, 3s); // until the Java member pops as well
    std::set<long> both;
    const auto theirs = [] { return java().messages("popper"); };
    send(topic, 600);
    CHECK(wait_until([&] {
        both.clear();
        for (const auto& each : seen.all())
            both.insert(each.sequence);
        for (const auto& each : theirs())
            both.insert(std::stol(each.at("body").get<std::string>()));
        return both.size() == 600;
    }));
    CHECK(seen.deliveries() > 0);
    CHECK(!theirs().empty());
    CHECK(seen.deliveries() + theirs().size() == 600);
    print_figure("of 600 popped messages, to the Java member", theirs().size());
    one.stop();
    java().ask("leave popper");
}

TEST_CASE("a popped message that failed comes again after ten seconds, with what it was") {
    if (!can_pop())
        return;
    const auto topic = make_topic("popped-retry", 2);
    set_mode("popped-retry-group", topic, "POP");
    send(topic, 4, "tags=red property.color=blue");
    journal seen;
    member one(
        "one", seen, popping_options("popped-retry-group"),
        [](std::span<const message_view> messages, consume_context&) {
            return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
        },
        sharing::by_broker);
    one.subscribe(topic, tags("red")).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 8; }));
    CHECK(wait_until([&] { return acks(seen) == 4; }));
    one.stop();
    steady_time::duration longest{};
    for (long sequence = 0; sequence < 4; ++sequence) {
        const auto tries = seen.of(sequence);
        REQUIRE(tries.size() == 2);
        longest = std::max(longest, tries[1].at - tries[0].at);
        CHECK(tries[1].at - tries[0].at >= 9s);
        CHECK(tries[1].kept->reconsume_times() == 1);
        CHECK(tries[1].kept->topic() == topic);
        CHECK(tries[1].kept->tags() == "red");
        CHECK(tries[1].kept->property("color") == "blue");
        CHECK(tries[1].kept->message_id() == tries[0].kept->message_id());
    }
    print_figure("a failed popped message, hidden for 10 s, came again after", longest);
    CHECK(longest < 25s);
}

TEST_CASE("what a member popped and did not acknowledge comes to another when its time is over") {
    if (!can_pop())
        return;
    const auto topic = make_topic("popped-crash", 2);
    set_mode("popped-crash-group", topic, "POP");
    send(topic, 6);
    auto with               = popping_options("popped-crash-group");
    with.pop_invisible_time = 6s;
    journal seen, after;
    std::atomic<bool> gone{false};
    {
        member one(
            "one", seen, with,
            [&](std::span<const message_view>, consume_context&) {
                while (!gone)
                    std::this_thread::sleep_for(5ms);
                return consume_result::success;
            },
            sharing::by_broker);
        one.subscribe(topic).start();
        REQUIRE(wait_until([&] { return seen.deliveries() == 4; })); // as many as threads
        CHECK(one.stop(0ms) == error::stop_deadline_passed);
        gone = true;
    }
    CHECK(acks(seen) == 0);
    member two("two", after, with, {}, sharing::by_broker);
    two.subscribe(topic).start();
    CHECK(wait_until([&] { return after.distinct() == 6; }));
    for (const auto& each : after.all())
        CHECK(each.kept->reconsume_times() == 1);
    two.stop();
}

TEST_CASE("a call that lasts longer than the invisible time gets its message once") {
    if (!can_pop())
        return;
    const auto topic = make_topic("popped-slow", 1);
    set_mode("popped-slow-group", topic, "POP");
    send(topic, 2);
    auto with               = popping_options("popped-slow-group");
    with.pop_invisible_time = 6s;
    journal seen;
    member one(
        "one", seen, with,
        [](std::span<const message_view>, consume_context&) {
            std::this_thread::sleep_for(15s);
            return consume_result::success;
        },
        sharing::by_broker);
    one.subscribe(topic).start();
    REQUIRE(wait_until([&] { return acks(seen) == 2; }));
    wait_until([] { return false; }, 12s);
    CHECK(seen.deliveries() == 2);
    CHECK(seen.read([](const auto& e) { return e.hidden; }) >= 8); // each 3 s, of two messages
    CHECK(seen.read([](const auto& e) { return e.expired; }) == 0);
    one.stop();
}

TEST_CASE("a popped message becomes a dead letter: at level -1, and after the maximum") {
    if (!can_pop())
        return;
    const auto topic = make_topic("popped-dead", 1);
    set_mode("popped-dead-group", topic, "POP");
    send(topic, 3);
    auto with                = popping_options("popped-dead-group");
    with.max_reconsume_times = 1;
    journal seen, dead;
    member one(
        "one", seen, with,
        [](std::span<const message_view> messages, consume_context& context) {
            context.delay_level = messages.front().body() == "0" ? -1 : 0;
            return consume_result::reconsume_later;
        },
        sharing::by_broker);
    one.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.read([](const auto& e) { return e.send_backs; }) == 3; }));
    CHECK(wait_until([&] { return acks(seen) == 3; }));
    CHECK(seen.of(0).size() == 1);
    CHECK(seen.of(1).size() == 2);
    member undertaker("undertaker", dead, member::of_group("popped-dead-undertaker"));
    undertaker.subscribe(dlq_topic("popped-dead-group")).start();
    CHECK(wait_until([&] { return dead.distinct() == 3; }));
    undertaker.stop();
    CHECK(dead.deliveries() == 3);
    one.stop();
    CHECK(seen.deliveries() == 5);
}

TEST_CASE("a topic that changes between pulled and popped while it is consumed loses nothing") {
    if (!can_pop())
        return;
    const auto topic        = make_topic("switched", 4);
    const std::string group = "switched-group";
    set_mode(group, topic, "PULL");
    journal seen;
    // Some fail once: they wait in one retry topic or the other when the mode changes.
    member one(
        "one", seen, popping_options(group),
        [](std::span<const message_view> messages, consume_context&) {
            const auto& m = messages.front();
            return m.body().ends_with('7') && m.reconsume_times() == 0 ? consume_result::reconsume_later
                                                                       : consume_result::success;
        },
        sharing::by_broker);
    one.subscribe(topic).start();
    long sent         = 0;
    const auto stream = [&](std::chrono::seconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            send(topic, 20);
            sent += 20;
        }
    };
    stream(2s);
    for (const std::string mode : {"POP", "PULL", "POP", "PULL"}) {
        set_mode(group, topic, mode);
        stream(2s);
        CHECK(wait_until([&] { return pops(seen, "one", topic) == (mode == "POP"); }));
        stream(1s);
    }
    const auto complete = [&] {
        return seen.read([&](const journal::entries& e) {
            if (e.times.size() != static_cast<std::size_t>(sent))
                return false;
            for (const auto& [sequence, times] : e.times)
                if (sequence % 10 == 7 && times < 2)
                    return false;
            return true;
        });
    };
    CHECK(wait_until(complete, 120s));
    print_figure("messages while the mode changed four times", static_cast<std::size_t>(sent));
    print_figure("  of them more often than their failures ask for",
                 seen.deliveries() - static_cast<std::size_t>(sent) - static_cast<std::size_t>(sent / 10));
    one.stop();
}

} // namespace
