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

#ifdef AS_VALUE
void make(const rocketpush::options& with) { rocketpush::push_consumer consumer{with, on_entry{}, given{}}; }
#else
static_assert(sizeof(rocketpush::consumer_of<on_entry, given>) != 0);
#endif
