#ifndef ROCKETCAT_TOPIC_HPP
#define ROCKETCAT_TOPIC_HPP

#include <CLI/CLI.hpp>

#include <string>

#include "inspection.hpp"

namespace rocketcat {

/// `rocketcat topic` as it was typed.
struct topic_flags {
    inspection_flags seen{};
    std::string topic{};
};

void add_topic_flags(CLI::App& command, topic_flags& flags);

/// Where a topic is and what it holds. @return The program's exit code. @throw usage_error, view_failure
int topic(const topic_flags& flags);

} // namespace rocketcat

#endif
