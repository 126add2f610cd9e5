// build error: one_of
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifdef CONTROL
using assembly = rocketpush::consumer_of<on_entry, rocketpush::inline_executor>;
#else
using assembly = rocketpush::consumer_of<on_entry>; // with a thread pool: the value below would have no effect
#endif

using made = decltype(assembly(rocketpush::options(), on_entry(), rocketpush::inline_executor()));
