// Several messages a call, as for a database that takes many rows at once; and a call that does some of its messages and leaves
// the others for later.
//
//   batch_listener HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   batch_listener                    on a broker inside this program; prints how many came in each call, and the one that came again

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <system_error>

#include "support/example_cluster.hpp"

namespace {

/// "bad" does not go in the first time.
bool can_store(const rocketpush::message_view& message) {
    return message.body() != "bad" || message.reconsume_times() > 0;
}

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"1", "2", "3", "4", "5", "6", "7", "8", "9", "bad", "11", "12"});

    const auto listener = [&](std::span<const rocketpush::message_view> messages,
                              rocketpush::consume_context& context) {
        const auto end    = std::ranges::find_if_not(messages, can_store);
        const auto stored = static_cast<std::size_t>(end - messages.begin());
        fmt::print("queue {} of {}: stored {} of {} messages{}\n", context.queue.queue_id, context.queue.topic, stored,
                   messages.size(), stored > 0 && messages.front().reconsume_times() > 0 ? ", again" : "");
        cluster.consumed(stored);
        context.succeeded = stored; // the others go back to the broker, and come again after a delay
        return rocketpush::consume_result::success;
    };
    rocketpush::push_consumer consumer{
        rocketpush::options{.name_servers       = cluster.name_servers(),
                            .group              = "batch_listener",
                            .from               = rocketpush::consume_from::first,
                            .consume_batch_size = 16}, // at most; never messages of two queues
        listener};
    consumer.subscribe(cluster.topic());
    consumer.run();
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
