#include <rocketpush/fetch/process_queue.hpp>

#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;
using test::offsets;
using queue_type = process_queue<false>;
using batch_type = queue_type::batch_type;

struct queue_fixture {
    detail::block_pool blocks;
    batch_pool<false> batches;
    int recycled = 0;

    /// Appends a pulled batch, as the fetch loop does.
    batch_type& pull(queue_type& queue, const std::vector<queue_offset>& at, queue_offset next) {
        auto batch = batches.take();
        test::fill(*batch, blocks, at);
        auto& kept = queue.append(std::move(batch));
        queue.advance(next);
        return kept;
    }
    void finish(batch_type& batch) {
        for (std::uint32_t i = 0; i < batch.size(); ++i) batch.mark_finished(i);
        batch.heard = true;
    }
    void retire(queue_type& queue) {
        queue.retire_finished([this](auto batch) {
            ++recycled;
            batches.give_back(std::move(batch));
        });
    }
};

TEST_CASE_METHOD(queue_fixture, "an empty queue's committable offset is that of the next pull", "[process_queue]") {
    queue_type queue(100);
    CHECK(queue.empty());
    CHECK(queue.next_pull() == 100);
    CHECK(queue.committable() == 100);
    CHECK(queue.next_pull() - queue.committable() == 0);
    queue.advance(150); // a filter removed fifty
    CHECK(queue.committable() == 150);
    CHECK_FALSE(queue.busy());
}

TEST_CASE_METHOD(queue_fixture, "what is held is counted until it is finished", "[process_queue]") {
    queue_type queue(0);
    auto& first           = pull(queue, offsets(0, 10), 10);
    auto& second          = pull(queue, offsets(10, 5), 15);
    const auto first_size = first.held_bytes(), second_size = second.held_bytes();
    CHECK(queue.cached_messages() == 15);
    CHECK(queue.cached_bytes() == first_size + second_size);
    CHECK(queue.next_pull() - queue.committable() == 15);

    finish(first);
    retire(queue);
    CHECK(recycled == 1);
    CHECK(queue.cached_messages() == 5);
    CHECK(queue.cached_bytes() == second_size);
    CHECK(queue.committable() == 10);
    finish(second);
    retire(queue);
    CHECK(queue.empty());
    CHECK(queue.cached_messages() == 0);
    CHECK(queue.cached_bytes() == 0);
    CHECK(queue.committable() == 15);
    CHECK(blocks.live_bytes() == 0);
}

TEST_CASE_METHOD(queue_fixture, "the committable offset never passes an unfinished message", "[process_queue]") {
    std::mt19937 random(GENERATE(1u, 2u, 3u, 4u, 5u));
    queue_type queue(0);
    std::set<queue_offset> unfinished;
    std::vector<batch_type*> open;
    queue_offset next = 0, before = 0;
    for (int step = 0; step < 2000; ++step) {
        if (random() % 3 == 0) {
            std::vector<queue_offset> at;
            for (auto count = 1 + random() % 5; count != 0; --count)
                at.push_back(next += random() % 4 == 0 ? 2 : 1); // some were filtered out
            unfinished.insert(at.begin(), at.end());
            next += 1 + random() % 2;
            open.push_back(&pull(queue, at, next));
        } else if (!open.empty()) {
            const auto which = random() % open.size();
            auto& batch      = *open[which];
            const auto index = static_cast<std::uint32_t>(random() % batch.size());
            if (batch.progress(index) == message_progress::unfinished) {
                batch.mark_finished(index);
                unfinished.erase(batch.messages[index].queue_offset);
            }
            if (batch.unfinished_count() == 0) {
                batch.heard = true;
                open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
                retire(queue);
            }
        }
        const auto committable = queue.committable();
        REQUIRE(committable == (unfinished.empty() ? queue.next_pull() : *unfinished.begin()));
        REQUIRE(committable >= before);
        before = committable;
    }
}

TEST_CASE_METHOD(queue_fixture, "a batch that is finished early lets go of its bytes and keeps its place",
                 "[process_queue]") {
    queue_type queue(0);
    auto& first  = pull(queue, offsets(0, 10), 10);
    auto& second = pull(queue, offsets(10, 10), 20);
    finish(second);
    retire(queue);
    CHECK(recycled == 0);
    CHECK(queue.cached_messages() == 10);
    CHECK(queue.cached_bytes() == first.held_bytes());
    CHECK(blocks.live_bytes() == first.frame.capacity());
    CHECK(queue.committable() == 0);
    CHECK(queue.next_pull() - queue.committable() == 20);
    retire(queue); // again counts nothing twice
    CHECK(queue.cached_messages() == 10);

    finish(first);
    retire(queue);
    CHECK(recycled == 2);
    CHECK(queue.empty());
    CHECK(queue.committable() == 20);
}

