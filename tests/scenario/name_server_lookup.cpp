#include "tests/scenario/support/threaded_consumer.hpp"
#include "tests/scenario/support/virtual_member.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_peer.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::virtual_broker;
using test::virtual_cluster;
using test::virtual_member;

/// A broker whose address only a configuration server knows.
struct configured_cluster : virtual_cluster {
    configured_cluster() {
        broker().create_topic("orders", 4);
        send("orders", 20);
    }

    options with_url(const std::string& group = "billing") const {
        auto with            = member_options(group);
        with.name_servers    = "";
        with.name_server_url = url;
        return with;
    }

    const std::string url = "http://config:8080/rocketmq/nsaddr";
    test::http_peer config{runtime, network, {"config", 8080}};
};

TEST_CASE("a consumer finds its name servers over HTTP", "[scenario]") {
    configured_cluster cluster;
    cluster.config.answer(to_string(cluster.address()) + "\n");
    virtual_member one(cluster, "one", cluster.with_url());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 20; }, 1s));
    REQUIRE(one.count("name_servers") == 1);
    CHECK(one.events("name_servers")[0].about == "broker-a:10911");
    CHECK(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 20);
    CHECK(cluster.config.asked().size() == 1);
    cluster.runtime.advance(10min); // nothing goes on
    CHECK(cluster.config.asked().size() == 1);
}

TEST_CASE("a unit finds its own name servers", "[scenario]") {
    configured_cluster cluster;
    cluster.config.answer(to_string(cluster.address()));
    auto with      = cluster.with_url();
    with.unit_name = "shop";
    virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.config.asked().at(0).starts_with("GET /rocketmq/nsaddr-shop?nofix=1 HTTP/1.1\r\n"));
    CHECK(one.client_id().ends_with("@one@shop"));
}

TEST_CASE("a consumer that cannot look its name servers up starts, says why, and finds them when they are told", "[scenario]") {
    configured_cluster cluster;
    SECTION("nobody listens") { cluster.network->set({"config", 8080}, memory_network::reach::refused); }
    SECTION("nobody answers") { cluster.network->set({"config", 8080}, memory_network::reach::silent); }
    SECTION("no answer comes") { cluster.config.fall_silent(); }
    SECTION("an error") { cluster.config.refuse(500); }
    SECTION("garbage") { cluster.config.answer_bytes(std::string(3000, '\0') + "\n"); }
    SECTION("an empty list") { cluster.config.answer("\n"); }
    SECTION("no list") { cluster.config.answer("<html>maintenance</html>"); }
    virtual_member one(cluster, "one", cluster.with_url());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(one.count("lookup_failure") >= 1);
    const auto failure = one.events("lookup_failure")[0];
    CHECK(failure.about == cluster.url);
    CHECK(one.events("route_failure").at(0).code == failure.code); // what was tried, in both
    cluster.runtime.advance(1min);
    CHECK(one.count("lookup_failure") >= 11);
    CHECK(one.received().empty());

    cluster.network->set({"config", 8080}, memory_network::reach::open);
    cluster.config.answer(to_string(cluster.address()));
    CHECK(cluster.run_until([&] { return one.received().size() == 20; }, 8s));
    CHECK(one.count("name_servers") == 1);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("a look-up that fails for a while leaves a running consumer alone", "[scenario]") {
    configured_cluster cluster;
    cluster.config.answer(to_string(cluster.address()));
    virtual_member one(cluster, "one", cluster.with_url());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(5s);
    const auto connections = cluster.broker().statistics().connections_accepted;
    for (const std::string answer : {"HTTP/1.1 500 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: "
                                     "99999999999999999999\r\n\r\n"}) {
        cluster.config.answer_bytes(answer);
        cluster.runtime.advance(2min);
        cluster.send("orders", 5);
        cluster.runtime.advance(1s);
    }
    CHECK(one.received().size() == 40);
    CHECK(one.count("lookup_failure") == 4);
    CHECK(one.count("name_servers") == 1);
    CHECK(one.count("disconnect") == 0);
    CHECK(cluster.broker().statistics().connections_accepted == connections);
    cluster.broker().create_topic("refunds", 1); // routes still come from the name server
    cluster.send("refunds", 1);
    REQUIRE(one.subscribe_running("refunds") == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 41; }, 2s));
}

TEST_CASE("a cluster that moves is followed: the old name server goes away, the new one knows another broker", "[scenario]") {
    configured_cluster cluster;
    cluster.config.answer("ns:9876;broker-a:10911");
    virtual_member one(cluster, "one", cluster.with_url());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 20; }, 5s));

    const endpoint there{"broker-b", 10911};
    virtual_broker moved({.listen = there, .name = "broker-b"}, memory_transport(cluster.network), cluster.runtime);
    moved.create_topic("orders", 2);
    for (int i = 0; i < 10; ++i)
        moved.send("orders", "moved" + std::to_string(i));
    cluster.config.answer(to_string(there));
    SECTION("it is told while the old one still runs") {
        CHECK(cluster.run_until([&] { return one.received().size() == 30; }, 2min + 5s));
        cluster.stop_broker();
    }
    SECTION("it is looked for when the old one does not answer") {
        cluster.stop_broker();
        CHECK(cluster.run_until([&] { return one.received().size() == 30; }, 40s));
    }
    CHECK(one.events("name_servers").back().about == "broker-b:10911");
    CHECK(moved.members("billing").size() == 1);
    cluster.runtime.advance(10s); // the retry topic is the old broker's until the new one has made it
    const auto attempts = one.count("connect_failure");
    cluster.runtime.advance(1min);
    CHECK(one.count("connect_failure") == attempts); // nobody asks for the old one any more
    CHECK(one.stop() == std::error_code());
    CHECK(moved.members("billing").empty());
}

