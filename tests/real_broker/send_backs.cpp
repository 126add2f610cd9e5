#include <rocketpush/consume/retry_copy.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/remoting/broker_calls.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>
#include <rocketpush/transport/tcp_transport.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// Asks the real broker, without a consumer.
struct asker {
    using calls_type = broker_calls<tcp_transport, asio_runtime>;

    asker() {
        routes.update("any", {.queue_datas  = {{.broker_name = "broker-a", .read_queue_nums = 1, .write_queue_nums = 1}},
                              .broker_datas = {{.cluster      = "c",
                                                .broker_name  = "broker-a",
                                                .broker_addrs = {{0, cluster_variable("ROCKETPUSH_BROKER")}}}}});
    }
    ~asker() {
        pool.close();
        context.run();
    }
    template <class T>
    T run(calls_type::task<T> operation) {
        std::optional<T> got;
        asio::co_spawn(context.get_executor(), keep(std::move(operation), got, context), asio::detached);
        context.restart();
        context.run();
        REQUIRE(got.has_value());
        return *got;
    }

    asio::io_context context;
    asio_runtime runtime{context.get_executor()};
    calls_type::pool_type pool{runtime, tcp_transport(), protocol::default_frame_limit, 3s, {}};
    route_table routes;
    calls_type calls{pool, routes, 3000ms};

  private:
    template <class T>
    static calls_type::task<void> keep(calls_type::task<T> operation, std::optional<T>& into, asio::io_context& until) {
        auto got = co_await std::move(operation);
        into.emplace(std::move(got));
        until.stop();
    }
};

TEST_CASE("a copy by the inner producer is a retry to the broker, or a dead letter if it is to be one") {
    const auto topic = make_topic("copied", 1);
    send(topic, 3, "tags=odd property.color=blue");
    journal seen, dead;
    member consumer("here", seen, member::of_group("copied-group"));
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 3; }));
    const auto first = seen.all();
    asker broker;
    const auto copy_of = [&](std::size_t which, int level) {
        return make_retry_copy(first[which].kept.view(), "copied-group", level, 16);
    };
    CHECK(broker.run(broker.calls.send_copy(copy_of(0, 0), first[0].queue, 3s)).stored());
    CHECK(broker.run(broker.calls.send_copy(copy_of(1, 1), first[1].queue, 3s)).stored());
    CHECK(broker.run(broker.calls.send_copy(copy_of(2, -1), first[2].queue, 3s)).stored());
    member undertaker("undertaker", dead, member::of_group("copied-undertaker"));
    undertaker.subscribe(dlq_topic("copied-group")).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 5 && dead.deliveries() == 1; }));
    CHECK(wait_until([&] { return all_committed("copied-group", retry_topic("copied-group")); }));
    consumer.stop();
    undertaker.stop();
    CHECK(seen.deliveries() == 5);

    for (const std::size_t which : {0u, 1u}) {
        const auto both = seen.of(first[which].sequence);
        REQUIRE(both.size() == 2);
        const auto& original = both[0].kept;
        const auto& again    = both[1].kept;
        CHECK(again->stored_topic() == retry_topic("copied-group"));
        CHECK(again->topic() == topic);
        CHECK(again->reconsume_times() == 1);
        CHECK(again->message_id() == original->message_id());
        CHECK(again->body() == original->body());
        CHECK(again->keys() == original->keys());
        CHECK(again->tags() == "odd");
        CHECK(again->property("color") == "blue");
        CHECK(again->property("ORIGIN_MESSAGE_ID") == original->message_id());
        CHECK(again->born_timestamp() == original->born_timestamp());
        print_figure("a copy comes after", both[1].at - both[0].at);
    }
    const auto letter = dead.all().front();
    CHECK(letter.sequence == first[2].sequence);
    CHECK(letter.kept->reconsume_times() == 1);
    CHECK(letter.kept->property("RETRY_TOPIC") == topic);
}

TEST_CASE("a broker refuses to take back what it does not have, so that a copy is sent") {
    const auto topic = make_topic("unknown-place", 1);
    send(topic, 1);
    journal seen;
    member consumer("here", seen, member::of_group("unknown-place-group"));
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 1; }));
    asker broker;
    const auto one = seen.all().front();
    returned_message returned{.commit_log_offset = one.kept->commit_log_offset() + (1 << 20),
                              .id                = one.kept->message_id(),
                              .topic             = topic};
    const auto refused = broker.run(broker.calls.send_back("unknown-place-group", one.queue, returned, 5s));
    CHECK(refused.failure == response_code::system_error);
    CHECK_FALSE(refused.perhaps_stored);
    returned.commit_log_offset = one.kept->commit_log_offset();
    CHECK(broker.run(broker.calls.send_back("unknown-place-group", one.queue, returned, 5s)).stored());
    CHECK(wait_until([&] { return seen.deliveries() == 2; }));
    consumer.stop();
}

