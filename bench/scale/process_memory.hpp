#ifndef BENCH_SCALE_PROCESS_MEMORY_HPP
#define BENCH_SCALE_PROCESS_MEMORY_HPP

#include <fstream>
#include <string>

namespace bench {

/// A line of /proc/self/status in KiB, as `VmRSS` or `VmHWM`; 0 if there is none.
inline long process_memory_kib(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ':'))
            return std::stol(line.substr(name.size() + 1));
    return 0;
}

} // namespace bench

#endif
