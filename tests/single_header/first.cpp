#include <rocketpush/embedded.hpp>

// Whatever is not inline in the header is defined twice here, and the linker says so.
std::error_code no_route_of_the_second_unit();

int main() {
    // One category in the whole program, else codes from two units would differ.
    return no_route_of_the_second_unit() == rocketpush::error::no_route ? 0 : 1;
}
