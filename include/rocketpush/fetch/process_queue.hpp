#ifndef ROCKETPUSH_FETCH_PROCESS_QUEUE_HPP
#define ROCKETPUSH_FETCH_PROCESS_QUEUE_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/ring.hpp>
#include <rocketpush/fetch/flow_control.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What was pulled from one queue and is not finished, and the offset that may be committed for it.
 *
 * The offset never passes an unfinished message: it is the first unfinished one's, or, when all are finished, the offset
 * of the next pull (what a filter removed before it needs nobody).
 *
 * @par Thread safety  None; on the strand. Runners mark messages in the batches meanwhile.
 * @par Source         Java `ProcessQueue`. Differs: batches in place of a tree of messages.
 */
template <bool Concurrent>
class process_queue {
  public:
    using batch_type = pulled_batch<Concurrent>;

    explicit process_queue(queue_offset first) noexcept : next_pull_(first) {}

    /// The offset of the next pull.
    queue_offset next_pull() const noexcept { return next_pull_; }
    /// A pull brought the queue up to `offset`; messages between were appended, or filtered out.
    void advance(queue_offset offset) noexcept { next_pull_ = offset; }

    batch_type& append(std::unique_ptr<batch_type> batch) {
        batches_.push_back(std::move(batch));
        batch_type& kept = *batches_.back();
        messages_ += kept.size();
        bytes_ += kept.held_bytes();
        inflated_ += kept.inflated.used_bytes();
        return kept;
    }

    /// The next offset that the group needs.
    queue_offset committable() noexcept {
        if (ROCKETPUSH_PLANTED(commit_past_unfinished))
            return next_pull_;
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (const auto offset = batches_[i]->first_unfinished())
                return *offset;
        return next_pull_;
    }

    /// The message there; null when all that was pulled is finished. It lasts while nothing of the queue is retired.
    const detail::message_fields* oldest_unfinished() noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (const auto* found = batches_[i]->oldest_unfinished())
                return found;
        return nullptr;
    }

    bool empty() const noexcept { return batches_.empty(); }
    /// Counts a batch whole until its last runner has left.
    std::size_t cached_messages() const noexcept { return messages_; }
    std::size_t cached_bytes() const noexcept { return bytes_; }
    /// Of them, bodies that were inflated.
    std::size_t inflated_bytes() const noexcept { return inflated_; }

    /// Keeps the echo of a message that is consumed here once more. It needs no memory of its own, and counts in nothing.
    batch_type& keep_echo(std::unique_ptr<batch_type> echo) {
        echoes_.push_back(std::move(echo));
        return *echoes_.back();
    }
    std::unique_ptr<batch_type> take_echo(const batch_type& echo) noexcept {
        const auto found = std::ranges::find(echoes_, &echo, [](const auto& each) { return each.get(); });
        auto taken       = std::move(*found);
        *found           = std::move(echoes_.back());
        echoes_.pop_back();
        return taken;
    }

    /// `f(batch)` for each that the listener may be at.
    template <class F>
    void for_each_running(F f) {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (!batches_[i]->heard)
                f(*batches_[i]);
        for (const auto& echo : echoes_)
            f(*echo);
    }

    /// Whether a batch is with the executor, or a message on its way back to the broker. (That a batch's last runner has left is
    /// not enough: until the strand has heard of it, it is in a list of those that have.)
    bool busy() const noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (!batches_[i]->heard || batches_[i]->under_send_back != 0)
                return true;
        return false;
    }

    /// Whether what may be committed can still change. Less than `busy`: batches that were cancelled stay in the executor's line,
    /// behind what other queues have there, until a thread finds them empty.
    bool consuming() const noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (batches_[i]->consuming())
                return true;
        return false;
    }

    /// No further listener call starts behind the last message that one has got. What lies before it still runs: batches run
    /// side by side, the offset to commit cannot pass a gap, and what was consumed behind the gap would come twice.
    void cancel_behind_last_claimed() noexcept {
        for (std::size_t i = batches_.size(); i > 0; --i)
            if (batches_[i - 1]->cancel_unclaimed())
                return;
    }

    /// No further listener call starts for what is cached.
    void cancel_unclaimed() noexcept {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            batches_[i]->cancel_unclaimed();
        for (const auto& echo : echoes_)
            echo->cancel_unclaimed();
    }

    /// Calls `look(batch)` with each batch in the order of the offsets, until it says false.
    template <class Look>
    void visit(Look&& look) {
        for (std::size_t i = 0; i < batches_.size(); ++i)
            if (!look(*batches_[i]))
                return;
    }

    /// Lets go of the bytes of every batch that is finished, and gives those at the front, which the offset has
    /// passed, to `recycle(std::unique_ptr<batch>)`.
    template <class Recycle>
    void retire_finished(Recycle&& recycle) {
        for (std::size_t i = 0; i < batches_.size(); ++i) {
            batch_type& each = *batches_[i];
            if (!each.heard || each.under_send_back != 0 || each.first_unfinished() || each.released())
                continue;
            messages_ -= each.size();
            bytes_ -= each.held_bytes();
            inflated_ -= each.inflated.used_bytes();
            each.release_bytes();
        }
        while (!batches_.empty() && batches_[0]->released())
            recycle(batches_.take_front());
    }

    /// Lets go of everything that nobody is at; for a queue that was given up.
    template <class Recycle>
    void clear(Recycle&& recycle) {
        while (!batches_.empty())
            recycle(batches_.take_front());
        messages_ = bytes_ = inflated_ = 0;
    }

  private:
    detail::ring<std::unique_ptr<batch_type>> batches_;
    std::vector<std::unique_ptr<batch_type>> echoes_; ///< Each under_send_back of its batch.
    queue_offset next_pull_;
    std::size_t messages_ = 0;
    std::size_t bytes_    = 0;
    std::size_t inflated_ = 0;
};

} // namespace rocketpush

#endif
