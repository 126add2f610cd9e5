#ifndef ROCKETPUSH_REBALANCE_TAKEOVERS_HPP
#define ROCKETPUSH_REBALANCE_TAKEOVERS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/finally.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/ring.hpp>
#include <rocketpush/fetch/queue_fetcher.hpp>
#include <rocketpush/remoting/backoff.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Takes queues over: waits for the former owner if it lives, locks, finds the first offset, begins to fetch.
 *
 * Each is an operation of its own, so a slow one delays no other queue. One that fails for good, or throws, ends the epoch; the next
 * round begins another.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.updateProcessQueueTableInRebalance`, `computePullFromWhere`.
 */
template <class Host>
class takeovers {
  public:
    using queue_type    = typename Host::queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using executor_type = typename Host::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// The commit of a former owner may be so much later than its unlock.
    static constexpr std::chrono::milliseconds commit_settles{200};
    /// So many first offsets are asked for at a broker at once; the other queues wait, or ten thousand at the start would
    /// need room for as many requests. Those of another broker do not wait for a slow one's.
    static constexpr std::size_t most_look_ups = 256;

    explicit takeovers(Host& host) : host_(host) {}

    /// Topics that were known when the consumer started: only for their queues does "last" mean behind the newest message.
    void remember_first_queues(const std::vector<message_queue>& queues) {
        for (const auto& queue : queues) {
            auto& count = first_queues_[{queue.topic, queue.broker_name}];
            count       = std::max(count, queue.queue_id + 1);
        }
    }

    /// @param held_elsewhere  A living member may still be reading it.
    /// @throws std::bad_alloc  Then nothing has begun.
    void begin(queue_ptr owned, bool held_elsewhere) {
        if (held_elsewhere && !Host::locks_queues &&
            !ROCKETPUSH_PLANTED(no_takeover_delay)) // else the broker says when the former owner has done with it
            spawn(owned, look_up_later(host_.shared_from_this(), owned, host_.settings().takeover_delay));
        else
            look_up(std::move(owned));
    }

  private:
    /// First offsets that one broker is being asked for, and the queues whose turn comes later.
    struct look_ups {
        std::size_t running = 0;
        detail::ring<queue_ptr> waiting;
    };

    /// A step that throws, for lack of memory or in a policy of the user's, ends the epoch.
    void spawn(const queue_ptr& owned, task<void> step) {
        host_.spawn(detail::finally(std::move(step), [host = host_.shared_from_this(), owned](std::error_code thrown) {
            if (thrown)
                host->queues().takeover().failed(owned, thrown);
        }));
    }

    void failed(const queue_ptr& owned, std::error_code why) {
        look_up_ended(*owned);
        if (owned->stage == queue_stage::fetching)
            host_.queues().begin_anew(*owned);
        else if (owned->stage == queue_stage::acquiring)
            host_.queues().forget(owned);
        host_.observe().on_queue_acquire_failure(owned->queue, why);
    }

    /// The former owner needs some time, or has the lock.
    static task<void> look_up_later(std::shared_ptr<Host> host, queue_ptr owned, std::chrono::milliseconds delay) {
        const auto ready = host->runtime().now() + delay;
        owned->mark.enter(queue_step::waiting, host->runtime().now(), ready);
        while (!owned->dropped && host->runtime().now() < ready)
            co_await owned->wake.wait_until(ready);
        if (!owned->dropped) {
            host->queues().takeover().look_up(std::move(owned));
            co_return;
        }
        if constexpr (Host::locks_queues) // of a request that nobody answered
            co_await host->locks().unlock(owned, host->runtime().now());
        host->queues().forget(owned);
    }

    /// Asks for the first offset, or stands in line.
    void look_up(queue_ptr owned) {
        auto& broker = look_ups_[owned->queue.broker_name];
        if (broker.running >= most_look_ups) {
            broker.waiting.push_back(owned);
            owned->in_line = true;
            owned->mark.enter(queue_step::in_line, host_.runtime().now());
            return;
        }
        ++broker.running;
        owned->looked_up = true;
        owned->mark.enter(Host::locks_queues ? queue_step::locking : queue_step::reading_offset, host_.runtime().now());
        try {
            spawn(owned, take_over(host_.shared_from_this(), owned));
        } catch (...) {
            owned->looked_up = false;
            --broker.running;
            throw;
        }
    }

    /// The broker is asked for this one no longer: for the next ones.
    void look_up_ended(queue_type& owned) {
        if (!std::exchange(owned.looked_up, false))
            return;
        --look_ups_.find(owned.queue.broker_name)->second.running;
        for (;;) {
            const auto broker = look_ups_.find(owned.queue.broker_name);
            if (broker == look_ups_.end() || broker->second.running == most_look_ups)
                return;
            if (broker->second.waiting.empty()) {
                if (broker->second.running == 0)
                    look_ups_.erase(broker);
                return;
            }
            const auto next = broker->second.waiting.take_front();
            if (!std::exchange(next->in_line, false))
                continue;
            try {
                look_up(next);
            } catch (...) { // its own trouble, not that of the queue which makes room for it
                host_.queues().forget(next);
            }
        }
    }

    static task<void> take_over(std::shared_ptr<Host> host, queue_ptr owned) {
        auto& self = host->queues().takeover();
        if constexpr (Host::locks_queues) {
            const auto failure = co_await lock(host, owned);
            if (failure && !owned->dropped) {
                self.look_up_ended(*owned);
                self.spawn(owned,
                           look_up_later(host, owned, delay_after(failure, host->settings().lock_retry_interval)));
                co_return;
            }
        }
        result<queue_offset> first(error::operation_cancelled);
        owned->mark.enter(queue_step::reading_offset, host->runtime().now());
        if (!owned->dropped)
            first = co_await self.first_offset(*owned);
        self.look_up_ended(*owned);
        if (!owned->dropped && !first) {
            host->observe().on_queue_acquire_failure(owned->queue, first.error());
            host->queue_refused(owned->queue, first.error());
        }
        const auto* wanted = host->subscription_of(owned->queue.topic);
        if (owned->dropped || !first || !wanted) {
            if constexpr (Host::locks_queues)
                co_await host->locks().unlock(owned, host->runtime().now());
            host->queues().forget(owned);
            co_return;
        }
        const auto begin = std::max<queue_offset>(owned->begin_at.value_or(*first), 0); // whatever a broken broker says
        owned->cache     = typename queue_type::cache_type(begin);
        owned->stored    = begin;
        host->offsets().found(*owned);
        host->queues().enter_stage(*owned, queue_stage::fetching);
        host->observe().on_queue_acquired(owned->queue, begin);
        host->spawn(queue_fetcher<Host>::run(host, owned, *wanted)); // on its own: our frame goes
        if (ROCKETPUSH_PLANTED(double_pull_loop))
            host->spawn(queue_fetcher<Host>::run(host, owned, *wanted));
    }

    /// Locks a queue that is taken over, before its offset is read. @return Why it is not ours.
    static task<std::error_code> lock(std::shared_ptr<Host> host, queue_ptr owned) {
        const auto failure = co_await host->locks().ask(owned);
        if (owned->dropped)
            co_return error::operation_cancelled;
        if (failure == error::locked_elsewhere) {
            owned->order.contested = true;
            host->observe().on_lock_refused(owned->queue);
        } else if (failure) {
            host->observe().on_queue_acquire_failure(owned->queue, failure);
            host->topic_refused(owned->queue.topic, failure);
        }
        if (failure)
            co_return failure;
        // A Java member commits and unlocks without waiting for an answer, and a broker may run the two in either order.
        const auto ready = host->runtime().now() + commit_settles;
        while (owned->order.contested && !owned->dropped && host->runtime().now() < ready)
            co_await owned->wake.wait_until(ready);
        co_return std::error_code();
    }

    /// Java's computePullFromWhere.
    task<result<queue_offset>> first_offset(queue_type& owned) {
        auto access = host_.offset_access();
        auto stored = co_await host_.store().read(access, owned.queue);
        if (!stored && !ROCKETPUSH_PLANTED(unknown_offset_is_none))
            co_return stored.error();
        if (stored && *stored) {
            owned.committed = **stored;
            co_return **stored;
        }
        const bool retry = is_retry_topic(owned.queue.topic);
        result<queue_offset> found(error::operation_cancelled);
        switch (host_.settings().from) {
        case consume_from::first: break;
        case consume_from::timestamp:
            if (retry)
                break;
            found = co_await host_.calls().offset_at(owned.queue, host_.settings().from_time);
            co_return found;
        case consume_from::last:
            // What was there when we started is "last"; a queue that came later begins at its beginning, or what was sent
            // between its creation and our discovery would be lost.
            if (retry || (!was_there_first(owned.queue) && !host_.settings().later_queues_like_first))
                break;
            found = co_await host_.calls().max_offset(owned.queue);
            co_return found;
        }
        found = co_await host_.calls().min_offset(owned.queue);
        co_return found;
    }

    bool was_there_first(const message_queue& queue) const {
        const auto found = first_queues_.find({queue.topic, queue.broker_name});
        return found != first_queues_.end() && queue.queue_id < found->second;
    }

    Host& host_;
    std::map<std::string, look_ups, std::less<>> look_ups_;                    ///< By broker name.
    std::map<std::pair<std::string, std::string>, std::int32_t> first_queues_; ///< By topic and broker: how many.
};

} // namespace rocketpush

#endif
