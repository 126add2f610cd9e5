#ifndef ROCKETPUSH_PROTOCOL_BODIES_BATCH_ACK_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_BATCH_ACK_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/base64.hpp>
#include <rocketpush/protocol/json_body.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/**
 * @brief A set of small numbers: which messages of a check point are meant, counted from its start offset.
 * @par Source  Java `BitSet`, in the form of `toByteArray`.
 */
class ack_bits {
  public:
    ack_bits() = default;
    explicit ack_bits(std::string bytes) noexcept : bytes_(std::move(bytes)) {}

    /// Room is made for it: look at how large it is before.
    void set(std::size_t bit) {
        if (bytes_.size() <= bit / 8)
            bytes_.resize(bit / 8 + 1, '\0');
        bytes_[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes_[bit / 8]) | 1u << bit % 8);
    }

    bool test(std::size_t bit) const noexcept {
        return bit / 8 < bytes_.size() && (static_cast<unsigned char>(bytes_[bit / 8]) >> bit % 8 & 1u) != 0;
    }

    /// No bit at this place or behind is set.
    std::size_t end() const noexcept { return bytes_.size() * 8; }

    /// Bit i is bit (i mod 8) of byte i / 8.
    const std::string& bytes() const noexcept { return bytes_; }

    friend bool operator==(const ack_bits&, const ack_bits&) = default;

  private:
    std::string bytes_;
};

/// Messages of one check point: popped at the same time out of the same queue. @par Source  Java `BatchAck`.
struct batch_ack_entry {
    std::string consumer_group;
    std::string topic;                                 ///< The topic that was popped, also for retries.
    pop_topic kind                = pop_topic::normal; ///< With `topic` it names where the messages are stored.
    std::int64_t start_offset     = 0;                 ///< This and what follows as in the receipts.
    std::int32_t queue_id         = 0;
    std::int32_t revive_queue_id  = 0;
    std::int64_t pop_time         = 0;
    std::int64_t invisible_millis = 0;
    ack_bits acked{}; ///< Bit i: the message at `start_offset + i`.

    friend bool operator==(const batch_ack_entry&, const batch_ack_entry&) = default;
};

/// @par Source  Java `BatchAckMessageRequestBody`.
struct batch_ack {
    std::string broker_name{};
    std::vector<batch_ack_entry> acks{};

    friend bool operator==(const batch_ack&, const batch_ack&) = default;
};

inline void write_value(json_writer& to, const batch_ack_entry& from) {
    const char kind = static_cast<char>('0' + static_cast<int>(from.kind));
    to.open('{')
        .member("b", rocketpush::detail::to_base64(from.acked.bytes()))
        .member("c", from.consumer_group)
        .member("it", from.invisible_millis)
        .member("pt", from.pop_time)
        .member("q", from.queue_id)
        .member("r", std::string_view(&kind, 1))
        .member("rq", from.revive_queue_id)
        .member("so", from.start_offset)
        .member("t", from.topic)
        .close('}');
}

inline bool read_value(const json_value& from, batch_ack_entry& to) {
    std::string kind, bits;
    if (from.type != json_cursor::kind::object || !read_json(from, "b", bits) ||
        !read_json(from, "c", to.consumer_group) || !read_json(from, "it", to.invisible_millis) ||
        !read_json(from, "pt", to.pop_time) || !read_json(from, "q", to.queue_id) || !read_json(from, "r", kind) ||
        !read_json(from, "rq", to.revive_queue_id) || !read_json(from, "so", to.start_offset) ||
        !read_json(from, "t", to.topic) || !rocketpush::detail::read_pop_topic(kind, to.kind))
        return false;
    auto bytes = rocketpush::detail::from_base64(bits);
    if (bytes)
        to.acked = ack_bits(std::move(*bytes));
    return bytes.has_value();
}

inline std::string encode(const batch_ack& acks) {
    json_writer body;
    body.open('{').member("acks", acks.acks).member("brokerName", acks.broker_name).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed
inline result<batch_ack> decode_batch_ack(std::string_view text) {
    const auto body = parse_body(text);
    batch_ack acks;
    if (!body || !read_json(*body, "brokerName", acks.broker_name) || !read_json(*body, "acks", acks.acks))
        return error::body_malformed;
    return acks;
}

} // namespace rocketpush::protocol

#endif
