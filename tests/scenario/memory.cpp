#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/protocol/compression.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <string>
#include <system_error>

#include "tests/scenario/support/each_once.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::each_once;
using test::slow_virtual_member;
using test::virtual_cluster;

constexpr std::size_t mebi = 1 << 20;

/// Twenty queues with 4 MiB of messages each.
struct heavy_cluster : virtual_cluster {
    static constexpr int queues = 20, each = 64;

    heavy_cluster() {
        broker().create_topic("orders", queues);
        const std::string body(64 * 1024, 'x');
        for (int i = 0; i < queues * each; ++i)
            broker().send("orders", std::to_string(i) + body, {.queue = i % queues});
    }

    bool open = false;

    test::slow_listener_function listener() {
        return [this](auto, auto&) -> test::slow_result {
            while (!open)
                co_await test::pause_for(runtime, 10ms);
            co_return consume_result::success;
        };
    }
};

TEST_CASE("all queues of a consumer together hold no more than its budget, and go on fairly when there is room", "[scenario]") {
    heavy_cluster cluster;
    auto with               = cluster.member_options();
    with.max_consumer_bytes = 8 * mebi;
    slow_virtual_member one(cluster, "one", with, cluster.listener());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    std::size_t most = 0;
    for (int i = 0; i < 500; ++i) {
        cluster.runtime.advance(10ms);
        most = std::max(most, one.statistics().block_bytes);
    }
    CHECK(most > 4 * mebi);
    CHECK(most <= 8 * mebi + mebi / 2); // and one answer of a connection
    const auto full   = one.statistics();
    const auto starve = std::ranges::count(full.queues, flow_state::out_of_memory, &queue_statistics::flow);
    CHECK(starve >= heavy_cluster::queues); // the retry topic's, too
    const auto pulls = cluster.broker().statistics().requests_of(protocol::request_code::pull_message);
    cluster.runtime.advance(60s);
    CHECK(cluster.broker().statistics().requests_of(protocol::request_code::pull_message) <= pulls + 5); // the retry topic's

    cluster.open    = true;
    const auto open = cluster.runtime.now();
    // Fairly: while all have something to give, none is far behind.
    REQUIRE(cluster.run_until([&] { return one.received().size() > heavy_cluster::queues * heavy_cluster::each / 2; }));
    std::map<std::int32_t, int> by_queue;
    for (const auto& message : one.received())
        ++by_queue[message.queue_id];
    CHECK(by_queue.size() == heavy_cluster::queues);
    REQUIRE(cluster.run_until([&] { return one.received().size() == heavy_cluster::queues * heavy_cluster::each; }));
    CHECK(cluster.runtime.now() - open < 5s);
    CHECK(each_once(one, heavy_cluster::queues * heavy_cluster::each));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", heavy_cluster::queues) == heavy_cluster::queues * heavy_cluster::each);
}

TEST_CASE("pulls that brokers hold when the budget is used up bring nothing beyond it, and nothing is lost", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 40);
    bool open               = false;
    auto with               = cluster.member_options();
    with.max_consumer_bytes = 2 * mebi;
    slow_virtual_member one(cluster, "one", with, [&](auto, auto&) -> test::slow_result {
        while (!open)
            co_await test::pause_for(cluster.runtime, 10ms);
        co_return consume_result::success;
    });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s); // all 40 are held
    const std::string body(200 * 1024, 'x');
    std::size_t most = 0;
    for (int i = 0; i < 40; ++i) {
        cluster.broker().send("orders", std::to_string(i) + body, {.queue = i});
        cluster.runtime.advance(1ms);
        most = std::max(most, one.statistics().block_bytes);
    }
    CHECK(most <= 2 * mebi + mebi / 2);
    CHECK(one.statistics().counts.refetched > 20);
    open = true;
    REQUIRE(cluster.run_until([&] { return one.received().size() == 40; }, 20s));
    CHECK(each_once(one, 40));
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 40);
}

#if ROCKETPUSH_WITH_ZLIB
/// Sends what the embedded broker's own `send` does not: bodies that are small until they are inflated.
class compressing_producer {
  public:
    explicit compressing_producer(virtual_cluster& cluster)
        : cluster_(cluster),
          pool_(cluster.runtime, memory_transport(cluster.network), protocol::default_frame_limit, 3s, {}),
          calls_(pool_, routes_, 3000ms) {}
    ~compressing_producer() {
        pool_.close();
        cluster_.runtime.run_ready();
    }

