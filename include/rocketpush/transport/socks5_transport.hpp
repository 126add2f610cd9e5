#ifndef ROCKETPUSH_TRANSPORT_SOCKS5_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_SOCKS5_TRANSPORT_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/transport/socks5_dialogue.hpp>
#include <rocketpush/transport/tcp_transport.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace rocketpush {

/// Which proxy, and who we are to it.
struct socks5_options {
    endpoint proxy{};
    std::string user{};     ///< Empty: no login. Up to 255 bytes, as the password.
    std::string password{}; ///< SOCKS5 sends it as it is: whoever sees the proxy's traffic sees it.
};

namespace detail {

/// Connects to the proxy, then has the dialogue with it.
template <class Transport, class Stream>
class socks5_connect {
  public:
    /// @param stream  Lives until the end.
    socks5_connect(Stream& stream, const Transport& below, const socks5_options& options, const endpoint& to)
        : stream_(&stream),
          below_(below),
          proxy_(options.proxy),
          talk_(std::make_unique<talk>(socks5_dialogue(to, options.user, options.password))) {}

    template <class Self>
    void operator()(Self& self) {
        auto below       = below_; // these move away with the operation
        const auto proxy = proxy_;
        below.async_connect(*stream_, proxy, std::move(self));
    }

    /// The proxy is reached.
    template <class Self>
    void operator()(Self& self, std::error_code failure) {
        if (failure)
            return self.complete(failure);
        go_on(self);
    }

    /// Something is written, or read.
    template <class Self>
    void operator()(Self& self, std::error_code failure, std::size_t count) {
        if (!failure && std::exchange(reading_, !reading_))
            failure = talk_->dialogue.received({talk_->answer, count});
        if (!failure && !talk_->dialogue.done())
            return go_on(self);
        if (failure == asio::error::eof || failure == asio::error::connection_reset)
            failure = talk_->dialogue.understood() ? error::socks5_refused : error::socks5_not_spoken;
        if (failure)
            stream_->close(); // so that it may be connected again
        self.complete(failure);
    }

  private:
    /// What operations read from and write to: it stays where it is when this moves.
    struct talk {
        explicit talk(socks5_dialogue begun) : dialogue(std::move(begun)) {}

        socks5_dialogue dialogue;
        char answer[longest_socks5_text + 2];
    };

    template <class Self>
    void go_on(Self& self) {
        auto& here = *talk_;
        if (!reading_ && !here.dialogue.to_send().empty()) {
            const auto bytes = asio::buffer(here.dialogue.to_send());
            return asio::async_write(*stream_, bytes, std::move(self));
        }
        reading_         = true;
        const auto bytes = asio::buffer(here.answer, here.dialogue.to_read());
        asio::async_read(*stream_, bytes, std::move(self));
    }

    Stream* stream_;
    Transport below_;
    endpoint proxy_;
    std::unique_ptr<talk> talk_;
    bool reading_ = false;
};

} // namespace detail

/**
 * @brief Reaches servers through a SOCKS5 proxy, which also resolves their names. `socks5_transport` reaches the proxy by TCP.
 *
 * The dialogue with the proxy is part of the connect, and so of its deadline. With TLS: `basic_tls_transport{tls_context,
 * socks5_transport{...}}` speaks it with the server, through the proxy.
 *
 * @tparam Inner  How the proxy is reached.
 * @par Source    Java `ClientConfig.socksProxyConfig`.
 */
template <transport Inner>
class basic_socks5_transport {
  public:
    /// Its ends are ours and the proxy's.
    template <class Executor>
    using stream = typename Inner::template stream<Executor>;

    /// @throws std::system_error  error::invalid_option: there is no proxy, or user or password are longer than 255 bytes.
    explicit basic_socks5_transport(socks5_options options, Inner below = Inner())
        : options_(std::move(options)), below_(std::move(below)) {
        if (options_.proxy.host.empty() || options_.proxy.port == 0)
            throw std::system_error(make_error_code(error::invalid_option), "SOCKS5 proxy: host and port are needed");
        if (std::max(options_.user.size(), options_.password.size()) > detail::longest_socks5_text)
            throw std::system_error(make_error_code(error::invalid_option), "SOCKS5 user or password: up to 255 bytes");
    }

    /**
     * @param token  Completion signature `void(std::error_code)`.
     * @retval error::socks5_not_spoken, socks5_login_refused, socks5_refused  The proxy. That the server refuses, or that
     *         it or its network cannot be reached, is told by the system's codes.
     */
    template <class Stream, class Token>
    auto async_connect(Stream& connection, const endpoint& to, Token&& token) const {
        return asio::async_compose<Token, void(std::error_code)>(
            detail::socks5_connect<Inner, Stream>(connection, below_, options_, to), token, connection.get_executor());
    }

  private:
    socks5_options options_;
    Inner below_;
};

/// The proxy is reached by TCP.
using socks5_transport = basic_socks5_transport<tcp_transport>;

static_assert(transport<socks5_transport>);

} // namespace rocketpush

#endif
