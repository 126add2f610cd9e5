#include <rocketpush/embedded/broker_options.hpp>

#include "tests/support/catch.hpp"

using rocketpush::embedded::broker_options;
using rocketpush::embedded::describe_problem;
using namespace std::chrono_literals;

namespace {

template <class Change>
std::string_view problem_of(Change change) {
    broker_options options;
    change(options);
    return describe_problem(options);
}

} // namespace

TEST_CASE("the default options are fine, and each wrong one is named", "[embedded]") {
    CHECK(problem_of([](auto&) {}).empty());
    CHECK(problem_of([](auto& o) { o.name = "broker a"; }).find("name") == 0);
    CHECK(problem_of([](auto& o) { o.cluster.clear(); }).find("cluster") != std::string_view::npos);
    CHECK(problem_of([](auto& o) { o.version = -1; }).find("version") == 0);
    CHECK(problem_of([](auto& o) { o.auto_queues = 0; }).find("auto_queues") == 0);
    CHECK(problem_of([](auto& o) { o.retry_queues = -1; }).find("retry_queues") != std::string_view::npos);
    CHECK(problem_of([](auto& o) { o.delay_levels = {}; }).find("delay_levels") == 0);
    CHECK(problem_of([](auto& o) { o.delay_levels = {-1ms}; }).find("delay_levels") == 0);
    CHECK(problem_of([](auto& o) { o.delay_levels = {1ms, std::chrono::hours(24 * 3650) + 1ms}; }).find("delay_levels") == 0);
    CHECK(problem_of([](auto& o) { o.delay_levels = {std::chrono::milliseconds::max()}; }).find("delay_levels") == 0);
    CHECK(problem_of([](auto& o) { o.delay_levels = {0ms, std::chrono::hours(24 * 3650)}; }).empty());
    CHECK(problem_of([](auto& o) { o.pull_messages = 0; }).find("pull_messages") == 0);
    CHECK(problem_of([](auto& o) { o.frame_limit = 1024 * 1024; }).find("max_message_body") != std::string_view::npos);
    CHECK(problem_of([](auto& o) { o.frame_limit = 64 * 1024 * 1024; }).find("frame_limit") == 0);
    CHECK(problem_of([](auto& o) { o.scan_interval = 0ms; }).find("scan_interval") == 0);
}
