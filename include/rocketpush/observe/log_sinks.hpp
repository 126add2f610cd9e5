#ifndef ROCKETPUSH_OBSERVE_LOG_SINKS_HPP
#define ROCKETPUSH_OBSERVE_LOG_SINKS_HPP

#include <rocketpush/detail/sigpipe_guard.hpp>
#include <rocketpush/observe/log_record.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace rocketpush {

namespace detail {

/// One line of a log. That nobody reads it ends no process.
inline void write_line(std::string_view line, std::FILE* to) noexcept {
    const sigpipe_guard unread;
    std::fwrite(line.data(), 1, line.size(), to);
    std::fflush(to);
}

} // namespace detail

/**
 * @brief A line for people: `rocketpush: group billing: no route for topic orders: ...`.
 * @par Thread safety  Lines of several threads do not mix: each is one `fwrite`, and a stream has a lock of its own.
 */
class text_sink {
  public:
    text_sink(std::FILE* to = stderr) noexcept : to_(to) {}

    void write(const log_record& record) const {
        std::string line = "rocketpush: group ";
        (line += record.group()) += ": ";
        record.append_sentence(line);
        line += '\n';
        detail::write_line(line, to_);
    }

  private:
    std::FILE* to_;
};
static_assert(log_sink<text_sink>);

/**
 * @brief A line for programs, a JSON object: `{"level":"warning","event":"pull_failure","group":"billing","topic":"orders",
 *        "broker":"broker-a","queue_id":3,"error":"system busy (code 2)",...,"text":"pulling ..."}`.
 *
 * No time is in it: what collects lines knows it.
 *
 * @par Thread safety  As text_sink.
 */
class json_lines_sink {
  public:
    json_lines_sink(std::FILE* to = stderr) noexcept : to_(to) {}

    void write(const log_record& record) const {
        std::string line = "{";
        add(line, "level", to_string(record.level()));
        add(line, "event", record.event());
        add(line, "group", record.group());
        record.visit_fields([&line](std::string_view name, auto value) { add(line, name, value); });
        std::string text;
        record.append_sentence(text);
        add(line, "text", std::string_view(text));
        line.back() = '}';
        line += '\n';
        detail::write_line(line, to_);
    }

  private:
    static void add(std::string& line, std::string_view name, std::string_view value) {
        ((line += '"') += name) += "\":\"";
        protocol::append_json_escaped(line, value);
        line += "\",";
    }
    static void add(std::string& line, std::string_view name, std::int64_t value) {
        ((line += '"') += name) += "\":";
        detail::append_number(line, value);
        line += ',';
    }

    std::FILE* to_;
};
static_assert(log_sink<json_lines_sink>);

} // namespace rocketpush

#endif
