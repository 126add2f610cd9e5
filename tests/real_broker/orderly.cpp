#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "orderly_member.hpp"
#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// A listener with some work to do, so that a member leaves in the middle of it.
consume_result work(const message_view&, orderly_context&) {
    std::this_thread::sleep_for(3ms);
    return consume_result::success;
}

/// One listener call of any member, in either language.
struct seen_call {
    long at; ///< Milliseconds since 1970.
    std::string member;
    queue_offset offset;
};

/// Every call of a topic's queues, by the clock.
std::map<int, std::vector<seen_call>> calls_by_queue(const journal& here, const std::string& topic) {
    std::map<int, std::vector<seen_call>> found;
    for (const auto& each : here.all())
        if (each.queue.topic == topic)
            found[each.queue.queue_id].push_back(
                {static_cast<long>(
                     std::chrono::duration_cast<std::chrono::milliseconds>(each.wall.time_since_epoch()).count()),
                 each.member, each.kept->queue_offset()});
    for (const json& each : java().messages())
        if (each.at("topic") == topic)
            found[each.at("queueId")].push_back({each.at("at"), each.at("member"), each.at("queueOffset")});
    for (auto& [queue, calls] : found)
        std::ranges::stable_sort(calls, {}, &seen_call::at);
    return found;
}

/// What the calls of a queue say of its order.
struct order_report {
    std::size_t gaps    = 0; ///< Calls for a message before the one in front of it.
    std::size_t repeats = 0; ///< Calls for one that had been seen.
    std::map<std::string, std::size_t> repeats_by; ///< Member that had it first.
    std::size_t distinct = 0;
};

order_report report(const journal& here, const std::string& topic) {
    order_report sum;
    for (const auto& [queue, calls] : calls_by_queue(here, topic)) {
        queue_offset next = 0;
        std::map<queue_offset, std::string> first_seen;
        for (const auto& call : calls) {
            sum.gaps += call.offset > next;
            if (const auto before = first_seen.find(call.offset); before != first_seen.end()) {
                ++sum.repeats;
                ++sum.repeats_by[before->second];
            } else {
                first_seen[call.offset] = call.member;
            }
            next = call.offset + 1; // who goes back goes on from there
        }
        sum.distinct += first_seen.size();
    }
    return sum;
}

options of_busy_group(const std::string& group) {
    auto with            = member::of_group(group);
    with.consume_threads = 4;
    return with;
}

TEST_CASE("in a group of rocketpush and Java members each queue's order holds, whoever joins or leaves") {
    const auto topic = make_topic("ordered", 8);
    journal seen;
    std::map<std::string, std::unique_ptr<orderly_member>> members;
    std::size_t sent = 0;
    const auto load  = [&] {
        send(topic, 400, "batch=5");
        sent += 400;
    };
    const auto join = [&](const std::string& name) {
        members[name] = std::make_unique<orderly_member>(name, seen, of_busy_group("ordered-group"), work);
        members[name]->subscribe(topic).start();
    };
    const auto leave = [&](const std::string& name) {
        members.at(name)->stop();
        members.erase(name);
    };
    const auto join_java = [&](const std::string& name) {
        java().ask("join ordered-group ordered order=orderly threads=4 delay-ms=3 name=" + name);
    };
    const auto settle = [&](const std::string& step) {
        INFO(step);
        const auto begun = std::chrono::steady_clock::now();
        REQUIRE(wait_until([&] { return report(seen, topic).distinct == sent; }, 120s));
        print_figure(step + ": all consumed", std::chrono::steady_clock::now() - begun);
        const auto now = report(seen, topic);
        print_figure(step + ": repeats so far", now.repeats);
        CHECK(now.gaps == 0);
    };
    load(), join("A"), settle("A joins");
    load(), join("B"), settle("B joins");
    CHECK(report(seen, topic).repeats == 0);
    load(), join_java("J1"), settle("J1 joins");
    load(), leave("A"), settle("A leaves");
    CHECK(report(seen, topic).repeats == 0); // only Java members hand over with repeats
    load(), join_java("J2"), settle("J2 joins");
    load(), join("C"), settle("C joins");
    load(), java().ask("leave J1"), settle("J1 leaves");
    load(), leave("B"), settle("B leaves");
    load(), java().ask("leave J2"), settle("J2 leaves");
    leave("C");
    const auto end = report(seen, topic);
    for (const auto& [member, repeats] : end.repeats_by) {
        INFO(member << " handed over with " << repeats << " repeats");
        CHECK(member.front() == 'J');
    }
    CHECK(all_committed("ordered-group", topic));
}

