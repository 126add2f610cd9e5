#ifndef ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_ALLOCATION_STRATEGY_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_ALLOCATION_STRATEGY_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/error.hpp>

namespace rocketpush::test {

/// What allocation_strategy asks and no more.
struct allocation_archetype {
    explicit allocation_archetype(int) noexcept {} // no default construction
    allocation_archetype(const allocation_archetype&)            = default;
    allocation_archetype& operator=(const allocation_archetype&) = delete;

    const char* name() const noexcept { return "ARCHETYPE"; }                       // only convertible to a view
    error allocate(const allocation_request&) const { return error::not_a_member; } // only convertible to an allocation
};
static_assert(allocation_strategy<allocation_archetype>);

} // namespace rocketpush::test

#endif
