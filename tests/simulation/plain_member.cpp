#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

std::unique_ptr<member> make_plain_member(const member_plan& of) { return make(of, plain_sim_listener{of.name, of.who}); }

} // namespace rocketpush::simulation
