#ifndef ROCKETPUSH_DETAIL_JOB_LEDGER_HPP
#define ROCKETPUSH_DETAIL_JOB_LEDGER_HPP

#include <rocketpush/detail/context_thread.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Counts the jobs of an executor, and lets a join wait for them. Counting takes no lock until somebody joins.
 * @par Thread safety  All from any thread.
 */
class job_ledger {
  public:
    /// Stands for one copy of a job from hand-over to its end, run or dropped.
    class ticket {
      public:
        explicit ticket(std::shared_ptr<job_ledger> ledger) noexcept : ledger_(std::move(ledger)) {
            ledger_->outstanding_.fetch_add(1, std::memory_order_relaxed);
        }
        ticket(ticket&&) noexcept   = default;
        ticket& operator=(ticket&&) = delete;
        ~ticket() {
            if (ledger_)
                ledger_->finished(ledger_->outstanding_);
        }

        const std::shared_ptr<job_ledger>& ledger() const noexcept { return ledger_; }

      private:
        std::shared_ptr<job_ledger> ledger_; // null after a move
    };

    /// Runs `job` unless the ledger has closed, and knows meanwhile that this thread is in a job.
    template <class Job>
    void run(Job& job) {
        running_.fetch_add(1); // before the test, so that a join which closes sees it
        if (!closed_.load()) {
            const auto outer = std::exchange(current_, this);
            job();
            current_ = outer;
        }
        finished(running_);
    }

    std::size_t running() const noexcept { return running_.load(); }

    /// Whether the calling thread is inside of one of this ledger's jobs.
    bool in_job() const noexcept { return current_ == this; }

    bool closed() const noexcept { return closed_.load(); }

    /**
     * @brief Waits until all jobs have ended, then lets no more begin.
     * @return Whether none runs any more, one that calls this not counted.
     */
    bool join(std::chrono::milliseconds limit) {
        const std::size_t own = in_job() ? 1 : 0;
        {
            joining_.fetch_add(1);
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, std::min(limit, longest_wait), [&] {
                // Once another join has closed, what waits will not run.
                return (closed_.load() ? running_.load() : outstanding_.load()) <= own;
            });
            joining_.fetch_sub(1);
            closed_.store(true);
            changed_.notify_all();
        }
        return running_.load() <= own;
    }

  private:
    void finished(std::atomic<std::size_t>& count) {
        // Sequentially consistent, as joining_: either the join's test sees this, or this sees the join.
        count.fetch_sub(1);
        if (joining_.load() != 0) {
            const std::lock_guard lock(mutex_);
            changed_.notify_all();
        }
    }

    static inline thread_local const job_ledger* current_ = nullptr;

    std::atomic<std::size_t> outstanding_{0}; // tickets
    std::atomic<std::size_t> running_{0};
    std::atomic<std::size_t> joining_{0};
    std::atomic<bool> closed_{false};
    std::mutex mutex_; // of the waiting
    std::condition_variable changed_;
};

/**
 * @brief A copy of a job on its way to a thread. When it starts and the job wants help, it sends the next copy: waking
 *        one thread each spreads the cost of it, and stops where there is nothing left to do.
 *
 * @tparam Host  A pointer, plain where the host's end drops its copies, to what has `concurrency()`,
 *               `send(job_copy)` and a ledger `jobs`.
 */
template <class Job, class Host>
class job_copy {
  public:
    job_copy(Host host, Job job, std::size_t number = 1)
        : host_(std::move(host)), ticket_(host_->jobs), job_(std::move(job)), number_(number) {}

    void operator()() {
        auto& ledger = *ticket_.ledger();
        if (number_ < host_->concurrency() && !ledger.closed() && std::as_const(job_).wants_help())
            host_->send(job_copy(host_, job_, number_ + 1));
        ledger.run(job_);
    }

  private:
    Host host_;
    job_ledger::ticket ticket_; // before the job, so that a job counts until its copy is gone
    Job job_;
    std::size_t number_; // how many copies there are, this one included
};

} // namespace rocketpush::detail

#endif
