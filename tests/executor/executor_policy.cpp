#include "tests/support/archetypes/executor_policy.hpp"

#include <rocketpush/executor/executor_policy.hpp>

#include <chrono>
#include <cstddef>

#include "tests/support/catch.hpp"
#include "tests/support/laws/executor_policy.hpp"

namespace {

using namespace rocketpush;
using test::executor_archetype;
using test::job_archetype;

// Near misses: one requirement less each.

struct does_not_tell : executor_archetype {
    using executor_archetype::executor_archetype;
    bool concurrent = true; // no constant
};
static_assert(!tells_whether_concurrent<does_not_tell>);
static_assert(!executor_policy<does_not_tell>);

struct executes_only_functions : executor_archetype {
    using executor_archetype::executor_archetype;
    void execute(void (*)()) {}
};
static_assert(!executes_jobs<executes_only_functions>);
static_assert(!executor_policy<executes_only_functions>);

struct cannot_be_resized : executor_archetype {
    using executor_archetype::executor_archetype;
    void resize() {}
};
static_assert(!has_concurrency<cannot_be_resized>);
static_assert(!executor_policy<cannot_be_resized>);

struct starts_without_a_number : executor_archetype {
    using executor_archetype::executor_archetype;
    void start() {}
};
static_assert(!starts_and_joins<starts_without_a_number>);
static_assert(!executor_policy<starts_without_a_number>);

struct join_is_silent : executor_archetype {
    using executor_archetype::executor_archetype;
    void join(std::chrono::milliseconds) {}
};
static_assert(!starts_and_joins<join_is_silent>);
static_assert(!executor_policy<join_is_silent>);

struct executor_not_moved : executor_archetype {
    using executor_archetype::executor_archetype;
    executor_not_moved(executor_not_moved&&) = delete;
};
static_assert(!executor_policy<executor_not_moved>);

struct gives_no_asio_executor : executor_archetype {
    using executor_archetype::executor_archetype;
    int get_executor() const noexcept { return 0; }
};
static_assert(executor_policy<gives_no_asio_executor> && !has_asio_executor<gives_no_asio_executor>);

struct job_that_is_not_copied : job_archetype {
    using job_archetype::job_archetype;
    job_that_is_not_copied(const job_that_is_not_copied&) = delete;
};
static_assert(!executor_job<job_that_is_not_copied>);

struct wants_help_may_throw : job_archetype {
    bool wants_help() const { return false; }
};
static_assert(!executor_job<wants_help_may_throw>);

TEST_CASE("the archetype of an executor keeps the laws", "[executor]") {
    test::check_executor_laws([] { return executor_archetype(0); });
}

} // namespace
