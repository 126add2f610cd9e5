#include <rocketpush/transport/memory_transport.hpp>
#include <rocketpush/transport/tls_transport.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/laws/transport.hpp"

namespace {

using namespace rocketpush;
using test::certificate_authority;
using test::certificate_wish;
using executor = asio::io_context::executor_type;
using stream   = tls_transport::stream<executor>;

/// A port of loopback where nobody listens: bound, so nobody else gets it, and not listened at.
class unused_port {
  public:
    unused_port() { socket_.bind(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)); }
    endpoint where() const { return {"127.0.0.1", socket_.local_endpoint().port()}; }

  private:
    asio::io_context context_;
    asio::basic_stream_socket<asio::ip::tcp, executor> socket_{context_.get_executor(), asio::ip::tcp::v4()};
};

tls_options server_of(const certificate_authority& ca, const certificate_wish& wish = {}) {
    const auto own = ca.issue(wish);
    return {.ca_pem = ca.pem(), .certificate_pem = own.certificate, .private_key_pem = own.key};
}

/// Both ends with one context, as the laws of transports want it.
template <class Below>
basic_tls_transport<Below> both_ends(Below below, const std::string& server_name = {}) {
    const certificate_authority ca;
    auto options        = server_of(ca);
    options.server_name = server_name;
    return {tls_context(options), std::move(below)};
}

/// How one connect ended, and what the client's first read after it said.
struct meeting {
    std::error_code connected = asio::error::would_block;
    std::error_code first_read;
    std::string read;
    std::string version;
};

/// A client and a server in one context; the server greets with "hello".
meeting meet(const tls_options& client, const tls_options& server, const std::string& host = "127.0.0.1") {
    asio::io_context context;
    meeting seen;
    auto acceptor = tls_transport(tls_context(server)).listen(context.get_executor(), {"127.0.0.1", 0});
    REQUIRE(acceptor.has_value());
    std::optional<stream> accepted;
    acceptor->async_accept([&](std::error_code, stream from) {
        accepted.emplace(std::move(from));
        accepted->async_write_some(asio::buffer("hello", 5), [](std::error_code, std::size_t) {});
    });
    stream one(context.get_executor());
    char bytes[16];
    const auto port = acceptor->local_endpoint().port;
    tls_transport(tls_context(client)).async_connect(one, {host, port}, [&](std::error_code failure) {
        seen.connected = failure;
        if (failure)
            return;
        seen.version = ::SSL_get_version(one.native_handle());
        one.async_read_some(asio::buffer(bytes), [&](std::error_code ec, std::size_t n) {
            seen.first_read = ec;
            seen.read.assign(bytes, n);
        });
    });
    context.run();
    return seen;
}

std::error_code connect_failure(const tls_options& client, const tls_options& server,
                                const std::string& host = "127.0.0.1") {
    return meet(client, server, host).connected;
}

TEST_CASE("tls_transport keeps the laws of every transport", "[transport][tls]") {
    const unused_port nobody;
    test::check_transport_laws(both_ends(tcp_transport()), {"127.0.0.1", 0}, nobody.where());
}

TEST_CASE("TLS in memory keeps the laws of every transport", "[transport][tls]") {
    const memory_transport memory(std::make_shared<memory_network>());
    test::check_transport_laws(both_ends(memory, "localhost"), {"broker-a", 0}, {"nobody", 1});
}

TEST_CASE("TLS in memory keeps the laws byte by byte", "[transport][tls]") {
    const memory_transport memory(
        std::make_shared<memory_network>(memory_network_options{.pipe_capacity = 1000, .largest_read = 1}));
    test::check_transport_laws(both_ends(memory, "localhost"), {"broker-a", 0}, {"nobody", 1});
}

TEST_CASE("a server is believed whose certificate comes from a trusted CA and names its host", "[tls]") {
    const certificate_authority ca;
    const auto server = server_of(ca);
    const auto by_ip  = meet({.ca_pem = ca.pem()}, server);
    CHECK_FALSE(by_ip.connected);
    CHECK(by_ip.read == "hello");
    CHECK(by_ip.version == "TLSv1.3");
    CHECK_FALSE(connect_failure({.ca_pem = ca.pem()}, server, "localhost"));
    CHECK_FALSE(connect_failure({.ca_pem = certificate_authority("another").pem() + ca.pem()}, server));
}

