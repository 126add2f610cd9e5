// The smallest consumer: joins a group, prints what it is given.
//
//   hello_consumer HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   hello_consumer                    on a broker inside this program; prints its three messages, in any order, and ends:
//
//       rocketpush_example: one
//       rocketpush_example: two
//       rocketpush_example: three

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>

#include <system_error>

#include "support/example_cluster.hpp"

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"one", "two", "three"});

    rocketpush::push_consumer consumer{
        rocketpush::options{
            .name_servers = cluster.name_servers(), .group = "hello_consumer", .from = rocketpush::consume_from::first},
        [&](const rocketpush::message_view& message) { // called by several threads at once
            fmt::print("{}: {}\n", message.topic(), message.body());
            cluster.consumed();
        }};
    consumer.subscribe(cluster.topic());
    consumer.run(); // until SIGINT or SIGTERM; running calls end, offsets are committed, the group is left
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
