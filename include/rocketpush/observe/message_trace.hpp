#ifndef ROCKETPUSH_OBSERVE_MESSAGE_TRACE_HPP
#define ROCKETPUSH_OBSERVE_MESSAGE_TRACE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/namespaces.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/observe/trace_book.hpp>
#include <rocketpush/observe/trace_gathering.hpp>
#include <rocketpush/protocol/message_id.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <asio/ip/address.hpp>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// How message trace is sent. The defaults are Java's.
struct trace_settings {
    bool enabled =
        true; ///< Without it the observer is there, and costs a branch for each listener call. Java: enableTrace.
    std::string topic{protocol::trace_topic}; ///< Java: traceTopic.
    /// Listener calls leave two contexts each; when so many wait they are sent, 1..20. More that wait by then go with them. Java:
    /// traceMsgBatchNum, which is how many go in a message at most.
    std::size_t batch = 10;
    std::size_t queue = 2048; ///< Contexts that wait at most; others are lost. Becomes a power of two, 16..65536.
    std::chrono::milliseconds flush_interval{5000}; ///< Then what waits is sent, however little, 10 ms..1 h.
    std::size_t message_bytes = 128'000;            ///< Of a body, 1000..4000000. Java: maxMsgSize.
};

/**
 * @brief Message trace: says of each message when it was given to the listener, and how that ended, in the form of the Java client,
 *        so that consoles and `mqadmin queryMsgTraceById` show it.
 *
 * @code
 * rocketpush::push_consumer consumer{options, listener,
 *                                    rocketpush::observers{rocketpush::log_observer(), rocketpush::message_trace()}};
 * @endcode
 *
 * Brokers with `traceTopicEnable=true` have the topic; else it has to be created, or brokers make it if they may. Trace is never
 * in the way: listener calls write into places that are there, a coroutine on the strand sends what they wrote, and when that is
 * too slow, a broker is away or the topic missing, records are lost, counted, and told once (`on_trace`). At a stop what waits is
 * sent, within the stop's deadline.
 *
 * Java has a client of its own for it. Here the consumer's connections do: a trace message takes its turn among requests and
 * holds nothing up, and a broker that is away is away for both.
 *
 * @par Thread safety  As `no_observer`.
 * @par Source  Java `ConsumeMessageTraceHookImpl`, `AsyncTraceDispatcher`. Differs: messages without `MSG_REGION` are traced, in
 *              `DefaultRegion`; an orderly listener's rollback has the code of a failure, not of a success.
 */
