#include <rocketpush/protocol/json_dialect.hpp>

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using rocketpush::protocol::to_standard_json;

namespace {

std::string standard(std::string_view text) {
    const auto made = to_standard_json(text);
    return made ? *made : made.error().message();
}

} // namespace

TEST_CASE("integer keys get quotes", "[protocol]") {
    CHECK(standard(R"({0:"a:1"})") == R"({"0":"a:1"})");
    CHECK(standard(R"({"brokerAddrs":{0:"a:1", -1:"b:2"},"n":[{12:{3:4}}]})") ==
          R"({"brokerAddrs":{"0":"a:1","-1":"b:2"},"n":[{"12":{"3":4}}]})");
}

TEST_CASE("an object as a key becomes a string of its text", "[protocol]") {
    CHECK(standard(R"({"offsetTable":{{"brokerName":"b","queueId":2,"topic":"t"}:2,{"queueId":3}:5}})") ==
          R"({"offsetTable":{"{\"brokerName\":\"b\",\"queueId\":2,\"topic\":\"t\"}":2,"{\"queueId\":3}":5}})");
    CHECK(standard(R"({{"topic":"a\"b"}:1})") == R"({"{\"topic\":\"a\\\"b\"}":1})");
}

TEST_CASE("standard JSON stays, but for blanks", "[protocol]") {
    CHECK(standard(R"( { "a" : [ 1 , 2.5 , "x y" , true , null , { } , [ ] ] } )") ==
          R"({"a":[1,2.5,"x y",true,null,{},[]]})");
    CHECK(standard(R"({"braces in text":"{0:1}"})") == R"({"braces in text":"{0:1}"})");
    CHECK(standard(R"({"\u4e2d\"":"\\"})") == R"({"\u4e2d\"":"\\"})");
    CHECK(standard("7") == "7");
}

TEST_CASE("what is neither dialect is refused", "[protocol]") {
    for (const auto* text : {"", "{", "{0}", "{0:}", "{0:1", "{0:1,}", "{a:1}", "{true:1}", "{[1]:1}", "{{}1}",
                             "{{\"a\"}:1}", "[0:1]", "{0:1}{", "{'a':1}", "{-:\"x\"}x"}) {
        CAPTURE(text);
        CHECK(to_standard_json(text).error() == error::body_malformed);
    }
}

TEST_CASE("a body cut at any byte is refused", "[protocol]") {
    const std::string whole = R"({"a":{0:"x"},"b":{{"queueId":1}:[2,3]},"c":"\u0001"})";
    CHECK(to_standard_json(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK(to_standard_json(std::string(whole, 0, size)).error() == error::body_malformed);
    }
}

TEST_CASE("nesting, of keys too, is followed to a limit", "[protocol]") {
    for (const auto* opening : {"[", "{", "{0:", "{{", "{\"a\":["}) {
        std::string text;
        for (int i = 0; i < 100'000; ++i)
            text += opening;
        CHECK(to_standard_json(text).error() == error::body_malformed);
    }
}
