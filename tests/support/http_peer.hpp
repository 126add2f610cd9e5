#ifndef ROCKETPUSH_TESTS_SUPPORT_HTTP_PEER_HPP
#define ROCKETPUSH_TESTS_SUPPORT_HTTP_PEER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/manual_runtime.hpp"
#include "tests/support/memory_peer.hpp"

namespace rocketpush::test {

/**
 * @brief A server in a memory network that gives every HTTP request the same answer; none, until it is told one.
 * @par Thread safety  One thread: the runtime's.
 */
class http_peer {
  public:
    http_peer(manual_runtime& runtime, const std::shared_ptr<memory_network>& network, const endpoint& at)
        : peer_(runtime, network, at, [this](peer_session& from) { hear(from); }) {}

    /// With status 200 from now on.
    void answer(const std::string& body) {
        answer_bytes("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    void refuse(int status) { answer_bytes("HTTP/1.1 " + std::to_string(status) + " No\r\n\r\n"); }
    /// These bytes, whatever they are. @param closes  Afterwards.
    void answer_bytes(std::string bytes, bool closes = true) {
        answer_ = std::move(bytes);
        closes_ = closes;
    }
    void fall_silent() { answer_.reset(); }

    /// The requests, as they came.
    const std::vector<std::string>& asked() const noexcept { return asked_; }
    std::size_t open_connections() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(peer_.sessions, [](const auto& each) { return !each->ended; }));
    }

  private:
    void hear(peer_session& from) {
        if (!from.received.ends_with("\r\n\r\n"))
            return;
        asked_.push_back(std::exchange(from.received, {}));
        if (!answer_)
            return;
        from.write(*answer_);
        if (closes_)
            from.close();
    }

    std::optional<std::string> answer_;
    bool closes_ = true;
    std::vector<std::string> asked_;
    memory_peer peer_;
};

} // namespace rocketpush::test

#endif
