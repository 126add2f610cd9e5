#ifndef ROCKETPUSH_FETCH_FLOW_CONTROL_HPP
#define ROCKETPUSH_FETCH_FLOW_CONTROL_HPP

#include <rocketpush/core/cache_level.hpp>
#include <rocketpush/detail/planted.hpp>

#include <cstddef>
#include <cstdint>

namespace rocketpush {

/// How much of one queue may be held.
struct cache_limits {
    std::size_t messages = 1000;
    std::size_t bytes    = 100u << 20;
    std::int64_t span    = 2000;
};

/**
 * @brief Whether a queue that holds `level` may be pulled: Java's rule, "beyond the limit", so up to one batch more than
 *        the limit is held.
 *
 * 1000 cached messages and a limit of 1000: open. 1001: too_many_messages.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.pullMessage`. Differs: the span is measured from the offset that the
 *              store has confirmed, so it bounds what comes twice after a crash.
 */
constexpr flow_state flow_control(const cache_level& level, const cache_limits& limits) noexcept {
    if (level.messages > limits.messages && !ROCKETPUSH_PLANTED(cache_limit_ignored))
        return flow_state::too_many_messages;
    if (level.bytes > limits.bytes)
        return flow_state::too_many_bytes;
    if (level.span > limits.span && !ROCKETPUSH_PLANTED(span_ignored))
        return flow_state::too_wide_a_span;
    return flow_state::open;
}

} // namespace rocketpush

#endif
