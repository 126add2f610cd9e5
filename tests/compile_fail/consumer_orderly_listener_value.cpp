// build error: takes_message_in_order
#include <rocketpush/push_consumer.hpp>

#include <string>

#ifdef CONTROL
const auto print = [](const rocketpush::message_view&) {};
#else
const auto print = [](std::string&) {}; // a message is not a string
#endif

using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), rocketpush::orderly{print}));
