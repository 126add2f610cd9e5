#include <rocketpush/observe/statistics.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

TEST_CASE("counts of several queues add up, each figure", "[statistics]") {
    const work_counts one{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12ns, 13ns, 14, 15, 16};
    auto sum = one;
    sum += one;
    CHECK(sum.pulls == 2);
    CHECK(sum.pulled == 4);
    CHECK(sum.pulled_bytes == 6);
    CHECK(sum.filtered == 8);
    CHECK(sum.refetched == 10);
    CHECK(sum.bad == 12);
    CHECK(sum.calls == 14);
    CHECK(sum.succeeded == 16);
    CHECK(sum.failed == 18);
    CHECK(sum.sent_back == 20);
    CHECK(sum.dropped == 22);
    CHECK(sum.pull_time == 24ns);
    CHECK(sum.consume_time == 26ns);
    CHECK(sum.consumed_again == 28);
    CHECK(sum.timed_out == 30);
    CHECK(sum.acknowledged == 32);
}

TEST_CASE("a queue is paused on purpose when the user or an orderly listener wants it so, not when it is full",
          "[statistics]") {
    queue_statistics queue;
    CHECK_FALSE(queue.paused_on_purpose());
    queue.flow = flow_state::too_many_messages;
    CHECK_FALSE(queue.paused_on_purpose());
    queue.flow = flow_state::suspended;
    CHECK(queue.paused_on_purpose());
    queue.flow      = flow_state::open;
    queue.suspended = true;
    CHECK(queue.paused_on_purpose());
    popped_queue_statistics popped;
    CHECK_FALSE(popped.paused_on_purpose());
    popped.flow = flow_state::suspended;
    CHECK(popped.paused_on_purpose());
}

} // namespace
