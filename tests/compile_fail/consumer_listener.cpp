// build error: takes_message
#include <rocketpush/push_consumer.hpp>

struct on_entry {
#ifdef CONTROL
    void operator()(const rocketpush::message_view&) const;
#else
    bool operator()(const rocketpush::message_view&) const; // neither nothing nor a consume_result
#endif
};

using consumer = rocketpush::push_consumer<on_entry>;
static_assert(sizeof(consumer) != 0);
