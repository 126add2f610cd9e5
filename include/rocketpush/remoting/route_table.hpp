#ifndef ROCKETPUSH_REMOTING_ROUTE_TABLE_HPP
#define ROCKETPUSH_REMOTING_ROUTE_TABLE_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/bodies.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
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
 * A value: it is told routes and answers questions. A topic that vanished keeps its last route, as in Java; a route without brokers
 * never replaces a good one, one without a queue to read only when it is told for the third time in a row, nor an older one of
 * a static topic a newer one, unless that was doubted.
 *
 * @par Source  Java `MQClientInstance.topicRouteTable`, `brokerAddrTable`, `topicEndPointsTable`.
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
        fresh.homes = find_homes(route.mappings);
        for (const auto& [name, home] : fresh.homes)
            for (std::int32_t id = 0; id < static_cast<std::int32_t>(home.leaders.size()); ++id)
                fresh.queues.push_back({topic, name, id});
        // A static topic's queues are shared out whatever their brokers permit: Java members see them all.
        for (const auto& each : route.queue_datas)
            if ((each.perm & readable) != 0 && fresh.homes.empty())
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
        if (fresh.brokers.empty() && !known.brokers.empty())
            return false;
        // Its brokers may be coming and going at this moment; who says the same again and again means it.
        if (fresh.queues.empty() && !known.queues.empty() && ++known.emptied <= most_emptied)
            return false;
        known.emptied = 0;
        // A name server may not have heard yet; one that tells the same again and again has.
        if (fresh.epoch() < known.epoch() && !known.doubted && ++known.ignored <= most_ignored)
            return false;
        known.doubted = false;
        known.ignored = 0;
        if (fresh == known)
            return false;
        for (const auto& [name, replicas] : known.brokers)
            if (const auto master = replicas.find(broker_address::master);
                master != replicas.end() && !fresh.brokers.contains(name))
                former_[name] = master->second;
        static_cast<entry&>(known) = std::move(fresh);
        ++version_;
        return true;
    }

    /// A broker says that it is not what the route of a static topic says: the next route holds even if it is older.
    void doubt(const std::string& topic) {
        if (const auto found = topics_.find(topic); found != topics_.end())
            found->second.doubted = true;
    }

    /// Whether the newest route had no queue to read and is not believed yet: another one should be asked for soon.
    bool is_uncertain(const std::string& topic) const {
        const auto found = topics_.find(topic);
        return found != topics_.end() && found->second.emptied != 0;
    }

    /// Whether the topic is static: its queues have no broker of their own.
    bool is_static(const std::string& topic) const {
        const auto found = topics_.find(topic);
        return found != topics_.end() && !found->second.homes.empty();
    }

    /// Whether every queue of a static topic has a broker that leads it; true for any other topic.
    bool is_led(const std::string& topic) const {
        const auto found = topics_.find(topic);
        return found == topics_.end() || std::ranges::all_of(found->second.homes, [](const auto& each) {
                   return std::ranges::none_of(each.second.leaders, &std::string::empty);
               });
    }

    /// The broker that has a queue; that of a static topic's queue changes. Empty if nobody has it. The view ends with the
    /// queue, or the next update.
    std::string_view home(const message_queue& queue) const {
        if (!is_static_topic_broker(queue.broker_name)) [[likely]]
            return queue.broker_name;
        const auto route = topics_.find(queue.topic);
        if (route == topics_.end() || queue.queue_id < 0)
            return {};
        const auto id    = static_cast<std::size_t>(queue.queue_id);
        const auto found = route->second.homes.find(queue.broker_name);
        return found == route->second.homes.end() || id >= found->second.leaders.size()
                   ? std::string_view()
                   : std::string_view(found->second.leaders[id]);
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
    /// The same for the broker that has a queue.
    result<broker_address> address(const message_queue& queue, std::int64_t wanted = broker_address::master,
                                   bool any_replica = false) const {
        return address(home(queue), wanted, any_replica);
    }

    /// Where the master of a broker was that a route had once. It may be there still: a name server that was restarted knows no
    /// broker that has not registered since, which takes up to 30 s.
    std::optional<endpoint> former_master(std::string_view broker_name) const {
        const auto found = former_.find(broker_name);
        return found == former_.end() ? std::nullopt : std::optional(found->second);
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

    /// The queues of one scope of a static topic, and who leads each.
    struct static_home {
        std::int64_t epoch = 0;           ///< The newest.
        std::vector<std::string> leaders; ///< Broker names, by queue id.

        bool operator==(const static_home&) const = default;
    };
    using static_homes = std::map<std::string, static_home, std::less<>>; ///< By what its queues have as broker name.

    struct entry {
        std::map<std::string, std::map<std::int64_t, endpoint>, std::less<>> brokers;
        std::vector<message_queue> queues;
        std::vector<std::string> writers;
        static_homes homes;

        bool operator==(const entry&) const = default;

        std::int64_t epoch() const noexcept {
            std::int64_t newest = 0;
            for (const auto& [name, home] : homes)
                newest = std::max(newest, home.epoch);
            return newest;
        }
    };

    struct known_route : entry {
        bool doubted = false; ///< The next route holds, be it newer or older.
        int ignored  = 0;     ///< Older routes since the last one that was not.
        int emptied  = 0;     ///< Routes without a queue since the last one that had some.
    };
    static constexpr int most_ignored = 10;
    static constexpr int most_emptied = 2;

    /// Of the brokers that claim a queue, the one of the highest epoch leads it.
    static static_homes find_homes(std::vector<protocol::queue_mapping> mappings) {
        std::ranges::sort(mappings, [](const auto& a, const auto& b) {
            return std::tie(a.epoch, a.broker_name) < std::tie(b.epoch, b.broker_name);
        });
        static_homes homes;
        for (const auto& each : mappings) {
            auto& home = homes[static_topic_broker(each.scope)];
            home.epoch = each.epoch;
            home.leaders.resize(std::max(home.leaders.size(), static_cast<std::size_t>(each.total_queues)));
        }
        for (const auto& each : mappings) {
            auto& leaders = homes[static_topic_broker(each.scope)].leaders;
            for (const auto& [id, physical] : each.physical_ids)
                if (id >= 0 && static_cast<std::size_t>(id) < leaders.size())
                    leaders[static_cast<std::size_t>(id)] = each.broker_name;
        }
        return homes;
    }

    std::map<std::string, known_route> topics_;
    std::map<std::string, endpoint, std::less<>> former_; ///< Masters of brokers that went from a route.
    std::uint64_t version_ = 1;
};

} // namespace rocketpush

#endif
