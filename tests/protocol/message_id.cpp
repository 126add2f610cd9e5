#include <rocketpush/protocol/message_id.hpp>

#include <array>
#include <chrono>
#include <ctime>
#include <set>
#include <string>

#include "tests/support/catch.hpp"

namespace rocketpush::protocol {
namespace {

using namespace std::chrono_literals;

const host_address loopback{std::array<unsigned char, 4>{127, 0, 0, 1}, 10911};

std::chrono::system_clock::time_point local(int year, int month, int day, int hour = 0) {
    std::tm time{};
    time.tm_year  = year - 1900;
    time.tm_mon   = month - 1;
    time.tm_mday  = day;
    time.tm_hour  = hour;
    time.tm_isdst = -1;
    return std::chrono::system_clock::from_time_t(std::mktime(&time));
}

} // namespace

TEST_CASE("an offset id is the store host and the commit log offset in hex", "[message_id]") {
    CHECK(to_string(offset_message_id{loopback, 0}) == "7F00000100002A9F0000000000000000");
    CHECK(to_string(offset_message_id{loopback, 0xE219}) == "7F00000100002A9F000000000000E219");
}

TEST_CASE("offset ids read back, with either kind of host", "[message_id]") {
    std::array<unsigned char, 16> bytes{};
    bytes[15] = 1;
    for (const auto& host : {loopback, host_address(bytes, 10911)}) {
        const offset_message_id id{host, 0x0102030405060708};
        const auto parsed = parse_offset_message_id(to_string(id));
        REQUIRE(parsed);
        CHECK(*parsed == id);
    }
    const auto lower = parse_offset_message_id("7f00000100002a9f000000000000e219");
    REQUIRE(lower);
    CHECK(lower->commit_log_offset == 0xE219);
}

TEST_CASE("what is no offset id is refused", "[message_id]") {
    for (const auto* text : {"", "7F", "7F00000100002A9F000000000000000", "7F00000100002A9F00000000000000000",
                             "7F00000100002A9F000000000000000G", "7F00000100002A9F-000000000000001"})
        CHECK(parse_offset_message_id(text).error() == error::header_malformed);
}

TEST_CASE("a unique key is laid out as Java's tools read it", "[message_id]") {
    unique_id_generator ids(loopback, 0x12ABCD, 0x18B4AAC2);
    const auto month = local(2026, 11, 1);
    CHECK(ids.next(month + 258ms) == "7F000001ABCD18B4AAC2000001020000");
    CHECK(ids.next(month + 259ms) == "7F000001ABCD18B4AAC2000001030001");

    std::array<unsigned char, 16> bytes{0xFD};
    unique_id_generator of_v6(host_address(bytes, 0), 1, 2);
    CHECK(of_v6.next(month) == "FD000000000000000000000000000000"
                               "0001"
                               "00000002"
                               "00000000"
                               "0000");
}

TEST_CASE("a unique key counts from the beginning of the local month", "[message_id]") {
    unique_id_generator ids(loopback, 1, 2);
    const auto time_of = [&ids](auto now) { return ids.next(now).substr(20, 8); };
    CHECK(time_of(local(2026, 11, 2)) == "05265C00"); // 24 h
    CHECK(time_of(local(2026, 12, 1) + 1ms) == "00000001");
    CHECK(time_of(local(2027, 1, 1) + 2ms) == "00000002");
    // A clock set back a little over the month's begin counts as the begin.
    CHECK(time_of(local(2027, 1, 1) - 5ms) == "00000000");
    CHECK(time_of(local(2027, 1, 1) - 20min) != "00000000");
}

TEST_CASE("unique keys of one millisecond differ until the counter wraps", "[message_id]") {
    unique_id_generator ids(loopback, 1, 2);
    std::set<std::string> seen;
    for (int i = 0; i < 65536; ++i) seen.insert(ids.next(local(2026, 11, 1)));
    CHECK(seen.size() == 65536);
    CHECK(seen.count(ids.next(local(2026, 11, 1))) == 1);
}

} // namespace rocketpush::protocol
