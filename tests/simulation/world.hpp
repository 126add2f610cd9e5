#ifndef ROCKETPUSH_TESTS_SIMULATION_WORLD_HPP
#define ROCKETPUSH_TESTS_SIMULATION_WORLD_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rocketpush::simulation {

/// What a run is made of.
struct plan {
    std::uint64_t seed = 1;
    int minutes        = 10;    ///< Of virtual time, in which faults happen; then there is peace until all is consumed.
    /// Each line of what happened, with its time. Empty: nobody wants to read it.
    std::function<void(const std::string&)> trace{};
};

/// How it went.
struct report {
    std::vector<std::string> violations{}; ///< Promises that were broken; the first ends the run.
    std::uint64_t hash = 0;                ///< Of the trace: the same seed has the same one.
    std::size_t messages = 0, deliveries = 0, repeats = 0;
    std::map<std::string, std::size_t> faults{}; ///< By kind.
    double virtual_seconds = 0;
    std::string setting{}; ///< What the seed made of the world, in a line.
};

/// Runs a world. Everything in it is drawn from the seed, so the same plan gives the same report.
report simulate(const plan& what);

} // namespace rocketpush::simulation

#endif
