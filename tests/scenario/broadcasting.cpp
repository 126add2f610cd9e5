#include <rocketpush/offset_store/offset_files.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::broadcast_member;
using test::fake_file_store;
using test::fake_files;
using test::listener_function;
using test::message_span;
using test::virtual_cluster;
using test::virtual_member;

struct orders_cluster : virtual_cluster {
    orders_cluster() { broker().create_topic("orders", 4); }

    options broadcast_options() const {
        auto with      = member_options();
        with.client_ip = "10.0.0.1";
        return with;
    }
    /// A member whose files are on `disk`.
    broadcast_member member(std::string name, fake_files disk = {}, listener_function function = {},
                            damaged_offsets when = damaged_offsets::fail_start) {
        return {*this,
                std::move(name),
                broadcast_options(),
                std::move(function),
                nullptr,
                fake_file_store({.directory = "/data", .when_damaged = when}, std::move(disk))};
    }
    auto requests(request_code code) { return broker().statistics().requests_of(code); }
};

std::string path_of(const std::string& name) { return "/data/10.0.0.1@" + name + "/billing/offsets.json"; }

/// Sum of the offsets in a member's file; messages that it does not need again.
queue_offset kept(const fake_files& disk, const std::string& name) {
    queue_offset sum = 0;
    for (const auto& [queue, offset] : read_offset_files(disk, path_of(name)).table)
        sum += offset;
    return sum;
}

TEST_CASE("every broadcasting member gets every message, from all queues at once, and nobody is asked for members",
          "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    auto one = cluster.member("one"), two = cluster.member("two");
    one.subscribe("orders");
    two.subscribe("orders");
    const auto before = cluster.runtime.now();
    REQUIRE(one.start() == std::error_code());
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(1s);
    cluster.send("orders", 20, "n");
    REQUIRE(cluster.run_until([&] { return one.received().size() == 40 && two.received().size() == 40; }));
    CHECK(one.counts().size() == 40);
    CHECK(two.counts().size() == 40);
    CHECK(one.received().front().at - before < 100ms); // no former owner is waited for
    CHECK(two.received().front().at - before < 200ms);
    cluster.runtime.advance(1min);
    CHECK(one.received().size() == 40);
    CHECK(cluster.events->all("rebalance", "two").size() == 1);
    CHECK(cluster.events->all("rebalance", "two").front().number == 4);
    CHECK(cluster.events->count("queue_released") == 0); // a second member takes nothing from the first
    CHECK(cluster.requests(request_code::get_consumer_list) == 0);
    CHECK(one.stop() == std::error_code());
    CHECK(two.stop() == std::error_code());
}

TEST_CASE("the broker hears BROADCASTING, no retry topic, and no offset", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    fake_files disk;
    auto one = cluster.member("one", disk);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 20; }));
    cluster.send("orders", 4); // pulls after it could carry an offset
    cluster.runtime.advance(1min);
    CHECK(cluster.broker().message_model("billing") == "BROADCASTING");
    CHECK(one.statistics().queues.size() == 4); // and none of %RETRY%billing
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 0);
    CHECK(cluster.requests(request_code::query_consumer_offset) == 0);
    CHECK(cluster.requests(request_code::update_consumer_offset) == 0);
    CHECK(kept(disk, "one") == 24);
}

TEST_CASE("a broadcasting member that comes back goes on where it was", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    fake_files disk;
    for (const int expected : {20, 3}) {
        auto one = cluster.member("one", disk);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(1s);
        CHECK(one.received().size() == static_cast<std::size_t>(expected));
        REQUIRE(one.stop() == std::error_code());
        CHECK(cluster.events->all("queue_released", "one").size() % 4 == 0);
        cluster.send("orders", 3, "later");
    }
    // One that has no file of its own begins by the options.
    auto two = cluster.member("two", disk);
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(two.received().size() == 26);
}

