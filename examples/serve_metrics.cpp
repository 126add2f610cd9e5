// Serves a consumer's figures to Prometheus, over HTTP.
//
//   serve_metrics HOST:PORT TOPIC [PORT]   on a cluster, until Ctrl-C; then `curl http://127.0.0.1:9464/metrics`, or at PORT
//   serve_metrics                          on a broker inside this program: asks for its own page until its three messages are on it,
//                                          prints some lines of it, and ends:
//
//       rocketpush_consumed_messages_total{group="serve_metrics",client_id="...",topic="rocketpush_example"} 3
//
// What the figures mean is in docs/observing.md; a dashboard for Grafana and alerts are in examples/grafana.

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>

#include "support/example_cluster.hpp"
#include "support/metrics_server.hpp"

namespace {

/// In Prometheus' place: looks at the page until it tells of three messages.
void scrape(std::uint16_t port) {
    std::string page;
    while (page.find("topic=\"rocketpush_example\"} 3\n") == page.npos) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        page = http_get("127.0.0.1", port, "/metrics");
    }
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);)
        if (line.find("rocketpush_consumed_messages_total") != line.npos)
            fmt::print("{}\n", line);
}

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"one", "two", "three"});
    const bool inside = cluster.is_inside();

    rocketpush::push_consumer consumer{rocketpush::options{.name_servers = cluster.name_servers(),
                                                           .group        = "serve_metrics",
                                                           .from         = rocketpush::consume_from::first},
                                       [&](const rocketpush::message_view& message) {
                                           if (!inside)
                                               fmt::print("{}\n", message.body());
                                       }};
    consumer.subscribe(cluster.topic());

    // Below the consumer, so that it ends before: it asks the consumer, at any time.
    const auto port = inside ? 0 : count > 3 ? std::atoi(arguments[3]) : 9464;
    metrics_server server("127.0.0.1", static_cast<std::uint16_t>(port), [&consumer] {
        try {
            return rocketpush::metrics_text(consumer.statistics());
        } catch (const std::system_error&) { // it does not run yet, or no more
            return std::string();
        }
    });
    fmt::print("metrics at http://127.0.0.1:{}/metrics\n", server.port());
    std::fflush(stdout);

    if (inside) {
        consumer.start();
        scrape(server.port());
        consumer.stop();
    } else {
        consumer.run();
    }
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
