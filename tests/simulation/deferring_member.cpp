#include <rocketpush/executor/asio_executor.hpp>

#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

std::unique_ptr<member> make_deferring_member(const member_plan& of) {
    return make(of, deferring_sim_listener{of.runtime, of.name, of.who}, broker_offset_store(), asio_executor(of.runtime.get_executor(), 4));
}

} // namespace rocketpush::simulation
