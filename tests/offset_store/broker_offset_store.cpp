#include <rocketpush/offset_store/broker_offset_store.hpp>

#include <chrono>
#include <optional>
#include <system_error>

#include "tests/support/catch.hpp"
#include "tests/support/laws/offset_store.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

TEST_CASE("broker_offset_store keeps the laws of every store", "[offset_store]") {
    test::check_offset_store_laws(broker_offset_store{}, /*loses_touch=*/true);
}

TEST_CASE("a write is confirmed when the broker has answered, not before", "[offset_store]") {
    test::manual_runtime runtime;
    test::fake_offset_access access{.runtime = runtime, .delay = 100ms};
    broker_offset_store store;
    std::optional<std::error_code> written;
    test::begin(runtime, store.write(access, {"orders", "broker-a", 0}, 9), written);
    runtime.advance(99ms);
    CHECK_FALSE(written);
    CHECK(access.stored.empty());
    runtime.advance(1ms);
    REQUIRE(written);
    CHECK_FALSE(*written);
    CHECK(access.stored.at({"orders", "broker-a", 0}) == 9);
}

} // namespace
