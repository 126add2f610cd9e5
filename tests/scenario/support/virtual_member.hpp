#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_HPP

#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/observe/statistics.hpp>

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

namespace rocketpush::test {

/// A listener call's messages and context.
using message_span = std::span<const message_view>;

/// What a test's listener does; all tests share one listener type and so one compiled consumer.
using listener_function = std::function<consume_result(message_span, consume_context&)>;

/// One that may take (virtual) time.
using slow_result            = asio::awaitable<consume_result, manual_runtime::executor_type>;
using slow_listener_function = std::function<slow_result(message_span, consume_context&)>;

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

/**
 * @brief A member of a group in a virtual cluster: a push consumer with `inline_executor`, and what its listener got.
 *
 * Stops in its destructor. Compiled once for each kind of function, in virtual_member.cpp and slow_virtual_member.cpp.
 */
template <class Function>
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
                         std::shared_ptr<memory_network> through = nullptr);
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

    /// These only begin; `done` is called when it completed.
    void begin_start(std::function<void(std::error_code)> done);
    void begin_stop(std::function<void(std::error_code)> done);

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

extern template class basic_virtual_member<listener_function>;
extern template class basic_virtual_member<slow_listener_function>;

/// Lets `time` pass in a slow listener.
inline asio::awaitable<void, manual_runtime::executor_type> pause_for(manual_runtime& runtime, std::chrono::milliseconds time) {
    manual_runtime::timer timer(runtime);
    timer.expires_at(runtime.now() + time);
    co_await timer.async_wait(detail::await_tuple<manual_runtime::executor_type>);
}

} // namespace rocketpush::test

#endif
