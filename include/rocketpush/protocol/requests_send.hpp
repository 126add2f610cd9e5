#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_SEND_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_SEND_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

namespace rocketpush::protocol {

/**
 * @brief Stores the message in the body, or a batch of them. One set of members; their names on the wire are one letter
 *        each but for the oldest code.
 * @par Source  Java `SendMessageRequestHeader`, `SendMessageRequestHeaderV2`.
 */
template <request_code Code>
struct basic_send_request {
    static constexpr request_code code = Code;

    std::string producer_group;
    std::string topic;
    std::string default_topic             = "TBW102"; ///< Whose settings a broker copies to make the topic by itself.
    std::int32_t default_topic_queue_nums = 4;
    std::int32_t queue_id                 = -1; ///< -1: the broker's choice.
    std::int32_t sys_flag                 = 0;  ///< `sys_flags` of core.
    std::int64_t born_timestamp           = 0;  ///< Milliseconds since 1970.
    std::int32_t flag                     = 0;  ///< The application's.
    std::string properties{};                   ///< name 0x01 value 0x02 ...
    std::int32_t reconsume_times = 0;
    bool unit_mode               = false;
    std::optional<std::int32_t> max_reconsume_times{}; ///< For retry topics only.
    bool batch = Code == request_code::send_batch_message;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self           = basic_send_request;
        constexpr bool names = Code == request_code::send_message;
        constexpr auto pick  = [](const char* letter, const char* name) { return names ? name : letter; };
        return std::tuple(
            required_field(pick("a", "producerGroup"), &self::producer_group),
            required_field(pick("b", "topic"), &self::topic),
            optional_field(pick("c", "defaultTopic"), &self::default_topic),
            optional_field(pick("d", "defaultTopicQueueNums"), &self::default_topic_queue_nums),
            required_field(pick("e", "queueId"), &self::queue_id),
            required_field(pick("f", "sysFlag"), &self::sys_flag),
            required_field(pick("g", "bornTimestamp"), &self::born_timestamp),
            required_field(pick("h", "flag"), &self::flag), optional_field(pick("i", "properties"), &self::properties),
            optional_field(pick("j", "reconsumeTimes"), &self::reconsume_times),
            optional_field(pick("k", "unitMode"), &self::unit_mode),
            optional_field(pick("l", "maxReconsumeTimes"), &self::max_reconsume_times),
            optional_field(pick("m", "batch"), &self::batch), optional_field(pick("n", "bname"), &self::broker_name));
    }
};

/// One message, short names: what clients send today.
using send_request = basic_send_request<request_code::send_message_v2>;
/// Several messages of one queue in one body.
using send_batch_request = basic_send_request<request_code::send_batch_message>;
/// One message, long names: what old clients send.
using send_v1_request = basic_send_request<request_code::send_message>;

/**
 * @brief Where a message was stored.
 * @par Source  Java `SendMessageResponseHeader`.
 */
struct send_response {
    std::string message_id{}; ///< The offset message id; of a batch all of them, joined by commas.
    std::int32_t queue_id     = 0;
    std::int64_t queue_offset = 0; ///< Of the first message.
    std::string transaction_id{};
    std::string region{};
    std::string trace_on{};

    static constexpr auto fields() noexcept {
        using self = send_response;
        return std::tuple(optional_field("msgId", &self::message_id), required_field("queueId", &self::queue_id),
                          required_field("queueOffset", &self::queue_offset),
                          optional_field("transactionId", &self::transaction_id),
                          optional_field("MSG_REGION", &self::region), optional_field("TRACE_ON", &self::trace_on));
    }
};

/**
 * @brief Has the broker that holds a message store it again for later, or in the dead letter queue.
 * @par Source  Java `ConsumerSendMsgBackRequestHeader`.
 */
struct send_back_request {
    static constexpr request_code code = request_code::consumer_send_back;

    std::int64_t offset = 0; ///< Bytes: the message's commit log offset.
    std::string group;
    std::int32_t delay_level = 0; ///< 0: 3 + times consumed. 1..18: that level. -1: dead letter queue.
    std::string origin_message_id{};
    std::string origin_topic{};
    bool unit_mode = false;
    std::optional<std::int32_t> max_reconsume_times{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = send_back_request;
        return std::tuple(
            required_field("offset", &self::offset), required_field("group", &self::group),
            required_field("delayLevel", &self::delay_level), optional_field("originMsgId", &self::origin_message_id),
            optional_field("originTopic", &self::origin_topic), optional_field("unitMode", &self::unit_mode),
            optional_field("maxReconsumeTimes", &self::max_reconsume_times),
            optional_field("bname", &self::broker_name));
    }
};

} // namespace rocketpush::protocol

#endif
