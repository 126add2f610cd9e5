#ifndef BENCH_SUPPORT_PROCESS_COST_HPP
#define BENCH_SUPPORT_PROCESS_COST_HPP

#include <chrono>
#include <cstddef>
#include <ctime>

namespace bench {

/// CPU time of all threads of this process.
inline std::chrono::nanoseconds cpu_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// How often `operator new` ran in this program; see heap_count.cpp.
std::size_t heap_allocations() noexcept;

} // namespace bench

#endif
