#ifndef ROCKETPUSH_CONSUME_QUEUE_ORDER_HPP
#define ROCKETPUSH_CONSUME_QUEUE_ORDER_HPP

#include <rocketpush/consume/orderly_turn.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/shared_cell.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/observe/statistics.hpp>
#include <rocketpush/rebalance/queue_lock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What an orderly consumer keeps of one queue: its lock, whose turn it is, and how far the turn is.
 *
 * The strand plans a turn: which batches it goes through. From then on the plan, its batches and all that the turn leaves
 * behind belong to the runner, until the last share in the turn is gone and the strand has heard of it (`out` is false
 * again). Meanwhile the strand appends batches, reads marks, and retires nothing of the queue.
 *
 * @tparam ListenerCommits  What is consumed is committable when the listener says so, see orderly_manual.
 * @par Thread safety  As said; `give_up`, `has_unclaimed`, `lock.trusted` from any thread.
 * @par Source  Java `ProcessQueue` (msgTreeMap, consumingMsgOrderlyTreeMap, its locks).
 */
template <bool Concurrent, bool ListenerCommits = false>
class queue_order {
  public:
    using batch_type   = pulled_batch<Concurrent>;
    using milliseconds = std::chrono::milliseconds;
    using time_point   = std::chrono::steady_clock::time_point;
    template <class T>
    using cell = detail::shared_cell<T, Concurrent>;

    static constexpr bool listener_commits = ListenerCommits;
    static constexpr bool one_runner       = true; ///< Whether a second one would find nothing to do.

    /// Messages of one batch, for one listener call.
    struct call {
        batch_type* batch = nullptr;
        batch_slice slice{};
        explicit operator bool() const noexcept { return static_cast<bool>(slice); }
    };

    queue_lock<Concurrent> lock;

    // The strand's.

    void* home    = nullptr; ///< The owned queue.
    bool out      = false;   ///< A turn was handed to the executor and has not been heard of.
    bool held_up  = false;   ///< A pause, or the lock is being asked for: no turn begins before an operation's end.
    bool sending  = false;   ///< That operation is at messages of the queue.
    bool contested = false;  ///< While it is taken over: a living member may still hold the queue.

    /// Whether a listener call may be running or an operation is at the queue's messages.
    bool busy() const noexcept { return out || sending; }
    bool suspended() const noexcept { return held_up && turn.paused_until() != time_point::min(); }
    /// Offsets of a queue that may be another member's by now are not ours to write.
    template <class Runtime>
    bool may_commit(const Runtime& runtime) const noexcept {
        return lock.trusted(runtime.now());
    }

    void give_up() noexcept { given_up_.store(true, std::memory_order_relaxed); }
    bool is_given_up() const noexcept { return given_up_.load(std::memory_order_relaxed); }

    /// What there is to consume, at most `most` batches.
    template <class Cache>
    void plan(Cache& cache, std::size_t most, std::uint32_t messages_a_call) {
        plan_.clear();
        calls_ = 0;
        cache.visit([&](batch_type& batch) {
            if (batch.next_unconsumed(0, 1)) {
                plan_.push_back(&batch);
                calls_ += (batch.size() + messages_a_call - 1) / messages_a_call;
            }
            return plan_.size() < most;
        });
        place_ = 0;
        at_    = 0;
        failed = {};
        over_  = false;
        claimed_.store(false, std::memory_order_relaxed);
    }
    bool has_plan() const noexcept { return !plan_.empty(); }
    std::size_t planned_calls() const noexcept { return calls_; }

    // The runner's.

    orderly_turn turn;
    turn_step ended = turn_step::idle; ///< Why the last turn did.
    call failed{};                     ///< With `pause`: what failed; none when the listener rolled back.
    work_counts counts;                ///< Since the strand took them last.

    /// One runner has the turn, whatever copies of the job are about. @return Whether it is this one.
    bool claim() noexcept { return !claimed_.exchange(true, std::memory_order_acq_rel); }

