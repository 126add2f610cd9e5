#ifndef ROCKETPUSH_REBALANCE_GROUP_CHECK_HPP
#define ROCKETPUSH_REBALANCE_GROUP_CHECK_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/rebalance/group_watch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Looks whether the group is as it should be, after a share-out and at most once in `options::group_check_interval`: asks
 *        one broker for the members' connections, and one other member, in turn, for what it subscribes.
 *
 * A broker that refuses (an access list may say that no plain client shall ask this) is asked no more for an hour.
 *
 * @tparam Host  The consumer; see consumer_core.
 */
template <class Host>
class group_check {
  public:
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// A member that has just started waits: others may be starting, and its heartbeats are on their way.
    static constexpr std::chrono::seconds first_after{10};
    static constexpr std::chrono::hours pause_after_refusal{1};
    /// So long may a broker keep a connection of ours that broke without its hearing of it.
    static constexpr std::chrono::seconds memory_of_broker{130};

    explicit group_check(Host& host) noexcept : host_(host) {}

    /// A round of sharing out has ended.
    void round_ended() {
        const auto interval = host_.settings().group_check_interval;
        const auto now      = host_.runtime().now();
        if (running_ || interval == std::chrono::milliseconds(0) ||
            now < std::max(due_, host_.started_at() + first_after))
            return;
        due_     = now + interval;
        running_ = true;
        host_.spawn(run(host_.shared_from_this()));
    }

  private:
    static task<void> run(std::shared_ptr<Host> host) {
        group_check& self = host->checks();
        if (const auto broker = self.broker()) {
            const auto asked = co_await host->calls().consumer_connections(*broker, host->settings().group);
            if (!asked && asked.error() == response_code::no_permission)
                self.due_ = host->runtime().now() + pause_after_refusal;
            if (asked && host->running()) {
                self.look_at(*asked, *broker);
                const auto other = self.watch_.next_to_ask(asked->members, host->client_id());
                if (other) {
                    const auto theirs = co_await host->calls().subscriptions_of(*broker, host->settings().group, *other);
                    if (theirs && host->running())
                        self.tell(self.watch_.compare_with_member(*other, self.own(), *theirs));
                }
            }
        }
        self.running_ = false;
    }

    /// One that has a topic of ours.
    std::optional<endpoint> broker() const {
        for (const auto& topic : host_.topics())
            if (const auto brokers = host_.routes().brokers_of(topic); !is_retry_topic(topic) && !brokers.empty())
                return brokers[static_cast<std::size_t>(host_.runtime().random() % brokers.size())];
        return std::nullopt;
    }

    std::vector<subscription> own() const { return host_.describe().subscriptions; }

    void look_at(const protocol::consumer_connections& group, const endpoint& broker) {
        tell(watch_.compare_with_broker(own(), group.subscriptions));
        const auto connections = static_cast<std::size_t>(
            std::ranges::count(group.members, host_.client_id(), &protocol::consumer_connection::client_id));
        // A second one may be our last, of whose end the broker has not heard.
        if (host_.client().came_again_within(broker, memory_of_broker))
            return;
        if (watch_.see_connections(connections))
            host_.observe().on_twin_client(host_.client_id(), connections);
    }

    void tell(const std::vector<subscription_difference>& news) {
        for (const auto& each : news)
            host_.observe().on_subscriptions_differ(each.topic, each.own, each.other);
    }

    Host& host_;
    group_watch watch_;
    time_point due_{};
    bool running_ = false;
};

} // namespace rocketpush

#endif
