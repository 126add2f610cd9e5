#ifndef ROCKETCAT_BROKER_HPP
#define ROCKETCAT_BROKER_HPP

#include <rocketpush/embedded/broker_options.hpp>
#include <rocketpush/transport/tls_options.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tls_flags.hpp"

namespace rocketcat {

/// `rocketcat broker` as it was typed.
struct broker_flags {
    std::uint16_t port = 9876;
    std::string host   = "127.0.0.1";
    std::string advertise;
    std::vector<std::string> topics;   ///< T:QUEUES
    std::vector<std::string> accounts; ///< KEY:SECRET
    std::string delay_levels = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";
    std::string version      = "5.5.0";
    std::size_t store_mib    = 256;
    tls_server_flags tls;
};

void add_broker_flags(CLI::App& command, broker_flags& flags);

/// A topic that is there from the beginning.
struct broker_topic {
    std::string name;
    std::int32_t queues = 8;
};

/// What the broker is told to be.
struct broker_settings {
    rocketpush::embedded::broker_options options{};
    std::vector<broker_topic> topics{};
    std::optional<rocketpush::tls_options> tls{};
};

/// @throw usage_error
broker_settings read_broker_flags(const broker_flags& flags);

/// Serves until SIGINT or SIGTERM. @return The program's exit code. @throw usage_error, std::system_error
int broker(const broker_flags& flags);

} // namespace rocketcat

#endif