TEST_CASE("consumers of one client look up once, and at one place", "[scenario]") {
    configured_cluster cluster;
    cluster.config.answer(to_string(cluster.address()));
    virtual_member::shared_client client(cluster, options{.name_server_url = cluster.url});
    auto of_client            = cluster.with_url("ledger");
    of_client.name_server_url = "";
    virtual_member billing(cluster, client, "billing", cluster.with_url("billing"));
    virtual_member ledger(cluster, client, "ledger", of_client);
    billing.subscribe("orders");
    ledger.subscribe("orders");
    REQUIRE(billing.start() == std::error_code());
    REQUIRE(ledger.start() == std::error_code());
    CHECK(cluster.run_until([&] { return billing.received().size() == 20 && ledger.received().size() == 20; }, 5s));
    CHECK(cluster.config.asked().size() == 1);
    CHECK(cluster.broker().statistics().connections_accepted == 1);

    const auto refused = [&](const options& with) {
        try {
            virtual_member other(cluster, client, "other", with);
        } catch (const std::system_error& caught) {
            return caught.code();
        }
        return std::error_code();
    };
    auto elsewhere            = cluster.with_url("other");
    elsewhere.name_server_url = "http://elsewhere:8080/rocketmq/nsaddr";
    CHECK(refused(elsewhere) == error::invalid_option);
    CHECK(refused(cluster.member_options("other")) == error::invalid_option); // a list, where the client looks it up
}

TEST_CASE("a client refuses a place to look up that is none", "[scenario]") {
    virtual_cluster cluster;
    const auto refused = [&](const options& with) {
        try {
            virtual_member::shared_client client(cluster, with);
        } catch (const std::system_error& caught) {
            return caught.code();
        }
        return std::error_code();
    };
    CHECK(refused({}) == error::invalid_name_server);
    CHECK(refused({.name_server_url = "config"}) == error::invalid_name_server);
    CHECK(refused({.name_servers = "a:1", .name_server_url = "http://config/x"}) == error::invalid_name_server);
    CHECK(refused({.name_server_url = "http://config/x", .unit_name = "a b"}) == error::invalid_option);
}

TEST_CASE("a consumer that stops while its name servers are looked up ends at once", "[scenario]") {
    configured_cluster cluster;
    virtual_member one(cluster, "one", cluster.with_url()); // the server does not answer
    one.subscribe("orders");
    std::optional<std::error_code> started;
    one.begin_start([&](std::error_code code) { started = code; });
    cluster.runtime.advance(1s);
    CHECK_FALSE(started);
    const auto before = cluster.runtime.now();
    CHECK(one.stop() == std::error_code());
    cluster.runtime.run_ready();
    CHECK(started == error::operation_cancelled);
    CHECK(cluster.runtime.now() == before);
    CHECK(cluster.config.open_connections() == 0);
}

/// Answers one HTTP request over TCP.
class one_answer {
  public:
    explicit one_answer(std::string bytes) : bytes_(std::move(bytes)), thread_([this] { serve(); }) {}
    ~one_answer() { thread_.join(); }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/rocketmq/nsaddr"; }

  private:
    void serve() {
        auto client = acceptor_.accept();
        std::string request;
        char piece[1024];
        while (request.find("\r\n\r\n") == std::string::npos)
            request.append(piece, client.read_some(asio::buffer(piece)));
        asio::write(client, asio::buffer(bytes_));
    }

    std::string bytes_;
    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::thread thread_;
};

TEST_CASE("name servers are looked up over TCP", "[scenario]") {
    test::tcp_cluster cluster(20);
    const auto list = cluster.broker.name_server_address();
    one_answer config("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(1, "0123456789abcdef"[list.size() / 16]) +
                      std::string(1, "0123456789abcdef"[list.size() % 16]) + "\r\n" + list + "\r\n0\r\n\r\n");
    auto with            = cluster.member_options();
    with.name_servers    = "";
    with.name_server_url = config.url();
    test::tally got;
    test::threaded_consumer consumer(with, [&](const message_view& message) {
        got.note(message);
        return consume_result::success;
    });
    consumer.subscribe("orders");
    consumer.start();
    CHECK(got.wait_for(20));
    CHECK(consumer.events().all("name_servers").at(0).about == list);
    consumer.stop();
}

TEST_CASE("a host of the look-up that nobody knows is a clear error at start", "[scenario]") {
    test::threaded_consumer consumer({.name_server_url = "http://no-such-host.invalid/nsaddr", .group = "billing"},
                                     [](const message_view&) { return consume_result::success; });
    consumer.subscribe("orders");
    std::error_code failure;
    consumer.start(failure);
    INFO(failure.message());
    const std::string category = failure.category().name();
    const bool of_the_resolver = category == "asio.netdb" || category == "asio.addrinfo";
    CHECK(of_the_resolver);
    CHECK(consumer.events().has("lookup_failure", failure));
    CHECK(consumer.events().has("stopped", failure));
}

} // namespace
