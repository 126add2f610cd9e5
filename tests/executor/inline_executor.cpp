#include <rocketpush/executor/inline_executor.hpp>

#include "tests/support/archetypes/executor_policy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/laws/executor_policy.hpp"

namespace {

using namespace rocketpush;

TEST_CASE("inline_executor keeps the laws of every executor", "[executor]") {
    test::check_executor_laws([] { return inline_executor{}; });
}

TEST_CASE("inline_executor costs nothing", "[executor]") {
    STATIC_REQUIRE(std::is_empty_v<inline_executor>);
    STATIC_REQUIRE_FALSE(has_asio_executor<inline_executor>);
    inline_executor().execute(test::job_archetype(0));
}

} // namespace
