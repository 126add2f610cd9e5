#include <rocketpush/protocol/header.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/captured_frames.hpp"
#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
namespace captured = rocketpush::test::captured;

namespace {

std::string_view header_bytes(std::string_view frame) {
    const auto prefix = parse_frame_prefix(frame.data());
    return frame.substr(frame_prefix_size, prefix->header_size);
}

result<header_view> parse(const std::string& frame) {
    return parse_header(parse_frame_prefix(frame.data())->encoding, header_bytes(frame));
}

result<header_view> parse_json(std::string_view text) { return parse_header(header_encoding::json, text); }

std::string field(const header_view& header, std::string_view name) {
    const auto value = header.field(name);
    return value ? value->to_string() : "(none)";
}

const std::vector<std::string> all_frames{
    captured::route_request_json,        captured::route_response_json,
    captured::route_request_binary,      captured::answer_to_binary_route_request(),
    captured::route_response_binary_497, captured::route_response_old_json_497,
    captured::heartbeat_request,         captured::heartbeat_response,
    captured::pull_request_json,         captured::pull_response_json,
    captured::pull_request_binary,       captured::pull_response_binary_497};

} // namespace

TEST_CASE("a request of each encoding has its code, opaque, version and fields", "[protocol]") {
    const auto json = parse(captured::route_request_json);
    REQUIRE(json);
    CHECK(json->code == 105);
    CHECK(json->opaque == 1);
    CHECK(json->version == 477);
    CHECK(!json->is_response());
    CHECK(!json->is_oneway());
    CHECK(field(*json, "topic") == "probe");
    CHECK(field(*json, "topi") == "(none)");

    const auto binary = parse(captured::route_request_binary);
    REQUIRE(binary);
    CHECK(binary->encoding == header_encoding::rocketmq);
    CHECK(binary->code == 105);
    CHECK(binary->opaque == 2);
    CHECK(binary->version == 477);
    CHECK(field(*binary, "topic") == "probe");
}

TEST_CASE("a server may answer a binary request in either encoding", "[protocol]") {
    const auto json = parse(captured::answer_to_binary_route_request());
    REQUIRE(json);
    CHECK(json->encoding == header_encoding::json);
    CHECK(json->opaque == 2);
    CHECK(json->version == 513);
    CHECK(json->is_response());

    const auto binary = parse(captured::route_response_binary_497);
    REQUIRE(binary);
    CHECK(binary->encoding == header_encoding::rocketmq);
    CHECK(binary->code == 0);
    CHECK(binary->opaque == 2);
    CHECK(binary->version == 407);
    CHECK(binary->is_response());
    CHECK(binary->remark().empty());
}

TEST_CASE("a pull's answer has its offsets and remark in either encoding", "[protocol]") {
    const auto json = parse(captured::pull_response_json);
    REQUIRE(json);
    CHECK(json->remark() == "FOUND");
    CHECK(json->field("nextBeginOffset")->to_int<std::int64_t>() == 1);
    CHECK(json->field("maxOffset")->to_int<std::int64_t>() == 5);

    const auto binary = parse(captured::pull_response_binary_497);
    REQUIRE(binary);
    CHECK(binary->remark() == "FOUND");
    CHECK(binary->field("nextBeginOffset")->to_int<std::int64_t>() == 1);
    CHECK(binary->field("maxOffset")->to_int<std::int64_t>() == 2);
}

TEST_CASE("fields come in the order of the bytes", "[protocol]") {
    const auto header = parse(captured::heartbeat_response);
    REQUIRE(header);
    std::vector<std::pair<std::string, std::string>> fields;
    CHECK(header->for_each_field(
        [&](std::string_view key, field_value value) { fields.emplace_back(key, value.to_string()); }));
    CHECK(fields == std::vector<std::pair<std::string, std::string>>{{"IS_SUPPORT_HEART_BEAT_V2", "true"},
                                                                     {"IS_SUB_CHANGE", "true"}});
    CHECK(header->field("IS_SUB_CHANGE")->to_bool() == true);
}

