#ifndef ROCKETPUSH_OBSERVE_LOG_OBSERVER_HPP
#define ROCKETPUSH_OBSERVE_LOG_OBSERVER_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/observe/observer.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/// How much a log_observer writes.
enum class log_level : std::uint8_t { debug, info, warning, error, off };

/**
 * @brief Writes a consumer's changes and problems to a stream, standard error by default, a line each.
 *
 * Quiet while all is well: nothing for a message, a pull, a heartbeat or a commit that succeeded. A problem that stays
 * the same is written when it begins and then once for each hundred times; its end is written once. Nothing is formatted below
 * the level.
 *
 * `rocketpush: group billing: no route for topic orders: the name server has no route for the topic`
 *
 * @par Thread safety  As `no_observer`; lines of several threads do not mix.
 */
class log_observer : public no_observer {
  public:
    explicit log_observer(log_level least = log_level::warning, std::FILE* to = stderr) noexcept
        : least_(least), to_(to) {}

    void on_starting(std::string_view group) { group_ = group; }
    void on_started(std::string_view, std::string_view client_id) {
        write(log_level::info, "started as {}", client_id);
    }
    void on_stopped(std::string_view, std::error_code why) {
        if (why)
            write(log_level::warning, "stopped, not cleanly: {}", why.message());
        else
            write(log_level::info, "stopped");
    }

    void on_connect(const endpoint& peer, std::error_code failure) {
        if (failure)
            problem("connect " + to_string(peer), "cannot connect to {}: {}; trying again", to_string(peer),
                    failure.message());
        else
            ended("connect " + to_string(peer), "connected to {}", to_string(peer));
    }
    void on_disconnect(const endpoint& peer, std::error_code why) {
        write(log_level::warning, "lost the connection to {}: {}", to_string(peer), why.message());
    }
    void on_name_servers_changed(std::span<const endpoint> now) {
        if (least_ > log_level::warning)
            return;
        std::string list;
        for (const auto& each : now)
            (list += list.empty() ? "" : ";") += to_string(each);
        if (!ended("look-up", "the name servers are {}, looked up after all", list))
            write(log_level::info, "the name servers are {}", list);
    }
    void on_name_server_lookup_failure(const std::string& url, std::error_code why) {
        problem("look-up", "cannot look up the name servers at {}: {}; trying again", url, why.message());
    }
    void on_route_changed(const std::string& topic, std::size_t queues) {
        if (!ended("route " + topic, "topic {} has {} readable queues", topic, queues))
            write(log_level::info, "topic {} has {} readable queues", topic, queues);
    }
    void on_route_failure(const std::string& topic, std::error_code why) {
        if (!is_retry_topic(topic)) // the broker makes it when the first heartbeat has come
            problem("route " + topic, "no route for topic {}: {}; trying again", topic, why.message());
    }
    void on_heartbeat_failure(const endpoint& broker, std::error_code why) {
        problem("heartbeat " + to_string(broker), "heartbeat to {} failed: {}", to_string(broker), why.message());
    }
    void on_filter_refused(const std::string&, std::error_code why, const std::string& sentence) {
        write(log_level::error, "{} ({})", sentence, why.message());
    }
    void on_rebalance(const std::string& topic, std::span<const message_queue> all,
                      std::span<const message_queue> own) {
        write(log_level::info, "topic {}: {} of {} queues are ours", topic, own.size(), all.size());
    }
    void on_rebalance_failure(const std::string& topic, std::error_code why) {
        problem("rebalance " + topic, "cannot share out topic {}: {}; keeping what we have", topic, why.message());
    }
    void on_queue_acquired(const message_queue& queue, queue_offset first) {
        ended("acquire " + name(queue), "took over {} after all", name(queue));
        write(log_level::debug, "took over {} from offset {}", name(queue), first);
    }
    void on_queue_acquire_failure(const message_queue& queue, std::error_code why) {
        problem("acquire " + name(queue), "cannot take over {}: {}; trying again", name(queue), why.message());
    }
    void on_queue_released(const message_queue& queue, queue_offset committed) {
        write(log_level::debug, "gave up {} at offset {}", name(queue), committed);
    }
    void on_pop_begun(const message_queue& queue) { write(log_level::debug, "pops {}", name(queue)); }
    void on_pop_ended(const message_queue& queue) { write(log_level::debug, "pops {} no more", name(queue)); }
    void on_ack(const message_queue& queue, std::size_t messages, std::error_code failure) {
        if (failure)
            problem("ack " + name(queue), "cannot acknowledge {} messages of {}: {}; what is not comes again", messages,
                    name(queue), failure.message());
        else
            ended("ack " + name(queue), "acknowledged messages of {} again", name(queue));
    }
    void on_invisible_time(const message_view& message, std::chrono::milliseconds hidden, std::error_code failure) {
        if (failure)
            write(log_level::warning, "cannot hide {} for {} ms: {}; it may come again before", message.message_id(),
                  hidden.count(), failure.message());
    }
    void on_receipt_expired(const message_view& message) {
        write(log_level::warning, "{} was not consumed within its invisible time; it comes again",
              message.message_id());
    }
    void on_lock_refused(const message_queue& queue) {
        write(log_level::debug, "{} is locked by another member; trying again", name(queue));
    }
    void on_lock_lost(const message_queue& queue, std::error_code why) {
        write(log_level::warning, "lost the lock of {}: {}; taking it over anew", name(queue), why.message());
    }
    void on_lock_failure(const std::string& broker, std::error_code why) {
        problem("lock " + broker, "cannot renew the locks at broker {}: {}; trying again", broker, why.message());
    }
    void on_queue_suspended(const message_queue& queue, std::chrono::milliseconds pause) {
        write(log_level::debug, "{} is suspended for {} ms", name(queue), pause.count());
    }
    void on_pull_failure(const message_queue& queue, std::error_code why) {
        problem("pull " + name(queue), "pulling {} failed: {}; trying again", name(queue), why.message());
    }
    void on_flow_control(const message_queue& queue, flow_state why, const cache_level& level) {
        static constexpr std::string_view reasons[] = {"",           "message limit", "byte limit",
                                                       "span limit", "suspended",     "memory budget"};
        write(log_level::debug, "{} is not pulled ({}): {} messages, {} bytes, span {}", name(queue),
              reasons[static_cast<std::size_t>(why)], level.messages, level.bytes, level.span);
    }
    void on_offset_corrected(const message_queue& queue, queue_offset asked, queue_offset now) {
        write(log_level::warning, "{}: offset {} is not in the broker's range, going on at {}", name(queue), asked,
              now);
    }
    void on_bad_message(const message_queue& queue, queue_offset offset, std::error_code why) {
        write(log_level::error, "{}: message at offset {} skipped: {}", name(queue), offset, why.message());
    }
    void on_filter_exception(const message_queue& queue, std::exception_ptr thrown) {
        if (least_ <= log_level::warning)
            write(log_level::warning, "{}: the filter threw, the message is kept: {}", name(queue), text_of(thrown));
    }
    void on_listener_exception(const message_queue& queue, std::exception_ptr thrown) {
        if (least_ <= log_level::warning)
            write(log_level::warning, "{}: the listener threw, the message is not consumed: {}", name(queue),
                  text_of(thrown));
    }
    void on_send_back(const message_view& message, std::error_code failure) {
        if (failure)
            write(log_level::warning, "sending back {} failed: {}; trying on", message.message_id(), failure.message());
    }
    void on_consume_timeout(const message_view& message, std::chrono::milliseconds running) {
        write(log_level::warning, "the listener has been at {} for {} s; it is sent back", message.message_id(),
              std::chrono::duration_cast<std::chrono::seconds>(running).count());
    }
    void on_dropped(const message_view& message) {
        write(log_level::warning, "message {} of topic {} failed and is dropped", message.message_id(),
              message.topic());
    }
    void on_commit(const message_queue& queue, queue_offset offset, std::error_code failure) {
        if (failure && store_fails_)
            return; // that of the store says it for all queues
        if (failure)
            problem("commit " + name(queue), "cannot commit offset {} of {}: {}; trying again", offset, name(queue),
                    failure.message());
        else
            ended("commit " + name(queue), "committed {} again", name(queue));
    }
    void on_offset_store(std::string_view where, std::error_code failure) {
        const auto what = "offsets " + std::string(where);
        store_fails_    = static_cast<bool>(failure);
        if (failure)
            problem(what, "offsets in {}: {}", where, failure.message());
        else
            ended(what, "offsets are kept in {} again", where);
    }

