#include <rocketpush/core/names.hpp>

#include <chrono>
#include <map>
#include <span>
#include <string>

#include "orderly_member.hpp"
#include "story.hpp"

// Through the remoting port of a 5.x proxy, which stands for name server and brokers. Messages are sent past it.

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

TEST_CASE("through a proxy a group consumes everything once and commits it") {
    const auto topic = make_topic("proxied", 4);
    send(topic, 100, "tags=red,blue");
    journal seen;
    member one("one", seen, member::of_group("proxied-group")), two("two", seen, member::of_group("proxied-group"));
    one.subscribe(topic, tags("red")).start();
    two.subscribe(topic, tags("red")).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 50; }));
    REQUIRE(wait_until([&] { return seen.queues("one", topic).size() == 2 && seen.queues("two", topic).size() == 2; }));
    const auto sent = std::chrono::steady_clock::now();
    send(topic, 10, "tags=red"); // pulls are held through the proxy, too
    REQUIRE(wait_until([&] { return seen.distinct() == 60; }));
    print_figure("through the proxy: ten messages sent and consumed", std::chrono::steady_clock::now() - sent);
    CHECK(std::chrono::steady_clock::now() - sent < 3s);
    CHECK(wait_until([&] { return all_committed("proxied-group", topic); }));
    const auto left = std::chrono::steady_clock::now();
    two.stop();
    REQUIRE(wait_until([&] { return seen.queues("one", topic).size() == 4; }));
    print_figure("through the proxy: a member's queues taken over", std::chrono::steady_clock::now() - left);
    send(topic, 10, "tags=red");
    REQUIRE(wait_until([&] { return seen.distinct() == 70; }));
    one.stop();
    CHECK(all_committed("proxied-group", topic));
    CHECK(seen.duplicates() == 0);
    CHECK(seen.read([](const auto& e) { return e.disconnects; }) == 0);
}

TEST_CASE("through a proxy a failed message comes again, and ends as a dead letter") {
    const auto topic = make_topic("proxied-retry", 2);
    send(topic, 6);
    journal seen;
    auto with                = member::of_group("proxied-retry-group");
    with.max_reconsume_times = 2;
    member consumer("here", seen, with, [](std::span<const message_view> messages, consume_context&) {
        const auto& m = messages.front();
        return m.body().front() == '0' || m.reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 13; })); // one three times, five twice
    REQUIRE(wait_until([&] { return seen.read([](const auto& e) { return e.send_backs; }) == 8; }));
    CHECK(wait_until([&] { return all_committed("proxied-retry-group", topic); }));
    consumer.stop();
    for (const auto& each : seen.all())
        CHECK(each.kept->topic() == topic);
    journal dead;
    member reader("undertaker", dead, member::of_group("proxied-undertaker"));
    reader.subscribe(dlq_topic("proxied-retry-group")).start();
    CHECK(wait_until([&] { return dead.distinct() == 1; }));
    reader.stop();
}

TEST_CASE("through a proxy a queue is consumed in order, and its lock is kept and given up") {
    const auto topic = make_topic("proxied-orderly", 2);
    send(topic, 200);
    journal seen;
    {
        orderly_member one("one", seen, member::of_group("proxied-orderly-group"));
        one.subscribe(topic).start();
        REQUIRE(wait_until([&] { return seen.distinct() == 200; }));
        one.stop();
    }
    send(topic, 100);
    orderly_member two("two", seen, member::of_group("proxied-orderly-group"));
    const auto begun = std::chrono::steady_clock::now();
    two.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 300; }));
    CHECK(std::chrono::steady_clock::now() - begun < 20s); // not the minute after which a broker lets go of a lock
    two.stop();
    CHECK(seen.duplicates() == 0);
    std::map<int, queue_offset> next;
    for (const auto& each : seen.all())
        CHECK(each.kept->queue_offset() == next[each.queue.queue_id]++);
}

TEST_CASE("a proxy cannot share out, so the members of a consumer that asks it do") {
    const auto topic = make_topic("proxied-asked", 4);
    send(topic, 40);
    journal seen;
    member one("one", seen, member::of_group("proxied-asked-group"), {}, sharing::by_broker);
    one.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 40; }));
    CHECK(seen.queues("one", topic).size() == 4);
    CHECK(wait_until([&] { return all_committed("proxied-asked-group", topic); }));
    one.stop();
    CHECK(seen.duplicates() == 0);
}

TEST_CASE("a proxy whose broker stands still for a while loses nothing") {
    const auto topic = make_topic("proxied-pause", 2);
    journal seen;
    member consumer("here", seen, member::of_group("proxied-pause-group"));
    consumer.subscribe(topic).start();
    send(topic, 20);
    REQUIRE(wait_until([&] { return seen.distinct() == 20; }));
    broker("pause");
    wait_until([] { return false; }, 8s);
    broker("resume");
    ask_until_answered("send proxied-pause 20");
    REQUIRE(wait_until([&] { return seen.distinct() == 40; }));
    CHECK(wait_until([&] { return all_committed("proxied-pause-group", topic); }));
    consumer.stop();
}

} // namespace
