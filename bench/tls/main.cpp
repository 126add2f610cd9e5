// What TLS costs beside plain TCP, on loopback, the embedded broker in another process: CPU time of the consumer for each message,
// memory of each connection, CPU time of each connect. Medians of some rounds, which take turns.

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "bench/tls/runs.hpp"
#include "tests/support/certificates.hpp"

namespace {

using bench::tls_figures;

double median(const std::vector<tls_figures>& rounds, double tls_figures::*figure) {
    std::vector<double> values;
    for (const auto& each : rounds)
        values.push_back(each.*figure);
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
}

void print(const char* name, const std::vector<tls_figures>& rounds, const bench::tls_case& with) {
    fmt::print(
        "{:<4} {:6.2f} us CPU a message  {:9.0f} messages/s  {:6.1f} KiB a connection  {:7.0f} us CPU a connect\n",
        name, median(rounds, &tls_figures::cpu_us_a_message),
        static_cast<double>(with.messages) / median(rounds, &tls_figures::seconds),
        median(rounds, &tls_figures::kib_a_connection), median(rounds, &tls_figures::cpu_us_a_connect));
}

} // namespace

int main(int count, char** arguments) try {
    bench::tls_case with;
    int rounds = 3;
    CLI::App app("What TLS costs beside plain TCP.");
    app.add_option("--messages", with.messages)->check(CLI::Range(2, 1'000'000))->capture_default_str();
    app.add_option("--size", with.body_size, "Bytes of a body")
        ->check(CLI::Range(1, 1024 * 1024))
        ->capture_default_str();
    app.add_option("--connections", with.connections)->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--rounds", rounds)->check(CLI::Range(1, 100))->capture_default_str();
    CLI11_PARSE(app, count, arguments);

    const rocketpush::test::certificate_authority ca;
    const auto own = ca.issue();
    const bench::tls_identity who{ca.pem(), own.certificate, own.key};
    std::vector<tls_figures> tcp, tls;
    for (int round = 0; round < rounds; ++round) {
        tcp.push_back(bench::run_tcp(with, who));
        tls.push_back(bench::run_tls(with, who));
    }
    print("tcp", tcp, with);
    print("tls", tls, with);
} catch (const std::exception& problem) {
    fmt::print(stderr, "tls: {}\n", problem.what());
    return 1;
}
