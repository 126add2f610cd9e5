#ifndef ROCKETPUSH_REBALANCE_LOCK_KEEPER_HPP
#define ROCKETPUSH_REBALANCE_LOCK_KEEPER_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/detail/thrown.hpp>
#include <rocketpush/detail/wait_group.hpp>
#include <rocketpush/rebalance/queue_lock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Asks brokers for the locks of an orderly consumer's queues, renews them, and gives them up.
 *
 * A queue that the broker turns out to have given to another member is lost: it is given up without a commit, since its
 * offset is the other's now, and taken over anew if it is still ours. So is one whose lock was not confirmed for so long
 * that another may have had it in between.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `RebalanceImpl.lock`, `lockAll`, `unlock`.
 */
template <class Host>
class lock_keeper {
  public:
    using queue_type    = typename Host::queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using runtime_type  = typename Host::runtime_type;
    using executor_type = typename Host::executor_type;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// A renewal that failed is tried again after this: a lock is trusted for 30 s only.
    static constexpr std::chrono::milliseconds retry_delay{1000};
    /// Queues of one request at most.
    static constexpr std::size_t most_of_one_request = 1000;
    /// A lock that could not be given up would keep others waiting for a minute.
    static constexpr int unlock_attempts = 3;

    explicit lock_keeper(Host& host) : host_(host), due_(host.runtime()) {}

    /// Asks for the lock of one queue. @return Why it is not ours: error::locked_elsewhere, or that the broker could not be asked.
    task<std::error_code> ask(queue_ptr owned) {
        std::vector<queue_ptr> one{owned};
        const auto failure = co_await ask_for(std::move(one));
        if (failure)
            co_return failure;
        co_return owned->order.lock.held() ? std::error_code() : make_error_code(error::locked_elsewhere);
    }

    /// Gives the lock up unless the broker said that it is another's. @param limit  When to stop trying.
    task<void> unlock(queue_ptr owned, time_point limit) {
        if (!owned->order.lock.may_be_ours())
            co_return;
        owned->order.lock.lose();
        auto& answered = owned->idle ? *owned->idle : owned->wake;
        while (owned->order.lock.being_asked()) // ends by its timeout at the latest
            co_await answered.wait_until(time_point::max());
        for (int attempt = 1; attempt <= unlock_attempts; ++attempt) {
            std::vector<message_queue> one{owned->queue};
            const auto failure =
                co_await host_.calls().unlock(host_.settings().group, host_.client_id(), std::move(one));
            if (!failure || failure == response_code::no_permission || host_.runtime().now() >= limit)
                break;
        }
    }

    /// Renews all locks, again and again, until the consumer has stopped.
    static task<void> run(std::shared_ptr<Host> host) {
        auto& self = host->locks();
        auto next  = host->runtime().now() + host->settings().lock_renew_interval;
        while (!host->has_stopped()) {
            co_await self.due_.wait_until(next);
            if (host->has_stopped())
                break;
            const auto begun  = host->runtime().now();
            const auto failed = co_await self.renew();
            next              = begun + (failed ? std::min(retry_delay, host->settings().lock_renew_interval)
                                                : host->settings().lock_renew_interval);
        }
    }
    /// Has all locks renewed now: some may have to be held at another broker.
    void renew_soon() { due_.wake(); }
    /// The consumer has stopped.
    void stop() { due_.wake(); }

  private:
    /// @return Whether some broker could not be asked.
    task<bool> renew() {
        std::map<std::string, std::vector<std::vector<queue_ptr>>> due; // by broker, in pieces
        for (const auto& owned : host_.queues().all()) {
            if (!owned->order.lock.held())
                continue;
            auto& pieces = due[std::string(host_.routes().home(owned->queue))];
            if (pieces.empty() || pieces.back().size() == most_of_one_request)
                pieces.emplace_back();
            pieces.back().push_back(owned);
        }
        const auto failed   = std::make_shared<bool>(false);
        const auto renewals = std::make_shared<detail::wait_group<runtime_type>>(host_.runtime());
        for (auto& [broker, pieces] : due)
            for (auto& piece : pieces)
                renewals->spawn(renew_some(host_.shared_from_this(), std::move(piece), failed));
        co_await renewals->wait();
        co_return *failed;
    }

    static task<void> renew_some(std::shared_ptr<Host> host, std::vector<queue_ptr> some,
                                 std::shared_ptr<bool> failed) {
        const std::string broker(host->routes().home(some.front()->queue));
        const auto failure = co_await host->locks().ask_for(std::move(some));
        if (failure) {
            *failed = true;
            host->observe().on_lock_failure(broker, failure);
            host->group_refused(failure);
        }
    }

    /// One request for queues of one broker, and what its answer makes of each. @return Why there is no answer.
    task<std::error_code> ask_for(std::vector<queue_ptr> some) {
        std::vector<message_queue> wanted;
        for (const auto& each : some)
            wanted.push_back(each->queue);
        for (const auto& each : some)
            each->order.lock.asking();
        const auto sent = host_.runtime().now();
        result<std::vector<message_queue>> locked(error::operation_cancelled);
        try {
            locked = co_await host_.calls().lock(host_.settings().group, host_.client_id(), std::move(wanted));
        } catch (...) { // no memory
            locked = detail::code_of_thrown();
        }
        for (const auto& each : some) {
            each->order.lock.asked();
            if (each->dropped) { // who gives it up may wait for this
                each->wake.wake();
                each->wake_idle();
            }
        }
        if (!locked)
            co_return locked.error();
        std::ranges::sort(*locked);
        const auto now = host_.runtime().now();
        for (const auto& each : some) {
            auto& lock = each->order.lock;
            if (!std::ranges::binary_search(*locked, each->queue) && !ROCKETPUSH_PLANTED(refused_lock_ignored)) {
                if (lock.refused(sent))
                    host_.queues().lose(*each, error::locked_elsewhere);
            } else if (lock.confirmed(sent, now) == lock_change::interrupted) {
                lock.lose();
                host_.queues().lose(*each, error::lock_expired);
            }
        }
        co_return std::error_code();
    }

    Host& host_;
    detail::wake_up<runtime_type> due_;
};

} // namespace rocketpush

#endif
