#include <rocketpush/embedded/ack_requests.hpp>

#include "tests/embedded/pop_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

/// Three messages that have been popped for five seconds.
struct popped_fixture : pop_fixture {
    popped_fixture() {
        for (const auto* body : {"a", "b", "c"})
            send(body);
        wanted.invisible_millis = 5000;
        wanted.order            = false;
        for (const auto& each : pop(wanted).messages)
            receipts.push_back(each.receipt);
        REQUIRE(receipts.size() == 3);
    }

    /// What has come again by now.
    std::vector<std::string> again() { return pop(wanted).bodies(); }

    response_code ack_all_of(const protocol::batch_ack_entry& entry) {
        return ask(member, protocol::batch_ack_request{}, encode(protocol::batch_ack{"broker-a", {entry}})).code();
    }
    protocol::batch_ack_entry entry(std::initializer_list<std::size_t> bits) const {
        const auto receipt = protocol::parse_receipt(receipts[0]).value();
        protocol::batch_ack_entry made{"billing", "orders"};
        made.start_offset     = receipt.start_offset;
        made.revive_queue_id  = receipt.revive_queue_id;
        made.pop_time         = receipt.pop_time;
        made.invisible_millis = receipt.invisible_millis;
        for (const auto bit : bits)
            made.acked.set(bit);
        return made;
    }

    protocol::pop_request wanted = request();
    std::vector<std::string> receipts;
};

} // namespace

TEST_CASE("what is acknowledged does not come again, the rest does", "[embedded]") {
    popped_fixture f;
    CHECK(f.ack(f.receipts[1]) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 2);
    CHECK(!f.logic.consumed("billing", "orders"));
    f.pass(4999ms);
    CHECK(f.again().empty());
    f.pass(1ms);
    CHECK(f.again() == texts{"a", "c"});
}

TEST_CASE("a group has consumed a topic when all that it popped is acknowledged, retries too", "[embedded]") {
    popped_fixture f;
    f.ack(f.receipts[0]);
    f.ack(f.receipts[1]);
    CHECK(!f.logic.consumed("billing", "orders"));
    f.pass(5s);
    CHECK(!f.logic.consumed("billing", "orders")); // it waits in the retry topic
    const auto retry = f.pop(f.wanted).messages.at(0);
    CHECK(!f.logic.consumed("billing", "orders"));
    f.ack(retry.receipt);
    CHECK(f.logic.consumed("billing", "orders"));
}

TEST_CASE("an acknowledgement that is late, doubled or a stranger's succeeds and does nothing", "[embedded]") {
    popped_fixture f;
    CHECK(f.ack(f.receipts[0]) == response_code::success);
    CHECK(f.ack(f.receipts[0]) == response_code::success);
    auto strange           = f.with_receipt<protocol::ack_request>(f.receipts[1]);
    strange.consumer_group = "strangers";
    CHECK(f.ask(f.member, strange).code() == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 2);
    f.pass(5s);
    CHECK(f.ack(f.receipts[2]) == response_code::success);
    CHECK(f.again() == texts{"b", "c"});
}

TEST_CASE("an acknowledgement that cannot be right is refused", "[embedded]") {
    popped_fixture f;
    const auto code_of = [&f](auto change) {
        auto ack = f.with_receipt<protocol::ack_request>(f.receipts[0]);
        change(ack);
        return f.ask(f.member, ack).code();
    };
    CHECK(code_of([](auto& a) { a.topic = "nothing"; }) == response_code::topic_not_exist);
    CHECK(code_of([](auto& a) { a.queue_id = 2; }) == response_code::message_illegal);
    CHECK(code_of([](auto& a) { a.queue_id = -1; }) == response_code::message_illegal);
    CHECK(code_of([](auto& a) { a.queue_offset = 3; }) == response_code::success); // one behind the last: as in Java
    CHECK(code_of([](auto& a) { a.queue_offset = 4; }) == response_code::no_message);
    CHECK(code_of([](auto& a) { a.queue_offset = -1; }) == response_code::no_message);
    CHECK(code_of([](auto& a) { a.receipt = "1 2 3"; }) == response_code::system_error);
    CHECK(f.logic.statistics().messages_popped == 3);
}

