#ifndef ROCKETPUSH_CONSUME_POP_SETTLEMENT_HPP
#define ROCKETPUSH_CONSUME_POP_SETTLEMENT_HPP

#include <rocketpush/consume/pop_verdict.hpp>
#include <rocketpush/core/bad_message.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/wait_group.hpp>
#include <rocketpush/fetch/popped_batch.hpp>
#include <rocketpush/protocol/bodies_batch_ack.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>
#include <rocketpush/protocol/requests_pop.hpp>
#include <rocketpush/remoting/backoff.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// The acknowledgement of one popped message. @param topic  The topic that was popped.
inline protocol::ack_request make_ack(std::string_view group, std::string_view topic,
                                      const protocol::receipt_handle& receipt) {
    return {.consumer_group = std::string(group),
            .topic          = protocol::real_topic(receipt.topic, group, topic),
            .queue_id       = receipt.queue_id,
            .receipt        = protocol::to_string(receipt),
            .queue_offset   = receipt.queue_offset,
            .broker_name    = std::string(receipt.broker_name)};
}

/// What hides one popped message for another time.
inline protocol::change_invisible_time_request make_change(std::string_view group, std::string_view topic,
                                                           const protocol::receipt_handle& receipt,
                                                           std::chrono::milliseconds hidden) {
    return {.consumer_group   = std::string(group),
            .topic            = protocol::real_topic(receipt.topic, group, topic),
            .queue_id         = receipt.queue_id,
            .receipt          = protocol::to_string(receipt),
            .queue_offset     = receipt.queue_offset,
            .invisible_millis = hidden.count(),
            .broker_name      = std::string(receipt.broker_name)};
}

/// The acknowledgements of one broker's messages, gathered by check point into a request.
class ack_gathering {
  public:
    /// Bits of a check point at most: a kilobyte. Offsets that lie further apart are acknowledged one by one.
    static constexpr std::int64_t most_bits = 8 * 1024;

    ack_gathering(std::string_view group, const message_queue& popped) : group_(group), topic_(popped.topic) {
        acks_.broker_name = popped.broker_name;
    }

    /// @return Whether it could be taken in.
    bool add(const protocol::receipt_handle& receipt) {
        const auto bit =
            static_cast<std::uint64_t>(receipt.queue_offset) - static_cast<std::uint64_t>(receipt.start_offset);
        if (receipt.queue_offset < receipt.start_offset || bit >= most_bits)
            return false;
        auto found = std::ranges::find_if(acks_.acks, [&](const protocol::batch_ack_entry& each) {
            return each.kind == receipt.topic && each.queue_id == receipt.queue_id &&
                   each.start_offset == receipt.start_offset && each.pop_time == receipt.pop_time &&
                   each.revive_queue_id == receipt.revive_queue_id && each.invisible_millis == receipt.invisible_millis;
        });
        if (found == acks_.acks.end()) {
            protocol::batch_ack_entry fresh;
            fresh.consumer_group   = group_;
            fresh.topic            = topic_;
            fresh.kind             = receipt.topic;
            fresh.start_offset     = receipt.start_offset;
            fresh.queue_id         = receipt.queue_id;
            fresh.revive_queue_id  = receipt.revive_queue_id;
            fresh.pop_time         = receipt.pop_time;
            fresh.invisible_millis = receipt.invisible_millis;
            found                  = acks_.acks.insert(found, std::move(fresh));
        }
        found->acked.set(static_cast<std::size_t>(bit));
        return true;
    }

    protocol::batch_ack& acks() noexcept { return acks_; }

  private:
    std::string_view group_, topic_;
    protocol::batch_ack acks_;
};

/**
 * @brief What is done with popped messages once the listener has had them: acknowledged, hidden until they are to come again, made
 *        dead letters, handed back; and hidden for longer while it still has them.
 *
 * `judge` decides, this does. Each record has at most one request under way. A request that fails is no loss: the message comes
 * again when its invisible time is over.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Source   Java `ConsumeMessagePopConcurrentlyService`. Differs: acknowledges batches, tries again, renews, and knows dead letters.
 */
template <class Host>
class pop_settlement {
  public:
    using queue_type    = typename Host::pop_queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using host_ptr      = std::shared_ptr<Host>;
    using batch_type    = typename Host::pop_batch_type;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    using milliseconds  = std::chrono::milliseconds;
    using step          = popped_record::step;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// What nobody will consume here comes again after this, and the broker's own delay of some seconds.
    static constexpr milliseconds hand_back_delay{1000};

    /// Does what is to be done with the records of `batch`.
    /// @throws std::bad_alloc  What was not begun is held still, and looked at once more when its receipt is due.
    static void settle(const host_ptr& host, const queue_ptr& queue, batch_type& batch) {
        begin_requests(host, queue, batch);
        host->pops().retire(*queue);
    }

