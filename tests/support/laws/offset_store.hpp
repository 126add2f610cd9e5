#ifndef ROCKETPUSH_TESTS_SUPPORT_LAWS_OFFSET_STORE_HPP
#define ROCKETPUSH_TESTS_SUPPORT_LAWS_OFFSET_STORE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/offset_store/offset_store.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"

namespace rocketpush::test {

/// The broker's side of an offset store: keeps offsets, answers after a while, or fails.
struct fake_offset_access {
    template <class T>
    using task = detail::awaitable<T, manual_runtime::executor_type>;

    manual_runtime& runtime;
    std::map<message_queue, queue_offset> stored{};
    std::chrono::milliseconds delay{0};
    std::error_code failure{}; ///< What every request gives from now on.
    std::string its_group  = "billing";
    std::string its_client = "10.0.0.1@me";
    std::vector<std::pair<std::string, std::error_code>> reports{};

    const std::string& group() const { return its_group; }
    const std::string& client_id() const { return its_client; }
    void report(std::string_view where, std::error_code what) { reports.emplace_back(where, what); }
    task<result<std::optional<queue_offset>>> query_offset(message_queue queue) {
        co_await pause();
        if (failure)
            co_return failure;
        const auto found = stored.find(queue);
        if (found == stored.end())
            co_return std::optional<queue_offset>();
        co_return std::optional<queue_offset>(found->second);
    }
    task<std::error_code> update_offset(message_queue queue, queue_offset offset) {
        co_await pause();
        if (!failure)
            stored[queue] = offset;
        co_return failure;
    }

  private:
    task<void> pause() {
        manual_runtime::timer timer(runtime);
        timer.expires_at(runtime.now() + delay);
        co_await timer.async_wait(detail::await_tuple<manual_runtime::executor_type>);
    }
};

namespace detail_of_laws {

template <class T>
fake_offset_access::task<void> keep(fake_offset_access::task<T> operation, std::optional<T>& into) {
    auto got = co_await std::move(operation);
    into.emplace(std::move(got));
}

} // namespace detail_of_laws

/// Begins a store's operation; its answer comes as virtual time goes on.
template <class T>
void begin(manual_runtime& runtime, fake_offset_access::task<T> operation, std::optional<T>& into) {
    asio::co_spawn(runtime.get_executor(), detail_of_laws::keep(std::move(operation), into), asio::detached);
}

/**
 * @brief What every offset_store promises; see its concept.
 * @param loses_touch  Whether the store asks the broker, so that it fails when the broker does.
 */
template <offset_store S>
void check_offset_store_laws(S store, bool loses_touch) {
    using read_answer = std::optional<result<std::optional<queue_offset>>>;
    manual_runtime runtime;
    fake_offset_access access{runtime};
    const message_queue first{"orders", "broker-a", 0}, second{"orders", "broker-a", 1};
    const auto read = [&](const message_queue& queue) {
        read_answer got;
        begin(runtime, store.read(access, queue), got);
        runtime.advance(std::chrono::seconds(1));
        REQUIRE(got.has_value());
        return *got;
    };
    const auto write = [&](const message_queue& queue, queue_offset offset) {
        std::optional<std::error_code> got;
        begin(runtime, store.write(access, queue, offset), got);
        runtime.advance(std::chrono::seconds(1));
        REQUIRE(got.has_value());
        return *got;
    };

    if constexpr (loads_offsets<S>) {
        std::optional<std::error_code> loaded;
        begin(runtime, store.load(access), loaded);
        runtime.advance(std::chrono::seconds(1));
        REQUIRE(loaded == std::error_code());
    }

    // No offset yet is an answer, and not a failure.
    REQUIRE(read(first).has_value());
    CHECK_FALSE(read(first)->has_value());

    // What was confirmed is read, until the next write, lower ones and 0 too.
    for (const queue_offset offset : {queue_offset(7), queue_offset(5'000'000'000), queue_offset(3), queue_offset(0)}) {
        REQUIRE_FALSE(write(first, offset));
        REQUIRE(read(first).has_value());
        CHECK(*read(first) == offset);
    }
    CHECK_FALSE(read(second)->has_value()); // queues are told apart

    if constexpr (writes_many_offsets<S>) {
        std::optional<std::error_code> got;
        begin(runtime, store.write_many(access, {{first, 4}, {second, 5}}), got);
        runtime.advance(std::chrono::seconds(1));
        REQUIRE(got == std::error_code());
        CHECK(*read(first) == 4);
        CHECK(*read(second) == 5);
    }

    // Several queues at once.
    access.delay = std::chrono::milliseconds(100);
    std::optional<std::error_code> one, other;
    begin(runtime, store.write(access, first, 11), one);
    begin(runtime, store.write(access, second, 22), other);
    runtime.advance(std::chrono::seconds(1));
    REQUIRE((one && other));
    CHECK_FALSE(*one);
    CHECK_FALSE(*other);
    CHECK(*read(first) == 11);
    CHECK(*read(second) == 22);

    // What could not be asked or kept is told as such.
    if (!loses_touch)
        return;
    access.failure = make_error_code(error::connection_closed);
    CHECK(read(first).error() == error::connection_closed);
    CHECK(write(first, 12) == error::connection_closed);
    access.failure = {};
    CHECK(*read(first) == 11);
}

} // namespace rocketpush::test

#endif
