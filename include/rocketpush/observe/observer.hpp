#ifndef ROCKETPUSH_OBSERVE_OBSERVER_HPP
#define ROCKETPUSH_OBSERVE_OBSERVER_HPP

#include <rocketpush/core/bad_message.hpp>
#include <rocketpush/core/cache_level.hpp>
#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/listener_call.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace rocketpush {

/**
 * @brief Every event of a consumer, each doing nothing. An observer derives from it and hides those that interest it; the
 *        others cost nothing.
 *
 * @code
 * struct count_failures : rocketpush::no_observer {
 *     std::atomic<int>* count;
 *     void on_listener_exception(const rocketpush::message_queue&, std::exception_ptr) { ++*count; }
 * };
 * @endcode
 *
 * @par Thread safety  `before_consume`, `after_consume`, `on_call_begun`, `on_call_ended` and `on_listener_exception` are
 *                     called where the listener runs, so with a pool by several threads at once; all others on the
 *                     consumer's strand. None may block or throw.
 * @par Source         Java's hooks (`ConsumeMessageHook`), log lines and `MessageQueueListener`.
 */
struct no_observer {
    // Life.
    void on_starting(std::string_view /*group*/) {}
    void on_started(std::string_view /*group*/, std::string_view /*client_id*/) {}
    void on_stopped(std::string_view /*group*/, std::error_code /*why_not_clean*/) {}

    // Connections and routes.
    void on_connect(const endpoint&, std::error_code /*false: connected*/) {}
    void on_disconnect(const endpoint&, std::error_code) {}
    /// The list of `options::name_server_url` came, or another one.
    void on_name_servers_changed(std::span<const endpoint>) {}
    /// The look-up gave nothing; a list that is there stays in use.
    void on_name_server_lookup_failure(const std::string& /*url*/, std::error_code) {}
    void on_route_changed(const std::string& /*topic*/, std::size_t /*readable queues*/) {}
    void on_route_failure(const std::string& /*topic*/, std::error_code) {}
    void on_heartbeat_failure(const endpoint&, std::error_code) {}
    /// A broker refuses a subscription's SQL condition; the sentence has its own text.
    void on_filter_refused(const std::string& /*topic*/, std::error_code, const std::string& /*sentence*/) {}
    /// A server denies access to a topic or to the group: the keys are wrong or missing, or may not do this. Told when it begins, not
    /// for each of the tries, of which there is one a second at most. The subject is `topic orders` or `group billing`; the
    /// sentence names server and subject, and has the server's own words.
    void on_access_denied(const std::string& /*subject*/, std::error_code, const std::string& /*sentence*/) {}

    // Sharing out.
    /// The assignment of a topic changed: all its queues and those of this member.
    void on_rebalance(const std::string& /*topic*/, std::span<const message_queue> /*all*/,
                      std::span<const message_queue> /*own*/) {}
    void on_rebalance_failure(const std::string& /*topic*/, std::error_code) {}
    void on_queue_acquired(const message_queue&, queue_offset /*first*/) {}
    void on_queue_acquire_failure(const message_queue&, std::error_code) {}
    void on_queue_released(const message_queue&, queue_offset /*committed*/) {}
    void on_pop_begun(const message_queue& /*id -1: all of the broker*/) {}
    void on_pop_ended(const message_queue&) {}

    /// Another process has this member's client id: both read the same queues. Told once, until it changes.
    void on_twin_client(std::string_view /*client_id*/, std::size_t /*connections at one broker*/) {}
    /// Another member of the group subscribes a topic differently, so that messages are lost for one of them. Told once. An empty
    /// expression: not at all.
    void on_subscriptions_differ(const std::string& /*topic*/, const std::string& /*own expression*/,
                                 const std::string& /*the other one*/) {}
    /// A queue made no progress for longer than what it is at allows, and was set going again. That is a mistake of the library's.
    void on_stalled(const message_queue&, std::string_view /*what it is at*/, std::chrono::milliseconds /*for so long*/) {}

    // Locks of orderly consumers.
    /// A queue is to be taken over whose lock another member has; asked again soon.
    void on_lock_refused(const message_queue&) {}
    /// A queue is given up, without a commit, because its lock is or may have been another member's.
    void on_lock_lost(const message_queue&, std::error_code /*locked_elsewhere, lock_expired*/) {}
    /// Locks at a broker could not be renewed; tried again, they are trusted for 30 s since they were confirmed.
    void on_lock_failure(const std::string& /*broker name*/, std::error_code) {}
    /// An orderly listener's messages come again after a pause.
    void on_queue_suspended(const message_queue&, std::chrono::milliseconds) {}

