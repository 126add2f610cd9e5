#ifndef ROCKETPUSH_FETCH_QUEUE_FETCHER_HPP
#define ROCKETPUSH_FETCH_QUEUE_FETCHER_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/thrown.hpp>
#include <rocketpush/fetch/batch_frame.hpp>
#include <rocketpush/fetch/broken_loop.hpp>
#include <rocketpush/fetch/message_filter.hpp>
#include <rocketpush/fetch/obstacle.hpp>
#include <rocketpush/fetch/outer_offset.hpp>
#include <rocketpush/fetch/process_queue.hpp>
#include <rocketpush/fetch/pull_loop.hpp>
#include <rocketpush/fetch/queue_step.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/frame_reader.hpp>
#include <rocketpush/remoting/go_away_rule.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush {

/// The pulls of one queue, all but their position.
inline protocol::repeated_pull make_pulls(const options& with, const message_queue& queue, const subscription& wanted) {
    return protocol::repeated_pull({
        .consumer_group  = with.group,
        .topic           = queue.topic,
        .queue_id        = queue.queue_id,
        .max_messages    = static_cast<std::int32_t>(with.pull_batch_size),
        .suspend_millis  = with.suspend_timeout.count(),
        .sub_version     = wanted.version,
        .expression_type = std::string(to_string(wanted.type)),
        .max_bytes       = static_cast<std::int32_t>(with.pull_batch_bytes),
        .broker_name     = queue.broker_name,
    });
}

/**
 * @brief The fetch loop of one owned queue: pulls, decodes, filters, and hands batches over, until the queue is dropped.
 *
 * `pull_loop` decides, this does. Exactly one loop runs for an epoch of ownership, and at most one of its pulls is under
 * way. What a dropped queue's pull still brings is discarded.
 *
 * @tparam Host  The consumer: options, runtime, observer, calls and routes; see consumer_core.
 * @par Source   Java `PullMessageService`, `PullAPIWrapper`.
 */
template <class Host>
class queue_fetcher {
  public:
    using queue_type     = typename Host::queue_type;
    using queue_ptr      = std::shared_ptr<queue_type>;
    using executor_type  = typename Host::executor_type;
    using connection_ptr = typename Host::connection_ptr;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// A pull is not a coroutine of its own: with ten thousand queues, each frame that a waiting one needs counts.
    /// @param wanted  The subscription of the queue's topic; stays until the queue is dropped.
    static task<void> run(std::shared_ptr<Host> host, queue_ptr queue, const subscription& wanted) {
        std::error_code broken;
        try {
            queue_fetcher self(*host, *queue, wanted);
            while (!queue->dropped) {
                self.loop_.limit(host->limits());
                const auto action = self.loop_.next(queue->level(), self.outside());
                if (queue->memory_set_aside != 0 && !std::holds_alternative<pull_action::request>(action))
                    host->memory().fetched(*queue); // somebody else's turn
                if (std::holds_alternative<pull_action::request>(action)) {
                    if (!self.connected()) {
                        const bool opened = co_await self.connect();
                        if (!opened)
                            continue;
                    }
                    self.begin_pull();
                    auto [failure, answer] = co_await queue->connection->async_request(
                        self.pulls_.with(self.position_), {}, host->settings().pull_timeout,
                        detail::await_tuple<executor_type>);
                    self.end_pull(failure, std::move(answer));
                    if (self.obstacles_.met())
                        co_await self.face_obstacle();
                } else if (const auto* wait = std::get_if<pull_action::wait>(&action)) {
                    co_await queue->sleep(host->runtime(), wait->delay);
                } else if (const auto* pause = std::get_if<pull_action::pause>(&action)) {
                    if (pause->why == flow_state::out_of_memory)
                        host->memory().enter(queue, std::exchange(self.needed_, 0),
                                             std::exchange(self.had_turn_, false));
                    co_await self.wait_for_room(pause->why);
                } else if (const auto* refused = std::get_if<pull_action::reposition>(&action)) {
                    co_await self.reposition(*refused);
                }
            }
        } catch (...) { // an allocation, or an observer; nothing may be awaited here
            broken = detail::code_of_thrown();
        }
        queue->committing_pull = false;
        host->memory().fetched(*queue);
        if (!broken)
            co_return;
        const bool still_ours = co_await rest_after_exception(host, queue, broken);
        if (still_ours) // a new epoch, from the first unfinished message on
            host->queues().begin_anew(*queue);
    }

