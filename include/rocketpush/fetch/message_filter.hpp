#ifndef ROCKETPUSH_FETCH_MESSAGE_FILTER_HPP
#define ROCKETPUSH_FETCH_MESSAGE_FILTER_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/observe/observer.hpp>

#include <exception>
#include <vector>

namespace rocketpush {

/// Whether an observer wants a message.
template <observer Observer>
bool wanted_by([[maybe_unused]] Observer& observer, [[maybe_unused]] const message_queue& queue,
               [[maybe_unused]] const detail::message_fields& message) {
    if constexpr (filters_messages<Observer>)
        try {
            return observer.wants_message(message_view(message));
        } catch (...) {
            observer.on_filter_exception(queue, std::current_exception());
        }
    return true;
}

/// Removes the messages that an observer does not want. Where none asks, this is nothing.
template <observer Observer>
void remove_unwanted([[maybe_unused]] Observer& observer, [[maybe_unused]] const message_queue& queue,
                     [[maybe_unused]] std::vector<detail::message_fields>& messages) {
    if constexpr (filters_messages<Observer>)
        std::erase_if(messages, [&](const detail::message_fields& each) { return !wanted_by(observer, queue, each); });
}

} // namespace rocketpush

#endif
