#include <rocketpush/embedded/pop_requests.hpp>

#include "tests/embedded/pop_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

TEST_CASE("a pop that may not be is refused with its reason, and zeros", "[embedded]") {
    pop_fixture f;
    f.send("a");
    const auto answer_to = [&f](auto change) {
        auto wanted = f.request();
        change(wanted);
        return f.pop(wanted);
    };
    CHECK(answer_to([](auto& p) { p.topic = "nothing"; }).code == response_code::topic_not_exist);
    CHECK(answer_to([](auto& p) { p.queue_id = 2; }).code == response_code::invalid_parameter);
    CHECK(answer_to([](auto& p) { p.max_messages = 33; }).code == response_code::invalid_parameter);
    CHECK(answer_to([](auto& p) { p.consumer_group = "not a group"; }).code ==
          response_code::subscription_group_not_exist);
    CHECK(answer_to([](auto& p) { p.expression = "||"; }).code == response_code::subscription_parse_failed);
    CHECK(answer_to([](auto& p) {
              p.expression_type = "XYZ";
              p.expression      = "a > 1";
          }).code == response_code::subscription_parse_failed);
    const auto refused = answer_to([](auto& p) { p.queue_id = 9; });
    CHECK(refused.remark == "queueId[9] is illegal, topic:[orders]");
    CHECK((refused.pop_time == 0 && refused.invisible == 0 && refused.rest == 0 && refused.revive_queue == 0));
    CHECK(answer_to([](auto& p) { p.max_messages = 0; }).code == response_code::polling_timeout);
}

TEST_CASE("a broker of 4.9 knows no POP", "[embedded]") {
    pop_fixture f(like_4_9_7());
    CHECK(f.ask(f.member, f.request()).code() == response_code::request_code_not_supported);
    CHECK(f.ask(f.member, protocol::query_assignment_request{}).code() == response_code::request_code_not_supported);
    embedded::broker_options older;
    older.version = embedded::version_5_0_0;
    pop_fixture g(older);
    CHECK(g.ask(g.member, protocol::batch_ack_request{}).code() == response_code::request_code_not_supported);
    CHECK(g.pop().code == response_code::polling_timeout);
}

