// Two consumers that share their connections, heartbeats and threads: a program that is in many groups needs no more of them than
// one that is in one.
//
//   share_a_client HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   share_a_client                    on a broker inside this program; each group gets each message:
//
//       billing: apples
//       shipping: apples
//       ...

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>

#include <string_view>
#include <system_error>

#include "support/example_cluster.hpp"

namespace {

struct print_message {
    std::string_view who;
    example_cluster* cluster;

    void operator()(const rocketpush::message_view& message) const {
        fmt::print("{}: {}\n", who, message.body());
        cluster->consumed();
    }
};

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"apples", "pears"}, /*readers=*/2);

    rocketpush::client shared{rocketpush::options{.name_servers = cluster.name_servers()}};
    rocketpush::shared_executor pool{rocketpush::thread_pool_executor(20)}; // each copy is one consumer's share of it
    // Options that belong to the client are left empty here: they are the client's.
    rocketpush::push_consumer billing{shared,
                                      rocketpush::options{.group = "billing", .from = rocketpush::consume_from::first},
                                      print_message{"billing", &cluster}, pool};
    rocketpush::push_consumer shipping{
        shared, rocketpush::options{.group = "shipping", .from = rocketpush::consume_from::first},
        print_message{"shipping", &cluster}, pool};
    billing.subscribe(cluster.topic());
    shipping.subscribe(cluster.topic());
    billing.start();
    shipping.run();
    billing.stop();
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
