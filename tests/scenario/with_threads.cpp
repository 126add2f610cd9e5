#include "tests/scenario/support/threaded_consumer.hpp"

#include <rocketpush/core/error.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::tally;
using test::tcp_cluster;
using test::threaded_consumer;

TEST_CASE("a queue that goes to another member does not wait for what the threads have to do for other queues", "[scenario]") {
    tcp_cluster cluster;
    tally by_one, by_two;
    std::promise<void> begun, release;
    auto with            = cluster.member_options();
    with.consume_threads = 1;
    with.instance_name   = "a"; // keeps the first two queues
    threaded_consumer one(with, [&, hold = release.get_future().share()](const message_view& message) {
        if (message.body() == "held")
            begun.set_value();
        hold.wait();
        by_one.note(message);
        return consume_result::success;
    });
    one.subscribe("orders");
    one.start();
    cluster.broker.send("orders", "held", {.queue = 0});
    begun.get_future().wait();
    cluster.send(40);
    REQUIRE(one.events().wait_for("pull", 4));
    with.instance_name  = "b";
    with.takeover_delay = 3s; // less than the 5 s for which a running call is waited for
    threaded_consumer two(with, by_two.listener());
    two.subscribe("orders");
    two.start();
    CHECK(by_two.wait_for(20)); // while that call still runs
    CHECK(one.events().count("queue_released") == 2);
    release.set_value();
    CHECK(by_one.wait_for(21));
    two.stop();
    one.stop();
    CHECK(by_one.each_once(21));
    CHECK(by_two.each_once(20));
}

TEST_CASE("a consumer with threads of its own gets every message once over TCP", "[scenario]") {
    tcp_cluster cluster(2000);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    consumer.start();
    CHECK(got.wait_for(2000));
    CHECK(consumer.statistics().counts.pulled == 2000);
    consumer.stop();
    CHECK(got.each_once(2000));
    CHECK(cluster.committed() == 2000);
    CHECK(cluster.broker.members("billing").empty());
    try {
        consumer.statistics();
        FAIL("statistics of a stopped consumer");
    } catch (const std::system_error& refused) {
        CHECK(refused.code() == error::not_running);
    }
}

TEST_CASE("three consumers with threads share a topic, and one leaves while messages come", "[scenario]") {
    tcp_cluster cluster;
    tally got;
    threaded_consumer one(cluster.member_options(), got.listener());
    threaded_consumer two(cluster.member_options(), got.listener());
    threaded_consumer three(cluster.member_options(), got.listener());
    for (auto* each : {&one, &two, &three}) {
        each->subscribe("orders");
        each->start();
    }
    for (int i = 0; i < 10; ++i)
        cluster.send(100, std::to_string(i) + '/');
    CHECK(got.wait_for(1000));
    two.stop();
    cluster.send(1000, "late");
    CHECK(got.wait_for(2000));
    CHECK(got.counts().size() == 2000);
    one.stop();
    three.stop();
    CHECK(cluster.committed() == 2000);
}

TEST_CASE("a stop may come from several threads at once", "[scenario]") {
    tcp_cluster cluster(500);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    consumer.start();
    got.wait_for(100);
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] { consumer.stop(); });
    }
    const auto sum = got.sum();
    CHECK(cluster.committed() == static_cast<queue_offset>(sum));
    consumer.stop();
    CHECK(cluster.broker.members("billing").empty());
}

TEST_CASE("a stop inside of a listener returns at once and happens", "[scenario]") {
    tcp_cluster cluster(100);
    tally got;
    threaded_consumer* self = nullptr;
    threaded_consumer consumer(cluster.member_options(), [&](const message_view& message) {
        got.note(message);
        self->stop();
        return consume_result::success;
    });
    self = &consumer;
    consumer.subscribe("orders");
    consumer.start();
    CHECK(consumer.events().wait_for("stopped"));
    const auto sum = got.sum();
    CHECK(cluster.committed() == static_cast<queue_offset>(sum));
    consumer.stop(); // waits for the rest
    CHECK(got.sum() == sum);
}

