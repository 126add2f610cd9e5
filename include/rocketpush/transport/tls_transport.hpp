#ifndef ROCKETPUSH_TRANSPORT_TLS_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_TLS_TRANSPORT_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/async_event.hpp>
#include <rocketpush/transport/tcp_transport.hpp>
#include <rocketpush/transport/tls_context.hpp>
#include <rocketpush/transport/tls_handshake.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>
#include <asio/ssl/stream.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace rocketpush {

namespace detail {

/// A stream as asio::ssl wants one below it.
template <class Inner>
class tls_wire {
  public:
    using executor_type     = typename Inner::executor_type;
    using lowest_layer_type = tls_wire;

    explicit tls_wire(Inner inner) : stream(std::move(inner)) {}

    executor_type get_executor() { return stream.get_executor(); }
    lowest_layer_type& lowest_layer() noexcept { return *this; }
    const lowest_layer_type& lowest_layer() const noexcept { return *this; }

    /// Of no bytes: asio::ssl's way to finish later what it has done already. Not on a closed stream, whatever was decrypted.
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (asio::buffer_size(buffers) != 0)
            return stream.async_read_some(buffers, std::forward<Handler>(handler));
        const auto where = asio::get_associated_executor(handler, stream.get_executor());
        asio::post(where, [handler = std::forward<Handler>(handler), closed = closed]() mutable {
            const std::error_code failure = closed ? std::error_code(asio::error::bad_descriptor) : std::error_code();
            std::move(handler)(failure, std::size_t(0));
        });
    }

    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        stream.async_write_some(buffers, std::forward<Handler>(handler));
    }

    Inner stream;
    bool closed = false;
};

/// What a TLS stream and its operations share, so that either may go first.
template <class Inner>
class tls_session : public std::enable_shared_from_this<tls_session<Inner>> {
  public:
    explicit tls_session(Inner inner) : wire(std::move(inner)), greeted(wire.get_executor()) {}

    /// @return Whether there was memory for it.
    bool begin(ssl_ptr made) {
        if (made)
            engine.emplace(wire, made.release());
        return engine.has_value();
    }

    /// Does a server's handshake; reads and writes wait for it, who accepts the next client does not.
    void serve(const tls_material& with) {
        if (!begin(make_tls_server(with)))
            return close();
        greeting = true;
        engine->async_handshake(asio::ssl::stream_base::server,
                                [self = this->shared_from_this()](std::error_code failure) {
                                    if (failure)
                                        self->close();
                                    self->greeting = false;
                                    self->greeted.signal();
                                });
    }

    void cancel() noexcept {
        if (greeting)
            close(); // half a greeting is of no use
        else
            wire.stream.cancel();
    }
    void close() noexcept {
        wire.closed = true;
        wire.stream.close();
    }

    tls_wire<Inner> wire;
    async_event<typename Inner::executor_type> greeted;
    bool greeting = false;                                     ///< asio::ssl does nothing else meanwhile.
    tls_encounter encounter;                                   ///< OpenSSL writes to it: it outlives `engine`.
    std::optional<asio::ssl::stream<tls_wire<Inner>&>> engine; ///< Of one connection; there once it is connected below.
};

/// Reads or writes, and says what a failure means.
template <class Inner, class Buffers, bool Reads>
struct tls_transfer {
    std::shared_ptr<tls_session<Inner>> of;
    Buffers buffers;
    bool began_open = false;

    template <class Self>
    void operator()(Self& self) {
        auto& session    = *of;
        const auto bytes = buffers; // both are moved away
        began_open |= !session.wire.closed;
        if (session.greeting)
            return session.greeted.async_wait(std::move(self));
        if (!session.engine || session.wire.closed) {
            session.wire.closed = true; // or was never open
            session.wire.async_read_some(asio::mutable_buffer(), std::move(self));
        } else if constexpr (Reads) {
            session.engine->async_read_some(bytes, std::move(self));
        } else {
            session.engine->async_write_some(bytes, std::move(self));
        }
    }

    /// The greeting is over.
    template <class Self>
    void operator()(Self& self, std::error_code) {
        (*this)(self);
    }

    template <class Self>
    void operator()(Self& self, std::error_code failure, std::size_t count) {
        if (failure && began_open && of->wire.closed)
            failure = asio::error::operation_aborted;
        else if (failure)
            failure = tls_failure(failure, of->encounter);
        self.complete(failure, count);
    }
};

