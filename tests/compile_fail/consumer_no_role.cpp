// build error: role_of
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/push_consumer.hpp>

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifdef CONTROL
using given = rocketpush::circle_allocation;
#else
using given = int; // fits no slot
#endif

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, given>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, given{}));
#endif
