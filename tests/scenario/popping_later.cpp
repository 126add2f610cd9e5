#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/executor/asio_executor.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/scenario/support/virtual_cluster.hpp"
#include "tests/support/catch.hpp"

/// Popped messages whose listeners answer later: deferred or awaited, with each executor.
namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_mode;
using test::manual_runtime;
using test::recorder;
using test::tally;

// In virtual time, on one thread.

using kept_messages = std::vector<deferred_message>;

struct keeping {
    std::shared_ptr<kept_messages> kept;
    void operator()(deferred_message message) const { kept->push_back(std::move(message)); }
};

/// A consumer that pops, and keeps what it gets.
struct story : test::virtual_cluster {
    using consumer_type =
        consumer_of<keeping, memory_transport, broker_allocation<>, inline_executor, recorder, manual_runtime>;

    story() {
        broker().create_topic("orders", 1);
        broker().set_request_mode("orders", "billing", {.mode = request_mode::pop});
        send("orders", 4);
        auto with          = member_options();
        with.instance_name = "one";
        with.client_ip     = "10.0.0.1";
        consumer.emplace(with, keeping{kept}, memory_transport(network), broker_allocation<>(), inline_executor(),
                         recorder(events, "one"), runtime);
        consumer->subscribe("orders");
        consumer->async_start([](std::error_code code) { CHECK(!code); });
        runtime.run_until([this] { return kept->size() == 4; }, 10s);
        REQUIRE(kept->size() == 4);
    }
    ~story() {
        consumer->async_stop(0ms, [](std::error_code) {});
        runtime.advance(10s);
        consumer.reset();
        kept->clear(); // each keeps the consumer's core, and so the listener, and so itself
    }

    /// Popped, and neither acknowledged nor back in the retry topic.
    std::size_t popped() { return broker().statistics().messages_popped; }

    std::shared_ptr<kept_messages> kept = std::make_shared<kept_messages>();
    std::optional<consumer_type> consumer;
};

TEST_CASE("popped messages that were deferred are acknowledged as they are completed, in any order", "[scenario]") {
    story told;
    auto& kept = *told.kept;
    CHECK(told.popped() == 4);
    kept[2].complete(consume_result::success);
    kept[0].complete(consume_result::reconsume_later);
    told.runtime.advance(3min); // renewed meanwhile: nothing comes twice but what failed
    REQUIRE(kept.size() == 5);
    CHECK(kept[4]->body() == "m0");
    CHECK(kept[4]->reconsume_times() == 1);
    for (const std::size_t i : {4u, 3u, 1u})
        kept[i].complete(consume_result::success);
    told.runtime.advance(1s);
    CHECK(told.popped() == 0);
    told.runtime.advance(3min);
    CHECK(kept.size() == 5);
}

TEST_CASE("a stop waits for popped messages that were deferred, and acknowledges them", "[scenario]") {
    story told;
    std::optional<std::error_code> stopped;
    told.consumer->async_stop(10s, [&](std::error_code code) { stopped = code; });
    told.runtime.advance(5s);
    CHECK_FALSE(stopped.has_value());
    for (auto& each : *told.kept)
        each.complete(consume_result::success);
    told.runtime.advance(100ms);
    CHECK(stopped == std::error_code());
    CHECK(told.popped() == 0);
}

TEST_CASE("a stop waits for popped messages no longer than it may; they are good until completed, and come to others",
          "[scenario]") {
    story told;
    auto& kept = *told.kept;
    kept[1].complete(consume_result::success);
    told.runtime.advance(1s);
    std::optional<std::error_code> stopped;
    told.consumer->async_stop(2s, [&](std::error_code code) { stopped = code; });
    told.runtime.advance(10s);
    CHECK(stopped == error::stop_deadline_passed);
    CHECK(kept[3]->body() == "m3");
    kept[3].complete(consume_result::success); // nobody hears it
    told.runtime.advance(2min);
    CHECK(told.popped() == 0);
    CHECK(told.broker().stored("%RETRY%billing_orders") == 3);
    CHECK(kept[0]->body() == "m0");
}

