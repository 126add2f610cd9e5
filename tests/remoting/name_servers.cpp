#include <rocketpush/remoting/name_servers.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"
#include "tests/support/scripted_broker.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test::dialogue;
using namespace std::chrono_literals;
using test::manual_runtime;
using servers_type = name_servers<memory_transport, manual_runtime>;
using answer_type  = std::optional<result<protocol::route_data>>;

servers_type::task<void> ask_route(servers_type& servers, std::string topic, answer_type& into,
                                   std::shared_ptr<const void> owner = nullptr) {
    auto got = co_await servers.route(std::move(topic), std::move(owner));
    into.emplace(std::move(got));
}

struct servers_fixture {
    manual_runtime runtime;
    std::shared_ptr<memory_network> network = std::make_shared<memory_network>();
    const endpoint first{"ns-1", 9876}, second{"ns-2", 9876}, third{"ns-3", 9876};
    test::scripted_broker script{runtime, network, {first, second, third}};
    servers_type::pool_type pool{runtime, memory_transport(network), protocol::default_frame_limit, 3s, {}};
    servers_type servers{pool, {first, second, third}, 0, 3s};

    ~servers_fixture() {
        pool.close();
        runtime.run_ready();
    }
    answer_type ask(std::string topic, std::chrono::milliseconds within = 0ms) {
        answer_type got;
        asio::co_spawn(runtime.get_executor(), ask_route(servers, std::move(topic), got), asio::detached);
        runtime.advance(within);
        return got;
    }
};

TEST_CASE_METHOD(servers_fixture, "a route comes from the first server that works", "[name_servers]") {
    script.expect(get_route("orders").with("acceptStandardJsonOnly", "true"))
        .only_at(first)
        .reply(route({{"broker-a", 4}}));
    const auto got = ask("orders");
    REQUIRE((got && *got));
    CHECK((*got)->queue_datas.at(0).read_queue_nums == 4);
    CHECK((*got)->broker_datas.at(0).broker_name == "broker-a");
}

TEST_CASE_METHOD(servers_fixture, "clients begin anywhere in the list", "[name_servers]") {
    servers_type from_third(pool, {first, second, third}, 3 * 12345u + 2, 3s);
    script.expect(get_route("orders")).only_at(third).reply(route({{"broker-a", 1}}));
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask_route(from_third, "orders", got), asio::detached);
    runtime.run_ready();
    REQUIRE(got);
    CHECK(*got);
}

TEST_CASE_METHOD(servers_fixture, "the next servers are asked within the same request", "[name_servers]") {
    network->set(first, memory_network::reach::refused);
    script.expect(get_route("orders")).only_at(second).then_close();
    script.expect(get_route("orders")).only_at(third).reply(route({{"broker-a", 1}}));
    const auto got = ask("orders");
    REQUIRE((got && *got));

    script.expect(get_route("refunds")).only_at(third).reply(route({{"broker-a", 1}})); // stays with the one that works
    CHECK(*ask("refunds"));
}

TEST_CASE_METHOD(servers_fixture, "servers that do not answer are left after their timeouts", "[name_servers]") {
    network->set(first, memory_network::reach::silent); // 3 s to connect
    script.expect(get_route("orders")).only_at(second); // 3 s for an answer
    script.expect(get_route("orders")).only_at(third).reply(refusal(response_code::system_busy));
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask_route(servers, "orders", got), asio::detached);
    runtime.advance(3200ms - 1ms); // the second one was asked 200 ms after the first
    CHECK_FALSE(got);
    runtime.advance(1ms);
    REQUIRE(got);
    CHECK(got->error() == error::name_servers_unreachable);
    CHECK(servers.last_failure() == response_code::system_busy); // which says more than silence
}

