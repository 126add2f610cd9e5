// simulate: runs whole worlds in virtual time, and says which promises were broken.
//
//   simulate --seed 42 --trace world.txt      one world, everything that happened in it in a file
//   simulate --seed 1 --count 2000            many; ends with 1 when one of them broke a promise, and says how to run that one again

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/simulation/world.hpp"

namespace {

using rocketpush::simulation::plan;
using rocketpush::simulation::report;

struct sums {
    std::size_t worlds = 0, broken = 0, messages = 0, deliveries = 0, repeats = 0;
    double virtual_seconds = 0;
    std::map<std::string, std::size_t> faults;

    void add(const report& one) {
        ++worlds;
        broken += one.violations.empty() ? 0 : 1;
        messages += one.messages;
        deliveries += one.deliveries;
        repeats += one.repeats;
        virtual_seconds += one.virtual_seconds;
        for (const auto& [name, count] : one.faults)
            faults[name] += count;
    }
};

void print(const plan& what, const report& found) {
    for (const auto& each : found.violations)
        fmt::print("BROKEN: {}\n  {}\n  again: simulate --seed {} --minutes {}{} --trace FILE\n", each, found.setting, what.seed, what.minutes,
                   what.calm ? " --calm" : "");
}

} // namespace

int main(int count, char** arguments) try {
    plan what;
    std::size_t worlds = 1;
    unsigned threads   = 1;
    std::string trace;
    CLI::App app("Runs whole worlds of consumers, brokers and name servers in virtual time, with faults, and checks what is promised.");
    app.add_option("--seed", what.seed, "Of the first world; everything in it follows from this")->capture_default_str();
    app.add_option("--count", worlds, "Worlds, with seeds one after the other")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--minutes", what.minutes, "Virtual minutes in which faults happen")->check(CLI::Range(1, 100'000))->capture_default_str();
    app.add_flag("--calm", what.calm, "No faults: members come and leave in good order, and nothing may come twice");
    app.add_option("--threads", threads, "Worlds at once, each in its own thread")->check(CLI::Range(1, 1024))->capture_default_str();
    app.add_option("--trace", trace, "FILE for everything that happened (of one world)");
    CLI11_PARSE(app, count, arguments);
    if (!trace.empty() && worlds != 1) {
        fmt::print(stderr, "simulate: --trace is for one world, not for --count {}\n", worlds);
        return 2;
    }
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, &std::fclose);
    if (!trace.empty()) {
        file.reset(std::fopen(trace.c_str(), "w"));
        if (!file) {
            fmt::print(stderr, "simulate: cannot write {}\n", trace);
            return 2;
        }
        what.trace = [&](const std::string& line) { fmt::print(file.get(), "{}\n", line); };
    }

    const auto begun = std::chrono::steady_clock::now();
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    sums all;
    const auto work = [&] {
        for (auto i = next++; i < worlds; i = next++) {
            auto mine = what;
            mine.seed += i;
            const auto found = rocketpush::simulation::simulate(mine);
            const std::lock_guard lock(mutex);
            all.add(found);
            print(mine, found);
            if (worlds == 1)
                fmt::print("seed {}: {}\nhash {:016x}\n", mine.seed, found.setting, found.hash);
            else if (all.worlds % 100 == 0)
                fmt::print(stderr, "simulate: {} of {} worlds\n", all.worlds, worlds);
        }
    };
    std::vector<std::jthread> pool;
    for (unsigned i = 1; i < threads; ++i)
        pool.emplace_back(work);
    work();
    pool.clear();

    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    fmt::print("{} worlds, {} broke a promise; {} messages, {} deliveries, {} of them repeats; {:.0f} virtual seconds in {:.1f} s\n", all.worlds,
               all.broken, all.messages, all.deliveries, all.repeats, all.virtual_seconds, seconds);
    for (const auto& [name, times] : all.faults)
        fmt::print("  {:<28} {}\n", name, times);
    return all.broken == 0 ? 0 : 1;
} catch (const std::exception& problem) {
    fmt::print(stderr, "simulate: {}\n", problem.what());
    return 2;
}
