#ifndef ROCKETPUSH_FETCH_OUTER_OFFSET_HPP
#define ROCKETPUSH_FETCH_OUTER_OFFSET_HPP

#include <rocketpush/core/message_queue.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace rocketpush {

/**
 * @brief In a static topic's messages are the offsets of the queue in which they lie; outside, those of the whole topic hold.
 * @param delta  What the answer adds to its messages' offsets; 0 where topics are not static. Of hostile numbers it makes any,
 *               but no overflow.
 * @par Source   Java `PullAPIWrapper.processPullResult`, wire field `offsetDelta` of PULL_MESSAGE.
 */
inline queue_offset outer_offset(queue_offset offset, std::int64_t delta) noexcept {
    constexpr auto most = std::numeric_limits<queue_offset>::max() - 1;
    return static_cast<queue_offset>(
        std::min(static_cast<std::uint64_t>(offset) + static_cast<std::uint64_t>(std::max<std::int64_t>(delta, 0)),
                 static_cast<std::uint64_t>(most)));
}

} // namespace rocketpush

#endif
