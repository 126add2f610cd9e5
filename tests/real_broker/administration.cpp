#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// What the official tool prints, failures too.
std::string mqadmin(const std::string& words) {
    const auto command = "cd " + cluster_variable("ROCKETPUSH_CLUSTER_DIR") + " && " +
                         cluster_variable("ROCKETPUSH_MQADMIN") + " " + words + " 2>&1";
    std::string printed;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (!pipe)
        throw std::system_error(errno, std::generic_category(), command);
    std::array<char, 4096> bytes;
    while (const auto count = std::fread(bytes.data(), 1, bytes.size(), pipe))
        printed.append(bytes.data(), count);
    ::pclose(pipe);
    return printed;
}

bool is_4() { return cluster_variable("ROCKETPUSH_VERSION").starts_with("4."); }

/// Blanks in a row are one: the tool's columns.
std::string squeezed(const std::string& text) {
    std::string one;
    for (const char each : text)
        if (each != ' ' || one.empty() || one.back() != ' ')
            one += each;
    return one;
}

struct administered {
    explicit administered(std::string name)
        : topic(make_topic(name, 2)), group(name + "-group"), consumer("here", seen, member::of_group(group), then()) {
        consumer.subscribe(topic, tags("A || B")).start();
        send(topic, 10, "tags=A,B");
        REQUIRE(wait_until([this] { return seen.distinct() == 10; }));
        REQUIRE(wait_until([this] { return all_committed(group, topic); }));
    }

    listener_function then() {
        return [this](std::span<const message_view>, consume_context&) { return result.load(); };
    }

    const std::string topic, group;
    std::atomic<consume_result> result = consume_result::success;
    journal seen;
    member consumer;
};

TEST_CASE("mqadmin shows a member, its subscriptions and its progress") {
    administered story("shown");
    const auto id = story.consumer.client_id();

    const auto connection = squeezed(mqadmin("consumerConnection -g " + story.group));
    CAPTURE(connection);
    CHECK(connection.find(id) != std::string::npos);
    CHECK(connection.find("CPP V5_3_2") != std::string::npos);
    CHECK(connection.find("shown A || B") != std::string::npos);
    CHECK(connection.find("%RETRY%shown-group *") != std::string::npos);
    CHECK(connection.find("ConsumeType: CONSUME_PASSIVELY") != std::string::npos);
    CHECK(connection.find("MessageModel: CLUSTERING") != std::string::npos);
    CHECK(connection.find("ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET") != std::string::npos);

    const auto progress = squeezed(mqadmin("consumerProgress -g " + story.group + " -s true"));
    CAPTURE(progress);
    for (const auto* row : {"shown broker-a 0 5 5 127.0.0.1 0", "shown broker-a 1 5 5 127.0.0.1 0"})
        CHECK(progress.find(row) != std::string::npos);
    CHECK(progress.find("Diff Total: 0") != std::string::npos);
}

TEST_CASE("mqadmin shows how a member is, and what its parts are at") {
    administered story("status");
    const auto id     = story.consumer.client_id();
    const auto status = squeezed(mqadmin("consumerStatus -g " + story.group + " -i '" + id + "' -s"));
    CAPTURE(status);
    CHECK(status.find("#Consumer Properties#") != std::string::npos);
    for (const auto* row : {"PROP_CONSUME_TYPE : CONSUME_PASSIVELY", "PROP_CONSUMEORDERLY : false",
                            "consumeThreadMin : ", "PROP_CLIENT_VERSION : V5_3_2", "consumerGroup : status-group"})
        CHECK(status.find(row) != std::string::npos);
    CHECK(status.find("#Consumer Subscription#") != std::string::npos);
    CHECK(status.find("Topic: status ClassFilter: false SubExpression: A || B") != std::string::npos);
    CHECK(status.find("#Consumer Offset#") != std::string::npos);
    for (const auto* row : {"status broker-a 0 5", "status broker-a 1 5"})
        CHECK(status.find(row) != std::string::npos);
    CHECK(status.find("#Consumer RT&TPS#") != std::string::npos);
    CHECK(status.find("#Consumer jstack#") != std::string::npos);
    CHECK(status.find("queue status/broker-a/0: ours for ") != std::string::npos);

    const auto all = squeezed(mqadmin("consumerStatus -g " + story.group));
    CAPTURE(all);
    CHECK(all.find(id) != std::string::npos);
    CHECK(all.find("Same subscription in the same group of consumer") != std::string::npos);
    CHECK(all.find("NOT Same subscription") == std::string::npos);
    CHECK(all.find("Rebalance OK") != std::string::npos);
}

TEST_CASE("mqadmin has a member consume a message") {
    administered story("direct");
    const auto id      = story.consumer.client_id();
    const auto stored  = story.seen.all().front().kept->offset_message_id();
    const auto consume = [&] {
        const std::string topic = is_4() ? "" : " -t direct";
        return squeezed(mqadmin("queryMsgById -i " + stored + " -g " + story.group + " -d '" + id + "'" + topic));
    };
    const auto good = consume();
    CAPTURE(good);
    CHECK(good.find("consumeResult=CR_SUCCESS") != std::string::npos);
    CHECK(good.find("order=false") != std::string::npos);
    CHECK(story.seen.deliveries() == 11);
    story.result     = consume_result::reconsume_later;
    const auto later = consume();
    CAPTURE(later);
    CHECK(later.find("consumeResult=CR_LATER") != std::string::npos);
    CHECK(story.seen.deliveries() == 12);
    story.result = consume_result::success;
    CHECK(story.consumer.statistics().counts.sent_back == 0);
}

TEST_CASE("mqadmin resets a group to a time") {
    administered story("reset-by-tool");
    const auto printed = mqadmin("resetOffsetByTime -g " + story.group + " -t " + story.topic + " -s 0");
    CAPTURE(printed);
    CHECK(wait_until([&] { return story.seen.deliveries() >= 20; }, 40s));
    CHECK(wait_until([&] { return all_committed(story.group, story.topic); }));
}

TEST_CASE("a Java member that subscribes something else is noticed") {
    const auto topic          = make_topic("differs", 2);
    auto with                 = member::of_group("differs-group");
    with.group_check_interval = 1s;
    journal seen;
    member consumer("here", seen, with);
    consumer.subscribe(topic, tags("A || B")).start();
    java().ask("join differs-group differs expression=B||A name=alike");
    REQUIRE(wait_until([&] { return seen.queues("here", topic).size() == 1; })); // it is there
    const auto differences = [&] { return seen.read([](const auto& e) { return e.differences; }); };
    java().ask("join differs-group differs expression=A name=other");
    CHECK(wait_until([&] { return !differences().empty(); }));
    CHECK(differences() == std::vector<std::string>{"differs: A || B / A"}); // nothing of the one that is alike
    java().ask("leave other");
    java().ask("leave alike");
}

TEST_CASE("two members with one client id are noticed") {
    const auto topic          = make_topic("twins", 2);
    auto with                 = member::of_group("twins-group");
    with.group_check_interval = 1s;
    with.instance_name        = "same";
    journal seen;
    member one("one", seen, with);
    one.subscribe(topic).start();
    const auto twins = [&] { return seen.read([](const auto& e) { return e.twins; }); };
    send(topic, 10);
    REQUIRE(wait_until([&] { return seen.distinct() == 10; }));
    CHECK(twins().empty());
    member two("two", seen, with);
    two.subscribe(topic).start();
    REQUIRE(wait_until([&] { return !twins().empty(); }));
    CHECK(twins().front() == one.client_id());
}

} // namespace
