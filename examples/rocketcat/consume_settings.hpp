#ifndef ROCKETCAT_CONSUME_SETTINGS_HPP
#define ROCKETCAT_CONSUME_SETTINGS_HPP

#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/transport/tls_options.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "access_flags.hpp"
#include "tls_flags.hpp"

namespace rocketcat {

/// `rocketcat consume` as it was typed.
struct consume_flags {
    std::string name_servers, name_server_url, group;
    std::vector<std::string> topics;
    std::string filter = "tag", model = "clustering", order = "concurrently", from = "last";
    std::string strategy = "averagely", executor = "pool", output = "json";
    std::string instance, name_space, latency_file, offset_dir;
    std::size_t threads = 20, consume_batch = 1, pull_batch = 32;
    int max_reconsume     = -1;
    int fail_times        = 0;
    std::int64_t delay_ms = 0;
    std::uint64_t count   = 0;
    double idle_s = 0, duration_s = 0;
    bool server_rebalance = false, trace = false;
    access_flags access;
    tls_flags tls;
    int consume_timeout_min = 15;
};

enum class strategy { averagely, circle, consistent_hash };

/// What they mean.
struct consume_settings {
    rocketpush::options options;
    std::map<std::string, std::string> topics;                     ///< To its expression.
    rocketpush::filter_type filter = rocketpush::filter_type::tag; ///< How expressions are read; `*` is all either way.
    strategy shared_out            = strategy::averagely;
    bool print_lines               = true; ///< Of messages.
    int fail_times                 = 0;    ///< -1: always.
    std::chrono::milliseconds delay{0};
    std::uint64_t count = 0; ///< 0: no end.
    std::optional<std::chrono::milliseconds> idle, duration;
    std::string latency_file; ///< Empty: none.
    bool run_inline   = false;
    bool orderly      = false;
    bool broadcasting = false;
    std::string offset_dir; ///< Of broadcasting; empty: the library's default.
    bool ask_broker = false; ///< To share the queues out, and whether to pop them.
    bool trace      = false;
    std::optional<rocketpush::tls_options> tls{}; ///< Nothing: plain TCP.
};

void add_consume_flags(CLI::App& command, consume_flags& flags);

/// @throw usage_error  A value makes no sense, or belongs to a later version.
consume_settings read_consume_flags(const consume_flags& flags);

} // namespace rocketcat

#endif
