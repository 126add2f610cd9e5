#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_HPP

#include <rocketpush/consume/orderly.hpp>
#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/fetch/flow_control.hpp>
#include <rocketpush/observe/statistics.hpp>
#include <rocketpush/offset_store/broker_offset_store.hpp>
#include <rocketpush/offset_store/file_offset_store.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "tests/scenario/support/virtual_cluster.hpp"
#include "tests/support/fake_disk.hpp"

namespace rocketpush::test {

/// A listener call's messages and context.
using message_span = std::span<const message_view>;

/// What a test's listener does; all tests share one listener type and so one compiled consumer.
using listener_function = std::function<consume_result(message_span, consume_context&)>;

/// One that may take (virtual) time.
using slow_result            = asio::awaitable<consume_result, manual_runtime::executor_type>;
using slow_listener_function = std::function<slow_result(message_span, consume_context&)>;

/// The slow listener of a member that has a broker say what it reads and how: with `broker_allocation`.
struct popping_listener_function : slow_listener_function {
    using slow_listener_function::slow_listener_function;
};
// In order; these tell by their context that they are wrapped in `orderly`, or `orderly_manual`.
using orderly_function      = std::function<consume_result(message_span, orderly_context&)>;
using slow_orderly_function = std::function<slow_result(message_span, orderly_context&)>;
using manual_function       = std::function<orderly_result(message_span, orderly_context&)>;

/// A message as a listener got it.
struct received_message {
    std::string body;
    std::string topic;
    std::string stored_topic;
    std::string id;
    std::int32_t queue_id;
    queue_offset offset;
    std::int32_t reconsume_times;
    std::size_t call; ///< Counted over the member.
    std::chrono::steady_clock::time_point at;
};

/// Local offsets of a broadcasting member, on a disk that the test holds.
using fake_file_store = basic_file_offset_store<fake_files, prompt_worker>;

/**
 * @brief A member of a group in a virtual cluster: a push consumer with `inline_executor`, and what its listener got.
 *
 * Stops in its destructor. Compiled once for each kind of member, in virtual_member.cpp, slow_virtual_member.cpp ...
 */
template <class Function, class Store = broker_offset_store>
class basic_virtual_member {
  public:
    /// What the members of one process share.
    class shared_client {
      public:
        shared_client(virtual_cluster& cluster, const options& with);
        shared_client(const shared_client&) = delete;
        ~shared_client();

      private:
        friend basic_virtual_member;
        struct impl;
        virtual_cluster& cluster_;
        std::unique_ptr<impl> impl_;
    };

    /// @param function  What the listener does once the message is noted; nothing: success.
    /// @param through   A network of its own, to lose alone; else the cluster's.
    basic_virtual_member(virtual_cluster& cluster, std::string name, const options& with, Function function = {},
                         std::shared_ptr<memory_network> through = nullptr, Store store = Store());
    basic_virtual_member(virtual_cluster& cluster, shared_client& client, std::string name, const options& with,
                         Function function = {});
    basic_virtual_member(const basic_virtual_member&)            = delete;
    basic_virtual_member& operator=(const basic_virtual_member&) = delete;
    ~basic_virtual_member();

    void subscribe(const std::string& topic, const filter_expression& filter = all_messages);
    bool unsubscribe(const std::string& topic);

    /// These run virtual time until it is done. @return What it completed with; nothing if not within a minute.
    std::optional<std::error_code> start();
    std::optional<std::error_code> stop();
    std::optional<std::error_code> stop(std::chrono::milliseconds limit);

    /// While it runs. As above.
    std::optional<std::error_code> subscribe_running(const std::string& topic, const filter_expression& filter = all_messages);
    std::optional<std::error_code> unsubscribe_running(const std::string& topic);

    /// These only begin; `done` is called when it completed.
    void begin_start(std::function<void(std::error_code)> done);
    void begin_stop(std::function<void(std::error_code)> done);

    std::optional<std::error_code> seek(const message_queue& queue, queue_offset offset);

    void suspend();
    void resume();
    void suspend(const message_queue& queue);
    void resume(const message_queue& queue);
    void limit_cache(const cache_limits& limits);
    void limit_memory(std::size_t bytes);

    consumer_statistics statistics();
    std::string client_id();

    /// Everything that the listener got, in order.
    const std::vector<received_message>& received() const noexcept;
    /// How often each body came.
    std::map<std::string, int> counts() const;
    std::vector<event> events(std::string_view what) const;
    std::size_t count(std::string_view what) const { return events(what).size(); }

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

using virtual_member      = basic_virtual_member<listener_function>;
using slow_virtual_member = basic_virtual_member<slow_listener_function>;
using broadcast_member    = basic_virtual_member<listener_function, fake_file_store>;
using popping_member      = basic_virtual_member<popping_listener_function>;
using orderly_member      = basic_virtual_member<orderly_function>;
using slow_orderly_member = basic_virtual_member<slow_orderly_function>;
using manual_member       = basic_virtual_member<manual_function>;

extern template class basic_virtual_member<listener_function>;
extern template class basic_virtual_member<slow_listener_function>;
extern template class basic_virtual_member<listener_function, fake_file_store>;
extern template class basic_virtual_member<popping_listener_function>;
extern template class basic_virtual_member<orderly_function>;
extern template class basic_virtual_member<slow_orderly_function>;
extern template class basic_virtual_member<manual_function>;

/// Lets `time` pass in a slow listener.
inline asio::awaitable<void, manual_runtime::executor_type> pause_for(manual_runtime& runtime, std::chrono::milliseconds time) {
    manual_runtime::timer timer(runtime);
    timer.expires_at(runtime.now() + time);
    co_await timer.async_wait(detail::await_tuple<manual_runtime::executor_type>);
}

} // namespace rocketpush::test

#endif
