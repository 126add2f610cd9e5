#include <rocketpush/client/client_instance.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/http_peer.hpp"
#include "tests/support/manual_runtime.hpp"
#include "tests/support/scripted_broker.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test::dialogue;
using namespace std::chrono_literals;
using test::manual_runtime;
using instance_type = client_instance<memory_transport, manual_runtime>;

/// A consumer as the client knows it: what it is told, as text.
struct fake_member {
    std::string group;
    std::string topic = "orders";
    std::vector<std::string> told{};

    protocol::consumer_data describe() const {
        protocol::consumer_data data{.group_name = group};
        data.subscriptions.push_back(*make_subscription(topic, all_messages, 5));
        return data;
    }
    bool wants(const std::string& of) const { return of == topic; }
    void reset(const std::string& of, const std::vector<protocol::queue_position>& to) {
        for (const auto& [queue, offset] : to)
            told.push_back("reset " + of + " " + std::to_string(queue.queue_id) + " to " + std::to_string(offset));
    }
    std::string running_info(bool) const { return "well"; }
    std::string status(const std::string&) const { return {}; }
    void consume_directly(std::string_view, const std::string&, const request_answer&) {}
    void members_changed() { told.push_back("members"); }
    void route_changed(const std::string& of, std::size_t queues) {
        told.push_back("route " + of + " " + std::to_string(queues));
    }
    void route_failure(const std::string& of, std::error_code why) {
        told.push_back("no route " + of + ": " + why.message());
    }
    void name_servers_changed(const std::vector<endpoint>& now) {
        told.push_back("name servers");
        for (const auto& each : now) told.back() += " " + to_string(each);
    }
    void name_server_lookup_failure(const std::string& url, std::error_code why) {
        told.push_back("no name servers from " + url + ": " + why.message());
    }
    void connect_ended(const endpoint& peer, std::error_code why) {
        told.push_back((why ? "not connected " : "connected ") + peer.host);
    }
    void disconnected(const endpoint& peer, std::error_code) { told.push_back("lost " + peer.host); }
    void heartbeat_failure(const endpoint& peer, std::error_code why) {
        told.push_back("heartbeat " + peer.host + ": " + why.message());
    }

    /// How often it was told this.
    int count(const std::string& text) const { return static_cast<int>(std::ranges::count(told, text)); }
};

instance_type::task<void> keep(instance_type::task<std::error_code> operation, std::optional<std::error_code>& into) {
    const auto got = co_await std::move(operation);
    into           = got;
}
instance_type::task<void> keep(instance_type::task<void> operation, std::shared_ptr<bool> ended) {
    co_await std::move(operation);
    *ended = true;
}

struct client_fixture {
    manual_runtime runtime;
    std::shared_ptr<memory_network> network = std::make_shared<memory_network>();
    const endpoint names{"ns", 9876}, broker_a{"broker-a", 10911}, broker_b{"broker-b", 10911};
    test::scripted_broker script{runtime, network, {names, broker_a, broker_b}};
    std::shared_ptr<instance_type> client = std::make_shared<instance_type>(
        client_part(options{.name_servers = "ns:9876", .group = "billing", .instance_name = "me"}),
        memory_transport(network), runtime);
    fake_member billing{.group = "billing"}, ledger{.group = "ledger"};

    void serve_two_brokers() {
        script.always(get_route("orders"))
            .only_at(names)
            .reply(route({{"broker-a", 4, "broker-a:10911"}, {"broker-b", 4, "broker-b:10911"}}));
        script.always(heartbeat()).reply(ok());
        script.always(unregister()).reply(ok());
    }
    std::optional<std::error_code> join(fake_member& member, std::chrono::milliseconds within = 0ms) {
        std::optional<std::error_code> got;
        begin_join(member, got);
        runtime.advance(within);
        return got;
    }
    void begin_join(fake_member& member, std::optional<std::error_code>& into) {
        asio::co_spawn(runtime.get_executor(),
                       keep(client->join(make_group_member(member, member.group), {member.topic}), into),
                       asio::detached);
    }
    bool leave(const std::string& group, std::chrono::milliseconds within = 0ms) {
        const auto ended = std::make_shared<bool>(false); // shared: it may end after we looked
        asio::co_spawn(runtime.get_executor(), keep(client->leave(group), ended), asio::detached);
        runtime.advance(within);
        return *ended;
    }
    ~client_fixture() {
        leave("billing", 10s);
        leave("ledger", 10s);
    }
};

