#include <rocketpush/protocol/bodies_direct_result.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
using namespace std::chrono_literals;

TEST_CASE("a direct result is written as Java writes it", "[protocol]") {
    CHECK(
        encode({.spent = 1ms}) ==
        R"({"autoCommit":true,"consumeResult":"CR_SUCCESS","order":false,"spentTimeMills":1})"); // captured from 4.9.7
    CHECK(
        encode({.in_order = true, .auto_commit = false, .verdict = direct_verdict::threw, .remark = "no \"x\""}) ==
        R"({"autoCommit":false,"consumeResult":"CR_THROW_EXCEPTION","order":true,"remark":"no \"x\"","spentTimeMills":0})");
}

TEST_CASE("every verdict has its word, and is read again", "[protocol]") {
    using enum direct_verdict;
    for (const auto verdict : {success, later, rollback, commit, threw, returned_nothing}) {
        const direct_result result{.verdict = verdict, .remark = "r", .spent = 5ms};
        CHECK(*decode_direct_result(encode(result)) == result);
    }
    CHECK(to_string(later) == "CR_LATER");
    CHECK(to_string(returned_nothing) == "CR_RETURN_NULL");
    for (const auto* broken :
         {"", "{}", R"({"consumeResult":"CR_MAYBE"})", R"({"consumeResult":"CR_LATER","order":1})"})
        CHECK(decode_direct_result(broken).error() == error::body_malformed);
}
