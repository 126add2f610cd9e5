#ifndef ROCKETPUSH_FETCH_POP_LOOP_HPP
#define ROCKETPUSH_FETCH_POP_LOOP_HPP

#include <rocketpush/core/cache_level.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/remoting/backoff.hpp>

#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>
#include <variant>

namespace rocketpush {

/// What a pop loop wants done next.
namespace pop_action {

/// Ask the broker for messages.
struct request {
    bool operator==(const request&) const = default;
};
/// Ask after `delay`, or as soon as the queue is given up.
struct wait {
    std::chrono::milliseconds delay;
    bool operator==(const wait&) const = default;
};
/// Ask again when messages were acknowledged, or something else that keeps it has changed. `why` is never `flow_state::open`.
struct pause {
    flow_state why;
    bool operator==(const pause&) const = default;
};

using any = std::variant<request, wait, pause>;

} // namespace pop_action

struct pop_pace {
    std::size_t max_waiting = 96;                ///< Messages that are not acknowledged; beyond it no pop begins.
    std::size_t max_bytes   = 100u << 20;        ///< The same in bytes held.
    std::chrono::milliseconds interval{0};       ///< Between two pops that found messages.
    std::chrono::milliseconds error_delay{1000}; ///< After an error, or when the broker holds too many polls.
    std::chrono::milliseconds flow_control_delay{
        20}; ///< After the broker's FLOW_CONTROL, or a poll that it did not hold.
};

/**
 * @brief Decides what the popping of one queue does next. It is told what happened; it knows no socket, timer or thread.
 *
 * `next()` after every event. At most one request is ever under way, since it is asked for only here. Up to one batch more than
 * `max_waiting` waits: 96 and batches of 32 are at most 128.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.popMessage` and its `PopCallback`. Differs: flow control waits for an event where Java
 *              polls every 50 ms, and looks at bytes too; after a poll that the broker did not hold (19, at its shutdown) there is
 *              a short pause, where Java asks again at once.
 */
class pop_loop {
  public:
    explicit pop_loop(const pop_pace& pace) noexcept : pace_(pace) {}

    /// From the next decision on.
    void limit(std::size_t max_waiting, std::size_t max_bytes) noexcept {
        pace_.max_waiting = max_waiting;
        pace_.max_bytes   = max_bytes;
    }

    /// Messages came, or only such that the filter removed.
    void found() noexcept { delay_ = pace_.interval; }

    /// No message came. Of the codes of an answer; anything else than those of a poll is a failure.
    void answered(response_code code) noexcept {
        switch (code) {
        case response_code::polling_timeout: break; // the broker has waited long enough
        case response_code::pull_not_found:
        case response_code::flow_control: delay_ = pace_.flow_control_delay; break;
        default: delay_ = delay_after(code, pace_.error_delay);
        }
    }
    /// Whether `code` says that there is nothing, and nothing is wrong.
    static constexpr bool is_empty_poll(response_code code) noexcept {
        return code == response_code::polling_timeout || code == response_code::pull_not_found;
    }

    /// There was no answer, or none that makes sense.
    void failed() noexcept { delay_ = pace_.error_delay; }

    /// What to do now that so many messages, and bytes, are not acknowledged. A delay is asked for once.
    /// @param outside  What keeps the queue from being popped whatever it holds.
    pop_action::any next(std::size_t waiting, std::size_t bytes, flow_state outside = flow_state::open) noexcept {
        using namespace pop_action;
        if (delay_ != std::chrono::milliseconds::zero())
            return wait{std::exchange(delay_, std::chrono::milliseconds::zero())};
        if (outside != flow_state::open)
            return pause{outside};
        if (waiting > pace_.max_waiting)
            return pause{flow_state::too_many_messages};
        if (bytes > pace_.max_bytes)
            return pause{flow_state::too_many_bytes};
        return request{};
    }

  private:
    pop_pace pace_;
    std::chrono::milliseconds delay_{0};
};

} // namespace rocketpush

#endif
