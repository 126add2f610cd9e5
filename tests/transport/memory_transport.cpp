#include <rocketpush/transport/memory_transport.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/laws/transport.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using executor = asio::io_context::executor_type;
using test::connected_pair;

memory_transport on_new_network(memory_network_options options = {}) {
    return memory_transport(std::make_shared<memory_network>(options));
}

TEST_CASE("memory_transport keeps the laws of every transport", "[transport]") {
    test::check_transport_laws(on_new_network(), {"broker-a", 0}, {"nobody", 1});
}

TEST_CASE("memory_transport keeps the laws with the smallest pipe, byte by byte", "[transport]") {
    test::check_transport_laws(on_new_network({.pipe_capacity = 1000, .largest_read = 1}), {"broker-a", 0},
                               {"nobody", 1});
}

TEST_CASE("memory_transport works in virtual time", "[transport]") {
    test::manual_runtime runtime;
    auto transport = on_new_network();
    auto acceptor  = transport.listen(runtime.get_executor(), {"broker-a", 10911});
    REQUIRE(acceptor.has_value());
    std::string got;
    asio::co_spawn(
        runtime.get_executor(),
        [](test::manual_runtime time, memory_acceptor<executor>& from) -> detail::awaitable<void, executor> {
            auto [failure, stream] = co_await from.async_accept(detail::await_tuple<executor>);
            test::manual_runtime::timer pause(time);
            pause.expires_at(time.now() + std::chrono::seconds(20));
            co_await pause.async_wait(detail::await_tuple<executor>);
            co_await stream.async_write_some(asio::buffer("late", 4), detail::await_tuple<executor>);
        }(runtime, *acceptor),
        asio::detached);
    asio::co_spawn(
        runtime.get_executor(),
        [](memory_transport to, executor where, std::string& into) -> detail::awaitable<void, executor> {
            memory_stream<executor> stream(where);
            const endpoint broker{"broker-a", 10911};
            co_await to.async_connect(stream, broker, detail::await_tuple<executor>);
            char bytes[16];
            auto [failure, count] = co_await stream.async_read_some(asio::buffer(bytes), detail::await_tuple<executor>);
            into.assign(bytes, failure ? 0 : count);
        }(transport, runtime.get_executor(), got),
        asio::detached);
    runtime.advance(std::chrono::milliseconds(19'999));
    CHECK(got.empty());
    runtime.advance(std::chrono::milliseconds(1));
    CHECK(got == "late");
}

TEST_CASE("a silent endpoint lets a connect wait until it is closed", "[transport]") {
    asio::io_context context;
    auto network = std::make_shared<memory_network>();
    memory_transport transport(network);
    const endpoint broker{"broker-a", 10911};
    auto acceptor = transport.listen(context.get_executor(), broker);
    REQUIRE(acceptor.has_value());
    network->set(broker, memory_network::reach::silent);
    memory_stream<executor> client(context.get_executor());
    std::error_code connected = asio::error::would_block;
    transport.async_connect(client, broker, [&](std::error_code ec) { connected = ec; });
    context.poll();
    CHECK(connected == asio::error::would_block);
    client.close();
    context.run();
    CHECK(connected == asio::error::operation_aborted);

    network->set(broker, memory_network::reach::open);
    transport.async_connect(client, broker, [&](std::error_code ec) { connected = ec; });
    context.restart();
    context.run();
    CHECK_FALSE(connected);
}

TEST_CASE("an endpoint can be told to refuse", "[transport]") {
    asio::io_context context;
    auto network = std::make_shared<memory_network>();
    memory_transport transport(network);
    const endpoint broker{"broker-a", 10911};
    auto acceptor = transport.listen(context.get_executor(), broker);
    REQUIRE(acceptor.has_value());
    network->set(broker, memory_network::reach::refused);
    memory_stream<executor> client(context.get_executor());
    std::error_code connected;
    transport.async_connect(client, broker, [&](std::error_code ec) { connected = ec; });
    context.run();
    CHECK(connected == asio::error::connection_refused);
}

TEST_CASE("a cut resets both ends, and what was on the way is lost", "[transport]") {
    asio::io_context context;
    auto network = std::make_shared<memory_network>();
    connected_pair<memory_transport> ends(context, memory_transport(network), {"broker-a", 10911});
    std::error_code read, wrote;
    char byte = 0;
    ends.server().async_write_some(asio::buffer("lost", 4), [](std::error_code, std::size_t) {});
    ends.server().async_read_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { read = ec; });
    network->cut({"broker-a", 10911});
    ends.client.async_write_some(asio::buffer("x", 1), [&](std::error_code ec, std::size_t) { wrote = ec; });
    context.restart();
    context.run();
    CHECK(read == asio::error::connection_reset);
    CHECK(wrote == asio::error::connection_reset);
    std::error_code later;
    ends.client.async_read_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { later = ec; });
    context.restart();
    context.run();
    CHECK(later == asio::error::connection_reset);
}

TEST_CASE("a pipe holds no more than its capacity", "[transport]") {
    asio::io_context context;
    connected_pair<memory_transport> ends(context, on_new_network({.pipe_capacity = 10}), {"broker-a", 0});
    std::size_t written = 0;
    ends.client.async_write_some(asio::buffer("0123456789abc", 13),
                                 [&](std::error_code, std::size_t n) { written = n; });
    context.restart();
    context.run();
    CHECK(written == 10);
}

TEST_CASE("the two ends of a memory connection may be in two threads", "[transport]") {
    auto transport = on_new_network({.pipe_capacity = 5000});
    asio::io_context server_context, client_context;
    auto acceptor = transport.listen(server_context.get_executor(), {"broker-a", 10911});
    REQUIRE(acceptor.has_value());
    const std::string bytes(1'000'000, 'b');
    std::optional<memory_stream<executor>> server;
    std::string got;
    std::error_code end, wrote;
    acceptor->async_accept([&](std::error_code, memory_stream<executor> stream) {
        server.emplace(std::move(stream));
        test::read_all(*server, got, 4096, [&](std::error_code ec) { end = ec; });
    });
    memory_stream<executor> client(client_context.get_executor());
    transport.async_connect(client, {"broker-a", 10911}, [&](std::error_code) {
        test::write_all(client, bytes, [&](std::error_code ec) {
            wrote = ec;
            client.close();
        });
    });
    // A wait in one context for the other thread is work that the context knows, so both run to the end.
    std::jthread serving([&] { server_context.run(); });
    client_context.run();
    serving.join();
    CHECK_FALSE(wrote);
    CHECK(end == asio::error::eof);
    CHECK((got == bytes)); // too long to be shown
}

} // namespace