    /// Renews what is due, and settles what was waiting for that. @return When something is due next. @throws std::bad_alloc
    static time_point renew(const host_ptr& host, const queue_ptr& queue) {
        auto next = time_point::max();
        {
            std::vector<hold> all;
            all.reserve(queue->batches.size());
            for (const auto& each : queue->batches)
                all.emplace_back(*each);
            for (const auto& each : all)
                next = std::min(next, renew(host, queue, *each.of));
        }
        host->pops().retire(*queue);
        return next;
    }

  private:
    /// A batch that somebody goes through is not recycled meanwhile.
    struct hold {
        explicit hold(batch_type& batch) noexcept : of(&batch) { ++of->open; }
        hold(hold&& other) noexcept : of(std::exchange(other.of, nullptr)) {}
        hold& operator=(hold&&) = delete;
        ~hold() {
            if (of)
                --of->open;
        }

        batch_type* of;
    };

    static void begin_requests(const host_ptr& host, const queue_ptr& queue, batch_type& batch) {
        const auto now = host->runtime().now();
        const hold whole(batch);
        std::vector<std::uint32_t> done;
        try {
            for (std::uint32_t i = 0; i < batch.records.size(); ++i) {
                auto& record = batch.records[i];
                if (record.at != step::held)
                    continue;
                const auto known   = outcome(*host, batch, record, now);
                const auto verdict = judge(known);
                switch (verdict) {
                case pop_verdict::wait: break;
                case pop_verdict::acknowledge:
                    if (done.empty())
                        done.reserve(batch.records.size() - i);
                    done.push_back(i);
                    record.at = step::busy;
                    break;
                case pop_verdict::come_again:
                    begin(*host, record, [&] {
                        return hide(host, queue, batch, i, pop_retry_delay(known.delay_level, known.reconsume_times));
                    });
                    break;
                case pop_verdict::hand_back:
                    begin(*host, record, [&] { return hide(host, queue, batch, i, hand_back_delay); });
                    break;
                case pop_verdict::dead_letter: begin(*host, record, [&] { return bury(host, queue, batch, i); }); break;
                case pop_verdict::expired:
                    end(*queue, batch, i);
                    host->observe().on_receipt_expired(batch.view_of(record));
                    break;
                }
            }
            if (!done.empty() && !ROCKETPUSH_PLANTED(acknowledgement_forgotten))
                host->spawn(acknowledge(host, queue, batch, done));
        } catch (...) {
            for (const auto i : done)
                batch.records[i].at = step::held;
            throw;
        }
    }

    /// Begins a request about a record, whose end that will be.
    template <class Make>
    static void begin(Host& host, popped_record& record, Make make) {
        record.at = step::busy;
        try {
            host.spawn(make());
        } catch (...) {
            record.at = step::held;
            throw;
        }
    }

    static time_point renew(const host_ptr& host, const queue_ptr& queue, batch_type& batch) {
        const auto now = host->runtime().now();
        auto next      = time_point::max();
        bool due       = false;
        for (const auto& record : batch.records)
            due = due || (record.at == step::held && record.times.next() <= now);
        if (due)
            settle(host, queue, batch); // what is done with needs no renewal
        for (std::uint32_t i = 0; i < batch.records.size(); ++i) {
            auto& record = batch.records[i];
            if (record.at != step::held)
                continue;
            const bool lasts = now < batch.came + host->settings().consume_timeout; // then others shall have it
            if (record.times.renew_at <= now && lasts)
                begin(*host, record, [&] { return renew_one(host, queue, batch, i); });
            else
                next = std::min(next, lasts ? record.times.next() : record.times.expires_at);
        }
        return next;
    }

    static popped_outcome outcome(Host& host, const batch_type& batch, const popped_record& record, time_point now) {
        popped_outcome known;
        known.max_reconsume_times = host.max_reconsume_times();
        known.expired             = now >= record.times.expires_at;
        if (record.condemned) {
            const bool again      = host.settings().when_bad_message == bad_message::send_back;
            known.progress        = message_progress::failed;
            known.delay_level     = again ? 0 : -1;
            known.reconsume_times = batch.view_of(record).reconsume_times();
            return known;
        }
        known.progress  = batch.progress_of(record);
        known.abandoned = batch.heard;
        if (known.progress == message_progress::failed) {
            known.delay_level     = batch.delay_level_of(record);
            known.reconsume_times = batch.view_of(record).reconsume_times();
        }
        return known;
    }

    static void end(queue_type& queue, batch_type& batch, std::uint32_t index) {
        batch.records[index].at = step::ended;
        --batch.open;
        --queue.waiting;
    }

    /// Whether there may be another attempt at `next`.
    static bool may_try_again(Host& host, time_point next, time_point expires_at) {
        return next < expires_at && (host.running() || next < host.stop_deadline());
    }