TEST_CASE("a batch acknowledges the messages whose bits are set", "[embedded]") {
    popped_fixture f;
    CHECK(f.ack_all_of(f.entry({0, 2})) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 1);
    f.pass(5s);
    CHECK(f.again() == texts{"b"});
}

TEST_CASE("a batch names retries by the topic that was popped", "[embedded]") {
    popped_fixture f;
    f.pass(5s);
    const auto retries = f.pop(f.wanted);
    const auto receipt = protocol::parse_receipt(retries.messages.at(0).receipt).value();
    CHECK(receipt.topic == protocol::pop_topic::retry_v1);
    auto entry         = f.entry({0, 1, 2});
    entry.kind         = receipt.topic;
    entry.pop_time     = receipt.pop_time;
    entry.start_offset = receipt.start_offset;
    CHECK(f.ack_all_of(entry) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 0);
}

TEST_CASE("what cannot be in a batch is passed over, and an empty one is refused", "[embedded]") {
    popped_fixture f;
    auto entry = f.entry({1, 100'000});
    CHECK(f.ack_all_of(entry) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 2);
    entry.start_offset = INT64_MIN;
    CHECK(f.ack_all_of(entry) == response_code::success);
    entry.start_offset = INT64_MAX;
    CHECK(f.ack_all_of(entry) == response_code::success);
    entry.queue_id = 7;
    CHECK(f.ack_all_of(entry) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 2);
    CHECK(f.ask(f.member, protocol::batch_ack_request{}, "{}").code() == response_code::no_message);
    CHECK(f.ask(f.member, protocol::batch_ack_request{}, "no").code() == response_code::system_error);
}

TEST_CASE("a changed invisible time gives a new receipt, and the old one does nothing", "[embedded]") {
    popped_fixture f;
    f.pass(1s);
    const auto longer = f.change(f.receipts[1], 10s);
    CHECK(longer == "1 " + std::to_string(f.now.milliseconds()) + " 10000 0 0 broker-a 0 1");
    CHECK(f.ack(f.receipts[1]) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 3);
    f.pass(4s);
    CHECK(f.again() == texts{"a", "c"});
    f.pass(6s);
    CHECK(f.again() == texts{"a", "c", "b"}); // those that came before are due, too
}

TEST_CASE("a shorter time has a message come again soon, and its new receipt acknowledges it", "[embedded]") {
    popped_fixture f;
    const auto first  = f.change(f.receipts[0], 100ms);
    const auto second = f.change(f.receipts[1], 100ms);
    CHECK(f.ack(second) == response_code::success);
    f.pass(100ms);
    CHECK(f.again() == texts{"a"});
    (void)first;
}

TEST_CASE("a change in the millisecond of the pop is another check point", "[embedded]") {
    popped_fixture f;
    const auto changed = f.change(f.receipts[0], 10s); // same group, queue, start and time as the pop itself
    CHECK(changed != f.receipts[0]);
    CHECK(f.logic.statistics().messages_popped == 3);
    CHECK(f.ack(f.receipts[1]) == response_code::success);
    CHECK(f.ack(f.receipts[2]) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 1);
    CHECK(f.ack(changed) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 0);
}

TEST_CASE("a message that was suspended comes again without counting as consumed in vain", "[embedded]") {
    popped_fixture f;
    f.change(f.receipts[0], 100ms, true);
    f.change(f.receipts[1], 100ms, false);
    f.pass(100ms);
    const auto again = f.pop(f.wanted);
    REQUIRE(again.bodies() == texts{"a", "b"});
    CHECK(again.messages[0].reconsume_times == 0);
    CHECK(again.messages[1].reconsume_times == 1);
}

TEST_CASE("a change that cannot be right is refused, with zeros", "[embedded]") {
    popped_fixture f;
    const auto answer_to = [&f](auto change) {
        auto wanted             = f.with_receipt<protocol::change_invisible_time_request>(f.receipts[0]);
        wanted.invisible_millis = 1000;
        change(wanted);
        const auto answer = f.ask(f.member, wanted);
        CHECK(answer.fields<protocol::change_invisible_time_response>().pop_time == 0);
        return answer.code();
    };
    CHECK(answer_to([](auto& c) { c.topic = "nothing"; }) == response_code::topic_not_exist);
    CHECK(answer_to([](auto& c) { c.queue_id = 2; }) == response_code::message_illegal);
    CHECK(answer_to([](auto& c) { c.queue_offset = 3; }) == response_code::no_message);
    CHECK(answer_to([](auto& c) { c.receipt = "what"; }) == response_code::system_error);
}

TEST_CASE("in order, the group's offset follows the first message that is not acknowledged", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b", "c"})
        f.send(body);
    auto wanted       = f.request();
    wanted.order      = true;
    const auto popped = f.pop(wanted);
    CHECK(f.ack(popped.messages.at(1).receipt) == response_code::success);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 0);
    CHECK(f.ack(popped.messages.at(0).receipt) == response_code::success);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 2);
    CHECK(f.ack(popped.messages.at(0).receipt) == response_code::success); // once more
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 2);
    CHECK(f.pop(wanted).messages.empty());
    CHECK(f.ack(popped.messages.at(2).receipt) == response_code::success);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 3);
    CHECK(f.logic.consumed("billing", "orders"));
    f.send("d");
    CHECK(f.pop(wanted).bodies() == texts{"d"});
}

