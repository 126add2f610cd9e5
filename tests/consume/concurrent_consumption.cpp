#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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
using batch_of = std::span<const message_view>;

/// Keeps jobs until the test runs them: threads without threads.
struct queued_executor {
    static constexpr bool concurrent                        = true;
    std::size_t threads                                     = 1;
    std::shared_ptr<std::deque<std::function<void()>>> jobs = std::make_shared<std::deque<std::function<void()>>>();

    void start(std::size_t count) noexcept { threads = count; }
    template <executor_job Job>
    void execute(Job job) {
        jobs->push_back([job] { job(); });
    }
    std::size_t concurrency() const noexcept { return threads; }
    void resize(std::size_t count) noexcept { threads = count; }
    bool join(std::chrono::milliseconds) noexcept { return true; }

    void run_all() {
        while (!jobs->empty()) {
            jobs->front()();
            jobs->pop_front();
        }
    }
};
static_assert(executor_policy<queued_executor>);

/// What observers hear, as text.
struct recording_observer : no_observer {
    std::vector<std::string>* events = nullptr;

    void before_consume(batch_of messages, const consume_context&) {
        events->push_back("before " + std::to_string(messages.size()));
    }
    void after_consume(batch_of messages, const consume_context& context, consume_result result) {
        events->push_back("after " + std::to_string(messages.size()) +
                          (result == consume_result::success ? " good" : " bad") + " level " +
                          std::to_string(context.delay_level));
    }
    void on_listener_exception(const message_queue& queue, std::exception_ptr thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            events->push_back("threw " + std::string(e.what()) + " in " + queue.topic);
        } catch (...) {
            events->push_back("threw something");
        }
    }
};

/// What a consumption tells its consumer.
template <bool Concurrent>
struct fake_host {
    using batch_type = pulled_batch<Concurrent>;
    std::vector<batch_type*> ran;
    int failures_told = 0;

    void batch_ran(batch_type& batch) {
        CHECK_FALSE(batch.running());
        ran.push_back(&batch);
    }
    void batch_has_failed(batch_type&) { ++failures_told; }
};

/// A consumption with its surroundings.
template <class Listener, class Executor, class Observer = no_observer>
struct stage {
    using host_type        = fake_host<Executor::concurrent>;
    using consumption_type = concurrent_consumption<Listener, Executor, Observer, manual_runtime, host_type>;
    using batch_type       = typename consumption_type::batch_type;
    static_assert(consumption_host<host_type, batch_type>);

    explicit stage(Listener listener, std::size_t threads = 1, std::size_t batch_size = 1, Observer hears = {})
        : observer(std::move(hears)), consumption(std::move(listener), Executor(), observer, runtime) {
        consumption.start(threads, batch_size);
    }

    batch_type& dispatch(const std::vector<queue_offset>& at) {
        batches.push_back(std::make_unique<batch_type>());
        test::fill(*batches.back(), pool, at);
        if constexpr (consumption_type::immediate)
            consumption.dispatch(*batches.back(), host.get());
        else
            consumption.dispatch(*batches.back(), host);
        return *batches.back();
    }

    manual_runtime runtime;
    detail::block_pool pool;
    std::vector<std::unique_ptr<batch_type>> batches;
    std::shared_ptr<host_type> host = std::make_shared<host_type>();
    Observer observer;
    consumption_type consumption;
};
template <class Executor, class Listener, class... More>
auto make_stage(Listener listener, More... more) {
    return std::make_unique<stage<Listener, Executor>>(std::move(listener), more...);
}

TEST_CASE("with the inline executor a batch has run when dispatch returns", "[consumption]") {
    std::vector<std::string> seen;
    const auto at = make_stage<inline_executor>([&](const message_view& m) { seen.push_back(std::string(m.body())); });
    auto& batch   = at->dispatch(offsets(7, 3));
    CHECK(seen == std::vector<std::string>{"7", "8", "9"});
    CHECK(at->host->ran.size() == 1);
    CHECK(batch.unfinished_count() == 0);
    CHECK(batch.tally.calls.load() == 3);
    CHECK(batch.tally.succeeded.load() == 3);
    CHECK(batch.tally.failed.load() == 0);
}

