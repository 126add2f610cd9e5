#include <rocketpush/rebalance/member_views.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using list = std::vector<std::string>;

const auto begin = member_views::time_point() + 1h;

TEST_CASE("who is in one broker's list is a member", "[rebalance]") {
    member_views views;
    CHECK(views.join({"a", "b"}, {"a", "b"}, begin) == list{"a", "b"});
    CHECK(views.join({"a"}, {"a", "b"}, begin + 1s) == list{"a", "b"});
    CHECK(views.join({"b", "c"}, {"a"}, begin + 2s) == list{"a", "b", "c"});
}

TEST_CASE("who has been in one list only for too long is no member, until both have it again", "[rebalance]") {
    member_views views;
    CHECK(views.join({"a", "b"}, {"b"}, begin) == list{"a", "b"});
    CHECK(views.join({"a", "b"}, {"b"}, begin + 29s) == list{"a", "b"});
    CHECK(views.join({"a", "b"}, {"b"}, begin + 30s) == list{"b"});
    CHECK(views.join({"b"}, {"a", "b"}, begin + 31s) == list{"b"}); // brokers are asked in any order
    CHECK(views.join({"a", "b"}, {"a", "b"}, begin + 32s) == list{"a", "b"});
    CHECK(views.join({"a", "b"}, {"b"}, begin + 33s) == list{"a", "b"}); // counted anew
}

TEST_CASE("who was in neither list meanwhile is a newcomer", "[rebalance]") {
    member_views views;
    views.join({"a", "b"}, {"b"}, begin);
    CHECK(views.join({"b"}, {"b"}, begin + 10s) == list{"b"});
    CHECK(views.join({"b"}, {"a", "b"}, begin + 35s) == list{"a", "b"});
}

TEST_CASE("lists are sorted as Java sorts them, and name nobody twice", "[rebalance]") {
    list given{"b", "a", "B", "a"};
    member_views::sort(given);
    CHECK(given == list{"B", "a", "b"});
}

} // namespace
