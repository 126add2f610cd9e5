#include <rocketpush/core/subscription.hpp>

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// The queues that each present member of a group holds, in both languages.
class shares {
  public:
    shares(const journal& here, std::string topic, int queues) : here_(here), topic_(std::move(topic)), queues_(queues) {}

    std::set<std::string> cpp, java_members; ///< Who is there.

    /// Every queue has one holder and every member some.
    bool at_rest() const {
        std::set<int> together;
        std::size_t held = 0;
        for (const auto& each : all()) {
            if (each.empty())
                return false;
            together.insert(each.begin(), each.end());
            held += each.size();
        }
        return held == together.size() && held == static_cast<std::size_t>(queues_);
    }

    /// Deliveries of each sequence number, by all members.
    std::map<long, int> deliveries() const {
        auto times = here_.read([](const auto& e) { return e.times; });
        for (const json& each : java().messages())
            if (each.at("topic") == topic_)
                ++times[std::stol(each.at("body").get<std::string>())];
        return times;
    }

    std::size_t duplicates() const {
        std::size_t more = 0;
        for (const auto& [sequence, count] : deliveries())
            more += static_cast<std::size_t>(count - 1);
        return more;
    }

    bool consumed(std::size_t messages) const { return deliveries().size() == messages; }

  private:
    std::vector<std::set<int>> all() const {
        std::vector<std::set<int>> found;
        for (const auto& name : cpp)
            found.push_back(here_.queues(name, topic_));
        for (const auto& name : java_members) {
            std::set<int> last;
            for (const json& event : java().events)
                if (event.at("event") == "assigned" && event.at("member") == name && event.at("topic") == topic_)
                    last = event.at("queues").get<std::set<int>>();
            found.push_back(last);
        }
        return found;
    }

    const journal& here_;
    std::string topic_;
    int queues_;
};

/// A listener with some work to do, so that a member leaves in the middle of it.
consume_result work(std::span<const message_view>, consume_context&) {
    std::this_thread::sleep_for(2ms);
    return consume_result::success;
}

options of_busy_group(const std::string& group) {
    auto with            = member::of_group(group);
    with.consume_threads = 2;
    return with;
}

TEST_CASE("a group of rocketpush and Java members shares the queues whoever joins or leaves") {
    const int queues = 8;
    const auto topic = make_topic("mixed", queues);
    journal seen;
    shares group(seen, topic, queues);
    std::map<std::string, std::unique_ptr<member>> members;
    std::size_t sent = 0;

    const auto load = [&] {
        send(topic, 400, "batch=25"); // quicker than it is consumed
        sent += 400;
    };
    const auto join = [&](const std::string& name) {
        members[name] = std::make_unique<member>(name, seen, of_busy_group("mixed-group"), work);
        members[name]->subscribe(topic).start();
        group.cpp.insert(name);
    };
    const auto leave = [&](const std::string& name) {
        members.at(name)->stop();
        group.cpp.erase(name);
        members.erase(name);
    };
    const auto join_java = [&](const std::string& name) {
        java().ask("join mixed-group mixed threads=2 delay-ms=2 name=" + name);
        group.java_members.insert(name);
    };
    const auto leave_java = [&](const std::string& name) {
        java().ask("leave " + name);
        group.java_members.erase(name);
    };
    // Each change comes while messages wait; then: nothing lost, every queue with one holder, and who holds it reads alone.
    const auto settle = [&](const std::string& step) {
        INFO(step);
        const auto begun = std::chrono::steady_clock::now();
        REQUIRE(wait_until([&] { return group.at_rest() && group.consumed(sent); }));
        print_figure(step + ": at rest and all consumed", std::chrono::steady_clock::now() - begun);
        print_figure(step + ": duplicates so far", group.duplicates());
        const long first = send(topic, 4 * queues).at("first");
        sent += 4 * queues;
        CHECK(wait_until([&] { return group.consumed(sent); }));
        const auto times = group.deliveries();
        CHECK(std::all_of(times.lower_bound(first), times.end(), [](const auto& each) { return each.second == 1; }));
    };

    load(), join("A"), settle("A joins");
    load(), join_java("J1"), settle("J1 joins");
    const auto before = group.duplicates();
    load(), leave("A"), settle("A leaves");
    CHECK(group.duplicates() == before); // clean: J1 goes on where A stopped
    load(), join("B"), settle("B joins");
    load(), join_java("J2"), settle("J2 joins");
    load(), join("A"), settle("A joins again");
    load(), leave_java("J1"), settle("J1 leaves");
    load(), leave("B"), settle("B leaves");
    load(), leave_java("J2"), settle("J2 leaves");
    leave("A");
    CHECK(all_committed("mixed-group", topic));
}

