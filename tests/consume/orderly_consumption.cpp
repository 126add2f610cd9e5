#include <rocketpush/consume/orderly_consumption.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>
#include <rocketpush/fetch/process_queue.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
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
    std::shared_ptr<std::deque<std::function<void()>>> jobs = std::make_shared<std::deque<std::function<void()>>>();

    void start(std::size_t) noexcept {}
    template <executor_job Job>
    void execute(Job job) {
        jobs->push_back([kept = std::make_shared<Job>(std::move(job))] { (*kept)(); });
    }
    std::size_t concurrency() const noexcept { return 2; }
    void resize(std::size_t) noexcept {}
    bool join(std::chrono::milliseconds) noexcept { return true; }

    void run_all() {
        while (!jobs->empty()) {
            auto next = std::move(jobs->front());
            jobs->pop_front();
            next();
        }
    }
};

template <bool Concurrent, bool ListenerCommits>
struct fake_queue {
    process_queue<Concurrent> cache{0};
    queue_order<Concurrent, ListenerCommits> order;
    bool dropped = false;
};

template <bool Concurrent, bool ListenerCommits>
struct fake_host {
    using queue_type = fake_queue<Concurrent, ListenerCommits>;
    std::vector<queue_type*> over;
    int locks_wanted = 0;
    void batch_ran(queue_order<Concurrent, ListenerCommits>& order) {
        order.out = false;
        over.push_back(static_cast<queue_type*>(order.home));
    }
    void regain_lock(queue_type&) { ++locks_wanted; }
};

template <class Wrapper, class Executor>
struct stage {
    static constexpr bool concurrent = Executor::concurrent;
    using host_type                  = fake_host<concurrent, orderly_traits<Wrapper>::manual>;
    using consumption_type           = orderly_consumption<Wrapper, Executor, no_observer, manual_runtime, host_type>;

    explicit stage(Wrapper listener, std::size_t batch_size = 1)
        : consumption(std::move(listener), Executor(), nobody, runtime) {
        options with;
        with.consume_batch_size = batch_size;
        with.consume_threads    = 2;
        consumption.start(with);
        for (auto& each : queues) each.order.lock.not_needed();
    }

    void dispatch(int queue, const std::vector<queue_offset>& at) {
        auto batch = std::make_unique<pulled_batch<concurrent>>();
        test::fill(*batch, pool, at);
        auto& kept = queues[queue].cache.append(std::move(batch));
        queues[queue].cache.advance(at.back() + 1);
        if constexpr (consumption_type::immediate)
            consumption.dispatch(queues[queue], kept, host.get());
        else
            consumption.dispatch(queues[queue], kept, host);
    }
    void begin_turn(int queue) {
        if constexpr (consumption_type::immediate)
            consumption.begin_turn(queues[queue], host.get());
        else
            consumption.begin_turn(queues[queue], host);
    }
    void hear() {
        runtime.run_ready();
        consumption.collect(*host);
    }

    manual_runtime runtime;
    detail::block_pool pool;
    no_observer nobody;
    typename host_type::queue_type queues[4];
    std::shared_ptr<host_type> host = std::make_shared<host_type>();
    consumption_type consumption;
};

template <class Executor, class Wrapper>
auto make_stage(Wrapper listener, std::size_t batch_size = 1) {
    return std::make_unique<stage<Wrapper, Executor>>(std::move(listener), batch_size);
}

TEST_CASE("a queue is consumed in order, and the host hears of the turn's end", "[orderly]") {
    std::vector<queue_offset> seen;
    const auto at = make_stage<inline_executor>(orderly{[&](const message_view& m) { seen.push_back(m.queue_offset()); }});
    at->dispatch(0, offsets(7, 3));
    at->dispatch(0, offsets(10, 2));
    CHECK(seen == offsets(7, 5));
    CHECK(at->host->over.size() == 2);
    CHECK(at->queues[0].cache.committable() == 12);
    CHECK(at->queues[0].order.counts.calls == 5);
    CHECK(at->queues[0].order.counts.succeeded == 5);
}

TEST_CASE("a queue has one turn at a time; what comes meanwhile is for the next one", "[orderly]") {
    std::vector<queue_offset> seen;
    const auto at = make_stage<queued_executor>(orderly{[&](const message_view& m) { seen.push_back(m.queue_offset()); }});
    at->dispatch(0, offsets(0, 2));
    at->dispatch(0, offsets(2, 2));
    at->dispatch(1, offsets(100, 1));
    at->runtime.run_ready();
    CHECK(at->consumption.executor().jobs->size() == 2); // one a queue
    at->consumption.executor().run_all();
    CHECK(seen == std::vector<queue_offset>{0, 1, 100});
    CHECK(at->queues[0].order.out); // it is over, and nobody has heard
    at->hear();
    CHECK_FALSE(at->queues[0].order.out);
    at->begin_turn(0);
    at->runtime.run_ready();
    at->consumption.executor().run_all();
    CHECK(seen == std::vector<queue_offset>{0, 1, 100, 2, 3});
}

