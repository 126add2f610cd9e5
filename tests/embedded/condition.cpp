#include <rocketpush/embedded/condition.hpp>
#include <rocketpush/embedded/condition_parser.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using embedded::compile_condition;

namespace {

/// What became of a condition and a message.
enum answer { yes, no, refused };

/// A message's properties, and conditions with what they come to.
struct table {
    std::vector<std::pair<std::string_view, std::string_view>> properties;
    std::vector<std::pair<std::string_view, answer>> rows;
};

answer answer_to(std::string_view expression, std::string_view properties) {
    const auto compiled = compile_condition(expression);
    CHECK(compiled.made.has_value() == compiled.problem.empty());
    if (!compiled.made)
        return refused;
    return compiled.made->matches(properties) ? yes : no;
}

/// As a broker of 5.5.0 with enablePropertyFilter=true has answered; 4.9.7 says the same but where CONTAINS, STARTSWITH and
/// ENDSWITH, which it does not know, are names to it.
const std::vector<table> told_by_a_real_broker{
    {{{"a", "5"}},
     {
         {"a = 5", yes},
         {"a <> 5", no},
         {"a <> 6", yes},
         {"a > 4", yes},
         {"a >= 5", yes},
         {"a < 5", no},
         {"a <= 5", yes},
         {"a = '5'", yes},
         {"a = 5.0", yes},
         {"a > 4.9", yes},
         {"4 < a", yes},
         {"a BETWEEN 1 AND 5", yes},
         {"a between 6 and 7", no},
         {"a NOT BETWEEN 6 AND 7", yes},
         {"a BETWEEN 7 AND 6", refused},
         {"a NOT BETWEEN 7 AND 6", yes},
         {"a BETWEEN -5 AND 5", yes},
         {"a BETWEEN 'a' AND 'b'", refused},
         {"a BETWEEN NULL AND 5", refused},
         {"a > 3 > 1", refused},
         {"a > TRUE", refused},
         {"a > 'x'", refused},
         {"a > '3'", refused},
         {"'a'", refused},
         {"5", refused},
         {"-a", refused},
         {"-a < 0", no},
         {"a > --4", yes},
         {"+a = 5", yes},
         {"a = +5", yes},
         {"a = 5L", yes},
         {"a = 9223372036854775807", no},
         {"a = 9223372036854775808", refused},
         {"a > -9223372036854775808", refused},
         {"a > 0.0", refused},
         {"a > .5", yes},
         {"a > 5.", no},
         {"a < 5E1", yes},
         {"a < 5.0e+1", yes},
         {"a = 007", no},
         {"a < 0x10", no},
         {"a = 5 AND", refused},
         {"AND a = 5", refused},
         {"a = 5 b", yes},
         {"a = 5 )", yes},
         {"a = 5 #", refused},
         {"(a = 5", refused},
         {"a == 5", refused},
         {"a != 5", refused},
         {"a LIKE '5'", no},
         {"a = 'x", refused},
         {"a = 5 -- no end", yes},
         {"a = -- yes\n 5", yes},
         {"a /* five */ = 5", yes},
         {"a /* five = 5", refused},
         {"A = 5", no},
         {"a = 5 and not b = 5", no},
         {"a = 5 NOT", refused},
         {"a NOT NULL", refused},
         {"a IS 5", refused},
         {"a IS NOT 5", refused},
     }},
    {{{"a", "5"}, {"b", "9"}},
     {
         {"a BETWEEN 1 AND b", yes},
         {"a < b", yes},
         {"a > b", no},
         {"a = b", no},
         {"a <> b", yes},
     }},
    {{{"a", "5"}, {"b", "5"}},
     {
         {"a = b", yes},
     }},
    {{{"a", "x"}, {"b", "y"}},
     {
         {"a < b", no},
     }},
    {{{"a", "x"}},
     {
         {"a > 5", no},
         {"NOT (a > 5)", no},
         {"a = 5", no},
         {"a <> 5", no},
         {"a = 5 OR a = 'x'", no},
         {"a = 'x' OR a = 5", yes},
         {"a = 'y' AND a = 5", no},
         {"a = 'x'", yes},
         {"a <> 'x'", no},
         {"a = 'it''s'", no},
         {"a IN ('x', 'y')", yes},
         {"a NOT IN ('x', 'y')", no},
         {"a NOT IN ('z')", yes},
         {"a IN (5)", refused},
         {"'x' IN ('x')", refused},
         {"b IN ('x')", no},
         {"b NOT IN ('x')", no},
         {"a IS NULL", no},
         {"a IS NOT NULL", yes},
         {"b IS NULL", yes},
         {"b IS NOT NULL", no},
         {"b = 5", no},
         {"b <> 5", no},
         {"5 = b", no},
         {"5 <> b", yes},
         {"NOT (b = 5)", no},
         {"b = 5 OR a = 'x'", yes},
         {"b = 5 AND a = 'x'", no},
         {"NOT (b = 5 AND a = 'z')", yes},
         {"b = c", yes},
         {"(b = 5) IS NULL", yes},
         {"b > 5 IS NULL", yes},
         {"NOT a", yes},
         {"NOT b", no},
         {"TRUE", yes},
         {"FALSE OR TRUE", yes},
         {"NULL", no},
         {"NOT NULL", no},
         {"a = NULL", refused},
         {"TRUE = 'x'", refused},
         {"'x' = TRUE", no},
         {"(a = 'x') = 5", no},
         {"NOT a = 'x'", no},
         {"NOT a > 5", refused},
     }},
    {{{"a", "it's"}},
     {
         {"a = 'it''s'", yes},
     }},
    {{{"a", "true"}},
     {
         {"a = TRUE", yes},
         {"TRUE = a", no},
         {"a", no},
     }},
    {{{"a", "TRUE"}},
     {
         {"a = true", yes},
     }},
    {{{"a", "yes"}},
     {
         {"a = FALSE", yes},
     }},
    {{{"a", "-5"}},
     {
         {"a = -5", yes},
         {"a < - -5", yes},
     }},
    {{{"a", "5000000000"}},
     {
         {"a > 5", no},
         {"a > 5L", no},
         {"a > 4000000000", yes},
         {"a > 5.0", yes},
     }},
    {{{"a", " 5"}},
     {
         {"a = 5", no},
         {"a = 5.0", yes},
     }},
    {{{"a", "5e0"}},
     {
         {"a = 5.0", yes},
     }},
    {{{"a", "5f"}},
     {
         {"a = 5.0", yes},
     }},
    {{{"a", "+5"}},
     {
         {"a = 5", yes},
         {"a = 5.0", yes},
     }},
    {{{"a", "NaN"}},
     {
         {"a > 5.0", yes},
     }},
    {{{"a", "Infinity"}},
     {
         {"a > 5.0", yes},
     }},
    {{{"a", "1e999"}},
     {
         {"a > 5.0", yes},
     }},
    {{{"a", "5.0"}},
     {
         {"a = 5", no},
     }},
    {{{"a", "5"}, {"b", "5.0"}},
     {
         {"a = b", no},
         {"a >= b", yes},
     }},
    {{{"$a_1", "5"}},
     {
         {"$a_1 = 5", yes},
     }},
    {{{"a", "hello"}},
     {
         {"a CONTAINS 'ell'", yes},
         {"a NOT CONTAINS 'ell'", no},
         {"a STARTSWITH 'he'", yes},
         {"a NOT STARTSWITH 'lo'", yes},
         {"a ENDSWITH 'lo'", yes},
         {"a NOT ENDSWITH 'lo'", no},
         {"b CONTAINS 'x'", no},
         {"b NOT CONTAINS 'x'", no},
         {"a CONTAINS ''", no},
         {"a CONTAINS 5", refused},
     }},
    {{{"a", "5"}, {"b", "6"}},
     {
         {"a = 5 OR b = 5 AND b = 7", yes},
         {"(a = 5 OR b = 5) AND b = 7", no},
         {"a = 5 = TRUE", yes},
         {"a IN ('5') AND b BETWEEN 5 AND 7 AND c IS NULL", yes},
     }},
    {{{"TAGS", "paid"}},
     {
         {"TAGS = 'paid'", yes},
     }},
};

} // namespace

