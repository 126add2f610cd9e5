#ifndef ROCKETPUSH_OBSERVE_METRICS_TEXT_HPP
#define ROCKETPUSH_OBSERVE_METRICS_TEXT_HPP

#include <rocketpush/core/version.hpp>
#include <rocketpush/detail/java_string.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/// How much a page of metrics tells.
struct metrics_options {
    bool each_queue =
        true; ///< Series of each queue; without them those of topics are left, whatever the number of queues.
};

/// The media type of a page of metrics.
inline constexpr std::string_view metrics_media_type = "text/plain; version=0.0.4; charset=utf-8";

/// What a family of metrics is about, and with it the labels that it has; `group` and `client_id` are in each.
enum class metric_scope : std::uint8_t {
    consumer, ///< No further ones.
    topic,    ///< `topic`
    queue     ///< `topic`, `broker`, `queue`
};

/// One name that a page has, and what stands behind it.
struct metric_family {
    std::string_view name;
    std::string_view type; ///< `counter` or `gauge`.
    metric_scope scope = metric_scope::consumer;
    std::string_view extra_label{}; ///< One more label than the scope has; empty: none.
    std::string_view help{};
};

} // namespace rocketpush

namespace rocketpush::detail {

constexpr std::string_view metric_word(queue_stage stage) noexcept {
    switch (stage) {
    case queue_stage::acquiring: return "acquiring";
    case queue_stage::fetching: return "fetching";
    case queue_stage::releasing: return "releasing";
    }
    return "unknown";
}

constexpr std::string_view metric_word(flow_state flow) noexcept {
    switch (flow) {
    case flow_state::open: return "open";
    case flow_state::too_many_messages: return "too_many_messages";
    case flow_state::too_many_bytes: return "too_many_bytes";
    case flow_state::too_wide_a_span: return "too_wide_a_span";
    case flow_state::suspended: return "suspended";
    case flow_state::out_of_memory: return "out_of_memory";
    }
    return "unknown";
}

/// A queue that is pulled or popped, as far as metrics tell of it.
struct metric_queue {
    const message_queue* queue = nullptr;
    queue_stage stage          = queue_stage::fetching;
    flow_state flow            = flow_state::open;
    std::chrono::milliseconds in_stage_for{0}, flow_for{0}, oldest_age{0};
    std::optional<std::int64_t> lag{}, end_offset{}, committed{};
    std::size_t held = 0; ///< Messages.
};

inline metric_queue metrics_of(const queue_statistics& from) {
    const auto known = [](std::int64_t offset) { return offset < 0 ? std::nullopt : std::optional(offset); };
    // An orderly listener's pause is one of the same kind as the user's.
    return {.queue        = &from.queue,
            .stage        = from.stage,
            .flow         = from.suspended ? flow_state::suspended : from.flow,
            .in_stage_for = from.in_stage_for,
            .flow_for     = from.flow_for,
            .oldest_age   = from.oldest_age,
            .lag          = from.broker_max < 0 ? std::nullopt : std::optional(from.lag),
            .end_offset   = known(from.broker_max),
            .committed    = known(from.committed),
            .held         = from.cached.messages};
}
inline metric_queue metrics_of(const popped_queue_statistics& from) {
    return {.queue        = &from.queue,
            .stage        = from.stage,
            .flow         = from.flow,
            .in_stage_for = from.in_stage_for,
            .flow_for     = from.flow_for,
            .oldest_age   = from.oldest_age,
            .lag          = from.rest < 0 ? std::nullopt : std::optional(from.rest),
            .held         = from.waiting};
}

/// One of a family's figures, of an `Of`. Those of one family follow each other in their table.
template <class Of>
struct metric_figure {
    metric_family family;
    std::optional<double> (*value)(const Of&);      ///< Nothing: there is no sample.
    std::string_view (*extra)(const Of&) = nullptr; ///< The extra label's value.
};

template <class T>
std::optional<double> to_sample(T number) noexcept {
    return static_cast<double>(number);
}
template <class T>
std::optional<double> to_sample(std::optional<T> number) noexcept {
    return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}
template <class Count, class Period>
std::optional<double> to_sample(std::chrono::duration<Count, Period> time) noexcept {
    return std::chrono::duration<double>(time).count();
}

template <queue_stage Stage>
std::optional<double> queues_in(const consumer_statistics& of) {
    const auto count = [](const auto& queues) {
        return std::ranges::count(queues, Stage, [](const auto& each) { return each.stage; });
    };
    return to_sample(count(of.queues) + count(of.popped));
}
template <flow_state Flow>
std::optional<double> queues_held_up(const consumer_statistics& of) {
    const auto count = [](const auto& queues) {
        return std::ranges::count(queues, Flow, [](const auto& each) { return metrics_of(each).flow; });
    };
    return to_sample(count(of.queues) + count(of.popped));
}
template <auto Value>
std::string_view word(const consumer_statistics&) noexcept {
    return metric_word(Value);
}

inline constexpr std::string_view counter = "counter", gauge = "gauge";

inline constexpr auto consumer_metrics = [] {
    using of = const consumer_statistics&;
    constexpr metric_family queues{"rocketpush_queues", gauge, metric_scope::consumer, "stage",
                                   "Queues that this member holds, by where they are in their life with it."};
    constexpr metric_family held_up{"rocketpush_queues_held_up", gauge, metric_scope::consumer, "flow",
                                    "Queues that are not fetched at the moment, by the reason."};
    using enum flow_state;
    return std::to_array<metric_figure<consumer_statistics>>({
        {{"rocketpush_build_info", gauge, metric_scope::consumer, "version", "1; the version is in the label."},
         [](of) { return to_sample(1); },
         [](of) { return std::string_view(ROCKETPUSH_VERSION_STRING); }},
        {{"rocketpush_suspended",
          gauge,
          metric_scope::consumer,
          {},
          "1 while the consumer is suspended on purpose, else 0."},
         [](of s) { return to_sample(s.suspended); }},
        {queues, queues_in<queue_stage::acquiring>, word<queue_stage::acquiring>},
        {queues, queues_in<queue_stage::fetching>, word<queue_stage::fetching>},
        {queues, queues_in<queue_stage::releasing>, word<queue_stage::releasing>},
        {held_up, queues_held_up<too_many_messages>, word<too_many_messages>},
        {held_up, queues_held_up<too_many_bytes>, word<too_many_bytes>},
        {held_up, queues_held_up<too_wide_a_span>, word<too_wide_a_span>},
        {held_up, queues_held_up<suspended>, word<suspended>},
        {held_up, queues_held_up<out_of_memory>, word<out_of_memory>},
        {{"rocketpush_held_messages", gauge, metric_scope::consumer, {}, "Messages that are held and not finished."},
         [](of s) { return to_sample(s.cached_messages); }},
        {{"rocketpush_held_bytes", gauge, metric_scope::consumer, {}, "Bytes of their frames and inflated bodies."},
         [](of s) { return to_sample(s.cached_bytes); }},
        {{"rocketpush_frame_memory_bytes",
          gauge,
          metric_scope::consumer,
          {},
          "Memory of all frames that are held, of all consumers that share the client."},
         [](of s) { return to_sample(s.block_bytes); }},
    });
}();

inline constexpr auto topic_metrics = [] {
    using of         = const topic_statistics&;
    const auto named = [](std::string_view name, std::string_view type, std::string_view help) {
        return metric_family{name, type, metric_scope::topic, {}, help};
    };
    return std::to_array<metric_figure<topic_statistics>>({
        {named("rocketpush_lag_messages", gauge,
               "Messages that are not finished or not fetched, as of each queue's last answer."),
         [](of s) { return to_sample(s.lag); }},
        {named(
             "rocketpush_oldest_unfinished_seconds", gauge,
             "Age of the oldest message that is held and not finished, from when it was stored; 0 when there is none."),
         [](of s) { return to_sample(s.oldest_age); }},
        {named("rocketpush_pulls_total", counter, "Requests for messages that found some."),
         [](of s) { return to_sample(s.counts.pulls); }},
        {named("rocketpush_pull_seconds_total", counter, "Time from request to answer, of these."),
         [](of s) { return to_sample(s.counts.pull_time); }},
        {named("rocketpush_pulled_messages_total", counter, "Messages that came, after filtering."),
         [](of s) { return to_sample(s.counts.pulled); }},
        {named("rocketpush_pulled_bytes_total", counter, "Bytes of the answers that brought them."),
         [](of s) { return to_sample(s.counts.pulled_bytes); }},
        {named("rocketpush_filtered_messages_total", counter,
               "Messages that the tag filter or an observer removed here."),
         [](of s) { return to_sample(s.counts.filtered); }},
        {named("rocketpush_refetches_total", counter,
               "Answers for which there was no memory; they are asked for again."),
         [](of s) { return to_sample(s.counts.refetched); }},
        {named("rocketpush_bad_messages_total", counter, "Messages that could not be decoded."),
         [](of s) { return to_sample(s.counts.bad); }},
        {named("rocketpush_listener_calls_total", counter, "Calls of the listener."),
         [](of s) { return to_sample(s.counts.calls); }},
        {named("rocketpush_listener_seconds_total", counter, "Time of these calls."),
         [](of s) { return to_sample(s.counts.consume_time); }},
        {named("rocketpush_consumed_messages_total", counter, "Messages that the listener consumed with success."),
         [](of s) { return to_sample(s.counts.succeeded); }},
        {named("rocketpush_failed_messages_total", counter, "Messages that the listener wants again."),
         [](of s) { return to_sample(s.counts.failed); }},
        {named("rocketpush_sent_back_messages_total", counter, "Failed messages that a broker has taken back."),
         [](of s) { return to_sample(s.counts.sent_back); }},
        {named("rocketpush_dropped_messages_total", counter, "Failed messages that were given up."),
         [](of s) { return to_sample(s.counts.dropped); }},
        {named("rocketpush_consumed_again_messages_total", counter,
               "Failed messages that the listener got once more here, since no broker took them."),
         [](of s) { return to_sample(s.counts.consumed_again); }},
        {named("rocketpush_timed_out_messages_total", counter, "Messages taken from listener calls that ran too long."),
         [](of s) { return to_sample(s.counts.timed_out); }},
        {named("rocketpush_acknowledged_messages_total", counter,
               "Popped messages whose acknowledgement was confirmed."),
         [](of s) { return to_sample(s.counts.acknowledged); }},
    });
}();

inline constexpr auto queue_metrics = [] {
    using of         = const metric_queue&;
    const auto named = [](std::string_view name, std::string_view help, std::string_view extra = {}) {
        return metric_family{name, gauge, metric_scope::queue, extra, help};
    };
    return std::to_array<metric_figure<metric_queue>>({
        {named("rocketpush_queue_lag_messages",
               "As rocketpush_lag_messages, of one queue; none before its first answer."),
         [](of q) { return to_sample(q.lag); }},
        {named("rocketpush_queue_oldest_unfinished_seconds", "As rocketpush_oldest_unfinished_seconds, of one queue."),
         [](of q) { return to_sample(q.oldest_age); }},
        {named("rocketpush_queue_held_messages", "Messages of it that are held and not finished."),
         [](of q) { return to_sample(q.held); }},
        {named("rocketpush_queue_end_offset",
               "Offset behind its newest message, as of the last answer; of a pulled queue."),
         [](of q) { return to_sample(q.end_offset); }},
        {named("rocketpush_queue_committed_offset", "Offset that the store confirmed last; of a pulled queue."),
         [](of q) { return to_sample(q.committed); }},
        {named("rocketpush_queue_stage_seconds", "Time in its stage.", "stage"),
         [](of q) { return to_sample(q.in_stage_for); }, [](of q) { return metric_word(q.stage); }},
        {named("rocketpush_queue_held_up_seconds", "How long it has not been fetched, and why; none while it is.",
               "flow"),
         [](of q) { return q.flow == flow_state::open ? std::nullopt : to_sample(q.flow_for); },
         [](of q) { return metric_word(q.flow); }},
    });
}();

/// Writes families of metrics, one behind the other.
class metrics_writer {
  public:
    struct label {
        std::string_view name, value;
    };

