#include <rocketpush/fetch/pulled_batch.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <latch>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;
using test::fill;
using test::offsets;

TEMPLATE_TEST_CASE("each message of a batch is claimed once", "[batch]", std::true_type, std::false_type) {
    detail::block_pool pool;
    pulled_batch<TestType::value> batch;
    fill(batch, pool, offsets(7, 5));
    CHECK(batch.size() == 5);
    CHECK(batch.has_unclaimed());
    const auto first = batch.claim(2), second = batch.claim(2), third = batch.claim(2), fourth = batch.claim(2);
    CHECK((first.first == 0 && first.count == 2));
    CHECK((second.first == 2 && second.count == 2));
    CHECK((third.first == 4 && third.count == 1)); // what is left
    CHECK_FALSE(static_cast<bool>(fourth));
    CHECK_FALSE(batch.has_unclaimed());
    CHECK(batch.views(third).size() == 1);
    CHECK(batch.views(third)[0].body() == "11");
    CHECK(batch.views(second)[1].queue_offset() == 10);
}

TEMPLATE_TEST_CASE("what a listener says of a message that was taken from it is not heard", "[batch]", std::true_type,
                   std::false_type) {
    detail::block_pool pool;
    pulled_batch<TestType::value> batch;
    fill(batch, pool, offsets(7, 3));
    CHECK(batch.claimed_count() == 0);
    batch.claim(2);
    CHECK(batch.claimed_count() == 2);
    batch.mark_finished(1);
    CHECK_FALSE(batch.take_over(1)); // it has answered
    CHECK(batch.take_over(0));
    CHECK_FALSE(batch.take_over(0)); // once
    CHECK(batch.progress(0) == message_progress::sending_back);
    batch.mark_failed(0, 5);
    CHECK(batch.progress(0) == message_progress::sending_back);
    CHECK(batch.first_unfinished() == 7);
    CHECK_FALSE(batch.succeeded_late(0));
    batch.mark_finished(0);
    CHECK(batch.succeeded_late(0));
    CHECK_FALSE(batch.succeeded_late(1)); // in time
    CHECK(batch.first_unfinished() == 7); // until the broker has it
    batch.tally.succeeded.store(3);
    batch.hear();
    CHECK(batch.first_unfinished() == 7);
    batch.set_progress(0, message_progress::finished);
    CHECK(batch.first_unfinished() == 9);

    batch.prepare(); // for the next pull
    CHECK(batch.progress(0) == message_progress::unfinished);
    batch.mark_finished(0);
    CHECK(batch.progress(0) == message_progress::finished);
}

TEMPLATE_TEST_CASE("the first unfinished message is where a group has to go on", "[batch]", std::true_type,
                   std::false_type) {
    detail::block_pool pool;
    pulled_batch<TestType::value> batch;
    fill(batch, pool, {7, 8, 12, 13}); // a filter removed some between
    CHECK(batch.first_unfinished() == 7);
    batch.mark_finished(1);
    CHECK(batch.first_unfinished() == 7);
    batch.mark_finished(0);
    CHECK(batch.first_unfinished() == 12);
    CHECK(batch.unfinished_count() == 2);
    batch.mark_failed(2, 5);
    CHECK(batch.first_unfinished() == 12); // one that failed is unfinished
    CHECK(batch.progress(2) == message_progress::failed);
    CHECK(batch.delay_level(2) == 5);
    batch.mark_finished(3);
    batch.set_progress(2, message_progress::sending_back);
    CHECK(batch.first_unfinished() == 12); // and one on its way back as well
    batch.set_progress(2, message_progress::finished);
    CHECK_FALSE(batch.first_unfinished().has_value());
    CHECK(batch.unfinished_count() == 0);
}

TEMPLATE_TEST_CASE("the runner that leaves last is told so", "[batch]", std::true_type, std::false_type) {
    detail::block_pool pool;
    pulled_batch<TestType::value> batch;
    fill(batch, pool, offsets(0, 3));
    CHECK_FALSE(batch.running());
    batch.enter();
    batch.enter();
    CHECK(batch.running());
    CHECK_FALSE(batch.leave());
    CHECK(batch.running());
    CHECK(batch.leave());
    CHECK_FALSE(batch.running());
}

TEMPLATE_TEST_CASE("cancelling leaves running slices alone and gives out no others", "[batch]", std::true_type,
                   std::false_type) {
    detail::block_pool pool;
    pulled_batch<TestType::value> batch;
    fill(batch, pool, offsets(0, 10));
    const auto running = batch.claim(4);
    batch.cancel_unclaimed();
    CHECK_FALSE(batch.has_unclaimed());
    CHECK_FALSE(static_cast<bool>(batch.claim(4)));
    for (auto i = running.first; i < running.first + running.count; ++i) batch.mark_finished(i);
    CHECK(batch.first_unfinished() == 4); // the others come again to whoever reads the queue next
}

