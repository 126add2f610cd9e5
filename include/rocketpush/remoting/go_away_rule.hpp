#ifndef ROCKETPUSH_REMOTING_GO_AWAY_RULE_HPP
#define ROCKETPUSH_REMOTING_GO_AWAY_RULE_HPP

#include <rocketpush/core/error.hpp>

#include <utility>

namespace rocketpush {

/**
 * @brief What to do when a server that shuts down answers GO_AWAY (1500): connect anew and repeat the request once, for another
 *        server may be behind the address by now. Twice in a row is an error.
 * @par Source  Java `NettyRemotingClient.processGoAway`.
 */
class go_away_rule {
  public:
    /// @return Whether the request that was answered by `code` is to be repeated at once, on another connection.
    bool answered(response_code code) noexcept {
        if (code == response_code::go_away)
            return !std::exchange(repeated_, true);
        repeated_ = false;
        return false;
    }

  private:
    bool repeated_ = false;
};

} // namespace rocketpush

#endif
