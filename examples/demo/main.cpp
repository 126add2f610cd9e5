// The whole of it at work: a producer, and a group of three members that share what it sends; half-way one member leaves,
// and its queues go to the others. At the end the numbers are checked.
//
//   rocketpush_demo                        on a broker inside this program
//   rocketpush_demo --namesrv HOST:PORT    on a real cluster, where the topic is made if brokers may do that
//
// On a terminal it draws what happens, elsewhere it prints lines. Exit code 0: all that was sent was consumed, nothing lost.

#include <rocketpush/embedded/broker.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "display.hpp"
#include "group_member.hpp"
#include "news.hpp"
#include "rocketcat/interrupt.hpp"
#include "rocketcat/number_range.hpp"
#include "rocketcat/producer.hpp"
#include "rocketcat/terminal.hpp"
#include "tally.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using rocketcat::with_commas;
using std::chrono::milliseconds;

struct settings {
    std::string name_servers;
    std::string topic      = "rocketpush_demo";
    std::string group      = "rocketpush_demo";
    std::uint64_t messages = 100'000;
    double seconds         = 10;
};

constexpr std::size_t batch = 10;          ///< Messages of one request.
constexpr milliseconds drain_limit{30000}; ///< How long the group may take after the last message was sent.

class demonstration {
  public:
    demonstration(const settings& with, rocketcat::producer& sender, demo::tally& counted, demo::news& told,
                  bool terminal)
        : with_(with), sender_(sender), counted_(counted), told_(told), display_(told, terminal) {}

    void run(std::vector<std::unique_ptr<demo::group_member>>& members) {
        told_.tell("three members join the group");
        for (auto& each : members)
            if (const auto failure = each->start())
                told_.tell(fmt::format("{} cannot start: {}", each->name(), failure.message()));
        const auto began = clock_type::now();
        const std::chrono::duration<double> step(with_.seconds / static_cast<double>(with_.messages));
        bool leaving_begun = false;
        while (made_ < with_.messages && !stop_.is_requested()) {
            while (made_ < with_.messages && clock_type::now() - began >= step * static_cast<double>(made_) &&
                   sender_.wait_for_room(milliseconds(0)))
                send_some();
            if (!leaving_begun && made_ >= with_.messages / 2) {
                leaving_begun = true;
                leave(*members.back());
            }
            look(members, milliseconds(5));
        }
        told_.tell(stop_.is_requested() ? "the producer was told to end" : "the producer is done");
        const auto limit = clock_type::now() + drain_limit;
        while (!sender_.wait_until_idle(milliseconds(20)) && clock_type::now() < limit)
            look(members, milliseconds(20));
        while (counted_.distinct() < sender_.totals().sent && clock_type::now() < limit)
            look(members, milliseconds(20));
        for (auto& each : members)
            if (!each->has_left())
                leave(*each);
        display_.end(progress(), members, counted_.duplicates());
    }

    std::uint64_t made() const noexcept { return made_; }

  private:
    void send_some() {
        std::vector<rocketcat::outgoing_message> together;
        for (; together.size() < batch && made_ < with_.messages; ++made_)
            together.push_back({counted_.body(made_), {}});
        sender_.send(std::move(together));
    }

    void leave(demo::group_member& member) {
        told_.tell(member.name() + " leaves");
        if (const auto failure = member.leave())
            told_.tell(fmt::format("{} left, not cleanly: {}", member.name(), failure.message()));
    }

    void look(const std::vector<std::unique_ptr<demo::group_member>>& members, milliseconds wait) {
        display_.tick(progress(), members, counted_.duplicates());
        std::this_thread::sleep_for(wait);
    }

    demo::sending progress() const { return {sender_.totals().sent, with_.messages}; }

    const settings& with_;
    rocketcat::producer& sender_;
    demo::tally& counted_;
    demo::news& told_;
    demo::display display_;
    rocketcat::interrupt stop_;
    std::uint64_t made_ = 0;
};

std::string run_name() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

