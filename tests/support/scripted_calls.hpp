#ifndef ROCKETPUSH_TESTS_SUPPORT_SCRIPTED_CALLS_HPP
#define ROCKETPUSH_TESTS_SUPPORT_SCRIPTED_CALLS_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/remoting/connection_pool.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"
#include "tests/support/scripted_broker.hpp"

namespace rocketpush::test {

template <class T>
using virtual_task = detail::awaitable<T, manual_runtime::executor_type>;

/**
 * @brief Servers with a script, and the connections to them, for those who test calls: they are coroutines, and run here to their end.
 */
struct scripted_calls {
    using pool_type = connection_pool<memory_transport, manual_runtime>;

    explicit scripted_calls(const std::vector<endpoint>& servers) : script(runtime, network, servers) {}
    scripted_calls(const scripted_calls&)            = delete;
    scripted_calls& operator=(const scripted_calls&) = delete;
    ~scripted_calls() {
        pool.close();
        runtime.run_ready();
    }

    /// Begins `operation`, whose result will be in `into`.
    template <class T>
    void begin(virtual_task<T> operation, std::optional<T>& into) {
        asio::co_spawn(runtime.get_executor(), keep(std::move(operation), into), asio::detached);
        runtime.run_ready();
    }
    /// @return What `operation` gave; it has to end in time.
    template <class T>
    T run(virtual_task<T> operation, std::chrono::milliseconds within = std::chrono::milliseconds(0)) {
        std::optional<T> got;
        begin(std::move(operation), got);
        runtime.advance(within);
        REQUIRE(got.has_value());
        return std::move(*got);
    }

    manual_runtime runtime;
    std::shared_ptr<memory_network> network = std::make_shared<memory_network>();
    scripted_broker script;
    pool_type pool{runtime, memory_transport(network), protocol::default_frame_limit, std::chrono::seconds(3), {}};

  private:
    template <class T>
    static virtual_task<void> keep(virtual_task<T> operation, std::optional<T>& into) {
        auto got = co_await std::move(operation);
        into.emplace(std::move(got));
    }
};

} // namespace rocketpush::test

#endif
