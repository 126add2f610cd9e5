#ifndef ROCKETPUSH_EMBEDDED_BROKER_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/embedded/broker_logic.hpp>
#include <rocketpush/embedded/broker_options.hpp>
#include <rocketpush/embedded/broker_server.hpp>
#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>
#include <rocketpush/runtime/runtime.hpp>
#include <rocketpush/transport/tcp_transport.hpp>
#include <rocketpush/transport/transport.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
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
 * It does: routes, topics made by themselves, groups and their notices, send (single and batch), pull with long polling and
 * tags, offsets, search by time, send-back with delayed retries and dead letters, delay levels, queue locks, and what admin
 * tools ask about consumers. It does not: transactions, SQL filters, POP, several replicas, anything on disk.
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

    /// Makes a topic, or gives it more queues. @throws std::system_error  error::invalid_topic, error::invalid_option.
    void create_topic(std::string_view topic, std::int32_t queues = 8) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_topic(topic, queues); }), "create_topic", topic);
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

    /// Whether a group has committed behind every message that a topic holds; false for a topic that does not exist. Of
    /// messages that the group's tags leave out, those at the end of a queue are only passed when more messages come.
    bool consumed(std::string_view group, std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.consumed(group, topic); });
    }

    /// Where a queue's next message will be.
    queue_offset max_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.max_offset(topic, queue); });
    }

    /// Offset of a queue's oldest message.
    queue_offset min_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.min_offset(topic, queue); });
    }

    /// Client ids of a group's members, in the order in which they came.
    std::vector<std::string> members(std::string_view group) const {
        return call([&](auto& logic, auto&) { return logic.members(group); });
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

    /// The next `count` requests with this code are answered with `failure`, and not processed.
    void fail_next(protocol::request_code code, response_code failure, std::size_t count = 1) {
        call([&](auto& logic, auto&) { logic.fail_next(code, failure, count); });
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