/// The summary. @return Whether the numbers are as they should be.
bool check(const rocketcat::producer_totals& sent, const demo::tally& counted, std::uint64_t made) {
    const auto lost = sent.failed == 0 ? counted.missing(made) : sent.sent - std::min(sent.sent, counted.distinct());
    const bool good = sent.failed == 0 && sent.sent == counted.distinct() && lost == 0;
    fmt::print("\nsent        {:>10}{}\n", with_commas(sent.sent),
               sent.failed == 0 ? std::string()
                                : fmt::format("  ({} could not be sent: {})", with_commas(sent.failed), sent.problem));
    fmt::print("consumed    {:>10}  different messages\n", with_commas(counted.distinct()));
    fmt::print("lost        {:>10}\n", with_commas(lost));
    fmt::print("duplicates  {:>10}  (a message may come twice when members change; never less than once)\n",
               with_commas(counted.duplicates()));
    fmt::print("{}\n", good ? "OK: all that was sent was consumed" : "FAILED: the numbers do not agree");
    return good;
}

int run(settings with) {
    std::optional<rocketpush::embedded::broker> broker;
    if (with.name_servers.empty()) {
        broker.emplace();
        broker->create_topic(with.topic, 8);
        with.name_servers = broker->name_server_address();
    }
    const auto servers = rocketpush::parse_name_servers(with.name_servers);
    if (!servers) {
        fmt::print(stderr, "rocketpush_demo: --namesrv {}: it is HOST:PORT, several separated by ';'\n",
                   with.name_servers);
        return 2;
    }
    rocketcat::producer sender({.name_servers = *servers, .group = "rocketpush_demo_producer", .topic = with.topic});
    if (const auto failure = sender.connect()) {
        fmt::print(stderr, "rocketpush_demo: cannot send to topic {} at {}: {}\n", with.topic, with.name_servers,
                   failure.message());
        return 1;
    }
    const bool terminal = rocketcat::is_terminal(stdout);
    fmt::print("rocketpush demo: {} {}, topic {}, group {}\n{}", broker ? "embedded broker at" : "cluster of",
               with.name_servers, with.topic, with.group, terminal ? "\n" : "");

    demo::tally counted(run_name(), with.messages);
    demo::news told;
    std::vector<std::unique_ptr<demo::group_member>> members;
    for (const auto* name : {"member-1", "member-2", "member-3"})
        members.push_back(
            std::make_unique<demo::group_member>(name, with.name_servers, with.group, with.topic, counted, told));
    demonstration here(with, sender, counted, told, terminal);
    here.run(members);
    const bool good = check(sender.totals(), counted, here.made());
    return good ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
    settings with;
    CLI::App app(
        "A producer and a group of three members at work; half-way one member leaves. Ends with checked numbers.",
        "rocketpush_demo");
    app.add_option("--namesrv", with.name_servers,
                   "Name servers of a real cluster, HOST:PORT[;HOST:PORT] [a broker inside this program]");
    app.add_option("--messages", with.messages, "Messages to send")
        ->check(CLI::Range(1, 100'000'000))
        ->capture_default_str();
    app.add_option("--seconds", with.seconds, "Over how long they are sent")
        ->check(rocketcat::number_in(0.1, 86'400))
        ->capture_default_str();
    app.add_option("--topic", with.topic, "Topic")->capture_default_str();
    app.add_option("--group", with.group, "Consumer group")->capture_default_str();
    app.failure_message([](const CLI::App*, const CLI::Error& wrong) {
        return fmt::format("rocketpush_demo: {} (--help lists all)\n", wrong.what());
    });
    app.footer(
        "Ctrl-C ends the sending early, a second one everything. Exit code: 0 all that was sent was consumed; 1 not "
        "so; 2 the command line is wrong.");
    try {
        app.parse(count, arguments);
        return run(with);
    } catch (const CLI::ParseError& answer) { // --help comes this way too
        return app.exit(answer) == 0 ? 0 : 2;
    } catch (const std::system_error& problem) {
        fmt::print(stderr, "rocketpush_demo: {}\n", problem.what());
        return 1;
    }
}
