#include <rocketpush/embedded/broker_logic.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;

namespace {

struct unknown_request : protocol::no_fields {
    static constexpr auto code = static_cast<protocol::request_code>(4711);
};

} // namespace

TEST_CASE("a request of an unknown kind is answered 3", "[embedded]") {
    logic_fixture f;
    const auto answer = f.ask(f.connect(), unknown_request{});
    CHECK(answer.code() == response_code::request_code_not_supported);
    CHECK(answer.header.remark() == " request type 4711 not supported");
    const auto client = f.connect();
    f.tell(client, unknown_request{}, {}, {.flag = protocol::oneway_flag});
    CHECK(f.take_frames(client).empty());
}

TEST_CASE("the requests chosen to fail do, and then no more", "[embedded]") {
    logic_fixture f;
    const auto client = f.connect();
    f.logic.fail_next(protocol::request_code::get_route_info, response_code::system_busy, 2);
    const protocol::route_request wanted{.topic = "TBW102"};
    CHECK(f.ask(client, wanted).code() == response_code::system_busy);
    CHECK(f.ask(client, protocol::max_offset_request{.topic = "x"}).code() == response_code::success);
    CHECK(f.ask(client, wanted).code() == response_code::system_busy);
    CHECK(f.ask(client, wanted).code() == response_code::success);
    CHECK(f.logic.statistics().requests_of(protocol::request_code::get_route_info) == 3);
}

TEST_CASE("connections that are dropped leave their groups and get nothing more", "[embedded]") {
    logic_fixture f;
    const auto one = f.connect(), two = f.connect();
    f.join(one, "billing", "orders");
    f.logic.drop_connections();
    CHECK(f.logic.members("billing").empty());
    CHECK(f.logic.out().take_closing() == std::vector<embedded::connection_id>{one, two});
    f.tell(one, protocol::route_request{.topic = "TBW102"});
    CHECK(f.take_frames(one).empty());
    f.logic.disconnect(one); // its end is heard of later
    CHECK(f.logic.statistics().connections_open == 0);
    CHECK(f.logic.statistics().connections_accepted == 2);
}

TEST_CASE("a test sends messages and looks at them", "[embedded]") {
    logic_fixture f;
    CHECK(!f.logic.create_topic("orders", 2));
    const auto sent = f.store(
        "orders", "42 apples", {.tags = "paid", .keys = "k1 k2", .properties = {{"region", "eu"}}, .queue = 1});
    REQUIRE(sent);
    CHECK(sent->queue_id == 1);
    CHECK(sent->offset == 0);
    CHECK(f.store("orders", "another"));

    const auto all = f.logic.messages("orders");
    REQUIRE(all.size() == 2);
    CHECK(all[0]->body() == "42 apples");
    CHECK(all[0]->tags() == "paid");
    CHECK(all[0]->keys() == "k1 k2");
    CHECK(all[0]->property("region") == "eu");
    CHECK(all[0]->message_id() == sent->message_id);
    CHECK(all[0]->offset_message_id() == sent->offset_message_id);
    CHECK(all[1]->body() == "another");
    CHECK(f.logic.stored("orders") == 2);
    CHECK(f.logic.stored("nothing") == 0);
    CHECK(f.logic.messages("nothing").empty());
}

TEST_CASE("a test is told what it did wrong", "[embedded]") {
    logic_fixture f;
    CHECK(f.logic.create_topic("or ders", 2) == error::invalid_topic);
    CHECK(f.logic.create_topic("orders", 0) == error::invalid_option);
    CHECK(f.logic.create_group("DEFAULT_CONSUMER") == error::invalid_group);
    CHECK(!f.logic.create_topic("orders", 1));
    CHECK(f.store("orders", "x", {.queue = 1}).error() == response_code::invalid_parameter);
    CHECK(f.store("orders", "x", {.properties = {{"name", ""}}}).error() == response_code::message_illegal);
    CHECK(f.store("orders", "x", {.tags = "a\x01"}).error() == response_code::message_illegal);
    CHECK(f.logic.stored("orders") == 0);
}

TEST_CASE("an idle broker has nothing to wake up for", "[embedded]") {
    logic_fixture f;
    CHECK(!f.logic.next_due());
    CHECK(f.store("orders", "x", {.delay_level = 1}));
    CHECK(f.logic.next_due() == f.now.steady + std::chrono::seconds(1));
}

TEST_CASE("a topic is consumed when its group has committed behind the last message of each queue", "[embedded]") {
    logic_fixture f;
    CHECK(!f.logic.consumed("billing", "orders"));
    CHECK(!f.logic.create_topic("orders", 2));
    CHECK(f.logic.consumed("billing", "orders"));
    CHECK(f.store("orders", "x", {.queue = 1}));
    CHECK(!f.logic.consumed("billing", "orders"));
    f.ask(f.connect(), protocol::update_offset_request{
                           .consumer_group = "billing", .topic = "orders", .queue_id = 1, .commit_offset = 1});
    CHECK(f.logic.consumed("billing", "orders"));
}
