#include <rocketpush/consume/orderly.hpp>

#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

std::unique_ptr<member> make_orderly_member(const manual_runtime& runtime, const std::shared_ptr<network>& in, const std::string& name,
                                            const options& with, const std::vector<std::string>& topics, audience& who) {
    return make<average_allocation>(runtime, in, name, with, topics, who, orderly(sim_listener<orderly_context>{runtime, name, &who}));
}

} // namespace rocketpush::simulation
