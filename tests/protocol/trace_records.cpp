#include <rocketpush/protocol/trace_records.hpp>

#include <algorithm>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush::protocol;

/// A record as the tests can show it.
template <class Record>
std::string shown(const Record& record) {
    std::string text;
    append_record(text, record);
    std::ranges::replace(text, '\x01', '|');
    std::ranges::replace(text, '\x02', ';');
    return text;
}

// The ids are whole here; the records are those of a Java consumer of 5.5.0 as it sent them.
constexpr std::string_view request = "FD0000000000000000000242AC110002000018B4AAC246070004A001";
constexpr std::string_view id      = "FD0000000000000000000242AC110002000018B4AAC245F50002A001";

TEST_CASE("a record before the listener is Java's to the byte", "[trace_records]") {
    CHECK(shown(sub_before{1795372428807, "DefaultRegion", "GJC5", request, id, 0, "key0"}) ==
          "SubBefore|1795372428807|DefaultRegion|GJC5|" + std::string(request) + "|" + std::string(id) + "|0|key0;");
}

TEST_CASE("a record after the listener is Java's to the byte", "[trace_records]") {
    CHECK(shown(sub_after{request, id, 1, true, "key0", 0, 1795372428808, "GJC5"}) ==
          "SubAfter|" + std::string(request) + "|" + std::string(id) + "|1|true|key0|0|1795372428808|GJC5;");
    CHECK(shown(sub_after{"r", "i", 12, false, "a b", 4, 5, "g"}) == "SubAfter|r|i|12|false|a b|4|5|g;");
}

TEST_CASE("keys that are missing are the text null: readers lose a record whose last field is empty",
          "[trace_records]") {
    CHECK(shown(sub_before{5, "R", "g", "r", "i", 3, {}}) == "SubBefore|5|R|g|r|i|3|null;");
    CHECK(shown(sub_after{"r", "i", 0, true, {}, 1, 5, "g"}) == "SubAfter|r|i|0|true|null|1|5|g;");
}

TEST_CASE("records follow each other without anything between", "[trace_records]") {
    std::string text = "before";
    append_record(text, sub_before{5, "R", "g", "r", "i", 3, {}});
    append_record(text, sub_before{6, "R", "g", "r", "i", 3, {}});
    CHECK(std::ranges::count(text, '\x02') == 2);
    CHECK(text.starts_with("beforeSubBefore\x01"));
}

} // namespace
