#include "tests/scenario/support/threaded_orderly_consumer.hpp"

#include <rocketpush/core/error.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <system_error>

#include "tests/scenario/support/order_witness.hpp"
#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::order_witness;
using test::tally;
using test::tcp_cluster;
using test::threaded_orderly_consumer;

struct watched_group {
    explicit watched_group(int messages) : cluster(messages) {}

    std::unique_ptr<threaded_orderly_consumer> member() {
        auto with             = cluster.member_options();
        with.suspend_interval = 10ms;
        auto made = std::make_unique<threaded_orderly_consumer>(with, [this](const message_view& message) {
            witness.begin(message);
            // Now and then one fails.
            const bool good = message.reconsume_times() > 0 || message.queue_offset() % 97 != 13;
            witness.end(message, good);
            if (good)
                got.note(message);
            return good ? consume_result::success : consume_result::reconsume_later;
        });
        made->subscribe("orders");
        made->start();
        return made;
    }
    void check_order() const {
        CHECK(witness.overlaps() == 0);
        CHECK(witness.gaps() == 0);
        CHECK(witness.repeats() == 0);
    }

    tcp_cluster cluster;
    order_witness witness;
    tally got;
};

TEST_CASE("threads of a pool consume queues in order, one call at a time each", "[scenario][orderly]") {
    watched_group group(4000);
    const auto one = group.member();
    CHECK(group.got.wait_for(4000));
    one->stop();
    group.check_order();
    CHECK(group.cluster.committed() == 4000);
}

TEST_CASE("members with threads join and leave, and the order of each queue holds", "[scenario][orderly]") {
    watched_group group(3000);
    auto one = group.member();
    CHECK(group.got.wait_for(500));
    auto two = group.member();
    group.cluster.send(1000, "more");
    CHECK(group.got.wait_for(1500));
    two->stop();
    two.reset();
    auto three = group.member();
    one->stop();
    group.cluster.send(1000, "last");
    CHECK(group.got.wait_for(5000));
    three->stop();
    group.check_order();
    CHECK(group.cluster.committed() == 5000);
    for (std::int32_t id = 0; id < 4; ++id)
        CHECK(group.cluster.broker.lock_owner("billing", "orders", id).empty());
}

TEST_CASE("a listener that blocks holds up its queue only", "[scenario][orderly]") {
    tcp_cluster cluster(400);
    std::promise<void> release;
    auto released = release.get_future().share();
    tally got;
    order_witness witness;
    threaded_orderly_consumer consumer(cluster.member_options(), [&](const message_view& message) {
        witness.begin(message);
        if (message.queue_id() == 2 && message.queue_offset() == 7)
            released.wait();
        witness.end(message);
        got.note(message);
        return consume_result::success;
    });
    consumer.subscribe("orders");
    consumer.start();
    CHECK(got.wait_for(300 + 7));
    std::error_code failure;
    try {
        consumer.stop(200ms);
    } catch (const std::system_error& late) {
        failure = late.code();
    }
    CHECK(failure == error::stop_deadline_passed);
    CHECK(got.sum() == 307);
    CHECK_FALSE(cluster.broker.lock_owner("billing", "orders", 2).empty()); // a call still runs
    CHECK(cluster.broker.lock_owner("billing", "orders", 1).empty());
    release.set_value();
    CHECK(got.wait_for(308));
    CHECK(witness.overlaps() == 0);
}

} // namespace
