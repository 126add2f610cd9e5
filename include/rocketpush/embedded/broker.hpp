#ifndef ROCKETPUSH_EMBEDDED_BROKER_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/embedded/account.hpp>
#include <rocketpush/embedded/broker_logic.hpp>
#include <rocketpush/embedded/broker_options.hpp>
#include <rocketpush/embedded/broker_server.hpp>
#include <rocketpush/embedded/fault.hpp>
#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/requests_admin.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>
#include <rocketpush/runtime/runtime.hpp>
#include <rocketpush/transport/tcp_transport.hpp>
#include <rocketpush/transport/transport.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief A RocketMQ name server and broker in this process, in memory, for tests of listeners and for trying things out.
 *
 * Both answer on one port. Every RocketMQ client can talk to it: rocketpush, the Java and the Go client, `mqadmin`.
 * @code
 * rocketpush::embedded::broker broker;
 * broker.create_topic("orders");
 * broker.send("orders", "42 apples", {.tags = "paid"});
 * // a consumer with options{.name_servers = broker.name_server_address(), .group = "billing"} gets it
 * @endcode
 *
 * It does: routes, topics made by themselves, static topics, groups and their notices, send (single and batch), pull with long
 * polling, tags and SQL92 conditions, offsets, resets, search by time, send-back with delayed retries and dead letters, delay
 * levels, queue locks, POP, assignments, a slave, faults on request, and what admin tools ask about consumers. It does not:
 * transactions, anything on disk.
 *
 * It stops with its destructor, which never hangs. A runtime without a thread of its own (the caller's io_context, a
 * virtual one) has to run on for a moment after it: only then are connections closed and the port free.
 *
 * @tparam Transport  `tcp_transport`, or `memory_transport` for no sockets at all.
 * @tparam Runtime    Where it runs, and its clock: with a virtual runtime, delays take no time.
 * @par Thread safety  All from any thread, also from a listener; nothing waits for the network.
 * @par Source         None in Java; its tests start a real broker.
 */
template <listening_transport Transport = tcp_transport, runtime Runtime = asio_runtime>
class basic_broker {
  public:
    /**
     * @brief Listens and serves.
     * @throws std::system_error  The address is in use, or it is none of this machine; `error::invalid_option`.
     */
    basic_broker(broker_options options, Transport transport, Runtime runtime)
        : runtime_(std::move(runtime)),
          server_(
              std::make_shared<broker_server<Transport, Runtime>>(std::move(options), std::move(transport), runtime_)) {
        asio::post(runtime_.get_executor(), [server = server_] { server->start(); });
        runtime_.start();
    }
    basic_broker(broker_options options, Transport transport)
        requires std::default_initializable<Runtime>
        : basic_broker(std::move(options), std::move(transport), Runtime()) {}
    explicit basic_broker(broker_options options = {})
        requires std::default_initializable<Transport> && std::default_initializable<Runtime>
        : basic_broker(std::move(options), Transport(), Runtime()) {}

    basic_broker(const basic_broker&)            = delete;
    basic_broker& operator=(const basic_broker&) = delete;

    ~basic_broker() {
        if (runtime_.running_in_this_thread()) {
            server_->stop();
        } else {
            asio::post(runtime_.get_executor(), [server = server_] { server->stop(); });
            runtime_.join(std::chrono::seconds(2));
        }
    }

    /// `127.0.0.1:40123`: what a client's options want as name server list.
    std::string name_server_address() const { return to_string(server_->address()); }
    /// The same in parts.
    const endpoint& address() const noexcept { return server_->address(); }

    /// Where clients find the slave; nothing without `broker_options::slave_listen`.
    const std::optional<endpoint>& slave_address() const noexcept { return server_->slave_address(); }

