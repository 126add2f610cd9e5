#include <rocketpush/embedded/group_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

texts members_of(logic_fixture& f, logic_fixture::client asking, std::string group) {
    const auto answer = f.ask(asking, protocol::consumer_list_request{.consumer_group = std::move(group)});
    return answer.code() == response_code::success ? protocol::decode_consumer_list(answer.body).value().consumer_ids : texts{};
}

std::size_t notices_to(logic_fixture& f, logic_fixture::client one) {
    std::size_t count = 0;
    for (const auto& bytes : f.take_frames(one)) {
        const sent_frame frame(bytes);
        CHECK(frame.header.is_oneway());
        count += frame.header.code == 40 ? 1 : 0;
    }
    return count;
}

} // namespace

TEST_CASE("a heartbeat makes a member and the group's retry topic", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 4);
    const auto one = f.connect();
    CHECK(f.join(one, "billing", "orders") == response_code::success);
    CHECK(f.notices == std::vector<std::pair<logic_fixture::client, std::int32_t>>{{one, 40}});
    CHECK(members_of(f, one, "billing") == texts{"client-1"});
    CHECK(f.ask(one, protocol::route_request{.topic = "%RETRY%billing"}).code() == response_code::success);
}

TEST_CASE("members hear when somebody comes, goes or subscribes to another topic, and not otherwise", "[embedded]") {
    logic_fixture f;
    const auto one = f.connect(), two = f.connect();
    f.join(one, "billing", "orders");
    f.join(two, "billing", "orders");
    CHECK(notices_to(f, one) == 1);
    CHECK(members_of(f, one, "billing") == texts{"client-1", "client-2"});

    f.join(two, "billing", "orders");
    CHECK(notices_to(f, one) == 0);
    f.join(two, "billing", "events");
    CHECK(notices_to(f, one) == 1);

    CHECK(f.ask(two, protocol::unregister_request{.client_id = "client-2", .consumer_group = "billing"}).code() ==
          response_code::success);
    CHECK(notices_to(f, one) == 1);
    CHECK(members_of(f, one, "billing") == texts{"client-1"});

    f.join(two, "billing", "events");
    f.take_frames(one);
    f.logic.disconnect(two);
    CHECK(notices_to(f, one) == 1);
    CHECK(f.logic.members("billing") == texts{"client-1"});
}

TEST_CASE("a group without members is answered 1", "[embedded]") {
    logic_fixture f;
    const auto answer = f.ask(f.connect(), protocol::consumer_list_request{.consumer_group = "billing"});
    CHECK(answer.code() == response_code::system_error);
    CHECK(answer.header.remark() == "no consumer for this group, billing");
}

TEST_CASE("a client that comes again is there twice until its old connection ends", "[embedded]") {
    logic_fixture f;
    const auto before = f.connect();
    f.join(before, "billing", "orders", "*", "me");
    const auto after = f.connect();
    f.join(after, "billing", "orders", "*", "me");
    CHECK(f.logic.members("billing") == texts{"me", "me"});
    f.logic.disconnect(before);
    CHECK(f.logic.members("billing") == texts{"me"});
}

TEST_CASE("a client without heartbeats is cut off after two minutes", "[embedded]") {
    logic_fixture f;
    const auto silent = f.connect(), busy = f.connect();
    f.join(silent, "billing", "orders");
    for (int i = 0; i < 5; ++i) {
        f.join(busy, "billing", "orders");
        f.ask(silent, protocol::route_request{.topic = "TBW102"}); // not a heartbeat
        f.pass(30s);
    }
    CHECK(f.logic.members("billing") == texts{"client-2"});
    CHECK(f.logic.out().take_closing() == std::vector<embedded::connection_id>{silent});
}

TEST_CASE("a connection without a byte is closed after two minutes", "[embedded]") {
    logic_fixture f;
    const auto idle = f.connect();
    f.pass(119s);
    CHECK(f.logic.out().knows(idle));
    f.pass(12s);
    CHECK(!f.logic.out().knows(idle));
    CHECK(!f.logic.next_due());
}

TEST_CASE("a group that is not allowed is not joined", "[embedded]") {
    embedded::broker_options options;
    options.auto_create_groups = false;
    logic_fixture f(options);
    f.logic.create_topic("orders", 1);
    const auto one = f.connect();
    CHECK(f.join(one, "billing", "orders") == response_code::success);
    CHECK(f.logic.members("billing").empty());
    CHECK(f.ask(one, f.pull_of("billing", "orders", 0, 0)).code() == response_code::subscription_group_not_exist);
    CHECK(!f.logic.create_group("billing"));
    f.join(one, "billing", "orders");
    CHECK(f.logic.members("billing").size() == 1);
}

TEST_CASE("a heartbeat's answer has the fields of its version", "[embedded]") {
    logic_fixture modern, old(like_4_9_7());
    const auto beat = protocol::encode(protocol::heartbeat_data{.client_id = "me"});
    CHECK(modern.ask(modern.connect(), protocol::heartbeat_request{}, beat).header.field("IS_SUB_CHANGE")->to_bool() == true);
    CHECK(!old.ask(old.connect(), protocol::heartbeat_request{}, beat).header.field("IS_SUB_CHANGE"));
    CHECK(old.ask(old.connect(), protocol::heartbeat_request{}, "{nonsense").code() == response_code::system_error);
}

TEST_CASE("locks are given to one member, whatever is asked for besides", "[embedded]") {
    logic_fixture f;
    const auto one  = f.connect();
    const auto lock = [&](std::string client, std::vector<message_queue> queues) {
        const auto answer =
            f.ask(one, protocol::lock_request{},
                  protocol::encode(protocol::lock_data{std::move(client), "billing", std::move(queues)}));
        return protocol::decode_locked_queues(answer.body).value().queues;
    };
    const message_queue first{"orders", "broker-a", 0}, second{"orders", "broker-a", 1};
    CHECK(lock("one", {first}) == std::vector{first});
    CHECK(lock("two", {first, second}) == std::vector{second});
    const protocol::lock_data given_up{"one", "billing", {first}};
    CHECK(f.ask(one, protocol::unlock_request{}, protocol::encode(given_up)).code() == response_code::success);
    CHECK(lock("two", {first}) == std::vector{first});
    f.pass(61s);
    CHECK(lock("one", {first}) == std::vector{first});
    CHECK(f.ask(one, protocol::lock_request{}, "[]").code() == response_code::system_error);
}

TEST_CASE("a condition is refused where conditions are off, or when it does not compile; tags are fine", "[embedded]") {
    const auto check = [&](bool enabled, const filter_expression& filter) {
        embedded::broker_options options;
        options.property_filter = enabled;
        logic_fixture f(std::move(options));
        const protocol::client_check body{"me", "billing", make_subscription("orders", filter, 1).value()};
        return f.ask(f.connect(), protocol::check_client_request{}, protocol::encode(body)).code();
    };
    CHECK(check(false, tags("a || b")) == response_code::success);
    CHECK(check(false, sql("a > 1")) == response_code::system_error);
    CHECK(check(true, tags("a || b")) == response_code::success);
    CHECK(check(true, sql("a > 1")) == response_code::success);
    CHECK(check(true, sql("a > ")) == response_code::subscription_parse_failed);
}
