#ifndef ROCKETPUSH_PUSH_CONSUMER_HPP
#define ROCKETPUSH_PUSH_CONSUMER_HPP

#include <rocketpush/client/client.hpp>
#include <rocketpush/consume/listener.hpp>
#include <rocketpush/consumer_core.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/policy_roles.hpp>
#include <rocketpush/detail/process_bound.hpp>
#include <rocketpush/detail/termination_signals.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

namespace rocketpush {

/**
 * @brief A RocketMQ push consumer: joins its group, shares the topics' queues with the other members, runs the listener
 *        on their messages, and commits what was consumed.
 *
 * @code
 * rocketpush::push_consumer consumer{
 *     rocketpush::options{.name_servers = "127.0.0.1:9876", .group = "billing"},
 *     [](rocketpush::message_view const& m) { fmt::print("{} {}\n", m.topic(), m.body()); }};
 * consumer.subscribe("orders", rocketpush::tags("paid || refunded"));
 * consumer.run(); // until SIGINT or SIGTERM
 * @endcode
 *
 * Policies follow the listener as values, in any order, only those that differ from the default; or they are named
 * as types with `consumer_of`. Both spellings of an assembly are one type.
 *
 * Starts once and stops once. The destructor stops what runs. A consumer of its own has a thread of its own (the default
 * runtime) or runs on the user's context (`asio_runtime{context.get_executor()}`); blocking calls need another thread
 * than that context's, the `async_` ones do not.
 *
 * In a child of `fork()` it is inert: functions fail with error::used_after_fork, the destructor does nothing, and the parent goes on
 * undisturbed; the child makes a consumer of its own.
 *
 * @par Thread safety  All functions from any thread; before start, `subscribe` and `unsubscribe` one after the other and not at
 *                     once with it. On the consumer's own strand the blocking ones refuse to wait, or, like `stop`, begin and
 *                     return; inside a listener too.
 * @par Source         Java `DefaultMQPushConsumer`.
 */
template <listener Listener, transport Transport = tcp_transport, allocation_strategy Allocation = average_allocation,
          offset_store Offsets = broker_offset_store, executor_policy Executor = thread_pool_executor,
          observer Observer = log_observer, runtime Runtime = asio_runtime>
class push_consumer {
  public:
    using core_type     = consumer_core<Listener, Transport, Allocation, Offsets, Executor, Observer, Runtime>;
    using client_type   = client<Transport, Runtime>;
    using executor_type = typename Runtime::executor_type;
    using milliseconds  = std::chrono::milliseconds;

    /**
     * @param policies  Any of this assembly's policies, at most one of each type.
     * @throw std::system_error  The options are not valid; the text names the member, its value and what would do.
     */
    template <class... Policies>
        requires(detail::one_of<Policies, Transport, Allocation, Offsets, Executor, Observer, Runtime> && ...)
    push_consumer(options with, Listener listener, Policies... policies) {
        checked(with);
        if constexpr (core_type::broadcasting)
            name_lastingly(with);
        std::tuple<Policies...> given(std::move(policies)...);
        auto client = std::make_shared<typename core_type::client_type>(
            client_part(with), detail::take_policy<Transport>(given), detail::take_policy<Runtime>(given));
        assemble(std::move(with), std::move(listener), std::move(client), given);
        owns_client_ = true;
    }

    /**
     * @brief A consumer that shares `with_client`'s connections and strand. Options of the client that are left empty are
     *        the client's; others have to be equal to them.
     * @throw std::system_error  As above, or error::invalid_option: the client's settings differ.
     */
    template <class... Policies>
        requires(detail::one_of<Policies, Allocation, Offsets, Executor, Observer> && ...)
    push_consumer(client_type& with_client, options with, Listener listener, Policies... policies) {
        const auto& settings = with_client.instance()->settings();
        if (with.name_servers.empty() && with.name_server_url.empty()) {
            with.name_server_url = settings.name_server_url;
            for (const auto& server : settings.name_servers)
                with.name_servers += (with.name_servers.empty() ? "" : ";") + to_string(server);
        }
        checked(with);
        auto own = client_part(with);
        if (own.instance_name.empty())
            own.instance_name = settings.instance_name;
        if (own.client_ip.empty())
            own.client_ip = settings.client_ip;
        if (own.unit_name.empty())
            own.unit_name = settings.unit_name;
        if (own.namespace_v2.empty())
            own.namespace_v2 = settings.namespace_v2;
        if (!own.credentials)
            own.credentials = settings.credentials;
        if (own != settings)
            throw std::system_error(error::invalid_option,
                                    "options of the shared client differ from those it was made with");
        std::tuple<Policies...> given(std::move(policies)...);
        assemble(std::move(with), std::move(listener), with_client.instance(), given);
    }

