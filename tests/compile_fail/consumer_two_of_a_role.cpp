// build error: two policies are given for the slot Allocation
#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifdef CONTROL
using second = rocketpush::inline_executor;
#else
using second = rocketpush::average_allocation;
#endif

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, rocketpush::circle_allocation, second>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced =
    decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, rocketpush::circle_allocation{}, second{}));
#endif
