#ifndef ROCKETPUSH_EXECUTOR_SHARED_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_SHARED_EXECUTOR_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/job_ledger.hpp>
#include <rocketpush/detail/process_bound.hpp>
#include <rocketpush/executor/executor_policy.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace rocketpush {

namespace detail {

/// A job of one of the consumers that share an executor: each copy counts in that one's ledger.
template <executor_job Job>
class counted_job {
  public:
    counted_job(std::shared_ptr<job_ledger> ledger, Job job) noexcept
        : ticket_(std::move(ledger)), job_(std::move(job)) {}
    counted_job(const counted_job& other) : ticket_(other.ticket_.ledger()), job_(other.job_) {}
    counted_job(counted_job&&) noexcept        = default;
    counted_job& operator=(const counted_job&) = delete;

    void operator()() { ticket_.ledger()->run(job_); }
    bool wants_help() const noexcept { return !ticket_.ledger()->closed() && std::as_const(job_).wants_help(); }
    bool wants_thread() const noexcept { return !ticket_.ledger()->closed() && detail::wants_thread(job_); }

  private:
    job_ledger::ticket ticket_; // before the job, so that a job counts until its copy is gone
    Job job_;
};

} // namespace detail

/**
 * @brief One executor for several consumers. Each copy is one consumer's share of it: the threads are shared, and a stop waits
 *        for that consumer's jobs only.
 *
 * @code
 * rocketpush::shared_executor pool{rocketpush::thread_pool_executor(32)};
 * rocketpush::push_consumer orders{client, {.group = "billing"}, on_order, pool};
 * rocketpush::push_consumer refunds{client, {.group = "ledger"}, on_refund, pool};
 * @endcode
 *
 * Jobs of all run in the order in which they were handed over, so listeners that block every thread make the others wait, and
 * their stops too, up to its limit: give the pool enough threads, or such a consumer a pool of its own. What `concurrency`
 * says and `resize` changes is the executor's, for all. An executor that was not told a number gets that of the consumer that starts first.
 *
 * The executor ends with its last copy, whichever that is. Listeners that hung then keep what they need.
 *
 * @par Thread safety  As `Executor`; copied from any thread.
 * @par Source         None in Java, where each consumer has threads of its own.
 */
template <executor_policy Executor = thread_pool_executor>
class shared_executor {
  public:
    static constexpr bool concurrent = Executor::concurrent;

    explicit shared_executor(Executor executor) : executor_(std::make_shared<Executor>(std::move(executor))) {}

    /// A share of its own in the same executor.
    shared_executor(const shared_executor& other) : executor_(other.executor_) {}
    shared_executor(shared_executor&&) noexcept        = default;
    shared_executor& operator=(const shared_executor&) = delete;

    ~shared_executor() {
        if (jobs_ && home_.is_here()) // else a child of fork(): the jobs are the parent's
            join(std::chrono::milliseconds(0));
    }

    void start(std::size_t threads) { executor_->start(threads); }

    template <executor_job Job>
    void execute(Job job) {
        executor_->execute(detail::counted_job<Job>(jobs_, std::move(job)));
    }

    template <executor_job Job>
        requires executes_together<Executor>
    void execute_all(std::span<Job> jobs) {
        std::vector<detail::counted_job<Job>> counted;
        counted.reserve(jobs.size());
        for (auto& each : jobs)
            counted.emplace_back(jobs_, std::move(each));
        executor_->execute_all(std::span(counted));
    }

    std::size_t concurrency() const noexcept { return executor_->concurrency(); }
    void resize(std::size_t count) { executor_->resize(count); }

    /// For the jobs of this share; the executor goes on for the others. On one of its threads it does not wait: jobs that are
    /// queued may need this very thread.
    bool join(std::chrono::milliseconds limit) {
        if constexpr (has_asio_executor<Executor>)
            if constexpr (detail::knows_its_threads<decltype(executor_->get_executor())>)
                if (executor_->get_executor().running_in_this_thread())
                    limit = std::chrono::milliseconds(0);
        return jobs_->join(limit);
    }

    /// Where listeners that are coroutines run.
    auto get_executor() const noexcept
        requires has_asio_executor<Executor>
    {
        return executor_->get_executor();
    }

  private:
    detail::process_mark home_;
    std::shared_ptr<Executor> executor_;                                                // null after a move, as is:
    std::shared_ptr<detail::job_ledger> jobs_ = std::make_shared<detail::job_ledger>(); // this share's
};

static_assert(has_asio_executor<shared_executor<>> && executes_together<shared_executor<>>);

} // namespace rocketpush

#endif
