#ifndef ROCKETPUSH_EXECUTOR_INLINE_EXECUTOR_HPP
#define ROCKETPUSH_EXECUTOR_INLINE_EXECUTOR_HPP

#include <rocketpush/executor/executor_policy.hpp>

#include <chrono>
#include <cstddef>
#include <utility>

namespace rocketpush {

/**
 * @brief Runs listeners on the consumer's strand: no other thread, no atomics, no hop between the socket and the
 *        listener.
 *
 * While a listener runs nothing else of the consumer does, heartbeats neither: for listeners that are quick or
 * are coroutines.
 */
struct inline_executor {
    static constexpr bool concurrent = false;

    void start(std::size_t /*threads*/) noexcept {}

    template <executor_job Job>
    void execute(Job job) {
        job();
    }

    std::size_t concurrency() const noexcept { return 1; }
    void resize(std::size_t /*count*/) noexcept {}
    bool join(std::chrono::milliseconds /*limit*/) noexcept { return true; }
};

static_assert(executor_policy<inline_executor>);

} // namespace rocketpush

#endif