/// Connects below, then greets.
template <class Transport, class Inner>
class tls_connect {
  public:
    tls_connect(std::shared_ptr<tls_session<Inner>> session, const Transport& under, const tls_context& with,
                const endpoint& where)
        : of(std::move(session)), below(under), context(with), to(where) {}

    template <class Self>
    void operator()(Self& self) {
        auto& session       = *of;
        auto transport      = below; // these move away with the operation
        const auto where    = to;
        session.wire.closed = false;
        session.greeting    = true;
        session.engine.reset();
        transport.async_connect(session.wire.stream, where, std::move(self));
    }

    template <class Self>
    void operator()(Self& self, std::error_code failure) {
        auto& session = *of;
        if (std::exchange(connected, true))
            return finish(self, failure
                                    ? tls_handshake_failure(failure, session.engine->native_handle(), session.encounter)
                                    : failure);
        if (failure || session.wire.closed)
            return finish(self, failure);
        if (!session.begin(make_tls_client(*context.current(), to.host, session.encounter)))
            return finish(self, asio::error::no_memory);
        session.engine->async_handshake(asio::ssl::stream_base::client, std::move(self));
    }

  private:
    template <class Self>
    void finish(Self& self, std::error_code failure) {
        auto& session    = *of;
        session.greeting = false;
        session.greeted.signal();
        if (session.wire.closed)
            failure = asio::error::operation_aborted;
        if (failure)
            session.close(); // so that it may be connected again
        self.complete(failure);
    }

    std::shared_ptr<tls_session<Inner>> of;
    Transport below;
    tls_context context;
    endpoint to;
    bool connected = false;
};

} // namespace detail

/**
 * @brief A TLS connection over another stream; what a TLS transport connects.
 *
 * A write that is cancelled leaves a stream of no further use. Keeps four buffers of 17 KiB each, two of Asio's and two of
 * OpenSSL's, beside the inner stream.
 *
 * @par Thread safety  On its executor only.
 */
template <class Inner>
class tls_stream {
  public:
    using executor_type = typename Inner::executor_type;

    explicit tls_stream(const executor_type& executor) : tls_stream(Inner(executor)) {}
    explicit tls_stream(Inner inner) : session_(std::make_shared<session>(std::move(inner))) {}

    tls_stream(tls_stream&&) noexcept = default;
    tls_stream& operator=(tls_stream&& other) noexcept {
        if (this != &other) {
            if (session_)
                session_->close();
            session_ = std::move(other.session_);
        }
        return *this;
    }
    ~tls_stream() {
        if (session_)
            session_->close();
    }

    executor_type get_executor() { return session_->wire.get_executor(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return begin<true>(buffers, std::forward<Token>(token));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return begin<false>(buffers, std::forward<Token>(token));
    }

    void cancel() noexcept { session_->cancel(); }
    void close() noexcept { session_->close(); }

    /// Empty host and port 0 when not connected.
    endpoint local_endpoint() const
        requires names_its_ends<Inner>
    {
        return session_->wire.stream.local_endpoint();
    }
    endpoint remote_endpoint() const
        requires names_its_ends<Inner>
    {
        return session_->wire.stream.remote_endpoint();
    }

    /// OpenSSL's own handle, to look at (`SSL_get_version`, `SSL_get_cipher`); null before the first connect.
    SSL* native_handle() noexcept { return session_->engine ? session_->engine->native_handle() : nullptr; }

  private:
    template <transport>
    friend class basic_tls_transport;
    template <class, class>
    friend class tls_acceptor;

    using session = detail::tls_session<Inner>;

    template <bool Reads, class Buffers, class Token>
    auto begin(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(std::error_code, std::size_t)>(
            detail::tls_transfer<Inner, Buffers, Reads>{session_, buffers}, token, session_->wire);
    }

    std::shared_ptr<session> session_; // null after a move
};

/**
 * @brief Accepts TLS connections; what a TLS transport's listen() gives.
 *
 * A stream is given as soon as it is connected below, and does its handshake by itself: a client that dawdles is in nobody's
 * way, and one that fails has ended.
 *
 * @tparam Inner, Below  Acceptor and stream of the transport below.
 * @par Thread safety    On its executor only.
 */
template <class Inner, class Below>
class tls_acceptor {
  public:
    using executor_type = typename Below::executor_type;

