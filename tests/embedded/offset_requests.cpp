#include <rocketpush/embedded/offset_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

struct without_fields : protocol::no_fields {
    static constexpr auto code = protocol::request_code::get_max_offset;
};

/// The offset, or the negative code of a refusal.
template <class Request>
std::int64_t offset_of(logic_fixture& f, const Request& request) {
    const auto answer = f.ask(f.connect(), request);
    return answer.code() == response_code::success ? answer.template fields<protocol::offset_response>().offset
                                                    : -answer.header.code;
}

protocol::query_offset_request query(std::optional<bool> set_zero = {}) {
    return {.consumer_group = "billing", .topic = "orders", .set_zero_if_not_found = set_zero};
}

} // namespace

TEST_CASE("a committed offset is answered, and it may go back", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    for (const std::int64_t offset : {9, 4}) {
        CHECK(f.ask(f.connect(), protocol::update_offset_request{
                                     .consumer_group = "billing", .topic = "orders", .commit_offset = offset})
                  .code() == response_code::success);
        CHECK(offset_of(f, query()) == offset);
        CHECK(f.logic.committed_offset("billing", "orders", 0) == offset);
    }
}

TEST_CASE("a group that never committed begins at 0 while message 0 is there, if it lets that happen", "[embedded]") {
    logic_fixture f, old(like_4_9_7());
    for (auto* each : {&f, &old})
        each->logic.create_topic("orders", 1);
    CHECK(offset_of(f, query()) == -22);
    CHECK(offset_of(old, query()) == 0);
    for (auto* each : {&f, &old})
        for (int i = 0; i < 3; ++i)
            CHECK(each->store("orders", "x"));
    CHECK(offset_of(f, query()) == 0);
    CHECK(offset_of(f, query(true)) == 0);
    CHECK(offset_of(f, query(false)) == -22);
    CHECK(offset_of(old, query(false)) == 0);
    for (auto* each : {&f, &old}) {
        each->logic.drop_before("orders", 0, 1);
        CHECK(offset_of(*each, query()) == -22);
    }
}

TEST_CASE("a commit for what does not exist is refused by 5.x and kept by 4.9", "[embedded]") {
    logic_fixture f, old(like_4_9_7());
    const protocol::update_offset_request commit{.consumer_group = "billing", .topic = "nothing", .commit_offset = 1};
    CHECK(f.ask(f.connect(), commit).code() == response_code::topic_not_exist);
    CHECK(old.ask(old.connect(), commit).code() == response_code::success);
}

TEST_CASE("a oneway commit is done and not answered", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    const auto client = f.connect();
    f.tell(client, protocol::update_offset_request{.consumer_group = "billing", .topic = "orders", .commit_offset = 5}, {},
           {.flag = protocol::oneway_flag});
    CHECK(f.take_frames(client).empty());
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 5);
}

TEST_CASE("a queue tells its smallest and largest offset and its oldest time", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    const auto first_time = f.now.milliseconds();
    for (int i = 0; i < 5; ++i)
        CHECK(f.store("orders", "x"));
    f.logic.drop_before("orders", 0, 2);
    CHECK(offset_of(f, protocol::max_offset_request{.topic = "orders"}) == 5);
    CHECK(offset_of(f, protocol::min_offset_request{.topic = "orders"}) == 2);
    CHECK(offset_of(f, protocol::max_offset_request{.topic = "orders", .queue_id = 9}) == 0);
    CHECK(offset_of(f, protocol::min_offset_request{.topic = "nothing"}) == 0);
    const auto answer = f.ask(f.connect(), protocol::earliest_time_request{.topic = "orders"});
    CHECK(answer.fields<protocol::timestamp_response>().timestamp == first_time);
    CHECK(f.ask(f.connect(), protocol::earliest_time_request{.topic = "none"}).fields<protocol::timestamp_response>().timestamp ==
          -1);
}

TEST_CASE("an offset is found by time, with either boundary", "[embedded]") {
    logic_fixture f, old(like_4_9_7());
    for (auto* each : {&f, &old}) {
        each->logic.create_topic("orders", 1);
        for (int i = 0; i < 3; ++i) {
            CHECK(each->store("orders", "x"));
            each->pass(10ms);
        }
    }
    const auto begin  = f.now.milliseconds() - 30;
    const auto search = [begin](logic_fixture& at, std::int64_t after, std::string boundary = {}) {
        return offset_of(at, protocol::search_offset_request{
                                 .topic = "orders", .timestamp = begin + after, .boundary_type = std::move(boundary)});
    };
    CHECK(search(f, -5000) == 0);
    CHECK(search(f, 10) == 1);
    CHECK(search(f, 11) == 2);
    CHECK(search(f, 11, "UPPER") == 1);
    CHECK(search(f, 10, "upper") == 1);
    CHECK(search(f, 5000) == 3);
    CHECK(search(f, 5000, "upper") == 2);
    CHECK(search(f, INT64_MAX - begin, "upper") == 2);
    CHECK(search(f, -5000, "upper") == 0);
    CHECK(search(old, 5000) == 2);
}

TEST_CASE("a request without a field that it needs is refused", "[embedded]") {
    logic_fixture f;
    CHECK(f.ask(f.connect(), without_fields{}).code() == response_code::system_error);
}
