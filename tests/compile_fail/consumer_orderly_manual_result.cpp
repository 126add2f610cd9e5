// build error: takes_message_in_order
#include <rocketpush/push_consumer.hpp>

struct on_entry {
#ifdef CONTROL
    rocketpush::orderly_result operator()(const rocketpush::message_view&) const;
#else
    void operator()(const rocketpush::message_view&) const; // never commits
#endif
};

using consumer = rocketpush::push_consumer<rocketpush::orderly_manual<on_entry>>;
static_assert(sizeof(consumer) != 0);