  private:
    queue_fetcher(Host& host, queue_type& queue, const subscription& wanted)
        : host_(host),
          queue_(queue),
          wanted_(wanted),
          pulls_(make_pulls(host.settings(), queue.queue, wanted)),
          loop_(queue.cache.next_pull(), host.pace()),
          is_static_(is_static_topic_broker(queue.queue.broker_name)),
          obstacles_(host, queue, is_static_) {}

    /// What keeps the queue from being pulled besides what it holds.
    flow_state outside() const {
        if (queue_.suspended || host_.suspended())
            return flow_state::suspended;
        // A queue that was empty just now costs nothing while the broker holds its pull.
        return found_nothing_ || (needed_ == 0 && host_.memory().open(queue_)) ? flow_state::open
                                                                               : flow_state::out_of_memory;
    }

    /// Whether the connection of the last pull is open and nothing suggests another.
    bool connected() const {
        return queue_.connection && queue_.connection->is_open() &&
               queue_.connection_route == host_.routes().version() &&
               queue_.connected_replica == queue_.suggested_replica;
    }

    /// @return Whether there is a connection now.
    task<bool> connect() {
        queue_.mark.enter(queue_step::connecting, host_.runtime().now());
        const auto version   = host_.routes().version();
        const auto suggested = queue_.suggested_replica;
        const auto where     = host_.routes().address(queue_.queue, suggested, true);
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
        queue_.connection        = *opened;
        queue_.connection_route  = version;
        queue_.connected_replica = suggested;
        queue_.at_master         = where->id == broker_address::master;
        co_return true;
    }

    void begin_pull() {
        const auto committable = queue_.cache.committable();
        // A slave refuses it, 0 is no progress, and a broadcasting member's offsets are no business of the broker's. Of a
        // static topic's queue the broker would take it for the place in its own queue, and the group would skip messages.
        const bool may_commit = !Host::broadcasting && queue_.at_master && !is_static_ && committable > 0 &&
                                queue_.order.may_commit(host_.runtime());
        const bool commit = may_commit && queue_.broker_keeps;
        const bool first  = may_commit && !commit && !host_.offsets().denied();
        const bool wide =
            !commit && loop_.offset() - queue_.stored > host_.limits().span / 2; // before its end is reached
        if (first || wide)
            host_.offsets().write_soon(queue_);
        position_.queue_offset  = loop_.offset();
        position_.commit_offset = commit ? committable : 0;
        // Others wait for the memory that is set aside for this pull, so that the broker must not hold it.
        const bool hold = queue_.memory_set_aside == 0;
        position_.sys_flag =
            (hold ? protocol::pull_flags::suspend : 0) | (commit ? protocol::pull_flags::commit_offset : 0);
        queue_.committing_pull = commit;
        found_nothing_         = false;
        queue_.pull_sent       = host_.runtime().now();
        queue_.enter(flow_state::open, queue_.pull_sent);
        queue_.mark.enter(queue_step::asking, queue_.pull_sent);
    }

    void end_pull(std::error_code failure, received_frame answer) {
        queue_.committing_pull = false;
        if (queue_.dropped && !ROCKETPUSH_PLANTED(old_epoch_accepted)) // an answer of an epoch that is over
            queue_.wake_idle();
        else if (failure)
            fail(failure);
        else
            take(loop_.offset(), std::move(answer), host_.runtime().now() - queue_.pull_sent);
        host_.memory().fetched(queue_);
    }

    void fail(std::error_code why) {
        if (why == error::operation_cancelled)
            return loop_.failed(why);
        host_.observe().on_pull_failure(queue_.queue, why);
        loop_.failed(why);
        host_.queue_refused(queue_.queue, why);
        if (why == response_code::topic_not_exist && queue_.at_master && !is_static_)
            made_anew_ = true; // once it is there again
        if (why == response_code::subscription_not_exist || why == response_code::subscription_not_latest ||
            why == response_code::filter_data_not_exist || why == response_code::filter_data_not_latest)
            host_.heartbeat_soon(); // the broker has forgotten us, or not heard yet
    }