    push_consumer(const push_consumer&)            = delete;
    push_consumer& operator=(const push_consumer&) = delete;

    ~push_consumer() {
        if (!core_ || core_.problem())
            return;
        const bool inside = core_->inside_listener();
        std::error_code ignored;
        if (!given_up_.load())
            stop(ignored);
        auto runtime = core_->runtime();
        core_.reset();
        if (!owns_client_)
            return;
        if (inside) // the stop waits for our caller, so we cannot wait for it: its thread shall end by itself
            asio::post(runtime.get_executor(), [runtime]() mutable { runtime.join(milliseconds(0)); });
        else
            runtime.join(join_limit);
    }

    /**
     * @brief Subscribes to a topic; again replaces the expression. Before start, or while running: then it returns when the
     *        brokers know, and the topic's messages come within a second.
     *
     * A new expression holds for what the group has not committed yet. A topic that does not exist is subscribed all the same,
     * and looked for. On the consumer's own strand and inside a listener it begins and returns.
     *
     * @throw std::system_error  error::invalid_topic, error::invalid_expression, error::already_stopped,
     *                           error::filter_refused (while running; the text is the broker's).
     */
    void subscribe(const std::string& topic, const filter_expression& filter = all_messages) {
        auto wanted = checked_subscription(topic, filter);
        if (!started_.load())
            return core_->subscriptions().put(std::move(wanted));
        const auto why = std::make_shared<std::string>();
        if (const auto failure = wait_for(core_->subscribe(std::move(wanted), why)))
            throw std::system_error(failure, why->empty() ? "subscribe to " + topic : *why);
    }

    /**
     * @brief As `subscribe` while running.
     * @param token  Completion token for `void(std::error_code)`: error::filter_refused, error::already_stopped,
     *               error::operation_cancelled.
     * @throw std::system_error  error::invalid_topic, error::invalid_expression.
     */
    template <class Token>
    auto async_subscribe(const std::string& topic, const filter_expression& filter, Token&& token) {
        return run_on_strand([wanted = checked_subscription(topic, filter)](
                                 core_type& core) { return core.subscribe(wanted, std::make_shared<std::string>()); },
                             std::forward<Token>(token));
    }

    /**
     * @brief Takes a subscription back. While running it returns when the topic's queues were given up in good order: running
     *        listener calls at their end (not for ever), offsets confirmed, the brokers told.
     *
     * On the consumer's own strand and inside a listener it begins and returns.
     *
     * @return Whether there was one. @throw std::system_error  error::already_stopped
     */
    bool unsubscribe(const std::string& topic) {
        if (!started_.load())
            return core_->subscriptions().take_back(core_->full_name(topic));
        const auto failure = wait_for(core_->unsubscribe(core_->full_name(topic)));
        if (failure && failure != error::not_subscribed)
            throw std::system_error(failure, "unsubscribe from " + topic);
        return !failure;
    }
    /// @param token  Completion token for `void(std::error_code)`: error::not_subscribed, error::already_stopped.
    template <class Token>
    auto async_unsubscribe(const std::string& topic, Token&& token) {
        return run_on_strand([whole = core_->full_name(topic)](core_type& core) { return core.unsubscribe(whole); },
                             std::forward<Token>(token));
    }

    /**
     * @brief Starts: fetches the routes, tells the brokers, begins to share out.
     *
     * Completes when the brokers that could be reached know this member. A cluster that is away is no failure; the
     * consumer goes on asking.
     *
     * @param token  Completion token for `void(std::error_code)`: error::already_started, error::already_stopped,
     *               error::group_in_use, error::filter_refused (a broker refuses a SQL condition; the observer has its
     *               text), error::operation_cancelled (stopped meanwhile), or a resolver's error when no name server's
     *               host can be resolved, nor that of `name_server_url`; response_code::no_permission when every broker
     *               that answers denies access (the observer has its text).
     */
    template <class Token>
    auto async_start(Token&& token) {
        started_ = true;
        core_->runtime().start();
        return run_on_strand([](core_type& core) { return core.start(); }, std::forward<Token>(token));
    }

