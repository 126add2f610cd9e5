#include <rocketpush/allocation/broker_allocation.hpp>

#include "tests/lifecycle/member_impl.hpp"

namespace rocketpush::lifecycle {

std::unique_ptr<member> make_popping_member(const std::shared_ptr<memory_network>& network, const options& with, surroundings in) {
    return make(network, with, slow_listener{in}, in, broker_allocation<>());
}

} // namespace rocketpush::lifecycle
