#ifndef ROCKETPUSH_CONSUME_POOL_DISPATCH_HPP
#define ROCKETPUSH_CONSUME_POOL_DISPATCH_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/strand_gate.hpp>
#include <rocketpush/executor/executor_policy.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What listener calls take, and whether to wake a thread for some of them.
 *
 * To wake a thread, and to be told of its end, costs as much as many short calls; so a batch that one thread has done with
 * in less than `worth_waking` stays with one. Before the first call is known, calls count as long.
 *
 * @par Thread safety  All from any thread; an update that is lost does no harm.
 */
class call_length {
  public:
    using nanoseconds = std::chrono::nanoseconds;

    static constexpr nanoseconds worth_waking{50'000};
    static constexpr nanoseconds jump{10'000}; ///< So long a call is counted whatever was before.

    void note(std::uint64_t calls, nanoseconds spent) noexcept {
        if (calls == 0)
            return;
        const auto now    = std::max<std::int64_t>(0, spent.count()) / static_cast<std::int64_t>(calls);
        const auto before = average_.load(std::memory_order_relaxed);
        // A thread that lost its core in a call says nothing of calls: one outlier at most doubles the average.
        const auto counted = std::min(now, std::max<std::int64_t>(9 * before, jump.count()));
        average_.store(before < 0 ? now : before + (counted - before) / 8, std::memory_order_relaxed);
    }

    /// Whether `calls` of them take so long that another thread is worth it.
    bool are_long(std::size_t calls) const noexcept {
        const auto each = average_.load(std::memory_order_relaxed);
        return each < 0 || each > worth_waking.count() / static_cast<std::int64_t>(std::max<std::size_t>(calls, 1));
    }

  private:
    std::atomic<std::int64_t> average_{-1}; ///< Nanoseconds, of about the last eight runs.
};

/**
 * @brief How pulled batches get to an executor with threads, and how the strand hears of them again.
 *
 * While calls are long, each batch is handed over at once, recruits threads, and the strand is told of its end. While
 * they are short, all that is a waste: then the batches that one read of a socket brought are handed over together, to one
 * thread, and the strand looks itself for those that ran, when it comes by. Those with more behind
 * them at the broker are late already: some of them are gathered, for a millisecond at most. Should a call block in spite of that, the strand
 * sees within a millisecond that nobody goes on with its batch, and sends another thread.
 *
 * @tparam Consumption  Its `job` is a consume_job; `worth_a_thread(batch)`.
 * @tparam Host         `batch_ran(batch)`.
 * @par Thread safety  `left` from any thread, the rest on the strand.
 */
template <class Consumption, class Batch, class Host, executor_policy Executor, runtime Runtime>
class pool_dispatch {
  public:
    using owner_type   = std::shared_ptr<Host>;
    using gate_type    = detail::strand_gate<typename Runtime::executor_type>;
    using milliseconds = std::chrono::milliseconds;

    /// How long a batch may stand still before another thread is sent; longer and longer while that is of no help.
    static constexpr milliseconds patience{1}, most_patience{64};
    /// So many batches with more behind them make it worth to wake a thread.
    static constexpr std::size_t enough_gathered = 8;

    pool_dispatch(Consumption& consumption, Executor& executor, Runtime& runtime, gate_type& gate)
        : consumption_(consumption), executor_(executor), runtime_(runtime), gate_(gate), watch_(runtime) {}

    void dispatch(Batch& batch, owner_type owner) {
        batch.place = static_cast<std::uint32_t>(out_.size());
        out_.push_back(&batch);
        if (consumption_.worth_a_thread(batch)) {
            tell_of_next();
            executor_.execute(job::unwatched(consumption_, batch, std::move(owner)));
            return;
        }
        ready_.push_back(&batch);
        const bool late_look = watching_ && waited_ != patience;
        if (batch.has_more_behind() && ready_.size() < enough_gathered && !late_look)
            watch(owner, patience);
        else
            send_soon(std::move(owner));
    }

    /// The last runner left `batch`.
    void left(Batch& batch, const owner_type& owner) {
        batch.next_left = left_.load(std::memory_order_relaxed);
        while (!left_.compare_exchange_weak(batch.next_left, &batch)) {
        }
        // The batch is the strand's from here on.
        if (tell_.load() && tell_.exchange(false))
            gate_.post([this, owner] { told(*owner); });
    }

    /// Hears of the batches that have run.
    void collect(Host& host) {
        if (left_.load(std::memory_order_relaxed) == nullptr)
            return;
        Batch* ran = nullptr; // in the order in which they were left
        for (auto* next = left_.exchange(nullptr); next;) {
            auto* const each = std::exchange(next, next->next_left);
            each->next_left  = std::exchange(ran, each);
        }
        while (ran) {
            auto* const each  = std::exchange(ran, ran->next_left);
            auto* const last  = out_.back();
            out_[each->place] = last;
            last->place       = each->place;
            out_.pop_back();
            host.batch_ran(*each);
        }
    }

    /// As `collect`; and of the next batch that runs the strand is told at once. Nothing is gathered any longer.
    void collect_soon(Host& host) {
        if (!ready_.empty())
            watch_.cancel();
        tell_of_next();
        collect(host); // behind it, so that one that is left between the two is seen
    }

    /// The strand looks at nothing any more.
    void shut() {
        shut_ = true;
        watch_.cancel();
    }

  private:
    using job = typename Consumption::job;

    void tell_of_next() noexcept { tell_.store(true); }

    void told(Host& host) {
        collect(host);
        if (!out_.empty() && !(watching_ && waited_ == patience)) // else the next look is near
            collect_soon(host);
    }

    /// When this turn of the strand ends.
    void send_soon(owner_type owner) {
        if (std::exchange(sending_, true))
            return;
        asio::post(runtime_.get_executor(), [this, owner = std::move(owner)] {
            sending_ = false;
            send_ready(owner);
        });
    }

    void send_ready(const owner_type& owner) {
        if (ready_.empty())
            return;
        collect(*owner);
        for (auto* each : ready_)
            jobs_.emplace_back(consumption_, *each, owner);
        ready_.clear();
        if constexpr (executes_together<Executor>)
            executor_.execute_all(std::span(jobs_));
        else
            for (auto& each : jobs_)
                executor_.execute(std::move(each));
        jobs_.clear();
        watch(owner, patience);
    }

    /// Has a look in that time, unless there is one under way.
    void watch(const owner_type& owner, milliseconds wait) {
        if (watching_ || shut_)
            return;
        watching_ = true;
        waited_   = wait;
        for (auto* each : out_)
            each->unclaimed_then = each->unclaimed_count();
        watch_.expires_at(runtime_.now() + wait);
        watch_.async_wait([this, owner](std::error_code ended) {
            watching_ = false;
            if (shut_)
                return;
            if (!ended)
                look(owner);
            send_ready(owner); // also when it was cancelled: somebody waits for what was gathered
        });
    }

    void look(const owner_type& owner) {
        collect_soon(*owner);
        bool unclaimed = false, progress = false;
        for (std::size_t i = 0; i < out_.size(); ++i) {
            auto& batch     = *out_[i];
            const auto left = batch.unclaimed_count();
            unclaimed       = unclaimed || left != 0;
            progress        = progress || left != batch.unclaimed_then;
            if (left == 0 || left != batch.unclaimed_then || batch.runners() >= executor_.concurrency())
                continue;
            if (auto more = job::urgent(consumption_, batch, owner))
                executor_.execute(std::move(*more));
        }
        if (!unclaimed)
            return; // whoever is still in a call tells of its end
        watch(owner, progress ? patience : std::min(2 * waited_, most_patience));
    }

    Consumption& consumption_;
    Executor& executor_;
    Runtime& runtime_;
    gate_type& gate_;
    typename Runtime::timer watch_;
    milliseconds waited_ = patience;
    bool watching_       = false;
    bool sending_        = false; ///< `ready_` is handed over when this turn of the strand ends.
    bool shut_           = false;
    std::vector<Batch*> ready_; ///< To be handed over.
    std::vector<job> jobs_;     ///< For them, while they are; keeps its room.
    std::vector<Batch*> out_;   ///< Dispatched, and not heard of since.
    std::atomic<Batch*> left_{nullptr};
    std::atomic<bool> tell_{false}; ///< Whether the strand is to be told of the next batch that has run.
};

} // namespace rocketpush

#endif