TEST_CASE("a listener gets batches of the wanted size, and the rest", "[consumption]") {
    std::vector<std::size_t> sizes;
    const auto at = make_stage<inline_executor>([&](batch_of all) { sizes.push_back(all.size()); }, 1, 4);
    auto& batch   = at->dispatch(offsets(0, 10));
    CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
    CHECK(batch.tally.calls.load() == 3);
    CHECK(batch.tally.succeeded.load() == 10);
}

TEST_CASE("a listener of one message gets every message, however many a call may have", "[consumption]") {
    std::vector<std::string> seen;
    const auto at =
        make_stage<inline_executor>([&](const message_view& m) { seen.push_back(std::string(m.body())); }, 1, 4);
    auto& batch = at->dispatch(offsets(7, 3));
    CHECK(seen == std::vector<std::string>{"7", "8", "9"});
    CHECK(batch.tally.calls.load() == 3);
    CHECK(batch.unfinished_count() == 0);
}

TEST_CASE("an exception ends its call only: the messages come again", "[consumption]") {
    std::vector<std::string> events;
    recording_observer hears;
    hears.events  = &events;
    auto throwing = [](const message_view& m) {
        if (m.queue_offset() == 1)
            throw std::runtime_error("bad luck");
        if (m.queue_offset() == 2)
            throw 42; // NOLINT: anything may be thrown
    };
    stage<decltype(throwing), inline_executor, recording_observer> at(throwing, 1, 1, hears);
    auto& batch = at.dispatch(offsets(0, 4));
    CHECK(batch.progress(0) == message_progress::finished);
    CHECK(batch.progress(1) == message_progress::failed);
    CHECK(batch.progress(2) == message_progress::failed);
    CHECK(batch.progress(3) == message_progress::finished);
    CHECK(batch.tally.succeeded.load() == 2);
    CHECK(batch.tally.failed.load() == 2);
    CHECK(events == std::vector<std::string>{"before 1", "after 1 good level 0", "before 1", "threw bad luck in orders",
                                             "after 1 bad level 0", "before 1", "threw something",
                                             "after 1 bad level 0", "before 1", "after 1 good level 0"});
    CHECK(at.host->ran.size() == 1);
}

TEST_CASE("of a batch the first part may be good: the others come again", "[consumption]") {
    const auto at = make_stage<inline_executor>(
        [](batch_of, consume_context& context) {
            context.succeeded   = 2;
            context.delay_level = 3;
            return consume_result::success;
        },
        1, 4);
    auto& batch = at->dispatch(offsets(0, 6)); // calls of 4 and of 2
    CHECK(batch.progress(1) == message_progress::finished);
    CHECK(batch.progress(2) == message_progress::failed);
    CHECK(batch.progress(3) == message_progress::failed);
    CHECK(batch.delay_level(3) == 3);
    CHECK(batch.progress(4) == message_progress::finished);
    CHECK(batch.progress(5) == message_progress::finished);
    CHECK(batch.tally.succeeded.load() == 4);
    CHECK(batch.tally.failed.load() == 2);
}

TEST_CASE("nothing of a batch is good when it is to come again later", "[consumption]") {
    const auto at = make_stage<inline_executor>(
        [](batch_of, consume_context& context) {
            context.succeeded   = 2; // says nothing without success
            context.delay_level = -1;
            return consume_result::reconsume_later;
        },
        1, 3);
    auto& batch = at->dispatch(offsets(0, 3));
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK(batch.progress(i) == message_progress::failed);
        CHECK(batch.delay_level(i) == -1);
    }
}

TEST_CASE("more successes than messages are all of them", "[consumption]") {
    const auto at =
        make_stage<inline_executor>([](const message_view&, consume_context& context) { context.succeeded = 7; });
    CHECK(at->dispatch(offsets(0, 2)).unfinished_count() == 0);
}

TEST_CASE("a context knows its queue and starts anew with each call", "[consumption]") {
    int calls     = 0;
    const auto at = make_stage<inline_executor>([&](const message_view& m, consume_context& context) {
        ++calls;
        CHECK(&context.queue == &m.queue());
        CHECK(context.queue == test::orders_queue());
        CHECK(context.delay_level == 0);
        CHECK(context.succeeded == consume_context::all);
        context.delay_level = 9;
        context.succeeded   = 0;
        return consume_result::success;
    });
    CHECK(at->dispatch(offsets(0, 2)).unfinished_count() == 2);
    CHECK(calls == 2);
}

