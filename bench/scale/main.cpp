// scale: what a consumer of very many queues costs: time to start, memory, CPU time while nothing comes. The embedded broker
// runs in a process of its own. `scale --help` lists the flags.

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "bench/scale/broker_process.hpp"
#include "bench/scale/child_process.hpp"
#include "bench/scale/runs.hpp"

namespace {

bench::scale_figures measure(const bench::scale_case& with, bool pool) {
    const bench::broker_process broker(with);
    bench::child_process consumer([&](int to) {
        bench::child_process::tell(to, pool ? bench::run_pool(with, broker.address())
                                            : bench::run_inline(with, broker.address()));
    });
    const auto figures = consumer.hear<bench::scale_figures>();
    if (!figures)
        throw std::runtime_error("the consumer did not come to its end");
    return *figures;
}

void report_scale(const bench::scale_case& with, bool pool, std::int32_t few_queues, bool json) {
    auto few             = with;
    few.queues           = few_queues;
    few.window           = std::chrono::seconds(0);
    const auto small     = measure(few, pool);
    const auto large     = measure(with, pool);
    const double more    = static_cast<double>(with.queues - few.queues);
    const double settled = static_cast<double>(large.settled_kib - small.settled_kib) * 1024 / more;
    const double peak    = static_cast<double>(large.peak_kib - small.peak_kib) * 1024 / more;
    const auto* const form =
        json ? "{\"executor\":\"%s\",\"queues\":%d,\"topics\":%d,\"start_s\":%.3f,\"all_fetched_s\":%.3f,"
               "\"first_message_s\":%.4f,\"bytes_a_queue\":%.0f,\"peak_bytes_a_queue\":%.0f,\"resident_kib\":%ld,"
               "\"peak_kib\":%ld,\"few_queues\":%d,\"few_resident_kib\":%ld,\"few_peak_kib\":%ld,"
               "\"few_first_message_s\":%.4f,\"idle_cores\":%.5f,\"idle_wakes_a_s\":%.1f,\"window_s\":%lld}\n"
             : "%s executor, %d queues of %d topics\n"
               "  start() returned after                 %9.3f s\n"
               "  every queue was fetched from after     %9.3f s\n"
               "  the first message came after           %9.4f s\n"
               "  resident memory a queue                %9.0f B\n"
               "  peak memory a queue                    %9.0f B\n"
               "  resident, peak                         %9ld KiB %9ld KiB\n"
               "  with %3d queues                        %9ld KiB %9ld KiB, first message after %.4f s\n"
               "  idle                                   %9.5f of a core, woken %.1f times a second, over %lld s\n";
    std::printf(form, pool ? "pool" : "inline", with.queues, with.topics(), large.started_s, large.fetched_s,
                large.first_s, settled, peak, large.settled_kib, large.peak_kib, few.queues, small.settled_kib,
                small.peak_kib, small.first_s, large.idle_share, large.idle_switches,
                static_cast<long long>(with.window.count()));
}

void report_blocked(bench::scale_case with, bool json) {
    with.blocked          = true;
    with.body_size        = 1024;
    with.messages_a_queue = 2 * with.max_cached_bytes / with.body_size; // twice what may be held
    with.window           = std::chrono::seconds(0);
    const auto figures    = measure(with, true);
    if (figures.paused_queues < with.queues)
        throw std::runtime_error("only " + std::to_string(figures.paused_queues) + " of " +
                                 std::to_string(with.queues) + " queues were paused; --settle-s gives it more time");
    const auto* const form =
        json ? "{\"blocked\":true,\"queues\":%d,\"limit_kib\":%ld,\"frames_peak_kib\":%ld,\"peak_kib\":%ld,"
               "\"before_kib\":%ld}\n"
             : "pool of 20, blocked listener, %d queues\n"
               "  max_cached_bytes of all queues         %9ld KiB\n"
               "  most that its frames held              %9ld KiB\n"
               "  peak memory; before the consumer       %9ld KiB %9ld KiB\n";
    std::printf(form, with.queues, figures.limit_kib, figures.frames_peak_kib, figures.peak_kib, figures.before_kib);
}

} // namespace

int main(int count, char** arguments) {
    CLI::App app("A consumer of very many queues on the embedded broker, which is a process of its own: time to start, "
                 "memory a queue, CPU time while nothing comes.",
                 "scale");
    bench::scale_case with;
    std::string executor = "inline", output = "table";
    std::int32_t few  = 8;
    bool blocked      = false;
    std::size_t cache = 4;
    long long settle = with.settle.count(), window = with.window.count();
    auto* const queues = app.add_option("--queues", with.queues, "in all")->check(CLI::Range(1, 60'000));
    app.add_option("--queues-a-topic", with.queues_a_topic, "so many topics are subscribed to")
        ->check(CLI::Range(1, 60'000))
        ->capture_default_str();
    app.add_option("--few", few, "queues of the consumer that memory is compared with")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--executor", executor, "inline, pool")
        ->check(CLI::IsMember({"inline", "pool"}))
        ->capture_default_str();
    app.add_option("--settle-s", settle, "from the last queue's message to the look at memory")
        ->check(CLI::Range(0, 600))
        ->capture_default_str();
    app.add_option("--window-s", window, "in which idle CPU time is counted; whole turns of the 15 s of a held pull")
        ->check(CLI::Range(0, 600))
        ->capture_default_str();
    app.add_flag("--blocked", blocked, "measure something else: memory with a listener that does not return");
    app.add_option("--cache-mib", cache, "with --blocked: max_cached_bytes of each queue")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option("--output", output, "table, json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    if (blocked && queues->count() == 0)
        with.queues = 8;
    with.settle           = std::chrono::seconds(settle);
    with.window           = std::chrono::seconds(window);
    with.max_cached_bytes = cache << 20;
    try {
        if (blocked)
            report_blocked(with, output == "json");
        else if (with.queues <= few)
            throw std::runtime_error("--queues has to be more than --few");
        else
            report_scale(with, executor == "pool", few, output == "json");
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "scale: %s\n", problem.what());
        return 1;
    }
    return 0;
}