TEST_CASE("a certificate of a CA that is not trusted is refused", "[tls]") {
    const certificate_authority ca, other("another CA");
    CHECK(connect_failure({.ca_pem = other.pem()}, server_of(ca)) == error::tls_untrusted);
    CHECK(connect_failure({}, server_of(ca)) == error::tls_untrusted); // by the system's either
    const certificate_authority impostor;                              // of the same name
    CHECK(connect_failure({.ca_pem = impostor.pem()}, server_of(ca)) == error::tls_untrusted);
}

TEST_CASE("a certificate of another host is refused", "[tls]") {
    const certificate_authority ca;
    const tls_options client{.ca_pem = ca.pem()};
    CHECK(connect_failure(client, server_of(ca, {.names = "DNS:broker-a.example"}), "localhost") ==
          error::tls_wrong_host);
    CHECK(connect_failure(client, server_of(ca, {.names = "DNS:localhost,IP:127.0.0.2"})) == error::tls_wrong_host);
    CHECK(connect_failure(client, server_of(ca, {.names = "DNS:127.0.0.1"})) ==
          error::tls_wrong_host); // no name is an address
    CHECK(connect_failure(client, server_of(ca, {.names = "", .common = "localhost"}), "localhost") ==
          error::tls_wrong_host);
}

TEST_CASE("a server may be expected under another name than its address, and is asked for by it", "[tls]") {
    const certificate_authority ca;
    const auto server = server_of(ca, {.names = "DNS:*.brokers.example"});
    CHECK(connect_failure({.ca_pem = ca.pem()}, server) == error::tls_wrong_host);
    CHECK_FALSE(connect_failure({.ca_pem = ca.pem(), .server_name = "a.brokers.example"}, server));
    CHECK(connect_failure({.ca_pem = ca.pem(), .server_name = "a.b.brokers.example"}, server) == error::tls_wrong_host);
    CHECK_FALSE(connect_failure({.ca_pem = ca.pem(), .server_name = "::1"}, server_of(ca)));

    detail::tls_encounter encounter;
    const tls_context context({.ca_pem = ca.pem(), .server_name = "a.brokers.example"});
    const auto by_name = detail::make_tls_client(*context.current(), "127.0.0.1", encounter);
    CHECK(SSL_get_servername(by_name.get(), TLSEXT_NAMETYPE_host_name) == std::string("a.brokers.example"));
    const auto by_address = detail::make_tls_client(*tls_context().current(), "fe80::1%lo", encounter);
    CHECK(SSL_get_servername(by_address.get(), TLSEXT_NAMETYPE_host_name) == nullptr); // none for addresses
}

TEST_CASE("a certificate that has expired or is not valid yet is refused", "[tls]") {
    const certificate_authority ca;
    const tls_options client{.ca_pem = ca.pem()};
    CHECK(connect_failure(client, server_of(ca, {.ends = "20010101000000Z"})) == error::tls_expired);
    CHECK(connect_failure(client, server_of(ca, {.begins = "20990101000000Z"})) == error::tls_not_yet_valid);
}

TEST_CASE("a certificate that is none for servers is refused", "[tls]") {
    const certificate_authority ca;
    CHECK(connect_failure({.ca_pem = ca.pem()}, server_of(ca, {.usage = "clientAuth"})) ==
          error::tls_certificate_unfit);
}

TEST_CASE("each check is turned off by its own name, and the other one stays", "[tls]") {
    const certificate_authority ca, other("another CA");
    const auto expired_elsewhere = server_of(ca, {.names = "DNS:elsewhere.example", .ends = "20010101000000Z"});
    const auto expired_here      = server_of(ca, {.ends = "20010101000000Z"});
    const auto elsewhere         = server_of(ca, {.names = "DNS:elsewhere.example"});

    CHECK(connect_failure({.ca_pem = other.pem(), .verify_chain = false}, expired_elsewhere) == error::tls_wrong_host);
    CHECK_FALSE(connect_failure({.ca_pem = other.pem(), .verify_chain = false}, expired_here));

    CHECK_FALSE(connect_failure({.ca_pem = ca.pem(), .verify_host = false}, elsewhere));
    CHECK(connect_failure({.ca_pem = other.pem(), .verify_host = false}, elsewhere) == error::tls_untrusted);
    CHECK(connect_failure({.ca_pem = ca.pem(), .verify_host = false}, expired_elsewhere) == error::tls_expired);

    CHECK_FALSE(connect_failure({.verify_chain = false, .verify_host = false}, expired_elsewhere));
}

