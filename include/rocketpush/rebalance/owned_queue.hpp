#ifndef ROCKETPUSH_REBALANCE_OWNED_QUEUE_HPP
#define ROCKETPUSH_REBALANCE_OWNED_QUEUE_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/block_pool.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/fetch/fetching_queue.hpp>
#include <rocketpush/fetch/process_queue.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

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
struct owned_queue : fetching_queue<Runtime> {
    owned_queue(message_queue of, Runtime& runtime, std::shared_ptr<detail::block_pool> blocks)
        : fetching_queue<Runtime>(runtime, std::move(blocks)), queue(std::move(of)), cache(0) {}

    using cache_type = process_queue<Concurrent>;

    message_queue queue;
    queue_stage stage = queue_stage::acquiring;
    std::chrono::steady_clock::time_point stage_since{};
    cache_type cache;
    [[no_unique_address]] Order order;

    bool in_line   = false; ///< Acquiring, and the broker is asked for so many first offsets that this one waits.
    bool looked_up = false; ///< Acquiring, and one of those that the broker is asked for.

    /// What flow control looks at. The span is what would come again after a crash. Where the listener itself decides on commits it
    /// counts only while one that it decided on is not stored, or the listener might wait for what is not pulled before it does.
    cache_level level() noexcept {
        const bool none = Order::listener_commits && cache.committable() == stored;
        return {cache.cached_messages(), cache.cached_bytes(), none ? 0 : cache.next_pull() - stored};
    }

    /// Whether a listener call may be running, or messages are on their way elsewhere.
    bool busy() const noexcept { return cache.busy() || order.busy(); }
    std::size_t held_bytes() const noexcept { return cache.cached_bytes(); }
    /// Of them, bodies that were inflated.
    std::size_t inflated_bytes() const noexcept { return cache.inflated_bytes(); }
    bool suspended = false; ///< By the user: not pulled.
    std::optional<queue_offset>
        begin_at; ///< Where to begin in place of the stored offset: it was set while we took over.

    /// For who gives it up, and only there then: a listener call or a send-back ended.
    std::unique_ptr<detail::wake_up<Runtime>> idle;
    void wake_idle() {
        if (idle)
            idle->wake();
    }

    std::chrono::steady_clock::time_point last_settled{}; ///< When a batch of it ran last, or a send-back ended.

    bool writing           = false; ///< A commit is under way; the next one waits, or they could overtake each other.
    queue_offset committed = -1;    ///< What the store confirmed; -1: nothing yet.
    /// Whoever takes the queue over begins here or later: where this epoch began, then what the store confirmed, or the master by
    /// its answer to a pull that carried a commit.
    queue_offset stored = 0;
    bool broker_keeps   = false; ///< Its broker is known to keep an offset of the group in this topic: offset_writer.
    bool may_be_lost    = false; ///< `committed` was the first that we knew of there: another member's may displace it.
    queue_offset broker_max = -1; ///< The queue's end as the last pull told.

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
