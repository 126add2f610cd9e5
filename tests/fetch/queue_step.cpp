#include <rocketpush/fetch/queue_step.hpp>

#include <set>
#include <string>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace std::chrono_literals;

TEST_CASE("every step of a queue has words of its own", "[fetch]") {
    std::set<std::string_view> words;
    for (int step = 0; step <= static_cast<int>(queue_step::handing_over); ++step)
        CHECK(words.insert(to_string(static_cast<queue_step>(step))).second);
    CHECK(to_string(queue_step::asking) == "waiting for its broker's answer");
}

TEST_CASE("a queue's mark says where it is and since when", "[fetch]") {
    step_mark mark;
    CHECK(mark.since == step_mark::time_point::max());
    const step_mark::time_point now{5s};
    mark.enter(queue_step::waiting, now, now + 1s);
    CHECK(mark.until == now + 1s);
    mark.enter(queue_step::asking, now + 2s);
    CHECK(mark.step == queue_step::asking);
    CHECK(mark.since == now + 2s);
    CHECK(mark.until == step_mark::time_point::max());
}
