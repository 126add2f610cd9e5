#ifndef ROCKETPUSH_OFFSET_STORE_OFFSET_STORE_HPP
#define ROCKETPUSH_OFFSET_STORE_OFFSET_STORE_HPP

#include <rocketpush/core/message_model.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace rocketpush {

/// How far a group is in a queue: the next offset that it needs.
struct queue_progress {
    message_queue queue;
    queue_offset offset = 0;

    friend bool operator==(const queue_progress&, const queue_progress&) = default;
};

/**
 * @brief What an offset store is given: coroutines of the consumer's strand, the group, and the broker's own offsets of it.
 *
 * Each call of a store gets one; the consumer's real one has the same members.
 */
struct offset_access_archetype {
    template <class T>
    using task = detail::awaitable<T, asio::io_context::executor_type>;

    const std::string& group() const;
    /// Where the model is broadcasting it is known before any connection is, and the same at the next start.
    const std::string& client_id() const;
    task<result<std::optional<queue_offset>>> query_offset(message_queue queue);
    task<std::error_code> update_offset(message_queue queue, queue_offset offset);
    /// Tells the observer (`on_offset_store`) of trouble at `where`, or with a false code of its end.
    void report(std::string_view where, std::error_code what);
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

/// `load(access)`: called once, when the consumer starts; a code ends the start with it.
template <class S>
concept loads_offsets = requires(S& s, offset_access_archetype& access) {
    { s.load(access) } -> std::same_as<offset_access_archetype::task<std::error_code>>;
};

/// `write_many(access, changes)`: as `write` of each, in one step; a code says that it has none of them for good.
template <class S>
concept writes_many_offsets = requires(S& s, offset_access_archetype& access, std::vector<queue_progress> changes) {
    { s.write_many(access, changes) } -> std::same_as<offset_access_archetype::task<std::error_code>>;
};

/// A store without `load` or `write_many` does without; one whose function cannot be called as above has a mistake in it.
template <class S>
concept extras_fit = (!requires { &S::template load<offset_access_archetype>; } || loads_offsets<S>)&&(
    !requires { &S::template write_many<offset_access_archetype>; } || writes_many_offsets<S>);

/**
 * @brief Where a group's progress is kept: the next offset to consume of each queue.
 *
 * The consumer knows which offsets changed and when they have to be kept; a store only keeps them. Its functions are
 * templates on the access, whose `task<T>` they return. `read` and `write` are all that a store needs. It may have more:
 *  - `static constexpr message_model model`: broadcasting, where each member keeps offsets of its own. Clustering without;
 *  - `load(access)`: for a store that reads everything once, and can say at start that it cannot;
 *  - `write_many(access, changes)`: for a store that keeps many offsets in one step, as a file or a transaction does. The
 *    regular commits then come by it, and `write` is left with those of queues that are given up.
 *
 * Laws (`tests/support/laws/offset_store.hpp`):
 *  - what `write` confirmed, `read` gives until the next `write` of the queue; `write_many` is a `write` of each;
 *  - `read` gives only what the store has for good: of a `write` that failed not its offset, unless that arrived all the same;
 *  - "no offset" is an empty optional, and differs from "could not be asked", which is an error;
 *  - calls for several queues may be under way at once; for one queue they come one after the other; `load` has ended before
 *    any other begins.
 *
 * @par Thread safety  Called on the consumer's strand only, which must not be blocked.
 * @par Default        broker_offset_store
 * @par Source         Java `OffsetStore`.
 */
template <class S>
concept offset_store = std::move_constructible<S> && reads_offsets<S> && writes_offsets<S> && extras_fit<S>;

/// The model that a store is for: its `model`, or clustering.
template <class S>
constexpr message_model model_of() noexcept {
    if constexpr (requires { S::model; })
        return S::model;
    else
        return message_model::clustering;
}

} // namespace rocketpush

#endif
