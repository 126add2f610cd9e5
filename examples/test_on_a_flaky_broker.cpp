// Tests a listener against a broker that fails on request: lost answers, refused requests, connections that end. What comes
// twice because of that has to be booked once, and nothing may be missing.
//
//   run:     test_on_a_flaky_broker
//   prints:  a line for each check; its exit status says whether all held.
#include <rocketpush/embedded.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <mutex>
#include <semaphore>
#include <set>
#include <string>

namespace rp     = rocketpush;
namespace faults = rocketpush::embedded::fault_action;
using rp::protocol::request_code;
using namespace std::chrono_literals;

namespace {

// What is tested: it books each order once, whatever comes again.
struct ledger {
    rp::consume_result operator()(const rp::message_view& order) {
        const std::lock_guard lock(mutex);
        ++calls;
        if (booked.emplace(order.keys().value_or("")).second)
            progress.release();
        return rp::consume_result::success;
    }

    std::mutex mutex;
    int calls = 0;
    std::set<std::string> booked;
    std::counting_semaphore<> progress{0};
};

int failures = 0, sent = 0;

void check(bool holds, const char* what) {
    std::printf("%s  %s\n", holds ? "ok    " : "FAILED", what);
    failures += holds ? 0 : 1;
}

rp::options consumer_options(const rp::embedded::broker& broker) {
    rp::options options;
    options.name_servers = broker.name_server_address();
    options.group        = "billing";
    options.from         = rp::consume_from::first;
    return options;
}

// Sends so many orders, and says whether all were booked.
bool book(rp::embedded::broker& broker, ledger& books, int orders) {
    for (int i = 0; i < orders; ++i)
        broker.send("orders", "an order", {.keys = "order-" + std::to_string(++sent)});
    for (int i = 0; i < orders; ++i)
        if (!books.progress.try_acquire_for(20s))
            return false;
    return true;
}

void every_order_is_booked_once() {
    rp::embedded::broker broker;
    broker.create_topic("orders", 4);
    ledger books;
    rp::push_consumer consumer{consumer_options(broker), [&books](const rp::message_view& m) { return books(m); },
                               rp::no_observer{}};
    consumer.subscribe("orders");
    consumer.start();
    check(book(broker, books, 20), "all is booked while the broker is well");

    // Every fourth pull's connection ends when it should be answered, by chance.
    const auto cuts = broker.add_fault(
        {.codes = {request_code::pull_message}, .topic = "orders", .action = faults::close_after{}, .rate = 0.25});
    bool booked = book(broker, books, 20);
    while (booked && broker.fault_hits(cuts) == 0) // few pulls are enough for 20 orders, and chance may spare them all
        booked = book(broker, books, 1);
    check(booked, "all is booked while connections end");
    broker.clear_faults();

    // The next pulls are answered late, and some commits are refused.
    broker.add_fault({.codes = {request_code::pull_message}, .action = faults::delay{20ms}, .times = 5});
    broker.add_fault({.codes = {request_code::update_consumer_offset}, .action = faults::refuse{}, .times = 3});
    check(book(broker, books, 20), "all is booked while pulls are slow and commits are refused");

    broker.clear_faults();
    consumer.stop();
    check(books.booked.size() == static_cast<std::size_t>(sent), "nothing is missing, and nothing was booked twice");
    check(broker.consumed("billing", "orders"), "all is committed");
}

} // namespace

int main() {
    try {
        every_order_is_booked_once();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        return 1;
    }
    return failures == 0 ? 0 : 1;
}
