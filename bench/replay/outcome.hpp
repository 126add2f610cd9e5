#ifndef BENCH_REPLAY_OUTCOME_HPP
#define BENCH_REPLAY_OUTCOME_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "bench/replay/cases.hpp"

namespace bench {

struct replay_size {
    std::uint64_t messages = 1'000'000; ///< Rounded up to whole pulls of every queue.
    std::int32_t queues    = 8;
    std::size_t pull_batch = 32;
    std::size_t threads    = 20; ///< Of the pool.
};

/// What a replay cost in its steady state: from the end of its first fifth on.
struct replay_outcome {
    std::uint64_t consumed  = 0; ///< In all.
    std::uint64_t measured  = 0; ///< Messages in steady state; so all that follows.
    std::uint64_t pulls     = 0;
    std::size_t allocations = 0;
    std::chrono::nanoseconds cpu{0};
};

/// Not every message was consumed, or the consumer complained.
struct replay_failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// @throw replay_failure
replay_outcome run_inline(const replay_case& which, const replay_size& size);
replay_outcome run_pool(const replay_case& which, const replay_size& size);
replay_outcome run_traced(const replay_case& which, const replay_size& size);
replay_outcome run_popped(const replay_case& which, const replay_size& size);
replay_outcome run_through_memory(const replay_case& which, const replay_size& size);

} // namespace bench

#endif