TEST_CASE_METHOD(servers_fixture, "the next server is asked 200 ms after one that has not answered, which may go on",
                 "[name_servers]") {
    const bool first_is_quicker = GENERATE(true, false);
    script.expect(get_route("orders")).only_at(first).reply(route({{"of the first", 1}}));
    script.after(first_is_quicker ? 300ms : 2s);
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask_route(servers, "orders", got), asio::detached);
    runtime.advance(199ms);
    CHECK_FALSE(got);
    script.expect(get_route("orders")).only_at(second).reply(route({{"of the second", 1}})).after(150ms);
    runtime.advance(first_is_quicker ? 101ms : 151ms);
    REQUIRE((got && *got));
    CHECK((*got)->broker_datas.at(0).broker_name == (first_is_quicker ? "of the first" : "of the second"));
    runtime.advance(3s); // what comes later is nobody's

    script.expect(get_route("refunds")).only_at(first_is_quicker ? first : second).reply(route({{"broker-a", 1}}));
    CHECK(*ask("refunds"));
}

TEST_CASE_METHOD(servers_fixture, "a dead server at the head of the list costs 200 ms once", "[name_servers]") {
    network->set(first, memory_network::reach::silent);
    script.expect(get_route("orders")).only_at(second).reply(route({{"broker-a", 1}}));
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask_route(servers, "orders", got), asio::detached);
    runtime.advance(200ms);
    REQUIRE((got && *got));
    script.expect(get_route("refunds")).only_at(second).reply(route({{"broker-a", 1}}));
    CHECK(*ask("refunds"));
    runtime.advance(3s); // the connect that nobody waits for ends
}

TEST_CASE_METHOD(servers_fixture, "a server that was asked too late holds its owner until it has ended", "[name_servers]") {
    network->set(first, memory_network::reach::silent);
    script.expect(get_route("orders")).only_at(second).reply(route({{"broker-a", 1}}));
    auto owner = std::make_shared<int>();
    const std::weak_ptr<int> held = owner;
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask_route(servers, "orders", got, std::move(owner)), asio::detached);
    runtime.advance(200ms);
    REQUIRE((got && *got));
    CHECK_FALSE(held.expired());
    runtime.advance(3s);
    CHECK(held.expired());
}

TEST_CASE_METHOD(servers_fixture, "no route is an answer: nobody else is asked", "[name_servers]") {
    script.expect(get_route("orders")).only_at(first).reply(no_route());
    const auto got = ask("orders");
    REQUIRE(got);
    CHECK(got->error() == error::no_route);
}

TEST_CASE_METHOD(servers_fixture, "when none can be reached, the last one's failure is kept", "[name_servers]") {
    for (const auto& each : {first, second, third}) network->set(each, memory_network::reach::refused);
    const auto got = ask("orders");
    REQUIRE(got);
    CHECK(got->error() == error::name_servers_unreachable);
    CHECK(servers.last_failure() == asio::error::connection_refused);
    for (const auto& each : {first, second, third}) network->set(each, memory_network::reach::open);
    runtime.advance(2s);
    script.expect(get_route("orders")).reply(route({{"broker-a", 1}}));
    CHECK(*ask("orders"));
}

TEST_CASE_METHOD(servers_fixture, "each of several requests at once finds the server that works", "[name_servers]") {
    script.expect(get_route()).only_at(first).times(2).reply(refusal(response_code::system_error)).after(10ms);
    script.expect(get_route()).only_at(second).times(2).reply(refusal(response_code::system_error)).after(10ms);
    script.expect(get_route("orders")).only_at(third).reply(route({{"broker-a", 1}}));
    script.expect(get_route("refunds")).only_at(third).reply(route({{"broker-a", 2}}));
    answer_type orders, refunds;
    asio::co_spawn(runtime.get_executor(), ask_route(servers, "orders", orders), asio::detached);
    asio::co_spawn(runtime.get_executor(), ask_route(servers, "refunds", refunds), asio::detached);
    runtime.advance(100ms);
    REQUIRE((orders && refunds));
    CHECK(*orders);
    CHECK(*refunds);
}

