#ifndef ROCKETPUSH_FETCH_PULL_LOOP_HPP
#define ROCKETPUSH_FETCH_PULL_LOOP_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/fetch/flow_control.hpp>
#include <rocketpush/remoting/backoff.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

namespace rocketpush {

/// What a pull loop wants done next.
namespace pull_action {

/// Ask the broker for messages from `offset`.
struct request {
    queue_offset offset;
    bool operator==(const request&) const = default;
};
/// Ask again after `delay`, or as soon as the queue is given up.
struct wait {
    std::chrono::milliseconds delay;
    bool operator==(const wait&) const = default;
};
/// Ask again when messages were finished. `why` is never `flow_state::open`.
struct pause {
    flow_state why;
    bool operator==(const pause&) const = default;
};
/// The broker has no such offset: find out from the master where to go on. `offered` is what this broker proposed.
struct reposition {
    queue_offset asked;
    queue_offset offered;
    bool operator==(const reposition&) const = default;
};

using any = std::variant<request, wait, pause, reposition>;

} // namespace pull_action

struct pull_pace {
    cache_limits limits;
    std::chrono::milliseconds interval{0};            ///< Between two pulls that found messages.
    std::chrono::milliseconds error_delay{1000};      ///< After an error.
    std::chrono::milliseconds flow_control_delay{20}; ///< After the broker's FLOW_CONTROL answer.
};

/**
 * @brief Decides what one queue's fetching does next. It is told what happened; it knows no socket, timer or thread.
 *
 * `next()` after every event. At most one request is ever under way, since it is asked for only here.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.pullMessage` and its `PullCallback`. Differs: flow control waits for an
 *              event where Java polls every 50 ms.
 */
class pull_loop {
  public:
    pull_loop(queue_offset first, const pull_pace& pace) noexcept : pace_(pace), offset_(first) {}

    queue_offset offset() const noexcept { return offset_; }

    /// Messages came (or only such that the filter removed); the next ones begin at `next`.
    void found(queue_offset next) noexcept {
        offset_ = next;
        delay_  = pace_.interval;
    }
    /// Nothing matched before `next`, or the broker held the pull until its time was over.
    void found_nothing(queue_offset next) noexcept { offset_ = next; }
    /// The broker says "again, at once" and does not move on, as a slave does that must not be read from.
    void found_no_way() noexcept { delay_ = pace_.error_delay; }

    /// The message at the offset cannot be read, and is not passed over: again after `delay`.
    void blocked(std::chrono::milliseconds delay) noexcept { delay_ = delay; }

    /// The broker says that the offset is not in its range.
    void offset_illegal(queue_offset offered) noexcept {
        illegal_ = true;
        offered_ = offered;
    }
    /// The pull failed: a broker's refusal, a lost connection, a timeout.
    void failed(std::error_code why) noexcept {
        delay_ = why == response_code::flow_control ? pace_.flow_control_delay : delay_after(why, pace_.error_delay);
    }

    /// From now on.
    void limit(const cache_limits& limits) noexcept { pace_.limits = limits; }

    /**
     * @brief What to do now that this much is cached. A delay is asked for once, then the loop goes on.
     * @param outside  What keeps the queue from being pulled whatever it holds itself.
     */
    pull_action::any next(const cache_level& level, flow_state outside = flow_state::open) noexcept {
        using namespace pull_action;
        if (illegal_) {
            illegal_ = false;
            return reposition{offset_, offered_};
        }
        if (delay_ != std::chrono::milliseconds::zero())
            return wait{std::exchange(delay_, std::chrono::milliseconds::zero())};
        if (outside == flow_state::suspended)
            return pause{outside};
        if (const auto state = flow_control(level, pace_.limits); state != flow_state::open)
            return pause{state};
        if (outside != flow_state::open)
            return pause{outside};
        return request{offset_};
    }

  private:
    pull_pace pace_;
    queue_offset offset_;
    queue_offset offered_ = 0;
    std::chrono::milliseconds delay_{0};
    bool illegal_ = false;
};

/// What is known when a pull's offset was refused.
struct refused_offset {
    queue_offset asked;
    queue_offset offered;               ///< What the refusing broker proposed.
    queue_offset minimum;               ///< The master's.
    queue_offset maximum;               ///< The master's.
    /// The master's first message that was stored no earlier than the newest that we have had of the queue; if we have had any.
    std::optional<queue_offset> unseen = std::nullopt;
    bool reset                 = false; ///< The broker says that an administrator reset the offset.
    bool made_anew             = false; ///< The topic was away meanwhile, so the queue is another one.
    beyond_end when_beyond_end = beyond_end::last;
};

/**
 * @brief Where to go on after OFFSET_ILLEGAL. The master's range decides, not the one broker that refused: a slave that
 *        lags offers 0, which would bring days of old messages again.
 *
 * A reset is obeyed; an offset below the minimum becomes the minimum; one that the master does have is kept. Beyond the maximum
 * (messages were lost, or the topic was made anew while a pull was held) it goes on with what we have not had, or as the options
 * say. In a topic that was made anew all is new. It is never negative, nor is it undefined, whatever a broken broker says.
 */
constexpr queue_offset corrected_offset(const refused_offset& refused) noexcept {
    const auto minimum = std::max<queue_offset>(refused.minimum, 0);
    const auto maximum = std::max(refused.maximum, minimum);
    if (refused.reset)
        return std::max<queue_offset>(refused.offered, 0);
    if (refused.made_anew)
        return minimum;
    if (ROCKETPUSH_PLANTED(offered_offset_believed))
        return refused.offered;
    if (refused.asked < minimum)
        return minimum;
    if (refused.asked > maximum) {
        if (refused.when_beyond_end == beyond_end::first)
            return minimum;
        return std::clamp(refused.unseen.value_or(maximum), minimum, maximum);
    }
    return refused.asked;
}

} // namespace rocketpush

#endif
