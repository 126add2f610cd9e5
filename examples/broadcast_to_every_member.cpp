// Every member of a group gets every message, to keep a cache up to date, say. Each keeps its own offsets in a file, and goes on from
// there when it is started again; so a member has a name that lasts.
//
//   broadcast_to_every_member HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   broadcast_to_every_member                    on a broker inside this program, twice. Prints, the first two in any order
//
//       one: apples
//       two: apples
//       second run
//       one: pears
//       two: pears

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "support/example_cluster.hpp"

namespace {

struct print_message {
    std::string who;
    example_cluster* cluster;

    void operator()(const rocketpush::message_view& message) const {
        fmt::print("{}: {}\n", who, message.body());
        cluster->consumed(); // what failed here would not come again: event on_dropped
    }
};

/// The file is DIRECTORY/IP@NAME/GROUP/offsets.json, as the Java client writes it. The store makes the consumer a broadcasting one.
auto make_member(example_cluster& cluster, const std::string& name, const std::string& directory) {
    return rocketpush::push_consumer{rocketpush::options{.name_servers  = cluster.name_servers(),
                                                         .group         = "broadcast_to_every_member",
                                                         .instance_name = name,
                                                         .from          = rocketpush::consume_from::first},
                                     print_message{name, &cluster},
                                     rocketpush::file_offset_store{{.directory = directory}}};
}

void consume(example_cluster& cluster, const std::string& directory) {
    auto one = make_member(cluster, "one", directory), two = make_member(cluster, "two", directory);
    one.subscribe(cluster.topic());
    two.subscribe(cluster.topic());
    one.start();
    two.run();
    one.stop(); // the file is written when this returns
}

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"apples"}, /*readers=*/2);
    const auto directory =
        cluster.is_inside()
            ? (std::filesystem::temp_directory_path() / fmt::format("broadcast.{}", ::getpid())).string()
            : std::string("offsets");
    consume(cluster, directory);
    if (cluster.is_inside()) {
        fmt::print("second run\n");
        cluster.send({"pears"}, /*readers=*/2);
        consume(cluster, directory);
        std::filesystem::remove_all(directory);
    }
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
