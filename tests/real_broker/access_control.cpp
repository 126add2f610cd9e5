#include <rocketpush/core/credentials.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// Somebody who may read topic `guarded` for the group `guards`, and nothing else.
struct reader {
    std::string access_key, secret_key;
    credentials keys() const { return {access_key, secret_key}; }
};
const reader first{"guarded-reader", "secret-of-the-reader"};
const reader second{"guarded-second", "secret-of-the-second"};

bool is_4_9() { return cluster_variable("ROCKETPUSH_VERSION").starts_with("4."); }

/// A 4.9 knows the readers; a 5.x is told of them, by the administrator's tool.
void introduce_readers() {
    if (is_4_9())
        return;
    const auto at = " -b " + cluster_variable("ROCKETPUSH_BROKER");
    for (const auto& each : {first, second}) {
        java().ask("mqadmin createUser" + at + " -u " + each.access_key + " -p " + each.secret_key + " -t Normal");
        java().ask("mqadmin createAcl" + at + " -s User:" + each.access_key + " -r Topic:guarded,Group:guards -a Sub,Get -d Allow");
    }
}

options reader_options(const credentials& keys, std::string group = "guards") {
    auto with        = member::of_group(std::move(group));
    with.credentials = keys;
    return with;
}

std::vector<std::string> denials(const journal& seen) {
    return seen.read([](const auto& e) { return e.denials; });
}

/// What start() says of these options; empty if it starts.
std::string refusal(const options& with, const std::string& topic) {
    journal nothing;
    member stranger("stranger", nothing, with);
    stranger.subscribe(topic);
    const auto text = stranger.refusal_to_start();
    print_figure(text.empty() ? "(started)" : text, std::size_t{0});
    return text;
}

TEST_CASE("where access is controlled, the right keys consume, retry and commit; others are told why they do not start",
          "[.access_control]") {
    make_topic("guarded", 4);
    make_topic("forbidden", 4);
    introduce_readers();
    const auto at = cluster_variable("ROCKETPUSH_BROKER") + " denies access to group ";
    {
        journal seen;
        member consumer("here", seen, reader_options(first.keys()), [](std::span<const message_view> messages, consume_context&) {
            return messages[0].reconsume_times() == 0 && messages[0].body().starts_with("7 ") ? consume_result::reconsume_later
                                                                                              : consume_result::success;
        });
        consumer.subscribe("guarded").start();
        send("guarded", 40, "size=20");
        CHECK(wait_until([&] { return seen.distinct() == 40 && seen.of(7).size() == 2; }));
        CHECK(wait_until([&] { return all_committed("guards", "guarded"); }));
        consumer.stop();
        CHECK(denials(seen).empty());
        CHECK(seen.duplicates() == 1); // the retry
    }
    const auto unsigned_text = refusal(reader_options({}), "guarded");
    CHECK(unsigned_text.find(at + "guards: " + (is_4_9() ? "No accessKey is configured" : "username cannot be null.")) !=
          std::string::npos);
    const auto wrong_text = refusal(reader_options({first.access_key, "not-the-secret"}), "guarded");
    CHECK(wrong_text.find(is_4_9() ? "Check signature failed for accessKey=guarded-reader" : "check signature failed.") !=
          std::string::npos);
    CHECK(wrong_text.find("not-the-secret") == std::string::npos);
    const auto unknown_text = refusal(reader_options({"guarded-stranger", "any secret"}), "guarded");
    CHECK(unknown_text.find(is_4_9() ? "No acl config for guarded-stranger" : "User:guarded-stranger is not found.") !=
          std::string::npos);
    const auto topic_text = refusal(reader_options(first.keys()), "forbidden");
    CHECK(topic_text.find(is_4_9() ? "No default permission for topic:forbidden"
                                   : "User:guarded-reader has no permission to access Topic:forbidden") != std::string::npos);
    const auto group_text = refusal(reader_options(first.keys(), "others"), "guarded");
    CHECK(group_text.find(is_4_9() ? "No default permission for group:others"
                                   : "User:guarded-reader has no permission to access Group:others") != std::string::npos);
}

TEST_CASE("keys that become wrong are told once and tried once a second; the right ones go on where it was", "[.access_control]") {
    make_topic("guarded", 4);
    introduce_readers();
    journal seen;
    auto keys = first.keys();
    member consumer("here", seen, reader_options(keys));
    consumer.subscribe("guarded").start();
    const auto before = send("guarded", 20).at("first").get<long>();
    REQUIRE(wait_until([&] { return seen.of(before + 19).size() == 1; }));

    keys.replace(second.access_key, second.secret_key); // both are valid
    send("guarded", 20);
    REQUIRE(wait_until([&] { return seen.of(before + 39).size() == 1; }));
    CHECK(denials(seen).empty());

    keys.replace(first.access_key, "not-the-secret");
    send("guarded", 20); // held pulls bring these, the next ones are denied
    REQUIRE(wait_until([&] { return !denials(seen).empty(); }));
    std::this_thread::sleep_for(2s);
    const auto writes = consumer.socket_writes();
    std::this_thread::sleep_for(10s);
    const auto tries = consumer.socket_writes() - writes;
    print_figure("writes in 10 s while everything is denied", tries);
    CHECK(tries <= 10 * (4 + 1 + 1 + 2 + 4)); // four queues, the retry queue, a heartbeat, two topics, commits
    for (const auto& each : denials(seen)) {
        print_figure(each, std::size_t{0});
        CHECK(each.find("not-the-secret") == std::string::npos);
    }
    CHECK(denials(seen).size() <= 3); // the topic, the group; and not again

    const auto replaced = std::chrono::steady_clock::now();
    keys.replace(second.access_key, second.secret_key);
    send("guarded", 20);
    CHECK(wait_until([&] { return seen.of(before + 79).size() == 1; }));
    print_figure("right keys, until messages came", std::chrono::steady_clock::now() - replaced);
    CHECK(wait_until([&] { return all_committed("guards", "guarded"); }));
    CHECK(seen.duplicates() == 0);
    CHECK(seen.read([](const auto& e) { return e.disconnects; }) == 0);
}

} // namespace
