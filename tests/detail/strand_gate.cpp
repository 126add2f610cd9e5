#include <rocketpush/detail/strand_gate.hpp>

#include <asio/executor_work_guard.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using gate = rocketpush::detail::strand_gate<asio::io_context::executor_type>;

TEST_CASE("a gate posts until it is shut, and drops afterwards", "[strand_gate]") {
    asio::io_context context;
    gate to_strand(context.get_executor());
    int ran = 0;
    CHECK(to_strand.post([&ran] { ++ran; }));
    CHECK(ran == 0); // later, not inside of the call
    context.poll();
    CHECK(ran == 1);

    to_strand.shut();
    to_strand.shut();
    const auto kept = std::make_shared<int>();
    CHECK_FALSE(to_strand.post([&ran, kept] { ++ran; }));
    CHECK(kept.use_count() == 1);
    context.restart();
    context.poll();
    CHECK(ran == 1);
}

TEST_CASE("what was posted before the gate was shut still runs", "[strand_gate]") {
    asio::io_context context;
    gate to_strand(context.get_executor());
    int ran = 0;
    to_strand.post([&ran] { ++ran; });
    to_strand.shut();
    context.poll();
    CHECK(ran == 1);
}

TEST_CASE("after a gate was shut no thread touches the executor", "[strand_gate]") {
    for (int round = 0; round < 50; ++round) {
        auto context = std::make_unique<asio::io_context>();
        gate to_strand(context->get_executor());
        constexpr int posters = 3;
        std::latch begun(posters);
        std::vector<std::thread> threads;
        std::atomic<int> accepted{0};
        for (int i = 0; i < posters; ++i)
            threads.emplace_back([&] {
                begun.count_down();
                while (to_strand.post([] {})) accepted.fetch_add(1);
            });
        begun.wait();
        to_strand.shut();
        const auto ran = context->poll();
        context.reset(); // a post from now on would be seen by the address or thread sanitizer
        for (auto& each : threads) each.join();
        CHECK(ran == static_cast<std::size_t>(accepted.load()));
    }
}

} // namespace
