// build error: observer
#include <rocketpush/push_consumer.hpp>

#include <string_view>

struct own_observer
#ifdef CONTROL
    : rocketpush::no_observer // without it all other events would be missing
#endif
{
    void on_starting(std::string_view) {}
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifdef AS_VALUE
void make(const rocketpush::options& with) { rocketpush::push_consumer consumer{with, on_entry{}, own_observer{}}; }
#else
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_observer>) != 0);
#endif
