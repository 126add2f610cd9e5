#include <rocketpush/consume/queue_order.hpp>
#include <rocketpush/fetch/process_queue.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::offsets;

constexpr std::chrono::steady_clock::time_point start{1h};
constexpr auto every_batch = std::size_t{1000};

/// A queue with batches of messages, and its order.
struct order_fixture {
    detail::block_pool pool;
    process_queue<false> cache{0};
    queue_order<false> order;

    order_fixture() { order.lock.not_needed(); }

    pulled_batch<false>& add(const std::vector<queue_offset>& at) {
        auto batch = std::make_unique<pulled_batch<false>>();
        test::fill(*batch, pool, at);
        batch->heard = true;
        cache.advance(at.back() + 1);
        return cache.append(std::move(batch));
    }
    void plan(std::uint32_t messages_a_call = 1, std::size_t most = every_batch) {
        order.plan(cache, most, messages_a_call);
        order.claim();
        order.turn.begin(start);
    }
    /// The offsets of each call of a turn that ends by itself; all succeed.
    std::vector<std::vector<queue_offset>> run(std::uint32_t most) {
        std::vector<std::vector<queue_offset>> calls;
        while (const auto call = order.next_call(most, false, start)) {
            calls.emplace_back();
            for (const auto& each : call.batch->views(call.slice)) calls.back().push_back(each.queue_offset());
            for (auto i = call.slice.first; i < call.slice.first + call.slice.count; ++i) call.batch->mark_finished(i);
        }
        return calls;
    }
};
using calls = std::vector<std::vector<queue_offset>>;

TEST_CASE_METHOD(order_fixture, "a turn goes through all batches in the order of their offsets", "[orderly]") {
    add({0, 1, 2});
    add({3, 4});
    plan(2);
    CHECK(order.has_plan());
    CHECK(order.planned_calls() == 3);
    CHECK(run(2) == calls{{0, 1}, {2}, {3, 4}}); // a call's messages are of one batch
    CHECK(order.ended == turn_step::idle);
    CHECK(cache.committable() == 5);
    plan();
    CHECK_FALSE(order.has_plan());
}

TEST_CASE_METHOD(order_fixture, "a turn may be kept to some batches, and the next one goes on behind", "[orderly]") {
    add({0, 1});
    add({2, 3});
    plan(1, 1);
    CHECK(run(1) == calls{{0}, {1}});
    plan(1, 1);
    CHECK(run(1) == calls{{2}, {3}});
}

TEST_CASE_METHOD(order_fixture, "a call that failed ends the turn, and the next one begins with its messages", "[orderly]") {
    add({0, 1, 2, 3});
    add({4});
    plan(2);
    order.next_call(1, false, start).batch->mark_finished(0);
    const auto failed = order.next_call(2, false, start);
    CHECK(failed.slice.first == 1);
    order.suspend(failed, 1s, start);
    CHECK_FALSE(order.next_call(2, false, start + 1h)); // however late it is: nothing behind comes first
    CHECK(order.ended == turn_step::pause);
    CHECK(order.failed.slice.count == 2);
    CHECK(order.turn.paused_until() == start + 1s);
    order.turn.end_pause();
    plan(2);
    CHECK_FALSE(order.failed);
    CHECK(run(2) == calls{{1, 2}, {3}, {4}});
}

TEST_CASE_METHOD(order_fixture, "what was taken out of a batch is left out, and no call has a gap", "[orderly]") {
    auto& batch = add({0, 1, 2, 3, 4});
    batch.mark_finished(1); // a dead letter by now
    batch.mark_finished(4);
    plan(4);
    CHECK(run(4) == calls{{0}, {2, 3}});
}

TEST_CASE_METHOD(order_fixture, "before each call it is asked what is in the way", "[orderly]") {
    add({0, 1, 2});
    SECTION("the queue was given up") {
        plan();
        CHECK(order.next_call(1, false, start));
        order.give_up();
        CHECK_FALSE(order.next_call(1, false, start));
        CHECK(order.ended == turn_step::give_up);
    }
    SECTION("the consumer is abandoned") {
        plan();
        CHECK_FALSE(order.next_call(1, true, start));
        CHECK(order.ended == turn_step::give_up);
    }
    SECTION("the lock has expired") {
        queue_order<false> locked;
        locked.lock.confirmed(start, start);
        locked.plan(cache, every_batch, 1);
        locked.turn.begin(start);
        CHECK(locked.next_call(1, false, start + 29s));
        CHECK(locked.may_commit(test::manual_runtime()) == false);
        CHECK_FALSE(locked.next_call(1, false, start + 30s));
        CHECK(locked.ended == turn_step::lock_first);
    }
    SECTION("the turn is over") {
        plan();
        CHECK(order.next_call(1, false, start + 60s));
        CHECK_FALSE(order.next_call(1, false, start + 61s));
        CHECK(order.ended == turn_step::yield);
    }
}

TEST_CASE_METHOD(order_fixture, "what a listener keeps is neither committable nor given again until it commits", "[orderly]") {
    add({0, 1});
    add({2, 3});
    plan();
    for (int i = 0; i < 3; ++i) order.keep(order.next_call(1, false, start));
    CHECK(cache.committable() == 0);
    plan(); // another turn
    const auto last = order.next_call(1, false, start);
    CHECK(last.batch->views(last.slice).front().queue_offset() == 3);
    order.keep(last);
    order.commit();
    CHECK(cache.committable() == 4);
}

TEST_CASE_METHOD(order_fixture, "a rollback gives back all since the last commit, and not more", "[orderly]") {
    add({0, 1});
    add({2, 3});
    plan();
    order.keep(order.next_call(1, false, start));
    order.commit();
    order.keep(order.next_call(1, false, start));
    order.keep(order.next_call(1, false, start));
    order.roll_back();
    CHECK(cache.committable() == 1);
    plan();
    CHECK(run(1) == calls{{1}, {2}, {3}});
}

TEST_CASE_METHOD(order_fixture, "a turn is claimed by one runner, whatever copies of its job there are", "[orderly]") {
    add({0});
    order.plan(cache, every_batch, 1);
    CHECK(order.has_unclaimed());
    CHECK(order.claim());
    CHECK_FALSE(order.claim());
    CHECK_FALSE(order.has_unclaimed());
    CHECK(order.unclaimed_count() == 0);
    order.enter();
    order.enter();
    CHECK_FALSE(order.leave());
    CHECK(order.leave());
}

TEST_CASE_METHOD(order_fixture, "a queue is busy while a turn is out or its messages are being sent", "[orderly]") {
    CHECK_FALSE(order.busy());
    order.out = true;
    CHECK(order.busy());
    order.out     = false;
    order.sending = true;
    CHECK(order.busy());
    order.sending = false;
    order.held_up = true;
    CHECK_FALSE(order.busy());
    CHECK_FALSE(order.suspended());
    order.suspend({}, 1s, start);
    CHECK(order.suspended());
}

} // namespace
