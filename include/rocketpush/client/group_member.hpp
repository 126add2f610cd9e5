#ifndef ROCKETPUSH_CLIENT_GROUP_MEMBER_HPP
#define ROCKETPUSH_CLIENT_GROUP_MEMBER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/protocol/bodies.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Where the answer to a broker's request goes, now or later: on the strand, once. The connection may have gone by then.
struct request_answer {
    std::weak_ptr<void> connection;
    std::int32_t opaque = 0;
    void (*send)(void* connection, std::int32_t opaque, response_code, std::string_view remark,
                 std::string_view body) = nullptr;

    void operator()(response_code code, std::string_view remark, std::string_view body = {}) const {
        if (const auto open = connection.lock())
            send(open.get(), opaque, code, remark, body);
    }
};

/**
 * @brief One consumer as its client instance sees it: a table of plain functions.
 *
 * The client is shared by consumers of different types; this is the one place where it calls them without knowing
 * which. No message goes through it.
 */
struct group_member {
    void* self = nullptr;
    std::string group;
    bool announced = false; ///< Whether heartbeats speak of it.

    protocol::consumer_data (*describe)(void* self)             = nullptr; ///< Its part of a heartbeat.
    bool (*wants)(void* self, const std::string& topic)         = nullptr; ///< Whether it subscribes the topic.
    void (*members_changed)(void* self)                         = nullptr; ///< Share out anew, soon.
    void (*reset)(void* self, const std::string& topic,
                  const std::vector<protocol::queue_position>&) = nullptr; ///< These queues begin there now.
    std::string (*running_info)(void* self, bool with_stacks)           = nullptr; ///< A body, as `encode` makes it.
    std::string (*status)(void* self, const std::string& topic)         = nullptr; ///< The same.
    void (*consume_directly)(void* self, std::string_view record, const std::string& broker_name,
                             request_answer answer)                     = nullptr; ///< The answer may be given later.
    void (*route_changed)(void* self, const std::string& topic, std::size_t queues) = nullptr;
    void (*route_failure)(void* self, const std::string& topic, std::error_code)    = nullptr;
    void (*name_servers_changed)(void* self, const std::vector<endpoint>& now)      = nullptr;
    void (*name_server_lookup_failure)(void* self, const std::string& url, std::error_code) = nullptr;
    void (*connect_ended)(void* self, const endpoint&, std::error_code)     = nullptr; ///< False code: connected.
    void (*disconnected)(void* self, const endpoint&, std::error_code)      = nullptr;
    void (*heartbeat_failure)(void* self, const endpoint&, std::error_code) = nullptr;
};

/// The table for `Consumer`, which has a member function of each name.
template <class Consumer>
group_member make_group_member(Consumer& consumer, std::string group) {
    static constexpr auto cast = [](void* self) -> Consumer& { return *static_cast<Consumer*>(self); };
    return {
        .self              = &consumer,
        .group             = std::move(group),
        .describe          = [](void* self) { return cast(self).describe(); },
        .wants             = [](void* self, const std::string& topic) { return cast(self).wants(topic); },
        .members_changed   = [](void* self) { cast(self).members_changed(); },
        .reset             = [](void* self, const std::string& topic,
                    const std::vector<protocol::queue_position>& to) { cast(self).reset(topic, to); },
        .running_info      = [](void* self, bool with_stacks) { return cast(self).running_info(with_stacks); },
        .status            = [](void* self, const std::string& topic) { return cast(self).status(topic); },
        .consume_directly =
            [](void* self, std::string_view record, const std::string& broker_name, request_answer answer) {
                cast(self).consume_directly(record, broker_name, std::move(answer));
            },
        .route_changed     = [](void* self, const std::string& topic,
                            std::size_t queues) { cast(self).route_changed(topic, queues); },
        .route_failure     = [](void* self, const std::string& topic,
                            std::error_code why) { cast(self).route_failure(topic, why); },
        .name_servers_changed = [](void* self,
                                   const std::vector<endpoint>& now) { cast(self).name_servers_changed(now); },
        .name_server_lookup_failure =
            [](void* self, const std::string& url, std::error_code why) {
                cast(self).name_server_lookup_failure(url, why);
            },
        .connect_ended     = [](void* self, const endpoint& peer,
                            std::error_code why) { cast(self).connect_ended(peer, why); },
        .disconnected      = [](void* self, const endpoint& peer,
                           std::error_code why) { cast(self).disconnected(peer, why); },
        .heartbeat_failure = [](void* self, const endpoint& peer,
                                std::error_code why) { cast(self).heartbeat_failure(peer, why); },
    };
}

} // namespace rocketpush

#endif