TEST_CASE("a header cut at any byte is malformed", "[protocol]") {
    for (const auto& frame : all_frames) {
        const auto whole    = header_bytes(frame);
        const auto encoding = parse_frame_prefix(frame.data())->encoding;
        CHECK(parse_header(encoding, whole));
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const std::string cut(
                whole.substr(0, size)); // Its own bytes: a read beyond them shows up under a sanitizer.
            if (parse_header(encoding, cut).error() != error::header_malformed)
                FAIL("cut at " << size << " of " << whole.size());
        }
        CHECK(parse_header(encoding, std::string(whole) + "x").error() == error::header_malformed);
    }
}

TEST_CASE("a header with any byte changed is parsed or refused, never read beyond", "[protocol]") {
    for (const auto& frame : all_frames) {
        const auto encoding = parse_frame_prefix(frame.data())->encoding;
        for (std::size_t at = 0; at < header_bytes(frame).size(); ++at)
            for (const char byte : {'\0', '\x7F', '\xFF', '"', '\\', '{'}) {
                std::string changed(header_bytes(frame));
                changed[at]       = byte;
                const auto header = parse_header(encoding, changed); // under a sanitizer: reads nothing beyond
                if (header && !header->for_each_field([](auto, auto) {}) && encoding != header_encoding::json)
                    FAIL("a parsed binary header has broken fields, byte " << at);
            }
    }
}

TEST_CASE("what JSON fields are is seen when they are read, and only their owner is hurt", "[protocol]") {
    const std::string rest = R"(,"flag":1,"language":"JAVA","opaque":7,"version":513})";
    for (const auto* fields :
         {R"({"a"})", R"({"a":"1",})", R"({"a":"1" "b":"2"})", R"({,})", R"({"a":"1","a long enough name"})"}) {
        const auto text   = R"({"code":0,"extFields":)" + std::string(fields) + rest;
        const auto header = parse_json(text);
        REQUIRE(header);
        CHECK(header->opaque == 7);
        CHECK(header->raw_fields == fields);
        CHECK(!header->for_each_field([](auto, auto) {}));
    }
}

TEST_CASE("JSON fields end at their brace, whatever their texts hold", "[protocol]") {
    const std::string rest = R"(,"flag":1,"language":"JAVA","opaque":7,"version":513})";
    for (const auto* fields :
         {R"({"a":"}","b":"{"})", R"({"a":"\"}"})", R"({"a":"a long text, and a } in it","b":"}},"})", R"({})",
          R"({"0123456789":"01"})", R"({"a":"\\"})", R"({"a":{"b":"}"}})"}) {
        const auto text   = R"({"code":0,"extFields":)" + std::string(fields) + rest;
        const auto header = parse_json(text);
        REQUIRE(header);
        CHECK(header->opaque == 7);
        CHECK(header->raw_fields == fields);
        CHECK(header->for_each_field([](auto, auto) {}));
    }
}

TEST_CASE("JSON members may come in any order, with blanks and with strangers among them", "[protocol]") {
    const auto header = parse_json(R"( { "extFields" : { "b" : "2" , "a" : "1" } , "future":{"x":[{"code":9},"}",null]},
        "remark":"a \"quoted\" \u00e9", "language":7, "opaque":-5, "version":513,"flag":3,"code":19} )");
    REQUIRE(header);
    CHECK(header->code == 19);
    CHECK(header->opaque == -5);
    CHECK(header->version == 513);
    CHECK(header->is_response());
    CHECK(header->is_oneway());
    CHECK(header->remark() == "a \"quoted\" \xC3\xA9");
    CHECK(field(*header, "a") == "1");
    CHECK(field(*header, "b") == "2");
}

TEST_CASE("no fields, an empty object and null are the same", "[protocol]") {
    for (const auto* text :
         {R"({"code":0})", R"({"code":0,"extFields":{}})", R"({"code":0,"extFields":null,"remark":null})"}) {
        CAPTURE(text);
        const auto header = parse_json(text);
        REQUIRE(header);
        CHECK(header->remark().empty());
        int fields = 0;
        CHECK(header->for_each_field([&](auto, auto) { ++fields; }));
        CHECK(fields == 0);
    }
}

