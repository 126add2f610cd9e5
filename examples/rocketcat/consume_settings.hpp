#ifndef ROCKETCAT_CONSUME_SETTINGS_HPP
#define ROCKETCAT_CONSUME_SETTINGS_HPP

#include <rocketpush/core/options.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rocketcat {

/// `rocketcat consume` as it was typed.
struct consume_flags {
    std::string name_servers, group;
    std::vector<std::string> topics;
    std::string filter = "tag", model = "clustering", order = "concurrently", from = "last";
    std::string strategy = "averagely", executor = "pool", output = "json";
    std::string instance, latency_file;
    std::size_t threads = 20, consume_batch = 1, pull_batch = 32;
    int max_reconsume     = -1;
    int fail_times        = 0;
    std::int64_t delay_ms = 0;
    std::uint64_t count   = 0;
    double idle_s = 0, duration_s = 0;

    // Of later versions: known, so that they are refused by name.
    std::string name_space, access_key, secret_key, tls_ca, offset_dir;
    bool tls = false, tls_insecure = false, trace = false, server_rebalance = false;
    int consume_timeout_min = 15;
};

/// What they mean.
struct consume_settings {
    rocketpush::options options;
    std::map<std::string, std::string> topics; ///< To its expression.
    bool circle      = false;                  ///< Else averagely.
    bool print_lines = true;                   ///< Of messages.
    int fail_times   = 0;                      ///< -1: always.
    std::chrono::milliseconds delay{0};
    std::uint64_t count = 0; ///< 0: no end.
    std::optional<std::chrono::milliseconds> idle, duration;
    std::string latency_file; ///< Empty: none.
    bool run_inline = false;
};

void add_consume_flags(CLI::App& command, consume_flags& flags);

/// @throw usage_error  A value makes no sense, or belongs to a later version.
consume_settings read_consume_flags(const consume_flags& flags);

} // namespace rocketcat

#endif
