#ifndef ROCKETCAT_LAG_HPP
#define ROCKETCAT_LAG_HPP

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "inspection.hpp"

namespace rocketcat {

/// `rocketcat lag` as it was typed.
struct lag_flags {
    inspection_flags seen{};
    std::string group{};
    std::vector<std::string> topics{};
    bool owners = false;
};

void add_lag_flags(CLI::App& command, lag_flags& flags);

/// How far a group is, queue by queue. @return The program's exit code. @throw usage_error, view_failure
int lag(const lag_flags& flags);

} // namespace rocketcat

#endif
