// Tests a listener against a broker that lives in the test: no cluster, no ports to configure, done in seconds.
//
//   run:     test_a_listener
//   prints:  a line for each check; its exit status says whether all held.
//
// Here the checks are plain functions, so that it builds with nothing else; in your suite they are test cases.
#include <rocketpush/embedded.hpp> // the broker; and the consumer, as with <rocketpush/rocketpush.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <semaphore>
#include <stdexcept>
#include <string>

namespace rp = rocketpush;
using namespace std::chrono_literals;

namespace {

// What is tested: it books paid orders, and does not accept one without an amount.
struct ledger {
    rp::consume_result operator()(const rp::message_view& order) {
        calls.release();
        if (order.body().empty())
            return rp::consume_result::reconsume_later;
        booked += std::stoi(std::string(order.body()));
        return rp::consume_result::success;
    }

    int& booked;
    std::counting_semaphore<>& calls;
};

int failures = 0;

void check(bool holds, const char* what) {
    std::printf("%s  %s\n", holds ? "ok    " : "FAILED", what);
    failures += holds ? 0 : 1;
}

// A broker, and a consumer of one thread on it that begins with the first message.
struct fixture {
    fixture() {
        broker.create_topic("orders", 1);
        consumer.subscribe("orders", rp::tags("paid"));
        consumer.start();
    }

    static rp::embedded::broker_options quick_retries() {
        rp::embedded::broker_options options;
        options.delay_levels = {20ms}; // instead of 1s, 5s, 10s, ...
        return options;
    }

    rp::options consumer_options() const {
        rp::options options;
        options.name_servers        = broker.name_server_address();
        options.group               = "billing";
        options.from                = rp::consume_from::first;
        options.consume_threads     = 1;
        options.max_reconsume_times = 2;
        return options;
    }

    // Waits until the listener was called `times` more, and says whether it was.
    bool called(int times) {
        for (int i = 0; i < times; ++i)
            if (!calls.try_acquire_for(10s))
                return false;
        return true;
    }

    int booked = 0;
    std::counting_semaphore<> calls{0};
    rp::embedded::broker broker{quick_retries()};
    rp::push_consumer<ledger> consumer{consumer_options(), ledger{booked, calls}};
};

void paid_orders_are_booked() {
    fixture f;
    f.broker.send("orders", "40", {.tags = "paid", .keys = "order-1"});
    f.broker.send("orders", "100", {.tags = "open"});
    f.broker.send("orders", "2", {.tags = "paid", .properties = {{"region", "eu"}}});
    check(f.called(2), "both paid orders come");
    f.consumer.stop(); // waits for the listener, and has the offsets confirmed
    check(f.booked == 42, "the sum is right, so the open one did not count");
    check(f.broker.consumed("billing", "orders"), "nothing would come a second time");
}

void a_bad_order_ends_with_the_dead_letters() {
    fixture f;
    f.broker.send("orders", "", {.tags = "paid"});
    check(f.called(3), "it is tried, and tried again twice");
    f.consumer.stop();
    const auto dead = f.broker.messages(rp::dlq_topic("billing"));
    check(dead.size() == 1, "then it is a dead letter");
    check(dead.size() == 1 && dead[0]->property("RETRY_TOPIC") == "orders", "which tells where it came from");
}

void a_broken_connection_loses_nothing() {
    fixture f;
    f.broker.send("orders", "20", {.tags = "paid"});
    check(f.called(1), "one before");
    f.broker.drop_connections();
    f.broker.send("orders", "22", {.tags = "paid"});
    check(f.called(1), "one after");
    f.consumer.stop();
    check(f.broker.consumed("billing", "orders"), "all is committed");
}

} // namespace

int main() {
    try {
        paid_orders_are_booked();
        a_bad_order_ends_with_the_dead_letters();
        a_broken_connection_loses_nothing();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        return 1;
    }
    return failures == 0 ? 0 : 1;
}
