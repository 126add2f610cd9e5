#include "tests/lifecycle/member_impl.hpp"

namespace rocketpush::lifecycle {

std::unique_ptr<member> make_prompt_member(const std::shared_ptr<memory_network>& network, const options& with, surroundings in) {
    return make(network, with, prompt_listener{in}, in);
}

std::unique_ptr<member> make_member(kind how, const std::shared_ptr<memory_network>& network, const options& with, surroundings in) {
    switch (how) {
    case kind::slow: return make_slow_member(network, with, std::move(in));
    case kind::in_order: return make_orderly_member(network, with, std::move(in));
    case kind::popping: return make_popping_member(network, with, std::move(in));
    case kind::prompt: break;
    }
    return make_prompt_member(network, with, std::move(in));
}

} // namespace rocketpush::lifecycle