TEST_CASE("a field may be a number, a boolean or null without quotes", "[protocol]") {
    const auto header = parse_json(R"({"code":0,"extFields":{"n":32,"b":true,"none":null,"deep":{"x":[1]}}})");
    REQUIRE(header);
    CHECK(header->field("n")->to_int<int>() == 32);
    CHECK(header->field("b")->to_bool() == true);
    CHECK(!header->field("none"));
    CHECK(field(*header, "deep") == R"({"x":[1]})");
}

TEST_CASE("escapes in a field's value are undone", "[protocol]") {
    const auto header = parse_json(R"({"code":0,"extFields":{"i":"KEYS\u0001k1\u0002TAGS\u0001\uD83D\uDE00\u0002"}})");
    REQUIRE(header);
    CHECK(field(*header, "i") == "KEYS\x01k1\x02TAGS\x01\xF0\x9F\x98\x80\x02");
}

TEST_CASE("the last of two fields with one name counts", "[protocol]") {
    CHECK(field(*parse_json(R"({"code":0,"extFields":{"a":"1","a":"2"}})"), "a") == "2");
}

TEST_CASE("JSON that is no header is refused", "[protocol]") {
    for (const auto* text :
         {"", "null", "[]", "{}", R"({"opaque":1})", R"({"code":"x"})", R"({"code":1.5})", R"({"code":null})",
          R"({"code":99999999999})", R"({"code":1,"opaque":true})", R"({"code":1,"extFields":[]})",
          R"({"code":1,"extFields":"x"})", R"({"code":1,"extFields":{"a"}})", R"({"code":1}})"}) {
        CAPTURE(text);
        CHECK(parse_json(text).error() == error::header_malformed);
    }
}

TEST_CASE("JSON nested too deep is refused before it costs stack", "[protocol]") {
    CHECK(parse_json(R"({"code":1,"x":)" + std::string(1'000'000, '[')).error() == error::header_malformed);
    CHECK(parse_json(R"({"code":1,"extFields":{"x":)" + std::string(1'000'000, '[')).error() ==
          error::header_malformed);
}

TEST_CASE("a binary length that leads outside is refused", "[protocol]") {
    const auto whole = captured::from_hex("00690101dd00000002000000000000000000000010"
                                          "0005746f7069630000000570726f6265");
    const auto with  = [&whole](std::size_t at, std::string_view digits) {
        auto changed     = whole;
        const auto bytes = captured::from_hex(digits);
        changed.replace(at, bytes.size(), bytes);
        return parse_header(header_encoding::rocketmq, changed).error();
    };
    CHECK(!with(0, "0069"));
    CHECK(with(13, "00000001") == error::header_malformed); // remark
    CHECK(with(13, "ffffffff") == error::header_malformed);
    CHECK(with(17, "00000011") == error::header_malformed); // fields
    CHECK(with(17, "0000000f") == error::header_malformed);
    CHECK(with(17, "7fffffff") == error::header_malformed);
    CHECK(with(21, "ffff") == error::header_malformed); // key
    CHECK(with(21, "0006") == error::header_malformed);
    CHECK(with(28, "00000006") == error::header_malformed); // value
    CHECK(with(28, "ffffffff") == error::header_malformed);
    CHECK(with(28, "00000004") == error::header_malformed);
}

TEST_CASE("a binary field without bytes counts as absent, as in Java", "[protocol]") {
    const auto bytes  = captured::from_hex("00690101dd00000002000000000000000000000007"
                                            "00016100000000");
    const auto header = parse_header(header_encoding::rocketmq, bytes);
    REQUIRE(header);
    CHECK(!header->field("a"));
}

TEST_CASE("a number is read whole and in range, or not at all", "[protocol]") {
    CHECK(field_value{"-9223372036854775808"}.to_int<std::int64_t>() == INT64_MIN);
    CHECK(!field_value{"9223372036854775808"}.to_int<std::int64_t>());
    CHECK(!field_value{"2147483648"}.to_int<std::int32_t>());
    CHECK(!field_value{"1x"}.to_int<int>());
    CHECK(!field_value{""}.to_int<int>());
    CHECK(!field_value{" 1"}.to_int<int>());
    CHECK(!field_value{"yes"}.to_bool());
}
