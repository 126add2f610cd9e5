#ifndef ROCKETCAT_LAG_HPP
#define ROCKETCAT_LAG_HPP

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace rocketcat {

/// `rocketcat lag` as it was typed.
struct lag_flags {
    std::string name_servers, group, name_space;
    std::vector<std::string> topics;
    std::string output = "table";
    bool owners        = false;
    double watch_s     = 0; ///< Seconds between two looks; 0: one look.
};

void add_lag_flags(CLI::App& command, lag_flags& flags);

/// How far a group is, queue by queue. @return The program's exit code. @throw usage_error, view_failure
int lag(const lag_flags& flags);

} // namespace rocketcat

#endif
