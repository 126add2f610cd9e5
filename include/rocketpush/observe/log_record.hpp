#ifndef ROCKETPUSH_OBSERVE_LOG_RECORD_HPP
#define ROCKETPUSH_OBSERVE_LOG_RECORD_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/observe/remedy.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush {

/// How much is written.
enum class log_level : std::uint8_t { debug, info, warning, error, off };

constexpr std::string_view to_string(log_level level) noexcept {
    constexpr std::string_view names[] = {"debug", "info", "warning", "error", "off"};
    return names[static_cast<std::size_t>(level)];
}

namespace detail {

inline void append_number(std::string& out, std::int64_t number) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

} // namespace detail

/**
 * @brief One thing that a log record is about. It refers to what it was made of, and is not turned into text before somebody asks.
 *
 * Some have several names in structured form: a queue its topic, broker and queue id, an error its text, code and category.
 */
class log_field {
  public:
    log_field(std::string_view name, std::string_view text) noexcept : kind_(kind::text), name_(name), text_(text) {}
    template <std::integral Number>
    log_field(std::string_view name, Number number) noexcept
        : kind_(kind::number), name_(name), number_(static_cast<std::int64_t>(number)) {}
    log_field(const message_queue& queue) noexcept : kind_(kind::queue), name_("queue"), what_(&queue) {}
    log_field(const endpoint& peer) noexcept : kind_(kind::peer), name_("peer"), what_(&peer) {}
    log_field(std::span<const endpoint> peers) noexcept : kind_(kind::peers), name_("peers"), peers_(peers) {}
    log_field(std::error_code failure) noexcept : kind_(kind::failure), name_("error"), failure_(failure) {}
    log_field(const message_view& message) noexcept : kind_(kind::message), name_("message_id"), what_(&message) {}
    log_field(const std::exception_ptr& thrown) noexcept : kind_(kind::exception), name_("exception"), what_(&thrown) {}

    std::string_view name() const noexcept { return name_; }
    /// False unless it is one.
    std::error_code failure() const noexcept { return failure_; }

    /// As it stands in a sentence.
    void append_to(std::string& out) const {
        switch (kind_) {
        case kind::text: out += text_; break;
        case kind::number: detail::append_number(out, number_); break;
        case kind::queue:
            out.append(queue().topic).append("/").append(queue().broker_name).append("/");
            detail::append_number(out, queue().queue_id);
            break;
        case kind::peer: out += to_string(*static_cast<const endpoint*>(what_)); break;
        case kind::peers:
            for (std::size_t i = 0; i < peers_.size(); ++i)
                (out += i == 0 ? "" : ";") += to_string(peers_[i]);
            break;
        case kind::failure: out += failure_.message(); break;
        case kind::message: out += message().message_id(); break;
        case kind::exception: out += text_of(*static_cast<const std::exception_ptr*>(what_)); break;
        }
    }

    /// Structured: calls `see(name, std::string_view)` or `see(name, std::int64_t)` for each part.
    template <class See>
    void visit(See&& see) const {
        switch (kind_) {
        case kind::text: see(name_, text_); break;
        case kind::number: see(name_, number_); break;
        case kind::queue:
            see(std::string_view("topic"), std::string_view(queue().topic));
            see(std::string_view("broker"), std::string_view(queue().broker_name));
            see(std::string_view("queue_id"), static_cast<std::int64_t>(queue().queue_id));
            break;
        case kind::failure:
            see_text(see);
            see(std::string_view("error_code"), static_cast<std::int64_t>(failure_.value()));
            see(std::string_view("error_category"), std::string_view(failure_.category().name()));
            break;
        case kind::message:
            see_text(see);
            see(std::string_view("message_topic"), message().topic());
            break;
        case kind::peer:
        case kind::peers:
        case kind::exception: see_text(see); break;
        }
    }

  private:
    enum class kind : std::uint8_t { text, number, queue, peer, peers, failure, message, exception };

    const message_queue& queue() const noexcept { return *static_cast<const message_queue*>(what_); }
    const message_view& message() const noexcept { return *static_cast<const message_view*>(what_); }

    static std::string text_of(const std::exception_ptr& thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            return e.what();
        } catch (...) {
            return "not a std::exception";
        }
    }

    template <class See>
    void see_text(See&& see) const {
        std::string text;
        append_to(text);
        see(name_, std::string_view(text));
    }

    kind kind_;
    std::string_view name_;
    std::string_view text_{};
    std::int64_t number_ = 0;
    const void* what_    = nullptr;
    std::span<const endpoint> peers_{};
    std::error_code failure_{};
};

namespace detail {

/// @param sentence  A `{}` in it stands for each of the first fields.
inline void append_filled(std::string& out, std::string_view sentence, std::span<const log_field> fields) {
    auto field = fields.begin();
    for (auto place = sentence.find("{}"); place != sentence.npos && field != fields.end();
         place      = sentence.find("{}")) {
        out += sentence.substr(0, place);
        field++->append_to(out);
        sentence.remove_prefix(place + 2);
    }
    out += sentence;
}

} // namespace detail

/**
 * @brief One line of a log, before it is one: what a sink gets. Valid while the sink is called.
 */
class log_record {
  public:
    /// @param sentence  A `{}` in it stands for each of the first fields.
    log_record(log_level level, std::string_view event, std::string_view group, std::string_view sentence,
               std::span<const log_field> fields) noexcept
        : level_(level), event_(event), group_(group), sentence_(sentence), fields_(fields) {}

    log_level level() const noexcept { return level_; }
    /// What happened, in a word that stays: `pull_failure`. Observers' events without `on_`.
    std::string_view event() const noexcept { return event_; }
    std::string_view group() const noexcept { return group_; }
    /// What somebody can do about it; mostly empty.
    std::string_view remedy() const noexcept {
        if (level_ >= log_level::warning)
            for (const auto& each : fields_)
                if (each.failure())
                    return remedy_of(each.failure());
        return {};
    }

    /// The sentence for people, with the remedy at its end: `pulling orders/broker-a/3 failed: system busy; trying again`.
    void append_sentence(std::string& out) const {
        detail::append_filled(out, sentence_, fields_);
        if (const auto what_to_do = remedy(); !what_to_do.empty())
            (out += "; ") += what_to_do;
    }

    /// Everything but level, event, group and sentence: see log_field::visit.
    template <class See>
    void visit_fields(See&& see) const {
        for (const auto& each : fields_)
            each.visit(see);
        if (const auto what_to_do = remedy(); !what_to_do.empty())
            see(std::string_view("remedy"), what_to_do);
    }

  private:
    log_level level_;
    std::string_view event_;
    std::string_view group_;
    std::string_view sentence_;
    std::span<const log_field> fields_;
};

/**
 * @brief Where log records go: `write(record)`, which takes of it what it wants.
 *
 * Laws: it may be called by several threads at once, and neither blocks for long nor throws.
 */
template <class S>
concept log_sink = std::move_constructible<S> && requires(S& sink, const log_record& record) { sink.write(record); };

} // namespace rocketpush

#endif