TEST_CASE("off the strand, the strand hears of the end and of failures by its own executor", "[consumption]") {
    const auto at = make_stage<queued_executor>([](const message_view& m) {
        return m.queue_offset() == 1 ? consume_result::reconsume_later : consume_result::success;
    });
    auto& batch   = at->dispatch(offsets(0, 3));
    CHECK(batch.unfinished_count() == 3);
    CHECK(batch.running()); // the job that waits is a runner
    at->consumption.executor().run_all();
    CHECK(batch.unfinished_count() == 1);
    CHECK(at->host->ran.empty());
    CHECK(at->host->failures_told == 0);
    at->runtime.run_ready();
    CHECK(at->host->failures_told == 1);
    CHECK(at->host->ran.size() == 1);
}

TEST_CASE("after shut nothing reaches the strand, whatever runners still do", "[consumption]") {
    const auto at = make_stage<queued_executor>([](const message_view&) { return consume_result::reconsume_later; });
    auto& batch   = at->dispatch(offsets(0, 2));
    at->consumption.shut();
    at->consumption.executor().run_all();
    at->runtime.run_ready();
    CHECK(at->host->ran.empty());
    CHECK(at->host->failures_told == 0);
    CHECK_FALSE(batch.running());
    CHECK(at->host.use_count() == 1); // and nothing is kept
}

TEST_CASE("an abandoned consumption ends the call under way and begins no other", "[consumption]") {
    std::function<void()> abandon;
    int calls     = 0;
    const auto at = make_stage<inline_executor>([&](const message_view&) {
        if (++calls == 2)
            abandon();
    });
    abandon       = [&] { at->consumption.abandon(); };
    auto& batch   = at->dispatch(offsets(0, 5));
    CHECK(calls == 2);
    CHECK(batch.first_unfinished() == 2); // what was called is finished, the others come again
    CHECK(at->dispatch(offsets(5, 2)).first_unfinished() == 5);
    CHECK(calls == 2);
}

TEST_CASE("a listener call knows that it is one, of this consumer and on this thread", "[consumption]") {
    using listener_type = std::function<void(const message_view&)>;
    std::function<void()> inside;
    const auto first  = make_stage<inline_executor>(listener_type([&](const message_view&) { inside(); }));
    const auto second = make_stage<inline_executor>(listener_type([](const message_view&) {}));
    int calls         = 0;
    inside            = [&] {
        ++calls;
        CHECK(first->consumption.inside_listener());
        CHECK_FALSE(second->consumption.inside_listener());
        second->dispatch(offsets(0, 1)); // one consumer's listener may feed another
        CHECK(first->consumption.inside_listener());
    };
    CHECK_FALSE(first->consumption.inside_listener());
    first->dispatch(offsets(0, 1));
    CHECK(calls == 1);
    CHECK_FALSE(first->consumption.inside_listener());
}

TEST_CASE("threads consume each message once, and the strand hears once of each batch", "[consumption]") {
    constexpr int count = 20, size = 200;
    std::vector<std::atomic<int>> calls(count * size);
    const auto at = make_stage<thread_pool_executor>(
        [&](const message_view& m) {
            ++calls[static_cast<std::size_t>(m.queue_offset())];
            return m.queue_offset() % 50 == 49 ? consume_result::reconsume_later : consume_result::success;
        },
        4);
    for (int i = 0; i < count; ++i)
        at->dispatch(offsets(i * size, size));
    at->runtime.run_ready(); // batches of short calls are handed over at the end of the strand's turn
    CHECK(at->consumption.executor().join(30s));
    at->runtime.run_ready(); // failures, which count as runners until the strand has heard of them
    at->consumption.collect(*at->host);
    CHECK(std::ranges::all_of(calls, [](const auto& each) { return each.load() == 1; }));
    CHECK(at->host->ran.size() == count);
    CHECK(at->host->failures_told == count * size / 50);
    std::uint64_t succeeded = 0, failed = 0;
    for (const auto& each : at->batches) {
        succeeded += each->tally.succeeded.load();
        failed += each->tally.failed.load();
        CHECK(each->unfinished_count() == size / 50);
    }
    CHECK(succeeded + failed == count * size);
}

} // namespace
