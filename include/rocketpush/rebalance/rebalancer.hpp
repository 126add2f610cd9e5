#ifndef ROCKETPUSH_REBALANCE_REBALANCER_HPP
#define ROCKETPUSH_REBALANCE_REBALANCER_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/java_string.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/rebalance/assignment.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Shares the queues of each subscribed topic out among the members of the group, again and again.
 *
 * A round runs when something asked for it, at most one a second, and every 20 s otherwise; every second while a queue is
 * changing hands or a member list could not be had. A round only asks and compares: taking over and giving up are
 * operations of the queue table.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Source   Java `RebalanceService`, `RebalanceImpl.rebalanceByTopic`.
 */
template <class Host>
class rebalancer {
  public:
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    static constexpr std::chrono::milliseconds shortest_interval{1000};

    explicit rebalancer(Host& host) : host_(host), asked_(host.runtime()) {}

    /// Have a round soon. Many calls make one round.
    void ask() { asked_.wake(); }

    /// Have a round in a second at the latest: something did not go through.
    void ask_later() {
        if (!std::exchange(retry_, true))
            asked_.wake();
    }

    /// Rounds until the consumer stops.
    static task<void> run(std::shared_ptr<Host> host) {
        rebalancer& self = host->rebalance();
        while (host->running()) {
            const auto begun = host->runtime().now();
            self.retry_      = false;
            const bool clean = co_await self.round();
            if (!host->running())
                break;
            const auto soonest = begun + shortest_interval;
            auto next = begun + (clean && !self.retry_ ? host->settings().rebalance_interval : shortest_interval);
            while (host->running() && host->runtime().now() < next) {
                const bool asked = co_await self.asked_.wait_until(next);
                if (asked)
                    next = std::max(soonest, host->runtime().now());
            }
        }
    }

  private:
    /// @return Whether every topic is shared out and nothing is on its way.
    task<bool> round() {
        bool clean = true;
        for (const auto& topic : host_.topics()) {
            const bool shared = co_await share_out(topic);
            clean             = clean && shared;
            if (!host_.running())
                co_return false;
        }
        co_return clean&& host_.queues().settled();
    }

    task<bool> share_out(std::string topic) {
        const auto queues = host_.routes().queues(topic); // a copy: the route may change while we ask
        if (queues.empty())
            co_return is_retry_topic(topic) || host_.routes().knows(topic); // routes_duty asks again, and tells us
        auto members = co_await member_list(topic);
        if (!host_.running())
            co_return false;
        if (!members) {
            host_.observe().on_rebalance_failure(topic, members.error());
            co_return false;
        }
        std::ranges::sort(*members, [](const auto& a, const auto& b) { return detail::java_compare(a, b) < 0; });
        const auto repeated = std::ranges::unique(*members);
        members->erase(repeated.begin(), repeated.end());

        const allocation share =
            host_.strategy().allocate({host_.settings().group, host_.client_id(), *members, queues});
        if (!share) { // of a member list without us too: it is stale, and to release everything would be wrong
            host_.observe().on_rebalance_failure(topic, share.error());
            host_.heartbeat_soon();
            co_return false;
        }
        auto own = *share;
        std::ranges::sort(own);
        const auto change = compare_assignment(host_.queues().held(topic), own);
        for (const auto& queue : change.release)
            host_.queues().release(queue);
        const bool all_contested = may_be_held_elsewhere(members_[topic], *members);
        const auto orphaned =
            left_behind(host_.strategy(), {host_.settings().group, "", members_[topic], queues}, *members);
        for (const auto& queue : change.acquire)
            host_.queues().acquire(queue, members->size() > 1 && (all_contested || !orphaned.contains(queue)));
        members_[topic] = std::move(*members);
        if (!std::exchange(told_[topic], true) || !change.empty())
            host_.observe().on_rebalance(topic, queues, own);
        co_return change.empty();
    }

    /// Asks the topic's brokers one after the other, from a random one on.
    task<result<std::vector<std::string>>> member_list(std::string topic) {
        const auto brokers = host_.routes().brokers_of(topic);
        result<std::vector<std::string>> answer(error::no_broker_address);
        const auto start = brokers.empty() ? 0 : static_cast<std::size_t>(host_.runtime().random() % brokers.size());
        for (std::size_t i = 0; i < brokers.size() && host_.running(); ++i) {
            answer = co_await host_.calls().consumer_ids(brokers[(start + i) % brokers.size()], host_.settings().group);
            if (answer)
                break;
        }
        co_return answer;
    }

    Host& host_;
    detail::wake_up<typename Host::runtime_type> asked_;
    bool retry_ = false;
    std::map<std::string, std::vector<std::string>> members_; ///< Of the last round, by topic.
    std::map<std::string, bool> told_;                        ///< Topics whose first assignment was told.
};

} // namespace rocketpush

#endif
