#ifndef ROCKETPUSH_CONSUME_ORDERLY_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_HPP

#include <rocketpush/consume/listener.hpp>
#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief What a listener that commits itself says of the messages it got; see `orderly_manual`.
 * @par Source  Java `ConsumeOrderlyStatus` with `autoCommit = false`.
 */
enum class orderly_result : std::uint8_t {
    success,  ///< Consumed; the offset passes them at the next commit.
    commit,   ///< Consumed, and all before them: the offset may pass.
    rollback, ///< All since the last commit, these too, come again after a pause; they do not count as failed.
    suspend   ///< Failed; these come again after a pause. What was consumed before them stays so.
};

/**
 * @brief What an orderly listener call is told besides the messages, and what it may say besides its result.
 * @par Source  Java `ConsumeOrderlyContext`.
 */
struct orderly_context {
    /// The queue as it was pulled.
    const message_queue& queue;

    /// How long nothing of the queue is consumed when these messages are to come again, 10 ms to 30 s; empty: as
    /// `options::suspend_interval` says. Java: suspendCurrentQueueTimeMillis.
    std::optional<std::chrono::milliseconds> suspend_for{};
};

namespace detail {

/// Of a listener in order: nothing or a consume_result; of one that commits itself: an orderly_result.
template <class R, bool Manual>
concept answers_in_order = (Manual && std::same_as<R, orderly_result>) || (!Manual && consume_answer<R>);

template <class L, bool Manual, class... Arguments>
concept consumes_in_order_with =
    std::invocable<L&, Arguments...> &&
    answers_in_order<typename awaited<std::invoke_result_t<L&, Arguments...>>::type, Manual>;

} // namespace detail

template <class L, bool Manual>
concept takes_message_in_order = detail::consumes_in_order_with<L, Manual, const message_view&>;
template <class L, bool Manual>
concept takes_message_in_order_and_context =
    detail::consumes_in_order_with<L, Manual, const message_view&, orderly_context&>;
template <class L, bool Manual>
concept takes_batch_in_order = detail::consumes_in_order_with<L, Manual, std::span<const message_view>>;
template <class L, bool Manual>
concept takes_batch_in_order_and_context =
    detail::consumes_in_order_with<L, Manual, std::span<const message_view>, orderly_context&>;

template <class L, bool Manual>
concept listens_in_order =
    std::move_constructible<L> && (takes_message_in_order<L, Manual> || takes_message_in_order_and_context<L, Manual> ||
                                   takes_batch_in_order<L, Manual> || takes_batch_in_order_and_context<L, Manual>);

/**
 * @brief A listener for `orderly`: any of the shapes of `listener`, with an orderly_context for the context.
 * @par Source  Java `MessageListenerOrderly` with `autoCommit = true`.
 */
template <class L>
concept orderly_listener = listens_in_order<L, false>;

/// A listener for `orderly_manual`: the same shapes, but it returns an orderly_result, or an awaitable of one.
template <class L>
concept manual_listener = listens_in_order<L, true>;

namespace detail {
/// `L`, or an error that says why it is none. (clang does not tell why a deduction guide's class refused it.)
template <class L, bool Manual>
struct explained_in_order {
    static_assert(listens_in_order<L, Manual>,
                  "the value is no listener in order: it takes a message or a span of them, and an orderly_context");
    using type = L;
};
} // namespace detail

/**
 * @brief Makes consumption orderly: `push_consumer consumer{options, rp::orderly{listener}}`.
 *
 * The messages of a queue come one call after the other, in the order of their offsets, and while this member has the
 * queue's lock at the broker: to nobody else in the group. Queues run side by side. When a call fails (`reconsume_later`
 * or an exception) its messages come again after a pause, before any behind them; see `options::suspend_interval` and
 * `options::max_reconsume_times`.
 *
 * @par Source  Java `MessageListenerOrderly`.
 */
template <orderly_listener L>
struct orderly {
    static constexpr bool consumes_in_order = true;
    static constexpr bool commits_itself    = false;

    explicit orderly(L wrapped) : listener(std::move(wrapped)) {}

    using listener_type = L;
    L listener;
};
template <class L>
orderly(L) -> orderly<typename detail::explained_in_order<L, false>::type>;

/**
 * @brief As `orderly`, with a listener that says itself when the offset may pass what it consumed.
 *
 * What was consumed and not committed when the queue is given up comes again to its next owner. A listener that never
 * commits stops its queue at `options::max_cached_messages`.
 *
 * @par Source  Java `MessageListenerOrderly` with `autoCommit = false`. Differs: COMMIT and ROLLBACK do not exist for other
 *              listeners; in Java they then mean success.
 */
template <manual_listener L>
struct orderly_manual {
    static constexpr bool consumes_in_order = true;
    static constexpr bool commits_itself    = true;

    explicit orderly_manual(L wrapped) : listener(std::move(wrapped)) {}

    using listener_type = L;
    L listener;
};
template <class L>
orderly_manual(L) -> orderly_manual<typename detail::explained_in_order<L, true>::type>;

namespace detail {

template <class L, bool Manual>
constexpr listener_shape shape_in_order() noexcept {
    if constexpr (takes_message_in_order<L, Manual>)
        return {false, false};
    else if constexpr (takes_message_in_order_and_context<L, Manual>)
        return {false, true};
    else if constexpr (takes_batch_in_order<L, Manual>)
        return {true, false};
    else
        return {true, true};
}

} // namespace detail

/// What the library needs to know of an orderly listener's shape. @tparam W  `orderly<L>` or `orderly_manual<L>`.
template <class W>
struct orderly_traits {
    using listener_type = typename W::listener_type;

    static constexpr bool manual  = W::commits_itself;
    static constexpr bool batch   = detail::shape_in_order<listener_type, manual>().batch;
    static constexpr bool context = detail::shape_in_order<listener_type, manual>().context;

    /// Calls it in its shape, with the answer as it is: nothing, a result, or an awaitable.
    static decltype(auto) call(W& wrapper, std::span<const message_view> messages, orderly_context& told) {
        if constexpr (batch && context)
            return wrapper.listener(messages, told);
        else if constexpr (batch)
            return wrapper.listener(messages);
        else if constexpr (context)
            return wrapper.listener(messages.front(), told);
        else
            return wrapper.listener(messages.front());
    }

    using answer                    = decltype(call(std::declval<W&>(), {}, std::declval<orderly_context&>()));
    static constexpr bool awaitable = detail::awaited<answer>::later;
    static constexpr bool silent    = std::same_as<typename detail::awaited<answer>::type, void>;
};

} // namespace rocketpush

#endif
