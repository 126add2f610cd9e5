#include <rocketpush/embedded/consumer_groups.hpp>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::embedded;
using namespace std::chrono_literals;

namespace {

const std::chrono::steady_clock::time_point start(1h);

protocol::consumer_data group_of(std::vector<subscription> wanted) {
    return {.group_name = "billing", .subscriptions = std::move(wanted)};
}

subscription want(std::string topic, std::string_view expression, std::int64_t version) {
    return make_subscription(std::move(topic), tags(expression), version).value();
}

} // namespace

TEST_CASE("a new member or another topic is a change, another heartbeat is none", "[embedded]") {
    consumer_groups groups;
    CHECK(groups.join(1, "one", 441, group_of({want("orders", "*", 1)}), start));
    CHECK(!groups.join(1, "one", 441, group_of({want("orders", "*", 1)}), start));
    CHECK(groups.join(2, "two", 441, group_of({want("orders", "*", 1)}), start));
    CHECK(groups.join(2, "two", 441, group_of({want("orders", "*", 1), want("events", "*", 1)}), start));
    CHECK(groups.join(2, "two", 441, group_of({want("events", "*", 1)}), start));
    CHECK(groups.find("billing")->subscriptions.size() == 1);
    CHECK(groups.find("billing")->members.size() == 2);
}

TEST_CASE("of two expressions for a topic the one with the larger version counts", "[embedded]") {
    consumer_groups groups;
    groups.join(1, "one", 441, group_of({want("orders", "a", 5)}), start);
    CHECK(!groups.join(1, "one", 441, group_of({want("orders", "b", 4)}), start));
    CHECK(groups.find("billing")->subscriptions.at("orders").expression == "a");
    CHECK(!groups.join(1, "one", 441, group_of({want("orders", "c", 6)}), start));
    CHECK(groups.find("billing")->subscriptions.at("orders").expression == "c");
}

TEST_CASE("a group ends with its last member", "[embedded]") {
    consumer_groups groups;
    groups.join(1, "one", 441, group_of({}), start);
    groups.join(2, "two", 441, group_of({}), start);
    CHECK(groups.leave(1, "billing"));
    CHECK(!groups.leave(1, "billing"));
    CHECK(!groups.leave(1, "nothing"));
    CHECK(groups.leave_all(2) == std::vector<std::string>{"billing"});
    CHECK(groups.find("billing") == nullptr);
    CHECK(groups.leave_all(2).empty());
}

TEST_CASE("members that are silent are found", "[embedded]") {
    consumer_groups groups;
    groups.join(1, "one", 441, group_of({}), start);
    groups.join(2, "two", 441, group_of({}), start + 60s);
    CHECK(groups.silent_since(start).empty());
    CHECK(groups.silent_since(start + 1s) == std::set<connection_id>{1});
}