TEST_CASE_METHOD(client_fixture, "an id that is asked for before there is a connection is no other machine's", "[client]") {
    CHECK(client->client_id() == detail::java_local_address() + "@me");
    const auto given = std::make_shared<instance_type>(
        client_part(options{.name_servers = "ns:9876", .group = "billing", .client_ip = "10.1.2.3", .instance_name = "me"}),
        memory_transport(network), runtime);
    CHECK(given->client_id() == "10.1.2.3@me");
}

TEST_CASE_METHOD(client_fixture, "a consumer that joins gets its route, and every broker of it knows the group",
                 "[client]") {
    serve_two_brokers();
    CHECK(join(billing) == std::error_code());
    CHECK(billing.count("route orders 8") == 1);
    CHECK(client->routes().queues("orders").size() == 8);
    CHECK(script.count(heartbeat()) == 2);
    CHECK(script.open_connections() == 3);
    const auto beat = protocol::decode_heartbeat(script.last(heartbeat())->body);
    REQUIRE(beat);
    CHECK(beat->client_id == "127.0.0.1@me");
    CHECK(client->client_id() == "127.0.0.1@me");
    REQUIRE(beat->consumers.size() == 1);
    CHECK(beat->consumers[0].group_name == "billing");
    CHECK(beat->consumers[0].subscriptions.at(0).topic == "orders");
}

TEST_CASE_METHOD(client_fixture, "a second group joins the first one's heartbeats; a group joins once", "[client]") {
    serve_two_brokers();
    join(billing);
    CHECK(join(ledger) == std::error_code());
    const auto news = protocol::decode_heartbeat(script.last(heartbeat())->body);
    REQUIRE(news->consumers.size() == 1); // the brokers know the other one
    CHECK(news->consumers[0].group_name == "ledger");
    runtime.advance(30s);
    CHECK(protocol::decode_heartbeat(script.last(heartbeat())->body)->consumers.size() == 2);
    CHECK(script.open_connections() == 3); // shared
    fake_member again{.group = "billing"};
    CHECK(join(again) == error::group_in_use);
    CHECK(again.told.empty());
    CHECK_FALSE(billing.told.empty());
}

TEST_CASE_METHOD(client_fixture,
                 "a group that joins while another one's heartbeat opens a connection is told of as well", "[client]") {
    script.always(get_route("orders")).only_at(names).reply(route({{"broker-a", 4, "broker-a:10911"}}));
    script.always(unregister()).reply(ok());
    script.expect(heartbeat()).after(500ms).reply(ok());
    script.always(heartbeat()).reply(ok());
    std::optional<std::error_code> first, second;
    begin_join(billing, first);
    runtime.advance(100ms);
    CHECK_FALSE(first);
    begin_join(ledger, second);
    runtime.advance(500ms);
    CHECK(first == std::error_code());
    CHECK(second == std::error_code());
    CHECK(script.count(heartbeat()) == 2);
    const auto told = protocol::decode_heartbeat(script.last(heartbeat())->body);
    CHECK(std::ranges::count(told->consumers, "ledger", &protocol::consumer_data::group_name) == 1);
}

TEST_CASE_METHOD(client_fixture,
                 "a route that changes brings a heartbeat to brokers that were never told of us, and no other",
                 "[client]") {
    script.expect(get_route("orders")).reply(route({{"broker-a", 4, "broker-a:10911"}}));
    script.expect(get_route("orders")).reply(route({{"broker-a", 8, "broker-a:10911"}}));
    serve_two_brokers();
    join(billing);
    REQUIRE(script.count(heartbeat()) == 1);
    const auto refresh_now = [&] {
        std::optional<std::error_code> got;
        asio::co_spawn(runtime.get_executor(), keep(client->refresh("orders"), got), asio::detached);
        runtime.run_ready();
        return got;
    };
    CHECK(refresh_now() == std::error_code());
    CHECK(billing.count("route orders 8") == 1);
    CHECK(script.count(heartbeat()) == 1);
    CHECK(refresh_now() == std::error_code());
    CHECK(script.count(heartbeat()) == 3);
    CHECK(script.open_connections() == 3); // broker-b's, too
}

