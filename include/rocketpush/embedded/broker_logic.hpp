#ifndef ROCKETPUSH_EMBEDDED_BROKER_LOGIC_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_LOGIC_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/embedded/access_check.hpp>
#include <rocketpush/embedded/ack_requests.hpp>
#include <rocketpush/embedded/admin_requests.hpp>
#include <rocketpush/embedded/assignment_requests.hpp>
#include <rocketpush/embedded/broker_options.hpp>
#include <rocketpush/embedded/broker_state.hpp>
#include <rocketpush/embedded/client_requests.hpp>
#include <rocketpush/embedded/fault.hpp>
#include <rocketpush/embedded/fault_requests.hpp>
#include <rocketpush/embedded/group_requests.hpp>
#include <rocketpush/embedded/message_intake.hpp>
#include <rocketpush/embedded/offset_requests.hpp>
#include <rocketpush/embedded/pop_requests.hpp>
#include <rocketpush/embedded/pop_revival.hpp>
#include <rocketpush/embedded/pull_requests.hpp>
#include <rocketpush/embedded/reset_requests.hpp>
#include <rocketpush/embedded/route_requests.hpp>
#include <rocketpush/embedded/send_requests.hpp>
#include <rocketpush/embedded/slave_requests.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// What may be said about a message that is sent, all of it optional.
struct send_options {
    std::string tags{};
    std::string keys{}; ///< Separated by spaces.
    std::vector<std::pair<std::string, std::string>> properties{};
    std::optional<std::int32_t> queue{}; ///< Else the topic's queues in turn.
    std::int32_t delay_level = 0;        ///< Of `broker_options::delay_levels`; 0: at once.
};

/// Where a message was stored.
struct sent_message {
    std::string message_id;        ///< As the listener's `message_id()`.
    std::string offset_message_id; ///< As the listener's `offset_message_id()`.
    std::int32_t queue_id = 0;
    queue_offset offset   = 0;

    friend bool operator==(const sent_message&, const sent_message&) = default;
};

/// What the broker has seen so far.
struct broker_statistics {
    std::map<std::int32_t, std::uint64_t> requests;       ///< Number of requests by their code.
    std::map<std::int32_t, std::uint64_t> slave_requests; ///< Those of them that came to the slave.
    std::uint64_t connections_accepted = 0;
    std::size_t connections_open       = 0;
    std::size_t pulls_held             = 0; ///< Waiting for messages now.
    std::size_t pops_held              = 0; ///< Waiting for messages now.
    std::size_t messages_popped        = 0; ///< Popped, not in order, and not acknowledged yet.
    std::size_t messages_parked        = 0; ///< Waiting for their delay now.

    /// Requests with this code; 0 if there was none.
    std::uint64_t requests_of(protocol::request_code code) const { return count(requests, code); }
    /// Those of them that came to the slave.
    std::uint64_t slave_requests_of(protocol::request_code code) const { return count(slave_requests, code); }

  private:
    static std::uint64_t count(const std::map<std::int32_t, std::uint64_t>& in, protocol::request_code code) {
        const auto found = in.find(static_cast<std::int32_t>(code));
        return found == in.end() ? 0 : found->second;
    }
};

/**
 * @brief A RocketMQ name server and broker without I/O: told of connections, frames and time, it writes frames into an
 *        outbox. `basic_broker` puts it on a transport.
 *
 * After each call look at `out()`, and at `next_due()` for when to call `tick`.
 *
 * @par Thread safety  None.
 */
class broker_logic {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /**
     * @param reached_at   Where clients connect to; routes say so.
     * @param own_address  The same as a number, for message ids.
     * @param seed         Random; tells this broker's message ids from another's.
     * @param slave_at     Where clients connect to the slave that it plays; nothing: it plays none.
     */
    broker_logic(broker_options options, endpoint reached_at, const host_address& own_address, std::uint64_t seed,
                 std::optional<endpoint> slave_at = {})
        : state_(std::move(options), std::move(reached_at), own_address, seed) {
        state_.slave.address = std::move(slave_at);
    }

    const broker_options& options() const noexcept { return state_.options; }
    const endpoint& address() const noexcept { return state_.address; }
    outbox& out() noexcept { return state_.out; }

    /// What routes tell of the slave, if there is one.
    const std::optional<endpoint>& slave_address() const noexcept { return state_.slave.address; }

