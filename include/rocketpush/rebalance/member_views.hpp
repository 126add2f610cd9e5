#ifndef ROCKETPUSH_REBALANCE_MEMBER_VIEWS_HPP
#define ROCKETPUSH_REBALANCE_MEMBER_VIEWS_HPP

#include <rocketpush/detail/java_string.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace rocketpush {

/**
 * @brief Makes one list of a group's members of what two brokers say.
 *
 * A broker lists who is connected to it, so lists differ while somebody joins or leaves, and as long as a member has lost its line
 * to one of them. Who is in one list only is a member all the same, or its queues at the other brokers would be read by two. After
 * `patience` it is none: it does not reach that broker, whose queues would be nobody's.
 *
 * With a: {one, two} and b: {two} the members are one and two; 30 s later only two.
 *
 * @par Source  Java asks one broker, chosen at random (`MQClientInstance.findConsumerIdList`).
 */
class member_views {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds patience{30};

    /// Sorts a broker's list as every member does; none twice.
    static void sort(std::vector<std::string>& list) {
        std::ranges::sort(list, [](const auto& a, const auto& b) { return detail::java_compare(a, b) < 0; });
        const auto repeated = std::ranges::unique(list);
        list.erase(repeated.begin(), repeated.end());
    }

    /// @param one, other  What two brokers say at `now`, sorted. @return The members, sorted.
    std::vector<std::string> join(const std::vector<std::string>& one, const std::vector<std::string>& other,
                                  time_point now) {
        auto members = one;
        members.insert(members.end(), other.begin(), other.end());
        sort(members);
        std::erase_if(in_one_only_, [&](const auto& each) {
            return is_in(one, each.first) == is_in(other, each.first); // in both by now, or in none
        });
        std::erase_if(members, [&](const std::string& id) {
            if (is_in(one, id) && is_in(other, id))
                return false;
            return now - in_one_only_.try_emplace(id, now).first->second >= patience;
        });
        return members;
    }

  private:
    static bool is_in(const std::vector<std::string>& list, const std::string& id) {
        return std::ranges::find(list, id) != list.end();
    }

    std::map<std::string, time_point> in_one_only_; ///< Since when.
};

} // namespace rocketpush

#endif
