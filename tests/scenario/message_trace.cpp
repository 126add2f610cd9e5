#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/consume/orderly.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/observe/message_trace.hpp>
#include <rocketpush/push_consumer.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "tests/scenario/support/virtual_cluster.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using test::message_span;
using test::recorder;
using test::virtual_cluster;

const std::string trace_topic = "RMQ_SYS_TRACE_TOPIC";

using prompt_listener  = std::function<consume_result(message_span)>;
using slow_listener    = std::function<test::slow_result(message_span)>;
using ordered_listener = orderly<prompt_listener>;

template <class Listener, class Allocation = average_allocation>
using traced_consumer = consumer_of<Listener, memory_transport, Allocation, inline_executor,
                                    observers<recorder, message_trace>, manual_runtime>;

/// One record, its fields in their order, and the message that it came in.
struct record {
    std::vector<std::string> fields;
    std::size_t in;

    const std::string& kind() const { return fields.at(0); }
    bool is_before() const { return kind() == "SubBefore"; }
    const std::string& request() const { return fields.at(is_before() ? 4 : 1); }
    const std::string& message() const { return fields.at(is_before() ? 5 : 2); }
    const std::string& success() const { return fields.at(4); }
    const std::string& code() const { return fields.at(6); }
};

template <class Consumer, class Listener>
struct story : virtual_cluster {
    explicit story(Listener listener, trace_settings with = {}, bool has_trace_topic = true,
                   embedded::broker_options broker_with = {})
        : virtual_cluster(std::move(broker_with)) {
        broker().create_topic("orders", 1);
        if (has_trace_topic)
            broker().create_topic(trace_topic, 1);
        auto options               = this->member_options();
        options.client_ip          = "10.0.0.7";
        options.instance_name      = "one";
        options.consume_batch_size = 8;
        consumer.emplace(options, std::move(listener), memory_transport(network), inline_executor(),
                         typename_allocation(), observers(recorder(events, "one"), message_trace(std::move(with))),
                         runtime);
        consumer->subscribe("orders");
    }
    ~story() {
        stop();
        consumer.reset();
    }

    static auto typename_allocation() {
        if constexpr (std::is_same_v<Consumer, traced_consumer<slow_listener, broker_allocation<>>>)
            return broker_allocation<>();
        else
            return average_allocation();
    }

    void start() {
        REQUIRE(run([&](auto handler) { consumer->async_start(handler); }) == std::error_code());
        runtime.advance(2s);
    }
    std::optional<std::error_code> stop() {
        return run([&](auto handler) { consumer->async_stop(handler); });
    }

    std::vector<record> records() {
        std::vector<record> found;
        const auto messages = broker().messages(trace_topic);
        for (std::size_t in = 0; in < messages.size(); ++in) {
            record next{{""}, in};
            for (const char c : messages[in]->body())
                if (c == '\x01') {
                    next.fields.emplace_back();
                } else if (c == '\x02') {
                    found.push_back(std::exchange(next, record{{""}, in}));
                } else {
                    next.fields.back() += c;
                }
            CHECK(next.fields == std::vector<std::string>{""}); // only whole records
        }
        return found;
    }

    std::optional<Consumer> consumer;

  private:
    template <class Begin>
    std::optional<std::error_code> run(Begin begin) {
        const auto outcome = std::make_shared<std::optional<std::error_code>>();
        begin([outcome](std::error_code code) { *outcome = code; });
        runtime.run_until([&] { return outcome->has_value(); }, 1min);
        return *outcome;
    }
};

using prompt_story  = story<traced_consumer<prompt_listener>, prompt_listener>;
using slow_story    = story<traced_consumer<slow_listener, broker_allocation<>>, slow_listener>;
using ordered_story = story<traced_consumer<ordered_listener>, ordered_listener>;

consume_result succeed(message_span) { return consume_result::success; }

