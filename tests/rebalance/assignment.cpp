#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/rebalance/assignment.hpp>

#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using queues  = std::vector<message_queue>;
using members = std::vector<std::string>;

queues of_broker(std::initializer_list<int> ids) {
    queues made;
    for (const int id : ids) made.push_back({"orders", "broker-a", id});
    return made;
}

TEST_CASE("a change names exactly the queues to give up and to take over", "[rebalance]") {
    const auto change = compare_assignment(of_broker({0, 1, 2, 3}), of_broker({2, 3, 4}));
    CHECK(change.release == of_broker({0, 1}));
    CHECK(change.acquire == of_broker({4}));
    CHECK_FALSE(change.empty());
}

TEST_CASE("the same assignment again changes nothing", "[rebalance]") {
    CHECK(compare_assignment(of_broker({1, 2}), of_broker({1, 2})).empty());
    CHECK(compare_assignment({}, {}).empty());
}

TEST_CASE("a first and a last assignment are changes too", "[rebalance]") {
    const auto first = compare_assignment({}, of_broker({0, 1}));
    CHECK(first.acquire == of_broker({0, 1}));
    CHECK(first.release.empty());
    const auto last = compare_assignment(of_broker({0, 1}), {});
    CHECK(last.acquire.empty());
    CHECK(last.release == of_broker({0, 1}));
}

TEST_CASE("queues of one id at two brokers are two queues", "[rebalance]") {
    const queues owned{{"orders", "broker-a", 0}}, assigned{{"orders", "broker-b", 0}};
    const auto change = compare_assignment(owned, assigned);
    CHECK(change.release == owned);
    CHECK(change.acquire == assigned);
}

TEST_CASE("a member that is alone waits for nobody", "[rebalance]") {
    CHECK_FALSE(may_be_held_elsewhere(members{}, members{"a"}));
    CHECK_FALSE(may_be_held_elsewhere(members{"a", "b"}, members{"a"}));
    CHECK_FALSE(may_be_held_elsewhere(members{"a"}, members{}));
}

TEST_CASE("queues of a member that has left are free at once", "[rebalance]") {
    CHECK_FALSE(may_be_held_elsewhere(members{"a", "b", "c"}, members{"a", "b"}));
    CHECK_FALSE(may_be_held_elsewhere(members{"a", "b", "c", "d"}, members{"a", "d"}));
}

TEST_CASE("queues that a living member may still read are waited for", "[rebalance]") {
    CHECK(may_be_held_elsewhere(members{}, members{"a", "b"}));              // we are new
    CHECK(may_be_held_elsewhere(members{"a", "b"}, members{"a", "b"}));      // somebody's queues moved
    CHECK(may_be_held_elsewhere(members{"a"}, members{"a", "b"}));           // one came
    CHECK(may_be_held_elsewhere(members{"a", "b", "c"}, members{"a", "d"})); // two left and one came
}

TEST_CASE("of the queues that move when a member leaves only its own are free", "[rebalance]") {
    const auto eight = of_broker({0, 1, 2, 3, 4, 5, 6, 7});
    const members before{"a", "b", "c"};
    const allocation_request request{"billing", "", before, eight};
    const auto freed = [](std::initializer_list<int> ids) {
        const auto list = of_broker(ids);
        return std::set<message_queue>(list.begin(), list.end());
    };
    const average_allocation average;
    CHECK(left_behind(average, request, members{"b", "c"}) == freed({0, 1, 2})); // c takes 4 and 5 from b, which lives
    CHECK(left_behind(average, request, members{"a", "c"}) == freed({3, 4, 5}));
    CHECK(left_behind(average, request, members{"b"}) == freed({0, 1, 2, 6, 7}));
    CHECK(left_behind(average, request, before).empty());
}

} // namespace
