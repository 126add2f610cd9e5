#ifndef ROCKETPUSH_FETCH_OBSTACLE_HPP
#define ROCKETPUSH_FETCH_OBSTACLE_HPP

#include <rocketpush/core/bad_message.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/fetch/outer_offset.hpp>
#include <rocketpush/fetch/queue_step.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/remoting/backoff.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// A message that cannot be read and is not passed over. What lies before it in an answer is delivered; then it is the first.
struct obstacle {
    queue_offset offset; ///< As the group counts; -1: it does not say.
    std::error_code why;
    std::optional<returned_message> returned{}; ///< How it is sent back; none: it stops the queue.
    queue_offset asked  = 0;                    ///< What was pulled from when it was the first.
    queue_offset beyond = 0;                    ///< Where the queue goes on once its way back is confirmed.
    backoff pause{std::chrono::milliseconds(1000), std::chrono::milliseconds(30000)};
    bool met = false; ///< By the last pull.
};

/// The messages of one pull's answer that cannot be read.
struct unreadable_messages {
    queue_offset end;                ///< Behind the last that was passed over; at first, where the pull began.
    std::int64_t delta;              ///< See `outer_offset`.
    bool lost_track = false;         ///< Of where messages begin.
    std::optional<obstacle> ahead{}; ///< What is not passed over; all behind it comes again.
    std::size_t before = 0;          ///< Messages that could be read before that.
};

/**
 * @brief What a queue's fetch loop does at messages that cannot be read: passes them over, has the broker take them back, or waits
 *        there, as `options::when_bad_message` says.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Source   Nothing of Java, which delivers damaged messages, or loses what is behind them.
 */
template <class Host>
class obstacle_handler {
  public:
    using queue_type    = typename Host::queue_type;
    using executor_type = typename Host::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    obstacle_handler(Host& host, queue_type& queue, bool is_static)
        : host_(host), queue_(queue), is_static_(is_static) {}

    /// The decoder has found one. Out of line, for it is called from the loop over all messages.
    /// @param found  Of the same answer. @param read  Messages before it. @param offset  As the answer says; -1: unknown.
    [[gnu::noinline]] void consider(unreadable_messages& found, std::size_t read, const detail::message_origin& origin,
                                    std::error_code why, std::string_view record, queue_offset offset) {
        if (found.ahead)
            return;
        offset      = offset < 0 ? offset : outer_offset(offset, found.delta);
        found.ahead = obstacle_at(record, origin, offset, why);
        if (found.ahead) {
            found.before = read;
            return;
        }
        ++queue_.counts.bad;
        found.lost_track = found.lost_track || offset < 0;
        found.end        = std::max(found.end, offset + 1);
        host_.observe().on_bad_message(queue_.queue, offset, why, bad_message::skip);
    }

    /// The first message from `asked` on is an obstacle. @param next  Where the broker would go on.
    void meet(obstacle& found, queue_offset asked, queue_offset next) {
        if (!current_ || current_->asked != asked) { // else it is looked at again
            ++queue_.counts.bad;
            const bool believable = found.offset >= asked && found.offset < next; // what it says may be what is damaged
            found.beyond          = (believable ? found.offset : asked) + 1;
            found.asked           = asked;
            current_              = std::make_unique<obstacle>(std::move(found));
        }
        current_->met = true;
        if (!current_->returned)
            host_.observe().on_bad_message(queue_.queue, current_->offset, current_->why, bad_message::stop);
    }
    /// Whether the last pull ended at one: it is to be faced before the next.
    bool met() const noexcept { return current_ && current_->met; }
    /// There is none any more.
    void pass() noexcept { current_.reset(); }

    /// Has the broker take back the one that was met, if that is wanted.
    /// @return Where the queue goes on; none: it waits for `pause`, or was dropped meanwhile.
    task<std::optional<queue_offset>> face() {
        current_->met = false;
        if (!current_->returned)
            co_return std::nullopt;
        queue_.mark.enter(queue_step::asking, host_.runtime().now());
        const auto& with = host_.settings();
        const auto outcome =
            co_await host_.calls().send_back(with.group, queue_.queue, *current_->returned, with.send_back_timeout);
        if (queue_.dropped)
            co_return std::nullopt;
        host_.group_refused(outcome.failure);
        if (!outcome.stored()) {
            host_.observe().on_pull_failure(queue_.queue, outcome.failure);
            co_return std::nullopt;
        }
        ++queue_.counts.sent_back;
        host_.observe().on_bad_message(queue_.queue, current_->offset, current_->why, bad_message::send_back);
        const auto beyond = current_->beyond;
        pass();
        co_return beyond;
    }
    /// How long the queue waits before it looks at its obstacle again.
    std::chrono::milliseconds pause() { return current_->pause.failed(host_.runtime().random()); }

  private:
    /// What the options make an obstacle.
    std::optional<obstacle> obstacle_at(std::string_view record, const detail::message_origin& origin,
                                        queue_offset offset, std::error_code why) const {
        const auto& with = host_.settings();
        if (with.when_bad_message == bad_message::skip)
            return std::nullopt;
        obstacle found{.offset = offset, .why = why};
        if (with.when_bad_message == bad_message::stop)
            return found;
        detail::byte_arena nothing;
        std::vector<detail::message_fields> parts;
        protocol::decode_unread(record, origin, nothing, parts);
        if (is_static_ || offset < 0 || parts.size() != 1 || parts.front().is_inner())
            return std::nullopt;
        found.returned = make_returned(message_view(parts.front()), 0, host_.max_reconsume_times(), with.unit_mode);
        return found;
    }

    Host& host_;
    queue_type& queue_;
    const bool is_static_;
    std::unique_ptr<obstacle> current_; ///< At which the last pull that brought something, and those before it, ended.
};

} // namespace rocketpush

#endif
