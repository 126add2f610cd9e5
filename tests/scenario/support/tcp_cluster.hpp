#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_TCP_CLUSTER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_TCP_CLUSTER_HPP

#include <rocketpush/core/options.hpp>
#include <rocketpush/embedded/broker.hpp>

#include <chrono>
#include <string>
#include <utility>

// Compiled once, in tcp_cluster.cpp.
extern template class rocketpush::embedded::broker_server<rocketpush::tcp_transport, rocketpush::asio_runtime>;
extern template class rocketpush::embedded::basic_broker<rocketpush::tcp_transport, rocketpush::asio_runtime>;

namespace rocketpush::test {

/// A broker on loopback with a topic `orders` of four queues, for stories with real threads and sockets.
struct tcp_cluster {
    explicit tcp_cluster(int messages = 0, embedded::broker_options with = {}) : broker(std::move(with)) {
        broker.create_topic("orders", 4);
        send(messages);
    }

    void send(int count, const std::string& prefix = "m") {
        for (int i = 0; i < count; ++i)
            broker.send("orders", prefix + std::to_string(i));
    }

    queue_offset committed(const std::string& group = "billing") const {
        queue_offset sum = 0;
        for (std::int32_t id = 0; id < 4; ++id)
            sum += broker.committed_offset(group, "orders", id).value_or(0);
        return sum;
    }

    /// Few threads: sanitizers make them dear.
    options member_options() const {
        return {.name_servers = broker.name_server_address(), .group = "billing", .from = consume_from::first, .consume_threads = 4};
    }

    embedded::broker broker;
};

} // namespace rocketpush::test

#endif