TEST_CASE("a member that stops leaves no lock behind: the next one, of either language, consumes at once") {
    const auto topic = make_topic("released", 4);
    journal seen;
    std::size_t sent = 0;
    for (const std::string next : {"A", "java", "B", "C"}) {
        INFO(next);
        send(topic, 40);
        sent += 40;
        const auto begun = std::chrono::steady_clock::now();
        if (next == "java") {
            java().ask("join released-group released order=orderly name=JR");
            CHECK(wait_until([&] { return report(seen, topic).distinct == sent; }, 20s));
            print_figure("after a stop, Java has consumed", std::chrono::steady_clock::now() - begun);
            java().ask("leave JR");
            continue;
        }
        orderly_member one(next, seen, of_busy_group("released-group"), work);
        one.subscribe(topic).start();
        CHECK(wait_until([&] { return report(seen, topic).distinct == sent; }, 5s));
        print_figure("after a stop, " + next + " has consumed", std::chrono::steady_clock::now() - begun);
        one.stop();
    }
    CHECK(report(seen, topic).gaps == 0);
}

TEST_CASE("the queues of a member that is killed are taken over when the broker lets go of its locks") {
    const auto topic = make_topic("orphaned", 4);
    journal seen;
    auto victim = std::make_unique<java_helper>();
    victim->ask("join orphaned-group orphaned order=orderly name=victim");
    orderly_member one("A", seen, of_busy_group("orphaned-group"), work);
    one.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.queues("A", topic).size() == 2; }));
    try {
        victim->ask("kill", std::chrono::seconds(5));
    } catch (const std::runtime_error&) { // it does not answer
    }
    const auto killed = std::chrono::steady_clock::now();
    send(topic, 40);
    CHECK(wait_until([&] { return seen.distinct() == 40; }, 90s));
    const auto took = std::chrono::steady_clock::now() - killed;
    print_figure("queues of a killed member taken over", took);
    CHECK(took < 75s);
    CHECK(seen.duplicates() == 0);
    one.stop();
}

TEST_CASE("an orderly message that fails too often is a dead letter, and the next one is consumed") {
    const auto topic = make_topic("doomed", 1);
    send(topic, 3, "tags=paid");
    journal seen;
    auto with                = of_busy_group("doomed-group");
    with.max_reconsume_times = 2;
    with.suspend_interval    = 100ms;
    orderly_member one("A", seen, with, [](const message_view& message, orderly_context&) {
        return message.body().starts_with("1") ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 3; }));
    CHECK(seen.of(1).size() == 3);
    const auto calls = seen.of(1);
    for (std::size_t i = 0; i < calls.size(); ++i)
        CHECK(calls[i].kept->reconsume_times() == static_cast<int>(i));
    const auto next = seen.of(2).front();
    CHECK(next.at - calls.back().at < 3s); // the first dead letter has its topic made
    one.stop();

    journal dead;
    member reader("reader", dead, member::of_group("doomed-readers"));
    reader.subscribe("%DLQ%doomed-group").start();
    REQUIRE(wait_until([&] { return dead.deliveries() == 1; }));
    const auto letter = dead.all().front().kept;
    CHECK(letter->body().starts_with("1"));
    CHECK(letter->reconsume_times() == 3);
    CHECK(letter->property("RETRY_TOPIC") == topic);
    CHECK(letter->tags() == "paid");
    reader.stop();
}

TEST_CASE("a suspended queue comes again after its pause, as the broker's clock has it") {
    const auto topic = make_topic("paused", 1);
    send(topic, 1);
    journal seen;
    orderly_member one("A", seen, of_busy_group("paused-group"), [](const message_view& message, orderly_context& context) {
        if (message.reconsume_times() > 0)
            context.suspend_for = 300ms;
        return message.reconsume_times() < 2 ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 3; }));
    const auto all = seen.all();
    print_figure("suspended by default for", all[1].at - all[0].at);
    CHECK(all[1].at - all[0].at >= 1s);
    CHECK(all[1].at - all[0].at < 1300ms);
    CHECK(all[2].at - all[1].at >= 300ms);
    CHECK(all[2].at - all[1].at < 600ms);
    one.stop();
    CHECK(all_committed("paused-group", topic));
}

} // namespace
