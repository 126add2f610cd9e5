#ifndef ROCKETPUSH_TRANSPORT_TCP_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_TCP_TRANSPORT_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/async_event.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/basic_socket_acceptor.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/connect.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <netinet/tcp.h>
#endif

namespace rocketpush {

namespace detail {

inline endpoint to_endpoint(const asio::ip::tcp::endpoint& from) { return {from.address().to_string(), from.port()}; }

/// One look-up of a name; shared with the resolver, whose own thread may answer long after nobody waits any more.
template <class Executor>
struct name_lookup {
    explicit name_lookup(const Executor& executor) : resolver(executor), ended(executor) {}

    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver;
    async_event<Executor> ended;
    bool answered = false;
    std::error_code failure;
    std::vector<asio::ip::tcp::endpoint> addresses;
};

} // namespace detail

/**
 * @brief A TCP connection; what tcp_transport connects.
 * @par Thread safety  On its executor only.
 */
template <class Executor>
class tcp_stream {
  public:
    using executor_type = Executor;
    using socket_type   = asio::basic_stream_socket<asio::ip::tcp, Executor>;

    explicit tcp_stream(const Executor& executor) : socket_(executor) {}
    explicit tcp_stream(socket_type socket) : socket_(std::move(socket)) {}

    executor_type get_executor() { return socket_.get_executor(); }
    socket_type& socket() noexcept { return socket_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return socket_.async_read_some(buffers, std::forward<Token>(token));
    }

    /// A connection that the peer has closed is an error code, never SIGPIPE: Asio writes with MSG_NOSIGNAL.
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return socket_.async_write_some(buffers, std::forward<Token>(token));
    }

    void cancel() noexcept {
        std::error_code ignored; // nothing is under way on a socket that is not open
        socket_.cancel(ignored);
        end_lookup();
    }

    void close() noexcept {
        std::error_code ignored; // whatever it says, the socket is closed
        socket_.close(ignored);
        end_lookup();
    }

    /// Empty host and port 0 when not connected.
    endpoint local_endpoint() const {
        std::error_code failure;
        const auto local = socket_.local_endpoint(failure);
        return failure ? endpoint{} : detail::to_endpoint(local);
    }
    endpoint remote_endpoint() const {
        std::error_code failure;
        const auto remote = socket_.remote_endpoint(failure);
        return failure ? endpoint{} : detail::to_endpoint(remote);
    }

  private:
    friend class tcp_transport;

    void end_lookup() noexcept {
        if (const auto lookup = lookup_.lock()) {
            lookup->resolver.cancel();
            lookup->ended.signal();
        }
    }

    socket_type socket_;
    std::weak_ptr<detail::name_lookup<Executor>> lookup_; // of the connect that is under way, if it has a name
};

/**
 * @brief Accepts TCP connections; what tcp_transport's listen() gives.
 * @par Thread safety  On its executor only.
 */
template <class Executor>
class tcp_acceptor {
  public:
    using executor_type = Executor;

    tcp_acceptor(const Executor& executor, std::chrono::milliseconds unacknowledged_limit)
        : acceptor_(executor), unacknowledged_limit_(unacknowledged_limit) {}

    executor_type get_executor() { return acceptor_.get_executor(); }

    /// @param token  Completion signature `void(std::error_code, tcp_stream<Executor>)`.
    template <class Token>
    auto async_accept(Token&& token);

    endpoint local_endpoint() const {
        std::error_code failure;
        const auto local = acceptor_.local_endpoint(failure);
        return failure ? endpoint{} : detail::to_endpoint(local);
    }

    void close() noexcept {
        std::error_code ignored;
        acceptor_.close(ignored);
    }

  private:
    friend class tcp_transport;

    struct accept_operation;

    void open(const asio::ip::tcp::endpoint& at, std::error_code& failure) {
        acceptor_.open(at.protocol(), failure);
        if (!failure)
            acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
        if (!failure)
            acceptor_.bind(at, failure);
        if (!failure)
            acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    }

    asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor_;
    std::chrono::milliseconds unacknowledged_limit_;
};

/**
 * @brief Plain TCP.
 *
 * Numeric addresses skip the resolver; of a name all addresses are tried in the resolver's order.
 *
 * @par Source  Java `NettyRemotingClient`: TCP_NODELAY on, SO_KEEPALIVE off (heartbeats do its work).
 */
class tcp_transport {
  public:
    template <class Executor>
    using stream = tcp_stream<Executor>;
    template <class Executor>
    using acceptor = tcp_acceptor<Executor>;

    /**
     * @param unacknowledged_limit  How long sent bytes may stay unacknowledged before the connection counts as broken
     *                              (TCP_USER_TIMEOUT, Linux only). 0 leaves it to the system, 15 min or so.
     */
    explicit tcp_transport(std::chrono::milliseconds unacknowledged_limit = std::chrono::seconds(15)) noexcept
        : unacknowledged_limit_(unacknowledged_limit) {}

