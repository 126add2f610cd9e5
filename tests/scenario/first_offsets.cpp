#include "tests/scenario/support/virtual_member.hpp"

#include <chrono>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::virtual_cluster;
using test::virtual_member;

/// One queue of ten messages, and then some.
struct young_cluster : virtual_cluster {
    young_cluster() {
        broker().create_topic("orders", 1);
        send("orders", 10, "old");
        runtime.advance(10s);
    }

    /// What a new group gets: of the old ones, and of what is sent next.
    std::size_t got_by(const options& with) {
        virtual_member one(*this, "one", with);
        one.subscribe("orders");
        CHECK(one.start() == std::error_code());
        runtime.advance(2s);
        broker().send("orders", "new");
        runtime.advance(2s);
        CHECK(one.counts()["new"] >= 1);
        return one.received().size() - 1;
    }
};

TEST_CASE("a broker has a new group begin at 0 in a young queue, unless it is asked strictly", "[scenario]") {
    young_cluster cluster;
    auto with = cluster.member_options();
    with.from = consume_from::last;
    CHECK(cluster.got_by(with) == 10);

    with.group       = "strict";
    with.strict_from = true;
    CHECK(cluster.got_by(with) == 0);

    with.group     = "timely";
    with.from      = consume_from::timestamp;
    with.from_time = cluster.runtime.system_now() - 3s; // between the two that are sent by now
    CHECK(cluster.got_by(with) == 1);

    with.group = "first";
    with.from  = consume_from::first;
    CHECK(cluster.got_by(with) == 13);
}

TEST_CASE("a group that asks strictly goes on where it was", "[scenario]") {
    young_cluster cluster;
    auto with        = cluster.member_options();
    with.from        = consume_from::last;
    with.strict_from = true;
    CHECK(cluster.got_by(with) == 0);
    cluster.send("orders", 3, "between");
    CHECK(cluster.got_by(with) == 3);
}

TEST_CASE("a queue that appears later begins at its beginning, or by choice at its end, as in Java", "[scenario]") {
    for (const bool like_first : {false, true}) {
        CAPTURE(like_first);
        young_cluster cluster;
        auto with                    = cluster.member_options();
        with.from                    = consume_from::last;
        with.strict_from             = true;
        with.later_queues_like_first = like_first;
        virtual_member one(cluster, "one", with);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(5s);
        cluster.broker().create_topic("orders", 2);
        cluster.broker().send("orders", "early", {.queue = 1});
        cluster.runtime.advance(60s);
        cluster.broker().send("orders", "late", {.queue = 1});
        cluster.runtime.advance(1s);
        CHECK(one.counts()["early"] == (like_first ? 0 : 1));
        CHECK(one.counts()["late"] == 1);
    }
}

TEST_CASE("an offset behind the end goes on at the end, or by choice at the beginning; it is told", "[scenario]") {
    for (const auto choice : {beyond_end::last, beyond_end::first}) {
        CAPTURE(static_cast<int>(choice));
        young_cluster cluster;
        auto with            = cluster.member_options();
        with.when_beyond_end = choice;
        virtual_member one(cluster, "one", with);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(3s);
        REQUIRE(one.received().size() == 10);
        REQUIRE(one.seek({"orders", "broker-a", 0}, 500) == std::error_code());
        cluster.runtime.advance(5s);
        REQUIRE(one.count("offset_corrected") == 1);
        CHECK(one.events("offset_corrected")[0].number == (choice == beyond_end::last ? 10 : 0));
        CHECK(one.received().size() == (choice == beyond_end::last ? 10 : 20));
    }
}

TEST_CASE("a topic that is deleted and made anew is read from its beginning", "[scenario]") {
    for (const int sent : {3, 15}) { // fewer than before, and more
        CAPTURE(sent);
        young_cluster cluster;
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(7s);
        REQUIRE(one.received().size() == 10);
        REQUIRE(cluster.broker().forget_topic("orders"));
        cluster.runtime.advance(20s);
        cluster.broker().create_topic("orders", 1);
        cluster.send("orders", sent, "again");
        CHECK(cluster.run_until([&] { return one.received().size() == 10u + static_cast<unsigned>(sent); }, 10s));
        cluster.runtime.advance(10s);
        CHECK(one.received().size() == 10u + static_cast<unsigned>(sent));
        REQUIRE(one.stop() == std::error_code());
        CHECK(cluster.committed("orders", 1) == sent);
    }
}

TEST_CASE("a topic that is made anew while its pull is held, and shorter, is read from its beginning", "[scenario]") {
    young_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(7s);
    REQUIRE(one.received().size() == 10);
    REQUIRE(cluster.broker().forget_topic("orders")); // nobody says so to the member
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 3, "again");
    CHECK(cluster.run_until([&] { return one.received().size() == 13; }, 5s));
    REQUIRE(one.count("offset_corrected") == 1);
    CHECK(one.events("offset_corrected")[0].number == 0);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 3);
}

TEST_CASE("an administrator's reset is obeyed, told to the next pull or to the members", "[scenario]") {
    for (const bool by_pull : {true, false}) {
        CAPTURE(by_pull);
        virtual_cluster cluster({.server_side_reset = by_pull});
        cluster.broker().create_topic("orders", 2);
        cluster.send("orders", 20); // queue 0 has the even ones
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(7s);
        REQUIRE(one.received().size() == 20);
        const auto asked = cluster.runtime.now();
        REQUIRE(cluster.broker().reset_offset("billing", "orders", 0, 7));
        CHECK(cluster.run_until([&] { return one.received().size() == 23; }, 25s));
        if (!by_pull)
            CHECK(cluster.runtime.now() - asked < 2s); // Java waits for ten
        cluster.runtime.advance(10s);
        CHECK(one.received().size() == 23);
        CHECK(one.count("offset_corrected") == 1);
        CHECK(cluster.committed("orders", 2) == 20);
    }
}

TEST_CASE("a reset does not end a suspension", "[scenario]") {
    virtual_cluster cluster({.server_side_reset = false});
    cluster.broker().create_topic("orders", 1);
    cluster.send("orders", 10);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    one.suspend();
    cluster.runtime.advance(20s);
    REQUIRE(cluster.broker().reset_offset("billing", "orders", 0, 5));
    cluster.runtime.advance(20s);
    CHECK(one.received().size() == 10);
    CHECK(cluster.committed("orders", 1) == 5);
    one.resume();
    CHECK(cluster.run_until([&] { return one.received().size() == 15; }, 1s));
}

} // namespace
