#include <rocketpush/embedded/broker.hpp>

#include "tests/support/catch.hpp"

#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace rocketpush;

namespace {

/// A client that does one thing after the other, on its own socket.
struct blocking_client {
    explicit blocking_client(const embedded::broker& broker) {
        socket.connect({asio::ip::make_address(broker.address().host), broker.address().port});
    }

    void write(std::string_view bytes) { asio::write(socket, asio::buffer(bytes.data(), bytes.size())); }

    template <class Request>
    void tell(const Request& request, std::string_view with = {}) {
        std::string bytes;
        protocol::append_request(bytes, protocol::header_encoding::json, request, {.opaque = 1}, with);
        write(bytes);
    }

    /// The next response's code; notices are passed over.
    response_code answer() {
        for (;;) {
            char start[protocol::frame_prefix_size];
            asio::read(socket, asio::buffer(start));
            const auto prefix = protocol::parse_frame_prefix(start).value();
            std::string rest(prefix.header_size + prefix.body_size, '\0');
            asio::read(socket, asio::buffer(rest));
            const auto header =
                protocol::parse_header(prefix.encoding, std::string_view(rest).substr(0, prefix.header_size)).value();
            body = rest.substr(prefix.header_size);
            if (header.is_response())
                return static_cast<response_code>(header.code);
        }
    }

    template <class Request>
    response_code ask(const Request& request, std::string_view with = {}) {
        tell(request, with);
        return answer();
    }

    /// What ends the connection; blocks until it does.
    std::error_code end() {
        std::error_code failure;
        char byte;
        while (!failure)
            socket.read_some(asio::buffer(&byte, 1), failure);
        return failure;
    }

    asio::io_context context;
    asio::ip::tcp::socket socket{context};
    std::string body;
};

const protocol::route_request any_route{.topic = "TBW102"};

} // namespace

TEST_CASE("a broker listens on a port of its own and answers clients", "[embedded]") {
    embedded::broker broker;
    CHECK(broker.address().port != 0);
    CHECK(broker.name_server_address() == "127.0.0.1:" + std::to_string(broker.address().port));
    broker.create_topic("orders", 4);

    blocking_client client(broker);
    REQUIRE(client.ask(protocol::route_request{.topic = "orders"}) == response_code::success);
    const auto route = protocol::decode_route(client.body).value();
    CHECK(route.broker_datas.at(0).broker_addrs.at(0) == broker.name_server_address());
    CHECK(client.ask(protocol::send_request{.producer_group = "p", .topic = "orders"}, "hello") == response_code::success);
    CHECK(broker.stored("orders") == 1);
    CHECK(broker.messages("orders").at(0)->body() == "hello");
    CHECK(broker.statistics().requests_of(protocol::request_code::send_message_v2) == 1);
}

TEST_CASE("a port in use is a clear error", "[embedded]") {
    embedded::broker broker;
    embedded::broker_options options;
    options.listen = broker.address();
    try {
        embedded::broker second(options);
        FAIL("two brokers on one port");
    } catch (const std::system_error& problem) {
        CHECK(problem.code() == asio::error::address_in_use);
        CHECK(std::string(problem.what()).find("cannot listen on " + broker.name_server_address()) != std::string::npos);
    }
}

TEST_CASE("a broker that was stopped leaves its port to the next", "[embedded]") {
    embedded::broker_options options;
    {
        embedded::broker broker;
        options.listen = broker.address();
        blocking_client client(broker);
        CHECK(client.ask(any_route) == response_code::success);
    }
    embedded::broker again(options);
    blocking_client client(again);
    CHECK(client.ask(any_route) == response_code::success);
}

TEST_CASE("options out of their range are refused with a text", "[embedded]") {
    embedded::broker_options options;
    options.delay_levels.clear();
    try {
        embedded::broker broker(options);
        FAIL("a broker without delay levels");
    } catch (const std::system_error& problem) {
        CHECK(problem.code() == error::invalid_option);
        CHECK(std::string(problem.what()).find("delay_levels") != std::string::npos);
    }
}

