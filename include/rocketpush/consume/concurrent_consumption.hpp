#ifndef ROCKETPUSH_CONSUME_CONCURRENT_CONSUMPTION_HPP
#define ROCKETPUSH_CONSUME_CONCURRENT_CONSUMPTION_HPP

#include <rocketpush/consume/call_watch.hpp>
#include <rocketpush/consume/consume_job.hpp>
#include <rocketpush/consume/direct_call.hpp>
#include <rocketpush/consume/listener.hpp>
#include <rocketpush/consume/pool_dispatch.hpp>
#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/out_of_line.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/strand_gate.hpp>
#include <rocketpush/executor/executor_policy.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace rocketpush {

/// What a consumption needs of the consumer that it works for.
template <class H, class Batch>
concept consumption_host = requires(H& host, Batch& batch) {
    host.batch_ran(batch);        ///< On the strand: the last runner has left the batch.
    host.batch_has_failed(batch); ///< On the strand: messages of the batch are to come again.
};

/// What is kept of the order of a queue's messages, and of its lock, when they are consumed in none.
struct no_order {
    static constexpr bool listener_commits = false;

    static constexpr bool busy() noexcept { return false; }
    template <class Runtime>
    static constexpr bool may_commit(const Runtime&) noexcept {
        return true;
    }
    static constexpr void give_up() noexcept {}
};

/**
 * @brief Runs the listener on pulled batches, in no order, as many calls at once as the executor allows.
 *
 * A batch is handed to the executor once. With a listener that answers at once, runners claim slices of it and call the
 * listener one slice after the other. One that defers its answers gets a share of the batch with each message. With an
 * awaitable one, lanes do: coroutines on the executor, at most as many
 * over all batches as calls may run at once, each claiming slices until its batch has none left.
 *
 * The listener's exceptions end here: they become "consume later" and an event.
 *
 * @par Thread safety  `dispatch`, `forget_exhausted`, `shut` on the strand.
 * @par Source         Java `ConsumeMessageConcurrentlyService`.
 */
template <listener Listener, executor_policy Executor, observer Observer, runtime Runtime, class Host>
class concurrent_consumption {
  public:
    using traits = listener_traits<Listener>;

    static constexpr bool in_order = false;

    /// Whether messages may be marked by other threads than the strand.
    static constexpr bool concurrent = Executor::concurrent || traits::deferred;
    /// Whether a batch has run when `dispatch` returns.
    static constexpr bool immediate = !concurrent && !traits::awaitable;
    /// Whether threads of the executor call the listener.
    static constexpr bool by_pool = Executor::concurrent && !traits::awaitable;

    using batch_type = pulled_batch<concurrent>;
    using order_type = no_order;
    using owner_type = std::conditional_t<immediate, Host*, std::shared_ptr<Host>>;
    using job        = consume_job<concurrent_consumption, batch_type, owner_type>;

    concurrent_consumption(Listener listener, Executor executor, Observer& observer, Runtime& runtime)
        : listener_(std::move(listener)),
          executor_(std::move(executor)),
          observer_(observer),
          runtime_(runtime),
          calls_(observer_, runtime_),
          gate_(runtime.get_executor()),
          pool_(*this, executor_, runtime_, gate_) {}
    concurrent_consumption(const concurrent_consumption&)            = delete;
    concurrent_consumption& operator=(const concurrent_consumption&) = delete;

    void start(const options& with) {
        calls_.start(with.consume_timeout);
        start(with.consume_threads, with.consume_batch_size);
    }
    /// @param threads  How many calls run at once, unless the executor was told another number.
    void start(std::size_t threads, std::size_t batch_size) {
        batch_size_ = static_cast<std::uint32_t>(batch_size);
        executor_.start(threads);
        threads_ = threads;
    }

    Executor& executor() noexcept { return executor_; }

    /// Hands a prepared batch over; `owner` is kept until it has run.
    void dispatch(batch_type& batch, owner_type owner) {
        if constexpr (traits::awaitable) {
            waiting_.push_back(job(*this, batch, std::move(owner)));
            start_lanes();
        } else if constexpr (by_pool) {
            pool_.dispatch(batch, std::move(owner));
        } else {
            executor_.execute(job(*this, batch, std::move(owner)));
        }
    }

    /// Has `host` hear of the batches that have run, without being told; for those who want to know now.
    void collect(Host& host) {
        if constexpr (by_pool)
            pool_.collect(host);
    }
    /// And of the next one as soon as it has.
    void collect_soon(Host& host) {
        if constexpr (by_pool)
            pool_.collect_soon(host);
    }

    /// Whether what is left of a batch is worth one more thread.
    bool worth_a_thread(const batch_type& batch) const noexcept {
        return call_length_.are_long((batch.unclaimed_count() + slice_size() - 1) / slice_size());
    }

