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
 * @brief Which queues of a static topic one broker leads (5.x). Clients know these queues by ids of the whole topic.
 * @par Source  Java `TopicQueueMappingInfo`.
 */
struct queue_mapping {
    static constexpr std::string_view global_scope = "__global__";

    std::string broker_name;
    std::string scope         = std::string(global_scope);
    std::int32_t total_queues = 0; ///< Of the topic, wherever they are.
    std::int64_t epoch        = 0; ///< Of two brokers that claim a queue, the one with the higher number has it.
    std::map<std::int32_t, std::int32_t> physical_ids{}; ///< The broker's own ids, by those of the topic.
    std::string topic{};

    friend bool operator==(const queue_mapping&, const queue_mapping&) = default;
};

/**
 * @brief Where a topic lives.
 * @par Source  Java `TopicRouteData`. Not read: `filterServerTable`.
 */
struct route_data {
    /// Queues in all entries together; a route that claims more is refused, as its reader makes each.
    static constexpr std::int64_t max_queues = 1 << 20;
    /// Brokers that have queues of one static topic; a route that claims more is refused.
    static constexpr std::size_t max_mappings = 4096;

    std::string order_topic_conf{};
    std::vector<queue_data> queue_datas{};
    std::vector<broker_data> broker_datas{};
    std::vector<queue_mapping> mappings{}; ///< Of a static topic; none for any other.

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

inline void write_value(json_writer& to, const queue_mapping& from) {
    to.open('{').member("bname", from.broker_name).key("currIdMap").open('{');
    for (const auto& [id, physical] : from.physical_ids)
        to.member(std::to_string(id), physical);
    to.close('}')
        .member("dirty", false)
        .member("epoch", from.epoch)
        .member("scope", from.scope)
        .member("topic", from.topic)
        .member("totalQueues", from.total_queues)
        .close('}');
}

inline bool read_value(const json_value& from, queue_mapping& to) {
    if (from.type != json_cursor::kind::object || !read_json(from, "bname", to.broker_name) ||
        !read_json(from, "scope", to.scope) || !read_json(from, "epoch", to.epoch) ||
        !read_json(from, "totalQueues", to.total_queues) || !read_json(from, "topic", to.topic))
        return false;
    const auto ids = find_member(from, "currIdMap");
    return ids.is_null() || read_members(ids, [&to](std::string_view key, const json_value& physical) {
               std::int32_t id = 0;
               return to.physical_ids.size() < static_cast<std::size_t>(route_data::max_queues) &&
                      read_value({json_cursor::kind::number, key}, id) && read_value(physical, to.physical_ids[id]);
           });
}

/// In standard JSON, which every client understands.
inline std::string encode(const route_data& route) {
    json_writer body;
    body.open('{').member("brokerDatas", route.broker_datas).key("filterServerTable").open('{').close('}');
    if (!route.order_topic_conf.empty())
        body.member("orderTopicConf", route.order_topic_conf);
    body.member("queueDatas", route.queue_datas);
    if (!route.mappings.empty()) {
        body.key("topicQueueMappingByBroker").open('{');
        for (const auto& each : route.mappings)
            body.member(each.broker_name, each);
        body.close('}');
    }
    body.close('}');
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
    const auto mappings = find_member(*body, "topicQueueMappingByBroker");
    if (!mappings.is_null() && !read_members(mappings, [&route](std::string_view name, const json_value& mapping) {
            return route.mappings.size() < route_data::max_mappings &&
                   read_value(mapping, route.mappings.emplace_back(queue_mapping{.broker_name = std::string(name)}));
        }))
        return error::body_malformed;
    queues = 0;
    for (const auto& each : route.mappings) {
        queues += each.total_queues;
        if (each.total_queues < 0 || queues > route_data::max_queues)
            return error::body_malformed;
    }
    return route;
}

} // namespace rocketpush::protocol

#endif