TEST_CASE("a server that wants to know its clients gets our certificate", "[tls]") {
    const certificate_authority ca, other("another CA");
    auto server                       = server_of(ca);
    server.require_client_certificate = true;
    const auto own = ca.issue({.names = "", .usage = "clientAuth"}), foreign = other.issue();

    const auto known =
        meet({.ca_pem = ca.pem(), .certificate_pem = own.certificate, .private_key_pem = own.key}, server);
    CHECK_FALSE(known.connected);
    CHECK(known.read == "hello");

    // With TLS 1.3 a client has connected before the server has looked.
    const auto unknown = meet({.ca_pem = ca.pem()}, server);
    CHECK_FALSE(unknown.connected);
    CHECK(unknown.first_read == error::tls_client_certificate_missing);
    const auto refused =
        meet({.ca_pem = ca.pem(), .certificate_pem = foreign.certificate, .private_key_pem = foreign.key}, server);
    CHECK(refused.first_read == error::tls_client_certificate_refused);
}

TEST_CASE("TLS 1.2 is spoken, and refused where 1.3 is the oldest", "[tls]") {
    const certificate_authority ca;
    asio::io_context context;
    const auto connect = [&](tls_version oldest) {
        const auto server = tls_context(server_of(ca));
        SSL_CTX_set_max_proto_version(server.current()->context.get(), TLS1_2_VERSION);
        auto acceptor = tls_transport(server).listen(context.get_executor(), {"127.0.0.1", 0});
        REQUIRE(acceptor.has_value());
        std::optional<stream> accepted;
        acceptor->async_accept([&](std::error_code, stream from) { accepted.emplace(std::move(from)); });
        stream one(context.get_executor());
        std::error_code connected = asio::error::would_block;
        tls_transport(tls_context({.ca_pem = ca.pem(), .oldest_version = oldest}))
            .async_connect(one, acceptor->local_endpoint(), [&](std::error_code ec) { connected = ec; });
        context.restart();
        context.run();
        return connected;
    };
    CHECK_FALSE(connect(tls_version::tls_1_2));
    const auto refused = connect(tls_version::tls_1_3);
    CHECK(refused.category() == asio::error::get_ssl_category()); // OpenSSL's own words: "alert protocol version"
}

TEST_CASE("with TLS 1.2 a client hears in its handshake that its certificate is missing", "[tls]") {
    const certificate_authority ca;
    auto options                       = server_of(ca);
    options.require_client_certificate = true;
    const tls_context server(options);
    SSL_CTX_set_max_proto_version(server.current()->context.get(), TLS1_2_VERSION);
    asio::io_context context;
    auto acceptor = tls_transport(server).listen(context.get_executor(), {"127.0.0.1", 0});
    REQUIRE(acceptor.has_value());
    std::optional<stream> accepted;
    acceptor->async_accept([&](std::error_code, stream from) { accepted.emplace(std::move(from)); });
    stream one(context.get_executor());
    std::error_code connected;
    tls_transport(tls_context({.ca_pem = ca.pem()}))
        .async_connect(one, acceptor->local_endpoint(), [&](std::error_code ec) { connected = ec; });
    context.run();
    CHECK(connected == error::tls_client_certificate_missing);
}

/// A server of plain TCP that does one thing with a connection.
std::error_code connect_to_plain(const std::function<void(tcp_stream<executor>&)>& deed) {
    asio::io_context context;
    auto acceptor = tcp_transport().listen(context.get_executor(), {"127.0.0.1", 0});
    REQUIRE(acceptor.has_value());
    std::optional<tcp_stream<executor>> accepted;
    char greeting[1024];
    acceptor->async_accept([&](std::error_code, tcp_stream<executor> from) {
        accepted.emplace(std::move(from));
        accepted->async_read_some(asio::buffer(greeting), [&](std::error_code, std::size_t) { deed(*accepted); });
    });
    stream one(context.get_executor());
    std::error_code connected;
    tls_transport(tls_context({.verify_chain = false, .verify_host = false}))
        .async_connect(one, acceptor->local_endpoint(), [&](std::error_code ec) { connected = ec; });
    context.run();
    return connected;
}

TEST_CASE("a server that speaks no TLS is told from one that is away", "[tls]") {
    CHECK(connect_to_plain([](auto& client) { client.close(); }) == error::tls_not_spoken);
    CHECK(connect_to_plain([](auto& client) {
              client.async_write_some(asio::buffer("HTTP/1.1 400 Bad Request\r\n", 26),
                                      [](std::error_code, std::size_t) {});
          }) == error::tls_not_spoken);
    const unused_port nobody;
    asio::io_context context;
    stream one(context.get_executor());
    std::error_code connected;
    tls_transport().async_connect(one, nobody.where(), [&](std::error_code ec) { connected = ec; });
    context.run();
    CHECK(connected == asio::error::connection_refused);
}

