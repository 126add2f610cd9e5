// cycles: starts and ends consumers again and again, at random moments, in virtual time, and checks that nothing of them stays.
//
//   cycles --cycles 100000 --seed 1        all kinds of consumers; ends with 1 when a promise was broken, and says how to run that again
//   cycles --cycles 1000 --kind popping

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "tests/lifecycle/heap.hpp"
#include "tests/lifecycle/world.hpp"

namespace {

using namespace rocketpush::lifecycle;

constexpr std::array kinds{kind::prompt, kind::slow, kind::in_order, kind::popping};
constexpr std::size_t cycles_of_a_world = 50;

struct sums {
    std::map<ending, std::size_t> ended;
    std::size_t cycles = 0, started = 0, messages = 0, calls = 0;
};

/// One world with its cycles. @throw violation
void run(kind how, std::uint64_t seed, std::size_t cycles, sums& into) {
    const auto before = rocketpush::test::blocks_in_use.load();
    {
        world one(how, seed);
        for (std::size_t i = 0; i < cycles; ++i)
            one.cycle();
        one.drain();
        for (const auto how_ended : endings)
            into.ended.at(how_ended) += one.ended().contains(how_ended) ? one.ended().at(how_ended) : 0;
        into.cycles += cycles;
        into.started += one.started();
        into.messages += one.messages();
        into.calls += one.calls();
    }
    if (const auto left = rocketpush::test::blocks_in_use - before; left != 0 && rocketpush::test::blocks_are_counted)
        throw violation{fmt::format("{} blocks of memory are left", left)};
}

} // namespace

int main(int count, char** arguments) try {
    std::size_t cycles = 1000;
    std::uint64_t seed = 1;
    std::string only;
    CLI::App app("Starts and ends consumers at random moments in virtual time, and checks what is promised of their end.");
    app.add_option("--cycles", cycles, "Starts and ends, of all kinds together")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--seed", seed, "Of the first world; everything follows from this")->capture_default_str();
    app.add_option("--kind", only, "Of consumers: prompt, slow, in_order or popping (default: all by turns)")
        ->check(CLI::IsMember({"prompt", "slow", "in_order", "popping"}));
    CLI11_PARSE(app, count, arguments);

    sums all;
    for (const auto how : endings)
        all.ended[how] = 0;
    {
        sums unused = all;
        for (const auto how : kinds) // what is made once for all, as error categories, is not left over
            run(how, seed, 1, unused);
    }
    const auto begun = std::chrono::steady_clock::now();
    for (std::uint64_t world_seed = seed; all.cycles < cycles; ++world_seed) {
        auto how = kinds[world_seed % kinds.size()];
        for (const auto each : kinds)
            if (only == to_string(each))
                how = each;
        const auto own = std::min(cycles_of_a_world, cycles - all.cycles);
        try {
            run(how, world_seed, own, all);
        } catch (const violation& broken) {
            fmt::print("BROKEN: {}\n  again: cycles --kind {} --seed {} --cycles {}\n", broken.what, to_string(how), world_seed, own);
            return 1;
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    fmt::print("{} cycles in {:.1f} s, {:.2f} s a thousand; {} starts came to their end, {} messages, {} listener calls\n", all.cycles,
               took.count(), took.count() * 1000 / static_cast<double>(all.cycles), all.started, all.messages, all.calls);
    for (const auto& [how, times] : all.ended)
        fmt::print("  {:>8} {}\n", times, to_string(how));
    return 0;
} catch (const violation& broken) {
    fmt::print("BROKEN: {}\n", broken.what);
    return 1;
} catch (const std::exception& failure) {
    fmt::print(stderr, "cycles: {}\n", failure.what());
    return 2;
}