    // Asio moves observers into their consumer before the first event; the lock itself does not move.
    log_observer(log_observer&& other) noexcept
        : least_(other.least_), to_(other.to_), group_(std::move(other.group_)) {}
    log_observer(const log_observer& other) : least_(other.least_), to_(other.to_), group_(other.group_) {}

  private:
    static std::string text_of(const std::exception_ptr& thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            return e.what();
        } catch (...) {
            return "not a std::exception";
        }
    }
    static std::string name(const message_queue& queue) {
        return fmt::format("{}/{}/{}", queue.topic, queue.broker_name, queue.queue_id);
    }

    template <class... Arguments>
    void write(log_level level, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        if (level >= least_)
            write_line(text, fmt::make_format_args(arguments...));
    }

    void write_line(fmt::string_view text, fmt::format_args arguments) {
        const std::lock_guard lock(mutex_);
        const auto line = fmt::format("rocketpush: group {}: {}\n", group_, fmt::vformat(text, arguments));
        std::fwrite(line.data(), 1, line.size(), to_);
        std::fflush(to_);
    }

    template <class... Arguments>
    void problem(const std::string& what, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        if (least_ <= log_level::warning && problems_[what]++ % 100 == 0)
            write(log_level::warning, text, std::forward<Arguments>(arguments)...);
    }

    /// @return Whether it was a problem, so that its end was written.
    template <class... Arguments>
    bool ended(const std::string& what, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        if (problems_.empty() || problems_.erase(what) == 0)
            return false;
        write(log_level::warning, text, std::forward<Arguments>(arguments)...);
        return true;
    }

    log_level least_;
    std::FILE* to_;
    std::string group_;
    std::mutex mutex_;
    bool store_fails_ = false;                 ///< The offset store as a whole. Strand only.
    std::map<std::string, unsigned> problems_; ///< Those that go on, with how often they were seen. Strand only.
};
static_assert(observer<log_observer>);

} // namespace rocketpush

#endif
