#ifndef ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_OFFSET_STORE_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_OFFSET_STORE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/offset_store/offset_store.hpp>

#include <optional>
#include <system_error>

namespace rocketpush::test {

/// What offset_store asks and no more: it can be moved, reads and writes. It says nothing of a model, loads nothing, and gets its
/// writes one by one.
struct offset_store_archetype {
    explicit offset_store_archetype(int) noexcept {} // no default construction
    offset_store_archetype(offset_store_archetype&&)            = default;
    offset_store_archetype& operator=(offset_store_archetype&&) = delete;

    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access&, message_queue) {
        co_return error::no_broker_address;
    }
    template <class Access>
    typename Access::template task<std::error_code> write(Access&, message_queue, queue_offset) {
        co_return error::no_broker_address;
    }
};
static_assert(offset_store<offset_store_archetype>);

} // namespace rocketpush::test

#endif
