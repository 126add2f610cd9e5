#ifndef ROCKETPUSH_EMBEDDED_CONSUMER_GROUPS_HPP
#define ROCKETPUSH_EMBEDDED_CONSUMER_GROUPS_HPP

#include <rocketpush/core/subscription.hpp>
#include <rocketpush/embedded/condition.hpp>
#include <rocketpush/embedded/condition_parser.hpp>
#include <rocketpush/embedded/outbox.hpp>
#include <rocketpush/protocol/bodies_heartbeat.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// One client in a group. A client that comes again on another connection is a second member until the first has gone.
struct group_member {
    connection_id connection = 0;
    std::string client_id;
    std::int32_t version = 0;
    std::chrono::steady_clock::time_point last_heartbeat{};
};

/// A subscription's condition, and the version of the subscription that it is from.
struct compiled_filter {
    std::shared_ptr<const condition> wanted;
    std::int64_t version = 0;
};

/// A group with members. One set of subscriptions for all of them, as at a real broker: the newest heartbeat wins.
struct consumer_group {
    std::vector<group_member> members; ///< In the order in which they came.
    std::map<std::string, subscription, std::less<>> subscriptions;
    std::map<std::string, compiled_filter, std::less<>> conditions; ///< Of SQL92 subscriptions, by topic.
    std::string consume_type;
    std::string message_model;
    std::string consume_from_where;
};

/**
 * @brief Who is in which consumer group, by connection, and what each group subscribes.
 *
 * A group whose last member leaves is forgotten; its committed offsets are not kept here.
 *
 * @par Thread safety  None.
 * @par Source         Java `ConsumerManager`, `ConsumerGroupInfo`.
 */
class consumer_groups {
  public:
    /// @return Whether the group has a new member, or subscribes to other topics than before.
    bool join(connection_id connection, std::string_view client_id, std::int32_t version,
              const protocol::consumer_data& data, std::chrono::steady_clock::time_point now) {
        auto& group = groups_.try_emplace(data.group_name).first->second;

        auto member       = find_member(group, connection);
        const bool is_new = member == group.members.end();
        if (is_new)
            member = group.members.insert(group.members.end(), group_member{.connection = connection, .client_id = {}});
        member->client_id      = client_id;
        member->version        = version;
        member->last_heartbeat = now;

        group.consume_type       = data.consume_type;
        group.message_model      = data.message_model;
        group.consume_from_where = data.consume_from_where;
        return subscribe(group, data.subscriptions) || is_new;
    }

    /// @return Whether it was in the group.
    bool leave(connection_id connection, std::string_view group_name) {
        const auto group = groups_.find(group_name);
        if (group == groups_.end())
            return false;
        const auto member = find_member(group->second, connection);
        if (member == group->second.members.end())
            return false;
        group->second.members.erase(member);
        if (group->second.members.empty())
            groups_.erase(group);
        return true;
    }

    /// @return The groups that it was in.
    std::vector<std::string> leave_all(connection_id connection) {
        std::vector<std::string> left;
        for (const auto& [name, group] : groups_)
            if (std::ranges::count(group.members, connection, &group_member::connection) != 0)
                left.push_back(name);
        for (const auto& name : left)
            leave(connection, name);
        return left;
    }

    /// Null for a group without members.
    const consumer_group* find(std::string_view name) const {
        const auto found = groups_.find(name);
        return found == groups_.end() ? nullptr : &found->second;
    }

    /// Whether heartbeats on this connection have said that it is this client.
    bool has_client(connection_id connection, std::string_view client_id) const {
        return std::ranges::any_of(groups_, [&](const auto& group) {
            return std::ranges::any_of(group.second.members, [&](const group_member& member) {
                return member.connection == connection && member.client_id == client_id;
            });
        });
    }

    /// Connections whose last heartbeat was before `limit`.
    std::set<connection_id> silent_since(std::chrono::steady_clock::time_point limit) const {
        std::set<connection_id> silent;
        for (const auto& [name, group] : groups_)
            for (const auto& member : group.members)
                if (member.last_heartbeat < limit)
                    silent.insert(member.connection);
        return silent;
    }

  private:
    static std::vector<group_member>::iterator find_member(consumer_group& group, connection_id connection) {
        return std::ranges::find(group.members, connection, &group_member::connection);
    }

    /// @return Whether topics came or went. Another expression for a known topic is taken over in silence, as in Java.
    static bool subscribe(consumer_group& group, const std::vector<subscription>& wanted) {
        bool changed = false;
        for (const auto& each : wanted) {
            const auto [known, is_new] = group.subscriptions.try_emplace(each.topic, each);
            changed                    = changed || is_new;
            const bool is_newer        = each.version > known->second.version;
            if (is_newer)
                known->second = each;
            if (each.type == filter_type::sql92 && (is_new || is_newer))
                compile(group, each);
        }
        std::erase_if(group.conditions, [&wanted](const auto& known) {
            return std::ranges::count(wanted, known.first, &subscription::topic) == 0;
        });
        const auto given_up = std::erase_if(group.subscriptions, [&wanted](const auto& known) {
            return std::ranges::count(wanted, known.first, &subscription::topic) == 0;
        });
        return changed || given_up != 0;
    }

    /// An expression that does not compile leaves the former one's condition: pulls are told that it is not the latest.
    static void compile(consumer_group& group, const subscription& wanted) {
        if (auto made = compile_condition(wanted.expression).made)
            group.conditions.insert_or_assign(
                wanted.topic, compiled_filter{std::make_shared<const condition>(std::move(*made)), wanted.version});
    }

    std::map<std::string, consumer_group, std::less<>> groups_;
};

} // namespace rocketpush::embedded

#endif