    tls_acceptor(Inner inner, tls_context context) : inner_(std::move(inner)), context_(std::move(context)) {}

    executor_type get_executor() { return inner_.get_executor(); }

    /// @param token  Completion signature `void(std::error_code, tls_stream<Below>)`.
    template <class Token>
    auto async_accept(Token&& token) {
        return asio::async_compose<Token, void(std::error_code, tls_stream<Below>)>(accept_operation{&inner_, context_},
                                                                                    token, inner_);
    }

    endpoint local_endpoint() const { return inner_.local_endpoint(); }
    void close() noexcept { inner_.close(); }

  private:
    struct accept_operation {
        Inner* acceptor;
        tls_context context;

        template <class Self>
        void operator()(Self& self) {
            acceptor->async_accept(std::move(self));
        }
        template <class Self>
        void operator()(Self& self, std::error_code failure, Below accepted) {
            tls_stream<Below> stream(std::move(accepted));
            if (!failure)
                stream.session_->serve(*context.current());
            self.complete(failure, std::move(stream));
        }
    };

    Inner inner_;
    tls_context context_;
};

namespace detail {

/// Nothing where one cannot listen below.
template <class Transport, class Executor>
struct tls_acceptor_over {};
template <class Transport, class Executor>
    requires requires { typename Transport::template acceptor<Executor>; }
struct tls_acceptor_over<Transport, Executor> {
    using type =
        tls_acceptor<typename Transport::template acceptor<Executor>, typename Transport::template stream<Executor>>;
};

} // namespace detail

/**
 * @brief TLS over another transport. `tls_transport` is the one over TCP.
 *
 * Chain and host are checked unless tls_options turn one of them off. The handshake is part of the connect, and so of
 * its deadline.
 *
 * @tparam Inner  What carries it: `tcp_transport`, `socks5_transport`, `memory_transport`.
 * @par Source    Java `NettyRemotingClient` with `useTLS`, `TlsHelper`; a server's frames are the same on both.
 */
template <transport Inner>
class basic_tls_transport {
  public:
    template <class Executor>
    using stream = tls_stream<typename Inner::template stream<Executor>>;
    template <class Executor>
    using acceptor = typename detail::tls_acceptor_over<Inner, Executor>::type;

    /// Trusts the system's CAs.
    basic_tls_transport()
        requires std::default_initializable<Inner>
        : basic_tls_transport(tls_context()) {}
    explicit basic_tls_transport(tls_context context)
        requires std::default_initializable<Inner>
        : basic_tls_transport(std::move(context), Inner()) {}
    basic_tls_transport(tls_context context, Inner below) : context_(std::move(context)), below_(std::move(below)) {}

    /**
     * @param token  Completion signature `void(std::error_code)`.
     * @retval error::tls_not_spoken  The server does not answer in TLS.
     * @retval error::tls_untrusted, tls_wrong_host, tls_expired, tls_not_yet_valid, tls_certificate_unfit  Its certificate.
     * @retval error::tls_client_certificate_missing, tls_client_certificate_refused  Ours; with TLS 1.3 the server says so only
     *         after the handshake, so the first read fails with it.
     */
    template <class Below, class Token>
    auto async_connect(tls_stream<Below>& connection, const endpoint& to, Token&& token) const {
        return asio::async_compose<Token, void(std::error_code)>(
            detail::tls_connect<Inner, Below>(connection.session_, below_, context_, to), token,
            connection.session_->wire);
    }

    /**
     * @return The acceptor, or why there is none: as of the transport below.
     * @retval error::tls_certificate_missing  A server has to have one.
     */
    template <class Executor>
    auto listen(const Executor& executor, const endpoint& at) const -> result<acceptor<Executor>> {
        if (!context_.current()->has_certificate)
            return error::tls_certificate_missing;
        auto opened = below_.listen(executor, at);
        if (!opened)
            return opened.error();
        return acceptor<Executor>(std::move(*opened), context_);
    }

  private:
    tls_context context_;
    Inner below_;
};

/// TLS over TCP.
using tls_transport = basic_tls_transport<tcp_transport>;

static_assert(listening_transport<tls_transport>);

} // namespace rocketpush

#endif
