#ifndef ROCKETPUSH_REMOTING_BROKER_CALLS_HPP
#define ROCKETPUSH_REMOTING_BROKER_CALLS_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/connection_pool.hpp>
#include <rocketpush/remoting/go_away_rule.hpp>
#include <rocketpush/remoting/route_table.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// A message that goes back to its broker to come again. @par Source Java `ConsumerSendMsgBackRequestHeader`.
struct returned_message {
    std::int64_t commit_log_offset = 0;
    int delay_level                = 0; ///< See consume_context::delay_level.
    int max_reconsume_times        = 16;
    bool unit_mode                 = false;
    std::string id;
    std::string topic; ///< The original one, with its namespace.
};

/// @param max_reconsume_times  Then the broker makes a dead letter of it.
inline returned_message make_returned(const message_view& of, int delay_level, int max_reconsume_times, bool unit_mode) {
    return {.commit_log_offset   = of.commit_log_offset(),
            .delay_level         = delay_level,
            .max_reconsume_times = max_reconsume_times,
            .unit_mode           = unit_mode,
            .id                  = of.message_id(),
            .topic               = std::string(of.full_topic())};
}

/// A message that is sent as a producer sends one: the copy of one that cannot be taken back where it came from, or one of our
/// own.
struct message_copy {
    std::string producer_group{inner_producer_group};
    std::string topic; ///< Of a copy the group's retry topic.
    std::string body;  ///< Of a copy as it was stored: compressed if `sys_flag` says so.
    std::string properties;
    std::int32_t flag           = 0;
    std::uint32_t sys_flag      = 0;
    std::int64_t born_timestamp = 0;  ///< Milliseconds since 1970.
    int reconsume_times         = 1;  ///< The broker makes a copy a dead letter when this is above ...
    int max_reconsume_times     = 16; ///< ... this.
    bool unit_mode              = false;
};

/// How handing a message to a broker ended.
struct store_outcome {
    std::error_code failure;     ///< None: the broker has it.
    bool perhaps_stored = false; ///< It failed after the request had left: the broker may have it all the same.

    bool stored() const noexcept { return !failure; }
};

/// What a broker said of a subscription's expression.
struct filter_answer {
    std::error_code code; ///< False: it compiles. A `response_code`: it does not, or the broker has such filters off.
    std::string text{};   ///< The broker's own.
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

    /// The connections of a group's members, and what the group subscribes, as a broker sees it.
    task<result<protocol::consumer_connections>> consumer_connections(endpoint broker, std::string group) {
        const protocol::consumer_connections_request request{std::move(group)};
        const auto answer = co_await accepted(std::move(broker), request);
        if (!answer)
            co_return answer.error();
        co_return protocol::decode_consumer_connections(answer->body);
    }

    /// What another member subscribes. @param broker  Passes question and answer on.
    task<result<std::vector<subscription>>> subscriptions_of(endpoint broker, std::string group, std::string client_id) {
        const protocol::running_info_request request{std::move(group), std::move(client_id)};
        const auto answer = co_await pool_.call(std::move(broker), request, {}, member_timeout);
        if (const auto refused = refusal(answer))
            co_return refused;
        co_return protocol::decode_subscription_set(answer->body);
    }