TEST_CASE_METHOD(queue_fixture, "a batch is kept until its last runner has left and its send-backs are confirmed",
                 "[process_queue]") {
    queue_type queue(0);
    auto& batch = pull(queue, offsets(0, 2), 2);
    batch.enter();
    batch.mark_finished(0);
    batch.mark_finished(1);
    CHECK(queue.busy());
    retire(queue); // marks are complete, the runner is still inside
    CHECK(queue.cached_messages() == 2);
    CHECK(queue.committable() == 2); // but an offset may pass what is finished

    CHECK(batch.leave());
    batch.heard           = true;
    batch.under_send_back = 1;
    CHECK(queue.busy());
    retire(queue);
    CHECK(queue.cached_messages() == 2);

    batch.under_send_back = 0;
    CHECK_FALSE(queue.busy());
    retire(queue);
    CHECK(queue.empty());
}

TEST_CASE_METHOD(queue_fixture, "a message on its way back to the broker holds the offset", "[process_queue]") {
    queue_type queue(0);
    auto& batch = pull(queue, offsets(0, 3), 3);
    batch.mark_finished(0);
    batch.mark_failed(1, 0);
    batch.mark_finished(2);
    batch.heard = true;
    CHECK(queue.committable() == 1);
    batch.set_progress(1, message_progress::sending_back);
    CHECK(queue.committable() == 1);
    retire(queue);
    CHECK_FALSE(queue.empty());
    batch.set_progress(1, message_progress::finished);
    CHECK(queue.committable() == 3);
    retire(queue);
    CHECK(queue.empty());
}

TEST_CASE_METHOD(queue_fixture, "what a filter removed behind the last message is committed with it",
                 "[process_queue]") {
    queue_type queue(0);
    auto& batch = pull(queue, {3, 4}, 30); // 5 to 29 were not wanted
    CHECK(queue.committable() == 3);       // 0 to 2 neither
    CHECK(queue.next_pull() - queue.committable() == 27);
    batch.mark_finished(0);
    CHECK(queue.committable() == 4);
    batch.mark_finished(1);
    CHECK(queue.committable() == 30);
}

TEST_CASE_METHOD(queue_fixture, "a queue that is given up still runs what lies before a message that was begun",
                 "[process_queue]") {
    queue_type queue(0);
    auto& first      = pull(queue, offsets(0, 4), 4);
    auto& second     = pull(queue, offsets(4, 4), 8);
    auto& third      = pull(queue, offsets(8, 4), 12);
    const auto begun = second.claim(1); // by a second runner, before the first batch is through
    queue.cancel_behind_last_claimed();
    CHECK_FALSE(static_cast<bool>(second.claim(1)));
    CHECK_FALSE(static_cast<bool>(third.claim(1)));
    CHECK(queue.consuming());
    const auto before = first.claim(8);
    REQUIRE(before.count == 4);
    for (auto i = before.first; i < before.first + before.count; ++i) first.mark_finished(i);
    second.mark_finished(begun.first);
    first.hear();
    CHECK_FALSE(queue.consuming());
    CHECK(queue.busy()); // the second and third are still in an executor's line
    CHECK(queue.committable() == 5); // nothing that ran lies behind it
    queue.clear([this](auto batch) { batches.give_back(std::move(batch)); });
}

TEST_CASE_METHOD(queue_fixture, "a queue that is given up starts no more calls and forgets what it held",
                 "[process_queue]") {
    queue_type queue(0);
    auto& first      = pull(queue, offsets(0, 4), 4);
    auto& second     = pull(queue, offsets(4, 4), 8);
    const auto slice = first.claim(2);
    queue.cancel_unclaimed();
    CHECK_FALSE(static_cast<bool>(first.claim(1)));
    CHECK_FALSE(static_cast<bool>(second.claim(1)));
    first.mark_finished(slice.first);
    first.mark_finished(slice.first + 1);
    CHECK(queue.committable() == 2);
    queue.clear([this](auto batch) {
        ++recycled;
        batches.give_back(std::move(batch));
    });
    CHECK(recycled == 2);
    CHECK(queue.empty());
    CHECK(queue.cached_messages() == 0);
    CHECK(blocks.live_bytes() == 0);
}

} // namespace