    std::string text() && noexcept { return std::move(text_); }

    /// `each(sample)` calls `sample(of, labels)` for every `Of` there is.
    template <class Of, std::size_t Count, class Each>
    void table(const std::array<metric_figure<Of>, Count>& figures, Each&& each) {
        for (const auto& figure : figures)
            each([&](const Of& of, const auto& labels) {
                const auto value = figure.value(of);
                if (!value)
                    return;
                begin(figure.family);
                text_ += figure.family.name;
                char mark = '{';
                for (const auto& [name, content] : labels)
                    add_label(mark, name, content);
                if (figure.extra)
                    add_label(mark, figure.family.extra_label, figure.extra(of));
                text_ += "} ";
                add_number(*value);
                text_ += '\n';
            });
    }

  private:
    void begin(const metric_family& family) {
        if (family.name == current_)
            return;
        current_ = family.name;
        ((text_ += "# HELP ") += family.name) += ' ';
        (text_ += family.help) += '\n';
        ((text_ += "# TYPE ") += family.name) += ' ';
        (text_ += family.type) += '\n';
    }

    /// One byte that is no UTF-8 would have the whole page refused.
    void add_label(char& mark, std::string_view name, std::string_view value) {
        text_ += std::exchange(mark, ',');
        (text_ += name) += "=\"";
        while (!value.empty()) {
            const auto [code, size] = first_code_point(value);
            if (code == 0xFFFD && size == 1)
                text_ += "\uFFFD";
            else if (code == '\n')
                text_ += "\\n";
            else if (code == '"' || code == '\\')
                (text_ += '\\') += value.front();
            else
                text_ += value.substr(0, size);
            value.remove_prefix(size);
        }
        text_ += '"';
    }

