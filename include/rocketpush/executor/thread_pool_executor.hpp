#ifndef ROCKETPUSH_EXECUTOR_THREAD_POOL_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_THREAD_POOL_EXECUTOR_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/context_thread.hpp>
#include <rocketpush/detail/job_ledger.hpp>
#include <rocketpush/detail/one_job.hpp>
#include <rocketpush/detail/process_bound.hpp>
#include <rocketpush/detail/ring.hpp>
#include <rocketpush/executor/executor_policy.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Threads of its own that run one io_context, and on it as many workers as there are jobs worth a thread: each takes
 *        jobs from one queue until none is left.
 *
 * A job that wants no thread is put behind others, for a worker that is awake anyway; so a thread is woken when there is
 * something to do for it, and not once a job.
 *
 * The threads share what they need, so the executor can go while a listener hangs: its thread is left behind and
 * ends when the listener returns.
 *
 * @par Source  Java `ConsumeMessageConcurrentlyService.consumeExecutor`. Differs: a batch is one job, not a task
 *              for each consume batch.
 */
class thread_pool_executor {
  public:
    static constexpr bool concurrent = true;

    /// @param threads  0 takes the number from the options, at start().
    explicit thread_pool_executor(std::size_t threads = 0) : state_(std::make_shared<state>()), given_(threads) {
        state_->wanted = threads;
    }

    thread_pool_executor(thread_pool_executor&&) noexcept   = default;
    thread_pool_executor& operator=(thread_pool_executor&&) = delete;

    ~thread_pool_executor() {
        if (!state_)
            return;
        if (home_.is_here())
            join(std::chrono::milliseconds(0));
        else // a child of fork(): the threads are not there
            new std::shared_ptr<state>(state_);
    }

    /**
     * @param threads  Ignored if the constructor got a number.
     * @throw std::system_error  The system gives not even one thread. With fewer than asked for it goes on.
     */
    void start(std::size_t threads) {
        const std::lock_guard lock(state_->mutex);
        if (state_->started || state_->ended)
            return;
        state_->started  = true;
        const auto count = at_least_one(given_ != 0 ? given_ : threads);
        state_->wanted   = 0;
        add_threads(count);
    }

    template <executor_job Job>
    void execute(Job job) {
        const bool wants_thread = detail::wants_thread(job);
        state_->add(detail::job_copy<Job, state*>(state_.get(), std::move(job)), wants_thread);
    }

    /// As `execute` for each of `jobs`, which are moved from; takes the lock once and wakes one thread for all that want none.
    template <executor_job Job>
    void execute_all(std::span<Job> jobs) {
        state_->add_all(jobs);
    }

    std::size_t concurrency() const noexcept { return state_->concurrency(); }

    /// Threads that are too many leave after the jobs that are queued before them.
    void resize(std::size_t count) {
        count = at_least_one(count);
        std::vector<std::thread> left;
        {
            const std::lock_guard lock(state_->mutex);
            left.swap(state_->left);
            const auto wanted = state_->wanted.load();
            if (!state_->started || state_->ended) {
                given_         = count;
                state_->wanted = count;
            } else if (count > wanted) {
                add_threads(count - wanted);
                state_->add_workers();
            } else {
                state_->wanted = count;
                for (auto surplus = wanted - count; surplus != 0; --surplus)
                    asio::post(state_->context, [] { leaving_ = true; });
            }
        }
        join_all(left);
    }

    bool join(std::chrono::milliseconds limit) {
        const bool jobs_ended = state_->jobs->join(limit);
        const std::size_t own = pool_of_thread_ == state_.get() ? 1 : 0;

        std::vector<std::thread> left;
        detail::ring<detail::one_job>
            dropped; // the last owner of a consumer may be among them: they go without the lock
        bool all_left = false;
        {
            std::unique_lock lock(state_->mutex);
            state_->ended = true;
            std::swap(dropped, state_->queue);
            state_->context.stop();
            // Idle threads leave at once; threads in a job, and the one that calls, are not waited for.
            const auto busy = [&] { return state_->jobs->running() + (own != 0 && !state_->jobs->in_job() ? 1 : 0); };
            state_->changed.wait_for(lock, detail::thread_leave_grace, [&] { return state_->live <= busy(); });
            all_left = state_->live <= own;
            for (auto& [id, thread] : state_->threads)
                thread.detach();
            state_->threads.clear();
            left.swap(state_->left);
        }
        join_all(left);
        return jobs_ended && all_left;
    }

