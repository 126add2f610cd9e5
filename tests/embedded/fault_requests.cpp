#include <rocketpush/embedded/fault_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;
using embedded::fault;
using protocol::request_code;
namespace fault_action = embedded::fault_action;

namespace {

/// A topic with one message, and a member of a group.
struct fault_fixture : logic_fixture {
    fault_fixture() {
        logic.create_topic("orders", 2);
        CHECK(store("orders", "hello", {.queue = 0}));
        member = connect();
        join(member, "billing", "orders", "*", "one");
        take_frames(member);
    }

    embedded::fault_id add(fault wanted) { return logic.add_fault(std::move(wanted)).value(); }

    static protocol::update_offset_request commit(std::int64_t offset) {
        return {.consumer_group = "billing", .topic = "orders", .commit_offset = offset};
    }
    std::optional<queue_offset> committed() const { return logic.committed_offset("billing", "orders", 0); }

    client member = 0;
};

} // namespace

TEST_CASE("a refused request is answered as asked for and not processed", "[embedded]") {
    fault_fixture f;
    const auto id = f.add({.codes  = {request_code::update_consumer_offset},
                           .action = fault_action::refuse{.code = response_code::system_busy, .remark = "no \"time\""},
                           .times  = 1});
    const auto answer = f.ask(f.member, f.commit(1));
    CHECK(answer.code() == response_code::system_busy);
    CHECK(answer.header.remark() == "no \"time\"");
    CHECK(!f.committed());
    CHECK(f.ask(f.member, f.commit(1)).code() == response_code::success);
    CHECK(f.logic.fault_hits(id) == 1);
}

TEST_CASE("a wrong answer has the fields and the body that were asked for", "[embedded]") {
    fault_fixture f;
    f.add({.codes  = {request_code::pull_message},
           .action = fault_action::refuse{
               .code   = response_code::pull_offset_moved,
               .fields = {{"nextBeginOffset", "0"}, {"minOffset", "0"}, {"maxOffset", "9"}, {"suggestWhichBrokerId", "1"}},
               .body   = "nonsense"}});
    // Also for who asks in binary.
    const auto opaque =
        f.tell(f.member, f.pull_of("billing", "orders", 0, 5), {}, {}, protocol::header_encoding::rocketmq);
    const sent_frame answer(f.take_answer(f.member, opaque).value());
    CHECK(answer.code() == response_code::pull_offset_moved);
    CHECK(answer.fields<protocol::pull_response>().next_begin_offset == 0);
    CHECK(answer.fields<protocol::pull_response>().max_offset == 9);
    CHECK(answer.fields<protocol::pull_response>().suggested_broker_id == 1);
    CHECK(answer.body == "nonsense");
}

TEST_CASE("a lost request is not processed, a lost answer is one to a request that was", "[embedded]") {
    fault_fixture f;
    f.add({.codes = {request_code::update_consumer_offset}, .action = fault_action::lose_request{}, .times = 1});
    f.add({.codes = {request_code::update_consumer_offset}, .action = fault_action::lose_answer{}, .times = 1});
    f.tell(f.member, f.commit(1));
    CHECK(f.take_frames(f.member).empty());
    CHECK(!f.committed());
    f.tell(f.member, f.commit(2));
    CHECK(f.take_frames(f.member).empty());
    CHECK(f.committed() == 2);
    CHECK(f.ask(f.member, f.commit(3)).code() == response_code::success);
}

TEST_CASE("a denied request was processed all the same", "[embedded]") {
    fault_fixture f;
    f.add({.codes = {request_code::update_consumer_offset}, .action = fault_action::deny{response_code::system_busy}});
    CHECK(f.ask(f.member, f.commit(4)).code() == response_code::system_busy);
    CHECK(f.committed() == 4);
}

TEST_CASE("a delayed answer goes out when its time has come", "[embedded]") {
    fault_fixture f;
    f.add({.codes = {request_code::update_consumer_offset}, .action = fault_action::delay{300ms}, .times = 2});
    const auto first = f.tell(f.member, f.commit(1));
    CHECK(f.committed() == 1);
    CHECK(f.take_frames(f.member).empty());
    f.pass(100ms);
    const auto second = f.tell(f.member, f.commit(2));
    CHECK(f.ask(f.member, f.commit(3)).code() == response_code::success); // overtakes them
    f.pass(199ms);
    CHECK(f.take_frames(f.member).empty());
    f.pass(1ms);
    CHECK(sent_frame(f.take_answer(f.member, first).value()).code() == response_code::success);
    f.pass(100ms);
    CHECK(sent_frame(f.take_answer(f.member, second).value()).code() == response_code::success);
}

