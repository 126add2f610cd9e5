// build error: writes_offsets
#include <rocketpush/push_consumer.hpp>

#include <optional>
#include <system_error>

struct own_store {
    template <class Access>
    typename Access::template task<rocketpush::result<std::optional<rocketpush::queue_offset>>> read(
        Access& access, rocketpush::message_queue queue) {
        return access.query_offset(queue);
    }
    template <class Access>
#ifdef CONTROL
    typename Access::template task<std::error_code>
#else
    std::error_code // it would have to block
#endif
    write(Access& access, rocketpush::message_queue queue, rocketpush::queue_offset offset) {
#ifdef CONTROL
        return access.update_offset(queue, offset);
#else
        return access, queue, offset, std::error_code();
#endif
    }
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_store>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, own_store{}));
#endif
