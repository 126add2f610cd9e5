#ifndef ROCKETPUSH_EMBEDDED_QUEUE_LOCKS_HPP
#define ROCKETPUSH_EMBEDDED_QUEUE_LOCKS_HPP

#include <rocketpush/core/message_queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rocketpush::embedded {

/**
 * @brief Which member of a group may consume a queue in order.
 *
 * A lock belongs to a client id, whatever its connection; each request for it renews it. Nothing is checked: a queue that
 * does not exist can be locked, as at a real broker.
 *
 * @par Source  Java `RebalanceLockManager`.
 */
class queue_locks {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @param lifetime  A lock that was not renewed for longer belongs to nobody.
    explicit queue_locks(std::chrono::milliseconds lifetime) : lifetime_(lifetime) {}

    /// @return Whether `client_id` has the lock now.
    bool lock(std::string_view group, const message_queue& queue, std::string_view client_id, time_point now) {
        auto& held = groups_.try_emplace(std::string(group)).first->second.try_emplace(queue).first->second;
        if (!held.owner.empty() && held.owner != client_id && alive(held, now))
            return false;
        held.owner   = client_id;
        held.renewed = now;
        return true;
    }

    /// Only the owner can.
    void unlock(std::string_view group, const message_queue& queue, std::string_view client_id) {
        const auto found = groups_.find(group);
        if (found == groups_.end())
            return;
        const auto held = found->second.find(queue);
        if (held != found->second.end() && held->second.owner == client_id)
            found->second.erase(held);
    }

    /// Client id of who has the lock; empty if nobody has.
    std::string_view owner(std::string_view group, const message_queue& queue, time_point now) const {
        const auto found = groups_.find(group);
        if (found == groups_.end())
            return {};
        const auto held = found->second.find(queue);
        return held != found->second.end() && alive(held->second, now) ? std::string_view(held->second.owner)
                                                                       : std::string_view();
    }

    /// Ends all locks of a group. @return How many were held.
    std::size_t expire(std::string_view group, time_point now) {
        const auto found = groups_.find(group);
        if (found == groups_.end())
            return 0;
        const auto held = std::ranges::count_if(found->second, [&](const auto& one) { return alive(one.second, now); });
        groups_.erase(found);
        return static_cast<std::size_t>(held);
    }

    /// Whether any queue of the group is locked: then the group consumes in order.
    bool any(std::string_view group, time_point now) const {
        const auto found = groups_.find(group);
        return found != groups_.end() &&
               std::ranges::any_of(found->second, [&](const auto& one) { return alive(one.second, now); });
    }

  private:
    struct held_lock {
        std::string owner;
        time_point renewed;
    };

    bool alive(const held_lock& held, time_point now) const noexcept { return now - held.renewed <= lifetime_; }

    std::chrono::milliseconds lifetime_;
    std::map<std::string, std::unordered_map<message_queue, held_lock>, std::less<>> groups_;
};

} // namespace rocketpush::embedded

#endif
