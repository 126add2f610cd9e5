#ifndef ROCKETCAT_CHOSEN_TRANSPORT_HPP
#define ROCKETCAT_CHOSEN_TRANSPORT_HPP

#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/features.hpp>
#include <rocketpush/transport/tcp_transport.hpp>
#include <rocketpush/transport/tls_options.hpp>
#if ROCKETPUSH_WITH_OPENSSL
#include <rocketpush/transport/tls_transport.hpp>
#endif

#include <optional>
#include <system_error>
#include <utility>
#include <variant>

namespace rocketcat {

#if ROCKETPUSH_WITH_OPENSSL

/// TCP, or TLS over it, chosen when the program runs: a type for each would compile every consumer, and the broker, twice.
class chosen_transport {
  public:
    template <class Executor>
    class stream {
      public:
        using executor_type = Executor;

        explicit stream(const Executor& executor)
            : executor_(executor), chosen_(rocketpush::tcp_stream<Executor>(executor)) {}
        template <class Accepted>
        stream(const Executor& executor, Accepted accepted) : executor_(executor), chosen_(std::move(accepted)) {}

        executor_type get_executor() const { return executor_; }

        template <class Buffers, class Token>
        auto async_read_some(const Buffers& buffers, Token&& token) {
            return std::visit([&](auto& one) { return one.async_read_some(buffers, std::forward<Token>(token)); },
                              chosen_);
        }
        template <class Buffers, class Token>
        auto async_write_some(const Buffers& buffers, Token&& token) {
            return std::visit([&](auto& one) { return one.async_write_some(buffers, std::forward<Token>(token)); },
                              chosen_);
        }

        void cancel() noexcept {
            std::visit([](auto& one) { one.cancel(); }, chosen_);
        }
        void close() noexcept {
            std::visit([](auto& one) { one.close(); }, chosen_);
        }

        rocketpush::endpoint local_endpoint() const {
            return std::visit([](const auto& one) { return one.local_endpoint(); }, chosen_);
        }
        rocketpush::endpoint remote_endpoint() const {
            return std::visit([](const auto& one) { return one.remote_endpoint(); }, chosen_);
        }

      private:
        friend class chosen_transport;

        Executor executor_;
        std::variant<rocketpush::tcp_stream<Executor>, rocketpush::tls_transport::stream<Executor>> chosen_;
    };

    template <class Executor>
    class acceptor {
      public:
        template <class Chosen>
        acceptor(const Executor& executor, Chosen chosen) : executor_(executor), chosen_(std::move(chosen)) {}

        template <class Token>
        auto async_accept(Token&& token) {
            return asio::async_compose<Token, void(std::error_code, stream<Executor>)>(accept_operation{this}, token,
                                                                                       executor_);
        }

        rocketpush::endpoint local_endpoint() const {
            return std::visit([](const auto& one) { return one.local_endpoint(); }, chosen_);
        }
        void close() noexcept {
            std::visit([](auto& one) { one.close(); }, chosen_);
        }

      private:
        struct accept_operation {
            acceptor* from;

            template <class Self>
            void operator()(Self& self) {
                std::visit([&](auto& one) { one.async_accept(std::move(self)); }, from->chosen_);
            }
            template <class Self, class Accepted>
            void operator()(Self& self, std::error_code failure, Accepted accepted) {
                const auto where = accepted.get_executor(); // before it moves
                self.complete(failure, stream<Executor>(where, std::move(accepted)));
            }
        };

        Executor executor_;
        std::variant<rocketpush::tcp_acceptor<Executor>, rocketpush::tls_transport::acceptor<Executor>> chosen_;
    };

    /// @param tls  Nothing: plain TCP. @throws std::system_error  Its settings cannot be used.
    explicit chosen_transport(const std::optional<rocketpush::tls_options>& tls) {
        if (tls)
            tls_.emplace(rocketpush::tls_context(*tls));
    }

    template <class Executor, class Token>
    auto async_connect(stream<Executor>& connection, const rocketpush::endpoint& to, Token&& token) const {
        using secured = rocketpush::tls_transport::stream<Executor>;
        if (!tls_)
            return rocketpush::tcp_transport().async_connect(std::get<0>(connection.chosen_), to,
                                                             std::forward<Token>(token));
        auto& fresh = connection.chosen_.template emplace<secured>(connection.executor_);
        return tls_->async_connect(fresh, to, std::forward<Token>(token));
    }

    template <class Executor>
    rocketpush::result<acceptor<Executor>> listen(const Executor& executor, const rocketpush::endpoint& at) const {
        const auto chosen = [&](auto opened) -> rocketpush::result<acceptor<Executor>> {
            if (!opened)
                return opened.error();
            return acceptor<Executor>(executor, std::move(*opened));
        };
        return tls_ ? chosen(tls_->listen(executor, at)) : chosen(rocketpush::tcp_transport().listen(executor, at));
    }

  private:
    std::optional<rocketpush::tls_transport> tls_;
};

#else

/// A build without OpenSSL has TCP only; the flags say so.
struct chosen_transport : rocketpush::tcp_transport {
    explicit chosen_transport(const std::optional<rocketpush::tls_options>&) {}
};

#endif

static_assert(rocketpush::listening_transport<chosen_transport>);

} // namespace rocketcat

#endif
