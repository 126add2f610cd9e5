#ifndef ROCKETPUSH_PROTOCOL_JSON_BODY_HPP
#define ROCKETPUSH_PROTOCOL_JSON_BODY_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/java_string.hpp>
#include <rocketpush/protocol/json_dialect.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/**
 * @file
 * What the bodies' encoders and decoders share. A body is read where it stands: types are looked at before values are taken, and
 * nothing throws. A type is read by `read_value(json_value, T&)`, which answers false when the value is something else than a `T`
 * can hold, and written by `write_value(json_writer&, const T&)`.
 */
namespace rocketpush::protocol {

/// A value where it stands in its body.
using json_value = json_cursor::value;

/// The text of a body, an object, in standard JSON; what is read of it views it.
struct json_body {
    std::string text;

    operator json_value() const noexcept { return {json_cursor::kind::object, text}; }
};

/// Takes either dialect. @retval error::body_malformed  Not JSON, or not an object.
inline result<json_body> parse_body(std::string_view text) {
    auto standard = to_standard_json(text);
    if (!standard)
        return standard.error();
    if (!standard->starts_with('{'))
        return error::body_malformed;
    return json_body{std::move(*standard)};
}

/// Calls `member(name, value)` for each; false when a call does, or when `object` is none.
template <class F>
bool read_members(const json_value& object, F&& member) {
    json_cursor cursor(object.raw);
    std::string_view key;
    std::string unescaped;
    json_value value;
    if (!cursor.enter_object())
        return false;
    for (bool first = true; cursor.next_member(key, first);) {
        if (key.find('\\') != std::string_view::npos) {
            unescaped.clear();
            append_json_unescaped(unescaped, key);
            key = unescaped;
        }
        if (!cursor.read_value(value) || !member(key, value))
            return false;
    }
    return cursor.leave_object();
}

/// A member, or null if there is none: servers leave nulls out. Of several with the name the last.
inline json_value find_member(const json_value& object, std::string_view name) {
    json_value found{json_cursor::kind::literal, "null"};
    read_members(object, [&found, name](std::string_view key, const json_value& value) {
        if (key == name)
            found = value;
        return true;
    });
    return found;
}

inline bool read_value(const json_value& from, std::string& to) {
    if (from.type != json_cursor::kind::string)
        return false;
    to.clear();
    append_json_unescaped(to, from.raw);
    return true;
}

inline bool read_value(const json_value& from, bool& to) noexcept {
    to = from.raw == "true";
    return from.type == json_cursor::kind::literal && !from.is_null();
}

template <std::signed_integral T>
bool read_value(const json_value& from, T& to) noexcept {
    const auto* end          = from.raw.data() + from.raw.size();
    const auto [stopped, ec] = std::from_chars(from.raw.data(), end, to);
    return from.type == json_cursor::kind::number && ec == std::errc() && stopped == end;
}

template <class T>
bool read_value(const json_value& from, std::vector<T>& to) {
    to.clear();
    json_cursor cursor(from.raw);
    if (!cursor.take('['))
        return false;
    if (cursor.take(']'))
        return true;
    do {
        json_value each;
        if (!cursor.read_value(each) || !read_value(each, to.emplace_back()))
            return false;
    } while (cursor.take(','));
    return cursor.take(']');
}

/// Reads one member of an object; one that is not there leaves `to` as it is.
template <class T>
bool read_json(const json_value& object, std::string_view name, T& to) {
    const auto member = find_member(object, name);
    return member.is_null() || read_value(member, to);
}

/**
 * @brief Writes JSON front to back, and sees to the commas:
 *        `json.open('{').member("ids", list).member("exact", true).close('}')`.
 */
class json_writer {
  public:
    const std::string& text() const& noexcept { return text_; }
    std::string text() && noexcept { return std::move(text_); }

    json_writer& open(char bracket) {
        next();
        text_ += bracket;
        return *this;
    }
    json_writer& close(char bracket) {
        text_ += bracket;
        return *this;
    }
    json_writer& key(std::string_view name) {
        string(name);
        return colon();
    }
    /// Makes a key of what was just written: RocketMQ has maps whose keys are objects.
    json_writer& colon() {
        text_ += ':';
        return *this;
    }
    template <class T>
    json_writer& member(std::string_view name, const T& value) {
        key(name);
        write_value(*this, value);
        return *this;
    }

    /// What is not UTF-8 in it becomes U+FFFD.
    void string(std::string_view text) {
        next();
        text_ += '"';
        while (!text.empty()) {
            std::size_t good = 0;
            while (good < text.size()) {
                const auto [value, size] = rocketpush::detail::first_code_point(text.substr(good));
                if (value == 0xFFFD && size == 1)
                    break;
                good += size;
            }
            append_json_escaped(text_, text.substr(0, good));
            text.remove_prefix(good);
            if (!text.empty()) {
                append_utf8(text_, 0xFFFD);
                text.remove_prefix(1);
            }
        }
        text_ += '"';
    }
    /// A number, a literal, or JSON that was written before.
    void raw(std::string_view text) {
        next();
        text_ += text;
    }

  private:
    void next() {
        if (!text_.empty() && text_.back() != '{' && text_.back() != '[' && text_.back() != ':')
            text_ += ',';
    }

    std::string text_;
};

inline void write_value(json_writer& to, std::string_view text) { to.string(text); }
inline void write_value(json_writer& to, const std::string& text) { to.string(text); }
inline void write_value(json_writer& to, const char* text) { to.string(text); }
inline void write_value(json_writer& to, bool value) { to.raw(value ? "true" : "false"); }
template <std::integral T>
void write_value(json_writer& to, T value) {
    to.raw(std::to_string(value));
}
template <class T>
void write_value(json_writer& to, const std::vector<T>& values) {
    to.open('[');
    for (const auto& each : values)
        write_value(to, each);
    to.close(']');
}

inline void write_value(json_writer& to, const message_queue& queue) {
    to.open('{')
        .member("brokerName", queue.broker_name)
        .member("queueId", queue.queue_id)
        .member("topic", queue.topic)
        .close('}');
}

inline bool read_value(const json_value& from, message_queue& queue) {
    return from.type == json_cursor::kind::object && read_json(from, "topic", queue.topic) &&
           read_json(from, "brokerName", queue.broker_name) && read_json(from, "queueId", queue.queue_id);
}

} // namespace rocketpush::protocol

#endif