    // Fetching.
    void on_pull(const message_queue&, std::size_t /*messages*/, std::size_t /*bytes*/,
                 std::chrono::nanoseconds /*round trip*/) {}
    void on_pull_failure(const message_queue&, std::error_code) {}
    void on_flow_control(const message_queue&, flow_state, const cache_level&) {}
    void on_offset_corrected(const message_queue&, queue_offset /*asked*/, queue_offset /*now*/) {}
    /// A stored message cannot be read; its neighbours are delivered. It was skipped, or its broker has confirmed that it took it
    /// back, or its queue stops before it (told each time it was looked at). `offset` is -1 if unknown.
    void on_bad_message(const message_queue&, queue_offset /*offset*/, std::error_code, bad_message /*what was done*/) {}

    // Filtering.
    /**
     * @brief Whether the listener is to get this message. One that it is not counts as finished: it never comes again.
     *
     * The one function that decides something. It is asked once for each message, after the broker's and the tag filter, on
     * the strand. What it throws is told, and the message kept.
     *
     * @par Source  Java `FilterMessageHook`.
     */
    bool wants_message(const message_view&) { return true; }
    void on_filter_exception(const message_queue&, std::exception_ptr) {}

    // Consuming.
    void before_consume(std::span<const message_view>, const consume_context&) {}
    void after_consume(std::span<const message_view>, const consume_context&, consume_result) {}
    // The same for those who follow each call, with when it began and ended and how; see follows_calls.
    /// Whether an observer that follows calls wants to, this time; asked once, at start.
    bool wants_calls() const noexcept { return true; }
    void on_call_begun(std::span<const message_view>, const listener_call&) {}
    void on_call_ended(std::span<const message_view>, const listener_call&) {}
    void on_listener_exception(const message_queue&, std::exception_ptr) {}
    /// An attempt to have a broker bring the message again, by itself or as a copy.
    void on_send_back(const message_view&, std::error_code /*false: the broker has it*/) {}
    /// A message that failed and will not come again; in broadcasting.
    void on_dropped(const message_view&) {}
    /// A listener call has run for too long: the message is taken from it and sent back.
    void on_consume_timeout(const message_view&, std::chrono::milliseconds /*running*/) {}
    /// Of popped messages.
    void on_ack(const message_queue&, std::size_t /*messages*/, std::error_code) {}
    /// A popped message is hidden for so long from now on: it failed, or is still being consumed.
    void on_invisible_time(const message_view&, std::chrono::milliseconds, std::error_code) {}
    /// A popped message was not consumed in time, and could not be kept longer: it comes again.
    void on_receipt_expired(const message_view&) {}

    // Offsets.
    void on_commit(const message_queue&, queue_offset, std::error_code) {}
    /// Trouble of the offset store as a whole, with a file say, or (a false code) the end of it.
    void on_offset_store(std::string_view /*where*/, std::error_code) {}

    /// Message trace has begun to lose records, or (a false code) loses no more. Consumption does not notice.
    void on_trace(const std::string& /*topic*/, std::error_code, std::uint64_t /*records lost since start*/) {}
};

/**
 * @brief Hears what a consumer does: any subset of `no_observer`'s events.
 *
 * Laws: an event never changes the outcome of a message (but `wants_message`, which is there for it); events neither block
 * nor throw.
 *
 * @par Default  log_observer
 */
template <class O>
concept observer = std::derived_from<O, no_observer> && std::move_constructible<O>;

static_assert(observer<no_observer>);

/// Joins observers: each hears every event, in the order in which they are given.
template <observer... Each>
struct observers : no_observer {
    explicit observers(Each... each) : all(std::move(each)...) {}

