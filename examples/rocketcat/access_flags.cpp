#include "access_flags.hpp"

#include <rocketpush/detail/features.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "exit_codes.hpp"

namespace rocketcat {
namespace {

constexpr auto secret_key_variable = "ROCKETCAT_SECRET_KEY";

/// The first line.
std::string read_secret_file(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line))
        throw usage_error(fmt::format("--secret-key-file {}: it cannot be read, or is empty", path));
    if (line.ends_with('\r'))
        line.pop_back();
    return line;
}

} // namespace

void add_access_flags(CLI::App& command, access_flags& flags) {
    command.add_option("--access-key", flags.access_key, "Account whose keys requests are signed with");
    auto* const typed = command.add_option("--secret-key", flags.secret_key,
                                           fmt::format("Its secret key; others can see the command line, so rather use "
                                                       "--secret-key-file or the environment's {}",
                                                       secret_key_variable));
    command.add_option("--secret-key-file", flags.secret_key_file, "File whose first line is the secret key")
        ->excludes(typed);
    command.add_option("--security-token", flags.security_token, "Of keys that are lent for some time");
}

rocketpush::credentials read_access_flags(const access_flags& flags) {
    auto secret = flags.secret_key_file.empty() ? flags.secret_key : read_secret_file(flags.secret_key_file);
    if (flags.access_key.empty()) {
        if (!secret.empty() || !flags.security_token.empty())
            throw usage_error("--access-key is missing: a secret key and a security token belong to one");
        return {};
    }
    if (!ROCKETPUSH_WITH_OPENSSL)
        throw usage_error("--access-key: this rocketcat was built without OpenSSL");
    if (const char* from_environment = std::getenv(secret_key_variable); secret.empty() && from_environment)
        secret = from_environment;
    if (secret.empty())
        throw usage_error(fmt::format(
            "the secret key of --access-key is missing: --secret-key, --secret-key-file or {}", secret_key_variable));
    return {flags.access_key, secret, flags.security_token};
}

} // namespace rocketcat
