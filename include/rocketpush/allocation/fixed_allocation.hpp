#ifndef ROCKETPUSH_ALLOCATION_FIXED_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_FIXED_ALLOCATION_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Reads the queues that it was given, whoever else is in the group.
 *
 * It does not share out: the lists of all members have to be disjoint, and complete, by the user's care. The retry topic
 * is a topic like the others: a member reads the group's retries if `{"%RETRY%billing", "broker-a", 0}` is in its list.
 *
 * @par Source  Java `AllocateMessageQueueByConfig`. Differs: of the list only queues that the topic has are taken, where
 *              Java takes all of it for every topic, and fails again and again to read what is not there.
 */
class fixed_allocation {
  public:
    /// @param queues  Of all topics, in any order; topics as the broker knows them (with the namespace).
    explicit fixed_allocation(std::vector<message_queue> queues) : queues_(std::move(queues)) {}

    static constexpr std::string_view name() noexcept { return "CONFIG"; }

    /// @return What of `request.queues` is in the list; also for a member that the group does not know yet.
    allocation allocate(const allocation_request& request) const {
        std::vector<message_queue> share;
        for (const auto& queue : request.queues)
            if (std::ranges::find(queues_, queue) != queues_.end())
                share.push_back(queue);
        return share;
    }

  private:
    std::vector<message_queue> queues_;
};

static_assert(allocation_strategy<fixed_allocation>);

} // namespace rocketpush

#endif
