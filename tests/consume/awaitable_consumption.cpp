#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using test::offsets;
template <class T>
using task  = detail::awaitable<T, manual_runtime::executor_type>;
using gates = std::deque<detail::signal_flag<manual_runtime>>;

struct fake_host {
    std::vector<pulled_batch<false>*> ran;
    int failures_told = 0;
    void batch_ran(pulled_batch<false>& batch) { ran.push_back(&batch); }
    void batch_has_failed(pulled_batch<false>&) { ++failures_told; }
};

/// Each message waits at a gate of its own.
struct waiting_listener {
    manual_runtime* runtime;
    gates* waits;
    std::vector<queue_offset>* begun;
    std::vector<queue_offset>* ended;

    task<consume_result> operator()(const message_view& message) const {
        begun->push_back(message.queue_offset());
        auto& gate = waits->emplace_back(*runtime);
        co_await gate.wait();
        ended->push_back(message.queue_offset());
        if (message.queue_offset() == 13) throw std::runtime_error("unlucky");
        co_return message.queue_offset() % 10 == 9 ? consume_result::reconsume_later : consume_result::success;
    }
};

struct lanes_fixture {
    using consumption_type =
        concurrent_consumption<waiting_listener, inline_executor, no_observer, manual_runtime, fake_host>;
    static_assert(!consumption_type::immediate);

    manual_runtime runtime;
    detail::block_pool pool;
    gates waits;
    std::vector<queue_offset> begun, ended;
    no_observer nobody;
    std::vector<std::unique_ptr<pulled_batch<false>>> batches;
    std::shared_ptr<fake_host> host = std::make_shared<fake_host>();
    consumption_type consumption{waiting_listener{&runtime, &waits, &begun, &ended}, inline_executor(), nobody,
                                 runtime};

    pulled_batch<false>& dispatch(const std::vector<queue_offset>& at) {
        batches.push_back(std::make_unique<pulled_batch<false>>());
        test::fill(*batches.back(), pool, at);
        consumption.dispatch(*batches.back(), host);
        return *batches.back();
    }
    std::size_t under_way() const { return begun.size() - ended.size(); }
    /// Lets every call end until none is left. @return The most that were under way at once.
    std::size_t drain() {
        std::size_t most = 0;
        runtime.run_ready();
        for (std::size_t i = 0; i < waits.size(); ++i) {
            most = std::max(most, under_way());
            waits[i].set();
            runtime.run_ready();
        }
        return most;
    }
};

TEST_CASE_METHOD(lanes_fixture, "awaitable calls run at once up to the number of threads, over all batches",
                 "[consumption]") {
    consumption.start(3, 1);
    for (int i = 0; i < 5; ++i) dispatch(offsets(i * 100, 4));
    runtime.run_ready();
    CHECK(under_way() == 3);
    CHECK(drain() == 3);
    CHECK(ended.size() == 20);
    auto sorted = begun;
    std::ranges::sort(sorted);
    CHECK(std::ranges::adjacent_find(sorted) == sorted.end()); // each once
    CHECK(host->ran.size() == 5);
    CHECK(host->failures_told == 0);
    for (const auto& each : batches) {
        CHECK(each->unfinished_count() == 0);
        CHECK(each->tally.calls.load() == 4);
    }
}

TEST_CASE_METHOD(lanes_fixture, "one batch is consumed by as many lanes as there may be", "[consumption]") {
    consumption.start(8, 1);
    dispatch(offsets(0, 5));
    runtime.run_ready();
    CHECK(under_way() == 5);
    CHECK(drain() == 5);
    CHECK(host->ran.size() == 1);
}

