#include <rocketpush/detail/features.hpp>
#include <rocketpush/transport/memory_transport.hpp>
#include <rocketpush/transport/socks5_transport.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/support/catch.hpp"
#if ROCKETPUSH_WITH_OPENSSL
#include <rocketpush/transport/tls_transport.hpp>

#include "tests/support/certificates.hpp"
#endif

namespace {

using namespace rocketpush;
using namespace std::string_view_literals;
using executor = asio::io_context::executor_type;
using through  = basic_socks5_transport<memory_transport>;
using stream   = memory_stream<executor>;

const endpoint proxy_address{"proxy", 1080};
constexpr auto granted = "\5\0\0\1\x7f\0\0\1\x2a\x9f"sv;

/// A proxy that follows a script: what it has to hear, then what it says. At the script's end it goes on as a server.
class scripted_proxy {
  public:
    scripted_proxy(asio::io_context& context, memory_transport& network)
        : opened_(network.listen(context.get_executor(), proxy_address)) {
        REQUIRE(opened_.has_value());
        opened_->async_accept([this](std::error_code failure, stream from) {
            if (failure)
                return;
            client.emplace(std::move(from));
            follow();
        });
    }

    scripted_proxy& hear(std::string_view bytes) {
        script_.push_back({true, std::string(bytes)});
        return *this;
    }
    scripted_proxy& say(std::string_view bytes) {
        script_.push_back({false, std::string(bytes)});
        return *this;
    }
    scripted_proxy& hang_up() {
        hangs_up_ = true;
        return *this;
    }

    bool is_through() const noexcept { return script_.empty(); }

    std::optional<stream> client;

  private:
    struct line {
        bool heard;
        std::string bytes;
    };

    void follow() {
        if (script_.empty()) {
            if (hangs_up_)
                client->close();
            return;
        }
        auto& next      = script_.front();
        const auto done = [this](std::error_code failure, std::size_t) {
            REQUIRE_FALSE(failure);
            if (script_.front().heard)
                CHECK(heard_ == script_.front().bytes);
            script_.pop_front();
            follow();
        };
        if (!next.heard)
            return asio::async_write(*client, asio::buffer(next.bytes), done);
        heard_.assign(next.bytes.size(), '\0');
        asio::async_read(*client, asio::buffer(heard_), done);
    }

    result<memory_acceptor<executor>> opened_;
    std::deque<line> script_;
    std::string heard_;
    bool hangs_up_ = false;
};

struct story {
    asio::io_context context;
    memory_transport network{std::make_shared<memory_network>(memory_network_options{.largest_read = 3})};
    scripted_proxy proxy{context, network};
    stream client{context.get_executor()};
    std::error_code connected;

    /// Until nothing is left that could happen.
    void poll() {
        context.restart();
        context.poll();
    }

