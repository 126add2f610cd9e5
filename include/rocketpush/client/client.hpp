#ifndef ROCKETPUSH_CLIENT_CLIENT_HPP
#define ROCKETPUSH_CLIENT_CLIENT_HPP

#include <rocketpush/client/client_instance.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/process_bound.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>
#include <rocketpush/transport/tcp_transport.hpp>

#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

namespace rocketpush {

/**
 * @brief A client that several consumers of a process share: its connections, heartbeats, routes and strand.
 *
 * @code
 * rocketpush::client shared{rocketpush::options{.name_servers = "10.0.0.1:9876"}};
 * rocketpush::push_consumer orders{shared, {.group = "billing"}, on_order};
 * rocketpush::push_consumer refunds{shared, {.group = "ledger"}, on_refund};
 * @endcode
 *
 * Of the options only what belongs to the client counts (see client_settings). Outlives its consumers. In a child of `fork()` it is
 * inert, as they are.
 *
 * @par Thread safety  Made and destroyed by one thread; consumers may be made from it by any.
 * @par Source         Java `MQClientManager`. Differs: sharing is asked for, never by accident of equal names.
 */
template <transport Transport = tcp_transport, runtime Runtime = asio_runtime>
class client {
  public:
    using instance_type = client_instance<Transport, Runtime>;

    /// @throw std::system_error  error::invalid_name_server, or another code of check_name_servers() and check_credentials()
    explicit client(const options& with, Transport transport = Transport(), Runtime runtime = Runtime())
        : instance_(std::make_shared<instance_type>(checked(with), std::move(transport), std::move(runtime))) {
        instance_->hold();
        instance_->runtime().start();
    }
    client(const client&)            = delete;
    client& operator=(const client&) = delete;

    ~client() {
        if (instance_.problem())
            return; // in a child of fork(): it is the parent's
        asio::post(instance_->runtime().get_executor(), [shared = instance_.shared()] { shared->release(); });
        auto runtime = instance_->runtime();
        instance_.reset();
        runtime.join(std::chrono::seconds(5));
    }

    /// @throw std::system_error  error::used_after_fork
    const std::shared_ptr<instance_type>& instance() const { return instance_.shared(); }

  private:
    static client_settings checked(const options& with) {
        if (const auto problem = check_name_servers(with))
            throw std::system_error(problem.code, problem.text);
        if (const auto problem = check_credentials(with))
            throw std::system_error(problem.code, problem.text);
        return client_part(with);
    }

    detail::process_bound<instance_type> instance_;
};

} // namespace rocketpush

#endif
