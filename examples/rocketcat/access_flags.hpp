#ifndef ROCKETCAT_ACCESS_FLAGS_HPP
#define ROCKETCAT_ACCESS_FLAGS_HPP

#include <rocketpush/core/credentials.hpp>

#include <CLI/CLI.hpp>

#include <string>

namespace rocketcat {

/// Keys as they were typed.
struct access_flags {
    std::string access_key, secret_key, secret_key_file, security_token;
};

void add_access_flags(CLI::App& command, access_flags& flags);

/// @throw usage_error  One key is missing, or the file cannot be read. The text never has a secret.
rocketpush::credentials read_access_flags(const access_flags& flags);

} // namespace rocketcat

#endif
