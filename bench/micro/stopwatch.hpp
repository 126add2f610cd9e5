#ifndef BENCH_MICRO_STOPWATCH_HPP
#define BENCH_MICRO_STOPWATCH_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Has the compiler believe that somebody looks at `value`.
template <class T>
void keep(const T& value) noexcept {
    asm volatile("" : : "r,m"(value) : "memory");
}

/// One measured operation.
struct micro_figure {
    std::string name;
    double nanoseconds = 0; ///< Median of the repetitions.
    double spread      = 0; ///< Half the range of the middle half, relative to the median.
};

/// How long a call of `operation` takes: repetitions of at least 10 ms each, of which the median counts.
template <class Operation>
micro_figure time_of(std::string name, Operation operation) {
    using clock                              = std::chrono::steady_clock;
    constexpr std::chrono::nanoseconds least = std::chrono::milliseconds(10);
    const auto take                          = [&](std::size_t calls) {
        const auto begin = clock::now();
        for (std::size_t i = 0; i < calls; ++i)
            operation();
        return std::chrono::nanoseconds(clock::now() - begin);
    };
    std::size_t calls = 1;
    while (take(calls) < least)
        calls *= 2;
    std::array<double, 15> each{};
    for (auto& one : each)
        one = static_cast<double>(take(calls).count()) / static_cast<double>(calls);
    std::ranges::sort(each);
    const auto median = each[each.size() / 2];
    return {std::move(name), median, (each[each.size() * 3 / 4] - each[each.size() / 4]) / 2 / median};
}

/// A group of operations that have their inputs in common, made when it is their turn.
struct micro_group {
    const char* name;
    std::vector<micro_figure> (*measure)();
};

std::vector<micro_figure> measure_decoder();
std::vector<micro_figure> measure_headers();
std::vector<micro_figure> measure_properties();
std::vector<micro_figure> measure_checksums();
std::vector<micro_figure> measure_allocation();

} // namespace bench

#endif
