#ifndef ROCKETPUSH_EXAMPLES_METRICS_SERVER_HPP
#define ROCKETPUSH_EXAMPLES_METRICS_SERVER_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

/**
 * @brief Answers `GET /metrics` on a thread of its own: as much of HTTP as Prometheus needs, and no more.
 *
 * A server that an application has anyway is better than this one; what it has to do is in `metrics_server.cpp`, in `answer_to`.
 * Who connects gets 5 s and 8 KiB for a request; at most 16 at once, further ones wait. Everybody who can connect is answered,
 * so it belongs on an address that only the monitoring reaches.
 */
class metrics_server {
  public:
    /// @param page  Makes the page anew for each request, on the server's thread; empty: there are no figures now.
    /// @throw std::system_error  The address is taken, or is none.
    metrics_server(const std::string& address, std::uint16_t port, std::function<std::string()> page);
    /// Requests under way end without an answer.
    ~metrics_server();

    /// The one it listens at; of interest when it was to be any, 0.
    std::uint16_t port() const;

  private:
    struct inside;
    std::unique_ptr<inside> inside_;
};

/// What a server there answers to `GET path`, its head included; what Prometheus does every few seconds.
/// @throw std::system_error
std::string http_get(const std::string& address, std::uint16_t port, std::string_view path);

#endif
