#include <rocketpush/embedded/slave_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

#include <map>

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;
using protocol::request_code;

namespace {

/// Ten messages, and a member that has told both the master and the slave that it is there.
struct slave_fixture : logic_fixture {
    slave_fixture() : logic_fixture({}, endpoint{"127.0.0.1", 10921}) {
        logic.create_topic("orders", 1);
        for (int i = 0; i < 10; ++i)
            CHECK(store("orders", std::to_string(i)));
        at_master = connect();
        at_slave  = connect(true);
        for (const auto each : {at_master, at_slave})
            CHECK(join(each, "billing", "orders", "*", "one") == response_code::success);
        take_frames(at_master);
        take_frames(at_slave);
    }

    using addresses = std::map<std::int64_t, std::string>;
    addresses route() {
        const auto answer = ask(connect(), protocol::route_request{.topic = "orders"});
        return protocol::decode_route(answer.body).value().broker_datas.at(0).broker_addrs;
    }
    static protocol::pull_request pull(std::int64_t offset) { return pull_of("billing", "orders", 0, offset); }
    protocol::pull_response fields_at(client where, std::int64_t offset, response_code code) {
        const auto answer = ask(where, pull(offset));
        CHECK(answer.code() == code);
        return answer.fields<protocol::pull_response>();
    }

    client at_master = 0;
    client at_slave  = 0;
};

} // namespace

TEST_CASE("a route has the slave, and without the master nothing else", "[embedded]") {
    slave_fixture f;
    CHECK(f.route() == slave_fixture::addresses{{0, "127.0.0.1:10911"}, {1, "127.0.0.1:10921"}});
    f.logic.lose_master();
    CHECK(f.route() == slave_fixture::addresses{{1, "127.0.0.1:10921"}});
    f.logic.restore_master();
    CHECK(f.route().size() == 2);

    const protocol::route_request old{.topic = "orders", .accept_standard_json_only = false};
    const auto old_answer = f.ask(f.connect(), old, {}, {.version = 400});
    CHECK(old_answer.body.find(R"({0:"127.0.0.1:10911",1:"127.0.0.1:10921"})") != std::string_view::npos);
}

TEST_CASE("members of master and slave are apart, and a member is not counted twice", "[embedded]") {
    slave_fixture f;
    CHECK(f.logic.members("billing") == texts{"one"});
    f.logic.disconnect(f.at_master);
    CHECK(f.logic.members("billing").empty());
    CHECK(f.ask(f.at_slave, f.pull(0)).code() == response_code::success);
    const auto other = f.connect(true);
    CHECK(f.ask(other, protocol::unregister_request{.client_id = "one", .consumer_group = "billing"}).code() ==
          response_code::success);
    f.logic.disconnect(f.at_slave);
    CHECK(f.ask(other, f.pull(0)).code() == response_code::subscription_not_exist);
}

TEST_CASE("a slave gives what it has, and sends back to the master for the rest", "[embedded]") {
    slave_fixture f;
    f.logic.lag_slave(4);
    const auto answer = f.ask(f.at_slave, f.pull(3));
    CHECK(f.bodies(answer.body) == texts{"3", "4", "5"});
    CHECK(answer.fields<protocol::pull_response>().max_offset == 6);
    CHECK(answer.fields<protocol::pull_response>().suggested_broker_id == 0);
    for (const std::int64_t offset : {6, 9, 98}) {
        const auto fields = f.fields_at(f.at_slave, offset, response_code::pull_retry_immediately);
        CHECK(fields.next_begin_offset == offset);
        CHECK(fields.suggested_broker_id == 0);
    }
    f.logic.drop_before("orders", 0, 2);
    CHECK(f.fields_at(f.at_slave, 1, response_code::pull_retry_immediately).next_begin_offset == 1);
    CHECK(f.fields_at(f.at_master, 1, response_code::pull_offset_moved).next_begin_offset == 2);
    CHECK(f.logic.statistics().slave_requests_of(request_code::pull_message) == 5);
}

TEST_CASE("the master sends to the slave when it is asked to, and only then", "[embedded]") {
    slave_fixture f;
    CHECK(f.fields_at(f.at_master, 0, response_code::success).suggested_broker_id == 0);
    f.logic.suggest_slave(true);
    CHECK(f.fields_at(f.at_master, 0, response_code::success).suggested_broker_id == 1);
    CHECK(f.fields_at(f.at_slave, 0, response_code::success).suggested_broker_id == 1);
    f.logic.suggest_slave(false);
    CHECK(f.fields_at(f.at_slave, 0, response_code::success).suggested_broker_id == 0);
}

TEST_CASE("a slave takes neither commits nor messages nor locks", "[embedded]") {
    slave_fixture f;
    const protocol::update_offset_request commit{.consumer_group = "billing", .topic = "orders", .commit_offset = 4};
    CHECK(f.ask(f.at_slave, commit).code() == response_code::system_error);
    auto pull = f.pull(0);
    pull.sys_flag |= protocol::pull_flags::commit_offset;
    pull.commit_offset = 4;
    CHECK(f.ask(f.at_slave, pull).code() == response_code::success);
    CHECK(!f.logic.committed_offset("billing", "orders", 0));
    CHECK(f.ask(f.at_master, commit).code() == response_code::success);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 4);

    CHECK(f.ask(f.at_slave, protocol::send_request{.producer_group = "p", .topic = "orders"}, "x").code() ==
          response_code::service_not_available);
    CHECK(f.ask(f.at_slave, protocol::send_back_request{.offset = 0, .group = "billing"}).code() ==
          response_code::service_not_available);
    const protocol::lock_data lock{"one", "billing", {{"orders", "broker-a", 0}}};
    CHECK(f.ask(f.at_slave, protocol::lock_request{}, protocol::encode(lock)).code() == response_code::system_error);
    const protocol::query_offset_request query{.consumer_group = "billing", .topic = "orders"};
    CHECK(f.ask(f.at_slave, query).fields<protocol::offset_response>().offset == 4);
}

TEST_CASE("a lost master is cut off, but its name server answers; pulls wait at the slave", "[embedded]") {
    slave_fixture f;
    f.logic.lose_master();
    CHECK(f.logic.out().take_closing() == std::vector{f.at_master});
    const auto late = f.connect();
    f.tell(late, f.pull(0));
    CHECK(f.logic.out().take_closing() == std::vector{late});

    CHECK(f.fields_at(f.at_slave, 0, response_code::success).suggested_broker_id == 1);
    const auto opaque = f.tell(f.at_slave, f.pull(10));
    f.pass(14s);
    CHECK(f.take_frames(f.at_slave).empty());
    f.logic.restore_master();
    CHECK(f.store("orders", "new"));
    CHECK(f.bodies(sent_frame(f.take_answer(f.at_slave, opaque).value()).body) == texts{"new"});
    const auto again = f.connect();
    CHECK(f.join(again, "billing", "orders", "*", "one") == response_code::success);
}
