#ifndef ROCKETPUSH_EMBEDDED_ACCOUNT_HPP
#define ROCKETPUSH_EMBEDDED_ACCOUNT_HPP

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief Somebody whose requests a broker answers, and what he may do. A consumer needs its group and each topic.
 *
 * @par Source  A user with its ACL of 5.x, an account of `plain_acl.yml` of 4.9; without addresses and kinds of access.
 */
struct account {
    std::string access_key;
    std::string secret_key;
    std::vector<std::string> topics{}; ///< To read and to write; `*`: all.
    std::vector<std::string> groups{}; ///< To consume for, their retry topics and dead letters with them; `*`: all.
    bool admin = false;                ///< May do everything, and what administrators do.

    bool may_use_topic(std::string_view topic) const { return admin || holds(topics, topic); }
    bool may_use_group(std::string_view group) const { return admin || holds(groups, group); }

  private:
    static bool holds(const std::vector<std::string>& names, std::string_view wanted) {
        return std::ranges::any_of(names, [wanted](const auto& name) { return name == "*" || name == wanted; });
    }
};

} // namespace rocketpush::embedded

#endif
