#ifndef ROCKETPUSH_CONSUME_CONSUME_TIMEOUT_HPP
#define ROCKETPUSH_CONSUME_CONSUME_TIMEOUT_HPP

#include <rocketpush/consume/send_back.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace rocketpush {

/// How often to look for listener calls that have run too long.
constexpr std::chrono::milliseconds sweep_interval(std::chrono::milliseconds consume_timeout) noexcept {
    return std::clamp(consume_timeout / 8, std::chrono::milliseconds(100), std::chrono::milliseconds(10000));
}

/**
 * @brief Takes the messages of a queue from listener calls that have run for longer than `options::consume_timeout`, and
 *        sends them back to come again in 10 s. The call itself is not disturbed; what it answers at last is not heard.
 *
 * Called every `sweep_interval`, by which a message may be late.
 *
 * @par Source  Java `ProcessQueue.cleanExpiredMsg`. Differs: every message is looked at, not only the queue's first, and
 *              more often than once in a time-out.
 */
template <class Host>
void take_over_expired(const std::shared_ptr<Host>& host, const std::shared_ptr<typename Host::queue_type>& queue) {
    constexpr int delay_level = 3; // as Java's: 10 s
    const auto now            = host->runtime().now();
    const auto limit          = now - host->settings().consume_timeout;
    struct expired {
        typename Host::batch_type* batch;
        failed_message message;
    };
    std::vector<expired> found; // first all, as to send one back may move the batches
    queue->cache.for_each_running([&](auto& batch) {
        batch.claims.look(batch.claimed_count(), now);
        const auto started = batch.claims.claimed_at(limit);
        for (std::uint32_t i = 0; i < started; ++i)
            if (batch.take_over(i)) {
                const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - batch.claims.seen_at(i));
                host->observe().on_consume_timeout(message_view(batch.messages[i]), since);
                const bool echo = batch.echo_of != nullptr;
                found.push_back({echo ? batch.echo_of : &batch,
                                 {echo ? batch.echo_index : i, delay_level, batch.messages[i].reconsume_times}});
            }
    });
    for (const auto& each : found)
        ++each.batch->under_send_back;
    queue->counts.timed_out += found.size();
    for (const auto& each : found)
        host->spawn(send_back(host, queue, *each.batch, each.message));
}

} // namespace rocketpush

#endif
