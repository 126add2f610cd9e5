// A listener that waits for something else, without a thread that waits: a coroutine. Sixteen calls are under way at once on two
// threads; each asks a "service" that takes 200 ms.
//
//   awaitable_listener HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   awaitable_listener                    on a broker inside this program; prints eight answers within about 200 ms

#include <rocketpush/rocketpush.hpp>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

#include "support/example_cluster.hpp"

namespace {

/// In place of an HTTP request, a database query, ...
asio::awaitable<std::string> ask_service(std::string_view question) {
    const auto here = co_await asio::this_coro::executor; // one of the pool's threads goes on here
    asio::steady_timer timer(here);
    timer.expires_after(std::chrono::milliseconds(200));
    co_await timer.async_wait(asio::use_awaitable);
    co_return "answer to " + std::string(question);
}

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"a", "b", "c", "d", "e", "f", "g", "h"});

    // The message is valid until the coroutine has ended. What it throws makes the message come again.
    const auto listener = [&](const rocketpush::message_view& message) -> asio::awaitable<rocketpush::consume_result> {
        const auto answer = co_await ask_service(message.body());
        fmt::print("{}\n", answer);
        cluster.consumed();
        co_return rocketpush::consume_result::success;
    };
    rocketpush::push_consumer consumer{rocketpush::options{.name_servers    = cluster.name_servers(),
                                                           .group           = "awaitable_listener",
                                                           .from            = rocketpush::consume_from::first,
                                                           .consume_threads = 16}, // calls under way at once
                                       listener};
    consumer.subscribe(cluster.topic());
    consumer.run();
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}
