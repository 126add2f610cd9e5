#include <rocketpush/embedded/pull_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

/// A topic of two queues and one member, who may pull.
struct pull_fixture : logic_fixture {
    explicit pull_fixture(std::string_view expression = "*", embedded::broker_options options = {})
        : logic_fixture(std::move(options)) {
        logic.create_topic("orders", 2);
        member = connect();
        join(member, "billing", "orders", expression);
    }

    void send(std::string_view body, std::string tag = {}) {
        CHECK(store("orders", body, {.tags = std::move(tag), .queue = 0}));
    }
    protocol::pull_request pull(std::int64_t offset) const { return pull_of("billing", "orders", 0, offset); }

    /// The answer to a pull that is not held.
    sent_frame answer_to(protocol::pull_request wanted) {
        wanted.sys_flag &= ~protocol::pull_flags::suspend;
        return ask(member, wanted);
    }

    client member = 0;
};

} // namespace

TEST_CASE("a pull gets messages as they are stored, and where to go on", "[embedded]") {
    pull_fixture f;
    for (const auto* body : {"a", "b", "c"})
        f.send(body);
    const auto answer = f.ask(f.member, f.pull(1));
    CHECK(answer.code() == response_code::success);
    CHECK(answer.header.remark() == "FOUND");
    CHECK(f.bodies(answer.body) == texts{"b", "c"});
    const auto fields = answer.fields<protocol::pull_response>();
    CHECK(fields.next_begin_offset == 3);
    CHECK(fields.min_offset == 0);
    CHECK(fields.max_offset == 3);
    CHECK(fields.suggested_broker_id == 0);
    CHECK(fields.topic_sys_flag == 0);
    CHECK(!fields.offset_delta);
}

TEST_CASE("a pull gets no more messages than it asks for, nor than the broker gives", "[embedded]") {
    pull_fixture f;
    for (int i = 0; i < 50; ++i)
        f.send("x");
    auto pull         = f.pull(0);
    pull.max_messages = 3;
    CHECK(f.bodies(f.ask(f.member, pull).body).size() == 3);
    pull.max_messages = 1000;
    CHECK(f.bodies(f.ask(f.member, pull).body).size() == 32);
    pull.max_messages = -1;
    CHECK(f.bodies(f.ask(f.member, pull).body).size() == 1);
}

TEST_CASE("a pull without messages tells why", "[embedded]") {
    pull_fixture f("paid");
    const auto check = [&](std::int64_t offset, response_code code, std::string_view remark, std::int64_t next) {
        const auto answer = f.answer_to(f.pull(offset));
        CHECK(answer.code() == code);
        CHECK(answer.header.remark() == remark);
        CHECK(answer.fields<protocol::pull_response>().next_begin_offset == next);
        CHECK(answer.body.empty());
    };
    check(0, response_code::pull_not_found, "NO_MESSAGE_IN_QUEUE", 0);
    check(7, response_code::pull_offset_moved, "NO_MESSAGE_IN_QUEUE", 0);
    for (int i = 0; i < 4; ++i)
        f.send("x", "open");
    check(4, response_code::pull_not_found, "OFFSET_OVERFLOW_ONE", 4);
    check(98, response_code::pull_offset_moved, "OFFSET_OVERFLOW_BADLY", 4);
    check(0, response_code::pull_retry_immediately, "NO_MATCHED_MESSAGE", 4);
    f.logic.drop_before("orders", 0, 2);
    check(1, response_code::pull_offset_moved, "OFFSET_TOO_SMALL", 2);
}

TEST_CASE("a pull that may not be is refused with its reason", "[embedded]") {
    pull_fixture f;
    const auto code_of = [&f](auto change) {
        auto pull = f.pull(0);
        change(pull);
        return f.answer_to(pull).code();
    };
    CHECK(code_of([](auto& p) { p.topic = "nothing"; }) == response_code::topic_not_exist);
    CHECK(code_of([](auto& p) { p.queue_id = 2; }) == response_code::invalid_parameter);
    CHECK(code_of([](auto& p) { p.queue_id = -1; }) == response_code::invalid_parameter);
    CHECK(code_of([](auto& p) { p.consumer_group = "strangers"; }) == response_code::subscription_not_exist);
    CHECK(code_of([](auto& p) { p.consumer_group = "not a group"; }) == response_code::subscription_group_not_exist);
    CHECK(code_of([](auto& p) { p.sub_version = 2; }) == response_code::subscription_not_latest);
    CHECK(code_of([](auto& p) {
              p.expression_type = "SQL92";
              p.subscription    = "a = 5";
              p.sys_flag |= protocol::pull_flags::subscription;
          }) == response_code::system_error);
    f.logic.create_topic("events", 1);
    CHECK(code_of([](auto& p) { p.topic = "events"; }) == response_code::subscription_not_exist);

    pull_fixture old("*", like_4_9_7());
    auto pull     = old.pull(0);
    pull.queue_id = 2;
    CHECK(old.answer_to(pull).code() == response_code::system_error);
}

