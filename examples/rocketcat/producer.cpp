#include "producer.hpp"

#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/message_batch.hpp>
#include <rocketpush/protocol/message_id.hpp>
#include <rocketpush/protocol/properties.hpp>
#include <rocketpush/protocol/requests_send.hpp>
#include <rocketpush/remoting/connection_pool.hpp>
#include <rocketpush/remoting/name_servers.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>

#include <asio/ip/address.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <future>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "chosen_transport.hpp"

namespace rocketcat {

namespace rp       = rocketpush;
namespace protocol = rocketpush::protocol;

namespace {

using executor_type = rp::asio_runtime::executor_type;
using pool_type     = rp::connection_pool<chosen_transport, rp::asio_runtime>;
template <class T>
using task = rp::detail::awaitable<T, executor_type>;

constexpr std::chrono::milliseconds request_timeout{3000};
constexpr std::int32_t default_queues =
    4; ///< What a producer asks for when it makes a topic. Java: defaultTopicQueueNums.

/// One queue that may be written to, and where its broker's master is.
struct target {
    std::string broker_name;
    std::int32_t queue_id = 0;
    rp::endpoint master;
};

/// @param most  Queues of one broker that are used.
std::vector<target> writable_queues(const protocol::route_data& route, std::int32_t most) {
    std::vector<target> found;
    for (const auto& queues : route.queue_datas) {
        if ((queues.perm & protocol::permissions::write) == 0)
            continue;
        const auto broker =
            std::ranges::find(route.broker_datas, queues.broker_name, &protocol::broker_data::broker_name);
        if (broker == route.broker_datas.end() || !broker->broker_addrs.contains(0))
            continue; // without its master a broker takes no messages
        const auto master = rp::parse_endpoint(broker->broker_addrs.at(0));
        if (!master)
            continue;
        for (std::int32_t id = 0; id < std::min(queues.write_queue_nums, most); ++id)
            found.push_back({queues.broker_name, id, *master});
    }
    // One queue of each broker, then the next of each: neighbours in the round are on different brokers.
    std::ranges::stable_sort(found, {}, &target::queue_id);
    return found;
}

/// Stored, whether or not it reached the disk or a slave in time.
bool is_stored(rp::response_code code) noexcept {
    using enum rp::response_code;
    return code == success || code == flush_disk_timeout || code == flush_slave_timeout || code == slave_not_available;
}

/// Whether another queue may do what this one did not. Java: retryResponseCodes.
bool is_worth_another_try(std::error_code failure) noexcept {
    using enum rp::response_code;
    if (failure.category() != rp::response_category())
        return failure != rp::error::operation_cancelled;
    const auto code = static_cast<rp::response_code>(failure.value());
    return code == system_error || code == system_busy || code == service_not_available || code == topic_not_exist ||
           code == no_permission || code == flow_control || code == not_leader_for_queue || code == go_away;
}

rp::host_address to_host_address(const rp::endpoint& from) {
    std::error_code not_numeric;
    const auto address = asio::ip::make_address(from.host, not_numeric);
    if (!not_numeric && address.is_v6())
        return {address.to_v6().to_bytes(), from.port};
    return {not_numeric ? std::array<unsigned char, 4>{127, 0, 0, 1} : address.to_v4().to_bytes(), from.port};
}

} // namespace

/// Shared with its coroutines. What is not behind the mutex or atomic belongs to the runtime's thread.
class producer::pipeline : public std::enable_shared_from_this<pipeline> {
  public:
    explicit pipeline(producer_settings settings)
        : settings_(std::move(settings)),
          pool_(runtime_, chosen_transport(settings_.tls), protocol::default_frame_limit, request_timeout, {}, {},
                settings_.credentials),
          name_servers_(pool_, settings_.name_servers, runtime_.random(), request_timeout) {
        runtime_.start();
    }

    std::error_code connect() {
        std::promise<std::error_code> answer;
        spawn(find_route_in_time(shared_from_this(), answer));
        return answer.get_future().get();
    }

    std::size_t queues() const noexcept { return queue_count_.load(); }

    bool wait_for_room(std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [this] { return under_way_ < settings_.in_flight; });
    }

