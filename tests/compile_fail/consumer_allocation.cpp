// build error: named_strategy
#include <rocketpush/push_consumer.hpp>

struct own_strategy {
    rocketpush::allocation allocate(const rocketpush::allocation_request&) const { return rocketpush::error::not_a_member; }
#ifdef CONTROL
    const char* name() const noexcept { return "OWN"; }
#endif
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifdef AS_VALUE
void make(const rocketpush::options& with) { rocketpush::push_consumer consumer{with, on_entry{}, own_strategy{}}; }
#else
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_strategy>) != 0);
#endif
