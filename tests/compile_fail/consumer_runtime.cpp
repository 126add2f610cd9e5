// build error: has_runtime_random
#include <rocketpush/push_consumer.hpp>

#include <cstdint>

struct own_runtime : rocketpush::asio_runtime {
#ifdef CONTROL
    std::uint64_t random() const noexcept { return 4; }
#else
    int random() const noexcept { return 4; } // too few bits
#endif
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_runtime>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, own_runtime{}));
#endif
