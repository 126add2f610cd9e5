#ifndef ROCKETPUSH_TESTS_SUPPORT_MEMORY_PEER_HPP
#define ROCKETPUSH_TESTS_SUPPORT_MEMORY_PEER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <asio/buffer.hpp>
#include <asio/write.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/manual_runtime.hpp"

namespace rocketpush::test {

/// The bytes of one frame of a peer, with its header parsed where it lies.
struct peer_frame {
    std::string bytes;
    protocol::header_view header;
    std::string_view body;

    explicit peer_frame(std::string_view whole) : bytes(whole) {
        const auto prefix = protocol::parse_frame_prefix(bytes.data(), bytes.size());
        ROCKETPUSH_ASSERT(prefix, "the library sends whole frames");
        const auto text   = std::string_view(bytes).substr(protocol::frame_prefix_size, prefix->header_size);
        const auto parsed = protocol::parse_header(prefix->encoding, text);
        ROCKETPUSH_ASSERT(parsed, "the library sends headers that can be parsed");
        header = *parsed;
        body   = std::string_view(bytes).substr(protocol::frame_prefix_size + prefix->header_size);
    }
    peer_frame(const peer_frame&)            = delete; // the views
    peer_frame& operator=(const peer_frame&) = delete;

    std::string field(std::string_view name) const {
        const auto found = header.field(name);
        return found ? found->to_string() : std::string();
    }
};

/// The other end of one connection: what came is kept as bytes, what the test says goes out as bytes.
template <class Transport>
class basic_peer_session : public std::enable_shared_from_this<basic_peer_session<Transport>> {
  public:
    using stream_type = typename Transport::template stream<manual_runtime::executor_type>;

    basic_peer_session(stream_type stream, std::function<void(basic_peer_session&)> on_bytes)
        : stream_(std::move(stream)), on_bytes_(std::move(on_bytes)) {}

    void read() {
        stream_.async_read_some(asio::buffer(chunk_),
                                [self = this->shared_from_this()](std::error_code ec, std::size_t count) {
                                    if (ec || self->ended) {
                                        self->ended = true;
                                        return;
                                    }
                                    self->received.append(self->chunk_.data(), count);
                                    if (self->on_bytes_) self->on_bytes_(*self);
                                    self->read();
                                });
    }

    void write(std::string bytes) {
        waiting_.push_back(std::move(bytes));
        if (waiting_.size() == 1) write_next();
    }

    void close() {
        ended = true;
        stream_.close();
    }

    /// Takes the next whole frame out of what came.
    std::shared_ptr<const peer_frame> take_frame() {
        if (received.size() < 4) return nullptr;
        const auto size = std::size_t{detail::load_big<std::uint32_t>(received.data())} + 4;
        if (received.size() < size) return nullptr;
        auto frame = std::make_shared<const peer_frame>(std::string_view(received).substr(0, size));
        received.erase(0, size);
        return frame;
    }

    std::string received;
    bool ended = false; ///< Closed by either side.

  private:
    void write_next() {
        asio::async_write(stream_, asio::buffer(waiting_.front()),
                          [self = this->shared_from_this()](std::error_code ec, std::size_t) {
                              self->waiting_.pop_front();
                              if (!ec && !self->waiting_.empty()) self->write_next();
                          });
    }

    stream_type stream_;
    std::function<void(basic_peer_session&)> on_bytes_;
    std::array<char, 16 * 1024> chunk_{};
    std::deque<std::string> waiting_;
};

/// Listens and keeps every connection that comes, in their order.
template <class Transport>
class basic_peer {
  public:
    using session_type = basic_peer_session<Transport>;

    basic_peer(manual_runtime& runtime, Transport transport, endpoint where, std::function<void(session_type&)> on_bytes = {})
        : at(std::move(where)),
          on_bytes_(std::move(on_bytes)),
          acceptor_(*transport.listen(runtime.get_executor(), at)) {
        accept();
    }
    basic_peer(const basic_peer&)            = delete;
    basic_peer& operator=(const basic_peer&) = delete;
    ~basic_peer() {
        *alive_ = false;
        for (const auto& each : sessions) each->close();
    }

    /// The connection that came last.
    session_type& last() const {
        ROCKETPUSH_ASSERT(!sessions.empty(), "a connection has come");
        return *sessions.back();
    }

    const endpoint at;
    std::vector<std::shared_ptr<session_type>> sessions;

  private:
    void accept() {
        acceptor_.async_accept([this, alive = alive_](std::error_code ec, typename session_type::stream_type stream) {
            if (ec || !*alive) return;
            sessions.push_back(std::make_shared<session_type>(std::move(stream), on_bytes_));
            sessions.back()->read();
            accept();
        });
    }

    std::function<void(session_type&)> on_bytes_;
    typename Transport::template acceptor<manual_runtime::executor_type> acceptor_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

using peer_session = basic_peer_session<memory_transport>;

/// On a network in memory.
class memory_peer : public basic_peer<memory_transport> {
  public:
    memory_peer(manual_runtime& runtime, const std::shared_ptr<memory_network>& network, endpoint where,
                std::function<void(peer_session&)> on_bytes = {})
        : basic_peer(runtime, memory_transport(network), std::move(where), std::move(on_bytes)) {}
};

} // namespace rocketpush::test

#endif
