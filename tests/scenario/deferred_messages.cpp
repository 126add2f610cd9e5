#include <rocketpush/push_consumer.hpp>

#include <rocketpush/executor/asio_executor.hpp>
#include <rocketpush/executor/inline_executor.hpp>

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/scenario/support/virtual_cluster.hpp"
#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using test::recorder;
using test::tally;
using test::tcp_cluster;
using test::virtual_cluster;

// In virtual time, on one thread.

using kept_messages = std::vector<deferred_message>;

struct keeping {
    std::shared_ptr<kept_messages> kept;
    void operator()(deferred_message message) const { kept->push_back(std::move(message)); }
};
using virtual_consumer = consumer_of<keeping, memory_transport, inline_executor, recorder, manual_runtime>;
using broadcast_consumer =
    consumer_of<keeping, memory_transport, inline_executor, recorder, manual_runtime, test::fake_file_store>;

template <class Consumer>
struct basic_story : virtual_cluster {
    basic_story() { broker().create_topic("orders", 1); }
    ~basic_story() {
        if (!consumer)
            return;
        stop(0ms);
        runtime.run_ready();
        consumer.reset();
    }

    void start(options with, const std::string& name = "one") {
        with.instance_name = name;
        with.client_ip = "10.0.0.1";
        consumer.emplace(with, keeping{kept}, memory_transport(network), inline_executor(), recorder(events, name), runtime,
                         store_type());
        consumer->subscribe("orders");
        CHECK(run([&](auto handler) { consumer->async_start(handler); }) == std::error_code());
        runtime.advance(1s);
    }
    void start() { start(this->member_options()); }
    std::optional<std::error_code> stop(std::chrono::milliseconds limit) {
        return run([&](auto handler) { consumer->async_stop(limit, handler); });
    }
    void complete_all() {
        for (auto& each : *kept)
            if (each)
                each.complete(consume_result::success);
    }
    std::size_t cached() {
        const auto found = std::make_shared<std::optional<std::size_t>>();
        asio::post(runtime.get_executor(), [this, found] { *found = consumer->statistics().cached_messages; });
        runtime.run_until([&] { return found->has_value(); }, 1s);
        return found->value();
    }
    queue_offset committed_soon() {
        runtime.advance(6s);
        return committed("orders", 1);
    }

    std::shared_ptr<kept_messages> kept = std::make_shared<kept_messages>();
    std::optional<Consumer> consumer;

  private:
    using store_type = std::conditional_t<std::same_as<Consumer, broadcast_consumer>, test::fake_file_store, broker_offset_store>;

    template <class Begin>
    std::optional<std::error_code> run(Begin begin) {
        const auto outcome = std::make_shared<std::optional<std::error_code>>();
        begin([outcome](std::error_code code) { *outcome = code; });
        runtime.run_until([&] { return outcome->has_value(); }, 1min);
        return *outcome;
    }
};

using story = basic_story<virtual_consumer>;

TEST_CASE("the offset follows deferred messages as they are completed from the first on", "[scenario]") {
    story told;
    told.send("orders", 5);
    told.start();
    REQUIRE(told.kept->size() == 5);
    auto& kept = *told.kept;
    for (const std::size_t i : {4u, 1u, 3u}) kept[i].complete(consume_result::success);
    CHECK(told.committed_soon() == 0);
    kept[0].complete(consume_result::success);
    CHECK(told.committed_soon() == 2);
    CHECK(kept[2]->body() == "m2");
    kept[2].complete(consume_result::success);
    CHECK(told.committed_soon() == 5);
    CHECK(told.cached() == 0);
    CHECK(told.stop(5s) == std::error_code());
}

TEST_CASE("deferred messages count for flow control until they are completed", "[scenario]") {
    story told;
    told.send("orders", 100);
    auto with                = told.member_options();
    with.pull_batch_size     = 5;
    with.max_cached_messages = 10;
    told.start(with);
    told.runtime.advance(1min);
    CHECK(told.kept->size() == 15); // beyond the limit, and not at it: one batch more
    told.complete_all();
    told.runtime.advance(5s);
    CHECK(told.kept->size() == 30);
    while (told.kept->size() < 100) {
        const auto before = told.kept->size();
        told.complete_all();
        told.runtime.advance(5s);
        REQUIRE(told.kept->size() > before);
    }
    told.complete_all();
    CHECK(told.committed_soon() == 100);
}

