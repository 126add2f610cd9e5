// The messages of each queue one after the other, in the order in which they were stored, and to one member of the group at a
// time: for events that build on each other. What fails holds up what is behind it.
//
//   orderly_delivery HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   orderly_delivery                    on a broker inside this program, with four queues; "a" fails once, and "e", behind it, waits

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>

#include <chrono>
#include <system_error>

#include "support/example_cluster.hpp"

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"a", "b", "c", "d", "e"});

    const auto listener = [&](const rocketpush::message_view& message, rocketpush::orderly_context& context) {
        if (message.body() == "a" && message.reconsume_times() == 0) {
            fmt::print("a: not now\n");
            context.suspend_for = std::chrono::milliseconds(100); // else options::suspend_interval
            return rocketpush::consume_result::reconsume_later;
        }
        fmt::print("{}: done\n", message.body());
        cluster.consumed(1);
        return rocketpush::consume_result::success;
    };
    rocketpush::push_consumer consumer{rocketpush::options{.name_servers = cluster.name_servers(),
                                                           .group        = "orderly_delivery",
                                                           .from         = rocketpush::consume_from::first},
                                       rocketpush::orderly{listener}};
    consumer.subscribe(cluster.topic());
    consumer.run();
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
