#include <rocketpush/protocol/crc32.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// What both clients say of a message, by its unique id.
using described = std::map<std::string, json>;

described as_seen_here(const journal& seen) {
    described all;
    for (const auto& each : seen.all()) {
        const auto m    = each.kept.view();
        json properties = json::object();
        for (const auto& [name, value] : m.properties())
            properties[std::string(name)] = std::string(value);
        const auto text = [](auto field) { return field ? json(std::string(*field)) : json(); };
        const auto ms   = [](message_time time) { return time.time_since_epoch().count(); };
        all[m.message_id()] = {{"topic", std::string(m.topic())},
                               {"brokerName", std::string(m.broker_name())},
                               {"queueId", m.queue_id()},
                               {"queueOffset", m.queue_offset()},
                               {"msgId", m.message_id()},
                               {"offsetMsgId", m.offset_message_id()},
                               {"keys", text(m.keys())},
                               {"tags", text(m.tags())},
                               {"reconsumeTimes", m.reconsume_times()},
                               {"bornTimestamp", ms(m.born_timestamp())},
                               {"storeTimestamp", ms(m.store_timestamp())},
                               {"body", std::string(m.body().substr(0, 256))},
                               {"bodySize", m.body().size()},
                               {"bodyCrc", protocol::crc32(m.body())},
                               {"properties", std::move(properties)}};
    }
    return all;
}

described as_seen_by_java(const std::string& member) {
    described all;
    for (json each : java().messages(member)) {
        // The Java client adds these to what was stored.
        for (const char* own : {"MIN_OFFSET", "MAX_OFFSET", "CONSUME_START_TIME"})
            each.at("properties").erase(own);
        for (const char* envelope : {"event", "member", "at"})
            each.erase(envelope);
        const std::string id = each.at("msgId");
        all[id]              = std::move(each);
    }
    return all;
}

TEST_CASE("messages that a broker holds are all consumed, as the Java producer and a Java consumer report them") {
    const auto topic = make_topic("held", 4);
    const json sent  = send(topic, 100, "tags=red,green size=60 property.color=blue property.empty-after=x ids=1");
    REQUIRE(java().ask("join held-java held name=held-oracle").at("ok"));

    journal seen;
    {
        member consumer("here", seen, member::of_group("held-here"));
        consumer.subscribe(topic);
        const auto begun = std::chrono::steady_clock::now();
        consumer.start();
        REQUIRE(wait_until([&] { return seen.distinct() == 100; }));
        const auto first = seen.all().front().at;
        print_figure("first of 100 held messages after start", first - begun);
        print_figure("all of 100 held messages after start", seen.all().back().at - begun);
        CHECK(first - begun < 1s);
        CHECK(wait_until([&] { return all_committed("held-here", topic); }, 5s)); // by the timer, before stop
        consumer.stop();
    }
    CHECK(seen.deliveries() == 100);
    CHECK(all_committed("held-here", topic));

    const auto here = as_seen_here(seen);
    for (const json& each : sent.at("messages")) {
        const auto found = here.find(each.at("msgId"));
        REQUIRE(found != here.end());
        for (const char* field : {"offsetMsgId", "queueId", "queueOffset"})
            CHECK(found->second.at(field) == each.at(field));
    }
    for (const auto& each : seen.all()) {
        CHECK(each.kept->body() == helper_body(each.sequence, 60));
        CHECK(each.kept->keys() == topic + "-" + std::to_string(each.sequence));
        CHECK(each.kept->tags() == (each.sequence % 2 == 0 ? "red" : "green"));
        CHECK(each.kept->property("color") == "blue");
    }
    REQUIRE(wait_until([&] { return java().messages("held-oracle").size() == 100; }));
    CHECK(here == as_seen_by_java("held-oracle"));

    // Anew, in the same group: only what came since.
    send(topic, 10);
    member again("again", seen, member::of_group("held-here"));
    again.subscribe(topic).start();
    CHECK(wait_until([&] { return seen.distinct() == 110; }));
    again.stop();
    CHECK(seen.duplicates() == 0);
    CHECK(all_committed("held-here", topic));
    java().ask("leave held-oracle");
}

TEST_CASE("a tag that shares its hash with a subscribed one is not delivered") {
    REQUIRE(java_hash("Aa") == java_hash("BB"));
    const auto topic = make_topic("tags", 2);
    send(topic, 200, "tags=Aa,BB,C,D");
    journal seen;
    member consumer("here", seen, member::of_group("tags-here"));
    consumer.subscribe(topic, tags("Aa || C")).start();
    // The broker skips D by its hash; we skip BB by its name.
    CHECK(wait_until([&] { return seen.distinct() == 100 && consumer.statistics().counts.filtered == 50; }));
    for (const auto& each : seen.all())
        CHECK((each.kept->tags() == "Aa" || each.kept->tags() == "C"));
    CHECK(wait_until([&] { return all_committed("tags-here", topic); }));

    SECTION("messages that the broker itself skips advance the offset") {
        send(topic, 60, "tags=D");
        CHECK(wait_until([&] { return all_committed("tags-here", topic); }));
        CHECK(seen.deliveries() == 100);
    }
}

