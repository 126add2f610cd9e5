#ifndef ROCKETPUSH_FETCH_POP_FETCHER_HPP
#define ROCKETPUSH_FETCH_POP_FETCHER_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/thrown.hpp>
#include <rocketpush/fetch/batch_frame.hpp>
#include <rocketpush/fetch/broken_loop.hpp>
#include <rocketpush/fetch/message_filter.hpp>
#include <rocketpush/fetch/pop_loop.hpp>
#include <rocketpush/fetch/popped_batch.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/pop_receipts.hpp>
#include <rocketpush/protocol/requests_pop.hpp>
#include <rocketpush/remoting/frame_reader.hpp>
#include <rocketpush/remoting/go_away_rule.hpp>

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush {

/// The pops of one queue.
inline protocol::repeated_pop make_pops(const options& with, const message_queue& queue, const subscription& wanted) {
    protocol::pop_request request;
    request.consumer_group   = with.group;
    request.topic            = queue.topic;
    request.queue_id         = queue.queue_id;
    request.invisible_millis = with.pop_invisible_time.count();
    request.poll_millis      = with.suspend_timeout.count();
    request.init_mode        = with.from == consume_from::first ? protocol::pop_init::min : protocol::pop_init::max;
    request.expression_type  = to_string(wanted.type);
    request.expression       = wanted.expression;
    request.order            = false;
    request.broker_name      = queue.broker_name;
    return protocol::repeated_pop(request);
}

/**
 * @brief The fetch loop of one queue that is popped: pops, decodes, filters, and hands batches over, until the queue is dropped.
 *
 * `pop_loop` decides, this does. At most one pop of a queue is under way. What the last one of a dropped queue still brings is
 * consumed; or handed back to the broker, when the consumer stops.
 *
 * @tparam Host  The consumer: options, runtime, observer, calls and routes; see consumer_core.
 * @par Source   Java `PopMessageRequest`, `DefaultMQPushConsumerImpl.popMessage`. Differs: messages that came too often, or cannot be
 *               read, become dead letters, where Java acknowledges or forgets them; the born time is the broker's (0), since a
 *               client whose clock is behind gets nothing else.
 */
template <class Host>
class pop_fetcher {
  public:
    using queue_type    = typename Host::pop_queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using batch_type    = typename Host::pop_batch_type;
    using executor_type = typename Host::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// A broker answers a poll a little late.
    static constexpr std::chrono::seconds answer_limit{10};

    static task<void> run(std::shared_ptr<Host> host, queue_ptr queue, subscription wanted) {
        std::error_code broken;
        try {
            pop_fetcher self(host, queue, std::move(wanted));
            while (!queue->dropped) {
                self.follow_subscription();
                const auto pace = host->pop_pace();
                self.loop_.limit(pace.max_waiting, pace.max_bytes);
                const auto action = self.loop_.next(queue->waiting, queue->held_bytes(), self.outside());
                if (queue->memory_set_aside != 0 && !std::holds_alternative<pop_action::request>(action))
                    host->memory().fetched(*queue); // somebody else's turn
                if (std::holds_alternative<pop_action::request>(action)) {
                    if (!self.connected()) {
                        const bool opened = co_await self.connect();
                        if (!opened)
                            continue;
                    }
                    self.begin_pop();
                    const auto limit       = host->settings().suspend_timeout + answer_limit;
                    auto [failure, answer] = co_await queue->connection->async_request(
                        self.pops_.with(self.turn_), {}, limit, detail::await_tuple<executor_type>);
                    self.end_pop(failure, std::move(answer));
                } else if (const auto* wait = std::get_if<pop_action::wait>(&action)) {
                    co_await queue->sleep(host->runtime(), wait->delay);
                } else if (const auto* pause = std::get_if<pop_action::pause>(&action)) {
                    if (pause->why == flow_state::out_of_memory)
                        host->memory().enter(queue, self.needed_, false);
                    co_await self.wait_for_room(pause->why);
                }
            }
        } catch (...) { // an allocation, or an observer; nothing may be awaited here
            broken = detail::code_of_thrown();
        }
        queue->polling = false;
        host->memory().fetched(*queue);
        if (!broken)
            co_return;
        const bool still_ours = co_await rest_after_exception(host, queue, broken);
        if (!still_ours)
            co_return;
        // What an answer brought comes again when it is hidden no more.
        host->pops().release(queue->queue);
        host->rebalance_later();
    }

  private:
    pop_fetcher(const std::shared_ptr<Host>& host, const queue_ptr& queue, subscription wanted)
        : host_(*host),
          queue_(*queue),
          wanted_(std::move(wanted)),
          pops_(make_pops(host->settings(), queue->queue, wanted_)),
          loop_(host->pop_pace()) {}

    /// What keeps the queue from being popped besides what it holds.
    flow_state outside() const {
        if (host_.suspended() || host_.queues().is_suspended(queue_.queue))
            return flow_state::suspended;
        // A queue that was empty just now costs little while the broker holds its poll.
        return found_nothing_ || host_.memory().open(queue_) ? flow_state::open : flow_state::out_of_memory;
    }

    /// The topic may have been subscribed anew, with another expression.
    void follow_subscription() {
        const auto* now = host_.subscription_of(queue_.queue.topic);
        if (!now || now->version == wanted_.version)
            return;
        wanted_ = *now;
        pops_   = make_pops(host_.settings(), queue_.queue, wanted_);
    }

    bool connected() const {
        return queue_.connection && queue_.connection->is_open() && queue_.connection_route == host_.routes().version();
    }

    /// To the master; nobody else pops. @return Whether there is a connection now.
    task<bool> connect() {
        queue_.mark.enter(queue_step::connecting, host_.runtime().now());
        const auto version = host_.routes().version();
        const auto where   = host_.routes().address(queue_.queue.broker_name);
        if (!where) {
            fail(where.error());
            co_return false;
        }
        auto opened = co_await host_.calls().connect(where->where);
        if (queue_.dropped)
            co_return false;
        if (!opened) {
            fail(opened.error());
            co_return false;
        }
        queue_.connection       = *opened;
        queue_.connection_route = version;
        co_return true;
    }

    void begin_pop() {
        // Others wait for the memory that is set aside for this pop, so that the broker must not hold it. What it brings cannot be let go
        // of without harm: where there is no room, that shall be one message.
        const auto& with   = host_.settings();
        turn_.poll_millis  = queue_.memory_set_aside != 0 ? 0 : with.suspend_timeout.count();
        turn_.max_messages = host_.memory().open(queue_) ? static_cast<std::int32_t>(with.pop_batch_size) : 1;
        found_nothing_     = false;
        queue_.polling     = true;
        queue_.polled      = host_.runtime().now();
        queue_.enter(flow_state::open, queue_.polled);
        queue_.mark.enter(queue_step::asking, queue_.polled);
    }

    void end_pop(std::error_code failure, received_frame answer) {
        queue_.polling = false;
        if (failure)
            fail(failure);
        else
            take(std::move(answer), host_.runtime().now() - queue_.polled);
        host_.memory().fetched(queue_);
        if (queue_.dropped)
            queue_.wake_idle();
    }

    void fail(std::error_code why) {
        loop_.failed();
        if (!queue_.dropped && why != error::operation_cancelled)
            tell_failure(why);
    }

    void tell_failure(std::error_code why) {
        host_.observe().on_pull_failure(queue_.queue, why);
        host_.queue_refused(queue_.queue, why);
    }

    void take(received_frame answer, std::chrono::nanoseconds took) {
        const auto code = static_cast<response_code>(answer.header.code);
        if (sent_away_.answered(code))
            return; // at once again, on another connection
        if (code != response_code::success) {
            loop_.answered(code);
            found_nothing_ = pop_loop::is_empty_poll(code);
            if (!found_nothing_ && !queue_.dropped)
                tell_failure(code);
            return;
        }
        const auto fields = protocol::read_fields<protocol::pop_response>(answer.header);
        if (!fields)
            return fail(fields.error());
        queue_.rest = fields->rest_messages;
        loop_.found();
        deliver(*fields, std::move(answer), took);
    }

    void deliver(const protocol::pop_response& fields, received_frame answer, std::chrono::nanoseconds took) {
        auto batch    = host_.pops().take_batch();
        batch->came   = host_.runtime().now();
        batch->origin = {&queue_.queue, host_.own_retry_topic(), -1, -1, host_.name_space()};
        batch->home   = &queue_;
        decode(*batch, keep_frame(*batch, *host_.blocks(), answer));
        const auto decoded = batch->messages.size();
        const auto unknown = receipts_.make(fields, queue_.queue.broker_name, batch->messages, handles_);
        if (!unknown) { // nothing can be acknowledged: all of it comes again
            host_.pops().give_back(std::move(batch));
            return fail(unknown.error());
        }
        make_records(*batch);
        needed_ = std::bit_ceil(batch->held_bytes());

        queue_.counts.pulls += 1;
        queue_.counts.pull_time += took;
        queue_.counts.pulled += batch->messages.size();
        queue_.counts.pulled_bytes += answer.size;
        queue_.counts.filtered += decoded - batch->messages.size() - batch->condemned.size();
        host_.observe().on_pull(queue_.queue, batch->messages.size(), answer.size, took);
        host_.pops().take_over(queue_, std::move(batch));
    }

    /// Finds the messages. One that is damaged is among them, if it can be told where it ends: its place counts.
    void decode(batch_type& batch, std::string_view body) {
        damaged_.clear();
        const auto on_bad = [&](std::error_code why, std::string_view record, queue_offset offset) {
            ++queue_.counts.bad;
            host_.observe().on_bad_message(queue_.queue, offset, why, host_.settings().when_bad_message);
            const auto before = batch.messages.size();
            if (before != 0 && batch.messages.back().record == record.data())
                return; // some of an inner batch are good: they stand for it
            protocol::decode_unread(record, batch.origin, batch.inflated, batch.messages);
            if (batch.messages.size() > before)
                damaged_.push_back(batch.messages.back().record);
        };
        host_.decoder().decode(body, batch.origin, batch.inflated, batch.messages, on_bad);
    }

    /// Sorts what was found into stored messages with their receipts, and leaves in the batch what the listener is to get.
    void make_records(batch_type& batch) {
        auto& messages       = batch.messages;
        const int most       = host_.max_reconsume_times();
        std::uint32_t kept   = 0;
        std::size_t next_bad = 0;
        for (std::size_t i = 0; i < messages.size();) {
            const auto* stored = messages[i].record;
            popped_record record;
            record.receipt = handles_[i];
            record.times   = receipt_times::of(batch.came, handles_[i].invisible_millis);
            record.first   = kept;
            const bool bad = next_bad < damaged_.size() && damaged_[next_bad] == stored;
            next_bad += bad;
            record.condemned = bad || (messages[i].reconsume_times > most && wanted(messages[i]));
            if (record.condemned) {
                record.first = static_cast<std::uint32_t>(batch.condemned.size());
                batch.condemned.push_back(messages[i]);
            }
            for (; i < messages.size() && messages[i].record == stored; ++i)
                if (!record.condemned && wanted(messages[i]) && wanted_by(host_.observe(), queue_.queue, messages[i])) {
                    messages[kept++] = messages[i];
                    ++record.count;
                }
            batch.records.push_back(record);
        }
        messages.resize(kept);
    }

    /// Brokers compare only the hashes of tags.
    bool wanted(const detail::message_fields& message) const noexcept {
        return wanted_.tags.empty() || wanted_.matches(message_view(message).tags());
    }

    /// Until messages were acknowledged, the consumer has memory, or the user changes what holds it up.
    task<void> wait_for_room(flow_state why) {
        queue_.mark.enter(queue_step::paused, host_.runtime().now());
        host_.collect_soon();
        if (queue_.enter(why, host_.runtime().now()))
            host_.observe().on_flow_control(queue_.queue, why, cache_level{queue_.waiting, queue_.held_bytes(), 0});
        co_await queue_.wake.wait_until(std::chrono::steady_clock::time_point::max());
    }

    Host& host_;
    queue_type& queue_;
    subscription wanted_;
    protocol::repeated_pop pops_;
    protocol::pop_turn turn_;
    pop_loop loop_;
    bool found_nothing_ = false; ///< The last poll.
    go_away_rule sent_away_;
    std::size_t needed_ = 0; ///< Bytes that the last answer with messages took.
    protocol::receipt_maker receipts_;
    std::vector<protocol::receipt_handle> handles_; ///< Of the messages of an answer, in their order.
    std::vector<const char*> damaged_;              ///< Stored messages of an answer that cannot be read.
};

} // namespace rocketpush

#endif
