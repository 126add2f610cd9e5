#ifndef ROCKETPUSH_PROTOCOL_BODIES_ROUTE_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_ROUTE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
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

/// In standard JSON, which every client understands.
inline std::string encode(const route_data& route) {
    auto queues = json_value::array(), brokers = json_value::array();
    for (const auto& each : route.queue_datas)
        queues.push_back({{"brokerName", each.broker_name},
                          {"readQueueNums", each.read_queue_nums},
                          {"writeQueueNums", each.write_queue_nums},
                          {"perm", each.perm},
                          {"topicSysFlag", each.topic_sys_flag}});
    for (const auto& each : route.broker_datas) {
        auto addresses = json_value::object();
        for (const auto& [id, address] : each.broker_addrs)
            addresses[std::to_string(id)] = address;
        brokers.push_back({{"cluster", each.cluster},
                           {"brokerName", each.broker_name},
                           {"brokerAddrs", std::move(addresses)},
                           {"enableActingMaster", each.enable_acting_master}});
    }
    json_value body{{"queueDatas", std::move(queues)},
                    {"brokerDatas", std::move(brokers)},
                    {"filterServerTable", json_value::object()}};
    if (!route.order_topic_conf.empty())
        body["orderTopicConf"] = route.order_topic_conf;
    return dump_body(body);
}

} // namespace rocketpush::protocol

namespace rocketpush::detail {

inline bool read_queue_data(const protocol::json_value& from, protocol::queue_data& to) {
    using protocol::read_json;
    // Until 4.8 the flag was spelled topicSynFlag.
    return from.is_object() && read_json(from, "brokerName", to.broker_name) &&
           read_json(from, "readQueueNums", to.read_queue_nums) &&
           read_json(from, "writeQueueNums", to.write_queue_nums) && read_json(from, "perm", to.perm) &&
           read_json(from, "topicSynFlag", to.topic_sys_flag) && read_json(from, "topicSysFlag", to.topic_sys_flag);
}

inline bool read_broker_data(const protocol::json_value& from, protocol::broker_data& to) {
    using protocol::read_json;
    if (!from.is_object() || !read_json(from, "cluster", to.cluster) ||
        !read_json(from, "brokerName", to.broker_name) ||
        !read_json(from, "enableActingMaster", to.enable_acting_master))
        return false;
    const auto* addresses = protocol::find_member(from, "brokerAddrs");
    if (addresses == nullptr)
        return true;
    if (!addresses->is_object())
        return false;
    for (const auto& [key, address] : addresses->items()) {
        std::int64_t id      = 0;
        const auto [end, ec] = std::from_chars(key.data(), key.data() + key.size(), id);
        if (ec != std::errc() || end != key.data() + key.size() || !address.is_string())
            return false;
        to.broker_addrs.emplace(id, address.get_ref<const std::string&>());
    }
    return true;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/// @retval error::body_malformed  Not JSON, a member of another type, a negative or absurd number of queues.
inline result<route_data> decode_route(std::string_view text) {
    const auto body = parse_body(text);
    if (!body)
        return body.error();
    route_data route;
    if (!read_json(*body, "orderTopicConf", route.order_topic_conf) ||
        !read_json_array(*body, "queueDatas", route.queue_datas, rocketpush::detail::read_queue_data) ||
        !read_json_array(*body, "brokerDatas", route.broker_datas, rocketpush::detail::read_broker_data))
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