TEST_CASE_METHOD(client_fixture, "heartbeats are repeated, and routes asked for again", "[client]") {
    serve_two_brokers();
    join(billing);
    const auto beats = script.count(heartbeat());
    auto routes      = script.count(get_route());
    runtime.advance(30s);
    CHECK(script.count(heartbeat()) == beats + 2);
    CHECK(script.count(get_route()) == routes + 15); // a broker may be away that nobody told of
    runtime.advance(60s);
    CHECK(script.count(heartbeat()) == beats + 6);
    CHECK(script.count(get_route()) == routes + 45);
    runtime.advance(40s);
    routes = script.count(get_route());
    runtime.advance(60s);
    CHECK(script.count(get_route()) == routes + 2);
    CHECK(billing.count("route orders 8") == 1); // it has not changed
}

TEST_CASE_METHOD(client_fixture, "a topic without a route is asked for soon again, then less often", "[client]") {
    script.expect(get_route("orders")).times(4).reply(no_route());
    CHECK(join(billing) == std::error_code()); // no failure: a topic may come
    CHECK(billing.count("no route orders: the name server has no route for the topic") == 1);
    runtime.advance(1s);
    CHECK(script.count(get_route()) == 2);
    runtime.advance(2s);
    CHECK(script.count(get_route()) == 3);
    runtime.advance(3s);
    CHECK(script.count(get_route()) == 4);
    serve_two_brokers();
    runtime.advance(2s);
    CHECK(script.count(get_route()) == 5);
    CHECK(billing.count("route orders 8") == 1);
    runtime.advance(2s);
    runtime.advance(2s); // its brokers are greeted when the next heartbeat or pull opens the connections
    CHECK(client->routes().knows("orders"));
}

TEST_CASE_METHOD(client_fixture, "a broker that is away does not keep a consumer from joining", "[client]") {
    serve_two_brokers();
    SECTION("refused") { network->set(broker_b, memory_network::reach::refused); }
    SECTION("silent") { network->set(broker_b, memory_network::reach::silent); }
    CHECK(join(billing, 1s) == std::error_code());
    runtime.advance(5s);
    CHECK(billing.count("not connected broker-b") >= 1);
    CHECK(script.clients().size() == 1);

    network->set(broker_b, memory_network::reach::open);
    const auto before = script.count(heartbeat());
    runtime.advance(35s);
    CHECK(billing.count("connected broker-b") == 1);
    CHECK(script.count(heartbeat()) > before);
}

TEST_CASE_METHOD(client_fixture, "a new connection to a broker begins with a heartbeat", "[client]") {
    serve_two_brokers();
    join(billing);
    const auto heard = script.heard().size();
    std::optional<std::error_code> answer;
    script.expect(update_offset("orders", 0, 9)).only_at(broker_a).reply(ok());
    network->cut(broker_a);
    runtime.run_ready();
    CHECK(billing.count("lost broker-a") == 1);
    asio::co_spawn(runtime.get_executor(),
                   keep(client->calls().update_offset("billing", {"orders", "broker-a", 0}, 9), answer),
                   asio::detached);
    runtime.run_ready();
    CHECK(answer == std::error_code());
    REQUIRE(script.heard().size() == heard + 2);
    CHECK(script.heard()[heard].starts_with("heart_beat"));
    CHECK(script.heard()[heard + 1].starts_with("update_consumer_offset"));
    CHECK(billing.count("members") >= 1); // the broker may know members that we do not
}

TEST_CASE_METHOD(client_fixture,
                 "a broker that lost our connection hears of us at once, though nobody asks it for anything",
                 "[client]") {
    serve_two_brokers();
    join(billing);
    const auto before = script.count(heartbeat());
    network->cut(broker_b);
    runtime.run_ready();
    CHECK(billing.count("connected broker-b") == 2);
    CHECK(script.count(heartbeat()) == before + 1); // of the other one nothing is wanted

    network->set(broker_b, memory_network::reach::refused);
    network->cut(broker_b);
    runtime.advance(5s);
    CHECK(billing.count("not connected broker-b") >= 2);
    network->set(broker_b, memory_network::reach::open);
    runtime.advance(5s); // what is left of the backoff
    CHECK(billing.count("connected broker-b") == 3);
    CHECK(script.count(heartbeat()) == before + 2);
    const auto beyond_routes = [&] { return script.heard().size() - script.count(get_route()); };
    const auto tried         = beyond_routes();
    runtime.advance(10s); // it is known there, so that is all
    CHECK(beyond_routes() == tried);
}

