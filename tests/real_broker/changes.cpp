#include <algorithm>
#include <chrono>
#include <string>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

bool wait_for_distinct(const journal& seen, std::size_t count, std::chrono::milliseconds patience = 60s) {
    return wait_until([&] { return seen.distinct() == count; }, patience);
}

TEST_CASE("topics are subscribed and taken back while a consumer runs, within a second") {
    const auto first = make_topic("first-topic", 4), second = make_topic("second-topic", 4);
    send(second, 40);
    journal seen;
    member consumer("here", seen, member::of_group("changing-group"));
    consumer.subscribe(first).start();
    std::this_thread::sleep_for(3s);
    auto asked = std::chrono::steady_clock::now();
    consumer.subscribe(second);
    CHECK(wait_for_distinct(seen, 40));
    print_figure("subscribe while running, until the last of 40 messages", std::chrono::steady_clock::now() - asked);
    CHECK(std::chrono::steady_clock::now() - asked < 3s);

    asked = std::chrono::steady_clock::now();
    consumer.unsubscribe(second);
    print_figure("unsubscribe while running", std::chrono::steady_clock::now() - asked);
    const json connection = ask_until_answered("consumer-connection changing-group");
    for (const json& each : connection.at("subscriptions"))
        CHECK(each.at("topic") != second);
    send(second, 10);
    std::this_thread::sleep_for(2s);
    CHECK(seen.distinct() == 40);
    consumer.stop(); // while a group is there, brokers tell offsets of the topics that it has subscribed only
    CHECK(wait_until([&] { return committed_offsets("changing-group", second) == 40; }));
}

TEST_CASE("queues that are added are read from their first message on") {
    const auto topic = make_topic("growing", 2);
    journal seen;
    auto with                = member::of_group("growing-group");
    with.from                = consume_from::last;
    with.route_poll_interval = 2s; // 30 s else
    member consumer("here", seen, with);
    consumer.subscribe(topic).start();
    std::this_thread::sleep_for(1s);
    java().ask("create-topic growing 4");
    send(topic, 40);
    CHECK(wait_for_distinct(seen, 40));
    CHECK(seen.queues("here", topic).size() == 4);
}

TEST_CASE("a topic that is deleted and made anew is read from its beginning") {
    const auto topic = make_topic("anew", 2);
    journal seen;
    member consumer("here", seen, member::of_group("anew-group"));
    consumer.subscribe(topic).start();
    send(topic, 20);
    REQUIRE(wait_for_distinct(seen, 20));
    java().ask("delete-topic anew");
    std::this_thread::sleep_for(3s);
    make_topic("anew", 2);
    send(topic, 6);
    CHECK(wait_for_distinct(seen, 26));
    std::this_thread::sleep_for(2s);
    CHECK(seen.duplicates() == 0);
}

TEST_CASE("an administrator's reset holds on a busy and on an idle queue", "[resets]") {
    const auto topic = make_topic("reset", 2);
    journal seen;
    member consumer("here", seen, member::of_group("reset-group"));
    consumer.subscribe(topic).start();
    send(topic, 40);
    REQUIRE(wait_for_distinct(seen, 40));
    for (const bool busy : {false, true}) {
        INFO((busy ? "busy" : "idle"));
        const auto before = seen.deliveries();
        const auto asked  = std::chrono::steady_clock::now();
        java().ask("reset-offset reset-group reset 0");
        if (busy)
            send(topic, 8);
        CHECK(wait_until([&] { return seen.deliveries() >= before + 40 + (busy ? 8 : 0); }, 40s));
        print_figure(std::string("reset of a group, until all came again, ") + (busy ? "busy" : "idle"),
                     std::chrono::steady_clock::now() - asked);
        CHECK(wait_until([&] { return all_committed("reset-group", topic); }));
    }
    java().ask("reset-offset reset-group reset -1");
    send(topic, 8);
    CHECK(wait_until([&] { return all_committed("reset-group", topic); }));
}

TEST_CASE("a suspended consumer reads nothing new, and goes on at once; a queue goes where it is told") {
    const auto topic = make_topic("suspended", 1);
    journal seen;
    member consumer("here", seen, member::of_group("suspended-group"));
    consumer.subscribe(topic).start();
    send(topic, 10);
    REQUIRE(wait_for_distinct(seen, 10));
    consumer.suspend(true);
    send(topic, 1); // what a pull under way brings is consumed
    CHECK(wait_for_distinct(seen, 11));
    send(topic, 10);
    std::this_thread::sleep_for(3s);
    CHECK(seen.distinct() == 11);
    CHECK(consumer.statistics().suspended);
    consumer.suspend(false);
    CHECK(wait_for_distinct(seen, 21, 2s));

    const auto statistics = consumer.statistics();
    const auto queue      = std::ranges::find(statistics.queues, topic, [](const auto& q) { return q.queue.topic; });
    REQUIRE(queue != statistics.queues.end());
    consumer.seek(queue->queue, 16);
    CHECK(wait_until([&] { return seen.deliveries() == 21 + 5; }, 5s));
    CHECK(wait_until([&] { return all_committed("suspended-group", topic); }));
}

TEST_CASE("a group that asks strictly begins at the end of a young queue, if the broker knows how") {
    const auto topic = make_topic("strict", 1);
    send(topic, 10);
    auto with        = member::of_group("strict-group");
    with.from        = consume_from::last;
    with.strict_from = true;
    journal seen;
    member consumer("here", seen, with);
    consumer.subscribe(topic).start();
    std::this_thread::sleep_for(1s);
    send(topic, 1);
    CHECK(wait_until([&] { return seen.of(10).size() == 1; }));
    CHECK(seen.distinct() == (cluster_variable("ROCKETPUSH_VERSION").starts_with("4.") ? 11 : 1));
}

} // namespace