    void add_number(double value) {
        constexpr double exact = 9007199254740992; // 2^53: up to here all integers are
        char digits[32];
        const auto written = std::trunc(value) == value && std::abs(value) <= exact
                                 ? std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(value))
                                 : std::to_chars(digits, digits + sizeof digits, value);
        text_.append(digits, written.ptr);
    }

    std::string text_;
    std::string_view current_;
};

} // namespace rocketpush::detail

namespace rocketpush {

/// All families that a page may have, in its order: for documentation, and for those who check their dashboards.
inline std::vector<metric_family> metric_families() {
    std::vector<metric_family> all;
    const auto add = [&all](const auto& figures) {
        for (const auto& figure : figures)
            if (all.empty() || all.back().name != figure.family.name)
                all.push_back(figure.family);
    };
    add(detail::consumer_metrics);
    add(detail::topic_metrics);
    add(detail::queue_metrics);
    return all;
}

/**
 * @brief Consumers' statistics as a page that Prometheus scrapes: its text exposition format, to be served as `metrics_media_type`.
 *
 * @param consumers  Of a process; no two of them with the same group and client id, or their series would be the same.
 * @par Thread safety  It works on its arguments alone.
 */
inline std::string metrics_text(std::span<const consumer_statistics> consumers, const metrics_options& with = {}) {
    using label = detail::metrics_writer::label;
    detail::metrics_writer page;
    page.table(detail::consumer_metrics, [&](auto&& sample) {
        for (const auto& each : consumers)
            sample(each, std::initializer_list<label>{{"group", each.group}, {"client_id", each.client_id}});
    });
    page.table(detail::topic_metrics, [&](auto&& sample) {
        for (const auto& each : consumers)
            for (const auto& topic : each.topics)
                sample(topic, std::initializer_list<label>{
                                  {"group", each.group}, {"client_id", each.client_id}, {"topic", topic.topic}});
    });
    if (!with.each_queue)
        return std::move(page).text();
    page.table(detail::queue_metrics, [&](auto&& sample) {
        const auto tell = [&](const consumer_statistics& of, const auto& queues) {
            for (const auto& queue : queues) {
                const auto id = std::to_string(queue.queue.queue_id);
                sample(detail::metrics_of(queue), std::initializer_list<label>{{"group", of.group},
                                                                               {"client_id", of.client_id},
                                                                               {"topic", queue.queue.topic},
                                                                               {"broker", queue.queue.broker_name},
                                                                               {"queue", id}});
            }
        };
        for (const auto& each : consumers) {
            tell(each, each.queues);
            tell(each, each.popped);
        }
    });
    return std::move(page).text();
}
inline std::string metrics_text(const consumer_statistics& consumer, const metrics_options& with = {}) {
    return metrics_text(std::span(&consumer, 1), with);
}

} // namespace rocketpush

#endif
