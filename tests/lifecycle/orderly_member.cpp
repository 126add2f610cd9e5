#include <rocketpush/consume/orderly.hpp>

#include "tests/lifecycle/member_impl.hpp"

namespace rocketpush::lifecycle {

std::unique_ptr<member> make_orderly_member(const std::shared_ptr<memory_network>& network, const options& with, surroundings in) {
    return make(network, with, orderly<slow_listener>(slow_listener{in}), in);
}

} // namespace rocketpush::lifecycle
