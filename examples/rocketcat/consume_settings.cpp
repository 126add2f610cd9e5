#include "consume_settings.hpp"

#include <rocketpush/detail/features.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <string_view>

#include "exit_codes.hpp"
#include "number_range.hpp"

namespace rocketcat {
namespace {

/// `YYYYMMDDhhmmss` of the local time zone.
std::chrono::system_clock::time_point read_local_time(std::string_view text) {
    const auto refuse = [text] {
        throw usage_error(fmt::format("--from timestamp={}: a time is YYYYMMDDhhmmss, as 20240131235900, from 1970 to 2261", text));
    };
    if (text.size() != 14 || !std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; }))
        refuse();
    const auto number = [text](std::size_t at, std::size_t digits) {
        int value = 0;
        for (const char digit : text.substr(at, digits))
            value = value * 10 + (digit - '0');
        return value;
    };
    std::tm local{};
    local.tm_year    = number(0, 4) - 1900;
    local.tm_mon     = number(4, 2) - 1;
    local.tm_mday    = number(6, 2);
    local.tm_hour    = number(8, 2);
    local.tm_min     = number(10, 2);
    local.tm_sec     = number(12, 2);
    local.tm_isdst   = -1; // the zone's rules say whether it is summer time then
    const auto asked = local;
    const auto time  = std::mktime(&local);
    // mktime takes the 31st of February for a day in March. Beyond 2261 the clock has no times.
    if (local.tm_mon != asked.tm_mon || local.tm_mday != asked.tm_mday || asked.tm_hour > 23 || asked.tm_min > 59 ||
        asked.tm_sec > 59 || asked.tm_year < 1970 - 1900 || asked.tm_year > 2261 - 1900)
        refuse();
    return std::chrono::system_clock::from_time_t(time);
}

void read_from(const std::string& text, rocketpush::options& options) {
    constexpr std::string_view timestamp = "timestamp=";
    if (text == "last") {
        options.from = rocketpush::consume_from::last;
    } else if (text == "first") {
        options.from = rocketpush::consume_from::first;
    } else if (text.starts_with(timestamp)) {
        options.from      = rocketpush::consume_from::timestamp;
        options.from_time = read_local_time(std::string_view(text).substr(timestamp.size()));
    } else {
        throw usage_error(fmt::format("--from {}: it is last, first or timestamp=YYYYMMDDhhmmss", text));
    }
}

strategy read_strategy(const std::string& text) {
    if (text == "consistent-hash") {
        if (!ROCKETPUSH_WITH_OPENSSL)
            throw usage_error("--strategy consistent-hash: this rocketcat was built without OpenSSL");
        return strategy::consistent_hash;
    }
    return text == "circle" ? strategy::circle : strategy::averagely;
}

/// 0: it was not given.
std::optional<std::chrono::milliseconds> read_seconds(double seconds) {
    if (seconds == 0)
        return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

} // namespace

