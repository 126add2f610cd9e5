#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_EVENT_LOG_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_EVENT_LOG_HPP

#include <rocketpush/observe/observer.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::test {

/// One thing that a consumer told its observer.
struct event {
    std::string what;  ///< As the observer's function, without the `on_`; failures end in `_failure`.
    std::string about; ///< Topic, `topic/queue id`, address, text of an exception, ...
    std::error_code code{};
    std::int64_t number = 0; ///< Offset, number of messages or queues, flow state, ...
    std::string member{};
};

/**
 * @brief What the consumers of a test told, in order.
 * @par Thread safety  All from any thread.
 */
class event_log {
  public:
    /// What the members' observers want of messages, if set; before they start.
    std::function<bool(const message_view&)> filter;

    /// Is told of each event first, if set, before members start; what it throws their observers throw.
    std::function<void(const event&)> upon;

    void add(event one) {
        if (upon)
            upon(one);
        const std::lock_guard lock(mutex_);
        events_.push_back(std::move(one));
        changed_.notify_all();
    }

    /// Events of this name; of one member if it is named.
    std::vector<event> all(std::string_view what, std::string_view member = {}) const {
        const std::lock_guard lock(mutex_);
        std::vector<event> found;
        for (const auto& one : events_)
            if (one.what == what && (member.empty() || one.member == member))
                found.push_back(one);
        return found;
    }
    std::size_t count(std::string_view what, std::string_view member = {}) const { return all(what, member).size(); }

    bool has(std::string_view what, std::error_code code) const {
        return std::ranges::any_of(all(what), [&](const event& one) { return one.code == code; });
    }

    /// For tests with threads. @return Whether there were that many within half a minute.
    bool wait_for(std::string_view what, std::size_t least = 1) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(30), [&] {
            return std::ranges::count(events_, what, &event::what) >= static_cast<std::ptrdiff_t>(least);
        });
    }

    std::vector<event> everything() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<event> events_;
};

/// The observer that fills an event_log.
struct recorder : no_observer {
    explicit recorder(std::shared_ptr<event_log> into = std::make_shared<event_log>(), std::string of = {})
        : log(std::move(into)), member(std::move(of)) {}

    std::shared_ptr<event_log> log;
    std::string member;

