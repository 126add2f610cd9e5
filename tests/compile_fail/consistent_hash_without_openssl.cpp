// build error: needs MD5, which this build left out
#undef ROCKETPUSH_WITH_OPENSSL
#define ROCKETPUSH_WITH_OPENSSL 0
#include <rocketpush/allocation/consistent_hash_allocation.hpp>

#ifdef CONTROL
struct own_hash {
    unsigned operator()(std::string_view text) const;
};
using strategy = rocketpush::basic_consistent_hash_allocation<own_hash>;
#else
using strategy = rocketpush::consistent_hash_allocation;
#endif

static_assert(sizeof(strategy) != 0);