    /// A client has connected. @param to_slave  To the slave's address.
    connection_id connect(const host_address& client, const moment& now, bool to_slave = false) {
        const auto id = next_connection_++;
        if (state_.connections.empty())
            next_scan_ = now.steady + state_.options.scan_interval;
        state_.connections.emplace(id, client_connection{client, now.steady, to_slave});
        state_.out.open(id);
        return id;
    }

    /// A client's connection has ended, for whatever reason; its groups are told.
    void disconnect(connection_id connection) {
        state_.out.forget(connection);
        end_client(connection);
    }

    /// Ends all connections, as a crash of the network does.
    void drop_connections() {
        for (const auto connection : state_.out.connections())
            cut(connection);
    }

    /// A whole frame has come from a client.
    void handle(connection_id from, const protocol::header_view& header, std::string_view body, const moment& now) {
        const auto client = state_.connections.find(from);
        if (client == state_.connections.end())
            return; // it was cut while the frame was under way
        client->second.last_active = now.steady;
        if (header.is_response())
            return answering::pass_answer_on(state_, from, header, body);
        ++statistics_.requests[header.code];
        if (client->second.to_slave)
            ++statistics_.slave_requests[header.code];
        else if (state_.slave.master_lost && !answering::is_for_name_server(header.code))
            return cut(from);
        const incoming_request request{from, header, body, now};
        if (!answering::meet_fault(state_, request) && !answering::refuse_access(state_, request) &&
            !answering::refuse_at_slave(state_, request))
            answer(request);
        wake_waiting(now);
        settle_faults(now);
    }

    /// Does what is due: ends held pulls and pops, delivers delayed messages, has popped ones come again, forgets clients that
    /// are silent.
    void tick(const moment& now) {
        answering::deliver_due(state_, now);
        answering::revive_due(state_, now);
        answering::free_due_orders(state_, now);
        wake_waiting(now);
        while (const auto due = state_.held.take_due(now.steady))
            answering::end_held_pull(state_, *due);
        answering::end_due_pops(state_, now);
        answering::end_overdue_forwards(state_, now);
        if (!state_.connections.empty() && now.steady >= next_scan_)
            scan_clients(now.steady);
        settle_faults(now);
    }

    /// When `tick` has something to do.
    std::optional<time_point> next_due() const {
        std::optional<time_point> earliest;
        const auto consider = [&earliest](const std::optional<time_point>& at) {
            if (at && (!earliest || *at < *earliest))
                earliest = at;
        };
        consider(state_.delays.next_due());
        consider(state_.held.next_due());
        consider(state_.pops.next_due());
        consider(state_.checkpoints.next_due());
        consider(state_.orders.next_due());
        consider(state_.faulty.next_due());
        consider(state_.forwarded.next_due());
        if (state_.faulty.unsettled())
            consider(time_point::min()); // a call that knew no time has answered somebody
        if (!state_.connections.empty())
            consider(next_scan_);
        return earliest;
    }

