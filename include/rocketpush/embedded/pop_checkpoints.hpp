#ifndef ROCKETPUSH_EMBEDDED_POP_CHECKPOINTS_HPP
#define ROCKETPUSH_EMBEDDED_POP_CHECKPOINTS_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// What names a check point; all of it is in the receipts of its messages, and in the request that brings one.
struct checkpoint_key {
    std::string group;
    std::string topic; ///< The one that the messages are stored under.
    std::int32_t queue_id     = 0;
    queue_offset start_offset = 0;
    std::int64_t pop_time     = 0; ///< ms since 1970

    friend auto operator<=>(const checkpoint_key&, const checkpoint_key&) = default;
};

/// Messages of one queue that were popped together and are hidden from others until a deadline.
struct pop_checkpoint {
    checkpoint_key key;
    protocol::pop_topic kind = protocol::pop_topic::normal; ///< Of `key.topic`.
    std::vector<queue_offset> offsets{};                    ///< Not acknowledged yet; rising.
    bool suspended = false;                                 ///< Coming again will not count as consumed in vain.
    std::chrono::steady_clock::time_point deadline{};
};

/**
 * @brief The messages that were popped and wait for their acknowledgements.
 *
 * At their deadline they are to come again; acknowledgements which come later than that find nothing.
 *
 * @par Thread safety  None.
 * @par Source         Java `PopBufferMergeService`, `PopReviveService`, without the revive topic between them: a real broker
 *                     notices a deadline some seconds late.
 */
class pop_checkpoints {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// One of the same name gives way.
    void add(pop_checkpoint made) {
        remove(points_.find(made.key));
        messages_ += made.offsets.size();
        const auto deadline = made.deadline;
        auto key            = made.key;
        const auto added    = points_.emplace(std::move(key), kept_point{std::move(made), next_id_++}).first;
        deadlines_.emplace(deadline, added->second.id, &added->first);
    }

    /// Whether there is one of this name.
    bool contains(const checkpoint_key& key) const { return points_.contains(key); }

    /// One message is done with. @return Whether it was waited for.
    bool acknowledge(const checkpoint_key& key, queue_offset offset) {
        const auto found = points_.find(key);
        if (found == points_.end())
            return false;
        auto& offsets   = found->second.point.offsets;
        const auto done = std::ranges::find(offsets, offset);
        if (done == offsets.end())
            return false;
        offsets.erase(done);
        --messages_;
        if (offsets.empty())
            remove(found);
        return true;
    }

    /// One whose deadline has come, with the messages that are to come again.
    std::optional<pop_checkpoint> take_due(time_point now) {
        if (deadlines_.empty() || std::get<0>(*deadlines_.begin()) > now)
            return std::nullopt;
        const auto found = points_.find(*std::get<2>(*deadlines_.begin()));
        auto due         = found->second.point;
        remove(found);
        return due;
    }

    std::optional<time_point> next_due() const {
        return deadlines_.empty() ? std::nullopt : std::optional(std::get<0>(*deadlines_.begin()));
    }

    /// Number of messages that wait for an acknowledgement.
    std::size_t messages() const noexcept { return messages_; }

    /// The same of one group and one topic, by the name that they are stored under.
    std::size_t messages_of(std::string_view group, std::string_view topic) const {
        std::size_t count = 0;
        checkpoint_key first{std::string(group), std::string(topic)};
        first.queue_id = INT32_MIN;
        for (auto at = points_.lower_bound(first);
             at != points_.end() && at->first.group == group && at->first.topic == topic; ++at)
            count += at->second.point.offsets.size();
        return count;
    }

    void forget_topic(std::string_view topic) {
        for (auto at = points_.begin(); at != points_.end();)
            at = at->first.topic == topic ? remove(at) : std::next(at);
    }

  private:
    struct kept_point {
        pop_checkpoint point;
        std::uint64_t id; ///< Rises with each that is added.
    };
    using table = std::map<checkpoint_key, kept_point>;

    table::iterator remove(table::iterator point) {
        if (point == points_.end())
            return point;
        messages_ -= point->second.point.offsets.size();
        deadlines_.erase({point->second.point.deadline, point->second.id, &point->first});
        return points_.erase(point);
    }

    table points_;
    /// With the order in which they were added; keys stay where they are in the table.
    std::set<std::tuple<time_point, std::uint64_t, const checkpoint_key*>> deadlines_;
    std::uint64_t next_id_ = 0;
    std::size_t messages_  = 0;
};

} // namespace rocketpush::embedded

#endif
