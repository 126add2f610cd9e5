#include <rocketpush/rebalance/group_watch.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using differences = std::vector<subscription_difference>;

subscription want(const std::string& topic, const filter_expression& filter, std::int64_t version = 5) {
    return make_subscription(topic, filter, version).value();
}

TEST_CASE("subscriptions that select the same are the same, whatever the order of their tags", "[rebalance]") {
    CHECK(selects_the_same(want("t", tags("a || b")), want("t", tags("b||a"))));
    CHECK(selects_the_same(want("t", tags("*"), 1), want("t", all_messages, 2)));
    CHECK_FALSE(selects_the_same(want("t", tags("a")), want("t", tags("a || b"))));
    CHECK_FALSE(selects_the_same(want("t", tags("a")), want("t", sql("a"))));
    CHECK_FALSE(selects_the_same(want("t", sql("a > 1")), want("t", sql("a > 2"))));
}

TEST_CASE("what the broker has of a newer version differs; what is on its way there does not", "[rebalance]") {
    group_watch watch;
    const std::vector own{want("orders", tags("a"), 5), want("%RETRY%g", all_messages, 5)};
    CHECK(watch.compare_with_broker(own, own).empty());
    CHECK(watch.compare_with_broker(own, {want("orders", tags("b"), 4)}).empty());
    CHECK(watch.compare_with_broker(own, {want("events", tags("b"), 6), want("%RETRY%g", tags("x"), 6)}).empty());
    const std::vector newer{want("orders", sql("n > 1"), 6)};
    CHECK(watch.compare_with_broker(own, newer) == differences{{"orders", "a", "SQL92 n > 1"}});
    CHECK(watch.compare_with_broker(own, newer).empty()); // told
    CHECK(watch.compare_with_broker(own, own).empty());
    CHECK(watch.compare_with_broker(own, newer).size() == 1); // anew
}

TEST_CASE("what members subscribe differs in either direction, and is told once, whoever has it", "[rebalance]") {
    group_watch watch;
    const std::vector own{want("orders", tags("a")), want("events", all_messages)};
    CHECK(watch.compare_with_member("two", own, {want("events", tags("*")), want("orders", tags("a"), 9)}).empty());
    const std::vector theirs{want("orders", tags("b")), want("audit", all_messages), want("%RETRY%g", all_messages)};
    CHECK(watch.compare_with_member("two", own, theirs) ==
          differences{{"orders", "a", "b"}, {"events", "*", ""}, {"audit", "", "*"}});
    CHECK(watch.compare_with_member("two", own, theirs).empty());
    CHECK(watch.compare_with_member("three", own, theirs).empty());
    const std::vector others{want("orders", tags("c")), want("events", all_messages)};
    CHECK(watch.compare_with_member("two", own, others) == differences{{"orders", "a", "c"}});
}

TEST_CASE("the other members are asked in turn, and those that left are forgotten", "[rebalance]") {
    group_watch watch;
    const auto members = [](std::vector<std::string> ids) {
        std::vector<protocol::consumer_connection> found;
        for (auto& id : ids)
            found.push_back({"h:1", std::move(id)});
        return found;
    };
    CHECK_FALSE(watch.next_to_ask(members({"me"}), "me"));
    const auto all = members({"two", "me", "one", "me"});
    CHECK(watch.next_to_ask(all, "me") == "one");
    CHECK(watch.next_to_ask(all, "me") == "two");
    CHECK(watch.next_to_ask(all, "me") == "one");
    const std::vector own{want("orders", tags("a"))}, theirs{want("orders", tags("b"))};
    CHECK(watch.compare_with_member("one", own, theirs).size() == 1);
    CHECK(watch.next_to_ask(members({"two", "me"}), "me") == "two");
    CHECK(watch.compare_with_member("one", own, theirs).size() == 1); // it has come again
}

TEST_CASE("a twin is told when it is seen, and again when it comes again", "[rebalance]") {
    group_watch watch;
    CHECK_FALSE(watch.see_connections(1));
    CHECK(watch.see_connections(2));
    CHECK_FALSE(watch.see_connections(2));
    CHECK(watch.see_connections(3));
    CHECK_FALSE(watch.see_connections(1));
    CHECK(watch.see_connections(2));
}

} // namespace
