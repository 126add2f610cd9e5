#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_broker.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test::dialogue;
using namespace std::chrono_literals;
using protocol::request_code;
using test::virtual_cluster;
using test::virtual_member;

struct orders_cluster : virtual_cluster {
    orders_cluster() { broker().create_topic("orders", 4); }
    std::uint64_t requests(request_code code) { return broker().statistics().requests_of(code); }
};

/// A broker that does what it is told to, in the place of the embedded one.
struct scripted_cluster : virtual_cluster {
    test::scripted_broker script{runtime, network, {{"script", 10911}}};

    scripted_cluster() { script.serve_quietly("orders", {{"script", 2}}); }
    options scripted_options() {
        auto with                 = member_options();
        with.name_servers         = "script:10911";
        with.group_check_interval = 0ms; // the script does not know the question
        return with;
    }
};

TEST_CASE("what would come again after a crash is bounded by the span, also where pulls carry no commit", "[scenario]") {
    virtual_cluster cluster({.slave_listen = endpoint{"slave-a", 10911}});
    cluster.broker().create_topic("orders", 1);
    cluster.broker().suggest_slave();
    auto with               = cluster.member_options();
    with.max_span           = 50;
    with.commit_interval    = 3600s;
    queue_offset widest     = 0;
    std::size_t at_slave    = 0;
    const auto at_the_slave = [&] { return cluster.broker().statistics().slave_requests_of(request_code::pull_message); };
    virtual_member one(cluster, "one", with, [&](auto messages, auto&) {
        widest = std::max(widest, messages.front().queue_offset() + 1 - cluster.committed("orders", 1));
        return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(20s);
    at_slave = at_the_slave();
    cluster.send("orders", 2000);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 2000; }, 10s));
    CHECK(at_the_slave() > at_slave + 2000 / 32 - 2);
    CHECK(widest > 32);
    CHECK(widest <= 50 + 32);
}

TEST_CASE("a pull says how much it wants, and may be held for 15 s", "[scenario]") {
    scripted_cluster cluster;
    auto with            = cluster.scripted_options();
    auto messages_a_pull = 32;
    std::size_t bytes    = 256 * 1024;
    SECTION("by default as Java's") {}
    SECTION("as the options say") {
        messages_a_pull       = 7;
        bytes                 = 5000;
        with.pull_batch_size  = 7;
        with.pull_batch_bytes = 5000;
    }
    cluster.script.expect(pull("orders", 0)
                              .from(0)
                              .with("maxMsgNums", messages_a_pull)
                              .with("maxMsgBytes", static_cast<std::int64_t>(bytes))
                              .with("suspendTimeoutMillis", 15'000));
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(cluster.script.done());
}

TEST_CASE("a pull interval stands between pulls that brought messages", "[scenario]") {
    scripted_cluster cluster;
    for (const int first : {0, 2, 4})
        cluster.script.expect(pull("orders", 0).from(first)).reply(messages(2));
    auto with          = cluster.scripted_options();
    with.pull_interval = 700ms;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 6; }, 5s));
    CHECK(one.received()[2].at - one.received()[1].at == 700ms);
    CHECK(one.received()[4].at - one.received()[3].at == 700ms);
}

TEST_CASE("an idle queue is pulled three or four times a minute", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    const auto before = cluster.requests(request_code::pull_message);
    cluster.runtime.advance(10min);
    const auto pulls = cluster.requests(request_code::pull_message) - before;
    CHECK(pulls >= 10 * 3 * 5); // four queues and the retry topic's
    CHECK(pulls <= 10 * 4 * 5);
}

TEST_CASE("offsets are committed every 5 s where something was consumed, and once a minute all the same",
          "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 1);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.count("commit") != 0; }, 6s));
    cluster.runtime.advance(14s); // what was the first of its topic at the broker is written twice
    const auto first = cluster.requests(request_code::update_consumer_offset);
    cluster.send("orders", 2); // of the next two queues
    cluster.runtime.advance(5s);
    CHECK(cluster.requests(request_code::update_consumer_offset) - first == 2);
    CHECK(cluster.committed("orders", 4) == 3);
    const auto second = cluster.requests(request_code::update_consumer_offset);
    cluster.runtime.advance(1min);
    const auto rewritten = cluster.requests(request_code::update_consumer_offset) - second;
    CHECK(rewritten >= 4);
    CHECK(rewritten <= 5); // the retry topic's may be one of them
}