    /**
     * @brief Stops: no more pulls, running listener calls to their end, offsets confirmed, the group left.
     * @param token  Completion token for `void(std::error_code)`: error::stop_deadline_passed when listener calls were still
     *               running after `options::stop_timeout`. No listener call starts after completion.
     */
    template <class Token>
    auto async_stop(Token&& token) {
        return async_stop(settings().stop_timeout, std::forward<Token>(token));
    }
    template <class Token>
    auto async_stop(milliseconds limit, Token&& token) {
        return run_on_strand([limit](core_type& core) { return core.stop(limit); }, std::forward<Token>(token));
    }

    /// Blocking `async_start`. @throw std::system_error
    void start() {
        std::error_code failure;
        const auto why = start_and_wait(failure);
        if (failure)
            throw std::system_error(failure, "cannot start consumer of group " + settings().group +
                                                 (why.empty() ? why : ": " + why));
    }
    void start(std::error_code& failure) { start_and_wait(failure); }

    /// Blocking `async_stop`. A second call, or one before start, is no error. It ends in any case: also when a listener hangs on
    /// the consumer's own thread, or nobody runs the context that the consumer is on.
    /// @throw std::system_error  error::stop_deadline_passed
    void stop() { stop(settings().stop_timeout); }
    void stop(milliseconds limit) {
        std::error_code failure;
        stop(failure, limit);
        if (failure)
            throw std::system_error(failure, "consumer of group " + settings().group + " stopped");
    }
    void stop(std::error_code& failure) { stop(failure, settings().stop_timeout); }
    void stop(std::error_code& failure, milliseconds limit) {
        failure = core_.problem();
        if (failure)
            return;
        if (!started_.exchange(true)) { // never started: nothing runs on the strand, nobody to tell
            core_->stop_unstarted();
            return;
        }
        if (core_->runtime().running_in_this_thread() || core_->inside_listener()) {
            begin(core_->stop(limit)); // waiting here would wait for ourselves
            return;
        }
        if (core_->has_stopped())
            return;
        // Listeners, last commits, leaving the group: each has its own deadline, unless the strand does not run at all.
        const auto longest = limit + 2 * settings().request_timeout + join_limit;
        auto outcome       = begin(core_->stop(limit));
        failure            = outcome.wait_for(longest) == std::future_status::ready ? result_of(std::move(outcome))
                                                                                    : error::stop_deadline_passed;
        if (failure == error::stop_deadline_passed && !core_->has_stopped()) {
            core_->abandon();
            given_up_.store(true);
        }
        if (owns_client_)
            core_->runtime().join(join_limit);
    }

    /**
     * @brief Starts, waits for SIGINT or SIGTERM, or until somebody stops the consumer, and stops.
     *
     * The only function that handles signals; their former handlers are back when it returns.
     *
     * @throw std::system_error  As start() and stop().
     */
    void run() {
        const auto waiting =
            std::make_shared<asio::io_context>(); // shared: the strand may be slower than we to let it go
        detail::termination_signals signals(*waiting);
        start();
        signals.async_wait([waiting = waiting.get()](std::error_code, int) { waiting->stop(); });
        core_->spawn(core_type::tell_when_stopped(core_.shared(), waiting));
        waiting->run();
        stop();
    }

    /// What the consumer is doing at this moment; blocks until the strand has answered.
    /// @throw std::system_error  error::not_running
    consumer_statistics statistics() {
        if (core_->runtime().running_in_this_thread())
            return core_->statistics();
        if (!started_.load() || core_->has_stopped())
            throw std::system_error(error::not_running, "statistics of group " + settings().group);
        auto promise = std::make_shared<std::promise<consumer_statistics>>();
        auto answer  = promise->get_future();
        asio::post(core_->runtime().get_executor(),
                   [core = core_.shared(), promise] { promise->set_value(core->statistics()); });
        while (answer.wait_for(milliseconds(50)) != std::future_status::ready)
            if (core_->has_stopped()) // meanwhile, and the strand may be gone
                throw std::system_error(error::not_running, "statistics of group " + settings().group);
        return answer.get();
    }

    /// How many listener calls run at once, from now on.
    void resize(std::size_t threads) { core_->executor().resize(threads); }

    /**
     * @brief No pull begins from now on. Cached messages are consumed, as is what a pull under way brings; the queues stay ours,
     *        offsets are committed. Statistics show it.
     *
     * From any thread, before start too; not counted: one `resume` is enough.
     *
     * @par Source  Java `DefaultMQPushConsumer.suspend`. Differs: sharing out goes on.
     */
    void suspend() noexcept {
        if (!core_.problem())
            core_->suspend();
    }
    void resume() {
        core_->lift_suspension();
        later([](core_type& core) { core.wake_fetching(); });
    }