// With threads.

struct popped_cluster : test::tcp_cluster {
    explicit popped_cluster(int messages) {
        broker.set_request_mode("orders", "billing", {.mode = request_mode::pop});
        send(messages);
    }
};

/// Completes what it is given in a thread of its own, the last first.
class completer {
  public:
    void take(deferred_message message) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(message));
    }
    /// Until so many were completed.
    void complete(std::size_t count, tally& got) {
        for (std::size_t done = 0; done < count;) {
            std::vector<deferred_message> mine;
            {
                const std::lock_guard lock(mutex_);
                mine.swap(waiting_);
            }
            for (; !mine.empty(); mine.pop_back(), ++done) {
                got.note(mine.back().view());
                mine.back().complete(consume_result::success);
            }
            std::this_thread::yield();
        }
    }

  private:
    std::mutex mutex_;
    std::vector<deferred_message> waiting_;
};

template <class Executor>
void defer_with(Executor executor) {
    popped_cluster cluster(300);
    completer later;
    tally got;
    push_consumer consumer{cluster.member_options(), [&](deferred_message message) { later.take(std::move(message)); },
                           broker_allocation<>(), std::move(executor), no_observer()};
    consumer.subscribe("orders");
    consumer.start();
    std::thread elsewhere([&] { later.complete(300, got); });
    CHECK(got.wait_for(300));
    elsewhere.join();
    consumer.stop();
    CHECK(got.counts().size() == 300);
    CHECK(got.sum() == 300);
    CHECK(cluster.broker.consumed("billing", "orders"));
    CHECK(cluster.broker.stored("%RETRY%billing_orders") == 0);
}

TEST_CASE("popped messages are deferred with inline_executor", "[scenario]") { defer_with(inline_executor()); }

TEST_CASE("popped messages are deferred with thread_pool_executor", "[scenario]") {
    defer_with(thread_pool_executor(3));
}

TEST_CASE("popped messages are deferred with asio_executor", "[scenario]") {
    asio::thread_pool threads(2);
    defer_with(asio_executor(threads.get_executor()));
    threads.join();
}

/// Suspends, goes on, and throws when it gets "m3".
struct suspending {
    tally* got;

    asio::awaitable<consume_result> operator()(const message_view& message) const {
        co_await asio::post(asio::use_awaitable);
        const bool fails = message.body() == "m3";
        got->note(message);
        if (fails)
            throw std::runtime_error("not now");
        co_return consume_result::success;
    }
};

/// A stop waits for the calls that have begun, acknowledges what they did, and hands the rest back.
template <class Executor>
void await_with(Executor executor) {
    popped_cluster cluster(300);
    tally got;
    push_consumer consumer{cluster.member_options(), suspending{&got}, broker_allocation<>(), std::move(executor),
                           no_observer()};
    consumer.subscribe("orders");
    consumer.start();
    CHECK(got.wait_for(150));
    consumer.stop(); // while calls are outstanding
    const auto counts = got.counts();
    CHECK(counts.size() == got.sum());
    const auto now = cluster.broker.statistics();
    CHECK(now.messages_popped <= 300 - got.sum() + 1); // handed back: hidden for a second, as is what failed for ten
    if (got.sum() == 300)
        CHECK(now.messages_popped == 1);
}

TEST_CASE("popped messages are awaited with inline_executor, and a stop meets calls under way", "[scenario]") {
    await_with(inline_executor());
}

TEST_CASE("popped messages are awaited with thread_pool_executor, and a stop meets calls under way", "[scenario]") {
    await_with(thread_pool_executor(3));
}

TEST_CASE("popped messages are awaited with asio_executor, and a stop meets calls under way", "[scenario]") {
    asio::thread_pool threads(2);
    await_with(asio_executor(threads.get_executor()));
    threads.join();
}

} // namespace
