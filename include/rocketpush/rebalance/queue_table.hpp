#ifndef ROCKETPUSH_REBALANCE_QUEUE_TABLE_HPP
#define ROCKETPUSH_REBALANCE_QUEUE_TABLE_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/finally.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/observe/consumption_history.hpp>
#include <rocketpush/offset_store/offset_store.hpp>
#include <rocketpush/rebalance/offset_writer.hpp>
#include <rocketpush/rebalance/owned_queue.hpp>
#include <rocketpush/rebalance/takeovers.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
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
 * Giving up: stop fetching, let running listener calls end (not for ever), commit and have it confirmed, forget. A queue that is
 * being given up is taken over (see takeovers) anew only after that has ended. Each is an operation of its own: a slow one delays no
 * other queue.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.processQueueTable`, `removeUnnecessaryMessageQueue`.
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
    /// How often one that is in a hurry looks whether they have ended.
    static constexpr std::chrono::milliseconds hand_over_look{5};
    /// How long a broker may take to look at a pull.
    static constexpr std::chrono::milliseconds pull_processing_limit{300};
    /// A last commit that fails is tried again so often, this long after the failure.
    static constexpr int commit_attempts = 3;
    static constexpr std::chrono::milliseconds commit_retry_delay{200};

    explicit queue_table(Host& host) : host_(host) {}

    /// The queues of `topic` that are ours or are becoming ours, in order; not those on their way out.
    std::vector<message_queue> held(const std::string& topic) const {
        std::vector<message_queue> found;
        for (auto at = first_of(topic); at != queues_.end() && (*at)->queue.topic == topic; ++at)
            if (!(*at)->dropped)
                found.push_back((*at)->queue);
        return found;
    }

    /// Whether a queue of this topic and broker is here, in any stage.
    bool has(const std::string& topic, const std::string& broker_name) const {
        const auto at =
            queues_.lower_bound(message_queue{topic, broker_name, std::numeric_limits<std::int32_t>::min()});
        return at != queues_.end() && (*at)->queue.topic == topic && (*at)->queue.broker_name == broker_name;
    }

    /// Whether nothing is being taken over or given up.
    bool settled() const {
        return std::ranges::all_of(queues_, [](const auto& each) { return each->stage == queue_stage::fetching; });
    }

    /// In the order of the queues.
    const auto& all() const noexcept { return queues_; }
    const past_counts& past() const noexcept { return past_; }

    auto& takeover() noexcept { return takeover_; }

    /// Takes a queue over, if it is not here in any stage. @param held_elsewhere  A living member may still be reading it.
    /// @throws std::bad_alloc  Then it is not here.
    void acquire(const message_queue& queue, bool held_elsewhere) {
        if (queues_.contains(queue))
            return;
        auto owned       = std::make_shared<queue_type>(queue, host_.runtime(), host_.blocks());
        owned->suspended = suspended_.contains(queue);
        enter_stage(*owned, queue_stage::acquiring);
        queues_.insert(owned);
        host_.prepare_order(*owned, held_elsewhere);
        try {
            takeover_.begin(owned, held_elsewhere);
        } catch (...) {
            erase(owned);
            throw;
        }
    }
    /// Ends an epoch in which nothing was fetched; the next round tries again.
    void forget(const queue_ptr& owned) {
        host_.rebalance_later();
        erase(owned);
    }
    void enter_stage(queue_type& owned, queue_stage stage) {
        owned.stage       = stage;
        owned.stage_since = host_.runtime().now();
        tell_watchers();
    }

    void release(const message_queue& queue) {
        if (const auto found = queues_.find(queue); found != queues_.end())
            release(*found, std::nullopt);
    }
    /// For a consumer that stops; those that are being given up already wait by its deadline from now on.
    void release_all() {
        for (auto at = queues_.begin(); at != queues_.end();) {
            const auto owned = *at;
            owned->wake_idle();
            release(owned, std::nullopt); // some go at once
            at = queues_.upper_bound(owned->queue);
        }
    }

    /// Gives up every queue of a topic, in whatever stage.
    void release_topic(const std::string& topic) {
        std::vector<queue_ptr> found;
        for (auto at = first_of(topic); at != queues_.end() && (*at)->queue.topic == topic; ++at)
            found.push_back(*at);
        for (auto& owned : found)
            release(std::move(owned), std::nullopt);
    }

    /// Waits until nothing of a topic is here any more; each of its queues has its own limits.
    task<void> wait_until_released(std::string topic) {
        watcher news(*this);
        for (;;) {
            const auto at = first_of(topic);
            if (at == queues_.end() || (*at)->queue.topic != topic || !(*at)->dropped)
                break;
            co_await news.changed.wait_until(time_point::max());
        }
    }

    /// Ends this epoch of the queue and has the next one begin at `offset`.
    void restart_at(queue_type& queue, queue_offset offset) {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->get() == &queue)
            release(*found, offset);
    }
    /// Ends this epoch of a queue that hangs in a step, whatever becomes of the operation that hangs, and has the next one begin.
    void begin_anew(queue_type& queue) {
        const auto found = queues_.find(queue.queue);
        if (found == queues_.end() || found->get() != &queue)
            return;
        const auto owned = *found;
        if (owned->stage == queue_stage::fetching) {
            release(owned, owned->cache.committable());
        } else if (owned->stage == queue_stage::releasing) {
            owned->end_naps();
            owned->wake_idle();
        } else {
            owned->dropped = true;
            owned->wake.wake();
            forget(owned);
        }
    }
    /// The same for a queue by its name. One that is being taken over begins there, unless that fails.
    /// @return The epoch that ends by it, or is about to begin; nothing if the queue is not ours.
    queue_ptr restart_at(const message_queue& queue, queue_offset offset) {
        const auto found = queues_.find(queue);
        if (found == queues_.end() || (*found)->dropped)
            return nullptr;
        const auto owned = *found;
        if (owned->stage == queue_stage::acquiring)
            owned->begin_at = offset;
        else
            release(owned, offset);
        return owned;
    }
    /// Waits while a queue is being taken over; not for ever, for who has its lock may keep it. @return Whether it is ours then.
    task<bool> wait_until_taken_over(message_queue queue) {
        const auto limit = host_.runtime().now() + host_.settings().takeover_delay + hand_over_limit;
        watcher news(*this);
        for (;;) {
            const auto found = queues_.find(queue);
            if (found == queues_.end() || (*found)->dropped)
                co_return false;
            if ((*found)->stage != queue_stage::acquiring)
                co_return true;
            if (host_.runtime().now() >= limit)
                co_return false;
            co_await news.changed.wait_until(limit);
        }
    }
    /// Waits until this epoch of a queue has ended.
    task<void> wait_until_ended(queue_ptr owned) {
        watcher news(*this);
        for (;;) {
            const auto found = queues_.find(owned->queue);
            if (found == queues_.end() || *found != owned)
                break;
            co_await news.changed.wait_until(time_point::max());
        }
    }

    /// Whether this queue is pulled, in all its epochs.
    void suspend(const message_queue& queue, bool on) {
        if (on)
            suspended_.insert(queue);
        else
            suspended_.erase(queue);
        if (const auto found = queues_.find(queue); found != queues_.end()) {
            (*found)->suspended = on;
            (*found)->wake.wake();
        }
    }
    bool is_suspended(const message_queue& queue) const { return !suspended_.empty() && suspended_.contains(queue); }
    /// Has every fetch loop look whether it may pull.
    void wake_all() {
        for (const auto& owned : queues_)
            owned->wake.wake();
    }

    /// The queue's lock is or was another member's: ends this epoch without a commit, and has the next one begin if it is ours.
    void lose(queue_type& queue, std::error_code why) {
        if (queue.dropped)
            return;
        host_.observe().on_lock_lost(queue.queue, why);
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->get() == &queue)
            release(*found, std::nullopt);
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
        if (!ROCKETPUSH_PLANTED(memory_forgotten))
            host_.memory().recount(queue);
        queue.last_settled = host_.runtime().now();
        if (!ROCKETPUSH_PLANTED(lost_wake_up))
            queue.wake.wake();
        queue.wake_idle();
        std::erase_if(left_behind_, [this](const queue_ptr& each) {
            if (each->busy())
                return false;
            host_.memory().forget(*each);
            return true;
        });
    }

    /// The consumer has stopped: whoever still is at a message of a queue may let go of it in any thread.
    void keep_left_behind() {
        for (const auto& owned : left_behind_)
            host_.client().keep(owned);
    }

    /// The shared pointer of a queue that is here or was left behind.
    queue_ptr share(queue_type& queue) const {
        if (const auto found = queues_.find(queue.queue); found != queues_.end() && found->get() == &queue)
            return *found;
        const auto left = std::ranges::find(left_behind_, &queue, [](const queue_ptr& each) { return each.get(); });
        return left == left_behind_.end() ? nullptr : *left;
    }

  private:
    struct by_queue {
        using is_transparent = void;
        static const message_queue& of(const queue_ptr& owned) noexcept { return owned->queue; }
        static const message_queue& of(const message_queue& queue) noexcept { return queue; }
        bool operator()(const auto& left, const auto& right) const noexcept { return of(left) < of(right); }
    };

    auto first_of(const std::string& topic) const {
        return queues_.lower_bound(message_queue{topic, {}, std::numeric_limits<std::int32_t>::min()});
    }

    /// Hears of each queue that enters a stage or is erased.
    struct watcher {
        explicit watcher(queue_table& table) : of(table), changed(table.host_.runtime()) {
            of.watchers_.push_back(this);
        }
        watcher(const watcher&)            = delete;
        watcher& operator=(const watcher&) = delete;
        ~watcher() { std::erase(of.watchers_, this); }

        queue_table& of;
        detail::wake_up<typename Host::runtime_type> changed;
    };
    void tell_watchers() {
        for (auto* each : watchers_)
            each->changed.wake();
    }

    void erase(const queue_ptr& owned) {
        if (const auto found = queues_.find(owned->queue); found != queues_.end() && *found == owned)
            queues_.erase(found);
        tell_watchers();
        if (queues_.empty())
            emptied_.wake();
        past_.add(owned->queue.topic, owned->counts);
    }

    void release(queue_ptr owned, std::optional<queue_offset> go_on_at) {
        if (std::exchange(owned->dropped, true))
            return;
        if (std::exchange(owned->in_line, false))
            return forget(owned);
        owned->wake.wake();
        owned->end_naps();
        if (owned->stage == queue_stage::acquiring)
            return; // the operation that is at it sees it and forgets the queue
        enter_stage(*owned, queue_stage::releasing);
        owned->mark.enter(queue_step::handing_over, host_.runtime().now());
        owned->cache.cancel_behind_last_claimed();
        owned->order.give_up();
        const auto host = host_.shared_from_this();
        // Whatever throws on the way, the epoch ends, or no other could begin. What was not committed comes again.
        detail::spawn_finally(
            host_,
            [&] {
                owned->idle = std::make_unique<detail::wake_up<typename Host::runtime_type>>(host_.runtime());
                host_.forget_exhausted();
                return hand_over(host, owned, go_on_at);
            },
            [host, owned](std::error_code) { host->queues().let_go(owned); });
    }

    static task<void> hand_over(std::shared_ptr<Host> host, queue_ptr owned, std::optional<queue_offset> go_on_at) {
        const auto begun = host->runtime().now();
        if constexpr (Host::locks_queues) {
            if (ROCKETPUSH_PLANTED(unlocked_first))
                co_await host->locks().unlock(owned, begun);
        }
        // In order there is one call at a time in the whole group: its end is waited for, however long it takes.
        const auto patience = ROCKETPUSH_PLANTED(calls_not_awaited) ? begun
                              : Host::in_order                      ? time_point::max()
                                                                    : begun + hand_over_limit;
        const auto limit    = [&] {
            return host->running() ? patience : ROCKETPUSH_PLANTED(stop_does_not_wait) ? begun : host->stop_deadline();
        };
        // Another member waits for the offset, not for the executor; which does not tell when a call ends, only when a batch does.
        const bool hurry   = !Host::in_order && host->running();
        const auto at_work = [&] { return hurry ? owned->cache.consuming() : owned->busy(); };
        for (host->collect_soon(); at_work() && host->runtime().now() < limit(); host->collect_soon())
            co_await owned->idle->wait_until(hurry ? std::min(limit(), host->runtime().now() + hand_over_look)
                                                   : limit());
        owned->cache.cancel_unclaimed(); // too late for what has not begun
        host->forget_exhausted();
        host->collect_soon();

        // The last pull carries a commit too, of an older offset, and a broker runs pulls and commits side by side: ours has to
        // be the later one. A pull that is held was processed when it came, so there is no need to wait for its answer.
        const auto processed = owned->pull_sent + pull_processing_limit;
        while (owned->committing_pull && host->runtime().now() < std::min(processed, limit()))
            co_await owned->idle->wait_until(std::min(processed, limit()));
        while (owned->writing) // ends by its timeout at the latest; that of a file when the disk has answered
            co_await owned->idle->wait_until(time_point::max());

        if constexpr (Host::locks_queues) {
            // Nothing was heard of the lock for long: the offset may be written only if it is still ours.
            if (owned->order.lock.held() && !owned->order.may_commit(host->runtime()))
                co_await host->locks().ask(owned);
        }
        const bool ours   = !ROCKETPUSH_PLANTED(no_last_commit) && owned->order.may_commit(host->runtime());
        const auto offset = go_on_at.value_or(owned->cache.committable());
        if (go_on_at) // it may go back, and pulls have brought the store to where we have not heard of
            owned->committed = -1;
        for (int attempt = 1; ours && (offset != owned->committed || owned->may_be_lost); ++attempt) {
            const auto failure = co_await offset_writer<Host>::write(host, owned, offset);
            // Where another member takes over it has read the offset soon: to write it later would only set that one back. In
            // order it waits for our lock.
            const auto last =
                Host::locks_queues || !host->running() ? limit() : begun + host->settings().takeover_delay;
            const auto next = host->runtime().now() + commit_retry_delay;
            if (offset == owned->committed || attempt == commit_attempts || next > last ||
                failure == response_code::no_permission)
                break;
            typename Host::runtime_type::timer pause(host->runtime());
            pause.expires_at(next);
            co_await pause.async_wait(detail::await_tuple<executor_type>);
        }
        if constexpr (Host::locks_queues) {
            if (!owned->busy()) // else it is left to expire: a listener call still runs
                co_await host->locks().unlock(owned, std::min(limit(), host->runtime().now() + hand_over_limit));
        }
        host->observe().on_queue_released(owned->queue, owned->committed);
        for (host->collect_soon(); owned->busy() && host->runtime().now() < limit(); host->collect_soon())
            co_await owned->idle->wait_until(limit()); // for what the executor still has to find empty
    }

    /// The end of an epoch in which something was fetched.
    void let_go(const queue_ptr& owned) {
        owned->cache.cancel_unclaimed();
        if (owned->busy()) // a hung listener: its batch stays until the call returns
            leave_behind(owned);
        else
            owned->cache.clear([this](auto batch) { host_.batches().give_back(std::move(batch)); });
        host_.memory().recount(*owned);
        host_.rebalance_later(); // it may be ours again already
        erase(owned);
    }

    void leave_behind(const queue_ptr& owned) {
        left_behind_.insert(queues_.extract(owned));
        if (host_.has_stopped())
            host_.client().keep(owned);
    }

    Host& host_;
    std::set<queue_ptr, by_queue> queues_;
    takeovers<Host> takeover_{host_};
    std::multiset<queue_ptr, by_queue> left_behind_; ///< Given up while a listener call still runs.
    std::set<message_queue> suspended_;              ///< Ours or not.
    std::vector<watcher*> watchers_;
    past_counts past_;
    detail::wake_up<typename Host::runtime_type> emptied_{host_.runtime()};
};

} // namespace rocketpush

#endif