    /// The same for one queue, ours or not: also when it comes to us later. Takes effect in a moment.
    /// @param queue  Its topic with the namespace or without.
    void suspend(const message_queue& queue) {
        later([whole = core_->full_name(queue)](core_type& core) { core.suspend(whole, true); });
    }
    void resume(const message_queue& queue) {
        later([whole = core_->full_name(queue)](core_type& core) { core.suspend(whole, false); });
    }

    /**
     * @brief How much of each queue may be held, from now on; in place of the options. A popped queue's messages wait for their
     *        acknowledgement then, and their number stays within `options::max_popped_messages`, too.
     * @throw std::system_error  error::invalid_option, as the constructor.
     */
    void limit_cache(const cache_limits& limits) {
        auto with                = settings();
        with.max_cached_messages = limits.messages;
        with.max_cached_bytes    = limits.bytes;
        with.max_span            = limits.span;
        checked(with);
        later([limits](core_type& core) { core.limit_cache(limits); });
    }

    /// `options::max_consumer_bytes`, from now on. @throw std::system_error  error::invalid_option
    void limit_memory(std::size_t bytes) {
        auto with               = settings();
        with.max_consumer_bytes = bytes;
        checked(with);
        later([bytes](core_type& core) { core.memory().limit(bytes); });
    }

    /**
     * @brief Has a queue that this member holds go on at `offset`: running listener calls end (not for ever), cached messages
     *        are let go of, the offset is committed, and within a second the queue is pulled from there.
     *
     * A queue that is being taken over is waited for, `options::takeover_delay` and five seconds at most. An offset outside of
     * the queue becomes the nearest one in it, which the observer is told. On the consumer's own strand and inside a listener
     * it begins and returns.
     *
     * @param queue  Its topic with the namespace or without.
     * @throw std::system_error  error::not_our_queue, error::offset_not_confirmed, error::not_running, error::invalid_option (negative).
     */
    void seek(const message_queue& queue, queue_offset offset) {
        auto failure = make_error_code(error::invalid_option);
        if (offset >= 0)
            failure = started_.load() ? wait_for(core_->seek(core_->full_name(queue), offset)) : error::not_running;
        if (failure)
            throw std::system_error(failure, "seek to offset " + std::to_string(offset) + " of " + queue.topic + '/' +
                                                 queue.broker_name + '/' + std::to_string(queue.queue_id));
    }
    /// @param offset  Not negative. @param token  Completion token for `void(std::error_code)`, as above.
    template <class Token>
    auto async_seek(const message_queue& queue, queue_offset offset, Token&& token) {
        return run_on_strand(
            [whole = core_->full_name(queue), offset](core_type& core) { return core.seek(whole, offset); },
            std::forward<Token>(token));
    }

    const options& settings() const noexcept { return core_.look().settings(); }

  private:
    static constexpr milliseconds join_limit{2000};

    static void checked(const options& with) {
        auto problem = check(with);
        if (!problem)
            problem = check_bad_message(with, core_type::broadcasting, core_type::pops_queues);
        if (problem)
            throw std::system_error(problem.code, problem.text);
    }

    subscription checked_subscription(const std::string& topic, const filter_expression& filter) {
        auto wanted = make_subscription(core_->full_name(topic), filter, core_->subscription_version());
        if (!wanted)
            throw std::system_error(wanted.error(),
                                    wanted.error() == error::invalid_topic
                                        ? "topic \"" + topic + "\" " + describe_name_rule(name_kind::topic)
                                        : "expression \"" + filter.text + "\" selects nothing; use \"*\" for all");
        return std::move(*wanted);
    }

    /// @return A broker's text, if it is why.
    std::string start_and_wait(std::error_code& failure) {
        failure = core_.problem();
        if (failure)
            return {};
        if (core_->runtime().running_in_this_thread()) {
            failure = error::would_wait_for_itself;
            return {};
        }
        started_ = true;
        core_->runtime().start();
        const auto why = std::make_shared<std::string>();
        failure        = result_of(begin(core_->start(why)));
        return *why;
    }

    template <class Client, class... Policies>
    void assemble(options with, Listener listener, std::shared_ptr<Client> client, std::tuple<Policies...>& given) {
        core_ = std::make_shared<core_type>(std::move(with), std::move(listener), std::move(client),
                                            detail::take_policy<Allocation>(given), detail::take_policy<Offsets>(given),
                                            detail::take_policy<Executor>(given), detail::take_policy<Observer>(given));
    }