    /// The offset a group committed; empty if it never did.
    /// @param strictly  Without it a broker answers 0 for a young queue. (4.9.x does either way.)
    task<result<std::optional<queue_offset>>> query_offset(std::string group, message_queue queue,
                                                           bool strictly = false) {
        protocol::query_offset_request request{.consumer_group = std::move(group),
                                               .topic          = queue.topic,
                                               .queue_id       = queue.queue_id,
                                               .broker_name    = queue.broker_name};
        if (strictly)
            request.set_zero_if_not_found = false;
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

    /// Returns a message to the master of the broker it came from.
    task<store_outcome> send_back(std::string group, message_queue queue, returned_message message,
                                  milliseconds timeout) {
        protocol::send_back_request request{.offset              = message.commit_log_offset,
                                            .group               = std::move(group),
                                            .delay_level         = message.delay_level,
                                            .origin_message_id   = std::move(message.id),
                                            .origin_topic        = std::move(message.topic),
                                            .unit_mode           = message.unit_mode,
                                            .max_reconsume_times = message.max_reconsume_times,
                                            .broker_name         = queue.broker_name};
        const auto outcome = co_await stored(queue.broker_name, request, {}, timeout);
        co_return outcome;
    }

    /**
     * @brief Sends a copy to a broker that takes messages of its topic; the next one when a broker refuses it or cannot be
     *        reached.
     *
     * At most three brokers are asked. Not after a time-out or a lost connection: the broker may have stored it, and a
     * second one would make two of it.
     *
     * @param from  Where the message was; asked last, and alone when the retry topic's route is not known yet.
     * @par Source  Java `DefaultMQProducerImpl.sendDefaultImpl` of the inner producer.
     */
    task<store_outcome> send_copy(message_copy copy, message_queue from, milliseconds timeout) {
        auto brokers = routes_.writers(copy.topic);
        if (!brokers.empty())
            std::ranges::rotate(brokers, brokers.begin() + static_cast<std::ptrdiff_t>(copies_++ % brokers.size()));
        const std::string home(routes_.home(from));
        std::ranges::stable_partition(brokers, [&](const std::string& name) { return name != home; });
        if (brokers.empty())
            brokers.push_back(home);
        if (brokers.size() > most_copy_attempts)
            brokers.erase(brokers.begin() + most_copy_attempts - 1, brokers.end() - 1);
        const auto outcome = co_await send_to(std::move(brokers), std::move(copy), timeout);
        co_return outcome;
    }

    /**
     * @brief Sends a message to a broker of its topic, which chooses the queue; where there is no route, to one that makes topics
     *        by itself. Otherwise as `send_copy`.
     * @retval error::no_route  Neither topic has a route with a broker that takes messages.
     */
    task<store_outcome> send(message_copy message, milliseconds timeout) {
        auto brokers = routes_.writers(message.topic);
        if (brokers.empty())
            brokers = routes_.writers(std::string(auto_create_topic));
        store_outcome outcome;
        if (brokers.empty()) {
            outcome.failure = error::no_route;
            co_return outcome;
        }
        std::ranges::rotate(brokers, brokers.begin() + static_cast<std::ptrdiff_t>(copies_++ % brokers.size()));
        if (brokers.size() > most_copy_attempts)
            brokers.resize(most_copy_attempts);
        outcome = co_await send_to(std::move(brokers), std::move(message), timeout);
        co_return outcome;
    }

    /// Which of a topic's queues, on all brokers, this member shall read, and how.
    /// @retval response_code::request_code_not_supported (a broker before 5.0), error::no_assignment
    task<result<std::vector<protocol::queue_assignment>>> query_assignment(endpoint broker,
                                                                           protocol::assignment_query query) {
        const protocol::query_assignment_request request;
        const auto body = protocol::encode(query);
        auto answer     = co_await pool_.call(std::move(broker), request, body, timeout_);
        if (const auto refused = refusal(answer))
            co_return refused;
        auto assigned = protocol::decode_assignment_answer(answer->body);
        if (!assigned)
            co_return assigned.error();
        if (!assigned->queues)
            co_return error::no_assignment;
        co_return std::move(*assigned->queues);
    }

    /// One popped message is done with. Success also if its receipt was not valid any more.
    task<std::error_code> acknowledge(protocol::ack_request request) {
        const auto answer = co_await of_master(request.broker_name, request, {}, timeout_);
        co_return refusal(answer);
    }
    /// Many of one broker. @retval response_code::request_code_not_supported  It is older than 5.1.3.
    task<std::error_code> acknowledge(protocol::batch_ack acks) {
        const protocol::batch_ack_request request;
        const auto body   = protocol::encode(acks);
        const auto answer = co_await of_master(acks.broker_name, request, body, timeout_);
        co_return refusal(answer);
    }
    /// Hides a popped message for another time; its receipt is another one then.
    task<result<protocol::change_invisible_time_response>> change_invisible_time(
        protocol::change_invisible_time_request request) {
        const auto answer = co_await of_master(request.broker_name, request, {}, timeout_);
        if (const auto refused = refusal(answer))
            co_return refused;
        auto fields = protocol::read_fields<protocol::change_invisible_time_response>(answer->header);
        co_return fields;
    }
    /**
     * @brief Locks queues of one broker for this member, or renews its locks. @return Those that are its now.
     * @param queues  Not empty; all of one broker, whose master is asked.
     */
    task<result<std::vector<message_queue>>> lock(std::string group, std::string client_id,
                                                  std::vector<message_queue> queues) {
        const protocol::lock_request request;
        auto answer = co_await about_locks(request, std::move(group), std::move(client_id), std::move(queues));
        if (const auto refused = refusal(answer))
            co_return refused;
        auto locked = protocol::decode_locked_queues(answer->body);
        if (!locked)
            co_return locked.error();
        co_return std::move(locked->queues);
    }

    /// Gives locks up, and waits until the broker has confirmed it. @param queues  As for `lock`.
    task<std::error_code> unlock(std::string group, std::string client_id, std::vector<message_queue> queues) {
        const protocol::unlock_request request;
        const auto answer = co_await about_locks(request, std::move(group), std::move(client_id), std::move(queues));
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

    /// Has a broker compile an expression.
    task<filter_answer> check_filter(endpoint broker, std::string client_id, std::string group, subscription wanted) {
        const protocol::check_client_request request;
        const auto body =
            protocol::encode(protocol::client_check{std::move(client_id), std::move(group), std::move(wanted)});
        const auto answer = co_await pool_.call(std::move(broker), request, body, timeout_);
        filter_answer said{refusal(answer)};
        if (answer)
            said.text = answer->header.remark();
        co_return said;
    }

    const route_table& routes() const noexcept { return routes_; }

  private:
    static constexpr milliseconds offset_timeout{5000};
    static constexpr milliseconds member_timeout{11000}; ///< The broker waits for 10 s.
    static constexpr std::ptrdiff_t most_copy_attempts = 3;

    static std::error_code refusal(const result<received_frame>& answer) noexcept {
        if (!answer)
            return answer.error();
        const auto code = static_cast<response_code>(answer->header.code);
        return code == response_code::success ? std::error_code() : make_error_code(code);
    }

    /// Has the first of the brokers store a message that takes it; none more after one that may have.
    task<store_outcome> send_to(std::vector<std::string> brokers, message_copy copy, milliseconds timeout) {
        protocol::send_request request;
        request.producer_group  = std::move(copy.producer_group);
        request.sys_flag        = static_cast<std::int32_t>(copy.sys_flag);
        request.born_timestamp  = copy.born_timestamp;
        request.flag            = copy.flag;
        request.properties      = std::move(copy.properties);
        request.reconsume_times = copy.reconsume_times;
        request.unit_mode       = copy.unit_mode;
        if (is_retry_topic(copy.topic))
            request.max_reconsume_times = copy.max_reconsume_times;
        request.topic = std::move(copy.topic);
        store_outcome outcome;
        for (auto& name : brokers) {
            request.broker_name = std::move(name);
            outcome             = co_await stored(request.broker_name, request, copy.body, timeout);
            if (outcome.stored() || outcome.perhaps_stored)
                break;
        }
        co_return outcome;
    }

    /// Has a broker's master store a message.
    task<store_outcome> stored(std::string_view broker_name, protocol::request_view request, std::string_view body,
                               milliseconds timeout) {
        store_outcome outcome;
        const auto where = routes_.address(broker_name);
        if (!where) {
            outcome.failure = where.error();
            co_return outcome;
        }
        for (go_away_rule sent_away;;) {
            const auto open = co_await pool_.get(where->where);
            if (!open) {
                outcome.failure = open.error();
                co_return outcome;
            }
            const auto [ec, answer] = co_await (*open)->async_request(
                request, body, timeout, detail::await_tuple<typename Runtime::executor_type>);
            if (ec) {
                outcome.failure        = ec;
                outcome.perhaps_stored = ec != error::too_many_requests;
                co_return outcome;
            }
            const auto code = static_cast<response_code>(answer.header.code);
            if (sent_away.answered(code))
                continue;
            if (!has_stored(answer.header))
                outcome.failure = code;
            co_return outcome;
        }
    }

    /// The broker has the message; a disk or a replica that is late with it is no reason to send another one.
    static bool has_stored(const protocol::header_view& answer) noexcept {
        switch (static_cast<response_code>(answer.code)) {
        case response_code::success:
        case response_code::flush_disk_timeout:
        case response_code::flush_slave_timeout:
        case response_code::slave_not_available: return true;
        // To a send-back brokers say the same by the name of their status.
        case response_code::system_error:
            return answer.raw_remark == "FLUSH_DISK_TIMEOUT" || answer.raw_remark == "FLUSH_SLAVE_TIMEOUT" ||
                   answer.raw_remark == "SLAVE_NOT_AVAILABLE";
        default: return false;
        }
    }

    /// The answer of the broker that has `queue`, whatever its code.
    task<result<received_frame>> answered(const message_queue& queue, bool any_replica, protocol::request_view request,
                                          milliseconds timeout) {
        auto where = routes_.address(queue, broker_address::master, any_replica);
        if (!where) // gone from the routes, perhaps for a moment: while we are connected it can be told a last offset
            if (auto former = routes_.former_master(queue.broker_name); former && pool_.find(*former))
                where = broker_address{std::move(*former), broker_address::master};
        if (!where)
            co_return where.error();
        auto answer = co_await pool_.call(where->where, request, {}, timeout);
        co_return answer;
    }

    task<result<received_frame>> of_master(std::string_view broker_name, protocol::request_view request,
                                           std::string_view body, milliseconds timeout) {
        const auto where = routes_.address(broker_name);
        if (!where)
            co_return where.error();
        auto answer = co_await pool_.call(where->where, request, body, timeout);
        co_return answer;
    }

    task<result<received_frame>> about_locks(protocol::request_view request, std::string group, std::string client_id,
                                             std::vector<message_queue> queues) {
        const auto where = routes_.address(queues.front());
        if (!where)
            co_return where.error();
        protocol::lock_data lock;
        lock.client_id      = std::move(client_id);
        lock.consumer_group = std::move(group);
        lock.queues         = std::move(queues);
        const auto body     = protocol::encode(lock);
        auto answer         = co_await pool_.call(where->where, request, body, timeout_);
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
    std::size_t copies_ = 0; ///< So that they do not all go to one broker.
};

} // namespace rocketpush

#endif
