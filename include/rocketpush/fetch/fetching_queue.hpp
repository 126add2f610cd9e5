#ifndef ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP
#define ROCKETPUSH_FETCH_FETCHING_QUEUE_HPP

#include <rocketpush/detail/signal_flag.hpp>

#include <cstddef>

namespace rocketpush {

/**
 * @brief What a queue that is pulled and one that is popped have in common: for those who share the consumer's memory out.
 * @par Thread safety  None; on the strand.
 */
template <class Runtime>
struct fetching_queue {
    explicit fetching_queue(Runtime& runtime) : wake(runtime) {}

    detail::wake_up<Runtime> wake; ///< For the fetch loop: there may be room, or the queue was dropped.
    /// Given up: nothing further is fetched; late answers change nothing.
    bool dropped                 = false;
    bool in_memory_line          = false; ///< See memory_budget.
    std::size_t memory_set_aside = 0;     ///< See memory_budget.
    std::size_t counted_bytes    = 0;     ///< Of what is held, as queue_memory counted last ...
    std::size_t counted_inflated = 0;     ///< ... and of them inflated ones.
};

} // namespace rocketpush

#endif
