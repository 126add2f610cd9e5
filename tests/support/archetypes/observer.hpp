#ifndef ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_OBSERVER_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_OBSERVER_HPP

#include <rocketpush/observe/observer.hpp>

namespace rocketpush::test {

/// What observer asks and no more: a no_observer that can be moved.
struct observer_archetype : no_observer {
    explicit observer_archetype(int) noexcept {} // no default construction
    observer_archetype(observer_archetype&&)            = default;
    observer_archetype& operator=(observer_archetype&&) = delete;
};
static_assert(observer<observer_archetype>);

} // namespace rocketpush::test

#endif
