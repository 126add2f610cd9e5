#include <rocketpush/embedded/client_requests.hpp>
#include <rocketpush/protocol/requests_admin.hpp>

#include "tests/embedded/logic_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

/// A member's answer to what it was asked.
sent_frame answer_to(const sent_frame& question, std::string_view body, response_code code = response_code::success) {
    std::string bytes;
    protocol::append_response(bytes, protocol::header_encoding::json, code, question.header.opaque, {},
                              protocol::no_fields{}, body);
    return sent_frame(std::move(bytes));
}

struct asked_fixture : logic_fixture {
    client tool = connect(), member = connect();
    asked_fixture() {
        join(member, "billing", "orders");
        take_frames(member);
    }
    sent_frame question() {
        const auto passed = take_frames(member);
        REQUIRE(passed.size() == 1);
        return sent_frame(passed[0]);
    }
    bool is_ready(std::future<embedded::client_answer>& answer) const {
        return answer.wait_for(0s) == std::future_status::ready;
    }
};

} // namespace

TEST_CASE_METHOD(asked_fixture, "a client is asked how it is, and its answer passed on", "[embedded]") {
    const protocol::running_info_request wanted{"billing", "client-2", true};
    const auto asked    = tell(tool, wanted);
    const auto question = this->question();
    CHECK(question.header.code == 307);
    CHECK(question.fields<protocol::running_info_request>().client_id == "client-2");
    CHECK(question.fields<protocol::running_info_request>().with_stacks);

    const auto answer = answer_to(question, "well");
    deliver(tool, answer.bytes); // not the one who was asked
    CHECK(!take_answer(tool, asked));
    deliver(member, answer.bytes);
    CHECK(sent_frame(take_answer(tool, asked).value()).body == "well");
    deliver(member, answer.bytes); // a second one is nobody's
    CHECK(!take_answer(tool, asked));
}

TEST_CASE_METHOD(asked_fixture, "a client that does not answer, has gone, or was never there is told of",
                 "[embedded]") {
    const protocol::running_info_request wanted{"billing", "client-2"};
    const auto first = tell(tool, wanted);
    pass(9900ms);
    CHECK(!take_answer(tool, first));
    pass(200ms);
    CHECK(sent_frame(take_answer(tool, first).value()).code() == response_code::consume_msg_timeout);

    const auto second = tell(tool, wanted);
    logic.disconnect(member);
    CHECK(sent_frame(take_answer(tool, second).value()).code() == response_code::consumer_not_online);
    CHECK(ask(tool, wanted).code() == response_code::system_error);
}

TEST_CASE_METHOD(asked_fixture, "a stored message is given to a client to be consumed directly", "[embedded]") {
    logic.create_topic("orders", 1);
    const auto sent = store("orders", "42 apples");
    REQUIRE(sent);
    const auto stored = logic.messages("orders").at(0);
    auto answer       = logic.consume_directly(
        {.consumer_group = "billing", .client_id = "client-2", .message_id = stored->offset_message_id()}, now);
    const auto question = this->question();
    CHECK(question.header.code == 309);
    CHECK(question.fields<protocol::consume_directly_request>().broker_name == "broker-a");
    CHECK(bodies(question.body) == texts{"42 apples"});
    CHECK_FALSE(is_ready(answer));
    const auto given = answer_to(question, "done");
    deliver(member, given.bytes);
    REQUIRE(is_ready(answer));
    CHECK(answer.get().body == "done");

    const protocol::consume_directly_request unknown{"billing", "client-2", "0A000001000000000000000000000063"};
    CHECK(ask(tool, unknown).code() == response_code::system_error);
}

TEST_CASE_METHOD(asked_fixture, "the broker's owner asks a client, too", "[embedded]") {
    auto nobody = logic.ask_member(protocol::running_info_request{"billing", "x"}, "billing", "x", now);
    REQUIRE(is_ready(nobody));
    CHECK(nobody.get().code == response_code::system_error);
    auto answer = logic.ask_member(protocol::consumer_status_request{"orders", "billing"}, "billing", "client-2", now);
    const auto question = this->question();
    CHECK(question.header.code == 221);
    CHECK_FALSE(is_ready(answer));
    logic.disconnect(member);
    REQUIRE(is_ready(answer));
    CHECK(answer.get().code == response_code::consumer_not_online);
}