TEST_CASE("the delay of a held pull begins when its message comes", "[embedded]") {
    fault_fixture f;
    f.add({.codes = {request_code::pull_message}, .action = fault_action::delay{300ms}});
    const auto opaque = f.tell(f.member, f.pull_of("billing", "orders", 0, 1));
    f.pass(5s);
    f.logic.clear_faults(); // the pull is under way
    CHECK(f.store("orders", "late", {.queue = 0}));
    f.pass(299ms);
    CHECK(f.take_frames(f.member).empty());
    f.pass(1ms);
    CHECK(f.bodies(sent_frame(f.take_answer(f.member, opaque).value()).body) == texts{"late"});
}

TEST_CASE("a connection ends before its request is processed, or after", "[embedded]") {
    for (const bool after : {false, true}) {
        fault_fixture f;
        f.add({.codes  = {request_code::update_consumer_offset},
               .action = after ? fault_action::any(fault_action::close_after{})
                               : fault_action::any(fault_action::close_before{})});
        const auto flag = GENERATE(0, protocol::oneway_flag);
        f.tell(f.member, f.commit(1), {}, {.flag = flag});
        CHECK(f.committed().has_value() == after);
        CHECK(f.logic.out().take_closing() == std::vector{f.member});
        CHECK(f.logic.members("billing").empty());
    }
}

TEST_CASE("a connection whose pull is held ends when the message comes", "[embedded]") {
    fault_fixture f;
    f.add({.codes = {request_code::pull_message}, .action = fault_action::close_after{}});
    f.tell(f.member, f.pull_of("billing", "orders", 0, 1));
    CHECK(f.logic.out().take_closing().empty());
    CHECK(f.store("orders", "there", {.queue = 0}));
    f.pass(0s);
    CHECK(f.logic.out().take_closing() == std::vector{f.member});
}

TEST_CASE("an answer comes twice, to another request, damaged, or as no frame at all", "[embedded]") {
    const auto encoding = GENERATE(protocol::header_encoding::json, protocol::header_encoding::rocketmq);
    fault_fixture f;
    const auto pull   = f.pull_of("billing", "orders", 0, 0);
    const auto intact = sent_frame(f.ask(f.member, pull)).bytes;

    f.add({.action = fault_action::answer_twice{}, .times = 1});
    f.tell(f.member, pull, {}, {}, encoding);
    const auto twice = f.take_frames(f.member);
    REQUIRE(twice.size() == 2);
    CHECK(twice[0] == twice[1]);

    f.add({.action = fault_action::wrong_opaque{}, .times = 1});
    const auto opaque = f.tell(f.member, pull, {}, {}, encoding);
    const auto other  = f.take_frames(f.member);
    REQUIRE(other.size() == 1);
    CHECK(sent_frame(other[0]).header.opaque == (opaque ^ 0x40000000));
    CHECK(f.bodies(sent_frame(other[0]).body) == texts{"hello"});

    f.add({.action = fault_action::corrupt_body{}, .times = 1});
    const auto damaged = f.ask(f.member, pull);
    CHECK(damaged.code() == response_code::success);
    int different = 0;
    for (std::size_t i = 0; i < damaged.body.size(); ++i)
        different += damaged.body[i] != sent_frame(intact).body[i] ? 1 : 0;
    CHECK(different == 1);

    f.add({.action = fault_action::damage_message{}, .times = 1});
    const auto answer = f.ask(f.member, pull);
    std::string unreadable(answer.body);
    REQUIRE(unreadable.size() == sent_frame(intact).body.size());
    auto& checksum = unreadable.at(detail::message_layout::body_crc);
    checksum       = static_cast<char>(~static_cast<unsigned char>(checksum));
    CHECK(unreadable == sent_frame(intact).body);

    f.add({.action = fault_action::garble{}, .times = 1});
    f.tell(f.member, pull, {}, {}, encoding);
    std::string bytes;
    f.logic.out().take_frames(f.member, bytes);
    CHECK(!protocol::parse_frame_prefix(bytes.data()));
}

TEST_CASE("an answer in binary is one to another request, too", "[embedded]") {
    logic_fixture f(like_4_9_7());
    CHECK(f.logic.add_fault({.action = fault_action::wrong_opaque{}}));
    const auto client = f.connect();
    const auto opaque =
        f.tell(client, protocol::max_offset_request{.topic = "orders"}, {}, {}, protocol::header_encoding::rocketmq);
    const auto frames = f.take_frames(client);
    REQUIRE(frames.size() == 1);
    CHECK(sent_frame(frames[0]).header.encoding == protocol::header_encoding::rocketmq);
    CHECK(sent_frame(frames[0]).header.opaque == (opaque ^ 0x40000000));
}

