#ifndef ROCKETPUSH_CORE_CACHE_LEVEL_HPP
#define ROCKETPUSH_CORE_CACHE_LEVEL_HPP

#include <cstddef>
#include <cstdint>

namespace rocketpush {

/// How much of one queue is held.
struct cache_level {
    std::size_t messages = 0; ///< Pulled and not finished.
    std::size_t bytes    = 0; ///< Of their frames and inflated bodies.
    std::int64_t span    = 0; ///< Offsets from the one that is stored to the next pull: what comes again after a crash.
};

/// Why a queue is not pulled at the moment.
enum class flow_state : std::uint8_t {
    open,
    too_many_messages, ///< Of this queue.
    too_many_bytes,    ///< Of this queue.
    too_wide_a_span,   ///< From this queue's first unfinished message on.
    suspended,         ///< On purpose: `suspend()` of the consumer, or of this queue.
    out_of_memory      ///< The budget of the whole consumer is used up; the queue waits for its turn.
};

} // namespace rocketpush

#endif
