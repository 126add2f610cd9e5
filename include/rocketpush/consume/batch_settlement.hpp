#ifndef ROCKETPUSH_CONSUME_BATCH_SETTLEMENT_HPP
#define ROCKETPUSH_CONSUME_BATCH_SETTLEMENT_HPP

#include <rocketpush/consume/send_back.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace rocketpush {

// What becomes of a pulled batch's messages when the listener has had them: finished, sent back, or dropped. Concurrent
// consumers, on the strand; popped batches have `pop_settlement`.

/// Sends the messages of `batch` back that the listener wants again.
template <class Host>
void send_failed_back(Host& host, typename Host::batch_type& batch) {
    if (batch.echo_of)
        return; // seen to when it has run
    auto owned = host.queues().share(*static_cast<typename Host::queue_type*>(batch.home));
    for (std::uint32_t i = 0; owned && i < batch.size(); ++i) {
        if (batch.progress(i) != message_progress::failed)
            continue;
        const failed_message failed{i, batch.delay_level(i), batch.messages[i].reconsume_times};
        batch.set_progress(i, message_progress::sending_back);
        ++batch.under_send_back;
        host.spawn(send_back(host.shared_from_this(), owned, batch, failed));
    }
}

/// In broadcasting there is nowhere to send messages back to.
template <class Host>
void drop_failed(Host& host, typename Host::batch_type& batch) {
    auto& counts = static_cast<typename Host::queue_type*>(batch.home)->counts;
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
        if (batch.progress(i) != message_progress::failed)
            continue;
        host.observe().on_dropped(message_view(batch.messages[i]));
        batch.set_progress(i, message_progress::finished);
        ++counts.dropped;
    }
}

/// Messages of `batch` are to come again; others of it may still be running.
template <class Host>
void settle_failed(Host& host, typename Host::batch_type& batch) {
    if constexpr (Host::broadcasting)
        drop_failed(host, batch);
    else
        send_failed_back(host, batch);
}

/// A message was consumed here once more.
template <class Host>
void settle_echo(Host& host, typename Host::batch_type& echo, typename Host::queue_type& queue) {
    auto& batch       = *echo.echo_of;
    const auto index  = echo.echo_index;
    const auto answer = echo.progress(0); // unfinished: its queue was given up before it ran; taken over: not heard
    const failed_message failed{index, echo.delay_level(0), echo.messages.front().reconsume_times};
    host.batches().give_back(queue.cache.take_echo(echo));
    auto owned = host.queues().share(queue);
    if (answer == message_progress::failed && owned)
        return host.spawn(send_back(host.shared_from_this(), std::move(owned), batch, failed));
    if (answer == message_progress::finished)
        batch.set_progress(index, message_progress::finished);
    --batch.under_send_back;
}

/// The last runner has left `batch`.
template <class Host>
void settle_run(Host& host, typename Host::batch_type& batch) {
    auto& queue = *static_cast<typename Host::queue_type*>(batch.home);
    queue.counts.calls += batch.tally.calls.load();
    queue.counts.succeeded += batch.tally.succeeded.load();
    queue.counts.failed += batch.tally.failed.load();
    queue.counts.consume_time += std::chrono::nanoseconds(batch.tally.nanoseconds.load());
    bool echo = false;
    if constexpr (!Host::broadcasting)
        if (batch.echo_of) {
            echo = true;
            settle_echo(host, batch, queue);
        }
    if (!echo) {
        batch.hear();
        if (batch.tally.failed.load() != 0)
            settle_failed(host, batch);
    }
    host.settled(queue);
}

} // namespace rocketpush

#endif
