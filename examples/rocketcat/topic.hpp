#ifndef ROCKETCAT_TOPIC_HPP
#define ROCKETCAT_TOPIC_HPP

#include <CLI/CLI.hpp>

#include <string>

namespace rocketcat {

/// `rocketcat topic` as it was typed.
struct topic_flags {
    std::string name_servers, topic, name_space;
    std::string output = "table";
    double watch_s     = 0; ///< Seconds between two looks; 0: one look.
};

void add_topic_flags(CLI::App& command, topic_flags& flags);

/// Where a topic is and what it holds. @return The program's exit code. @throw usage_error, view_failure
int topic(const topic_flags& flags);

} // namespace rocketcat

#endif
