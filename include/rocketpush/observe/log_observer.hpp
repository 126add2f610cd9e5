#ifndef ROCKETPUSH_OBSERVE_LOG_OBSERVER_HPP
#define ROCKETPUSH_OBSERVE_LOG_OBSERVER_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/observe/log_record.hpp>
#include <rocketpush/observe/log_sinks.hpp>
#include <rocketpush/observe/observer.hpp>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/**
 * @brief Tells a consumer's changes and problems to a sink; by default as lines on standard error.
 *
 * Quiet while all is well: nothing for a message, a pull, a heartbeat or a commit that succeeded. A problem that stays
 * the same is told when it begins and then once for each hundred times; its end is told once. Where something can be done about
 * it, the line ends with what. Below the level nothing is turned into text.
 *
 * `rocketpush: group billing: no route for topic orders: the name server has no route for the topic; trying again; create
 * the topic, or correct its name`
 *
 * @tparam Sink  `text_sink`, `json_lines_sink`, or one that hands records to a logging library; see log_record.
 * @par Thread safety  As `no_observer`; lines of several threads do not mix.
 */
template <log_sink Sink>
class basic_log_observer : public no_observer {
  public:
    explicit basic_log_observer(log_level least = log_level::warning, Sink sink = Sink())
        : least_(least), sink_(std::move(sink)) {}

    // An event is a line: level, event, sentence, and the fields that it is about, those of the sentence first.

    void on_starting(std::string_view group) { group_ = group; }
    void on_started(std::string_view, std::string_view client_id) {
        note(log_level::info, "started", "started as {}", {{"client_id", client_id}});
    }
    void on_stopped(std::string_view, std::error_code why) {
        if (why)
            note(log_level::warning, "stopped", "stopped, not cleanly: {}", {why});
        else
            note(log_level::info, "stopped", "stopped", {});
    }

