#ifndef ROCKETPUSH_CONSUME_POP_VERDICT_HPP
#define ROCKETPUSH_CONSUME_POP_VERDICT_HPP

#include <rocketpush/fetch/pulled_batch.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace rocketpush {

/// What is to be done about a popped message.
enum class pop_verdict : std::uint8_t {
    wait,        ///< It is being consumed, or will be.
    acknowledge, ///< Consumed.
    come_again,  ///< Failed; hide it for `pop_retry_delay`, then the broker counts it as failed once more.
    dead_letter, ///< Failed too often, or for good: to the dead letter queue, then acknowledged.
    hand_back,   ///< Nobody will consume it here: the broker may have it again soon.
    expired      ///< Its receipt is worth nothing any more, the message comes again; nothing can be done.
};

/// What is known of a popped message.
struct popped_outcome {
    message_progress progress = message_progress::unfinished;
    bool abandoned            = false; ///< No listener is at it, and none will be.
    bool expired              = false;
    int delay_level           = 0; ///< Of a failed one: see consume_context::delay_level.
    int reconsume_times       = 0;
    int max_reconsume_times   = 16;
};

/**
 * @brief Decides about a popped message.
 * @par Source  Java `ConsumeMessagePopConcurrentlyService.processConsumeResult`, `checkNeedAckOrDelay`. Differs: a message that
 *              failed too often becomes a dead letter, where Java acknowledges it and it is gone; and level -1 is understood.
 */
constexpr pop_verdict judge(const popped_outcome& known) noexcept {
    if (known.progress == message_progress::unfinished && !known.abandoned)
        return known.expired ? pop_verdict::expired : pop_verdict::wait;
    if (known.expired) // with a receipt that is not valid brokers accept anything and do nothing
        return pop_verdict::expired;
    if (known.progress == message_progress::unfinished)
        return pop_verdict::hand_back;
    if (known.progress == message_progress::finished)
        return pop_verdict::acknowledge;
    return known.delay_level < 0 || known.reconsume_times >= known.max_reconsume_times ? pop_verdict::dead_letter
                                                                                       : pop_verdict::come_again;
}

/**
 * @brief How long a failed message stays hidden: the delay of the level that the listener chose, or, if that is 0, of the number of
 *        times that it came again before.
 *
 * 10 s, 30 s, 1 min, 2 min ... 10 min, 20 min, 30 min, 1 h, and 2 h from level 15 on. Level 1 is 30 s here and 1 s where messages
 * are pulled: Java counts so.
 *
 * @par Source  Java `ConsumeMessagePopConcurrentlyService.popDelayLevel`.
 */
constexpr std::chrono::seconds pop_retry_delay(int delay_level, int reconsume_times) noexcept {
    constexpr std::array<int, 16> seconds{10,  30,  60,  120, 180,  240,  300,  360,
                                          420, 480, 540, 600, 1200, 1800, 3600, 7200};
    const int level = delay_level != 0 ? delay_level : reconsume_times;
    return std::chrono::seconds(seconds[static_cast<std::size_t>(std::clamp(level, 0, 15))]);
}

} // namespace rocketpush

#endif
