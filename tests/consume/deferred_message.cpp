#include <rocketpush/consume/deferred_message.hpp>

#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
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

static_assert(listener<void (*)(deferred_message)>);
static_assert(listener<void (*)(deferred_message&&)>);
static_assert(!listener<consume_result (*)(deferred_message)>); // there is nothing to say yet
static_assert(!listener<void (*)(deferred_message&)>);
static_assert(listener_traits<void (*)(deferred_message)>::deferred);
static_assert(!listener_traits<void (*)(const message_view&)>::deferred);
constexpr auto generic = [](const auto&) {};
static_assert(!listener_traits<decltype(generic)>::deferred); // one that takes anything gets a message

static_assert(std::is_nothrow_move_constructible_v<deferred_message> && std::is_move_assignable_v<deferred_message>);
static_assert(!std::is_copy_constructible_v<deferred_message> && !std::is_copy_assignable_v<deferred_message>);

struct recording_observer : no_observer {
    std::vector<std::string>* events = nullptr;

    void before_consume(batch_of messages, const consume_context&) { note("before", messages); }
    void after_consume(batch_of messages, const consume_context& context, consume_result result) {
        note(result == consume_result::success ? "good" : "bad" + std::to_string(context.delay_level), messages);
    }
    void on_listener_exception(const message_queue& queue, std::exception_ptr) {
        if (events)
            events->push_back("threw in " + queue.topic);
    }
    void note(const std::string& what, batch_of messages) {
        if (!events)
            return;
        CHECK(messages.size() == 1);
        events->push_back(what + " " + std::string(messages.front().body()));
    }
};

struct fake_host {
    using batch_type = pulled_batch<true>;
    std::vector<batch_type*> ran;
    int failures_told = 0;

    void batch_ran(batch_type& batch) {
        CHECK_FALSE(batch.running());
        ran.push_back(&batch);
    }
    void batch_has_failed(batch_type&) { ++failures_told; }
};

using deferring = std::function<void(deferred_message)>;

/// A consumption with its surroundings, on the inline executor: the strand is this thread, messages may be completed by others.
struct stage {
    using consumption_type =
        concurrent_consumption<deferring, inline_executor, recording_observer, manual_runtime, fake_host>;
    using batch_type = consumption_type::batch_type;
    static_assert(std::is_same_v<batch_type, pulled_batch<true>>);
    static_assert(!consumption_type::immediate);

    explicit stage(deferring with = {})
        : consumption(with ? std::move(with) : deferring([this](deferred_message m) { kept.push_back(std::move(m)); }),
                      inline_executor(), observer, runtime) {
        consumption.start(1, 1);
    }

    ~stage() { // what is posted has a share of a batch
        kept.clear();
        runtime.run_ready();
    }

    batch_type& dispatch(const std::vector<queue_offset>& at) {
        batches.push_back(std::make_unique<batch_type>());
        test::fill(*batches.back(), pool, at);
        consumption.dispatch(*batches.back(), host);
        return *batches.back();
    }

    manual_runtime runtime;
    detail::block_pool pool;
    std::vector<std::unique_ptr<batch_type>> batches;
    std::shared_ptr<fake_host> host = std::make_shared<fake_host>();
    recording_observer observer;
    std::vector<deferred_message> kept;
    consumption_type consumption;
};

/// Follows calls, and keeps their ends.
struct following_observer : no_observer {
    std::vector<std::uint64_t>* begun   = nullptr;
    std::vector<listener_call>* ended = nullptr;
    void on_call_begun(batch_of, const listener_call& call) { begun->push_back(call.number); }
    void on_call_ended(batch_of, const listener_call& call) { ended->push_back(call); }
};

TEST_CASE("who follows calls hears of a deferred message's end under the number of its begin, whenever it comes", "[deferred]") {
    std::vector<std::uint64_t> begun;
    std::vector<listener_call> ended;
    std::vector<deferred_message> kept;
    manual_runtime runtime;
    detail::block_pool pool;
    following_observer observer;
    observer.begun = &begun;
    observer.ended = &ended;
    {
        concurrent_consumption<deferring, inline_executor, following_observer, manual_runtime, fake_host> consumption(
            [&](deferred_message message) {
                if (message->body() == "9")
                    throw std::runtime_error("no");
                kept.push_back(std::move(message));
            },
            inline_executor(), observer, runtime);
        consumption.start(1, 1);
        pulled_batch<true> batch;
        test::fill(batch, pool, offsets(7, 3));
        const auto host = std::make_shared<fake_host>();
        consumption.dispatch(batch, host);
        REQUIRE(begun.size() == 3);
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].outcome == call_outcome::threw);
        runtime.advance(40ms);
        kept[1].complete(consume_result::success);
        kept[0].complete(consume_result::reconsume_later);
        REQUIRE(ended.size() == 3);
        CHECK(ended[0].number == begun[2]);
        CHECK(ended[1].number == begun[1]);
        CHECK(ended[2].number == begun[0]);
        CHECK(ended[1].outcome == call_outcome::succeeded);
        CHECK(ended[2].outcome == call_outcome::failed);
        CHECK(ended[2].ended - ended[2].began() == 40ms);
        runtime.run_ready();
    }
}

