#ifndef ROCKETPUSH_ALLOCATION_CIRCLE_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_CIRCLE_ALLOCATION_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Deals the queues out one by one, as cards: queue k goes to member `k % members`.
 *
 * Eight queues over three members: 0 3 6, 1 4 7, 2 5. With several brokers each member reads from all of them.
 *
 * @par Source  Java `AllocateMessageQueueAveragelyByCircle`; the same shares. Differs: no queues is an empty share
 *              here, a throw there.
 */
struct circle_allocation {
    static constexpr std::string_view name() noexcept { return "AVG_BY_CIRCLE"; }

    /**
     * @return Every n-th queue from the rank of `request.self` on, with n members; empty if it has none.
     * @retval error::not_a_member  `request.self` is not among `request.members`.
     */
    allocation allocate(const allocation_request& request) const {
        const auto self = std::ranges::find(request.members, request.self);
        if (self == request.members.end())
            return error::not_a_member;
        std::vector<message_queue> share;
        for (auto k = static_cast<std::size_t>(self - request.members.begin()); k < request.queues.size();
             k += request.members.size())
            share.push_back(request.queues[k]);
        return share;
    }
};

static_assert(allocation_strategy<circle_allocation>);

} // namespace rocketpush

#endif
