#include <rocketpush/detail/block_pool.hpp>

#include <cstring>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::detail::block_pool;
using rocketpush::detail::block_ref;

TEST_CASE("a block is at least as large as asked for, and a power of two", "[block_pool]") {
    block_pool pool;
    CHECK(pool.take(1).capacity() == 4096);
    CHECK(pool.take(4096).capacity() == 4096);
    CHECK(pool.take(4097).capacity() == 8192);
    CHECK(pool.take(100'000).capacity() == 131'072);
    CHECK(pool.take(block_pool::largest).capacity() == 32u << 20);
}

TEST_CASE("a returned block is given out again", "[block_pool]") {
    block_pool pool;
    const char* first = nullptr;
    {
        const auto block = pool.take(5000);
        first            = block.data();
        std::memset(block.data(), 'x', block.capacity());
    }
    CHECK(pool.retained_bytes() == 8192);
    const auto other_size = pool.take(100);
    CHECK(other_size.data() != first);
    const auto again = pool.take(8192);
    CHECK(again.data() == first);
    CHECK(pool.retained_bytes() == 0);
}

TEST_CASE("live bytes are what the blocks in use really hold", "[block_pool]") {
    block_pool pool;
    auto small = pool.take(10);
    auto large = pool.take(70'000);
    CHECK(pool.live_bytes() == 4096 + 131'072);
    large = {};
    CHECK(pool.live_bytes() == 4096);
    small = pool.take(5000); // the old one goes back when the new one is there
    CHECK(pool.live_bytes() == 8192);
    small = {};
    CHECK(pool.live_bytes() == 0);
}

TEST_CASE("a shared block goes back with its last share", "[block_pool]") {
    block_pool pool;
    auto first = pool.take(10);
    CHECK_FALSE(first.shared());
    block_ref second = first;
    CHECK(first.shared());
    CHECK(second.data() == first.data());

    block_ref moved = std::move(first);
    CHECK_FALSE(static_cast<bool>(first)); // NOLINT: a moved-from share is empty
    CHECK(moved.shared());
    second = {};
    CHECK_FALSE(moved.shared());
    CHECK(pool.live_bytes() == 4096);

    block_ref& itself = moved;
    moved             = itself;
    CHECK(static_cast<bool>(moved));
    CHECK_FALSE(moved.shared());
    moved = {};
    CHECK(pool.live_bytes() == 0);
}

TEST_CASE("unused blocks are kept up to the limit only", "[block_pool]") {
    block_pool pool(3 * 4096);
    {
        std::vector<block_ref> held;
        for (int i = 0; i < 5; ++i) held.push_back(pool.take(1));
        CHECK(pool.live_bytes() == 5 * 4096);
    }
    CHECK(pool.live_bytes() == 0);
    CHECK(pool.retained_bytes() == 3 * 4096);
    { const auto beyond_the_limit = pool.take(16'384); }
    CHECK(pool.retained_bytes() == 3 * 4096);
}

TEST_CASE("an empty share is no block", "[block_pool]") {
    const block_ref none;
    CHECK_FALSE(static_cast<bool>(none));
    const block_ref copy = none; // NOLINT
    CHECK_FALSE(static_cast<bool>(copy));
}

} // namespace
