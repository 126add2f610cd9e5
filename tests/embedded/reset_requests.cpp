#include <rocketpush/embedded/reset_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

struct reset_fixture : logic_fixture {
    explicit reset_fixture(embedded::broker_options options = {}) : logic_fixture(std::move(options)) {
        logic.create_topic("orders", 2);
        for (int i = 0; i < 10; ++i) {
            CHECK(store("orders", std::to_string(i), {.queue = 0}));
            pass(1s);
        }
        member = connect();
        join(member, "billing", "orders");
        notices.clear();
    }

    response_code commit(std::int64_t offset) {
        const auto answer = ask(member, protocol::update_offset_request{
                                            .consumer_group = "billing", .topic = "orders", .commit_offset = offset});
        remark = answer.header.remark();
        return answer.code();
    }
    std::optional<queue_offset> committed() const { return logic.committed_offset("billing", "orders", 0); }

    client member = 0;
    std::string remark;
};

embedded::broker_options told_to_members() {
    embedded::broker_options options;
    options.server_side_reset = false;
    return options;
}

} // namespace

TEST_CASE("a reset is told to the next pull, and commits until then do not count", "[embedded]") {
    reset_fixture f;
    CHECK(f.commit(8) == response_code::success);
    CHECK(f.logic.reset_offset("billing", "orders", 0, 3));
    CHECK(f.committed() == 3);
    CHECK(f.commit(9) == response_code::success);
    CHECK(f.remark == "Offset has been previously reset");
    CHECK(f.committed() == 3);

    const auto told = f.ask(f.member, f.pull_of("billing", "orders", 0, 9));
    CHECK(told.code() == response_code::pull_offset_moved);
    CHECK(told.header.remark() == "OFFSET_RESET");
    CHECK(told.fields<protocol::pull_response>().next_begin_offset == 3);
    CHECK(told.fields<protocol::pull_response>().max_offset == 10);
    CHECK(f.bodies(f.ask(f.member, f.pull_of("billing", "orders", 0, 9)).body) == texts{"9"});
    CHECK(f.commit(4) == response_code::success);
    CHECK(f.remark.empty());
    CHECK(f.committed() == 4);
}

TEST_CASE("a reset does not wake a held pull, which is told when it ends", "[embedded]") {
    reset_fixture f;
    const auto opaque = f.tell(f.member, f.pull_of("billing", "orders", 0, 10));
    CHECK(f.logic.reset_offset("billing", "orders", 0, 3));
    f.pass(14s);
    CHECK(f.take_frames(f.member).empty());
    f.pass(1s);
    const sent_frame told(f.take_answer(f.member, opaque).value());
    CHECK(told.code() == response_code::pull_offset_moved);
    CHECK(told.fields<protocol::pull_response>().next_begin_offset == 3);
}

TEST_CASE("a reset by time is one of all queues, and goes with its topic", "[embedded]") {
    reset_fixture f;
    CHECK(f.logic.reset_offset("billing", "orders", f.now.system - 4s));
    CHECK(f.committed() == 6);
    CHECK(f.logic.committed_offset("billing", "orders", 1) == 0);
    f.logic.forget_topic("orders");
    f.logic.create_topic("orders", 2);
    CHECK(f.commit(1) == response_code::success);
    CHECK(f.committed() == 1);
}

TEST_CASE("4.9, or 5.x without it, tells the members of a reset", "[embedded]") {
    for (const auto& options : {like_4_9_7(), told_to_members()}) {
        reset_fixture f(options);
        const auto other = f.connect();
        f.join(other, "billing", "orders");
        f.take_frames(f.member);
        f.take_frames(other);
        CHECK(f.commit(8) == response_code::success);
        CHECK(f.logic.reset_offset("billing", "orders", 0, 3));
        CHECK(f.committed() == 8);
        for (const auto one : {f.member, other}) {
            const auto frames = f.take_frames(one);
            REQUIRE(frames.size() == 1);
            const sent_frame notice(frames[0]);
            CHECK(notice.header.code == 220);
            CHECK(notice.header.is_oneway());
            CHECK(notice.header.field("topic")->to_string() == "orders");
            CHECK(notice.header.field("group")->to_string() == "billing");
            CHECK(notice.header.field("isForce")->to_string() == "false");
            CHECK(notice.body == R"({"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:3}})");
        }
        CHECK(!f.logic.reset_offset("strangers", "orders", 0, 3));
    }
}

TEST_CASE("an administrator's request resets by time, to the end, or one queue to an offset", "[embedded]") {
    reset_fixture f;
    using embedded::answering::reset_question;
    const auto admin = f.connect();
    const auto time  = f.now.milliseconds() - 4000;
    const auto answer =
        f.ask(admin, reset_question{.topic = "orders", .group = "billing", .timestamp = time});
    CHECK(answer.code() == response_code::success);
    CHECK(answer.body == R"({"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:6,)"
                         R"({"brokerName":"broker-a","queueId":1,"topic":"orders"}:0}})");
    CHECK(f.committed() == 6);
    CHECK(f.ask(admin, reset_question{.topic = "orders", .group = "billing"}).code() == response_code::success);
    CHECK(f.committed() == 10);
    CHECK(f.ask(admin, reset_question{.topic = "orders", .group = "billing", .queue_id = 0, .offset = 2}).code() ==
          response_code::success);
    CHECK(f.committed() == 2);
    CHECK(f.ask(admin, reset_question{.topic = "nothing", .group = "billing"}).code() == response_code::topic_not_exist);

    reset_fixture old(like_4_9_7());
    CHECK(old.ask(old.connect(), reset_question{.topic = "orders", .group = "strangers"}).code() ==
          response_code::consumer_not_online);
}
