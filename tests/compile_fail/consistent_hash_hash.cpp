// build error: ring_hash
#include <rocketpush/allocation/consistent_hash_allocation.hpp>

struct own_hash {
#ifdef CONTROL
    unsigned operator()(std::string_view text) const;
#else
    unsigned operator()(std::string_view text); // not const
#endif
};

static_assert(rocketpush::allocation_strategy<rocketpush::basic_consistent_hash_allocation<own_hash>>);
