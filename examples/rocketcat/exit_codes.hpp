#ifndef ROCKETCAT_EXIT_CODES_HPP
#define ROCKETCAT_EXIT_CODES_HPP

#include <stdexcept>

namespace rocketcat {

/// What the program answers to its caller; `--help` lists them.
enum exit_code : int {
    ended_well = 0, ///< Did what it was asked for, or was told to end by SIGINT or SIGTERM.
    failed     = 1, ///< Cannot start, or could not do all of it.
    misused    = 2  ///< The command line: unknown, wrong, or of a later version.
};

inline constexpr const char* exit_code_help =
    "Exit code: 0 done, or ended by SIGINT or SIGTERM; 1 cannot start, or not all of it was "
    "done; 2 the command line is wrong.";

/// The command line cannot be followed; `what()` is the one line that says why.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace rocketcat

#endif
