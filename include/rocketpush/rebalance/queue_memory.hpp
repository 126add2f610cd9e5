#ifndef ROCKETPUSH_REBALANCE_QUEUE_MEMORY_HPP
#define ROCKETPUSH_REBALANCE_QUEUE_MEMORY_HPP

#include <rocketpush/fetch/fetching_queue.hpp>
#include <rocketpush/fetch/memory_budget.hpp>

#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace rocketpush {

/**
 * @brief Counts what all queues of a consumer hold, pulled and popped ones, and keeps it within one budget.
 *
 * Where the consumer has its client for itself, the blocks that are really in use count, those that connections read into
 * included, and inflated bodies. On a shared client, whose blocks lie about for several consumers, the shares of this one's frames.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 */
template <class Host>
class queue_memory {
  public:
    using queue_type = fetching_queue<typename Host::runtime_type>;
    using queue_ptr  = std::shared_ptr<queue_type>;

    explicit queue_memory(Host& host)
        : host_(host),
          budget_(host.settings().max_consumer_bytes,
                  std::bit_ceil(host.settings().pull_batch_bytes + block_for_header)) {}

    static constexpr std::size_t block_for_header = 4096; ///< Bytes of an answer before its messages, at most.

    void limit(std::size_t bytes) {
        budget_.limit(bytes);
        let_in();
    }

    /// Whether the queue may be fetched from.
    bool open(const queue_type& queue) const {
        return queue.memory_set_aside != 0 || (!queue.in_memory_line && budget_.open(use(0, 0)));
    }
    /// Whether an answer that has come, and is in nobody's cache yet, may be kept.
    bool fits(std::size_t frame, std::size_t inflated) const { return budget_.fits(use(frame, inflated)); }

    /// The queue waits until it is woken; a later call changes nothing. See memory_budget::enter.
    void enter(const queue_ptr& queue, std::size_t need, bool ahead) {
        budget_.enter(queue, need, ahead);
        let_in();
    }

    /// The queue's request is over, or it makes none.
    void fetched(queue_type& queue) {
        if (queue.memory_set_aside == 0)
            return;
        budget_.take_back(queue);
        let_in();
    }

    /// After what a queue holds has changed.
    template <class Queue>
    void recount(Queue& queue) {
        recount(queue, queue.held_bytes(), queue.inflated_bytes());
    }
    /// Before the queue goes.
    void forget(queue_type& queue) { recount(queue, 0, 0); }

  private:
    void recount(queue_type& queue, std::size_t bytes, std::size_t inflated) {
        const bool less = bytes < queue.counted_bytes;
        held_           = held_ - std::exchange(queue.counted_bytes, bytes) + bytes;
        inflated_       = inflated_ - std::exchange(queue.counted_inflated, inflated) + inflated;
        if (less)
            let_in();
    }

    memory_use use(std::size_t frame, std::size_t inflated) const {
        if (host_.client().has_one_consumer())
            return {host_.blocks()->live_bytes() + inflated_ + inflated, held_};
        return {held_ + frame + inflated, held_};
    }

    void let_in() {
        while (budget_.waiting()) {
            const auto next = budget_.let_in(use(0, 0));
            if (!next)
                return;
            (*next)->wake.wake();
        }
    }

    Host& host_;
    memory_budget<queue_ptr> budget_;
    std::size_t held_     = 0; ///< Of all queues, those included that were left behind.
    std::size_t inflated_ = 0; ///< Of it, inflated bodies.
};

} // namespace rocketpush

#endif