TEST_CASE("a message that fails in broadcasting is dropped with an event each, and the offset passes it",
          "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 8);
    fake_files disk;
    auto one = cluster.member("one", disk, [](message_span messages, consume_context&) -> consume_result {
        if (messages.front().body() == "m3")
            throw std::runtime_error("bad luck");
        return messages.front().body() == "m5" ? consume_result::reconsume_later : consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5min); // every delay level that a retry could have
    CHECK(one.received().size() == 8);
    const auto dropped = one.events("dropped");
    REQUIRE(dropped.size() == 2);
    CHECK(((dropped[0].about == "m3" && dropped[1].about == "m5") ||
           (dropped[0].about == "m5" && dropped[1].about == "m3")));
    CHECK(one.count("listener_exception") == 1);
    CHECK(one.statistics().counts.failed == 2);
    CHECK(one.statistics().counts.dropped == 2);
    CHECK(one.statistics().counts.sent_back == 0);
    CHECK(cluster.requests(request_code::consumer_send_back) == 0);
    REQUIRE(one.stop() == std::error_code());
    CHECK(kept(disk, "one") == 8);
}

TEST_CASE("the file is written on the interval, once for all queues, and at the stop", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    fake_files disk;
    auto one = cluster.member("one", disk);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(4900ms);
    REQUIRE(one.received().size() == 20);
    CHECK(disk.disk->writes == 0);
    cluster.runtime.advance(200ms);
    CHECK(disk.disk->writes == 1);
    CHECK(kept(disk, "one") == 20);
    CHECK(one.count("commit") == 4);
    cluster.runtime.advance(50s);
    CHECK(disk.disk->writes == 1); // nothing changed
    cluster.send("orders", 4);
    cluster.runtime.advance(100ms);
    REQUIRE(one.stop() == std::error_code());
    CHECK(disk.disk->writes <= 3); // the first queue that is given up, then all others
    CHECK(kept(disk, "one") == 24);
}

TEST_CASE("a disk that is full is an event, consumption goes on, and what was missed is written when there is room",
          "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    fake_files disk;
    const auto full              = std::make_error_code(std::errc::no_space_on_device);
    disk.disk->failures["write"] = full;
    auto one                     = cluster.member("one", disk);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(one.received().size() == 20);
    REQUIRE(one.count("offset_store_failure") == 1);
    CHECK(one.events("offset_store_failure").front().about == path_of("one"));
    CHECK(one.events("offset_store_failure").front().code == full);
    CHECK(one.count("commit_failure") == 4);
    cluster.send("orders", 4);
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 24);

    disk.disk->failures.clear();
    cluster.runtime.advance(5s);
    CHECK(one.count("offset_store") == 1);
    CHECK(kept(disk, "one") == 24);

    // At a stop it is tried some times, then the stop ends all the same.
    cluster.send("orders", 4);
    cluster.runtime.advance(100ms);
    disk.disk->failures["rename"] = full;
    CHECK(one.stop() == std::error_code());
    CHECK(kept(disk, "one") == 24);
}

TEST_CASE("a disk that stays full does not let more than a span come again", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 1200);
    fake_files disk;
    disk.disk->failures["write"] = std::make_error_code(std::errc::no_space_on_device);
    auto with                    = cluster.broadcast_options();
    with.max_span                = 100;
    broadcast_member one{cluster, "one", with, {}, nullptr, fake_file_store({.directory = "/data"}, disk)};
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(30s);
    CHECK(one.received().size() > 4 * 100);
    CHECK(one.received().size() <= 4 * (100 + 32));
    REQUIRE(one.count("flow_control") == 4);
    CHECK(one.events("flow_control").front().number == static_cast<int>(flow_state::too_wide_a_span));

    disk.disk->failures.clear();
    REQUIRE(cluster.run_until([&] { return one.received().size() == 1200; }, 5s));
    REQUIRE(one.stop() == std::error_code());
    CHECK(kept(disk, "one") == 1200);
}

TEST_CASE("a start that finds damaged offset files fails and says so, unless it was told to begin anew", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    fake_files disk;
    disk.disk->files = {{path_of("one"), "{\"offsetTable\":{"}, {path_of("one") + ".bak", "?"}};
    {
        auto one = cluster.member("one", disk);
        one.subscribe("orders");
        CHECK(one.start() == error::offset_file_damaged);
        const auto told = one.events("offset_store_failure");
        REQUIRE(told.size() == 2);
        CHECK(told[0].about == path_of("one"));
        CHECK(told[1].about == path_of("one") + ".bak");
        CHECK(one.start() == error::already_stopped);
        CHECK(cluster.broker().statistics().connections_accepted == 0); // it did not come that far
    }
    auto one = cluster.member("one", disk, {}, damaged_offsets::begin_anew);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(one.received().size() == 20);
    CHECK(kept(disk, "one") == 20);
}

TEST_CASE("a damaged offset file with a good backup is told, and the member goes on from the backup", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 20);
    fake_files disk;
    offset_table table;
    for (std::int32_t id = 0; id < 4; ++id)
        table[{"orders", "broker-a", id}] = 4;
    disk.disk->files = {{path_of("one"), "{"}, {path_of("one") + ".bak", encode_offset_file(table)}};
    auto one         = cluster.member("one", disk);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 4);
    CHECK(one.events("offset_store_failure").front().code == error::offset_file_damaged);
}

TEST_CASE("a queue that appears later is read by every broadcasting member, from its beginning", "[scenario]") {
    orders_cluster cluster;
    auto one = cluster.member("one"), two = cluster.member("two");
    for (auto* each : {&one, &two}) {
        each->subscribe("orders");
        REQUIRE(each->start() == std::error_code());
    }
    cluster.broker().create_topic("orders", 6);
    cluster.send("orders", 12);
    cluster.runtime.advance(35s);
    CHECK(one.received().size() == 12);
    CHECK(two.received().size() == 12);
}

TEST_CASE("broadcasting and clustering groups read a topic side by side", "[scenario]") {
    orders_cluster cluster;
    cluster.send("orders", 8);
    auto one = cluster.member("one");
    virtual_member other(cluster, "other", cluster.member_options("shipping"));
    one.subscribe("orders");
    other.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(other.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 8);
    CHECK(other.received().size() == 8);
}

} // namespace
