#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_SEND_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_SEND_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

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
        return std::array{required_field<&self::producer_group>(pick("a", "producerGroup")),
                          required_field<&self::topic>(pick("b", "topic")),
                          optional_field<&self::default_topic>(pick("c", "defaultTopic")),
                          optional_field<&self::default_topic_queue_nums>(pick("d", "defaultTopicQueueNums")),
                          required_field<&self::queue_id>(pick("e", "queueId")),
                          required_field<&self::sys_flag>(pick("f", "sysFlag")),
                          required_field<&self::born_timestamp>(pick("g", "bornTimestamp")),
                          required_field<&self::flag>(pick("h", "flag")),
                          optional_field<&self::properties>(pick("i", "properties")),
                          optional_field<&self::reconsume_times>(pick("j", "reconsumeTimes")),
                          optional_field<&self::unit_mode>(pick("k", "unitMode")),
                          optional_field<&self::max_reconsume_times>(pick("l", "maxReconsumeTimes")),
                          optional_field<&self::batch>(pick("m", "batch")),
                          optional_field<&self::broker_name>(pick("n", "bname"))};
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
        return std::array{
            optional_field<&self::message_id>("msgId"),         required_field<&self::queue_id>("queueId"),
            required_field<&self::queue_offset>("queueOffset"), optional_field<&self::transaction_id>("transactionId"),
            optional_field<&self::region>("MSG_REGION"),        optional_field<&self::trace_on>("TRACE_ON")};
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
        return std::array{required_field<&self::offset>("offset"),
                          required_field<&self::group>("group"),
                          required_field<&self::delay_level>("delayLevel"),
                          optional_field<&self::origin_message_id>("originMsgId"),
                          optional_field<&self::origin_topic>("originTopic"),
                          optional_field<&self::unit_mode>("unitMode"),
                          optional_field<&self::max_reconsume_times>("maxReconsumeTimes"),
                          optional_field<&self::broker_name>("bname")};
    }
};

} // namespace rocketpush::protocol

#endif
