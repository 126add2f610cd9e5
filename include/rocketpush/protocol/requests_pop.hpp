#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_POP_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_POP_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>
#include <rocketpush/protocol/repeated_request.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/**
 * @file
 * POP, of 5.x brokers: messages that the broker hides for a time and wants acknowledged one by one. The codes do not fit a binary
 * header, so all of it goes out in JSON.
 */
namespace rocketpush::protocol {

/// Of `pop_request::init_mode`: where a group begins that has no offset. @par Source  Java `ConsumeInitMode`.
namespace pop_init {
inline constexpr std::int32_t min = 0;
inline constexpr std::int32_t max = 1; ///< One before the end, so that one message comes; 0 in a young queue.
} // namespace pop_init

/// In place of a queue id: all queues of the broker.
inline constexpr std::int32_t any_queue = -1;

/// Most messages that a broker lets one pop ask for.
inline constexpr std::int32_t most_pop_messages = 32;

/**
 * @brief Asks for messages of a topic, its retries among them. Always to the master. A pop loop keeps a `repeated_pop` of it.
 * @par Source  Java `PopMessageRequestHeader`.
 */
struct pop_request {
    static constexpr request_code code = request_code::pop_message;

    std::string consumer_group;
    std::string topic{}; ///< Never a retry topic: the broker looks there by itself.
    std::int32_t queue_id         = any_queue;
    std::int32_t max_messages     = most_pop_messages;
    std::int64_t invisible_millis = 60'000; ///< How long the messages are hidden from others.
    std::int64_t poll_millis      = 15'000; ///< How long to wait for the first message; 0: not at all.
    /// When this client asks, ms since 1970. The broker refuses, with 210, a request that seems to have lasted longer than its poll:
    /// a client whose clock is behind never gets anything. 0: the broker takes its own time.
    std::int64_t born_time = 0;
    std::int32_t init_mode = pop_init::max;
    std::string expression_type{}; ///< `TAG`, if it is absent.
    std::string expression{};      ///< `*`, if it is absent.
    std::optional<bool> order{};   ///< One batch of a queue at a time, no retry topic.
    std::string attempt_id{};      ///< With `order`, 5.1.1: the same id gets the same messages again.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = pop_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::max_messages>("maxMsgNums"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          required_field<&self::poll_millis>("pollTime"),
                          required_field<&self::born_time>("bornTime"),
                          required_field<&self::init_mode>("initMode"),
                          optional_field<&self::expression_type>("expType"),
                          optional_field<&self::expression>("exp"),
                          optional_field<&self::order>("order"),
                          optional_field<&self::attempt_id>("attemptId"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// The fields of a pop_request that change from pop to pop.
struct pop_turn {
    std::int32_t max_messages = most_pop_messages;
    std::int64_t poll_millis  = 15'000;
    std::int64_t born_time    = 0;

    static constexpr auto fields() noexcept {
        return std::array{required_field<&pop_turn::max_messages>("maxMsgNums"),
                          required_field<&pop_turn::poll_millis>("pollTime"),
                          required_field<&pop_turn::born_time>("bornTime")};
    }
};

/// The pops of one queue. To send one allocates nothing.
using repeated_pop = repeated_request<pop_request, pop_turn>;

/**
 * @brief The answer's header; zeros on errors. Read without allocating: the texts are views of the frame.
 *
 * The body has messages on 0. 210 and 19: there were none; 209: too many polls wait.
 *
 * @par Source  Java `PopMessageResponseHeader`.
 */
struct pop_response {
    std::int64_t pop_time         = 0; ///< ms since 1970, the broker's clock.
    std::int64_t invisible_millis = 0; ///< As granted.
    std::int32_t revive_queue_id  = 0; ///< Part of the receipts; `orderly_revive_queue` for an orderly pop.
    std::int64_t rest_messages    = 0; ///< About how many are left.
    std::string_view start_offsets{};  ///< See `pop_offsets.hpp`; empty: a very old broker, or no messages.
    std::string_view message_offsets{};
    std::string_view order_counts{}; ///< With `order` only.

    static constexpr auto fields() noexcept {
        using self = pop_response;
        return std::array{required_field<&self::pop_time>("popTime"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          required_field<&self::revive_queue_id>("reviveQid"),
                          required_field<&self::rest_messages>("restNum"),
                          optional_field<&self::start_offsets>("startOffsetInfo"),
                          optional_field<&self::message_offsets>("msgOffsetInfo"),
                          optional_field<&self::order_counts>("orderCountInfo")};
    }
};

/**
 * @brief One popped message is done with. 0 also when its receipt is not valid any more: the broker does not tell.
 * @par Source  Java `AckMessageRequestHeader`.
 */
struct ack_request {
    static constexpr request_code code = request_code::ack_message;

    std::string consumer_group;
    std::string topic{}; ///< The one it is stored under: `real_topic` of its receipt.
    std::int32_t queue_id = 0;
    std::string receipt{};
    std::int64_t queue_offset = 0;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = ack_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::receipt>("extraInfo"),
                          required_field<&self::queue_offset>("offset"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// Acknowledges many at once, 5.1.3; the body is a `batch_ack`. Code 3: an older broker.
struct batch_ack_request : no_fields {
    static constexpr request_code code = request_code::batch_ack_message;
};

/**
 * @brief Hides one popped message for another time from now on: longer, to go on with it, or shorter, to have it again soon.
 * @par Source  Java `ChangeInvisibleTimeRequestHeader`.
 */
struct change_invisible_time_request {
    static constexpr request_code code = request_code::change_invisible_time;

    std::string consumer_group;
    std::string topic{}; ///< As in an `ack_request`.
    std::int32_t queue_id = 0;
    std::string receipt{};
    std::int64_t queue_offset     = 0;
    std::int64_t invisible_millis = 0;
    std::optional<bool> suspend{}; ///< 5.4: the message coming again does not count as consumed in vain.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = change_invisible_time_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"),
                          required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::receipt>("extraInfo"),
                          required_field<&self::queue_offset>("offset"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          optional_field<&self::suspend>("suspend"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// What the new receipt is made of: see `changed_receipt`. @par Source  Java `ChangeInvisibleTimeResponseHeader`.
struct change_invisible_time_response {
    std::int64_t pop_time         = 0;
    std::int64_t invisible_millis = 0;
    std::int32_t revive_queue_id  = 0;

    static constexpr auto fields() noexcept {
        using self = change_invisible_time_response;
        return std::array{required_field<&self::pop_time>("popTime"),
                          required_field<&self::invisible_millis>("invisibleTime"),
                          required_field<&self::revive_queue_id>("reviveQid")};
    }
};

} // namespace rocketpush::protocol

#endif