TEST_CASE("a host whose name nobody knows is told from one that is away", "[name_servers]") {
    CHECK(is_resolver_error(asio::error::host_not_found));
    CHECK(is_resolver_error(asio::error::service_not_found));
    CHECK_FALSE(is_resolver_error(asio::error::connection_refused));
    CHECK_FALSE(is_resolver_error(error::connect_timed_out));
    CHECK_FALSE(is_resolver_error({}));
    CHECK(is_hopeless(asio::error::host_not_found));
    CHECK(is_hopeless(error::tls_untrusted)); // waiting does not renew a certificate
    CHECK_FALSE(is_hopeless(error::tls_not_spoken)); // it may only be going down
    CHECK_FALSE(is_hopeless(asio::error::connection_refused));
}

TEST_CASE_METHOD(servers_fixture, "a route that is no route is told as such", "[name_servers]") {
    script.expect(get_route("orders"))
        .reply(respond(response_code::success, protocol::no_fields{}, "{\"queueDatas\":7}"));
    const auto got = ask("orders");
    REQUIRE(got);
    CHECK(got->error() == error::body_malformed);
}

TEST_CASE_METHOD(servers_fixture, "closing ends a request and asks nobody else", "[name_servers]") {
    network->set(first, memory_network::reach::silent);
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask_route(servers, "orders", got), asio::detached);
    runtime.run_ready();
    pool.close();
    runtime.run_ready();
    REQUIRE(got);
    CHECK(got->error() == error::operation_cancelled);
}

TEST_CASE_METHOD(servers_fixture, "without servers the reason is told at once", "[name_servers]") {
    servers_type none(pool, {}, 7, 3s);
    none.set_unknown(error::no_name_servers);
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask_route(none, "orders", got), asio::detached);
    runtime.run_ready();
    REQUIRE(got);
    CHECK(got->error() == error::name_servers_unreachable);
    CHECK(none.last_failure() == error::no_name_servers);

    CHECK(none.replace({third}, 5)); // now there are
    script.expect(get_route("orders")).only_at(third).reply(route({{"broker-a", 1}}));
    asio::co_spawn(runtime.get_executor(), ask_route(none, "orders", got), asio::detached);
    runtime.run_ready();
    CHECK(*got);
}

TEST_CASE_METHOD(servers_fixture, "the server in use stays so when it is in the next list", "[name_servers]") {
    CHECK_FALSE(servers.replace({third, first, second}, 1)); // the same ones
    CHECK(servers.list().front() == first);
    CHECK(servers.replace({third, first}, 0));
    script.expect(get_route("orders")).only_at(first).reply(route({{"broker-a", 1}}));
    CHECK(*ask("orders"));
    CHECK(servers.replace({third, second}, 1));
    script.expect(get_route("orders")).only_at(second).reply(route({{"broker-a", 1}}));
    CHECK(*ask("orders"));
}

TEST_CASE_METHOD(servers_fixture, "a request under way begins anew with a new list", "[name_servers]") {
    // One whose answer comes from a server that is not of the list any more, and one whose server does not answer.
    for (const bool answers : {true, false}) {
        servers_type asked(pool, {first, second}, 0, 3s);
        script.expect(get_route("orders")).only_at(first);
        if (answers)
            script.reply(route({{"broker-old", 1}})).after(1s);
        answer_type got;
        asio::co_spawn(runtime.get_executor(), ask_route(asked, "orders", got), asio::detached);
        runtime.run_ready();
        CHECK(asked.replace({third}, 0));
        if (!answers)
            pool.drop(first);
        script.expect(get_route("orders")).only_at(third).reply(route({{"broker-new", 1}}));
        runtime.advance(answers ? 1s : 0s);
        REQUIRE((got && *got));
        CHECK((*got)->broker_datas.at(0).broker_name == "broker-new");
    }
}

} // namespace
