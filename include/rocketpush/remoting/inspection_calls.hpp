#ifndef ROCKETPUSH_REMOTING_INSPECTION_CALLS_HPP
#define ROCKETPUSH_REMOTING_INSPECTION_CALLS_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/bodies_connections.hpp>
#include <rocketpush/protocol/bodies_progress.hpp>
#include <rocketpush/protocol/requests_admin.hpp>
#include <rocketpush/protocol/requests_progress.hpp>
#include <rocketpush/remoting/connection_pool.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What is asked of brokers about groups and topics by somebody who is in no group: `rocketcat lag` is made of it.
 *
 * A refusal is the broker's `response_code`.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `MQClientAPIImpl`, as `mqadmin` uses it.
 */
template <transport Transport, runtime Runtime>
class inspection_calls {
  public:
    using pool_type = connection_pool<Transport, Runtime>;
    template <class T>
    using task = typename pool_type::template task<T>;

    inspection_calls(pool_type& pool, std::chrono::milliseconds timeout) : pool_(pool), timeout_(timeout) {}

    /// How far a group is in the queues of one broker. @param topic  Empty: in all topics that it reads or has read.
    /// @retval response_code::topic_not_exist  That topic, at this broker.
    task<result<protocol::consume_stats>> consume_stats(endpoint broker, std::string group, std::string topic) {
        const protocol::consume_stats_request request{.consumer_group = std::move(group), .topic = std::move(topic)};
        auto found = co_await ask(std::move(broker), request, protocol::decode_consume_stats);
        co_return found;
    }

    /// What a topic's queues at one broker hold. @retval response_code::topic_not_exist
    task<result<protocol::topic_stats>> topic_stats(endpoint broker, std::string topic) {
        const protocol::topic_stats_request request{.topic = std::move(topic)};
        auto found = co_await ask(std::move(broker), request, protocol::decode_topic_stats);
        co_return found;
    }

    /// Who is in a group, as one broker sees it. @retval response_code::consumer_not_online  Nobody.
    task<result<protocol::consumer_connections>> group_connections(endpoint broker, std::string group) {
        const protocol::consumer_connections_request request{.consumer_group = std::move(group)};
        auto found = co_await ask(std::move(broker), request, protocol::decode_consumer_connections);
        co_return found;
    }

    /// The queues that one member holds; the broker asks it. A member that does not answer such requests is an error of the
    /// broker's or a time-out.
    task<result<std::vector<message_queue>>> held_queues(endpoint broker, std::string group, std::string client_id) {
        const protocol::running_info_request request{.consumer_group = std::move(group),
                                                     .client_id      = std::move(client_id)};
        auto found = co_await ask(std::move(broker), request, protocol::decode_held_queues);
        co_return found;
    }

  private:
    /// @param request  Outlives the call, as what the caller awaits does.
    template <class Decoded>
    task<result<Decoded>> ask(endpoint broker, protocol::request_view request,
                              result<Decoded> (*decode)(std::string_view)) {
        const auto answer = co_await pool_.call(std::move(broker), request, {}, timeout_);
        if (!answer)
            co_return answer.error();
        const auto code = static_cast<response_code>(answer->header.code);
        if (code != response_code::success)
            co_return code;
        co_return decode(answer->body);
    }

    pool_type& pool_;
    std::chrono::milliseconds timeout_;
};

} // namespace rocketpush

#endif