TEST_CASE("pulls carry the offset too, and so it is known before the next commit", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    auto with            = cluster.member_options();
    with.commit_interval = 1h;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 20);
    CHECK(cluster.committed("orders", 4) == 20);
    const auto first = cluster.requests(request_code::update_consumer_offset);
    CHECK(first <= 4); // what a broker is told first of a topic it is told by itself
    cluster.send("orders", 20);
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 40);
    CHECK(cluster.committed("orders", 4) == 40);
    CHECK(cluster.requests(request_code::update_consumer_offset) == first);
    one.suspend(); // the last pull under way brings these, and no pull follows
    cluster.send("orders", 4);
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 44);
    CHECK(cluster.committed("orders", 4) == 40);
    REQUIRE(one.stop() == std::error_code()); // commits what none has carried
    CHECK(cluster.committed("orders", 4) == 44);
}

TEST_CASE("the first offset of a topic goes to its broker alone, which could lose one of two", "[scenario]") {
    scripted_cluster cluster;
    for (const int queue : {0, 1})
        cluster.script.expect(pull("orders", queue).from(0)).reply(messages(1));
    std::size_t committed = 0;
    auto with             = cluster.scripted_options();
    SECTION("and the others when it was confirmed") {
        cluster.script.expect(update_offset("orders", 0, 1)).reply(ok()).after(1s);
        cluster.script.then().expect(update_offset("orders", 1, 1)).reply(ok());
        committed = 2;
    }
    SECTION("and the others although it was not, since it is never again tried alone") {
        cluster.script.expect(update_offset("orders", 0, 1)).reply(refusal(response_code::system_busy)).after(1s);
        cluster.script.then().expect(update_offset("orders", 1, 1)).reply(ok());
        committed = 1;
    }
    SECTION("also when the consumer stops") {
        with.commit_interval = 1h;
        cluster.script.expect(update_offset("orders", 0, 1)).reply(ok()).after(1s);
        cluster.script.then().expect(update_offset("orders", 1, 1)).reply(ok());
    }
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    REQUIRE(one.received().size() == 2);
    if (committed == 0) {
        REQUIRE(one.stop() == std::error_code());
        committed = 2;
    }
    CHECK(cluster.run_until([&] { return one.count("commit") >= committed; }, 8s));
    CHECK(cluster.script.done());
}

TEST_CASE("pulls carry commits only where a broker keeps an offset of the topic already", "[scenario]") {
    scripted_cluster cluster;
    cluster.script.expect(pull("orders", 0).from(0)).reply(messages(1));
    SECTION("it had one at the start") {
        cluster.script.expect(query_offset("orders", 1)).reply(offset(7));
        cluster.script.expect(pull("orders", 1).from(7)).reply(messages(1)).then();
        cluster.script.expect(pull("orders", 0).from(1)).reply(messages(1)).after(2s);
        cluster.script.then().expect(pull("orders", 0).from(2).committing(2));
    }
    SECTION("it was told one") {
        cluster.script.expect(update_offset("orders", 0, 1)).reply(ok());
        cluster.script.expect(pull("orders", 0).from(1).committing(0)).reply(messages(1)).after(2s).then();
        cluster.script.expect(pull("orders", 0).from(2).committing(2));
    }
    auto with            = cluster.scripted_options();
    with.commit_interval = 1h;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return cluster.script.done(); }, 20s));
}

TEST_CASE("a member list without the member itself is stale: it keeps its queues, and tells the broker of itself",
          "[scenario]") {
    scripted_cluster cluster;
    virtual_member one(cluster, "one", cluster.scripted_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2s);
    REQUIRE(one.count("queue_acquired") == 2);
    const auto beats = cluster.script.count(heartbeat());
    cluster.script.expect(get_members()).times(2).reply(member_ids({"10.0.0.8@other", "10.0.0.9@another"}));
    cluster.script.push_members_changed("billing");
    cluster.runtime.advance(5s);
    CHECK(cluster.script.done());
    CHECK(one.count("rebalance_failure") >= 1);
    CHECK(cluster.script.count(heartbeat()) > beats);
    CHECK(one.count("queue_released") == 0);
    CHECK(one.statistics().queues.size() == 2);
}

} // namespace
