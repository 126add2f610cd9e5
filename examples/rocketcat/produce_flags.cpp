#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "cluster_names.hpp"
#include "exit_codes.hpp"
#include "number_range.hpp"
#include "produce.hpp"

namespace rocketcat {

void add_produce_flags(CLI::App& command, produce_flags& flags) {
    command.add_option("--namesrv", flags.name_servers, "Name servers, HOST:PORT[;HOST:PORT]")->required();
    command.add_option("--topic", flags.topic, "Topic; brokers may make it when it does not exist")->required();
    command.add_option("--group", flags.group, "Producer group")->capture_default_str();
    command.add_option("--count", flags.count, "Send N generated messages [the lines of standard input]")
        ->check(number_in(1, 1e18)); // CLI11 makes the largest of one that is larger
    command.add_option("--size", flags.size, "Bytes of a generated body, at least")
        ->check(CLI::Range(0, 4 * 1024 * 1024))
        ->capture_default_str();
    command.add_option("--rate", flags.rate, "Messages a second [as quickly as it goes]")
        ->check(number_in(0.001, 1e9)); // slower, and the time of the next batch would be one that no clock has
    command.add_option("--tags", flags.tags, "Tag; several (A,B) are used in turn");
    command.add_option("--keys", flags.keys, "Index keys, separated by blanks; {} is the message's number from 0");
    command.add_option("--property", flags.properties, "NAME=VALUE, a property of every message; repeatable")
        ->allow_extra_args(false);
    command
        .add_option("--delay-level", flags.delay_level,
                    "Deliver later: 1 is 1 s, 2 5 s, 3 10 s, 4 30 s ... by the broker's list")
        ->check(CLI::Range(1, 100));
    command.add_flag(
        "--stamp", flags.stamp,
        "CLOCK_REALTIME in nanoseconds, big endian, as the first 8 bytes of each body (before a line's text)");
    command.add_option("--batch", flags.batch, "Messages of one request")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command.add_option("--in-flight", flags.in_flight, "Requests under way at once")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command.add_option("--timeout-s", flags.timeout_s, "How long a message is tried, each time on another queue")
        ->check(number_in(0.1, 86'400))
        ->capture_default_str();
    add_access_flags(command, flags.access);
    add_tls_flags(command, flags.tls);
}

producer_settings read_produce_flags(const produce_flags& flags) {
    auto servers = read_name_servers(flags.name_servers);
    auto topic   = read_topic({}, flags.topic);
    auto group   = read_group({}, flags.group);
    if (flags.batch > 1 && flags.delay_level != 0)
        throw usage_error("--batch and --delay-level do not go together: brokers deliver a batch at once");
    return {.name_servers = std::move(servers),
            .group        = std::move(group),
            .topic        = std::move(topic),
            .in_flight    = flags.in_flight,
            .patience     = std::chrono::milliseconds(static_cast<std::int64_t>(flags.timeout_s * 1000)),
            .stamp        = flags.stamp,
            .credentials  = read_access_flags(flags.access),
            .tls          = read_tls_flags(flags.tls)};
}

} // namespace rocketcat
