// groups: what a process costs that is in very many groups, on one client and one pool of threads: time to start, memory,
// threads, sockets, CPU time while nothing comes. The embedded broker runs in a process of its own. `groups --help` lists the flags.

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "bench/groups/settings.hpp"
#include "bench/scale/broker_process.hpp"
#include "bench/scale/child_process.hpp"

namespace {

bench::groups_figures measure(const bench::groups_case& with) {
    bench::scale_case topic;
    topic.queues = topic.queues_a_topic = with.queues;
    topic.messages_a_queue              = with.messages_a_queue;
    const bench::broker_process broker(topic);
    bench::child_process process(
        [&](int to) { bench::child_process::tell(to, bench::run_groups(with, broker.address())); });
    const auto figures = process.hear<bench::groups_figures>();
    if (!figures)
        throw std::runtime_error("the process did not come to its end");
    return *figures;
}

void report(const bench::groups_case& with, const bench::groups_figures& found, bool json) {
    const auto* const form =
        json ? "{\"groups\":%zu,\"queues\":%d,\"pool_threads\":%zu,\"start_s\":%.4f,\"all_fetched_s\":%.4f,"
               "\"resident_kib\":%ld,\"peak_kib\":%ld,\"threads\":%ld,\"sockets\":%ld,\"heartbeat_bytes\":%ld,"
               "\"join_heartbeat_bytes\":%ld,\"idle_cores\":%.5f,\"idle_wakes_a_s\":%.1f,\"window_s\":%lld}\n"
             : "%zu groups, each of %d queues, a pool of %zu\n"
               "  all had started after                  %9.4f s\n"
               "  and had had their messages after       %9.4f s more\n"
               "  resident, peak                         %9ld KiB %9ld KiB\n"
               "  threads, sockets                       %9ld %9ld\n"
               "  body of a heartbeat; of a start's      %9ld B %9ld B\n"
               "  idle                                   %9.5f of a core, woken %.1f times a second, over %lld s\n";
    std::printf(form, with.groups, with.queues, with.threads, found.started_s, found.fetched_s, found.settled_kib,
                found.peak_kib, found.threads, found.sockets, found.heartbeat_bytes, found.join_heartbeat_bytes,
                found.idle_share, found.idle_switches, static_cast<long long>(with.window.count()));
}

} // namespace

int main(int count, char** arguments) {
    CLI::App app(
        "A process in very many groups, on one client and one pool of threads, and the embedded broker, which is a "
        "process of its own: time to start, memory, threads, sockets, CPU time while nothing comes.",
        "groups");
    bench::groups_case with;
    std::string output = "table";
    long long settle = with.settle.count(), window = with.window.count();
    app.add_option("--groups", with.groups)->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--queues", with.queues, "of the topic that each group reads")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--threads", with.threads, "of the pool that all share")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--settle-s", settle, "from the last message to the look at memory")
        ->check(CLI::Range(0, 600))
        ->capture_default_str();
    app.add_option("--window-s", window, "in which idle CPU time is counted; whole turns of the 15 s of a held pull")
        ->check(CLI::Range(0, 600))
        ->capture_default_str();
    app.add_option("--output", output, "table, json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    with.settle = std::chrono::seconds(settle);
    with.window = std::chrono::seconds(window);
    try {
        report(with, measure(with), output == "json");
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "groups: %s\n", problem.what());
        return 1;
    }
    return 0;
}
