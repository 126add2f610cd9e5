// As sessions.cpp, of a consumer in order: queues are locked at their brokers, and a queue's failed messages come again.
// Input: see run_hostile_session.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "tests/fuzz/support/hostile_session.hpp"

using namespace rocketpush;

namespace {

using consumer =
    consumer_of<orderly<test::noting_listener>, memory_transport, inline_executor, no_observer, test::manual_runtime>;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::run_hostile_session<consumer>(
        test::fuzz_input(data, size), [](auto notes) { return orderly(test::noting_listener{std::move(notes)}); });
    return 0;
}
