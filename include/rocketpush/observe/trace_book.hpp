#ifndef ROCKETPUSH_OBSERVE_TRACE_BOOK_HPP
#define ROCKETPUSH_OBSERVE_TRACE_BOOK_HPP

#include <rocketpush/core/listener_call.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/detail/bounded_queue.hpp>
#include <rocketpush/protocol/message_id.hpp>
#include <rocketpush/protocol/trace_records.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/// What listener calls leave for trace: the records of one, before or after it, or of a part of its messages.
struct trace_context {
    std::string topic;       ///< Of the first message. Records of different topics go in different messages.
    std::string records;     ///< Encoded.
    std::string keys;        ///< By which they are found: message ids and the messages' keys, a space after each.
    std::string request_id;  ///< Of the call.
    std::uint32_t count = 0; ///< Records.

    /// Memory is kept for the next one, but not that of giants.
    void clear() {
        constexpr std::size_t kept = 4096;
        for (auto* text : {&topic, &records, &keys, &request_id}) {
            if (text->capacity() > kept)
                *text = std::string();
            text->clear();
        }
        count = 0;
    }
};

/**
 * @brief Where listener calls write their trace records down: bounded, and nobody waits. What finds no place is lost and counted.
 *
 * Messages with the property `TRACE_ON` = `false`, and those of the trace topic itself, are left out.
 *
 * @par Thread safety  `begun`, `ended`, `waiting`, `lost` from any thread; the rest from one.
 * @par Source  Java `ConsumeMessageTraceHookImpl`, the queue of `AsyncTraceDispatcher`.
 */
class trace_book {
  public:
    /// Somebody who is told, on any thread, that enough is waiting to be sent.
    struct alarm {
        void* who;
        void (*ring)(void* who);
    };

    /**
     * @param topic     Where the records go to.
     * @param group     Without a namespace.
     * @param ids       Makes the request ids; has made one.
     * @param capacity  Contexts, two of each listener call.
     * @param enough    Contexts at which it rings for somebody.
     */
    trace_book(std::string topic, std::string group, protocol::unique_id_generator ids, std::size_t capacity,
               std::size_t enough, alarm somebody)
        : topic_(std::move(topic)),
          group_(std::move(group)),
          ids_(std::move(ids)),
          contexts_(capacity),
          enough_(enough),
          alarm_(somebody) {}

    void begun(std::span<const message_view> messages, const listener_call& call) noexcept {
        write(messages, call, [&](trace_context& into, const message_view& message, const about& of) {
            protocol::append_record(into.records, protocol::sub_before{.timestamp   = milliseconds(call.began()),
                                                                       .region      = of.region,
                                                                       .group       = group_,
                                                                       .request_id  = into.request_id,
                                                                       .message_id  = of.id,
                                                                       .retry_times = message.reconsume_times(),
                                                                       .keys        = of.keys});
        });
    }

    void ended(std::span<const message_view> messages, const listener_call& call) noexcept {
        const auto spent = std::max<std::int64_t>(0, milliseconds(call.ended) - milliseconds(call.began()));
        const auto cost  = spent / static_cast<std::int64_t>(messages.size());
        write(messages, call, [&](trace_context& into, const message_view&, const about& of) {
            protocol::append_record(into.records,
                                    protocol::sub_after{.request_id   = into.request_id,
                                                        .message_id   = of.id,
                                                        .cost         = cost,
                                                        .success      = call.success,
                                                        .keys         = of.keys,
                                                        .context_code = static_cast<int>(call.outcome),
                                                        .timestamp    = milliseconds(call.ended),
                                                        .group        = group_});
        });
    }

    /// Takes the oldest context. @param take  Is given it.
    template <class Take>
    bool take(Take&& take) {
        return contexts_.pop(std::forward<Take>(take));
    }

    /// The alarm may ring again.
    void listen() noexcept { rung_.store(false, std::memory_order_relaxed); }

    /// Contexts, about.
    std::size_t waiting() const noexcept { return contexts_.size(); }
    /// Records that found no place.
    std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

  private:
    // So many go into one context at most: a message of trace must be able to hold it.
    static constexpr std::size_t most_bytes = 32'000;
    static constexpr std::size_t most_keys  = 16'000; ///< Bytes.

    /// What both records of a message have.
    struct about {
        std::string_view region;
        std::string_view id;
        std::optional<std::string_view> keys;
    };

    static std::int64_t milliseconds(message_time time) noexcept { return time.time_since_epoch().count(); }

    bool is_traced(const message_view& message) const noexcept {
        return message.property(property_names::trace_on) != "false" && message.topic() != topic_;
    }

    template <class Append>
    void write(std::span<const message_view> messages, const listener_call& call, const Append& append) noexcept {
        // As in Java the records of a call have one region: that of its last traced message.
        std::optional<std::string_view> region;
        for (auto last = messages.rbegin(); last != messages.rend() && !region; ++last)
            if (is_traced(*last))
                region = last->property(property_names::region).value_or(protocol::default_region);
        if (!region)
            return;
        for (std::size_t next = 0; next < messages.size();) {
            const auto first = next;
            try {
                const bool placed = contexts_.push([&](trace_context& place) {
                    place.clear();
                    ids_.append_id(place.request_id, call.began(), call.count());
                    next = fill(place, messages, first, *region, append);
                });
                if (!placed)
                    return lose(messages.subspan(first));
            } catch (const std::exception&) { // no memory
                return lose(messages.subspan(first));
            }
        }
        if (waiting() >= enough_ && !rung_.load(std::memory_order_relaxed) &&
            !rung_.exchange(true, std::memory_order_relaxed))
            alarm_.ring(alarm_.who);
    }

    /// @return The first message that is not in `place`.
    template <class Append>
    std::size_t fill(trace_context& place, std::span<const message_view> messages, std::size_t next,
                     std::string_view region, const Append& append) const {
        for (; next < messages.size() && place.records.size() < most_bytes && place.keys.size() < most_keys; ++next) {
            const auto& message = messages[next];
            if (!is_traced(message))
                continue;
            if (place.count++ == 0)
                place.topic = message.topic();
            const auto unique = message.property(property_names::unique_key);
            const auto stored = unique ? std::string() : message.offset_message_id();
            const about of{region, unique ? *unique : stored, message.keys()};
            append(place, message, of);
            (place.keys += of.id) += ' ';
            if (of.keys)
                (place.keys += *of.keys) += ' ';
        }
        return next;
    }

    void lose(std::span<const message_view> messages) noexcept {
        const auto count = std::ranges::count_if(messages, [this](const auto& each) { return is_traced(each); });
        lost_.fetch_add(static_cast<std::uint64_t>(count), std::memory_order_relaxed);
    }

    const std::string topic_;
    const std::string group_;
    const protocol::unique_id_generator ids_;
    detail::bounded_queue<trace_context> contexts_;
    const std::size_t enough_;
    const alarm alarm_;
    std::atomic<bool> rung_{false};
    std::atomic<std::uint64_t> lost_{0};
};

} // namespace rocketpush

#endif
