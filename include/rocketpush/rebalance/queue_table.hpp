#ifndef ROCKETPUSH_REBALANCE_QUEUE_TABLE_HPP
#define ROCKETPUSH_REBALANCE_QUEUE_TABLE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/wait_group.hpp>
#include <rocketpush/fetch/queue_fetcher.hpp>
#include <rocketpush/rebalance/owned_queue.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The queues of one consumer, each from its assignment until it was handed over with a confirmed offset.
 *
 * Taking over: wait for the former owner if it lives, find the first offset, begin to fetch. Giving up: stop fetching, let
 * running listener calls end (not for ever), commit and have it confirmed, forget. A queue that is being given up is taken
 * over anew only after that has ended. Each is an operation of its own: a slow one delays no other queue.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.processQueueTable`, `updateProcessQueueTableInRebalance`, `computePullFromWhere`.
 */
template <class Host>
class queue_table {
  public:
    using queue_type    = typename Host::queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// How long a queue that goes to another member waits for its running listener calls.
    static constexpr std::chrono::seconds hand_over_limit{5};
    /// How long a broker may take to look at a pull.
    static constexpr std::chrono::milliseconds pull_processing_limit{300};
    /// A last commit that fails is tried again so often, this long after the failure.
    static constexpr int commit_attempts = 3;
    static constexpr std::chrono::milliseconds commit_retry_delay{200};

    explicit queue_table(Host& host) : host_(host) {}

    /// The queues of `topic` that are ours or are becoming ours, in order; not those on their way out.
    std::vector<message_queue> held(const std::string& topic) const {
        std::vector<message_queue> found;
        for (const auto& [queue, owned] : queues_)
            if (queue.topic == topic && !owned->dropped)
                found.push_back(queue);
        return found;
    }

    /// Whether nothing is being taken over or given up.
    bool settled() const {
        return std::ranges::all_of(queues_,
                                   [](const auto& each) { return each.second->stage == queue_stage::fetching; });
    }

    const std::map<message_queue, queue_ptr>& all() const noexcept { return queues_; }
    const work_counts& past_counts() const noexcept { return past_; }

    /// Topics that were known when the consumer started: only for their queues does "last" mean behind the newest message.
    void remember_first_queues(const std::vector<message_queue>& queues) {
        first_queues_.insert(queues.begin(), queues.end());
    }

    /// Takes a queue over, if it is not here in any stage. @param held_elsewhere  A living member may still be reading it.
    void acquire(const message_queue& queue, bool held_elsewhere) {
        if (queues_.contains(queue))
            return;
        auto owned = std::make_shared<queue_type>(queue, host_.runtime());
        enter_stage(*owned, queue_stage::acquiring);
        queues_.emplace(queue, owned);
        host_.spawn(take_over(host_.shared_from_this(), std::move(owned), held_elsewhere));
    }

    void release(const message_queue& queue) {
        if (const auto found = queues_.find(queue); found != queues_.end())
            release(found->second, std::nullopt);
    }
    /// For a consumer that stops; those that are being given up already wait by its deadline from now on.
    void release_all() {
        std::vector<queue_ptr> all;
        for (const auto& [queue, owned] : queues_)
            all.push_back(owned);
        for (const auto& owned : all) {
            owned->idle.wake();
            release(owned, std::nullopt);
        }
    }

    /// Ends this epoch of the queue and has the next one begin at `offset`.
    void restart_at(queue_type& queue, queue_offset offset) {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->second.get() == &queue)
            release(found->second, offset);
    }

    /// Writes what changed (or everything) to the store, side by side; returns when all is answered.
    task<void> commit(bool everything) {
        const auto writes = std::make_shared<detail::wait_group<typename Host::runtime_type>>(host_.runtime());
        for (auto& [queue, owned] : queues_)
            if (owned->stage == queue_stage::fetching && !owned->writing &&
                (everything || owned->cache.committable() != owned->committed))
                writes->spawn(write(host_.shared_from_this(), owned, owned->cache.committable()));
        co_await writes->wait();
    }

    /// Waits until every queue was given up, until `deadline`. @return Whether all were.
    task<bool> wait_until_empty(time_point deadline) {
        while (!queues_.empty() && host_.runtime().now() < deadline)
            co_await emptied_.wait_until(deadline);
        co_return queues_.empty() && left_behind_.empty();
    }

    /// A batch of the queue ran, or a send-back ended.
    void settled_some(queue_type& queue) {
        queue.cache.retire_finished([this](auto batch) { host_.batches().give_back(std::move(batch)); });
        queue.wake.wake();
        queue.idle.wake();
        std::erase_if(left_behind_, [](const queue_ptr& each) { return !each->cache.busy(); });
    }

    /// The shared pointer of a queue that is here or was left behind.
    queue_ptr share(queue_type& queue) const {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->second.get() == &queue)
            return found->second;
        const auto left = std::ranges::find(left_behind_, &queue, [](const queue_ptr& each) { return each.get(); });
        return left == left_behind_.end() ? nullptr : *left;
    }

  private:
    void enter_stage(queue_type& owned, queue_stage stage) {
        owned.stage       = stage;
        owned.stage_since = host_.runtime().now();
    }

    void erase(const queue_ptr& owned) {
        if (const auto found = queues_.find(owned->queue); found != queues_.end() && found->second == owned)
            queues_.erase(found);
        past_ += owned->counts;
        if (queues_.empty())
            emptied_.wake();
    }

    static task<void> take_over(std::shared_ptr<Host> host, queue_ptr owned, bool held_elsewhere) {
        auto& table = host->queues();
        if (held_elsewhere) {
            const auto ready = host->runtime().now() + host->settings().takeover_delay;
            while (!owned->dropped && host->runtime().now() < ready)
                co_await owned->wake.wait_until(ready);
        }
        result<queue_offset> first(error::operation_cancelled);
        if (!owned->dropped)
            first = co_await table.first_offset(*owned);
        const auto* wanted = host->subscription_of(owned->queue.topic);
        if (owned->dropped || !first || !wanted) {
            if (!owned->dropped && !first)
                host->observe().on_queue_acquire_failure(owned->queue, first.error());
            table.erase(owned); // the next round tries again
            host->rebalance_later();
            co_return;
        }
        owned->cache = typename queue_type::cache_type(*first);
        table.enter_stage(*owned, queue_stage::fetching);
        host->observe().on_queue_acquired(owned->queue, *first);
        co_await queue_fetcher<Host>::run(host, owned, *wanted);
    }

    /// Java's computePullFromWhere.
    task<result<queue_offset>> first_offset(queue_type& owned) {
        auto access = host_.offset_access();
        auto stored = co_await host_.store().read(access, owned.queue);
        if (!stored)
            co_return stored.error();
        if (*stored) {
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
            if (retry || !first_queues_.contains(owned.queue))
                break;
            found = co_await host_.calls().max_offset(owned.queue);
            co_return found;
        }
        found = co_await host_.calls().min_offset(owned.queue);
        co_return found;
    }

    void release(queue_ptr owned, std::optional<queue_offset> go_on_at) {
        if (std::exchange(owned->dropped, true))
            return;
        owned->wake.wake();
        for (auto* nap : owned->naps)
            nap->cancel();
        if (owned->stage == queue_stage::acquiring)
            return; // take_over sees it and forgets the queue
        enter_stage(*owned, queue_stage::releasing);
        owned->cache.cancel_behind_last_claimed();
        host_.forget_exhausted();
        host_.spawn(hand_over(host_.shared_from_this(), std::move(owned), go_on_at));
    }

    static task<void> hand_over(std::shared_ptr<Host> host, queue_ptr owned, std::optional<queue_offset> go_on_at) {
        auto& table      = host->queues();
        const auto begun = host->runtime().now();
        const auto limit = [&] { return host->running() ? begun + hand_over_limit : host->stop_deadline(); };
        for (host->collect_soon(); owned->cache.busy() && host->runtime().now() < limit(); host->collect_soon())
            co_await owned->idle.wait_until(limit());
        owned->cache.cancel_unclaimed(); // too late for what has not begun
        host->forget_exhausted();
        host->collect_soon();

        // The last pull carries a commit too, of an older offset, and a broker runs pulls and commits side by side: ours has to
        // be the later one. A pull that is held was processed when it came, so there is no need to wait for its answer.
        const auto processed = owned->pull_sent + pull_processing_limit;
        while (owned->committing_pull && host->runtime().now() < std::min(processed, limit()))
            co_await owned->idle.wait_until(std::min(processed, limit()));
        while (owned->writing) // ends by its timeout at the latest
            co_await owned->idle.wait_until(time_point::max());

        const auto offset = go_on_at.value_or(owned->cache.committable());
        for (int attempt = 1; offset != owned->committed; ++attempt) {
            co_await write(host, owned, offset);
            // Where another member takes over it has read the offset soon: to write it later would only set that one back.
            const auto last = host->running() ? begun + host->settings().takeover_delay : limit();
            const auto next = host->runtime().now() + commit_retry_delay;
            if (offset == owned->committed || attempt == commit_attempts || next > last)
                break;
            typename Host::runtime_type::timer pause(host->runtime());
            pause.expires_at(next);
            co_await pause.async_wait(detail::await_tuple<executor_type>);
        }
        host->observe().on_queue_released(owned->queue, owned->committed);
        if (owned->cache.busy()) // a hung listener: its batch stays until the call returns
            table.left_behind_.push_back(owned);
        else
            owned->cache.clear([&host](auto batch) { host->batches().give_back(std::move(batch)); });
        table.erase(owned);
        host->rebalance_later(); // it may be ours again already
    }

    static task<void> write(std::shared_ptr<Host> host, queue_ptr owned, queue_offset offset) {
        auto access        = host->offset_access();
        owned->writing     = true;
        const auto failure = co_await host->store().write(access, owned->queue, offset);
        owned->writing     = false;
        owned->idle.wake();
        if (!failure)
            owned->committed = offset;
        host->observe().on_commit(owned->queue, offset, failure);
    }

    Host& host_;
    std::map<message_queue, queue_ptr> queues_;
    std::vector<queue_ptr> left_behind_; ///< Given up while a listener call still runs.
    std::set<message_queue> first_queues_;
    work_counts past_;
    detail::wake_up<typename Host::runtime_type> emptied_{host_.runtime()};
};

} // namespace rocketpush

#endif
