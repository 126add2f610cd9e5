#include "produce.hpp"

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/names.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exit_codes.hpp"
#include "interrupt.hpp"
#include "message_source.hpp"
#include "producer.hpp"
#include "terminal.hpp"

namespace rocketcat {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds turn{100}; ///< How long the main thread waits for anything before it looks around.
constexpr std::size_t most_batch_bytes = 3 * 1024 * 1024; ///< Brokers take 4 MiB.

/// Tells on standard error how far it is: a live line on a terminal, else a line every 5 s; and each problem once.
class progress {
  public:
    progress(const producer& sender, std::uint64_t goal) : sender_(sender), goal_(goal) {}

    void tick() {
        const auto now = clock::now();
        if (now - shown_ < (live_.is_on() ? milliseconds(200) : milliseconds(1000)))
            return;
        const auto totals  = sender_.totals();
        const auto seconds = std::chrono::duration<double>(now - shown_).count();
        const auto rate    = static_cast<std::uint64_t>(static_cast<double>(totals.sent - sent_) / seconds);
        shown_             = now;
        sent_              = totals.sent;
        const auto text    = fmt::format("{}/s  sent {}{}{}", with_commas(rate), with_commas(totals.sent),
                                      goal_ == 0 ? std::string() : " of " + with_commas(goal_),
                                      totals.failed == 0 ? std::string() : "  failed " + with_commas(totals.failed));
           if (totals.retries + totals.failed != troubles_) {
            troubles_ = totals.retries + totals.failed;
            if (totals.problem != problem_) {
                live_.clear();
                tell("{}", totals.problem);
                problem_ = totals.problem;
            }
        }
        if (live_.is_on())
            live_.show(text);
        else if (++quiet_ % 5 == 0)
            tell("{}", text);
    }
    void end() const { live_.clear(); }

  private:
    const producer& sender_;
    std::uint64_t goal_;
    live_line live_;
    clock::time_point shown_ = clock::now();
    std::uint64_t sent_      = 0;
    std::uint64_t troubles_  = 0;
    unsigned quiet_          = 0;
    std::string problem_;
};

producer_settings settings_of(const produce_flags& flags) {
    auto servers = rocketpush::parse_name_servers(flags.name_servers);
    if (!servers)
        throw usage_error(fmt::format("--namesrv {}: it is HOST:PORT, several separated by ';'", flags.name_servers));
    if (rocketpush::check_topic(flags.topic))
        throw usage_error(
            fmt::format("topic \"{}\" {}", flags.topic, describe_name_rule(rocketpush::name_kind::topic)));
    if (rocketpush::check_group(flags.group))
        throw usage_error(
            fmt::format("group \"{}\" {}", flags.group, describe_name_rule(rocketpush::name_kind::group)));
    if (flags.batch > 1 && flags.delay_level != 0)
        throw usage_error("--batch and --delay-level do not go together: brokers deliver a batch at once");
    return {.name_servers = std::move(*servers),
            .group        = flags.group,
            .topic        = flags.topic,
            .in_flight    = flags.in_flight,
            .patience     = milliseconds(static_cast<std::int64_t>(flags.timeout_s * 1000)),
            .stamp        = flags.stamp,
            .credentials  = read_access_flags(flags.access),
            .tls          = read_tls_flags(flags.tls)};
}

/// Waits for its turn when there is a rate. @return False when interrupted.
bool wait_for_turn(clock::time_point due, interrupt& stop, progress& shown) {
    for (auto now = clock::now(); now < due && !stop.is_requested(); now = clock::now()) {
        shown.tick();
        stop.wait_for(std::chrono::ceil<milliseconds>(std::min<clock::duration>(due - now, turn)));
    }
    return !stop.is_requested();
}

void send_all(message_source& source, producer& sender, const produce_flags& flags, interrupt& stop, progress& shown) {
    const auto began   = clock::now();
    std::uint64_t made = 0;
    std::vector<outgoing_message> together;
    std::size_t bytes = 0;
    while (!source.at_end() && !stop.is_requested()) {
        shown.tick();
        auto next       = source.next(turn);
        const bool idle = !next; // nothing to read for a while: what waits for its batch to be full has waited enough
        if (next) {
            bytes += next->body.size() + next->properties.size();
            together.push_back(std::move(*next));
        }
        if (together.empty() ||
            !(idle || together.size() == flags.batch || bytes >= most_batch_bytes || source.at_end()))
            continue;
        if (flags.rate > 0 &&
            !wait_for_turn(began + std::chrono::duration_cast<clock::duration>(
                                       std::chrono::duration<double>(static_cast<double>(made) / flags.rate)),
                           stop, shown))
            break;
        while (!sender.wait_for_room(turn) && !stop.is_requested())
            shown.tick();
        if (stop.is_requested())
            break;
        made += together.size();
        sender.send(std::exchange(together, {}));
        bytes = 0;
    }
}

} // namespace

void add_produce_flags(CLI::App& command, produce_flags& flags) {
    command.add_option("--namesrv", flags.name_servers, "Name servers, HOST:PORT[;HOST:PORT]")->required();
    command.add_option("--topic", flags.topic, "Topic; brokers may make it when it does not exist")->required();
    command.add_option("--group", flags.group, "Producer group")->capture_default_str();
    command.add_option("--count", flags.count, "Send N generated messages [the lines of standard input]")
        ->check(CLI::PositiveNumber);
    command.add_option("--size", flags.size, "Bytes of a generated body, at least")
        ->check(CLI::Range(0, 4 * 1024 * 1024))
        ->capture_default_str();
    command.add_option("--rate", flags.rate, "Messages a second [as quickly as it goes]")->check(CLI::PositiveNumber);
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
        ->check(CLI::Range(0.1, 86'400.0))
        ->capture_default_str();
    add_access_flags(command, flags.access);
    add_tls_flags(command, flags.tls);
}

int produce(const produce_flags& flags) {
    const auto settings = settings_of(flags);
    message_source source(flags);
    interrupt stop;
    producer sender(settings);
    if (const auto failure = sender.connect()) {
        tell("cannot send to topic {}, name servers {}: {}", flags.topic, flags.name_servers, failure.message());
        return failed;
    }
    progress shown(sender, flags.count);
    const auto began = clock::now();
    send_all(source, sender, flags, stop, shown);
    if (stop.is_requested())
        sender.give_up();
    while (!sender.wait_until_idle(turn))
        shown.tick();
    shown.end();

    const auto seconds = std::chrono::duration<double>(clock::now() - began).count();
    const auto totals  = sender.totals();
    if (totals.failed != 0)
        tell("{} messages were not sent; the last problem: {}", with_commas(totals.failed), totals.problem);
    fmt::print("{{\"sent\":{},\"failed\":{},\"bytes\":{},\"requests\":{},\"retries\":{},\"seconds\":{:.3f},\"per_"
               "second\":{:.0f}}}\n",
               totals.sent, totals.failed, totals.bytes, totals.requests, totals.retries, seconds,
               static_cast<double>(totals.sent) / seconds);
    return totals.failed == 0 ? ended_well : failed;
}

} // namespace rocketcat
