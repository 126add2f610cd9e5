#include "broker.hpp"

#include <rocketpush/embedded/broker.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "chosen_transport.hpp"
#include "exit_codes.hpp"
#include "interrupt.hpp"
#include "terminal.hpp"

namespace rocketcat {

namespace embedded = rocketpush::embedded;
namespace {

using broker_type = embedded::basic_broker<chosen_transport>;

std::uint64_t requests_of(const embedded::broker_statistics& figures) {
    std::uint64_t sum = 0;
    for (const auto& [code, count] : figures.requests)
        sum += count;
    return sum;
}

} // namespace

int broker(const broker_flags& flags) {
    const auto settings = read_broker_flags(flags);
    interrupt stop;
    broker_type broker(settings.options, chosen_transport(settings.tls));
    for (const auto& topic : settings.topics)
        broker.create_topic(topic.name, topic.queues);
    fmt::print("name server and broker at {}\n", broker.name_server_address());
    std::fflush(stdout);

    const live_line live;
    while (!stop.wait_for(std::chrono::milliseconds(500))) {
        if (!live.is_on())
            continue;
        const auto figures = broker.statistics();
        live.show(fmt::format("{} connections  {} pulls held  {} messages parked  {} requests",
                              figures.connections_open, figures.pulls_held, figures.messages_parked,
                              with_commas(requests_of(figures))));
    }
    live.clear();
    return ended_well;
}

} // namespace rocketcat
