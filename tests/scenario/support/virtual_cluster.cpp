#include "tests/scenario/support/virtual_cluster.hpp"

#include <string>
#include <utility>

template class rocketpush::embedded::broker_server<rocketpush::memory_transport, rocketpush::test::manual_runtime>;
template class rocketpush::embedded::basic_broker<rocketpush::memory_transport, rocketpush::test::manual_runtime>;

namespace rocketpush::test {

virtual_cluster::virtual_cluster(embedded::broker_options with, memory_network_options links)
    : network(std::make_shared<memory_network>(links)), broker_options_(std::move(with)) {
    if (broker_options_.listen.port == 0)
        broker_options_.listen = {"broker-a", 10911};
    address_ = broker_options_.listen;
    if (!broker_options_.advertised_host.empty())
        address_.host = broker_options_.advertised_host;
    start_broker();
}

virtual_cluster::~virtual_cluster() {
    if (broker_)
        stop_broker();
}

void virtual_cluster::stop_broker() {
    network->cut(broker_options_.listen);
    broker_.reset();
    runtime.run_ready();
}

void virtual_cluster::start_broker() { broker_.emplace(broker_options_, memory_transport(network), runtime); }

void virtual_cluster::cut_off(memory_network::reach how) {
    network->set(address_, how);
    network->cut(address_);
}

void virtual_cluster::reconnect() { network->set(address_, memory_network::reach::open); }

options virtual_cluster::member_options(std::string group) const {
    return {.name_servers = to_string(address_), .group = std::move(group), .from = consume_from::first};
}

void virtual_cluster::send(const std::string& topic, int count, const std::string& prefix, embedded::send_options with) {
    for (int i = 0; i < count; ++i)
        broker_->send(topic, prefix + std::to_string(i), with);
}

queue_offset virtual_cluster::committed(const std::string& topic, std::int32_t queues, const std::string& group) {
    queue_offset sum = 0;
    for (std::int32_t id = 0; id < queues; ++id)
        sum += broker_->committed_offset(group, topic, id).value_or(0);
    return sum;
}

} // namespace rocketpush::test
