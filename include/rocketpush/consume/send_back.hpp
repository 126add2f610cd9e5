#ifndef ROCKETPUSH_CONSUME_SEND_BACK_HPP
#define ROCKETPUSH_CONSUME_SEND_BACK_HPP

#include <rocketpush/consume/retry_copy.hpp>
#include <rocketpush/consume/return_ladder.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/remoting/backoff.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rocketpush {

/// A message of a batch that its listener wants again.
struct failed_message {
    std::uint32_t index = 0;
    int delay_level     = 0; ///< See consume_context::delay_level.
    int reconsume_times = 0; ///< As it was consumed now; above the stored count after it was consumed here once more.
};

/// Gives the listener a message once more here. Its batch keeps the memory, and its count of send-backs, until that has run.
template <class Host>
void consume_again(Host& host, typename Host::queue_type& queue, typename Host::batch_type& batch, std::uint32_t index,
                   const detail::message_fields& as) {
    auto echo        = host.batches().take();
    echo->origin     = batch.origin;
    echo->home       = &queue;
    echo->echo_of    = &batch;
    echo->echo_index = index;
    echo->messages.push_back(as);
    echo->prepare();
    auto& kept = queue.cache.keep_echo(std::move(echo));
    ++queue.counts.consumed_again;
    host.dispatch(kept);
}

/// The whole way of one failed message that goes back; see `send_back`.
template <class Host>
detail::awaitable<void, typename Host::executor_type> see_back(std::shared_ptr<Host> host,
                                                               std::shared_ptr<typename Host::queue_type> queue,
                                                               typename Host::batch_type& batch,
                                                               failed_message failed) {
    constexpr std::chrono::milliseconds local_retry_delay{5000};
    const auto index       = failed.index;
    auto fields            = batch.messages[index];
    fields.reconsume_times = failed.reconsume_times;
    const message_view view(fields);
    const auto& with      = host->settings();
    const auto most_times = effective_max_reconsume_times(with.max_reconsume_times);
    const auto returned   = make_returned(view, failed.delay_level, most_times, with.unit_mode);
    return_ladder ladder(!fields.is_inner() && !queue->queue.broker_name.starts_with(static_topic_broker_prefix));
    backoff pause(std::chrono::milliseconds(500), std::chrono::milliseconds(2000));
    auto timeout = 3 * with.send_back_timeout;
    while (!ladder.ended()) {
        if (ladder.step() == return_step::ask_again) {
            if (!queue->dropped)
                co_await queue->nap(host->runtime(), host->runtime().now() + pause.failed(host->runtime().random()));
            if (queue->dropped || batch.succeeded_late(index))
                break; // unconfirmed: whoever owns the queue next gets it again
        }
        store_outcome outcome;
        if (ladder.step() == return_step::send_copy) {
            auto copy      = make_retry_copy(view, with.group, failed.delay_level, most_times);
            copy.unit_mode = with.unit_mode;
            outcome        = co_await host->calls().send_copy(std::move(copy), queue->queue, with.request_timeout);
        } else {
            outcome = co_await host->calls().send_back(with.group, queue->queue, returned, timeout);
            timeout = with.send_back_timeout;
        }
        host->observe().on_send_back(view, outcome.failure);
        host->group_refused(outcome.failure);
        if (ROCKETPUSH_PLANTED(send_back_ignored))
            outcome = {};
        ladder.tell(outcome);
    }
    if (ladder.step() == return_step::consume_here) {
        if (!queue->dropped)
            co_await queue->nap(host->runtime(), host->runtime().now() + local_retry_delay);
        if (!queue->dropped && !batch.succeeded_late(index)) {
            ++fields.reconsume_times;
            consume_again(*host, *queue, batch, index, fields);
            co_return;
        }
    }
    const bool sent = ladder.step() == return_step::done;
    queue->counts.sent_back += sent;
    if (sent || batch.succeeded_late(index))
        batch.set_progress(index, message_progress::finished);
    --batch.under_send_back;
    host->settled(*queue);
}

/**
 * @brief Sees one failed message to where it comes from again; until then it is unfinished, and no offset passes it.
 *
 * Its broker stores it again; or a copy of it is sent to the retry topic; or the listener gets it here once more after 5 s
 * (see return_ladder). Ends without any of it only when the queue was given up or the consumer stops; then the
 * message comes again to whoever reads the queue next. The first request may take three times as long as the option
 * says: nobody waits for it but the message, and a broker that is only slow shall not get a second one.
 *
 * Where that throws, for lack of memory, the queue begins anew at its first unfinished message.
 *
 * @par Source  Java `ConsumeMessageConcurrentlyService.sendMessageBack`.
 */
template <class Host>
detail::awaitable<void, typename Host::executor_type> send_back(std::shared_ptr<Host> host,
                                                                std::shared_ptr<typename Host::queue_type> queue,
                                                                typename Host::batch_type& batch,
                                                                failed_message failed) {
    bool broken = false;
    try {
        co_await see_back(host, queue, batch, failed);
    } catch (...) { // nothing may be awaited here
        broken = true;
    }
    if (!broken)
        co_return;
    --batch.under_send_back;
    host->settled(*queue);
    host->queues().begin_anew(*queue);
}

} // namespace rocketpush

#endif
