// replay: what a consumer costs between the socket and the listener, without a network. Whole consumers get pull answers
// that were encoded before. `replay --help` lists the flags.

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "bench/replay/cases.hpp"
#include "bench/replay/outcome.hpp"

namespace {

void print_list() {
    static constexpr const char* listeners[] = {"message", "span", "awaitable", "orderly"};
    for (const auto& each : bench::all_cases())
        std::printf("%-22s %s executor, %s listener, consume batch %zu, %zu B%s%s%s%s\n",
                    std::string(each.name).c_str(), each.executor == bench::executor_kind::pool ? "pool" : "inline",
                    listeners[static_cast<std::size_t>(each.listener)], each.consume_batch, each.messages.body_size,
                    each.messages.properties ? " with 3 properties" : "",
                    each.messages.compressed ? ", compressed"
                    : each.messages.tagged   ? ", by tag"
                                             : "",
                    each.transport == bench::transport_kind::memory ? ", through memory_transport" : "",
                    each.reading == bench::reading_kind::popped ? ", popped"
                    : each.traced                                 ? ", with message trace"
                                                                  : "");
}

bench::replay_outcome run(const bench::replay_case& which, const bench::replay_size& size) {
    if (which.transport == bench::transport_kind::memory)
        return bench::run_through_memory(which, size);
    if (which.traced)
        return bench::run_traced(which, size);
    if (which.reading == bench::reading_kind::popped)
        return bench::run_popped(which, size);
    return which.executor == bench::executor_kind::pool ? bench::run_pool(which, size) : bench::run_inline(which, size);
}

void print(const bench::replay_case& which, const bench::replay_outcome& outcome, bool json) {
    const auto measured      = static_cast<double>(outcome.measured);
    const double nanoseconds = static_cast<double>(outcome.cpu.count()) / measured;
    const double for_message = static_cast<double>(outcome.allocations) / measured;
    const double for_pull    = static_cast<double>(outcome.allocations) / static_cast<double>(outcome.pulls);
    const auto* const format =
        json ? "{\"case\":\"%s\",\"messages\":%llu,\"messages_per_cpu_s\":%.0f,\"ns_per_message\":%.1f,"
               "\"allocations_per_message\":%.6f,\"allocations_per_pull\":%.4f}\n"
             : "%-22s %10llu messages %12.0f a CPU-s %9.1f ns each, allocations: %.6f a message %.4f a pull\n";
    std::printf(format, std::string(which.name).c_str(), static_cast<unsigned long long>(outcome.consumed),
                1e9 / nanoseconds, nanoseconds, for_message, for_pull);
    std::fflush(stdout);
}

} // namespace

int main(int count, char** arguments) {
    CLI::App app("Whole consumers on canned pull answers: CPU time and heap allocations of a message in steady state.",
                 "replay");
    std::vector<std::string> names;
    bench::replay_size size;
    bool list = false, json = false;
    app.add_option("case", names, "cases to run; all when none is named");
    app.add_flag("--list", list, "list the cases");
    app.add_option("--messages", size.messages, "to consume; the first fifth is not measured")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
    app.add_option("--queues", size.queues, "of the topic")->check(CLI::Range(1, 1024))->capture_default_str();
    app.add_option("--threads", size.threads, "of the pool")->check(CLI::Range(1, 100))->capture_default_str();
    app.add_flag("--json", json, "a JSON object a line");
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    if (list) {
        print_list();
        return 0;
    }
    std::vector<const bench::replay_case*> chosen;
    for (const auto& name : names) {
        chosen.push_back(bench::find_case(name));
        if (!chosen.back()) {
            std::fprintf(stderr, "replay: no case %s (--list)\n", name.c_str());
            return 2;
        }
    }
    if (names.empty())
        for (const auto& each : bench::all_cases())
            chosen.push_back(&each);
    for (const auto* each : chosen) {
        try {
            print(*each, run(*each, size), json);
        } catch (const std::exception& problem) {
            std::fprintf(stderr, "replay: %s: %s\n", std::string(each->name).c_str(), problem.what());
            return 1;
        }
    }
    return 0;
}
