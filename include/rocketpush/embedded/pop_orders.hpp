#ifndef ROCKETPUSH_EMBEDDED_POP_ORDERS_HPP
#define ROCKETPUSH_EMBEDDED_POP_ORDERS_HPP

#include <rocketpush/core/message_queue.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A queue that a group pops in order.
struct ordered_queue {
    std::string group;
    std::string topic;
    std::int32_t queue_id = 0;

    friend auto operator<=>(const ordered_queue&, const ordered_queue&) = default;
};

/**
 * @brief Orderly pops: one batch of a queue at a time is under way, and as its messages are acknowledged the group's offset
 *        follows.
 *
 * @par Thread safety  None.
 * @par Source         Java `ConsumerOrderInfoManager`.
 */
class pop_orders {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    struct message {
        queue_offset offset = 0;
        time_point visible_at{};    ///< When it may come again.
        std::int32_t delivered = 0; ///< Times before this one.
        bool acknowledged      = false;
    };
    struct batch {
        std::string attempt_id;
        std::int64_t pop_time = 0;           ///< ms since 1970
        std::vector<message> messages;       ///< Offsets rise; there is one at least.
        std::optional<time_point> tell_at{}; ///< When to tell those that wait for the queue.

        /// Until when others get nothing of the queue; past, once all that is not acknowledged may come again.
        time_point blocked_until() const noexcept {
            time_point until{};
            for (const auto& each : messages)
                if (!each.acknowledged)
                    until = std::max(until, each.visible_at);
            return until;
        }
        /// Where the group goes on: the first message that is not acknowledged.
        queue_offset next_offset() const noexcept {
            const auto first = std::ranges::find(messages, false, &message::acknowledged);
            return first == messages.end() ? messages.back().offset + 1 : first->offset;
        }
        message* find(queue_offset offset) noexcept {
            const auto found = std::ranges::find(messages, offset, &message::offset);
            return found == messages.end() ? nullptr : &*found;
        }
    };

    /// Whether the queue gives nothing now. The attempt that has the batch under way may have it again.
    bool blocked(const ordered_queue& queue, std::string_view attempt_id, time_point now) const {
        const auto found = batches_.find(queue);
        if (found == batches_.end() || (!attempt_id.empty() && found->second.attempt_id == attempt_id))
            return false;
        return now < found->second.blocked_until();
    }

    /// A batch goes out. @return It, with the times that its messages were delivered before.
    const batch& deliver(const ordered_queue& queue, std::string attempt_id, std::int64_t pop_time,
                         const std::vector<queue_offset>& offsets, time_point visible_at) {
        auto& kept       = batches_[queue];
        const bool again = !attempt_id.empty() && kept.attempt_id == attempt_id;
        batch made{std::move(attempt_id), pop_time, {}, visible_at};
        for (const auto offset : offsets) {
            const auto* before = kept.find(offset);
            made.messages.push_back({offset, visible_at, before ? before->delivered + (again ? 0 : 1) : 0});
        }
        kept = std::move(made);
        return kept;
    }

    /// What came of an acknowledgement.
    struct outcome {
        bool known = false;                   ///< Whether the message is one of the batch.
        std::optional<queue_offset> commit{}; ///< Where the group goes on now.
        bool freed = false;                   ///< Whether the queue gives messages again.
    };

    outcome acknowledge(const ordered_queue& queue, queue_offset offset, std::int64_t pop_time, time_point now) {
        const auto found = batches_.find(queue);
        if (found == batches_.end())
            return {true, offset + 1, true};
        auto& one = found->second;
        if (one.pop_time != pop_time)
            return {true}; // of an earlier batch, whose messages have been given out again
        auto* acknowledged = one.find(offset);
        if (!acknowledged)
            return {};
        acknowledged->acknowledged = true;
        const auto until           = one.blocked_until();
        one.tell_at                = until > now ? std::optional(until) : std::nullopt;
        return {true, one.next_offset(), until <= now};
    }

    /// One message may come again at another time.
    void change(const ordered_queue& queue, queue_offset offset, std::int64_t pop_time, time_point visible_at) {
        const auto found = batches_.find(queue);
        if (found == batches_.end() || found->second.pop_time != pop_time)
            return;
        if (auto* changed = found->second.find(offset))
            changed->visible_at = visible_at;
        found->second.tell_at = found->second.blocked_until();
    }

    /// Queues that give messages again because a time has passed; each is told once.
    std::vector<ordered_queue> take_freed(time_point now) {
        std::vector<ordered_queue> freed;
        for (auto& [queue, one] : batches_)
            if (one.tell_at && *one.tell_at <= now) {
                one.tell_at.reset();
                freed.push_back(queue);
            }
        return freed;
    }

    std::optional<time_point> next_due() const {
        std::optional<time_point> earliest;
        for (const auto& [queue, one] : batches_)
            if (one.tell_at && (!earliest || *one.tell_at < *earliest))
                earliest = one.tell_at;
        return earliest;
    }

    void forget_topic(std::string_view topic) {
        std::erase_if(batches_, [topic](const auto& each) { return each.first.topic == topic; });
    }

  private:
    std::map<ordered_queue, batch> batches_;
};

} // namespace rocketpush::embedded

#endif
