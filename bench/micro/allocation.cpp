#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>

#include <string>

#include "bench/micro/stopwatch.hpp"

namespace bench {

std::vector<micro_figure> measure_allocation() {
    std::vector<micro_figure> figures;
    const auto add = [&](const auto& strategy, std::size_t queues) {
        std::vector<std::string> members;
        for (int i = 0; i < 4; ++i)
            members.push_back("10.0.0." + std::to_string(i) + "@4711");
        std::vector<rocketpush::message_queue> all;
        for (std::size_t i = 0; i < queues; ++i)
            all.push_back({"orders", "broker-a", static_cast<std::int32_t>(i)});
        const rocketpush::allocation_request request{"replay", members[1], members, all};
        figures.push_back(
            time_of(std::string(strategy.name()) + ", " + std::to_string(queues) + " queues, 4 members", [&] {
                const rocketpush::allocation share = strategy.allocate(request);
                keep(share->size());
            }));
    };
    for (const auto queues : {std::size_t{8}, std::size_t{64}, std::size_t{1024}}) {
        add(rocketpush::average_allocation(), queues);
        add(rocketpush::circle_allocation(), queues);
    }
    return figures;
}

} // namespace bench