TEST_CASE("compressed, batched and large bodies arrive whole") {
    const auto topic = make_topic("bodies", 2);
    const bool lz4   = cluster_variable("ROCKETPUSH_VERSION").front() >= '5';
    const std::vector<std::string> codecs =
        lz4 ? std::vector<std::string>{"zlib", "lz4", "zstd"} : std::vector<std::string>{"zlib"};
    std::map<long, std::size_t> sizes;
    std::set<long> compressed;
    const auto sending = [&](int count, std::size_t size, const std::string& how, bool is_compressed) {
        const json sent = send(topic, count, "size=" + std::to_string(size) + " " + how);
        for (long i = sent.at("first"); i < sent.at("first").get<long>() + count; ++i) {
            sizes[i] = size;
            if (is_compressed)
                compressed.insert(i);
        }
    };
    for (const auto& codec : codecs) {
        sending(5, 20'000, "compress=" + codec, true);
        sending(2, 1'500'000, "compress=" + codec, true);
    }
    sending(40, 30, "batch=10", false);
    sending(4, 1'700'000, "batch=2", false); // batches are not compressed: 3.4 MB in one frame
    sending(2, 4'000'000, "batch=1", false); // near the broker's limit of 4 MiB
    sending(6, 100, "", false);
    REQUIRE(java().ask("join bodies-java bodies name=bodies-oracle").at("ok"));

    journal seen;
    member consumer("here", seen, member::of_group("bodies-here"));
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == sizes.size(); }));
    consumer.stop();
    CHECK(seen.deliveries() == sizes.size());
    for (const auto& each : seen.all()) {
        CHECK((each.kept->body() == helper_body(each.sequence, sizes.at(each.sequence)))); // no megabytes in the report
        const bool stored_as_is = each.kept->body_crc() == (protocol::crc32(each.kept->body()) & 0x7fffffff);
        CHECK(stored_as_is != compressed.contains(each.sequence));
    }
    REQUIRE(wait_until([&] { return java().messages("bodies-oracle").size() == sizes.size(); }));
    CHECK(as_seen_here(seen) == as_seen_by_java("bodies-oracle"));
    java().ask("leave bodies-oracle");
}

TEST_CASE("messages of batches that a broker keeps whole come one by one, with offsets of their own") {
    if (cluster_variable("ROCKETPUSH_VERSION").front() < '5') return; // 4.9 has no such topics
    java().ask("create-topic whole 2 type=BatchCQ");
    send("whole", 60, "batch=6 tags=red,blue");
    send("whole", 10);
    java().ask("join whole-java whole name=whole-oracle");
    journal seen;
    member consumer("here", seen, member::of_group("whole-here"));
    consumer.subscribe("whole").start();
    journal red;
    member of_red("red", red, member::of_group("whole-red"));
    of_red.subscribe("whole", tags("red")).start();
    java().ask("join whole-red-java whole expression=red name=whole-red-oracle");
    REQUIRE(wait_until([&] { return seen.distinct() == 70; }));
    REQUIRE(wait_until([&] { return java().messages("whole-oracle").size() == 70; }));
    CHECK(all_committed("whole-here", "whole"));
    consumer.stop();
    of_red.stop();
    CHECK(seen.deliveries() == 70);
    // A broker keeps one tag for a batch, and none of its messages': it finds nothing by tag, for nobody.
    CHECK(wait_until([&] { return all_committed("whole-red", "whole"); }));
    CHECK(red.deliveries() == 0);
    CHECK(java().messages("whole-red-oracle").empty());
    auto here = as_seen_here(seen), there = as_seen_by_java("whole-oracle");
    for (auto& [id, message] : here)
        CHECK(message.at("offsetMsgId").is_string());
    for (auto* each : {&here, &there}) // Java knows none of a batch's messages
        for (auto& [id, message] : *each)
            message.erase("offsetMsgId");
    CHECK(here == there);
    java().ask("leave whole-oracle");
    java().ask("leave whole-red-oracle");
}

TEST_CASE("an idle consumer asks seldom, and has a new message at once") {
    const auto topic = make_topic("idle", 4);
    journal seen;
    member consumer("here", seen, member::of_group("idle-here"));
    consumer.subscribe(topic).start();
    send(topic, 8);
    REQUIRE(wait_until([&] { return seen.distinct() == 8; }));
    REQUIRE(wait_until([&] { return all_committed("idle-here", topic); }));

    std::vector<std::chrono::milliseconds> latencies;
    for (std::size_t i = 1; i <= 11; ++i) {
        send(topic, 1);
        REQUIRE(wait_until([&] { return seen.distinct() == 8 + i; }));
        const auto last = seen.all().back();
        latencies.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(last.wall - last.kept->store_timestamp()));
    }
    std::ranges::sort(latencies);
    print_figure("median from stored to listener, held pull", latencies[latencies.size() / 2]);
    print_figure("longest of 11", latencies.back());
    CHECK(latencies[latencies.size() / 2] < 200ms);
    REQUIRE(wait_until([&] { return all_committed("idle-here", topic); }));

    // Longer than the 5 s in which the broker looks at its held pulls. Due in this time: each queue's pull once, at most, and a
    // round of the rebalancer with two requests a topic.
    const auto before = consumer.socket_writes();
    wait_until([] { return false; }, 6s);
    print_figure("socket writes in 6 idle seconds, 5 queues", consumer.socket_writes() - before);
    CHECK(consumer.socket_writes() - before <= 15);
}

} // namespace
