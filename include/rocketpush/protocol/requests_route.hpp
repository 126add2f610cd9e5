#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_ROUTE_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_ROUTE_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace rocketpush::protocol {

/**
 * @brief Asks a name server where a topic lives; the answer's body is a `route_data`, 17 means that nobody has it.
 * @par Source  Java `GetRouteInfoRequestHeader`.
 */
struct route_request {
    static constexpr request_code code = request_code::get_route_info;

    std::string topic;
    bool accept_standard_json_only = true; ///< Since 4.9.4; older servers write integer keys without quotes anyway.

    static constexpr auto fields() noexcept {
        return std::array{required_field<&route_request::topic>("topic"),
                          optional_field<&route_request::accept_standard_json_only>("acceptStandardJsonOnly")};
    }
};

/**
 * @brief Makes a topic at one broker, or changes it.
 * @par Source  Java `CreateTopicRequestHeader`.
 */
struct create_topic_request {
    static constexpr request_code code = request_code::update_and_create_topic;

    std::string topic;
    std::string default_topic     = "TBW102";
    std::int32_t read_queue_nums  = 8;
    std::int32_t write_queue_nums = 8;
    std::int32_t perm             = 6; ///< 4 read, 2 write.
    std::string topic_filter_type = "SINGLE_TAG";
    std::int32_t topic_sys_flag   = 0;
    bool order                    = false;
    std::string attributes{}; ///< 5.x, such as `+message.type=NORMAL`.

    static constexpr auto fields() noexcept {
        using self = create_topic_request;
        return std::array{required_field<&self::topic>("topic"),
                          optional_field<&self::default_topic>("defaultTopic"),
                          required_field<&self::read_queue_nums>("readQueueNums"),
                          required_field<&self::write_queue_nums>("writeQueueNums"),
                          required_field<&self::perm>("perm"),
                          optional_field<&self::topic_filter_type>("topicFilterType"),
                          optional_field<&self::topic_sys_flag>("topicSysFlag"),
                          optional_field<&self::order>("order"),
                          optional_field<&self::attributes>("attributes")};
    }
};

} // namespace rocketpush::protocol

#endif
