#include "produce.hpp"

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

int produce(const produce_flags& flags) {
    const auto settings = read_produce_flags(flags);
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
