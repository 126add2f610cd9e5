#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

std::unique_ptr<member> make_concurrent_member(const member_plan& of) {
    return make(of, sim_listener<consume_context>{of.runtime, of.name, of.who});
}

} // namespace rocketpush::simulation
