#ifndef ROCKETPUSH_ALLOCATION_AVERAGE_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_AVERAGE_ALLOCATION_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace rocketpush {

/**
 * @brief Gives every member one contiguous run of queues; the first `queues % members` members get one queue more.
 *
 * Eight queues over three members: 0-2, 3-5, 6-7.
 *
 * @par Source  Java `AllocateMessageQueueAveragely`; the same shares, so Java and C++ members can be in one group.
 *              Differs: no queues is an empty share here, a throw there.
 */
struct average_allocation {
    static constexpr std::string_view name() noexcept { return "AVG"; }

    /**
     * @param request  Members and queues, sorted alike on every client.
     * @return The run of `request.self`; empty if it has none.
     * @retval error::not_a_member  `request.self` is not among `request.members`.
     */
    allocation allocate(const allocation_request& request) const {
        const auto self = std::ranges::find(request.members, request.self);
        if (self == request.members.end())
            return error::not_a_member;
        const auto rank  = static_cast<std::size_t>(self - request.members.begin());
        const auto share = request.queues.size() / request.members.size();
        const auto extra = request.queues.size() % request.members.size();
        const auto run   = request.queues.subspan(rank * share + std::min(rank, extra), share + (rank < extra ? 1 : 0));
        return std::vector(run.begin(), run.end());
    }
};

static_assert(allocation_strategy<average_allocation>);

} // namespace rocketpush

#endif
