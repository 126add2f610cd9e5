#include <rocketpush/observe/consumption_history.hpp>

#include <chrono>
#include <map>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr consumption_history::time_point start{1000h};

/// A history, and the sums that it is told of.
struct recorded {
    consumption_history history;
    std::map<std::string, work_counts> counts;
    consumption_history::time_point now = start;

    recorded() { sample(); }

    void sample() {
        history.sample(now, [this](auto&& tell) {
            for (const auto& [topic, sums] : counts)
                tell(topic, sums);
        });
    }
    /// Lets time pass, with a sample every 10 s; `work` is done before each.
    template <class Work>
    void pass(std::chrono::seconds time, Work work) {
        for (auto end = now + time; now < end;) {
            now += consumption_history::interval;
            work();
            sample();
        }
    }
    void pass(std::chrono::seconds time) {
        pass(time, [] {});
    }
    void consume(const std::string& topic, std::uint64_t messages, std::uint64_t failed = 0) {
        auto& of = counts[topic];
        of.pulls += 1;
        of.pulled += messages;
        of.calls += messages;
        of.succeeded += messages - failed;
        of.failed += failed;
        of.pull_time += 5ms;
        of.consume_time += 2ms * messages;
    }
    topic_statistics of(const std::string& topic) {
        topic_statistics made;
        made.topic  = topic;
        made.counts = counts[topic];
        history.add_windows(now, made);
        return made;
    }
};

TEST_CASE("a topic's minute, hour and day are those of its samples", "[statistics]") {
    recorded record;
    record.pass(30h, [&] { record.consume("orders", 100, 1); });
    const auto orders = record.of("orders");
    CHECK(orders.minute.length == 60s);
    CHECK(orders.minute.succeeded == 6 * 99);
    CHECK(orders.minute.consumed_per_second == Approx(9.9));
    CHECK(orders.minute.failed_per_second == Approx(0.1));
    CHECK(orders.minute.pulled_per_second == Approx(10));
    CHECK(orders.minute.pull_milliseconds == Approx(5));
    CHECK(orders.minute.consume_milliseconds == Approx(2));
    CHECK(orders.hour.length == 60min);
    CHECK(orders.hour.failed == 360);
    CHECK(orders.day.length == 24h);
    CHECK(orders.day.failed == 24 * 360);
    CHECK(orders.day.consumed_per_second == Approx(9.9));
}

TEST_CASE("a quiet topic's windows become empty one after the other", "[statistics]") {
    recorded record;
    record.pass(10min, [&] { record.consume("orders", 10, 10); });
    record.pass(5min);
    CHECK(record.of("orders").minute.failed == 0);
    CHECK(record.of("orders").hour.failed == 600);
    record.pass(80min);
    CHECK(record.of("orders").hour.failed == 0);
    CHECK(record.of("orders").hour.consume_milliseconds == 0);
    CHECK(record.of("orders").day.failed == 600);
    record.pass(25h);
    CHECK(record.of("orders").day.failed == 0);
}

TEST_CASE("a topic counts from its first message on, before any sample of it too", "[statistics]") {
    recorded record;
    record.pass(5h);
    record.consume("orders", 40, 4);
    record.now += 5s;
    const auto young = record.of("orders");
    CHECK(young.minute.failed == 4);
    CHECK(young.hour.failed == 4);
    CHECK(young.day.failed == 4);
    CHECK(young.hour.length == 5s);
    CHECK(young.minute.pulled_per_second == 8);
    record.now += 5s;
    record.sample();
    CHECK(record.of("orders").hour.failed == 4);
    CHECK(record.of("orders").hour.length == 10s);
    CHECK(record.of("orders").day.pulled_per_second == 4);
}

TEST_CASE("topics are told apart, whatever order they are told in", "[statistics]") {
    recorded record;
    consumption_history& history = record.history;
    work_counts one, two;
    one.pulls = 1, one.succeeded = 10;
    two.pulls = 1, two.succeeded = 20;
    history.sample(start + 10s, [&](auto&& tell) {
        tell("orders", one);
        tell("refunds", two);
        tell("orders", one);
        tell("idle", work_counts());
    });
    record.now               = start + 20s;
    record.counts["orders"]  = two; // both queues of it
    record.counts["refunds"] = two;
    CHECK(record.of("orders").minute.succeeded == 20);
    CHECK(record.of("refunds").minute.succeeded == 20);
    CHECK(record.of("idle").minute.succeeded == 0);
    CHECK(record.of("idle").minute.length == 10s);
    work_counts all;
    all.succeeded = 40;
    CHECK(history.minute(start + 20s, all).consumed_per_second == 2);
}

TEST_CASE("past counts are kept by topic, of too many topics in one sum", "[statistics]") {
    past_counts past;
    work_counts one;
    one.succeeded = 1;
    past.add("orders", one);
    past.add("orders", one);
    for (std::size_t i = 0; i < past_counts::most_topics + 100; ++i)
        past.add("made-up-" + std::to_string(i), one);
    CHECK(past.by_topic().at("orders").succeeded == 2);
    CHECK(past.by_topic().size() == past_counts::most_topics + 1);
    CHECK(past.by_topic().at("").succeeded == 101);
    past.add("orders", one);
    CHECK(past.by_topic().at("orders").succeeded == 3);
}

} // namespace
