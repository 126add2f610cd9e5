#include "tests/simulation/servers.hpp"

#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/protocol/requests_route.hpp>

#include <utility>

template class rocketpush::embedded::broker_server<rocketpush::simulation::sim_transport, rocketpush::test::manual_runtime>;
template class rocketpush::embedded::basic_broker<rocketpush::simulation::sim_transport, rocketpush::test::manual_runtime>;

namespace rocketpush::simulation {

std::unique_ptr<sim_broker> make_broker(const manual_runtime& runtime, const std::shared_ptr<network>& in, embedded::broker_options with) {
    sim_transport transport(in, with.name);
    return std::make_unique<sim_broker>(std::move(with), std::move(transport), runtime);
}

name_server::name_server(manual_runtime& runtime, const std::shared_ptr<network>& in, std::string name)
    : peer_(runtime, sim_transport(in, name), {name, 9876}, [this](session& of) { answer(of); }) {}

void name_server::say(opinion what) { opinion_ = what; }

protocol::route_data name_server::route(const std::string& topic) const {
    if (opinion_ == opinion::empty)
        return {};
    if (const auto known = last_.find(topic); opinion_ == opinion::stale && known != last_.end())
        return known->second;
    protocol::route_data whole;
    bool first = true;
    for (const auto* broker : brokers_) {
        const bool left_out = std::exchange(first, false) && opinion_ == opinion::without_first;
        if (auto one = broker->route(topic); one && !left_out) {
            whole.queue_datas.push_back(one->queue_datas.front());
            whole.broker_datas.push_back(one->broker_datas.front());
        }
    }
    last_[topic] = whole;
    return whole;
}

void name_server::answer(session& of) {
    while (const auto frame = of.take_frame()) {
        const auto topic = frame->field("topic");
        const auto said  = route(topic);
        const bool known = !said.broker_datas.empty();
        std::string bytes;
        protocol::append_response(bytes, protocol::header_encoding::json, known ? response_code::success : response_code::topic_not_exist,
                                  frame->header.opaque, known ? "" : "No topic route info in name server for the topic: " + topic,
                                  protocol::no_fields{}, known ? protocol::encode(said) : std::string());
        of.write(std::move(bytes));
    }
}

void roll_back(const manual_runtime& runtime, const std::shared_ptr<network>& in, const endpoint& broker, const std::string& group,
               const std::string& topic, std::int32_t queue, queue_offset to) {
    using session = test::basic_peer_session<sim_transport>;
    auto stream   = std::make_shared<sim_stream<executor_type>>(runtime.get_executor());
    sim_transport(in, "administrator").async_connect(*stream, broker, [=](std::error_code failure) {
        if (failure)
            return;
        std::string bytes;
        protocol::append_request(bytes, protocol::header_encoding::json,
                                 protocol::update_offset_request{.consumer_group = group, .topic = topic, .queue_id = queue, .commit_offset = to}, {});
        const auto one = std::make_shared<session>(std::move(*stream), [](session& of) { of.close(); });
        one->read();
        one->write(std::move(bytes));
    });
}

} // namespace rocketpush::simulation