    void send(std::vector<outgoing_message> together) {
        {
            const std::lock_guard lock(mutex_);
            ++under_way_;
        }
        asio::post(runtime_.get_executor(), [self = shared_from_this(), together = std::move(together)]() mutable {
            self->spawn(deliver(self, std::move(together)));
        });
    }

    bool wait_until_idle(std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [this] { return under_way_ == 0; });
    }

    void give_up() noexcept { given_up_ = true; }

    producer_totals totals() const {
        const std::lock_guard lock(mutex_);
        return totals_;
    }

    void end() {
        given_up_ = true;
        asio::post(runtime_.get_executor(), [self = shared_from_this()] { self->pool_.close(); });
        runtime_.join(std::chrono::seconds(2));
    }

  private:
    void spawn(task<void> work) { asio::co_spawn(runtime_.get_executor(), std::move(work), asio::detached); }

    static task<void> find_route_in_time(std::shared_ptr<pipeline> self, std::promise<std::error_code>& answer) {
        const auto deadline = self->runtime_.now() + self->settings_.patience;
        auto failure        = co_await self->find_route();
        while (failure && !rp::is_hopeless(failure) && !self->given_up_ && self->runtime_.now() < deadline) {
            co_await self->pause(std::chrono::milliseconds(500));
            failure = co_await self->find_route();
        }
        answer.set_value(failure);
    }

    task<std::error_code> find_route() {
        auto route = co_await name_servers_.route(settings_.topic);
        auto most  = std::numeric_limits<std::int32_t>::max();
        if (!route && route.error() == rp::error::no_route) {
            // Brokers that make topics by themselves offer this one; they copy its settings for ours.
            route = co_await name_servers_.route(std::string(rp::auto_create_topic));
            most  = default_queues;
        }
        if (!route)
            co_return route.error() == rp::error::name_servers_unreachable ? name_servers_.last_failure()
                                                                           : route.error();
        auto found = writable_queues(*route, most);
        if (found.empty())
            co_return rp::error::no_broker_address;
        targets_     = std::move(found);
        queue_count_ = targets_.size();
        co_return std::error_code();
    }

    static task<void> deliver(std::shared_ptr<pipeline> self, std::vector<outgoing_message> together) {
        const auto failure = co_await self->store(together);
        {
            const std::lock_guard lock(self->mutex_);
            --self->under_way_;
            (failure ? self->totals_.failed : self->totals_.sent) += together.size();
            if (!failure) {
                ++self->totals_.requests;
                for (const auto& each : together)
                    self->totals_.bytes += each.body.size();
            }
        }
        self->changed_.notify_all();
    }

    /// Tries until a broker has it, or there is no sense or no time for more.
    task<std::error_code> store(std::vector<outgoing_message>& together) {
        prepare(together);
        const auto deadline = runtime_.now() + settings_.patience;
        std::string last_broker;
        for (std::size_t attempt = 1;; ++attempt) {
            const auto to = next_target(last_broker);
            std::error_code failure;
            if (together.size() == 1)
                failure = co_await request_one(to, together.front());
            else
                failure = co_await request_batch(to, together);
            if (!failure)
                co_return failure;
            if (!is_worth_another_try(failure) || given_up_ || runtime_.now() >= deadline)
                co_return failure;
            last_broker = to.broker_name;
            if (attempt >= 2) { // no other queue did either: wait for the cluster, whose brokers may be changing
                co_await pause(std::chrono::milliseconds(200));
                if (std::exchange(route_age_, runtime_.now()) + std::chrono::seconds(1) < runtime_.now())
                    co_await find_route();
            }
            const std::lock_guard lock(mutex_);
            ++totals_.retries;
        }
    }

    void prepare(std::vector<outgoing_message>& together) {
        const auto now = runtime_.system_now();
        if (!ids_)
            ids_.emplace(own_address(), static_cast<std::uint64_t>(::getpid()),
                         static_cast<std::uint32_t>(runtime_.random()));
        for (auto& each : together) {
            protocol::append_property(each.properties, rp::property_names::unique_key, ids_->next(now));
            protocol::append_property(each.properties, rp::property_names::wait_store, "true");
            if (settings_.stamp && each.body.size() >= 8)
                rp::detail::store_big(
                    each.body.data(),
                    std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count());
        }
    }

    /// As the name server sees us; unique keys begin with it.
    rp::host_address own_address() const {
        for (const auto& server : settings_.name_servers)
            if (const auto open = pool_.find(server))
                return to_host_address(open->local_endpoint());
        return to_host_address({"127.0.0.1", 0});
    }

    /// The next queue of the round; after a failure the next one of another broker, if there is one.
    target next_target(const std::string& not_of) {
        for (std::size_t tried = 0; tried < targets_.size(); ++tried)
            if (const auto& next = targets_[turn_++ % targets_.size()]; next.broker_name != not_of)
                return next;
        return targets_[turn_++ % targets_.size()];
    }

    template <class Request>
    Request request_to(const target& to, std::string properties) {
        const auto now = std::chrono::floor<std::chrono::milliseconds>(runtime_.system_now().time_since_epoch());
        return {.producer_group           = settings_.group,
                .topic                    = settings_.topic,
                .default_topic_queue_nums = default_queues,
                .queue_id                 = to.queue_id,
                .born_timestamp           = now.count(),
                .properties               = std::move(properties),
                .broker_name              = to.broker_name};
    }

    task<std::error_code> request_one(target to, const outgoing_message& message) {
        auto request = request_to<protocol::send_request>(to, message.properties);
        return answered(to.master, std::move(request), message.body);
    }

    task<std::error_code> request_batch(target to, const std::vector<outgoing_message>& messages) {
        std::string body;
        for (const auto& each : messages)
            protocol::append_batch_message(body, {.flag = 0, .body = each.body, .properties = each.properties});
        // The batch as a whole has the first one's key, as in Java.
        auto request = request_to<protocol::send_batch_request>(to, messages.front().properties);
        return answered(to.master, std::move(request), std::move(body));
    }

    template <class Request>
    task<std::error_code> answered(rp::endpoint broker, Request request, std::string body) {
        auto open = co_await pool_.get(broker);
        if (!open) {
            remember(to_string(broker) + ": " + open.error().message());
            co_return open.error();
        }
        auto [failure, frame] =
            co_await (*open)->async_request(request, body, request_timeout, rp::detail::await_tuple<executor_type>);
        if (failure) {
            remember(to_string(broker) + ": " + failure.message());
            co_return failure;
        }
        const auto code = static_cast<rp::response_code>(frame.header.code);
        if (is_stored(code))
            co_return std::error_code();
        remember(to_string(broker) + ": " + make_error_code(code).message() + ": " + frame.header.remark());
        co_return make_error_code(code);
    }

    void remember(std::string problem) {
        const std::lock_guard lock(mutex_);
        totals_.problem = std::move(problem);
    }

    task<void> pause(std::chrono::milliseconds time) {
        rp::asio_runtime::timer timer(runtime_);
        timer.expires_at(runtime_.now() + time);
        co_await timer.async_wait(rp::detail::await_tuple<executor_type>);
    }

    const producer_settings settings_;
    rp::asio_runtime runtime_;
    pool_type pool_;
    rp::name_servers<chosen_transport, rp::asio_runtime> name_servers_;
    std::optional<protocol::unique_id_generator> ids_;
    std::vector<target> targets_;
    std::size_t turn_ = 0;
    std::chrono::steady_clock::time_point route_age_{};
    std::atomic<std::size_t> queue_count_{0};
    std::atomic<bool> given_up_{false};

    mutable std::mutex mutex_; ///< Guards what follows.
    std::condition_variable changed_;
    std::size_t under_way_ = 0;
    producer_totals totals_;
};

producer::producer(producer_settings settings) : pipeline_(std::make_shared<pipeline>(std::move(settings))) {}
producer::~producer() { pipeline_->end(); }

std::error_code producer::connect() { return pipeline_->connect(); }
std::size_t producer::queues() const { return pipeline_->queues(); }
bool producer::wait_for_room(std::chrono::milliseconds limit) { return pipeline_->wait_for_room(limit); }
void producer::send(std::vector<outgoing_message> together) { pipeline_->send(std::move(together)); }
bool producer::wait_until_idle(std::chrono::milliseconds limit) { return pipeline_->wait_until_idle(limit); }
void producer::give_up() noexcept { pipeline_->give_up(); }
producer_totals producer::totals() const { return pipeline_->totals(); }

} // namespace rocketcat
