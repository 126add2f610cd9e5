#ifndef ROCKETPUSH_PROTOCOL_PROPERTIES_HPP
#define ROCKETPUSH_PROTOCOL_PROPERTIES_HPP

#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/property_scan.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/**
 * Message properties in their stored form: `name 0x01 value 0x02`, repeated.
 * @par Source  Java `MessageDecoder.messageProperties2String`.
 */
namespace rocketpush::protocol {

/// Most bytes of properties that a message can have: their size is a signed 16-bit number.
inline constexpr std::size_t most_property_bytes = 32767;

/// Whether `text` may stand as a name or value: not empty (Java drops such entries) and without separators.
constexpr bool valid_property_text(std::string_view text) noexcept {
    return !text.empty() && text.find_first_of("\x01\x02") == text.npos;
}

inline auto find_property(std::string_view raw, std::string_view name) noexcept {
    return detail::find_property(raw, name);
}

/// Appends a property behind those that `raw` has, whether or not one has this name.
inline void append_property(std::string& raw, std::string_view name, std::string_view value) {
    ROCKETPUSH_ASSERT(valid_property_text(name) && valid_property_text(value),
                      "names and values have bytes, none of them 0x01 or 0x02");
    if (!raw.empty() && raw.back() != detail::property_value_end)
        raw.push_back(detail::property_value_end);
    raw.append(name).push_back(detail::property_name_end);
    raw.append(value).push_back(detail::property_value_end);
}

/// Takes every property of this name out.
inline void remove_property(std::string& raw, std::string_view name) {
    for (std::size_t at = 0; at < raw.size();) {
        const auto found = raw.find(detail::property_value_end, at);
        const auto end   = found == raw.npos ? raw.size() : found + 1;
        const auto entry = std::string_view(raw).substr(at, end - at);
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == detail::property_name_end)
            raw.erase(at, end - at);
        else
            at = end;
    }
}

/// Gives the property this value, in place of any that it has.
inline void set_property(std::string& raw, std::string_view name, std::string_view value) {
    remove_property(raw, name);
    append_property(raw, name, value);
}

} // namespace rocketpush::protocol

#endif
