#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <map>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::message_span;
using test::pause_for;
using test::slow_result;
using test::slow_virtual_member;
using test::virtual_cluster;

/// One queue, and listener calls that may last a minute.
struct patient_cluster : virtual_cluster {
    patient_cluster() { broker().create_topic("orders", 1); }
    options a_minute() const {
        auto with            = member_options();
        with.consume_timeout = 1min;
        return with;
    }
    /// Hangs with the body the first time for so long, then answers.
    auto hang(std::string body, std::chrono::milliseconds time, consume_result answer = consume_result::success) {
        return [this, body, time, answer](message_span messages, consume_context&) -> slow_result {
            const auto& message = messages.front();
            if (message.body() == body && message.reconsume_times() == 0) {
                co_await pause_for(runtime, time);
                co_return answer;
            }
            co_return consume_result::success;
        };
    }
};

TEST_CASE("a message that its listener does not finish in time is sent back, wherever in its queue it is", "[scenario]") {
    patient_cluster cluster;
    cluster.send("orders", 5);
    slow_virtual_member one(cluster, "one", cluster.a_minute(), cluster.hang("m2", 1h));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(59s);
    CHECK(cluster.committed("orders", 1) == 2);
    CHECK(one.count("consume_timeout") == 0);
    cluster.runtime.advance(25s); // the look each 7.5 s, and the next commit
    CHECK(one.count("consume_timeout") == 1);
    CHECK(one.events("consume_timeout").front().about == "m2");
    CHECK(one.events("consume_timeout").front().number >= 60'000);
    CHECK(one.events("consume_timeout").front().number < 75'000);
    CHECK(one.count("send_back") == 1);
    CHECK(cluster.committed("orders", 1) == 5);
    REQUIRE(cluster.run_until([&] { return one.received().size() == 6; }));
    CHECK(one.received().back().body == "m2");
    CHECK(one.received().back().reconsume_times == 1);
    CHECK(one.received().back().at - one.received()[2].at < 90s);
    CHECK(one.statistics().counts.timed_out == 1);
}

TEST_CASE("what a call answers after its time is not heard", "[scenario]") {
    for (const auto answer : {consume_result::success, consume_result::reconsume_later}) {
        patient_cluster cluster;
        cluster.send("orders", 1);
        slow_virtual_member one(cluster, "one", cluster.a_minute(), cluster.hang("m0", 80s, answer));
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(5min);
        CHECK(one.counts() == std::map<std::string, int>{{"m0", 2}});
        CHECK(one.count("send_back") == 1);
        CHECK(one.statistics().cached_messages == 0); // the call has ended, and nothing is kept for it
        CHECK(one.stop() == std::error_code());
        CHECK(cluster.committed("orders", 1) == 1);
    }
}

TEST_CASE("a call that answers in time is left alone, however long others were", "[scenario]") {
    patient_cluster cluster;
    cluster.send("orders", 1);
    slow_virtual_member one(cluster, "one", cluster.a_minute(), cluster.hang("m0", 59s));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5min);
    CHECK(one.received().size() == 1);
    CHECK(one.count("consume_timeout") == 0);
}

TEST_CASE("a message that waits for a free lane has not begun to be late", "[scenario]") {
    patient_cluster cluster;
    cluster.send("orders", 4);
    auto with            = cluster.a_minute();
    with.consume_threads = 1;
    slow_virtual_member one(cluster, "one", with, [&](message_span, consume_context&) -> slow_result {
        co_await pause_for(cluster.runtime, 50s);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5min);
    CHECK(one.received().size() == 4);
    CHECK(one.count("consume_timeout") == 0);
}

TEST_CASE("a late success spares a message that no broker has taken yet the way back", "[scenario]") {
    patient_cluster cluster;
    cluster.send("orders", 1);
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error, 1000);
    cluster.broker().fail_next(request_code::send_message_v2, response_code::system_error, 1000);
    slow_virtual_member one(cluster, "one", cluster.a_minute(), cluster.hang("m0", 70s));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2min);
    CHECK(one.count("consume_timeout") == 1);
    CHECK(one.received().size() == 1);
    CHECK(cluster.committed("orders", 1) == 1);
}

TEST_CASE("a message that is consumed here once more may be late as well", "[scenario]") {
    patient_cluster cluster;
    cluster.send("orders", 1);
    cluster.broker().fail_next(request_code::consumer_send_back, response_code::system_error);
    cluster.broker().fail_next(request_code::send_message_v2, response_code::system_error);
    slow_virtual_member one(cluster, "one", cluster.a_minute(), [&](message_span messages, consume_context&) -> slow_result {
        if (messages.front().stored_topic() != "orders")
            co_return consume_result::success;
        if (messages.front().reconsume_times() == 1)
            co_await pause_for(cluster.runtime, 100s);
        co_return consume_result::reconsume_later;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(90s);
    CHECK(one.count("consume_timeout") == 1);
    CHECK(one.count("send_back") == 1);
    cluster.runtime.advance(3min);
    CHECK(one.received().size() == 3); // the first time, here again, and as a retry
    CHECK(one.statistics().cached_messages == 0);
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 1) == 1);
}

TEST_CASE("a call that hangs for ever neither holds its queue's offset nor the stop beyond its deadline", "[scenario]") {
    patient_cluster cluster;
    cluster.send("orders", 3);
    slow_virtual_member one(cluster, "one", cluster.a_minute(), cluster.hang("m0", 10h));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(2min);
    CHECK(cluster.committed("orders", 1) == 3);
    CHECK(one.stop(5s) == error::stop_deadline_passed);
    CHECK(cluster.committed("orders", 1) == 3);
}

} // namespace
