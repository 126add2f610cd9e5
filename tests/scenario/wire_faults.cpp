#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/requests_group.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tests/scenario/support/each_once.hpp"
#include "tests/scenario/support/proxied_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::each_once;
using test::proxied_cluster;
using test::proxy;
using test::virtual_member;

std::string big_endian(std::int32_t value) {
    std::string bytes(4, '\0');
    detail::store_big(bytes.data(), static_cast<std::uint32_t>(value));
    return bytes;
}

TEST_CASE("an answer cut off at any byte costs no message and brings none twice", "[scenario]") {
    proxied_cluster cluster;
    std::size_t cut_at = 0, cuts = 0;
    bool past_the_end = false, armed = false;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        if (!armed || frame.find("payload") == std::string::npos)
            return {std::move(frame)};
        armed        = false;
        past_the_end = cut_at >= frame.size();
        ++cuts;
        return {frame.substr(0, cut_at), true};
    });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    while (!past_the_end) {
        armed = true;
        cluster.send("orders", 1, "payload" + std::to_string(cut_at) + '/');
        REQUIRE(cluster.run_until([&] { return one.received().size() == cuts && !armed; }, 10s));
        cut_at += cut_at < 64 ? 1 : 5;
    }
    CHECK(cuts > 100);
    CHECK(each_once(one, cuts));
    cluster.runtime.advance(6s);
    CHECK(cluster.committed("orders", 1) == static_cast<queue_offset>(cuts));
}

TEST_CASE("bytes that are no frame end their connection, and consumption goes on over a new one", "[scenario]") {
    struct garbage {
        std::string_view what;
        std::string bytes;
        error seen;
    };
    const auto given = GENERATE(
        garbage{"length 0", big_endian(0) + std::string(60, 'x'), error::frame_malformed},
        garbage{"length -1", big_endian(-1) + std::string(60, 'x'), error::frame_malformed},
        garbage{"length 2^31-1", big_endian(2147483647) + std::string(60, 'x'), error::frame_too_large},
        garbage{"header longer than the frame", big_endian(20) + big_endian(21) + std::string(60, 'x'), error::frame_malformed},
        garbage{"unknown encoding", big_endian(20) + big_endian((7 << 24) | 16) + std::string(60, 'x'), error::unknown_encoding},
        garbage{"a header that is no JSON", big_endian(20) + big_endian(16) + std::string(60, '{'), error::header_malformed},
        garbage{"HTTP", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", error::frame_too_large});
    CAPTURE(given.what);
    const bool before_the_answer = GENERATE(true, false);

    proxied_cluster cluster;
    cluster.send("orders", 20);
    bool meddled = false;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        if (meddled || frame.find("m19") == std::string::npos)
            return {std::move(frame)};
        meddled = true;
        return {before_the_answer ? given.bytes + frame : frame + given.bytes};
    });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 20; }, 10s));
    cluster.send("orders", 10, "later");
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 30; }, 10s));
    CHECK(meddled);
    CHECK(cluster.events->has("disconnect", given.seen));
    CHECK(each_once(one, 30));
    CHECK(cluster.broker().statistics().connections_accepted >= 2);
    CHECK(cluster.broker().statistics().connections_open == 1);
}

TEST_CASE("garbage in place of every second answer slows a consumer down and no more", "[scenario]") {
    proxied_cluster cluster;
    cluster.send("orders", 50);
    int answers = 0;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        if (++answers % 2 == 0 && answers < 200)
            return {std::string(frame.size(), '\xff')};
        return {std::move(frame)};
    });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() >= 50; }, 10min));
    CHECK(each_once(one, 50));
    CHECK(one.stop());
}

TEST_CASE("answers to requests that nobody made, and the same answer twice, are passed over", "[scenario]") {
    proxied_cluster cluster;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        std::string more;
        for (const std::int32_t opaque : {0, -1, 77, 2147483647})
            protocol::append_response(more, protocol::header_encoding::json, response_code::success, opaque, "who asked?",
                                      protocol::no_fields{}, "a body");
        return {more + frame + frame};
    });
    cluster.send("orders", 20);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    cluster.send("orders", 20, "later");
    cluster.runtime.advance(1min);
    CHECK(each_once(one, 40));
    CHECK(one.count("disconnect") == 0);
}

