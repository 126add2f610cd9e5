#ifndef ROCKETCAT_CLUSTER_VIEW_HPP
#define ROCKETCAT_CLUSTER_VIEW_HPP

#include <rocketpush/core/credentials.hpp>
#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/protocol/bodies_connections.hpp>
#include <rocketpush/protocol/bodies_progress.hpp>
#include <rocketpush/protocol/bodies_route.hpp>
#include <rocketpush/transport/tls_options.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace rocketcat {

/// A question has no answer; `what()` is the one line that says why.
struct view_failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// How a cluster is reached.
struct cluster_access {
    std::vector<rocketpush::endpoint> name_servers;
    rocketpush::credentials credentials{};
    std::optional<rocketpush::tls_options> tls{}; ///< Nothing: plain TCP.
};

/// A consumer group as its brokers know it.
struct group_view {
    std::vector<rocketpush::protocol::queue_consumption> queues{}; ///< By topic, broker and id; the retry topic's last.
    std::vector<std::string>
        owners{}; ///< Of each queue, the client id; empty: nobody said so. Empty list: not asked for.
    std::vector<rocketpush::protocol::consumer_connection> members{}; ///< By client id.
    std::string message_model{}, consume_type{};                      ///< Empty: nobody is there.
    std::vector<std::string> problems{};                              ///< Brokers that did not answer, and why.
};

/// A topic as the name server and its brokers know it.
struct topic_view {
    rocketpush::protocol::route_data route;
    std::vector<rocketpush::protocol::queue_extent> queues{}; ///< By broker and id.
    std::vector<std::string> problems{};
};

/**
 * @brief Asks name servers and brokers about groups and topics, from outside: it is in no group and changes nothing.
 *
 * Each question blocks. A broker that is away is told of beside what the others say; only when none answers it is a failure.
 *
 * @par Thread safety  One question at a time; the network has a thread of its own.
 * @par Source         Java `DefaultMQAdminExtImpl.examineConsumeStats`, `examineTopicStats`.
 */
class cluster_view {
  public:
    /// @throws std::system_error  The settings of TLS cannot be used.
    explicit cluster_view(const cluster_access& access);
    cluster_view(const cluster_view&)            = delete;
    cluster_view& operator=(const cluster_view&) = delete;
    ~cluster_view();

    /**
     * @param group   As the broker knows it, with its namespace.
     * @param topics  Only of these; empty: all that it reads or has read, its retry topic included.
     * @param owners  Ask each member which queues it holds.
     * @throw view_failure
     */
    group_view group(const std::string& group, const std::vector<std::string>& topics, bool owners);

    /// @throw view_failure
    topic_view topic(const std::string& topic);

  private:
    class inquiry;
    std::shared_ptr<inquiry> inquiry_;
};

} // namespace rocketcat

#endif
