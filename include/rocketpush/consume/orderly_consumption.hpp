#ifndef ROCKETPUSH_CONSUME_ORDERLY_CONSUMPTION_HPP
#define ROCKETPUSH_CONSUME_ORDERLY_CONSUMPTION_HPP

#include <rocketpush/consume/call_watch.hpp>
#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/consume/consume_job.hpp>
#include <rocketpush/consume/direct_call.hpp>
#include <rocketpush/consume/orderly.hpp>
#include <rocketpush/consume/pool_dispatch.hpp>
#include <rocketpush/consume/queue_order.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/out_of_line.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/strand_gate.hpp>
#include <rocketpush/executor/executor_policy.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief Runs the listener on the messages of each queue in order: one call at a time in a queue, as many queues at once as
 *        the executor allows.
 *
 * A queue with messages gets a turn: one job for the executor, which calls the listener with slice after slice until nothing
 * is left, something is in the way (`turn_step`), or 60 s are over. The strand hears of the end, retires what is finished,
 * and sees to what was in the way. With an awaitable listener a turn is a coroutine on the executor, at most as many of them
 * as calls may run at once.
 *
 * @tparam Wrapper  `orderly<L>` or `orderly_manual<L>`.
 * @tparam Host     The consumer; see consumer_core.
 * @par Thread safety  `dispatch`, `begin_turn`, `turn_ran`, `forget_exhausted`, `shut` on the strand.
 * @par Source         Java `ConsumeMessageOrderlyService`.
 */
template <class Wrapper, executor_policy Executor, observer Observer, runtime Runtime, class Host>
class orderly_consumption {
  public:
    using traits     = orderly_traits<Wrapper>;
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr bool in_order = true;
    /// Whether listener calls may be on other threads than the strand.
    static constexpr bool concurrent = Executor::concurrent;
    /// Whether a turn is over when it was handed over.
    static constexpr bool immediate = !concurrent && !traits::awaitable;
    /// Whether threads of the executor call the listener.
    static constexpr bool by_pool = concurrent && !traits::awaitable;

    using batch_type = pulled_batch<concurrent>;
    using order_type = queue_order<concurrent, traits::manual>;
    using call_type  = typename order_type::call;
    using owner_type = std::conditional_t<immediate, Host*, std::shared_ptr<Host>>;
    using job        = consume_job<orderly_consumption, order_type, owner_type>;

    orderly_consumption(Wrapper listener, Executor executor, Observer& observer, Runtime& runtime)
        : listener_(std::move(listener)),
          executor_(std::move(executor)),
          observer_(observer),
          runtime_(runtime),
          calls_(observer_, runtime_),
          gate_(runtime.get_executor()),
          pool_(*this, executor_, runtime_, gate_) {}
    orderly_consumption(const orderly_consumption&)            = delete;
    orderly_consumption& operator=(const orderly_consumption&) = delete;

    /// The executor may have been told another number of threads.
    void start(const options& with) {
        calls_.start(with.consume_timeout);
        batch_size_ = static_cast<std::uint32_t>(with.consume_batch_size);
        pause_      = with.suspend_interval;
        executor_.start(with.consume_threads);
        threads_ = with.consume_threads;
    }

    Executor& executor() noexcept { return executor_; }

    /// A batch was appended to its queue; `owner` is kept while a turn is out.
    template <class Queue>
    void dispatch(Queue& queue, batch_type& batch, owner_type owner) {
        batch.heard = true; // no runner is in a batch: it is the queue that has one
        if constexpr (by_pool) {
            if (queue.order.out) // it may be over, and only to be heard of
                pool_.collect(*owner);
        }
        begin_turn(queue, std::move(owner));
    }

    /// Has the queue consumed, unless it is already, or something is in the way.
    template <class Queue>
    void begin_turn(Queue& queue, owner_type owner) {
        order_type& order = queue.order;
        if (queue.dropped || order.out || order.held_up)
            return;
        order.plan(queue.cache, most_batches(), slice_size());
        const auto now = runtime_.now();
        order.turn.begin(now);
        const auto step = order.next(order.has_plan(), abandoned_.load(std::memory_order_relaxed), now);
        if (step == turn_step::lock_first)
            owner->regain_lock(queue);
        if (step != turn_step::consume)
            return;
        order.home = &queue;
        order.out  = true;
        if constexpr (traits::awaitable) {
            waiting_.push_back(job(*this, order, std::move(owner)));
            start_lanes();
        } else if constexpr (by_pool) {
            pool_.dispatch(order, std::move(owner));
        } else {
            executor_.execute(job(*this, order, std::move(owner)));
        }
    }