TEST_CASE("a failed call ends the turn: nothing behind it is consumed before it", "[orderly]") {
    std::vector<std::string> seen;
    bool good     = false;
    const auto at = make_stage<inline_executor>(orderly{[&](batch_of all, orderly_context& context) {
                                                    seen.push_back(std::string(all.front().body()) + "+" +
                                                                   std::to_string(all.size() - 1));
                                                    context.suspend_for = 70ms;
                                                    if (all.front().queue_offset() == 2 && !good)
                                                        throw std::runtime_error("not now");
                                                    return consume_result::success;
                                                }},
                                                2);
    at->dispatch(0, offsets(0, 6));
    auto& order = at->queues[0].order;
    CHECK(seen == std::vector<std::string>{"0+1", "2+1"});
    CHECK(order.ended == turn_step::pause);
    CHECK(order.failed.slice.first == 2);
    CHECK(order.failed.slice.count == 2);
    CHECK(order.turn.paused_until() == at->runtime.now() + 70ms);
    CHECK(order.counts.failed == 2);
    CHECK(at->queues[0].cache.committable() == 2);
    order.held_up = true;
    at->dispatch(0, offsets(6, 1));
    CHECK(seen.size() == 2); // the queue is held up
    order.held_up = false;
    order.turn.end_pause();
    good = true;
    at->begin_turn(0);
    CHECK(seen == std::vector<std::string>{"0+1", "2+1", "2+1", "4+1", "6+0"});
}

TEST_CASE("a pause is the options' unless the listener names one, and never beyond its bounds", "[orderly]") {
    std::optional<std::chrono::milliseconds> wanted;
    const auto at = make_stage<inline_executor>(orderly{[&](const message_view&, orderly_context& context) {
        context.suspend_for = wanted;
        return consume_result::reconsume_later;
    }});
    auto& turn       = at->queues[0].order.turn;
    const auto pause = [&] {
        turn.end_pause();
        at->begin_turn(0);
        return turn.paused_until() - at->runtime.now();
    };
    at->dispatch(0, offsets(0, 1));
    CHECK(pause() == 1s);
    wanted = 5ms;
    CHECK(pause() == 10ms);
    wanted = 1h;
    CHECK(pause() == 30s);
}

TEST_CASE("a listener that commits itself: success keeps, commit lets go, rollback takes back", "[orderly]") {
    std::vector<queue_offset> seen;
    auto answer   = [](queue_offset) { return orderly_result::success; };
    std::function<orderly_result(queue_offset)> next = answer;
    const auto at = make_stage<inline_executor>(orderly_manual{[&](const message_view& m) {
        seen.push_back(m.queue_offset());
        return next(m.queue_offset());
    }});
    auto& queue = at->queues[0];
    at->dispatch(0, offsets(0, 3));
    CHECK(queue.cache.committable() == 0);
    next = [](queue_offset) { return orderly_result::commit; };
    at->dispatch(0, offsets(3, 1));
    CHECK(queue.cache.committable() == 4);
    next = [](queue_offset at_) { return at_ == 5 ? orderly_result::rollback : orderly_result::success; };
    at->dispatch(0, offsets(4, 3));
    CHECK(seen == offsets(0, 6));
    CHECK_FALSE(queue.order.failed); // nothing counts as failed
    next = [](queue_offset at_) { return at_ == 5 ? orderly_result::suspend : orderly_result::success; };
    queue.order.turn.end_pause();
    seen.clear();
    at->begin_turn(0);
    CHECK(seen == std::vector<queue_offset>{4, 5});
    CHECK(queue.order.failed.slice.count == 1);
    next = [](queue_offset) { return orderly_result::commit; };
    queue.order.turn.end_pause();
    seen.clear();
    at->begin_turn(0);
    CHECK(seen == std::vector<queue_offset>{5, 6}); // 4 was consumed
    CHECK(queue.cache.committable() == 7);
}

TEST_CASE("a queue whose lock is not trusted has it asked for, and is not consumed", "[orderly]") {
    int calls     = 0;
    const auto at = make_stage<inline_executor>(orderly{[&](const message_view&) { ++calls; }});
    auto& order   = at->queues[0].order;
    order.lock.lose();
    at->dispatch(0, offsets(0, 1));
    CHECK(at->host->locks_wanted == 1);
    CHECK(calls == 0);
    order.lock.confirmed(at->runtime.now(), at->runtime.now());
    at->begin_turn(0);
    CHECK(calls == 1);
}

