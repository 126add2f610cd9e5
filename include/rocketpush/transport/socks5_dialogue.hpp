#ifndef ROCKETPUSH_TRANSPORT_SOCKS5_DIALOGUE_HPP
#define ROCKETPUSH_TRANSPORT_SOCKS5_DIALOGUE_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>

#include <asio/error.hpp>
#include <asio/ip/address.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rocketpush::detail {

/// The longest name of a host, of a user and the longest password that SOCKS5 can carry, bytes.
inline constexpr std::size_t longest_socks5_text = 255;

/**
 * @brief A client's side of SOCKS5, without a socket: what to send, how much to read, what the answer means.
 *
 * `while (!dialogue.done()) { write dialogue.to_send(); read dialogue.to_read() bytes; dialogue.received(bytes); }`, until
 * `received` gives an error. Names are resolved by the proxy.
 *
 * @par Source  RFC 1928, RFC 1929 (user and password). Java: `NettyRemotingClient.createChannel` with `socksProxyConfig`.
 */
class socks5_dialogue {
  public:
    /// @param user  Empty: no login is offered.
    socks5_dialogue(const endpoint& to, std::string_view user, std::string_view password)
        : request_(connect_request(to)) {
        if (!user.empty())
            login_ = '\1' + text_field(user) + text_field(password);
        to_send_ = login_.empty() ? std::string("\5\1\0", 3) : std::string("\5\2\0\2", 4);
    }

    /// Whether the proxy has answered in SOCKS5 at all.
    bool understood() const noexcept { return step_ != step::greeting; }
    bool done() const noexcept { return step_ == step::connected; }
    /// Before the next read; empty: nothing.
    std::string_view to_send() const noexcept { return to_send_; }
    /// Exactly so many bytes come next, and no byte of the server's.
    std::size_t to_read() const noexcept { return to_read_; }

    /// @param bytes  As many as `to_read()` said. @return What the proxy does not want or cannot, if so.
    std::error_code received(std::string_view bytes) {
        to_send_.clear();
        const auto at = [bytes](std::size_t index) { return static_cast<unsigned char>(bytes[index]); };
        switch (step_) {
        case step::greeting:
            if (at(0) != 5)
                return error::socks5_not_spoken;
            if (at(1) == 2 && !login_.empty())
                return next(step::login, login_, 2);
            if (at(1) == 0)
                return next(step::verdict, request_, 2);
            return at(1) == 0xff ? error::socks5_login_refused : error::socks5_not_spoken;
        case step::login:
            return at(1) == 0 ? next(step::verdict, request_, 2) : make_error_code(error::socks5_login_refused);
        case step::verdict:
            if (at(0) != 5)
                return error::socks5_not_spoken;
            if (at(1) != 0)
                return meaning(at(1));
            return next(step::address, {}, 3);
        case step::address: { // where the proxy connected from, of no interest: its kind, and its first byte
            const std::size_t rest = at(1) == 1 ? 3 + 2 : at(1) == 4 ? 15 + 2 : at(1) == 3 ? at(2) + std::size_t(2) : 0;
            return rest ? next(step::rest, {}, rest) : make_error_code(error::socks5_not_spoken);
        }
        case step::rest:
        case step::connected: step_ = step::connected; return {};
        }
        return {};
    }

  private:
    enum class step { greeting, login, verdict, address, rest, connected };

    std::error_code next(step what, std::string_view send, std::size_t read) {
        step_ = what;
        to_send_.assign(send);
        to_read_ = read;
        return {};
    }

    static std::string text_field(std::string_view text) {
        return static_cast<char>(text.size()) + std::string(text.substr(0, longest_socks5_text));
    }

    static std::string connect_request(const endpoint& to) {
        std::string request("\5\1\0", 3);
        std::error_code not_numeric;
        const auto address = asio::ip::make_address(to.host, not_numeric);
        const auto append  = [&request](char kind, const auto& bytes) {
            request += kind;
            request.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        };
        if (not_numeric)
            append('\3', text_field(to.host));
        else if (address.is_v4())
            append('\1', address.to_v4().to_bytes());
        else
            append('\4', address.to_v6().to_bytes());
        request += static_cast<char>(to.port >> 8);
        request += static_cast<char>(to.port & 0xff);
        return request;
    }

    /// What the network or the server said to the proxy is told as if it had been said to us.
    static std::error_code meaning(unsigned char reply) {
        switch (reply) {
        case 3: return asio::error::network_unreachable;
        case 4: return asio::error::host_unreachable;
        case 5: return asio::error::connection_refused;
        case 6: return asio::error::timed_out; // TTL expired
        default: return error::socks5_refused; // its rules, or what it cannot do
        }
    }

    std::string login_, request_, to_send_;
    std::size_t to_read_ = 2;
    step step_           = step::greeting;
};

} // namespace rocketpush::detail

#endif
