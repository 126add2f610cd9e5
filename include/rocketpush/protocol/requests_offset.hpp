#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_OFFSET_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_OFFSET_HPP

#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rocketpush::protocol {

/**
 * @brief What a group has committed in a queue. Answered by an `offset_response`, or 22: nothing yet.
 * @par Source  Java `QueryConsumerOffsetRequestHeader`.
 */
struct query_offset_request {
    static constexpr request_code code = request_code::query_consumer_offset;

    std::string consumer_group;
    std::string topic;
    std::int32_t queue_id = 0;
    /// 5.x: false asks for 22 in place of 0 when a young queue was never committed. 4.9.x does not look at it.
    std::optional<bool> set_zero_if_not_found{};
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = query_offset_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"), required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          optional_field<&self::set_zero_if_not_found>("setZeroIfNotFound"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/**
 * @brief Commits a group's offset in a queue.
 * @par Source  Java `UpdateConsumerOffsetRequestHeader`.
 */
struct update_offset_request {
    static constexpr request_code code = request_code::update_consumer_offset;

    std::string consumer_group;
    std::string topic;
    std::int32_t queue_id      = 0;
    std::int64_t commit_offset = 0; ///< The next offset to consume.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = update_offset_request;
        return std::array{required_field<&self::consumer_group>("consumerGroup"), required_field<&self::topic>("topic"),
                          required_field<&self::queue_id>("queueId"),
                          required_field<&self::commit_offset>("commitOffset"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// A question about one queue that needs no more than its name.
template <request_code Code>
struct basic_queue_request {
    static constexpr request_code code = Code;

    std::string topic;
    std::int32_t queue_id = 0;
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = basic_queue_request;
        return std::array{required_field<&self::topic>("topic"), required_field<&self::queue_id>("queueId"),
                          optional_field<&self::broker_name>("bname")};
    }
};

/// The offset behind the newest message; an `offset_response`. A queue that does not exist has 0.
using max_offset_request = basic_queue_request<request_code::get_max_offset>;
/// The oldest stored message's offset; an `offset_response`.
using min_offset_request = basic_queue_request<request_code::get_min_offset>;
/// When the oldest message was stored; a `timestamp_response`.
using earliest_time_request = basic_queue_request<request_code::get_earliest_store_time>;

/**
 * @brief The first message stored at or after a time; an `offset_response`. Later than all: 5.5 answers the largest
 *        offset, 4.9 one less.
 * @par Source  Java `SearchOffsetRequestHeader`.
 */
struct search_offset_request {
    static constexpr request_code code = request_code::search_offset_by_timestamp;

    std::string topic;
    std::int32_t queue_id  = 0;
    std::int64_t timestamp = 0;  ///< Milliseconds since 1970.
    std::string boundary_type{}; ///< 5.1: `lower`, the default, or `upper`.
    std::string broker_name{};

    static constexpr auto fields() noexcept {
        using self = search_offset_request;
        return std::array{required_field<&self::topic>("topic"), required_field<&self::queue_id>("queueId"),
                          required_field<&self::timestamp>("timestamp"),
                          optional_field<&self::boundary_type>("boundaryType"),
                          optional_field<&self::broker_name>("bname")};
    }
};

struct offset_response {
    std::int64_t offset = 0;

    static constexpr auto fields() noexcept { return std::array{required_field<&offset_response::offset>("offset")}; }
};

struct timestamp_response {
    std::int64_t timestamp = 0; ///< Milliseconds since 1970.

    static constexpr auto fields() noexcept {
        return std::array{required_field<&timestamp_response::timestamp>("timestamp")};
    }
};

} // namespace rocketpush::protocol

#endif
