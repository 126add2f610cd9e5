#ifndef ROCKETPUSH_REBALANCE_OWNED_QUEUE_HPP
#define ROCKETPUSH_REBALANCE_OWNED_QUEUE_HPP

#include <rocketpush/core/cache_level.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/fetch/process_queue.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief One queue from the moment it is assigned to us until nothing of it is left here: an epoch of its ownership.
 *
 * A queue that comes back gets a new one, so what an old fetch loop still learns of the old one is discarded.
 *
 * @tparam Order  What the consumption keeps of the queue: queue_order or no_order.
 * @par Thread safety  None; on the strand.
 */
template <class Connection, class Runtime, bool Concurrent, class Order>
struct owned_queue {
    owned_queue(message_queue of, Runtime& runtime) : queue(std::move(of)), cache(0), wake(runtime) {}

    using cache_type = process_queue<Concurrent>;

    message_queue queue;
    queue_stage stage = queue_stage::acquiring;
    std::chrono::steady_clock::time_point stage_since{};
    cache_type cache;
    [[no_unique_address]] Order order;

    /// Given up: no further pull, no further listener call; late answers change nothing.
    bool dropped = false;
    bool in_line = false; ///< Acquiring, and the broker is asked for so many first offsets that this one waits.

    /// Whether a listener call may be running, or messages are on their way elsewhere.
    bool busy() const noexcept { return cache.busy() || order.busy(); }
    bool suspended               = false; ///< By the user: not pulled.
    bool in_memory_line          = false; ///< See memory_budget.
    std::size_t memory_set_aside = 0;     ///< See memory_budget.
    std::size_t counted_bytes    = 0;     ///< Of `cache`, as queue_memory counted last ...
    std::size_t counted_inflated = 0;     ///< ... and of them inflated ones.
    std::optional<queue_offset>
        begin_at; ///< Where to begin in place of the stored offset: it was set while we took over.

    detail::wake_up<Runtime> wake; ///< For the fetch loop: the cache shrank, or the queue was dropped.
    /// For who gives it up, and only there then: a listener call or a send-back ended.
    std::unique_ptr<detail::wake_up<Runtime>> idle;
    void wake_idle() {
        if (idle)
            idle->wake();
    }

    std::vector<typename Runtime::timer*> naps; ///< Pauses between attempts at this queue; giving it up ends them.

    bool writing            = false; ///< A commit is under way; the next one waits, or they could overtake each other.
    queue_offset committed  = -1;    ///< What the store confirmed; -1: nothing yet.
    queue_offset broker_max = -1;    ///< The queue's end as the last pull told.
    flow_state flow         = flow_state::open;

    std::shared_ptr<Connection> connection; ///< Where it was pulled last.
    std::uint64_t connection_route = 0;     ///< The route version that `connection` was chosen by.
    std::int64_t suggested_replica = 0;     ///< The broker's word where to pull next.
    std::int64_t connected_replica = 0;
    bool committing_pull           = false;            ///< A pull that carries a commit is under way ...
    std::chrono::steady_clock::time_point pull_sent{}; ///< ... since then.
    bool at_master = true;                             ///< Whether `connection` goes to the master.

    work_counts counts;
};

} // namespace rocketpush

#endif