TEST_CASE("among rocketpush members nothing is consumed twice, whoever joins or leaves") {
    const int queues = 8;
    const auto topic = make_topic("ours", queues);
    journal seen;
    shares group(seen, topic, queues);
    std::map<std::string, std::unique_ptr<member>> members;
    const auto join = [&](const std::string& name) {
        members[name] = std::make_unique<member>(name, seen, of_busy_group("ours-group"), work);
        members[name]->subscribe(topic).start();
        group.cpp.insert(name);
    };
    const auto at_rest = [&] {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (!group.at_rest() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(1ms); // the helper is busy sending
        return group.at_rest();
    };
    const auto begun = std::chrono::steady_clock::now();
    join("A");
    auto sending = std::async(std::launch::async, [&] { return send(topic, 4000); });
    CHECK(at_rest());
    join("B");
    CHECK(at_rest());
    join("C");
    CHECK(at_rest());

    for (const auto* name : {"B", "A"}) {
        const auto held = group.cpp.size();
        const auto left_behind = seen.queues(name, topic);
        members.at(name)->stop();
        const auto left = std::chrono::steady_clock::now();
        group.cpp.erase(name);
        members.erase(name);
        CHECK(at_rest());
        const auto last = seen.read([&](const auto& e) {
            steady_time latest = left;
            for (const auto& other : group.cpp)
                for (const auto& [queue, holding] : e.held.at(other))
                    if (queue.topic == topic && left_behind.contains(queue.queue_id))
                        latest = std::max(latest, holding.since);
            return latest;
        });
        print_figure("one of " + std::to_string(held) + " has left: its last queue taken over", last - left);
        CHECK(last - left < 1500ms);
    }
    sending.get();
    CHECK(wait_until([&] { return seen.distinct() == 4000; }));
    members.at("C")->stop();
    print_figure("duplicates among 4000 messages", seen.duplicates());
    for (const auto& each : seen.read([](const auto& e) { return e.deliveries; }))
        if (const auto all = seen.of(each.sequence); all.size() > 1 && all.front().at == each.at) {
            std::string told = "queue " + std::to_string(each.queue.queue_id) + ":";
            for (const auto& one : all)
                told += " " + one.member + " at " +
                        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(one.at - begun).count()) + " ms";
            UNSCOPED_INFO(told);
        }
    CHECK(seen.duplicates() == 0);
    CHECK(all_committed("ours-group", topic));
}

