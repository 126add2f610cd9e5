// build error: named_strategy
#include <rocketpush/push_consumer.hpp>

struct strategy {
    rocketpush::allocation allocate(const rocketpush::allocation_request&) const { return rocketpush::error::not_a_member; }
#ifdef CONTROL
    const char* name() const noexcept { return "OWN"; }
#endif
};

struct on_entry {
    rocketpush::consume_result operator()(const rocketpush::message_view&) const;
};

static_assert(sizeof(rocketpush::push_consumer<on_entry, rocketpush::tcp_transport, strategy>) != 0);
