#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orderly_member.hpp"
#include "story.hpp"

/// On a 5.x cluster of two brokers: `cluster run 5.5.0 --brokers 2`.
namespace {

using namespace rocketpush;
using namespace rocketpush::test;

constexpr int queues = 4;

/// Has one broker lead all queues of a static topic that is made for it.
void make_static_topic(const std::string& topic, const std::string& at) {
    java().ask("mqadmin updateStaticTopic -t " + topic + " -qn " + std::to_string(queues) + " -b " + at);
    REQUIRE(wait_until([&] {
        try {
            return java().ask("max-offset " + topic).at("queues").size() == queues;
        } catch (const std::runtime_error&) {
            return false; // the name server does not know it yet
        }
    }));
}

/// Has another broker lead them. Afterwards producers need up to half a minute to hear of it.
void move_static_topic(const std::string& topic, const std::string& to) {
    java().ask("mqadmin remappingStaticTopic -t " + topic + " -b " + to);
}

bool wait_for_distinct(const journal& seen, std::size_t count) {
    return wait_until([&] { return seen.distinct() == count; }, 60s);
}

/// Offsets of the messages of each queue, as they came.
std::map<int, std::vector<queue_offset>> offsets_of(const journal& seen) {
    std::map<int, std::vector<queue_offset>> found;
    for (const auto& each : seen.all()) {
        CHECK(each.queue.broker_name == "__syslo__global__");
        found[each.kept->queue_id()].push_back(each.kept->queue_offset());
    }
    return found;
}

TEST_CASE("a static topic is consumed by the queues of the whole topic, and goes on when another broker leads them",
          "[.static_topics]") {
    const std::string topic = "logical";
    make_static_topic(topic, "broker-a");
    journal seen;
    {
        member consumer("here", seen, member::of_group("logical-group"));
        consumer.subscribe(topic).start();
        send(topic, 40);
        REQUIRE(wait_for_distinct(seen, 40));
        consumer.suspend(true);
        send(topic, 40); // lies at the old broker and is read through the new one
        move_static_topic(topic, "broker-b");
        const auto moved = std::chrono::steady_clock::now();
        consumer.suspend(false);
        REQUIRE(wait_for_distinct(seen, 80));
        print_figure("what lay at the old broker, read through the new one", std::chrono::steady_clock::now() - moved);
        std::this_thread::sleep_for(35s); // the producer asks for the route each 30 s
        send(topic, 40);
        REQUIRE(wait_for_distinct(seen, 120));
        consumer.stop();
    }
    CHECK(seen.duplicates() == 0);
    CHECK(seen.read([](const auto& e) { return e.corrected; }) == 0);
    auto offsets = offsets_of(seen);
    REQUIRE(offsets.size() == queues);
    for (auto& [id, of_queue] : offsets) {
        std::ranges::sort(of_queue); // they ran side by side
        CHECK(of_queue.size() == 30);
        CHECK(of_queue.front() == 0);
        CHECK(of_queue.back() == 10009); // a moved queue goes on at the next multiple of 10,000
        CHECK(std::ranges::adjacent_find(of_queue) == of_queue.end());
    }

    journal later; // committed are the offsets of the whole topic; of a moved queue Java's own figures mix both kinds
    member again("again", later, member::of_group("logical-group"));
    again.subscribe(topic).start();
    send(topic, 8);
    REQUIRE(wait_for_distinct(later, 8));
    std::this_thread::sleep_for(2s);
    CHECK(later.deliveries() == 8);
    CHECK(later.read([](const auto& e) { return e.corrected; }) == 0);
}

TEST_CASE("in order, a static topic keeps its order when another broker leads its queues", "[.static_topics]") {
    const std::string topic = "logical-order";
    make_static_topic(topic, "broker-a");
    journal seen;
    orderly_member one("one", seen, member::of_group("logical-order-group"));
    orderly_member two("two", seen, member::of_group("logical-order-group"));
    one.subscribe(topic).start();
    two.subscribe(topic).start();
    send(topic, 100);
    move_static_topic(topic, "broker-b");
    std::this_thread::sleep_for(35s);
    send(topic, 100);
    REQUIRE(wait_for_distinct(seen, 200));
    CHECK(seen.duplicates() == 0);
    for (const auto& [id, of_queue] : offsets_of(seen)) {
        CHECK(of_queue.size() == 50);
        CHECK(std::ranges::is_sorted(of_queue));
    }
    one.stop();
    two.stop();
    journal later;
    orderly_member again("again", later, member::of_group("logical-order-group"));
    again.subscribe(topic).start();
    send(topic, 8);
    REQUIRE(wait_for_distinct(later, 8));
    std::this_thread::sleep_for(2s);
    CHECK(later.deliveries() == 8); // all before were committed
}

TEST_CASE("a message of a static topic that fails comes again", "[.static_topics]") {
    const std::string topic = "logical-retries";
    make_static_topic(topic, "broker-b");
    journal seen;
    member consumer("here", seen, member::of_group("logical-retries-group"),
                    [](std::span<const message_view> messages, consume_context&) {
                        return messages.front().reconsume_times() == 0 ? consume_result::reconsume_later
                                                                       : consume_result::success;
                    });
    consumer.subscribe(topic).start();
    send(topic, 8);
    CHECK(wait_until([&] { return seen.deliveries() == 16; }));
    CHECK(seen.distinct() == 8);
    consumer.stop();
    CHECK(all_committed("logical-retries-group", topic));
}

} // namespace
