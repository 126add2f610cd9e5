#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_NAME_SERVER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_NAME_SERVER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/protocol/bodies_route.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/scenario/support/virtual_cluster.hpp"
#include "tests/support/memory_peer.hpp"

namespace rocketpush::test {

/// A name server that knows several brokers, and says of a topic what all of them say together.
class name_server {
  public:
    explicit name_server(manual_runtime& runtime, std::shared_ptr<memory_network> network,
                         endpoint at = {"names", 9876});

    /// `names:9876`
    std::string address() const { return to_string(peer_.at); }

    /// From now on it knows this broker, which outlives it or is removed before.
    void add(const virtual_broker& broker) { brokers_.push_back(&broker); }
    void remove(const virtual_broker& broker) { std::erase(brokers_, &broker); }

    /// From now on it says of each topic what it would say now, until `thaw`.
    void freeze(const std::string& topic) { frozen_[topic] = route(topic); }
    void thaw() { frozen_.clear(); }

    /// What it says is changed by this, if set.
    std::function<void(const std::string& topic, protocol::route_data&)> change;

    /// Times it was asked for a topic's route.
    int asked(const std::string& topic) const {
        const auto found = asked_.find(topic);
        return found == asked_.end() ? 0 : found->second;
    }

  private:
    protocol::route_data route(const std::string& topic) const;
    void answer(peer_session& session);

    std::vector<const virtual_broker*> brokers_;
    std::map<std::string, protocol::route_data> frozen_;
    std::map<std::string, int> asked_;
    memory_peer peer_;
};

/// The cluster with a second broker, and a name server that knows both.
class broker_pair : public virtual_cluster {
  public:
    explicit broker_pair(embedded::broker_options with = {});
    ~broker_pair();

    virtual_broker& first() { return broker(); }
    virtual_broker& second() { return *second_; }

    /// Options of a member that asks the name server.
    options member_options(std::string group = "billing") const {
        auto with         = virtual_cluster::member_options(std::move(group));
        with.name_servers = names.address();
        return with;
    }

    name_server names;

  private:
    std::optional<virtual_broker> second_;
};

} // namespace rocketpush::test

#endif
