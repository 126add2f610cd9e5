#ifndef ROCKETPUSH_REBALANCE_POP_TABLE_HPP
#define ROCKETPUSH_REBALANCE_POP_TABLE_HPP

#include <rocketpush/consume/pop_settlement.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/finally.hpp>
#include <rocketpush/detail/lasting_duty.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/fetch/pop_fetcher.hpp>
#include <rocketpush/fetch/popped_queue.hpp>
#include <rocketpush/observe/consumption_history.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The queues that one consumer pops, each from its assignment until nothing of it is left here.
 *
 * There is nothing to take over and nothing to commit: the broker knows who has which message. Giving up: no further pop, running
 * listener calls to their end (not for ever), what was consumed acknowledged, what was not handed back.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.popProcessQueueTable`.
 */
template <class Host>
class pop_table {
  public:
    using queue_type    = typename Host::pop_queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using batch_type    = typename Host::pop_batch_type;
    using settlement    = pop_settlement<Host>;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// How long a queue that is given up waits for its running listener calls.
    static constexpr std::chrono::seconds hand_over_limit{5};
    /// A poll that found something is answered within this; one that is older is being held.
    static constexpr std::chrono::milliseconds poll_processing_limit{300};
    /// Batches that are kept for the next pops.
    static constexpr std::size_t most_spare_batches = 64;

    explicit pop_table(Host& host) : host_(host) { spare_.reserve(most_spare_batches); }

    /// The queues of `topic` that are ours, in order; not those on their way out.
    std::vector<message_queue> held(const std::string& topic) const {
        std::vector<message_queue> found;
        for (auto at = first_of({topic, {}, lowest_id}); at != queues_.end() && at->first.topic == topic; ++at)
            if (!at->second->dropped)
                found.push_back(at->first);
        return found;
    }
    /// Whether a queue of this topic and broker is here, in any stage.
    bool has(const std::string& topic, const std::string& broker_name) const {
        const auto at = first_of({topic, broker_name, lowest_id});
        return at != queues_.end() && at->first.topic == topic && at->first.broker_name == broker_name;
    }
    /// Whether nothing is being given up.
    bool settled() const {
        return std::ranges::none_of(queues_, [](const auto& each) { return each.second->dropped; });
    }

    /// In the order of the queues.
    const auto& all() const noexcept { return queues_; }
    const past_counts& past() const noexcept { return past_; }

    /// Begins to pop a queue, if it is not here. @param wanted  The subscription of its topic.
    /// @throws std::bad_alloc  Then it is not here.
    void acquire(const message_queue& queue, const subscription& wanted) {
        if (queues_.contains(queue))
            return;
        begin_renewals();
        const auto owned   = std::make_shared<queue_type>(queue, host_.runtime(), host_.blocks());
        owned->stage_since = host_.runtime().now();
        queues_.emplace(queue, owned);
        try {
            host_.observe().on_pop_begun(queue);
            host_.spawn(pop_fetcher<Host>::run(host_.shared_from_this(), owned, wanted));
        } catch (...) {
            erase(owned);
            throw;
        }
    }

    void release(const message_queue& queue) {
        if (const auto found = queues_.find(queue); found != queues_.end())
            release(found->second);
    }
    /// Gives up every queue of a topic.
    void release_topic(const std::string& topic) {
        for (auto at = first_of({topic, {}, lowest_id}); at != queues_.end() && at->first.topic == topic; ++at) {
            at->second->wake_idle(); // what is being given up has no poll to wait for any more
            release(at->second);
        }
    }
    /// Waits until nothing of a topic is here any more, or it is subscribed again.
    task<void> wait_until_released(std::string topic) {
        for (;;) {
            const auto at = first_of({topic, {}, lowest_id});
            if (at == queues_.end() || at->first.topic != topic || !at->second->dropped)
                break;
            const auto owned = at->second;
            co_await owned->gone.wait();
        }
    }

    /// For a consumer that stops; those that are being given up already wait by its deadline from now on.
    void release_all() {
        for (auto at = queues_.begin(); at != queues_.end();) {
            const auto owned = at->second;
            owned->end_naps();
            owned->idle.wake();
            release(owned); // some go at once
            at = queues_.upper_bound(owned->queue);
        }
    }

    /// Waits until every queue was given up, until `deadline`. @return Whether all were.
    task<bool> wait_until_empty(time_point deadline) {
        while (!queues_.empty() && host_.runtime().now() < deadline)
            co_await emptied_.wait_until(deadline);
        co_return queues_.empty() && left_behind_.empty();
    }
    /// When the consumer has stopped.
    void close() {
        closed_ = true;
        renewal_due_.wake();
    }

    /// Has every fetch loop look whether it may pop.
    void wake_all() {
        for (const auto& [queue, owned] : queues_)
            owned->wake.wake();
    }

    // Batches.

    std::unique_ptr<batch_type> take_batch() {
        if (spare_.empty())
            return std::make_unique<batch_type>();
        auto taken = std::move(spare_.back());
        spare_.pop_back();
        return taken;
    }
    void give_back(std::unique_ptr<batch_type> batch) noexcept {
        batch->clear();
        if (spare_.size() < most_spare_batches)
            spare_.push_back(std::move(batch));
    }

    /// Has a batch consumed that a pop of `queue` brought.
    void take_over(queue_type& queue, std::unique_ptr<batch_type> filled) {
        const auto owned = share(queue);
        if (!owned) // a poll that outlived its queue, at the end of all
            return give_back(std::move(filled));
        auto& batch = *filled;
        batch.prepare(); // before it counts: there may be no memory
        queue.batches.push_back(std::move(filled));
        batch.open = batch.records.size();
        queue.waiting += batch.open;
        for (const auto& record : batch.records)
            renew_by(record.times.next());
        if (queue.dropped && !host_.running())
            batch.cancel_unclaimed(); // all of it is handed back
        batch.heard = !batch.has_unclaimed();
        settlement::settle(host_.shared_from_this(), owned, batch); // what no listener gets
        if (!batch.heard)
            host_.dispatch(batch);
    }

    /// The last runner has left `batch`.
    void batch_ran(batch_type& batch) {
        auto& queue = *static_cast<queue_type*>(batch.home);
        batch.hear();
        queue.counts += counts_of(batch);
        settle(queue, batch);
    }
    /// Messages of `batch`, which still runs, have failed.
    void batch_has_failed(batch_type& batch) { settle(*static_cast<queue_type*>(batch.home), batch); }

    /// Lets go of batches that are done with, and tells those who wait for it.
    void retire(queue_type& queue) {
        const auto gone =
            std::ranges::partition(queue.batches, [](const auto& each) { return !each->heard || each->open != 0; });
        for (auto& each : gone)
            give_back(std::move(each));
        queue.batches.erase(gone.begin(), gone.end());
        host_.memory().recount(queue);
        queue.wake.wake();
        queue.wake_idle();
        if (queue.batches.empty() && !left_behind_.empty())
            std::erase_if(left_behind_, [&](const auto& each) { return each.second.get() == &queue; });
    }

    /// Looks at the receipts at `when` at the latest.
    void renew_by(time_point when) {
        if (when < next_renewal_) {
            next_renewal_ = when;
            renewal_due_.wake();
        }
    }

  private:
    static constexpr auto lowest_id = std::numeric_limits<std::int32_t>::min();

    auto first_of(const message_queue& least) const { return queues_.lower_bound(least); }

    static work_counts counts_of(const batch_type& batch) {
        work_counts counts;
        counts.calls        = batch.tally.calls.load();
        counts.succeeded    = batch.tally.succeeded.load();
        counts.failed       = batch.tally.failed.load();
        counts.consume_time = std::chrono::nanoseconds(batch.tally.nanoseconds.load());
        return counts;
    }

    queue_ptr share(queue_type& queue) const {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->second.get() == &queue)
            return found->second;
        const auto left = std::ranges::find(left_behind_, &queue, [](const auto& each) { return each.second.get(); });
        return left == left_behind_.end() ? nullptr : left->second;
    }

    void settle(queue_type& queue, batch_type& batch) {
        if (const auto owned = share(queue))
            settlement::settle(host_.shared_from_this(), owned, batch);
    }

    void release(const queue_ptr& owned) {
        if (std::exchange(owned->dropped, true))
            return;
        owned->stage       = queue_stage::releasing;
        owned->stage_since = host_.runtime().now();
        owned->wake.wake();
        const auto host = host_.shared_from_this();
        // Whatever throws on the way, the epoch ends, or no other could begin. What was not acknowledged comes again.
        detail::spawn_finally(
            host_, [&] { return hand_over(host, owned); },
            [host, owned](std::error_code) { host->pops().let_go(owned); });
    }

    static task<void> hand_over(std::shared_ptr<Host> host, queue_ptr owned) {
        auto& table    = host->pops();
        const auto now = [&] { return host->runtime().now(); };
        // The last poll may still bring messages. They are consumed while the topic is; a consumer that stops or has taken the topic
        // back does not wait for a poll that the broker holds.
        const auto processed   = std::min(owned->polled + poll_processing_limit, host->stop_deadline());
        const auto answered_by = [&] {
            const bool goes_on = host->running() && host->subscription_of(owned->queue.topic);
            return goes_on ? time_point::max() : processed;
        };
        while (owned->polling && now() < answered_by())
            co_await owned->idle.wait_until(answered_by());
        const auto begun = now();
        const auto limit = [&] { return host->running() ? begun + hand_over_limit : host->stop_deadline(); };
        for (host->collect_soon(); owned->running() && now() < limit(); host->collect_soon()) {
            if (!host->running())
                table.cancel(*owned); // others shall have them soon
            co_await owned->idle.wait_until(limit());
        }
        table.cancel(*owned);
        host->collect_soon();
        table.settle_consumed(*owned);
        const auto settled_by = now() + host->settings().request_timeout;
        while (owned->unsettled() && now() < settled_by)
            co_await owned->idle.wait_until(settled_by);
        host->observe().on_pop_ended(owned->queue);
    }

    void let_go(const queue_ptr& owned) {
        owned->cancel_unclaimed();
        if (!owned->batches.empty()) // a hung listener: its batch stays until the call returns
            left_behind_.insert(queues_.extract(owned->queue));
        host_.rebalance_later(); // it may be ours again already
        erase(owned);
    }

    void cancel(queue_type& queue) {
        queue.cancel_unclaimed();
        host_.forget_exhausted();
    }

    /// What was consumed of batches that a listener is still at is acknowledged: it need not come again with the rest.
    void settle_consumed(queue_type& queue) {
        std::vector<batch_type*> running; // these stay, whatever is settled
        for (const auto& each : queue.batches)
            if (!each->heard)
                running.push_back(each.get());
        for (auto* batch : running)
            settle(queue, *batch);
    }

    void erase(const queue_ptr& owned) {
        queues_.erase(owned->queue);
        owned->gone.set();
        if (queues_.empty())
            emptied_.wake();
        past_.add(owned->queue.topic, owned->counts);
    }

    void begin_renewals() {
        if (renewing_)
            return;
        host_.spawn(detail::lasting_duty(host_.runtime(), host_.shared_from_this(), &pop_table::renewal_duty));
        renewing_ = true;
    }

    static task<void> renewal_duty(std::shared_ptr<Host> host) {
        auto& table = host->pops();
        while (!table.closed_) {
            auto next = time_point::max();
            std::vector<queue_ptr> all;
            for (const auto& [queue, owned] : table.left_behind_)
                all.push_back(owned);
            for (const auto& [queue, owned] : table.queues_)
                all.push_back(owned);
            for (const auto& owned : all)
                next = std::min(next, settlement::renew(host, owned));
            all.clear();
            table.next_renewal_ = next;
            co_await table.renewal_due_.wait_until(next);
        }
    }

    Host& host_;
    std::map<message_queue, queue_ptr> queues_;
    std::multimap<message_queue, queue_ptr> left_behind_; ///< Given up while a listener call still runs.
    std::vector<std::unique_ptr<batch_type>> spare_;
    past_counts past_;
    detail::wake_up<typename Host::runtime_type> emptied_{host_.runtime()};
    detail::wake_up<typename Host::runtime_type> renewal_due_{host_.runtime()};
    time_point next_renewal_ = time_point::max(); ///< When the receipts are looked at next.
    bool renewing_           = false;
    bool closed_             = false;
};

} // namespace rocketpush

#endif