TEST_CASE("what was consumed is told as the Java client tells it, within five seconds", "[scenario]") {
    prompt_story told(succeed);
    const auto sent = told.broker().send("orders", "42 apples", {.keys = "k1 k2"});
    told.start();
    CHECK(told.records().empty());
    told.runtime.advance(5s);
    const auto records = told.records();
    REQUIRE(records.size() == 2);
    const auto before = records[0].fields, after = records[1].fields;
    const auto id = sent.message_id, request = before.at(4), time = before.at(1);
    CHECK(time.size() == 13);
    CHECK(request.size() == 32);
    CHECK(request.starts_with("0A000007"));
    CHECK(request != id);
    CHECK(before == std::vector<std::string>{"SubBefore", time, "DefaultRegion", "billing", request, id, "0", "k1 k2"});
    CHECK(after == std::vector<std::string>{"SubAfter", request, id, "0", "true", "k1 k2", "0", time, "billing"});

    const auto messages = told.broker().messages(trace_topic);
    REQUIRE(messages.size() == 1);
    std::set<std::string> keys;
    std::string word;
    for (const char c : std::string(messages[0]->keys().value()) + " ")
        if (c == ' ')
            keys.insert(std::exchange(word, ""));
        else
            word += c;
    CHECK(keys == std::set<std::string>{id, "k1", "k2"});
    CHECK_FALSE(messages[0]->tags());
    CHECK(messages[0]->property("WAIT") == "true");
    CHECK(messages[0]->property("UNIQ_KEY")->size() == 32);
    CHECK(messages[0]->property("UNIQ_KEY") != request);
    CHECK(messages[0]->raw_properties().starts_with("KEYS\x01"));
}

TEST_CASE("each message of a listener call has its records, all with the call's request id; other calls have others",
          "[scenario]") {
    prompt_story told(succeed);
    told.send("orders", 20);
    told.start();
    told.runtime.advance(5s);
    const auto records = told.records();
    REQUIRE(records.size() == 40);
    std::set<std::string> requests, ids;
    for (const auto& each : records) {
        requests.insert(each.request());
        ids.insert(each.message());
    }
    CHECK(requests.size() == 3); // 8, 8, 4
    CHECK(ids.size() == 20);
    CHECK(std::ranges::count_if(records, &record::is_before) == 20);
}

TEST_CASE("a call that fails, throws or takes too long is told with its code", "[scenario]") {
    prompt_story* running = nullptr;
    prompt_story told([&](message_span messages) -> consume_result {
        const auto body = messages.front().body();
        if (body == "throw0")
            throw std::runtime_error("no");
        if (body == "fail0")
            return consume_result::reconsume_later;
        if (body == "slow0")
            running->runtime.skew_system_clock(16min);
        return consume_result::success;
    });
    running = &told;
    told.send("orders", 1, "fail");
    told.start();
    told.send("orders", 1, "throw");
    told.runtime.advance(1s);
    told.send("orders", 1, "slow");
    told.runtime.advance(5s);
    std::vector<std::string> endings;
    for (const auto& each : told.records())
        if (!each.is_before())
            endings.push_back(each.success() + each.code());
    CHECK(endings == std::vector<std::string>{"false4", "false2", "true1"});
    told.runtime.advance(20s); // the retries, whose records count them
    const auto records = told.records();
    const auto again =
        std::ranges::count_if(records, [](const record& each) { return each.is_before() && each.fields[6] == "1"; });
    CHECK(again == 2);
}

TEST_CASE("a message that wants no trace is left out", "[scenario]") {
    embedded::broker_options old;
    old.version  = embedded::version_4_9_7; // a 5.x broker sets TRACE_ON itself
    old.encoding = embedded::answer_encoding::as_request;
    prompt_story told(succeed, {}, true, old);
    told.broker().send("orders", "quiet", {.properties = {{"TRACE_ON", "false"}}});
    const auto loud = told.broker().send("orders", "loud");
    told.start();
    told.runtime.advance(5s);
    const auto records = told.records();
    REQUIRE(records.size() == 2);
    CHECK(records[0].message() == loud.message_id);
    CHECK(records[0].fields[2] == "DefaultRegion"); // this broker tells none
    CHECK(records[0].fields[7] == "null");
}

TEST_CASE("enough records are sent at once, few after the flush interval", "[scenario]") {
    prompt_story told(succeed, {.batch = 4, .flush_interval = 30s});
    told.start();
    told.send("orders", 1); // 2 contexts
    told.runtime.advance(2s);
    CHECK(told.records().empty());
    told.send("orders", 1);
    told.runtime.advance(1s);
    CHECK(told.records().size() == 4);
    told.send("orders", 1);
    told.runtime.advance(20s);
    CHECK(told.records().size() == 4);
    told.runtime.advance(11s);
    CHECK(told.records().size() == 6);
}