void add_consume_flags(CLI::App& command, consume_flags& flags) {
    const auto one_of = [](std::vector<std::string> words) { return CLI::IsMember(std::move(words)); };
    const auto seconds = number_in(0.001, 1e9); // 30 years

    auto* const list = command.add_option("--namesrv", flags.name_servers, "Name servers, HOST:PORT[;HOST:PORT]");
    command
        .add_option("--namesrv-url", flags.name_server_url,
                    "Or where they are looked up: http://HOST[:PORT]/PATH, whose first line is such a list")
        ->excludes(list);
    command.add_option("--group", flags.group, "Consumer group")->required();
    command
        .add_option("--topic", flags.topics,
                    "T or T=EXPR, tags as 'a || b' or, with --filter sql92, a condition; repeatable, of one topic the "
                    "later counts")
        ->required()
        ->allow_extra_args(false);
    command
        .add_option("--from", flags.from,
                    "Where a new group begins: last, first, timestamp=YYYYMMDDhhmmss (local time)")
        ->capture_default_str();
    command.add_option("--instance", flags.instance,
                       "Name of this member: its client id is IP@NAME [unique; DEFAULT in broadcasting]");
    command.add_option("--namespace", flags.name_space, "Topics and group are NS%topic and NS%group at the broker");
    command.add_option("--strategy", flags.strategy, "How queues are shared out: averagely, circle, consistent-hash")
        ->check(one_of({"averagely", "circle", "consistent-hash"}))
        ->capture_default_str();

    command.add_flag("--server-rebalance", flags.server_rebalance,
                     "The broker shares out, and says whether to pull or to pop (Java: clientRebalance=false); orderly "
                     "members share out "
                     "by themselves all the same");

    command.add_option("--threads", flags.threads, "Listener threads")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    command
        .add_option("--executor", flags.executor,
                    "Where the listener runs: pool (threads), inline (the consumer's own)")
        ->check(one_of({"pool", "inline"}))
        ->capture_default_str();
    command.add_option("--consume-batch", flags.consume_batch, "Most messages of one listener call")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command.add_option("--pull-batch", flags.pull_batch, "Most messages of one pull")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command
        .add_option("--consume-timeout-min", flags.consume_timeout_min,
                    "A message that the listener is at for longer is sent back, minutes")
        ->check(CLI::Range(1, 43200))
        ->capture_default_str();
    command
        .add_option("--max-reconsume", flags.max_reconsume,
                    "Failures before the dead letter queue; -1 is 16, orderly: no end")
        ->check(CLI::Range(-1, 2147483647))
        ->capture_default_str();

    command
        .add_option("--fail-times", flags.fail_times,
                    "Answer 'later' to a message that came less than N times again; -1 always")
        ->check(CLI::Range(-1, 2147483647))
        ->capture_default_str();
    command.add_option("--delay-ms", flags.delay_ms, "Each listener call sleeps so long")
        ->check(CLI::Range(0, 86'400'000))
        ->capture_default_str();

    command.add_option("--count", flags.count, "End when N messages were consumed with success")
        ->check(number_in(1, 1e18));
    command.add_option("--idle-s", flags.idle_s, "End after N seconds without a message")->check(seconds);
    command.add_option("--duration-s", flags.duration_s, "End after N seconds")->check(seconds);
    command.add_option("--output", flags.output, "json (a line for each message), count (none; figures at the end)")
        ->check(one_of({"json", "count"}))
        ->capture_default_str();
    command.add_option(
        "--latency-file", flags.latency_file,
        "For each message, now minus the nanoseconds in its first 8 body bytes (see produce --stamp), as "
        "little-endian int64");

    command.add_option("--filter", flags.filter, "How expressions are read: tag, sql92 (the broker has to allow it)")
        ->check(one_of({"tag", "sql92"}))
        ->capture_default_str();
    command
        .add_option("--model", flags.model,
                    "clustering (a message goes to one member), broadcasting (to every one; what fails is dropped)")
        ->check(one_of({"clustering", "broadcasting"}))
        ->capture_default_str();
    command.add_option("--offset-dir", flags.offset_dir,
                       "Of broadcasting: offsets are in DIR/CLIENTID/GROUP/offsets.json [~/.rocketmq_offsets]");
    command.add_option("--order", flags.order, "concurrently, or orderly: a queue's messages one after the other")
        ->check(one_of({"concurrently", "orderly"}))
        ->capture_default_str();

    command.add_flag("--trace", flags.trace, "Message trace to RMQ_SYS_TRACE_TOPIC");
    add_access_flags(command, flags.access);
    add_tls_flags(command, flags.tls);
}

consume_settings read_consume_flags(const consume_flags& flags) {
    if (flags.name_servers.empty() && flags.name_server_url.empty())
        throw usage_error("--namesrv or --namesrv-url is required");
    if (!flags.offset_dir.empty() && flags.model != "broadcasting")
        throw usage_error(
            "--offset-dir is of use with --model broadcasting only: other groups' offsets are at the broker");
    consume_settings settings{.options      = {.name_servers        = flags.name_servers,
                                               .name_server_url     = flags.name_server_url,
                                               .group               = flags.group,
                                               .instance_name       = flags.instance,
                                               .namespace_v1        = flags.name_space,
                                               .credentials         = read_access_flags(flags.access),
                                               .consume_threads     = flags.threads,
                                               .consume_batch_size  = flags.consume_batch,
                                               .max_reconsume_times = flags.max_reconsume,
                                               .consume_timeout     = std::chrono::minutes(flags.consume_timeout_min),
                                               .pull_batch_size     = flags.pull_batch},
                              .topics       = {},
                              .filter       = flags.filter == "sql92" ? rocketpush::filter_type::sql92
                                                                      : rocketpush::filter_type::tag,
                              .shared_out   = read_strategy(flags.strategy),
                              .print_lines  = flags.output == "json",
                              .fail_times   = flags.fail_times,
                              .delay        = std::chrono::milliseconds(flags.delay_ms),
                              .count        = flags.count,
                              .idle         = {},
                              .duration     = {},
                              .latency_file = flags.latency_file,
                              .run_inline   = flags.executor == "inline",
                              .broadcasting = flags.model == "broadcasting",
                              .offset_dir   = flags.offset_dir};
    settings.orderly    = flags.order == "orderly";
    settings.ask_broker = flags.server_rebalance;
    settings.trace      = flags.trace;
    settings.tls        = read_tls_flags(flags.tls);
    if (settings.ask_broker && settings.broadcasting)
        throw usage_error("--server-rebalance is for clustering: in broadcasting nothing is shared out");
    read_from(flags.from, settings.options);
    // A listener call that sleeps is waited for, however long it was told to.
    settings.options.stop_timeout += settings.delay;
    for (const auto& each : flags.topics) {
        const auto split = each.find('=');
        settings.topics.insert_or_assign(each.substr(0, split),
                                         split == std::string::npos ? "*" : each.substr(split + 1));
    }
    settings.idle     = read_seconds(flags.idle_s);
    settings.duration = read_seconds(flags.duration_s);
    return settings;
}

} // namespace rocketcat