class message_trace : public no_observer {
  public:
    /// @throw std::system_error  error::invalid_option, error::invalid_topic: the text names the setting.
    explicit message_trace(trace_settings with = {}) : settings_(std::move(with)) {
        const auto check = [](bool right, const char* what) {
            if (!right)
                throw std::system_error(error::invalid_option, what);
        };
        check(settings_.batch >= 1 && settings_.batch <= 20, "trace_settings::batch must be from 1 to 20");
        check(settings_.queue >= 16 && settings_.queue <= 65'536, "trace_settings::queue must be from 16 to 65536");
        check(settings_.message_bytes >= 1000 && settings_.message_bytes <= 4'000'000,
              "trace_settings::message_bytes must be from 1000 to 4000000");
        check(settings_.flush_interval >= std::chrono::milliseconds(10) &&
                  settings_.flush_interval <= std::chrono::hours(1),
              "trace_settings::flush_interval must be from 10 ms to 1 h");
        if (const auto failure = check_topic(settings_.topic))
            throw std::system_error(failure, "trace_settings::topic");
    }

    const trace_settings& settings() const noexcept { return settings_; }

    bool wants_calls() const noexcept { return settings_.enabled; }

    /// By the consumer; see observer_access.
    template <class Access>
    void attach(Access& access) {
        if (!settings_.enabled)
            return;
        // Of its own count each: the ids of calls, and those of the messages that tell of them.
        const auto make_ids = [&] {
            return protocol::unique_id_generator(own_address(access.client_id()),
                                                 static_cast<std::uint64_t>(::getpid()),
                                                 static_cast<std::uint32_t>(access.runtime().random()));
        };
        auto request_ids = make_ids();
        request_ids.next(access.runtime().system_now());
        auto group = without_namespace(namespace_of(access.settings()), access.settings().group);
        book_      = std::make_unique<trace_book>(
            settings_.topic, std::move(group), std::move(request_ids), settings_.queue, settings_.batch,
            trace_book::alarm{&access, [](void* who) { static_cast<Access*>(who)->wake(); }});
        access.spawn(send_all(*this, access, make_ids()));
    }

    void on_call_begun(std::span<const message_view> messages, const listener_call& call) {
        if (book_)
            book_->begun(messages, call);
    }
    void on_call_ended(std::span<const message_view> messages, const listener_call& call) {
        if (book_)
            book_->ended(messages, call);
    }

  private:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::milliseconds send_timeout{5000}; // as Java's

    /// The address in a client id, as Java's message ids begin with it.
    static host_address own_address(std::string_view client_id) {
        std::error_code unknown;
        const auto address = asio::ip::make_address(std::string(client_id.substr(0, client_id.find('@'))), unknown);
        if (unknown)
            return host_address();
        return address.is_v6() ? host_address(address.to_v6().to_bytes(), 0)
                               : host_address(address.to_v4().to_bytes(), 0);
    }

    message_copy make_message(const trace_message& from, std::string_view group, std::string unique_id,
                              std::chrono::system_clock::time_point now) const {
        message_copy made;
        made.producer_group = "_INNER_TRACE_PRODUCER-" + std::string(group) + "-CONSUME-1"; // Java counts its consumers
        made.topic          = settings_.topic;
        made.body           = from.body;
        made.properties     = trace_properties(from.keys, unique_id);
        made.reconsume_times = 0;
        made.born_timestamp  = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count();
        return made;
    }

    template <class Access>
    static typename Access::template task<void> send_all(message_trace& here, Access& access,
                                                         protocol::unique_id_generator ids) {
        trace_gathering gathering(here.settings_.message_bytes);
        std::vector<trace_message> ready;
        for (bool last = false; !last;) {
            last = access.closing();
            here.book_->listen();
            for (auto left = here.book_->waiting(); left > 0; --left) // those of now: others wait for the next round
                if (!here.book_->take([&](trace_context& context) {
                        if (auto full = gathering.add(context))
                            ready.push_back(std::move(*full));
                    }))
                    break;
            for (auto& rest : gathering.take_all())
                ready.push_back(std::move(rest));
            std::error_code failure;
            for (auto& each : ready) {
                if (!failure) {
                    const auto now     = access.runtime().system_now();
                    auto message       = here.make_message(each, access.settings().group, ids.next(now), now);
                    const auto outcome = co_await access.send(std::move(message), send_timeout);
                    failure            = outcome.failure;
                }
                if (failure) // the others would go the same way, one time-out after the other
                    here.unsent_ += each.count;
            }
            const bool tried = !ready.empty();
            ready.clear();
            const auto now = access.runtime().now();
            here.tell(access, failure, tried, now);
            for (bool waiting = !last; waiting && !access.closing();) {
                const bool woken = co_await access.wait_until(now + here.settings_.flush_interval);
                waiting = woken && failure; // after a failure only the time counts: there is no use in trying again
            }
        }
    }

    /// Tells the observers when trouble begins, and when there has been none for a while.
    template <class Access>
    void tell(Access& access, std::error_code failure, bool tried, time_point now) {
        const auto overflown = book_->lost();
        if (!failure && overflown != seen_)
            failure = error::trace_overflow;
        seen_            = overflown;
        const bool over  = in_trouble_ && !failure && tried && now - last_trouble_ >= settings_.flush_interval;
        const bool begun = !in_trouble_ && failure;
        if (failure)
            last_trouble_ = now;
        if (begun || over) {
            in_trouble_ = begun;
            access.observe().on_trace(settings_.topic, failure, overflown + unsent_);
        }
    }

    trace_settings settings_;
    std::unique_ptr<trace_book> book_; ///< Since it was attached.
    std::uint64_t unsent_ = 0;         ///< Records that no broker took.
    std::uint64_t seen_   = 0;         ///< Records that found no place, when it was looked at last.
    bool in_trouble_      = false;
    time_point last_trouble_{};
};
static_assert(observer<message_trace>);

} // namespace rocketpush

#endif