    /// Where listeners that are coroutines run.
    asio::io_context::executor_type get_executor() const noexcept { return state_->context.get_executor(); }

  private:
    struct state {
        std::size_t concurrency() const noexcept { return wanted.load(std::memory_order_relaxed); }

        /// For copies that recruit the next one.
        template <class Copy>
        void send(Copy copy) {
            add(std::move(copy), true);
        }

        template <class Copy>
        void add(Copy copy, bool worth_a_thread) {
            detail::one_job job(std::move(copy));
            std::unique_lock lock(mutex);
            if (ended)
                return;
            queue.push_back(std::move(job));
            if (!want_worker(worth_a_thread))
                return;
            lock.unlock(); // the thread that wakes up takes it first of all
            post_worker();
        }

        template <class Job>
        void add_all(std::span<Job> jobs_) {
            std::size_t wanted_workers = 0;
            {
                const std::lock_guard lock(mutex);
                if (ended)
                    return;
                for (auto& each : jobs_) {
                    const bool wants_thread = detail::wants_thread(each);
                    queue.push_back(detail::one_job(detail::job_copy<Job, state*>(this, std::move(each))));
                    wanted_workers += want_worker(wants_thread);
                }
            }
            for (; wanted_workers != 0; --wanted_workers)
                post_worker();
        }

        void post_worker() {
            asio::post(context, [this] { take_jobs(); });
        }

        // With the mutex held.

        /// Counts one more worker in, for whom a job is worth it; he is to be posted.
        bool want_worker(bool worth_a_thread) {
            if (workers != 0 && !(worth_a_thread && workers < concurrency()))
                return false;
            ++workers;
            return true;
        }
        /// There are more threads now, and jobs may wait behind workers that hang.
        void add_workers() {
            while (!queue.empty() && workers < concurrency()) {
                ++workers;
                post_worker();
            }
        }

        /// One worker, until there is no job, or there are more workers than there should be.
        void take_jobs() {
            std::unique_lock lock(mutex);
            while (!queue.empty() && workers <= std::max<std::size_t>(concurrency(), 1)) {
                auto job = queue.take_front();
                lock.unlock();
                job();
                lock.lock();
            }
            --workers;
        }

        std::shared_ptr<detail::job_ledger> jobs = std::make_shared<detail::job_ledger>();
        std::atomic<std::size_t> wanted{0};

        std::mutex mutex; // guards what follows, up to the context
        std::condition_variable changed;
        bool started = false;
        bool ended   = false;
        detail::ring<detail::one_job> queue;
        std::size_t workers = 0; // running or posted
        std::size_t live    = 0; // threads that have not left, also those left behind
        std::map<std::thread::id, std::thread> threads;
        std::vector<std::thread> left; // have ended, or are about to without needing anything

        asio::io_context context; // drops its jobs before the rest goes
        asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    };

    static std::size_t at_least_one(std::size_t count) noexcept {
        ROCKETPUSH_ASSERT(count != 0, "a thread pool has at least one thread");
        return std::max<std::size_t>(count, 1);
    }

    static void join_all(std::vector<std::thread>& threads) {
        for (auto& thread : threads)
            thread.join();
    }

    /// Called with the mutex held.
    void add_threads(std::size_t count) {
        for (; count != 0; --count) {
            try {
                std::thread thread([shared = state_] { work(*shared); });
                const auto id = thread.get_id();
                state_->threads.emplace(id, std::move(thread));
            } catch (const std::system_error&) {
                if (state_->live == 0)
                    throw;
                return;
            }
            ++state_->live;
            ++state_->wanted;
        }
    }

    static void work(state& shared) {
        pool_of_thread_ = &shared;
        while (!leaving_ && shared.context.run_one() != 0) {
        }
        const std::lock_guard lock(shared.mutex);
        --shared.live;
        if (auto self = shared.threads.extract(std::this_thread::get_id()))
            shared.left.push_back(std::move(self.mapped()));
        shared.changed.notify_all();
    }

    static inline thread_local const state* pool_of_thread_ = nullptr;
    static inline thread_local bool leaving_                = false; // this thread of a pool is one too many

    detail::process_mark home_;
    std::shared_ptr<state> state_; // null after a move
    std::size_t given_;
};

static_assert(has_asio_executor<thread_pool_executor>);

} // namespace rocketpush

#endif