TEST_CASE("a pop without messages and without a wait is answered at once", "[embedded]") {
    pop_fixture f;
    const auto none = f.pop();
    CHECK(none.code == response_code::polling_timeout);
    CHECK(none.remark == "NO_MESSAGE_IN_QUEUE");
    CHECK(none.invisible == 60'000);
    CHECK(none.pop_time == f.now.milliseconds());
    CHECK(none.starts.empty());
}

TEST_CASE("a pop whose sender's clock is behind is refused", "[embedded]") {
    pop_fixture f;
    f.send("a");
    auto wanted        = f.request();
    wanted.poll_millis = 1000;
    wanted.born_time   = f.now.milliseconds() - 1501;
    const auto refused = f.pop(wanted);
    CHECK(refused.code == response_code::polling_timeout);
    CHECK(refused.remark == "the broker pop message is timeout too much");
    wanted.born_time = f.now.milliseconds() - 1500;
    CHECK(f.pop(wanted).bodies() == texts{"a"});
}

TEST_CASE("a pop waits until a message comes", "[embedded]") {
    pop_fixture f;
    const auto opaque = f.tell(f.member, f.poll());
    CHECK(f.logic.statistics().pops_held == 1);
    f.pass(3s);
    CHECK(!f.answer_to(opaque));
    f.send("a");
    const auto answer = f.answer_to(opaque);
    REQUIRE(answer);
    CHECK(answer->code == response_code::success);
    CHECK(answer->bodies() == texts{"a"});
    CHECK(answer->pop_time == f.now.milliseconds());
    CHECK(f.logic.statistics().pops_held == 0);
    CHECK(f.logic.statistics().messages_popped == 1);
}

TEST_CASE("a pop of all queues is woken by any, and one of a queue only by its own", "[embedded]") {
    pop_fixture f;
    const auto of_first = f.tell(f.member, f.poll(0));
    f.send("a", {}, 1);
    CHECK(!f.answer_to(of_first));
    const auto of_any = f.tell(f.member, f.poll(protocol::any_queue));
    const auto answer = f.answer_to(of_any);
    REQUIRE(answer);
    CHECK(answer->bodies() == texts{"a"});
    f.send("b", {}, 0);
    CHECK(f.answer_to(of_first)->bodies() == texts{"b"});
}

TEST_CASE("a message goes to one of a group's waiting pops, the one that waits longest, and to each group",
          "[embedded]") {
    pop_fixture f;
    const auto second    = f.connect();
    const auto stranger  = f.connect();
    const auto of_first  = f.tell(f.member, f.poll());
    const auto of_second = f.tell(second, f.poll());
    auto other           = f.poll();
    other.consumer_group = "shipping";
    const auto of_other  = f.tell(stranger, other);
    f.send("a");
    CHECK(f.answer_to(of_first)->bodies() == texts{"a"});
    CHECK(f.take_answer(stranger, of_other));
    CHECK(!f.take_answer(second, of_second));
    CHECK(f.logic.statistics().messages_popped == 2);
    f.send("b");
    CHECK(f.take_answer(second, of_second));
    CHECK(f.logic.statistics().pops_held == 0);
}

TEST_CASE("a message with another tag leaves a waiting pop alone", "[embedded]") {
    pop_fixture f;
    auto wanted       = f.poll();
    wanted.expression = "paid";
    const auto opaque = f.tell(f.member, wanted);
    f.send("a", "open");
    CHECK(!f.answer_to(opaque));
    f.send("b", "paid");
    const auto answer = f.answer_to(opaque);
    REQUIRE(answer);
    CHECK(answer->bodies() == texts{"b"});
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 2);
}

namespace {

/// A pop that brings a condition.
struct condition_fixture : pop_fixture {
    void send_order(std::string_view body, std::string amount, std::int32_t queue = 0) {
        CHECK(store("orders", body, {.properties = {{"amount", std::move(amount)}}, .queue = queue}));
    }
    static protocol::pop_request with_condition(protocol::pop_request wanted, std::string condition = "amount > 10") {
        wanted.expression_type = "SQL92";
        wanted.expression      = std::move(condition);
        return wanted;
    }
};

} // namespace

TEST_CASE("a pop gets the messages that meet its condition, and passes the others", "[embedded]") {
    condition_fixture f;
    f.send_order("a", "5");
    f.send_order("b", "50");
    f.send_order("c", "many");
    f.send_order("d", "11", 1);
    f.send("e");
    CHECK(f.pop(f.with_condition(f.request(protocol::any_queue))).bodies() == texts{"b", "d"});
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 4);
    CHECK(f.logic.statistics().messages_popped == 2);
    CHECK(f.pop().code ==
          response_code::polling_timeout); // what was not wanted is passed for good, as at a real broker
}

TEST_CASE("a pop is refused whose condition does not compile", "[embedded]") {
    condition_fixture f;
    f.send_order("a", "50");
    CHECK(f.pop(f.with_condition(f.request(), "amount >")).code == response_code::subscription_parse_failed);
    CHECK(f.pop(f.with_condition(f.request(), "amount > 10")).bodies() == texts{"a"});
}

TEST_CASE("a message that does not meet its condition leaves a waiting pop alone", "[embedded]") {
    condition_fixture f;
    const auto second = f.connect();
    const auto opaque = f.tell(f.member, f.with_condition(f.poll()));
    const auto of_all = f.tell(second, f.poll());
    f.send_order("a", "5");
    CHECK(!f.answer_to(opaque));
    CHECK(f.take_answer(second, of_all)); // it goes to the next one of the group that wants it
    f.send_order("b", "15");
    const auto answer = f.answer_to(opaque);
    REQUIRE(answer);
    CHECK(answer->bodies() == texts{"b"});
}

