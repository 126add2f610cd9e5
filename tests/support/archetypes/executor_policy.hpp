#ifndef ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_EXECUTOR_POLICY_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_EXECUTOR_POLICY_HPP

#include <rocketpush/executor/executor_policy.hpp>

#include <chrono>
#include <cstddef>

namespace rocketpush::test {

/// What executor_policy asks and no more.
struct executor_archetype {
    static constexpr bool concurrent = false;

    explicit executor_archetype(int) noexcept {}                   // no default construction
    executor_archetype(executor_archetype&&)            = default; // only moved
    executor_archetype& operator=(executor_archetype&&) = delete;

    void start(std::size_t) {}
    template <class Job>
    void execute(Job job) {
        job();
    }
    std::size_t concurrency() const { return 1; }
    void resize(std::size_t) {}
    bool join(std::chrono::milliseconds) { return true; }
};
static_assert(executor_policy<executor_archetype>);

/// What executor_policy asks of a job and no more: copied, not assigned, called when not const.
struct job_archetype {
    explicit job_archetype(int) noexcept {}
    job_archetype(const job_archetype&)            = default;
    job_archetype& operator=(const job_archetype&) = delete;
    void operator()() {}
    bool wants_help() const noexcept { return false; }
};
static_assert(executor_job<job_archetype>);

} // namespace rocketpush::test

#endif
