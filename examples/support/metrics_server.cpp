#include "metrics_server.hpp"

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/observe/metrics_text.hpp>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <thread>
#include <utility>

using asio::ip::tcp;

namespace {

constexpr std::size_t most_connections = 16;
constexpr std::size_t most_request     = 8 * 1024; // bytes of its head; it has no body
constexpr std::chrono::seconds patience{5};

std::string answer(std::string_view status, std::string_view media_type, std::string_view body) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                       media_type, body.size(), status.starts_with("405") ? "Allow: GET\r\n" : "", body);
}

/// @param request  From its first line to the empty one.
std::string answer_to(std::string_view request, const std::function<std::string()>& page) {
    const auto line   = request.substr(0, request.find("\r\n"));
    const auto method = line.substr(0, line.find(' '));
    const auto rest   = line.substr(std::min(line.size(), method.size() + 1));
    const auto target = rest.substr(0, rest.find_first_of(" ?"));
    if (line.find(" HTTP/1.") == line.npos)
        return answer("400 Bad Request", "text/plain", "this is no HTTP/1.1\n");
    if (method != "GET")
        return answer("405 Method Not Allowed", "text/plain", "metrics are read, with GET\n");
    if (target != "/metrics")
        return answer("404 Not Found", "text/plain", "metrics are at /metrics\n");
    const auto text = page();
    if (text.empty())
        return answer("503 Service Unavailable", "text/plain", "the consumer is not running\n");
    return answer("200 OK", rocketpush::metrics_media_type, text);
}

} // namespace

struct metrics_server::inside {
    inside(const std::string& address, std::uint16_t port, std::function<std::string()> of)
        : page(std::move(of)), acceptor(context, tcp::endpoint(asio::ip::make_address(address), port)) {
        asio::co_spawn(context, accept(*this), asio::detached);
        thread = std::thread([this] { context.run(); });
    }
    ~inside() {
        context.stop();
        thread.join();
    }

    static asio::awaitable<void> accept(inside& self) {
        asio::steady_timer pause(self.context);
        for (;;) {
            std::error_code failure;
            auto peer = co_await self.acceptor.async_accept(asio::redirect_error(asio::use_awaitable, failure));
            if (failure) { // too many files are open, say: it may become better
                pause.expires_after(std::chrono::milliseconds(100));
                co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
                continue;
            }
            ++self.connections;
            asio::co_spawn(self.context, serve(self, std::make_shared<tcp::socket>(std::move(peer))), asio::detached);
            while (self.connections == most_connections) {
                self.room.expires_at(std::chrono::steady_clock::time_point::max());
                co_await self.room.async_wait(asio::redirect_error(asio::use_awaitable, failure));
            }
        }
    }

    static asio::awaitable<void> serve(inside& self, std::shared_ptr<tcp::socket> peer) {
        asio::steady_timer deadline(self.context, patience);
        deadline.async_wait([peer](std::error_code cancelled) {
            std::error_code ignored;
            if (!cancelled)
                peer->close(ignored);
        });
        std::error_code failure;
        std::string request;
        auto buffer = asio::dynamic_buffer(request, most_request);
        co_await asio::async_read_until(*peer, buffer, "\r\n\r\n", asio::redirect_error(asio::use_awaitable, failure));
        if (!failure) {
            const auto reply = answer_to(request, self.page);
            co_await asio::async_write(*peer, asio::buffer(reply), asio::redirect_error(asio::use_awaitable, failure));
            peer->shutdown(tcp::socket::shutdown_send, failure);
        }
        --self.connections;
        self.room.cancel();
    }

    std::function<std::string()> page;
    asio::io_context context{1};
    tcp::acceptor acceptor;
    asio::steady_timer room{context};
    std::size_t connections = 0;
    std::thread thread;
};

metrics_server::metrics_server(const std::string& address, std::uint16_t port, std::function<std::string()> page)
    : inside_(std::make_unique<inside>(address, port, std::move(page))) {}
metrics_server::~metrics_server() = default;

std::uint16_t metrics_server::port() const { return inside_->acceptor.local_endpoint().port(); }

std::string http_get(const std::string& address, std::uint16_t port, std::string_view path) {
    asio::io_context context;
    tcp::socket server(context);
    server.connect({asio::ip::make_address(address), port});
    asio::write(server, asio::buffer(fmt::format("GET {} HTTP/1.1\r\nHost: {}:{}\r\n\r\n", path, address, port)));
    std::string answered;
    std::error_code end;
    asio::read(server, asio::dynamic_buffer(answered), end);
    if (end != asio::error::eof)
        throw std::system_error(end);
    return answered;
}