TEST_CASE("a pull may bring its own subscription", "[embedded]") {
    pull_fixture f;
    f.send("a", "paid");
    f.send("b", "open");
    auto pull           = f.pull(0);
    pull.consumer_group = "strangers";
    pull.sys_flag       = protocol::pull_flags::subscription;
    pull.subscription   = "open || lost";
    CHECK(f.bodies(f.ask(f.member, pull).body) == texts{"b"});
    pull.subscription = "||";
    CHECK(f.ask(f.member, pull).code() == response_code::subscription_parse_failed);
}

TEST_CASE("a pull commits the offset that it brings", "[embedded]") {
    pull_fixture f;
    auto pull          = f.pull(0);
    pull.commit_offset = 5;
    f.answer_to(pull);
    CHECK(!f.logic.committed_offset("billing", "orders", 0));
    pull.sys_flag |= protocol::pull_flags::commit_offset;
    f.answer_to(pull);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 5);
}

TEST_CASE("a pull at the end is held until a message comes", "[embedded]") {
    pull_fixture f;
    const auto opaque = f.tell(f.member, f.pull(0));
    CHECK(f.take_frames(f.member).empty());
    CHECK(f.logic.statistics().pulls_held == 1);
    f.pass(3s);
    f.send("a");
    const sent_frame answer(f.take_answer(f.member, opaque).value());
    CHECK(answer.code() == response_code::success);
    CHECK(f.bodies(answer.body) == texts{"a"});
    CHECK(f.logic.statistics().pulls_held == 0);
}

TEST_CASE("a message with another tag leaves a held pull alone", "[embedded]") {
    pull_fixture f("paid");
    const auto opaque = f.tell(f.member, f.pull(0));
    f.send("a", "open");
    CHECK(f.take_frames(f.member).empty());
    f.send("b", "paid");
    const sent_frame answer(f.take_answer(f.member, opaque).value());
    CHECK(f.bodies(answer.body) == texts{"b"});
    CHECK(answer.fields<protocol::pull_response>().next_begin_offset == 2);
}

TEST_CASE("a held pull ends at its time, and passes over what it did not want", "[embedded]") {
    for (const bool unwanted : {false, true}) {
        pull_fixture f("paid");
        const auto opaque = f.tell(f.member, f.pull(0));
        if (unwanted)
            f.send("a", "open");
        f.pass(14999ms);
        CHECK(f.take_frames(f.member).empty());
        f.pass(1ms);
        const sent_frame answer(f.take_answer(f.member, opaque).value());
        CHECK(answer.code() == (unwanted ? response_code::pull_retry_immediately : response_code::pull_not_found));
        CHECK(answer.fields<protocol::pull_response>().next_begin_offset == (unwanted ? 1 : 0));
    }
}

TEST_CASE("a held pull outlasts its topic, and is forgotten with its connection", "[embedded]") {
    pull_fixture f;
    const auto opaque = f.tell(f.member, f.pull(0));
    CHECK(f.logic.forget_topic("orders"));
    CHECK(f.take_frames(f.member).empty());
    f.pass(15s);
    CHECK(sent_frame(f.take_answer(f.member, opaque).value()).code() == response_code::topic_not_exist);

    f.logic.create_topic("orders", 2);
    f.tell(f.member, f.pull(0));
    f.logic.disconnect(f.member);
    CHECK(f.logic.statistics().pulls_held == 0);
    f.send("nobody waits");
}

TEST_CASE("beyond the limit of held pulls the answer comes at once", "[embedded]") {
    embedded::broker_options options;
    options.held_pulls = 1;
    pull_fixture f("*", options);
    f.tell(f.member, f.pull(0));
    CHECK(f.ask(f.member, f.pull(0)).code() == response_code::pull_not_found);
}

TEST_CASE("a stored message is found by its place in the log", "[embedded]") {
    pull_fixture f;
    f.send("a");
    f.send("b");
    const auto second = f.logic.messages("orders").at(1)->commit_log_offset();
    const auto answer = f.ask(f.member, protocol::view_message_request{.offset = second});
    CHECK(f.bodies(answer.body) == texts{"b"});
    CHECK(f.ask(f.member, protocol::view_message_request{.offset = second + 1}).code() == response_code::system_error);
}

