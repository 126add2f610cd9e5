#ifndef ROCKETPUSH_CONSUME_ORDERLY_PAUSE_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_PAUSE_HPP

#include <rocketpush/consume/retry_copy.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/finally.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

namespace rocketpush {

/// How often an orderly message may fail before it goes to the dead letter queue; -1 is Java's "for ever".
constexpr int effective_max_reconsume_times_in_order(int option) noexcept {
    return option < 0 ? std::numeric_limits<int>::max() : option;
}

/**
 * @brief Counts the failure of one listener call in order: its messages' reconsume times go up, and those that failed too
 *        often go to the retry topic, where the broker makes dead letters of them. They are taken out of the queue then. In
 *        broadcasting they are dropped, with an event each: every member would send them, to a topic that none reads.
 * @return Whether any message is to come again.
 * @par Source  Java `ConsumeMessageOrderlyService.checkReconsumeTimes`, `sendMessageBack`. Differs: what the broker has got
 *              does not come again when its neighbours in a batch do. In broadcasting Java sends them, too.
 */
template <class Host>
detail::awaitable<bool, typename Host::executor_type> count_failure(std::shared_ptr<Host> host,
                                                                    std::shared_ptr<typename Host::queue_type> queue) {
    const auto failed = queue->order.failed;
    const auto most   = effective_max_reconsume_times_in_order(host->settings().max_reconsume_times);
    bool again        = false;
    for (auto i = failed.slice.first; i < failed.slice.first + failed.slice.count; ++i) {
        auto& fields = failed.batch->messages[i];
        const message_view view(fields);
        if constexpr (Host::broadcasting) {
            if (fields.reconsume_times >= most) {
                host->observe().on_dropped(view);
                failed.batch->mark_finished(i);
                ++queue->counts.dropped;
                continue;
            }
        } else if (fields.reconsume_times >= most) {
            auto copy      = make_retry_copy(view, host->settings().group, 0, most);
            copy.unit_mode = host->settings().unit_mode;
            const auto outcome =
                co_await host->calls().send_copy(std::move(copy), queue->queue, host->settings().send_back_timeout);
            host->observe().on_send_back(view, outcome.failure);
            if (outcome.stored()) {
                failed.batch->mark_finished(i);
                ++queue->counts.sent_back;
                continue;
            }
        }
        if (fields.reconsume_times < std::numeric_limits<std::int32_t>::max())
            ++fields.reconsume_times;
        again = true;
    }
    co_return again;
}

/// Sees to a queue whose listener wants a pause: counts the failure, and waits.
template <class Host>
detail::awaitable<void, typename Host::executor_type> suspend_queue(std::shared_ptr<Host> host,
                                                                    std::shared_ptr<typename Host::queue_type> queue) {
    auto& order = queue->order;
    bool again  = true;
    if (order.failed) {
        order.sending = true;
        again         = co_await count_failure(host, queue);
        order.sending = false;
    }
    if (again && !queue->dropped) {
        const auto until = order.turn.paused_until();
        const auto left  = until - host->runtime().now();
        host->observe().on_queue_suspended(queue->queue, std::chrono::ceil<std::chrono::milliseconds>(left));
        co_await queue->nap(host->runtime(), until);
    }
    order.turn.end_pause();
    order.held_up = false;
    host->settled(*queue);
}

/// Sees to a queue whose lock is not trusted any more: asks until the broker has said whose it is.
template <class Host>
detail::awaitable<void, typename Host::executor_type> regain_lock(std::shared_ptr<Host> host,
                                                                  std::shared_ptr<typename Host::queue_type> queue) {
    while (!queue->dropped && !queue->order.lock.trusted(host->runtime().now())) {
        const auto failure = co_await host->locks().ask(queue);
        if (failure && !queue->dropped) {
            host->observe().on_lock_failure(std::string(host->routes().home(queue->queue)), failure);
            if (!queue->dropped) // still
                co_await queue->nap(host->runtime(), host->runtime().now() + std::chrono::seconds(1));
        }
    }
}

/// No turn of the queue begins before `step(host, queue)` has ended. Where it throws, for lack of memory or in an observer, the queue
/// begins anew.
template <class Host, class Step>
void hold_up(std::shared_ptr<Host> host, std::shared_ptr<typename Host::queue_type> queue, Step step) {
    queue->order.held_up = true;
    detail::spawn_finally(
        *host, [&] { return step(host, queue); },
        [host, queue](std::error_code thrown) {
            queue->order.sending = false;
            queue->order.held_up = false;
            if (thrown)
                host->queues().begin_anew(*queue);
            else
                host->consume_again(*queue);
        });
}

} // namespace rocketpush

#endif