TEST_CASE("a retry comes to a pop whose condition it meets", "[embedded]") {
    condition_fixture f;
    f.send_order("a", "50");
    REQUIRE(f.pop(f.with_condition(f.request())).bodies() == texts{"a"});
    f.pass(61s);
    const auto again = f.pop(f.with_condition(f.request()));
    CHECK(again.bodies() == texts{"a"});
    CHECK(again.messages.at(0).reconsume_times == 1);
}

TEST_CASE("a pop's wait ends at its time, reckoned from when its sender asked", "[embedded]") {
    for (const auto age : {0ms, 4000ms}) {
        pop_fixture f;
        auto wanted       = f.poll();
        wanted.born_time  = age.count() == 0 ? 0 : f.now.milliseconds() - age.count();
        const auto opaque = f.tell(f.member, wanted);
        f.pass(14'999ms - age);
        CHECK(!f.answer_to(opaque));
        f.pass(1ms);
        CHECK(f.answer_to(opaque)->code == response_code::polling_timeout);
        CHECK(f.logic.statistics().pops_held == 0);
    }
}

TEST_CASE("beyond the limits a pop is not held", "[embedded]") {
    embedded::broker_options options;
    options.held_pops       = 3;
    options.held_pops_alike = 1;
    pop_fixture f(options);
    f.tell(f.member, f.poll(0));
    const auto full = f.pop(f.poll(0));
    CHECK(full.code == response_code::polling_full);
    f.tell(f.member, f.poll(1));
    f.tell(f.member, f.poll(protocol::any_queue));
    auto other           = f.poll();
    other.consumer_group = "shipping";
    CHECK(f.pop(other).code == response_code::polling_full);
    CHECK(f.pop(f.request()).code == response_code::polling_timeout); // it did not want to wait
    f.send("a");
    CHECK(f.pop(other).bodies() == texts{"a"}); // nor has it to
}

TEST_CASE("waiting pops end with their topic, and are forgotten with their connection", "[embedded]") {
    pop_fixture f;
    const auto opaque = f.tell(f.member, f.poll());
    CHECK(f.logic.forget_topic("orders"));
    CHECK(f.answer_to(opaque)->code == response_code::topic_not_exist);
    f.logic.create_topic("orders", 2);
    f.tell(f.member, f.poll());
    f.logic.disconnect(f.member);
    CHECK(f.logic.statistics().pops_held == 0);
    CHECK(f.store("orders", "nobody waits"));
}

TEST_CASE("orders that are blocked wake a waiting pop when their time has passed", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b"})
        f.send(body);
    auto wanted             = f.request();
    wanted.order            = true;
    wanted.invisible_millis = 5000;
    CHECK(f.pop(wanted).bodies() == texts{"a", "b"});
    wanted.poll_millis = 15'000;
    const auto opaque  = f.tell(f.member, wanted);
    f.pass(4999ms);
    CHECK(!f.answer_to(opaque));
    f.pass(1ms);
    CHECK(f.answer_to(opaque)->bodies() == texts{"a", "b"});
}

TEST_CASE("orders that are done with wake a waiting pop for what comes next", "[embedded]") {
    pop_fixture f;
    f.send("a");
    auto wanted        = f.request();
    wanted.order       = true;
    const auto first   = f.pop(wanted);
    wanted.poll_millis = 15'000;
    f.send("b");
    const auto other  = f.connect();
    const auto opaque = f.tell(other, wanted);
    CHECK(!f.take_answer(other, opaque));
    CHECK(f.ack(first.messages.at(0).receipt) == response_code::success);
    auto answer = f.take_answer(other, opaque);
    REQUIRE(answer);
    CHECK(f.read(sent_frame(std::move(*answer))).bodies() == texts{"b"});
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 1);
}
