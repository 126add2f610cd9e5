#ifndef ROCKETPUSH_EMBEDDED_STORED_RECORD_HPP
#define ROCKETPUSH_EMBEDDED_STORED_RECORD_HPP

#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/message_encoder.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rocketpush::embedded {

/**
 * @brief Reads a message back that this broker has stored, to store it again elsewhere.
 * @param record  From the commit log; so it is whole, and nothing is checked. The result's texts are views of it: copy
 *                it first, for storing may drop it from the log.
 */
inline protocol::stored_message read_stored(std::string_view record) noexcept {
    namespace layout  = rocketpush::detail::message_layout;
    const auto number = [record]<class T>(T, std::size_t at) {
        return rocketpush::detail::load_big<T>(record.data() + at);
    };
    const auto flags = number(std::uint32_t{}, layout::sys_flag);

    protocol::stored_message message;
    message.queue_id          = number(std::int32_t{}, layout::queue_id);
    message.flag              = number(std::int32_t{}, layout::flag);
    message.queue_offset      = number(std::int64_t{}, layout::queue_offset);
    message.commit_log_offset = number(std::int64_t{}, layout::commit_log_offset);
    message.sys_flag          = flags;
    message.born_timestamp    = number(std::int64_t{}, layout::born_timestamp);
    message.store_timestamp   = number(std::int64_t{}, layout::store_timestamp(flags));
    message.born_host = host_address::read(record.data() + layout::born_host, (flags & sys_flags::born_host_v6) != 0);
    message.store_host =
        host_address::read(record.data() + layout::store_host(flags), (flags & sys_flags::store_host_v6) != 0);
    message.reconsume_times             = number(std::int32_t{}, layout::reconsume_times(flags));
    message.prepared_transaction_offset = number(std::int64_t{}, layout::prepared_transaction_offset(flags));
    message.body_crc                    = number(std::uint32_t{}, layout::body_crc);

    const bool is_v2 = number(std::uint32_t{}, layout::magic) == layout::magic_v2;
    auto at          = layout::body(flags);
    message.body     = record.substr(at, number(std::uint32_t{}, layout::body_size(flags)));
    at += message.body.size();
    const std::size_t topic_size = is_v2 ? number(std::uint16_t{}, at) : number(std::uint8_t{}, at);
    at += is_v2 ? 2 : 1;
    message.topic = record.substr(at, topic_size);
    at += topic_size;
    message.properties = record.substr(at + 2, number(std::uint16_t{}, at));
    return message;
}

} // namespace rocketpush::embedded

#endif