TEST_CASE_METHOD(client_fixture, "a broker that has gone from the routes is not looked for any more", "[client]") {
    serve_two_brokers();
    join(billing);
    network->set(broker_b, memory_network::reach::refused);
    network->cut(broker_b);
    script.always(get_route("orders")).only_at(names).reply(route({{"broker-a", 4, "broker-a:10911"}}));
    runtime.advance(40s);
    const auto tried = billing.count("not connected broker-b");
    runtime.advance(20s);
    CHECK(billing.count("not connected broker-b") == tried);
}

TEST_CASE_METHOD(client_fixture, "a heartbeat that a broker refuses is told", "[client]") {
    serve_two_brokers();
    join(billing);
    script.expect(heartbeat()).only_at(broker_b).reply(refusal(response_code::no_permission));
    client->heartbeat_soon();
    runtime.run_ready();
    CHECK(billing.count("heartbeat broker-b: no permission (code 16)") == 1);
}

TEST_CASE_METHOD(client_fixture, "a notice of changed members goes to its group only", "[client]") {
    serve_two_brokers();
    join(billing);
    join(ledger);
    const auto before = billing.count("members"), ledgers = ledger.count("members");
    script.push(protocol::consumer_ids_changed_notice{.consumer_group = "billing"}, broker_a);
    script.push(protocol::consumer_ids_changed_notice{.consumer_group = "nobody"}, broker_a);
    runtime.run_ready();
    CHECK(billing.count("members") == before + 1);
    CHECK(ledger.count("members") == ledgers);
}

TEST_CASE_METHOD(client_fixture, "a group that leaves is unregistered where it is known; the last one closes all",
                 "[client]") {
    serve_two_brokers();
    join(billing);
    join(ledger);
    script.expect(unregister().with("consumerGroup", "billing").with("clientID", "127.0.0.1@me")).times(2).reply(ok());
    CHECK(leave("billing"));
    CHECK(script.count(unregister()) == 2);
    CHECK(script.open_connections() == 3);
    CHECK(leave("billing")); // nothing more
    CHECK(script.count(unregister()) == 2);
    CHECK(leave("ledger"));
    CHECK(script.count(unregister()) == 4);
    runtime.run_ready();
    CHECK(script.open_connections() == 0);
    const auto heard = script.heard().size();
    runtime.advance(5min); // no duty goes on
    CHECK(script.heard().size() == heard);
    CHECK(join(billing) == error::already_stopped);
}

TEST_CASE_METHOD(client_fixture, "leaving ends although a broker does not answer", "[client]") {
    serve_two_brokers();
    join(billing);
    script.always(unregister());
    CHECK_FALSE(leave("billing"));
    runtime.advance(3s);
    CHECK(script.open_connections() == 0);
}

TEST_CASE_METHOD(client_fixture, "a consumer may leave while it is joining", "[client]") {
    serve_two_brokers();
    script.expect(get_route("orders")).reply(route({{"broker-a", 4, "broker-a:10911"}})).after(1s);
    std::optional<std::error_code> got;
    begin_join(billing, got);
    runtime.advance(500ms);
    CHECK(leave("billing"));
    runtime.advance(1s);
    CHECK(got == error::operation_cancelled);
    CHECK(script.count(heartbeat()) == 0);
}

TEST_CASE_METHOD(client_fixture, "a client that is held stays open without consumers", "[client]") {
    serve_two_brokers();
    client->hold();
    join(billing);
    leave("billing");
    CHECK(script.open_connections() == 3);
    CHECK(join(ledger) == std::error_code());
    leave("ledger");
    client->release();
    runtime.run_ready();
    CHECK(script.open_connections() == 0);
}

TEST_CASE_METHOD(client_fixture, "a client goes with its last user, whatever of its connections is still ending",
                 "[client]") {
    serve_two_brokers();
    join(billing);
    const auto ended = std::make_shared<bool>(false);
    asio::co_spawn(runtime.get_executor(), keep(client->leave("billing"), ended), asio::detached);
    const std::weak_ptr<instance_type> seen = client;
    client.reset();
    runtime.advance(10s);
    CHECK(*ended);
    CHECK(seen.expired());
    client = std::make_shared<instance_type>(client_part(options{.name_servers = "ns:9876", .group = "billing"}),
                                             memory_transport(network), runtime);
}

