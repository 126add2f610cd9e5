#ifndef ROCKETPUSH_REBALANCE_SUBSCRIPTION_BOOK_HPP
#define ROCKETPUSH_REBALANCE_SUBSCRIPTION_BOOK_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/asio_compat.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The topics that a consumer has subscribed, and how they change while it runs.
 *
 * A new topic: its route is fetched, the brokers are told, then its queues are shared out. Another expression: as if the
 * topic's queues were given up and taken over anew, so that the new expression holds from the committed offset on. A topic
 * taken back: its queues are given up in good order, then the brokers are told.
 *
 * A SQL condition is compiled by the topic's brokers before any of them hears of it in a heartbeat: there the newest
 * subscription of a group is everybody's.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `DefaultMQPushConsumerImpl.subscribe`, `unsubscribe`, `MQClientInstance.checkClientInBroker`.
 */
template <class Host>
class subscription_book {
  public:
    template <class T>
    using task = detail::awaitable<T, typename Host::executor_type>;

    const std::map<std::string, subscription>& all() const noexcept { return by_topic_; }
    const subscription* find(const std::string& topic) const {
        const auto found = by_topic_.find(topic);
        return found == by_topic_.end() ? nullptr : &found->second;
    }
    std::vector<std::string> topics() const {
        std::vector<std::string> found;
        for (const auto& [topic, wanted] : by_topic_)
            found.push_back(topic);
        return found;
    }

    /// Before start; again replaces the expression.
    void put(subscription wanted) {
        if (wanted.type == filter_type::sql92)
            unchecked_.insert(wanted.topic);
        else
            unchecked_.erase(wanted.topic);
        by_topic_.insert_or_assign(wanted.topic, std::move(wanted));
    }
    /// @return Whether it was there.
    bool take_back(const std::string& topic) {
        unchecked_.erase(topic);
        return by_topic_.erase(topic) != 0;
    }

    /**
     * @brief Subscribes a topic while the consumer runs.
     * @param why  Is given the broker's text if it refuses the condition.
     * @retval error::filter_refused, error::operation_cancelled (stopped meanwhile)
     */
    static task<std::error_code> add(std::shared_ptr<Host> host, subscription wanted,
                                     std::shared_ptr<std::string> why) {
        auto& book       = host->subscriptions();
        const auto topic = wanted.topic;
        const auto route = co_await host->client().refresh_now(topic);
        if (wanted.type == filter_type::sql92) {
            const auto refused = co_await try_filter(host, wanted, why);
            if (refused) {
                host->client().forget_unwanted_topics();
                co_return refused;
            }
        }
        if (!host->active())
            co_return error::operation_cancelled;
        const auto before = book.by_topic_.find(topic);
        const bool known  = before != book.by_topic_.end();
        if (known && before->second.type == wanted.type && before->second.expression == wanted.expression)
            co_return std::error_code();
        wanted.version = std::max(wanted.version, known ? before->second.version + 1 : 0);
        book.put(std::move(wanted));
        if (known)
            host->queues().release_topic(topic);
        else
            host->queues().takeover().remember_first_queues(host->routes().queues(topic));
        if (!route || host->routes().knows(topic))
            book.unchecked_.erase(topic);
        if (host->running())
            co_await host->client().heartbeat(host->settings().group);
        else
            host->heartbeat_soon(); // start() is about to send the first one, perhaps without this topic
        if (route)
            host->route_failure(topic, route);
        else
            host->route_changed(topic, host->routes().queues(topic).size());
        co_return std::error_code();
    }

    /**
     * @brief Gives up a topic while the consumer runs; returns when its queues were released and the brokers know.
     * @retval error::not_subscribed
     */
    static task<std::error_code> remove(std::shared_ptr<Host> host, std::string topic) {
        auto& book = host->subscriptions();
        if (topic == host->own_retry_topic() || !book.take_back(topic))
            co_return error::not_subscribed;
        host->rebalance().forget(topic);
        host->queues().release_topic(topic);
        if constexpr (Host::pops_queues) {
            host->pops().release_topic(topic);
            co_await host->pops().wait_until_released(topic);
        }
        co_await host->queues().wait_until_released(topic);
        if (!host->running())
            co_return std::error_code();
        co_await host->client().heartbeat(host->settings().group);
        host->client().forget_unwanted_topics();
        co_return std::error_code();
    }

    /// Has the brokers try every SQL condition that none has tried yet, as far as the routes are known.
    static task<std::error_code> check_filters(std::shared_ptr<Host> host, std::shared_ptr<std::string> why) {
        auto& book = host->subscriptions();
        const std::vector<std::string> topics(book.unchecked_.begin(), book.unchecked_.end());
        for (const auto& topic : topics) {
            const auto* wanted = book.find(topic);
            if (!wanted || !host->routes().knows(topic))
                continue; // a topic that does not exist yet
            book.unchecked_.erase(topic);
            const auto refused = co_await try_filter(host, *wanted, why);
            if (refused)
                co_return refused;
        }
        co_return std::error_code();
    }

    /// For a topic whose route came after its subscription.
    void route_came(const std::shared_ptr<Host>& host, const std::string& topic) {
        if (unchecked_.contains(topic))
            host->spawn(check_late(host));
    }

  private:
    static task<void> check_late(std::shared_ptr<Host> host) {
        const auto told = std::make_shared<std::string>();
        co_await check_filters(host, told);
    }

    /// One broker that refuses is enough: its queues could not be read. One that is away says nothing against it.
    static task<std::error_code> try_filter(std::shared_ptr<Host> host, subscription wanted,
                                            std::shared_ptr<std::string> why) {
        const auto brokers = host->routes().brokers_of(wanted.topic);
        for (const auto& broker : brokers) {
            const auto answer =
                co_await host->calls().check_filter(broker, host->client_id(), host->settings().group, wanted);
            if (!answer.code || answer.code.category() != response_category())
                continue;
            if (answer.code == response_code::no_permission) {
                *why = describe(host->client().last_denial(), "topic " + wanted.topic);
                host->topic_refused(wanted.topic, answer.code);
                co_return answer.code;
            }
            *why = to_string(broker) + " refuses " + std::string(to_string(wanted.type)) + " \"" + wanted.expression +
                   "\" for topic " + wanted.topic + ": " + answer.text;
            host->observe().on_filter_refused(wanted.topic, answer.code, *why);
            co_return error::filter_refused;
        }
        co_return std::error_code();
    }

    std::map<std::string, subscription> by_topic_; ///< Fetch loops refer to them: assigned in place, and not moved.
    std::set<std::string> unchecked_;              ///< Of SQL, and no broker has compiled it.
};

} // namespace rocketpush

#endif
