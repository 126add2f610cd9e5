#ifndef ROCKETPUSH_TRANSPORT_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_TRANSPORT_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>

#include <asio/buffer.hpp>

#include <concepts>

namespace rocketpush {

namespace detail {
/// The executor that transport concepts are tested with; policies take any.
using probe_executor = asio::io_context::executor_type;
} // namespace detail

/// Has Asio's AsyncReadStream operation.
template <class S>
concept reads_bytes = requires(S& stream, asio::mutable_buffer buffer, detail::probe_token token) {
    stream.async_read_some(buffer, token);
};

/// Has Asio's AsyncWriteStream operation.
template <class S>
concept writes_bytes = requires(S& stream, asio::const_buffer buffer, detail::probe_token token) {
    stream.async_write_some(buffer, token);
};

/// Made from an executor and moved; ends by `cancel()` and `close()`, which do not throw.
template <class S, class Executor>
concept closable_stream = std::move_constructible<S> && std::constructible_from<S, const Executor&> &&
                          std::same_as<typename S::executor_type, Executor> && requires(S& stream) {
                              { stream.get_executor() } -> std::same_as<Executor>;
                              { stream.cancel() } noexcept;
                              { stream.close() } noexcept;
                          };

template <class S, class Executor>
concept byte_stream = closable_stream<S, Executor> && reads_bytes<S> && writes_bytes<S>;

/// Gives a stream type for each executor.
template <class T>
concept has_stream = byte_stream<typename T::template stream<detail::probe_executor>, detail::probe_executor>;

/// Connects a stream to an endpoint.
template <class T>
concept connects = requires(T& t, typename T::template stream<detail::probe_executor>& stream, const endpoint& to,
                            detail::probe_token token) { t.async_connect(stream, to, token); };

/**
 * @brief How a consumer reaches name servers and brokers: connects, and gives streams of bytes.
 *
 * `async_connect(stream, to, token)` completes with `void(std::error_code)`; the stream's own operations with
 * `void(std::error_code, std::size_t)`, as in Asio's stream requirements.
 *
 * Laws (`tests/support/laws/transport.hpp` checks them):
 *  - nothing completes inside of the call that began it;
 *  - bytes come out as they went in, in order, none twice; one read and one write may be under way together;
 *  - a read of a stream whose peer has closed gives what is left, then `asio::error::eof`, once: nobody may read on
 *    (with Asio on Linux that read would wait for ever);
 *  - a slow reader stops the writer: no unbounded buffer in between;
 *  - `cancel()` and `close()` complete reads, writes and a connect that are under way with
 *    `asio::error::operation_aborted`; after `close()` new ones fail; either may be called twice;
 *  - a connect that fails leaves a stream that may be connected again;
 *  - the endpoint and the transport need not outlive the call of `async_connect`, the stream has to live until its
 *    operations have completed.
 *
 * Nothing here has a deadline: who connects, calls `close()` at his.
 *
 * @par Thread safety  A stream on its executor only; a transport is a value, copies reach the same places.
 * @par Default        tcp_transport
 */
template <class T>
concept transport = std::copy_constructible<T> && has_stream<T> && connects<T>;

/// A stream that can name its two ends; a broker stores its clients' addresses with their messages.
template <class S>
concept names_its_ends = requires(const S& stream) {
    { stream.local_endpoint() } -> std::same_as<endpoint>;
    { stream.remote_endpoint() } -> std::same_as<endpoint>;
};

/// What `listen` gives: accepts streams until it is closed.
template <class A>
concept accepts_streams = std::move_constructible<A> && requires(A& acceptor, const A& c, detail::probe_token token) {
    acceptor.async_accept(token);
    { c.local_endpoint() } -> std::same_as<endpoint>;
    { acceptor.close() } noexcept;
};

/// Listens at an endpoint; port 0 lets the transport choose one.
template <class T>
concept listens = accepts_streams<typename T::template acceptor<detail::probe_executor>> &&
                  requires(T& t, const detail::probe_executor& executor, const endpoint& at) {
                      {
                          t.listen(executor, at)
                      } -> std::same_as<result<typename T::template acceptor<detail::probe_executor>>>;
                  };

/**
 * @brief A transport that a server can use too: the embedded broker listens with it.
 *
 * `async_accept(token)` completes with `void(std::error_code, stream<Executor>)`. `close()` completes an accept that
 * is under way with `asio::error::operation_aborted`, and later connects are refused.
 */
template <class T>
concept listening_transport =
    transport<T> && names_its_ends<typename T::template stream<detail::probe_executor>> && listens<T>;

} // namespace rocketpush

#endif
