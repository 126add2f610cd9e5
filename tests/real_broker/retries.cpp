#include <rocketpush/core/names.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// Consumes the group's dead letters until `count` have come.
std::vector<delivery> dead_letters(const std::string& group, std::size_t count) {
    journal dead;
    member reader("undertaker", dead, member::of_group(group + "-undertaker"));
    reader.subscribe(dlq_topic(group)).start();
    CHECK(wait_until([&] { return dead.distinct() >= count; }));
    reader.stop();
    CHECK(dead.deliveries() == count);
    return dead.all();
}

TEST_CASE("a failed message comes again with what it was, soon even in a new group") {
    const auto topic = make_topic("retry", 2);
    send(topic, 6, "tags=odd property.color=blue");
    journal seen;
    // One half says so, the other throws; each fails twice.
    member consumer("here", seen, member::of_group("retry-group"), [](std::span<const message_view> messages, consume_context&) {
        const auto& m = messages.front();
        if (m.reconsume_times() >= 2)
            return consume_result::success;
        if (m.body().front() % 2 != 0)
            throw std::runtime_error("on purpose");
        return consume_result::reconsume_later;
    });
    consumer.subscribe(topic, tags("odd || even")).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 18; }));
    CHECK(wait_until([&] { return all_committed("retry-group", topic) && all_committed("retry-group", retry_topic("retry-group")); }));
    consumer.stop();
    CHECK(seen.deliveries() == 18);

    steady_time::duration longest{};
    for (long sequence = 0; sequence < 6; ++sequence) {
        const auto tries = seen.of(sequence);
        REQUIRE(tries.size() == 3);
        longest              = std::max(longest, tries[1].at - tries[0].at);
        const auto& original = tries.front().kept;
        CHECK(original->stored_topic() == topic);
        for (int times = 0; times < 3; ++times) {
            const auto& m = tries[static_cast<std::size_t>(times)].kept;
            CHECK(m->reconsume_times() == times);
            CHECK(m->topic() == topic);
            CHECK(m->message_id() == original->message_id());
            CHECK(m->property("UNIQ_KEY") == original->property("UNIQ_KEY"));
            CHECK(m->body() == original->body());
            CHECK(m->keys() == original->keys());
            CHECK(m->tags() == "odd");
            CHECK(m->property("color") == "blue");
            if (times == 0)
                continue;
            CHECK(m->stored_topic() == retry_topic("retry-group"));
            CHECK(tries[static_cast<std::size_t>(times)].queue.topic == retry_topic("retry-group"));
            CHECK(m->property("RETRY_TOPIC") == topic);
            CHECK(m->property("ORIGIN_MESSAGE_ID") == original->offset_message_id());
        }
    }
    print_figure("first retry of a new group, delay level of 1 s", longest);
    CHECK(longest < 10s);
}

TEST_CASE("a message that fails too often ends as a dead letter") {
    const auto topic = make_topic("dead", 2);
    send(topic, 4);
    journal seen;
    auto with                = member::of_group("dead-group");
    with.max_reconsume_times = 2;
    member consumer("here", seen, with, [](std::span<const message_view>, consume_context&) { return consume_result::reconsume_later; });
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.read([](const auto& e) { return e.send_backs; }) == 12; }));
    const auto letters = dead_letters("dead-group", 4);
    consumer.stop();
    CHECK(seen.deliveries() == 12); // the first time and two more
    for (const auto& each : letters) {
        const auto original = seen.of(each.sequence).front();
        CHECK(each.kept->body() == original.kept->body());
        CHECK(each.kept->property("UNIQ_KEY") == original.kept->property("UNIQ_KEY"));
        CHECK(each.kept->property("RETRY_TOPIC") == topic);
        CHECK(each.kept->topic() == dlq_topic("dead-group"));
    }
}

TEST_CASE("delay level -1 makes a message a dead letter at once") {
    const auto topic = make_topic("dead-at-once", 1);
    send(topic, 3);
    journal seen;
    member consumer("here", seen, member::of_group("dead-at-once-group"), [](std::span<const message_view>, consume_context& context) {
        context.delay_level = -1;
        return consume_result::reconsume_later;
    });
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.read([](const auto& e) { return e.send_backs; }) == 3; }));
    CHECK(dead_letters("dead-at-once-group", 3).size() == 3);
    CHECK(wait_until([&] { return all_committed("dead-at-once-group", topic); }));
    consumer.stop();
    CHECK(seen.deliveries() == 3);
}

TEST_CASE("of a batch that succeeded in part only the rest comes again") {
    const auto topic = make_topic("partly", 1);
    send(topic, 24, "batch=24");
    journal seen;
    auto with               = member::of_group("partly-group");
    with.consume_batch_size = 8;
    member consumer("here", seen, with, [](std::span<const message_view> messages, consume_context& context) {
        if (messages.front().reconsume_times() == 0)
            context.succeeded = 5;
        return consume_result::success;
    });
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 33; })); // three calls with 8, of which 3 come again
    CHECK(wait_until([&] { return all_committed("partly-group", topic) && all_committed("partly-group", retry_topic("partly-group")); }));
    consumer.stop();
    CHECK(seen.deliveries() == 33);
    for (long sequence = 0; sequence < 24; ++sequence)
        CHECK(seen.of(sequence).size() == (sequence % 8 < 5 ? 1u : 2u));
}

} // namespace
