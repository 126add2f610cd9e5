#include <rocketpush/embedded/commit_log.hpp>

#include "tests/support/catch.hpp"

#include <string>

using rocketpush::embedded::commit_log;
using rocketpush::protocol::stored_message;

namespace {

stored_message at_end_of(const commit_log& log, std::string_view body) {
    stored_message message;
    message.topic             = "orders";
    message.body              = body;
    message.commit_log_offset = log.end_offset();
    return message;
}

} // namespace

TEST_CASE("a message is found where it was stored and nowhere else", "[embedded]") {
    commit_log log(1 << 20);
    const auto first = log.append(at_end_of(log, "first"));
    const auto where = log.end_offset();
    CHECK(where == static_cast<std::int64_t>(first.size()));
    const auto second = log.append(at_end_of(log, "second"));

    CHECK(log.record_at(0) == first);
    CHECK(log.record_at(where) == second);
    CHECK(log.record_at(1).empty());
    CHECK(log.record_at(where - 1).empty());
    CHECK(log.record_at(log.end_offset()).empty());
    CHECK(log.record_at(-1).empty());
    CHECK(log.record_at(INT64_MAX).empty());
}

TEST_CASE("a body that looks like a message is not taken for one", "[embedded]") {
    commit_log log(1 << 20);
    commit_log other(1 << 20);
    const std::string inner(other.append(at_end_of(other, "inner")));
    const auto outer = log.append(at_end_of(log, inner));
    CHECK(log.record_at(static_cast<std::int64_t>(outer.find(inner))).empty());
}

TEST_CASE("at the limit the oldest messages go and offsets rise on", "[embedded]") {
    commit_log log(64 * 1024);
    const std::string body(1000, 'x');
    for (int i = 0; i < 1000; ++i)
        log.append(at_end_of(log, body));
    CHECK(log.begin_offset() > 0);
    CHECK(log.end_offset() - log.begin_offset() <= 64 * 1024);
    CHECK(log.end_offset() > 1'000'000);
    CHECK(log.record_at(0).empty());
    CHECK(!log.record_at(log.begin_offset()).empty());
}

TEST_CASE("a message larger than the whole limit is kept alone", "[embedded]") {
    commit_log log(8 * 1024);
    log.append(at_end_of(log, "small"));
    const auto where = log.end_offset();
    const auto large = log.append(at_end_of(log, std::string(100'000, 'x')));
    CHECK(large.size() > 100'000);
    CHECK(log.begin_offset() == where);
    CHECK(log.record_at(where) == large);
}
