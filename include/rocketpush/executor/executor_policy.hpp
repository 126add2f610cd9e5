#ifndef ROCKETPUSH_EXECUTOR_EXECUTOR_POLICY_HPP
#define ROCKETPUSH_EXECUTOR_EXECUTOR_POLICY_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

namespace rocketpush {

/**
 * @brief What an executor runs: one pulled batch, whose slices every copy of the job claims until none is left.
 *
 * `job()` does that and returns; it does not throw. `job.wants_help()` says that a copy which starts now would find a
 * slice to claim. Copies are cheap and may run at once. A job may have `wants_thread() noexcept` as well, of which an executor asks
 * one that is handed over: whether a thread is to be woken for it, as it must not wait for others; else that is `wants_help()`.
 */
template <class J>
concept executor_job = std::copy_constructible<J> && requires(J& job, const J& c) {
    job();
    { c.wants_help() } noexcept -> std::same_as<bool>;
};

namespace detail {
/// Whether a thread is to be woken for a job that is handed over.
template <executor_job Job>
bool wants_thread(const Job& job) noexcept {
    if constexpr (requires { { job.wants_thread() } noexcept -> std::same_as<bool>; })
        return job.wants_thread();
    else
        return job.wants_help();
}

/// The job that executor concepts are tested with; policies take any.
struct probe_job {
    void operator()() const noexcept {}
    bool wants_help() const noexcept { return false; }
};
} // namespace detail

/// `E::concurrent`, a constant: whether jobs may run elsewhere than in the thread that hands them over.
template <class E>
concept tells_whether_concurrent = requires { typename std::bool_constant<E::concurrent>; };

/// `execute(job)` takes any `executor_job`.
template <class E>
concept executes_jobs = requires(E& e, detail::probe_job job) { e.execute(job); };

/// Knows how many jobs run at once, and can change that.
template <class E>
concept has_concurrency = requires(E& e, const E& c, std::size_t count) {
    { c.concurrency() } -> std::same_as<std::size_t>;
    e.resize(count);
};

/// `start(threads)` and `join(limit)`.
template <class E>
concept starts_and_joins = requires(E& e, std::size_t threads, std::chrono::milliseconds limit) {
    e.start(threads);
    { e.join(limit) } -> std::same_as<bool>;
};

/**
 * @brief Where listeners run.
 *
 * The consumer calls `execute` once for each pulled batch, whatever the number of its messages. The executor
 * recruits: when it starts a job that wants help, it hands a copy to another thread, which does the same, until
 * `concurrency()` copies are out. So a batch wakes as many threads as it can use, one after the other, and the
 * consumer's strand pays for one wake-up.
 *
 * Laws (`tests/support/laws/executor_policy.hpp` checks them):
 *  - a job that is handed over between start() and join() runs at least once, unless a join's limit passes first;
 *  - never more than `concurrency()` copies of a job are out at the same time;
 *  - a job that wants a thread does not wait for others while fewer than `concurrency()` of them run;
 *  - a policy that is not `concurrent` runs the job inside of `execute`, and a concurrent one never does;
 *  - `start(threads)` begins with that many threads, if it has threads of its own and its constructor got no number;
 *  - `resize(count)` changes that while jobs run, and loses none of them;
 *  - `join(limit)` waits for all jobs; true when none runs any more, false if some did at the limit. They
 *    are left to end by themselves, with what they need kept alive; jobs that had not started are dropped. Called
 *    inside of a job it does not wait for that one;
 *  - a second join only tells whether jobs still run, and the destructor is `join(0)`.
 *
 * After `join()` has begun nothing is handed over.
 *
 * @par Thread safety  execute, concurrency, resize and join from any thread.
 * @par Default        thread_pool_executor
 */
template <class E>
concept executor_policy = std::move_constructible<E> && tells_whether_concurrent<E> && executes_jobs<E> &&
                          has_concurrency<E> && starts_and_joins<E>;

/**
 * @brief A refinement: `get_executor()` gives an Asio executor, and listeners that are coroutines run on it. Without
 *        one they run on the consumer's strand. `join` does not wait for them, the consumer counts them.
 */
template <class E>
concept has_asio_executor = executor_policy<E> && requires(const E& e) {
    { e.get_executor() } noexcept;
    requires detail::asio_executor_type<decltype(e.get_executor())>;
};

/**
 * @brief A refinement: `execute_all(std::span<Job>)` hands several jobs over at once, which it moves from. Jobs that want no help
 *        share the thread that is woken for the first.
 */
template <class E>
concept executes_together =
    executor_policy<E> && requires(E& e, std::span<detail::probe_job> jobs) { e.execute_all(jobs); };

} // namespace rocketpush

#endif
