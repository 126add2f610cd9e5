#ifndef ROCKETPUSH_EMBEDDED_BROKER_STATE_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_STATE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/embedded/broker_options.hpp>
#include <rocketpush/embedded/committed_offsets.hpp>
#include <rocketpush/embedded/consumer_groups.hpp>
#include <rocketpush/embedded/delay_schedule.hpp>
#include <rocketpush/embedded/fault_injector.hpp>
#include <rocketpush/embedded/faulty_answers.hpp>
#include <rocketpush/embedded/forwarded_requests.hpp>
#include <rocketpush/embedded/held_pops.hpp>
#include <rocketpush/embedded/held_pulls.hpp>
#include <rocketpush/embedded/message_store.hpp>
#include <rocketpush/embedded/outbox.hpp>
#include <rocketpush/embedded/pop_checkpoints.hpp>
#include <rocketpush/embedded/pop_orders.hpp>
#include <rocketpush/embedded/queue_locks.hpp>
#include <rocketpush/embedded/request_modes.hpp>
#include <rocketpush/embedded/slave.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/field_table.hpp>
#include <rocketpush/protocol/message_id.hpp>
#include <rocketpush/protocol/requests_group.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// Now, on both of the Runtime's clocks: the steady one for deadlines, the system's for what is stored and sent.
struct moment {
    std::chrono::steady_clock::time_point steady{};
    std::chrono::system_clock::time_point system{};

    /// ms since 1970
    std::int64_t milliseconds() const noexcept {
        return std::chrono::floor<std::chrono::milliseconds>(system.time_since_epoch()).count();
    }
};

/// One request as it came.
struct incoming_request {
    connection_id from = 0;
    const protocol::header_view& header;
    std::string_view body;
    moment now;
};

/// A connected client.
struct client_connection {
    host_address address;
    std::chrono::steady_clock::time_point last_active{};
    bool to_slave = false; ///< It has connected to the slave's address.
};

/// A message that has just come into a queue; pulls may wait for it.
struct arrival {
    std::string topic;
    std::int32_t queue_id;
    std::int32_t tag_hash;
    std::int64_t commit_log_offset;
};

/// Where delayed messages lie until they are due. Java: RMQ_SYS_SCHEDULE_TOPIC.
inline constexpr std::string_view schedule_topic = "SCHEDULE_TOPIC_XXXX";

/**
 * @brief All that an embedded broker knows. The functions that answer requests work on it; see `broker_logic`.
 */
struct broker_state {
    broker_state(broker_options with, endpoint reached_at, const host_address& own_address, std::uint64_t seed)
        : options(std::move(with)),
          address(std::move(reached_at)),
          store(options.store_bytes, own_address),
          delays(options.delay_levels),
          locks(options.lock_lifetime),
          faults(seed),
          faulty(options.version),
          modes(options.default_mode),
          unique_ids(own_address, seed >> 32, static_cast<std::uint32_t>(seed)),
          accounts(options.accounts) {
        store.set_topic(schedule_topic, {delays.levels(), delays.levels(), 6});
        if (options.auto_create_topics)
            store.set_topic(auto_create_topic, {options.auto_queues, options.auto_queues, 7});
    }

    const broker_options options;
    const endpoint address; ///< What routes tell clients to connect to.

    message_store store;
    delay_schedule delays;
    consumer_groups groups;
    committed_offsets offsets;
    queue_locks locks;
    held_pulls held;
    fault_injector faults;
    faulty_answers faulty;
    slave_state slave;
    request_modes modes;
    pop_checkpoints checkpoints;
    pop_orders orders;
    held_pops pops;
    std::uint32_t pop_turn = 0; ///< Counts the looks for messages to pop: whose turn it is of queues and retries.
    protocol::unique_id_generator unique_ids;
    std::vector<account> accounts; ///< None: everybody may do everything.

    std::set<std::string, std::less<>> known_groups; ///< Those that may consume; see auto_create_groups.
    std::map<connection_id, client_connection> connections;
    forwarded_requests forwarded;
    std::vector<arrival> arrivals;                       ///< Not yet told to held pulls.
    std::int32_t next_opaque = 0;                        ///< Of the broker's own requests.
    outbox out;