TEST_CASE("SQL92 conditions match and are refused as by a real broker", "[embedded]") {
    for (const auto& [properties, rows] : told_by_a_real_broker) {
        std::string raw;
        for (const auto& [name, value] : properties)
            protocol::append_property(raw, name, value);
        for (const auto& [expression, answer] : rows) {
            CAPTURE(expression);
            CHECK(answer_to(expression, raw) == answer);
        }
    }
}

TEST_CASE("a condition without an end, or with too many parts, is refused", "[embedded]") {
    CHECK(answer_to("", "") == refused);
    CHECK(answer_to("   ", "") == refused);
    CHECK(answer_to(std::string(100, '(') + "TRUE" + std::string(100, ')'), "") == yes);
    CHECK(answer_to(std::string(100'000, '('), "") == refused);
    CHECK(answer_to(std::string(100'000, '-') + "a < 5", "") == refused);
    std::string chain = "a = 5";
    for (int i = 0; i < 500; ++i)
        chain += " OR a = 5";
    CHECK(answer_to(chain, "") == no);
    for (int i = 0; i < 5000; ++i)
        chain += " OR a = 5";
    CHECK(answer_to(chain, "") == refused);
    CHECK(answer_to("a = '" + std::string(1, '\0') + "'", "") == no);
    CHECK(compile_condition("a = ").problem == "the condition ends too early");
    CHECK(compile_condition("a ! 5").problem == "\"!\" is not expected");
}

TEST_CASE("a negated number keeps its width", "[embedded]") {
    CHECK(answer_to("- - -9223372036854775807 < a", "a\0015000000000\002") == yes);
    CHECK(answer_to("-5 < a", "a\0015000000000\002") == no);
    CHECK(answer_to("-9223372036854775807 < a", "a\0015000000000\002") == yes);
}
