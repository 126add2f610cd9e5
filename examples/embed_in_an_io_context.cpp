// A consumer without a thread of its own: it runs on the program's io_context, beside the program's other work, and its
// listener too. Nothing needs a lock.
//
//   embed_in_an_io_context HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   embed_in_an_io_context                    on a broker inside this program; prints
//
//       started
//       one          (these three in any order)
//       two
//       three
//       stopped after 3 messages

#include <rocketpush/rocketpush.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <fmt/format.h>

#include <csignal>
#include <system_error>

#include "support/example_cluster.hpp"

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"one", "two", "three"});
    asio::io_context context{1};
    int consumed  = 0; // plain: all of this happens in one thread
    int exit_code = 0;

    rocketpush::push_consumer consumer{rocketpush::options{.name_servers = cluster.name_servers(),
                                                           .group        = "embed_in_an_io_context",
                                                           .from         = rocketpush::consume_from::first},
                                       [&](const rocketpush::message_view& message) {
                                           fmt::print("{}\n", message.body());
                                           ++consumed;
                                           cluster.consumed();
                                       },
                                       rocketpush::inline_executor{}, rocketpush::asio_runtime{context.get_executor()}};
    consumer.subscribe(cluster.topic());

    asio::signal_set signals(context, SIGINT, SIGTERM);
    consumer.async_start([&](std::error_code failure) {
        fmt::print("{}\n", failure ? "cannot start: " + failure.message() : "started");
        if (failure) {
            exit_code = 1;
            signals.cancel();
        }
    });
    signals.async_wait([&](std::error_code cancelled, int) {
        if (cancelled)
            return;
        consumer.async_stop([&](std::error_code failure) {
            fmt::print("{} after {} messages\n", failure ? failure.message() : "stopped", consumed);
        });
    });
    context.run(); // returns when nothing is left to do
    return exit_code;
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
