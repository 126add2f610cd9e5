#include <rocketpush/transport/tcp_transport.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/fake_names.hpp"
#include "tests/support/laws/transport.hpp"

namespace {

using namespace rocketpush;
using executor = asio::io_context::executor_type;

/// A port of loopback where nobody listens: bound, so nobody else gets it, and not listened at.
class unused_port {
  public:
    unused_port() { socket_.bind(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)); }
    endpoint where() const { return {"127.0.0.1", socket_.local_endpoint().port()}; }

  private:
    asio::io_context context_;
    asio::basic_stream_socket<asio::ip::tcp, executor> socket_{context_.get_executor(), asio::ip::tcp::v4()};
};

TEST_CASE("tcp_transport keeps the laws of every transport", "[transport]") {
    const unused_port nobody;
    test::check_transport_laws(tcp_transport(), {"127.0.0.1", 0}, nobody.where());
}

TEST_CASE("tcp_transport sends small frames at once", "[transport]") {
    asio::io_context context;
    test::connected_pair<tcp_transport> ends(context, tcp_transport(), {"127.0.0.1", 0});
    for (auto* stream : {&ends.client, &ends.server()}) {
        asio::ip::tcp::no_delay no_delay;
        stream->socket().get_option(no_delay);
        CHECK(no_delay.value());
    }
}

TEST_CASE("tcp_transport looks a name up and tries its addresses until one answers", "[transport]") {
    // On most machines localhost is ::1 as well, where nobody listens here.
    asio::io_context context;
    auto acceptor = tcp_transport().listen(context.get_executor(), {"127.0.0.1", 0});
    REQUIRE(acceptor.has_value());
    tcp_stream<executor> client(context.get_executor());
    std::error_code connected = asio::error::would_block;
    tcp_transport().async_connect(client, {"localhost", acceptor->local_endpoint().port},
                                  [&](std::error_code ec) { connected = ec; });
    CHECK(connected == asio::error::would_block);
    context.run();
    CHECK_FALSE(connected);
    CHECK(client.remote_endpoint() == acceptor->local_endpoint());
}

TEST_CASE("closing a stream ends its look-up of a name", "[transport]") {
    asio::io_context context;
    tcp_stream<executor> client(context.get_executor());
    std::error_code connected = asio::error::would_block;
    tcp_transport().async_connect(client, {"localhost", 1}, [&](std::error_code ec) { connected = ec; });
    client.close();
    CHECK(connected == asio::error::would_block);
    context.run();
    CHECK(connected == asio::error::operation_aborted);
}

TEST_CASE("a name that cannot be resolved is the resolver's error", "[transport]") {
    asio::io_context context;
    tcp_stream<executor> client(context.get_executor());
    std::error_code connected;
    // A name with a blank is refused by the resolver itself, no server is asked.
    tcp_transport().async_connect(client, {"no such name", 1}, [&](std::error_code ec) { connected = ec; });
    context.run();
    CHECK(connected.category() == asio::error::get_netdb_category());
}

/// Listens at an address and never answers: its queue of connections is full, so the system drops what comes.
class silent_listener {
  public:
    silent_listener(const std::string& address, std::uint16_t port) : where_(asio::ip::make_address(address), port) {
        acceptor_.open(where_.protocol());
        acceptor_.set_option(asio::socket_base::reuse_address(true));
        acceptor_.bind(where_);
        acceptor_.listen(0);
        for (int i = 0; i < 4; ++i) {
            callers_.emplace_back(context_.get_executor());
            callers_.back().async_connect(where_, [](std::error_code) {});
        }
        context_.run_one(); // one or two are connected, the others wait
    }

  private:
    asio::ip::tcp::endpoint where_;
    asio::io_context context_;
    asio::basic_socket_acceptor<asio::ip::tcp, executor> acceptor_{context_.get_executor()};
    std::vector<asio::basic_stream_socket<asio::ip::tcp, executor>> callers_;
};