    std::tuple<Each...> all;

#define ROCKETPUSH_FORWARD_EVENT(event)                                                                                \
    template <class... Arguments>                                                                                      \
    void event(const Arguments&... arguments) {                                                                        \
        std::apply([&](auto&... each) { (each.event(arguments...), ...); }, all);                                      \
    }
    ROCKETPUSH_FORWARD_EVENT(on_starting)
    ROCKETPUSH_FORWARD_EVENT(on_started)
    ROCKETPUSH_FORWARD_EVENT(on_stopped)
    ROCKETPUSH_FORWARD_EVENT(on_connect)
    ROCKETPUSH_FORWARD_EVENT(on_disconnect)
    ROCKETPUSH_FORWARD_EVENT(on_name_servers_changed)
    ROCKETPUSH_FORWARD_EVENT(on_name_server_lookup_failure)
    ROCKETPUSH_FORWARD_EVENT(on_route_changed)
    ROCKETPUSH_FORWARD_EVENT(on_route_failure)
    ROCKETPUSH_FORWARD_EVENT(on_heartbeat_failure)
    ROCKETPUSH_FORWARD_EVENT(on_filter_refused)
    ROCKETPUSH_FORWARD_EVENT(on_access_denied)
    ROCKETPUSH_FORWARD_EVENT(on_rebalance)
    ROCKETPUSH_FORWARD_EVENT(on_rebalance_failure)
    ROCKETPUSH_FORWARD_EVENT(on_queue_acquired)
    ROCKETPUSH_FORWARD_EVENT(on_queue_acquire_failure)
    ROCKETPUSH_FORWARD_EVENT(on_queue_released)
    ROCKETPUSH_FORWARD_EVENT(on_pop_begun)
    ROCKETPUSH_FORWARD_EVENT(on_pop_ended)
    ROCKETPUSH_FORWARD_EVENT(on_twin_client)
    ROCKETPUSH_FORWARD_EVENT(on_subscriptions_differ)
    ROCKETPUSH_FORWARD_EVENT(on_stalled)
    ROCKETPUSH_FORWARD_EVENT(on_lock_refused)
    ROCKETPUSH_FORWARD_EVENT(on_lock_lost)
    ROCKETPUSH_FORWARD_EVENT(on_lock_failure)
    ROCKETPUSH_FORWARD_EVENT(on_queue_suspended)
    ROCKETPUSH_FORWARD_EVENT(on_pull)
    ROCKETPUSH_FORWARD_EVENT(on_pull_failure)
    ROCKETPUSH_FORWARD_EVENT(on_flow_control)
    ROCKETPUSH_FORWARD_EVENT(on_offset_corrected)
    ROCKETPUSH_FORWARD_EVENT(on_bad_message)
    ROCKETPUSH_FORWARD_EVENT(on_filter_exception)
    ROCKETPUSH_FORWARD_EVENT(before_consume)
    ROCKETPUSH_FORWARD_EVENT(after_consume)
    ROCKETPUSH_FORWARD_EVENT(on_call_begun)
    ROCKETPUSH_FORWARD_EVENT(on_call_ended)
    ROCKETPUSH_FORWARD_EVENT(on_listener_exception)
    ROCKETPUSH_FORWARD_EVENT(on_send_back)
    ROCKETPUSH_FORWARD_EVENT(on_dropped)
    ROCKETPUSH_FORWARD_EVENT(on_consume_timeout)
    ROCKETPUSH_FORWARD_EVENT(on_ack)
    ROCKETPUSH_FORWARD_EVENT(on_invisible_time)
    ROCKETPUSH_FORWARD_EVENT(on_receipt_expired)
    ROCKETPUSH_FORWARD_EVENT(on_commit)
    ROCKETPUSH_FORWARD_EVENT(on_offset_store)
    ROCKETPUSH_FORWARD_EVENT(on_trace)
#undef ROCKETPUSH_FORWARD_EVENT

    /// Those that all want.
    bool wants_message(const message_view& message) {
        return std::apply([&](auto&... each) { return (each.wants_message(message) && ...); }, all);
    }
};

namespace detail {

template <class O>
concept inherits_its_filter = std::same_as<decltype(&O::wants_message), decltype(&no_observer::wants_message)>;
template <class O>
concept inherits_its_calls = std::same_as<decltype(&O::on_call_begun), decltype(&no_observer::on_call_begun)> &&
                             std::same_as<decltype(&O::on_call_ended), decltype(&no_observer::on_call_ended)>;

} // namespace detail

/// Whether an observer decides which messages are wanted; where none does, nobody is asked.
template <observer O>
inline constexpr bool filters_messages = !detail::inherits_its_filter<O>;
template <observer... Each>
inline constexpr bool filters_messages<observers<Each...>> = (filters_messages<Each> || ...);

/// Whether an observer follows listener calls; where none does, no call is numbered and no clock is read for it.
template <observer O>
inline constexpr bool follows_calls = !detail::inherits_its_calls<O>;
template <observer... Each>
inline constexpr bool follows_calls<observers<Each...>> = (follows_calls<Each> || ...);

namespace detail {

template <observer O>
bool wants_calls(const O& one) noexcept {
    return follows_calls<O> && one.wants_calls();
}
template <observer... Each>
bool wants_calls(const observers<Each...>& joined) noexcept {
    return std::apply([](const auto&... each) { return (wants_calls(each) || ...); }, joined.all);
}

} // namespace detail

/// Calls `what` with an observer, and where it joins others, with each of those instead.
template <observer O, class What>
void for_each_observer(O& one, const What& what) {
    what(one);
}
template <observer... Each, class What>
void for_each_observer(observers<Each...>& joined, const What& what) {
    std::apply([&](auto&... each) { (for_each_observer(each, what), ...); }, joined.all);
}

} // namespace rocketpush

#endif
