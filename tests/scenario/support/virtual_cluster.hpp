#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_CLUSTER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_CLUSTER_HPP

#include <rocketpush/core/options.hpp>
#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/scenario/support/event_log.hpp"
#include "tests/support/manual_runtime.hpp"

// Compiled once, in virtual_cluster.cpp.
extern template class rocketpush::embedded::broker_server<rocketpush::memory_transport, rocketpush::test::manual_runtime>;
extern template class rocketpush::embedded::basic_broker<rocketpush::memory_transport, rocketpush::test::manual_runtime>;

namespace rocketpush::test {

using namespace std::chrono_literals;

using virtual_broker = embedded::basic_broker<memory_transport, manual_runtime>;

/**
 * @brief A broker in virtual time, on a network in memory: what members of a test talk to. Everything is in the test's
 *        thread, and the same test gives the same run.
 */
class virtual_cluster {
  public:
    explicit virtual_cluster(embedded::broker_options with = {}, memory_network_options links = {});
    virtual_cluster(const virtual_cluster&)            = delete;
    virtual_cluster& operator=(const virtual_cluster&) = delete;
    ~virtual_cluster();

    manual_runtime runtime;
    std::shared_ptr<memory_network> network;
    std::shared_ptr<event_log> events = std::make_shared<event_log>(); ///< Of all members.

    virtual_broker& broker() { return *broker_; }
    /// It listens here, and this is what routes say.
    const endpoint& address() const noexcept { return address_; }

    /// As if the process had ended: connections are reset, memory and all messages are gone.
    void stop_broker();
    /// An empty one at the same address.
    void start_broker();

    /// The network to the broker breaks: connections are reset, new ones refused (or never answered).
    void cut_off(memory_network::reach how = memory_network::reach::refused);
    void reconnect();

    /// Options that a member of group `billing` wants here; all messages from the first on.
    options member_options(std::string group = "billing") const;

    /// Sends `count` messages "PREFIX0", "PREFIX1", ... to the topic's queues in turn.
    void send(const std::string& topic, int count, const std::string& prefix = "m", embedded::send_options with = {});

    /// Sum of what the group has committed in all queues of the topic.
    queue_offset committed(const std::string& topic, std::int32_t queues, const std::string& group = "billing");

    template <class Predicate>
    bool run_until(Predicate done, std::chrono::steady_clock::duration limit = 1min) {
        return runtime.run_until(std::move(done), limit);
    }

  private:
    embedded::broker_options broker_options_;
    endpoint address_;
    std::optional<virtual_broker> broker_;
};

} // namespace rocketpush::test

#endif
