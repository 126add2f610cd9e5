// A broker that tells offsets which are none, and answers that inflate to more than anybody wants at once.

#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/features.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/compression.hpp>
#include <rocketpush/protocol/frame.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/scenario/support/proxied_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::proxied_cluster;
using test::proxy;
using test::virtual_member;

/// The frame with another value of a field, if it has the field. Its header is JSON.
std::string with_field(std::string frame, std::string_view name, std::string_view value) {
    const auto header_size = protocol::parse_frame_prefix(frame.data())->header_size;
    const auto mark        = '"' + std::string(name) + "\":\"";
    const auto at          = frame.find(mark);
    if (at >= protocol::frame_prefix_size + header_size)
        return frame;
    const auto begin = at + mark.size();
    const auto size  = frame.find('"', begin) - begin;
    frame.replace(begin, size, value);
    detail::store_big(frame.data(), static_cast<std::uint32_t>(frame.size() - 4));
    detail::store_big(frame.data() + 4, static_cast<std::uint32_t>(header_size - size + value.size()));
    return frame;
}

bool has_all_once(const virtual_member& member, queue_offset count) {
    queue_offset next = 0;
    for (const auto& each : member.received())
        if (each.offset != next++)
            return false;
    return next == count;
}

TEST_CASE("wherever a broken broker says that a queue begins, it is not before offset 0", "[scenario]") {
    const auto from = GENERATE(consume_from::first, consume_from::last, consume_from::timestamp);
    const std::string said = GENERATE("-1", "-9", "-9223372036854775808");
    CAPTURE(static_cast<int>(from), said);
    proxied_cluster cluster;
    cluster.send("orders", 10);
    cluster.link.change_answers([&](std::string frame) -> proxy::instead { return {with_field(std::move(frame), "offset", said)}; });
    auto with      = cluster.member_options();
    with.from      = from;
    with.from_time = cluster.runtime.system_now();
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10s);
    REQUIRE(one.count("queue_acquired") >= 1);
    for (const auto& each : one.events("queue_acquired"))
        CHECK(each.number == 0);
    CHECK(has_all_once(one, 10));
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("a refused offset is corrected to none before 0, whatever a broken broker says of its queue", "[scenario]") {
    const auto choice = GENERATE(beyond_end::last, beyond_end::first);
    proxied_cluster cluster;
    cluster.send("orders", 10);
    auto with            = cluster.member_options();
    with.when_beyond_end = choice;
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    REQUIRE(one.received().size() == 10);
    cluster.link.change_answers([](std::string frame) -> proxy::instead {
        if (frame.find("\"offset\":\"500\"") != std::string::npos) // the stored one, or nobody would ask from there
            return {std::move(frame)};
        return {with_field(with_field(std::move(frame), "offset", "-9"), "nextBeginOffset", "-7")};
    });
    REQUIRE(one.seek({"orders", "broker-a", 0}, 500) == std::error_code());
    cluster.runtime.advance(5s);
    REQUIRE(one.count("offset_corrected") >= 1);
    for (const auto& each : one.events("offset_corrected"))
        CHECK(each.number == 0);
    CHECK(one.received().size() == 20);
}

TEST_CASE("a next offset before the asked one is passed over", "[scenario]") {
    const std::string said = GENERATE("0", "-1", "-9223372036854775808");
    CAPTURE(said);
    proxied_cluster cluster;
    cluster.send("orders", 100);
    cluster.link.change_answers(
        [&](std::string frame) -> proxy::instead { return {with_field(std::move(frame), "nextBeginOffset", said)}; });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10s);
    CHECK(has_all_once(one, 100));
    CHECK(cluster.committed("orders", 1) == 100);
}

#if ROCKETPUSH_WITH_ZLIB
TEST_CASE("an answer that inflates to more than is enough at once is read in two pulls, and nothing is lost", "[scenario]") {
    constexpr int count              = 6;
    constexpr std::size_t large_body = 13u << 20; // five of them are enough
    proxied_cluster cluster;
    const auto small = protocol::compress(protocol::compression::zlib, std::string(large_body, 'x'), 1);
    REQUIRE(small);
    for (int i = 0; i < count; ++i)
        cluster.broker().send("orders", *small);
    // The broker does not know that they are compressed: it is written into the messages on their way.
    int answers = 0;
    cluster.link.change_answers([&](std::string frame) -> proxy::instead {
        bool any = false;
        for (auto at = frame.find(*small); at != std::string::npos; at = frame.find(*small, at + 1)) {
            const auto record = frame.rfind("\xDA\xA3\x20\xA7", at) - 4;
            detail::store_big(frame.data() + record + detail::message_layout::sys_flag,
                              protocol::flags_of(protocol::compression::zlib));
            any = true;
        }
        answers += any ? 1 : 0;
        return {std::move(frame)};
    });
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(10s);
    CHECK(has_all_once(one, count));
    CHECK(std::ranges::all_of(one.received(), [](const auto& each) { return each.body.size() == large_body; }));
    CHECK(answers == 2);
    CHECK(cluster.committed("orders", 1) == count);
}
#endif

} // namespace
