#ifndef ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_LISTENER_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_LISTENER_HPP

#include <rocketpush/consume/listener.hpp>

namespace rocketpush::test {

/// What listener asks and no more: it can be moved, and called as an lvalue.
struct listener_archetype {
    explicit listener_archetype(int) noexcept {} // no default construction
    listener_archetype(listener_archetype&&)            = default;
    listener_archetype& operator=(listener_archetype&&) = delete;

    void operator()(const message_view&) & {} // not const, not on an rvalue
};
static_assert(listener<listener_archetype>);

} // namespace rocketpush::test

#endif
