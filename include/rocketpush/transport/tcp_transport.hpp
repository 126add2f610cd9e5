#ifndef ROCKETPUSH_TRANSPORT_TCP_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_TCP_TRANSPORT_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/transport/address_order.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/basic_socket_acceptor.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <fcntl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
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

/// A program that is started from this process has no business with its connections; Asio does not say so to the system.
inline void keep_from_children(int descriptor) noexcept { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

/// An option that the system refuses costs speed or alertness, not the connection; so its error is no failure.
template <class Socket>
void tune_socket(Socket& socket, std::chrono::milliseconds unacknowledged_limit) noexcept {
    std::error_code ignored;
    keep_from_children(socket.native_handle());
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

template <class Executor>
class tcp_connect;

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
        cancel_connect();
    }

    void close() noexcept {
        std::error_code ignored;                                     // whatever it says, the socket is closed,
        socket_.shutdown(asio::socket_base::shutdown_both, ignored); // and also where a child of fork() has it open
        socket_.close(ignored);
        cancel_connect();
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
    friend class detail::tcp_connect<Executor>;

    void cancel_connect() noexcept {
        if (const auto under_way = connecting_.lock())
            under_way->cancel();
    }

    socket_type socket_;
    std::weak_ptr<detail::tcp_connect<Executor>> connecting_;
};

namespace detail {

/**
 * @brief One connect: looks the name up if it is one, then tries its addresses in parallel, each a quarter of a second after
 *        the one before, or as soon as that has failed. The first that answers wins, the others are cancelled.
 *
 * A dead address of a name costs 250 ms so, not a connect timeout. Its timer is Asio's own: sockets live in real time.
 *
 * Its steps do not know who waits, only its end does, by a plain function: so they compile once, and for one executor. Shared
 * with the resolver, whose own thread may answer long after nobody waits any more.
 *
 * @par Source  RFC 8305, sections 4 and 5.
 */
template <class Executor>
class tcp_connect : public std::enable_shared_from_this<tcp_connect<Executor>> {
  public:
    using ending = void (*)(tcp_connect&, std::error_code);

    tcp_connect(tcp_stream<Executor>& connection, std::chrono::milliseconds unacknowledged_limit, ending end)
        : connection_(connection),
          unacknowledged_limit_(unacknowledged_limit),
          end_(end),
          resolver_(connection.get_executor()),
          next_due_(connection.get_executor()) {}

    void start(const endpoint& to) {
        connection_.connecting_ = this->weak_from_this();
        std::error_code not_numeric;
        const auto address = asio::ip::make_address(to.host, not_numeric);
        if (!not_numeric)
            return race({{address, to.port}});
        resolving_ = true;
        resolver_.async_resolve(to.host, std::to_string(to.port), asio::ip::resolver_base::numeric_service,
                                [self = this->shared_from_this()](std::error_code failure, const results& found) {
                                    self->looked_up(failure, found);
                                });
    }

    /// Lets the operation's own cancellation end it.
    void obey(asio::cancellation_slot slot) {
        if (slot.is_connected())
            slot.assign([weak = this->weak_from_this()](asio::cancellation_type) {
                if (const auto self = weak.lock())
                    self->cancel();
            });
    }

    void cancel() {
        if (!ended_)
            finish(asio::error::operation_aborted);
    }

  private:
    using socket_type = typename tcp_stream<Executor>::socket_type;
    using results     = asio::ip::basic_resolver_results<asio::ip::tcp>;

    /// RFC 8305's "Connection Attempt Delay".
    static constexpr std::chrono::milliseconds head_start{250};

    void looked_up(std::error_code failure, const results& found) {
        resolving_ = false;
        if (ended_) // nobody waits any more
            return;
        if (failure || found.empty())
            return finish(failure ? failure : std::error_code(asio::error::host_not_found));
        std::vector<asio::ip::tcp::endpoint> addresses;
        for (const auto& entry : found)
            addresses.push_back(entry.endpoint());
        race(families_in_turn(std::move(addresses)));
    }

    void race(std::vector<asio::ip::tcp::endpoint> addresses) {
        addresses_ = std::move(addresses);
        sockets_.reserve(addresses_.size()); // none moves while it connects
        try_next();
    }

    bool all_tried() const noexcept { return sockets_.size() == addresses_.size(); }

    void try_next() {
        const auto which = sockets_.size();
        ++under_way_;
        auto& socket = sockets_.emplace_back(connection_.get_executor());
        std::error_code refused; // then connecting tells
        socket.open(addresses_[which].protocol(), refused);
        if (!refused)
            keep_from_children(socket.native_handle());
        socket.async_connect(addresses_[which], [self = this->shared_from_this(), which](std::error_code failure) {
            self->tried(which, failure);
        });
        if (all_tried())
            return;
        next_due_.expires_after(head_start);
        next_due_.async_wait([self = this->shared_from_this(), which](std::error_code cancelled) {
            if (!cancelled && !self->ended_ && self->sockets_.size() == which + 1) // else a failure was quicker
                self->try_next();
        });
    }

    void tried(std::size_t which, std::error_code failure) {
        --under_way_;
        if (ended_)
            return;
        if (!failure) {
            connection_.socket_ = std::move(sockets_[which]);
            finish({});
        } else if (!all_tried()) {
            try_next();
        } else if (under_way_ == 0) {
            finish(failure);
        }
    }

    void finish(std::error_code failure) {
        ended_ = true;
        connection_.connecting_.reset();
        next_due_.cancel();
        give_up_resolving();
        std::error_code ignored; // the others'
        for (auto& each : sockets_)
            each.close(ignored);
        if (!failure)
            tune_socket(connection_.socket_, unacknowledged_limit_);
        end_(*this, failure);
    }

    void give_up_resolving() noexcept {
        if (!resolving_)
            return;
        try {
            resolver_.cancel();
        } catch (const std::bad_alloc&) { // Asio allocates for it; then the answer comes, and nobody waits for it
        }
    }

    tcp_stream<Executor>& connection_; // lives until the end
    std::chrono::milliseconds unacknowledged_limit_;
    ending end_;
    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver_;
    steady_timer<Executor> next_due_;
    std::vector<asio::ip::tcp::endpoint> addresses_; ///< In the order in which they are tried.
    std::vector<socket_type> sockets_;               ///< One for each that was tried.
    std::size_t under_way_ = 0;
    bool resolving_        = false;
    bool ended_            = false;
};

/// A connect with the handler that waits for it.
template <class Executor, class Handler>
class tcp_connect_for : public tcp_connect<Executor> {
  public:
    tcp_connect_for(tcp_stream<Executor>& connection, std::chrono::milliseconds unacknowledged_limit, Handler handler)
        : tcp_connect<Executor>(connection, unacknowledged_limit, complete),
          work_(asio::make_work_guard(handler, connection.get_executor())),
          handler_(std::move(handler)) {}

  private:
    static void complete(tcp_connect<Executor>& self, std::error_code failure) {
        auto& here = static_cast<tcp_connect_for&>(self);
        // Not dispatched: whoever cancels shall not find the handler run inside of his call.
        asio::post(here.work_.get_executor(),
                   [handler = std::move(here.handler_), failure]() mutable { std::move(handler)(failure); });
        here.work_.reset();
    }

    asio::executor_work_guard<asio::associated_executor_t<Handler, Executor>> work_;
    Handler handler_;
};

} // namespace detail

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
            detail::keep_from_children(acceptor_.native_handle());
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
 * Numeric addresses skip the resolver. A name is looked up anew for each connect, and its addresses are tried in parallel, the
 * families in turn, 250 ms apart (RFC 8305, "happy eyeballs").
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
     * @param token  Completion signature `void(std::error_code)`; the code of the address that failed last if none answered.
     * @par Cancellation  its `close()` and `cancel()`, and per operation; a look-up that hangs is left behind.
     */
    template <class Executor, class Token>
    auto async_connect(tcp_stream<Executor>& connection, const endpoint& to, Token&& token) const {
        return asio::async_initiate<Token, void(std::error_code)>(
            [connection = &connection, to, limit = unacknowledged_limit_](auto handler) {
                const auto slot    = asio::get_associated_cancellation_slot(handler);
                using operation    = detail::tcp_connect_for<Executor, decltype(handler)>;
                const auto connect = std::make_shared<operation>(*connection, limit, std::move(handler));
                connect->obey(slot);
                connect->start(to);
            },
            token);
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

    std::chrono::milliseconds unacknowledged_limit_;
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
            detail::tune_socket(socket, acceptor->unacknowledged_limit_);
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
