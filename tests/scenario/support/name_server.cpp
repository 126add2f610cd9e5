#include "tests/scenario/support/name_server.hpp"

#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests_route.hpp>

#include <utility>

namespace rocketpush::test {

name_server::name_server(manual_runtime& runtime, std::shared_ptr<memory_network> network, endpoint at)
    : peer_(runtime, network, std::move(at), [this](peer_session& session) { answer(session); }) {}

protocol::route_data name_server::route(const std::string& topic) const {
    protocol::route_data whole;
    for (const auto* broker : brokers_)
        if (auto one = broker->route(topic)) {
            whole.queue_datas.push_back(one->queue_datas.front());
            whole.broker_datas.push_back(one->broker_datas.front());
            whole.mappings.insert(whole.mappings.end(), one->mappings.begin(), one->mappings.end());
        }
    return whole;
}

void name_server::answer(peer_session& session) {
    while (const auto frame = session.take_frame()) {
        const auto topic = frame->field("topic");
        ++asked_[topic];
        auto said = frozen_.contains(topic) ? frozen_[topic] : route(topic);
        if (change)
            change(topic, said);
        const bool known = !said.broker_datas.empty();
        std::string bytes;
        protocol::append_response(bytes, protocol::header_encoding::json,
                                  known ? response_code::success : response_code::topic_not_exist, frame->header.opaque,
                                  known ? "" : "No topic route info in name server for the topic: " + topic,
                                  protocol::no_fields{}, known ? protocol::encode(said) : std::string());
        session.write(std::move(bytes));
    }
}

broker_pair::broker_pair(embedded::broker_options with) : virtual_cluster(with), names(runtime, network) {
    with.listen = {"broker-b", 10911};
    with.name   = "broker-b";
    second_.emplace(with, memory_transport(network), runtime);
    names.add(first());
    names.add(second());
}

broker_pair::~broker_pair() {
    network->cut({"broker-b", 10911});
    second_.reset();
    runtime.run_ready();
}

} // namespace rocketpush::test