TEST_CASE_METHOD(client_fixture, "a route from which a broker has gone is looked at each 2 s, for ten minutes",
                 "[client]") {
    serve_two_brokers();
    join(billing);
    script.always(get_route("orders")).only_at(names).reply(route({{"broker-a", 4, "broker-a:10911"}}));
    runtime.advance(31s); // the usual look finds one of them
    const auto asked = script.count(get_route("orders"));
    runtime.advance(20s);
    CHECK(script.count(get_route("orders")) >= asked + 9);
    runtime.advance(11min);
    const auto settled = script.count(get_route("orders"));
    runtime.advance(60s);
    CHECK(script.count(get_route("orders")) <= settled + 3);
}

TEST_CASE_METHOD(client_fixture, "a reset of offsets is told to the group's consumer, in either form of its table",
                 "[client]") {
    serve_two_brokers();
    join(billing);
    join(ledger);
    const protocol::reset_offset_notice notice{.consumer_group = "billing", .topic = "orders"};
    script.ask(notice, broker_a, 1, R"({"offsetTable":{{"brokerName":"broker-a","queueId":2,"topic":"orders"}:17}})");
    script.ask(notice, broker_a, 2,
               R"({"offsetTable":[{"brokerName":"broker-a","offset":4,"queueId":3,"topic":"orders"}]})");
    script.ask(notice, broker_a, 3, R"({"offsetTable":[{]})");
    script.ask(notice, broker_a, 4, "");
    runtime.run_ready();
    CHECK(billing.count("reset orders 2 to 17") == 1);
    CHECK(billing.count("reset orders 3 to 4") == 1);
    CHECK(std::ranges::none_of(ledger.told, [](const auto& text) { return text.starts_with("reset"); }));
}

TEST_CASE_METHOD(client_fixture, "a request that this version does not know is refused, not ignored", "[client]") {
    serve_two_brokers();
    join(billing);
    script.ask(protocol::lock_request{}, broker_a, 4711);
    runtime.run_ready();
    REQUIRE(script.answers().size() == 1);
    const auto& header = script.answers()[0]->header;
    CHECK(header.opaque == 4711);
    CHECK(header.code == static_cast<int>(response_code::request_code_not_supported));
    CHECK(header.remark() == " request type 41 not supported");
}

/// A client whose name servers are looked up.
struct looking_up_fixture : client_fixture {
    looking_up_fixture() {
        client = std::make_shared<instance_type>(
            client_part(options{.name_server_url = "http://config/nsaddr", .group = "billing", .instance_name = "me", .unit_name = "shop"}),
            memory_transport(network), runtime);
    }
    /// Nobody holds the client but us. The fixture's end wants one, so it gets another.
    void check_that_client_goes() {
        const std::weak_ptr<instance_type> seen = client;
        client.reset();
        runtime.run_ready();
        CHECK(seen.expired());
        client = std::make_shared<instance_type>(client_part(options{.name_servers = "ns:9876", .group = "billing"}),
                                                 memory_transport(network), runtime);
    }

    test::http_peer config{runtime, network, {"config", 80}};
    const std::string url = "http://config:80/nsaddr-shop?nofix=1";
};

TEST_CASE_METHOD(looking_up_fixture, "a client looks its name servers up first, then every two minutes", "[client]") {
    serve_two_brokers();
    config.answer("ns:9876");
    CHECK(join(billing) == std::error_code());
    CHECK(billing.count("name servers ns:9876") == 1);
    CHECK(billing.count("route orders 8") == 1);
    REQUIRE(config.asked().size() == 1);
    CHECK(config.asked()[0].starts_with("GET /nsaddr-shop?nofix=1 HTTP/1.1\r\nHost: config:80\r\n"));
    CHECK(join(ledger) == std::error_code()); // needs no look-up of its own
    runtime.advance(119s);
    CHECK(config.asked().size() == 1);
    runtime.advance(1s);
    CHECK(config.asked().size() == 2);
    CHECK(billing.count("name servers ns:9876") == 1); // nothing new
    runtime.advance(20min);
    CHECK(config.asked().size() == 12);
}