    void take(queue_offset asked, received_frame answer, std::chrono::nanoseconds took) {
        const auto code = static_cast<response_code>(answer.header.code);
        if (sent_away_.answered(code))
            return; // at once again, on another connection
        if (code != response_code::success && code != response_code::pull_not_found &&
            code != response_code::pull_retry_immediately && code != response_code::pull_offset_moved)
            return fail(code);
        queue_.stored     = std::max(queue_.stored, position_.commit_offset);
        const auto fields = protocol::read_fields<protocol::pull_response>(answer.header);
        if (!fields)
            return fail(fields.error());
        queue_.suggested_replica = fields->suggested_broker_id;
        queue_.broker_max        = fields->max_offset;
        const auto next          = fields->next_begin_offset;
        if (code == response_code::pull_offset_moved || made_anew_) {
            offset_reset_ = answer.header.raw_remark == "OFFSET_RESET";
            loop_.offset_illegal(next);
        } else if (code != response_code::success) {
            queue_.cache.advance(std::max(next, asked));
            loop_.found_nothing(std::max(next, asked));
            found_nothing_ = true;
            if (code == response_code::pull_retry_immediately && next <= asked && connected())
                loop_.found_no_way(); // at once again would be for ever
            else if (is_static_ && code == response_code::pull_not_found && was_not_held(took))
                loop_.found_no_way(); // the queue is being moved: meanwhile its broker holds no pull
        } else if (!host_.memory().fits(answer.size, 0)) {
            pull_again(answer.size);
        } else {
            loop_.found(deliver(asked, next, *fields, std::move(answer), took) +
                        (ROCKETPUSH_PLANTED(message_skipped) ? 1 : 0));
        }
    }

    /// Hands the messages of an answer over. @return Where the next pull begins.
    queue_offset deliver(queue_offset asked, queue_offset next, const protocol::pull_response& fields,
                         received_frame answer, std::chrono::nanoseconds took) {
        auto batch      = host_.batches().take();
        batch->origin   = {&queue_.queue, host_.own_retry_topic(), fields.min_offset, fields.max_offset,
                           host_.name_space()};
        batch->home     = &queue_;
        const auto body = keep_frame(*batch, *host_.blocks(), answer);
        unreadable_messages bad{.end = asked, .delta = fields.offset_delta.value_or(0)};
        const auto on_bad = [&](std::error_code why, std::string_view record, queue_offset offset) {
            obstacles_.consider(bad, batch->messages.size(), batch->origin, why, record, offset);
        };
        const auto unread = host_.decoder().decode(body, batch->origin, batch->inflated, batch->messages, on_bad);
        if (bad.ahead)
            batch->messages.resize(bad.before);
        if (is_static_)
            use_outer_offsets(batch->messages, bad.delta);
        if (!host_.memory().fits(batch->frame_size, batch->inflated.used_bytes())) {
            pull_again(batch->held_bytes());
            host_.batches().give_back(std::move(batch));
            return asked;
        }
        const auto decoded = batch->messages.size();
        auto last          = bad.end;
        if (decoded != 0) {
            const message_view newest(batch->messages.back());
            last           = std::max(last, newest.queue_offset() + 1);
            newest_stored_ = newest.store_timestamp();
        }
        if (bad.ahead && last == asked) {
            obstacles_.meet(*bad.ahead, asked, next);
            host_.batches().give_back(std::move(batch));
            return asked;
        }
        obstacles_.pass();
        if ((bad.ahead || !unread.empty()) && last > asked)
            next = std::min(next, last); // the messages that were not read are asked for again
        else if (bad.lost_track)         // as is what lies behind the unreadable one, which is passed over
            next = std::min(next, std::max(last, asked + 1));
        drop_unwanted(asked, batch->messages);
        remove_unwanted(host_.observe(), queue_.queue, batch->messages);

        queue_.counts.pulls += 1;
        queue_.counts.pull_time += took;
        queue_.counts.pulled += batch->messages.size();
        queue_.counts.pulled_bytes += answer.size;
        queue_.counts.filtered += decoded - batch->messages.size();
        host_.observe().on_pull(queue_.queue, batch->messages.size(), answer.size, took);

        // A broker that found something and does not move on would send it for ever.
        const auto begin_next = next > asked ? next : std::max(next, last);
        if (batch->messages.empty()) {
            host_.batches().give_back(std::move(batch));
            queue_.cache.advance(begin_next);
            return begin_next;
        }
        batch->prepare();
        auto& kept = queue_.cache.append(std::move(batch));
        host_.memory().recount(queue_);
        queue_.cache.advance(begin_next);
        host_.dispatch(kept);
        return begin_next;
    }

    /// Has an obstacle taken back by the broker, or leaves it there for a time.
    task<void> face_obstacle() {
        const auto beyond = co_await obstacles_.face();
        if (queue_.dropped)
            co_return;
        if (!beyond) {
            loop_.blocked(obstacles_.pause());
            co_return;
        }
        queue_.cache.advance(*beyond);
        loop_.found(*beyond);
    }

    /// Whether the broker answered a pull at once that it was to hold.
    bool was_not_held(std::chrono::nanoseconds took) const noexcept {
        constexpr std::chrono::milliseconds soon{100};
        return (position_.sys_flag & protocol::pull_flags::suspend) != 0 &&
               took < std::min(soon, host_.settings().suspend_timeout / 2);
    }

