#ifndef ROCKETPUSH_OFFSET_STORE_OFFSET_STORE_HPP
#define ROCKETPUSH_OFFSET_STORE_OFFSET_STORE_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <system_error>

namespace rocketpush {

/**
 * @brief What an offset store is given: coroutines of the consumer's strand, the group, and the broker's own offsets of it.
 *
 * Each call of a store gets one; the consumer's real one has the same members.
 */
struct offset_access_archetype {
    template <class T>
    using task = detail::awaitable<T, asio::io_context::executor_type>;

    const std::string& group() const;
    const std::string& client_id() const;
    task<result<std::optional<queue_offset>>> query_offset(message_queue queue);
    task<std::error_code> update_offset(message_queue queue, queue_offset offset);
};

/// `read(access, queue)`: the stored offset, or none, or why it is not known.
template <class S>
concept reads_offsets = requires(S& s, offset_access_archetype& access, message_queue queue) {
    { s.read(access, queue) } -> std::same_as<offset_access_archetype::task<result<std::optional<queue_offset>>>>;
};

/// `write(access, queue, offset)`: a false code once the store has it for good.
template <class S>
concept writes_offsets = requires(S& s, offset_access_archetype& access, message_queue queue, queue_offset offset) {
    { s.write(access, queue, offset) } -> std::same_as<offset_access_archetype::task<std::error_code>>;
};

/**
 * @brief Where a group's progress is kept: the next offset to consume of each queue.
 *
 * The consumer knows which offsets changed and when they have to be kept; a store only keeps them. Its functions are
 * templates on the access, whose `task<T>` they return.
 *
 * Laws (`tests/support/laws/offset_store.hpp`):
 *  - what `write` confirmed, `read` gives until the next `write` of the queue;
 *  - "no offset" is an empty optional, and differs from "could not be asked", which is an error;
 *  - calls for several queues may be under way at once; for one queue they come one after the other.
 *
 * @par Thread safety  Called on the consumer's strand only.
 * @par Default        broker_offset_store
 * @par Source         Java `OffsetStore`.
 */
template <class S>
concept offset_store = std::move_constructible<S> && reads_offsets<S> && writes_offsets<S>;

} // namespace rocketpush

#endif
