#include <rocketpush/remoting/pending_requests.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/allocation_count.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using time_point = pending_requests::time_point;

constexpr time_point start{1000h};
constexpr auto never = time_point::max();

received_frame answer_to(std::int32_t opaque, std::string_view body = {}) {
    received_frame frame;
    frame.header.opaque = opaque;
    frame.body          = body;
    return frame;
}

/// What became of a request.
struct outcome {
    int calls = 0;
    std::error_code code;
    std::string body;

    auto handler() {
        return [this](std::error_code ec, received_frame frame) {
            ++calls;
            code = ec;
            body = frame.body;
        };
    }
};

TEST_CASE("responses find their requests in any order", "[pending_requests]") {
    pending_requests table;
    std::array<outcome, 3> seen;
    std::array<std::int32_t, 3> opaques{};
    for (std::size_t i = 0; i < 3; ++i) opaques[i] = table.add(start + 3s, start, seen[i].handler());
    CHECK(table.size() == 3);
    CHECK(std::set(opaques.begin(), opaques.end()).size() == 3);

    CHECK(table.complete(answer_to(opaques[2], "third")));
    CHECK(table.complete(answer_to(opaques[0], "first")));
    CHECK(table.complete(answer_to(opaques[1], "second")));
    CHECK(table.size() == 0);
    CHECK(seen[0].body == "first");
    CHECK(seen[1].body == "second");
    CHECK(seen[2].body == "third");
    for (const auto& each : seen) {
        CHECK(each.calls == 1);
        CHECK_FALSE(each.code);
    }
}

TEST_CASE("responses that nobody waits for are told apart", "[pending_requests]") {
    pending_requests table;
    CHECK_FALSE(table.complete(answer_to(0)));
    outcome seen;
    const auto opaque = table.add(start + 3s, start, seen.handler());
    for (const auto unknown : {opaque + 1, opaque + (1 << 16), -1, -2147483647 - 1, 2147483647, 65535})
        CHECK_FALSE(table.complete(answer_to(unknown)));
    CHECK(seen.calls == 0);
    CHECK(table.complete(answer_to(opaque)));
    CHECK_FALSE(table.complete(answer_to(opaque))); // the same response twice
    CHECK(seen.calls == 1);
}

TEST_CASE("a late response does not complete the request that has its place now", "[pending_requests]") {
    pending_requests table;
    outcome first, second;
    const auto late = table.add(start + 1s, start, first.handler());
    table.expire(start + 1s);
    CHECK(first.code == error::request_timed_out);
    const auto now = table.add(start + 5s, start + 1s, second.handler());
    CHECK(now != late);
    CHECK_FALSE(table.complete(answer_to(late, "too late")));
    CHECK(second.calls == 0);
    CHECK(table.complete(answer_to(now, "in time")));
    CHECK(second.body == "in time");
    CHECK(first.calls == 1);
}

TEST_CASE("opaques stay positive and differ for the 32,768 last requests of a place", "[pending_requests]") {
    pending_requests table;
    std::set<std::int32_t> used;
    outcome seen;
    for (int i = 0; i < 1 << 15; ++i) {
        const auto opaque = table.add(start, start, seen.handler());
        REQUIRE(opaque >= 0);
        REQUIRE(used.insert(opaque).second);
        REQUIRE(table.complete(answer_to(opaque)));
    }
    const auto again = table.add(start, start, seen.handler());
    CHECK(used.contains(again));
    table.fail(again, error::connection_closed);
    CHECK(seen.calls == (1 << 15) + 1);
}

TEST_CASE("what is past its deadline ends, and only that", "[pending_requests]") {
    pending_requests table;
    std::array<outcome, 3> seen;
    CHECK(table.next_deadline() == never);
    table.add(start + 30s, start, seen[0].handler());
    table.add(start + 3s, start + 1s, seen[1].handler());
    table.add(start + 3s, start + 2s, seen[2].handler());
    CHECK(table.next_deadline() == start + 3s);

    CHECK(table.expire(start + 3s - 1ns) == never);
    CHECK(seen[1].calls == 0);
    CHECK(table.expire(start + 3s) == start + 1s); // when the oldest of them was sent
    CHECK(seen[0].calls == 0);
    CHECK(seen[1].code == error::request_timed_out);
    CHECK(seen[2].code == error::request_timed_out);
    CHECK(table.next_deadline() == start + 30s);
    CHECK(table.size() == 1);
    CHECK(table.expire(start + 3s) == never);
    CHECK(table.expire(start + 1h) == start);
    CHECK(seen[0].code == error::request_timed_out);
}

