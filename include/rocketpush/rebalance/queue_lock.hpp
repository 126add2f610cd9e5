#ifndef ROCKETPUSH_REBALANCE_QUEUE_LOCK_HPP
#define ROCKETPUSH_REBALANCE_QUEUE_LOCK_HPP

#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/shared_cell.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <chrono>
#include <cstdint>

namespace rocketpush {

/// What a broker's answer makes of a lock.
enum class lock_change : std::uint8_t {
    gained,     ///< It is ours now.
    kept,       ///< It was ours all the time.
    interrupted ///< It is ours again, and may have been another member's in between.
};

/**
 * @brief The lock of one queue at its broker, as this member knows it.
 *
 * A broker gives a queue to one member of the group until 60 s have passed since that member's last request. Here a lock is
 * trusted for 30 s from the time of *sending* the request that was confirmed, so that it ends here before it does there,
 * whatever the answer's way took. A lock that was confirmed within 60 s cannot have been another's meanwhile.
 *
 * @tparam Concurrent  Whether `trusted` is asked by other threads than the strand.
 * @par Thread safety  `trusted` from any thread; the rest on the strand.
 * @par Source  Java `ProcessQueue.isLocked`, `isLockExpired`, `RebalanceImpl.lock`. Differs: Java counts from the answer.
 */
template <bool Concurrent>
class queue_lock {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds trust{30};
    static constexpr std::chrono::seconds life_at_broker{60};

    /// No broker is asked: the queue is nobody else's.
    void not_needed() noexcept {
        state_ = lock_state::not_needed;
        trust_until(time_point::max());
    }

    /// A request for it goes out. From here on the broker may think that it is ours.
    void asking() noexcept {
        may_be_ours_ = true;
        ++asked_;
    }
    /// It was answered, or will not be.
    void asked() noexcept { --asked_; }
    /// Whether a request is under way: to give the lock up now might come before it.
    bool being_asked() const noexcept { return asked_ != 0; }

    /// The broker has it as ours. @param sent  When it was asked. @param now  When it answered.
    lock_change confirmed(time_point sent, time_point now) noexcept {
        const bool had    = state_ == lock_state::held;
        const bool broken = had && now - confirmed_ > life_at_broker;
        if (!had || sent > confirmed_)
            confirmed_ = sent;
        state_ = lock_state::held;
        trust_until(confirmed_ + (ROCKETPUSH_PLANTED(lock_trusted_too_long) ? std::chrono::hours(1) : trust));
        return broken ? lock_change::interrupted : had ? lock_change::kept : lock_change::gained;
    }

    /// The broker has it as another member's. @return Whether we had it. False also for an answer that a later one has overtaken.
    bool refused(time_point sent) noexcept {
        if (state_ == lock_state::held && sent < confirmed_)
            return false;
        may_be_ours_ = false;
        return lose();
    }

    /// It is not to be trusted any more, and nothing of the queue may be committed. @return Whether we had it.
    bool lose() noexcept {
        const bool had = state_ == lock_state::held;
        state_         = had ? lock_state::lost : lock_state::not_held;
        trust_until(time_point::min());
        return had;
    }

    bool trusted(time_point now) const noexcept {
        return now.time_since_epoch().count() < trusted_until_.load(std::memory_order_relaxed);
    }

    /// Held once, and not lost since: what expired can still be confirmed.
    bool held() const noexcept { return state_ == lock_state::held || state_ == lock_state::not_needed; }
    bool may_be_ours() const noexcept { return may_be_ours_; }
    bool needed() const noexcept { return state_ != lock_state::not_needed; }
    /// When the request was sent that was confirmed last.
    time_point last_confirmed() const noexcept { return confirmed_; }

    /// For statistics.
    lock_state state(time_point now) const noexcept {
        return state_ == lock_state::held && !trusted(now) ? lock_state::expired : state_;
    }

  private:
    void trust_until(time_point until) noexcept {
        trusted_until_.store(until.time_since_epoch().count(), std::memory_order_relaxed);
    }

    time_point confirmed_{};
    detail::shared_cell<time_point::rep, Concurrent> trusted_until_{time_point::min().time_since_epoch().count()};
    lock_state state_ = lock_state::not_held;
    bool may_be_ours_ = false;
    int asked_        = 0;
};

} // namespace rocketpush

#endif
