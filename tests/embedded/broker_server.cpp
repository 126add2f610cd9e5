#include <rocketpush/embedded/broker_server.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"

#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <asio/read.hpp>
#include <asio/write.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;

namespace {

using memory_broker = embedded::basic_broker<memory_transport, manual_runtime>;
using executor      = manual_runtime::executor_type;

const endpoint broker_endpoint{"broker", 10911};

embedded::broker_options at_endpoint() {
    embedded::broker_options options;
    options.listen = broker_endpoint;
    return options;
}

/// A client without sockets, in virtual time: what it reads gathers in `received` as it comes.
struct memory_client {
    memory_client(manual_runtime& of, memory_transport network, const endpoint& to = broker_endpoint)
        : runtime(of), stream(of.get_executor()) {
        network.async_connect(stream, to, [this](std::error_code failure) {
            ended = bool(failure);
            if (!failure)
                read();
        });
        runtime.run_ready();
    }

    ~memory_client() {
        stream.close();
        runtime.run_ready(); // what is under way looks at this object
    }

    void read() {
        stream.async_read_some(asio::buffer(buffer), [this](std::error_code failure, std::size_t size) {
            received.append(buffer, size);
            ended = bool(failure);
            if (!failure && reading)
                read();
        });
    }

    template <class Request>
    void tell(const Request& request, std::string_view body = {}) {
        std::string bytes;
        protocol::append_request(bytes, protocol::header_encoding::json, request, {.opaque = 1}, body);
        write(std::move(bytes));
    }

    void write(std::string bytes) {
        unsent.push_back(std::make_unique<std::string>(std::move(bytes)));
        asio::async_write(stream, asio::buffer(*unsent.back()), [](std::error_code, std::size_t) {});
        runtime.run_ready();
    }

    /// Takes the codes of the frames that have come.
    std::vector<std::int32_t> take_codes() {
        std::vector<std::int32_t> codes;
        while (received.size() >= protocol::frame_prefix_size) {
            const auto prefix = protocol::parse_frame_prefix(received.data()).value();
            if (received.size() < prefix.frame_size())
                break;
            const auto header = std::string_view(received).substr(protocol::frame_prefix_size, prefix.header_size);
            codes.push_back(protocol::parse_header(prefix.encoding, header).value().code);
            received.erase(0, prefix.frame_size());
        }
        return codes;
    }

    manual_runtime& runtime;
    memory_stream<executor> stream;
    char buffer[4096];
    std::string received;
    std::vector<std::unique_ptr<std::string>> unsent;
    bool ended   = false;
    bool reading = true;
};

using codes = std::vector<std::int32_t>;

protocol::pull_request pull_all() {
    protocol::pull_request pull{.consumer_group = "billing", .topic = "orders"};
    pull.sys_flag     = protocol::pull_flags::suspend | protocol::pull_flags::subscription;
    pull.subscription = "*";
    return pull;
}

struct fixture {
    explicit fixture(memory_network_options sizes = {}, embedded::broker_options options = at_endpoint())
        : network(std::make_shared<memory_network>(sizes)), transport(network),
          broker(std::make_unique<memory_broker>(std::move(options), transport, runtime)) {
        broker->create_topic("orders", 1);
        runtime.run_ready();
    }
    ~fixture() {
        broker.reset();
        runtime.run_ready();
    }

    manual_runtime runtime;
    std::shared_ptr<memory_network> network;
    memory_transport transport;
    std::unique_ptr<memory_broker> broker;
};

} // namespace

TEST_CASE("a broker without sockets answers, however its frames are cut", "[embedded]") {
    for (const std::size_t largest_read : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
        fixture f({.largest_read = largest_read});
        memory_client client(f.runtime, f.transport);
        client.tell(protocol::route_request{.topic = "orders"});
        client.tell(protocol::route_request{.topic = "nothing"});
        CHECK(client.take_codes() == codes{0, 17});
    }
}

TEST_CASE("a held pull ends in virtual time", "[embedded]") {
    fixture f;
    memory_client client(f.runtime, f.transport);
    client.tell(pull_all());
    f.runtime.advance(14999ms);
    CHECK(client.take_codes().empty());
    f.runtime.advance(1ms);
    CHECK(client.take_codes() == codes{19});

    client.tell(pull_all());
    f.broker->send("orders", "x");
    f.runtime.run_ready();
    CHECK(client.take_codes() == codes{0});
}

TEST_CASE("hours of delay take no time", "[embedded]") {
    fixture f;
    f.broker->send("orders", "x", {.delay_level = 18});
    f.runtime.advance(2h - 1ms);
    CHECK(f.broker->stored("orders") == 0);
    f.runtime.advance(1ms);
    CHECK(f.broker->stored("orders") == 1);
}

TEST_CASE("a delay that comes before what was waited for is not late", "[embedded]") {
    fixture f;
    f.broker->send("orders", "later", {.delay_level = 3});
    f.runtime.advance(1s);
    f.broker->send("orders", "sooner", {.delay_level = 1});
    f.runtime.advance(1s);
    CHECK(f.broker->stored("orders") == 1);
}