TEST_CASE("a message sent in one thread ends a pull that was held for another", "[embedded]") {
    embedded::broker broker;
    broker.create_topic("orders", 1);
    blocking_client client(broker);
    protocol::heartbeat_data beat{.client_id = "me"};
    beat.consumers.push_back({.group_name = "billing", .subscriptions = {make_subscription("orders", all_messages, 1).value()}});
    CHECK(client.ask(protocol::heartbeat_request{}, protocol::encode(beat)) == response_code::success);
    CHECK(broker.members("billing") == std::vector<std::string>{"me"});

    client.tell(protocol::pull_request{.consumer_group = "billing", .topic = "orders"});
    broker.send("orders", "there");
    CHECK(client.answer() == response_code::success);
    CHECK(client.body.find("there") != std::string::npos);
}

TEST_CASE("a client that sends nonsense is cut off and the others are not", "[embedded]") {
    embedded::broker broker;
    blocking_client good(broker);
    CHECK(good.ask(any_route) == response_code::success);
    const auto cut_off = [&](std::string_view bytes) {
        blocking_client bad(broker);
        bad.write(bytes);
        return bool(bad.end());
    };
    using namespace std::string_view_literals;
    CHECK(cut_off("\0\0\0\0\0\0\0\0"sv));             // shorter than its own prefix
    CHECK(cut_off("\xFF\xFF\xFF\xFF\0\0\0\0"sv));     // -1
    CHECK(cut_off("\x7F\xFF\xFF\xFF\0\0\0\0"sv));     // 2^31 - 1
    CHECK(cut_off("\0\0\0\x08\0\0\0\x40test"sv));     // a header longer than the frame
    CHECK(cut_off("\0\0\0\x08\x02\0\0\x04test"sv));   // an unknown encoding
    CHECK(cut_off("\0\0\0\x08\0\0\0\x04test"sv));     // not JSON
    CHECK(cut_off("GET / HTTP/1.1\r\nHost: x\r\n\r\n"sv));
    CHECK(good.ask(any_route) == response_code::success);
}

TEST_CASE("dropped connections end, and new ones are welcome", "[embedded]") {
    embedded::broker broker;
    blocking_client client(broker);
    CHECK(client.ask(any_route) == response_code::success);
    broker.drop_connections();
    CHECK(client.end());
    blocking_client again(broker);
    CHECK(again.ask(any_route) == response_code::success);
}

TEST_CASE("a paused broker accepts and does not answer until it goes on", "[embedded]") {
    embedded::broker broker;
    broker.pause();
    blocking_client client(broker);
    client.tell(any_route);
    CHECK(broker.statistics().requests_of(protocol::request_code::get_route_info) == 0);
    broker.resume();
    CHECK(client.answer() == response_code::success);
}

TEST_CASE("a broker ends while clients are connected, wait and have unread answers", "[embedded]") {
    std::vector<std::unique_ptr<blocking_client>> clients;
    {
        embedded::broker broker;
        broker.create_topic("orders", 1);
        for (int i = 0; i < 8; ++i) {
            clients.push_back(std::make_unique<blocking_client>(broker));
            clients.back()->tell(any_route);
        }
        CHECK(clients.back()->answer() == response_code::success);
        broker.pause();
        clients.front()->tell(any_route);
    }
    for (const auto& client : clients)
        CHECK(client->end());
}

TEST_CASE("calls come from several threads", "[embedded]") {
    embedded::broker broker;
    broker.create_topic("orders", 2);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&broker] {
            for (int n = 0; n < 100; ++n)
                broker.send("orders", "x");
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(broker.stored("orders") == 400);
    CHECK(broker.max_offset("orders", 0) == 200);
}

TEST_CASE("a failed call throws with its code and a text", "[embedded]") {
    embedded::broker_options options;
    options.auto_create_topics = false;
    embedded::broker broker(options);
    try {
        broker.send("orders", "x");
        FAIL("sent to a topic that is not there");
    } catch (const std::system_error& problem) {
        CHECK(problem.code() == response_code::topic_not_exist);
        CHECK(std::string(problem.what()).find("send orders") != std::string::npos);
    }
    CHECK_THROWS_AS(broker.create_topic("or ders"), std::system_error);
    const embedded::reading_mode pop{protocol::request_mode::pop};
    CHECK_THROWS_AS(broker.set_request_mode("orders", "billing", pop), std::system_error);
    broker.create_topic("orders");
    broker.set_request_mode("orders", "billing", pop);
}
