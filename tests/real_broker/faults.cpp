#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// `cluster` has brokers begin a new commit log file after so many bytes.
constexpr std::uintmax_t commit_log_file_size = 64 << 20;

/// Consumption that takes its time: 500 messages last about a second.
consume_result work(std::span<const message_view>, consume_context&) {
    std::this_thread::sleep_for(8ms);
    return consume_result::success;
}

TEST_CASE("a broker that is killed while it is read from loses nothing") {
    const auto topic = make_topic("killed", 4);
    send(topic, 500);
    journal seen;
    member consumer("here", seen, member::of_group("killed-group"), work);
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() >= 100; }));
    broker("kill");
    CHECK(wait_until([&] { return seen.read([](const auto& e) { return e.disconnects; }) > 0; }));
    broker("start");
    const auto back = std::chrono::steady_clock::now();
    ask_until_answered("send killed 100 from=500");
    CHECK(wait_until([&] { return seen.distinct() == 600; }));
    print_figure("killed broker is back: all consumed", seen.all().back().at - back);
    print_figure("duplicates, of which none were needed", seen.duplicates());
    CHECK(wait_until([&] { return all_committed("killed-group", topic); })); // and the broker knows it again
    consumer.stop();
    CHECK(seen.duplicates() == 0); // our own offsets outlive the broker's
}

TEST_CASE("a broker that is away at start is read from when it comes") {
    const auto topic = make_topic("away", 4);
    send(topic, 40);
    broker("kill");
    journal seen;
    member consumer("here", seen, member::of_group("away-group"));
    const auto begun = std::chrono::steady_clock::now();
    consumer.subscribe(topic).start(); // no failure: a cluster may come later
    print_figure("start without a broker", std::chrono::steady_clock::now() - begun);
    CHECK(seen.deliveries() == 0);
    broker("start");
    const auto back = std::chrono::steady_clock::now();
    REQUIRE(wait_until([&] { return seen.distinct() == 40; }));
    print_figure("broker has come: first message", seen.all().front().at - back);
    CHECK(seen.all().front().at - back < 10s);
    CHECK(wait_until([&] { return all_committed("away-group", topic); }));
    consumer.stop();
    CHECK(seen.duplicates() == 0);
}

TEST_CASE("a dead name server in the list does not delay the start") {
    const auto topic = make_topic("half-dead", 2);
    ask_until_answered("send half-dead 10");
    journal seen;
    auto with         = member::of_group("half-dead-group");
    with.name_servers = "127.0.0.1:1;" + with.name_servers;
    member consumer("here", seen, with);
    const auto begun = std::chrono::steady_clock::now();
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 10; }));
    print_figure("first message after start, first name server dead", seen.all().front().at - begun);
    CHECK(seen.all().front().at - begun < 2s);
    consumer.stop();
    CHECK(seen.duplicates() == 0);
}

TEST_CASE("messages of a topic that is created later arrive in seconds, the first one included") {
    const std::string topic = "later";
    journal seen;
    auto with = member::of_group("later-group");
    with.from = consume_from::last; // as of start: what comes later is consumed from its beginning
    member consumer("here", seen, with);
    consumer.subscribe(topic).start();
    make_topic(topic, 4);
    send(topic, 20);
    const auto sent = std::chrono::steady_clock::now();
    REQUIRE(wait_until([&] { return seen.distinct() == 20; }));
    print_figure("topic created after start: all consumed", seen.all().back().at - sent);
    CHECK(seen.all().back().at - sent < 10s);
    consumer.stop();
    CHECK(seen.duplicates() == 0);
}

/// Where in the broker's commit log a message of a `send ... ids=1` lies: the second half of its offset id.
std::uintmax_t commit_log_offset(const json& sent) {
    const std::string id = sent.at("messages").back().at("offsetMsgId");
    return std::stoull(id.substr(16, 16), nullptr, 16);
}

/// Has the broker forget all messages but those of its newest commit log file, as it does with old ones.
void forget_older_files(std::uintmax_t newest) {
    broker("kill"); // an orderly stop may take a quarter of a minute
    const auto logs = std::filesystem::path(cluster_variable("ROCKETPUSH_CLUSTER_DIR")) / "store" / "commitlog";
    std::vector<std::filesystem::path> older;
    for (const auto& file : std::filesystem::directory_iterator(logs)) // named by the offset of their first byte
        if (std::stoull(file.path().filename()) + file.file_size() <= newest)
            older.push_back(file);
    for (const auto& file : older)
        std::filesystem::remove(file);
    broker("start");
}

TEST_CASE("a new group begins at the last, the first, or a later message of a queue that is not young") {
    // Where a queue still has its very first message, brokers tell a new group to begin there whatever it wants.
    const auto topic = make_topic("old", 2);
    const auto start = commit_log_offset(ask_until_answered("send old 20 ids=1"));
    make_topic("filler", 1);
    std::uintmax_t now = 0;
    while (now / commit_log_file_size == start / commit_log_file_size)
        now = commit_log_offset(send("filler", 2, "size=1900000 batch=2 ids=1"));
    send(topic, 10);
    forget_older_files(now);
    ask_until_answered("send old 10"); // some time later than the other ten
    const json limits = java().ask("max-offset old");
    for (const json& queue : limits.at("queues")) {
        REQUIRE(queue.at("minOffset") == 10);
        REQUIRE(queue.at("maxOffset") == 20);
    }

    journal at_last, at_first, at_time;
    auto from_last = member::of_group("old-last");
    from_last.from = consume_from::last;
    member last("last", at_last, from_last);
    last.subscribe(topic).start();
    REQUIRE(wait_until([&] { return at_last.queues("last", topic).size() == 2; }));

    member first("first", at_first, member::of_group("old-first"));
    first.subscribe(topic).start();
    REQUIRE(wait_until([&] { return at_first.distinct() == 20; }));
    CHECK(at_first.read([](const auto& e) { return e.times.begin()->first; }) == 20);

    auto from_time      = member::of_group("old-time");
    from_time.from      = consume_from::timestamp;
    from_time.from_time = at_first.of(30).front().kept->store_timestamp();
    member timed("timed", at_time, from_time);
    timed.subscribe(topic).start();
    REQUIRE(wait_until([&] { return at_time.distinct() == 10; }));
    CHECK(at_time.read([](const auto& e) { return e.times.begin()->first; }) == 30);

    send(topic, 6);
    CHECK(wait_until([&] { return at_last.distinct() == 6 && at_first.distinct() == 26 && at_time.distinct() == 16; }));
    CHECK(at_last.read([](const auto& e) { return e.times.begin()->first; }) == 40);
    for (auto* each : {&last, &first, &timed})
        each->stop();
    for (const auto* each : {&at_last, &at_first, &at_time})
        CHECK(each->duplicates() == 0);
}

} // namespace
