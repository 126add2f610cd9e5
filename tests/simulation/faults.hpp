#ifndef ROCKETPUSH_TESTS_SIMULATION_FAULTS_HPP
#define ROCKETPUSH_TESTS_SIMULATION_FAULTS_HPP

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/cluster.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/team.hpp"

namespace rocketpush::simulation {

/// The kinds of fault that the seed has chosen for a world, each with its rate, and what they do.
class faults {
  public:
    faults(stage& on, cluster& servers, team& members);

    /// What happens within a time.
    void strike(std::chrono::milliseconds within);
    const std::map<std::string, std::size_t>& counts() const noexcept { return counts_; }

  private:
    struct kind {
        const char* name;
        double a_minute;
        std::function<void()> strike;
    };

    void disturb(line_state how);
    void exhaust_memory();
    void bad_network();

    stage& stage_;
    cluster& servers_;
    team& members_;
    std::vector<kind> kinds_;
    std::map<std::string, std::size_t> counts_;
};

} // namespace rocketpush::simulation

#endif