TEST_CASE("a consumer may be destroyed inside of its listener, and still leaves its group with all committed", "[scenario]") {
    tcp_cluster cluster(100);
    std::promise<std::shared_ptr<test::event_log>> destroyed;
    std::unique_ptr<threaded_consumer> consumer;
    std::atomic<int> calls{0};
    std::latch ready(1);
    consumer = std::make_unique<threaded_consumer>(cluster.member_options(), [&](const message_view&) {
        ready.wait();
        if (calls.fetch_add(1) == 0) {
            auto log = consumer->shared_events();
            consumer.reset();
            destroyed.set_value(std::move(log));
        }
        return consume_result::success;
    });
    consumer->subscribe("orders");
    consumer->start();
    ready.count_down();
    const auto log = destroyed.get_future().get();
    REQUIRE(log->wait_for("stopped"));
    CHECK(log->all("stopped").front().code == std::error_code());
    CHECK(cluster.broker.members("billing").empty());
    CHECK(cluster.committed() == calls.load());
}

TEST_CASE("the destructor stops a running consumer cleanly", "[scenario]") {
    tcp_cluster cluster(500);
    tally got;
    {
        threaded_consumer consumer(cluster.member_options(), got.listener());
        consumer.subscribe("orders");
        consumer.start();
        got.wait_for(10);
    }
    CHECK(cluster.committed() == static_cast<queue_offset>(got.sum()));
    CHECK(cluster.broker.members("billing").empty());
}

TEST_CASE("a consumer may be destroyed without having been started, and while it starts", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    {
        threaded_consumer consumer(cluster.member_options(), got.listener());
        consumer.subscribe("orders");
    }
    CHECK(got.sum() == 0);
    for (int round = 0; round < 20; ++round) {
        std::promise<std::error_code> started;
        {
            threaded_consumer consumer(cluster.member_options(), got.listener());
            consumer.subscribe("orders");
            consumer.async_start([&](std::error_code result) { started.set_value(result); });
        }
        const auto result = started.get_future().get();
        const bool as_it_should = !result || result == error::operation_cancelled;
        CHECK(as_it_should);
    }
    CHECK(cluster.broker.members("billing").empty());
}

TEST_CASE("a listener that never returns holds up neither the other messages nor, beyond the deadline, a stop", "[scenario]") {
    tcp_cluster cluster(100);
    auto release  = std::make_shared<std::promise<void>>();
    auto released = release->get_future().share();
    auto returned = std::make_shared<std::latch>(1);
    tally got;
    {
        threaded_consumer consumer(cluster.member_options(), [&got, released, returned](const message_view& message) {
            if (message.body() == "m42") {
                released.wait();
                returned->count_down();
                return consume_result::success;
            }
            got.note(message);
            return consume_result::success;
        });
        consumer.subscribe("orders");
        consumer.start();
        CHECK(got.wait_for(99));
        std::error_code failure;
        const auto begun = std::chrono::steady_clock::now();
        try {
            consumer.stop(200ms);
        } catch (const std::system_error& late) {
            failure = late.code();
        }
        CHECK(failure == error::stop_deadline_passed);
        CHECK(std::chrono::steady_clock::now() - begun < 10s);
        CHECK(cluster.broker.members("billing").empty());
    }
    const auto left = 100 - cluster.committed();
    REQUIRE(left > 0); // what m42 is in front of was not committed

    tally rest;
    threaded_consumer next(cluster.member_options(), rest.listener());
    next.subscribe("orders");
    next.start();
    CHECK(rest.wait_for(static_cast<std::size_t>(left)));
    CHECK(rest.counts()["m42"] == 1);
    release->set_value(); // into a consumer that is gone
    returned->wait();
    next.stop();
    CHECK(cluster.committed() == 100);
}

