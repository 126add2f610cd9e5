#include <rocketpush/fetch/popped_batch.hpp>

#include <chrono>
#include <limits>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr std::chrono::steady_clock::time_point noon{1000h};

TEST_CASE("a receipt is renewed at half of its time", "[pop]") {
    const auto times = receipt_times::of(noon, 60'000);
    CHECK(times.renew_at == noon + 30s);
    CHECK(times.expires_at == noon + 60s);
    CHECK(times.next() == noon + 30s);
}

TEST_CASE("whatever a broker says of the time, it is looked at once a second at most, and in a day", "[pop]") {
    for (const std::int64_t odd : {std::int64_t{0}, std::int64_t{-5}, std::numeric_limits<std::int64_t>::min()}) {
        const auto times = receipt_times::of(noon, odd);
        CHECK(times.expires_at == noon);
        CHECK(times.renew_at == noon + 1s);
    }
    CHECK(receipt_times::of(noon, std::numeric_limits<std::int64_t>::max()).expires_at == noon + 24h);
}

TEST_CASE("a record is finished when all of its messages are, and failed when one is and none is left", "[pop]") {
    popped_batch<true> batch;
    CHECK(batch.popped);
    batch.messages.resize(3);
    batch.prepare();
    const popped_record pair{.receipt = {}, .first = 1, .count = 2}, none{.receipt = {}, .first = 3, .count = 0};
    CHECK(batch.progress_of(none) == message_progress::finished);
    CHECK(batch.progress_of(pair) == message_progress::unfinished);
    batch.mark_finished(1);
    CHECK(batch.progress_of(pair) == message_progress::unfinished);
    batch.mark_failed(2, 7);
    CHECK(batch.progress_of(pair) == message_progress::failed);
    CHECK(batch.delay_level_of(pair) == 7);
    batch.mark_finished(2);
    CHECK(batch.progress_of(pair) == message_progress::finished);
}

} // namespace
