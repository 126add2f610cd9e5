#ifndef ROCKETPUSH_CONSUME_DEFERRED_MESSAGE_HPP
#define ROCKETPUSH_CONSUME_DEFERRED_MESSAGE_HPP

#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/detail/assert.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace rocketpush {

class deferred_message;

namespace detail {

/// A deferred message's share in its batch, and the way back to the consumption that gave it out.
struct deferred_share {
    /// Marks the message in its batch, and gives the share back.
    using finish_function = void (*)(deferred_share&, consume_result, int delay_level);

    finish_function finish;
    void* consumption;
    void* batch;
    std::shared_ptr<void> owner; ///< The consumer.
    std::uint32_t index;
    std::chrono::steady_clock::time_point since; ///< When it was given to the listener.
    std::uint64_t call = 0;                      ///< What is kept of the call for observers that follow calls.
};

} // namespace detail

/**
 * @brief A message whose listener answers later: kept as long as need be, completed from any thread, in any order.
 *
 * @code
 * rocketpush::push_consumer consumer{options, [&](rocketpush::deferred_message message) {
 *     database.insert(message->body(), [message = std::move(message)](bool stored) mutable {
 *         message.complete(stored ? rocketpush::consume_result::success : rocketpush::consume_result::reconsume_later);
 *     });
 * }};
 * @endcode
 *
 * Until it is completed it counts as a listener call that runs: no offset passes it, its memory (that of the whole pull
 * that brought it) is held and counts for flow control, which alone bounds how many are out; a queue that is given up and a
 * consumer that stops wait for it until their deadline. One that is destroyed without being completed comes again later.
 * Completing it after `options::consume_timeout`, after a stop, or after the consumer is gone does no harm, and changes
 * nothing; only a context that the consumer was given (not one of its own) has to outlive it.
 *
 * @par Thread safety  As an int: one thread at a time, any thread.
 */
class deferred_message {
  public:
    /// For the library: takes over a share.
    deferred_message(const message_view& view, detail::deferred_share share) noexcept
        : view_(view), share_(std::move(share)) {}

    deferred_message(deferred_message&& other) noexcept : view_(other.view_), share_(std::move(other.share_)) {
        other.share_.finish = nullptr;
    }
    /// A message that was here comes again later.
    deferred_message& operator=(deferred_message&& other) noexcept {
        deferred_message taken(std::move(other));
        std::swap(view_, taken.view_);
        std::swap(share_, taken.share_);
        return *this;
    }
    deferred_message(const deferred_message&)            = delete;
    deferred_message& operator=(const deferred_message&) = delete;

    ~deferred_message() {
        if (share_.finish)
            complete(consume_result::reconsume_later);
    }

    /// Whether it is still to be completed: not after `complete`, nor in what was moved from.
    explicit operator bool() const noexcept { return share_.finish != nullptr; }

    /// Valid until it is completed.
    const message_view& view() const noexcept {
        ROCKETPUSH_ASSERT(share_.finish, "a message is not looked at after it was completed");
        return view_;
    }
    const message_view& operator*() const noexcept { return view(); }
    const message_view* operator->() const noexcept { return &view(); }

    /**
     * @brief Answers for the message, once.
     * @param delay_level  With `reconsume_later`: see consume_context::delay_level.
     */
    void complete(consume_result result, int delay_level = 0) {
        ROCKETPUSH_ASSERT(share_.finish, "a message is completed once");
        std::exchange(share_.finish, nullptr)(share_, result, delay_level);
    }

  private:
    message_view view_;
    detail::deferred_share share_;
};

} // namespace rocketpush

#endif
