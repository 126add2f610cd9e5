#include <rocketpush/push_consumer.hpp>

#include <rocketpush/executor/asio_executor.hpp>
#include <rocketpush/executor/inline_executor.hpp>

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using test::tally;
using test::tcp_cluster;

/// What the copies of a listener share.
struct shared_notes {
    tally got;
    std::atomic<int> running{0};
    std::atomic<int> most{0};
    std::function<void()> at_m7;

    void seen_on_this_thread() {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
    }

    std::mutex mutex;
    std::set<std::thread::id> threads;
};

/// Suspends and goes on twice for each message; the first time it gets "m3" it throws.
struct suspending {
    shared_notes* notes;

    asio::awaitable<consume_result> operator()(const message_view& message) const {
        const auto running = ++notes->running;
        notes->most.store(std::max(notes->most.load(), running));
        const auto again = asio::use_awaitable;
        co_await asio::post(again);
        notes->seen_on_this_thread();
        co_await asio::post(again);
        --notes->running;
        notes->got.note(message);
        if (message.body() == "m7" && notes->at_m7)
            notes->at_m7();
        if (message.body() == "m3" && message.reconsume_times() == 0)
            throw std::runtime_error("not now");
        co_return consume_result::success;
    }
};

/// Consumes 500 messages with this executor. @return On how many threads.
template <class Executor>
std::size_t consume_with(Executor executor, int most_at_once) {
    tcp_cluster cluster(500, {.delay_levels = {std::chrono::milliseconds(1)}});
    shared_notes notes;
    push_consumer consumer{cluster.member_options(), suspending{&notes}, std::move(executor), no_observer()};
    consumer.subscribe("orders");
    consumer.start();
    CHECK(notes.got.wait_for(501)); // "m3" twice
    consumer.stop();
    const auto counts = notes.got.counts();
    CHECK(counts.size() == 500);
    CHECK(counts.at("m3") == 2);
    CHECK(notes.got.sum() == 501);
    CHECK(cluster.committed() == 500);
    CHECK(notes.most > 1);
    CHECK(notes.most <= most_at_once);
    CHECK_FALSE(notes.threads.contains(std::this_thread::get_id()));
    return notes.threads.size();
}

TEST_CASE("an awaitable listener runs on the consumer's thread with inline_executor, many calls at once", "[scenario]") {
    CHECK(consume_with(inline_executor(), 4) == 1); // consume_threads
}

TEST_CASE("an awaitable listener runs on the pool's threads with thread_pool_executor", "[scenario]") {
    CHECK(consume_with(thread_pool_executor(3), 3) <= 3);
}

TEST_CASE("an awaitable listener runs on the user's executor with asio_executor", "[scenario]") {
    asio::thread_pool threads(2);
    CHECK(consume_with(asio_executor(threads.get_executor()), 4) <= 2);
    threads.join();
}

TEST_CASE("an awaitable listener may stop its consumer, and is not waited for in its own thread", "[scenario]") {
    tcp_cluster cluster(100);
    shared_notes notes;
    push_consumer consumer{cluster.member_options(), suspending{&notes}, thread_pool_executor(3), no_observer()};
    std::promise<void> stopping;
    notes.at_m7 = [&] {
        consumer.stop();
        stopping.set_value();
    };
    consumer.subscribe("orders");
    consumer.start();
    stopping.get_future().wait();
    consumer.stop(); // waits for the rest
    CHECK(cluster.broker.members("billing").empty());
    const auto sum = notes.got.sum();
    CHECK(sum <= 100);
    CHECK(notes.running == 0);
}

} // namespace
