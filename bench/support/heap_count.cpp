#include "bench/support/process_cost.hpp"
#include "tests/support/allocation_count.hpp" // replaces operator new

namespace bench {

std::size_t heap_allocations() noexcept { return rocketpush::test::allocation_count; }

} // namespace bench
