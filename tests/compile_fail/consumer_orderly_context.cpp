// build error: takes_message_in_order
#include <rocketpush/push_consumer.hpp>

struct on_entry {
#ifdef CONTROL
    void operator()(const rocketpush::message_view&, rocketpush::orderly_context&) const;
#else
    void operator()(const rocketpush::message_view&, rocketpush::consume_context&) const; // of concurrent listeners
#endif
};

using consumer = rocketpush::push_consumer<rocketpush::orderly<on_entry>>;
static_assert(sizeof(consumer) != 0);
