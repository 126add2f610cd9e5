#ifndef ROCKETCAT_PRODUCER_HPP
#define ROCKETCAT_PRODUCER_HPP

#include <rocketpush/core/credentials.hpp>
#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/transport/tls_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace rocketcat {

struct producer_settings {
    std::vector<rocketpush::endpoint> name_servers; ///< Not empty.
    std::string group = "rocketcat_producer";
    std::string topic;
    std::size_t in_flight = 64; ///< Requests under way at once.
    std::chrono::milliseconds patience{
        10000};         ///< How long a message is tried again, and how long a route is waited for.
    bool stamp = false; ///< CLOCK_REALTIME in ns, big endian, over the first 8 body bytes, when a message leaves.
    rocketpush::credentials credentials{};
    std::optional<rocketpush::tls_options> tls{}; ///< Nothing: plain TCP.
};

/// One message; `properties` in stored form (see protocol/properties.hpp). The unique key is added.
struct outgoing_message {
    std::string body;
    std::string properties;
};

struct producer_totals {
    std::uint64_t sent = 0; ///< Messages that a broker confirmed.
    std::uint64_t failed =
        0; ///< Messages given up. A broker may have stored one all the same, if only its answer was lost.
    std::uint64_t bytes    = 0; ///< Of the bodies of those sent.
    std::uint64_t requests = 0; ///< Confirmed.
    std::uint64_t retries  = 0; ///< Requests sent again, on another queue.
    std::string problem{};      ///< Why a request last failed; empty: none has.
};

/**
 * @brief Sends messages to one topic: pipelined, in turn over its writable queues, and again on another queue when one fails.
 *
 * Just enough of a producer for a command line: it has no transactions and no compression, and tells brokers of
 * itself only by sending. It shows that the library's connections and requests carry other things than a consumer.
 *
 * @par Thread safety  All from any thread; the network has a thread of its own.
 * @par Source         Java `DefaultMQProducerImpl.sendDefaultImpl`, `TopicPublishInfo`.
 */
class producer {
  public:
    /// @throws std::system_error  The settings of TLS cannot be used.
    explicit producer(producer_settings settings);
    producer(const producer&)            = delete;
    producer& operator=(const producer&) = delete;
    ~producer();

    /**
     * @brief Finds the topic's queues; of a topic that does not exist, those that a broker would make (see TBW102). Blocks, up to
     *        `patience` while the cluster is away.
     */
    std::error_code connect();

    /// Queues that are written to; of all brokers.
    std::size_t queues() const;

    /// Blocks while `in_flight` requests are under way. @return Whether there is room.
    bool wait_for_room(std::chrono::milliseconds limit);

    /// Begins to send these messages in one request; several become a batch.
    void send(std::vector<outgoing_message> together);

    /// @return Whether nothing is under way any more.
    bool wait_until_idle(std::chrono::milliseconds limit);

    /// What is under way gets no other try.
    void give_up() noexcept;

    producer_totals totals() const;

  private:
    class pipeline;
    std::shared_ptr<pipeline> pipeline_;
};

} // namespace rocketcat

#endif
