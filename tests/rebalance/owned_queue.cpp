#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/fetch/popped_batch.hpp>
#include <rocketpush/fetch/popped_queue.hpp>
#include <rocketpush/rebalance/owned_queue.hpp>

#include <memory>
#include <utility>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace {

using namespace rocketpush;

struct no_connection {};

// A message on its way back to the broker keeps its queue, in whatever order a context destroys who waits in it.
TEST_CASE("a queue that outlives its consumer keeps the blocks that its messages lie in", "[owned_queue]") {
    test::manual_runtime runtime;
    const message_queue where{"orders", "broker-a", 0};
    auto blocks            = std::make_shared<detail::block_pool>();
    const std::weak_ptr in = blocks;

    auto owned   = std::make_shared<owned_queue<no_connection, test::manual_runtime, false, no_order>>(where, runtime, blocks);
    auto pulled  = std::make_unique<pulled_batch<false>>();
    auto popping = std::make_shared<popped_queue<no_connection, test::manual_runtime, popped_batch<false>>>(where, runtime, blocks);
    auto popped  = std::make_unique<popped_batch<false>>();
    test::fill(*pulled, *blocks, test::offsets(0, 3));
    test::fill(*popped, *blocks, test::offsets(0, 3));
    owned->cache.append(std::move(pulled));
    popping->batches.push_back(std::move(popped));
    blocks = nullptr;
    REQUIRE(in.lock()->live_bytes() != 0);
    owned = nullptr; // a pool that went before its blocks would say so
    CHECK_FALSE(in.expired());
    popping = nullptr;
    CHECK(in.expired());
}

} // namespace