TEST_CASE("a fault hits the requests of its topic, group, queue and client, and no others", "[embedded]") {
    fault_fixture f;
    const auto stranger = f.connect();
    f.join(stranger, "shipping", "parcels", "*", "two");
    f.take_frames(stranger);
    const auto hits = [&f](fault wanted, auto&& ask) {
        const auto id = f.add(std::move(wanted));
        ask();
        const auto hit = f.logic.fault_hits(id);
        f.logic.clear_faults();
        return hit == 1;
    };
    const auto pull = [&] { f.ask(f.member, f.pull_of("billing", "orders", 0, 0)); };
    CHECK(hits({.topic = "orders", .group = "billing", .client_id = "one", .queue = 0}, pull));
    CHECK(!hits({.topic = "order"}, pull));
    CHECK(!hits({.group = "shipping"}, pull));
    CHECK(!hits({.client_id = "two"}, pull));
    CHECK(!hits({.queue = 1}, pull));
    CHECK(!hits({.codes = {request_code::heart_beat, request_code::lock_batch}}, pull));
    CHECK(hits({.codes = {request_code::heart_beat, request_code::pull_message}}, pull));

    const auto send = [&] { f.ask(f.member, protocol::send_request{.producer_group = "p", .topic = "orders", .queue_id = 1}); };
    CHECK(hits({.topic = "orders", .group = "p", .queue = 1}, send));
    const auto back = [&] {
        f.ask(f.member, protocol::send_back_request{.offset = 0, .group = "billing", .origin_topic = "orders"});
    };
    CHECK(hits({.topic = "orders", .group = "billing"}, back));
    const auto beat = [&] { f.join(f.member, "billing", "orders", "*", "one"); };
    CHECK(hits({.topic = "orders", .group = "billing", .client_id = "one"}, beat));
    CHECK(!hits({.topic = "parcels"}, beat));
    const auto lock = [&] {
        f.ask(f.member, protocol::lock_request{},
              protocol::encode(protocol::lock_data{"one", "billing", {{"orders", "broker-a", 1}}}));
    };
    CHECK(hits({.topic = "orders", .group = "billing", .client_id = "one", .queue = 1}, lock));
    CHECK(!hits({.queue = 0}, lock));
    const auto check = [&] {
        const protocol::client_check question{"one", "billing", make_subscription("orders", all_messages, 1).value()};
        f.ask(f.member, protocol::check_client_request{}, protocol::encode(question));
    };
    CHECK(hits({.topic = "orders", .group = "billing", .client_id = "one"}, check));
    const auto assignment = [&] {
        f.ask(f.member, protocol::query_assignment_request{},
              R"({"clientId":"one","consumerGroup":"billing","topic":"orders"})");
    };
    CHECK(hits({.topic = "orders", .group = "billing", .client_id = "one"}, assignment));
    const auto leave = [&] {
        f.ask(f.connect(), protocol::unregister_request{.client_id = "one", .consumer_group = "billing"});
    };
    CHECK(hits({.group = "billing", .client_id = "one"}, leave));
}

TEST_CASE("what a fault has in hand goes with its connection", "[embedded]") {
    fault_fixture f;
    f.add({.action = fault_action::delay{300ms}});
    f.tell(f.member, f.commit(1));
    f.tell(f.member, f.pull_of("billing", "orders", 0, 1)); // held
    f.logic.disconnect(f.member);
    f.pass(1s);
    CHECK(f.take_frames(f.member).empty());
    CHECK(!f.logic.out().knows(f.member));
}

TEST_CASE("fail_next is a fault whose latest call counts", "[embedded]") {
    fault_fixture f;
    f.logic.fail_next(request_code::get_max_offset, response_code::system_busy, 5);
    f.logic.fail_next(request_code::get_max_offset, response_code::system_error, 1);
    const protocol::max_offset_request question{.topic = "orders"};
    CHECK(f.ask(f.member, question).code() == response_code::system_error);
    CHECK(f.ask(f.member, question).code() == response_code::success);
    f.logic.fail_next(request_code::get_max_offset, response_code::system_error, 1);
    f.logic.clear_faults();
    CHECK(f.ask(f.member, question).code() == response_code::success);
}
