#ifndef ROCKETPUSH_TESTS_SUPPORT_LAWS_TRANSPORT_HPP
#define ROCKETPUSH_TESTS_SUPPORT_LAWS_TRANSPORT_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/support/catch.hpp"

namespace rocketpush::test {

/// A connected pair of streams on one context, for tests of what lies above.
template <listening_transport Transport>
struct connected_pair {
    using executor_type = asio::io_context::executor_type;
    using stream        = typename Transport::template stream<executor_type>;

    connected_pair(asio::io_context& context, Transport transport, const endpoint& at)
        : client(context.get_executor()) {
        auto acceptor = transport.listen(context.get_executor(), at);
        REQUIRE(acceptor.has_value());
        std::error_code connected = asio::error::would_block, was_accepted = asio::error::would_block;
        acceptor->async_accept([&](std::error_code ec, stream from) {
            was_accepted = ec;
            accepted.emplace(std::move(from));
        });
        transport.async_connect(client, acceptor->local_endpoint(), [&](std::error_code ec) { connected = ec; });
        CHECK(connected == asio::error::would_block); // nothing completes inside of the call
        context.restart();
        context.run();
        REQUIRE_FALSE(connected);
        REQUIRE_FALSE(was_accepted);
    }

    stream& server() { return *accepted; }

    stream client;
    std::optional<stream> accepted;
};

/// Writes all of `bytes`, piece by piece; `done` gets the first failure or none.
template <class Stream, class Done>
void write_all(Stream& stream, std::string_view bytes, Done done) {
    stream.async_write_some(asio::buffer(bytes), [&stream, bytes, done](std::error_code ec, std::size_t n) mutable {
        if (ec || n == bytes.size()) return done(ec);
        write_all(stream, bytes.substr(n), done);
    });
}

/// Reads until a failure, in pieces of up to `piece` bytes; `done` gets the failure.
template <class Stream, class Done>
void read_all(Stream& stream, std::string& into, std::size_t piece, Done done) {
    auto buffer      = std::make_unique<char[]>(piece);
    const auto bytes = asio::buffer(buffer.get(), piece);
    stream.async_read_some(
        bytes, [&stream, &into, buffer = std::move(buffer), piece, done](std::error_code ec, std::size_t n) {
            into.append(buffer.get(), n);
            if (ec) return done(ec);
            read_all(stream, into, piece, done);
        });
}

/**
 * @brief What every transport promises; see its concept.
 * @param at      Where this transport may listen, with port 0.
 * @param nobody  Where nobody listens, so that a connect is refused.
 */
template <listening_transport Transport>
void check_transport_laws(Transport transport, const endpoint& at, const endpoint& nobody) {
    using pair   = connected_pair<Transport>;
    using stream = typename pair::stream;
    asio::io_context context;
    const auto drive = [&] {
        context.restart();
        context.run();
    };
    const auto unset = std::error_code(asio::error::would_block);

    SECTION("bytes come out as they went in, both ways at once, and the end comes after the last one") {
        pair ends(context, transport, at);
        std::string there(100'003, '\0'), back(7'001, '\0');
        for (std::size_t i = 0; i < there.size(); ++i) there[i] = static_cast<char>(i * 7 + i / 251);
        for (std::size_t i = 0; i < back.size(); ++i) back[i] = static_cast<char>(i * 3 + i / 13);
        std::string got_there, got_back;
        std::error_code there_end = unset, back_end = unset, wrote_there = unset, wrote_back = unset;
        read_all(ends.server(), got_there, 4099, [&](std::error_code ec) { there_end = ec; });
        read_all(ends.client, got_back, 77, [&](std::error_code ec) { back_end = ec; });
        write_all(ends.client, there, [&](std::error_code ec) { wrote_there = ec; });
        write_all(ends.server(), back, [&](std::error_code ec) { wrote_back = ec; });
        CHECK(wrote_back == unset); // nothing completes inside of the call
        context.restart();
        while (got_back.size() < back.size() || got_there.size() < there.size()) context.run_one();
        CHECK_FALSE(wrote_there);
        CHECK_FALSE(wrote_back);
        CHECK((got_there == there)); // too long to be shown
        CHECK((got_back == back));
        ends.client.close();
        drive();
        CHECK(there_end == asio::error::eof);
        CHECK(back_end == asio::error::operation_aborted);
    }

    SECTION("what was written before a close is read, then the end") {
        pair ends(context, transport, at);
        ends.server().async_write_some(asio::buffer("last", 4), [](std::error_code, std::size_t) {});
        drive();
        ends.server().close();
        std::string got;
        std::error_code end = unset;
        read_all(ends.client, got, 3, [&](std::error_code ec) { end = ec; });
        drive();
        CHECK(got == "last");
        CHECK(end == asio::error::eof);
    }

    SECTION("a reader that does not read stops the writer, and cancel ends the write") {
        pair ends(context, transport, at);
        constexpr std::size_t far_too_much = 256 * 1024 * 1024;
        const std::string block(1024 * 1024, 'x');
        std::size_t written = 0;
        bool pending        = false;
        std::error_code end;
        while (!pending && written < far_too_much) {
            pending = true;
            ends.client.async_write_some(asio::buffer(block), [&](std::error_code ec, std::size_t n) {
                end     = ec;
                pending = false;
                written += n;
            });
            context.restart();
            context.poll();
        }
        CHECK(pending);
        CHECK(written < far_too_much);
        ends.client.cancel();
        CHECK(pending);
        drive();
        CHECK(end == asio::error::operation_aborted);
    }

    SECTION("cancel and close end a read, and after close nothing works") {
        pair ends(context, transport, at);
        char byte           = 0;
        std::error_code end = unset;
        const auto read     = [&] {
            end = unset;
            ends.client.async_read_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { end = ec; });
        };
        read();
        ends.client.cancel();
        ends.client.cancel();
        CHECK(end == unset);
        drive();
        CHECK(end == asio::error::operation_aborted);

        read(); // cancelled is not closed
        ends.server().async_write_some(asio::buffer("y", 1), [](std::error_code, std::size_t) {});
        drive();
        CHECK_FALSE(end);
        CHECK(byte == 'y');

        read();
        ends.client.close();
        ends.client.close();
        CHECK(end == unset);
        drive();
        CHECK(end == asio::error::operation_aborted);
        read();
        CHECK(end == unset);
        drive();
        CHECK((end && end != unset));
    }