TEST_CASE("requests of the broker that the consumer does not know are answered so, and nothing else happens", "[scenario]") {
    proxied_cluster cluster;
    bool asked = false;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        if (std::exchange(asked, true))
            return {std::move(frame)};
        // A request like the one that the embedded broker passes on for an admin tool, with a code from the future.
        std::string request = R"({"code":4711,"flag":0,"language":"JAVA","opaque":5,"version":513,"extFields":{"a":"b"}})";
        const auto header   = static_cast<std::int32_t>(request.size());
        return {big_endian(header + 4) + big_endian(header) + request + frame};
    });
    cluster.send("orders", 5);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(1s);
    CHECK(each_once(one, 5));
    CHECK(one.count("disconnect") == 0);
}

TEST_CASE("an answer that lacks what it must have is a failed pull", "[scenario]") {
    proxied_cluster cluster;
    int meddled = 0;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        const auto at = frame.find("nextBeginOffset");
        if (at == std::string::npos || meddled == 3)
            return {std::move(frame)};
        ++meddled;
        frame[at] = 'N';
        return {std::move(frame)};
    });
    cluster.send("orders", 20);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10s);
    CHECK(each_once(one, 20));
    CHECK(cluster.events->has("pull_failure", error::header_malformed));
    CHECK(one.count("disconnect") == 0);
}

TEST_CASE("a record that is damaged on its way is told and passed over, and its neighbours are delivered", "[scenario]") {
    proxied_cluster cluster;
    cluster.send("orders", 20, "payload");
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        if (const auto at = frame.find("payload7"); at != std::string::npos)
            frame[at] = 'P'; // its checksum is wrong now
        return {std::move(frame)};
    });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(each_once(one, 19));
    CHECK_FALSE(one.counts().contains("payload7"));
    REQUIRE(one.count("bad_message") == 1);
    CHECK(one.events("bad_message")[0].number == 7);
    CHECK(one.events("bad_message")[0].code == error::message_crc_mismatch);
    CHECK(one.statistics().counts.bad == 1);
    CHECK(cluster.committed("orders", 1) == 20);
}

TEST_CASE("a body whose last record is cut off is read up to there, and the rest comes with the next pull", "[scenario]") {
    proxied_cluster cluster;
    cluster.send("orders", 20, "payload");
    bool meddled = false;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        if (meddled || frame.find("payload19") == std::string::npos)
            return {std::move(frame)};
        meddled = true;
        frame.resize(frame.size() - 30);
        detail::store_big(frame.data(), static_cast<std::uint32_t>(frame.size() - 4));
        return {std::move(frame)};
    });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(meddled);
    CHECK(one.count("bad_message") == 1);
    CHECK(each_once(one, 20));
}

TEST_CASE("behind a record whose size cannot be true consumption goes on, with the next pull", "[scenario]") {
    proxied_cluster cluster;
    cluster.send("orders", 20, "payload");
    bool always = false, meddled = false;
    std::size_t delivered = 20, told = 1;
    SECTION("once: nothing is lost") {}
    SECTION("whenever it is asked for: it is passed over") {
        always    = true;
        delivered = 19;
        told      = 2; // behind those before it, then alone
    }
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        const auto body = frame.find("payload7");
        if (body == std::string::npos || (meddled && !always))
            return {std::move(frame)};
        meddled = true;
        detail::store_big(frame.data() + frame.rfind("\xda\xa3\x20\xa7", body) - 4, std::uint32_t{3}); // before the magic
        return {std::move(frame)};
    });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(6s);
    CHECK(each_once(one, delivered));
    CHECK(one.counts().contains("payload7") == !always);
    CHECK(one.count("bad_message") == told);
    CHECK(cluster.committed("orders", 1) == 20);
}

} // namespace