    /// Whether a group may consume; one that is not known is made if that is allowed.
    bool admit_group(std::string_view group) {
        if (known_groups.contains(group))
            return true;
        if (!options.auto_create_groups || check_group(group))
            return false;
        known_groups.emplace(group);
        return true;
    }
};

/// What the request handlers share, and they themselves; not for users.
namespace answering {

inline reply_address address_of(const incoming_request& request) noexcept {
    return {request.from, request.header.opaque, request.header.encoding};
}

inline protocol::header_encoding chosen_encoding(const broker_state& broker, protocol::header_encoding asked) noexcept {
    return broker.options.encoding == answer_encoding::as_request ? asked : protocol::header_encoding::json;
}

/// Every answer to a client is written here. @param append  Appends its frame to the text that it is given.
template <std::invocable<std::string&> Append>
void write_answer(broker_state& broker, const reply_address& address, Append&& append) {
    auto& frames     = broker.out.frames_to(address.to);
    const auto begin = frames.size();
    append(frames);
    broker.faulty.finish(frames, begin, address.to, address.opaque);
}

template <class Fields = protocol::no_fields>
void reply(broker_state& broker, const reply_address& address, response_code code, std::string_view remark = {},
           const Fields& fields = {}, std::string_view body = {}) {
    write_answer(broker, address, [&](std::string& frames) {
        protocol::append_response(frames, chosen_encoding(broker, address.encoding), code, address.opaque, remark,
                                  fields, body, broker.options.version);
    });
}

/// Nobody reads an answer to a oneway request, so it gets none.
template <class Fields = protocol::no_fields>
void reply(broker_state& broker, const incoming_request& request, response_code code, std::string_view remark = {},
           const Fields& fields = {}, std::string_view body = {}) {
    if (!request.header.is_oneway())
        reply(broker, address_of(request), code, remark, fields, body);
}

/// The request's fields; where they do not fit, the answer that says so has been given.
template <class Request>
std::optional<Request> read_request(broker_state& broker, const incoming_request& request) {
    auto fields = protocol::read_fields<Request>(request.header);
    if (fields)
        return std::move(*fields);
    reply(broker, request, response_code::system_error, "the custom field of the request is missing or not valid");
    return std::nullopt;
}

/// What 5.3.2 and later call an invalid parameter was a system error before.
inline response_code invalid_parameter(const broker_state& broker) noexcept {
    constexpr std::int32_t version_5_3_2 = 477;
    return broker.options.version >= version_5_3_2 ? response_code::invalid_parameter : response_code::system_error;
}

/// Refuses what is asked of a static topic's queue that another broker leads. @return Whether it did.
inline bool refuse_led_elsewhere(broker_state& broker, const reply_address& address, std::string_view topic,
                                 std::int32_t queue_id) {
    if (!broker.store.is_led_elsewhere(topic, queue_id))
        return false;
    reply(broker, address, response_code::not_leader_for_queue,
          std::string(topic) + '-' + std::to_string(queue_id) +
              " cannot find mapping item in request process of current broker " + broker.options.name);
    return true;
}
inline bool refuse_led_elsewhere(broker_state& broker, const incoming_request& request, std::string_view topic,
                                 std::int32_t queue_id) {
    return !request.header.is_oneway() && refuse_led_elsewhere(broker, address_of(request), topic, queue_id);
}

/// Tells every member of a group that members or topics have changed.
inline void notify_members(broker_state& broker, std::string_view group_name) {
    const auto* group = broker.groups.find(group_name);
    if (!group)
        return;
    const protocol::consumer_ids_changed_notice notice{std::string(group_name)};
    for (const auto& member : group->members) {
        const protocol::command_meta meta{
            .opaque = broker.next_opaque++, .flag = protocol::oneway_flag, .version = broker.options.version};
        protocol::append_request(broker.out.frames_to(member.connection), protocol::header_encoding::json, notice,
                                 meta);
    }
}

/// A client is gone, with all that it had at the broker. Its connection is not touched.
inline void forget_client(broker_state& broker, connection_id connection) {
    broker.held.forget(connection);
    broker.slave.groups.leave_all(connection);
    broker.pops.forget(connection);
    for (const auto& group : broker.groups.leave_all(connection))
        notify_members(broker, group);
}

} // namespace answering

} // namespace rocketpush::embedded

#endif
