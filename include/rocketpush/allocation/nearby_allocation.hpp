#ifndef ROCKETPUSH_ALLOCATION_NEARBY_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_NEARBY_ALLOCATION_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/error.hpp>

#include <algorithm>
#include <concepts>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/// Says in which machine room something is: `resolve(what)` gives a text, empty when it does not know.
template <class R, class What>
concept room_resolver = std::copy_constructible<R> && std::invocable<const R&, const What&> &&
                        std::constructible_from<std::string, std::invoke_result_t<const R&, const What&>>;

/**
 * @brief Members read the queues of their own machine room; those of rooms without a member are shared by all.
 *
 * @code
 * nearby_allocation{average_allocation{},
 *                   [](const message_queue& queue) { return queue.broker_name.substr(0, queue.broker_name.find('@')); },
 *                   [](const std::string& client_id) { return room_of_host(client_id); }}
 * @endcode
 *
 * @tparam Inner          Shares the queues of one room out.
 * @tparam RoomOfQueue    Of a `message_queue`; alike on all members, and pure. Java: MachineRoomResolver.brokerDeployIn.
 * @tparam RoomOfMember   Of a client id, `10.0.0.7@instance`. Java: MachineRoomResolver.consumerDeployIn.
 * @par Source  Java `AllocateMachineRoomNearby`; the same shares. Differs: no queues is an empty share here, a throw there.
 */
template <allocation_strategy Inner, room_resolver<message_queue> RoomOfQueue, room_resolver<std::string> RoomOfMember>
class nearby_allocation {
  public:
    nearby_allocation(Inner inner, RoomOfQueue room_of_queue, RoomOfMember room_of_member)
        : inner_(std::move(inner)),
          room_of_queue_(std::move(room_of_queue)),
          room_of_member_(std::move(room_of_member)),
          name_("MACHINE_ROOM_NEARBY-" + std::string(std::string_view(inner_.name()))) {}

    /// `MACHINE_ROOM_NEARBY-AVG` around average_allocation.
    std::string_view name() const noexcept { return name_; }

    /**
     * @return The share of `request.self` in the queues of its room, and in those of each room that has no member.
     * @retval error::not_a_member     `request.self` is not among `request.members`.
     * @retval error::no_machine_room  A resolver does not know the room of a queue or of a member.
     * @return Also what `Inner` fails with.
     */
    allocation allocate(const allocation_request& request) const {
        if (std::ranges::find(request.members, request.self) == request.members.end())
            return error::not_a_member;
        std::map<std::string, std::vector<message_queue>> queues_of;
        for (const auto& queue : request.queues)
            queues_of[std::string(std::invoke(room_of_queue_, queue))].push_back(queue);
        std::map<std::string, std::vector<std::string>> members_of;
        std::string own_room;
        for (const auto& member : request.members) {
            std::string room(std::invoke(room_of_member_, member));
            if (member == request.self)
                own_room = room;
            members_of[std::move(room)].push_back(member);
        }
        if (queues_of.contains("") || members_of.contains(""))
            return error::no_machine_room;

        std::vector<message_queue> share;
        for (const auto& [room, queues] : queues_of) {
            const auto neighbours = members_of.find(room);
            if (neighbours != members_of.end() && room != own_room)
                continue;
            allocation part = neighbours == members_of.end()
                                  ? inner_.allocate({request.group, request.self, request.members, queues})
                                  : inner_.allocate({request.group, request.self, neighbours->second, queues});
            if (!part)
                return part;
            share.insert(share.end(), part->begin(), part->end());
        }
        std::ranges::sort(share); // as the request is
        return share;
    }

  private:
    Inner inner_;
    [[no_unique_address]] RoomOfQueue room_of_queue_;
    [[no_unique_address]] RoomOfMember room_of_member_;
    std::string name_;
};

} // namespace rocketpush

#endif
