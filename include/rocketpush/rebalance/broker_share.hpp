#ifndef ROCKETPUSH_REBALANCE_BROKER_SHARE_HPP
#define ROCKETPUSH_REBALANCE_BROKER_SHARE_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/protocol/bodies_assignment.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace rocketpush {

/// What a broker assigned to this member of one topic: queues of two kinds, each sorted and none twice.
struct broker_share {
    std::vector<message_queue> pulled;
    std::vector<message_queue> popped; ///< An id of -1: all queues of that broker.

    friend bool operator==(const broker_share&, const broker_share&) = default;

    /**
     * @brief Whether what is left in the group's pop retry topic of the topic is to be pulled: where all is pulled, since no broker
     *        looks there any more; not where all is popped. Between the two, and with nothing, it stays as it is.
     * @par Source  Java `RebalanceImpl.updateMessageQueueAssignment`.
     */
    std::optional<bool> pulls_pop_retries() const noexcept {
        if (pulled.empty() == popped.empty())
            return std::nullopt;
        return popped.empty();
    }
};

/// Sorts a broker's answer for `topic`. What makes no sense (another topic's queues, impossible ids) is left out.
inline broker_share sort_assignment(std::string_view topic, const std::vector<protocol::queue_assignment>& assigned) {
    broker_share share;
    for (const auto& each : assigned) {
        const bool pop   = each.mode == protocol::request_mode::pop;
        const auto least = pop ? protocol::any_queue : 0;
        if (each.queue.topic == topic && !each.queue.broker_name.empty() && each.queue.queue_id >= least)
            (pop ? share.popped : share.pulled).push_back(each.queue);
    }
    for (auto* queues : {&share.pulled, &share.popped}) {
        std::ranges::sort(*queues);
        const auto repeated = std::ranges::unique(*queues);
        queues->erase(repeated.begin(), repeated.end());
    }
    return share;
}

} // namespace rocketpush

#endif
