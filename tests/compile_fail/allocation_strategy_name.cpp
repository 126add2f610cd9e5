// build error: named_strategy
#include <rocketpush/allocation/allocation_strategy.hpp>

template <rocketpush::allocation_strategy Allocation>
void share_out(const Allocation&) {}

struct strategy {
    rocketpush::allocation allocate(const rocketpush::allocation_request&) const;
#ifdef CONTROL
    const char* name() const noexcept;
#else
    const char* name() const; // may throw
#endif
};

void use(const strategy& allocation) { share_out(allocation); }