TEST_CASE("deferred messages are completed in any order, and their batch has run with the last", "[deferred]") {
    stage at;
    auto& batch = at.dispatch(offsets(7, 3));
    at.runtime.run_ready();
    REQUIRE(at.kept.size() == 3);
    CHECK(at.kept[1]->body() == "8");
    CHECK((*at.kept[2]).queue_offset() == 9);
    CHECK(static_cast<bool>(at.kept[0]));
    CHECK(batch.first_unfinished() == 7);
    CHECK(at.host->ran.empty());

    at.kept[2].complete(consume_result::success);
    CHECK_FALSE(static_cast<bool>(at.kept[2]));
    at.kept[0].complete(consume_result::success);
    CHECK(batch.first_unfinished() == 8);
    at.runtime.run_ready();
    CHECK(at.host->ran.empty());
    at.kept[1].complete(consume_result::success);
    CHECK_FALSE(batch.first_unfinished().has_value());
    at.runtime.run_ready();
    CHECK(at.host->ran.size() == 1);
    CHECK(batch.tally.calls.load() == 3);
    CHECK(batch.tally.succeeded.load() == 3);
}

TEST_CASE("a deferred message may fail, at the level that is asked for", "[deferred]") {
    stage at;
    auto& batch = at.dispatch(offsets(7, 2));
    at.kept[1].complete(consume_result::reconsume_later, 5);
    CHECK(batch.progress(1) == message_progress::failed);
    CHECK(batch.delay_level(1) == 5);
    at.runtime.run_ready();
    CHECK(at.host->failures_told == 1); // at once, not with the batch's end
    CHECK(at.host->ran.empty());
    at.kept[0].complete(consume_result::success);
    at.runtime.run_ready();
    CHECK(at.host->ran.size() == 1);
    CHECK(batch.tally.failed.load() == 1);
}

TEST_CASE("a deferred message that is destroyed, overwritten or never taken comes again", "[deferred]") {
    std::optional<deferred_message> last;
    stage at([&](deferred_message message) {
        if (message->body() != "7") // that one goes here
            last = std::move(message);
    });
    auto& batch = at.dispatch(offsets(7, 3));
    CHECK(batch.progress(0) == message_progress::failed);
    CHECK(batch.progress(1) == message_progress::failed); // overwritten by the next
    CHECK(batch.progress(2) == message_progress::unfinished);
    last.reset();
    CHECK(batch.progress(2) == message_progress::failed);
    CHECK(batch.delay_level(2) == 0);
    at.runtime.run_ready();
    CHECK(at.host->ran.size() == 1);
}

TEST_CASE("moving a deferred message leaves nothing behind", "[deferred]") {
    stage at;
    auto& batch = at.dispatch(offsets(7, 1));
    deferred_message here(std::move(at.kept[0]));
    CHECK_FALSE(static_cast<bool>(at.kept[0]));
    at.kept.clear();
    CHECK(batch.progress(0) == message_progress::unfinished);
    CHECK(here->body() == "7");
    here.complete(consume_result::success);
    CHECK(batch.progress(0) == message_progress::finished);
}

TEST_CASE("observers hear of a deferred message when it begins and when it is completed", "[deferred]") {
    std::vector<std::string> events;
    stage at;
    at.observer.events = &events;
    at.dispatch(offsets(7, 2));
    CHECK(events == std::vector<std::string>{"before 7", "before 8"});
    at.kept[1].complete(consume_result::reconsume_later, 3);
    at.kept[0].complete(consume_result::success);
    CHECK(events == std::vector<std::string>{"before 7", "before 8", "bad3 8", "good 7"});
}

TEST_CASE("a listener that throws before it has kept its message gets it again", "[deferred]") {
    std::vector<std::string> events;
    stage at([](deferred_message) { throw std::runtime_error("no"); });
    at.observer.events = &events;
    auto& batch        = at.dispatch(offsets(7, 1));
    CHECK(batch.progress(0) == message_progress::failed);
    CHECK(events == std::vector<std::string>{"before 7", "bad0 7", "threw in orders"});
}

TEST_CASE("what is completed after the consumption was shut reaches nobody, and harms nothing", "[deferred]") {
    stage at;
    auto& batch = at.dispatch(offsets(7, 2));
    at.consumption.shut();
    at.kept[0].complete(consume_result::reconsume_later);
    CHECK(at.kept[1]->body() == "8");
    at.kept.clear();
    at.runtime.run_ready();
    CHECK_FALSE(batch.running());
    CHECK(at.host->ran.empty());
    CHECK(at.host->failures_told == 0);
    CHECK(at.host.use_count() == 1);
}

TEST_CASE("the time of a deferred message is counted until it is completed", "[deferred]") {
    stage at;
    auto& batch = at.dispatch(offsets(7, 1));
    at.runtime.advance(3s);
    at.kept[0].complete(consume_result::success);
    CHECK(batch.tally.nanoseconds.load() == 3'000'000'000u);
}

TEST_CASE("deferred messages are completed by several threads at once", "[deferred]") {
    for (int round = 0; round < 20; ++round) {
        stage at;
        auto& batch = at.dispatch(offsets(0, 64));
        REQUIRE(at.kept.size() == 64);
        std::latch go(4);
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                go.arrive_and_wait();
                for (auto i = t; i < 64; i += 4)
                    at.kept[i].complete(i % 8 == 0 ? consume_result::reconsume_later : consume_result::success);
            });
        for (auto& each : threads) each.join();
        at.runtime.run_ready();
        CHECK(at.host->ran.size() == 1);
        CHECK(batch.tally.calls.load() == 64);
        CHECK(batch.tally.succeeded.load() == 56);
        CHECK(batch.unfinished_count() == 8);
    }
}

} // namespace
