#ifndef ROCKETPUSH_ALLOCATION_MACHINE_ROOM_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_MACHINE_ROOM_ALLOCATION_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Shares out only queues of brokers in some machine rooms; a broker named `east@broker-1` is in room `east`.
 *
 * Every member gets a run of queues, as long for all; what remains at the end is dealt out one by one. Eight queues over
 * three members: 0 1 6, 2 3 7, 4 5. Queues of other rooms, and of brokers that name none, are nobody's: other groups, or
 * members with other rooms, have to read them.
 *
 * @par Source  Java `AllocateMessageQueueByMachineRoom`; the same shares. (Go's strategy of this name shares out
 *              otherwise.) Differs: no queues is an empty share here, a throw there.
 */
class machine_room_allocation {
  public:
    /// @param rooms  Names, `machine_room_allocation({"east", "west"})`. Java: consumeridcs.
    explicit machine_room_allocation(std::vector<std::string> rooms) : rooms_(std::move(rooms)) {}

    static constexpr std::string_view name() noexcept { return "MACHINE_ROOM"; }

    /**
     * @return The share of `request.self` in the queues of our rooms; empty if it has none.
     * @retval error::not_a_member  `request.self` is not among `request.members`.
     */
    allocation allocate(const allocation_request& request) const {
        const auto self = std::ranges::find(request.members, request.self);
        if (self == request.members.end())
            return error::not_a_member;
        std::vector<message_queue> queues;
        for (const auto& queue : request.queues)
            if (const auto room = room_of(queue.broker_name); room && std::ranges::find(rooms_, *room) != rooms_.end())
                queues.push_back(queue);

        const auto rank    = static_cast<std::size_t>(self - request.members.begin());
        const auto members = request.members.size();
        const auto run     = queues.size() / members;
        std::vector<message_queue> share;
        for (std::size_t i = rank * run; i < (rank + 1) * run; ++i)
            share.push_back(queues[i]);
        if (rank < queues.size() % members)
            share.push_back(queues[members * run + rank]);
        return share;
    }

  private:
    /// What stands before the one `@`. Java splits there and forgets empty parts at the end: `east@a@` is in `east` too.
    static std::optional<std::string_view> room_of(std::string_view broker) noexcept {
        while (broker.ends_with('@'))
            broker.remove_suffix(1);
        const auto at = broker.find('@');
        if (at == std::string_view::npos || broker.find('@', at + 1) != std::string_view::npos)
            return std::nullopt;
        return broker.substr(0, at);
    }

    std::vector<std::string> rooms_;
};

static_assert(allocation_strategy<machine_room_allocation>);

} // namespace rocketpush

#endif