TEST_CASE("an abandoned consumption and a queue that was given up begin no call", "[orderly]") {
    int calls = 0;
    std::function<void()> during;
    const auto at = make_stage<inline_executor>(orderly{[&](const message_view&) {
        ++calls;
        if (during)
            during();
    }});
    during = [&] { at->queues[0].order.give_up(); };
    at->dispatch(0, offsets(0, 3));
    CHECK(calls == 1);
    during = [&] { at->consumption.abandon(); };
    at->dispatch(1, offsets(0, 3));
    CHECK(calls == 2);
    at->dispatch(2, offsets(0, 3));
    CHECK(calls == 2);
}

TEST_CASE("after shut nothing reaches the strand, and nothing is kept", "[orderly]") {
    const auto at = make_stage<queued_executor>(orderly{[](const message_view&) {}});
    at->dispatch(0, offsets(0, 2));
    at->runtime.run_ready();
    at->consumption.shut();
    at->consumption.executor().run_all();
    at->runtime.run_ready();
    CHECK(at->host->over.empty());
}

TEST_CASE("threads consume many queues at once, each in order and by one call at a time", "[orderly]") {
    constexpr int size = 500;
    struct {
        std::atomic<int> inside{0};
        std::atomic<queue_offset> next{0};
    } state[4];
    std::atomic<int> wrong{0};
    const auto at = make_stage<thread_pool_executor>(orderly{[&](const message_view& m) {
        auto& own = state[m.queue_offset() / 1'000'000];
        wrong += own.inside.fetch_add(1) != 0;
        wrong += own.next.load() != m.queue_offset() % 1'000'000;
        own.next = m.queue_offset() % 1'000'000 + 1;
        own.inside.fetch_sub(1);
    }});
    for (int part = 0; part < 10; ++part)
        for (int queue = 0; queue < 4; ++queue)
            at->dispatch(queue, offsets(queue * 1'000'000 + part * size, size));
    const auto all_done = [&] {
        for (int queue = 0; queue < 4; ++queue)
            if (state[queue].next != 10 * size)
                return false;
        return true;
    };
    const auto begun = std::chrono::steady_clock::now();
    while (!all_done() && std::chrono::steady_clock::now() - begun < 30s) {
        at->runtime.advance(1ms);
        at->consumption.collect(*at->host);
        for (int queue = 0; queue < 4; ++queue) at->begin_turn(queue);
        std::this_thread::yield();
    }
    CHECK(all_done());
    CHECK(wrong == 0);
    CHECK(at->consumption.executor().join(30s));
}

// Awaitable listeners.

template <class T>
using task = detail::awaitable<T, manual_runtime::executor_type>;

struct slow_listener {
    manual_runtime* runtime;
    std::vector<queue_offset>* seen;
    int* inside;
    int* most;

    task<consume_result> operator()(const message_view& message) const {
        const auto offset = message.queue_offset();
        *most             = std::max(*most, ++*inside);
        manual_runtime::timer timer(*runtime);
        timer.expires_at(runtime->now() + 10ms);
        co_await timer.async_wait(detail::await_tuple<manual_runtime::executor_type>);
        --*inside;
        seen->push_back(offset);
        if (offset == 101)
            throw std::runtime_error("later");
        co_return consume_result::success;
    }
};

TEST_CASE("awaitable calls keep the order of a queue; as many queues as threads are consumed at once", "[orderly]") {
    manual_runtime* runtime = nullptr;
    std::vector<queue_offset> seen;
    int inside = 0, most = 0;
    struct listener_type {
        manual_runtime** runtime;
        slow_listener rest;
        task<consume_result> operator()(const message_view& message) {
            rest.runtime = *runtime;
            return rest(message);
        }
    };
    const auto at = make_stage<inline_executor>(
        orderly<listener_type>(listener_type{&runtime, {nullptr, &seen, &inside, &most}}));
    runtime = &at->runtime;
    static_assert(!std::remove_reference_t<decltype(*at)>::consumption_type::immediate);
    at->dispatch(0, offsets(0, 3));
    at->dispatch(1, offsets(100, 3));
    at->dispatch(2, offsets(200, 3));
    at->runtime.advance(25ms);
    CHECK(most == 2); // the options' threads
    CHECK(inside == 2);
    at->runtime.advance(1s);
    CHECK(seen == std::vector<queue_offset>{0, 100, 1, 101, 2, 200, 201, 202});
    CHECK(at->host->over.size() == 3);
    CHECK(at->queues[0].cache.committable() == 3);
    CHECK(at->queues[1].cache.committable() == 101); // the exception counts as failure
    CHECK(at->queues[1].order.ended == turn_step::pause);
    CHECK(at->host.use_count() == 1);
}

} // namespace
