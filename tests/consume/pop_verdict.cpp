#include <rocketpush/consume/pop_verdict.hpp>

#include <chrono>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr popped_outcome running{};

constexpr popped_outcome failed(int level, int times) {
    return {.progress            = message_progress::failed,
            .delay_level         = level,
            .reconsume_times     = times,
            .max_reconsume_times = 16};
}

TEST_CASE("a message that a listener has is waited for", "[pop]") { CHECK(judge(running) == pop_verdict::wait); }

TEST_CASE("a consumed message is acknowledged, a failed one comes again until it has failed too often", "[pop]") {
    CHECK(judge({.progress = message_progress::finished}) == pop_verdict::acknowledge);
    CHECK(judge(failed(0, 0)) == pop_verdict::come_again);
    CHECK(judge(failed(5, 15)) == pop_verdict::come_again);
    CHECK(judge(failed(0, 16)) == pop_verdict::dead_letter);
    CHECK(judge(failed(0, 17)) == pop_verdict::dead_letter);
    CHECK(judge(failed(-1, 0)) == pop_verdict::dead_letter);
}

TEST_CASE("what nobody will consume here is handed back", "[pop]") {
    CHECK(judge({.abandoned = true}) == pop_verdict::hand_back);
    CHECK(judge({.progress = message_progress::finished, .abandoned = true}) == pop_verdict::acknowledge);
}

TEST_CASE("nothing is done with a receipt that has expired", "[pop]") {
    for (const auto progress : {message_progress::unfinished, message_progress::finished, message_progress::failed})
        for (const bool abandoned : {false, true})
            CHECK(judge({.progress = progress, .abandoned = abandoned, .expired = true}) == pop_verdict::expired);
}

TEST_CASE("the delay of a failed message is that of its level, or of how often it came again", "[pop]") {
    const std::chrono::seconds table[] = {10s,  30s,  1min, 2min,  3min,  4min,  5min,  6min,
                                          7min, 8min, 9min, 10min, 20min, 30min, 60min, 120min};
    for (int i = 0; i < 16; ++i) {
        CHECK(pop_retry_delay(0, i) == table[i]);
        if (i > 0)
            CHECK(pop_retry_delay(i, 3) == table[i]);
    }
    CHECK(pop_retry_delay(0, 16) == 2h);
    CHECK(pop_retry_delay(0, 2147483647) == 2h);
    CHECK(pop_retry_delay(0, -2147483647) == 10s);
}

} // namespace
