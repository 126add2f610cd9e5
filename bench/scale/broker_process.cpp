#include "bench/scale/broker_process.hpp"

#include <rocketpush/embedded/broker.hpp>

#include <array>
#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

using address_text = std::array<char, 64>;

void serve(const scale_case& with, int to) {
    rocketpush::embedded::broker broker({.store_bytes = std::size_t{4} << 30});
    const std::string body(with.body_size, 'x');
    for (std::int32_t topic = 0; topic < with.topics(); ++topic) {
        const auto name = scale_topic(topic);
        broker.create_topic(name, with.queues_of(topic));
        for (std::int32_t queue = 0; queue < with.queues_of(topic); ++queue)
            for (std::size_t i = 0; i < with.messages_a_queue; ++i)
                broker.send(name, body, {.queue = queue});
    }
    address_text told{};
    const auto address = broker.name_server_address();
    std::memcpy(told.data(), address.data(), std::min(address.size(), told.size() - 1));
    child_process::tell(to, told);
    for (;;)
        ::pause(); // our parent ends us
}

} // namespace

broker_process::broker_process(const scale_case& with) : child_([&with](int to) { serve(with, to); }) {
    const auto told = child_.hear<address_text>();
    if (!told)
        throw std::runtime_error("the broker did not start");
    address_ = told->data();
}

} // namespace bench