namespace {

embedded::broker_options with_conditions() {
    embedded::broker_options options;
    options.property_filter = true;
    return options;
}

/// A member that subscribes by a condition.
struct condition_fixture : pull_fixture {
    explicit condition_fixture(const std::string& condition, embedded::broker_options options = with_conditions())
        : pull_fixture("*", std::move(options)) {
        subscribe(condition, 2);
    }

    void subscribe(const std::string& condition, std::int64_t version) {
        protocol::heartbeat_data beat{.client_id = "client"};
        beat.consumers.push_back({.group_name = "billing"});
        beat.consumers.back().subscriptions.push_back(make_subscription("orders", sql(condition), version).value());
        CHECK(ask(member, protocol::heartbeat_request{}, protocol::encode(beat)).code() == response_code::success);
    }
    void send_order(std::string_view body, std::string amount) {
        CHECK(store("orders", body, {.properties = {{"amount", std::move(amount)}}, .queue = 0}));
    }
    protocol::pull_request pull(std::int64_t offset, std::int64_t version = 2) const {
        auto made            = pull_fixture::pull(offset);
        made.sub_version     = version;
        made.expression_type = "SQL92";
        return made;
    }
};

} // namespace

TEST_CASE("a pull gets the messages that meet the group's condition", "[embedded]") {
    condition_fixture f("amount > 10");
    f.send_order("a", "5");
    f.send_order("b", "50");
    f.send_order("c", "many");
    f.send_order("d", "11");
    f.send("e");
    const auto answer = f.ask(f.member, f.pull(0));
    CHECK(f.bodies(answer.body) == texts{"b", "d"});
    CHECK(answer.fields<protocol::pull_response>().next_begin_offset == 5);
    CHECK(f.ask(f.member, f.pull(4)).code() == response_code::pull_retry_immediately);
}

TEST_CASE("a held pull is ended by a message that meets its condition", "[embedded]") {
    condition_fixture f("amount > 10");
    const auto opaque = f.tell(f.member, f.pull(0));
    f.send_order("a", "5");
    CHECK(f.take_frames(f.member).empty());
    f.send_order("b", "15");
    const sent_frame answer(f.take_answer(f.member, opaque).value());
    CHECK(f.bodies(answer.body) == texts{"b"});
}

TEST_CASE("a condition that does not compile is found out by the pull", "[embedded]") {
    condition_fixture f("amount >");
    CHECK(f.answer_to(f.pull(0)).code() == response_code::filter_data_not_exist);
    f.subscribe("amount > 10", 3);
    CHECK(f.answer_to(f.pull(0, 3)).code() == response_code::pull_not_found);
    CHECK(f.answer_to(f.pull(0, 4)).code() == response_code::subscription_not_latest);
    f.subscribe("amount > ", 5);
    CHECK(f.answer_to(f.pull(0, 5)).code() == response_code::filter_data_not_latest);
}

TEST_CASE("a pull may bring its own condition; a wrong one leaves nothing out", "[embedded]") {
    condition_fixture f("amount > 10");
    f.send_order("a", "5");
    f.send_order("b", "50");
    auto pull = f.pull(0);
    pull.sys_flag |= protocol::pull_flags::subscription;
    pull.subscription = "amount = 5";
    CHECK(f.bodies(f.ask(f.member, pull).body) == texts{"a"});
    pull.subscription = "amount = ";
    CHECK(f.bodies(f.ask(f.member, pull).body) == texts{"a", "b"});
}

TEST_CASE("a broker without property filter refuses a condition's pulls", "[embedded]") {
    condition_fixture f("amount > 10", {});
    const auto answer = f.answer_to(f.pull(0));
    CHECK(answer.code() == response_code::system_error);
    CHECK(answer.header.remark() == "The broker does not support consumer to filter message by SQL92");
}

TEST_CASE("a topic that may not be read is refused, and its route says so", "[embedded]") {
    pull_fixture f;
    CHECK(!f.logic.set_permission("orders", 2));
    CHECK(f.answer_to(f.pull(0)).code() == response_code::no_permission);
    const auto route = f.ask(f.member, protocol::route_request{.topic = "orders"});
    CHECK(protocol::decode_route(route.body).value().queue_datas.at(0).perm == 2);
    CHECK(!f.logic.set_permission("orders", 6));
    CHECK(f.answer_to(f.pull(0)).code() == response_code::pull_not_found);
    CHECK(f.logic.set_permission("nothing", 6) == error::invalid_topic);
}
