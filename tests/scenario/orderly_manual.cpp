#include "tests/scenario/support/virtual_member.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_member;
using test::message_span;
using test::virtual_cluster;

struct manual_cluster : virtual_cluster {
    manual_cluster() {
        broker().create_topic("orders", 1);
        with                     = member_options();
        with.suspend_interval    = 100ms;
        with.commit_interval     = 200ms;
        with.max_reconsume_times = 1;
    }
    static std::string bodies(const manual_member& member) {
        std::string all;
        for (const auto& each : member.received())
            all += each.body.substr(1);
        return all;
    }
    options with;
};

TEST_CASE("what a listener has consumed is committed when it says so, all of it", "[scenario][orderly]") {
    manual_cluster cluster;
    cluster.send("orders", 9);
    manual_member member(cluster, "one", cluster.with, [](message_span messages, orderly_context&) {
        return messages.front().queue_offset() == 5 ? orderly_result::commit : orderly_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(cluster.bodies(member) == "012345678");
    CHECK(cluster.committed("orders", 1) == 6);
    CHECK(member.statistics().counts.succeeded == 9);
    CHECK(member.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 6);

    manual_member next(cluster, "two", cluster.with);
    next.subscribe("orders");
    REQUIRE(next.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(cluster.bodies(next) == "678");
    CHECK(next.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 9);
}

TEST_CASE("a listener that decides on commits may let more come before it does than the span has", "[scenario][orderly]") {
    manual_cluster cluster;
    cluster.with.max_span = 10;
    cluster.send("orders", 300);
    manual_member member(cluster, "one", cluster.with, [](message_span messages, orderly_context&) {
        return messages.back().queue_offset() % 100 == 99 ? orderly_result::commit : orderly_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return member.received().size() == 300; }));
    CHECK(member.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 300);
}

TEST_CASE("a rollback takes back everything since the last commit, after a pause, and counts as no failure",
          "[scenario][orderly]") {
    manual_cluster cluster;
    cluster.send("orders", 6);
    int rollbacks = 2;
    manual_member member(cluster, "one", cluster.with, [&](message_span messages, orderly_context&) {
        const auto offset = messages.front().queue_offset();
        if (offset == 4 && rollbacks-- > 0)
            return orderly_result::rollback;
        return offset == 1 || offset == 5 ? orderly_result::commit : orderly_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(cluster.bodies(member) == "012342342345");
    CHECK(member.received()[5].at - member.received()[4].at == 100ms);
    for (const auto& each : member.received())
        CHECK(each.reconsume_times == 0);
    CHECK(cluster.committed("orders", 1) == 6);
    CHECK(cluster.broker().stored("%DLQ%billing") == 0);
}

TEST_CASE("a suspended call comes again alone; what was consumed before it stays consumed", "[scenario][orderly]") {
    manual_cluster cluster;
    cluster.send("orders", 4);
    int failures = 1;
    manual_member member(cluster, "one", cluster.with, [&](message_span messages, orderly_context&) {
        const auto offset = messages.front().queue_offset();
        if (offset == 2 && failures-- > 0)
            return orderly_result::suspend;
        return offset == 3 ? orderly_result::commit : orderly_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(cluster.bodies(member) == "01223");
    CHECK(member.received()[3].reconsume_times == 1);
    CHECK(cluster.committed("orders", 1) == 4);
}

TEST_CASE("a dead letter among messages that are not committed needs no commit of its own", "[scenario][orderly]") {
    manual_cluster cluster;
    cluster.send("orders", 4);
    manual_member member(cluster, "one", cluster.with, [&](message_span messages, orderly_context&) {
        const auto offset = messages.front().queue_offset();
        return offset == 1 ? orderly_result::suspend : offset == 3 ? orderly_result::commit : orderly_result::success;
    });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(cluster.bodies(member) == "01123");
    CHECK(cluster.broker().stored("%DLQ%billing") == 1);
    CHECK(cluster.committed("orders", 1) == 4);
}

TEST_CASE("a listener that never commits stops its queue at the limit of what is cached", "[scenario][orderly]") {
    manual_cluster cluster;
    cluster.with.max_cached_messages = 50;
    cluster.send("orders", 200);
    manual_member member(cluster, "one", cluster.with,
                         [](message_span, orderly_context&) { return orderly_result::success; });
    member.subscribe("orders");
    REQUIRE(member.start() == std::error_code());
    cluster.runtime.advance(10s);
    CHECK(member.received().size() > 50);
    CHECK(member.received().size() <= 50 + 32);
    CHECK(member.count("flow_control") >= 1);
}

} // namespace