    /// The next step as the queue stands; planned messages count as there are some.
    turn_step next(bool has_messages, bool abandoned, time_point now) const noexcept {
        return turn.next({.given_up     = abandoned || is_given_up(),
                          .has_messages = has_messages,
                          .lock_trusted = lock.trusted(now)},
                         now);
    }

    /// The next call of this turn; none when it is over, and then `ended` says why.
    call next_call(std::uint32_t most, bool abandoned, time_point now) noexcept {
        while (place_ < plan_.size() && !over_) {
            const auto slice = plan_[place_]->next_unconsumed(at_, most);
            if (!slice) {
                ++place_;
                at_ = 0;
                continue;
            }
            ended = next(true, abandoned, now);
            if (ended != turn_step::consume)
                return {};
            at_ = slice.first + slice.count;
            return {plan_[place_], slice};
        }
        ended = over_ ? turn_step::pause : turn_step::idle;
        return {};
    }

    /// A call that ended at `now` wants its messages again after `wanted`: they come before any behind them. The turn is over.
    /// @param again  Counts as a failure of these messages; empty: only what was rolled back is wanted.
    void suspend(const call& again, milliseconds wanted, time_point now) noexcept {
        failed = again;
        over_  = true;
        turn.pause(now, wanted);
    }

    /// Consumed, and the listener has not committed it yet.
    void keep(call done) {
        if (uncommitted_.empty() || uncommitted_.back() != done.batch)
            uncommitted_.push_back(done.batch);
        for (auto i = done.slice.first; i < done.slice.first + done.slice.count; ++i)
            done.batch->mark_consumed(i);
    }
    /// All that was kept is finished.
    void commit() noexcept { settle_kept(message_progress::finished); }
    /// All that was kept is to be consumed anew.
    void roll_back() noexcept { settle_kept(message_progress::unfinished); }

    // Shares in the turn: copies of the executor's job.

    void enter() noexcept { shares_.fetch_add(1, std::memory_order_relaxed); }
    /// As `enter`, unless the last share is gone.
    [[nodiscard]] bool enter_if_running() noexcept {
        if constexpr (Concurrent) {
            auto count = shares_.load(std::memory_order_relaxed);
            while (count != 0)
                if (shares_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
                    return true;
        }
        return false;
    }
    [[nodiscard]] bool leave() noexcept { return shares_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
    /// Beyond two there is no use in another.
    std::uint32_t runners() const noexcept {
        const auto shares = shares_.load(std::memory_order_relaxed);
        return shares < 2 ? shares : std::numeric_limits<std::uint32_t>::max();
    }
    bool has_unclaimed() const noexcept { return !claimed_.load(std::memory_order_relaxed); }
    std::uint32_t unclaimed_count() const noexcept { return has_unclaimed() ? 1 : 0; }
    /// Whether the broker had more messages than those of the turn.
    bool has_more_behind() const noexcept { return !plan_.empty() && plan_.back()->has_more_behind(); }

    queue_order* next_left       = nullptr; ///< Links and notes of pool_dispatch.
    std::uint32_t place          = 0;
    std::uint32_t unclaimed_then = 0;

  private:
    void settle_kept(message_progress as) noexcept {
        for (auto* batch : uncommitted_)
            for (std::uint32_t i = 0; i < batch->size(); ++i)
                if (batch->progress(i) == message_progress::consumed)
                    as == message_progress::finished ? batch->mark_finished(i) : batch->set_progress(i, as);
        uncommitted_.clear();
    }

    std::vector<batch_type*> plan_;
    std::size_t calls_ = 0;
    std::size_t place_ = 0; ///< In the plan.
    std::uint32_t at_  = 0; ///< In the batch there.
    std::vector<batch_type*> uncommitted_; ///< In order; they stay until they are finished.
    bool over_ = false;
    cell<bool> claimed_{true};
    cell<bool> given_up_{false};
    cell<std::uint32_t> shares_{0};
};

} // namespace rocketpush

#endif