    /**
     * @brief Connects `connection`, which must not be connected and has to live until completion.
     * @param token  Completion signature `void(std::error_code)`; the code of the last address if none answered.
     * @par Cancellation  its `close()` and `cancel()`, and per operation; a look-up that hangs is left behind.
     */
    template <class Executor, class Token>
    auto async_connect(tcp_stream<Executor>& connection, const endpoint& to, Token&& token) const {
        return asio::async_compose<Token, void(std::error_code)>(
            connect_operation<Executor>{&connection, to, unacknowledged_limit_, nullptr}, token, connection.socket_);
    }

    /**
     * @param at  A numeric address, a name (looked up at once, so blocking), or empty for all of the host's addresses.
     * @return The acceptor, or the system's error.
     */
    template <class Executor>
    result<tcp_acceptor<Executor>> listen(const Executor& executor, const endpoint& at) const {
        std::error_code failure;
        const auto local = local_address(executor, at, failure);
        if (failure)
            return failure;
        tcp_acceptor<Executor> made(executor, unacknowledged_limit_);
        made.open(local, failure);
        if (failure)
            return failure;
        return made;
    }

  private:
    template <class Executor>
    friend class tcp_acceptor;

    template <class Executor>
    struct connect_operation;

    template <class Executor>
    static asio::ip::tcp::endpoint local_address(const Executor& executor, const endpoint& at,
                                                 std::error_code& failure) {
        if (at.host.empty())
            return {asio::ip::tcp::v4(), at.port};
        const auto numeric = asio::ip::make_address(at.host, failure);
        if (!failure)
            return {numeric, at.port};
        asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(executor);
        const auto found = resolver.resolve(at.host, std::to_string(at.port), failure);
        return failure ? asio::ip::tcp::endpoint{} : found.begin()->endpoint();
    }

    /// An option that the system refuses costs speed or alertness, not the connection; so its error is no failure.
    template <class Socket>
    static void tune(Socket& socket, std::chrono::milliseconds unacknowledged_limit) noexcept {
        std::error_code ignored;
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
#if defined(TCP_USER_TIMEOUT)
        if (unacknowledged_limit.count() > 0) {
            const auto limit = static_cast<unsigned>(unacknowledged_limit.count());
            ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
        }
#else
        (void)unacknowledged_limit;
#endif
    }

    std::chrono::milliseconds unacknowledged_limit_;
};

/// Looks the name up if it is one, then tries its addresses.
template <class Executor>
struct tcp_transport::connect_operation {
    using address_list = std::vector<asio::ip::tcp::endpoint>;

    tcp_stream<Executor>* connection;
    endpoint to;
    std::chrono::milliseconds unacknowledged_limit;
    std::shared_ptr<detail::name_lookup<Executor>> lookup;

    template <class Self>
    void operator()(Self& self) {
        std::error_code not_numeric;
        const auto address = asio::ip::make_address(to.host, not_numeric);
        if (!not_numeric)
            return try_addresses(self, {asio::ip::tcp::endpoint(address, to.port)});

        lookup              = std::make_shared<detail::name_lookup<Executor>>(connection->get_executor());
        connection->lookup_ = lookup;
        const auto state    = lookup; // `self`, and this operation in it, is moved away below
        state->resolver.async_resolve(to.host, std::to_string(to.port), asio::ip::resolver_base::numeric_service,
                                      [state](std::error_code failure, const auto& found) {
                                          state->answered = true;
                                          state->failure  = failure;
                                          for (const auto& entry : found)
                                              state->addresses.push_back(entry.endpoint());
                                          state->ended.signal();
                                      });
        state->ended.async_wait(std::move(self));
    }

    /// The look-up has ended, or nobody waits for it any more.
    template <class Self>
    void operator()(Self& self, std::error_code) {
        connection->lookup_.reset();
        if (!lookup->answered) {
            lookup->resolver.cancel();
            return self.complete(asio::error::operation_aborted);
        }
        if (lookup->failure)
            return self.complete(lookup->failure);
        try_addresses(self, std::move(lookup->addresses));
    }

    template <class Self>
    void operator()(Self& self, std::error_code failure, const asio::ip::tcp::endpoint&) {
        auto& socket = connection->socket_;
        if (!failure) {
            tune(socket, unacknowledged_limit);
        } else {
            std::error_code ignored; // so that the stream can be connected again
            socket.close(ignored);
        }
        self.complete(failure);
    }

    template <class Self>
    void try_addresses(Self& self, address_list addresses) {
        auto& socket = connection->socket_;
        asio::async_connect(socket, std::move(addresses), std::move(self));
    }
};

template <class Executor>
struct tcp_acceptor<Executor>::accept_operation {
    tcp_acceptor* acceptor;

    template <class Self>
    void operator()(Self& self) {
        acceptor->acceptor_.async_accept(std::move(self));
    }

    template <class Self>
    void operator()(Self& self, std::error_code failure, typename tcp_stream<Executor>::socket_type socket) {
        if (!failure)
            tcp_transport::tune(socket, acceptor->unacknowledged_limit_);
        self.complete(failure, tcp_stream<Executor>(std::move(socket)));
    }
};

template <class Executor>
template <class Token>
auto tcp_acceptor<Executor>::async_accept(Token&& token) {
    return asio::async_compose<Token, void(std::error_code, tcp_stream<Executor>)>(accept_operation{this}, token,
                                                                                   acceptor_);
}

static_assert(listening_transport<tcp_transport>);

} // namespace rocketpush

#endif
