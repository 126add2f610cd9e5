#include <rocketpush/core/endpoint.hpp>

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <string_view>
#include <system_error>

#include "broker.hpp"
#include "exit_codes.hpp"

namespace rocketcat {

namespace embedded = rocketpush::embedded;
namespace {

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
            if (ec == std::errc() && each.name == name && number >= 0 &&
                number <= embedded::longest_delay / std::chrono::milliseconds(each.milliseconds)) {
                levels.emplace_back(number * each.milliseconds);
                return;
            }
        throw usage_error(fmt::format("--delay-levels: \"{}\" is no time such as 200ms, 5s, 1m, 2h or 1d, up to 3650d", part));
    });
    return levels;
}

/// `TOPIC:QUEUES`, or `TOPIC`.
broker_topic read_topic_flag(const std::string& text) {
    const auto split = text.find(':');
    broker_topic topic{text.substr(0, split)};
    if (split != std::string::npos) {
        const auto digits    = std::string_view(text).substr(split + 1);
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), topic.queues);
        if (ec != std::errc() || end != digits.data() + digits.size() || topic.queues < 1)
            throw usage_error(fmt::format("--topic {}: it is TOPIC:QUEUES", text));
    }
    return topic;
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

broker_settings read_broker_flags(const broker_flags& flags) {
    broker_settings settings;
    auto& options           = settings.options;
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
    for (const auto& each : flags.topics)
        settings.topics.push_back(read_topic_flag(each));
    settings.tls = read_tls_server_flags(flags.tls);
    return settings;
}

} // namespace rocketcat