TEMPLATE_TEST_CASE("a batch that is used again remembers nothing", "[batch]", std::true_type, std::false_type) {
    detail::block_pool pool;
    pulled_batch<TestType::value> batch;
    fill(batch, pool, offsets(0, 40));
    static_cast<void>(batch.claim(100));
    for (std::uint32_t i = 0; i < 40; ++i) batch.mark_failed(i, 3);
    batch.tally.calls.fetch_add(40);
    batch.tally.failed.fetch_add(40);
    batch.heard           = true;
    batch.under_send_back = 2;
    batch.clear();
    CHECK(batch.size() == 0);
    CHECK(batch.held_bytes() == 0);
    CHECK(pool.live_bytes() == 0);

    for (const int count : {3, 100}) { // fewer than before, and more than there was room for
        fill(batch, pool, offsets(500, count));
        CHECK(batch.size() == static_cast<std::uint32_t>(count));
        CHECK_FALSE(batch.heard);
        CHECK(batch.under_send_back == 0);
        CHECK(batch.tally.calls.load() == 0);
        CHECK(batch.tally.failed.load() == 0);
        CHECK(batch.first_unfinished() == 500);
        CHECK(batch.unfinished_count() == static_cast<std::size_t>(count));
        CHECK(batch.delay_level(0) == 0);
        CHECK(batch.claim(1).first == 0);
        batch.clear();
    }
}

TEST_CASE("a batch without its bytes still knows its offsets", "[batch]") {
    detail::block_pool pool;
    pulled_batch<false> batch;
    fill(batch, pool, offsets(7, 2));
    CHECK(batch.held_bytes() == batch.frame_size);
    CHECK_FALSE(batch.released());
    batch.mark_finished(0);
    batch.mark_finished(1);
    batch.release_bytes();
    CHECK(batch.released());
    CHECK(batch.held_bytes() == 0);
    CHECK(pool.live_bytes() == 0);
    CHECK(batch.size() == 2);
    CHECK_FALSE(batch.first_unfinished().has_value());
}

TEST_CASE("threads claim each message once, and the strand sees all their marks", "[batch]") {
    constexpr int threads = 4, messages = 1000;
    detail::block_pool pool;
    pulled_batch<true> batch;
    for (int round = 0; round < 20; ++round) {
        fill(batch, pool, offsets(round, messages));
        std::vector<std::atomic<int>> claims(messages);
        std::atomic<int> last_leaves{0};
        std::latch together(threads);
        std::vector<std::thread> runners;
        for (int i = 0; i < threads; ++i) batch.enter();
        for (int i = 0; i < threads; ++i)
            runners.emplace_back([&, most = static_cast<std::uint32_t>(1 + i * 3)] {
                together.arrive_and_wait();
                std::uint64_t good = 0;
                while (const auto slice = batch.claim(most))
                    for (auto each = slice.first; each < slice.first + slice.count; ++each) {
                        claims[each].fetch_add(1);
                        ++good;
                        if (each % 10 == 9)
                            batch.mark_failed(each, static_cast<int>(each));
                        else
                            batch.mark_finished(each);
                    }
                batch.tally.succeeded.fetch_add(good, std::memory_order_relaxed);
                if (batch.leave()) // now everybody's marks are visible here
                    last_leaves.fetch_add(batch.unfinished_count() == messages / 10 ? 1 : 100);
            });
        for (auto& each : runners) each.join();
        CHECK(std::ranges::all_of(claims, [](const auto& count) { return count.load() == 1; }));
        CHECK(last_leaves.load() == 1);
        CHECK(batch.tally.succeeded.load() == messages);
        CHECK(batch.first_unfinished() == round + 9);
        CHECK(batch.delay_level(19) == 19);
        batch.clear();
    }
}

TEST_CASE("marks may be read while runners set them, and only grow", "[batch]") {
    constexpr int messages = 5000;
    detail::block_pool pool;
    pulled_batch<true> batch;
    fill(batch, pool, offsets(0, messages));
    std::latch together(2);
    std::thread runner([&] {
        together.arrive_and_wait();
        while (const auto slice = batch.claim(1)) batch.mark_finished(slice.first);
    });
    together.arrive_and_wait();
    queue_offset before = 0;
    while (const auto now = batch.first_unfinished()) {
        if (*now < before) FAIL("the committable offset went back");
        before = *now;
    }
    runner.join();
    CHECK(batch.unfinished_count() == 0);
}

TEST_CASE("a pool keeps batches up to its limit, with the room they have", "[batch]") {
    detail::block_pool blocks;
    batch_pool<false> pool(1);
    auto first          = pool.take();
    auto second         = pool.take();
    const auto* address = first.get();
    fill(*first, blocks, offsets(0, 50));
    pool.give_back(std::move(first));
    pool.give_back(std::move(second)); // beyond the limit
    CHECK(blocks.live_bytes() == 0);
    const auto again = pool.take();
    CHECK(again.get() == address);
    CHECK(again->messages.empty());
    CHECK(again->messages.capacity() >= 50);
    CHECK(pool.take().get() != address);
}

} // namespace
