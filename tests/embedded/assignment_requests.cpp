#include <rocketpush/embedded/assignment_requests.hpp>

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;

namespace {

/// A topic of four queues and a group of some members: a, b, c ...
struct members_fixture : logic_fixture {
    explicit members_fixture(int members, embedded::broker_options options = {}) : logic_fixture(std::move(options)) {
        logic.create_topic("orders", 4);
        for (int i = 0; i < members; ++i) {
            const auto one = connect();
            join(one, "billing", "orders", "*", std::string(1, static_cast<char>('a' + i)));
            who.push_back(one);
        }
        who.push_back(connect());
    }

    /// What a member is told: `PULL 0 1`, or `nothing`.
    std::string told(std::string_view client_id, std::string topic = "orders", std::string strategy = "AVG",
                     std::string model = "CLUSTERING") {
        const protocol::assignment_query query{std::move(topic), "billing", std::string(client_id), std::move(strategy),
                                               std::move(model)};
        const auto frame = ask(who.back(), protocol::query_assignment_request{}, encode(query));
        CHECK(frame.code() == response_code::success);
        const auto answer = protocol::decode_assignment_answer(frame.body).value();
        if (!answer.queues)
            return "nothing";
        std::string text = answer.queues->empty() ? "none" : std::string(to_string(answer.queues->front().mode));
        for (const auto& each : *answer.queues) {
            CHECK(each.queue.topic == query.topic);
            CHECK(each.queue.broker_name == "broker-a");
            text += ' ' + std::to_string(each.queue.queue_id);
        }
        return text;
    }

    response_code set(std::string topic, std::string group, std::int32_t shared = 0,
                      protocol::request_mode mode = protocol::request_mode::pop) {
        return ask(who.back(), protocol::set_request_mode_request{},
                   encode(protocol::request_mode_setting{std::move(topic), std::move(group), mode, shared}))
            .code();
    }

    std::vector<client> who;
};

} // namespace

TEST_CASE("a member that asks is given its share to pull", "[embedded]") {
    members_fixture f(3);
    CHECK(f.told("a") == "PULL 0 1");
    CHECK(f.told("b") == "PULL 2");
    CHECK(f.told("c") == "PULL 3");
    CHECK(f.told("a", "orders", "AVG_BY_CIRCLE") == "PULL 0 3");
    CHECK(f.told("stranger") == "none");
    CHECK(f.told("b", "orders", "AVG", "BROADCASTING") == "PULL 0 1 2 3");
}

TEST_CASE("the broker says nothing where it cannot share out", "[embedded]") {
    members_fixture f(2);
    CHECK(f.told("a", "nothing") == "nothing");
    CHECK(f.told("a", "orders", "MAGIC") == "nothing");
    members_fixture nobody(0);
    CHECK(nobody.told("a") == "nothing");
    CHECK(nobody.ask(nobody.who.back(), protocol::query_assignment_request{}, "x").code() ==
          response_code::system_error);
}

TEST_CASE("a group that was told to pop gets all queues, and the retry topic to pull", "[embedded]") {
    members_fixture f(2);
    CHECK(f.set("orders", "billing") == response_code::success);
    CHECK(f.told("a") == "POP -1");
    CHECK(f.told("b") == "POP -1");
    CHECK(f.told("a", "%RETRY%billing") == "PULL 0");
    CHECK(f.set("orders", "billing", 0, protocol::request_mode::pull) == response_code::success);
    CHECK(f.told("a") == "PULL 0 1");
}

TEST_CASE("a member that pops may share with some others only", "[embedded]") {
    members_fixture f(4);
    f.set("orders", "billing", 1);
    CHECK(f.told("a") == "POP 0 1");
    CHECK(f.told("d") == "POP 3 0");
    f.set("orders", "billing", 2);
    CHECK(f.told("b") == "POP 1 2 3");
    f.set("orders", "billing", 3); // with all others
    CHECK(f.told("b") == "POP -1");
    members_fixture many(6);
    many.set("orders", "billing", 1);
    CHECK(many.told("b") == "POP 1");
    CHECK(many.told("f") == "POP 1"); // more members than queues: one each
    CHECK(many.told("stranger") == "none");
}

TEST_CASE("a mode is not set for what is not there, nor for retries", "[embedded]") {
    embedded::broker_options options;
    options.auto_create_groups = false;
    members_fixture f(0, options);
    CHECK(f.set("nothing", "billing") == response_code::topic_not_exist);
    CHECK(f.set("%RETRY%billing", "billing") == response_code::no_permission);
    CHECK(f.set("orders", "billing") == response_code::subscription_group_not_exist);
    CHECK(f.ask(f.who.back(), protocol::set_request_mode_request{}, "x").code() == response_code::system_error);
    CHECK(f.logic.set_request_mode("nothing", "billing", {}) == response_code::topic_not_exist);
}

TEST_CASE("a broker may have all groups pop", "[embedded]") {
    embedded::broker_options options;
    options.default_mode = {protocol::request_mode::pop, -1};
    members_fixture f(1, options);
    CHECK(f.told("a") == "POP -1");
    CHECK(f.told("a", "%RETRY%billing") == "PULL 0");
    CHECK(f.logic.set_request_mode("orders", "billing", {}) == response_code::success);
    CHECK(f.told("a") == "PULL 0 1 2 3");
}
