#include <rocketpush/allocation/broker_allocation.hpp>

#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

std::unique_ptr<member> make_popping_member(const member_plan& of) {
    return make<broker_allocation<>>(of, sim_listener<consume_context>{of.runtime, of.name, of.who});
}

} // namespace rocketpush::simulation
