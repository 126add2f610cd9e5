#ifndef ROCKETPUSH_PROTOCOL_JSON_BODY_HPP
#define ROCKETPUSH_PROTOCOL_JSON_BODY_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_dialect.hpp>

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * @file
 * What the bodies' encoders and decoders share. No exception of the JSON library gets out: texts are parsed without,
 * and types are looked at before values are taken.
 */
namespace rocketpush::protocol {

using json_value = nlohmann::json;

/// Parses either dialect. @retval error::body_malformed  Not JSON, or not an object.
inline result<json_value> parse_body(std::string_view text) {
    const auto standard = to_standard_json(text);
    if (!standard)
        return standard.error();
    auto parsed = json_value::parse(*standard, nullptr, false);
    if (!parsed.is_object())
        return error::body_malformed;
    return parsed;
}

/// The text of a body; what is not UTF-8 in it becomes U+FFFD.
inline std::string dump_body(const json_value& body) {
    return body.dump(-1, ' ', false, json_value::error_handler_t::replace);
}

/// A member, or null if there is none: servers leave nulls out.
inline const json_value* find_member(const json_value& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

/**
 * @brief Reads one member of an object; one that is not there leaves `to` as it is.
 * @return False if the member is something else than `to` can hold.
 */
inline bool read_json(const json_value& object, const char* name, std::string& to) {
    const auto* member = find_member(object, name);
    if (member == nullptr)
        return true;
    if (!member->is_string())
        return false;
    to = member->get_ref<const std::string&>();
    return true;
}

inline bool read_json(const json_value& object, const char* name, bool& to) {
    const auto* member = find_member(object, name);
    if (member == nullptr)
        return true;
    if (!member->is_boolean())
        return false;
    to = member->get<bool>();
    return true;
}

template <std::signed_integral T>
bool read_json(const json_value& object, const char* name, T& to) {
    const auto* member = find_member(object, name);
    if (member == nullptr)
        return true;
    if (!member->is_number_integer())
        return false;
    const auto value = member->get<std::int64_t>();
    const bool huge  = member->is_number_unsigned() && value < 0;
    if (huge || !std::in_range<T>(value))
        return false;
    to = static_cast<T>(value);
    return true;
}

/// Reads an array member: `element(json, T&)` reads each, and answers false when it cannot.
template <class T, class F>
bool read_json_array(const json_value& object, const char* name, std::vector<T>& to, F&& element) {
    const auto* member = find_member(object, name);
    if (member == nullptr)
        return true;
    if (!member->is_array())
        return false;
    to.clear();
    for (const auto& each : *member)
        if (!element(each, to.emplace_back()))
            return false;
    return true;
}

/// An array of strings.
inline bool read_json(const json_value& object, const char* name, std::vector<std::string>& to) {
    return read_json_array(object, name, to, [](const json_value& from, std::string& text) {
        if (!from.is_string())
            return false;
        text = from.get_ref<const std::string&>();
        return true;
    });
}

inline json_value to_json_value(const message_queue& queue) {
    return {{"brokerName", queue.broker_name}, {"queueId", queue.queue_id}, {"topic", queue.topic}};
}

inline bool read_json_value(const json_value& from, message_queue& queue) {
    return from.is_object() && read_json(from, "topic", queue.topic) &&
           read_json(from, "brokerName", queue.broker_name) && read_json(from, "queueId", queue.queue_id);
}

} // namespace rocketpush::protocol

#endif