    /// Makes a topic, or gives it more queues. @return error::invalid_topic, invalid_option (queues) or nothing.
    std::error_code create_topic(std::string_view topic, std::int32_t queues) {
        if (check_topic(topic))
            return error::invalid_topic;
        if (queues < 1 || queues > 65'536)
            return error::invalid_option;
        state_.store.set_topic(topic, {queues, queues, 6});
        return {};
    }

    /**
     * @brief Makes a static topic, whose queues are logical: their ids and offsets are not those in the messages' bytes.
     *
     * The queue ids in the bytes run backwards, and a queue's first message has offset 0 there and `first_offset` outside.
     * Called again, it has more queues.
     * @param led  Those of the queues that this broker leads; nothing: all.
     * @return error::invalid_topic, invalid_option (queues, first offset) or nothing.
     */
    std::error_code create_static_topic(std::string_view topic, std::int32_t queues, queue_offset first_offset,
                                        const std::optional<std::vector<std::int32_t>>& led = {}) {
        if (first_offset < 0)
            return error::invalid_option;
        const auto* known = state_.store.find_topic(topic);
        const auto before = known ? known->queues() : 0;
        const auto epoch  = known ? known->static_epoch : 0;
        if (const auto code = create_topic(topic, queues))
            return code;
        auto settings         = *state_.store.find_topic(topic);
        settings.static_epoch = epoch + 1;
        state_.store.set_topic(topic, settings);
        for (auto id = before; id < queues; ++id)
            if (!led || std::ranges::find(*led, id) != led->end())
                state_.store.place_queue(topic, id, {queues - 1 - id + before, first_offset});
        return {};
    }

    /// Gives up a queue of a static topic, for another broker. Pulls that wait for it are told when their time is over, as by
    /// real brokers. @retval error::invalid_topic, error::invalid_option (it is not led here)
    result<moved_queue> give_up_queue(std::string_view topic, std::int32_t queue_id) {
        const auto* known = state_.store.find_topic(topic);
        if (!known || known->static_epoch == 0)
            return error::invalid_topic;
        if (!state_.store.place_of(topic, queue_id))
            return error::invalid_option;
        auto settings = *known;
        ++settings.static_epoch;
        state_.store.set_topic(topic, settings);
        auto taken      = state_.store.take_queue(topic, queue_id);
        taken.epoch     = settings.static_epoch;
        taken.committed = state_.offsets.take_queue(topic, queue_id);
        return taken;
    }

    /// Leads a queue from now on that another broker gave up. Its offsets go on at a multiple of 10,000, as when it is moved by
    /// `mqadmin`. @return error::invalid_topic, invalid_option (there is no such queue, or it is led here already) or nothing.
    std::error_code take_over_queue(std::string_view topic, std::int32_t queue_id, const moved_queue& taken) {
        constexpr queue_offset block = 10'000;
        const auto* known            = state_.store.find_topic(topic);
        if (!known || known->static_epoch == 0)
            return error::invalid_topic;
        if (!state_.store.is_led_elsewhere(topic, queue_id))
            return error::invalid_option;
        auto settings         = *known;
        settings.static_epoch = std::max(settings.static_epoch, taken.epoch);
        state_.store.set_topic(topic, settings);
        auto end = taken.begin;
        for (const auto& each : taken.messages)
            end += static_cast<queue_offset>(each.offsets);
        const auto next = (end / block + (end % block < block / 2 ? 1 : 2)) * block;
        state_.store.put_queue(topic, queue_id, settings.queues() - 1 - queue_id, taken, next);
        for (const auto& [group, offset] : taken.committed)
            state_.offsets.commit(group, topic, queue_id, offset);
        return {};
    }

    /// What this broker tells name servers of a topic; nothing for one that it does not have.
    std::optional<protocol::route_data> route(std::string_view topic) const {
        const auto* known = state_.store.find_topic(topic);
        return known ? std::optional(answering::route_of(state_, topic, *known)) : std::nullopt;
    }

    /// Changes what a topic allows: bits 4 read, 2 write. @return error::invalid_topic  It does not exist.
    std::error_code set_permission(std::string_view topic, std::int32_t permission) {
        const auto* known = state_.store.find_topic(topic);
        if (!known)
            return error::invalid_topic;
        auto changed       = *known;
        changed.permission = permission;
        state_.store.set_topic(topic, changed);
        return {};
    }

    /// Moves a group in a queue, as an administrator does. @return Whether anybody could be told.
    bool reset_offset(std::string_view group, std::string_view topic, std::int32_t queue_id, queue_offset offset) {
        return answering::reset_offsets(state_, group, topic, {{queue_id, offset}});
    }
    /// Moves a group in all of a topic's queues to where they were at a time.
    bool reset_offset(std::string_view group, std::string_view topic, std::chrono::system_clock::time_point at) {
        const auto timestamp = moment{.system = at}.milliseconds();
        return answering::reset_offsets(state_, group, topic, answering::offsets_at(state_, topic, timestamp),
                                        timestamp);
    }

    /// Who may use the broker from now on; none: everybody.
    void set_accounts(std::vector<account> accounts) { state_.accounts = std::move(accounts); }

    /// Allows a group, where groups are not made by themselves.
    std::error_code create_group(std::string_view group) {
        if (const auto code = check_group(group))
            return code;
        state_.known_groups.emplace(group);
        return {};
    }

    /// Stores a message as if a producer had sent it. @retval a `response_code`, as the producer would have got.
    result<sent_message> send(std::string_view topic, std::string_view body, const send_options& options,
                              const moment& now) {
        protocol::send_request request{.producer_group = "embedded", .topic = std::string(topic)};
        request.born_timestamp           = now.milliseconds();
        request.queue_id                 = options.queue.value_or(-1);
        request.default_topic_queue_nums = state_.options.auto_queues;
        if (!append_properties(request.properties, options))
            return response_code::message_illegal;
        const auto done = answering::take_in(state_, std::move(request), body, state_.store.store_host(),
                                             protocol::client_version, now);
        if (done.code != response_code::success)
            return done.code;
        wake_waiting(now);
        const auto& unique = done.fields.transaction_id;
        return sent_message{unique.empty() ? done.fields.message_id : unique, done.fields.message_id,
                            done.fields.queue_id, done.fields.queue_offset};
    }

    /// Copies of a topic's messages in the order in which they were stored; none for a topic that does not exist.
    std::vector<message> messages(std::string_view topic) const {
        std::vector<message> copies;
        const auto* settings = state_.store.find_topic(topic);
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id)
            copy_queue(topic, id, copies);
        std::ranges::sort(copies, {}, [](const message& one) { return one->commit_log_offset(); });
        return copies;
    }

