#ifndef ROCKETPUSH_CONSUME_LISTENER_HPP
#define ROCKETPUSH_CONSUME_LISTENER_HPP

#include <rocketpush/consume/deferred_message.hpp>
#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/detail/asio_compat.hpp>

#include <concepts>
#include <span>
#include <type_traits>

namespace rocketpush {

namespace detail {

template <class T>
struct awaited {
    static constexpr bool later = false;
    using type                  = T;
};
template <class T, class Executor>
struct awaited<asio::awaitable<T, Executor>> {
    static constexpr bool later = true;
    using type                  = T;
    using executor              = Executor;
};

template <class R>
concept consume_answer = std::same_as<R, void> || std::same_as<R, consume_result>;

template <class L, class... Arguments>
concept consumes_with =
    std::invocable<L&, Arguments...> && consume_answer<typename awaited<std::invoke_result_t<L&, Arguments...>>::type>;

} // namespace detail

/// `listener(message)`: one message, without the context.
template <class L>
concept takes_message = detail::consumes_with<L, const message_view&>;
/// `listener(message, context)`.
template <class L>
concept takes_message_and_context = detail::consumes_with<L, const message_view&, consume_context&>;
/// `listener(std::span<const message_view>)`: up to `options::consume_batch_size` messages of one queue.
template <class L>
concept takes_batch = detail::consumes_with<L, std::span<const message_view>>;
/// `listener(std::span<const message_view>, context)`.
template <class L>
concept takes_batch_and_context = detail::consumes_with<L, std::span<const message_view>, consume_context&>;

/// `listener(deferred_message)`: one message, which is completed later; nothing is returned.
template <class L>
concept takes_deferred =
    std::invocable<L&, deferred_message> && std::same_as<std::invoke_result_t<L&, deferred_message>, void>;
/// `orderly{listener}` or `orderly_manual{listener}`, which have looked at the listener themselves.
template <class L>
concept wrapped_in_order = requires { requires L::consumes_in_order; };

/**
 * @brief The user's code: takes one message or a span of them, with or without the context; returns a consume_result,
 *        nothing (which is success), or an `asio::awaitable` of either. It may throw: its messages come again. Or it takes a
 *        deferred_message, keeps it, and completes it when it likes.
 *
 * Laws, for the user to keep:
 *  - a call may be repeated for a message that was already consumed (at least once);
 *  - message views are valid until the call returns, or its awaitable has completed;
 *  - with a pool it is called by several threads at once.
 *
 * Wrapped as `orderly{listener}` it is called in order; see there.
 *
 * @par Source  Java `MessageListenerConcurrently`.
 */
template <class L>
concept listener = std::move_constructible<L> && (takes_message<L> || takes_message_and_context<L> || takes_batch<L> ||
                                                  takes_batch_and_context<L> || takes_deferred<L> || wrapped_in_order<L>);

namespace detail {

struct listener_shape {
    bool batch, context, deferred = false;
};

/// In this order, and no question beyond the one that is answered by yes: to ask whether a generic lambda takes a span would
/// compile its body with one.
template <class L>
constexpr listener_shape shape_of() noexcept {
    if constexpr (takes_message<L>)
        return {false, false};
    else if constexpr (takes_message_and_context<L>)
        return {false, true};
    else if constexpr (takes_batch<L>)
        return {true, false};
    else if constexpr (takes_batch_and_context<L>)
        return {true, true};
    else
        return {false, false, true};
}

} // namespace detail

/// What the library needs to know of a listener's shape, found at compile time.
template <listener L>
struct listener_traits {
    static constexpr bool batch    = detail::shape_of<L>().batch;
    static constexpr bool context  = detail::shape_of<L>().context;
    static constexpr bool deferred = detail::shape_of<L>().deferred; ///< It is not called by `call`.

    using messages = std::conditional_t<batch, std::span<const message_view>, const message_view&>;

    /// Calls it in its shape, with the answer as it is: nothing, a result, or an awaitable.
    static decltype(auto) call([[maybe_unused]] L& listener, [[maybe_unused]] std::span<const message_view> messages_,
                               [[maybe_unused]] consume_context& context_) {
        if constexpr (deferred)
            return;
        else if constexpr (batch && context)
            return listener(messages_, context_);
        else if constexpr (batch)
            return listener(messages_);
        else if constexpr (context)
            return listener(messages_.front(), context_);
        else
            return listener(messages_.front());
    }

    using answer                    = decltype(call(std::declval<L&>(), {}, std::declval<consume_context&>()));
    static constexpr bool awaitable = detail::awaited<answer>::later;
    static constexpr bool silent    = std::same_as<typename detail::awaited<answer>::type, void>;
};

} // namespace rocketpush

#endif
