#ifndef ROCKETPUSH_ALLOCATION_ALLOCATION_STRATEGY_HPP
#define ROCKETPUSH_ALLOCATION_ALLOCATION_STRATEGY_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush {

/// One topic to be shared out. Members and queues are sorted as Java sorts them, so alike on every client.
struct allocation_request {
    std::string_view group;
    std::string_view self;                 ///< The client id of the member whose share is asked for.
    std::span<const std::string> members;  ///< Client ids, none twice.
    std::span<const message_queue> queues; ///< Of one topic.
};

/// The queues of one member, in the order of the request.
using allocation = result<std::vector<message_queue>>;

/// `name()`, constant and not throwing: brokers and Java members know strategies by it.
template <class S>
concept named_strategy = requires(const S& s) {
    { s.name() } noexcept -> std::convertible_to<std::string_view>;
};

/// `allocate(request)` gives an `allocation`.
template <class S>
concept answers_allocation = requires(const S& s, const allocation_request& request) {
    { s.allocate(request) } -> std::convertible_to<allocation>;
};

/**
 * @brief Decides which message queues a member of a consumer group reads.
 *
 * Laws (`tests/support/laws/allocation_strategy.hpp` checks them; users may run it too):
 *  - deterministic: equal requests get equal answers, on copies too;
 *  - disjoint and complete: over all members, every queue is given exactly once;
 *  - a share keeps the order of the request;
 *  - no queues is an empty share;
 *  - a `self` outside `members` is `error::not_a_member`, never an empty share.
 *
 * All members of a group use the same strategy, in whatever language; nobody checks that.
 *
 * @par Thread safety  Called on the consumer's strand only.
 * @par Default        average_allocation
 * @par Source         Java `AllocateMessageQueueStrategy`.
 */
template <class S>
concept allocation_strategy = std::copy_constructible<S> && named_strategy<S> && answers_allocation<S>;

} // namespace rocketpush

#endif
