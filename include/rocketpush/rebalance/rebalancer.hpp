#ifndef ROCKETPUSH_REBALANCE_REBALANCER_HPP
#define ROCKETPUSH_REBALANCE_REBALANCER_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/rebalance/assignment.hpp>
#include <rocketpush/rebalance/broker_share.hpp>
#include <rocketpush/rebalance/member_views.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
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
 * operations of the queue table. In broadcasting every queue is ours, and nobody is asked.
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

    /// A topic is subscribed no longer: what was known of it is of another time when it comes back.
    void forget(const std::string& topic) {
        members_.erase(topic);
        views_.erase(topic);
        told_.erase(topic);
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
            host->checks().round_ended();
            const auto soonest = begun + shortest_interval;
            auto next = begun + (clean && !self.retry_ ? host->settings().rebalance_interval : shortest_interval);
            if (ROCKETPUSH_PLANTED(notices_only))
                next = time_point::max();
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
        if constexpr (Host::pops_queues)
            clean = clean && host_.pops().settled();
        co_return clean&& host_.queues().settled();
    }

    task<bool> share_out(std::string topic) {
        const auto queues = host_.routes().queues(topic); // a copy: the route may change while we ask
        if (queues.empty()) {                             // routes_duty asks again, and tells us
            if (host_.routes().knows(topic))
                co_return give_up(topic);
            co_return is_retry_topic(topic);
        }
        if constexpr (Host::broadcasting) {
            const auto change = change_to(topic, queues);
            for (const auto& queue : change.acquire)
                host_.queues().acquire(queue, false);
            tell(topic, queues, queues, change);
            co_return change.empty();
        }
        if constexpr (Host::pops_queues) {
            const auto asked = co_await ask_broker(topic);
            if (!host_.running())
                co_return false;
            if (!host_.subscription_of(topic)) // any more
                co_return true;
            if (asked) {
                const bool done = co_await take_share(topic, queues, *asked);
                co_return done;
            }
            if (asked.error() != response_code::request_code_not_supported) {
                host_.observe().on_rebalance_failure(topic, asked.error());
                host_.topic_refused(topic, asked.error());
                co_return false;
            }
            for (const auto& queue : host_.pops().held(topic)) // no broker that can be popped is left
                host_.pops().release(queue);
        }
        auto members = co_await member_list(topic);
        if (!host_.running())
            co_return false;
        if (!host_.subscription_of(topic)) // any more
            co_return true;
        if (!members) {
            host_.observe().on_rebalance_failure(topic, members.error());
            host_.group_refused(members.error());
            co_return false;
        }
        const allocation share =
            host_.strategy().allocate({host_.settings().group, host_.client_id(), *members, queues});
        if (!share) { // of a member list without us too: it is stale, and to release everything would be wrong
            host_.observe().on_rebalance_failure(topic, share.error());
            host_.heartbeat_soon();
            co_return false;
        }
        auto own = *share;
        std::ranges::sort(own);
        const auto change = change_to(topic, own);
        acquire(topic, queues, change.acquire, std::move(*members));
        tell(topic, queues, own, change);
        co_return change.empty();
    }

    /// None of the topic's queues may be read any more. @return Whether there was nothing to give up.
    bool give_up(const std::string& topic) {
        const auto change = change_to(topic, {});
        bool nothing      = change.empty();
        if constexpr (Host::pops_queues)
            for (const auto& queue : host_.pops().held(topic)) {
                host_.pops().release(queue);
                nothing = false;
            }
        if (!nothing) {
            members_.erase(topic);
            const std::span<const message_queue> none;
            host_.observe().on_rebalance(topic, none, none);
        }
        return nothing;
    }

    /// What has to change so that `own`, sorted, is ours; what we have too much is given up.
    assignment_change change_to(const std::string& topic, std::span<const message_queue> own) {
        auto change = compare_assignment(host_.queues().held(topic), own);
        for (const auto& queue : change.release)
            host_.queues().release(queue);
        return change;
    }

    void tell(const std::string& topic, std::span<const message_queue> all, std::span<const message_queue> own,
              const assignment_change& change) {
        if (!std::exchange(told_[topic], true) || !change.empty())
            host_.observe().on_rebalance(topic, all, own);
    }

    /// Takes over what was assigned. @param members  Of the group, sorted; `queues` are all of the topic.
    void acquire(const std::string& topic, const std::vector<message_queue>& queues,
                 const std::vector<message_queue>& assigned, std::vector<std::string> members) {
        const bool all_contested = may_be_held_elsewhere(members_[topic], members);
        const auto orphaned =
            left_behind(host_.strategy(), {host_.settings().group, "", members_[topic], queues}, members);
        for (const auto& queue : assigned)
            host_.queues().acquire(queue, members.size() > 1 && (all_contested || !orphaned.contains(queue)));
        members_[topic] = std::move(members);
    }

    /// Makes ours what a broker assigned to us. A queue that is pulled now and is to be popped, or the other way round, is given up
    /// first: else what is being consumed would come again.
    task<bool> take_share(std::string topic, std::vector<message_queue> queues, broker_share share) {
        auto change          = change_to(topic, share.pulled);
        const auto pop       = compare_assignment(host_.pops().held(topic), share.popped);
        const bool new_share = !change.empty() || !pop.empty();
        for (const auto& queue : pop.release)
            host_.pops().release(queue);
        for (const auto& queue : pop.acquire)
            if (const auto* wanted = host_.subscription_of(topic);
                wanted && !host_.queues().has(topic, queue.broker_name))
                host_.pops().acquire(queue, *wanted);
        std::erase_if(change.acquire,
                      [&](const message_queue& each) { return host_.pops().has(topic, each.broker_name); });
        if (!change.acquire.empty()) {
            auto members = co_await member_list(topic);
            if (!host_.running())
                co_return false;
            if (!host_.subscription_of(topic))
                co_return true;
            if (!members) {
                host_.observe().on_rebalance_failure(topic, members.error());
                host_.group_refused(members.error());
                co_return false;
            }
            acquire(topic, queues, change.acquire, std::move(*members));
        }
        if (const auto wanted = share.pulls_pop_retries(); wanted && !is_retry_topic(topic))
            host_.pull_pop_retries(topic, *wanted);
        if (!std::exchange(told_[topic], true) || new_share) {
            auto own = share.pulled;
            own.insert(own.end(), share.popped.begin(), share.popped.end());
            host_.observe().on_rebalance(topic, queues, own);
        }
        co_return !new_share;
    }

    /// Asks the topic's brokers one after the other, from a random one on, until one answers. Only if all of them are too old to
    /// know the question, that is the answer.
    task<result<broker_share>> ask_broker(std::string topic) {
        const auto brokers = host_.routes().brokers_of(topic);
        result<broker_share> share(error::no_broker_address);
        const auto start = brokers.empty() ? 0 : static_cast<std::size_t>(host_.runtime().random() % brokers.size());
        for (std::size_t i = 0; i < brokers.size() && host_.running(); ++i) {
            protocol::assignment_query query;
            query.topic          = topic;
            query.consumer_group = host_.settings().group;
            query.client_id      = host_.client_id();
            query.strategy_name  = host_.strategy().name_at_broker();
            const auto answer = co_await host_.calls().query_assignment(brokers[(start + i) % brokers.size()], query);
            if (answer) {
                share = sort_assignment(topic, *answer);
                break;
            }
            if (i == 0 || answer.error() != response_code::request_code_not_supported)
                share = answer.error();
        }
        co_return share;
    }

    /// Asks two of the topic's brokers, and once more when they differ: mostly that is of a moment. @return The members, sorted.
    task<result<std::vector<std::string>>> member_list(std::string topic) {
        constexpr std::chrono::milliseconds settles{200};
        detail::wake_up<typename Host::runtime_type> nap(host_.runtime());
        for (bool again = false;; again = true) {
            const auto brokers = host_.routes().brokers_of(topic);
            const auto start =
                brokers.empty() ? 0 : static_cast<std::size_t>(host_.runtime().random() % brokers.size());
            std::size_t turn = 0;
            auto one         = co_await next_list(brokers, start, turn);
            if (!one || turn == brokers.size() || !host_.running())
                co_return one;
            auto other = co_await next_list(brokers, start, turn);
            if (!other)
                co_return one;
            if (*one == *other || again || !host_.running())
                co_return views_[topic].join(*one, *other, host_.runtime().now());
            co_await nap.wait_until(host_.runtime().now() + settles);
            if (!host_.running())
                co_return one;
        }
    }

    /// The list of the first broker that answers, from `start + turn` on; `turn` is then the next one's.
    task<result<std::vector<std::string>>> next_list(std::vector<endpoint> brokers, std::size_t start,
                                                     std::size_t& turn) {
        result<std::vector<std::string>> answer(error::no_broker_address);
        while (turn < brokers.size() && host_.running()) {
            const auto& broker = brokers[(start + turn++) % brokers.size()];
            answer             = co_await host_.calls().consumer_ids(broker, host_.settings().group);
            if (answer) {
                member_views::sort(*answer);
                break;
            }
        }
        co_return answer;
    }

    Host& host_;
    detail::wake_up<typename Host::runtime_type> asked_;
    bool retry_ = false;
    std::map<std::string, std::vector<std::string>> members_; ///< Of the last round, by topic.
    std::map<std::string, member_views> views_;               ///< What brokers said in the rounds before, by topic.
    std::map<std::string, bool> told_;                        ///< Topics whose first assignment was told.
};

} // namespace rocketpush

#endif
