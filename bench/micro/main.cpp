// micro: what the parts of a consumer cost, each for itself. `micro --help` lists the flags.

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/micro/stopwatch.hpp"

namespace {

constexpr bench::micro_group groups[] = {
    {"decoder", &bench::measure_decoder},       {"header", &bench::measure_headers},
    {"property", &bench::measure_properties},   {"checksum", &bench::measure_checksums},
    {"allocation", &bench::measure_allocation},
};

} // namespace

int main(int count, char** arguments) {
    CLI::App app("Nanoseconds of single operations: the median of 15 repetitions.", "micro");
    std::vector<std::string> names;
    for (const auto& each : groups)
        names.emplace_back(each.name);
    std::vector<std::string> chosen;
    bool json = false;
    app.add_option("group", chosen, "groups to measure; all when none is named")->check(CLI::IsMember(names));
    app.add_flag("--json", json, "a JSON object a line");
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    for (const auto& group : groups) {
        if (!chosen.empty() && std::ranges::find(chosen, group.name) == chosen.end())
            continue;
        for (const auto& figure : group.measure()) {
            std::printf(json ? "{\"group\":\"%s\",\"operation\":\"%s\",\"ns\":%.2f,\"spread\":%.4f}\n"
                             : "%-11s %-38s %10.1f ns  +-%.0f %%\n",
                        group.name, figure.name.c_str(), figure.nanoseconds, figure.spread * (json ? 1 : 100));
            std::fflush(stdout);
        }
    }
    return 0;
}