TEST_CASE("a message that was compressed is copied without loss") {
    const auto topic = make_topic("copied-compressed", 1);
    send(topic, 1, "size=20000 compress=zlib");
    journal seen;
    member consumer("here", seen, member::of_group("copied-compressed-group"));
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() == 1; }));
    asker broker;
    const auto first = seen.all().front();
    auto copy        = make_retry_copy(first.kept.view(), "copied-compressed-group", 1, 16);
    CHECK(broker.run(broker.calls.send_copy(std::move(copy), first.queue, 3s)).stored());
    REQUIRE(wait_until([&] { return seen.deliveries() == 2; }));
    consumer.stop();
    CHECK(seen.all().back().kept->body() == helper_body(0, 20000));
}

TEST_CASE("messages that fail while their broker is killed and comes back are not lost, and no offset passes them") {
    const auto topic = make_topic("failing-killed", 2);
    send(topic, 40);
    journal seen;
    std::atomic<bool> failing{true};
    member consumer("here", seen, member::of_group("failing-killed-group"), [&](auto messages, consume_context& context) {
        context.delay_level = 1;
        const bool odd      = messages.front().body().front() % 2 != 0;
        return odd && failing ? consume_result::reconsume_later : consume_result::success;
    });
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.distinct() >= 40; }));
    broker("kill");
    const auto before = seen.deliveries();
    CHECK(wait_until([&] { return seen.deliveries() > before || seen.read([](const auto& e) { return e.disconnects; }) > 0; }));
    failing = false;
    broker("start");
    CHECK(wait_until([&] { return all_committed("failing-killed-group", topic); }));
    CHECK(wait_until([&] {
        const auto all = seen.all();
        return std::ranges::all_of(std::vector<long>{1, 11, 13, 39}, [&](long sequence) { return seen.of(sequence).size() > 1; });
    }));
    print_figure("deliveries of 40 messages, of which half failed", seen.deliveries());
    consumer.stop();
}

TEST_CASE("a broker that stands still while a message goes back gets it once") {
    const auto topic = make_topic("stands-still", 1);
    journal seen;
    auto with               = member::of_group("stands-still-group");
    with.rebalance_interval = std::chrono::hours(1); // nothing else is asked for meanwhile, and given up
    with.heartbeat_interval = 110s;
    with.route_poll_interval = std::chrono::hours(1);
    std::promise<void> sent;
    member consumer("here", seen, with, [&](auto messages, consume_context& context) {
        context.delay_level = 1;
        if (messages.front().reconsume_times() != 0)
            return consume_result::success;
        sent.get_future().wait(); // else its sender may miss the answer
        broker("pause");
        return consume_result::reconsume_later;
    });
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return !consumer.statistics().queues.empty(); }));
    std::this_thread::sleep_for(4s); // the retry topic is known
    send(topic, 1);
    sent.set_value();
    REQUIRE(wait_until([&] { return seen.deliveries() == 1; }));
    std::this_thread::sleep_for(8s);
    broker("resume");
    REQUIRE(wait_until([&] { return seen.deliveries() == 2; }));
    CHECK(wait_until([&] { return all_committed("stands-still-group", retry_topic("stands-still-group")); }));
    std::this_thread::sleep_for(3s); // in which a second one would come
    CHECK(seen.deliveries() == 2);
    consumer.stop();
}

TEST_CASE("a message that blocks its listener is sent back in time, and holds nothing up") {
    const auto topic = make_topic("blocks", 1);
    send(topic, 20);
    journal seen;
    std::atomic<bool> release{false};
    auto with            = member::of_group("blocks-group");
    with.consume_timeout = 2s;
    member consumer("here", seen, with, [&](auto messages, consume_context&) {
        const auto& m = messages.front();
        while (m.body().substr(0, 1) == "7" && m.reconsume_times() == 0 && !release)
            std::this_thread::sleep_for(5ms);
        return consume_result::success;
    });
    consumer.subscribe(topic).start();
    REQUIRE(wait_until([&] { return seen.deliveries() == 21; }));
    const auto both = seen.of(7);
    REQUIRE(both.size() == 2);
    CHECK(both[1].kept->reconsume_times() == 1);
    print_figure("a message that blocks for 2 s, level of 1 s, comes again", both[1].at - both[0].at);
    CHECK(both[1].at - both[0].at >= 3s);
    CHECK(both[1].at - both[0].at < 10s);
    CHECK(wait_until([&] { return all_committed("blocks-group", topic); })); // though the call still runs
    release = true;
    consumer.stop();
    CHECK(seen.deliveries() == 21);
}

} // namespace
