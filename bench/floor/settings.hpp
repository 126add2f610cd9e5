#ifndef BENCH_FLOOR_SETTINGS_HPP
#define BENCH_FLOOR_SETTINGS_HPP

#include <cstdint>
#include <stdexcept>
#include <string>

namespace bare {

/// The command line cannot be followed; `what()` is the one line that says why.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct settings {
    std::string name_server; ///< HOST:PORT
    std::string group;
    std::string topic;
    bool from_first         = false;
    bool print_lines        = true;
    int pull_batch          = 32;
    std::uint64_t count     = 0; ///< End after so many messages; 0 never.
    double idle_seconds     = 0; ///< End after so long without a message; 0 never.
    double duration_seconds = 0;
    std::string latency_file;
};

extern const char* const usage;

/// @throws usage_error
settings read_arguments(int count, char** arguments);

} // namespace bare

#endif