    /// Lets go of batches that wait for a lane and have nothing left to claim: those of queues that were given up.
    void forget_exhausted() {
        if constexpr (traits::awaitable)
            std::erase_if(waiting_, [](const job& each) { return !each.work().has_unclaimed(); });
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
        direct_call<concurrent_consumption, Done>::begin(*this, std::move(one), std::move(owner), std::move(done));
    }

  private:
    friend job;
    template <class, class>
    friend class direct_call;

    using watch_type    = call_watch<Observer, Runtime>;
    using followed_call = typename watch_type::call;

    /// One runner's work, called by the executor (through the job).
    void run(const job& self, batch_type& batch) {
        if constexpr (traits::deferred) {
            const auto outer    = std::exchange(running_here_, this);
            const auto since    = runtime_.now();
            std::uint64_t calls = 0;
            for (auto slice = claim(batch); slice; slice = claim(batch), ++calls)
                hand_out(self, batch, slice);
            call_length_.note(calls, runtime_.now() - since);
            running_here_ = outer;
        } else if constexpr (!traits::awaitable) {
            const auto outer = std::exchange(running_here_, this);
            {
                runner_counts counts(*this, batch);
                while (const auto slice = claim(batch))
                    consume(self, batch, slice, counts);
            }
            running_here_ = outer;
        }
    }

    batch_slice claim(batch_type& batch) noexcept {
        return abandoned_.load(std::memory_order_relaxed) ? batch_slice() : batch.claim(slice_size());
    }

    /// Messages of one listener call; a listener of one message gets one, whatever the options say.
    std::uint32_t slice_size() const noexcept {
        if constexpr (traits::batch)
            return batch_size_;
        else
            return 1;
    }

    /// The last runner left `batch`.
    void left(batch_type& batch, owner_type& owner) {
        if constexpr (immediate)
            owner->batch_ran(batch);
        else if constexpr (by_pool)
            pool_.left(batch, owner);
        else
            gate_.post([owner = std::move(owner), &batch] { owner->batch_ran(batch); });
    }

    /// What one runner did; goes into the batch once, when the runner is done with it.
    struct runner_counts {
        runner_counts(concurrent_consumption& consumption, batch_type& batch) noexcept
            : from(consumption), into(batch), since(consumption.runtime_.now()) {}
        runner_counts(const runner_counts&)            = delete;
        runner_counts& operator=(const runner_counts&) = delete;
        ~runner_counts() {
            const std::chrono::nanoseconds spent = from.runtime_.now() - since;
            if constexpr (by_pool && !traits::deferred)
                from.call_length_.note(calls, spent);
            into.tally.calls.fetch_add(calls, std::memory_order_relaxed);
            into.tally.succeeded.fetch_add(succeeded, std::memory_order_relaxed);
            into.tally.failed.fetch_add(failed, std::memory_order_relaxed);
            into.tally.nanoseconds.fetch_add(static_cast<std::uint64_t>(spent.count()), std::memory_order_relaxed);
        }

        concurrent_consumption& from;
        batch_type& into;
        std::chrono::steady_clock::time_point since;
        std::uint64_t calls = 0, succeeded = 0, failed = 0;
    };

    void consume(const job& self, batch_type& batch, batch_slice slice, runner_counts& counts) {
        const auto messages = batch.views(slice);
        consume_context context{*batch.origin.queue};
        observer_.before_consume(messages, context);
        auto call   = calls_.begin(messages);
        auto result = consume_result::reconsume_later;
        try {
            if constexpr (traits::silent) {
                traits::call(listener_, messages, context);
                result = consume_result::success;
            } else {
                result = traits::call(listener_, messages, context);
            }
        } catch (...) {
            calls_.threw(call);
            observer_.on_listener_exception(context.queue, std::current_exception());
        }
        settle(self, batch, slice, context, call, result, counts);
    }

    void settle(const job& self, batch_type& batch, batch_slice slice, const consume_context& context,
                const followed_call& call, consume_result result, runner_counts& counts) {
        observer_.after_consume(batch.views(slice), context, result);
        calls_.end(batch.views(slice), call, result == consume_result::success);
        if constexpr (!traits::batch)
            slice.count = 1; // as it is; so the loops below are none
        const auto whole = ROCKETPUSH_PLANTED(part_is_whole) ? slice.count : std::min<std::size_t>(context.succeeded, slice.count);
        const auto good  = result == consume_result::success ? whole : 0;
        const auto end  = slice.first + slice.count;
        auto each       = slice.first;
        for (; each < slice.first + good; ++each)
            batch.mark_finished(each);
        ++counts.calls;
        counts.succeeded += good;
        if (each == end)
            return;
        counts.failed += end - each;
        for (; each < end; ++each)
            batch.mark_failed(each, context.delay_level);
        if constexpr (!immediate) // else the strand looks at the batch right after it ran
            gate_.post([self] { self.owner()->batch_has_failed(self.work()); });
    }

