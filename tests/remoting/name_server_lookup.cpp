#include <rocketpush/remoting/name_server_lookup.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/http_peer.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using lookup_type = name_server_lookup<memory_transport, manual_runtime>;
using answer_type = std::optional<result<std::vector<endpoint>>>;

lookup_type::task<void> ask(lookup_type& lookup, answer_type& into) {
    auto got = co_await lookup.ask();
    into.emplace(std::move(got));
}

struct lookup_fixture {
    explicit lookup_fixture(memory_network_options links = {}) : network(std::make_shared<memory_network>(links)) {}
    ~lookup_fixture() {
        lookup.close();
        runtime.run_ready();
    }

    manual_runtime runtime;
    std::shared_ptr<memory_network> network;
    const endpoint at{"config", 8080};
    test::http_peer server{runtime, network, at};
    lookup_type lookup{runtime, memory_transport(network), *parse_http_url("http://config:8080/rocketmq/nsaddr"), 3s};

    answer_type look_up(std::chrono::milliseconds within = 0ms) {
        answer_type got;
        asio::co_spawn(runtime.get_executor(), ask(lookup, got), asio::detached);
        runtime.advance(within);
        return got;
    }
    std::error_code failure_of(std::string answer, bool closes = true) {
        server.answer_bytes(std::move(answer), closes);
        const auto got = look_up(3s);
        REQUIRE(got);
        return got->error();
    }
};

TEST_CASE("the first line of the answer is the list", "[name_server_lookup]") {
    const std::vector<endpoint> two{{"10.0.0.1", 9876}, {"::1", 9877}};
    for (const std::string body : {"10.0.0.1:9876;[::1]:9877", "10.0.0.1:9876; [::1]:9877\n", " 10.0.0.1:9876;[::1]:9877\r\nmore\r\n",
                                   "\r\n10.0.0.1:9876;[::1]:9877;\rx"}) {
        CAPTURE(body);
        REQUIRE(read_looked_up(body));
        CHECK(*read_looked_up(body) == two);
    }
    for (const std::string body : {"", " ", "\r\n", ";", "<html>", "10.0.0.1", "10.0.0.1:0", "a:1;b", "a:1,b:2", "a:1 b:2", "null"})
        CHECK(read_looked_up(body).error() == error::no_name_servers);
}

TEST_CASE_METHOD(lookup_fixture, "a look-up asks once on a connection of its own", "[name_server_lookup]") {
    server.answer("10.0.0.1:9876\n");
    const auto got = look_up();
    REQUIRE((got && *got));
    CHECK(**got == std::vector<endpoint>{{"10.0.0.1", 9876}});
    REQUIRE(server.asked().size() == 1);
    CHECK(server.asked()[0] == "GET /rocketmq/nsaddr HTTP/1.1\r\nHost: config:8080\r\nUser-Agent: rocketpush/" ROCKETPUSH_VERSION_STRING
                               "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    runtime.run_ready();
    CHECK(server.open_connections() == 0);

    server.answer("10.0.0.2:9876"); // again, with another outcome
    const auto again = look_up();
    REQUIRE((again && *again));
    CHECK(**again == std::vector<endpoint>{{"10.0.0.2", 9876}});
}

TEST_CASE_METHOD(lookup_fixture, "a server that keeps the connection open is not waited for", "[name_server_lookup]") {
    server.answer_bytes("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na:1", false);
    const auto got = look_up();
    REQUIRE((got && *got));
    CHECK(**got == std::vector<endpoint>{{"a", 1}});
    runtime.run_ready();
    CHECK(server.open_connections() == 0);
}

TEST_CASE("an answer may come byte by byte, and a request go out so", "[name_server_lookup]") {
    lookup_fixture slow({.pipe_capacity = 1, .largest_read = 1});
    slow.server.answer_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na:1\r\n3\r\n;b:\r\n1\r\n2\r\n0\r\n\r\n", false);
    const auto got = slow.look_up();
    REQUIRE((got && *got));
    CHECK(**got == std::vector<endpoint>{{"a", 1}, {"b", 2}});
}

TEST_CASE_METHOD(lookup_fixture, "a failed look-up says why", "[name_server_lookup]") {
    CHECK(failure_of("HTTP/1.1 503 Service Unavailable\r\n\r\n") == std::error_code(503, http_category()));
    CHECK(failure_of("HTTP/1.1 200 OK\r\n\r\n<html>busy</html>") == error::no_name_servers);
    CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == error::no_name_servers);
    CHECK(failure_of("SSH-2.0-OpenSSH_9.2\r\n") == error::http_malformed);
    CHECK(failure_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x')) == error::http_too_large);
    CHECK(failure_of("") == error::connection_closed);
    CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na:1") == error::connection_closed);
    CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na:1", false) == error::request_timed_out);
    runtime.run_ready();
    CHECK(server.open_connections() == 0);
    network->set(at, memory_network::reach::refused);
    CHECK(failure_of("") == asio::error::connection_refused);
}

TEST_CASE_METHOD(lookup_fixture, "a look-up has a deadline, wherever it hangs", "[name_server_lookup]") {
    for (const bool connected : {true, false}) {
        network->set(at, connected ? memory_network::reach::open : memory_network::reach::silent);
        answer_type got;
        asio::co_spawn(runtime.get_executor(), ask(lookup, got), asio::detached);
        runtime.advance(2999ms);
        CHECK_FALSE(got);
        runtime.advance(1ms);
        REQUIRE(got);
        CHECK(got->error() == error::request_timed_out);
    }
}

TEST_CASE_METHOD(lookup_fixture, "closing ends the look-up under way, and later ones", "[name_server_lookup]") {
    answer_type got;
    asio::co_spawn(runtime.get_executor(), ask(lookup, got), asio::detached);
    runtime.advance(1s);
    CHECK_FALSE(got);
    lookup.close();
    runtime.run_ready();
    REQUIRE(got);
    CHECK(got->error() == error::operation_cancelled);
    server.answer("a:1");
    CHECK(look_up()->error() == error::operation_cancelled);
    CHECK(server.asked().size() == 1);
}

} // namespace
