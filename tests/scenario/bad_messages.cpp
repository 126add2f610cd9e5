#include <rocketpush/core/bad_message.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/proxied_cluster.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

// What becomes of a message that cannot be read where it is not just skipped, as it is in wire_faults.cpp.

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::each_once;
using protocol::request_code;
using test::orderly_member;
using test::proxied_cluster;
using test::proxy;
using test::virtual_member;

/// Twenty messages, of which the seventh is damaged on its way so many times.
struct damaging_cluster : proxied_cluster {
    damaging_cluster() {
        send("orders", 20, "payload");
        link.change_answers([this](std::string frame) -> proxy::instead {
            if (const auto at = frame.find("payload7"); at != std::string::npos && times > 0) {
                --times;
                frame[at] = 'P'; // its checksum is wrong now
            }
            return {std::move(frame)};
        });
    }

    options with(bad_message what) const {
        auto made             = member_options();
        made.when_bad_message = what;
        return made;
    }

    int times = 1'000'000;
};

TEST_CASE("a queue stops before a message that cannot be read, says so, and looks again", "[scenario]") {
    damaging_cluster cluster;
    cluster.broker().create_topic("other", 1);
    virtual_member one(cluster, "one", cluster.with(bad_message::stop));
    one.subscribe("orders");
    one.subscribe("other");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5min);
    CHECK(each_once(one, 7));
    CHECK(cluster.committed("orders", 1) == 7);
    CHECK(one.statistics().counts.bad == 1);
    const auto told = one.events("bad_message_ahead");
    REQUIRE(told.size() > 8); // at least once in half a minute
    CHECK(told.size() < 30);
    CHECK(told.back().number == 7);
    CHECK(told.back().code == error::message_crc_mismatch);
    CHECK(one.count("bad_message") == 0);
    CHECK(one.count("stalled") == 0);
    cluster.send("other", 3, "elsewhere");
    cluster.runtime.advance(1s);
    CHECK(each_once(one, 10)); // other queues go on

    SECTION("until it can be read") {
        cluster.times = 0;
        cluster.runtime.advance(36s);
        CHECK(each_once(one, 23));
    }
    SECTION("until somebody seeks beyond it") {
        REQUIRE(one.seek({"orders", "broker-a", 0}, 8) == std::error_code());
        cluster.runtime.advance(6s);
        CHECK(each_once(one, 22));
    }
    CHECK(cluster.committed("orders", 1) == 20);
}

TEST_CASE("a message that is damaged once on its way is read when it is looked at again", "[scenario]") {
    damaging_cluster cluster;
    cluster.times   = 1;
    const auto what = GENERATE(bad_message::stop, bad_message::send_back);
    virtual_member one(cluster, "one", cluster.with(what));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(each_once(one, 20));
    CHECK(cluster.committed("orders", 1) == 20);
    CHECK(one.count("bad_message_sent_back") + one.count("bad_message_ahead") == 0); // those before it were delivered, then it came whole
}

TEST_CASE("a message that cannot be read goes back to its broker, and comes again", "[scenario]") {
    damaging_cluster cluster;
    cluster.times = 2; // in the answer with others, and as the first
    virtual_member one(cluster, "one", cluster.with(bad_message::send_back));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(each_once(one, 19));
    CHECK(cluster.committed("orders", 1) == 20);
    REQUIRE(one.count("bad_message_sent_back") == 1);
    CHECK(one.events("bad_message_sent_back")[0].number == 7);
    CHECK(one.events("bad_message_sent_back")[0].code == error::message_crc_mismatch);
    CHECK(one.statistics().counts.bad == 1);
    CHECK(one.statistics().counts.sent_back == 1);
    cluster.runtime.advance(15s); // a retry comes after ten
    CHECK(each_once(one, 20));
    CHECK(one.received().back().body == "payload7");
    CHECK(one.received().back().reconsume_times == 1);
}

TEST_CASE("no offset passes a message that cannot be read before its broker has confirmed that it took it back", "[scenario]") {
    damaging_cluster cluster;
    cluster.times = 5; // it is looked at before each attempt
    cluster.broker().add_fault({.codes = {request_code::consumer_send_back}, .times = 3});
    virtual_member one(cluster, "one", cluster.with(bad_message::send_back));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(cluster.committed("orders", 1) <= 7);
    CHECK(each_once(one, 7));
    CHECK(cluster.events->has("pull_failure", response_code::system_error));
    cluster.runtime.advance(30s);
    CHECK(cluster.committed("orders", 1) == 20);
    CHECK(one.count("bad_message_sent_back") == 1);
    CHECK(one.statistics().counts.bad == 1);
    CHECK(each_once(one, 20));
}

TEST_CASE("what no broker can take back is passed over", "[scenario]") {
    proxied_cluster cluster;
    cluster.send("orders", 20, "payload");
    cluster.link.change_answers([](std::string frame) -> proxy::instead {
        if (const auto body = frame.find("payload7"); body != std::string::npos) // a size that cannot be true, before the magic
            detail::store_big(frame.data() + frame.rfind("\xda\xa3\x20\xa7", body) - 4, std::uint32_t{3});
        return {std::move(frame)};
    });
    auto with             = cluster.member_options();
    with.when_bad_message = bad_message::send_back;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(each_once(one, 19));
    CHECK(cluster.committed("orders", 1) == 20);
    CHECK(one.count("bad_message") == 2); // behind those before it, then alone
}

TEST_CASE("in order, no message passes one that cannot be read and stops its queue", "[scenario]") {
    damaging_cluster cluster;
    orderly_member one(cluster, "one", cluster.with(bad_message::stop));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1min);
    CHECK(each_once(one, 7));
    CHECK(cluster.committed("orders", 1) == 7);
    cluster.times = 0;
    cluster.runtime.advance(36s);
    CHECK(each_once(one, 20));
    CHECK(std::ranges::is_sorted(one.received(), {}, &test::received_message::offset));
}

TEST_CASE("a queue that stopped is handed over, and a consumer with one stops, as ever", "[scenario]") {
    damaging_cluster cluster;
    const auto what = GENERATE(bad_message::stop, bad_message::send_back);
    cluster.broker().add_fault({.codes = {request_code::consumer_send_back}});
    {
        virtual_member one(cluster, "one", cluster.with(what));
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(20s);
        CHECK(each_once(one, 7));
        CHECK(one.stop() == std::error_code());
    }
    CHECK(cluster.committed("orders", 1) == 7);
    cluster.times = 0;
    virtual_member two(cluster, "two", cluster.with(what));
    two.subscribe("orders");
    REQUIRE(two.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(each_once(two, 13));
    CHECK(two.received().front().offset == 7);
}

} // namespace
