#ifndef ROCKETPUSH_FETCH_POPPED_QUEUE_HPP
#define ROCKETPUSH_FETCH_POPPED_QUEUE_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/fetch/fetching_queue.hpp>
#include <rocketpush/fetch/popped_batch.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief One queue that is popped, from the moment it is assigned to us until nothing of it is left here. Its id may be -1: all
 *        queues of the broker.
 *
 * @par Thread safety  None; on the strand.
 * @par Source         Java `PopProcessQueue`.
 */
template <class Connection, class Runtime, class Batch>
struct popped_queue : fetching_queue<Runtime> {
    popped_queue(message_queue of, Runtime& runtime, std::shared_ptr<detail::block_pool> blocks)
        : fetching_queue<Runtime>(runtime, std::move(blocks)), queue(std::move(of)), idle(runtime), gone(runtime) {}

    message_queue queue;
    queue_stage stage = queue_stage::fetching; ///< There is no offset to acquire.
    std::chrono::steady_clock::time_point stage_since{};

    bool polling = false;                           ///< A pop is under way ...
    std::chrono::steady_clock::time_point polled{}; ///< ... since then; or was, last.

    detail::wake_up<Runtime> idle; ///< For who gives it up: a call, a poll or a request ended.
    void wake_idle() { idle.wake(); }
    detail::signal_flag<Runtime> gone; ///< Nothing of it is here any more.

    std::vector<std::unique_ptr<Batch>> batches; ///< With a record that has not ended, or a runner.
    std::size_t waiting  = 0;                    ///< Records that have not ended.
    std::int64_t rest    = -1;                   ///< About how many messages the broker had left at the last answer.
    bool acks_one_by_one = false;                ///< The broker does not know batches of them.

    std::shared_ptr<Connection> connection; ///< To the master.
    std::uint64_t connection_route = 0;     ///< The route version that `connection` was chosen by.

    work_counts counts;

    std::size_t held_bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& each : batches)
            sum += each->held_bytes();
        return sum;
    }
    /// Of them, bodies that were inflated.
    std::size_t inflated_bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& each : batches)
            sum += each->inflated.used_bytes();
        return sum;
    }
    /// When the oldest message was stored that is not acknowledged; of those that the filter left.
    std::optional<message_time> oldest_stored() const noexcept {
        std::optional<message_time> oldest;
        for (const auto& batch : batches)
            for (const auto& record : batch->records) {
                if (record.at == popped_record::step::ended || (record.count == 0 && !record.condemned))
                    continue;
                const auto stored = batch->view_of(record).store_timestamp();
                oldest            = oldest ? std::min(*oldest, stored) : stored;
            }
        return oldest;
    }
    /// Whether runners are at it, or will be.
    bool running() const noexcept {
        return std::ranges::any_of(batches, [](const auto& each) { return !each->heard; });
    }
    /// Whether something is about to be told to the broker, or is.
    bool unsettled() const noexcept {
        return std::ranges::any_of(batches,
                                   [](const auto& each) { return each->heard ? each->open != 0 : each->busy(); });
    }
    void cancel_unclaimed() noexcept {
        for (const auto& each : batches)
            each->cancel_unclaimed();
    }
};

} // namespace rocketpush

#endif
