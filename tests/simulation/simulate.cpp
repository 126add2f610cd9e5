// simulate: runs whole worlds in virtual time, and says which promises were broken. See README.md here.

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/simulation/planted.hpp"
#include "tests/simulation/world.hpp"

namespace {

using rocketpush::simulation::plan;
using rocketpush::simulation::report;

/// What several worlds came to.
struct sums {
    std::size_t worlds = 0, broken = 0, messages = 0, deliveries = 0, repeats = 0;
    double virtual_seconds = 0;
    std::uint64_t hash     = 0; ///< Of all of them, in whatever order they ended.
    std::map<std::string, std::size_t> faults;

    void add(const report& one) {
        ++worlds;
        broken += one.violations.empty() ? 0 : 1;
        messages += one.messages;
        deliveries += one.deliveries;
        repeats += one.repeats;
        virtual_seconds += one.virtual_seconds;
        hash += one.hash;
        for (const auto& [name, count] : one.faults)
            faults[name] += count;
    }

    void print(double seconds) const {
        fmt::print("{} worlds, {} broke a promise; {} messages, {} deliveries, {} of them repeats; {:.0f} virtual seconds in {:.1f} s; hash {:016x}\n", worlds,
                   broken, messages, deliveries, repeats, virtual_seconds, seconds, hash);
        for (const auto& [name, times] : faults)
            fmt::print("  {:<28} {}\n", name, times);
    }

    /// The same for programs.
    std::string json() const {
        return nlohmann::json{{"worlds", worlds},   {"broken", broken},
                              {"messages", messages}, {"deliveries", deliveries},
                              {"repeats", repeats}, {"virtual_seconds", std::round(virtual_seconds)}, {"hash", fmt::format("{:016x}", hash)},
                              {"faults", faults}}
            .dump();
    }
};

struct settings {
    plan what;
    std::size_t worlds = 1;
    unsigned threads   = 1;
    bool first         = false;
    std::string trace, bug, json;
};

void print(const plan& what, const report& found, const std::string& bug) {
    for (const auto& each : found.violations)
        fmt::print("BROKEN: {}\n  {}\n  again: simulate --seed {} --minutes {}{}{} --trace FILE\n", each, found.setting, what.seed, what.minutes,
                   bug.empty() ? "" : " --bug ", bug);
    std::fflush(stdout);
}

thread_local std::uint64_t running = 0; ///< The seed of this thread's world.

/// A crash in a world tells which it was: nothing else would.
extern "C" void tell_seed(int signal) {
    std::array<char, 64> line{}; // no formatting here
    constexpr std::string_view text = "CRASHED: simulate --seed ";
    auto* end = std::ranges::copy(text, line.begin()).out;
    end       = std::to_chars(end, line.end() - 1, running).ptr;
    *end++    = '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), static_cast<std::size_t>(end - line.begin()));
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

sums run(const settings& given) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    sums all;
    const auto work = [&] {
        for (auto i = next++; i < given.worlds; i = next++) {
            auto mine = given.what;
            mine.seed += i;
            running = mine.seed;
            const auto found = rocketpush::simulation::simulate(mine);
            const std::lock_guard lock(mutex);
            all.add(found);
            print(mine, found, given.bug);
            if (given.worlds == 1)
                fmt::print("seed {}: {}\nhash {:016x}\n", mine.seed, found.setting, found.hash);
            else if (all.worlds % 100 == 0)
                fmt::print(stderr, "simulate: {} of {} worlds\n", all.worlds, given.worlds);
            if (given.first && all.broken != 0)
                next = given.worlds;
        }
    };
    {
        std::vector<std::jthread> pool;
        for (unsigned i = 1; i < given.threads; ++i)
            pool.emplace_back(work);
        work();
    }
    return all;
}

using file_ptr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// Null without a name. @throws std::runtime_error  It cannot be written.
file_ptr open(const std::string& name) {
    file_ptr file(name.empty() ? nullptr : std::fopen(name.c_str(), "w"), &std::fclose);
    if (!file && !name.empty())
        throw std::runtime_error("cannot write " + name);
    return file;
}

} // namespace

int main(int count, char** arguments) try {
    settings given;
    bool list = false;
    CLI::App app("Runs whole worlds of consumers, brokers and name servers in virtual time, with faults, and checks what is promised.\n"
                 "Exit code: 0 all was kept; 1 a promise was broken; 2 the command line is wrong.");
    app.add_option("--seed", given.what.seed, "Of the first world; everything in it follows from this")->capture_default_str();
    app.add_option("--count", given.worlds, "Worlds, with seeds one after the other")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--minutes", given.what.minutes, "Virtual minutes in which faults happen; then there is peace until all is consumed")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    app.add_option("--threads", given.threads, "Worlds at once, each in its own thread")->check(CLI::Range(1, 1024))->capture_default_str();
    app.add_option("--trace", given.trace, "FILE for everything that happened (of one world)");
    app.add_option("--json", given.json, "FILE for the totals");
    app.add_flag("--first", given.first, "End with the first broken promise");
    app.add_option("--bug", given.bug, "A mistake to plant in the library: see whether it is found");
    app.add_flag("--list-bugs", list, "Those there are");
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    if (list) {
        for (const auto name : rocketpush::simulation::planted_bugs())
            fmt::print("{}\n", name);
        return 0;
    }
    if (!given.bug.empty() && !rocketpush::simulation::plant(given.bug)) {
        fmt::print(stderr, "simulate: no bug is called {}: see --list-bugs\n", given.bug);
        return 2;
    }
    if (!given.trace.empty() && given.worlds != 1) {
        fmt::print(stderr, "simulate: --trace is for one world, not for --count {}\n", given.worlds);
        return 2;
    }
    const auto file = open(given.trace);
    const auto json = open(given.json);
    if (file)
        given.what.trace = [&](const std::string& line) { fmt::print(file.get(), "{}\n", line); };
    for (const int each : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
        std::signal(each, tell_seed);
    const auto begun = std::chrono::steady_clock::now();
    const auto all   = run(given);
    all.print(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    if (json)
        fmt::print(json.get(), "{}\n", all.json());
    return all.broken == 0 ? 0 : 1;
} catch (const std::exception& problem) {
    fmt::print(stderr, "simulate: {}\n", problem.what());
    return 2;
}