    void on_connect(const endpoint& peer, std::error_code failure) {
        if (failure)
            problem("connect_failure", "cannot connect to {}: {}; trying again", {peer, failure});
        else
            ended("connect_failure", "connected", "connected to {}", {peer});
    }
    void on_disconnect(const endpoint& peer, std::error_code why) {
        note(log_level::warning, "disconnect", "lost the connection to {}: {}", {peer, why});
    }
    void on_name_servers_changed(std::span<const endpoint> now) {
        if (!ended("name_server_lookup_failure", "name_servers", "the name servers are {}, looked up after all", {now},
                   the_only_one))
            note(log_level::info, "name_servers", "the name servers are {}", {now});
    }
    void on_name_server_lookup_failure(const std::string& url, std::error_code why) {
        problem("name_server_lookup_failure", "cannot look up the name servers at {}: {}; trying again",
                {{"url", url}, why}, the_only_one);
    }
    void on_route_changed(const std::string& topic, std::size_t queues) {
        constexpr auto text = "topic {} has {} readable queues";
        if (!ended("route_failure", "route_changed", text, {{"topic", topic}, {"queues", queues}}))
            note(log_level::info, "route_changed", text, {{"topic", topic}, {"queues", queues}});
    }
    void on_route_failure(const std::string& topic, std::error_code why) {
        if (!is_retry_topic(topic)) // the broker makes it when the first heartbeat has come
            problem("route_failure", "no route for topic {}: {}; trying again", {{"topic", topic}, why});
    }
    void on_heartbeat_failure(const endpoint& broker, std::error_code why) {
        problem("heartbeat_failure", "heartbeat to {} failed: {}", {broker, why});
    }
    void on_filter_refused(const std::string& topic, std::error_code why, const std::string& sentence) {
        note(log_level::error, "filter_refused", "{} ({})", {{"refusal", sentence}, why, {"topic", topic}});
    }
    void on_access_denied(const std::string& subject, std::error_code why, const std::string& sentence) {
        note(log_level::error, "access_denied", "{} ({}); trying again", {{"denial", sentence}, why, {"subject", subject}});
    }
    void on_rebalance(const std::string& topic, std::span<const message_queue> all,
                      std::span<const message_queue> own) {
        note(log_level::info, "rebalance", "topic {}: {} of {} queues are ours",
             {{"topic", topic}, {"own_queues", own.size()}, {"queues", all.size()}});
    }
    void on_rebalance_failure(const std::string& topic, std::error_code why) {
        problem("rebalance_failure", "cannot share out topic {}: {}; keeping what we have", {{"topic", topic}, why});
    }
    void on_queue_acquired(const message_queue& queue, queue_offset first) {
        ended("queue_acquire_failure", "queue_acquired", "took over {} after all", {queue, {"offset", first}});
        note(log_level::debug, "queue_acquired", "took over {} from offset {}", {queue, {"offset", first}});
    }
    void on_queue_acquire_failure(const message_queue& queue, std::error_code why) {
        problem("queue_acquire_failure", "cannot take over {}: {}; trying again", {queue, why});
    }
    void on_queue_released(const message_queue& queue, queue_offset committed) {
        note(log_level::debug, "queue_released", "gave up {} at offset {}", {queue, {"offset", committed}});
    }
    void on_pop_begun(const message_queue& queue) { note(log_level::debug, "pop_begun", "pops {}", {queue}); }
    void on_pop_ended(const message_queue& queue) { note(log_level::debug, "pop_ended", "pops {} no more", {queue}); }
    void on_ack(const message_queue& queue, std::size_t messages, std::error_code failure) {
        if (failure)
            problem("ack_failure", "cannot acknowledge messages of {}: {}; what is not comes again",
                    {queue, failure, {"messages", messages}});
        else
            ended("ack_failure", "ack", "acknowledged messages of {} again", {queue});
    }
    void on_invisible_time(const message_view& message, std::chrono::milliseconds hidden, std::error_code failure) {
        if (failure)
            note(log_level::warning, "invisible_time_failure", "cannot hide {} for {} ms: {}; it may come again before",
                 {message, {"hidden_ms", hidden.count()}, failure});
    }
    void on_receipt_expired(const message_view& message) {
        note(
            log_level::warning, "receipt_expired",
            "{} was not consumed within its invisible time; it comes again; find out what the listener is at, or raise "
            "options::pop_invisible_time",
            {message});
    }
    void on_twin_client(std::string_view client_id, std::size_t connections) {
        note(log_level::error, "twin_client",
             "client id {} is connected {} times: give each member an instance_name of its own, for they read the same "
             "queues",
             {{"client_id", client_id}, {"connections", connections}});
    }
    void on_subscriptions_differ(const std::string& topic, const std::string& own, const std::string& other) {
        const auto text = [](const std::string& of) { return of.empty() ? std::string_view("nothing") : of; };
        note(log_level::error, "subscriptions_differ",
             "topic {} is subscribed as \"{}\" here and as \"{}\" by another member: make them the same, for messages "
             "get lost",
             {{"topic", topic}, {"own", text(own)}, {"other", text(other)}});
    }
    void on_stalled(const message_queue& queue, std::string_view what, std::chrono::milliseconds since) {
        note(log_level::warning, "stalled",
             "{} made no progress for {} s, {}; it is set going again. Please report it, with what mqadmin "
             "consumerStatus -s shows",
             {queue,
              {"since_s", std::chrono::duration_cast<std::chrono::seconds>(since).count()},
              {"step", what}});
    }
    void on_lock_refused(const message_queue& queue) {
        note(log_level::debug, "lock_refused", "{} is locked by another member; trying again", {queue});
    }
    void on_lock_lost(const message_queue& queue, std::error_code why) {
        note(log_level::warning, "lock_lost", "lost the lock of {}: {}; taking it over anew", {queue, why});
    }
    void on_lock_failure(const std::string& broker, std::error_code why) {
        problem("lock_failure", "cannot renew the locks at broker {}: {}; trying again", {{"broker", broker}, why});
    }
    void on_queue_suspended(const message_queue& queue, std::chrono::milliseconds pause) {
        note(log_level::debug, "queue_suspended", "{} is suspended for {} ms", {queue, {"pause_ms", pause.count()}});
    }
    void on_pull_failure(const message_queue& queue, std::error_code why) {
        problem("pull_failure", "pulling {} failed: {}; trying again", {queue, why});
    }
    void on_flow_control(const message_queue& queue, flow_state why, const cache_level& level) {
        static constexpr std::string_view reasons[] = {"",           "message limit", "byte limit",
                                                       "span limit", "suspended",     "memory budget"};
        note(log_level::debug, "flow_control", "{} is not pulled ({}): {} messages, {} bytes, span {}",
             {queue,
              {"reason", reasons[static_cast<std::size_t>(why)]},
              {"messages", level.messages},
              {"bytes", level.bytes},
              {"span", level.span}});
    }
    void on_offset_corrected(const message_queue& queue, queue_offset asked, queue_offset now) {
        note(log_level::warning, "offset_corrected", "{}: offset {} is not in the broker's range, going on at {}",
             {queue, {"asked", asked}, {"offset", now}});
    }
    void on_bad_message(const message_queue& queue, queue_offset offset, std::error_code why, bad_message done) {
        static constexpr std::string_view words[] = {"skipped", "sent back", "not passed"};
        note(log_level::error, "bad_message", "{}: message at offset {} {}: {}",
             {queue, {"offset", offset}, {"done", words[static_cast<std::size_t>(done)]}, why});
    }
    void on_filter_exception(const message_queue& queue, std::exception_ptr thrown) {
        note(log_level::warning, "filter_exception", "{}: the filter threw, the message is kept: {}", {queue, thrown});
    }
    void on_listener_exception(const message_queue& queue, std::exception_ptr thrown) {
        note(log_level::warning, "listener_exception", "{}: the listener threw, the message is not consumed: {}",
             {queue, thrown});
    }
    void on_send_back(const message_view& message, std::error_code failure) {
        if (failure)
            note(log_level::warning, "send_back_failure", "sending back {} failed: {}; trying on", {message, failure});
    }
    void on_consume_timeout(const message_view& message, std::chrono::milliseconds running) {
        note(log_level::warning, "consume_timeout",
             "the listener has been at {} for {} s; it is sent back; find out why, or raise options::consume_timeout",
             {message, {"running_s", std::chrono::duration_cast<std::chrono::seconds>(running).count()}});
    }
    void on_dropped(const message_view& message) {
        note(log_level::warning, "dropped", "message {} of topic {} failed and is dropped",
             {message, {"topic", message.topic()}});
    }
    void on_commit(const message_queue& queue, queue_offset offset, std::error_code failure) {
        if (failure && store_fails_)
            return; // that of the store says it for all queues
        if (failure)
            problem("commit_failure", "cannot commit {}: {}; trying again", {queue, failure, {"offset", offset}});
        else
            ended("commit_failure", "commit", "committed {} again", {queue, {"offset", offset}});
    }
    void on_offset_store(std::string_view where, std::error_code failure) {
        store_fails_ = static_cast<bool>(failure);
        if (failure)
            problem("offset_store_failure", "offsets in {}: {}", {{"store", where}, failure});
        else
            ended("offset_store_failure", "offset_store", "offsets are kept in {} again", {{"store", where}});
    }
    void on_trace(const std::string& topic, std::error_code failure, std::uint64_t lost) {
        if (failure)
            problem("trace_failure", "message trace does not get to topic {}: {}; {} records lost so far",
                    {{"topic", topic}, failure, {"lost", lost}});
        else
            ended("trace_failure", "trace", "message trace gets to topic {} again; {} records were lost",
                  {{"topic", topic}, {"lost", lost}});
    }

