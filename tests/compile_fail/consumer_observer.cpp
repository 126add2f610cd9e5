// build error: derived_from
#include <rocketpush/push_consumer.hpp>

#include <string_view>

struct own_observer
#ifdef CONTROL
    : rocketpush::no_observer // without it all other events would be missing
#endif
{
    void on_started(std::string_view, std::string_view) {}
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_observer>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, own_observer{}));
#endif
