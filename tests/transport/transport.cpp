#include "tests/support/archetypes/transport.hpp"

#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>

#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using test::stream_archetype;
using test::transport_archetype;

// Near misses: one requirement less each.

struct transport_without_streams : transport_archetype {
    template <class Executor>
    using stream = int;
};
static_assert(!has_stream<transport_without_streams>);
static_assert(!transport<transport_without_streams>);

template <class Executor>
struct write_only : stream_archetype<Executor> {
    using stream_archetype<Executor>::stream_archetype;
    void async_read_some() = delete;
};
static_assert(!reads_bytes<write_only<detail::probe_executor>> && writes_bytes<write_only<detail::probe_executor>>);
struct transport_of_write_only : transport_archetype {
    template <class Executor>
    using stream = write_only<Executor>;
};
static_assert(!transport<transport_of_write_only>);

template <class Executor>
struct read_only : stream_archetype<Executor> {
    using stream_archetype<Executor>::stream_archetype;
    void async_write_some() = delete;
};
static_assert(reads_bytes<read_only<detail::probe_executor>> && !writes_bytes<read_only<detail::probe_executor>>);
struct transport_of_read_only : transport_archetype {
    template <class Executor>
    using stream = read_only<Executor>;
};
static_assert(!transport<transport_of_read_only>);

template <class Executor>
struct close_may_throw : stream_archetype<Executor> {
    using stream_archetype<Executor>::stream_archetype;
    void close() {}
};
static_assert(!closable_stream<close_may_throw<detail::probe_executor>, detail::probe_executor>);
struct transport_whose_close_may_throw : transport_archetype {
    template <class Executor>
    using stream = close_may_throw<Executor>;
};
static_assert(!transport<transport_whose_close_may_throw>);

struct transport_to_text : transport_archetype {
    template <class Executor, class Token>
    void async_connect(stream_archetype<Executor>&, const char*, Token&&) {}
};
static_assert(!connects<transport_to_text>);
static_assert(!transport<transport_to_text>);

struct transport_not_copied : transport_archetype {
    using transport_archetype::transport_archetype;
    transport_not_copied(const transport_not_copied&) = delete;
};
static_assert(!transport<transport_not_copied>);

TEST_CASE("the archetype of a transport fails everything, later", "[transport]") {
    asio::io_context context;
    transport_archetype transport(0);
    auto stream = transport_archetype::stream<detail::probe_executor>(context.get_executor());
    std::error_code connected, read;
    char byte = 0;
    transport.async_connect(stream, endpoint{"nowhere", 1}, [&](std::error_code ec) { connected = ec; });
    stream.async_read_some(asio::buffer(&byte, 1), [&](std::error_code ec, std::size_t) { read = ec; });
    CHECK_FALSE(connected);
    context.run();
    CHECK(connected == asio::error::operation_not_supported);
    CHECK(read == asio::error::operation_not_supported);
}

} // namespace
