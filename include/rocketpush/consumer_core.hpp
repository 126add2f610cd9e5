#ifndef ROCKETPUSH_CONSUMER_CORE_HPP
#define ROCKETPUSH_CONSUMER_CORE_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/client/client_instance.hpp>
#include <rocketpush/client/direct_consumption.hpp>
#include <rocketpush/client/running_info.hpp>
#include <rocketpush/consume/batch_settlement.hpp>
#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/consume/consume_timeout.hpp>
#include <rocketpush/consume/orderly_consumption.hpp>
#include <rocketpush/consume/orderly_pause.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/lasting_duty.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/detail/thrown.hpp>
#include <rocketpush/fetch/popped_batch.hpp>
#include <rocketpush/fetch/popped_queue.hpp>
#include <rocketpush/observe/consumption_history.hpp>
#include <rocketpush/observe/denial_memory.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/observe/observer_desk.hpp>
#include <rocketpush/observe/snapshot.hpp>
#include <rocketpush/observe/statistics.hpp>
#include <rocketpush/offset_store/offset_store.hpp>
#include <rocketpush/rebalance/group_check.hpp>
#include <rocketpush/rebalance/lock_keeper.hpp>
#include <rocketpush/rebalance/offset_writer.hpp>
#include <rocketpush/rebalance/pop_table.hpp>
#include <rocketpush/rebalance/queue_memory.hpp>
#include <rocketpush/rebalance/queue_table.hpp>
#include <rocketpush/rebalance/rebalancer.hpp>
#include <rocketpush/rebalance/subscription_book.hpp>
#include <rocketpush/rebalance/watchdog.hpp>
#include <rocketpush/remoting/access_control.hpp>
#include <rocketpush/remoting/backoff.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
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
    using runtime_type    = Runtime;
    using store_type      = Offsets;
    using executor_type   = typename Runtime::executor_type;
    using client_type     = client_instance<Transport, Runtime>;
    using connection_ptr  = typename client_type::pool_type::connection_ptr;
    using connection_type = typename client_type::connection_type;
    using consumption_type =
        typename consumption_of<Listener>::template type<Executor, Observer, Runtime, consumer_core>;
    using batch_type     = typename consumption_type::batch_type;
    using order_type     = typename consumption_type::order_type;
    using queue_type     = owned_queue<connection_type, Runtime, consumption_type::concurrent, order_type>;
    using pop_batch_type = popped_batch<consumption_type::concurrent>;
    using pop_queue_type = popped_queue<connection_type, Runtime, pop_batch_type>;
    using milliseconds   = std::chrono::milliseconds;
    using time_point     = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// Whether every member reads every queue: none is shared out, offsets are the member's own, and what fails is dropped.
    static constexpr bool broadcasting = model_of<Offsets>() == message_model::broadcasting;
    /// Whether each queue's messages are consumed one after the other.
    static constexpr bool in_order = consumption_type::in_order;
    /// Whether that holds for the whole group: brokers lock the queues for their members.
    static constexpr bool locks_queues = in_order && !broadcasting;
    /// Whether brokers are asked for the share, and may say that it is to be popped. Nothing of it is compiled otherwise.
    static constexpr bool pops_queues = asks_broker<Allocation>;
    static_assert(!(pops_queues && broadcasting),
                  "broker_allocation is for clustering: in broadcasting nothing is shared out");
    static_assert(!(pops_queues && in_order),
                  "broker_allocation is for concurrent listeners: nothing orderly is popped");

    /// @param checked  Options that `check()` found right.
    consumer_core(options checked, Listener listener, std::shared_ptr<client_type> client, Allocation strategy,
                  Offsets store, Executor executor, Observer observer)
        : options_(std::move(checked)),
          client_(std::move(client)),
          runtime_(client_->runtime()),
          strategy_(std::move(strategy)),
          store_(std::move(store)),
          observer_(std::move(observer)),
          name_space_(namespace_of(options_)),
          retry_topic_(retry_topic(with_namespace(name_space_, options_.group))),
          decoder_({.check_crc = options_.check_crc, .decompress = true, .max_body_size = options_.max_body_size}),
          consumption_(std::move(listener), std::move(executor), observer_, runtime_) {
        options_.group = with_namespace(name_space_, options_.group);
        if (!name_space_.empty())
            name_space_ += '%';
    }

    // For the handle.

    consumer_state state() const noexcept { return state_; }

    /// A topic's name at the broker: with the namespace.
    std::string full_name(std::string_view topic) const { return with_namespace(namespace_of(options_), topic); }
    message_queue full_name(const message_queue& queue) const {
        return {full_name(queue.topic), queue.broker_name, queue.queue_id};
    }

    /// While it runs, or before.
    /// @param why  Is given a broker's text if it refuses the condition.
    task<std::error_code> subscribe(subscription wanted, std::shared_ptr<std::string> why) {
        const auto self = this->shared_from_this();
        if (state_ == consumer_state::stopping || state_ == consumer_state::stopped)
            co_return error::already_stopped;
        if (state_ == consumer_state::created) {
            subscriptions_.put(std::move(wanted));
            co_return std::error_code();
        }
        const auto failure = co_await subscription_book<consumer_core>::add(self, std::move(wanted), std::move(why));
        co_return failure;
    }
    task<std::error_code> unsubscribe(std::string topic) {
        const auto self = this->shared_from_this();
        if (state_ == consumer_state::stopping || state_ == consumer_state::stopped)
            co_return error::already_stopped;
        if (state_ == consumer_state::created)
            co_return subscriptions_.take_back(topic) ? std::error_code() : make_error_code(error::not_subscribed);
        const auto failure = co_await subscription_book<consumer_core>::remove(self, std::move(topic));
        co_return failure;
    }

    /// @param why  Is given a broker's text if it refuses a condition.
    /// @retval error::already_started, error::already_stopped, error::group_in_use, error::filter_refused, a resolver's error,
    ///         response_code::no_permission.
    task<std::error_code> start(std::shared_ptr<std::string> why = std::make_shared<std::string>()) {
        const auto self = this->shared_from_this();
        if (state_ != consumer_state::created)
            co_return state_ == consumer_state::stopped ? error::already_stopped : error::already_started;
        state_ = consumer_state::starting;
        observer_.on_starting(options_.group);
        if constexpr (!broadcasting)
            if (auto retry = make_subscription(retry_topic_, all_messages, subscription_version()))
                subscriptions_.put(std::move(*retry));
        consumption_.start(options_);

        std::error_code failure;
        if constexpr (loads_offsets<Offsets>) {
            auto access = offset_access();
            failure     = co_await store_.load(access);
        }
        if (!failure && state_ == consumer_state::starting) {
            const auto check = [self, why] { return subscription_book<consumer_core>::check_filters(self, why); };
            failure          = co_await client_->join(make_group_member(*this, options_.group), topics(), check);
        }
        if (failure == response_code::no_permission && why->empty())
            *why = rocketpush::describe(client_->last_denial(), "group " + options_.group);
        if (state_ != consumer_state::starting)
            failure = error::operation_cancelled; // stop() came meanwhile and sees to the rest
        else if (failure)
            finish(failure);
        if (failure)
            co_return failure;

        state_      = consumer_state::running;
        started_at_ = runtime_.now();
        for (const auto& topic : topics())
            queues_.takeover().remember_first_queues(routes().queues(topic));
        observer_.on_started(options_.group, client_->client_id());
        if constexpr (attaches<Observer, observer_access<consumer_core>>)
            desk_.open();
        begin_duty(&rebalancer<consumer_core>::run);
        begin_duty(&commit_duty);
        if constexpr (locks_queues)
            begin_duty(&lock_keeper<consumer_core>::run);
        begin_duty(&sample_duty);
        // On the strand nothing can look while a call runs; in broadcasting nothing is sent back, nor out of its order.
        if constexpr (!consumption_type::immediate && !broadcasting && !in_order)
            begin_duty(&sweep_duty);
        co_return std::error_code();
    }

    /**
     * @brief Ends everything in the order that leaves nothing behind: no more pulls, running listener calls to their end,
     *        offsets committed and confirmed, the group left at every broker.
     * @param limit  How long to wait for running listener calls.
     * @retval error::stop_deadline_passed  Some ran longer; their messages come again elsewhere.
     * @retval std::errc::not_enough_memory  Offsets or the group's brokers were not told; messages come again elsewhere.
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
        sweep_due_.wake();
        auto outcome = make_error_code(error::stop_deadline_passed);
        for (int attempt = 1; attempt <= stop_attempts; ++attempt) {
            try {
                const bool clean = co_await wind_up();
                if (clean)
                    outcome = {};
                break;
            } catch (...) { // what had no memory may find some now that queues have let go of theirs
                outcome = detail::code_of_thrown();
            }
        }
        client_->leave_unsaid(options_.group); // unless that is done
        finish(outcome);
        co_return stop_result_;
    }

    /// From any thread. No pull begins from now on; what is under way and what is cached goes on.
    void suspend() noexcept { suspended_.store(true, std::memory_order_relaxed); }
    /// Afterwards `wake_fetching` on the strand.
    void lift_suspension() noexcept { suspended_.store(false, std::memory_order_relaxed); }
    bool suspended() const noexcept { return suspended_.load(std::memory_order_relaxed); }

    /// @param limits  As options have them.
    void limit_cache(const cache_limits& limits) {
        limits_     = within_answers(limits, options_);
        pop_limits_ = limits;
        wake_fetching();
    }
    /// Whether one queue is fetched from.
    void suspend(const message_queue& queue, bool on) {
        queues_.suspend(queue, on);
        wake_fetching();
    }
    /// Has every fetch loop look again whether anything is in its way.
    void wake_fetching() {
        queues_.wake_all();
        if constexpr (pops_queues)
            pops_.wake_all();
    }

    /// Has a queue of ours go on at `offset`, and returns when that is its committed offset.
    /// @retval error::not_running, error::not_our_queue, error::offset_not_confirmed
    task<std::error_code> seek(message_queue queue, queue_offset offset) {
        const auto self = this->shared_from_this();
        if (!running())
            co_return error::not_running;
        const bool ours  = co_await queues_.wait_until_taken_over(queue);
        const auto ended = ours ? queues_.restart_at(queue, offset) : nullptr;
        if (!ended)
            co_return running() ? error::not_our_queue : error::not_running;
        co_await queues_.wait_until_ended(ended);
        co_return ended->committed == offset ? std::error_code() : make_error_code(error::offset_not_confirmed);
    }

    consumer_statistics statistics() {
        consumption_.collect(*this);
        return take_snapshot(*this, history_);
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
    /// Started, or about to be.
    bool active() const noexcept { return running() || state_ == consumer_state::starting; }
    subscription_book<consumer_core>& subscriptions() noexcept { return subscriptions_; }
    const options& settings() const noexcept { return options_; }
    Runtime& runtime() noexcept { return runtime_; }
    Observer& observe() noexcept { return observer_; }
    Allocation& strategy() noexcept { return strategy_; }
    Offsets& store() noexcept { return store_; }
    auto& calls() noexcept { return client_->calls(); }
    const route_table& routes() const noexcept { return client_->routes(); }
    const std::shared_ptr<detail::block_pool>& blocks() noexcept { return client_->blocks(); }
    batch_pool<consumption_type::concurrent>& batches() noexcept { return batches_; }
    queue_table<consumer_core>& queues() noexcept { return queues_; }
    offset_writer<consumer_core>& offsets() noexcept { return offsets_; }
    pop_table<consumer_core>& pops() noexcept
        requires pops_queues
    {
        return pops_;
    }
    rebalancer<consumer_core>& rebalance() noexcept { return rebalancer_; }
    group_check<consumer_core>& checks() noexcept { return checks_; }
    auto& locks() noexcept { return locks_; }
    const std::string& client_id() { return client_->client_id(); }
    /// By which a store knows this member. In broadcasting it does not wait for a connection to learn an address by.
    const std::string& store_client_id() {
        if constexpr (broadcasting) {
            if (lasting_id_.empty())
                lasting_id_ = lasting_client_id(client_->settings());
            return lasting_id_;
        } else {
            return client_->client_id();
        }
    }
    std::string_view own_retry_topic() const noexcept { return retry_topic_; }
    /// `NS%`, what the listener does not see of a topic; empty without a namespace.
    std::string_view name_space() const noexcept { return name_space_; }
    time_point started_at() const noexcept { return started_at_; }
    time_point stop_deadline() const noexcept { return stop_deadline_; }

    pull_pace pace() const noexcept {
        return {.limits = limits_, .interval = options_.pull_interval, .error_delay = options_.error_delay};
    }
    const cache_limits& limits() const noexcept { return limits_; }
    queue_memory<consumer_core>& memory() noexcept { return memory_; }
    rocketpush::pop_pace pop_pace() const noexcept {
        const auto answer = std::min(options_.max_frame_size, pop_limits_.bytes / 2);
        return {.max_waiting = std::min(options_.max_popped_messages, pop_limits_.messages),
                .max_bytes   = pop_limits_.bytes - answer,
                .interval    = options_.pull_interval,
                .error_delay = options_.error_delay};
    }
    int max_reconsume_times() const noexcept { return effective_max_reconsume_times(options_.max_reconsume_times); }
    /// One for all queues: it keeps its decompression contexts.
    protocol::message_decoder& decoder() noexcept { return decoder_; }
    const subscription* subscription_of(const std::string& topic) const { return subscriptions_.find(topic); }
    std::vector<std::string> topics() const { return subscriptions_.topics(); }

    /// Has what is left in the pop retry topic of `topic` pulled, or not any more.
    void pull_pop_retries(const std::string& topic, bool wanted) {
        auto retries = protocol::real_topic(protocol::pop_topic::retry_v1, options_.group, topic);
        if (wanted != wants(retries))
            spawn(follow_pop_retries(this->shared_from_this(), std::move(retries), wanted));
    }

    void heartbeat_soon() { client_->heartbeat_soon(); }
    /// A request for the group, or for a topic, failed. A refusal for lack of permission is told when it begins.
    void group_refused(std::error_code why) { denied(why, "group ", options_.group); }
    void topic_refused(const std::string& topic, std::error_code why) {
        if (is_retry_topic(topic))
            group_refused(why); // who may consume for a group may read it
        else
            denied(why, "topic ", topic);
    }
    /// A request for a queue failed. Who leads a static topic's queue may have changed.
    void queue_refused(const message_queue& queue, std::error_code why) {
        topic_refused(queue.topic, why);
        if (is_static_topic_broker(queue.broker_name) &&
            (why == response_code::not_leader_for_queue || why == response_code::topic_not_exist ||
             why == error::no_broker_address))
            client_->route_doubted(queue.topic);
    }
    void rebalance_later() { rebalancer_.ask_later(); }
    void restart_at(queue_type& queue, queue_offset offset) { queues_.restart_at(queue, offset); }
    void forget_exhausted() { consumption_.forget_exhausted(); }

    void spawn(task<void> work) { asio::co_spawn(runtime_.get_executor(), std::move(work), asio::detached); }

    void dispatch(batch_type& batch) {
        if constexpr (in_order)
            consumption_.dispatch(*static_cast<queue_type*>(batch.home), batch, owner());
        else
            consumption_.dispatch(batch, owner());
    }

    /// Hears of batches that ran, now and as soon as the next one has; for those who wait for it.
    void collect_soon() { consumption_.collect_soon(*this); }

    // For queues that are consumed in order; see queue_order.

    void prepare_order(queue_type& queue, bool contested) {
        if constexpr (in_order) {
            queue.order.contested = contested;
            queue.order.turn      = orderly_turn(options_.turn_limit);
            if constexpr (!locks_queues)
                queue.order.lock.not_needed();
        }
    }

    /// A turn of the queue is over.
    void batch_ran(order_type& order)
        requires in_order
    {
        auto& queue      = *static_cast<queue_type*>(order.home);
        order.out        = false;
        const auto ended = order.ended;
        queue.counts += std::exchange(order.counts, {});
        auto kept = queue.dropped ? nullptr : queues_.share(queue);
        settled(queue);
        if (!kept)
            return;
        if (ended == turn_step::pause) {
            hold_up(this->shared_from_this(), std::move(kept), &suspend_queue<consumer_core>);
        } else if (ended == turn_step::yield && consumption_type::immediate) {
            asio::post(runtime_.get_executor(),
                       [self = this->shared_from_this(), kept = std::move(kept)] { self->consume_again(*kept); });
        } else {
            consume_again(queue);
        }
    }

    /// Nothing is in the way of the queue's next turn any more.
    void consume_again(queue_type& queue) { consumption_.begin_turn(queue, owner()); }

    void regain_lock(queue_type& queue) {
        if constexpr (locks_queues) {
            hold_up(this->shared_from_this(), queues_.share(queue), &rocketpush::regain_lock<consumer_core>);
        }
    }

    /// The last runner has left `batch`.
    void batch_ran(batch_type& batch) {
        if constexpr (pops_queues)
            if (batch.popped)
                return pops_.batch_ran(static_cast<pop_batch_type&>(batch));
        settle_run(*this, batch);
    }

    /// Messages of `batch` are to come again.
    void batch_has_failed(batch_type& batch) {
        if constexpr (pops_queues)
            if (batch.popped)
                return pops_.batch_has_failed(static_cast<pop_batch_type&>(batch));
        settle_failed(*this, batch);
    }

    void settled(queue_type& queue) { queues_.settled_some(queue); }

    /// What an offset store is given.
    struct store_access {
        template <class T>
        using task = typename consumer_core::template task<T>;

        consumer_core& core;

        const std::string& group() const noexcept { return core.options_.group; }
        const std::string& client_id() const { return core.store_client_id(); }
        void report(std::string_view where, std::error_code what) { core.observer_.on_offset_store(where, what); }
        task<result<std::optional<queue_offset>>> query_offset(message_queue queue) {
            const auto& with    = core.options_;
            const bool strictly = with.strict_from && with.from != consume_from::first && !is_retry_topic(queue.topic);
            return core.calls().query_offset(group(), std::move(queue), strictly);
        }
        task<std::error_code> update_offset(message_queue queue, queue_offset offset) {
            return core.calls().update_offset(group(), std::move(queue), offset);
        }
    };
    store_access offset_access() noexcept { return {*this}; }

    // For the client instance (see group_member).

    protocol::consumer_data describe() const {
        protocol::consumer_data data;
        data.group_name = options_.group;
        data.unit_mode  = options_.unit_mode;
        data.message_model =
            broadcasting ? protocol::heartbeat_words::broadcasting : protocol::heartbeat_words::clustering;
        data.consume_from_where = options_.from == consume_from::first       ? protocol::heartbeat_words::from_first
                                  : options_.from == consume_from::timestamp ? protocol::heartbeat_words::from_time
                                                                             : protocol::heartbeat_words::from_last;
        for (const auto& [topic, wanted] : subscriptions_.all())
            data.subscriptions.push_back(wanted);
        return data;
    }
    void reset(const std::string& topic, const std::vector<protocol::queue_position>& to) {
        for (const auto& [queue, offset] : to) {
            if (queue.topic != topic || offset < 0)
                continue;
            if (const auto owned = queues_.restart_at(queue, offset))
                observer_.on_offset_corrected(queue, owned->cache.next_pull(), offset);
        }
    }
    std::string running_info(bool with_stacks) {
        return protocol::encode(running_info_of(*this, statistics(), with_stacks));
    }
    std::string status(const std::string& topic) { return protocol::encode(consumer_status_of(*this, topic)); }
    void consume_directly(std::string_view record, const std::string& broker_name, request_answer answer) {
        if (!running())
            return answer(response_code::system_error, "the consumer is not running");
        rocketpush::consume_directly(*this, consumption_, owner(), record, broker_name, std::move(answer));
    }
    bool wants(const std::string& topic) const { return subscriptions_.find(topic) != nullptr; }
    void members_changed() { rebalancer_.ask(); }
    void route_changed(const std::string& topic, std::size_t queues) {
        if (!wants(topic))
            return;
        observer_.on_route_changed(topic, queues);
        if (running())
            subscriptions_.route_came(this->shared_from_this(), topic);
        if constexpr (locks_queues)
            if (routes().is_static(topic))
                locks_.renew_soon(); // a queue that is led by another broker now is not locked there yet
        rebalancer_.ask();
    }
    void route_failure(const std::string& topic, std::error_code why) {
        if (!wants(topic))
            return;
        observer_.on_route_failure(topic, why);
        topic_refused(topic, why);
    }
    void name_servers_changed(const std::vector<endpoint>& now) { observer_.on_name_servers_changed(now); }
    void name_server_lookup_failure(const std::string& url, std::error_code why) {
        observer_.on_name_server_lookup_failure(url, why);
    }
    void connect_ended(const endpoint& peer, std::error_code why) { observer_.on_connect(peer, why); }
    void disconnected(const endpoint& peer, std::error_code why) { observer_.on_disconnect(peer, why); }
    void heartbeat_failure(const endpoint& peer, std::error_code why) {
        observer_.on_heartbeat_failure(peer, why);
        group_refused(why);
    }

    /// Milliseconds since 1970, as brokers order subscriptions.
    std::int64_t subscription_version() {
        return std::chrono::duration_cast<milliseconds>(runtime_.system_now().time_since_epoch()).count();
    }

  private:
    /// A pull may go beyond the limit of bytes, so that one is lower by the block of an answer: what is held stays within
    /// the option. (Unless the option is less than two answers, or bodies inflate to more than that.)
    static cache_limits within_answers(const cache_limits& limits, const options& with) noexcept {
        const auto answer = std::bit_ceil(with.pull_batch_bytes + queue_memory<consumer_core>::block_for_header);
        return {limits.messages, limits.bytes - std::min(answer, limits.bytes / 2), limits.span};
    }

    /// What a consumption keeps while jobs of ours are out.
    auto owner() {
        if constexpr (consumption_type::immediate)
            return this;
        else
            return this->shared_from_this();
    }

    void begin_duty(task<void> (*duty)(std::shared_ptr<consumer_core>)) {
        spawn(detail::lasting_duty(runtime_, this->shared_from_this(), duty));
    }

    static constexpr int stop_attempts = 3;

    /// Gives every queue up, and leaves the group. @return Whether no listener call runs any more.
    /// @throws std::bad_alloc  It may be tried again.
    task<bool> wind_up() {
        queues_.release_all();
        if constexpr (pops_queues)
            pops_.release_all();
        // Offsets are committed after the listeners' deadline; a broker that is away must not hold us for ever.
        bool clean = co_await queues_.wait_until_empty(stop_deadline_ + settings().request_timeout);
        if constexpr (pops_queues) {
            const bool pops_clean = co_await pops_.wait_until_empty(stop_deadline_ + settings().request_timeout);
            clean                 = clean && pops_clean;
        }
        if constexpr (attaches<Observer, observer_access<consumer_core>>)
            co_await desk_.close(stop_deadline_);
        co_await client_->leave(options_.group);
        co_return clean;
    }

    /// The last step, after which nothing of the consumer runs but listener calls that hang.
    void finish(std::error_code outcome) {
        const struct completion { // whatever an observer throws
            ~completion() {
                of.has_stopped_.store(true);
                of.stopped_.set();
                if constexpr (locks_queues)
                    of.locks_.stop();
            }
            consumer_core& of;
        } completed{*this};
        const bool clean = outcome != error::stop_deadline_passed;
        state_           = consumer_state::stopped;
        stop_result_     = outcome;
        consumption_.shut();
        consumption_.executor().join(clean ? milliseconds(1000) : milliseconds(0));
        queues_.keep_left_behind();
        if constexpr (pops_queues)
            pops_.close();
        observer_.on_stopped(options_.group, outcome);
    }

    void denied(std::error_code why, const char* kind, const std::string& name) {
        if (why != response_code::no_permission) [[likely]]
            return;
        const auto subject  = kind + name;
        const auto sentence = rocketpush::describe(client_->last_denial(), subject);
        if (denials_.begins(sentence, runtime_.now()))
            observer_.on_access_denied(subject, why, sentence);
    }

    static task<void> follow_pop_retries(std::shared_ptr<consumer_core> self, std::string topic, bool wanted) {
        if (!wanted) {
            co_await subscription_book<consumer_core>::remove(self, std::move(topic));
        } else if (auto made = make_subscription(topic, all_messages, self->subscription_version())) {
            const auto why = std::make_shared<std::string>();
            co_await subscription_book<consumer_core>::add(self, std::move(*made), why);
        }
    }

    static task<void> commit_duty(std::shared_ptr<consumer_core> self) {
        // What has not changed is written once a minute too, against a broker that lost it.
        const auto rewrite = std::max<std::int64_t>(1, milliseconds(60000) / self->options_.commit_interval);
        for (std::int64_t turn = 1; self->running(); ++turn) {
            const auto pause = delay_after(self->offsets_.denied(), self->options_.commit_interval);
            co_await self->commit_due_.wait_until(self->runtime_.now() + pause);
            if (self->running())
                co_await self->offsets_.write_all(turn % rewrite == 0);
        }
    }

    static task<void> sweep_duty(std::shared_ptr<consumer_core> self) {
        const auto interval = sweep_interval(self->options_.consume_timeout);
        while (self->running()) {
            co_await self->sweep_due_.wait_until(self->runtime_.now() + interval);
            if (!self->running())
                break;
            self->consumption_.collect(*self);
            for (const auto& owned : self->queues_.all())
                if (!owned->dropped)
                    take_over_expired(self, owned);
        }
    }

    static task<void> sample_duty(std::shared_ptr<consumer_core> self) {
        while (self->running()) {
            self->history_.sample(self->runtime_.now(), [&](auto&& tell) { tell_counts(*self, tell); });
            const auto next = self->runtime_.now() + consumption_history::interval;
            co_await self->sample_due_.wait_until(next);
            // After a listener that kept the strand for long, the others' timers and answers shall come first.
            if (self->running() && self->runtime_.now() < next + std::chrono::seconds(1))
                watch_queues(self);
        }
    }

    /// In the place of a pop table where nothing is popped.
    struct no_pops {
        explicit no_pops(consumer_core&) noexcept {}
    };

    options options_;
    std::shared_ptr<client_type> client_; ///< Its block pool outlives the batches below.
    Runtime runtime_;
    Allocation strategy_;
    Offsets store_;
    Observer observer_;
    std::string name_space_;
    std::string retry_topic_;
    std::string lasting_id_; ///< In broadcasting only.
    subscription_book<consumer_core> subscriptions_;
    protocol::message_decoder decoder_;
    batch_pool<consumption_type::concurrent> batches_;
    consumption_type consumption_;
    cache_limits pop_limits_{options_.max_cached_messages, options_.max_cached_bytes, options_.max_span};
    cache_limits limits_ = within_answers(pop_limits_, options_);
    queue_memory<consumer_core> memory_{*this};
    queue_table<consumer_core> queues_{*this};
    offset_writer<consumer_core> offsets_{*this};
    [[no_unique_address]] std::conditional_t<pops_queues, pop_table<consumer_core>, no_pops> pops_{*this};
    rebalancer<consumer_core> rebalancer_{*this};
    group_check<consumer_core> checks_{*this};
    struct no_locks {
        explicit no_locks(consumer_core&) noexcept {}
    };
    [[no_unique_address]] std::conditional_t<locks_queues, lock_keeper<consumer_core>, no_locks> locks_{*this};
    [[no_unique_address]] std::conditional_t<attaches<Observer, observer_access<consumer_core>>,
                                             observer_desk<consumer_core>, no_observer_desk<consumer_core>>
        desk_{*this};
    detail::wake_up<Runtime> commit_due_{runtime_};
    detail::wake_up<Runtime> sample_due_{runtime_};
    detail::wake_up<Runtime> sweep_due_{runtime_};
    detail::signal_flag<Runtime> stopped_{runtime_};
    consumption_history history_;
    time_point started_at_{};
    denial_memory denials_;
    time_point stop_deadline_ = time_point::max();
    std::error_code stop_result_;
    consumer_state state_ = consumer_state::created;
    std::atomic<bool> has_stopped_{false};
    std::atomic<bool> suspended_{false};
};

} // namespace rocketpush

#endif