TEST_CASE("a connect to a server that never answers ends with its stream", "[tls]") {
    asio::io_context context;
    auto silent = tcp_transport().listen(context.get_executor(), {"127.0.0.1", 0});
    REQUIRE(silent.has_value());
    stream one(context.get_executor());
    std::error_code connected = asio::error::would_block;
    tls_transport().async_connect(one, silent->local_endpoint(), [&](std::error_code ec) { connected = ec; });
    while (!one.native_handle()) // until the handshake has begun: what an owner does at his deadline
        context.run_one();
    one.close();
    CHECK(connected == asio::error::would_block);
    context.run();
    CHECK(connected == asio::error::operation_aborted);
}

TEST_CASE("a plain client is no harm to a server, and others are served meanwhile", "[tls]") {
    const certificate_authority ca;
    asio::io_context context;
    const tls_transport transport{tls_context(server_of(ca))};
    auto acceptor = transport.listen(context.get_executor(), {"127.0.0.1", 0});
    REQUIRE(acceptor.has_value());
    std::optional<stream> for_silent, for_plain, for_client;
    const auto accept = [&](std::optional<stream>& into) {
        acceptor->async_accept([&](std::error_code, stream from) { into.emplace(std::move(from)); });
    };
    const auto connect_plain = [&](tcp_stream<executor>& plain) {
        tcp_transport().async_connect(plain, acceptor->local_endpoint(), [](std::error_code) {});
    };
    tcp_stream<executor> silent(context.get_executor()), plain(context.get_executor());
    accept(for_silent);
    connect_plain(silent);
    while (!for_silent)
        context.run_one();
    accept(for_plain);
    connect_plain(plain);
    while (!for_plain)
        context.run_one();
    std::error_code heard;
    char byte = 0;
    for_plain->async_read_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { heard = ec; });
    plain.async_write_some(asio::buffer("\0\0\0\x10plain bytes", 15), [](std::error_code, std::size_t) {});
    while (!heard)
        context.run_one();

    accept(for_client);
    stream client(context.get_executor());
    std::error_code connected = asio::error::would_block;
    transport.async_connect(client, acceptor->local_endpoint(), [&](std::error_code ec) { connected = ec; });
    while (connected == asio::error::would_block)
        context.run_one();
    CHECK_FALSE(connected);
}

TEST_CASE("a server without a certificate does not listen", "[tls]") {
    asio::io_context context;
    auto acceptor = tls_transport().listen(context.get_executor(), {"127.0.0.1", 0});
    CHECK(acceptor.error() == error::tls_certificate_missing);
}

TEST_CASE("new connections take reloaded certificates, open ones live on", "[tls]") {
    const certificate_authority ca, later("later CA");
    asio::io_context context;
    tls_context server(server_of(ca));
    const tls_context client({.ca_pem = ca.pem()});
    auto acceptor = tls_transport(server).listen(context.get_executor(), {"127.0.0.1", 0});
    REQUIRE(acceptor.has_value());
    std::optional<stream> accepted[2];
    stream one(context.get_executor()), two(context.get_executor());
    const auto connect = [&](stream& which, std::optional<stream>& into, const tls_context& as) {
        std::error_code connected;
        acceptor->async_accept([&](std::error_code, stream from) { into.emplace(std::move(from)); });
        tls_transport(as).async_connect(which, acceptor->local_endpoint(), [&](std::error_code ec) { connected = ec; });
        context.restart();
        context.run();
        return connected;
    };
    CHECK_FALSE(connect(one, accepted[0], client));
    server.reload(server_of(later));
    CHECK(connect(two, accepted[1], client) == error::tls_untrusted);
    tls_context anew = client; // another handle on the same
    anew.reload({.ca_pem = later.pem()});
    CHECK_FALSE(connect(two, accepted[1], client));

    std::string got(5, '\0');
    accepted[0]->async_write_some(asio::buffer("still", 5), [](std::error_code, std::size_t) {});
    one.async_read_some(asio::buffer(got), [](std::error_code, std::size_t) {});
    context.restart();
    context.run();
    CHECK(got == "still");
}

TEST_CASE("a stream that was never connected cannot be read or written", "[tls]") {
    asio::io_context context;
    stream one(context.get_executor());
    std::error_code read, written;
    char byte = 0;
    one.async_read_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { read = ec; });
    one.async_write_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { written = ec; });
    CHECK_FALSE(read);
    context.run();
    CHECK(read);
    CHECK(written);
}

} // namespace