  private:
    using fields = std::initializer_list<log_field>;

    /// Which problem of an event's: that of its first field, or there is only one.
    enum identity : bool { of_first_field, the_only_one };

    bool is_below(log_level level) const noexcept { return level < least_; }

    void note(log_level level, std::string_view event, std::string_view sentence, fields about) {
        if (!is_below(level))
            sink_.write(log_record(level, event, group_, sentence, about));
    }

    /// One that may go on.
    void problem(std::string_view event, std::string_view sentence, fields about, identity which = of_first_field) {
        if (!is_below(log_level::warning) && problems_[key_of(event, about, which)]++ % 100 == 0)
            note(log_level::warning, event, sentence, about);
    }

    /// @param problem  The event of what is over now. @return Whether it was there, so that its end was told.
    bool ended(std::string_view problem, std::string_view event, std::string_view sentence, fields about,
               identity which = of_first_field) {
        if (problems_.empty() || problems_.erase(key_of(problem, about, which)) == 0)
            return false;
        note(log_level::warning, event, sentence, about);
        return true;
    }

    static std::string key_of(std::string_view event, fields about, identity which) {
        std::string key(event);
        key += ' ';
        if (which == of_first_field)
            about.begin()->append_to(key);
        return key;
    }

    log_level least_;
    Sink sink_;
    std::string group_;
    bool store_fails_ = false;                 ///< The offset store as a whole. Strand only.
    std::map<std::string, unsigned> problems_; ///< Those that go on, with how often they were seen. Strand only.
};

/// Lines for people, on standard error or another stream: `log_observer(log_level::info, file)`.
using log_observer = basic_log_observer<text_sink>;
static_assert(observer<log_observer>);

} // namespace rocketpush

#endif
