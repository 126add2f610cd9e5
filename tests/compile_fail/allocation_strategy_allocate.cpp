// build error: answers_allocation
#include <rocketpush/allocation/allocation_strategy.hpp>

template <rocketpush::allocation_strategy Allocation>
void share_out(const Allocation&) {}

struct strategy {
    const char* name() const noexcept;
#ifdef CONTROL
    rocketpush::allocation allocate(const rocketpush::allocation_request&) const;
#else
    rocketpush::allocation allocate(const rocketpush::allocation_request&); // not const
#endif
};

void use(const strategy& allocation) { share_out(allocation); }