    /// Makes a topic, or gives it more queues. @throws std::system_error  error::invalid_topic, error::invalid_option.
    void create_topic(std::string_view topic, std::int32_t queues = 8) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_topic(topic, queues); }), "create_topic", topic);
    }

    /**
     * @brief Makes a static topic (5.x), whose queues are logical: clients see a broker `__syslo__global__`, and ids and
     *        offsets that are not those in the messages' bytes.
     * @param first_offset  Of each queue outside; in the bytes it is 0.
     * @param led           Those of the queues that this broker leads, if others of the cluster lead the rest; nothing: all.
     * @throws std::system_error  error::invalid_topic, error::invalid_option.
     */
    void create_static_topic(std::string_view topic, std::int32_t queues, queue_offset first_offset = 0,
                             const std::optional<std::vector<std::int32_t>>& led = {}) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_static_topic(topic, queues, first_offset, led); }),
                 "create_static_topic", topic);
    }

    /**
     * @brief Has another broker lead a static topic's queue from now on, as an administrator's remapping does. Messages and
     *        committed offsets come along; offsets of new messages go on at the next multiple of 10,000.
     *
     * A name server that knows both has to be told; see `route`.
     * @throws std::system_error  error::invalid_topic (at one of them it is not there, or not static), error::invalid_option.
     */
    void move_queue(std::string_view topic, std::int32_t queue, basic_broker& to) {
        const auto moved = call([&](auto& logic, auto&) { return logic.give_up_queue(topic, queue); });
        throw_if(moved.error(), "move_queue", topic);
        throw_if(to.call([&](auto& logic, auto&) { return logic.take_over_queue(topic, queue, *moved); }), "move_queue",
                 topic);
    }

    /// What this broker would tell a name server of a topic: for one that knows several brokers. Nothing if it has no such topic.
    std::optional<protocol::route_data> route(std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.route(topic); });
    }

    /// Changes what a topic allows: bits 4 read, 2 write. @throws std::system_error  error::invalid_topic: it is not there.
    void set_permission(std::string_view topic, std::int32_t permission) {
        throw_if(call([&](auto& logic, auto&) { return logic.set_permission(topic, permission); }), "set_permission",
                 topic);
    }

    /**
     * @brief Moves a group in a queue, as an administrator does.
     *
     * From 5.0 on the group's next pull of the queue is told, and commits until then do not count; at 4.9, or without
     * `broker_options::server_side_reset`, its members are told, and move themselves.
     *
     * @return Whether anybody could be told: members have to be there for it.
     */
    bool reset_offset(std::string_view group, std::string_view topic, std::int32_t queue, queue_offset offset) {
        return call([&](auto& logic, auto&) { return logic.reset_offset(group, topic, queue, offset); });
    }
    /// The same in all of a topic's queues, to the first message stored at a time or later.
    bool reset_offset(std::string_view group, std::string_view topic, std::chrono::system_clock::time_point at) {
        return call([&](auto& logic, auto&) { return logic.reset_offset(group, topic, at); });
    }

    /// Changes who may use the broker, and for what, as an administrator does; none: everybody may. See `broker_options::accounts`.
    /// @throws std::system_error  error::unsupported_feature: this build left OpenSSL out.
    void set_accounts(std::vector<account> accounts) {
        throw_if(!accounts.empty() && !ROCKETPUSH_WITH_OPENSSL ? make_error_code(error::unsupported_feature)
                                                               : std::error_code(),
                 "set_accounts", "");
        call([&](auto& logic, auto&) { logic.set_accounts(std::move(accounts)); });
    }

    /// Allows a group; only needed with `auto_create_groups = false`. @throws std::system_error  error::invalid_group.
    void create_group(std::string_view group) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_group(group); }), "create_group", group);
    }

    /**
     * @brief Stores a message, as a producer would; a topic that is missing is made if that is allowed.
     * @throws std::system_error  With the `response_code` that a producer would get.
     */
    sent_message send(std::string_view topic, std::string_view body, const send_options& options = {}) {
        auto sent = call([&](auto& logic, auto& now) { return logic.send(topic, body, options, now); });
        throw_if(sent.error(), "send", topic);
        return std::move(*sent);
    }

    /// Number of messages that a topic holds now; of `%RETRY%group` and `%DLQ%group` too.
    std::size_t stored(std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.stored(topic); });
    }

    /// Copies of a topic's messages in the order in which they were stored.
    std::vector<message> messages(std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.messages(topic); });
    }

    /// The next offset that a group will consume; nothing if it never committed in this queue.
    std::optional<queue_offset> committed_offset(std::string_view group, std::string_view topic,
                                                 std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.committed_offset(group, topic, queue); });
    }

    /// Whether a group has committed behind every message that a topic holds, and acknowledged all that it popped, retries too;
    /// false for a topic that does not exist. Of messages that the group's tags leave out, those at the end of a queue are only passed when more messages come.
    bool consumed(std::string_view group, std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.consumed(group, topic); });
    }

    /// Client id of the member that has locked a queue to consume it in order; empty if none has, or no longer.
    std::string lock_owner(std::string_view group, std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto& now) { return logic.lock_owner(group, topic, queue, now); });
    }

    /// Where a queue's next message will be.
    queue_offset max_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.max_offset(topic, queue); });
    }

    /// Offset of a queue's oldest message.
    queue_offset min_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.min_offset(topic, queue); });
    }

    /**
     * @brief Has a group pop a topic, or pull it (again), as `mqadmin setConsumeMode` does. Members that ask the broker for their
     *        queues hear of it when they ask again.
     * @throws std::system_error  With the `response_code` that the tool would get.
     */
    void set_request_mode(std::string_view topic, std::string_view group, reading_mode mode) {
        const auto code = call([&](auto& logic, auto&) { return logic.set_request_mode(topic, group, mode); });
        throw_if(code == response_code::success ? std::error_code() : code, "set_request_mode", topic);
    }

    /// Client ids of a group's members, in the order in which they came.
    std::vector<std::string> members(std::string_view group) const {
        return call([&](auto& logic, auto&) { return logic.members(group); });
    }

    /// What a group's members say of it: `CLUSTERING` or `BROADCASTING`; nothing for a group without members.
    std::string message_model(std::string_view group) const {
        return call([&](auto& logic, auto&) { return logic.message_model(group); });
    }

    // What an administrator wants of a member. The answer comes when the member has given it, or after 10 s with the
    // `response_code::consume_msg_timeout`; one who is not there is refused at once, with `system_error`.

    /// How a member is: what `mqadmin consumerStatus` asks. The body is for `protocol::decode_running_info`.
    /// @param with_stacks  And what its parts are at, as text.
    std::future<client_answer> running_info(std::string_view group, std::string_view client_id,
                                            bool with_stacks = false) {
        const protocol::running_info_request asked{std::string(group), std::string(client_id), with_stacks};
        return call([&](auto& logic, auto& now) { return logic.ask_member(asked, group, client_id, now); });
    }
    /// Where a member is in a topic's queues, as it knows it. The body is for `protocol::decode_consumer_status`.
    std::future<client_answer> consumer_status(std::string_view group, std::string_view client_id,
                                               std::string_view topic) {
        const protocol::consumer_status_request asked{std::string(topic), std::string(group)};
        return call([&](auto& logic, auto& now) { return logic.ask_member(asked, group, client_id, now); });
    }
    /// Has a member's listener called with a stored message, beside all else. The body is for `protocol::decode_direct_result`.
    /// @param message_id  By its place in the store: `message_view::offset_message_id()`.
    std::future<client_answer> consume_directly(std::string_view group, std::string_view client_id,
                                                std::string_view message_id) {
        const protocol::consume_directly_request asked{std::string(group), std::string(client_id),
                                                       std::string(message_id)};
        return call([&](auto& logic, auto& now) { return logic.consume_directly(asked, now); });
    }

    broker_statistics statistics() const {
        return call([](auto& logic, auto&) { return logic.statistics(); });
    }

    // Faults, to see what a consumer makes of them.

    /// Cuts all connections; clients may come again at once.
    void drop_connections() {
        call([](auto& logic, auto&) { logic.drop_connections(); });
    }

    /// From now on connections are accepted, but nothing is answered, held or delivered: like a hung process.
    void pause() { server_->pause(); }
    /// Goes on, first with what has come meanwhile.
    void resume() { server_->resume(); }

    /**
     * @brief From now on requests are hit by a fault; any number of faults may be there at once.
     * @throws std::system_error  error::invalid_option: its rate is not from 0 to 1, or its delay is negative.
     */
    fault_id add_fault(fault wanted) {
        auto added = call([&](auto& logic, auto&) { return logic.add_fault(std::move(wanted)); });
        throw_if(added.error(), "add_fault", "");
        return *added;
    }
    /// Ends a fault; answers that it has delayed are still late. @return Whether it was there.
    bool clear_fault(fault_id id) {
        return call([&](auto& logic, auto&) { return logic.clear_fault(id); });
    }
    /// Ends all faults, those of `fail_next` too.
    void clear_faults() {
        call([](auto& logic, auto&) { logic.clear_faults(); });
    }
    /// Requests that a fault has hit so far; 0 when it was cleared.
    std::size_t fault_hits(fault_id id) const {
        return call([&](auto& logic, auto&) { return logic.fault_hits(id); });
    }

    /// The next `count` requests with this code are answered with `failure`, and not processed.
    void fail_next(protocol::request_code code, response_code failure, std::size_t count = 1) {
        call([&](auto& logic, auto&) { logic.fail_next(code, failure, count); });
    }

    /// From now on the slave lacks so many of the newest messages of each queue.
    void lag_slave(queue_offset messages) {
        call([&](auto& logic, auto&) { logic.lag_slave(messages); });
    }
    /// Whether pull answers send clients to the slave, as they do when a group is far behind.
    void suggest_slave(bool suggested = true) {
        call([&](auto& logic, auto&) { logic.suggest_slave(suggested); });
    }
    /// The master is lost: its connections end, routes have only the slave, and what comes to the master is cut off. The
    /// name server still answers at either address, but a connection to the master ends with all that is under way on it: a
    /// consumer that shall go on as with a name server of its own is given the slave's address as that.
    void lose_master() {
        call([](auto& logic, auto&) { logic.lose_master(); });
    }
    /// The master is there again, with all that it had.
    void restore_master() {
        call([](auto& logic, auto&) { logic.restore_master(); });
    }

    /// Ends a group's locks, as if none had been renewed for too long. @return How many were held.
    std::size_t expire_locks(std::string_view group) {
        return call([&](auto& logic, auto& now) { return logic.expire_locks(group, now); });
    }

    /// Tells a group's members that the group has changed, though it has not: they share the queues out anew.
    void notify_members(std::string_view group) {
        call([&](auto& logic, auto&) { logic.notify_members(group); });
    }

    /// Forgets a topic with its messages and offsets. @return Whether it existed.
    bool forget_topic(std::string_view topic) {
        return call([&](auto& logic, auto&) { return logic.forget_topic(topic); });
    }

    /// Forgets a queue's messages before an offset, as a broker does with old ones.
    void drop_before(std::string_view topic, std::int32_t queue, queue_offset offset) {
        call([&](auto& logic, auto&) { logic.drop_before(topic, queue, offset); });
    }

  private:
    template <class F>
    auto call(F&& function) const {
        return server_->with_logic(std::forward<F>(function));
    }

    static void throw_if(std::error_code failure, std::string_view what, std::string_view about) {
        if (failure)
            throw std::system_error(failure, "embedded broker: " + std::string(what) + ' ' + std::string(about));
    }

    Runtime runtime_;
    std::shared_ptr<broker_server<Transport, Runtime>> server_;
};

/// On TCP, on a thread of its own.
using broker = basic_broker<>;

} // namespace rocketpush::embedded

#endif
