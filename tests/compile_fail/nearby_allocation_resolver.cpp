// build error: room_resolver
#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/nearby_allocation.hpp>

struct room_of_queue {
    std::string operator()(const rocketpush::message_queue&) const;
};

struct room_of_member {
#ifdef CONTROL
    std::string operator()(const std::string& client_id) const;
#else
    int operator()(const std::string& client_id) const; // a room has a name
#endif
};

static_assert(sizeof(rocketpush::nearby_allocation<rocketpush::average_allocation, room_of_queue, room_of_member>) !=
              0);
