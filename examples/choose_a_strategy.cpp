// Who reads which queue: a strategy of one's own in place of the library's (average_allocation, circle_allocation).
// Two members of a group; one reads everything, the other stands by until the first has gone.
//
//   choose_a_strategy HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   choose_a_strategy                    on a broker inside this program; prints for instance
//
//       first has 4 of 4 queues
//       second has 0 of 4 queues
//       first: one
//       ...

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "support/example_cluster.hpp"

namespace {

/// All queues to the member whose client id sorts first.
struct active_standby {
    static constexpr std::string_view name() noexcept { return "ACTIVE_STANDBY"; }

    rocketpush::allocation allocate(const rocketpush::allocation_request& request) const {
        if (std::ranges::find(request.members, request.self) == request.members.end())
            return rocketpush::error::not_a_member; // the member list is not up to date: keep what there is
        if (request.self != request.members.front())
            return std::vector<rocketpush::message_queue>();
        return std::vector(request.queues.begin(), request.queues.end());
    }
};
static_assert(rocketpush::allocation_strategy<active_standby>); // names what is missing, if something is

struct show_assignment : rocketpush::no_observer {
    std::string member;

    void on_rebalance(const std::string& topic, std::span<const rocketpush::message_queue> all,
                      std::span<const rocketpush::message_queue> own) const {
        if (!rocketpush::is_retry_topic(topic))
            fmt::print("{} has {} of {} queues\n", member, own.size(), all.size());
    }
};

struct print_message {
    std::string member;
    example_cluster* cluster;

    void operator()(const rocketpush::message_view& message) const {
        fmt::print("{}: {}\n", member, message.body());
        cluster->consumed();
    }
};

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"one", "two", "three", "four", "five", "six"});
    const rocketpush::options options{
        .name_servers = cluster.name_servers(), .group = "choose_a_strategy", .from = rocketpush::consume_from::first};

    // Policies follow the listener, in any order; the others keep their defaults.
    rocketpush::push_consumer first{options, print_message{"first", &cluster}, active_standby{},
                                    show_assignment{{}, "first"}};
    rocketpush::push_consumer second{options, print_message{"second", &cluster}, show_assignment{{}, "second"},
                                     active_standby{}};
    first.subscribe(cluster.topic());
    second.subscribe(cluster.topic());
    second.start();
    first.run();
    second.stop();
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