TEST_CASE("all listener threads hanging at once do not hold up a stop beyond its deadline", "[scenario]") {
    tcp_cluster cluster(100);
    auto release  = std::make_shared<std::promise<void>>();
    auto released = release->get_future().share();
    auto returned = std::make_shared<std::latch>(2);
    std::latch hanging(2);
    auto with            = cluster.member_options();
    with.consume_threads = 2;
    {
        threaded_consumer consumer(with, [&hanging, released, returned](const message_view&) {
            hanging.count_down();
            released.wait();
            returned->count_down();
            return consume_result::success;
        });
        consumer.subscribe("orders");
        consumer.start();
        hanging.wait();
        std::error_code failure;
        try {
            consumer.stop(100ms);
        } catch (const std::system_error& late) {
            failure = late.code();
        }
        CHECK(failure == error::stop_deadline_passed);
    }
    release->set_value();
    returned->wait();
}

TEST_CASE("threads may be added and taken away while messages come", "[scenario]") {
    tcp_cluster cluster(500);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    consumer.start();
    for (const auto threads : {1, 8, 2, 5}) {
        consumer.resize(static_cast<std::size_t>(threads));
        cluster.send(500, std::to_string(threads) + '/');
    }
    CHECK(got.wait_for(2500));
    consumer.stop();
    CHECK(got.each_once(2500));
}

TEST_CASE("run() returns when the process is told to end, and leaves signals as they were", "[scenario]") {
    tcp_cluster cluster(100);
    tally got;
    std::atomic<int> calls = 0;
    struct sigaction before {};
    ::sigaction(SIGTERM, nullptr, &before);
    threaded_consumer consumer(cluster.member_options(), [&](const message_view& message) {
        got.note(message);
        if (++calls == 50)
            std::raise(SIGTERM);
        return consume_result::success;
    });
    consumer.subscribe("orders");
    consumer.run();
    CHECK(got.sum() >= 50);
    CHECK(cluster.committed() == static_cast<queue_offset>(got.sum()));
    CHECK(cluster.broker.members("billing").empty());
    struct sigaction after {};
    ::sigaction(SIGTERM, nullptr, &after);
    CHECK(after.sa_handler == before.sa_handler);
}

TEST_CASE("run() returns when somebody stops the consumer", "[scenario]") {
    tcp_cluster cluster(100);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    std::jthread other([&] {
        got.wait_for(100);
        consumer.stop();
    });
    consumer.run();
    CHECK(got.sum() == 100);
}

TEST_CASE("run() throws what start fails with", "[scenario]") {
    tcp_cluster cluster;
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.stop();
    try {
        consumer.run();
        FAIL("a stopped consumer ran");
    } catch (const std::system_error& refused) {
        CHECK(refused.code() == error::already_stopped);
    }
}

TEST_CASE("a name server whose host nobody knows is a clear error at start", "[scenario]") {
    tally got;
    threaded_consumer consumer({.name_servers = "no-such-host.invalid:9876", .group = "billing"}, got.listener());
    consumer.subscribe("orders");
    std::error_code failure;
    consumer.start(failure);
    INFO(failure.message());
    const std::string category = failure.category().name();
    const bool of_the_resolver = category == "asio.netdb" || category == "asio.addrinfo";
    CHECK(of_the_resolver);
    CHECK(consumer.events().has("connect_failure", failure));
    CHECK(consumer.events().has("stopped", failure));
}

TEST_CASE("a host that nobody knows does not keep a consumer from starting when another name server is only away",
          "[scenario]") {
    for (int round = 0; round < 4; ++round) { // the first one to be asked is drawn
        tally got;
        threaded_consumer consumer({.name_servers = "no-such-host.invalid:9876;127.0.0.1:1", .group = "billing"}, got.listener());
        consumer.subscribe("orders");
        std::error_code failure;
        consumer.start(failure);
        CHECK(failure == std::error_code());
        consumer.stop();
    }
}

TEST_CASE("a blocking call on the consumer's own thread is refused, not waited for", "[scenario]") {
    tcp_cluster cluster(1);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    std::promise<std::error_code> inner;
    consumer.async_start([&](std::error_code) {
        std::error_code failure;
        consumer.start(failure); // on the strand
        inner.set_value(failure);
    });
    CHECK(inner.get_future().get() == error::would_wait_for_itself);
    CHECK(got.wait_for(1));
    consumer.stop();
}

} // namespace