    void on_started(std::string_view, std::string_view client_id) { add("started", std::string(client_id)); }
    void on_stopped(std::string_view group, std::error_code why) { add("stopped", std::string(group), why); }
    void on_connect(const endpoint& peer, std::error_code failure) {
        add(failure ? "connect_failure" : "connect", to_string(peer), failure);
    }
    void on_disconnect(const endpoint& peer, std::error_code why) { add("disconnect", to_string(peer), why); }
    void on_name_servers_changed(std::span<const endpoint> now) {
        std::string list;
        for (const auto& each : now)
            (list += list.empty() ? "" : ";") += to_string(each);
        add("name_servers", std::move(list));
    }
    void on_name_server_lookup_failure(const std::string& url, std::error_code why) { add("lookup_failure", url, why); }
    void on_route_changed(const std::string& topic, std::size_t queues) {
        add("route_changed", topic, {}, static_cast<std::int64_t>(queues));
    }
    void on_route_failure(const std::string& topic, std::error_code why) { add("route_failure", topic, why); }
    void on_heartbeat_failure(const endpoint& peer, std::error_code why) {
        add("heartbeat_failure", to_string(peer), why);
    }
    void on_filter_refused(const std::string&, std::error_code why, const std::string& sentence) {
        add("filter_refused", sentence, why);
    }
    void on_access_denied(const std::string&, std::error_code why, const std::string& sentence) {
        add("access_denied", sentence, why);
    }
    void on_rebalance(const std::string& topic, std::span<const message_queue>, std::span<const message_queue> own) {
        add("rebalance", topic, {}, static_cast<std::int64_t>(own.size()));
    }
    void on_rebalance_failure(const std::string& topic, std::error_code why) { add("rebalance_failure", topic, why); }
    void on_queue_acquired(const message_queue& queue, queue_offset first) {
        add("queue_acquired", name(queue), {}, first);
    }
    void on_queue_acquire_failure(const message_queue& queue, std::error_code why) {
        add("queue_acquire_failure", name(queue), why);
    }
    void on_queue_released(const message_queue& queue, queue_offset committed) {
        add("queue_released", name(queue), {}, committed);
    }
    void on_twin_client(std::string_view client_id, std::size_t connections) {
        add("twin_client", std::string(client_id), {}, static_cast<std::int64_t>(connections));
    }
    void on_subscriptions_differ(const std::string& topic, const std::string& own, const std::string& other) {
        add("subscriptions_differ", topic + ": " + own + " / " + other);
    }
    void on_stalled(const message_queue& queue, std::string_view what, std::chrono::milliseconds since) {
        add("stalled", name(queue) + ": " + std::string(what), {}, since.count());
    }
    void on_lock_refused(const message_queue& queue) { add("lock_refused", name(queue)); }
    void on_lock_lost(const message_queue& queue, std::error_code why) { add("lock_lost", name(queue), why); }
    void on_lock_failure(const std::string& broker, std::error_code why) { add("lock_failure", broker, why); }
    void on_queue_suspended(const message_queue& queue, std::chrono::milliseconds pause) {
        add("queue_suspended", name(queue), {}, pause.count());
    }
    void on_pull(const message_queue& queue, std::size_t messages, std::size_t, std::chrono::nanoseconds) {
        add("pull", name(queue), {}, static_cast<std::int64_t>(messages));
    }
    void on_pull_failure(const message_queue& queue, std::error_code why) { add("pull_failure", name(queue), why); }
    void on_flow_control(const message_queue& queue, flow_state why, const cache_level&) {
        add("flow_control", name(queue), {}, static_cast<std::int64_t>(why));
    }
    void on_offset_corrected(const message_queue& queue, queue_offset, queue_offset now) {
        add("offset_corrected", name(queue), {}, now);
    }
    void on_bad_message(const message_queue& queue, queue_offset at, std::error_code why, bad_message done) {
        constexpr std::string_view names[] = {"bad_message", "bad_message_sent_back", "bad_message_ahead"};
        add(std::string(names[static_cast<std::size_t>(done)]), name(queue), why, at);
    }
    bool wants_message(const message_view& message) { return !log->filter || log->filter(message); }
    void on_filter_exception(const message_queue& queue, std::exception_ptr) { add("filter_exception", name(queue)); }
    void on_listener_exception(const message_queue&, std::exception_ptr thrown) {
        std::string text = "not a std::exception";
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& caught) {
            text = caught.what();
        } catch (...) {
        }
        add("listener_exception", std::move(text));
    }
    void on_send_back(const message_view& message, std::error_code failure) {
        add(failure ? "send_back_failure" : "send_back", std::string(message.body()), failure);
    }
    void on_dropped(const message_view& message) { add("dropped", std::string(message.body())); }
    void on_offset_store(std::string_view where, std::error_code failure) {
        add(failure ? "offset_store_failure" : "offset_store", std::string(where), failure);
    }
    void on_consume_timeout(const message_view& message, std::chrono::milliseconds running) {
        add("consume_timeout", std::string(message.body()), {}, running.count());
    }
    void on_pop_begun(const message_queue& queue) { add("pop_begun", name(queue)); }
    void on_pop_ended(const message_queue& queue) { add("pop_ended", name(queue)); }
    void on_ack(const message_queue& queue, std::size_t messages, std::error_code failure) {
        add(failure ? "ack_failure" : "ack", name(queue), failure, static_cast<std::int64_t>(messages));
    }
    void on_invisible_time(const message_view& message, std::chrono::milliseconds hidden, std::error_code failure) {
        add(failure ? "invisible_time_failure" : "invisible_time", std::string(message.body()), failure, hidden.count());
    }
    void on_receipt_expired(const message_view& message) { add("receipt_expired", std::string(message.body())); }
    void on_commit(const message_queue& queue, queue_offset offset, std::error_code failure) {
        add(failure ? "commit_failure" : "commit", name(queue), failure, offset);
    }

    void on_trace(const std::string& topic, std::error_code failure, std::uint64_t lost) {
        add("trace", topic, failure, static_cast<std::int64_t>(lost));
    }

    static std::string name(const message_queue& queue) { return queue.topic + '/' + std::to_string(queue.queue_id); }

  private:
    void add(std::string what, std::string about, std::error_code code = {}, std::int64_t number = 0) {
        log->add({std::move(what), std::move(about), code, number, member});
    }
};

static_assert(observer<recorder>);

} // namespace rocketpush::test

#endif