    /// Number of messages that a topic holds.
    std::size_t stored(std::string_view topic) const {
        std::size_t sum      = 0;
        const auto* settings = state_.store.find_topic(topic);
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id)
            sum += state_.store.message_count(topic, id);
        return sum;
    }

    std::optional<queue_offset> committed_offset(std::string_view group, std::string_view topic,
                                                 std::int32_t queue_id) const {
        return state_.offsets.find(group, topic, queue_id);
    }

    /// Whether a group has committed behind every message that a topic holds, and acknowledged what it popped.
    bool consumed(std::string_view group, std::string_view topic) const {
        const auto* settings = state_.store.find_topic(topic);
        if (state_.checkpoints.messages_of(group, topic) != 0)
            return false;
        for (const auto kind : {protocol::pop_topic::retry_v1, protocol::pop_topic::retry_v2})
            if (const auto retries = protocol::real_topic(kind, group, topic);
                state_.store.find_topic(retries) && !consumed(group, retries))
                return false;
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id) {
            const auto end = state_.store.max_offset(topic, id);
            if (end > state_.store.min_offset(topic, id) && state_.offsets.find(group, topic, id).value_or(0) < end)
                return false;
        }
        return settings != nullptr;
    }

    /// Client id of the member that has a queue for itself; empty if none has, or no longer.
    std::string lock_owner(std::string_view group, std::string_view topic, std::int32_t queue_id,
                           const moment& now) const {
        const auto* known = state_.store.find_topic(topic);
        const auto& name = known && known->static_epoch > 0 ? static_topic_broker(protocol::queue_mapping::global_scope)
                                                            : state_.options.name;
        return std::string(state_.locks.owner(group, {std::string(topic), name, queue_id}, now.steady));
    }

    /// Ends a group's locks, as if none had been renewed for too long. @return How many were held.
    std::size_t expire_locks(std::string_view group, const moment& now) {
        return state_.locks.expire(group, now.steady);
    }

    /// Tells a group's members that it has changed.
    void notify_members(std::string_view group) { answering::notify_members(state_, group); }

    queue_offset max_offset(std::string_view topic, std::int32_t queue_id) const {
        return state_.store.max_offset(topic, queue_id);
    }
    queue_offset min_offset(std::string_view topic, std::int32_t queue_id) const {
        return state_.store.min_offset(topic, queue_id);
    }

    /// From now on the slave lacks so many of the newest messages of each queue.
    void lag_slave(queue_offset messages) { state_.slave.lag = std::max<queue_offset>(0, messages); }
    /// Whether pull answers send clients to the slave, as they do when a group is far behind.
    void suggest_slave(bool suggested) { state_.slave.suggested = suggested; }

    /// The master is lost: its connections end, routes do not have it, and what still comes to it is cut off.
    void lose_master() {
        state_.slave.master_lost = true;
        for (const auto connection : state_.out.connections())
            if (!state_.connections.at(connection).to_slave)
                cut(connection);
    }
    /// It is there again.
    void restore_master() { state_.slave.master_lost = false; }

    /// Has a member asked; its answer comes later, or a refusal by the broker at once.
    template <class Request>
    std::future<client_answer> ask_member(const Request& request, std::string_view group, std::string_view client_id,
                                          const moment& now) {
        std::promise<client_answer> asked;
        auto answer = asked.get_future();
        answering::ask_client(state_, {std::move(asked), 0, {}}, group, client_id, request, now);
        return answer;
    }
    std::future<client_answer> consume_directly(const protocol::consume_directly_request& request, const moment& now) {
        std::promise<client_answer> asked;
        auto answer = asked.get_future();
        answering::ask_to_consume(state_, {std::move(asked), 0, {}}, request, now);
        return answer;
    }

    /// Says how a group reads a topic; its members hear of it when they ask again. @return What a client that said so would get.
    response_code set_request_mode(std::string_view topic, std::string_view group, reading_mode mode) {
        return answering::set_request_mode(state_, topic, group, mode).first;
    }

    /// Client ids of a group's members, in the order in which they came.
    std::vector<std::string> members(std::string_view group) const {
        std::vector<std::string> ids;
        if (const auto* found = state_.groups.find(group))
            for (const auto& member : found->members)
                ids.push_back(member.client_id);
        return ids;
    }

    /// What a group's members say of it: `CLUSTERING` or `BROADCASTING`; nothing for a group without members.
    std::string message_model(std::string_view group) const {
        const auto* found = state_.groups.find(group);
        return found ? found->message_model : std::string();
    }

    /// The next `count` requests with this code are answered with `failure` and not processed; a former call for the code
    /// is over.
    void fail_next(protocol::request_code code, response_code failure, std::size_t count) {
        auto& id = failing_[code];
        state_.faults.clear(id);
        id = state_.faults.add(
            {.codes = {code}, .action = fault_action::refuse{.code = failure, .remark = "fail_next"}, .times = count});
    }

    /// From now on requests are hit by a fault. @retval error::invalid_option  See `describe_problem`.
    result<fault_id> add_fault(fault wanted) {
        if (!describe_problem(wanted).empty())
            return error::invalid_option;
        return state_.faults.add(std::move(wanted));
    }

    /// Ends a fault; answers that it has delayed are still late. @return Whether it was there.
    bool clear_fault(fault_id id) { return state_.faults.clear(id); }
    /// Ends all, those of `fail_next` too.
    void clear_faults() { state_.faults.clear_all(); }

    /// Requests that a fault has hit; 0 when it was cleared.
    std::size_t fault_hits(fault_id id) const { return state_.faults.hits(id); }

    /// Forgets a topic with its messages and offsets. @return Whether it existed.
    bool forget_topic(std::string_view topic) { return answering::remove_topic(state_, topic); }

    /// Forgets a queue's messages before an offset.
    void drop_before(std::string_view topic, std::int32_t queue_id, queue_offset offset) {
        state_.store.drop_before(topic, queue_id, offset);
    }

    broker_statistics statistics() const {
        auto now                 = statistics_;
        now.connections_accepted = next_connection_ - 1;
        now.connections_open     = state_.connections.size();
        now.pulls_held           = state_.held.size();
        now.pops_held            = state_.pops.size();
        now.messages_popped      = state_.checkpoints.messages();
        now.messages_parked      = state_.delays.size();
        return now;
    }

  private:
    struct answering_function {
        protocol::request_code code;
        void (*answer)(broker_state&, const incoming_request&);
        std::int32_t since = 0; ///< The broker's version.
    };

    static constexpr auto answering_functions() noexcept {
        using code = protocol::request_code;
        using namespace answering;
        return std::to_array<answering_function>({
            {code::pull_message, answer_pull},
            {code::send_message_v2, answer_send<protocol::send_request>},
            {code::send_batch_message, answer_send<protocol::send_batch_request>},
            {code::send_message, answer_send<protocol::send_v1_request>},
            {code::consumer_send_back, answer_send_back},
            {code::update_consumer_offset, answer_update_offset},
            {code::query_consumer_offset, answer_query_offset},
            {code::get_max_offset, answer_max_offset},
            {code::get_min_offset, answer_min_offset},
            {code::search_offset_by_timestamp, answer_search_offset},
            {code::get_earliest_store_time, answer_earliest_time},
            {code::view_message_by_id, answer_view_message},
            {code::heart_beat, answer_heartbeat},
            {code::unregister_client, answer_unregister},
            {code::get_consumer_list, answer_consumer_list},
            {code::lock_batch, answer_lock},
            {code::unlock_batch, answer_unlock},
            {code::check_client_config, answer_check_client},
            {code::get_route_info, answer_route},
            {code::update_and_create_topic, answer_create_topic},
            {code::get_consumer_running_info, answer_running_info},
            {code::consume_message_directly, answer_consume_directly},
            {reset_question::code, answer_reset},
            {code::query_assignment, answer_query_assignment, version_5_0_0},
            {code::set_request_mode, answer_set_request_mode, version_5_0_0},
            {code::pop_message, answer_pop, version_5_0_0},
            {code::ack_message, answer_ack, version_5_0_0},
            {code::batch_ack_message, answer_batch_ack, version_5_1_3},
            {code::change_invisible_time, answer_change_invisible_time, version_5_0_0},
            {admin_code::cluster_info, answer_cluster_info},
            {admin_code::topic_list, answer_topic_list},
            {admin_code::topic_stats, answer_topic_stats},
            {admin_code::consume_stats, answer_consume_stats},
            {admin_code::consumer_connection, answer_consumer_connection},
            {admin_code::topic_config, answer_topic_config},
            {admin_code::create_group, answer_create_group},
            {admin_code::delete_topic, answer_delete_topic},
            {admin_code::delete_route, answer_delete_topic},
        });
    }

    void answer(const incoming_request& request) {
        static constexpr auto functions = answering_functions();
        const auto code                 = static_cast<protocol::request_code>(request.header.code);
        const auto found                = std::ranges::find(functions, code, &answering_function::code);
        if (found != functions.end() && found->since <= state_.options.version)
            return found->answer(state_, request);
        answering::reply(state_, request, response_code::request_code_not_supported,
                         " request type " + std::to_string(request.header.code) + " not supported");
    }

    /// Gives what has come to those who wait for it: first to pulls, which take nothing away.
    void wake_waiting(const moment& now) {
        const auto came = state_.pops.size() != 0 ? state_.arrivals : std::vector<arrival>();
        answering::wake_held_pulls(state_);
        for (const auto& each : came)
            answering::wake_held_pops(state_, each, now);
    }

    void settle_faults(const moment& now) {
        state_.faulty.send_due(state_.out, now.steady);
        if (!state_.faulty.unsettled()) [[likely]]
            return;
        for (const auto connection : state_.faulty.settle(now.steady))
            cut(connection);
    }

    void end_client(connection_id connection) {
        if (state_.connections.erase(connection) == 0)
            return;
        state_.faulty.forget(connection);
        answering::drop_forwarded(state_, connection);
        answering::forget_client(state_, connection);
    }

    void cut(connection_id connection) {
        state_.out.close(connection);
        end_client(connection);
    }

    void scan_clients(time_point now) {
        next_scan_  = now + state_.options.scan_interval;
        auto silent = state_.groups.silent_since(now - state_.options.client_lifetime);
        silent.merge(state_.slave.groups.silent_since(now - state_.options.client_lifetime));
        for (const auto& [id, client] : state_.connections)
            if (client.last_active < now - state_.options.idle_lifetime)
                silent.insert(id);
        for (const auto connection : silent)
            cut(connection);
    }

    static bool append_properties(std::string& raw, const send_options& options) {
        const auto append = [&raw](std::string_view name, std::string_view value) {
            if (!protocol::valid_property_text(name) || !protocol::valid_property_text(value))
                return false;
            protocol::append_property(raw, name, value);
            return true;
        };
        bool valid = options.tags.empty() || append(property_names::tags, options.tags);
        valid      = valid && (options.keys.empty() || append(property_names::keys, options.keys));
        if (options.delay_level > 0)
            append(property_names::delay_level, std::to_string(options.delay_level));
        return std::ranges::all_of(options.properties,
                                   [&](const auto& one) { return append(one.first, one.second); }) &&
               valid;
    }

    void copy_queue(std::string_view topic, std::int32_t queue_id, std::vector<message>& copies) const {
        const message_queue queue{std::string(topic), state_.options.name, queue_id};
        const auto begin = state_.store.min_offset(topic, queue_id);
        const auto end   = state_.store.max_offset(topic, queue_id);
        const rocketpush::detail::message_origin origin{.queue = &queue, .min_offset = begin, .max_offset = end};
        rocketpush::detail::byte_arena arena;
        std::vector<rocketpush::detail::message_fields> found;
        std::int64_t last = -1;
        for (auto at = begin; at < end; ++at) {
            const auto entry = state_.store.find_entry(topic, queue_id, at);
            if (std::exchange(last, entry->commit_log_offset) == entry->commit_log_offset)
                continue; // of one batch
            protocol::decode_messages(state_.store.record_at(entry->commit_log_offset), origin, {}, arena, found,
                                      [](std::error_code, std::string_view, std::int64_t) {});
        }
        for (const auto& fields : found)
            copies.emplace_back(message_view(fields));
    }

    broker_state state_;
    connection_id next_connection_ = 1;
    time_point next_scan_{};
    std::map<protocol::request_code, fault_id> failing_; ///< What `fail_next` has added.
    broker_statistics statistics_;
};

} // namespace rocketpush::embedded

#endif
