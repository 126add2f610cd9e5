#include <rocketpush/protocol/pop_offsets.hpp>

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

using namespace rocketpush::protocol;

namespace {

/// The list written again as it was understood: `kind/place:values|`.
std::string understood(std::string_view list) {
    std::string text;
    const bool good = read_pop_list(list, [&text](const pop_list_entry& entry) {
        text += std::to_string(static_cast<int>(entry.topic)) + '/' + std::string(entry.place) + ':' +
                std::string(entry.values) + '|';
        return true;
    });
    return good ? text : "malformed";
}

} // namespace

TEST_CASE("captured lists are read", "[protocol]") {
    CHECK(understood("0 1 0;0 0 0") == "0/1:0|0/0:0|");
    CHECK(understood("0 1 0,1;0 0 0,1,2") == "0/1:0,1|0/0:0,1,2|");
    CHECK(understood("1 0 0") == "1/0:0|");
    CHECK(understood("0 qo0%0 1;0 qo0%1 1;0 0 1") == "0/qo0%0:1|0/qo0%1:1|0/0:1|");
    CHECK(understood("").empty());
    CHECK(understood("2 7 9;").compare("2/7:9|") == 0);
}

TEST_CASE("what is no list is refused", "[protocol]") {
    for (const auto* list : {";", "0", "0 1", "0 1 ", "0  1", "3 1 0", "x 1 0", "-1 1 0", "0 1 0;;0 0 0", "0 1 0;0 0"})
        CHECK(understood(list) == "malformed");
    CHECK(!read_pop_list("0 1 0;0 2 0", [](const pop_list_entry& entry) { return entry.place == "1"; }));
}

TEST_CASE("values come in turn, and end at what is none", "[protocol]") {
    pop_list_values values("0,17,x,4");
    CHECK(values.next() == 0);
    CHECK(values.next() == 17);
    CHECK(!values.next());
    pop_list_values none("");
    CHECK(none.empty());
    CHECK(!none.next());
    pop_list_values too_large("9223372036854775808");
    CHECK(!too_large.next());
}

TEST_CASE("a message was delivered as often as its offset says, or else its queue", "[protocol]") {
    constexpr std::string_view counts = "0 qo0%0 3;0 qo0%1 0;0 0 1;0 2 5";
    CHECK(times_delivered(counts, 0, 0) == 3);
    CHECK(times_delivered(counts, 0, 1) == 1);
    CHECK(times_delivered(counts, 0, 9) == 1);
    CHECK(times_delivered(counts, 2, 0) == 5);
    CHECK(times_delivered(counts, 1, 0) == 0);
    CHECK(times_delivered("", 0, 0) == 0);
    CHECK(times_delivered("0 qo0 1;0 0 1", 0, 0) == 0); // ends at what it cannot read
    CHECK(times_delivered("0 qox%0 1", 0, 0) == 0);
}
