#include "broker.hpp"

#include <rocketpush/embedded/broker.hpp>

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "chosen_transport.hpp"
#include "exit_codes.hpp"
#include "interrupt.hpp"
#include "terminal.hpp"

namespace rocketcat {

namespace embedded = rocketpush::embedded;
namespace {

using broker_type = embedded::basic_broker<chosen_transport>;

/// `1s 5s 10m 2h 1d`, and `200ms`.
std::vector<std::chrono::milliseconds> read_delay_levels(std::string_view text) {
    std::vector<std::chrono::milliseconds> levels;
    rocketpush::detail::for_each_part(text, " ", [&levels](std::string_view part) {
        struct unit {
            std::string_view name;
            std::int64_t milliseconds;
        };
        constexpr unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
        std::int64_t number    = 0;
        const auto [end, ec]   = std::from_chars(part.data(), part.data() + part.size(), number);
        const std::string_view name(end, static_cast<std::size_t>(part.data() + part.size() - end));
        for (const auto& each : units)
            if (ec == std::errc() && each.name == name && number >= 0 && number < 1'000'000'000) {
                levels.emplace_back(number * each.milliseconds);
                return;
            }
        throw usage_error(fmt::format("--delay-levels: \"{}\" is no time such as 200ms, 5s, 1m, 2h or 1d", part));
    });
    return levels;
}

void create_topic(broker_type& broker, const std::string& topic) {
    const auto split    = topic.find(':');
    std::int32_t queues = 8;
    if (split != std::string::npos) {
        const auto digits    = std::string_view(topic).substr(split + 1);
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), queues);
        if (ec != std::errc() || end != digits.data() + digits.size() || queues < 1)
            throw usage_error(fmt::format("--topic {}: it is TOPIC:QUEUES", topic));
    }
    broker.create_topic(std::string_view(topic).substr(0, split), queues);
}

std::uint64_t requests_of(const embedded::broker_statistics& figures) {
    std::uint64_t sum = 0;
    for (const auto& [code, count] : figures.requests)
        sum += count;
    return sum;
}

} // namespace

void add_broker_flags(CLI::App& command, broker_flags& flags) {
    command.add_option("--port", flags.port, "Port of name server and broker; 0: any that is free")
        ->capture_default_str();
    command.add_option("--host", flags.host, "Address to listen at; 0.0.0.0 for all")->capture_default_str();
    command.add_option("--advertise", flags.advertise,
                       "Host that clients are told to connect to [the one it listens at]");
    command
        .add_option("--topic", flags.topics,
                    "TOPIC:QUEUES to begin with; repeatable. Others are made when somebody sends to them")
        ->allow_extra_args(false);
    command
        .add_option("--account", flags.accounts,
                    "KEY:SECRET of somebody who may do everything; repeatable. With one, requests have to be signed")
        ->allow_extra_args(false);
    command.add_option("--delay-levels", flags.delay_levels, "Delays in order; level 3 is that of a first retry")
        ->capture_default_str();
    command.add_option("--as-version", flags.version, "RocketMQ version that it answers as")
        ->check(CLI::IsMember({"5.5.0", "4.9.7"}))
        ->capture_default_str();
    command.add_option("--store-mib", flags.store_mib, "Memory for messages, MiB; beyond it the oldest go")
        ->check(CLI::Range(1, 1024 * 1024))
        ->capture_default_str();
    add_tls_server_flags(command, flags.tls);
}

int broker(const broker_flags& flags) {
    embedded::broker_options options;
    options.listen          = {flags.host, flags.port};
    options.advertised_host = flags.advertise;
    options.delay_levels    = read_delay_levels(flags.delay_levels);
    options.store_bytes     = flags.store_mib << 20;
    for (const auto& each : flags.accounts) {
        const auto split = each.find(':');
        if (split == std::string::npos)
            throw usage_error("--account: it is KEY:SECRET"); // not what was typed: it may be a secret
        options.accounts.push_back(
            {.access_key = each.substr(0, split), .secret_key = each.substr(split + 1), .admin = true});
    }
    if (flags.version == "4.9.7") {
        options.version  = embedded::version_4_9_7;
        options.encoding = embedded::answer_encoding::as_request;
    }
    interrupt stop;
    broker_type broker(options, chosen_transport(read_tls_server_flags(flags.tls)));
    for (const auto& topic : flags.topics)
        create_topic(broker, topic);
    fmt::print("name server and broker at {}\n", broker.name_server_address());
    std::fflush(stdout);

    const live_line live;
    while (!stop.wait_for(std::chrono::milliseconds(500))) {
        if (!live.is_on())
            continue;
        const auto figures = broker.statistics();
        live.show(fmt::format("{} connections  {} pulls held  {} messages parked  {} requests",
                              figures.connections_open, figures.pulls_held, figures.messages_parked,
                              with_commas(requests_of(figures))));
    }
    live.clear();
    return ended_well;
}

} // namespace rocketcat
