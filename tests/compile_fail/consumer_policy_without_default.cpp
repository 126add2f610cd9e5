// build error: a policy without a default constructor is given to the consumer as a value
#include <rocketpush/push_consumer.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <memory>
#include <tuple>

// What the consumer's constructor does with the values it is given. (The constructor itself takes long to compile.)
#ifdef CONTROL
std::tuple given(rocketpush::memory_transport(std::make_shared<rocketpush::memory_network>()));
#else
std::tuple<> given;
#endif

auto transport = rocketpush::detail::take_policy<rocketpush::memory_transport>(given);
