#ifndef ROCKETPUSH_TESTS_SIMULATION_SERVERS_HPP
#define ROCKETPUSH_TESTS_SIMULATION_SERVERS_HPP

#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/protocol/bodies_route.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/support/memory_peer.hpp"

// Compiled once, in servers.cpp.
extern template class rocketpush::embedded::broker_server<rocketpush::simulation::sim_transport, rocketpush::test::manual_runtime>;
extern template class rocketpush::embedded::basic_broker<rocketpush::simulation::sim_transport, rocketpush::test::manual_runtime>;

namespace rocketpush::simulation {

using sim_broker = embedded::basic_broker<sim_transport, manual_runtime>;

/// Makes a broker on the machine of its name.
std::unique_ptr<sim_broker> make_broker(const manual_runtime& runtime, const std::shared_ptr<network>& in, embedded::broker_options with);

/// What a name server is wrong about at the moment.
enum class opinion { right, stale, empty, without_first };

/// A name server that knows all brokers of the world.
class name_server {
  public:
    name_server(manual_runtime& runtime, const std::shared_ptr<network>& in, std::string name);

    void add(const sim_broker& broker) { brokers_.push_back(&broker); }
    void say(opinion what);
    const endpoint& address() const noexcept { return peer_.at; }

  private:
    using session = test::basic_peer_session<sim_transport>;

    protocol::route_data route(const std::string& topic) const;
    void answer(session& of);

    std::vector<const sim_broker*> brokers_;
    opinion opinion_ = opinion::right;
    mutable std::map<std::string, protocol::route_data> last_; ///< What was said of a topic, for `stale`.
    test::basic_peer<sim_transport> peer_;
};

/// Sets a group's offset at a broker, as if the broker had lost later commits in a crash.
void roll_back(const manual_runtime& runtime, const std::shared_ptr<network>& in, const endpoint& broker, const std::string& group,
               const std::string& topic, std::int32_t queue, queue_offset to);

} // namespace rocketpush::simulation

#endif