TEST_CASE("what waits at a stop is sent before the consumer has stopped", "[scenario]") {
    prompt_story told(succeed);
    told.send("orders", 1);
    told.start();
    CHECK(told.records().empty());
    REQUIRE(told.stop() == std::error_code());
    CHECK(told.records().size() == 2);
    CHECK(told.committed("orders", 1) == 1);
}

TEST_CASE("a missing trace topic disturbs nothing, and is told once; what comes when it is there is sent",
          "[scenario]") {
    embedded::broker_options strict;
    strict.auto_create_topics = false;
    prompt_story told(succeed, {}, false, strict);
    told.start();
    told.send("orders", 50);
    told.runtime.advance(30s);
    told.send("orders", 50);
    told.runtime.advance(30s);
    CHECK(told.committed("orders", 1) == 100);
    const auto events = told.events->all("trace");
    REQUIRE(events.size() == 1);
    CHECK(events[0].code == error::no_route);
    CHECK(told.events->count("route_failure", "one") <= 1); // but for the retry topic before its first heartbeat
    CHECK(events[0].number > 0);

    told.broker().create_topic(trace_topic, 1);
    told.send("orders", 1);
    told.runtime.advance(10s);
    CHECK(told.records().size() == 2);
    CHECK(told.events->all("trace").size() == 2);
    CHECK(told.events->all("trace")[1].code == std::error_code());
}

TEST_CASE("a broker that refuses trace does not hold up consumption, and the queue of records stays within its bounds",
          "[scenario]") {
    prompt_story told(succeed, {.queue = 16});
    told.broker().set_permission(trace_topic, 4); // may be read only
    told.start();
    told.send("orders", 300);
    told.runtime.advance(4s);
    CHECK(told.committed("orders", 1) == 300);
    const auto events = told.events->all("trace");
    REQUIRE(events.size() == 1);
    CHECK(events[0].code);
    told.broker().set_permission(trace_topic, 6);
    told.runtime.advance(40s); // until the route is asked for again
    told.send("orders", 1);
    told.runtime.advance(10s);
    REQUIRE(told.events->all("trace").size() == 2);
    CHECK(told.events->all("trace")[1].number > 400); // of 600 records
    CHECK(told.records().size() >= 2);
}

TEST_CASE("a stop does not wait for a broker that is away longer than for its own deadline", "[scenario]") {
    prompt_story told(succeed);
    told.send("orders", 3);
    told.start();
    told.broker().pause();
    const auto begun = told.runtime.now();
    CHECK(told.stop());
    CHECK(told.runtime.now() - begun < 25s);
    told.broker().resume();
}

TEST_CASE("listeners that take their time are traced over it, and popped messages too", "[scenario]") {
    virtual_cluster* cluster = nullptr;
    slow_story told([&](message_span messages) -> test::slow_result {
        const bool bad = messages.front().body() == "p0" && messages.front().reconsume_times() == 0;
        co_await test::pause_for(cluster->runtime, 30ms);
        co_return bad ? consume_result::reconsume_later : consume_result::success;
    });
    cluster = &told;
    told.send("orders", 1);
    told.start();
    told.runtime.advance(5s);
    auto records = told.records();
    REQUIRE(records.size() == 2);
    CHECK(records[1].request() == records[0].request());
    CHECK(records[1].fields[3] == "30"); // ms

    told.broker().set_request_mode("orders", "billing", {protocol::request_mode::pop});
    told.runtime.advance(40s);
    told.send("orders", 2, "p");
    told.runtime.advance(30s);
    CHECK(told.events->count("pop_begun") > 0);
    records = told.records();
    std::vector<std::string> endings;
    for (const auto& each : records)
        if (!each.is_before())
            endings.push_back(each.success() + each.code());
    CHECK(std::ranges::count(endings, "false4") >= 1);
    CHECK(std::ranges::count(endings, "true0") >= 2);
}

TEST_CASE("an orderly listener's calls are traced, each anew that comes again", "[scenario]") {
    int calls = 0;
    ordered_story told(ordered_listener{[&](message_span) -> consume_result {
        switch (++calls) {
        case 1: return consume_result::reconsume_later;
        case 2: throw std::runtime_error("no");
        default: return consume_result::success;
        }
    }});
    told.send("orders", 2);
    told.start();
    told.runtime.advance(15s);
    std::vector<std::string> endings;
    for (const auto& each : told.records())
        if (!each.is_before())
            endings.push_back(each.success() + each.code());
    CHECK(endings == std::vector<std::string>{"false4", "false4", "false2", "false2", "true0", "true0"});
}

} // namespace