    SECTION("writes to a peer that has closed fail after a while, and end no process") {
        pair ends(context, transport, at);
        ends.server().close();
        std::error_code end;
        for (int i = 0; i < 100 && !end; ++i) {
            ends.client.async_write_some(asio::buffer("z", 1), [&](std::error_code ec, std::size_t) { end = ec; });
            drive();
        }
        CHECK(end);
    }

    SECTION("a refused connect is an error, and the stream can be connected afterwards") {
        stream client(context.get_executor());
        std::error_code first = unset, second = unset;
        {
            Transport copy(transport); // neither the transport nor the endpoint has to outlive the call
            const endpoint to(nobody);
            copy.async_connect(client, to, [&](std::error_code ec) { first = ec; });
        }
        CHECK(first == unset);
        drive();
        CHECK(first == asio::error::connection_refused);
        auto acceptor = transport.listen(context.get_executor(), at);
        REQUIRE(acceptor.has_value());
        std::optional<stream> accepted; // some transports have to greet
        acceptor->async_accept([&](std::error_code, stream from) { accepted.emplace(std::move(from)); });
        transport.async_connect(client, acceptor->local_endpoint(), [&](std::error_code ec) { second = ec; });
        drive();
        CHECK_FALSE(second);
        CHECK(client.remote_endpoint() == acceptor->local_endpoint());
    }

    SECTION("closing an acceptor ends its accept, and refuses whoever comes later") {
        auto acceptor = transport.listen(context.get_executor(), at);
        REQUIRE(acceptor.has_value());
        const auto where = acceptor->local_endpoint();
        CHECK(where.port != 0);
        std::error_code accepted = unset, connected = unset;
        acceptor->async_accept([&](std::error_code ec, stream) { accepted = ec; });
        acceptor->close();
        acceptor->close();
        CHECK(accepted == unset);
        drive();
        CHECK(accepted == asio::error::operation_aborted);
        stream client(context.get_executor());
        transport.async_connect(client, where, [&](std::error_code ec) { connected = ec; });
        drive();
        CHECK(connected == asio::error::connection_refused);
    }

    SECTION("two acceptors cannot have one endpoint") {
        auto acceptor = transport.listen(context.get_executor(), at);
        REQUIRE(acceptor.has_value());
        auto second = transport.listen(context.get_executor(), acceptor->local_endpoint());
        CHECK(second.error() == asio::error::address_in_use);
    }

    SECTION("the two ends know each other by name") {
        pair ends(context, transport, at);
        CHECK(ends.client.local_endpoint() == ends.server().remote_endpoint());
        CHECK(ends.client.remote_endpoint() == ends.server().local_endpoint());
        ends.client.close();
        CHECK(ends.client.remote_endpoint() == endpoint{});
    }

    SECTION("a stream may go with operations under way") {
        std::optional<pair> ends(std::in_place, context, transport, at);
        char byte           = 0;
        std::error_code end = unset;
        ends->client.async_read_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { end = ec; });
        ends.reset();
        drive();
        CHECK(end == asio::error::operation_aborted);
    }
}

} // namespace rocketpush::test

#endif
