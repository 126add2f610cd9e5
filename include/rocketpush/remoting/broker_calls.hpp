#ifndef ROCKETPUSH_REMOTING_BROKER_CALLS_HPP
#define ROCKETPUSH_REMOTING_BROKER_CALLS_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/connection_pool.hpp>
#include <rocketpush/remoting/route_table.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// A message that goes back to its broker to come again. @par Source Java `ConsumerSendMsgBackRequestHeader`.
struct returned_message {
    std::int64_t commit_log_offset = 0;
    int delay_level                = 0; ///< See consume_context::delay_level.
    int max_reconsume_times        = 16;
    std::string id;
    std::string topic; ///< The original one.
};

/**
 * @brief What is asked of brokers, typed: one function a request, which finds the broker, waits for its answer and turns
 *        a refusal into `response_code`.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `MQClientAPIImpl`, `MQAdminImpl`.
 */
template <transport Transport, runtime Runtime>
class broker_calls {
  public:
    using pool_type    = connection_pool<Transport, Runtime>;
    using milliseconds = std::chrono::milliseconds;
    template <class T>
    using task = typename pool_type::template task<T>;

    broker_calls(pool_type& pool, const route_table& routes, milliseconds timeout)
        : pool_(pool), routes_(routes), timeout_(timeout) {}

    /// The open connection to an address, for those who send many requests.
    task<result<typename pool_type::connection_ptr>> connect(endpoint where) { return pool_.get(std::move(where)); }

    /// The member list of a group, as one broker of `topic` sees it.
    /// @retval error::no_route, error::no_members, response_code::system_error (the broker has no such group)
    task<result<std::vector<std::string>>> consumer_ids(endpoint broker, std::string group) {
        const protocol::consumer_list_request request{.consumer_group = std::move(group)};
        auto answer = co_await accepted(std::move(broker), request);
        if (!answer)
            co_return answer.error();
        auto list = protocol::decode_consumer_list(answer->body);
        if (!list)
            co_return list.error();
        if (list->consumer_ids.empty())
            co_return error::no_members;
        co_return std::move(list->consumer_ids);
    }

    /// The offset a group committed; empty if it never did.
    task<result<std::optional<queue_offset>>> query_offset(std::string group, message_queue queue) {
        protocol::query_offset_request request{.consumer_group = std::move(group),
                                               .topic          = queue.topic,
                                               .queue_id       = queue.queue_id,
                                               .broker_name    = queue.broker_name};
        auto answer = co_await answered(queue, true, request, offset_timeout);
        if (!answer)
            co_return answer.error();
        const auto code = static_cast<response_code>(answer->header.code);
        if (code == response_code::query_not_found)
            co_return std::optional<queue_offset>();
        if (code != response_code::success)
            co_return code;
        auto fields = protocol::read_fields<protocol::offset_response>(answer->header);
        if (!fields)
            co_return fields.error();
        co_return std::optional<queue_offset>(fields->offset);
    }

    /// Commits `offset` (the next one to consume) and waits until the broker has confirmed it.
    task<std::error_code> update_offset(std::string group, message_queue queue, queue_offset offset) {
        protocol::update_offset_request request{.consumer_group = std::move(group),
                                                .topic          = queue.topic,
                                                .queue_id       = queue.queue_id,
                                                .commit_offset  = offset,
                                                .broker_name    = queue.broker_name};
        const auto answer = co_await answered(queue, true, request, offset_timeout);
        co_return refusal(answer);
    }

    /// The offset that the next stored message will get.
    task<result<queue_offset>> max_offset(message_queue queue) {
        const protocol::max_offset_request request{
            .topic = queue.topic, .queue_id = queue.queue_id, .broker_name = queue.broker_name};
        auto found = co_await offset_of(queue, request);
        co_return found;
    }
    /// The offset of the oldest message.
    task<result<queue_offset>> min_offset(message_queue queue) {
        const protocol::min_offset_request request{
            .topic = queue.topic, .queue_id = queue.queue_id, .broker_name = queue.broker_name};
        auto found = co_await offset_of(queue, request);
        co_return found;
    }
    /// The offset of the first message stored at or after `time`.
    task<result<queue_offset>> offset_at(message_queue queue, std::chrono::system_clock::time_point time) {
        const auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
        const protocol::search_offset_request request{.topic       = queue.topic,
                                                      .queue_id    = queue.queue_id,
                                                      .timestamp   = since.count(),
                                                      .broker_name = queue.broker_name};
        auto found = co_await offset_of(queue, request);
        co_return found;
    }

    /// Returns a message to the master of the broker it came from; success is the broker's word that it is stored.
    task<std::error_code> send_back(std::string group, message_queue queue, returned_message message,
                                    milliseconds timeout) {
        protocol::send_back_request request{.offset              = message.commit_log_offset,
                                            .group               = std::move(group),
                                            .delay_level         = message.delay_level,
                                            .origin_message_id   = std::move(message.id),
                                            .origin_topic        = std::move(message.topic),
                                            .max_reconsume_times = message.max_reconsume_times,
                                            .broker_name         = queue.broker_name};
        const auto answer = co_await answered(queue, false, request, timeout);
        co_return refusal(answer);
    }

    task<std::error_code> heartbeat(endpoint broker, std::string body) {
        const protocol::heartbeat_request request;
        const auto answer = co_await pool_.call(std::move(broker), request, body, timeout_);
        co_return refusal(answer);
    }

    task<std::error_code> unregister(endpoint broker, std::string client_id, std::string group) {
        const protocol::unregister_request request{.client_id      = std::move(client_id),
                                                   .consumer_group = std::move(group)};
        const auto answer = co_await pool_.call(std::move(broker), request, {}, timeout_);
        co_return refusal(answer);
    }

    const route_table& routes() const noexcept { return routes_; }

  private:
    static constexpr milliseconds offset_timeout{5000};

    static std::error_code refusal(const result<received_frame>& answer) noexcept {
        if (!answer)
            return answer.error();
        const auto code = static_cast<response_code>(answer->header.code);
        return code == response_code::success ? std::error_code() : make_error_code(code);
    }

    /// The answer of the broker that has `queue`, whatever its code.
    task<result<received_frame>> answered(const message_queue& queue, bool any_replica, protocol::request_view request,
                                          milliseconds timeout) {
        const auto where = routes_.address(queue.broker_name, broker_address::master, any_replica);
        if (!where)
            co_return where.error();
        auto answer = co_await pool_.call(where->where, request, {}, timeout);
        co_return answer;
    }

    task<result<received_frame>> accepted(endpoint where, protocol::request_view request) {
        auto answer = co_await pool_.call(std::move(where), request, {}, timeout_);
        if (const auto refused = refusal(answer))
            co_return refused;
        co_return answer;
    }

    task<result<queue_offset>> offset_of(const message_queue& queue, protocol::request_view request) {
        auto answer = co_await answered(queue, false, request, offset_timeout);
        if (const auto refused = refusal(answer))
            co_return refused;
        auto fields = protocol::read_fields<protocol::offset_response>(answer->header);
        if (!fields)
            co_return fields.error();
        co_return fields->offset;
    }

    pool_type& pool_;
    const route_table& routes_;
    milliseconds timeout_;
};

} // namespace rocketpush

#endif
