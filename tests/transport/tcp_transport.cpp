#include <rocketpush/transport/tcp_transport.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "tests/support/catch.hpp"
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

TEST_CASE("a wrong address to listen at is an error", "[transport]") {
    asio::io_context context;
    CHECK(tcp_transport().listen(context.get_executor(), {"192.0.2.1", 0}).error().value() == EADDRNOTAVAIL);
}

} // namespace
