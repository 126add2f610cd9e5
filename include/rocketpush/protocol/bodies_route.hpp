#ifndef ROCKETPUSH_PROTOCOL_BODIES_ROUTE_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_ROUTE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::protocol {

/// The bits of `queue_data::perm`. @par Source  Java `PermName`.
namespace permissions {
inline constexpr std::int32_t write = 2;
inline constexpr std::int32_t read  = 4;
} // namespace permissions

/// How many queues a topic has at one broker.
struct queue_data {
    std::string broker_name;
    std::int32_t read_queue_nums  = 0; ///< Consumers read the ids 0 to this, not included.
    std::int32_t write_queue_nums = 0;
    std::int32_t perm             = permissions::read | permissions::write;
    std::int32_t topic_sys_flag   = 0;

    friend bool operator==(const queue_data&, const queue_data&) = default;
};

/// Where the replicas of one broker are.
struct broker_data {
    std::string cluster;
    std::string broker_name;
    std::map<std::int64_t, std::string> broker_addrs{}; ///< `host:port` by id; 0 is the master.
    bool enable_acting_master = false;                  ///< 5.x: id 0 may stand for a slave that acts as master.

    friend bool operator==(const broker_data&, const broker_data&) = default;
};

/**
 * @brief Where a topic lives.
 * @par Source  Java `TopicRouteData`. Not read: `filterServerTable`, `topicQueueMappingByBroker`.
 */
struct route_data {
    /// Queues in all entries together; a route that claims more is refused, as its reader makes each.
    static constexpr std::int64_t max_queues = 1 << 20;

    std::string order_topic_conf{};
    std::vector<queue_data> queue_datas{};
    std::vector<broker_data> broker_datas{};

    friend bool operator==(const route_data&, const route_data&) = default;
};

inline void write_value(json_writer& to, const queue_data& from) {
    to.open('{')
        .member("brokerName", from.broker_name)
        .member("perm", from.perm)
        .member("readQueueNums", from.read_queue_nums)
        .member("topicSysFlag", from.topic_sys_flag)
        .member("writeQueueNums", from.write_queue_nums)
        .close('}');
}

inline bool read_value(const json_value& from, queue_data& to) {
    // Until 4.8 the flag was spelled topicSynFlag.
    return from.type == json_cursor::kind::object && read_json(from, "brokerName", to.broker_name) &&
           read_json(from, "readQueueNums", to.read_queue_nums) &&
           read_json(from, "writeQueueNums", to.write_queue_nums) && read_json(from, "perm", to.perm) &&
           read_json(from, "topicSynFlag", to.topic_sys_flag) && read_json(from, "topicSysFlag", to.topic_sys_flag);
}

inline void write_value(json_writer& to, const broker_data& from) {
    to.open('{').key("brokerAddrs").open('{');
    for (const auto& [id, address] : from.broker_addrs)
        to.member(std::to_string(id), address);
    to.close('}')
        .member("brokerName", from.broker_name)
        .member("cluster", from.cluster)
        .member("enableActingMaster", from.enable_acting_master)
        .close('}');
}

inline bool read_value(const json_value& from, broker_data& to) {
    if (from.type != json_cursor::kind::object || !read_json(from, "cluster", to.cluster) ||
        !read_json(from, "brokerName", to.broker_name) ||
        !read_json(from, "enableActingMaster", to.enable_acting_master))
        return false;
    const auto addresses = find_member(from, "brokerAddrs");
    return addresses.is_null() || read_members(addresses, [&to](std::string_view key, const json_value& address) {
               std::int64_t id = 0;
               return read_value({json_cursor::kind::number, key}, id) && read_value(address, to.broker_addrs[id]);
           });
}

/// In standard JSON, which every client understands.
inline std::string encode(const route_data& route) {
    json_writer body;
    body.open('{').member("brokerDatas", route.broker_datas).key("filterServerTable").open('{').close('}');
    if (!route.order_topic_conf.empty())
        body.member("orderTopicConf", route.order_topic_conf);
    body.member("queueDatas", route.queue_datas).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed  Not JSON, a member of another type, a negative or absurd number of queues.
inline result<route_data> decode_route(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    route_data route;
    if (!read_json(*body, "orderTopicConf", route.order_topic_conf) ||
        !read_json(*body, "queueDatas", route.queue_datas) || !read_json(*body, "brokerDatas", route.broker_datas))
        return error::body_malformed;
    std::int64_t queues = 0;
    for (const auto& each : route.queue_datas) {
        queues += each.read_queue_nums;
        queues += each.write_queue_nums;
        if (each.read_queue_nums < 0 || each.write_queue_nums < 0 || queues > 2 * route_data::max_queues)
            return error::body_malformed;
    }
    return route;
}

} // namespace rocketpush::protocol

#endif