TEST_CASE("a paused broker does nothing, and catches up", "[embedded]") {
    fixture f;
    memory_client client(f.runtime, f.transport);
    client.tell(pull_all());
    f.broker->send("orders", "x", {.delay_level = 1});
    f.broker->pause();
    client.tell(protocol::route_request{.topic = "orders"});
    f.broker->send("orders", "ends the pull, but nobody hears of it yet");
    f.runtime.advance(20s);
    CHECK(client.take_codes().empty());
    CHECK(f.broker->stored("orders") == 1);
    f.broker->resume();
    f.runtime.run_ready();
    CHECK(client.take_codes() == codes{0, 0});
    CHECK(f.broker->stored("orders") == 2);
}

TEST_CASE("a client that does not read is not read from for ever", "[embedded]") {
    fixture f;
    for (int i = 0; i < 4; ++i)
        f.broker->send("orders", std::string(1 << 20, 'x'));
    memory_client client(f.runtime, f.transport);
    client.reading = false;
    client.tell(protocol::route_request{.topic = "orders"}); // the last thing it reads the answer of
    for (int i = 0; i < 100; ++i)
        client.tell(pull_all());
    const auto answered = f.broker->statistics().requests_of(protocol::request_code::pull_message);
    CHECK(answered < 20);
    client.reading = true;
    client.read();
    f.runtime.advance(1s);
    CHECK(f.broker->statistics().requests_of(protocol::request_code::pull_message) == 100);
    CHECK(client.take_codes().size() == 101);
}

TEST_CASE("a client that ends leaves its group; a network that breaks does it for all", "[embedded]") {
    fixture f;
    protocol::heartbeat_data beat{.client_id = "me"};
    beat.consumers.push_back({.group_name = "billing"});
    memory_client one(f.runtime, f.transport), two(f.runtime, f.transport);
    one.tell(protocol::heartbeat_request{}, protocol::encode(beat));
    two.tell(protocol::heartbeat_request{}, protocol::encode(beat));
    CHECK(f.broker->members("billing").size() == 2);
    one.stream.close();
    f.runtime.run_ready();
    CHECK(f.broker->members("billing").size() == 1);
    f.network->cut(broker_endpoint);
    f.runtime.run_ready();
    CHECK(f.broker->members("billing").empty());
    CHECK(two.ended);
}

TEST_CASE("a broker that has ended is replaced at its place", "[embedded]") {
    fixture f;
    memory_client client(f.runtime, f.transport);
    f.broker.reset();
    f.runtime.run_ready();
    CHECK(client.ended);
    f.broker = std::make_unique<memory_broker>(at_endpoint(), f.transport, f.runtime);
    memory_client again(f.runtime, f.transport);
    again.tell(protocol::route_request{.topic = "TBW102"});
    CHECK(again.take_codes() == codes{0});
}

TEST_CASE("answers are late in virtual time, and connections end, as a fault says", "[embedded]") {
    using protocol::request_code;
    namespace fault_action = embedded::fault_action;
    fixture f;
    f.broker->add_fault({.codes = {request_code::get_route_info}, .action = fault_action::delay{300ms}, .times = 1});
    const auto closing =
        f.broker->add_fault({.codes = {request_code::pull_message}, .action = fault_action::close_after{}});
    memory_client client(f.runtime, f.transport);
    client.tell(protocol::route_request{.topic = "orders"});
    f.runtime.advance(299ms);
    CHECK(client.take_codes().empty());
    f.runtime.advance(1ms);
    CHECK(client.take_codes() == codes{0});

    client.tell(pull_all()); // held; it is a call of the test's that has it answered
    f.broker->send("orders", "x");
    f.runtime.run_ready();
    CHECK(client.take_codes().empty());
    CHECK(client.ended);
    CHECK(f.broker->fault_hits(closing) == 1);
    CHECK_THROWS_AS(f.broker->add_fault({.rate = 2}), std::system_error);
    CHECK(f.broker->clear_fault(closing));
}

TEST_CASE("a slave listens at its own address until it ends with its broker", "[embedded]") {
    const endpoint slave_endpoint{"broker", 10912};
    auto options         = at_endpoint();
    options.slave_listen = slave_endpoint;
    fixture f({}, options);
    CHECK(f.broker->slave_address() == slave_endpoint);
    f.broker->send("orders", "x");
    memory_client master(f.runtime, f.transport), slave(f.runtime, f.transport, slave_endpoint);
    slave.tell(pull_all());
    slave.tell(protocol::send_request{.producer_group = "p", .topic = "orders"}, "y");
    CHECK(slave.take_codes() == codes{0, 14});
    f.broker->lose_master();
    f.runtime.run_ready();
    CHECK(master.ended);
    CHECK(!slave.ended);
    f.broker->restore_master();
    memory_client again(f.runtime, f.transport);
    again.tell(pull_all());
    CHECK(again.take_codes() == codes{0});
    f.broker.reset();
    f.runtime.run_ready();
    CHECK(slave.ended);
}

TEST_CASE("routes name the advertised host", "[embedded]") {
    auto options            = at_endpoint();
    options.advertised_host = "outside.example";
    fixture f({}, options);
    CHECK(f.broker->name_server_address() == "outside.example:10911");
}