    /// To one queue, of a topic of its own.
    void send(const std::string& topic, const std::string& body) {
        routes_.update(topic, {.queue_datas  = {{.broker_name = "broker-a", .read_queue_nums = 1, .write_queue_nums = 1}},
                               .broker_datas = {{.cluster      = "c",
                                                 .broker_name  = "broker-a",
                                                 .broker_addrs = {{0, to_string(cluster_.address())}}}}});
        message_copy one;
        one.topic           = topic;
        one.body            = protocol::compress(protocol::compression::zlib, body).value();
        one.sys_flag        = sys_flags::compressed | sys_flags::compression_zlib;
        one.reconsume_times = 0;
        asio::co_spawn(cluster_.runtime.get_executor(), calls_.send(one, 3s), [this](std::exception_ptr, const store_outcome& outcome) {
            stored_ += outcome.stored();
        });
        cluster_.runtime.run_ready();
    }
    int stored() const noexcept { return stored_; }

  private:
    virtual_cluster& cluster_;
    connection_pool<memory_transport, test::manual_runtime> pool_;
    route_table routes_;
    broker_calls<memory_transport, test::manual_runtime> calls_;
    int stored_ = 0;
};

TEST_CASE("what bodies inflate to counts in the budget", "[scenario]") {
    constexpr int topics = 20, each = 4;
    virtual_cluster cluster;
    compressing_producer producer(cluster);
    bool open               = false;
    auto with               = cluster.member_options();
    with.max_consumer_bytes = 4 * mebi;
    slow_virtual_member one(cluster, "one", with, [&](auto, auto&) -> test::slow_result {
        while (!open)
            co_await test::pause_for(cluster.runtime, 10ms);
        co_return consume_result::success;
    });
    for (int i = 0; i < topics * each; ++i) {
        const auto topic = "orders-" + std::to_string(i % topics);
        if (i < topics) {
            cluster.broker().create_topic(topic, 1);
            one.subscribe(topic);
        }
        producer.send(topic, std::to_string(i) + std::string(mebi / 2, 'x'));
    }
    REQUIRE(producer.stored() == topics * each);
    REQUIRE(one.start() == std::error_code());
    std::size_t most = 0;
    for (int i = 0; i < 300; ++i) {
        cluster.runtime.advance(10ms);
        most = std::max(most, one.statistics().cached_bytes);
    }
    CHECK(most > mebi);
    CHECK(most <= 4 * mebi); // of 40 MiB, from frames of some KiB
    CHECK(one.statistics().counts.refetched > 0);
    open = true;
    REQUIRE(cluster.run_until([&] { return one.received().size() == topics * each; }, 60s));
    CHECK(each_once(one, topics * each));
}
#endif

TEST_CASE("a budget smaller than one answer makes a consumer slow, not dead", "[scenario]") {
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    const std::string body(3 * mebi, 'x');
    for (int i = 0; i < 8; ++i)
        cluster.broker().send("orders", std::to_string(i) + body, {.queue = i % 4});
    auto with               = cluster.member_options();
    with.max_consumer_bytes = mebi;
    slow_virtual_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 8; }, 20s));
    CHECK(each_once(one, 8));
}

TEST_CASE("a budget that is raised is used at once", "[scenario]") {
    heavy_cluster cluster;
    auto with               = cluster.member_options();
    with.max_consumer_bytes = 2 * mebi;
    slow_virtual_member one(cluster, "one", with, cluster.listener());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(3s);
    CHECK(one.statistics().block_bytes <= 2 * mebi + mebi / 2);
    one.limit_memory(16 * mebi);
    cluster.runtime.advance(1s);
    CHECK(one.statistics().block_bytes > 10 * mebi);
    CHECK(one.statistics().block_bytes <= 16 * mebi + mebi / 2);
    cluster.open = true;
    CHECK(cluster.run_until([&] { return one.received().size() == heavy_cluster::queues * heavy_cluster::each; }));
}

} // namespace