    static task<void> acknowledge(host_ptr host, queue_ptr queue, batch_type& batch, std::vector<std::uint32_t> which) {
        auto expires_at = time_point::max();
        for (const auto i : which)
            expires_at = std::min(expires_at, batch.records[i].times.expires_at);
        backoff delay(milliseconds(200), milliseconds(3000));
        for (;;) {
            std::error_code failure = error::operation_cancelled;
            try {
                failure = co_await send_acks(host, queue, batch, which);
                host->observe().on_ack(queue->queue, which.size(), failure);
                host->topic_refused(queue->queue.topic, failure);
            } catch (...) { // an allocation, or an observer: the records end all the same
            }
            if (!failure)
                queue->counts.acknowledged += which.size();
            const auto next = host->runtime().now() + delay_after(failure, delay.failed(host->runtime().random()));
            if (!failure || !may_try_again(*host, next, expires_at))
                break;
            bool rested = false;
            try {
                co_await queue->nap(host->runtime(), next);
                rested = true;
            } catch (...) { // no memory
            }
            if (!rested)
                break;
        }
        for (const auto i : which)
            end(*queue, batch, i);
        host->pops().retire(*queue);
    }

    static task<std::error_code> send_acks(host_ptr host, queue_ptr queue, batch_type& batch,
                                           const std::vector<std::uint32_t>& which) {
        if (which.size() > 1 && !queue->acks_one_by_one) {
            ack_gathering together(host->settings().group, queue->queue);
            if (std::ranges::all_of(which, [&](auto i) { return together.add(batch.records[i].receipt); })) {
                const auto failure = co_await host->calls().acknowledge(std::move(together.acks()));
                if (failure != response_code::request_code_not_supported)
                    co_return failure;
                queue->acks_one_by_one = true; // before 5.1.3
            }
        }
        const auto sent   = std::make_shared<detail::wait_group<typename Host::runtime_type>>(host->runtime());
        const auto result = std::make_shared<std::error_code>();
        for (const auto i : which)
            sent->spawn(
                send_ack(host, make_ack(host->settings().group, queue->queue.topic, batch.records[i].receipt), result));
        co_await sent->wait();
        co_return *result;
    }

    static task<void> send_ack(host_ptr host, protocol::ack_request request, std::shared_ptr<std::error_code> result) {
        const auto failure = co_await host->calls().acknowledge(std::move(request));
        if (failure)
            *result = failure;
    }

    static task<result<protocol::change_invisible_time_response>> change(host_ptr host, queue_ptr queue,
                                                                         batch_type& batch, std::uint32_t index,
                                                                         milliseconds hidden) {
        result<protocol::change_invisible_time_response> answer = error::operation_cancelled;
        try {
            auto request =
                make_change(host->settings().group, queue->queue.topic, batch.records[index].receipt, hidden);
            answer = co_await host->calls().change_invisible_time(std::move(request));
            host->observe().on_invisible_time(batch.view_of(batch.records[index]), hidden,
                                              answer ? std::error_code() : answer.error());
            host->topic_refused(queue->queue.topic, answer.error());
        } catch (...) { // an allocation, or an observer: the record goes on all the same
        }
        co_return answer;
    }

    /// Has it come again after `delay`. If that fails it comes when its invisible time is over.
    static task<void> hide(host_ptr host, queue_ptr queue, batch_type& batch, std::uint32_t index, milliseconds delay) {
        const auto answer = co_await change(host, queue, batch, index, delay);
        if (answer)
            ++queue->counts.sent_back;
        end(*queue, batch, index);
        host->pops().retire(*queue);
    }

    /// To the dead letter queue, then acknowledged. A broker that does not take it gets it back, and is asked the next time.
    static task<void> bury(host_ptr host, queue_ptr queue, batch_type& batch, std::uint32_t index) {
        const auto view  = batch.view_of(batch.records[index]);
        const auto delay = pop_retry_delay(0, view.reconsume_times());
        bool stored      = false;
        try {
            const auto returned = make_returned(view, -1, host->max_reconsume_times(), host->settings().unit_mode);
            const auto outcome  = co_await host->calls().send_back(host->settings().group, queue->queue, returned,
                                                                   host->settings().send_back_timeout);
            stored              = outcome.stored();
            host->observe().on_send_back(view, outcome.failure);
            host->group_refused(outcome.failure);
        } catch (...) { // an allocation, or an observer: the record ends all the same
        }
        if (!stored) {
            co_await hide(host, queue, batch, index, delay);
            co_return;
        }
        ++queue->counts.sent_back;
        std::vector<std::uint32_t> itself(1, index);
        co_await acknowledge(host, queue, batch, std::move(itself));
    }

    static task<void> renew_one(host_ptr host, queue_ptr queue, batch_type& batch, std::uint32_t index) {
        const auto hidden = host->settings().pop_invisible_time;
        const auto asked  = host->runtime().now();
        const auto answer = co_await change(host, queue, batch, index, hidden);
        auto& record      = batch.records[index];
        if (answer) {
            record.receipt = protocol::changed_receipt(record.receipt, *answer);
            record.times   = receipt_times::of(asked, answer->invisible_millis);
        } else {
            record.times.renew_at = host->runtime().now() + hidden / 8;
        }
        record.at = step::held;
        host->pops().renew_by(record.times.next());
        settle(host, queue, batch);
    }
};

} // namespace rocketpush

#endif