TEST_CASE("in a namespace a group of rocketpush and Java members shares queues and retries") {
    const auto topic = make_topic("ns%spaced", 4);
    journal seen;
    auto with                = member::of_group("spaced-group");
    with.namespace_v1        = "ns";
    with.max_reconsume_times = 1;
    member consumer("here", seen, with, [](std::span<const message_view> messages, consume_context&) {
        return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    consumer.subscribe("spaced").start();
    java().ask("join spaced-group spaced namespace=ns fail-times=1 name=spaced-java");
    REQUIRE(wait_until([&] { return seen.queues("here", topic).size() == 2; }));
    CHECK(java().ask("consumer-connection ns%spaced-group").at("clients").size() == 2);
    send(topic, 40);
    // Whoever read a message first, it comes a second time to one of them.
    std::map<long, int> retried;
    CHECK(wait_until([&] {
        retried.clear();
        for (const auto& each : seen.all())
            if (each.kept->reconsume_times() == 1)
                ++retried[each.sequence];
        for (const json& each : java().messages("spaced-java"))
            if (each.at("reconsumeTimes") == 1)
                ++retried[std::stol(each.at("body").get<std::string>())];
        return retried.size() == 40;
    }));
    for (const auto& each : seen.all()) {
        CHECK(each.kept->topic() == "spaced");
        CHECK(each.kept->stored_topic() == (each.kept->reconsume_times() == 0 ? topic : "%RETRY%ns%spaced-group"));
    }
    CHECK(seen.distinct() > 0);
    CHECK_FALSE(java().messages("spaced-java").empty());
    for (const json& each : java().messages("spaced-java"))
        CHECK(each.at("topic") == "spaced"); // of those that we sent back, too
    java().ask("leave spaced-java");
    consumer.stop();
    CHECK(all_committed("ns%spaced-group", topic));
}

TEST_CASE("a namespace of the second kind and a unit change nothing for a broker without plugins") {
    const auto topic = make_topic("clouded", 2);
    send(topic, 10);
    journal seen;
    auto with         = member::of_group("clouded-group");
    with.namespace_v2 = "cloud";
    with.unit_name    = "west";
    with.unit_mode    = true;
    member consumer("here", seen, with);
    consumer.subscribe(topic).start();
    CHECK(consumer.client_id().ends_with("@west"));
    CHECK(wait_until([&] { return seen.distinct() == 10; }));
    consumer.stop();
    CHECK(all_committed("clouded-group", topic));
}

TEST_CASE("brokers know a member by language, version and subscriptions, and forget it when it stops") {
    const auto topic = make_topic("known", 2);
    journal seen;
    member consumer("here", seen, member::of_group("known-group"));
    consumer.subscribe(topic, tags("paid || refunded")).start();

    // At once: start() completes when the brokers know. A 4.x broker tells the name server of the group's retry topic a bit later, and
    // the Java client asks by that.
    const json connection = ask_until_answered("consumer-connection known-group");
    REQUIRE(connection.at("clients").size() == 1);
    const json& client = connection.at("clients")[0];
    CHECK(client.at("language") == "CPP");
    CHECK(client.at("version") == 477);
    CHECK(client.at("clientId") == consumer.client_id());
    CHECK(connection.at("consumeType") == "CONSUME_PASSIVELY");
    CHECK(connection.at("messageModel") == "CLUSTERING");
    CHECK(connection.at("consumeFromWhere") == "CONSUME_FROM_FIRST_OFFSET");
    std::map<std::string, json> subscriptions;
    for (const json& each : connection.at("subscriptions"))
        subscriptions[each.at("topic")] = each;
    REQUIRE(subscriptions.size() == 2);
    CHECK(subscriptions.at("%RETRY%known-group").at("expression") == "*");
    const json& wanted = subscriptions.at(topic);
    CHECK(wanted.at("expression") == "paid || refunded");
    CHECK(wanted.at("type") == "TAG");
    CHECK(wanted.at("tags").get<std::set<std::string>>() == std::set<std::string>{"paid", "refunded"});
    CHECK(wanted.at("codes").get<std::set<int>>() == std::set<int>{java_hash("paid"), java_hash("refunded")});

    journal other;
    member second("second", other, member::of_group("known-group"));
    second.subscribe(topic, tags("paid || refunded")).start();
    CHECK(second.client_id() != consumer.client_id());
    CHECK(java().ask("consumer-connection known-group").at("clients").size() == 2);
    second.stop();
    CHECK(java().ask("consumer-connection known-group").at("clients").size() == 1);
    consumer.stop();
    CHECK_THROWS_AS(java().ask("consumer-connection known-group"), std::runtime_error);
}

} // namespace
