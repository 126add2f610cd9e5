#ifndef ROCKETPUSH_REBALANCE_GROUP_WATCH_HPP
#define ROCKETPUSH_REBALANCE_GROUP_WATCH_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/protocol/bodies_connections.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/// What a subscription selects, for people; nothing for no subscription.
inline std::string selection_text(const subscription* of) {
    if (!of)
        return {};
    return of->type == filter_type::tag ? of->expression : std::string(to_string(of->type)) + ' ' + of->expression;
}

/// Whether two subscriptions of a topic select the same messages, as far as can be told. The order of tags says nothing.
inline bool selects_the_same(const subscription& one, const subscription& other) {
    if (one.type != other.type)
        return false;
    if (one.type != filter_type::tag)
        return one.expression == other.expression;
    auto these = one.tags, those = other.tags;
    std::ranges::sort(these);
    std::ranges::sort(those);
    return these == those;
}

/// A topic that two members of a group subscribe differently. An empty expression: not at all.
struct subscription_difference {
    std::string topic;
    std::string own;
    std::string other;

    friend bool operator==(const subscription_difference&, const subscription_difference&) = default;
};

/**
 * @brief Whether a member's group is as it should be: every member has another client id, and all subscribe the same. What is
 *        wrong is news once, until it changes.
 *
 * @par Thread safety  None; on the strand.
 * @par Source  None in Java's client; its console compares members' subscriptions.
 */
class group_watch {
  public:
    /// What a broker has of the group, which is what the newest heartbeat said. Where ours is newer than that it has not come yet.
    std::vector<subscription_difference> compare_with_broker(const std::vector<subscription>& own,
                                                             const std::vector<subscription>& at_broker) {
        std::vector<subscription_difference> found;
        for (const auto& each : own) {
            const auto* other = find(at_broker, each.topic);
            if (!is_retry_topic(each.topic) && other && other->version > each.version &&
                !selects_the_same(each, *other))
                found.push_back({each.topic, selection_text(&each), selection_text(other)});
        }
        return news_of(std::string(), std::move(found));
    }

    /// What another member says of itself.
    std::vector<subscription_difference> compare_with_member(const std::string& client_id,
                                                             const std::vector<subscription>& own,
                                                             const std::vector<subscription>& theirs) {
        std::vector<subscription_difference> found;
        const auto compare = [&](const std::string& topic) {
            const auto *ours = find(own, topic), *other = find(theirs, topic);
            if (is_retry_topic(topic) || (ours && other && selects_the_same(*ours, *other)))
                return;
            found.push_back({topic, selection_text(ours), selection_text(other)});
        };
        for (const auto& each : own)
            compare(each.topic);
        for (const auto& each : theirs)
            if (!find(own, each.topic))
                compare(each.topic);
        return news_of(client_id, std::move(found));
    }

    /// @param connections  Of the client id, at one broker. @return Whether it is news that there are several.
    bool see_connections(std::size_t connections) noexcept {
        const bool news = connections > 1 && connections != connections_;
        connections_    = connections;
        return news;
    }

    /// The member to be asked next: each gets its turn. @param ids  Of all members.
    std::optional<std::string> next_to_ask(const std::vector<protocol::consumer_connection>& members,
                                           std::string_view own_id) {
        std::vector<std::string> others;
        for (const auto& each : members)
            if (each.client_id != own_id)
                others.push_back(each.client_id);
        std::erase_if(told_, [&others](const auto& each) { // members that have left
            return !each.first.empty() && std::ranges::find(others, each.first) == others.end();
        });
        if (others.empty())
            return std::nullopt;
        std::ranges::sort(others);
        const auto next = std::ranges::upper_bound(others, asked_);
        asked_          = next == others.end() ? others.front() : *next;
        return asked_;
    }

  private:
    static const subscription* find(const std::vector<subscription>& all, const std::string& topic) noexcept {
        const auto found = std::ranges::find(all, topic, &subscription::topic);
        return found == all.end() ? nullptr : &*found;
    }

    /// Those that were not told before: of this member, nor the same ones of another.
    std::vector<subscription_difference> news_of(const std::string& of, std::vector<subscription_difference> found) {
        std::vector<subscription_difference> news;
        for (const auto& each : found) {
            const bool known = std::ranges::any_of(told_, [&each](const auto& member) {
                return std::ranges::find(member.second, each) != member.second.end();
            });
            if (!known)
                news.push_back(each);
        }
        if (found.empty())
            told_.erase(of);
        else
            told_[of] = std::move(found);
        return news;
    }

    std::map<std::string, std::vector<subscription_difference>> told_; ///< By client id; of none: the broker.
    std::size_t connections_ = 0;
    std::string asked_;
};

} // namespace rocketpush

#endif
