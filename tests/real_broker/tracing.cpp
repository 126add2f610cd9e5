#include <rocketpush/core/names.hpp>

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "story.hpp"

/// Message trace, as the official tools see it. The brokers of `cluster` have `traceTopicEnable=true`.
namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// What `mqadmin queryMsgTraceById` prints of a message.
std::string traced(const std::string& id) {
    return java().ask("mqadmin queryMsgTraceById -i " + id).at("printed").get<std::string>();
}

/// The lines of a group in such a text: `Sub  GROUP  HOST  TIME  0ms  success`.
std::vector<std::string> lines_of(const std::string& text, const std::string& group) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        if (const auto line = text.substr(at, end - at); line.find(group) != std::string::npos)
            found.push_back(line);
        at = end + 1;
    }
    return found;
}

/// Waits until the tool shows `lines` consumptions of a message by a group.
std::vector<std::string> shown(const std::string& id, const std::string& group, std::size_t lines) {
    std::vector<std::string> found;
    std::string text;
    wait_until(
        [&] {
            text  = traced(id);
            found = lines_of(text, group);
            return found.size() >= lines;
        },
        30s);
    INFO(text);
    CHECK(found.size() == lines);
    return found;
}

TEST_CASE("mqadmin queryMsgTraceById shows what rocketpush consumed, what failed and what came again", "[tracing]") {
    const auto topic = make_topic("traced", 2);
    const json sent  = send(topic, 20, "ids=1");
    journal seen;
    member consumer(
        "here", seen, member::of_group("traced-here"),
        [](std::span<const message_view> messages, consume_context&) {
            const bool bad = messages.front().body().starts_with("7") && messages.front().reconsume_times() == 0;
            return bad ? consume_result::reconsume_later : consume_result::success;
        },
        sharing::by_members, true);
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 21; }));

    const auto id   = [&](std::size_t index) { return sent.at("messages").at(index).at("msgId").get<std::string>(); };
    const auto good = shown(id(3), "traced-here", 1);
    REQUIRE(good.size() == 1);
    std::printf("%s\n", good[0].c_str());
    CHECK(good[0].find("Sub") == 0);
    CHECK(good[0].find("success") != std::string::npos);

    const auto again = shown(id(7), "traced-here", 2);
    REQUIRE(again.size() == 2);
    CHECK(std::ranges::count_if(again, [](const auto& line) { return line.find("failed") != std::string::npos; }) == 1);
    CHECK(std::ranges::count_if(again, [](const auto& line) { return line.find("success") != std::string::npos; }) ==
          1);

    consumer.stop();
    CHECK(seen.duplicates() == 1);
    for (std::size_t i = 10; i < 13; ++i)
        shown(id(i), "traced-here", 1);
}

TEST_CASE("what was consumed just before a stop is traced too", "[tracing]") {
    const auto topic = make_topic("traced-stop", 1);
    const json sent  = send(topic, 1, "ids=1");
    journal seen;
    member consumer("here", seen, member::of_group("traced-stop-here"), {}, sharing::by_members, true);
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 1; }));
    consumer.stop();
    shown(sent.at("messages").at(0).at("msgId"), "traced-stop-here", 1);
}

} // namespace