TEST_CASE("a deferred message that fails or is dropped comes again, as any does", "[scenario]") {
    story told;
    told.send("orders", 3);
    told.start();
    auto& kept = *told.kept;
    REQUIRE(kept.size() == 3);
    kept[0].complete(consume_result::success);
    kept[1].complete(consume_result::reconsume_later, 1);
    kept.pop_back();
    CHECK(told.committed_soon() == 3);
    told.runtime.advance(10s);
    REQUIRE(kept.size() == 4);
    CHECK(kept[2]->body() == "m1"); // after 1 s
    CHECK(kept[2]->reconsume_times() == 1);
    CHECK(kept[3]->body() == "m2"); // after 10 s
    told.complete_all();
    CHECK(told.stop(5s) == std::error_code());
}

TEST_CASE("a stop waits for deferred messages", "[scenario]") {
    story told;
    told.send("orders", 3);
    told.start();
    std::optional<std::error_code> stopped;
    told.consumer->async_stop(10s, [&](std::error_code code) { stopped = code; });
    told.runtime.advance(5s);
    CHECK_FALSE(stopped.has_value());
    told.complete_all();
    told.runtime.advance(1ms);
    CHECK(stopped == std::error_code());
    CHECK(told.committed("orders", 1) == 3);
}

TEST_CASE("a stop waits for deferred messages no longer than it may; they are good until they are completed, and come again",
          "[scenario]") {
    story told;
    told.send("orders", 3);
    told.start();
    (*told.kept)[0].complete(consume_result::success);
    CHECK(told.stop(2s) == error::stop_deadline_passed);
    CHECK(told.committed("orders", 1) == 1);
    auto old = std::move(*told.kept);
    told.kept->clear();
    CHECK(old[1]->body() == "m1");
    old[1].complete(consume_result::success);
    told.runtime.advance(1s);
    told.consumer.reset();
    CHECK(old[2]->body() == "m2"); // the consumer is gone
    told.start(told.member_options(), "two");
    REQUIRE(told.kept->size() == 2);
    CHECK(told.kept->front()->body() == "m1");
    old.clear(); // reconsume later, says nobody to nobody
    told.runtime.advance(1min);
    CHECK(told.kept->size() == 2);
    told.complete_all();
    CHECK(told.stop(5s) == std::error_code());
    CHECK(told.committed("orders", 1) == 3);
}

TEST_CASE("a deferred message that is not completed in time is sent back, and its completion not heard", "[scenario]") {
    story told;
    told.send("orders", 2);
    auto with            = told.member_options();
    with.consume_timeout = 1min;
    told.start(with);
    (*told.kept)[1].complete(consume_result::success);
    told.runtime.advance(80s);
    CHECK(told.events->has("consume_timeout", {}));
    CHECK(told.committed_soon() == 2);
    REQUIRE(told.kept->size() == 3);
    CHECK((*told.kept)[0]->body() == "m0"); // still good
    CHECK((*told.kept)[2]->body() == "m0");
    CHECK((*told.kept)[2]->reconsume_times() == 1);
    (*told.kept)[0].complete(consume_result::reconsume_later);
    (*told.kept)[2].complete(consume_result::success);
    told.runtime.advance(1min);
    CHECK(told.kept->size() == 3);
    CHECK(told.cached() == 0);
    CHECK(told.stop(5s) == std::error_code());
}

TEST_CASE("in broadcasting no message is taken from its listener, as it cannot be sent anywhere", "[scenario]") {
    basic_story<broadcast_consumer> told;
    told.send("orders", 1);
    auto with            = told.member_options();
    with.consume_timeout = 1min;
    told.start(with);
    REQUIRE(told.kept->size() == 1);
    told.runtime.advance(10min);
    CHECK_FALSE(told.events->has("consume_timeout", {}));
    CHECK(told.broker().statistics().requests_of(protocol::request_code::consumer_send_back) == 0);
    CHECK(told.cached() == 1);
    told.complete_all();
    told.runtime.advance(1ms);
    CHECK(told.cached() == 0);
    CHECK(told.stop(5s) == std::error_code());
}