TEST_CASE("one request can be ended by its opaque", "[pending_requests]") {
    pending_requests table;
    outcome seen;
    const auto opaque = table.add(never, start, seen.handler());
    table.fail(opaque + (1 << 16), error::operation_cancelled);
    table.fail(-1, error::operation_cancelled);
    CHECK(seen.calls == 0);
    table.fail(opaque, error::operation_cancelled);
    table.fail(opaque, error::operation_cancelled);
    CHECK(seen.calls == 1);
    CHECK(seen.code == error::operation_cancelled);
}

TEST_CASE("ending all ends each once, and keeps what their handlers add", "[pending_requests]") {
    pending_requests table;
    std::vector<std::int32_t> added;
    int ended = 0;
    for (int i = 0; i < 5; ++i)
        table.add(never, start, [&](std::error_code code, received_frame) {
            CHECK(code == error::connection_closed);
            ++ended;
            for (int more = 0; more < 3; ++more) // more than before: the table has to grow under its own loop
                added.push_back(table.add(never, start, [&](std::error_code why, received_frame) {
                    CHECK(why == error::operation_cancelled);
                    ++ended;
                }));
        });
    table.fail_all(error::connection_closed);
    CHECK(ended == 5);
    CHECK(table.size() == 15);
    for (const auto opaque : added) table.fail(opaque, error::operation_cancelled);
    CHECK(ended == 20);
    CHECK(table.size() == 0);
}

TEST_CASE("ending all needs no memory", "[pending_requests]") {
    pending_requests table;
    std::array<outcome, 3> seen;
    for (auto& each : seen) table.add(never, start, each.handler());
    const test::allocation_counter allocations;
    table.fail_all(error::connection_closed);
    const auto made = allocations.count();
    CHECK(made == 0);
    for (const auto& each : seen) CHECK(each.code == error::connection_closed);
}

TEST_CASE("a request that was added while all are ended, in the place of one of them, is not ended by that", "[pending_requests]") {
    pending_requests table;
    outcome second, fresh;
    std::int32_t doomed = 0;
    table.add(never, start, [&](std::error_code, received_frame) {
        CHECK(table.complete(answer_to(doomed))); // its place is free now
        table.add(never, start, fresh.handler());
    });
    doomed = table.add(never, start, second.handler());
    table.fail_all(error::connection_closed);
    CHECK(second.calls == 1);
    CHECK_FALSE(second.code);
    CHECK(fresh.calls == 0);
    CHECK(table.size() == 1);
}

TEST_CASE("a handler whose request timed out may send the next one", "[pending_requests]") {
    pending_requests table;
    int retries = 0;
    std::optional<std::int32_t> second;
    for (int i = 0; i < 4; ++i)
        table.add(start, start, [&](std::error_code, received_frame) {
            ++retries;
            second = table.add(start + 3s, start, [](std::error_code, received_frame) {});
        });
    table.expire(start);
    CHECK(retries == 4);
    CHECK(table.size() == 4);
    CHECK(table.next_deadline() == start + 3s);
    CHECK(table.complete(answer_to(*second)));
}

TEST_CASE("the table has a limit", "[pending_requests]") {
    pending_requests table(3);
    outcome seen;
    std::int32_t last = 0;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(table.full());
        last = table.add(never, start, seen.handler());
    }
    CHECK(table.full());
    table.complete(answer_to(last));
    CHECK_FALSE(table.full());
    table.add(never, start, seen.handler());
    CHECK(table.full());
}

TEST_CASE("handlers of any size are kept, and destroyed unrun with the table", "[pending_requests]") {
    const auto counted = std::make_shared<int>(0);
    {
        pending_requests table;
        table.add(never, start, [counted](std::error_code, received_frame) { ++*counted; });
        std::array<char, 500> large{};
        large[499]     = 'z';
        const auto big = table.add(never, start, [counted, large](std::error_code, received_frame) {
            CHECK(large[499] == 'z');
            *counted += 10;
        });
        table.add(never, start,
                  [counted, large](std::error_code, received_frame) { *counted += static_cast<int>(large.size()); });
        table.add(never, start,
                  [only = std::make_unique<int>(7), counted](std::error_code, received_frame) { *counted += *only; });
        CHECK(counted.use_count() == 5);
        CHECK(table.complete(answer_to(big)));
        CHECK(*counted == 10);
        CHECK(counted.use_count() == 4);
    }
    CHECK(counted.use_count() == 1);
    CHECK(*counted == 10);
}

TEST_CASE("a response may be kept by its handler: it shares the block", "[pending_requests]") {
    detail::block_pool pool;
    received_frame kept;
    {
        pending_requests table;
        const auto opaque =
            table.add(never, start, [&kept](std::error_code, received_frame frame) { kept = std::move(frame); });
        auto frame  = answer_to(opaque);
        frame.block = pool.take(100);
        CHECK(table.complete(std::move(frame)));
    }
    CHECK(pool.live_bytes() == 4096);
    kept = {};
    CHECK(pool.live_bytes() == 0);
}

} // namespace