TEST_CASE_METHOD(lanes_fixture, "an awaitable's answer and exception count as those of a plain listener",
                 "[consumption]") {
    consumption.start(1, 1);
    auto& batch = dispatch({8, 9, 13, 14});
    drain();
    CHECK(batch.progress(0) == message_progress::finished);
    CHECK(batch.progress(1) == message_progress::failed);
    CHECK(batch.progress(2) == message_progress::failed);
    CHECK(batch.progress(3) == message_progress::finished);
    CHECK(batch.tally.succeeded.load() == 2);
    CHECK(batch.tally.failed.load() == 2);
    CHECK(host->failures_told == 2);
    CHECK(host->ran.size() == 1);
}

TEST_CASE_METHOD(lanes_fixture, "a batch is not over before its last awaitable call is", "[consumption]") {
    consumption.start(2, 1);
    auto& batch = dispatch(offsets(0, 2));
    runtime.run_ready();
    waits[1].set();
    runtime.run_ready();
    CHECK(batch.running());
    CHECK(host->ran.empty());
    CHECK(batch.first_unfinished() == 0);
    waits[0].set();
    runtime.run_ready();
    CHECK_FALSE(batch.running());
    CHECK(host->ran.size() == 1);
}

TEST_CASE_METHOD(lanes_fixture, "batches that wait for a lane are let go of when their queue was given up",
                 "[consumption]") {
    consumption.start(1, 1);
    dispatch(offsets(0, 2));
    auto& waiting = dispatch(offsets(100, 2));
    runtime.run_ready();
    CHECK(waiting.running());
    waiting.cancel_unclaimed();
    consumption.forget_exhausted();
    runtime.run_ready();
    CHECK_FALSE(waiting.running());
    REQUIRE(host->ran.size() == 1);
    CHECK(host->ran[0] == &waiting);
    drain();
    CHECK(ended == std::vector<queue_offset>{0, 1});
    CHECK(host->ran.size() == 2);
}

TEST_CASE_METHOD(lanes_fixture, "lanes that ended are there for later batches", "[consumption]") {
    consumption.start(2, 1);
    for (int round = 0; round < 10; ++round) {
        dispatch(offsets(round * 100, 3));
        CHECK(drain() <= 2);
    }
    CHECK(ended.size() == 30);
    CHECK(host->ran.size() == 10);
    CHECK(host.use_count() == 1);
}

/// For a consumption with threads; ends the context when its batch has run.
struct threaded_host {
    asio::executor_work_guard<asio::io_context::executor_type> work;
    int ran = 0;

    void batch_ran(pulled_batch<true>&) {
        ++ran;
        work.reset();
    }
    void batch_has_failed(pulled_batch<true>&) {}
};

/// Goes on twice, each time in whichever thread of the pool is free.
struct roaming_listener {
    std::atomic<int>* calls;

    asio::awaitable<void> operator()(const message_view&) const {
        co_await asio::post(asio::use_awaitable);
        calls->fetch_add(1);
        co_await asio::post(asio::use_awaitable);
    }
};

// The thread sanitizer is who judges here: see detail::out_of_line.
TEST_CASE("a lane may go on in another thread between two calls, and in the midst of one", "[consumption]") {
    constexpr int count = 2000;
    detail::block_pool pool;
    std::atomic<int> calls{0};
    asio::io_context context;
    asio_runtime runtime(context.get_executor());
    no_observer nobody;
    pulled_batch<true> batch;
    test::fill(batch, pool, offsets(0, count));
    const auto host = std::make_shared<threaded_host>(asio::make_work_guard(context));
    concurrent_consumption<roaming_listener, thread_pool_executor, no_observer, asio_runtime, threaded_host> consumption{
        roaming_listener{&calls}, thread_pool_executor(3), nobody, runtime};
    consumption.start(3, 1);
    asio::post(context, [&] { consumption.dispatch(batch, host); });
    context.run();
    CHECK(host->ran == 1);
    CHECK(calls == count);
    CHECK(batch.unfinished_count() == 0);
    CHECK(batch.tally.succeeded.load() == count);
    consumption.shut();
    CHECK(consumption.executor().join(10s));
}

} // namespace
