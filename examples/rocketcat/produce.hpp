#ifndef ROCKETCAT_PRODUCE_HPP
#define ROCKETCAT_PRODUCE_HPP

#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "access_flags.hpp"
#include "producer.hpp"
#include "tls_flags.hpp"

namespace rocketcat {

/// `rocketcat produce` as it was typed.
struct produce_flags {
    std::string name_servers, topic, group = "rocketcat_producer";
    std::uint64_t count = 0;   ///< 0: the lines of standard input.
    std::size_t size    = 100; ///< Bytes of a generated body.
    double rate         = 0;   ///< Messages a second; 0: as quickly as it goes.
    std::string tags, keys;
    std::vector<std::string> properties;
    int delay_level       = 0;
    bool stamp            = false;
    std::size_t batch     = 1;
    std::size_t in_flight = 64;
    double timeout_s      = 10;
    access_flags access;
    tls_flags tls;
};

void add_produce_flags(CLI::App& command, produce_flags& flags);

/// What the messages themselves are made of, message_source reads. @throw usage_error
producer_settings read_produce_flags(const produce_flags& flags);

/// @return The program's exit code. @throw usage_error
int produce(const produce_flags& flags);

} // namespace rocketcat

#endif