    /// In a static topic's messages are the offsets of the queue in which they lie; outside, those of the whole topic hold.
    void use_outer_offsets(std::vector<detail::message_fields>& messages, std::int64_t delta) const noexcept {
        for (auto& each : messages)
            each.queue_offset = outer_offset(each.queue_offset, delta);
    }

    /// There is no memory for the answer: it is let go of, and asked for again when there is.
    void pull_again(std::size_t size) {
        ++queue_.counts.refetched;
        had_turn_ = queue_.memory_set_aside != 0;
        // Blocks are larger than what lies in them: what was set aside and not enough would not be enough again.
        needed_ = std::max(std::bit_ceil(size), 2 * queue_.memory_set_aside);
    }

    /// What lies before the asked offset (an inner batch comes whole), and tags that only share a hash with a wanted one.
    void drop_unwanted(queue_offset asked, std::vector<detail::message_fields>& messages) {
        const bool by_tag    = !wanted_.tags.empty();
        const bool any_early = !messages.empty() && messages.front().queue_offset < asked;
        if (!by_tag && !any_early) [[likely]]
            return;
        std::erase_if(messages, [&](const detail::message_fields& each) {
            return each.queue_offset < asked || (by_tag && !wanted_.matches(message_view(each).tags()));
        });
    }

    task<void> wait_for_room(flow_state why) {
        queue_.mark.enter(queue_step::paused, host_.runtime().now());
        host_.collect_soon();
        if (queue_.enter(why, host_.runtime().now()))
            host_.observe().on_flow_control(queue_.queue, why, queue_.level());
        // A batch that ran wakes us, and whatever else may make room. Only the span shrinks within a batch, of which the strand
        // does not hear: a look each second finds that.
        if (why == flow_state::too_wide_a_span)
            host_.offsets().write_soon(queue_);
        const auto look = why == flow_state::too_wide_a_span ? host_.runtime().now() + std::chrono::seconds(1)
                                                             : std::chrono::steady_clock::time_point::max();
        co_await queue_.wake.wait_until(look);
    }

    task<void> reposition(pull_action::reposition refused) {
        queue_.mark.enter(queue_step::repositioning, host_.runtime().now());
        refused_offset known{.asked           = refused.asked,
                             .offered         = refused.offered,
                             .minimum         = 0,
                             .maximum         = 0,
                             .unseen          = {},
                             .reset           = offset_reset_,
                             .made_anew       = made_anew_,
                             .when_beyond_end = host_.settings().when_beyond_end};
        if (!offset_reset_) {
            const auto minimum = co_await host_.calls().min_offset(queue_.queue);
            const auto maximum = co_await host_.calls().max_offset(queue_.queue);
            if (queue_.dropped)
                co_return;
            if (!minimum || !maximum) {
                fail(minimum ? maximum.error() : minimum.error());
                co_return; // ask again from the same offset: the master must be asked before anything is skipped
            }
            known.minimum = *minimum;
            known.maximum = *maximum;
            if (known.asked > known.maximum && newest_stored_ != message_time()) {
                const auto unseen = co_await host_.calls().offset_at(queue_.queue, newest_stored_);
                if (queue_.dropped)
                    co_return;
                if (!unseen)
                    co_return fail(unseen.error());
                known.unseen = *unseen;
            }
        }
        const auto now = corrected_offset(known);
        host_.observe().on_offset_corrected(queue_.queue, refused.asked, now);
        if (now == refused.asked && !offset_reset_ &&
            !made_anew_) { // the master has it: a replica that lags refused it
            queue_.suggested_replica = broker_address::master;
            loop_.failed(response_code::pull_offset_moved);
            co_return;
        }
        host_.restart_at(queue_, now);
    }

    Host& host_;
    queue_type& queue_;
    const subscription& wanted_;
    protocol::repeated_pull pulls_;
    protocol::pull_position position_;
    pull_loop loop_;
    const bool is_static_;
    obstacle_handler<Host> obstacles_;
    message_time newest_stored_{}; ///< Of what this loop has had; the epoch: it has had nothing.
    bool offset_reset_  = false;
    bool made_anew_     = false; ///< The master said that there is no such topic: what is there later is another one.
    bool found_nothing_ = false; ///< At the last pull.
    bool had_turn_      = false;
    go_away_rule sent_away_;
    std::size_t needed_ = 0; ///< Bytes of an answer for which there was no memory; we have to stand in line.
};

} // namespace rocketpush

#endif
