#ifndef ROCKETPUSH_REMOTING_ROUTE_TABLE_HPP
#define ROCKETPUSH_REMOTING_ROUTE_TABLE_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/bodies.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush {

/// A broker address and which of the broker's replicas it is.
struct broker_address {
    static constexpr std::int64_t master = 0;

    endpoint where;
    std::int64_t id = master;
};

/**
 * @brief What the name servers said: which queues a topic has, and where its brokers are.
 *
 * A value: it is told routes and answers questions. A topic that vanished keeps its last route, as in Java; an empty
 * route never replaces a good one.
 *
 * @par Source  Java `MQClientInstance.topicRouteTable`, `brokerAddrTable`.
 */
class route_table {
  public:
    /// Takes in a route. @return Whether it differs from what was known.
    bool update(const std::string& topic, const protocol::route_data& route) {
        entry fresh;
        for (const auto& each : route.broker_datas) {
            auto& addresses = fresh.brokers[each.broker_name];
            for (const auto& [id, text] : each.broker_addrs)
                if (auto parsed = parse_endpoint(text))
                    addresses.emplace(id, std::move(*parsed));
        }
        for (const auto& each : route.queue_datas)
            if ((each.perm & readable) != 0)
                for (std::int32_t id = 0; id < each.read_queue_nums; ++id)
                    fresh.queues.push_back({topic, each.broker_name, id});
        std::ranges::sort(fresh.queues);
        for (const auto& each : route.queue_datas) {
            const auto home = fresh.brokers.find(each.broker_name);
            if ((each.perm & writable) != 0 && each.write_queue_nums > 0 && home != fresh.brokers.end() &&
                home->second.contains(broker_address::master))
                fresh.writers.push_back(each.broker_name);
        }
        std::ranges::sort(fresh.writers);
        auto& known = topics_[topic];
        if ((fresh.brokers.empty() && !known.brokers.empty()) || fresh == known)
            return false;
        known = std::move(fresh);
        ++version_;
        return true;
    }

    void forget(const std::string& topic) { topics_.erase(topic); }

    /// Grows with every change, so that what was looked up can be kept until then.
    std::uint64_t version() const noexcept { return version_; }

    bool knows(const std::string& topic) const {
        const auto found = topics_.find(topic);
        return found != topics_.end() && !found->second.brokers.empty();
    }

    /// The topic's readable queues in the group's order; empty if its route is not known.
    const std::vector<message_queue>& queues(const std::string& topic) const {
        static const std::vector<message_queue> none;
        const auto found = topics_.find(topic);
        return found == topics_.end() ? none : found->second.queues;
    }

    /// The brokers that take messages of the topic, in name order: those with a master and a queue that may be written.
    const std::vector<std::string>& writers(const std::string& topic) const {
        static const std::vector<std::string> none;
        const auto found = topics_.find(topic);
        return found == topics_.end() ? none : found->second.writers;
    }

    /**
     * @brief Where to send a request for a broker.
     * @param wanted       Replica id; 0 is the master.
     * @param any_replica  Whether another replica will do when the wanted one has no address: then a slave falls back to
     *                     the next id, everything else to the lowest.
     * @retval error::no_broker_address
     */
    result<broker_address> address(std::string_view broker_name, std::int64_t wanted = broker_address::master,
                                   bool any_replica = false) const {
        for (const auto& [topic, route] : topics_) {
            const auto found = route.brokers.find(broker_name);
            if (found == route.brokers.end() || found->second.empty())
                continue;
            const auto& replicas = found->second;
            auto chosen          = replicas.find(wanted);
            if (chosen == replicas.end() && any_replica && wanted != broker_address::master)
                chosen = replicas.find(wanted + 1);
            if (chosen == replicas.end() && any_replica)
                chosen = replicas.begin();
            if (chosen != replicas.end())
                return broker_address{chosen->second, chosen->first};
        }
        return error::no_broker_address;
    }

    /// One address for each broker of a topic (the master if there is one), in broker name order.
    std::vector<endpoint> brokers_of(const std::string& topic) const {
        std::vector<endpoint> found;
        if (const auto route = topics_.find(topic); route != topics_.end())
            for (const auto& [name, replicas] : route->second.brokers)
                if (!replicas.empty())
                    found.push_back(replicas.begin()->second);
        return found;
    }

    /// Every address of every broker of every route, each once: where heartbeats go.
    std::vector<endpoint> all_addresses() const {
        std::vector<endpoint> found;
        for (const auto& [topic, route] : topics_)
            for (const auto& [name, replicas] : route.brokers)
                for (const auto& [id, where] : replicas)
                    if (std::ranges::find(found, where) == found.end())
                        found.push_back(where);
        return found;
    }

  private:
    static constexpr int readable = 4, writable = 2;

    struct entry {
        std::map<std::string, std::map<std::int64_t, endpoint>, std::less<>> brokers;
        std::vector<message_queue> queues;
        std::vector<std::string> writers;

        bool operator==(const entry&) const = default;
    };

    std::map<std::string, entry> topics_;
    std::uint64_t version_ = 1;
};

} // namespace rocketpush

#endif
