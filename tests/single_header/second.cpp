#include <rocketpush/rocketpush.hpp>

std::error_code no_route_of_the_second_unit();

std::error_code no_route_of_the_second_unit() { return rocketpush::error::no_route; }
