#include <rocketpush/consume/orderly.hpp>

#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

std::unique_ptr<member> make_orderly_member(const member_plan& of) {
    return make(of, orderly(sim_listener<orderly_context>{of.runtime, of.name, of.who}));
}

} // namespace rocketpush::simulation
