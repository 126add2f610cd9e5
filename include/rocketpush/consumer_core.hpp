#ifndef ROCKETPUSH_CONSUMER_CORE_HPP
#define ROCKETPUSH_CONSUMER_CORE_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/client/client_instance.hpp>
#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/consume/send_back.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/observe/statistics.hpp>
#include <rocketpush/offset_store/offset_store.hpp>
#include <rocketpush/rebalance/queue_table.hpp>
#include <rocketpush/rebalance/rebalancer.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Where a consumer is in its life. It never goes back.
enum class consumer_state : std::uint8_t { created, starting, running, stopping, stopped };

/**
 * @brief A consumer without its handle: its parts, its duties, and how it starts and stops. All of it on one strand.
 *
 * The operations under way own it (each coroutine holds a `shared_ptr`); the handle only signals. The parts know it as
 * their `Host`, and see of it what the "for the parts" section has.
 */
template <listener Listener, transport Transport, allocation_strategy Allocation, offset_store Offsets,
          executor_policy Executor, observer Observer, runtime Runtime>
class consumer_core : public std::enable_shared_from_this<
                          consumer_core<Listener, Transport, Allocation, Offsets, Executor, Observer, Runtime>> {
  public:
    using runtime_type     = Runtime;
    using executor_type    = typename Runtime::executor_type;
    using client_type      = client_instance<Transport, Runtime>;
    using connection_ptr   = typename client_type::pool_type::connection_ptr;
    using connection_type  = typename client_type::connection_type;
    using consumption_type = concurrent_consumption<Listener, Executor, Observer, Runtime, consumer_core>;
    using batch_type       = typename consumption_type::batch_type;
    using queue_type       = owned_queue<connection_type, Runtime, consumption_type::concurrent>;
    using milliseconds     = std::chrono::milliseconds;
    using time_point       = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// @param checked  Options that `check()` found right.
    consumer_core(options checked, Listener listener, std::shared_ptr<client_type> client, Allocation strategy,
                  Offsets store, Executor executor, Observer observer)
        : options_(std::move(checked)),
          client_(std::move(client)),
          runtime_(client_->runtime()),
          strategy_(std::move(strategy)),
          store_(std::move(store)),
          observer_(std::move(observer)),
          retry_topic_(retry_topic(options_.group)),
          decoder_({.check_crc = options_.check_crc, .decompress = true, .max_body_size = options_.max_body_size}),
          consumption_(std::move(listener), std::move(executor), observer_, runtime_) {}

    // For the handle.

    consumer_state state() const noexcept { return state_; }
    const std::map<std::string, subscription>& subscriptions() const noexcept { return subscriptions_; }

    /// Before start.
    void subscribe(subscription wanted) { subscriptions_.insert_or_assign(wanted.topic, std::move(wanted)); }
    bool unsubscribe(const std::string& topic) { return subscriptions_.erase(topic) != 0; }

    /// @retval error::already_started, error::already_stopped, error::group_in_use, a resolver's error.
    task<std::error_code> start() {
        const auto self = this->shared_from_this();
        if (state_ != consumer_state::created)
            co_return state_ == consumer_state::stopped ? error::already_stopped : error::already_started;
        state_ = consumer_state::starting;
        observer_.on_starting(options_.group);
        if (auto retry = make_subscription(retry_topic_, all_messages, subscription_version()))
            subscribe(std::move(*retry));
        consumption_.start(options_.consume_threads, options_.consume_batch_size);

        auto failure = co_await client_->join(make_group_member(*this, options_.group), topics());
        if (state_ != consumer_state::starting)
            failure = error::operation_cancelled; // stop() came meanwhile and sees to the rest
        else if (failure)
            finish(failure);
        if (failure)
            co_return failure;

        state_ = consumer_state::running;
        for (const auto& topic : topics())
            queues_.remember_first_queues(routes().queues(topic));
        observer_.on_started(options_.group, client_->client_id());
        spawn(rebalancer<consumer_core>::run(self));
        spawn(commit_duty(self));
        spawn(sample_duty(self));
        co_return std::error_code();
    }

    /**
     * @brief Ends everything in the order that leaves nothing behind: no more pulls, running listener calls to their end,
     *        offsets committed and confirmed, the group left at every broker.
     * @param limit  How long to wait for running listener calls.
     * @retval error::stop_deadline_passed  Some ran longer; their messages come again elsewhere.
     */
    task<std::error_code> stop(milliseconds limit) {
        const auto self = this->shared_from_this();
        if (state_ == consumer_state::created)
            finish({});
        if (state_ == consumer_state::stopping)
            co_await stopped_.wait();
        if (state_ == consumer_state::stopped)
            co_return stop_result_;

        state_         = consumer_state::stopping;
        stop_deadline_ = runtime_.now() + limit;
        rebalancer_.ask();
        commit_due_.wake();
        sample_due_.wake();
        queues_.release_all();
        // Offsets are committed after the listeners' deadline; a broker that is away must not hold us for ever.
        const bool clean = co_await queues_.wait_until_empty(stop_deadline_ + settings().request_timeout);
        co_await client_->leave(options_.group);
        finish(clean ? std::error_code() : make_error_code(error::stop_deadline_passed));
        co_return stop_result_;
    }

    consumer_statistics statistics() {
        consumption_.collect(*this);
        consumer_statistics snapshot{.group = options_.group, .client_id = client_->client_id()};
        const auto now = runtime_.now();
        for (const auto& owned : queues_.all()) {
            queue_statistics one{.queue        = owned->queue,
                                 .stage        = owned->stage,
                                 .in_stage_for = std::chrono::duration_cast<milliseconds>(now - owned->stage_since),
                                 .next_pull    = owned->cache.next_pull(),
                                 .committable  = owned->cache.committable(),
                                 .committed    = owned->committed,
                                 .broker_max   = owned->broker_max,
                                 .cached       = owned->cache.level(),
                                 .running      = owned->cache.busy(),
                                 .flow         = owned->flow,
                                 .counts       = owned->counts};
            one.lag = owned->broker_max < 0 ? 0 : std::max<std::int64_t>(0, owned->broker_max - one.committable);
            snapshot.lag += one.lag;
            snapshot.cached_messages += one.cached.messages;
            snapshot.cached_bytes += one.cached.bytes;
            snapshot.queues.push_back(std::move(one));
        }
        const auto sums              = counts();
        snapshot.counts              = sums;
        snapshot.block_bytes         = client_->blocks().live_bytes();
        const auto rate              = [&](auto figure) { return rates_.per_second(now, sums, figure); };
        snapshot.pulls_per_second    = rate([](const work_counts& c) { return c.pulls; });
        snapshot.pulled_per_second   = rate([](const work_counts& c) { return c.pulled; });
        snapshot.consumed_per_second = rate([](const work_counts& c) { return c.succeeded; });
        snapshot.failed_per_second   = rate([](const work_counts& c) { return c.failed; });
        const auto calls             = rate([](const work_counts& c) { return c.calls; });
        constexpr double milli       = 1e6; // nanoseconds
        if (snapshot.pulls_per_second > 0)
            snapshot.pull_milliseconds =
                rate([](const work_counts& c) { return c.pull_time.count(); }) / milli / snapshot.pulls_per_second;
        if (calls > 0)
            snapshot.consume_milliseconds =
                rate([](const work_counts& c) { return c.consume_time.count(); }) / milli / calls;
        return snapshot;
    }

    /// From any thread: whether stop has completed.
    bool has_stopped() const noexcept { return has_stopped_.load(); }
    /// Whether this thread is inside a listener call of this consumer.
    bool inside_listener() const noexcept { return consumption_.inside_listener(); }
    /// Ends a consumer that was never started; the strand does not run.
    void stop_unstarted() {
        state_ = consumer_state::stopped;
        has_stopped_.store(true);
    }
    /// From any thread, when a stop was waited for in vain: no further listener call begins.
    void abandon() noexcept { consumption_.abandon(); }
    static task<void> tell_when_stopped(std::shared_ptr<consumer_core> self,
                                        std::shared_ptr<asio::io_context> waiting) {
        if (!self->has_stopped())
            co_await self->stopped_.wait();
        waiting->stop();
    }

    Executor& executor() noexcept { return consumption_.executor(); }
    client_type& client() noexcept { return *client_; }

    // For the parts.

    bool running() const noexcept { return state_ == consumer_state::running; }
    const options& settings() const noexcept { return options_; }
    Runtime& runtime() noexcept { return runtime_; }
    Observer& observe() noexcept { return observer_; }
    Allocation& strategy() noexcept { return strategy_; }
    Offsets& store() noexcept { return store_; }
    auto& calls() noexcept { return client_->calls(); }
    const route_table& routes() const noexcept { return client_->routes(); }
    detail::block_pool& blocks() noexcept { return client_->blocks(); }
    batch_pool<consumption_type::concurrent>& batches() noexcept { return batches_; }
    queue_table<consumer_core>& queues() noexcept { return queues_; }
    rebalancer<consumer_core>& rebalance() noexcept { return rebalancer_; }
    const std::string& client_id() { return client_->client_id(); }
    std::string_view own_retry_topic() const noexcept { return retry_topic_; }
    time_point stop_deadline() const noexcept { return stop_deadline_; }

    pull_pace pace() const noexcept {
        // A pull may go beyond the limit of bytes, so that one is lower by the block of an answer: what is held stays within
        // the option. (Unless the option is less than two answers, or bodies inflate to more than that.)
        const auto answer = std::bit_ceil(options_.pull_batch_bytes + block_for_header);
        const auto bytes  = options_.max_cached_bytes - std::min(answer, options_.max_cached_bytes / 2);
        return {.limits      = {options_.max_cached_messages, bytes, options_.max_span},
                .interval    = options_.pull_interval,
                .error_delay = options_.error_delay};
    }
    /// One for all queues: it keeps its decompression contexts.
    protocol::message_decoder& decoder() noexcept { return decoder_; }
    const subscription* subscription_of(const std::string& topic) const {
        const auto found = subscriptions_.find(topic);
        return found == subscriptions_.end() ? nullptr : &found->second;
    }
    std::vector<std::string> topics() const {
        std::vector<std::string> all;
        for (const auto& [topic, wanted] : subscriptions_)
            all.push_back(topic);
        return all;
    }

    void heartbeat_soon() { client_->heartbeat_soon(); }
    void rebalance_later() { rebalancer_.ask_later(); }
    void restart_at(queue_type& queue, queue_offset offset) { queues_.restart_at(queue, offset); }
    void forget_exhausted() { consumption_.forget_exhausted(); }

    void spawn(task<void> work) { asio::co_spawn(runtime_.get_executor(), std::move(work), asio::detached); }

    void dispatch(batch_type& batch) {
        if constexpr (consumption_type::immediate)
            consumption_.dispatch(batch, this);
        else
            consumption_.dispatch(batch, this->shared_from_this());
    }

    /// Hears of batches that ran, now and as soon as the next one has; for those who wait for it.
    void collect_soon() { consumption_.collect_soon(*this); }

    /// The last runner has left `batch`.
    void batch_ran(batch_type& batch) {
        auto& queue = *static_cast<queue_type*>(batch.home);
        batch.hear();
        queue.counts.calls += batch.tally.calls.load();
        queue.counts.succeeded += batch.tally.succeeded.load();
        queue.counts.failed += batch.tally.failed.load();
        queue.counts.consume_time += std::chrono::nanoseconds(batch.tally.nanoseconds.load());
        if (batch.tally.failed.load() != 0)
            batch_has_failed(batch);
        settled(queue);
    }

    /// Sends the messages of `batch` back that the listener wants again.
    void batch_has_failed(batch_type& batch) {
        auto owned = queues_.share(*static_cast<queue_type*>(batch.home));
        for (std::uint32_t i = 0; owned && i < batch.size(); ++i) {
            if (batch.progress(i) != message_progress::failed)
                continue;
            batch.set_progress(i, message_progress::sending_back);
            ++batch.under_send_back;
            spawn(send_back(this->shared_from_this(), owned, batch, i));
        }
    }

    void settled(queue_type& queue) { queues_.settled_some(queue); }

    /// What an offset store is given.
    struct store_access {
        template <class T>
        using task = typename consumer_core::template task<T>;

        consumer_core& core;

        const std::string& group() const noexcept { return core.options_.group; }
        const std::string& client_id() const { return core.client_->client_id(); }
        task<result<std::optional<queue_offset>>> query_offset(message_queue queue) {
            return core.calls().query_offset(group(), std::move(queue));
        }
        task<std::error_code> update_offset(message_queue queue, queue_offset offset) {
            return core.calls().update_offset(group(), std::move(queue), offset);
        }
    };
    store_access offset_access() noexcept { return {*this}; }

    // For the client instance (see group_member).

    protocol::consumer_data describe() const {
        protocol::consumer_data data;
        data.group_name         = options_.group;
        data.consume_from_where = options_.from == consume_from::first       ? protocol::heartbeat_words::from_first
                                  : options_.from == consume_from::timestamp ? protocol::heartbeat_words::from_time
                                                                             : protocol::heartbeat_words::from_last;
        for (const auto& [topic, wanted] : subscriptions_)
            data.subscriptions.push_back(wanted);
        return data;
    }
    void members_changed() { rebalancer_.ask(); }
    void route_changed(const std::string& topic, std::size_t queues) {
        if (!subscriptions_.contains(topic))
            return;
        observer_.on_route_changed(topic, queues);
        rebalancer_.ask();
    }
    void route_failure(const std::string& topic, std::error_code why) {
        if (subscriptions_.contains(topic))
            observer_.on_route_failure(topic, why);
    }
    void connect_ended(const endpoint& peer, std::error_code why) { observer_.on_connect(peer, why); }
    void disconnected(const endpoint& peer, std::error_code why) { observer_.on_disconnect(peer, why); }
    void heartbeat_failure(const endpoint& peer, std::error_code why) { observer_.on_heartbeat_failure(peer, why); }

    /// Milliseconds since 1970, as brokers order subscriptions.
    std::int64_t subscription_version() {
        return std::chrono::duration_cast<milliseconds>(runtime_.system_now().time_since_epoch()).count();
    }

  private:
    static constexpr std::size_t block_for_header = 4096; ///< Bytes of an answer before its messages, at most.

    /// The last step, after which nothing of the consumer runs but listener calls that hang.
    void finish(std::error_code outcome) {
        const bool clean = outcome != error::stop_deadline_passed;
        consumption_.shut();
        consumption_.executor().join(clean ? milliseconds(1000) : milliseconds(0));
        state_       = consumer_state::stopped;
        stop_result_ = outcome;
        observer_.on_stopped(options_.group, outcome);
        has_stopped_.store(true);
        stopped_.set();
    }

    static task<void> commit_duty(std::shared_ptr<consumer_core> self) {
        // What has not changed is written once a minute too, against a broker that lost it.
        const auto rewrite = std::max<std::int64_t>(1, milliseconds(60000) / self->options_.commit_interval);
        for (std::int64_t turn = 1; self->running(); ++turn) {
            co_await self->commit_due_.wait_until(self->runtime_.now() + self->options_.commit_interval);
            if (self->running())
                co_await self->queues_.commit(turn % rewrite == 0);
        }
    }

    static task<void> sample_duty(std::shared_ptr<consumer_core> self) {
        while (self->running()) {
            self->rates_.sample(self->runtime_.now(), self->counts());
            co_await self->sample_due_.wait_until(self->runtime_.now() + std::chrono::seconds(10));
        }
    }

    work_counts counts() const {
        auto sums = queues_.past_counts();
        for (const auto& owned : queues_.all())
            sums += owned->counts;
        return sums;
    }

    options options_;
    std::shared_ptr<client_type> client_; ///< Its block pool outlives the batches below.
    Runtime runtime_;
    Allocation strategy_;
    Offsets store_;
    Observer observer_;
    std::string retry_topic_;
    std::map<std::string, subscription> subscriptions_;
    protocol::message_decoder decoder_;
    batch_pool<consumption_type::concurrent> batches_;
    consumption_type consumption_;
    queue_table<consumer_core> queues_{*this};
    rebalancer<consumer_core> rebalancer_{*this};
    detail::wake_up<Runtime> commit_due_{runtime_};
    detail::wake_up<Runtime> sample_due_{runtime_};
    detail::signal_flag<Runtime> stopped_{runtime_};
    rate_window rates_;
    time_point stop_deadline_ = time_point::max();
    std::error_code stop_result_;
    consumer_state state_ = consumer_state::created;
    std::atomic<bool> has_stopped_{false};
};

} // namespace rocketpush

#endif
