#ifndef ROCKETPUSH_CORE_CONSUME_RESULT_HPP
#define ROCKETPUSH_CORE_CONSUME_RESULT_HPP

#include <rocketpush/core/message_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace rocketpush {

/// What a listener says of the messages it got. @par Source Java `ConsumeConcurrentlyStatus`.
enum class consume_result : std::uint8_t {
    success,        ///< Consumed; the offset may pass them.
    reconsume_later ///< Failed; they go back to the broker and come again after a delay.
};

/**
 * @brief What a listener call is told besides the messages, and what it may say besides its result.
 * @par Source  Java `ConsumeConcurrentlyContext`.
 */
struct consume_context {
    static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

    /// The queue as it was pulled: for a message that comes again, the group's retry topic.
    const message_queue& queue;

    /// For `reconsume_later`: 0 lets the broker choose (10 s, 30 s, 1 min ...), n > 0 is the broker's level n,
    /// -1 goes to the dead letter queue at once. Java: delayLevelWhenNextConsume. Where messages are popped n > 0 is counted
    /// otherwise: see pop_retry_delay.
    int delay_level = 0;

    /// With `success`: how many messages of the batch, from the first, were consumed; the others come again.
    /// Java: ackIndex, which is one less.
    std::size_t succeeded = all;
};

} // namespace rocketpush

#endif