/// Addresses of loopback: .1 answers, .2 and .3 are silent, .4 and .5 refuse.
struct multihomed {
    asio::io_context context;
    tcp_acceptor<executor> answering = *tcp_transport().listen(context.get_executor(), {"127.0.0.1", 0});
    const std::uint16_t port         = answering.local_endpoint().port;
    silent_listener second{"127.0.0.2", port}, third{"127.0.0.3", port};
    tcp_stream<executor> client{context.get_executor()};
    std::error_code connected = asio::error::would_block;

    std::chrono::steady_clock::duration connect(const std::string& name) {
        const auto begun = std::chrono::steady_clock::now();
        tcp_transport().async_connect(client, {name, port}, [&](std::error_code ec) { connected = ec; });
        context.restart();
        context.run();
        return std::chrono::steady_clock::now() - begun;
    }
};

TEST_CASE_METHOD(multihomed, "a silent address of a name gets company after 250 ms", "[transport]") {
    test::fake_names::set("many-homes", {"127.0.0.2", "127.0.0.3", "127.0.0.1"});
    const auto took = connect("many-homes");
    CHECK_FALSE(connected);
    CHECK(client.remote_endpoint() == endpoint{"127.0.0.1", port});
    CHECK(took >= std::chrono::milliseconds(500)); // the silent ones were first
    CHECK(took < std::chrono::milliseconds(2500)); // and nobody waits for them any more
    asio::ip::tcp::no_delay no_delay;
    client.socket().get_option(no_delay);
    CHECK(no_delay.value());
}

TEST_CASE_METHOD(multihomed, "an address that refuses is left at once, for the next or for one that may yet answer",
                 "[transport]") {
    test::fake_names::set("many-homes", {"127.0.0.4", "127.0.0.5", "127.0.0.2", "127.0.0.1"});
    const auto took = connect("many-homes");
    CHECK_FALSE(connected);
    CHECK(client.remote_endpoint() == endpoint{"127.0.0.1", port});
    CHECK(took < std::chrono::milliseconds(2500));
}

TEST_CASE_METHOD(multihomed, "a name none of whose addresses answers is the failure of the last", "[transport]") {
    test::fake_names::set("many-homes", {"127.0.0.4", "127.0.0.5"});
    connect("many-homes");
    CHECK(connected == asio::error::connection_refused);
    test::fake_names::set("many-homes", {"127.0.0.1"}); // and the stream may be connected
    connect("many-homes");
    CHECK_FALSE(connected);
}

TEST_CASE_METHOD(multihomed, "closing a stream ends the attempts at all addresses of a name", "[transport]") {
    test::fake_names::set("many-homes", {"127.0.0.2", "127.0.0.3"});
    tcp_transport().async_connect(client, {"many-homes", port}, [&](std::error_code ec) { connected = ec; });
    context.run_for(std::chrono::milliseconds(300)); // both are being tried
    CHECK(connected == asio::error::would_block);
    const bool closed = GENERATE(true, false);
    if (closed)
        client.close();
    else
        client.cancel();
    CHECK(connected == asio::error::would_block);
    context.run(); // ends at once: nothing is left
    CHECK(connected == asio::error::operation_aborted);
}

TEST_CASE_METHOD(multihomed, "a name is looked up anew for each connect, and a changed answer is used", "[transport]") {
    test::fake_names::set("moving", {"127.0.0.4"});
    connect("moving");
    CHECK(connected == asio::error::connection_refused);
    CHECK(test::fake_names::times_asked("moving") == 1);
    test::fake_names::set("moving", {"127.0.0.1"});
    connect("moving");
    CHECK_FALSE(connected);
    client.close();
    connect("moving");
    CHECK_FALSE(connected);
    CHECK(test::fake_names::times_asked("moving") == 2);
}

TEST_CASE("a wrong address to listen at is an error", "[transport]") {
    asio::io_context context;
    CHECK(tcp_transport().listen(context.get_executor(), {"192.0.2.1", 0}).error().value() == EADDRNOTAVAIL);
}

} // namespace
