#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_ROUTE_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_ROUTE_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <cstdint>
#include <string>
#include <tuple>

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
        return std::tuple(required_field("topic", &route_request::topic),
                          optional_field("acceptStandardJsonOnly", &route_request::accept_standard_json_only));
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
        return std::tuple(required_field("topic", &self::topic), optional_field("defaultTopic", &self::default_topic),
                          required_field("readQueueNums", &self::read_queue_nums),
                          required_field("writeQueueNums", &self::write_queue_nums),
                          required_field("perm", &self::perm),
                          optional_field("topicFilterType", &self::topic_filter_type),
                          optional_field("topicSysFlag", &self::topic_sys_flag), optional_field("order", &self::order),
                          optional_field("attributes", &self::attributes));
    }
};

} // namespace rocketpush::protocol

#endif
