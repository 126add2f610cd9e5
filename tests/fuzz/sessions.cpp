// Whole sessions of a concurrent consumer with a hostile broker, that is pulled from or popped from as it says itself.
// Input: see run_hostile_session.

#include <rocketpush/allocation/broker_allocation.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "tests/fuzz/support/hostile_session.hpp"

using namespace rocketpush;

namespace {

using consumer = consumer_of<test::noting_listener, memory_transport, broker_allocation<>, inline_executor, no_observer,
                             test::manual_runtime>;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::run_hostile_session<consumer>(
        test::fuzz_input(data, size), [](auto notes) { return test::noting_listener{std::move(notes)}; },
        broker_allocation<>());
    return 0;
}