    /// Does something on the strand soon.
    template <class Work>
    void later(Work work) {
        if (!core_->has_stopped()) // else nobody may run it
            asio::post(core_->runtime().get_executor(), [core = core_.shared(), work] { work(*core); });
    }

    template <class Work, class Token>
    auto run_on_strand(Work work, Token&& token) {
        return asio::async_initiate<Token, void(std::error_code)>(
            [core = core_.shared(), work](auto handler) {
                const auto strand = core->runtime().get_executor();
                auto busy = asio::make_work_guard(handler, strand); // the handler's context shall not run dry meanwhile
                asio::co_spawn(strand, work(*core),
                               [core, busy = std::move(busy), handler = std::move(handler)](
                                   std::exception_ptr thrown, std::error_code result) mutable {
                                   if (thrown)
                                       std::rethrow_exception(thrown);
                                   asio::dispatch(busy.get_executor(),
                                                  [handler = std::move(handler), result]() mutable {
                                                      std::move(handler)(result);
                                                  });
                               });
            },
            token);
    }

    template <class T>
    using task = typename core_type::template task<T>;

    /// Keeps the promise of a blocking call. (To co_spawn with a handler for it would compile all of co_spawn once more.)
    static task<void> answer(std::shared_ptr<core_type>, task<std::error_code> work,
                             std::shared_ptr<std::promise<std::error_code>> promise) {
        try {
            promise->set_value(co_await std::move(work));
        } catch (...) {
            promise->set_exception(std::current_exception());
        }
    }

    std::future<std::error_code> begin(task<std::error_code> work) {
        auto promise = std::make_shared<std::promise<std::error_code>>();
        auto outcome = promise->get_future();
        core_->spawn(answer(core_.shared(), std::move(work), std::move(promise)));
        return outcome;
    }

    /// Begins `work`, and waits for its end unless that would be to wait for ourselves.
    std::error_code wait_for(task<std::error_code> work) {
        if (core_->has_stopped()) // nobody may run the strand any more
            return error::already_stopped;
        const bool own = core_->runtime().running_in_this_thread() || core_->inside_listener();
        auto outcome   = begin(std::move(work));
        if (own)
            return {};
        while (outcome.wait_for(milliseconds(50)) != std::future_status::ready)
            if (core_->has_stopped())
                return error::already_stopped;
        return result_of(std::move(outcome));
    }

    static std::error_code result_of(std::future<std::error_code> outcome) {
        try {
            return outcome.get();
        } catch (const std::future_error&) {
            return error::operation_cancelled; // the context was destroyed before it ran this
        }
    }

    detail::process_bound<core_type> core_;
    std::atomic<bool> started_{false};
    std::atomic<bool> given_up_{false}; ///< stop() has waited in vain; the destructor does not wait again.
    bool owns_client_ = false;
};

template <class Listener, class... Policies>
push_consumer(options, Listener, Policies...) -> push_consumer<
    typename detail::explained_listener<Listener>::type, typename detail::sorted_policies<Policies...>::transport,
    typename detail::sorted_policies<Policies...>::allocation,
    typename detail::sorted_policies<Policies...>::offset_store,
    typename detail::sorted_policies<Policies...>::executor, typename detail::sorted_policies<Policies...>::observer,
    typename detail::sorted_policies<Policies...>::runtime>;

template <transport Transport, runtime Runtime, listener Listener, class... Policies>
push_consumer(client<Transport, Runtime>&, options, Listener, Policies...)
    -> push_consumer<Listener, Transport, typename detail::sorted_policies<Policies...>::allocation,
                     typename detail::sorted_policies<Policies...>::offset_store,
                     typename detail::sorted_policies<Policies...>::executor,
                     typename detail::sorted_policies<Policies...>::observer, Runtime>;

/// The consumer with this listener and these policies, in any order: `consumer_of<on_entry, inline_executor>`.
template <listener Listener, class... Policies>
using consumer_of = push_consumer<Listener, typename detail::sorted_policies<Policies...>::transport,
                                  typename detail::sorted_policies<Policies...>::allocation,
                                  typename detail::sorted_policies<Policies...>::offset_store,
                                  typename detail::sorted_policies<Policies...>::executor,
                                  typename detail::sorted_policies<Policies...>::observer,
                                  typename detail::sorted_policies<Policies...>::runtime>;

} // namespace rocketpush

#endif
