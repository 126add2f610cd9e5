#include <rocketpush/allocation/broker_allocation.hpp>

#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

std::unique_ptr<member> make_popping_member(const manual_runtime& runtime, const std::shared_ptr<network>& in, const std::string& name,
                                            const options& with, const std::vector<std::string>& topics, audience& who) {
    return make<broker_allocation<>>(runtime, in, name, with, topics, who, sim_listener<consume_context>{runtime, name, &who});
}

} // namespace rocketpush::simulation
