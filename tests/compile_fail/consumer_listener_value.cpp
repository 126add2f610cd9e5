// build error: takes_message
#include <rocketpush/push_consumer.hpp>

#include <string>

void make(const rocketpush::options& with) {
#ifdef CONTROL
    const auto print = [](const rocketpush::message_view&) {};
#else
    const auto print = [](std::string&) {}; // a message is not a string
#endif
    rocketpush::push_consumer consumer{with, print};
}
