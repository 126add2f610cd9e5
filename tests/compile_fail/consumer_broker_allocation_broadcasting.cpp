// build error: broker_allocation is for clustering
#include <rocketpush/push_consumer.hpp>

#include <rocketpush/offset_store/file_offset_store.hpp>

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifdef CONTROL
using store = rocketpush::broker_offset_store;
#else
using store = rocketpush::file_offset_store;
#endif

using consumer = rocketpush::consumer_of<on_entry, rocketpush::broker_allocation<>, store>;
static_assert(sizeof(consumer::core_type) != 0);
