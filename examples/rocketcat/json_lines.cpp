#include "json_lines.hpp"

#include <rocketpush/core/property_names.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

namespace rocketcat {
namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 when it begins with none.
std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte  = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    if (first < 0x80)
        return 1;
    const std::size_t length = first >= 0xC2 && first < 0xE0   ? 2
                               : first >= 0xE0 && first < 0xF0 ? 3
                               : first >= 0xF0 && first < 0xF5 ? 4
                                                               : 0;
    if (length == 0 || text.size() < length)
        return 0;
    // The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF.
    const unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char most  = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < least || byte(1) > most)
        return 0;
    for (std::size_t i = 2; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80)
            return 0;
    return length;
}

void append_number(std::string& out, std::int64_t value) { fmt::format_to(std::back_inserter(out), "{}", value); }

void append_member(std::string& out, std::string_view name, std::string_view text) {
    ((out += ",\"") += name) += "\":";
    append_json_string(out, text);
}
void append_member(std::string& out, std::string_view name, const std::optional<std::string_view>& text) {
    if (text) {
        append_member(out, name, *text);
        return;
    }
    ((out += ",\"") += name) += "\":null";
}
void append_member(std::string& out, std::string_view name, std::int64_t value) {
    ((out += ",\"") += name) += "\":";
    append_number(out, value);
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

void append_base64(std::string& out, std::string_view bytes) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto have     = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= have ? digits[group >> (18 - 6 * k) & 0x3F] : '=';
    }
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    if (is_utf8(text)) {
        rocketpush::protocol::append_json_escaped(out, text);
    } else {
        while (!text.empty()) {
            const auto length = utf8_length(text);
            if (length == 0)
                out += "\uFFFD";
            else
                rocketpush::protocol::append_json_escaped(out, text.substr(0, length));
            text.remove_prefix(length == 0 ? 1 : length);
        }
    }
    out += '"';
}

void append_json_body(std::string& out, std::string_view body) {
    if (is_utf8(body))
        return append_json_string(out, body);
    out += "\"base64:";
    append_base64(out, body);
    out += '"';
}

void append_message_line(std::string& out, const rocketpush::message_view& message, std::string_view thread) {
    namespace names = rocketpush::property_names;
    out += R"({"event":"message")";
    append_member(out, "topic", message.topic());
    append_member(out, "brokerName", message.broker_name());
    append_member(out, "queueId", message.queue_id());
    append_member(out, "queueOffset", message.queue_offset());
    append_member(out, "msgId", std::string_view(message.message_id()));
    append_member(out, "offsetMsgId", std::string_view(message.offset_message_id()));
    append_member(out, "keys", message.keys());
    append_member(out, "tags", message.tags());
    append_member(out, "reconsumeTimes", message.reconsume_times());
    append_member(out, "bornTimestamp", message.born_timestamp().time_since_epoch().count());
    append_member(out, "storeTimestamp", message.store_timestamp().time_since_epoch().count());
    out += ",\"body\":";
    append_json_body(out, message.body());
    out += ",\"properties\":{";
    // The broker tells these two with the pull; in Java they are properties.
    append_json_string(out, names::min_offset);
    (out += ":\"") += std::to_string(message.min_offset());
    out += "\",";
    append_json_string(out, names::max_offset);
    (out += ":\"") += std::to_string(message.max_offset());
    out += '"';
    for (const auto& [name, value] : message.properties()) {
        out += ',';
        append_json_string(out, name);
        out += ':';
        append_json_string(out, value);
    }
    out += '}';
    append_member(out, "thread", thread);
    out += "}\n";
}

bool line_output::write(std::string_view lines) noexcept {
    const std::lock_guard lock(mutex_);
    while (!lines.empty() && !lost_) {
        const auto written = ::write(STDOUT_FILENO, lines.data(), lines.size());
        if (written >= 0)
            lines.remove_prefix(static_cast<std::size_t>(written));
        else if (errno != EINTR)
            lost_ = true;
    }
    return !lost_;
}

} // namespace rocketcat
