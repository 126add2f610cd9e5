#include <rocketpush/detail/shared_cell.hpp>

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::detail::plain_cell;
using rocketpush::detail::shared_cell;

static_assert(std::is_same_v<shared_cell<int, true>, std::atomic<int>>);
static_assert(std::is_same_v<shared_cell<int, false>, plain_cell<int>>);
static_assert(sizeof(shared_cell<std::uint32_t, false>) == sizeof(std::uint32_t));

TEMPLATE_TEST_CASE("a cell answers alike, whether it is shared between threads or not", "[shared_cell]", std::true_type,
                   std::false_type) {
    shared_cell<std::uint32_t, TestType::value> cell{7};
    CHECK(cell.load() == 7);
    cell.store(8, std::memory_order_release);
    CHECK(cell.exchange(10) == 8);
    CHECK(cell.fetch_add(5, std::memory_order_relaxed) == 10);
    CHECK(cell.fetch_sub(1) == 15);
    CHECK(cell.load(std::memory_order_acquire) == 14);
    CHECK(cell.fetch_sub(15) == 14);
    CHECK(cell.load() == 0xFFFFFFFFu); // wraps around, as an atomic does

    shared_cell<std::uint8_t, TestType::value> narrow{255};
    CHECK(narrow.fetch_add(1) == 255);
    CHECK(narrow.load() == 0);
}

} // namespace