// With threads.

/// A thread that completes messages, those that came last first.
class completer {
  public:
    explicit completer(tally& into) : got_(into), thread_([this] { work(); }) {}
    ~completer() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
            changed_.notify_all();
        }
        thread_.join();
    }
    void take(deferred_message message) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(message));
        changed_.notify_all();
    }

  private:
    void work() {
        for (;;) {
            std::vector<deferred_message> mine;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
                if (waiting_.empty())
                    return;
                mine.swap(waiting_);
            }
            while (!mine.empty()) {
                complete(std::move(mine.back()));
                mine.pop_back();
            }
        }
    }
    void complete(deferred_message message) {
        const auto body   = std::string(message->body());
        const bool first  = message->reconsume_times() == 0;
        const auto result = body == "m3" && first ? consume_result::reconsume_later : consume_result::success;
        got_.note(message.view());
        if (body != "m5" || !first) // else it is dropped
            message.complete(result);
    }

    tally& got_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<deferred_message> waiting_;
    bool ended_ = false;
    std::thread thread_;
};

template <class Executor>
void complete_with(Executor executor) {
    tcp_cluster cluster(500, {.delay_levels = {1ms}});
    tally got;
    completer later(got);
    push_consumer consumer{cluster.member_options(), [&](deferred_message message) { later.take(std::move(message)); },
                           std::move(executor), no_observer()};
    consumer.subscribe("orders");
    consumer.start();
    CHECK(got.wait_for(502)); // "m3" and "m5" twice
    consumer.stop();
    const auto counts = got.counts();
    CHECK(counts.size() == 500);
    CHECK(counts.at("m3") == 2);
    CHECK(counts.at("m5") == 2);
    CHECK(got.sum() == 502);
    CHECK(cluster.committed() == 500);
}

TEST_CASE("messages are deferred with inline_executor", "[scenario]") {
    complete_with(inline_executor());
}

TEST_CASE("messages are deferred with thread_pool_executor", "[scenario]") {
    complete_with(thread_pool_executor(3));
}

TEST_CASE("messages are deferred with asio_executor", "[scenario]") {
    asio::thread_pool threads(2);
    complete_with(asio_executor(threads.get_executor()));
    threads.join();
}

TEST_CASE("what outlives its consumer may be completed in any thread, while others go on with the shared client",
          "[scenario]") {
    tcp_cluster cluster(200);
    std::mutex mutex;
    std::vector<deferred_message> kept;
    client shared(cluster.member_options());
    tally got;
    auto with  = cluster.member_options();
    with.group = "ledger";
    push_consumer other{shared, with, [&](const message_view& m) { got.note(m); }, no_observer()};
    other.subscribe("orders");
    other.start();
    {
        tally came;
        push_consumer consumer{shared, cluster.member_options(),
                               [&](deferred_message message) {
                                   came.note(message.view());
                                   const std::lock_guard lock(mutex);
                                   kept.push_back(std::move(message));
                               },
                               no_observer()};
        consumer.subscribe("orders");
        consumer.start();
        CHECK(came.wait_for(200));
        std::error_code late;
        consumer.stop(late, 1ms);
        CHECK(late == error::stop_deadline_passed);
    }
    std::thread elsewhere([&] {
        std::size_t bytes = 0;
        for (auto& each : kept) {
            bytes += each->body().size();
            each.complete(bytes % 2 == 0 ? consume_result::success : consume_result::reconsume_later);
        }
        kept.clear();
    });
    cluster.send(500, "n");
    CHECK(got.wait_for(700));
    elsewhere.join();
    other.stop();
    CHECK(cluster.committed() == 0);
    CHECK(cluster.committed("ledger") == 700);
}

} // namespace
