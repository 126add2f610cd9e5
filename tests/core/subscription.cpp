#include <rocketpush/core/subscription.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;

TEST_CASE("a tag hashes as in Java", "[core]") {
    STATIC_REQUIRE(java_hash("") == 0);
    STATIC_REQUIRE(java_hash("TagA") == 2598919);
    STATIC_REQUIRE(java_hash("TagB") == 2598920);
    CHECK(java_hash("AaAaAa") == java_hash("BBBBBB"));
    CHECK(java_hash("polygenelubricants") == INT32_MIN);
    CHECK(java_hash("\xC3\xA9") == 0xE9);
    CHECK(java_hash("\xE4\xB8\xAD\xE6\x96\x87") == 0x4E2D * 31 + 0x6587);
    CHECK(java_hash("\xF0\x9F\x98\x80") == 0xD83D * 31 + 0xDE00);
}

TEST_CASE("bytes that are not UTF-8 hash as Java's replacement character", "[core]") {
    for (const char* text : {"\xFF", "\x80", "\xC0", "\xE4", "\xF0"}) {
        CAPTURE(text);
        CHECK(java_hash(text) == 0xFFFD);
    }
    CHECK(java_hash("\xC3x") == 0xFFFD * 31 + 'x');
    CHECK(java_hash("\xC0\x80") == 0xFFFD * 31 + 0xFFFD);
}

TEST_CASE("a tag expression becomes tags and their codes, each once", "[core]") {
    const auto made = make_subscription("orders", tags(" TagA||TagB || TagA|| "), 1795372425805);
    REQUIRE(made);
    CHECK(made->topic == "orders");
    CHECK(made->type == filter_type::tag);
    CHECK(made->expression == " TagA||TagB || TagA|| ");
    CHECK(made->tags == std::vector<std::string>{"TagA", "TagB"});
    CHECK(made->tag_codes == std::vector<std::int32_t>{2598919, 2598920});
    CHECK(made->version == 1795372425805);
}

TEST_CASE("tags with one hash have one code and stay two tags", "[core]") {
    const auto made = make_subscription("orders", tags("Aa || BB"), 1);
    REQUIRE(made);
    CHECK(made->tags.size() == 2);
    CHECK(made->tag_codes.size() == 1);
}

TEST_CASE("empty, blank and * mean all messages", "[core]") {
    for (const auto& filter : {tags(""), tags("  "), tags("*"), tags(" * "), all_messages}) {
        CAPTURE(filter.text);
        const auto made = make_subscription("orders", filter, 1);
        REQUIRE(made);
        CHECK(made->expression == "*");
        CHECK(made->tags.empty());
        CHECK(made->tag_codes.empty());
        CHECK(made->matches("paid"));
        CHECK(made->matches(std::nullopt));
    }
}

TEST_CASE("only messages with one of the tags match, whatever their hash", "[core]") {
    const auto made = make_subscription("orders", tags("Aa || paid"), 1);
    REQUIRE(made);
    CHECK(made->matches("Aa"));
    CHECK(made->matches("paid"));
    CHECK(!made->matches("BB")); // hashes as Aa
    CHECK(!made->matches(""));
    CHECK(!made->matches(std::nullopt));
}

TEST_CASE("an SQL condition is kept for the broker, and what comes matches", "[core]") {
    const auto made = make_subscription("orders", sql("amount > 100"), 1);
    REQUIRE(made);
    CHECK(made->type == filter_type::sql92);
    CHECK(made->expression == "amount > 100");
    CHECK(made->tags.empty());
    CHECK(made->matches(std::nullopt));
    CHECK(to_string(made->type) == "SQL92");
}

TEST_CASE("an expression that selects nothing, or a wrong topic, is refused", "[core]") {
    CHECK(make_subscription("orders", tags("||"), 1).error() == error::invalid_expression);
    CHECK(make_subscription("orders", tags(" || || "), 1).error() == error::invalid_expression);
    CHECK(make_subscription("orders", sql("  "), 1).error() == error::invalid_expression);
    CHECK(make_subscription("or ders", all_messages, 1).error() == error::invalid_topic);
    CHECK(make_subscription("%RETRY%billing", all_messages, 1).has_value());
}
