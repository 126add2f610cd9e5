#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_BATCH_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_BATCH_HPP

#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// One message of a batch, as SEND_BATCH_MESSAGE (320) carries it and as an inner batch stores it.
struct batch_message {
    std::int32_t flag           = 0;
    std::string_view body       = {};
    std::string_view properties = {};
};

/// Size, two unused words (magic, CRC), flag, body size; then the body, the properties' size and the properties.
inline constexpr std::size_t batch_message_body     = 20;
inline constexpr std::size_t batch_message_smallest = 22;

/// @par Source  Java `MessageDecoder.encodeMessage`.
inline void append_batch_message(std::string& out, const batch_message& message) {
    ROCKETPUSH_ASSERT(message.properties.size() <= 32767, "properties fit their 16-bit length");
    ROCKETPUSH_ASSERT(message.body.size() <= std::numeric_limits<std::int32_t>::max() - 65536u,
                      "a body fits its 32-bit length");
    const auto size = batch_message_smallest + message.body.size() + message.properties.size();
    char head[batch_message_body]{};
    detail::store_big(head, static_cast<std::uint32_t>(size));
    detail::store_big(head + 12, message.flag);
    detail::store_big(head + 16, static_cast<std::uint32_t>(message.body.size()));
    char properties_size[2];
    detail::store_big(properties_size, static_cast<std::uint16_t>(message.properties.size()));
    out.reserve(out.size() + size);
    out.append(head, sizeof head).append(message.body);
    out.append(properties_size, sizeof properties_size).append(message.properties);
}

/**
 * @brief Takes the messages of a batch one after the other: `visit(const batch_message&)`.
 * @return The bytes behind the last good message: empty, unless lengths contradict each other.
 */
template <class Visit>
std::string_view visit_batch(std::string_view batch, Visit&& visit) {
    while (batch.size() >= batch_message_smallest) {
        const std::size_t size = detail::load_big<std::uint32_t>(batch.data());
        if (size < batch_message_smallest || size > batch.size())
            break;
        const std::size_t body_size = detail::load_big<std::uint32_t>(batch.data() + 16);
        if (body_size > size - batch_message_smallest)
            break;
        const char* behind_body           = batch.data() + batch_message_body + body_size;
        const std::size_t properties_size = detail::load_big<std::uint16_t>(behind_body);
        if (properties_size > 32767 || properties_size > size - batch_message_smallest - body_size)
            break;
        visit(batch_message{detail::load_big<std::int32_t>(batch.data() + 12),
                            batch.substr(batch_message_body, body_size),
                            std::string_view(behind_body + 2, properties_size)});
        batch.remove_prefix(size);
    }
    return batch;
}

} // namespace rocketpush::protocol

#endif