    std::error_code connect(const endpoint& to, const socks5_options& options = {.proxy = proxy_address}) {
        connected = asio::error::would_block;
        through(options, network).async_connect(client, to, [&](std::error_code ec) { connected = ec; });
        CHECK(connected == asio::error::would_block);
        poll();
        return connected;
    }
};

TEST_CASE("a server is reached through a SOCKS5 proxy, which resolves its name", "[socks5]") {
    story told;
    told.proxy.hear("\5\1\0"sv).say("\5\0"sv).hear("\5\1\0\3\10broker-a\x2a\x9f"sv).say(granted).say("frame");
    CHECK_FALSE(told.connect({"broker-a", 10911}));
    std::string got(5, '\0');
    asio::async_read(told.client, asio::buffer(got), [](std::error_code, std::size_t) {});
    told.poll();
    CHECK(got == "frame"); // and not one byte of it was taken for the proxy's
    CHECK(told.proxy.is_through());
}

TEST_CASE("a proxy that asks gets user and password", "[socks5]") {
    story told;
    told.proxy.hear("\5\2\0\2"sv)
        .say("\5\2"sv)
        .hear("\1\3ann\6secret"sv)
        .say("\1\0"sv)
        .hear("\5\1\0\1\12\0\0\1\x26\x94"sv)
        .say(granted);
    CHECK_FALSE(told.connect({"10.0.0.1", 9876}, {.proxy = proxy_address, .user = "ann", .password = "secret"}));
    CHECK(told.proxy.is_through());
}

TEST_CASE("why a proxy does not connect is told apart", "[socks5]") {
    story told;
    const endpoint to{"a", 1};
    SECTION("it refuses the login") {
        told.proxy.hear("\5\2\0\2"sv).say("\5\2"sv).hear("\1\3ann\5wrong"sv).say("\1\1"sv);
        CHECK(told.connect(to, {.proxy = proxy_address, .user = "ann", .password = "wrong"}) ==
              error::socks5_login_refused);
    }
    SECTION("it refuses the address") {
        told.proxy.hear("\5\1\0"sv).say("\5\0"sv).hear("\5\1\0\3\1a\0\1"sv).say("\5\2\0\1"sv);
        CHECK(told.connect(to) == error::socks5_refused);
    }
    SECTION("the server refuses") {
        told.proxy.hear("\5\1\0"sv).say("\5\0"sv).hear("\5\1\0\3\1a\0\1"sv).say("\5\5\0\1"sv);
        CHECK(told.connect(to) == asio::error::connection_refused);
    }
    SECTION("it is an HTTP proxy") {
        told.proxy.hear("\5\1\0"sv).say("HTTP/1.1 400");
        CHECK(told.connect(to) == error::socks5_not_spoken);
    }
    SECTION("it hangs up at once") {
        told.proxy.hear("\5\1\0"sv).hang_up();
        CHECK(told.connect(to) == error::socks5_not_spoken);
    }
    SECTION("it hangs up when it hears the address") {
        told.proxy.hear("\5\1\0"sv).say("\5\0"sv).hear("\5\1\0\3\1a\0\1"sv).hang_up();
        CHECK(told.connect(to) == error::socks5_refused);
    }
    CHECK(told.proxy.is_through());
    CHECK(told.client.remote_endpoint() == endpoint{}); // it may be connected again
}

TEST_CASE("a proxy that is away is the network's error", "[socks5]") {
    asio::io_context context;
    stream client(context.get_executor());
    std::error_code connected;
    through({.proxy = proxy_address}, memory_transport(std::make_shared<memory_network>()))
        .async_connect(client, {"a", 1}, [&](std::error_code ec) { connected = ec; });
    context.run();
    CHECK(connected == asio::error::connection_refused);
}

TEST_CASE("closing the stream ends the dialogue with a proxy that says nothing", "[socks5]") {
    story told;
    told.proxy.hear("\5\1\0"sv);
    CHECK(told.connect({"a", 1}) == asio::error::would_block);
    told.client.close();
    told.poll();
    CHECK(told.connected == asio::error::operation_aborted);
}

TEST_CASE("settings of a proxy that cannot be are refused", "[socks5]") {
    const auto refused = [](const socks5_options& options) {
        try {
            socks5_transport made(options);
            return std::error_code();
        } catch (const std::system_error& problem) {
            return problem.code();
        }
    };
    CHECK(refused({}) == error::invalid_option);
    CHECK(refused({.proxy = {"proxy", 0}}) == error::invalid_option);
    CHECK(refused({.proxy = proxy_address, .user = std::string(256, 'u')}) == error::invalid_option);
    CHECK(refused({.proxy = proxy_address, .user = "u", .password = std::string(256, 'p')}) == error::invalid_option);
    CHECK_FALSE(refused({.proxy = proxy_address, .user = std::string(255, 'u')}));
}

#if ROCKETPUSH_WITH_OPENSSL
TEST_CASE("TLS is spoken with the server through the proxy", "[socks5][tls]") {
    const test::certificate_authority ca;
    const auto own = ca.issue({.names = "DNS:broker-a"});
    story told;
    told.proxy.hear("\5\1\0"sv).say("\5\0"sv).hear("\5\1\0\3\10broker-a\x2a\x9f"sv).say(granted);
    const basic_tls_transport secured{tls_context({.ca_pem = ca.pem()}),
                                      through({.proxy = proxy_address}, told.network)};
    static_assert(transport<std::remove_const_t<decltype(secured)>>);
    static_assert(!listening_transport<std::remove_const_t<decltype(secured)>>);
    tls_stream<stream> client(told.context.get_executor());
    std::error_code connected = asio::error::would_block;
    secured.async_connect(client, {"broker-a", 10911}, [&](std::error_code ec) { connected = ec; });
    told.poll();
    REQUIRE(told.proxy.is_through());
    CHECK(connected == asio::error::would_block);

    // What the proxy forwards to is a server with a certificate.
    const tls_context server({.certificate_pem = own.certificate, .private_key_pem = own.key});
    detail::tls_session<stream> session(std::move(*told.proxy.client));
    REQUIRE(session.begin(detail::make_tls_server(*server.current())));
    session.engine->async_handshake(asio::ssl::stream_base::server, [](std::error_code) {});
    told.poll();
    CHECK_FALSE(connected);
}
#endif

} // namespace
