#include <rocketpush/embedded/message_store.hpp>

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace rocketpush;
using namespace rocketpush::embedded;

namespace {

struct fixture {
    message_store store{1 << 20, {}};

    stored_place put(std::string_view topic, std::int32_t queue, std::string_view body, std::string_view tag = {},
                     std::int64_t timestamp = 0) {
        std::string properties;
        if (!tag.empty())
            protocol::append_property(properties, property_names::tags, tag);
        protocol::stored_message message;
        message.topic           = topic;
        message.queue_id        = queue;
        message.body            = body;
        message.properties      = properties;
        message.store_timestamp = timestamp;
        return store.append(message);
    }

    read_result read(queue_offset from, const read_limits& limits = {}, std::int32_t hash = 0) {
        records.clear();
        return store.read("orders", 0, from, limits, [hash](std::int32_t tag) { return hash == 0 || tag == hash; }, records);
    }

    std::vector<std::string_view> records;
};

} // namespace

TEST_CASE("messages of a queue get offsets in turn and come out in order", "[embedded]") {
    fixture f;
    f.store.set_topic("orders", {2, 2, 6});
    CHECK(f.put("orders", 0, "a").offset == 0);
    CHECK(f.put("orders", 1, "b").offset == 0);
    CHECK(f.put("orders", 0, "c").offset == 1);
    CHECK(f.store.min_offset("orders", 0) == 0);
    CHECK(f.store.max_offset("orders", 0) == 2);
    CHECK(f.store.max_offset("orders", 7) == 0);
    CHECK(f.store.max_offset("nothing", 0) == 0);

    const auto read = f.read(0);
    CHECK(read.status == read_status::found);
    CHECK(read.next == 2);
    REQUIRE(f.records.size() == 2);
    CHECK(f.records[0].find("a") != std::string_view::npos);
}

TEST_CASE("a read says why it found nothing and where to go on", "[embedded]") {
    fixture f;
    f.store.set_topic("orders", {1, 1, 6});
    CHECK(f.read(0).status == read_status::no_message_in_queue);
    CHECK(f.read(5).next == 0);
    for (int i = 0; i < 5; ++i)
        f.put("orders", 0, "x", "paid");
    f.store.drop_before("orders", 0, 2);
    CHECK(f.store.min_offset("orders", 0) == 2);

    CHECK(f.read(1).status == read_status::offset_too_small);
    CHECK(f.read(-1).next == 2);
    CHECK(f.read(5).status == read_status::offset_overflow_one);
    CHECK(f.read(5).next == 5);
    CHECK(f.read(6).status == read_status::offset_overflow_badly);
    CHECK(f.read(INT64_MAX).next == 5);
    const auto unmatched = f.read(2, {}, message_store::tag_hash("TAGS\x01open\x02"));
    CHECK(unmatched.status == read_status::no_matched_message);
    CHECK(unmatched.next == 5);
}

TEST_CASE("a read keeps to its limits but gives at least one message", "[embedded]") {
    fixture f;
    f.store.set_topic("orders", {1, 1, 6});
    for (int i = 0; i < 5; ++i)
        f.put("orders", 0, std::string(1000, 'x'));
    CHECK(f.read(0, {.messages = 3, .bytes = 1 << 20}).next == 3);
    CHECK(f.read(0, {.messages = 9, .bytes = 2500}).next == 2);
    CHECK(f.read(4, {.messages = 9, .bytes = 10}).next == 5);
    CHECK(f.records.size() == 1);
}

TEST_CASE("only messages with a wanted tag hash are read", "[embedded]") {
    fixture f;
    f.store.set_topic("orders", {1, 1, 6});
    f.put("orders", 0, "a", "paid");
    f.put("orders", 0, "b");
    f.put("orders", 0, "c", "open");
    f.put("orders", 0, "d", "paid");
    const auto read = f.read(0, {}, message_store::tag_hash("TAGS\x01paid\x02"));
    CHECK(read.next == 4);
    CHECK(f.records.size() == 2);
}

TEST_CASE("queues forget the messages that the log has dropped", "[embedded]") {
    message_store store(64 * 1024, {});
    store.set_topic("orders", {2, 2, 6});
    const std::string body(1000, 'x');
    protocol::stored_message message;
    message.topic = "orders";
    message.body  = body;
    store.append(message);
    message.queue_id = 1;
    for (int i = 0; i < 200; ++i)
        store.append(message);
    CHECK(store.min_offset("orders", 0) == 1);
    CHECK(store.max_offset("orders", 0) == 1);
    CHECK(store.min_offset("orders", 1) > 100);
    CHECK(store.max_offset("orders", 1) == 200);
    const auto oldest = store.find_entry("orders", 1, store.min_offset("orders", 1));
    REQUIRE(oldest);
    CHECK(!store.record_at(oldest->commit_log_offset).empty());
}

TEST_CASE("the first message since a time is found", "[embedded]") {
    fixture f;
    f.store.set_topic("orders", {1, 1, 6});
    for (const std::int64_t at : {100, 200, 200, 300})
        f.put("orders", 0, "x", {}, at);
    CHECK(f.store.first_since("orders", 0, 0) == 0);
    CHECK(f.store.first_since("orders", 0, 200) == 1);
    CHECK(f.store.first_since("orders", 0, 201) == 3);
    CHECK(f.store.first_since("orders", 0, 301) == 4);
    CHECK(f.store.first_since("nothing", 0, 0) == 0);
}

TEST_CASE("a topic that shrinks keeps its queues, and a removed one is gone", "[embedded]") {
    fixture f;
    f.store.set_topic("orders", {4, 4, 6});
    f.put("orders", 3, "a");
    f.store.set_topic("orders", {2, 2, 6});
    CHECK(f.store.max_offset("orders", 3) == 1);
    CHECK(f.store.find_topic("orders")->queues() == 2);
    CHECK(f.store.remove_topic("orders"));
    CHECK(!f.store.remove_topic("orders"));
    CHECK(f.store.find_topic("orders") == nullptr);
}

TEST_CASE("a topic's queues take turns", "[embedded]") {
    fixture f;
    f.store.set_topic("orders", {3, 3, 6});
    std::vector<std::int32_t> queues;
    for (int i = 0; i < 4; ++i)
        queues.push_back(f.store.next_queue("orders"));
    CHECK(queues == std::vector<std::int32_t>{0, 1, 2, 0});
}