    /// Gives the listener one message to complete later. The share of the batch that goes with it ends in `finish`.
    void hand_out(const job& self, batch_type& batch, batch_slice slice) {
        const auto messages = batch.views(slice);
        const consume_context context{*batch.origin.queue};
        observer_.before_consume(messages, context);
        const auto call = calls_.begin(messages);
        batch.enter();
        try { // it ends inside: whoever completes it by an exception is seen to do so
            deferred_message message(messages.front(), {&finish, this, &batch, self.owner(), slice.first,
                                                        runtime_.now(), calls_.keep(call)});
            listener_(std::move(message));
        } catch (...) {
            observer_.on_listener_exception(context.queue, std::current_exception());
        }
    }

    /// From any thread, and perhaps long after the consumer has stopped.
    static void finish(detail::deferred_share& share, consume_result result, int delay_level) {
        auto& here      = *static_cast<concurrent_consumption*>(share.consumption);
        auto& batch     = *static_cast<batch_type*>(share.batch);
        const auto self = job::adopt(here, batch, std::static_pointer_cast<Host>(std::move(share.owner)));
        runner_counts counts(here, batch);
        counts.since = share.since;
        consume_context context{*batch.origin.queue, delay_level};
        const auto call = here.calls_.kept(share.call, std::uncaught_exceptions() > 0);
        here.settle(self, batch, {share.index, 1}, context, call, result, counts);
    }

    // Lanes: awaitable listeners only. All of this is on the strand, but for the lanes themselves.

    /// An executor without threads has no limit of its own.
    std::size_t lane_limit() const noexcept { return concurrent ? executor_.concurrency() : threads_; }

    void start_lanes() {
        while (lanes_ < lane_limit() && !waiting_.empty() && !abandoned_.load(std::memory_order_relaxed)) {
            if (!waiting_.front().work().has_unclaimed()) {
                waiting_.pop_front();
                continue;
            }
            ++lanes_;
            // A slice is claimed by the lane itself, so the job stays in front until it is seen to be exhausted.
            spawn_lane(waiting_.front());
            if (waiting_.empty()) // the call has begun there and then, and may have ended all
                break;
            if (waiting_.size() > 1 || !waiting_.front().work().has_unclaimed())
                std::rotate(waiting_.begin(), waiting_.begin() + 1, waiting_.end());
        }
    }

    void spawn_lane(const job& share) {
        if constexpr (traits::awaitable) {
            const auto first = share.work().claim(slice_size());
            if (!first) {
                --lanes_;
                return;
            }
            if constexpr (requires { executor_.get_executor(); })
                asio::co_spawn(executor_.get_executor(), lane(*this, share, first), asio::detached);
            else
                asio::co_spawn(runtime_.get_executor(), lane(*this, share, first), asio::detached);
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
    static Result lane(concurrent_consumption& here, job share, batch_slice slice) {
        batch_type& batch = share.work();
        {
            runner_counts counts(here, batch);
            do {
                const auto messages = batch.views(slice);
                consume_context context{*batch.origin.queue};
                auto call   = detail::out_of_line([&] {
                    here.observer_.before_consume(messages, context);
                    return here.calls_.begin(messages);
                });
                auto result = consume_result::reconsume_later;
                try {
                    const auto listen = [&]() -> decltype(auto) {
                        return traits::call(here.listener_, messages, context);
                    };
                    if constexpr (traits::silent) {
                        co_await detail::out_of_line(listen);
                        result = consume_result::success;
                    } else {
                        result = co_await detail::out_of_line(listen);
                    }
                } catch (...) {
                    if (ROCKETPUSH_PLANTED(exception_is_success))
                        result = consume_result::success;
                    here.calls_.threw(call);
                    here.observer_.on_listener_exception(context.queue, std::current_exception());
                }
                detail::out_of_line([&] { here.settle(share, batch, slice, context, call, result, counts); });
                slice = here.claim(batch);
            } while (slice);
        }
        auto owner = share.owner();
        here.gate_.post([owner, &here, last = std::move(share)] {
            --here.lanes_;
            here.start_lanes();
        });
    }

    static inline thread_local const concurrent_consumption* running_here_ = nullptr;

    Listener listener_;
    Executor executor_;
    Observer& observer_;
    Runtime runtime_;
    [[no_unique_address]] watch_type calls_;
    detail::strand_gate<typename Runtime::executor_type> gate_;
    std::uint32_t batch_size_ = 1;
    std::atomic<bool> abandoned_{false};
    call_length call_length_;
    struct no_pool {
        template <class... Parts>
        explicit no_pool(Parts&...) noexcept {}
    };
    std::conditional_t<by_pool, pool_dispatch<concurrent_consumption, batch_type, Host, Executor, Runtime>, no_pool>
        pool_;

    std::deque<job> waiting_; ///< Batches with messages that no lane has claimed, oldest first.
    std::size_t lanes_   = 0;
    std::size_t threads_ = 1;
};

/// What runs a listener: this, unless it is wrapped in another's word.
template <class Listener>
struct consumption_of {
    template <executor_policy Executor, observer Observer, runtime Runtime, class Host>
    using type = concurrent_consumption<Listener, Executor, Observer, Runtime, Host>;
};

} // namespace rocketpush

#endif