TEST_CASE_METHOD(looking_up_fixture, "another list closes the connections to those that are gone, and has routes asked for at once",
                 "[client]") {
    serve_two_brokers();
    // broker-a's address is that of a name server, too
    script.always(get_route("orders")).only_at(broker_a).reply(no_route());
    config.answer("ns:9876;broker-a:10911");
    join(billing);
    runtime.advance(1s);
    const auto asked = script.count(get_route("orders"));
    config.answer("broker-b:10911;broker-a:10911");
    script.always(get_route("orders")).only_at(broker_b).reply(route({{"broker-b", 5, "broker-b:10911"}, {"broker-a", 5, "broker-a:10911"}}));
    script.always(get_route("orders")).only_at(broker_a).reply(route({{"broker-b", 5, "broker-b:10911"}, {"broker-a", 5, "broker-a:10911"}}));
    runtime.advance(119s);
    CHECK(billing.count("name servers broker-b:10911 broker-a:10911") == 1);
    CHECK(billing.count("route orders 10") == 1);
    CHECK(script.count(get_route("orders")) > asked);
    CHECK(script.open_connections() == 2); // only those to the brokers
    CHECK(std::ranges::none_of(billing.told, [](const auto& text) { return text.starts_with("lost"); }));

    config.answer("broker-a:10911;broker-b:10911"); // the same ones
    const auto told = billing.told.size();
    runtime.advance(120s);
    CHECK(billing.told.size() == told);
}

TEST_CASE_METHOD(looking_up_fixture, "a client whose look-up fails goes on without an answer, or with the list that it has", "[client]") {
    serve_two_brokers();
    config.refuse(503);
    CHECK(join(billing) == std::error_code());
    CHECK(billing.told == std::vector<std::string>{"no name servers from " + url + ": HTTP status 503",
                                                   "no route orders: HTTP status 503"});
    runtime.advance(10s);
    CHECK(config.asked().size() == 6); // every two seconds while it has none
    config.answer("ns:9876");
    runtime.advance(2s);
    CHECK(billing.count("name servers ns:9876") == 1);
    CHECK(billing.count("route orders 8") == 1);

    for (const std::string garbage : {"", "no list", "<html>"}) {
        config.answer(garbage);
        runtime.advance(120s);
    }
    CHECK(billing.count("no name servers from " + url + ": what was looked up is not a list of name servers") == 3);
    const auto asked = script.count(get_route("orders"));
    runtime.advance(31s);
    CHECK(script.count(get_route("orders")) > asked); // of the one from before
    CHECK(std::ranges::count_if(billing.told, [](const auto& text) { return text.starts_with("name servers"); }) == 1);
}

TEST_CASE_METHOD(looking_up_fixture, "when no name server answers the list is looked up soon, but not all the time", "[client]") {
    serve_two_brokers();
    script.always(get_route("orders")).only_at(broker_b).reply(route({{"broker-b", 4, "broker-b:10911"}}));
    config.answer("ns:9876");
    join(billing);
    runtime.advance(60s);
    CHECK(config.asked().size() == 1);
    network->set(names, memory_network::reach::refused);
    network->cut(names);
    runtime.advance(60s);
    CHECK(config.asked().size() >= 5);
    CHECK(config.asked().size() <= 14);
    config.answer("broker-b:10911");
    runtime.advance(8s);
    CHECK(billing.count("route orders 4") == 1);
    const auto asked = config.asked().size();
    runtime.advance(100s);
    CHECK(config.asked().size() == asked);
}

TEST_CASE_METHOD(looking_up_fixture, "a consumer may leave while the name servers are being looked up", "[client]") {
    std::optional<std::error_code> got;
    begin_join(billing, got); // the server is silent
    runtime.advance(1s);
    CHECK_FALSE(got);
    CHECK(leave("billing"));
    runtime.run_ready();
    CHECK(got == error::operation_cancelled);
    CHECK(config.open_connections() == 0);
    check_that_client_goes();
}

TEST_CASE_METHOD(looking_up_fixture, "a client that looks its name servers up goes with its last user", "[client]") {
    serve_two_brokers();
    config.answer("ns:9876");
    join(billing);
    leave("billing");
    check_that_client_goes();
}

} // namespace
