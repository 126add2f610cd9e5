#include <rocketpush/executor/shared_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::tally;
using test::tcp_cluster;

/// What a group's listener does; all tests share one consumer type.
struct group_listener {
    std::shared_ptr<tally> got = std::make_shared<tally>();
    std::shared_future<void> hold{}; ///< Each call waits for it, if it is valid.

    void operator()(const message_view& message) const {
        if (hold.valid())
            hold.wait();
        got->note(message);
    }
};
using group_consumer = consumer_of<group_listener, shared_executor<>, no_observer>;

/// A program in several groups: one client, one pool of threads.
struct many_groups {
    many_groups(tcp_cluster& cluster, std::size_t threads)
        : client(cluster.member_options()), pool(thread_pool_executor(threads)) {}

    group_consumer& add(tcp_cluster& cluster, const std::string& group, group_listener listener) {
        auto with  = cluster.member_options();
        with.group = group;
        consumers.push_back(std::make_unique<group_consumer>(client, with, listener, pool, no_observer()));
        consumers.back()->subscribe("orders");
        consumers.back()->start();
        return *consumers.back();
    }

    rocketpush::client<> client;
    shared_executor<> pool;
    std::vector<std::unique_ptr<group_consumer>> consumers;
};

TEST_CASE("groups of a process share the threads of one pool; each gets all, and some may go while the others go on",
          "[scenario]") {
    tcp_cluster cluster(500);
    std::vector<group_listener> listeners(8);
    many_groups process(cluster, 4);
    for (std::size_t i = 0; i < listeners.size(); ++i)
        process.add(cluster, "group" + std::to_string(i), listeners[i]);
    for (auto& each : listeners)
        REQUIRE(each.got->wait_for(500));
    cluster.send(500, "more");
    for (std::size_t i = 0; i < listeners.size(); i += 2)
        process.consumers[i].reset(); // while its messages come
    for (std::size_t i = 1; i < listeners.size(); i += 2) {
        REQUIRE(listeners[i].got->wait_for(1000));
        CHECK(listeners[i].got->counts().size() == 1000);
    }
    process.consumers[1]->resize(2); // of all
    CHECK(process.pool.concurrency() == 2);
    cluster.send(100, "last");
    CHECK(listeners[3].got->wait_for(1100));
    for (std::size_t i = 1; i < listeners.size(); i += 2)
        process.consumers[i]->stop();
}

TEST_CASE("a group whose listener hangs takes threads of the pool; the others consume and stop in good order",
          "[scenario]") {
    tcp_cluster cluster(20);
    std::promise<void> release;
    group_listener hanging{.hold = release.get_future().share()}, busy;
    many_groups process(cluster, 24); // each of its messages may hold a thread
    auto& stuck = process.add(cluster, "stuck", hanging);
    auto& good  = process.add(cluster, "good", busy);
    CHECK(busy.got->wait_for(20));
    good.stop(); // throws if it were not in good order
    CHECK(hanging.got->sum() == 0);
    std::error_code failure;
    stuck.stop(failure, 10ms);
    CHECK(failure == error::stop_deadline_passed);
    release.set_value();
}

TEST_CASE("a consumer may go in another group's listener, on the pool that both share", "[scenario]") {
    tcp_cluster cluster(50);
    group_listener others;
    tally mine;
    std::promise<void> gone;
    std::atomic<bool> first{true};
    many_groups process(cluster, 3);
    process.add(cluster, "others", others);
    REQUIRE(others.got->wait_for(50));
    auto with  = cluster.member_options();
    with.group = "mine";
    push_consumer consumer{process.client, with,
                           [&](const message_view& message) {
                               if (first.exchange(false)) {
                                   process.consumers.front().reset();
                                   gone.set_value();
                               }
                               mine.note(message);
                           },
                           process.pool, no_observer()};
    consumer.subscribe("orders");
    consumer.start();
    gone.get_future().wait();
    CHECK(mine.wait_for(50));
    consumer.stop();
}

} // namespace
