#ifndef ROCKETPUSH_REMOTING_NAME_SERVER_LOOKUP_HPP
#define ROCKETPUSH_REMOTING_NAME_SERVER_LOOKUP_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/http_url.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/version.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/protocol/http_answer.hpp>
#include <rocketpush/runtime/runtime.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The name servers that a look-up's answer tells: its first line, `10.0.0.1:9876;10.0.0.2:9876`.
 * @retval error::no_name_servers  It is empty, or anything else.
 */
inline result<std::vector<endpoint>> read_looked_up(std::string_view body) {
    body      = detail::trim(body);
    auto list = parse_name_servers(body.substr(0, body.find_first_of("\r\n")));
    if (!list)
        return error::no_name_servers;
    return list;
}

/// The request for `url`. The connection is for one answer.
inline std::string http_get(const http_url& url) {
    return "GET " + url.target + " HTTP/1.1\r\nHost: " + to_string(url.server) +
           "\r\nUser-Agent: rocketpush/" ROCKETPUSH_VERSION_STRING "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

/**
 * @brief Asks a server over HTTP where the name servers are: one connection for each look-up, with a deadline, and limits on what
 *        comes (see protocol::http_answer).
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `DefaultTopAddressing`, `HttpTinyClient`.
 */
template <transport Transport, runtime Runtime>
class name_server_lookup {
  public:
    using executor_type = typename Runtime::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// @param timeout  Of a look-up as a whole.
    name_server_lookup(Runtime& runtime, Transport transport, http_url url, std::chrono::milliseconds timeout)
        : runtime_(runtime), transport_(std::move(transport)), url_(std::move(url)), timeout_(timeout) {}

    const http_url& url() const noexcept { return url_; }

    /**
     * @brief Looks the list up now. One at a time.
     * @return The list, not empty; or error::request_timed_out, error::connection_closed (before the answer's end),
     *         error::http_malformed, error::http_too_large, a status in `http_category()`, error::no_name_servers,
     *         error::operation_cancelled, or what the network says.
     */
    task<result<std::vector<endpoint>>> ask() {
        const auto talk = talk_ = std::make_shared<conversation>(runtime_); // shared with its timer
        if (closed_)
            talk->end(error::operation_cancelled);
        talk->limit.expires_at(runtime_.now() + timeout_);
        talk->limit.async_wait([talk](std::error_code ec) {
            if (!ec)
                talk->end(error::request_timed_out);
        });
        protocol::http_answer answer;
        auto failure = co_await exchange(*talk, answer);
        talk->limit.cancel();
        talk->stream.close();
        if (talk->ended)
            failure = talk->ended;
        if (failure)
            co_return failure;
        co_return read_looked_up(answer.body());
    }

    /// Ends the look-up under way, and all later ones.
    void close() {
        closed_ = true;
        if (talk_)
            talk_->end(error::operation_cancelled);
    }

  private:
    struct conversation {
        explicit conversation(Runtime& runtime) : stream(runtime.get_executor()), limit(runtime) {}

        void end(std::error_code why) {
            if (!ended)
                ended = why;
            stream.close();
        }

        typename Transport::template stream<executor_type> stream;
        typename Runtime::timer limit;
        std::error_code ended; ///< Why it was ended from outside.
    };

    task<std::error_code> exchange(conversation& talk, protocol::http_answer& answer) {
        constexpr auto wait = detail::await_tuple<executor_type>;
        if (talk.ended)
            co_return talk.ended;
        const auto [refused] = co_await transport_.async_connect(talk.stream, url_.server, wait);
        if (refused)
            co_return refused;
        const auto request = http_get(url_);
        for (std::string_view left = request; !left.empty();) {
            const auto [failure, count] = co_await talk.stream.async_write_some(asio::buffer(left.data(), left.size()), wait);
            if (failure)
                co_return failure;
            left.remove_prefix(count);
        }
        std::array<char, 4096> piece;
        while (!answer.complete()) {
            const auto [failure, count] = co_await talk.stream.async_read_some(asio::buffer(piece.data(), piece.size()), wait);
            if (failure == asio::error::eof)
                co_return answer.end();
            if (failure)
                co_return failure;
            const auto wrong = answer.take(std::string_view(piece.data(), count));
            if (wrong)
                co_return wrong;
        }
        co_return std::error_code();
    }

    Runtime runtime_;
    Transport transport_;
    http_url url_;
    std::chrono::milliseconds timeout_;
    std::shared_ptr<conversation> talk_;
    bool closed_ = false;
};

} // namespace rocketpush

#endif