    void collect(Host& host) {
        if constexpr (by_pool)
            pool_.collect(host);
    }
    void collect_soon(Host& host) {
        if constexpr (by_pool)
            pool_.collect_soon(host);
    }

    /// Whether a turn is worth one more thread.
    bool worth_a_thread(const order_type& order) const noexcept { return call_length_.are_long(order.planned_calls()); }

    /// Lets go of turns that wait for a lane and whose queue was given up.
    void forget_exhausted() {
        if constexpr (traits::awaitable)
            std::erase_if(waiting_, [](const job& each) { return each.work().is_given_up(); });
    }

    /// Whether this thread is in a listener call of ours. (One that is awaited may be in any of the executor's threads.)
    bool inside_listener() const noexcept {
        if constexpr (traits::awaitable && requires { executor_.get_executor().running_in_this_thread(); })
            return executor_.get_executor().running_in_this_thread();
        else
            return running_here_ == this;
    }

    /// Nothing reaches the strand any more, whatever runners do. Call when the consumer has stopped.
    void shut() {
        gate_.shut();
        if constexpr (by_pool)
            pool_.shut();
    }

    /// From any thread: no further listener call begins, whatever is still to be consumed.
    void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }

    /// One listener call beside all others; see direct_call.
    template <class Done>
    void consume_directly(message one, owner_type owner, Done done) {
        direct_call<orderly_consumption, Done>::begin(*this, std::move(one), std::move(owner), std::move(done));
    }

  private:
    friend job;
    template <class, class>
    friend class direct_call;

    using watch_type    = call_watch<Observer, Runtime>;
    using followed_call = typename watch_type::call;

    /// One runner's work, called by the executor (through the job).
    void run(const job&, order_type& order) {
        if constexpr (!traits::awaitable) {
            if (!order.claim())
                return;
            const auto outer = std::exchange(running_here_, this);
            {
                turn_watch watch(*this, order);
                while (const auto call = next_call(order))
                    consume(order, call);
            }
            running_here_ = outer;
        }
    }

    /// The turn is over and nobody has a share in it.
    void left(order_type& order, owner_type& owner) {
        if constexpr (immediate)
            owner->batch_ran(order);
        else if constexpr (by_pool)
            pool_.left(order, owner);
        else
            gate_.post([owner = std::move(owner), &order] { owner->batch_ran(order); });
    }

    call_type next_call(order_type& order) noexcept {
        return order.next_call(slice_size(), abandoned_.load(std::memory_order_relaxed), runtime_.now());
    }

    /// Messages of one listener call; a listener of one message gets one, whatever the options say.
    std::uint32_t slice_size() const noexcept {
        if constexpr (traits::batch)
            return batch_size_;
        else
            return 1;
    }

    /// A turn goes on while there are messages; but when calls are long the strand hears after each batch, to pull more.
    std::size_t most_batches() const noexcept {
        return !immediate && call_length_.are_long(32) ? 1 : std::numeric_limits<std::size_t>::max();
    }

    /// Begins a turn, and sums up what it took.
    struct turn_watch {
        turn_watch(orderly_consumption& consumption, order_type& of) noexcept
            : from(consumption), order(of), since(from.runtime_.now()), calls_before(of.counts.calls) {
            order.turn.begin(since);
        }
        turn_watch(const turn_watch&)            = delete;
        turn_watch& operator=(const turn_watch&) = delete;
        ~turn_watch() {
            const std::chrono::nanoseconds spent = from.runtime_.now() - since;
            from.call_length_.note(order.counts.calls - calls_before, spent);
            order.counts.consume_time += spent;
        }

        orderly_consumption& from;
        order_type& order;
        time_point since;
        std::uint64_t calls_before;
    };

    void consume(order_type& order, const call_type& call) {
        const auto messages = call.batch->views(call.slice);
        orderly_context context{*call.batch->origin.queue};
        observer_.before_consume(messages, consume_context{context.queue});
        auto followed = calls_.begin(messages);
        auto result   = orderly_result::suspend;
        try {
            if constexpr (traits::silent) {
                traits::call(listener_, messages, context);
                result = orderly_result::commit;
            } else {
                result = as_orderly(traits::call(listener_, messages, context));
            }
        } catch (...) {
            calls_.threw(followed);
            observer_.on_listener_exception(context.queue, std::current_exception());
        }
        settle(order, call, followed, context, result);
    }

    static constexpr orderly_result as_orderly(orderly_result result) noexcept { return result; }
    static constexpr orderly_result as_orderly(consume_result result) noexcept {
        return result == consume_result::success ? orderly_result::commit : orderly_result::suspend;
    }

    void settle(order_type& order, const call_type& call, const followed_call& followed, const orderly_context& context,
                orderly_result result) {
        const bool good = result == orderly_result::success || result == orderly_result::commit ||
                          ROCKETPUSH_PLANTED(failed_turn_goes_on);
        observer_.after_consume(call.batch->views(call.slice), consume_context{context.queue},
                                good ? consume_result::success : consume_result::reconsume_later);
        calls_.end(call.batch->views(call.slice), followed, good);
        ++order.counts.calls;
        (good ? order.counts.succeeded : order.counts.failed) += call.slice.count;
        if (good) {
            if constexpr (traits::manual) {
                order.keep(call);
                if (result == orderly_result::commit)
                    order.commit();
            } else {
                for (auto i = call.slice.first; i < call.slice.first + call.slice.count; ++i)
                    call.batch->mark_finished(i);
            }
            return;
        }
        const bool rolled_back = result == orderly_result::rollback;
        if (rolled_back)
            order.roll_back();
        order.suspend(rolled_back ? call_type() : call, context.suspend_for.value_or(pause_), runtime_.now());
    }

    // Lanes: awaitable listeners only. All of this is on the strand, but for the lanes themselves.

    /// An executor without threads has no limit of its own.
    std::size_t lane_limit() const noexcept { return concurrent ? executor_.concurrency() : threads_; }

    void start_lanes() {
        while (lanes_ < lane_limit() && !waiting_.empty()) {
            ++lanes_;
            job next = std::move(waiting_.front());
            waiting_.pop_front();
            spawn_lane(std::move(next));
        }
    }

    void spawn_lane(job share) {
        if constexpr (traits::awaitable) {
            share.work().claim();
            if constexpr (requires { executor_.get_executor(); })
                asio::co_spawn(executor_.get_executor(), lane(*this, std::move(share)), asio::detached);
            else
                asio::co_spawn(runtime_.get_executor(), lane(*this, std::move(share)), asio::detached);
        }
    }

    static auto lane_type() {
        if constexpr (traits::awaitable)
            return std::type_identity<
                asio::awaitable<void, typename detail::awaited<typename traits::answer>::executor>>();
        else
            return std::type_identity<void>();
    }
    using lane_awaitable = typename decltype(lane_type())::type;

    template <class Result = lane_awaitable>
    static Result lane(orderly_consumption& here, job share) {
        order_type& order = share.work();
        {
            turn_watch watch(here, order);
            for (auto call = here.next_call(order); call; call = here.next_call(order)) {
                const auto messages = call.batch->views(call.slice);
                orderly_context context{*call.batch->origin.queue};
                auto followed = detail::out_of_line([&] {
                    here.observer_.before_consume(messages, consume_context{context.queue});
                    return here.calls_.begin(messages);
                });
                auto result   = orderly_result::suspend;
                try {
                    const auto listen = [&]() -> decltype(auto) {
                        return traits::call(here.listener_, messages, context);
                    };
                    if constexpr (traits::silent) {
                        co_await detail::out_of_line(listen);
                        result = orderly_result::commit;
                    } else {
                        const auto answer = co_await detail::out_of_line(listen);
                        result            = as_orderly(answer);
                    }
                } catch (...) {
                    here.calls_.threw(followed);
                    here.observer_.on_listener_exception(context.queue, std::current_exception());
                }
                detail::out_of_line([&] { here.settle(order, call, followed, context, result); });
            }
        }
        auto owner = share.owner();
        here.gate_.post([owner, &here, last = std::move(share)] {
            --here.lanes_;
            here.start_lanes();
        });
    }

    static inline thread_local const orderly_consumption* running_here_ = nullptr;

    Wrapper listener_;
    Executor executor_;
    Observer& observer_;
    Runtime runtime_;
    [[no_unique_address]] watch_type calls_;
    detail::strand_gate<typename Runtime::executor_type> gate_;
    std::uint32_t batch_size_ = 1;
    std::chrono::milliseconds pause_{1000};
    std::atomic<bool> abandoned_{false};
    call_length call_length_;
    struct no_pool {
        template <class... Parts>
        explicit no_pool(Parts&...) noexcept {}
    };
    std::conditional_t<by_pool, pool_dispatch<orderly_consumption, order_type, Host, Executor, Runtime>, no_pool> pool_;

    std::deque<job> waiting_; ///< Turns that no lane has begun, oldest first.
    std::size_t lanes_   = 0;
    std::size_t threads_ = 1;
};

template <wrapped_in_order Wrapper>
struct consumption_of<Wrapper> {
    template <executor_policy Executor, observer Observer, runtime Runtime, class Host>
    using type = orderly_consumption<Wrapper, Executor, Observer, Runtime, Host>;
};

} // namespace rocketpush

#endif
