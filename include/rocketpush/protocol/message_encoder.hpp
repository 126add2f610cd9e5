#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_ENCODER_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_ENCODER_HPP

#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/crc32.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// Everything that a broker stores of one message.
struct stored_message {
    std::string_view topic                   = {};
    std::string_view body                    = {}; ///< As stored: compressed when `sys_flag` says so.
    std::string_view properties              = {}; ///< `name 0x01 value 0x02`, repeated; up to 32767 bytes.
    std::int32_t queue_id                    = 0;
    std::int32_t flag                        = 0;
    std::int64_t queue_offset                = 0;
    std::int64_t commit_log_offset           = 0;
    std::uint32_t sys_flag                   = 0; ///< The bits for IPv6 hosts are set from the hosts.
    std::int64_t born_timestamp              = 0; ///< ms since 1970
    std::int64_t store_timestamp             = 0; ///< ms since 1970
    host_address born_host                   = {};
    host_address store_host                  = {};
    std::int32_t reconsume_times             = 0;
    std::int64_t prepared_transaction_offset = 0;
    std::optional<std::uint32_t> body_crc    = {};    ///< Reckoned from the body when it is absent.
    bool force_v2                            = false; ///< Else version 2 only where the topic needs it.

    /// The sysFlag that is stored.
    std::uint32_t stored_sys_flag() const noexcept {
        return (sys_flag & ~(sys_flags::born_host_v6 | sys_flags::store_host_v6)) |
               (born_host.is_v6() ? sys_flags::born_host_v6 : 0) | (store_host.is_v6() ? sys_flags::store_host_v6 : 0);
    }
    /// 5.x brokers use version 2 for topics beyond 127 bytes: in practice retry topics of POP consumers.
    bool is_v2() const noexcept { return force_v2 || topic.size() > 127; }
    /// Bytes that it takes when it is stored.
    std::size_t stored_size() const noexcept {
        return detail::message_layout::body(stored_sys_flag()) + body.size() + (is_v2() ? 2 : 1) + topic.size() + 2 +
               properties.size();
    }
};

/**
 * @brief Appends a message as a broker stores it and gives it to pulls.
 * @return Its size in bytes.
 * @par Source  Java `MessageExtEncoder.encode`.
 */
inline std::size_t append_stored_message(std::string& out, const stored_message& message) {
    namespace layout = detail::message_layout;
    using detail::store_big;
    ROCKETPUSH_ASSERT(message.topic.size() <= 32767, "a topic fits its length");
    ROCKETPUSH_ASSERT(message.properties.size() <= 32767, "properties fit their length");
    const auto size = message.stored_size();
    ROCKETPUSH_ASSERT(size <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
                      "a message fits its length");
    const auto flags = message.stored_sys_flag();

    char head[layout::born_host];
    store_big(head + layout::total_size, static_cast<std::uint32_t>(size));
    store_big(head + layout::magic, message.is_v2() ? layout::magic_v2 : layout::magic_v1);
    store_big(head + layout::body_crc, message.body_crc ? *message.body_crc : body_crc(message.body));
    store_big(head + layout::queue_id, message.queue_id);
    store_big(head + layout::flag, message.flag);
    store_big(head + layout::queue_offset, message.queue_offset);
    store_big(head + layout::commit_log_offset, message.commit_log_offset);
    store_big(head + layout::sys_flag, flags);
    store_big(head + layout::born_timestamp, message.born_timestamp);

    const auto append_number = [&out](auto value) {
        char bytes[sizeof value];
        store_big(bytes, value);
        out.append(bytes, sizeof bytes);
    };
    out.append(head, sizeof head);
    message.born_host.append_to(out);
    append_number(message.store_timestamp);
    message.store_host.append_to(out);
    append_number(message.reconsume_times);
    append_number(message.prepared_transaction_offset);
    append_number(static_cast<std::uint32_t>(message.body.size()));
    out.append(message.body);
    if (message.is_v2())
        append_number(static_cast<std::uint16_t>(message.topic.size()));
    else
        append_number(static_cast<std::uint8_t>(message.topic.size()));
    out.append(message.topic);
    append_number(static_cast<std::uint16_t>(message.properties.size()));
    out.append(message.properties);
    return size;
}

} // namespace rocketpush::protocol

#endif