TEST_CASE("in order, a message of no batch is refused, and one of an earlier batch changes nothing", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b", "c"})
        f.send(body);
    auto wanted             = f.request();
    wanted.order            = true;
    wanted.max_messages     = 2;
    wanted.invisible_millis = 1000;
    const auto first        = f.pop(wanted);
    auto beyond             = f.with_receipt<protocol::ack_request>(first.messages.at(0).receipt);
    beyond.queue_offset     = 2;
    CHECK(f.ask(f.member, beyond).code() == response_code::message_illegal);
    f.pass(1s);
    CHECK(f.pop(wanted).bodies() == texts{"a", "b"});
    CHECK(f.ack(first.messages.at(0).receipt) == response_code::success);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 0);
}

TEST_CASE("in order, a changed time keeps the pop's, and frees the queue then", "[embedded]") {
    pop_fixture f;
    f.send("a");
    auto wanted       = f.request();
    wanted.order      = true;
    const auto popped = f.pop(wanted);
    f.pass(5ms);
    const auto changed = f.change(popped.messages.at(0).receipt, 1000ms);
    CHECK(changed == "0 " + std::to_string(popped.pop_time) + " 1005 999 0 broker-a 0 0");
    f.pass(999ms);
    CHECK(f.pop(wanted).messages.empty());
    f.pass(1ms);
    CHECK(f.pop(wanted).bodies() == texts{"a"});
}

TEST_CASE("in order, a batch of acknowledgements moves the offset, too", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b", "c"})
        f.send(body);
    auto wanted       = f.request();
    wanted.order      = true;
    const auto popped = f.pop(wanted);
    protocol::batch_ack_entry entry{"billing", "orders"};
    entry.revive_queue_id = popped.revive_queue;
    entry.pop_time        = popped.pop_time;
    entry.acked.set(0);
    entry.acked.set(1);
    CHECK(f.ask(f.member, protocol::batch_ack_request{}, encode(protocol::batch_ack{"broker-a", {entry}})).code() ==
          response_code::success);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 2);
}
