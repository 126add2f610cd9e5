// build error: named_strategy
#include <rocketpush/push_consumer.hpp>

struct own_strategy {
    rocketpush::allocation allocate(const rocketpush::allocation_request&) const {
        return rocketpush::error::not_a_member;
    }
#ifdef CONTROL
    const char* name() const noexcept { return "OWN"; }
#endif
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_strategy>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, own_strategy{}));
#endif
