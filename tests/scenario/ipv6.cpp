#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/message_id.hpp>
#include <rocketpush/protocol/requests.hpp>

#include "tests/scenario/support/threaded_consumer.hpp"
#include "tests/scenario/support/virtual_member.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::message_span;
using test::tally;
using test::tcp_cluster;
using test::threaded_consumer;
using test::virtual_cluster;
using test::virtual_member;

bool has_ipv6() {
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context);
    std::error_code failure;
    acceptor.open(asio::ip::tcp::v6(), failure);
    if (!failure)
        acceptor.bind({asio::ip::address_v6::loopback(), 0}, failure);
    return !failure;
}

/// As a producer does, so that the message is born where it connects from.
void send_over_tcp(const endpoint& to, const std::string& topic, const std::string& text) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::make_address(to.host), to.port});
    std::string frame;
    const protocol::send_request request{.producer_group = "p", .topic = topic, .queue_id = 0};
    protocol::append_request(frame, protocol::header_encoding::json, request, {.opaque = 1}, text);
    asio::write(socket, asio::buffer(frame));
    char size[4];
    asio::read(socket, asio::buffer(size)); // of the answer: it is stored
}

/// What a listener saw of a message.
struct seen_message {
    std::string body, id, original_id, born, stored;
    int times;
};

TEST_CASE("over IPv6 all is as over IPv4: name server, routes, pulls, retries, commits, and the hosts in ids", "[scenario]") {
    if (!has_ipv6()) {
        WARN("this machine has no ::1: not tested");
        return;
    }
    embedded::broker_options with;
    with.listen       = {"::1", 0};
    with.delay_levels = std::vector(18, 10ms);
    tcp_cluster cluster(20, with);
    const auto port = std::to_string(cluster.broker.address().port);
    REQUIRE(cluster.broker.name_server_address() == "[::1]:" + port);
    for (int i = 0; i < 5; ++i)
        send_over_tcp(cluster.broker.address(), "orders", "sent" + std::to_string(i));

    std::mutex mutex;
    std::vector<seen_message> seen;
    tally got;
    threaded_consumer consumer(cluster.member_options(), [&](const message_view& m) {
        {
            const std::lock_guard lock(mutex);
            seen.push_back({std::string(m.body()), m.offset_message_id(), m.original_message_id(), m.born_host().to_string(),
                            m.store_host().to_string(), m.reconsume_times()});
        }
        got.note(m);
        return m.body() == "sent3" && m.reconsume_times() == 0 ? consume_result::reconsume_later : consume_result::success;
    });
    consumer.subscribe("orders");
    consumer.start();
    REQUIRE(got.wait_for(26));
    CHECK(consumer.events().all("started").at(0).about.starts_with("::1@"));
    REQUIRE(cluster.broker.members("billing").size() == 1);
    CHECK(cluster.broker.members("billing")[0].starts_with("::1@"));
    consumer.stop();
    CHECK(cluster.committed() == 25);
    CHECK(got.counts().size() == 25);
    for (const auto& [body, times] : got.counts())
        CHECK(times == (body == "sent3" ? 2 : 1));

    std::map<std::string, std::string> first_ids;
    for (const auto& each : seen) {
        CAPTURE(each.body);
        CHECK(each.stored == "[::1]:" + port);
        if (each.body.starts_with("sent"))
            CHECK(each.born.starts_with("[::1]:"));
        const auto id = protocol::parse_offset_message_id(each.id);
        REQUIRE(id);
        CHECK(id->store_host.to_string() == each.stored);
        if (each.times == 0)
            first_ids[each.body] = each.id;
    }
    const auto again = std::ranges::find_if(seen, [](const auto& each) { return each.times == 1; });
    REQUIRE(again != seen.end());
    CHECK(again->original_id == first_ids["sent3"]);
    CHECK(again->id != again->original_id);
}

TEST_CASE("a name server's IPv6 address may have its brackets or not", "[scenario]") {
    for (const std::string address : {"[fd00::7]:10911", "fd00::7:10911", "http://[fd00::7]:10911"}) {
        virtual_cluster cluster({.listen = {"fd00::7", 10911}});
        cluster.broker().create_topic("orders", 1);
        cluster.send("orders", 3);
        auto with         = cluster.member_options();
        with.name_servers = address;
        virtual_member one(cluster, "one", with);
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        CHECK(cluster.run_until([&] { return one.received().size() == 3; }, 1s));
        CHECK(one.stop() == std::error_code());
        CHECK(cluster.committed("orders", 1) == 3);
    }
}

TEST_CASE("members share the queues of a broker with an IPv6 address, and bring its messages again", "[scenario]") {
    virtual_cluster cluster({.listen = {"fd00::7", 10911}});
    cluster.broker().create_topic("orders", 4);
    cluster.send("orders", 40);
    const auto fail_first = [](message_span messages, consume_context&) {
        return messages.front().body() == "m7" && messages.front().reconsume_times() == 0 ? consume_result::reconsume_later
                                                                                          : consume_result::success;
    };
    auto with      = cluster.member_options();
    with.client_ip = "fd00::1"; // as Java has it in a client id: without brackets
    virtual_member one(cluster, "one", with, fail_first), two(cluster, "two", with, fail_first);
    one.subscribe("orders");
    two.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(two.start() == std::error_code());
    CHECK(cluster.broker().members("billing") == std::vector<std::string>{"fd00::1@one", "fd00::1@two"});
    REQUIRE(cluster.run_until([&] { return one.received().size() + two.received().size() >= 41; }, 1min));
    cluster.runtime.advance(1min);
    CHECK(one.received().size() + two.received().size() == 41);
    for (const auto* member : {&one, &two})
        for (const auto& each : member->received()) {
            CHECK(each.id.starts_with("FD000000000000000000000000000007"));
            CHECK(each.id.size() == 56);
        }
    CHECK(one.stop() == std::error_code());
    CHECK(two.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 40);
}

} // namespace
