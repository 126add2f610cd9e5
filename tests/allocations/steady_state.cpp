#include <rocketpush/push_consumer.hpp>

#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/executor/inline_executor.hpp>

#include <asio/post.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <future>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/allocation_count.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

constexpr std::size_t warm_up = 20'000; ///< Until pools and buffers have their size.
constexpr std::size_t counted = 80'000;
constexpr std::size_t total   = warm_up + counted;

struct figures {
    std::atomic<std::size_t> messages{0};
    std::atomic<std::size_t> pulls{0};
    std::atomic<std::size_t> bytes{0};
    std::size_t allocations_before = 0, pulls_before = 0;
    std::size_t allocations = 0, counted_pulls = 0;
    std::promise<void> done;
};

struct counting_observer : no_observer {
    explicit counting_observer(figures& into) : to(&into) {}
    figures* to;
    void on_pull(const message_queue&, std::size_t, std::size_t, std::chrono::nanoseconds) { ++to->pulls; }
};

/// Reads every message, as a real listener would: body, keys, id's place, offset.
struct reading_listener {
    figures* to;
    void operator()(const message_view& message) const {
        const auto keys = message.keys();
        to->bytes.fetch_add(message.body().size() + (keys ? keys->size() : 0), std::memory_order_relaxed);
        const auto number = to->messages.fetch_add(1) + 1;
        if (number == warm_up) {
            to->allocations_before = test::allocation_count;
            to->pulls_before       = to->pulls;
        } else if (number == total) {
            to->allocations   = test::allocation_count - to->allocations_before;
            to->counted_pulls = to->pulls - to->pulls_before;
            to->done.set_value();
        }
    }
};

/// @return Allocations of the consumer's threads for each pull.
template <class Executor>
double allocations_for_each_pull(std::string_view name, Executor executor) {
    asio_runtime broker_runtime;
    embedded::broker broker({}, tcp_transport(), broker_runtime);
    std::promise<void> marked;
    asio::post(broker_runtime.get_executor(), [&] {
        test::allocations_counted_here = false; // the broker's thread
        marked.set_value();
    });
    marked.get_future().wait();
    broker.create_topic("orders", 4);
    const std::string body(128, 'x');
    for (std::size_t i = 0; i < total; ++i)
        broker.send("orders", body, {.tags = "paid", .keys = "key"});

    figures seen;
    push_consumer consumer{options{.name_servers    = broker.name_server_address(),
                                   .group           = "billing",
                                   .from            = consume_from::first,
                                   .consume_threads = 4},
                           reading_listener{&seen}, std::move(executor), counting_observer(seen)};
    consumer.subscribe("orders", tags("paid || open"));
    consumer.start();
    seen.done.get_future().wait();
    consumer.stop();
    CHECK(seen.messages == total);
    CHECK(seen.bytes == total * (128 + 3));
    const auto for_each_pull = static_cast<double>(seen.allocations) / static_cast<double>(seen.counted_pulls);
    std::printf("%s: %zu allocations for %zu messages in %zu pulls: %.2f a pull, %.4f a message\n", name.data(), seen.allocations,
                counted, seen.counted_pulls, for_each_pull, static_cast<double>(seen.allocations) / counted);
    CHECK(seen.allocations < counted / 10); // by no means one for each message
    return for_each_pull;
}

TEST_CASE("with inline_executor a consumer in steady state allocates nothing for a message", "[allocations]") {
    CHECK(allocations_for_each_pull("inline_executor", inline_executor()) < 1);
}

TEST_CASE("with thread_pool_executor a consumer in steady state allocates for a pull at most, never for a message",
          "[allocations]") {
    CHECK(allocations_for_each_pull("thread_pool_executor", thread_pool_executor(4)) < 1);
}

} // namespace
