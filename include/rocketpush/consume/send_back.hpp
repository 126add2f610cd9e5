#ifndef ROCKETPUSH_CONSUME_SEND_BACK_HPP
#define ROCKETPUSH_CONSUME_SEND_BACK_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/remoting/backoff.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace rocketpush {

/// How often a message may fail before it goes to the dead letter queue; -1 is Java's 16.
constexpr int effective_max_reconsume_times(int option) noexcept { return option < 0 ? 16 : option; }

/**
 * @brief Returns one failed message to its broker, and does not rest before the broker has confirmed it: until then the
 *        message is unfinished, and no offset passes it.
 *
 * Tried again after 0.5 s, 1 s, ... 5 s. Ends without a confirmation only when the queue was given up or the consumer
 * stops; then the message comes again to whoever reads the queue next.
 *
 * @par Source  Java `ConsumeMessageConcurrentlyService.sendMessageBack`. Differs: Java sends a copy to the retry topic
 *              when the request times out, which makes two of it if the broker had only been slow.
 */
template <class Host>
detail::awaitable<void, typename Host::executor_type> send_back(std::shared_ptr<Host> host,
                                                                std::shared_ptr<typename Host::queue_type> queue,
                                                                typename Host::batch_type& batch, std::uint32_t index) {
    const message_view view(batch.messages[index]);
    const returned_message returned{.commit_log_offset = view.commit_log_offset(),
                                    .delay_level       = batch.delay_level(index),
                                    .max_reconsume_times =
                                        effective_max_reconsume_times(host->settings().max_reconsume_times),
                                    .id    = view.message_id(),
                                    .topic = std::string(view.topic())};
    backoff pause(std::chrono::milliseconds(500), std::chrono::milliseconds(5000));
    for (;;) {
        const auto failure = co_await host->calls().send_back(host->settings().group, queue->queue, returned,
                                                              host->settings().send_back_timeout);
        host->observe().on_send_back(view, failure);
        if (!failure) {
            batch.set_progress(index, message_progress::finished);
            ++queue->counts.sent_back;
            break;
        }
        if (queue->dropped)
            break; // unconfirmed: whoever owns the queue next gets it again
        typename Host::runtime_type::timer timer(host->runtime());
        timer.expires_at(host->runtime().now() + pause.failed(host->runtime().random()));
        queue->naps.push_back(&timer); // giving the queue up ends the pause
        co_await timer.async_wait(detail::await_tuple<typename Host::executor_type>);
        std::erase(queue->naps, &timer);
        if (queue->dropped)
            break;
    }
    --batch.under_send_back;
    host->settled(*queue);
}

} // namespace rocketpush

#endif
