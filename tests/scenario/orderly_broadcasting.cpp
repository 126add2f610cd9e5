#include <rocketpush/offset_store/offset_files.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "tests/scenario/support/order_witness.hpp"
#include "tests/scenario/support/orderly_broadcast_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::fake_file_store;
using test::fake_files;
using test::message_span;
using test::order_witness;
using test::orderly_broadcast_member;
using test::orderly_function;
using test::virtual_cluster;

struct orders_cluster : virtual_cluster {
    orders_cluster() { broker().create_topic("orders", 4); }

    orderly_broadcast_member member(std::string name, fake_files disk, orderly_function function,
                                    int most_failures = -1) {
        auto with                = member_options();
        with.client_ip           = "10.0.0.1";
        with.max_reconsume_times = most_failures;
        return {*this,   std::move(name),
                with,    std::move(function),
                nullptr, fake_file_store({.directory = "/data"}, std::move(disk))};
    }
    auto requests(request_code code) { return broker().statistics().requests_of(code); }
};

/// Fails the message `body` its first `times` times, and has `witness` see each call.
orderly_function failing(order_witness& witness, std::string body, int times) {
    return [&witness, body = std::move(body), times](message_span messages, orderly_context&) mutable {
        const auto& message = messages.front();
        const bool good     = message.body() != body || times-- <= 0;
        witness.begin(message);
        witness.end(message, good);
        return good ? consume_result::success : consume_result::reconsume_later;
    };
}

TEST_CASE("in order and in broadcasting every member gets each queue in its order, and no broker is asked for a lock",
          "[scenario][orderly]") {
    orders_cluster cluster;
    cluster.send("orders", 200);
    order_witness seen_by_one, seen_by_two;
    fake_files disk;
    auto one = cluster.member("one", disk, failing(seen_by_one, "m17", 2));
    auto two = cluster.member("two", {}, failing(seen_by_two, "", 0));
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(two.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 202 && two.received().size() == 200; }, 10s));
    cluster.send("orders", 40, "later");
    cluster.runtime.advance(1min); // locks would be renewed every 20 s
    CHECK(seen_by_one.distinct() == 240);
    CHECK(seen_by_two.distinct() == 240);
    for (const auto* each : {&seen_by_one, &seen_by_two}) {
        CHECK(each->gaps() == 0);
        CHECK(each->repeats() == 0);
        CHECK(each->overlaps() == 0);
    }
    CHECK(one.count("queue_suspended") == 2); // the pause of "m17": nothing behind it came before it
    for (const auto& queue : one.statistics().queues)
        CHECK(queue.lock == lock_state::not_needed);
    CHECK(cluster.requests(request_code::lock_batch) == 0);
    CHECK(one.stop() == std::error_code());
    CHECK(two.stop() == std::error_code());
    CHECK(cluster.requests(request_code::unlock_batch) == 0);
    CHECK(cluster.requests(request_code::update_consumer_offset) == 0);

    auto again = cluster.member("one", disk, failing(seen_by_one, "", 0)); // goes on behind what its file says
    again.subscribe("orders");
    REQUIRE(again.start() == std::error_code());
    cluster.send("orders", 4, "new");
    REQUIRE(cluster.run_until([&] { return again.received().size() == 4; }, 10s));
    CHECK(seen_by_one.repeats() == 0);
}

TEST_CASE("what fails too often in order is dropped in broadcasting, with an event, and its queue goes on",
          "[scenario][orderly]") {
    orders_cluster cluster;
    cluster.send("orders", 40);
    order_witness witness;
    auto one = cluster.member("one", {}, failing(witness, "m5", 1000), /*most_failures=*/2);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return witness.distinct() == 40; }, 10s));
    cluster.runtime.advance(1min);
    CHECK(one.counts()["m5"] == 3);
    REQUIRE(one.count("dropped") == 1);
    CHECK(one.events("dropped").front().about == "m5");
    CHECK(one.statistics().counts.dropped == 1);
    CHECK(cluster.requests(request_code::send_message_v2) == 0); // no dead letter: every member would send one
    CHECK(cluster.requests(request_code::consumer_send_back) == 0);
    CHECK(one.stop() == std::error_code());
}

} // namespace
