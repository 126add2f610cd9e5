#include <rocketpush/push_consumer.hpp>

#include <rocketpush/executor/asio_executor.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using test::tally;
using test::tcp_cluster;

/// A context that several threads run, as servers have.
struct busy_context {
    explicit busy_context(int count) {
        for (int i = 0; i < count; ++i)
            threads.emplace_back([this] { context.run(); });
    }
    ~busy_context() { work.reset(); }

    asio::io_context context;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{context.get_executor()};
    std::vector<std::jthread> threads;
};

TEST_CASE("a consumer lives on a strand of a context that several threads run, and its listener on all of them", "[scenario]") {
    busy_context busy(3);
    tcp_cluster cluster(2000);
    tally got;
    auto with               = cluster.member_options();
    with.consume_batch_size = 8;
    const auto note         = [&got](std::span<const message_view> messages) {
        for (const auto& message : messages)
            got.note(message);
    };
    for (int round = 1; round <= 3; ++round) {
        push_consumer consumer{with, note, strand_runtime(busy.context.get_executor()), asio_executor(busy.context.get_executor()),
                               no_observer()};
        consumer.subscribe("orders");
        consumer.start();
        CHECK(got.wait_for(static_cast<std::size_t>(round) * 2000));
        CHECK(consumer.statistics().counts.pulled == 2000);
        consumer.stop();
        CHECK(cluster.committed() == round * 2000);
        cluster.send(2000, "round" + std::to_string(round) + '/');
    }
    CHECK(got.counts().size() == 6000);
    CHECK(got.sum() == 6000);
}

} // namespace
