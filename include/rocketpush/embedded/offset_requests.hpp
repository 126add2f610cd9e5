#ifndef ROCKETPUSH_EMBEDDED_OFFSET_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_OFFSET_REQUESTS_HPP

#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/protocol/requests_offset.hpp>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>

/**
 * Offsets: what a group has committed, and which a queue has.
 * @par Source  Java `ConsumerManageProcessor`, `AdminBrokerProcessor`.
 */
namespace rocketpush::embedded::answering {

inline void reply_offset(broker_state& broker, const incoming_request& request, queue_offset offset) {
    reply(broker, request, response_code::success, {}, protocol::offset_response{offset});
}

/**
 * @brief QUERY_CONSUMER_OFFSET (14)
 *
 * A group that never committed begins at 0 where message 0 is still there, although it asked for "last": real brokers do
 * that while the message is in memory, and here all are. For an empty queue, 4.9 says 0 and 5.x "not found".
 */
inline void answer_query_offset(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::query_offset_request>(broker, request);
    if (!wanted || refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        return;
    if (const auto committed = broker.offsets.find(wanted->consumer_group, wanted->topic, wanted->queue_id))
        return reply_offset(broker, request, *committed);

    const bool is_5  = broker.options.is_version_5();
    const bool young = broker.store.min_offset(wanted->topic, wanted->queue_id) <= 0;
    const bool empty = broker.store.max_offset(wanted->topic, wanted->queue_id) <= 0;
    if (is_5 && wanted->set_zero_if_not_found == false)
        return reply(broker, request, response_code::query_not_found,
                     "Not found, do not set to zero, maybe this group boot first");
    if (young && !(is_5 && empty))
        return reply_offset(broker, request, 0);
    reply(broker, request, response_code::query_not_found,
          "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
}

/// UPDATE_CONSUMER_OFFSET (15). 4.9 keeps an offset of whatever it is told.
inline void answer_update_offset(broker_state& broker, const incoming_request& request) {
    const auto update = read_request<protocol::update_offset_request>(broker, request);
    if (!update || refuse_led_elsewhere(broker, request, update->topic, update->queue_id))
        return;
    if (broker.options.is_version_5()) {
        if (!broker.store.find_topic(update->topic))
            return reply(broker, request, response_code::topic_not_exist, "Topic " + update->topic + " not exist!");
        if (!broker.admit_group(update->consumer_group))
            return reply(broker, request, response_code::subscription_group_not_exist,
                         "Group " + update->consumer_group + " not exist!");
        if (broker.offsets.has_reset(update->consumer_group, update->topic, update->queue_id))
            return reply(broker, request, response_code::success, "Offset has been previously reset");
    }
    broker.offsets.commit(update->consumer_group, update->topic, update->queue_id, update->commit_offset);
    reply(broker, request, response_code::success);
}

/// GET_MAX_OFFSET (30). A queue that does not exist has 0.
inline void answer_max_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::max_offset_request>(broker, request);
        wanted && !refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        reply_offset(broker, request, broker.store.max_offset(wanted->topic, wanted->queue_id));
}

/// GET_MIN_OFFSET (31)
inline void answer_min_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::min_offset_request>(broker, request);
        wanted && !refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        reply_offset(broker, request, broker.store.min_offset(wanted->topic, wanted->queue_id));
}

/// GET_EARLIEST_MSG_STORETIME (32). -1 where there is no message.
inline void answer_earliest_time(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::earliest_time_request>(broker, request);
    if (!wanted || refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        return;
    const auto first  = broker.store.min_offset(wanted->topic, wanted->queue_id);
    const auto oldest = broker.store.find_entry(wanted->topic, wanted->queue_id, first);
    reply(broker, request, response_code::success, {},
          protocol::timestamp_response{oldest ? oldest->store_timestamp : -1});
}

/**
 * @brief SEARCH_OFFSET_BY_TIMESTAMP (29)
 *
 * `lower`, the default, is the first message at the time or later; `upper` the last one at the time or earlier. Later than
 * all messages: 5.x answers the maximum to `lower`, 4.9 the last message's offset.
 */
inline queue_offset find_by_time(const broker_state& broker, std::string_view topic, std::int32_t queue_id,
                                 std::int64_t timestamp, std::string_view boundary = {}) {
    const auto smallest = broker.store.min_offset(topic, queue_id);
    const auto largest  = broker.store.max_offset(topic, queue_id);
    const auto last     = std::max(smallest, largest - 1);
    const bool is_5     = broker.options.is_version_5();
    const bool upper    = is_5 && std::ranges::equal(boundary, std::string_view("upper"), {}, [](char c) {
                           return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                       });
    const auto found =
        broker.store.first_since(topic, queue_id, upper && timestamp < INT64_MAX ? timestamp + 1 : timestamp);
    if (upper)
        return std::max(smallest, found - 1);
    return is_5 ? found : std::min(found, last);
}

inline void answer_search_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::search_offset_request>(broker, request);
        wanted && !refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        reply_offset(broker, request,
                     find_by_time(broker, wanted->topic, wanted->queue_id, wanted->timestamp, wanted->boundary_type));
}

} // namespace rocketpush::embedded::answering

#endif
