#include <rocketpush/observe/trace_gathering.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

trace_context context(std::string topic, std::string records, std::string keys = "k ") {
    trace_context made;
    made.topic   = std::move(topic);
    made.records = std::move(records);
    made.keys    = std::move(keys);
    made.count   = 1;
    return made;
}

TEST_CASE("contexts of one topic become one message, in their order", "[trace_gathering]") {
    trace_gathering gathering(1000);
    CHECK_FALSE(gathering.add(context("orders", "a", "1 ")));
    CHECK_FALSE(gathering.add(context("returns", "b", "2 ")));
    CHECK_FALSE(gathering.add(context("orders", "c", "3 ")));
    const auto all = gathering.take_all();
    REQUIRE(all.size() == 2);
    CHECK((all[0].topic == "orders" && all[0].body == "ac" && all[0].keys == "1 3 " && all[0].count == 2));
    CHECK((all[1].topic == "returns" && all[1].body == "b"));
    CHECK(gathering.take_all().empty());
}

TEST_CASE("a message is full before it passes its limit", "[trace_gathering]") {
    trace_gathering gathering(10);
    CHECK_FALSE(gathering.add(context("orders", "123456")));
    CHECK_FALSE(gathering.add(context("orders", "7890")));
    const auto full = gathering.add(context("orders", "x"));
    REQUIRE(full);
    CHECK(full->body == "1234567890");
    CHECK(gathering.take_all().at(0).body == "x");
    CHECK_FALSE(gathering.add(context("orders", std::string(50, 'y')))); // alone it goes whole
    CHECK(gathering.take_all().at(0).body.size() == 50);
}

TEST_CASE("a message is full before its keys are more than properties can hold", "[trace_gathering]") {
    trace_gathering gathering(1'000'000);
    std::vector<trace_message> all;
    for (int i = 0; i < 2000; ++i)
        if (auto full =
                gathering.add(context("orders", "r", "0A0000071234CAFE0042" + std::to_string(100'000 + i) + " ")))
            all.push_back(std::move(*full));
    for (auto& rest : gathering.take_all())
        all.push_back(std::move(rest));
    CHECK(all.size() > 1);
    std::size_t records = 0;
    for (const auto& each : all) {
        records += each.body.size();
        CHECK(trace_properties(each.keys, "id").size() < protocol::most_property_bytes);
        CHECK(trace_properties(each.keys, "id").find("00 0A") != std::string::npos);
    }
    CHECK(records == 2000);
}

TEST_CASE("a context that nobody could write is passed over", "[trace_gathering]") {
    trace_gathering gathering(10);
    CHECK_FALSE(gathering.add(trace_context()));
    CHECK(gathering.take_all().empty());
}

TEST_CASE("a trace message's properties are its keys, each once, its id and WAIT", "[trace_gathering]") {
    CHECK(trace_properties("ID2 b ID1 a b ID2  ", "U") == "KEYS\x01"
                                                          "ID1 ID2 a b\x02UNIQ_KEY\x01U\x02WAIT\x01true\x02");
    const auto long_ones = trace_properties(std::string(30'000, 'x') + " " + std::string(9'000, 'y') + " z ", "U");
    CHECK(long_ones.size() < 31'000); // what does not fit is left out
    CHECK(long_ones.find(" z\x02") != std::string::npos);
}

} // namespace
