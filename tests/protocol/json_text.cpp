#include <rocketpush/protocol/json_text.hpp>

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

using namespace rocketpush::protocol;
using namespace std::string_literals;

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    append_json_escaped(out, text);
    return out;
}

std::string unescaped(std::string_view raw) {
    std::string out;
    append_json_unescaped(out, raw);
    return out;
}

bool is_json(std::string_view text) {
    json_cursor cursor(text);
    json_cursor::value value;
    return cursor.read_value(value) && cursor.at_end();
}

} // namespace

TEST_CASE("quotes, backslashes and control characters are escaped, nothing else", "[protocol]") {
    CHECK(escaped("") == "");
    CHECK(escaped("plain") == "plain");
    CHECK(escaped("KEYS\x01k1\x02") == "KEYS\\u0001k1\\u0002");
    CHECK(escaped("\"a\\b\"") == "\\\"a\\\\b\\\"");
    CHECK(escaped("\n\x1F\x7F") == "\\u000a\\u001f\x7F");
    CHECK(escaped("caf\xC3\xA9") == "caf\xC3\xA9");
}

TEST_CASE("every escape is undone", "[protocol]") {
    CHECK(unescaped("plain") == "plain");
    CHECK(unescaped(R"(\"\\\/\b\f\n\r\t)") == "\"\\/\b\f\n\r\t");
    CHECK(unescaped("a\\u0001b\\u0002") == "a\x01"s + "b\x02");
    CHECK(unescaped("\\u0000") == "\0"s);
    CHECK(unescaped("\\u00e9\\u4E2D") == "\xC3\xA9\xE4\xB8\xAD");
    CHECK(unescaped("\\uD83D\\uDE00!") == "\xF0\x9F\x98\x80!");
}

TEST_CASE("a surrogate without its other half becomes the replacement character", "[protocol]") {
    const auto replacement = "\xEF\xBF\xBD"s;
    CHECK(unescaped("\\uD83D") == replacement);
    CHECK(unescaped("\\uDE00x") == replacement + "x");
    CHECK(unescaped("\\uD83Dx") == replacement + "x");
    CHECK(unescaped("\\uD83D\\u0041") == replacement + "A");
    CHECK(unescaped("\\uD83D\\uD83D\\uDE00") == replacement + "\xF0\x9F\x98\x80");
}

TEST_CASE("what was escaped comes back", "[protocol]") {
    std::string every_byte;
    for (int byte = 0; byte < 128; ++byte)
        every_byte.push_back(static_cast<char>(byte));
    CHECK(unescaped(escaped(every_byte)) == every_byte);
}

TEST_CASE("the cursor takes every kind of value", "[protocol]") {
    for (const auto* text :
         {"{}", "[]", " { } ", "[1,2.5e-3,-7]", R"({"a":{"b":[true,false,null,"x\"y"]},"c":""})", "0"}) {
        CAPTURE(text);
        CHECK(is_json(text));
    }
}

TEST_CASE("the cursor refuses what is not JSON", "[protocol]") {
    for (const auto* text :
         {"",           "{",     "}",       "[",   "{]",     "[1,]",    "[,1]",      "{\"a\"}",     "{\"a\":}",
          "{\"a\":1,}", "{a:1}", "{'a':1}", "\"",  "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "tru",
          "nul",        "@",     "[1 2]",   "{}{}"}) {
        CAPTURE(text);
        CHECK(!is_json(text));
    }
}

TEST_CASE("nesting is followed to its limit and not beyond", "[protocol]") {
    const auto nested = [](int depth) {
        std::string text;
        for (int i = 0; i < depth; ++i)
            text += i % 2 == 0 ? "[" : "{\"a\":";
        text += "1";
        for (int i = depth - 1; i >= 0; --i)
            text += i % 2 == 0 ? "]" : "}";
        return text;
    };
    CHECK(is_json(nested(json_cursor::max_depth)));
    CHECK(!is_json(nested(json_cursor::max_depth + 1)));
    CHECK(!is_json(std::string(1'000'000, '[')));
}
